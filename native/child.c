/*
 * Starts a child with clone3: its program in a memfd, a socket to hear it by, the bootstrap run on the parent's memory
 * until it executes tare-init.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "launch.h"
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

long tare_clone3(struct clone_args *args, size_t size, void (*child)(void *), void *argument);
TARE_CLONE3;

/* In the child, on the parent's memory: only raw system calls from here on. */
static void bootstrap(void *program) {
  tare_interpret(program);
  for (;;) tare_syscall(TARE_NR_exit_group, 125, 0, 0, 0, 0, 0);
}

int32_t tare_give_up(struct spawn *spawn, uint32_t step, int error) {
  if (spawn->pidfd >= 0) {
    kill(spawn->pid, SIGKILL);
    while (syscall(SYS_waitid, P_PIDFD, spawn->pidfd, NULL, WEXITED | __WALL, NULL) < 0 && errno == EINTR) continue;
    close(spawn->pidfd);
  }
  if (spawn->sync >= 0) close(spawn->sync);
  if (spawn->memory >= 0) close(spawn->memory);
  spawn->pid = spawn->pidfd = spawn->sync = spawn->memory = -1;
  spawn->step = step;
  spawn->error = error;
  return -1;
}

static int write_memory(const uint8_t *bytes, size_t size) {
  int fd = memfd_create("tare-program", MFD_CLOEXEC);
  if (fd < 0) return -1;
  for (size_t done = 0; done < size;) {
    ssize_t wrote = write(fd, bytes + done, size - done);
    if (wrote < 0 && errno != EINTR) {
      int error = errno;
      close(fd);
      errno = error;
      return -1;
    }
    if (wrote > 0) done += (size_t)wrote;
  }
  return fd;
}

int32_t tare_start(struct spawn *spawn) {
  uint8_t *request = (void *)spawn;
  struct tare_program *boot = (void *)(request + spawn->bootstrap);
  int pair[2];
  spawn->pid = spawn->pidfd = spawn->sync = spawn->memory = -1;
  if (tare_check(boot, spawn->bootstrap_size) != 0) return tare_give_up(spawn, STEP_BOOTSTRAP, EBADMSG);

  spawn->memory = write_memory(request + spawn->program, spawn->program_size);
  if (spawn->memory < 0) return tare_give_up(spawn, STEP_MEMORY, errno);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) return tare_give_up(spawn, STEP_SYNC, errno);
  spawn->sync = pair[0];
  *(int64_t *)((char *)boot + spawn->program_cell) = spawn->memory;
  *(int64_t *)((char *)boot + spawn->sync_cell) = pair[1];

  /* The child borrows a piece of this frame: CLONE_VFORK keeps the frame still until it has executed or is gone. */
  _Alignas(16) char stack[16384];
  int pidfd = -1;
  struct clone_args args = {
      .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | spawn->flags,
      .pidfd = (uint64_t)(uintptr_t)&pidfd,
      .exit_signal = SIGCHLD,
      .stack = (uint64_t)(uintptr_t)stack,
      .stack_size = sizeof stack,
  };
  if (spawn->cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (uint64_t)spawn->cgroup;
  }
  uint64_t all = ~0ull, old = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof all);
  long pid = tare_clone3(&args, sizeof args, bootstrap, boot);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof old);
  close(pair[1]);

  if (pid < 0) return tare_give_up(spawn, STEP_CLONE, (int)-pid);
  spawn->pid = (int32_t)pid;
  spawn->pidfd = pidfd;
  if (boot->state == TARE_FAILED) return tare_give_up(spawn, STEP_BOOTSTRAP, boot->failed_errno);
  return 0;
}
