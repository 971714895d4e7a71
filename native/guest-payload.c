/*
 * The payload, and what passes between it and the host.
 *
 * Invariant: nothing here waits for the payload, but for the end of what it has left behind and was killed.
 */
#include "guest-payload.h"

#include "guest-wire.h"

/* Our end of a standard stream: of 0 to write to, of 1 and 2 to read from. */
struct stream {
  int fd;           /* -1 once it is closed */
  uint64_t allowed; /* of 1 and 2: how much may still be sent */
};

static struct {
  int pid; /* 0 for none */
  struct stream streams[3];
  int terminal; /* 0 and 1 are a pty's one master, 2 is nothing */

  int sync; /* its program's socket; -1 once it is closed */
  struct tare_program *program;
  uint64_t mapped;
  int returned; /* the host wants the program's memory back */
  int failed;

  uint32_t input_start;
  uint32_t input_size;
  int input_ends; /* with what there is */
} payload = {.streams = {{-1, 0}, {-1, 0}, {-1, 0}}, .sync = -1};

/* What the host has sent for its stdin and it has not read yet: a ring. */
static char ring[TARE_FIRST_WINDOW];

int payload_idle(void) { return payload.pid == 0 && payload.streams[1].fd < 0 && payload.streams[2].fd < 0; }

/* ---- streams ----------------------------------------------------------------------------------------------------- */

/* An empty frame is the end of a stream, whoever has ended it. */
void payload_close(int index) {
  static const uint32_t kinds[3] = {FRAME_STDIN, FRAME_STDOUT, FRAME_STDERR};
  struct stream *stream = &payload.streams[index];
  if (stream->fd < 0) return;
  int shared = payload.terminal && index < 2 && payload.streams[1 - index].fd >= 0;
  if (!shared) CALL1(close, stream->fd);
  stream->fd = -1;
  if (index == 0) payload.input_size = 0;
  wire_send(kinds[index], TARE_PAYLOAD, 0);
}

void payload_allow(uint32_t stream, uint32_t more) { payload.streams[stream].allowed += more; }

static void pass_output(int index) {
  struct stream *stream = &payload.streams[index];
  uint64_t room = stream->allowed < TARE_PIECE ? stream->allowed : TARE_PIECE;
  long got = CALL3(read, stream->fd, wire_body(), room);
  if (got == -EAGAIN || got == -EINTR) return;
  if (got <= 0) { /* of a pty the end is EIO */
    payload_close(index);
    return;
  }
  stream->allowed -= (uint64_t)got;
  wire_send(index == 1 ? FRAME_STDOUT : FRAME_STDERR, TARE_PAYLOAD, (uint32_t)got);
}

int payload_take_input(const char *bytes, uint32_t size) {
  if (size == 0) payload.input_ends = 1;
  if (payload.streams[0].fd < 0) return 1;
  if (size > sizeof ring - payload.input_size) return 0;
  for (uint32_t i = 0; i < size; i++)
    ring[(payload.input_start + payload.input_size + i) % sizeof ring] = bytes[i];
  payload.input_size += size;
  return 1;
}

/* Not before it has executed: until then a terminal may still take the place of the pipe. */
static int has_input(void) {
  /* A terminal has no end but what is typed at it. */
  return payload.sync < 0 && (payload.input_size > 0 || (payload.input_ends && !payload.terminal));
}

static void pass_input(void) {
  uint32_t to_end = (uint32_t)sizeof ring - payload.input_start;
  uint32_t size = payload.input_size < to_end ? payload.input_size : to_end;
  long wrote = size == 0 ? 0 : CALL3(write, payload.streams[0].fd, ring + payload.input_start, size);
  if (wrote == -EAGAIN || wrote == -EINTR) return;
  if (wrote < 0) {
    payload_close(0);
    return;
  }
  payload.input_start = (payload.input_start + (uint32_t)wrote) % sizeof ring;
  payload.input_size -= (uint32_t)wrote;
  uint32_t window[2] = {0, (uint32_t)wrote};
  if (wrote > 0) wire_send_copy(FRAME_WINDOW, TARE_PAYLOAD, window, sizeof window);
  if (payload.input_size == 0 && payload.input_ends && !payload.terminal) payload_close(0);
}

