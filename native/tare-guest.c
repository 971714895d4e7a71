/*
 * Pid 1 of a virtual machine. It runs the boot program of its initramfs, which ends with the channel to the host open,
 * and from then on what the host sends: launch programs, in this process or in a child, whose streams it passes on.
 * It knows neither what the programs do nor what a container is.
 *
 * Invariant: static, no libc, no memory but its own and the programs'; one thread, all signals blocked.
 */
#include "guest.h"

#include "launch.h"
#include "syscall.h"

#define AT_FDCWD (-100)
#define CLOCK_MONOTONIC 1
#define EAGAIN 11
#define EBADMSG 74
#define ECHILD 10
#define EINTR 4
#define F_SETFL 4
#define LINUX_REBOOT_CMD_POWER_OFF 0x4321fedc
#define LINUX_REBOOT_MAGIC1 0xfee1dead
#define LINUX_REBOOT_MAGIC2 672274793
#define MAP_PRIVATE 2
#define MAP_SHARED 1
#define MAP_ANONYMOUS 0x20
#define MSG_DONTWAIT 0x40
#define MSG_CMSG_CLOEXEC 0x40000000
#define O_CLOEXEC 02000000
#define O_NONBLOCK 04000
#define O_RDWR 2
#define POLLIN 1
#define POLLOUT 4
#define POLLERR 8
#define POLLHUP 16
#define PROT_READ_WRITE 3
#define SIGCHLD 17
#define SIGKILL 9
#define SOCK_SEQPACKET 5
#define TIOCSWINSZ 0x5414
#define WNOHANG 1

#define PATH_OF_BOOT_PROGRAM "/boot.program"

TARE_ENTRY(tare_main);

