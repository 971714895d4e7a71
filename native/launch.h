/*
 * The launch program: the one contract between TypeScript (src/launch/encode.ts) and C.
 *
 * A program is one block of memory. All positions in it are offsets from its first byte, so it
 * can be mapped anywhere; the words listed under `relocs` become addresses when it is loaded.
 *
 *      0 ┌────────────────────┐
 *        │ struct tare_program│  what is where, and what became of it
 *        ├────────────────────┤
 *        │ struct tare_op[]   │  the calls, in order
 *        ├────────────────────┤
 *        │ cells              │  results that later ops take as arguments, 8 bytes each
 *        │ strings and structs│
 *        │ relocs             │  offsets of 8-byte words to which the base is added
 *        │ trace              │  struct tare_stamp[op_count + 1], if asked for
 *        └────────────────────┘ size
 */
#ifndef TARE_LAUNCH_H
#define TARE_LAUNCH_H

#include <stdint.h>

#define TARE_MAGIC 0x65726174u /* "tare" */
#define TARE_VERSION 1u

/* Where an argument comes from. */
#define TARE_VALUE 0u   /* the number itself */
#define TARE_ADDRESS 1u /* base + number */
#define TARE_CELL8 2u   /* the 8 bytes at base + number */
#define TARE_CELL4 3u   /* the signed 4 bytes at base + number: an fd inside a struct */

/* In place of a system call: the program ends here, without an execve. */
#define TARE_HALT 0xffffffffu

struct tare_op {
  uint32_t call; /* number of the system call on this architecture, or TARE_HALT */
  uint32_t into; /* where the result goes; 0: nowhere */
  int64_t min;   /* a smaller result is a failure, with errno 0 */
  uint64_t args[6];
  uint8_t kinds[6];     /* TARE_VALUE … */
  uint8_t into_width;   /* 4 or 8 */
  uint8_t allow_count;
  uint16_t allow[4];    /* errnos that are fine */
  uint16_t skip;        /* ops to jump over after an allowed failure */
  uint16_t retry_on;    /* errno after which the call is made again … */
  uint16_t retry_times; /* … at most so often */
  uint16_t retry_pause; /* … after so many microseconds */
};

/* What became of it. */
#define TARE_NEW 0u
#define TARE_RUNNING 1u /* still so after a successful execve */
#define TARE_HALTED 2u
#define TARE_FAILED 3u

struct tare_program {
  uint32_t magic;
  uint32_t version;
  uint32_t size;
  uint32_t op_count;
  uint32_t ops;
  uint32_t reloc_count;
  uint32_t relocs;
  uint32_t report; /* the 4 bytes there are the fd that hears of a failure; 0: none */
  uint32_t child;  /* after TARE_HALT the 4 bytes there are the pid to wait for as pid 1; 0: none */
  uint32_t trace;  /* 0: not traced */
  uint32_t state;
  uint32_t failed_op;
  int32_t failed_errno; /* 0: the result was below min */
  uint32_t position;    /* the op it is at: tells a killed program from one that has executed */
  uint64_t base; /* where the relocated words point into; 0 before the first load */
};

/* When an op began. The last stamp is the end of the program, where it has one. */
struct tare_stamp {
  uint64_t wall; /* CLOCK_MONOTONIC, ns */
  uint64_t cpu;  /* CLOCK_THREAD_CPUTIME_ID, ns */
};

/*
 * From the child to the parent, over a SOCK_SEQPACKET pair, one packet each:
 *
 *   child                          parent
 *     │  {op, STOPPED, 0} [+ fd]     │   "I wait here", or "take this fd"
 *     ├─────────────────────────────▶│
 *     │  one byte: go on             │
 *     │◀─────────────────────────────┤
 *     │  {op, FAILED, errno}         │   then it exits
 *     ├─────────────────────────────▶│
 *     │  end of file                 │   execve has closed it: the payload runs
 */
#define TARE_STOPPED 1u
#define TARE_FAILURE 2u

struct tare_message {
  uint32_t op;
  uint32_t kind;
  int32_t error;
  uint32_t reserved;
};

/* 0, or an errno: EBADMSG for what is not a whole program. */
int tare_check(const struct tare_program *program, uint64_t size);

/* Runs the program; returns its state. A successful execve does not return. */
uint32_t tare_interpret(struct tare_program *program);

#endif
