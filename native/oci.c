/*
 * tare-oci: the verbs that need no Node. `create` has compiled them into programs; here it is only seen whether the
 * container lives, has been started or is frozen, and the program is run. `create` itself is done as it was done before
 * for a bundle like this one (creation.c). Whatever is not plain (another verb, a flag, a hook, a wrong state, a failing
 * call) is left to Node, which does the verb from its beginning and finds the words.
 *
 *     tare-oci [--root DIR] [--log FILE] [--log-format FORMAT] [--systemd-cgroup]
 *              start|kill|pause|resume|delete|state [--force] ID [SIGNAL]
 *     tare-oci … create [--bundle DIR] [--pid-file FILE] [--console-socket PATH] [--no-new-keyring] ID
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "container.h"
#include "creation.h"
#include "launch.h"

#define TARE_FAILED_CODE 125

/* The last task leaves its group a moment after its end was reported, and a freeze takes its time; in ms. */
#define PATIENCE 100

enum status { CREATED, RUNNING, PAUSED, STOPPED };

struct request {
  enum verb verb;
  const char *root;
  const char *id;
  int signal;
  int force;
  struct creating creating;
};

/* ---- Node -------------------------------------------------------------------------------------------------------- */

/* Node raises its own as it starts: what it is to pass on is its caller's. */
static void tell_file_limit(void) {
  struct rlimit limit;
  char text[64];
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
  setenv("TARE_OCI_NOFILE", text, 1);
}

/* Engines call without PATH, so the Node that built us is tried first. */
static _Noreturn void leave_to_node(char **argv) {
  static char script[4096];
  ssize_t size = readlink("/proc/self/exe", script, sizeof script - 32);
  char *end = size < 0 ? NULL : memrchr(script, '/', (size_t)size);
  int count = 0;
  while (argv[count] != NULL) count++;
  char **words = calloc((size_t)count + 2, sizeof *words);
  if (end != NULL && words != NULL) {
    strcpy(end, "/../bin/tare-oci.cjs");
    words[0] = (char *)"node";
    words[1] = script;
    memcpy(words + 2, argv + 1, (size_t)count * sizeof *words);
    tell_file_limit();
    unsetenv("NODE_OPTIONS");        /* the engine's, and not meant for us */
    unsetenv("NODE_EXTRA_CA_CERTS"); /* takes Node 20 40 ms to read */
    execv(TARE_NODE, words);
    execvp("node", words);
  }
  fprintf(stderr, "tare-oci: run node: %s (hint: npm run build remembers where Node is)\n", strerror(errno));
  _exit(TARE_FAILED_CODE);
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

/* The value of `--name VALUE` or `--name=VALUE`, and past it; NULL where the word is another. */
static const char *value_of(char ***words, const char *name) {
  const char *word = **words;
  size_t length = strlen(name);
  if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, name, length) != 0) return NULL;
  if (word[2 + length] == '=') return word + 3 + length;
  if (word[2 + length] != 0 || (*words)[1] == NULL) return NULL;
  *words += 1;
  return **words;
}

/* Where containers are kept unless said otherwise: as src/oci/place.ts has it. */
static const char *default_root(void) {
  static char path[4096];
  char map[64] = "";
  const char *runtime = getenv("XDG_RUNTIME_DIR"), *user = getenv("USER");
  if (runtime == NULL || *runtime == 0) return geteuid() == 0 ? "/run/tare-oci" : NULL;
  if (geteuid() == 0) {
    if (read_file("/proc/self/uid_map", map, sizeof map) < 0) return NULL;
    int whole = strstr(map, "4294967295") != NULL;
    if (whole || (user != NULL && strcmp(user, "root") == 0)) return "/run/tare-oci";
  }
  snprintf(path, sizeof path, "%s/tare-oci", runtime);
  return path;
}

static int number_of(const char *text) {
  if (isdigit((unsigned char)*text)) {
    char *end;
    long number = strtol(text, &end, 10);
    return *end == 0 && number > 0 && number < NSIG ? (int)number : 0;
  }
  if (strncmp(text, "SIG", 3) == 0) text += 3;
  for (int number = 1; number < NSIG; number++) {
    const char *name = sigabbrev_np(number);
    if (name != NULL && strcmp(name, text) == 0) return number;
  }
  return 0;
}

