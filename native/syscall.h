/* The door to the kernel: one raw call per architecture, and the way into a child that has a stack of its own. */
#ifndef TARE_SYSCALL_H
#define TARE_SYSCALL_H

#include <stddef.h>
#include <stdint.h>

/* From 5.0 on new system calls have one number everywhere; the older ones do not. */
#if defined(__x86_64__)
#define TARE_NR_clock_gettime 228
#define TARE_NR_clone 56
#define TARE_NR_close 3
#define TARE_NR_close_range 436
#define TARE_NR_dup3 292
#define TARE_NR_exit_group 231
#define TARE_NR_fcntl 72
#define TARE_NR_fstat 5
#define TARE_NR_ioctl 16
#define TARE_NR_ioperm 173
#define TARE_NR_kill 62
#define TARE_NR_mmap 9
#define TARE_NR_munmap 11
#define TARE_NR_nanosleep 35
#define TARE_NR_openat 257
#define TARE_NR_pipe2 293
#define TARE_NR_ppoll 271
#define TARE_NR_read 0
#define TARE_NR_reboot 169
#define TARE_NR_recvmsg 47
#define TARE_NR_rt_sigprocmask 14
#define TARE_NR_rt_sigtimedwait 128
#define TARE_NR_sendto 44
#define TARE_NR_signalfd4 289
#define TARE_NR_socketpair 53
#define TARE_NR_sync 162
#define TARE_NR_wait4 61
#define TARE_NR_write 1

static inline long tare_syscall(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/* Calls main(sp) on an aligned stack; sp points at argc. */
#define TARE_ENTRY(main)                                                                                               \
  __asm__(".globl _start\n.type _start,@function\n_start:\n"                                                           \
          "  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call " #main "\n  hlt\n")

/* long tare_clone3(struct clone_args *, size_t, void (*child)(void *), void *argument) */
#define TARE_CLONE3                                                                                                    \
  __asm__(".globl tare_clone3\n.hidden tare_clone3\n.type tare_clone3,@function\ntare_clone3:\n"                       \
          "  mov %rdx, %r8\n  mov %rcx, %r9\n  mov $435, %eax\n  syscall\n"                                            \
          "  test %rax, %rax\n  jz 1f\n  ret\n"                                                                        \
          "1: xor %ebp, %ebp\n  mov %r9, %rdi\n  call *%r8\n  hlt\n")

#elif defined(__aarch64__)
#define TARE_NR_clock_gettime 113
#define TARE_NR_clone 220
#define TARE_NR_close 57
#define TARE_NR_close_range 436
#define TARE_NR_dup3 24
#define TARE_NR_exit_group 94
#define TARE_NR_fcntl 25
#define TARE_NR_fstat 80
#define TARE_NR_ioctl 29
#define TARE_NR_kill 129
#define TARE_NR_mmap 222
#define TARE_NR_munmap 215
#define TARE_NR_nanosleep 101
#define TARE_NR_openat 56
#define TARE_NR_pipe2 59
#define TARE_NR_ppoll 73
#define TARE_NR_read 63
#define TARE_NR_reboot 142
#define TARE_NR_recvmsg 212
#define TARE_NR_rt_sigprocmask 135
#define TARE_NR_rt_sigtimedwait 137
#define TARE_NR_sendto 206
#define TARE_NR_signalfd4 74
#define TARE_NR_socketpair 199
#define TARE_NR_sync 81
#define TARE_NR_wait4 260
#define TARE_NR_write 64

static inline long tare_syscall(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}

#define TARE_ENTRY(main)                                                                                               \
  __asm__(".globl _start\n.type _start,%function\n_start:\n"                                                           \
          "  mov x29, #0\n  mov x30, #0\n  mov x0, sp\n  and x1, x0, #-16\n  mov sp, x1\n  bl " #main "\n  brk #0\n")

#define TARE_CLONE3                                                                                                    \
  __asm__(".globl tare_clone3\n.hidden tare_clone3\n.type tare_clone3,%function\ntare_clone3:\n"                       \
          "  mov x9, x2\n  mov x10, x3\n  mov x8, #435\n  svc #0\n  cbz x0, 1f\n  ret\n"                               \
          "1: mov x29, #0\n  mov x0, x10\n  blr x9\n  brk #0\n")

#else
#error "tare knows x86-64 and arm64: add the numbers and the few lines of assembly here"
#endif

#endif
