/*
 * Guards: what TypeScript saw of this host when it decided something (src/launch/record.ts, src/oci/creation-record.ts).
 * Where any of it has changed, what was decided says nothing.
 */
#ifndef TARE_GUARD_H
#define TARE_GUARD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* A part of a file: all positions are offsets from its first byte. */
struct span {
  uint32_t at;
  uint32_t count; /* bytes, or entries */
};

/* What a guard compares with what it expects. */
#define GUARD_TEXT 1u  /* the whole file */
#define GUARD_LINES 2u /* these lines of the file, each ended by a newline */
#define GUARD_LINK 3u  /* where the link leads */
#define GUARD_FILE 4u  /* struct sight, by lstat; all zeros where nothing may be */
#define GUARD_KIND 5u  /* where the path leads: 'd' for a directory, 'f' for anything else */

struct guard {
  uint32_t kind;
  uint32_t path; /* ended by NUL */
  uint32_t expected;
  uint32_t size;
};

struct sight {
  uint64_t dev;
  uint64_t ino;
  uint64_t mode;
  uint64_t changed; /* st_ctim in ns */
};

/* Whether a table of guards, and all that it points at, lies within the file. */
int guards_are_whole(const void *base, uint64_t size, struct span guards);

/* Whether all is as it was. */
int guards_hold(const void *base, struct span guards);

/* It only has to find a file, whose key is then compared whole. */
uint32_t hash_of(const char *bytes, size_t size);

/* Root's own, or whoever we are: nobody else decides what is in it. */
int is_ours(const struct stat *found);

/* A small file as a string: its length, or -1. */
ssize_t read_file(const char *path, char *into, size_t room);

#endif
