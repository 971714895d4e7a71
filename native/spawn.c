/*
 * libtare.so: what Node lacks. It starts children (child.c), runs programs in the caller's own thread, and tells Node
 * over one socket what becomes of the children. It knows no container either.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "launch.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

#define EXPORT __attribute__((visibility("default")))

/* ---- what becomes of the children ------------------------------------------------------------------------------ */

/*
 *   epoll thread                                  Node
 *     │ packet on a child's sync socket             │
 *     ├── MESSAGE {op, error, fd} ─────────────────▶│  it stopped, failed, or handed over an fd
 *     │ end of file there                           │
 *     ├── EXECUTED ────────────────────────────────▶│  execve closed the socket, or the child is gone
 *     │ pidfd readable                              │
 *     ├── EXITED {code, status, usage} ────────────▶│  reaped; always the last word on a child
 *
 * An id with the bit UNREAPED is of a child that outlives us: who is its parent then collects its end.
 */
#define UNREAPED (1ull << 40)
#define EVENT_MESSAGE 1u
#define EVENT_EXECUTED 2u
#define EVENT_EXITED 3u

struct event {
  uint64_t id;
  uint32_t kind;
  uint32_t op;
  uint32_t message; /* TARE_STOPPED, TARE_FAILURE */
  int32_t error;
  int32_t fd;
  int32_t code;   /* si_code: CLD_EXITED, CLD_KILLED, CLD_DUMPED */
  int32_t status; /* si_status */
  uint32_t reserved;
  uint64_t user;   /* us; of ru_maxrss nothing is said: after CLONE_VM it is the parent's */
  uint64_t system; /* us */
  uint64_t time;   /* CLOCK_MONOTONIC, ns */
};

/* What epoll points at: one of the two things a child is heard by. */
struct source {
  struct child *child;
  void (*ready)(struct child *);
};

struct child {
  const struct tare *tare;
  uint64_t id;
  int pidfd; /* -1 once it is reaped */
  int sync;  /* -1 once it has reached its end */
  struct source on_sync;
  struct source on_exit;
};

/* One per process is enough; what tare_open returns. */
struct tare {
  int epoll;
  int events; /* our end of the socket that Node reads */
};

static void tell(const struct tare *tare, struct event *event) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  event->time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  size_t done = 0;
  while (done < sizeof *event) {
    ssize_t wrote = send(tare->events, (char *)event + done, sizeof *event - done, MSG_NOSIGNAL);
    if (wrote < 0 && errno != EINTR) return; /* Node is gone, and with it whoever could care */
    if (wrote > 0) done += (size_t)wrote;
  }
}

