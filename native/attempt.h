/*
 * One try to create a container as before: what was read, what was found, and what came of it.
 */
#ifndef TARE_ATTEMPT_H
#define TARE_ATTEMPT_H

#include <limits.h>
#include <stddef.h>

#include "child.h"
#include "creation.h"

struct word {
  const char *at;
  size_t size;
};

struct config {
  char *text;
  size_t size;
};

struct attempt {
  const struct creating *creating;
  struct config config;
  char bundle[PATH_MAX];
  char created[40], pid[16], started[24];
  int hooked;       /* hooks have been run: nobody may run them again */
  char failure[64]; /* what then went wrong, for Node to say */
  char said[4096];
  struct word words[MOST_WORDS];
  struct creation *record;
};

/* What stands there in a record. */
static inline void *at(struct creation *record, uint32_t offset) { return (char *)record + offset; }

/* Each returns 0 where it comes to nothing. */

/* The bundle's directory and its config.json. */
int read_bundle(struct attempt *attempt);

/* A record that fits the bundle and still holds on this host; its texts are the bundle's then. */
int find_record(struct attempt *attempt);

/* Writes the texts that tell of the child, or those that do not. */
int write_texts(struct attempt *attempt, uint32_t late);

/* Those before the container is entered, one after another, on the host. */
int run_hooks(struct attempt *attempt, const struct spawn *spawn);

/* Notes what went wrong, if it is the first: of that the rest follows. */
__attribute__((format(printf, 2, 3))) int fail(struct attempt *attempt, const char *format, ...);

#endif
