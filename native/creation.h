/*
 * A `create` on record: what TypeScript decided once for a bundle (src/oci/creation-record.ts), for tare-oci to do again
 * for every other whose config.json differs only in words that decide nothing: ids, paths, variables.
 *
 *      0 ┌──────────────────┐
 *        │ struct creation  │  what is where; all positions are offsets from its first byte
 *        ├──────────────────┤
 *        │ pieces           │  config.json: what it must say, and the gaps in which a word may stand
 *        │ slots            │  texts that are written anew, of parts: what stays, and the words found
 *        │ guards           │  what was seen of this host: where any of it has changed, the record says nothing
 *        │ setup            │  program, run first: fds in their places, the cgroup, the socket that start goes to
 *        │ struct spawn     │  the child: bootstrap and program, as tare_start takes them
 *        │ undo             │  program, run when it comes to nothing
 *        │ container        │  native/container.h, for the verbs that follow
 *        └──────────────────┘ size, the last byte is NUL
 */
#ifndef TARE_CREATION_H
#define TARE_CREATION_H

#include <stdint.h>

#include "guard.h"

#define CREATION_DIRECTORY "/run/tare/creations"
#define CREATION_MAGIC 0x3252434fu /* "OCR2" */

/* So many records of one key are looked through. */
#define CREATIONS 16

/* The word that may stand in a gap; all but the last end at a quote, and hold no backslash. */
#define GAP_NONE 0u     /* the end of the file */
#define GAP_NAME 1u     /* letters, digits, _ . - */
#define GAP_PATH 2u     /* absolute and clean */
#define GAP_FILE 3u     /* the same; what it leads to is not looked at */
#define GAP_COMMAND 4u  /* a name to be looked for in PATH */
#define GAP_PROGRAM 5u  /* a command with a slash in it */
#define GAP_WORD 6u     /* anything */
#define GAP_VARIABLE 7u /* NAME=VALUE */
#define GAP_JSON 8u     /* any value of JSON, with its quotes or brackets */

struct piece {
  uint32_t at; /* what must stand here */
  uint32_t size;
  uint32_t gap; /* and what may follow */
};

/* No word in a gap of that kind begins so, nor is it the directory that this is the beginning of. */
struct barred {
  uint32_t gap;
  uint32_t start; /* ended by NUL */
};

/* Words of a text. Those from config.json follow, in their order. */
#define WORD_ID 0u
#define WORD_BUNDLE 1u
#define WORD_CREATED 2u /* RFC 3339 */
#define WORD_PID 3u     /* of the child */
#define WORD_STARTED 4u /* when it was started: proc_pid_stat(5), starttime */
#define WORD_FOUND 5u
#define WORD_LITERAL 0xffffffffu
#define MOST_WORDS 512u

struct part {
  uint32_t word;
  uint32_t at; /* of a literal */
  uint32_t size;
};

/* A text, ended by NUL. */
struct slot {
  uint32_t at;
  uint32_t room; /* with the NUL */
  uint32_t part;
  uint32_t count;
  uint32_t late; /* it tells of the child */
};

/* A word of 8 bytes that holds the length of a text. */
struct length {
  uint32_t at;
  uint32_t text;
};

/* What the child stops for. */
#define STOP_START 1u
#define STOP_TERMINAL 2u
#define STOP_HOOKS 3u

struct stop {
  uint32_t op;
  uint32_t kind;
};

struct hook {
  uint32_t path;
  uint32_t args; /* of 32-bit words: where the texts are, closed by a 0 */
  uint32_t env;  /* the same; 0: what we have inherited */
  uint32_t timeout; /* in seconds; 0: none */
};

struct creation {
  uint32_t magic;
  uint32_t size;
  struct span key;       /* tare-oci's path, ended by NUL, and the flags that matter */
  struct span pieces;    /* struct piece[] */
  struct span barred;    /* struct barred[] */
  struct span parts;     /* struct part[] */
  struct span slots;     /* struct slot[] */
  struct span lengths;   /* struct length[] */
  struct span guards;    /* struct guard[] */
  struct span setup;     /* a program */
  struct span spawn;     /* struct spawn and what lies behind it; the program comes last */
  struct span undo;      /* a program */
  struct span container; /* struct container */
  struct span stops;     /* struct stop[] */
  struct span hooks;     /* struct hook[]: those before the container is entered */
  uint32_t saved;        /* what container.json begins with; config.json and a bracket follow */
  uint32_t state;        /* what hooks are told */
};

struct creating {
  const char *root;
  const char *id;
  const char *bundle;         /* NULL: the working directory */
  const char *pid_file;       /* or NULL */
  const char *console_socket; /* or NULL */
  int no_new_keyring;
  int here; /* the working directory */
};

/*
 * Whether the container is there; where it is not, nothing is left of it, and the working directory may be another. Where
 * hooks had run, TARE_OCI_FAILED and TARE_OCI_SAID then tell Node what went wrong: src/oci/failed-before.ts.
 */
int create_as_before(const struct creating *creating);

#endif
