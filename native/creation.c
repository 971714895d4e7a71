/*
 * `create` once more, without Node: the record of a bundle like this one is found, seen to hold, made this container's,
 * and its programs are run. It decides nothing: whatever does not fit is left to Node. See creation.h.
 */
#include "creation.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "attempt.h"
#include "child.h"
#include "container.h"
#include "launch.h"

/* Of what goes wrong first the rest follows. */
int fail(struct attempt *attempt, const char *format, ...) {
  va_list values;
  va_start(values, format);
  if (*attempt->failure == 0) vsnprintf(attempt->failure, sizeof attempt->failure, format, values);
  va_end(values);
  return 0;
}

/* ---- its directory ----------------------------------------------------------------------------------------------- */

static int claim(const struct creating *creating) {
  char path[PATH_MAX];
  struct stat found;
  if (snprintf(path, sizeof path, "%s/%s", creating->root, creating->id) >= (int)sizeof path) return 0;
  if (mkdir(creating->root, 0700) < 0 && errno != EEXIST) return 0;
  if (lstat(creating->root, &found) < 0 || !is_ours(&found) || mkdir(path, 0700) < 0) return 0;
  if (chdir(path) == 0) return 1;
  rmdir(path);
  return 0;
}

static int write_whole(const char *name, const struct word *parts, int count) {
  char draft[64];
  snprintf(draft, sizeof draft, "%s.new", name);
  int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  int good = fd >= 0;
  for (int i = 0; i < count && good; i++) good = write(fd, parts[i].at, parts[i].size) == (ssize_t)parts[i].size;
  if (fd >= 0) close(fd);
  return good && rename(draft, name) == 0;
}

/* Beside the place where it is wanted, so that whoever waits for it finds it whole: as writePidFile of src/oci/pid-file.ts. */
static int write_pid_file(const struct attempt *attempt) {
  const char *path = attempt->creating->pid_file;
  char draft[PATH_MAX];
  if (path == NULL) return 1;
  const char *slash = strrchr(path, '/');
  const char *name = slash == NULL ? path : slash + 1;
  if (*name == 0 || snprintf(draft, sizeof draft, "%.*s.%s", (int)(name - path), path, name) >= (int)sizeof draft) return 0;
  int here = attempt->creating->here;
  int fd = openat(here, draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return 0;
  int good = write(fd, attempt->pid, strlen(attempt->pid)) == (ssize_t)strlen(attempt->pid);
  close(fd);
  return good && renameat(here, draft, here, path) == 0;
}

static int save(struct attempt *attempt) {
  struct creation *record = attempt->record;
  struct container *container = at(record, record->container.at);
  container->pid = atoi(attempt->pid);
  container->started = strtoull(attempt->started, NULL, 10);
  const char *saved = at(record, record->saved);
  const struct word words[] = {
      {saved, strlen(saved)}, {attempt->config.text, attempt->config.size}, {"}", 1}};
  const struct word file = {(const char *)container, record->container.count};
  if (!write_whole("container.json", words, 3) || !write_whole("container", &file, 1))
    return fail(attempt, "save %d", errno);
  return write_pid_file(attempt) || fail(attempt, "pid-file %d", errno);
}

/* ---- the child --------------------------------------------------------------------------------------------------- */

/* proc_pid_stat(5): the start time is its 22nd field, the 20th after the name, which may hold anything. */
static int know_child(struct attempt *attempt, const struct spawn *spawn) {
  char path[32], stat[1024];
  snprintf(attempt->pid, sizeof attempt->pid, "%d", spawn->pid);
  snprintf(path, sizeof path, "/proc/%d/stat", spawn->pid);
  if (read_file(path, stat, sizeof stat) <= 0) return 0;
  const char *field = strrchr(stat, ')');
  for (int i = 0; field != NULL && i < 20; i++) field = strchr(field + 1, ' ');
  if (field == NULL) return 0;
  snprintf(attempt->started, sizeof attempt->started, "%llu", strtoull(field + 1, NULL, 10));
  attempt->words[WORD_PID] = (struct word){attempt->pid, strlen(attempt->pid)};
  attempt->words[WORD_STARTED] = (struct word){attempt->started, strlen(attempt->started)};
  return write_texts(attempt, 1);
}

/* The message beside the file is its name, as runc has it. */
static int hand_over_terminal(const char *path, int fd) {
  static char name[] = "/dev/ptmx";
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path == NULL || fd < 0 || *path != '/' || strlen(path) >= sizeof address.sun_path) return 0;
  strcpy(address.sun_path, path);
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control = {0};
  struct iovec text = {name, sizeof name - 1};
  struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *file = CMSG_FIRSTHDR(&message);
  file->cmsg_level = SOL_SOCKET;
  file->cmsg_type = SCM_RIGHTS;
  file->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(file), &fd, sizeof fd);
  int to = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int sent = to >= 0 && connect(to, (struct sockaddr *)&address, sizeof address) == 0 &&
             sendmsg(to, &message, MSG_NOSIGNAL) == (ssize_t)text.iov_len;
  if (to >= 0) close(to);
  return sent;
}

