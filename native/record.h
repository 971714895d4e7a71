/*
 * A launch on record: what TypeScript decided once (src/launch/record.ts), for tare-replay to do again without it.
 *
 *      0 ┌──────────────────┐
 *        │ struct record    │  what is where; all positions are offsets from its first byte
 *        ├──────────────────┤
 *        │ key              │  the words of the command line that led here
 *        │ guards           │  what was seen of this host: where any of it has changed, the record says nothing
 *        │ setup            │  program, run first: fds in their places, the cgroup
 *        │ struct spawn     │  the child: bootstrap and program, as tare_start takes them
 *        │ cleanup          │  program, run when all has ended
 *        └──────────────────┘ size
 */
#ifndef TARE_RECORD_H
#define TARE_RECORD_H

#include <stdint.h>
#include <sys/types.h>

#include "guard.h"

#define RECORD_DIRECTORY "/run/tare/starts"
#define RECORD_MAGIC 0x31524554u /* "TER1" */

/* Digits of a container's id: made up anew for each, and written wherever the record has them. */
#define ID_LENGTH 12u
/* Room for "PID STARTTIME PIDNS TIMENS", filled up with spaces: src/container/owner.ts. */
#define OWNER_LENGTH 64u

/* An execve of the program whose arguments the command line brings: argv[0] is looked for under `prefix`. */
struct word {
  uint32_t op;
  uint32_t prefix; /* such as "/usr/bin/"; an empty one for a path */
};

struct record {
  uint32_t magic;
  uint32_t size;
  struct span key;     /* tare-replay's path and words, each ended by NUL, and how the command is named: KEY_… */
  struct span guards;  /* struct guard[] */
  struct span setup;   /* a program */
  struct span spawn;   /* struct spawn and what lies behind it; the program comes last */
  struct span cleanup; /* a program */
  struct span ids;     /* uint32_t[]: where the id stands */
  struct span words;   /* struct word[]; none where the image brings the command */
  struct span oom;     /* what to say where the OOM killer was at work; none where nobody counts it */
  uint32_t oom_file;   /* path of memory.events */
  uint32_t owner;      /* OWNER_LENGTH bytes */
  uint32_t world;      /* the owner's namespaces, ended by NUL */
  uint32_t executes;   /* the program's first execve: once it is there, the payload runs or has run */
};

/* The last byte of a key. */
#define KEY_IMAGE 'i' /* no command: the image's own */
#define KEY_NAME 'n'  /* a name, to be looked for in PATH */
#define KEY_PATH 'p'  /* a path, with a slash in it */

static inline void *record_at(struct record *record, uint32_t at) { return (char *)record + at; }

/*
 * The record of a command line, in memory of our own. The words up to and including the image decide everything but the
 * command; where they end is for the parser of flags to say, so each beginning of the command line is looked for.
 * Returns how many words of it the record takes; 0 if there is none, or none to be trusted.
 */
int record_find(int count, char **words, struct record **found);

/* Whether all that it depends on is as it was. */
int record_holds(struct record *record);

/* Writes a new id and this process's name into it. 0, or -1. */
int record_sign(struct record *record);

/* The spawn block, with the command in its program; NULL where memory is short. */
struct spawn *record_spawn(struct record *record, char **command, uint32_t count);

#endif
