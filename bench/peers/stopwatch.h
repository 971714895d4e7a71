/*
 * How a peer is asked for a sample: a line goes in, one line comes out, and only what happens in between is timed.
 *
 *   bench                          peer
 *     │  a line                      │
 *     ├─────────────────────────────▶│  begins
 *     │                              │  …
 *     │  BEGIN END STATUS            │  has ended
 *     │◀─────────────────────────────┤
 *
 * Times are CLOCK_MONOTONIC in nanoseconds, which Node's process.hrtime shares. STATUS is 0 where all went well.
 */
#ifndef STOPWATCH_H
#define STOPWATCH_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int answer(int (*sample)(void)) {
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    uint64_t begin = now();
    int status = sample();
    uint64_t end = now();
    printf("%lu %lu %d\n", (unsigned long)begin, (unsigned long)end, status);
    fflush(stdout);
  }
  return 0;
}

#endif
