/* The payload: a launch program in a child of pid 1, its streams, and its end. One at a time. */
#ifndef TARE_GUEST_PAYLOAD_H
#define TARE_GUEST_PAYLOAD_H

#include "guest-calls.h"
#include "launch.h"

/* Neither a process nor an open stream is left of one that was before. */
int payload_idle(void);

/*
 * Starts a program in a child born in the namespaces `clone`. Its memory, `mapped` bytes that begin TARE_PROGRAM_HEADER
 * before it, is let go once it has executed. False if it could not be started; the host has been told then.
 */
int payload_start(struct tare_program *program, uint64_t mapped, int returned, uint32_t clone);

/* What the host says of it. Nothing comes of it where there is no payload; false for more input than was allowed. */
int payload_take_input(const char *bytes, uint32_t size);
void payload_allow(uint32_t stream, uint32_t more);
void payload_close(int stream);
void payload_resize(uint16_t rows, uint16_t columns);
void payload_signal(uint32_t signal);
void payload_go(void);

/* What it waits for, and what is to be done when that has come: its program's socket, then its three streams. */
#define PAYLOAD_POLLS 4
void payload_polls(struct pollfd polls[PAYLOAD_POLLS]);
void payload_serve(const struct pollfd polls[PAYLOAD_POLLS]);

/* Collects every child that has ended. */
void payload_reap(void);

#endif
