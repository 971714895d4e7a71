/*
 * stopwatch [-r ROOT] [-i FD=FILE]... -- COMMAND [ARG]...
 *
 * Starts the command when asked to, and says when it was requested, first wrote, ended and was gone, and what it used. From Node
 * the start of a process costs more than some of what is measured takes; from here it is a vfork.
 *
 *   tare                                stopwatch                       the command
 *     │ run ID   or   hold ID             │                                │
 *     ├──────────────────────────────────▶├── posix_spawn ────────────────▶│  {} in its arguments is ID
 *     │                                   │◀── first byte ─────────────────┤
 *     │◀── first ID REQUESTED FIRST ──────┤    (after hold alone)          │  its input stays open
 *     │ release ID                        │                                │
 *     ├──────────────────────────────────▶├── end of its input ───────────▶│
 *     │                                   │◀── SIGCHLD ────────────────────┤
 *     │◀── left ID REQUESTED EXITED STATUS ┤   (where others live on)      ╳
 *     │◀── end ID … ──────────────────────┤    nothing of it is left
 *     │ end of file                       │
 *     ├──────────────────────────────────▶├── ends whatever is left
 *
 *   end ID REQUESTED FIRST EXITED GONE STATUS USER SYSTEM PEAK OUTPUT
 *
 * Times are CLOCK_MONOTONIC in ns, which Node's process.hrtime shares; FIRST is 0 where nothing was written. STATUS is as a
 * shell says it; 255 and an OUTPUT of "spawn ERRNO" where there was no process. USER and SYSTEM are µs, PEAK is KiB, of all that
 * was waited for. OUTPUT is hexadecimal, or "-". The command gets /dev/null or a pipe as 0, a pipe as 1, our 2, and each FILE
 * afresh. A process that outlives its parent becomes a child of the stopwatch (PR_SET_CHILD_SUBREAPER), and is waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_FILES 8
#define MOST_WORDS 512
#define MOST_OUTPUT 65536

struct instance {
  struct instance *next;
  char id[32];
  pid_t pid;          /* 0 once it was waited for */
  int input, output;  /* ours; -1 once closed */
  int held, told;
  int status;
  uint64_t requested, first, exited;
  uint64_t user, system;
  long peak;
  size_t length;
  unsigned char text[MOST_OUTPUT];
};

static struct instance *instances;
static char **command;
static struct { int fd; const char *path; } files[MOST_FILES];
static int file_count;
/* /proc/self/task/TID/children, opened before the root changes. */
static int children = -1;
/* Whether there is any child, ours or adopted, that was not waited for. */
static int busy;

