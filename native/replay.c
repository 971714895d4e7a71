/*
 * tare-replay: `tare run` once more, without Node. It finds the record of a command line, sees that nothing it depended
 * on has changed, and runs its programs. It decides nothing: where there is no record, or any step of it fails before the
 * payload runs, all is undone and Node is executed, which starts anew and finds the words.
 *
 *     tare-replay TARE.CJS run [FLAGS] IMAGE [COMMAND…]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "launch.h"
#include "record.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define TARE_FAILED_CODE 125

/* A container that ends sooner is not worth a watchdog; in ms. As src/container/leftovers.ts has it. */
#define WORTHWHILE 50

static const int forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT};
#define FORWARDED (sizeof forwarded / sizeof *forwarded)

static int run(struct record *record, struct span span) { return tare_interpret(record_at(record, span.at)) == TARE_HALTED; }

static void block_signals(int how) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < FORWARDED; i++) sigaddset(&set, forwarded[i]);
  sigprocmask(how, &set, NULL);
}

static _Noreturn void leave_to_node(char **argv) {
  argv[0] = (char *)"node";
  block_signals(SIG_UNBLOCK);
  execvp("node", argv);
  fprintf(stderr, "tare: run node: %s (hint: Node 20 or later must be in PATH)\n", strerror(errno));
  _exit(TARE_FAILED_CODE);
}

/* Whether the payload has been executed; the child says so by closing the socket, or it says what failed. */
static int has_executed(const struct record *record, const struct spawn *spawn) {
  struct tare_message message;
  ssize_t got;
  do got = read(spawn->sync, &message, sizeof message);
  while (got < 0 && errno == EINTR);
  uint32_t position = 0;
  if (got != 0 || pread(spawn->memory, &position, sizeof position, offsetof(struct tare_program, position)) < 0) return 0;
  return position >= record->executes;
}

static siginfo_t reap(const struct spawn *spawn) {
  siginfo_t info = {0};
  while (waitid(P_PIDFD, (id_t)spawn->pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR) continue;
  return info;
}

/*
 * Waits until we end, however that comes about, and then executes `tare sweep` in our place; a byte tells it that there is
 * nothing to do. Returns the fd to write that to.
 */
static int make_watchdog(const char *tare) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return -1;
  pid_t pid = fork();
  if (pid != 0) {
    close(ends[0]);
    if (pid > 0) return ends[1];
    close(ends[1]);
    return -1;
  }
  char byte;
  prctl(PR_SET_NAME, "tare-watchdog");
  dup3(ends[0], 3, O_CLOEXEC);
  syscall(SYS_close_range, 4u, ~0u, 0u);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  if (setsid() < 0 || chdir("/") < 0 || read(3, &byte, 1) == 1) _exit(0);
  block_signals(SIG_UNBLOCK);
  execlp("node", "node", tare, "sweep", (char *)NULL);
  _exit(TARE_FAILED_CODE);
}

/* A first process ignores what it has no handler for: the third Ctrl-C within a second ends it for good. */
static void forward(int signals, const struct spawn *spawn) {
  static int64_t interrupts[2];
  struct signalfd_siginfo info;
  if (read(signals, &info, sizeof info) != (ssize_t)sizeof info) return;
  int number = (int)info.ssi_signo;
  if (number == SIGINT) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    int64_t now = (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
    if (interrupts[0] != 0 && now - interrupts[0] < 1000) number = SIGKILL;
    interrupts[0] = interrupts[1];
    interrupts[1] = now;
  }
  syscall(SYS_pidfd_send_signal, spawn->pidfd, number, NULL, 0);
}

/* Until the container has ended: passes signals on, and sees to it that somebody cleans up even if we are killed. */
static int attend(const struct spawn *spawn, const char *tare) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < FORWARDED; i++) sigaddset(&set, forwarded[i]);
  struct pollfd fds[] = {{spawn->pidfd, POLLIN, 0}, {signalfd(-1, &set, SFD_CLOEXEC), POLLIN, 0}};
  int watchdog = -1, patience = WORTHWHILE;
  for (;;) {
    int ready = poll(fds, 2, patience);
    if (ready == 0) {
      watchdog = make_watchdog(tare);
      patience = -1;
    }
    if (ready > 0 && fds[1].revents != 0) forward(fds[1].fd, spawn);
    if (ready > 0 && fds[0].revents != 0) return watchdog;
  }
}

static void say_oom(struct record *record) {
  char text[1024];
  if (record->oom.count == 0 || read_file(record_at(record, record->oom_file), text, sizeof text) < 0) return;
  const char *kills = strstr(text, "\noom_kill ");
  if (kills != NULL && atoi(kills + strlen("\noom_kill ")) > 0)
    (void)!write(2, record_at(record, record->oom.at), record->oom.count);
}

/* The last task leaves its group a moment after its end was reported; what takes longer is for `tare sweep`. */
static void clean_up(struct record *record, const char *tare) {
  for (int pause = 1; !run(record, record->cleanup); pause *= 2) {
    if (pause > 256) {
      int watchdog = make_watchdog(tare);
      if (watchdog >= 0) close(watchdog);
      return;
    }
    nanosleep(&(struct timespec){0, pause * 1000000L}, NULL);
  }
}

static int has_streams(void) {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0) return 0;
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 3) return TARE_FAILED_CODE;
  struct record *record = NULL;
  int taken = has_streams() ? record_find(argc - 2, argv + 2, &record) : 0;
  if (taken == 0 || !record_holds(record) || record_sign(record) < 0) leave_to_node(argv);
  struct spawn *spawn = record_spawn(record, argv + 2 + taken, (uint32_t)(argc - 2 - taken));
  if (spawn == NULL) leave_to_node(argv);

  block_signals(SIG_BLOCK);
  if (!run(record, record->setup) || tare_start(spawn) != 0) {
    clean_up(record, argv[1]);
    leave_to_node(argv);
  }
  if (!has_executed(record, spawn)) {
    tare_give_up(spawn, 0, 0);
    clean_up(record, argv[1]);
    leave_to_node(argv);
  }
  int watchdog = attend(spawn, argv[1]);
  siginfo_t ended = reap(spawn);
  say_oom(record);
  clean_up(record, argv[1]);
  if (watchdog >= 0) (void)!write(watchdog, "", 1);
  _exit(ended.si_code == CLD_EXITED ? ended.si_status : 128 + ended.si_status);
}
