/*
 * Frames, in and out.
 *
 * Invariant: the host always reads on, so writing may wait; reading never does.
 */
#include "guest-wire.h"

#include "guest-calls.h"

#define LINUX_REBOOT_CMD_POWER_OFF 0x4321fedc
#define LINUX_REBOOT_MAGIC1 0xfee1dead
#define LINUX_REBOOT_MAGIC2 672274793

static struct {
  int channel;
  char out[sizeof(struct tare_frame) + TARE_PIECE];
  struct incoming in;
  char room[TARE_BODY_LIMIT];
} wire;

_Noreturn void leave(int code) {
  CALL0(sync);
#if defined(__x86_64__)
  if (CALL3(ioperm, TARE_EXIT_PORT, 1, 1) == 0)
    __asm__ volatile("outb %0, %1" : : "a"((uint8_t)code), "Nd"((uint16_t)TARE_EXIT_PORT));
#else
  (void)code;
#endif
  for (;;) CALL3(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF);
}

void wire_open(int channel) { wire.channel = channel; }
void wire_connected(void) { CALL3(fcntl, wire.channel, F_SETFL, O_RDWR | O_NONBLOCK); }
int wire_fd(void) { return wire.channel; }
char *wire_body(void) { return wire.out + sizeof(struct tare_frame); }

/* ---- out --------------------------------------------------------------------------------------------------------- */

/* The port says of a host that is gone both that it can be written to and that it has hung up. */
static void wait_for_room(void) {
  struct pollfd poll = {wire.channel, POLLOUT, 0};
  while (CALL5(ppoll, &poll, 1, 0, 0, 8) == -EINTR) continue;
  if ((poll.revents & (POLLHUP | POLLERR)) != 0) leave(TARE_LEFT_ALONE);
}

void wire_send(uint32_t kind, uint32_t process, uint32_t length) {
  struct tare_frame *header = (void *)wire.out;
  *header = (struct tare_frame){length, (uint16_t)kind, (uint16_t)process};
  uint32_t size = sizeof *header + length;
  for (uint32_t done = 0; done < size;) {
    long wrote = CALL3(write, wire.channel, wire.out + done, size - done);
    if (wrote > 0) done += (uint32_t)wrote;
    else if (wrote == -EAGAIN) wait_for_room();
    else if (wrote != -EINTR) leave(TARE_LEFT_ALONE);
  }
}

void wire_send_copy(uint32_t kind, uint32_t process, const void *body, uint32_t length) {
  const char *from = body;
  char *to = wire_body();
  for (uint32_t i = 0; i < length; i++) to[i] = from[i];
  wire_send(kind, process, length);
}

void wire_send_memory(uint32_t process, const struct tare_program *program) {
  const char *bytes = (const void *)program;
  for (uint32_t done = 0; done < program->size;) {
    uint32_t length = program->size - done < TARE_PIECE ? program->size - done : (uint32_t)TARE_PIECE;
    wire_send_copy(FRAME_MEMORY, process, bytes + done, length);
    done += length;
  }
}

void wire_send_failed(uint32_t process, const struct tare_program *program) {
  struct {
    uint32_t op;
    int32_t error;
    uint64_t at;
  } body = {program->failed_op, program->failed_errno, now()};
  wire_send_copy(FRAME_FAILED, process, &body, sizeof body);
}

void wire_send_fault(uint32_t process, uint32_t step, long error) {
  uint32_t body[2] = {step, (uint32_t)-error};
  wire_send_copy(FRAME_FAULT, process, body, sizeof body);
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

_Noreturn void wire_refuse(void) {
  wire_send_fault(wire.in.header.process, TARE_FAULT_FRAME, -EBADMSG);
  leave(TARE_LEFT_CONFUSED);
}

/* Whether a body of this length can belong to this kind. */
static int fits(const struct tare_frame *header) {
  switch (header->kind) {
    case FRAME_PROGRAM: return header->length > TARE_PROGRAM_HEADER && header->length <= TARE_PROGRAM_LIMIT;
    case FRAME_STDIN: return header->length <= TARE_BODY_LIMIT;
    case FRAME_WINDOW: return header->length == 8;
    case FRAME_RESIZE:
    case FRAME_SIGNAL: return header->length == 4;
    case FRAME_STDOUT:
    case FRAME_STDERR:
    case FRAME_GO: return header->length == 0;
    default: return 0;
  }
}

static char *find_room(const struct tare_frame *header) {
  if (!fits(header)) wire_refuse();
  if (header->kind != FRAME_PROGRAM) return wire.room;
  long at = CALL6(mmap, 0, header->length, PROT_READ_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (!is_error(at)) return (void *)at;
  wire_send_fault(header->process, TARE_FAULT_MEMORY, at);
  leave(TARE_LEFT_CONFUSED);
}

const struct incoming *wire_receive(void) {
  struct incoming *in = &wire.in;
  const uint32_t head = sizeof in->header;
  const uint32_t size = in->got < head ? head : head + in->header.length;
  char *to = in->got < head ? (char *)&in->header + in->got : in->body + (in->got - head);
  long got = CALL3(read, wire.channel, to, size - in->got);
  if (got == -EAGAIN || got == -EINTR) return 0;
  if (got <= 0) leave(TARE_LEFT_ALONE);
  in->got += (uint32_t)got;
  if (in->got == head) in->body = find_room(&in->header);
  if (in->got < head || in->got < head + in->header.length) return 0;
  in->got = 0;
  return in;
}
