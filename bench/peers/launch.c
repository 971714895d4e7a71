/*
 * The least that a container can cost: the system calls of tare's own program, compiled. No interpreter, no TypeScript, no
 * execve of a tare-init, no thread and no events: the child of a vfork-like clone3 makes the calls on this process's memory,
 * and this process waits for it. What a good C programmer would write who knows beforehand which one container is wanted.
 *
 * program.h is written by launch.ts. It defines CLONE_FLAGS, CGROUP (a path), CGROUP_FD, and functions that return the index
 * of the op which failed (its errno is then in `failed_errno`), or -1:
 *
 *   run_first()   makes the cgroup, with all that tare does for its first container only; leaves KEPT_FD open as fd KEEP_AS
 *   run_host()    makes the cgroup and opens it; close_host() closes what it has opened
 *   run_child()   makes the container; does not return if its execve succeeds
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stopwatch.h"
#include "syscall.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

/* Where the child would hear that its parent is gone. */
static long sync_socket;
static long failed_errno;

#include "program.h"

static long null;
static volatile int failed_op;

long tare_clone3(struct clone_args *args, size_t size, void (*child)(void *), void *argument);
TARE_CLONE3;

/* On the parent's memory: only raw system calls. */
static void make_container(void *unused) {
  (void)unused;
  for (int fd = 0; fd < 3; fd++) tare_syscall(SYS_dup3, null, fd, 0, 0, 0, 0);
  failed_op = run_child();
  for (;;) tare_syscall(SYS_exit_group, 125, 0, 0, 0, 0, 0);
}

static int complain(const char *step, int op, long error) {
  fprintf(stderr, "%s %d: errno %ld\n", step, op, error);
  return 125;
}

static int start_one(void) {
  int pair[2], pidfd = -1;
  siginfo_t info = {0};
  _Alignas(16) char stack[16384];

  int op = run_host();
  if (op >= 0) return complain("host op", op, failed_errno);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) return complain("socketpair", 0, errno);
  sync_socket = pair[1];
  failed_op = -1;

  struct clone_args args = {
      .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP | CLONE_FLAGS,
      .pidfd = (uint64_t)(uintptr_t)&pidfd,
      .exit_signal = SIGCHLD,
      .stack = (uint64_t)(uintptr_t)stack,
      .stack_size = sizeof stack,
      .cgroup = (uint64_t)CGROUP_FD,
  };
  uint64_t all = ~0ull, old = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof all);
  long pid = tare_clone3(&args, sizeof args, make_container, NULL);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof old);
  close(pair[1]);
  close_host();
  if (pid < 0) return complain("clone3", 0, -pid);

  while (syscall(SYS_waitid, P_PIDFD, pidfd, &info, WEXITED | __WALL, NULL) < 0 && errno == EINTR) continue;
  close(pidfd);
  close(pair[0]);
  while (rmdir(CGROUP) < 0)
    if (errno != EBUSY) return complain("rmdir", 0, errno);
  if (failed_op >= 0) return complain("op", failed_op, failed_errno);
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static int prepare(void) {
  null = open("/dev/null", O_RDWR | O_CLOEXEC);
  int op = run_first();
  if (op >= 0) return complain("first host op", op, failed_errno);
  if (KEPT_FD >= 0 && dup3((int)KEPT_FD, KEEP_AS, O_CLOEXEC) < 0) return complain("dup3", 0, errno);
  return rmdir(CGROUP) < 0 ? complain("rmdir", 0, errno) : 0;
}

int main(void) {
  if (prepare() != 0) return 125;
  return answer(start_one);
}