#define CALL0(name) tare_syscall(TARE_NR_##name, 0, 0, 0, 0, 0, 0)
#define CALL1(name, a) tare_syscall(TARE_NR_##name, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(name, a, b) tare_syscall(TARE_NR_##name, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(name, a, b, c) tare_syscall(TARE_NR_##name, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(name, a, b, c, d) tare_syscall(TARE_NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define CALL5(name, a, b, c, d, e) tare_syscall(TARE_NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define CALL6(name, a, b, c, d, e, f)                                                                                  \
  tare_syscall(TARE_NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* What is read in pieces: a header, then a body wherever it belongs. */
struct incoming {
  struct tare_frame header;
  uint32_t got; /* of header and body together */
  char *body;
  char room[TARE_BODY_LIMIT];
};

/* One of the payload's streams: 0 is written to, 1 and 2 are read from. */
struct stream {
  int fd;           /* our end; -1 once it is closed */
  uint64_t allowed; /* of 1 and 2: how much may still be sent */
};

static struct {
  int channel;
  int signals; /* signalfd: a child has ended */
  struct incoming in;
  char out[sizeof(struct tare_frame) + TARE_PIECE];

  int payload;  /* pid; 0 for none */
  int sync;     /* its program's socket; -1 once it is closed */
  int terminal; /* 0 and 1 are a pty's one master, 2 is nothing */
  struct stream streams[3];
  struct tare_program *program;
  uint64_t mapped; /* bytes of its memory, which begin with the body's first 8 */
  int returned;
  int failed;

  /* What the host has sent for the payload's stdin, in a ring. */
  char input[TARE_FIRST_WINDOW];
  uint32_t input_start;
  uint32_t input_size;
  int input_ends;
} guest;

/* ---- ends -------------------------------------------------------------------------------------------------------- */

static _Noreturn void leave(int code) {
  CALL0(sync);
#if defined(__x86_64__)
  if (CALL3(ioperm, TARE_EXIT_PORT, 1, 1) == 0)
    __asm__ volatile("outb %0, %1" : : "a"((uint8_t)code), "Nd"((uint16_t)TARE_EXIT_PORT));
#else
  (void)code;
#endif
  for (;;) CALL3(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF);
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

/* ---- speaking ---------------------------------------------------------------------------------------------------- */

static uint64_t now(void) {
  uint64_t time[2];
  CALL2(clock_gettime, CLOCK_MONOTONIC, time);
  return time[0] * 1000000000u + time[1];
}

struct pollfd {
  int32_t fd;
  int16_t events;
  int16_t revents;
};

/* The port says of a host that is gone both that it can be written to and that it has hung up. */
static void wait_for_room(void) {
  struct pollfd poll = {guest.channel, POLLOUT, 0};
  while (CALL5(ppoll, &poll, 1, 0, 0, 8) == -EINTR) continue;
  if ((poll.revents & (POLLHUP | POLLERR)) != 0) leave(TARE_LEFT_ALONE);
}

static void write_all(const char *bytes, uint64_t size) {
  while (size > 0) {
    long wrote = CALL3(write, guest.channel, bytes, size);
    if (wrote > 0) {
      bytes += wrote;
      size -= (uint64_t)wrote;
    } else if (wrote == -EAGAIN) wait_for_room();
    else if (wrote != -EINTR) leave(TARE_LEFT_ALONE);
  }
}

/* The body stands in guest.out already, behind the place of the header. */
static void send_out(uint32_t kind, uint32_t process, uint32_t length) {
  struct tare_frame *header = (void *)guest.out;
  *header = (struct tare_frame){length, (uint16_t)kind, (uint16_t)process};
  write_all(guest.out, sizeof *header + length);
}

static char *out_body(void) { return guest.out + sizeof(struct tare_frame); }

static void copy(char *to, const char *from, uint64_t size) {
  for (uint64_t i = 0; i < size; i++) to[i] = from[i];
}

static void send_frame(uint32_t kind, uint32_t process, const void *body, uint32_t length) {
  copy(out_body(), body, length);
  send_out(kind, process, length);
}

/* Nothing sensible can follow: the host closes the channel. */
static void send_fault(uint32_t process, uint32_t step, long error) {
  uint32_t body[2] = {step, (uint32_t)-error};
  send_frame(FRAME_FAULT, process, body, sizeof body);
}

static void send_memory(uint32_t process, const struct tare_program *program) {
  const char *bytes = (const void *)program;
  for (uint32_t done = 0; done < program->size;) {
    uint32_t length = program->size - done < TARE_PIECE ? program->size - done : (uint32_t)TARE_PIECE;
    send_frame(FRAME_MEMORY, process, bytes + done, length);
    done += length;
  }
}

static void send_failed(uint32_t process, uint32_t op, int32_t error) {
  struct {
    uint32_t op;
    int32_t error;
    uint64_t at;
  } body = {op, error, now()};
  send_frame(FRAME_FAILED, process, &body, sizeof body);
}

static void send_ready(uint64_t started) {
  uint64_t body[3] = {TARE_PROTOCOL, started, now()};
  send_frame(FRAME_READY, TARE_PID_ONE, body, sizeof body);
}

/* ---- the payload's streams --------------------------------------------------------------------------------------- */

/* An empty frame is the end of a stream, whoever has ended it. */
static void close_stream(int index) {
  static const uint32_t kinds[3] = {FRAME_STDIN, FRAME_STDOUT, FRAME_STDERR};
  struct stream *stream = &guest.streams[index];
  if (stream->fd < 0) return;
  int shared = guest.terminal && index < 2 && guest.streams[1 - index].fd >= 0;
  if (!shared) CALL1(close, stream->fd);
  stream->fd = -1;
  send_out(kinds[index], TARE_PAYLOAD, 0);
}

static void pass_output(int index) {
  struct stream *stream = &guest.streams[index];
  uint64_t room = stream->allowed < TARE_PIECE ? stream->allowed : TARE_PIECE;
  long got = CALL3(read, stream->fd, out_body(), room);
  if (got == -EAGAIN || got == -EINTR) return;
  if (got <= 0) {
    close_stream(index); /* of a pty it is EIO */
    return;
  }
  stream->allowed -= (uint64_t)got;
  send_out(index == 1 ? FRAME_STDOUT : FRAME_STDERR, TARE_PAYLOAD, (uint32_t)got);
}

static void end_input(void) {
  guest.input_size = 0;
  close_stream(0);
}

static void pass_input(void) {
  uint32_t to_end = (uint32_t)sizeof guest.input - guest.input_start;
  uint32_t size = guest.input_size < to_end ? guest.input_size : to_end;
  long wrote = size == 0 ? 0 : CALL3(write, guest.streams[0].fd, guest.input + guest.input_start, size);
  if (wrote == -EAGAIN || wrote == -EINTR) return;
  if (wrote < 0) {
    end_input();
    return;
  }
  guest.input_start = (guest.input_start + (uint32_t)wrote) % sizeof guest.input;
  guest.input_size -= (uint32_t)wrote;
  uint32_t body[2] = {0, (uint32_t)wrote};
  if (wrote > 0) send_frame(FRAME_WINDOW, TARE_PAYLOAD, body, sizeof body);
  /* A terminal has no end but what is typed at it. */
  if (guest.input_size == 0 && guest.input_ends && !guest.terminal) end_input();
}

static int take_input(const char *bytes, uint32_t size) {
  if (size == 0) guest.input_ends = 1;
  if (guest.streams[0].fd < 0) return 0;
  if (size > sizeof guest.input - guest.input_size) return -EBADMSG;
  for (uint32_t i = 0; i < size; i++)
    guest.input[(guest.input_start + guest.input_size + i) % sizeof guest.input] = bytes[i];
  guest.input_size += size;
  return 0;
}

/* The program has made a pty and sent its master: that takes the place of the pipes. */
static void take_terminal(int master) {
  for (int i = 0; i < 2; i++) CALL1(close, guest.streams[i].fd);
  close_stream(2);
  CALL3(fcntl, master, F_SETFL, O_RDWR | O_NONBLOCK);
  guest.terminal = 1;
  guest.streams[0].fd = guest.streams[1].fd = master;
}

/* ---- a program of the payload's ---------------------------------------------------------------------------------- */

/* It has executed or failed: what is known of its way there is told, and its memory let go. */
static void close_sync(void) {
  if (guest.sync < 0) return;
  CALL1(close, guest.sync);
  guest.sync = -1;
  if (guest.returned) send_memory(TARE_PAYLOAD, guest.program);
  if (guest.failed) send_failed(TARE_PAYLOAD, guest.program->failed_op, guest.program->failed_errno);
  else {
    uint64_t body[2] = {guest.program->position, now()};
    send_frame(FRAME_EXECUTED, TARE_PAYLOAD, body, sizeof body);
  }
  CALL2(munmap, (char *)guest.program - 8, guest.mapped);
}

struct message_header {
  void *name;
  uint64_t name_size;
  struct {
    void *at;
    uint64_t size;
  } *parts;
  uint64_t part_count;
  void *control;
  uint64_t control_size;
  uint64_t flags;
};

/* Reads what the program has sent since; false if there is no more for now. */
static int hear_program(void) {
  struct tare_message message;
  struct {
    uint64_t size; /* cmsg_len, cmsg_level, cmsg_type: unix(7) */
    uint32_t level, type;
    int32_t fd;
  } control = {0, 0, 0, -1};
  __typeof__(*((struct message_header *)0)->parts) part = {&message, sizeof message};
  struct message_header header = {0, 0, (void *)&part, 1, &control, sizeof control, 0};
  long got = CALL3(recvmsg, guest.sync, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got == -EINTR) return 1;
  if (got == -EAGAIN) return 0;
  if (got != sizeof message) {
    close_sync();
    return 0;
  }
  if (message.kind == TARE_FAILURE) guest.failed = 1;
  else if (control.fd >= 0) take_terminal(control.fd);
  else send_frame(FRAME_STOPPED, TARE_PAYLOAD, &message.op, sizeof message.op);
  return 1;
}

/* In the child: its ends into their places; all that the payload must not have is the program's to close. */
static _Noreturn void run_payload(struct tare_program *program, const int *ends, int sync) {
  for (int fd = 0; fd < 3; fd++) CALL3(dup3, ends[fd], fd, 0);
  int place = program->report == 0 ? sync : *(const int32_t *)((const char *)program + program->report);
  if (place != sync) CALL3(dup3, sync, place, O_CLOEXEC);
  int code = tare_interpret(program) == TARE_HALTED ? 0 : 125;
  for (;;) CALL1(exit_group, code);
}

static long open_pipes(int ours[4], int theirs[4]) {
  for (int i = 0; i < 3; i++) {
    int pair[2];
    long error = CALL2(pipe2, pair, O_CLOEXEC);
    if (error < 0) return error;
    ours[i] = pair[i == 0];
    theirs[i] = pair[i != 0];
  }
  int pair[2];
  long error = CALL4(socketpair, 1 /* AF_UNIX */, SOCK_SEQPACKET | O_CLOEXEC, 0, pair);
  if (error < 0) return error;
  ours[3] = pair[0];
  theirs[3] = pair[1];
  return CALL3(fcntl, ours[0], F_SETFL, 1 /* O_WRONLY */ | O_NONBLOCK);
}

/* False if it could not be; the host has been told then. */
static int start_payload(struct tare_program *program, uint64_t mapped, int returned, uint32_t clone) {
  int ours[4], theirs[4];
  long error = open_pipes(ours, theirs);
  if (error < 0) {
    send_fault(TARE_PAYLOAD, TARE_FAULT_PIPES, error);
    return 0;
  }
  long pid = CALL5(clone, clone | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) run_payload(program, theirs, theirs[3]);
  for (int i = 0; i < 4; i++) CALL1(close, theirs[i]);
  if (pid < 0) {
    send_fault(TARE_PAYLOAD, TARE_FAULT_PROCESS, pid);
    return 0;
  }
  for (int i = 0; i < 3; i++) guest.streams[i] = (struct stream){ours[i], TARE_FIRST_WINDOW};
  guest.payload = (int)pid;
  guest.sync = ours[3];
  guest.terminal = guest.failed = guest.input_ends = 0;
  guest.input_start = guest.input_size = 0;
  guest.program = program;
  guest.mapped = mapped;
  guest.returned = returned;
  return 1;
}

/* ---- the payload's end ------------------------------------------------------------------------------------------- */

struct rusage {
  uint64_t user[2];   /* s, µs */
  uint64_t system[2]; /* s, µs */
  uint64_t max_rss;   /* KiB */
  uint64_t rest[13];
};

/* As with a container's first process, nobody outlives it. */
static void bury_payload(int status, const struct rusage *usage) {
  while (guest.sync >= 0 && hear_program()) continue; /* its last words come before its end */
  close_sync();
  CALL2(kill, -1, SIGKILL);
  for (long pid = 0; pid != -ECHILD;) pid = CALL4(wait4, -1, 0, 0, 0);

  uint32_t signal = status & 0x7f;
  struct {
    uint32_t code, signal;
    uint64_t user, system, max_rss, at;
  } body = {signal == 0 ? (status >> 8) & 0xff : 0, signal, 0, 0, usage->max_rss, now()};
  body.user = usage->user[0] * 1000000u + usage->user[1];
  body.system = usage->system[0] * 1000000u + usage->system[1];
  guest.payload = 0;
  end_input();
  send_frame(FRAME_EXITED, TARE_PAYLOAD, &body, sizeof body);
}

static void reap(void) {
  char info[128]; /* struct signalfd_siginfo: that it has come is all we want to know */
  CALL3(read, guest.signals, info, sizeof info);
  for (;;) {
    int status = 0;
    struct rusage usage;
    long pid = CALL4(wait4, -1, &status, WNOHANG, &usage);
    if (pid <= 0) return;
    if (pid == guest.payload) bury_payload(status, &usage);
  }
}

/* ---- listening --------------------------------------------------------------------------------------------------- */

static void run_here(struct tare_program *program, int returned) {
  uint32_t state = tare_interpret(program);
  if (returned) send_memory(TARE_PID_ONE, program);
  uint64_t at = now();
  if (state == TARE_HALTED) send_frame(FRAME_HALTED, TARE_PID_ONE, &at, sizeof at);
  else send_failed(TARE_PID_ONE, program->failed_op, program->failed_errno);
}

static int idle(void) { return guest.payload == 0 && guest.streams[1].fd < 0 && guest.streams[2].fd < 0; }

/* The body lies in memory of its own, which a child shares with us until it has executed. */
static void obey_program(uint32_t process, char *body, uint32_t length) {
  const uint32_t *options = (const void *)body;
  struct tare_program *program = (void *)(body + 8);
  int returned = options[0] == 1;
  int error = process != TARE_PID_ONE && !idle() ? EBADMSG : tare_check(program, length - 8);
  if (error != 0) send_fault(process, TARE_FAULT_PROGRAM, -error);
  else if (process == TARE_PID_ONE) run_here(program, returned);
  else if (start_payload(program, length, returned, options[1])) return;
  CALL2(munmap, body, length);
}

static _Noreturn void refuse_frame(void) {
  send_fault(guest.in.header.process, TARE_FAULT_FRAME, -EBADMSG);
  leave(TARE_LEFT_CONFUSED);
}

static void obey(void) {
  const struct tare_frame *header = &guest.in.header;
  const uint32_t *words = (const void *)guest.in.body;
  switch (header->kind) {
    case FRAME_PROGRAM: obey_program(header->process, guest.in.body, header->length); return;
    case FRAME_STDIN:
      if (take_input(guest.in.body, header->length) < 0) refuse_frame();
      return;
    case FRAME_STDOUT: close_stream(1); return;
    case FRAME_STDERR: close_stream(2); return;
    case FRAME_WINDOW: guest.streams[words[0]].allowed += words[1]; return;
    case FRAME_RESIZE: {
      uint16_t size[4] = {(uint16_t)words[0], (uint16_t)(words[0] >> 16), 0, 0};
      if (guest.terminal) CALL3(ioctl, guest.streams[1].fd, TIOCSWINSZ, size);
      return;
    }
    case FRAME_SIGNAL:
      if (guest.payload > 0) CALL2(kill, guest.payload, words[0]);
      return;
    default: /* FRAME_GO */
      if (guest.sync >= 0) CALL3(write, guest.sync, "g", 1);
  }
}

/* Whether a body of this length can belong to this kind. */
static int fits(const struct tare_frame *header) {
  switch (header->kind) {
    case FRAME_PROGRAM: return header->length > 8 && header->length <= TARE_PROGRAM_LIMIT;
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
  if (!fits(header)) refuse_frame();
  if (header->kind != FRAME_PROGRAM) return guest.in.room;
  long at = CALL6(mmap, 0, header->length, PROT_READ_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at >= 0 || at < -4095) return (void *)at;
  send_fault(header->process, TARE_FAULT_MEMORY, at);
  leave(TARE_LEFT_CONFUSED);
}

static void listen_to_host(void) {
  struct incoming *in = &guest.in;
  const uint32_t head = sizeof in->header;
  int whole = in->got >= head;
  char *to = whole ? in->body + (in->got - head) : (char *)&in->header + in->got;
  uint32_t want = whole ? in->header.length + head - in->got : head - in->got;
  long got = CALL3(read, guest.channel, to, want);
  if (got == -EAGAIN || got == -EINTR) return;
  if (got <= 0) leave(TARE_LEFT_ALONE);
  in->got += (uint32_t)got;
  if (in->got == head) in->body = find_room(&in->header);
  if (in->got < head || in->got < head + in->header.length) return;
  in->got = 0;
  if (in->header.kind == FRAME_WINDOW && *(uint32_t *)in->body > 2) refuse_frame();
  obey();
}

static void serve_once(void) {
  int input = guest.sync < 0 && (guest.input_size > 0 || guest.input_ends);
  struct pollfd polls[6] = {
      {guest.channel, POLLIN, 0},
      {guest.signals, POLLIN, 0},
      {guest.sync, POLLIN, 0},
      {guest.terminal && !input ? -1 : guest.streams[0].fd, input ? POLLOUT : 0, 0},
      {guest.streams[1].allowed > 0 ? guest.streams[1].fd : -1, POLLIN, 0},
      {guest.streams[2].allowed > 0 ? guest.streams[2].fd : -1, POLLIN, 0},
  };
  if (CALL5(ppoll, polls, 6, 0, 0, 8) <= 0) return;
  if ((polls[0].revents & POLLIN) != 0) listen_to_host();
  else if (polls[0].revents != 0) leave(TARE_LEFT_ALONE);
  if (polls[2].revents != 0) hear_program();
  if (polls[3].revents != 0 && guest.streams[0].fd == polls[3].fd) {
    if ((polls[3].revents & POLLERR) != 0) end_input();
    else pass_input();
  }
  for (int i = 1; i < 3; i++)
    if (polls[3 + i].revents != 0 && guest.streams[i].fd == polls[3 + i].fd) pass_output(i);
  if (polls[1].revents != 0) reap();
}

/* ---- boot -------------------------------------------------------------------------------------------------------- */

static struct tare_program *read_boot_program(void) {
  uint64_t stat[32]; /* struct stat: st_size is its seventh word on both architectures */
  long fd = CALL4(openat, AT_FDCWD, PATH_OF_BOOT_PROGRAM, O_CLOEXEC, 0);
  if (fd < 0 || CALL2(fstat, fd, stat) < 0) return 0;
  long at = CALL6(mmap, 0, stat[6], PROT_READ_WRITE, MAP_PRIVATE, fd, 0);
  CALL1(close, fd);
  if (at < 0 && at >= -4095) return 0;
  struct tare_program *program = (void *)at;
  return tare_check(program, stat[6]) == 0 && program->report != 0 ? program : 0;
}

__attribute__((used)) _Noreturn void tare_main(const long *stack) {
  (void)stack;
  uint64_t started = now(), all = ~0ull, child = 1ull << (SIGCHLD - 1);
  struct tare_program *boot = read_boot_program();
  if (boot == 0 || tare_interpret(boot) != TARE_HALTED) give_up_boot(boot);

  CALL4(rt_sigprocmask, 2 /* SIG_SETMASK */, &all, 0, sizeof all);
  guest.signals = (int)CALL4(signalfd4, -1, &child, sizeof child, O_CLOEXEC | O_NONBLOCK);
  guest.channel = *(const int32_t *)((const char *)boot + boot->report);
  guest.sync = -1;
  for (int i = 0; i < 3; i++) guest.streams[i].fd = -1;

  send_memory(TARE_PID_ONE, boot); /* the first write waits until the host has opened its end */
  CALL3(fcntl, guest.channel, F_SETFL, O_RDWR | O_NONBLOCK);
  send_ready(started);
  for (;;) serve_once();
}
