/*
 * Pid 1 of a virtual machine. It runs the boot program of its initramfs, which ends with the channel to the host open,
 * and from then on what the host sends: launch programs, in this process or in a child. It knows neither what they do nor
 * what a container is.
 *
 * Invariant: static, no libc, no memory but its own and the programs'; one thread, all signals blocked.
 */
#include "guest-calls.h"
#include "guest-payload.h"
#include "guest-wire.h"

#define PATH_OF_BOOT_PROGRAM "/boot.program"

TARE_ENTRY(tare_main);

/* ---- boot -------------------------------------------------------------------------------------------------------- */

/* 0 for none that is whole. */
static struct tare_program *read_boot_program(void) {
  uint64_t stat[32]; /* struct stat: st_size is its seventh word on both architectures */
  long fd = CALL4(openat, AT_FDCWD, PATH_OF_BOOT_PROGRAM, O_CLOEXEC, 0);
  if (fd < 0 || CALL2(fstat, fd, stat) < 0) return 0;
  long at = CALL6(mmap, 0, stat[6], PROT_READ_WRITE, MAP_PRIVATE, fd, 0);
  CALL1(close, fd);
  if (is_error(at)) return 0;
  struct tare_program *program = (void *)at;
  return tare_check(program, stat[6]) == 0 && program->report != 0 ? program : 0;
}

static char *put_text(char *at, const char *text) {
  while (*text != 0) *at++ = *text++;
  return at;
}

static char *put_number(char *at, uint32_t number) {
  if (number >= 10) at = put_number(at, number / 10);
  *at++ = (char)('0' + number % 10);
  return at;
}

/* Only the console is there to be told. */
static _Noreturn void give_up_boot(const struct tare_program *boot) {
  char line[80];
  char *end = put_text(line, "tare-guest: ");
  if (boot == 0) end = put_text(end, "no boot program");
  else {
    end = put_number(put_text(end, "op "), boot->failed_op);
    end = put_number(put_text(end, ": errno "), (uint32_t)boot->failed_errno);
  }
  end = put_text(end, "\n");
  CALL3(write, 2, line, end - line);
  leave(TARE_LEFT_UNBOOTED);
}

static void connect_to_host(const struct tare_program *boot, uint64_t started) {
  wire_open(*(const int32_t *)((const char *)boot + boot->report));
  wire_send_memory(TARE_PID_ONE, boot);
  wire_connected();
  uint64_t body[3] = {TARE_PROTOCOL, started, now()};
  wire_send_copy(FRAME_READY, TARE_PID_ONE, body, sizeof body);
}

/* ---- service ----------------------------------------------------------------------------------------------------- */

static void run_here(struct tare_program *program, int returned) {
  uint32_t state = tare_interpret(program);
  uint64_t at = now();
  if (returned) wire_send_memory(TARE_PID_ONE, program);
  if (state == TARE_HALTED) wire_send_copy(FRAME_HALTED, TARE_PID_ONE, &at, sizeof at);
  else wire_send_failed(TARE_PID_ONE, program);
}

/* The body lies in memory of its own, which a child shares with us until it has executed. */
static void obey_program(uint32_t process, char *body, uint32_t length) {
  const uint32_t *options = (const void *)body;
  struct tare_program *program = (void *)(body + TARE_PROGRAM_HEADER);
  int returned = options[0] == 1;
  int error = process != TARE_PID_ONE && !payload_idle() ? EBUSY : tare_check(program, length - TARE_PROGRAM_HEADER);
  if (error != 0) wire_send_fault(process, TARE_FAULT_PROGRAM, -error);
  else if (process == TARE_PID_ONE) run_here(program, returned);
  else if (payload_start(program, length, returned, options[1])) return;
  CALL2(munmap, body, length);
}

static void obey(const struct incoming *in) {
  const struct tare_frame *header = &in->header;
  const uint32_t *words = (const void *)in->body;
  switch (header->kind) {
    case FRAME_PROGRAM: obey_program(header->process, in->body, header->length); return;
    case FRAME_STDIN:
      if (!payload_take_input(in->body, header->length)) wire_refuse();
      return;
    case FRAME_WINDOW:
      if (words[0] > 2) wire_refuse();
      payload_allow(words[0], words[1]);
      return;
    case FRAME_RESIZE: payload_resize((uint16_t)words[0], (uint16_t)(words[0] >> 16)); return;
    case FRAME_SIGNAL: payload_signal(words[0]); return;
    case FRAME_STDOUT: payload_close(1); return;
    case FRAME_STDERR: payload_close(2); return;
    default: payload_go(); /* no other kind is let in */
  }
}

static void serve_once(int children) {
  struct pollfd polls[2 + PAYLOAD_POLLS] = {{wire_fd(), POLLIN, 0}, {children, POLLIN, 0}};
  payload_polls(polls + 2);
  if (CALL5(ppoll, polls, 2 + PAYLOAD_POLLS, 0, 0, 8) <= 0) return;
  if ((polls[0].revents & POLLIN) != 0) {
    const struct incoming *frame = wire_receive();
    if (frame != 0) obey(frame);
  } else if (polls[0].revents != 0) leave(TARE_LEFT_ALONE);
  payload_serve(polls + 2);
  if (polls[1].revents != 0) {
    char info[128]; /* struct signalfd_siginfo: that it has come is all there is to know */
    CALL3(read, children, info, sizeof info);
    payload_reap();
  }
}

__attribute__((used)) _Noreturn void tare_main(const long *stack) {
  (void)stack;
  uint64_t started = now(), all = ~0ull, child = 1ull << (SIGCHLD - 1);
  struct tare_program *boot = read_boot_program();
  if (boot == 0 || tare_interpret(boot) != TARE_HALTED) give_up_boot(boot);
  CALL4(rt_sigprocmask, SIG_SETMASK, &all, 0, sizeof all);
  int children = (int)CALL4(signalfd4, -1, &child, sizeof child, O_CLOEXEC | O_NONBLOCK);
  connect_to_host(boot, started);
  for (;;) serve_once(children);
}
