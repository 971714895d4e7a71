/* A child of clone3: what is asked, and what is answered. libtare.so and tare-replay start their children alike. */
#ifndef TARE_CHILD_H
#define TARE_CHILD_H

#include <stdint.h>

/* Written by src/launch/spawn-request.ts; the bootstrap and the program lie in the same block, at 8-byte boundaries. */
struct spawn {
  uint64_t id;
  uint64_t flags; /* CLONE_NEWUSER, CLONE_NEWPID … */
  int32_t cgroup; /* fd of the cgroup it is born in; -1: the caller's */
  uint32_t bootstrap;
  uint32_t bootstrap_size;
  uint32_t program;
  uint32_t program_size;
  uint32_t program_cell; /* in the bootstrap: where the fd of the program's memory goes */
  uint32_t sync_cell;    /* in the bootstrap: where the child's end of the sync socket goes */
  /* The answer: */
  int32_t pid;
  int32_t pidfd;
  int32_t sync;
  int32_t memory;
  int32_t error; /* errno of the step below */
  uint32_t step;
};

#define STEP_MEMORY 1u
#define STEP_SYNC 2u
#define STEP_CLONE 3u
#define STEP_BOOTSTRAP 4u /* see the bootstrap's own header */
#define STEP_FOLLOW 5u

/* 0; or -1, nothing is left of it, and step and error say what went wrong. */
int32_t tare_start(struct spawn *spawn);

/* Ends a child that was started, closes what it was heard by, and notes why; returns -1. */
int32_t tare_give_up(struct spawn *spawn, uint32_t step, int error);

#endif