/* The program has made a pty and sent its master: that takes the place of the pipes. */
static void take_terminal(int master) {
  for (int i = 0; i < 2; i++) CALL1(close, payload.streams[i].fd);
  payload_close(2);
  CALL3(fcntl, master, F_SETFL, O_RDWR | O_NONBLOCK);
  payload.terminal = 1;
  payload.streams[0].fd = payload.streams[1].fd = master;
}

void payload_resize(uint16_t rows, uint16_t columns) {
  uint16_t size[4] = {rows, columns, 0, 0};
  if (payload.terminal) CALL3(ioctl, payload.streams[1].fd, TIOCSWINSZ, size);
}

/* ---- its program ------------------------------------------------------------------------------------------------- */

void payload_go(void) {
  if (payload.sync >= 0) CALL3(write, payload.sync, "g", 1);
}

/* It has executed or failed: what is known of its way there is told, and its memory let go. */
static void close_sync(void) {
  if (payload.sync < 0) return;
  CALL1(close, payload.sync);
  payload.sync = -1;
  if (payload.returned) wire_send_memory(TARE_PAYLOAD, payload.program);
  if (payload.failed) wire_send_failed(TARE_PAYLOAD, payload.program);
  else {
    uint64_t body[2] = {payload.program->position, now()};
    wire_send_copy(FRAME_EXECUTED, TARE_PAYLOAD, body, sizeof body);
  }
  CALL2(munmap, (char *)payload.program - TARE_PROGRAM_HEADER, payload.mapped);
}

struct part {
  void *at;
  uint64_t size;
};

/* struct msghdr, and unix(7)'s SCM_RIGHTS with room for one fd. */
struct message_header {
  void *name;
  uint64_t name_size;
  struct part *parts;
  uint64_t part_count;
  void *control;
  uint64_t control_size;
  uint64_t flags;
};

struct rights {
  uint64_t size;
  uint32_t level, type;
  int32_t fd;
};

/* Reads what the program has sent; false if there is no more for now. */
static int hear_program(void) {
  struct tare_message message;
  struct rights rights = {0, 0, 0, -1};
  struct part part = {&message, sizeof message};
  struct message_header header = {0, 0, &part, 1, &rights, sizeof rights, 0};
  long got = CALL3(recvmsg, payload.sync, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got == -EINTR) return 1;
  if (got == -EAGAIN) return 0;
  if (got != sizeof message) {
    close_sync();
    return 0;
  }
  if (message.kind == TARE_FAILURE) payload.failed = 1;
  else if (rights.fd >= 0) take_terminal(rights.fd);
  else wire_send_copy(FRAME_STOPPED, TARE_PAYLOAD, &message.op, sizeof message.op);
  return 1;
}

/* ---- its process ------------------------------------------------------------------------------------------------- */

/* In the child: its ends into their places. All else that the payload must not have is the program's to close. */
static _Noreturn void run(struct tare_program *program, const int ends[4]) {
  for (int fd = 0; fd < 3; fd++) CALL3(dup3, ends[fd], fd, 0);
  int place = program->report == 0 ? ends[3] : *(const int32_t *)((const char *)program + program->report);
  if (place != ends[3]) CALL3(dup3, ends[3], place, O_CLOEXEC);
  int code = tare_interpret(program) == TARE_HALTED ? 0 : 125;
  for (;;) CALL1(exit_group, code);
}

/* Three pipes, and the program's socket. 0, or a negative errno; what is open then stays so, for the guest ends. */
static long open_ends(int ours[4], int theirs[4]) {
  for (int i = 0; i < 4; i++) {
    int pair[2];
    long error = i < 3 ? CALL2(pipe2, pair, O_CLOEXEC)
                       : CALL4(socketpair, AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC, 0, pair);
    if (error < 0) return error;
    ours[i] = pair[i == 0];
    theirs[i] = pair[i != 0];
  }
  return CALL3(fcntl, ours[0], F_SETFL, O_WRONLY | O_NONBLOCK);
}