/* The flags of `create`; 0 for one that takes Node. */
static int parse_creating(char ***words, struct creating *creating) {
  for (; **words != NULL && ***words == '-'; *words += 1) {
    const char *value;
    if ((value = value_of(words, "bundle")) != NULL) creating->bundle = value;
    else if ((value = value_of(words, "pid-file")) != NULL) creating->pid_file = value;
    else if ((value = value_of(words, "console-socket")) != NULL) creating->console_socket = value;
    else if (strcmp(**words, "-b") == 0 && (*words)[1] != NULL) creating->bundle = *++*words;
    else if (strcmp(**words, "--no-new-keyring") == 0) creating->no_new_keyring = 1;
    else return 0;
  }
  return getenv("LISTEN_FDS") == NULL && getenv("TARE_NO_REPLAY") == NULL;
}

static int parse(char **words, struct request *request) {
  static const char *const verbs[] = {"start", "kill", "pause", "resume", "delete", "state", "create"};
  int scope = 0; /* engines say so of every verb: what has been created knows its group */
  *request = (struct request){.signal = SIGTERM};
  for (; *words != NULL && **words == '-'; words++) {
    const char *root = value_of(&words, "root");
    if (root != NULL) request->root = root;
    else if (strcmp(*words, "--systemd-cgroup") == 0) scope = 1;
    else if (value_of(&words, "log") == NULL && value_of(&words, "log-format") == NULL) return 0;
  }
  if (request->root == NULL) request->root = default_root();
  if (request->root == NULL || *words == NULL) return 0;
  int verb = 0;
  while (verb <= CREATE && strcmp(verbs[verb], *words) != 0) verb++;
  if (verb > CREATE || (verb == CREATE && scope)) return 0;
  request->verb = (enum verb)verb;
  words++;
  if (verb == DELETE && *words != NULL && (strcmp(*words, "--force") == 0 || strcmp(*words, "-f") == 0)) {
    request->force = 1;
    words++;
  }
  if (verb == CREATE && !parse_creating(&words, &request->creating)) return 0;
  if (*words == NULL || **words == '-') return 0;
  request->id = *words++;
  if (verb == KILL && *words != NULL) request->signal = number_of(*words++);
  return *words == NULL && request->signal != 0;
}

/* ---- the container ----------------------------------------------------------------------------------------------- */

static int inside(const struct container *container, struct span span, uint32_t align) {
  return span.at >= sizeof *container && span.at <= container->size && span.count <= container->size - span.at &&
         span.at % align == 0;
}

static void *at(struct container *container, uint32_t offset) { return (char *)container + offset; }

static int is_whole(struct container *container, uint64_t size) {
  if (container->magic != CONTAINER_MAGIC || container->size != size || ((const char *)container)[size - 1] != 0) return 0;
  if (container->events < sizeof *container || container->events >= size) return 0;
  for (int i = 0; i < 3; i++)
    if (!inside(container, container->state[i], 1)) return 0;
  for (int i = 0; i < PROGRAMS; i++) {
    struct span span = container->programs[i];
    if (span.count == 0) continue;
    if (!inside(container, span, 16) || tare_check(at(container, span.at), span.count) != 0) return 0;
  }
  uint32_t kill = container->programs[KILL].count;
  return kill >= 8 && container->pidfd <= kill - 8 && container->signal <= kill - 8;
}

static int is_name(const char *id) {
  return *id != 0 && strchr(id, '/') == NULL && strcmp(id, ".") != 0 && strcmp(id, "..") != 0;
}

/* The ids of new ones: as src/oci/store.ts has it. */
static int is_good_name(const char *id) {
  for (const char *at = id; *at != 0; at++)
    if (!isascii((unsigned char)*at) || (!isalnum((unsigned char)*at) && strchr("_+.-", *at) == NULL)) return 0;
  return is_name(id);
}

