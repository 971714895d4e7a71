/* The hooks of a bundle that is created as before: runtime-spec, config.md, "POSIX-platform Hooks". */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"
#include "child.h"
#include "launch.h"

static void list_texts(struct creation *record, uint32_t list, char **into, int room) {
  const uint32_t *texts = at(record, list);
  int count = 0;
  for (; texts[count] != 0 && count + 1 < room; count++) into[count] = at(record, texts[count]);
  into[count] = NULL;
}

static _Noreturn void execute_hook(struct creation *record, const struct hook *hook, int input, int said, const char *bundle) {
  static char *args[256], *env[256];
  sigset_t none;
  list_texts(record, hook->args, args, 256);
  if (hook->env != 0) list_texts(record, hook->env, env, 256);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (chdir(bundle) < 0 || dup2(input, 0) < 0 || dup2(null, 1) < 0 || dup2(said, 2) < 0) _exit(TARE_FAILED);
  syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(at(record, hook->path), args, hook->env == 0 ? environ : env);
  dprintf(2, "%s\n", strerror(errno));
  _exit(127);
}

static int run_hook(struct attempt *attempt, uint32_t index) {
  const struct hook *hook = (const struct hook *)at(attempt->record, attempt->record->hooks.at) + index;
  const char *state = at(attempt->record, attempt->record->state);
  int ends[2], status = -1, timeout = hook->timeout == 0 ? -1 : (int)hook->timeout * 1000;
  int said = memfd_create("tare-hook", MFD_CLOEXEC);
  if (said < 0 || pipe2(ends, O_CLOEXEC) < 0) return fail(attempt, "hook %u start %d", index, errno);
  pid_t pid = fork();
  if (pid == 0) execute_hook(attempt->record, hook, ends[0], said, attempt->bundle);
  attempt->hooked = 1;
  /* Smaller than a pipe, and we can read it ourselves: neither a hook that does not read nor one that is gone matters. */
  ssize_t told = write(ends[1], state, strlen(state));
  close(ends[0]);
  close(ends[1]);
  if (pid < 0) return fail(attempt, "hook %u start %d", index, errno);
  struct pollfd end = {(int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0};
  int ready;
  do ready = poll(&end, 1, timeout);
  while (ready < 0 && errno == EINTR);
  if (ready != 1) kill(pid, SIGKILL);
  close(end.fd);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  ssize_t size = pread(said, attempt->said, sizeof attempt->said - 1, 0);
  attempt->said[size < 0 ? 0 : size] = 0;
  close(said);
  if (ready != 1) return fail(attempt, "hook %u timeout %u", index, hook->timeout);
  if (WIFSIGNALED(status)) return fail(attempt, "hook %u signal %d", index, WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return fail(attempt, "hook %u exit %d", index, WEXITSTATUS(status));
  return told >= 0;
}

int run_hooks(struct attempt *attempt, const struct spawn *spawn) {
  for (uint32_t i = 0; i < attempt->record->hooks.count; i++)
    if (!run_hook(attempt, i)) return 0;
  *attempt->said = 0;
  return send(spawn->sync, "g", 1, MSG_NOSIGNAL) == 1;
}
