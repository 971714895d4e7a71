/*
 * What the child of clone3 executes: `tare-init FD` maps the program behind FD and runs it, up to and including the
 * execve of the payload. A program that halts instead leaves this process behind as pid 1: it reaps what is orphaned,
 * passes signals on, and exits as its child does.
 *
 * Invariant: static, no libc, no memory of its own but the stack.
 */
#include "launch.h"
#include "syscall.h"

#define PROT_READ_WRITE 3
#define MAP_SHARED 1
#define EINTR 4
#define EBADMSG 74
#define SIGCHLD 17
#define SI_KERNEL 0x80
#define SIGKILL 9
#define SIGSTOP 19

TARE_ENTRY(tare_main);

static _Noreturn void leave(int code) {
  for (;;) tare_syscall(TARE_NR_exit_group, code, 0, 0, 0, 0, 0);
}

static long parse_fd(const char *text) {
  long fd = 0;
  for (; text != 0 && *text >= '0' && *text <= '9' && fd < 1000000; text++) fd = fd * 10 + (*text - '0');
  return fd;
}

/* Collects every child that has ended; the exit code of `child` once it is among them, 125 if there is none, else -1. */
static int reap(int child) {
  for (;;) {
    int status = 0;
    long pid = tare_syscall(TARE_NR_wait4, -1, (long)&status, 1 /* WNOHANG */, 0, 0, 0);
    if (pid == -EINTR) continue;
    if (pid <= 0) return pid < 0 ? 125 : -1;
    if (pid == child) return (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);
  }
}

/*
 * All signals are blocked here, so that none is lost between two waits. What the kernel sends by itself, such as a
 * terminal's Ctrl-C, goes to the whole foreground: the child has it already.
 */
static _Noreturn void serve(int child) {
  uint64_t all = ~0ull;
  for (;;) {
    int info[32] = {0}; /* siginfo_t: si_signo, si_errno, si_code */
    int code = reap(child);
    if (code >= 0) leave(code);
    long signal = tare_syscall(TARE_NR_rt_sigtimedwait, (long)&all, (long)info, 0, sizeof all, 0, 0);
    if (signal > 0 && signal != SIGCHLD && info[2] != SI_KERNEL)
      tare_syscall(TARE_NR_kill, child, signal, 0, 0, 0, 0);
  }
}

__attribute__((used)) _Noreturn void tare_main(const long *stack) {
  const char *const *argv = (const char *const *)(stack + 1);
  long fd = stack[0] < 2 ? -1 : parse_fd(argv[1]);

  uint64_t stat[32] = {0}; /* struct stat: st_size is its seventh word on both architectures */
  if (tare_syscall(TARE_NR_fstat, fd, (long)stat, 0, 0, 0, 0) < 0) leave(125);
  struct tare_program *program =
      (void *)tare_syscall(TARE_NR_mmap, 0, (long)stat[6], PROT_READ_WRITE, MAP_SHARED, fd, 0);
  if ((unsigned long)program > -4096ul || tare_check(program, stat[6]) != 0) leave(125);

  if (tare_interpret(program) != TARE_HALTED) leave(125);
  if (program->child == 0) leave(0);
  serve(*(const int32_t *)((const char *)program + program->child));
}