/* Goes to the container's directory. NULL where there is no such container, or nothing there is to be trusted. */
static struct container *open_container(const char *root, const char *id) {
  static char path[4096];
  struct stat found;
  if (!is_name(id) || snprintf(path, sizeof path, "%s/%s", root, id) >= (int)sizeof path || chdir(path) < 0) return NULL;
  int fd = open("container", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return NULL;
  struct container *container = MAP_FAILED;
  if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == geteuid() && (found.st_mode & 022) == 0 &&
      found.st_size >= (off_t)sizeof *container)
    container = mmap(NULL, (size_t)found.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  close(fd);
  return container != MAP_FAILED && is_whole(container, (uint64_t)found.st_size) ? container : NULL;
}

/* proc_pid_stat(5). A pid comes around again; with its start time it is one process until the next boot. */
static int is_alive(const struct container *container) {
  char path[32], stat[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", container->pid);
  if (read_file(path, stat, sizeof stat) <= 0) return 0;
  const char *field = strrchr(stat, ')');
  if (field == NULL || field[1] == 0 || strchr("ZX", field[2]) != NULL) return 0;
  for (int i = 0; i < 20 && field != NULL; i++) field = strchr(field + 1, ' ');
  return field != NULL && strtoull(field + 1, NULL, 10) == container->started;
}

static int is_frozen(struct container *container) {
  char text[256];
  const char *path = at(container, container->events);
  return *path != 0 && read_file(path, text, sizeof text) > 0 && strstr(text, "frozen 1") != NULL;
}

static enum status status_of(struct container *container) {
  if (!is_alive(container)) return STOPPED;
  if (is_frozen(container)) return PAUSED;
  return faccessat(AT_FDCWD, "start", F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? CREATED : RUNNING;
}

/* ---- the verbs --------------------------------------------------------------------------------------------------- */

static int run(struct container *container, enum verb verb) {
  struct span span = container->programs[verb];
  return span.count != 0 && tare_interpret(at(container, span.at)) == TARE_HALTED;
}

static void pause_for(long milliseconds) { nanosleep(&(struct timespec){0, milliseconds * 1000000L}, NULL); }

static int is_now(struct container *container, enum status status) {
  for (int waited = 0; status_of(container) != status; waited++) {
    if (waited == PATIENCE) return 0;
    pause_for(1);
  }
  return 1;
}

/* The pidfd is opened before it is seen whose pid that is: whom it then reaches is the container, dead or alive. */
static int send_signal(struct container *container, int number) {
  struct span span = container->programs[KILL];
  int64_t pidfd = syscall(SYS_pidfd_open, container->pid, 0), value = number;
  if (pidfd < 0 || !is_alive(container)) return 0;
  memcpy((char *)at(container, span.at) + container->pidfd, &pidfd, sizeof pidfd);
  memcpy((char *)at(container, span.at) + container->signal, &value, sizeof value);
  return run(container, KILL);
}

/* Whoever was in its group may need a moment to leave it. */
static int delete(struct container *container) {
  for (int waited = 0; !run(container, DELETE); waited++) {
    if (container->programs[DELETE].count == 0 || waited == PATIENCE) return 0;
    pause_for(1);
  }
  return 1;
}

static int print_state(struct container *container, enum status status) {
  static const char *const names[] = {"created", "running", "paused", "stopped"};
  const struct span *parts = container->state;
  const char *before = at(container, parts[0].at), *between = at(container, parts[1].at), *after = at(container, parts[2].at);
  printf("%s%d%s%s%s", before, status == STOPPED ? 0 : container->pid, between, names[status], after);
  return fflush(stdout) == 0;
}

/* Engines delete once more, to be sure. */
static int is_absent(const struct request *request) {
  char path[4096];
  if (!is_name(request->id)) return 0;
  if (snprintf(path, sizeof path, "%s/%s", request->root, request->id) >= (int)sizeof path) return 0;
  return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

static int create(struct request *request, int here) {
  request->creating.root = request->root;
  request->creating.id = request->id;
  request->creating.here = here;
  if (getenv("LISTEN_FDS") != NULL) return 0; /* sockets for the container */
  return here >= 0 && is_good_name(request->id) && create_as_before(&request->creating);
}

static int serve(struct request *request, int here) {
  if (request->verb == CREATE) return create(request, here);
  if (request->force && is_absent(request)) return 1;
  struct container *container = open_container(request->root, request->id);
  if (container == NULL) return 0;
  enum status status = status_of(container);
  switch (request->verb) {
    case START: return status == CREATED && run(container, START);
    case KILL: return status != STOPPED && send_signal(container, request->signal);
    case PAUSE: return status == RUNNING && run(container, PAUSE) && is_now(container, PAUSED);
    case RESUME: return status == PAUSED && run(container, RESUME) && is_now(container, RUNNING);
    case DELETE: return status == STOPPED && delete(container);
    case STATE: return print_state(container, status);
    case CREATE: break;
  }
  return 0;
}

int main(int argc, char **argv) {
  struct request request;
  unsetenv("TARE_OCI_FAILED"); /* ours to set */
  unsetenv("TARE_OCI_SAID");
  int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (argc > 1 && parse(argv + 1, &request) && serve(&request, here)) return 0;
  if (here >= 0 && fchdir(here) < 0) return TARE_FAILED_CODE;
  leave_to_node(argv);
}