int payload_start(struct tare_program *program, uint64_t mapped, int returned, uint32_t clone) {
  int ours[4], theirs[4];
  long error = open_ends(ours, theirs);
  if (error < 0) {
    wire_send_fault(TARE_PAYLOAD, TARE_FAULT_PIPES, error);
    return 0;
  }
  long pid = CALL5(clone, clone | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) run(program, theirs);
  for (int i = 0; i < 4; i++) CALL1(close, theirs[i]);
  if (pid < 0) {
    wire_send_fault(TARE_PAYLOAD, TARE_FAULT_PROCESS, pid);
    return 0;
  }
  for (int i = 0; i < 3; i++) payload.streams[i] = (struct stream){ours[i], TARE_FIRST_WINDOW};
  payload.pid = (int)pid;
  payload.sync = ours[3];
  payload.program = program;
  payload.mapped = mapped;
  payload.returned = returned;
  payload.terminal = payload.failed = payload.input_ends = 0;
  payload.input_start = payload.input_size = 0;
  return 1;
}

void payload_signal(uint32_t signal) {
  if (payload.pid > 0) CALL2(kill, payload.pid, signal);
}

struct rusage {
  uint64_t user[2];   /* s, µs */
  uint64_t system[2]; /* s, µs */
  uint64_t max_rss;   /* KiB */
  uint64_t rest[13];
};

/* As with a container's first process, nobody outlives it. */
static void bury(int status, const struct rusage *usage) {
  while (payload.sync >= 0 && hear_program()) continue; /* its last words come before its end */
  close_sync();
  CALL2(kill, -1, SIGKILL);
  for (long pid = 0; pid != -ECHILD;) pid = CALL4(wait4, -1, 0, 0, 0);
  payload.pid = 0;
  payload_close(0);

  uint32_t signal = status & 0x7f;
  struct {
    uint32_t code, signal;
    uint64_t user, system, max_rss, at;
  } body = {signal == 0 ? (status >> 8) & 0xff : 0, signal, 0, 0, usage->max_rss, now()};
  body.user = usage->user[0] * 1000000u + usage->user[1];
  body.system = usage->system[0] * 1000000u + usage->system[1];
  wire_send_copy(FRAME_EXITED, TARE_PAYLOAD, &body, sizeof body);
}

void payload_reap(void) {
  for (;;) {
    int status = 0;
    struct rusage usage;
    long pid = CALL4(wait4, -1, &status, WNOHANG, &usage);
    if (pid <= 0) return;
    if (pid == payload.pid) bury(status, &usage);
  }
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

/* A pipe that is not written to is still watched: an error there means that nobody reads it any more. */
void payload_polls(struct pollfd polls[PAYLOAD_POLLS]) {
  int input = has_input();
  polls[0] = (struct pollfd){payload.sync, POLLIN, 0};
  polls[1] = (struct pollfd){payload.terminal && !input ? -1 : payload.streams[0].fd, input ? POLLOUT : 0, 0};
  for (int i = 1; i < 3; i++)
    polls[1 + i] = (struct pollfd){payload.streams[i].allowed > 0 ? payload.streams[i].fd : -1, POLLIN, 0};
}

/* Whether something has come of what was waited for, and that is still what it was. */
static int is_due(const struct pollfd *poll, int fd) { return poll->revents != 0 && poll->fd == fd; }

void payload_serve(const struct pollfd polls[PAYLOAD_POLLS]) {
  if (is_due(&polls[0], payload.sync)) hear_program();
  if (is_due(&polls[1], payload.streams[0].fd)) {
    if ((polls[1].revents & POLLERR) != 0) payload_close(0);
    else pass_input();
  }
  for (int i = 1; i < 3; i++)
    if (is_due(&polls[1 + i], payload.streams[i].fd)) pass_output(i);
}
