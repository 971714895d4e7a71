/* Frames, in and out: native/guest.h as bytes on the channel. */
#ifndef TARE_GUEST_WIRE_H
#define TARE_GUEST_WIRE_H

#include "guest.h"
#include "launch.h"

/* Ends QEMU with a status (TARE_LEFT_…), or switches the machine off. */
_Noreturn void leave(int code);

/* Until `wire_connected` a write waits for the host to open its end; from then on a hang-up means that it is gone. */
void wire_open(int channel);
void wire_connected(void);
int wire_fd(void);

/* Where the body of the next frame is put together, TARE_PIECE bytes at most; `wire_send` sends it. */
char *wire_body(void);
void wire_send(uint32_t kind, uint32_t process, uint32_t length);

void wire_send_copy(uint32_t kind, uint32_t process, const void *body, uint32_t length);
void wire_send_memory(uint32_t process, const struct tare_program *program);
void wire_send_failed(uint32_t process, const struct tare_program *program);
/* `error` is negative, as a system call returns it. */
void wire_send_fault(uint32_t process, uint32_t step, long error);

/* What is read in pieces: a header, then a body. That of FRAME_PROGRAM lies in memory that is the reader's. */
struct incoming {
  struct tare_frame header;
  uint32_t got; /* of header and body together */
  char *body;
};

/* Reads on; the frame once it is whole, else 0. */
const struct incoming *wire_receive(void);

/* Says that it is not understood, and leaves. */
_Noreturn void wire_refuse(void);

#endif
