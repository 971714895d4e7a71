/*
 * What host and guest say to each other over the virtio-serial port. The other side: src/vm/protocol.ts.
 *
 *     0        4      6         8          8 + length
 *     ┌────────┬──────┬─────────┬──────────────┐
 *     │ length │ kind │ process │ body         │   little-endian
 *     └────────┴──────┴─────────┴──────────────┘
 *
 * `process` is TARE_PID_ONE for what pid 1 does itself and TARE_PAYLOAD for its child.
 *
 *     host                                      guest
 *       │                        MEMORY…, READY   │  booted; what became of the boot program
 *       │◀────────────────────────────────────────┤
 *       │ PROGRAM of pid 1                        │  run it: mount the image, set the clock …
 *       ├────────────────────────────────────────▶│
 *       │               MEMORY…, HALTED or FAILED │  what became of it
 *       │◀────────────────────────────────────────┤
 *       │ PROGRAM of the payload                  │  run it in a child, up to and including execve
 *       ├────────────────────────────────────────▶│
 *       │             MEMORY…, EXECUTED or FAILED │  where it ended;  STOPPED: it waits for GO
 *       │◀────────────────────────────────────────┤
 *       │ STDIN, WINDOW, RESIZE, SIGNAL, GO       │  in any order; an empty STDIN is its end
 *       ├────────────────────────────────────────▶│
 *       │ STDOUT, STDERR, WINDOW                  │  an empty one is its end; an empty STDIN: nobody reads it any more
 *       │◀────────────────────────────────────────┤
 *       │                                  EXITED │  the payload is reaped and what it left behind killed;
 *       │◀────────────────────────────────────────┤  what they wrote may still follow, to the end of both streams
 *
 * Neither side sends more of a stream than the other has allowed (TARE_FIRST_WINDOW, and more by WINDOW), and both read on
 * whatever happens: so this side may simply wait until it has written.
 */
#ifndef TARE_GUEST_H
#define TARE_GUEST_H

#include <stdint.h>

#define TARE_PROTOCOL 1u
#define TARE_FIRST_WINDOW 65536u
#define TARE_BODY_LIMIT 65536u
#define TARE_PROGRAM_LIMIT (4u * 1024 * 1024)
#define TARE_PROGRAM_HEADER 8u /* what stands before the program in its body */
#define TARE_PIECE (32768u - sizeof(struct tare_frame)) /* with its header one buffer of virtio_console's */

#define TARE_PID_ONE 0u
#define TARE_PAYLOAD 1u

struct tare_frame {
  uint32_t length;
  uint16_t kind;
  uint16_t process;
};

/* Bodies, in u32 unless said otherwise; times are CLOCK_MONOTONIC in ns. */
#define FRAME_PROGRAM 1u /* returned (1: its memory is wanted back), clone flags, program */
#define FRAME_STDIN 2u   /* bytes */
#define FRAME_WINDOW 3u  /* stream, so many bytes more */
#define FRAME_RESIZE 4u  /* u16 rows, u16 columns */
#define FRAME_SIGNAL 5u  /* signal */
#define FRAME_GO 6u
#define FRAME_READY 16u    /* TARE_PROTOCOL, 0, u64 when pid 1 began, u64 now */
#define FRAME_FAULT 17u    /* TARE_FAULT_…, errno */
#define FRAME_MEMORY 18u   /* bytes */
#define FRAME_HALTED 19u /* u64 now */
#define FRAME_FAILED 20u /* op, errno, u64 now */
#define FRAME_STOPPED 21u /* op */
#define FRAME_EXECUTED 22u /* the op that it had come to, 0, u64 now */
#define FRAME_STDOUT 23u   /* bytes */
#define FRAME_STDERR 24u   /* bytes */
#define FRAME_EXITED 25u   /* code, signal, u64 user µs, u64 system µs, u64 most memory in KiB, u64 now */

#define TARE_FAULT_FRAME 1u
#define TARE_FAULT_PROGRAM 2u
#define TARE_FAULT_MEMORY 3u
#define TARE_FAULT_PIPES 4u
#define TARE_FAULT_PROCESS 5u

/*
 * When nothing can be said over the channel: the console has a line, `tare-guest: op 3: errno 2` or
 * `tare-guest: no boot program`, and what is written to the
 * port of QEMU's isa-debug-exit ends QEMU with the status (code << 1) | 1. Without that device the machine is switched off.
 */
#define TARE_EXIT_PORT 0xf4
#define TARE_LEFT_ALONE 1    /* the channel is gone, and with it the host */
#define TARE_LEFT_UNBOOTED 2 /* the boot program has failed */
#define TARE_LEFT_CONFUSED 3 /* no frame that can be understood follows */

#endif
