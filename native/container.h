/*
 * A container of tare-oci, as its front end sees it: the file `container` in the container's own directory, written once
 * when it has been created (src/oci/container-file.ts). All positions are offsets from its first byte.
 *
 *      0 ┌──────────────────┐
 *        │ struct container │
 *        ├──────────────────┤
 *        │ state            │  the answer to `state`, but for what changes: three texts around the pid and the status
 *        │ programs         │  later verbs, compiled ahead of time; what has none is done by Node
 *        └──────────────────┘ size, the last byte is NUL
 *
 * Beside it lie `start`, the socket that the container waits on, until somebody has said start; and `container.json`,
 * which Node reads. Programs run in this directory.
 */
#ifndef TARE_CONTAINER_H
#define TARE_CONTAINER_H

#include <stdint.h>

#include "guard.h"

#define CONTAINER_MAGIC 0x3149434fu /* "OCI1" */

enum verb { START, KILL, PAUSE, RESUME, DELETE, STATE, CREATE };
#define PROGRAMS 5

struct container {
  uint32_t magic;
  uint32_t size;
  uint64_t started;              /* of its first process: proc_pid_stat(5), starttime */
  int32_t pid;
  uint32_t events;               /* path of its cgroup.events; an empty one without a cgroup */
  struct span state[3];
  struct span programs[PROGRAMS]; /* by verb; count 0: none */
  uint32_t pidfd;                /* cells of the program KILL, from its start: filled in before it runs */
  uint32_t signal;
};

#endif