/* A message of native/launch.h, and the file that came with it, or -1. 0 where there is none: the child has ended. */
static int hear(const struct spawn *spawn, struct tare_message *message, int *file) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec text = {message, sizeof *message};
  struct msghdr header = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t got;
  do got = recvmsg(spawn->sync, &header, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  *file = -1;
  if (got != (ssize_t)sizeof *message) return 0;
  struct cmsghdr *sent = CMSG_FIRSTHDR(&header);
  if (sent != NULL && sent->cmsg_type == SCM_RIGHTS) memcpy(file, CMSG_DATA(sent), sizeof *file);
  return 1;
}

static uint32_t stop_of(struct creation *record, uint32_t op) {
  const struct stop *stops = at(record, record->stops.at);
  for (uint32_t i = 0; i < record->stops.count; i++)
    if (stops[i].op == op) return stops[i].kind;
  return 0;
}

/* Until it waits for its start. */
static int accompany(struct attempt *attempt, const struct spawn *spawn) {
  struct tare_message message;
  int file;
  while (hear(spawn, &message, &file)) {
    if (message.kind != TARE_STOPPED) return fail(attempt, "op %u errno %d", message.op, message.error);
    uint32_t stop = stop_of(attempt->record, message.op);
    int good = stop == STOP_START;
    if (stop == STOP_HOOKS) good = run_hooks(attempt, spawn);
    if (stop == STOP_TERMINAL) good = hand_over_terminal(attempt->creating->console_socket, file);
    if (file >= 0) close(file);
    if (!good || stop == STOP_START) return good;
  }
  return 0;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static int run(struct creation *record, struct span span) {
  return tare_interpret(at(record, span.at)) == TARE_HALTED;
}

/* The last task leaves its group a moment after its end was reported. */
static void undo(struct attempt *attempt) {
  const struct creating *creating = attempt->creating;
  char path[PATH_MAX];
  for (int tries = 0; !run(attempt->record, attempt->record->undo) && tries < 100; tries++)
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  for (const char *const *name = (const char *const[]){"start", "container", "container.json", "container.new",
                                                       "container.json.new", NULL};
       *name != NULL; name++)
    unlink(*name);
  snprintf(path, sizeof path, "../%s", creating->id);
  rmdir(path);
}

static void note_time(struct attempt *attempt) {
  struct timespec now;
  struct tm parts;
  char seconds[24];
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &parts);
  strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(attempt->created, sizeof attempt->created, "%s.%03ldZ", seconds, now.tv_nsec / 1000000);
}

static int has_streams(void) {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0) return 0;
  return 1;
}

/* What our caller ignores would stay ignored across execve. */
static void heed_signals(void) {
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
}

static int make(struct attempt *attempt) {
  struct spawn *spawn = at(attempt->record, attempt->record->spawn.at);
  heed_signals();
  if (!run(attempt->record, attempt->record->setup) || tare_start(spawn) != 0) return 0;
  if (know_child(attempt, spawn) && accompany(attempt, spawn) && save(attempt)) return 1;
  tare_give_up(spawn, 0, 0);
  return 0;
}

int create_as_before(const struct creating *creating) {
  static struct attempt attempt;
  attempt.creating = creating;
  if (geteuid() != 0 || !has_streams() || !read_bundle(&attempt)) return 0;
  note_time(&attempt);
  attempt.words[WORD_ID] = (struct word){creating->id, strlen(creating->id)};
  attempt.words[WORD_BUNDLE] = (struct word){attempt.bundle, strlen(attempt.bundle)};
  attempt.words[WORD_CREATED] = (struct word){attempt.created, strlen(attempt.created)};
  if (!find_record(&attempt) || !claim(creating)) return 0;
  if (make(&attempt)) return 1;
  undo(&attempt);
  /* Node would run them again: it is told to say what went wrong, and no more. */
  if (attempt.hooked) {
    setenv("TARE_OCI_FAILED", *attempt.failure == 0 ? "lost" : attempt.failure, 1);
    setenv("TARE_OCI_SAID", attempt.said, 1);
  }
  return 0;
}
