/*
 * The system calls that tare makes from its warm process, from C: the cgroup, the program in a memfd, clone3, the
 * bootstrap, tare-init, the container, the wait, the end. No TypeScript, no FFI, no thread, no events: what is compared
 * is what deciding in TypeScript and hearing through Node cost.
 *
 * same.h is written by same.ts. It names the files of the programs, and where in them fds lie.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "launch.h"
#include "same.h"
#include "stopwatch.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

struct bytes {
  char *at;
  size_t size;
};

static struct bytes group, child;

static struct bytes load(const char *path) {
  struct stat found;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &found) < 0) exit(125);
  struct bytes bytes = {aligned_alloc(16, ((size_t)found.st_size + 15) & ~(size_t)15), (size_t)found.st_size};
  if (bytes.at == NULL || read(fd, bytes.at, bytes.size) != (ssize_t)bytes.size) exit(125);
  close(fd);
  return bytes;
}

/* As tare does, in memory of its own each time. */
static char *copy(struct bytes bytes) {
  char *fresh = aligned_alloc(16, (bytes.size + 15) & ~(size_t)15);
  if (fresh == NULL) exit(125);
  return memcpy(fresh, bytes.at, bytes.size);
}

static int run(char *program, size_t size) {
  return tare_check((void *)program, size) == 0 && tare_interpret((void *)program) == TARE_HALTED ? 0 : -1;
}

static int fd_in(const char *program, size_t at) {
  int fd;
  memcpy(&fd, program + at, sizeof fd);
  return fd;
}

static int start_one(void) {
  static const size_t files[] = {FILES};
  siginfo_t info = {0};
  char byte;
  char *host = copy(group);
  struct spawn *spawn = (void *)copy(child);
  if (run(host, group.size) != 0) return 125;
  spawn->cgroup = fd_in(host, CGROUP_CELL);
  if (tare_start(spawn) != 0) return 125;
  close(spawn->cgroup);
  for (size_t i = 0; files[i] != 0; i++) close(fd_in(host, files[i]));
  if (read(spawn->sync, &byte, 1) != 0) return 125;
  while (waitid(P_PIDFD, (id_t)spawn->pidfd, &info, WEXITED | __WALL) < 0 && errno == EINTR) continue;
  close(spawn->sync);
  close(spawn->memory);
  close(spawn->pidfd);
  while (rmdir(CGROUP) < 0)
    if (errno != EBUSY) return 125;
  free(host);
  free(spawn);
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

int main(void) {
  struct bytes setup = load(SETUP_FILE), first = load(FIRST_FILE);
  group = load(GROUP_FILE);
  child = load(CHILD_FILE);
  if (run(setup.at, setup.size) != 0 || run(first.at, first.size) != 0) return 125;
  if (JUDGE_CELL != 0 && dup3(fd_in(first.at, JUDGE_CELL), JUDGE_FD, O_CLOEXEC) < 0) return 125;
  if (rmdir(CGROUP) < 0) return 125;
  return answer(start_one);
}