/* Reads what the child has sent; false at the end of it. */
static int hear(struct child *child) {
  for (;;) {
    struct tare_message message = {0};
    union {
      char bytes[CMSG_SPACE(sizeof(int))];
      struct cmsghdr align;
    } control;
    struct iovec part = {&message, sizeof message};
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got = recvmsg(child->sync, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return 1;
    if (got != sizeof message) return 0;
    struct event event = {.id = child->id, .kind = EVENT_MESSAGE, .op = message.op, .message = message.kind};
    event.error = message.error;
    event.fd = -1;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    if (rights != NULL && rights->cmsg_type == SCM_RIGHTS && rights->cmsg_len == CMSG_LEN(sizeof(int)))
      memcpy(&event.fd, CMSG_DATA(rights), sizeof(int));
    tell(child->tare, &event);
  }
}

static void listen_to(struct child *child) {
  if (child->sync < 0 || hear(child)) return;
  epoll_ctl(child->tare->epoll, EPOLL_CTL_DEL, child->sync, NULL);
  child->sync = -1; /* Node closes it */
  tell(child->tare, &(struct event){.id = child->id, .kind = EVENT_EXECUTED, .fd = -1});
}

/* Whichever ends last, the process or what it speaks through, takes the block along. */
static void on_words(struct child *child) {
  listen_to(child);
  if (child->sync < 0 && child->pidfd < 0) free(child);
}

static void bury(struct child *child) {
  siginfo_t info = {0};
  struct rusage usage = {0};
  int how = WEXITED | __WALL | (child->id & UNREAPED ? WNOWAIT : 0);
  while (syscall(SYS_waitid, P_PIDFD, child->pidfd, &info, how, &usage) < 0 && errno == EINTR) continue;
  struct event event = {.id = child->id, .kind = EVENT_EXITED, .fd = -1, .code = info.si_code};
  event.status = info.si_status;
  event.user = (uint64_t)usage.ru_utime.tv_sec * 1000000u + (uint64_t)usage.ru_utime.tv_usec;
  event.system = (uint64_t)usage.ru_stime.tv_sec * 1000000u + (uint64_t)usage.ru_stime.tv_usec;
  listen_to(child); /* its last words come before its end */
  epoll_ctl(child->tare->epoll, EPOLL_CTL_DEL, child->pidfd, NULL);
  child->pidfd = -1;
  const struct tare *tare = child->tare;
  if (child->sync < 0) free(child); /* else whoever took its place still speaks through it */
  tell(tare, &event);
}

/* A child's last words come before its end: the sync sockets of a batch go first, and `bury` reads what came since. */
static void *watch(void *argument) {
  const struct tare *tare = argument;
  for (;;) {
    struct epoll_event ready[64];
    int count = epoll_wait(tare->epoll, ready, 64, -1);
    for (int pass = 0; pass < 2; pass++) {
      for (int i = 0; i < count; i++) {
        struct source *source = ready[i].data.ptr;
        if (source == NULL || (pass == 0 && source->ready == bury)) continue;
        ready[i].data.ptr = NULL;
        source->ready(source->child);
      }
    }
  }
  return NULL;
}

static int follow(const struct tare *tare, uint64_t id, int pidfd, int sync) {
  struct child *child = malloc(sizeof *child);
  if (child == NULL) return ENOMEM;
  *child = (struct child){.tare = tare, .id = id, .pidfd = pidfd, .sync = sync};
  child->on_sync = (struct source){child, on_words};
  child->on_exit = (struct source){child, bury};
  struct epoll_event on_sync = {.events = EPOLLIN, .data.ptr = &child->on_sync};
  struct epoll_event on_exit = {.events = EPOLLIN, .data.ptr = &child->on_exit};
  if (sync >= 0 && epoll_ctl(tare->epoll, EPOLL_CTL_ADD, sync, &on_sync) < 0) {
    int error = errno;
    free(child);
    return error;
  }
  /* From here on the child belongs to the thread, which frees it. */
  if (epoll_ctl(tare->epoll, EPOLL_CTL_ADD, pidfd, &on_exit) == 0) return 0;
  int error = errno;
  if (sync >= 0) epoll_ctl(tare->epoll, EPOLL_CTL_DEL, sync, NULL); /* the thread may hold the block: let it be */
  return error;
}

/*
 * Starts the thread. Returns the handle for the other calls, and in *fd where Node reads `struct event`s; or 0, and in *fd
 * a negative errno. The handle lives as long as the process.
 */
EXPORT uint64_t tare_open(int32_t *fd) {
  int pair[2];
  sigset_t all, old;
  pthread_t thread;
  struct tare *tare = malloc(sizeof *tare);
  *fd = -ENOMEM;
  if (tare == NULL) return 0;
  *fd = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ? -errno : pair[0];
  if (*fd < 0) goto no_socket;
  tare->events = pair[1];
  tare->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (tare->epoll < 0) {
    *fd = -errno;
    goto no_epoll;
  }
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int error = pthread_create(&thread, NULL, watch, tare);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  if (error == 0) {
    pthread_detach(thread);
    return (uint64_t)(uintptr_t)tare;
  }
  *fd = -error;
  close(tare->epoll);
no_epoll:
  close(pair[0]);
  close(pair[1]);
no_socket:
  free(tare);
  return 0;
}

/* Follows a process that a child handed over by its pidfd. 0, or an errno. */
EXPORT int32_t tare_follow(uint64_t tare, uint64_t id, int32_t pidfd) {
  return follow((const struct tare *)(uintptr_t)tare, id, pidfd, -1);
}

/* ---- programs in the caller's own thread ------------------------------------------------------------------------ */

/*
 * Runs a program that neither forks nor executes; its outcome stands in its header. 0, or EBADMSG. Signals wait: the
 * kernel's verifier of eBPF gives up as soon as one is pending, and a profiler sends one after another.
 */
EXPORT int32_t tare_run(uint8_t *memory, uint64_t size) {
  struct tare_program *program = (void *)memory;
  uint64_t all = ~0ull, old = 0;
  int error = tare_check(program, size);
  if (error != 0) return error;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof all);
  tare_interpret(program);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof old);
  return 0;
}

/* ---- a child ----------------------------------------------------------------------------------------------------- */

/* 0; or -1, and step and error say what went wrong. */
EXPORT int32_t tare_spawn(uint64_t tare, uint8_t *request) {
  struct spawn *spawn = (void *)request;
  if (tare_start(spawn) != 0) return -1;
  int error = follow((const struct tare *)(uintptr_t)tare, spawn->id, spawn->pidfd, spawn->sync);
  return error == 0 ? 0 : tare_give_up(spawn, STEP_FOLLOW, error);
}

/* ---- the processor's clock --------------------------------------------------------------------------------------- */

#ifdef __x86_64__
/* A moment by both clocks: the time is taken between two readings of the counter, which stand for one in the middle. */
static uint64_t ticks_and_time(uint64_t *ns) {
  struct timespec now = {0};
  uint64_t before = __builtin_ia32_rdtsc();
  clock_gettime(CLOCK_MONOTONIC, &now);
  *ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  return before / 2 + __builtin_ia32_rdtsc() / 2;
}
#endif

/* How fast the time stamp counter goes, in kHz, by so many ms of CLOCK_MONOTONIC. 0 where there is none. */
EXPORT uint64_t tare_tsc_khz(uint32_t milliseconds) {
#ifdef __x86_64__
  struct timespec pause = {0, (long)milliseconds * 1000000};
  uint64_t begun = 0, ended = 0;
  uint64_t first = ticks_and_time(&begun);
  nanosleep(&pause, NULL);
  uint64_t ticks = ticks_and_time(&ended) - first;
  return ended > begun ? ticks * 1000000u / (ended - begun) : 0;
#else
  (void)milliseconds;
  return 0;
#endif
}
