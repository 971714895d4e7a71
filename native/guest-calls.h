/* What the parts of tare-guest share: system calls by their names, and the few constants of theirs. */
#ifndef TARE_GUEST_CALLS_H
#define TARE_GUEST_CALLS_H

#include <stdint.h>

#include "syscall.h"

#define CALL0(name) tare_syscall(TARE_NR_##name, 0, 0, 0, 0, 0, 0)
#define CALL1(name, a) tare_syscall(TARE_NR_##name, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(name, a, b) tare_syscall(TARE_NR_##name, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(name, a, b, c) tare_syscall(TARE_NR_##name, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(name, a, b, c, d) tare_syscall(TARE_NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define CALL5(name, a, b, c, d, e) tare_syscall(TARE_NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define CALL6(name, a, b, c, d, e, f)                                                                                  \
  tare_syscall(TARE_NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#define EINTR 4
#define ECHILD 10
#define EAGAIN 11
#define EBUSY 16
#define EBADMSG 74

#define AF_UNIX 1
#define AT_FDCWD (-100)
#define CLOCK_MONOTONIC 1
#define F_SETFL 4
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 0x20
#define MSG_CMSG_CLOEXEC 0x40000000
#define MSG_DONTWAIT 0x40
#define O_CLOEXEC 02000000
#define O_NONBLOCK 04000
#define O_RDWR 2
#define O_WRONLY 1
#define POLLERR 8
#define POLLHUP 16
#define POLLIN 1
#define POLLOUT 4
#define PROT_READ_WRITE 3
#define SIGCHLD 17
#define SIGKILL 9
#define SIG_SETMASK 2
#define SOCK_SEQPACKET 5
#define TIOCSWINSZ 0x5414
#define WNOHANG 1

struct pollfd {
  int32_t fd;
  int16_t events;
  int16_t revents;
};

static inline int is_error(long result) { return result < 0 && result >= -4095; }

static inline uint64_t now(void) {
  uint64_t time[2];
  CALL2(clock_gettime, CLOCK_MONOTONIC, time);
  return time[0] * 1000000000u + time[1];
}

#endif