extern char **environ;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void shut(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static struct instance *find(const char *id) {
  struct instance *one = instances;
  while (one != NULL && strcmp(one->id, id) != 0) one = one->next;
  return one;
}

/* The command with ID for each {}; NULL where that is too long. Holds until the next call. */
static char **words_for(const char *id) {
  static char *words[MOST_WORDS + 1], room[65536];
  size_t used = 0, count = 0;
  for (; command[count] != NULL && count < MOST_WORDS; count++) {
    const char *gap = strstr(command[count], "{}");
    int head = gap == NULL ? (int)strlen(command[count]) : (int)(gap - command[count]);
    int wrote = snprintf(room + used, sizeof room - used, "%.*s%s%s", head, command[count], gap == NULL ? "" : id,
                         gap == NULL ? "" : gap + 2);
    if (wrote < 0 || (size_t)wrote >= sizeof room - used) return NULL;
    words[count] = room + used;
    used += (size_t)wrote + 1;
  }
  words[count] = NULL;
  return command[count] == NULL ? words : NULL;
}

static int spawn(struct instance *one, int input, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, defaults;
  char **words = words_for(one->id);
  if (words == NULL || words[0] == NULL) return E2BIG;
  sigemptyset(&none);
  sigfillset(&defaults);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  for (int i = 0; i < file_count; i++)
    posix_spawn_file_actions_addopen(&actions, files[i].fd, files[i].path, O_RDONLY, 0);
  one->requested = now();
  int error = posix_spawnp(&one->pid, words[0], &actions, &attributes, words, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

static void refuse(const char *id, int error) {
  char text[32];
  int length = snprintf(text, sizeof text, "spawn %d", error);
  printf("end %s 0 0 0 0 255 0 0 0 ", id);
  for (int i = 0; i < length; i++) printf("%02x", (unsigned char)text[i]);
  printf("\n");
  fflush(stdout);
}

static void start(const char *id, int held, int null) {
  int in[2] = {-1, -1}, out[2] = {-1, -1};
  struct instance *one = calloc(1, sizeof *one);
  if (one == NULL) return refuse(id, ENOMEM);
  snprintf(one->id, sizeof one->id, "%s", id);
  one->held = held;
  int error = 0;
  if ((held && pipe2(in, O_CLOEXEC) < 0) || pipe2(out, O_CLOEXEC) < 0) error = errno;
  if (error == 0) error = spawn(one, held ? in[0] : null, out[1]);
  shut(&in[0]);
  shut(&out[1]);
  if (error != 0) {
    shut(&in[1]);
    shut(&out[0]);
    free(one);
    return refuse(id, error);
  }
  one->input = in[1];
  one->output = out[0];
  fcntl(one->output, F_SETFL, O_NONBLOCK);
  one->next = instances;
  instances = one;
  busy = 1;
}

static void announce(const struct instance *one) {
  printf("first %s %llu %llu\n", one->id, (unsigned long long)one->requested, (unsigned long long)one->first);
  fflush(stdout);
}

static void hear(struct instance *one) {
  unsigned char more[4096];
  ssize_t got;
  while ((got = read(one->output, more, sizeof more)) > 0) {
    if (one->first == 0) {
      one->first = now();
      if (one->held) announce(one);
    }
    size_t room = MOST_OUTPUT - one->length, taken = (size_t)got < room ? (size_t)got : room;
    memcpy(one->text + one->length, more, taken);
    one->length += taken;
  }
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) shut(&one->output);
}

static uint64_t microseconds(struct timeval time) { return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_usec; }

/* Waits for whatever has ended; what was adopted counts as the one instance that is there, if it is one. */
static void bury(void) {
  struct rusage usage;
  int status;
  pid_t pid;
  while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
    struct instance *one = instances;
    while (one != NULL && one->pid != pid) one = one->next;
    if (one != NULL) {
      one->pid = 0;
      one->exited = now();
      one->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (instances != NULL && instances->next == NULL) {
      one = instances;
    }
    if (one == NULL) continue;
    one->user += microseconds(usage.ru_utime);
    one->system += microseconds(usage.ru_stime);
    if (usage.ru_maxrss > one->peak) one->peak = usage.ru_maxrss;
  }
  busy = pid == 0;
}

static void tell(const struct instance *one) {
  printf("end %s %llu %llu %llu %llu %d %llu %llu %ld ", one->id, (unsigned long long)one->requested,
         (unsigned long long)one->first, (unsigned long long)one->exited, (unsigned long long)now(), one->status,
         (unsigned long long)one->user, (unsigned long long)one->system, one->peak);
  if (one->length == 0) printf("-");
  for (size_t i = 0; i < one->length; i++) printf("%02x", one->text[i]);
  printf("\n");
  fflush(stdout);
}

static void leave(const struct instance *one) {
  printf("left %s %llu %llu %d\n", one->id, (unsigned long long)one->requested, (unsigned long long)one->exited,
         one->status);
  fflush(stdout);
}

/* An instance is gone when it was waited for, nobody can write any more, and of the last one no process is left. */
static void settle(void) {
  for (struct instance **at = &instances; *at != NULL;) {
    struct instance *one = *at;
    int last = instances == one && one->next == NULL;
    if (one->pid != 0) {
      at = &one->next;
    } else if (one->output >= 0 || (last && busy)) {
      if (!one->told) leave(one);
      one->told = 1;
      at = &one->next;
    } else {
      tell(one);
      *at = one->next;
      shut(&one->input);
      free(one);
    }
  }
}

static void kill_children(int signal) {
  char list[4096];
  ssize_t got = pread(children, list, sizeof list - 1, 0);
  if (got <= 0) return;
  list[got] = '\0';
  if (got == sizeof list - 1) *strrchr(list, ' ') = '\0'; /* the last one may be cut; it is read again */
  for (char *word = strtok(list, " \n"); word != NULL; word = strtok(NULL, " \n")) kill(atoi(word), signal);
}

/* Whoever reads its input may end by itself, whoever is asked to may clean up; then there is no more asking. */
static void end_all(void) {
  for (struct instance *one = instances; one != NULL; one = one->next) shut(&one->input), shut(&one->output);
  for (int tries = 0; tries < 1000; tries++) {
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    if (waitpid(-1, NULL, WNOHANG) < 0) return;
    if (tries == 50) kill_children(SIGTERM);
    if (tries >= 100) kill_children(SIGKILL); /* their children become ours as they go */
    usleep(10000);
  }
}

static void obey(char *line, int null) {
  char *verb = strtok(line, " "), *id = strtok(NULL, " ");
  if (verb == NULL || id == NULL) return;
  if (strcmp(verb, "run") == 0) start(id, 0, null);
  if (strcmp(verb, "hold") == 0) start(id, 1, null);
  struct instance *one = strcmp(verb, "release") == 0 ? find(id) : NULL;
  if (one != NULL) shut(&one->input);
}

/* Whole lines from standard input; 0 at its end. */
static int listen_to(int null) {
  static char buffer[65536];
  static size_t length;
  ssize_t got = read(0, buffer + length, sizeof buffer - 1 - length);
  if (got <= 0) return got < 0 && errno == EINTR;
  length += (size_t)got;
  buffer[length] = '\0';
  char *line = buffer;
  for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
    *end = '\0';
    obey(line, null);
  }
  length = strlen(line);
  memmove(buffer, line, length + 1);
  return length < sizeof buffer - 1;
}

static void serve(int signals, int null) {
  struct pollfd *polled = NULL;
  size_t room = 0;
  for (;;) {
    size_t count = 2;
    for (struct instance *one = instances; one != NULL; one = one->next) count++;
    if (count > room) {
      room = count * 2;
      struct pollfd *more = realloc(polled, room * sizeof *polled);
      if (more == NULL) break;
      polled = more;
    }
    polled[0] = (struct pollfd){.fd = 0, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = signals, .events = POLLIN};
    size_t at = 2;
    for (struct instance *one = instances; one != NULL; one = one->next)
      polled[at++] = (struct pollfd){.fd = one->output, .events = POLLIN};
    if (poll(polled, at, -1) < 0 && errno != EINTR) break;
    at = 2;
    for (struct instance *one = instances; one != NULL; one = one->next)
      if (polled[at++].revents != 0 && one->output >= 0) hear(one);
    if (polled[1].revents != 0) {
      struct signalfd_siginfo news[16];
      if (read(signals, news, sizeof news) > 0) bury();
    }
    settle();
    if (polled[0].revents != 0 && !listen_to(null)) break;
  }
  free(polled);
}

static int take_options(int argc, char **argv, const char **root) {
  int option;
  while ((option = getopt(argc, argv, "+r:i:")) != -1) {
    char *file = option == 'i' ? strchr(optarg, '=') : NULL;
    if (option == 'r') *root = optarg;
    else if (file == NULL || file_count == MOST_FILES) return 0;
    else files[file_count].fd = atoi(optarg), files[file_count++].path = file + 1;
  }
  command = argv + optind;
  return *command != NULL;
}

int main(int argc, char **argv) {
  const char *root = NULL;
  char path[64];
  sigset_t child;
  if (!take_options(argc, argv, &root)) {
    fprintf(stderr, "usage: stopwatch [-r ROOT] [-i FD=FILE]... -- COMMAND [ARG]...\n");
    return 2;
  }
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  children = open(path, O_RDONLY | O_CLOEXEC);
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  if (null < 0 || children < 0 || signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
    fprintf(stderr, "stopwatch: %s\n", strerror(errno));
    return 125;
  }
  if (root != NULL && (chroot(root) < 0 || chdir("/") < 0)) {
    fprintf(stderr, "stopwatch: make %s the root: %s\n", root, strerror(errno));
    return 125;
  }
  serve(signals, null);
  end_all();
  return 0;
}
