/*
 * `create` once more, without Node: the record of a bundle like this one is found, seen to hold, made this container's,
 * and its programs are run. It decides nothing: whatever does not fit is left to Node. See creation.h.
 */
#include "creation.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "container.h"
#include "launch.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* A config.json with a seccomp profile has some 30 KiB. */
#define LONGEST_CONFIG (1 << 20)

struct word {
  const char *at;
  size_t size;
};

struct config {
  char *text;
  size_t size;
};

struct attempt {
  const struct creating *creating;
  struct config config;
  char bundle[PATH_MAX];
  char created[40], pid[16], started[24];
  int hooked;       /* hooks have been run: nobody may run them again */
  char failure[64]; /* what then went wrong, for Node to say */
  char said[4096];
  struct word words[MOST_WORDS];
  struct creation *record;
};

static void *at(struct creation *record, uint32_t offset) { return (char *)record + offset; }

/* ---- the bundle -------------------------------------------------------------------------------------------------- */

/* As path.resolve of Node leaves it: absolute, without empty parts, `.` and `..`, and without a slash at its end. */
static int is_clean(const char *path, size_t size) {
  if (size < 2 || *path != '/') return 0;
  for (size_t i = 0; i < size; i++) {
    if (path[i] != '/') continue;
    const char *part = path + i + 1;
    size_t length = 0;
    while (i + 1 + length < size && part[length] != '/') length++;
    if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.')) return 0;
  }
  return 1;
}

/* Such as JSON shows as they are. */
static int is_plain(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if ((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == '\\') return 0;
  return 1;
}

static int find_bundle(struct attempt *attempt) {
  const char *given = attempt->creating->bundle;
  size_t size = 0, room = sizeof attempt->bundle;
  if (given == NULL || *given != '/') {
    if (getcwd(attempt->bundle, room) == NULL) return 0;
    size = strlen(attempt->bundle);
  }
  if (given != NULL && strcmp(given, ".") != 0) {
    const char *between = *given == '/' ? "" : "/";
    size += (size_t)snprintf(attempt->bundle + size, room - size, "%s%s", between, given);
    if (size >= room) return 0;
  }
  return is_clean(attempt->bundle, size) && is_plain(attempt->bundle, size);
}

static int read_config(struct attempt *attempt) {
  char path[PATH_MAX + 16];
  struct stat found;
  snprintf(path, sizeof path, "%s/config.json", attempt->bundle);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return 0;
  struct config *config = &attempt->config;
  if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_size > 0 && found.st_size <= LONGEST_CONFIG)
    config->text = malloc((size_t)found.st_size + 1);
  if (config->text != NULL) {
    ssize_t got = read(fd, config->text, (size_t)found.st_size + 1);
    config->size = got == found.st_size ? (size_t)got : 0;
  }
  close(fd);
  return config->size > 0;
}

/* ---- the record -------------------------------------------------------------------------------------------------- */

static int inside(const struct creation *record, uint64_t offset, uint64_t count, uint64_t width) {
  return offset >= sizeof *record && offset <= record->size && count <= (record->size - offset) / width;
}

static int is_table(const struct creation *record, struct span span, uint64_t width) {
  return span.at % 4 == 0 && inside(record, span.at, span.count, width);
}

static int is_program(struct creation *record, struct span span) {
  return inside(record, span.at, span.count, 1) && span.at % 8 == 0 && tare_check(at(record, span.at), span.count) == 0;
}

static int is_spawn(struct creation *record) {
  struct span span = record->spawn;
  if (!inside(record, span.at, span.count, 1) || span.at % 16 != 0 || span.count < sizeof(struct spawn)) return 0;
  const struct spawn *spawn = at(record, span.at);
  return spawn->program % 16 == 0 && spawn->program < span.count && spawn->program_size == span.count - spawn->program &&
         spawn->bootstrap < spawn->program && spawn->bootstrap_size <= spawn->program - spawn->bootstrap &&
         tare_check((const void *)((const char *)spawn + spawn->program), spawn->program_size) == 0;
}

static int has_texts(struct creation *record, uint32_t list) {
  for (; inside(record, list, 1, sizeof(uint32_t)) && list % 4 == 0; list += 4) {
    uint32_t text = *(uint32_t *)at(record, list);
    if (text == 0) return 1;
    if (!inside(record, text, 1, 1)) return 0;
  }
  return 0;
}

static int is_whole(struct creation *record, uint64_t size) {
  if (size < sizeof *record || record->magic != CREATION_MAGIC || record->size != size) return 0;
  if (((const char *)record)[size - 1] != 0 || !inside(record, record->key.at, record->key.count, 1)) return 0;
  if (!is_program(record, record->setup) || !is_program(record, record->undo) || !is_spawn(record)) return 0;
  if (!is_table(record, record->container, 1) || record->container.count < sizeof(struct container)) return 0;
  if (!is_table(record, record->pieces, sizeof(struct piece)) || !is_table(record, record->parts, sizeof(struct part)))
    return 0;
  if (!is_table(record, record->barred, sizeof(struct barred))) return 0;
  if (!is_table(record, record->slots, sizeof(struct slot)) || !is_table(record, record->lengths, sizeof(struct length)))
    return 0;
  if (!is_table(record, record->stops, sizeof(struct stop)) || !is_table(record, record->hooks, sizeof(struct hook)))
    return 0;
  if (!inside(record, record->saved, 1, 1) || !inside(record, record->state, 1, 1)) return 0;
  if (record->pieces.count == 0 || record->pieces.count + WORD_FOUND > MOST_WORDS) return 0;
  const struct piece *pieces = at(record, record->pieces.at);
  for (uint32_t i = 0; i < record->pieces.count; i++) {
    int last = i + 1 == record->pieces.count;
    if (!inside(record, pieces[i].at, pieces[i].size, 1) || (pieces[i].gap == GAP_NONE) != last) return 0;
  }
  const struct barred *barred = at(record, record->barred.at);
  for (uint32_t i = 0; i < record->barred.count; i++)
    if (!inside(record, barred[i].start, 1, 1)) return 0;
  const struct part *parts = at(record, record->parts.at);
  for (uint32_t i = 0; i < record->parts.count; i++) {
    if (parts[i].word == WORD_LITERAL && !inside(record, parts[i].at, parts[i].size, 1)) return 0;
    if (parts[i].word != WORD_LITERAL && parts[i].word >= WORD_FOUND + record->pieces.count - 1) return 0;
  }
  const struct slot *slots = at(record, record->slots.at);
  for (uint32_t i = 0; i < record->slots.count; i++) {
    if (slots[i].room == 0 || !inside(record, slots[i].at, slots[i].room, 1)) return 0;
    if (slots[i].part > record->parts.count || slots[i].count > record->parts.count - slots[i].part) return 0;
  }
  const struct length *lengths = at(record, record->lengths.at);
  for (uint32_t i = 0; i < record->lengths.count; i++)
    if (!inside(record, lengths[i].at, 8, 1) || !inside(record, lengths[i].text, 1, 1)) return 0;
  const struct hook *hooks = at(record, record->hooks.at);
  for (uint32_t i = 0; i < record->hooks.count; i++)
    if (!inside(record, hooks[i].path, 1, 1) || !has_texts(record, hooks[i].args) || (hooks[i].env != 0 && !has_texts(record, hooks[i].env)))
      return 0;
  return guards_are_whole(record, size, record->guards);
}

/* ---- config.json ------------------------------------------------------------------------------------------------- */

static int is_barred(struct creation *record, uint32_t gap, const char *text, size_t size) {
  const struct barred *barred = at(record, record->barred.at);
  for (uint32_t i = 0; i < record->barred.count; i++) {
    const char *start = at(record, barred[i].start);
    size_t length = strlen(start);
    int is_directory = size + 1 == length && start[size] == '/';
    if (barred[i].gap == gap && (size >= length || is_directory) && memcmp(text, start, is_directory ? size : length) == 0)
      return 1;
  }
  return 0;
}

static int is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

static int fits(uint32_t gap, const char *text, size_t size) {
  const char *slash = memchr(text, '/', size), *equals = memchr(text, '=', size);
  switch (gap) {
    case GAP_NAME: return size > 0 && !(size == 1 && *text == '.') && !(size == 2 && memcmp(text, "..", 2) == 0);
    case GAP_PATH:
    case GAP_FILE: return is_clean(text, size);
    case GAP_COMMAND: return size > 0 && slash == NULL;
    case GAP_PROGRAM: return slash != NULL;
    case GAP_WORD: return 1;
    case GAP_VARIABLE: return equals != NULL && equals > text;
    default: return 0;
  }
}

/* How long a value is that begins here; 0 where none ends. What is in it was never looked at by anybody. */
static size_t json_size(const char *text, size_t left) {
  int depth = 0, quoted = 0;
  for (size_t i = 0; i < left; i++) {
    char c = text[i];
    if (quoted) {
      if (c == '\\') i++;
      else if (c == '"') quoted = 0;
      else if ((unsigned char)c < 0x20) return 0;
      if (!quoted && depth == 0) return i + 1;
      continue;
    }
    if (c == '"') quoted = 1;
    else if (c == '{' || c == '[') depth++;
    else if ((c == '}' || c == ']') && --depth == 0) return i + 1;
    if (depth <= 0 && !quoted) return 0;
  }
  return 0;
}

static size_t gap_size(struct creation *record, uint32_t gap, const char *text, size_t left) {
  size_t size = 0;
  if (gap == GAP_JSON) return json_size(text, left);
  if (gap == GAP_NAME)
    while (size < left && is_name(text[size])) size++;
  else
    while (size < left && text[size] != '"') size++;
  int good = size < left && is_plain(text, size) && fits(gap, text, size) && !is_barred(record, gap, text, size);
  return good ? size : left;
}

static int matches(struct attempt *attempt, struct creation *record) {
  const struct piece *pieces = at(record, record->pieces.at);
  const char *text = attempt->config.text;
  size_t left = attempt->config.size;
  for (uint32_t i = 0; i < record->pieces.count; i++) {
    if (pieces[i].size > left || memcmp(text, at(record, pieces[i].at), pieces[i].size) != 0) return 0;
    text += pieces[i].size;
    left -= pieces[i].size;
    if (pieces[i].gap == GAP_NONE) return left == 0;
    size_t size = gap_size(record, pieces[i].gap, text, left);
    if (size == left || (size == 0 && pieces[i].gap == GAP_JSON)) return 0;
    attempt->words[WORD_FOUND + i] = (struct word){text, size};
    text += size;
    left -= size;
  }
  return 0;
}

/* Writes the texts that tell of the child, or those that do not. */
static int write_texts(struct attempt *attempt, uint32_t late) {
  struct creation *record = attempt->record;
  const struct slot *slots = at(record, record->slots.at);
  const struct part *parts = at(record, record->parts.at);
  for (uint32_t i = 0; i < record->slots.count; i++) {
    if (slots[i].late != late) continue;
    char *into = at(record, slots[i].at), *end = into + slots[i].room - 1;
    for (uint32_t j = 0; j < slots[i].count; j++) {
      const struct part *part = &parts[slots[i].part + j];
      struct word word = {at(record, part->at), part->size};
      if (part->word != WORD_LITERAL) word = attempt->words[part->word];
      if (word.size > (size_t)(end - into)) return 0;
      memcpy(into, word.at, word.size);
      into += word.size;
    }
    *into = 0;
  }
  const struct length *lengths = at(record, record->lengths.at);
  for (uint32_t i = 0; i < record->lengths.count; i++) {
    uint64_t size = strlen(at(record, lengths[i].text));
    memcpy(at(record, lengths[i].at), &size, sizeof size);
  }
  return 1;
}

/* Mapped to be changed for ourselves alone; NULL where there is none, or none to be trusted. */
static struct creation *open_record(int directory, const char *key, size_t size, int index) {
  char name[32];
  struct stat found;
  snprintf(name, sizeof name, "%08x-%d", hash_of(key, size), index);
  int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return NULL;
  struct creation *record = MAP_FAILED;
  if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && is_ours(&found) && found.st_size >= (off_t)sizeof *record)
    record = mmap(NULL, (size_t)found.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  close(fd);
  if (record == MAP_FAILED) return NULL;
  if (is_whole(record, (uint64_t)found.st_size) && record->key.count == size &&
      memcmp(at(record, record->key.at), key, size) == 0)
    return record;
  munmap(record, (size_t)found.st_size);
  return NULL;
}

static int find_record(struct attempt *attempt) {
  const struct creating *creating = attempt->creating;
  static char key[PATH_MAX + 8];
  struct stat status;
  ssize_t own = readlink("/proc/self/exe", key, PATH_MAX); /* another checkout decides otherwise */
  int directory = open(CREATION_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (own <= 0 || directory < 0) return 0;
  size_t size = (size_t)own;
  key[size++] = 0;
  key[size++] = creating->no_new_keyring ? '1' : '0';
  key[size++] = creating->console_socket != NULL ? '1' : '0';
  int trusted = fstat(directory, &status) == 0 && is_ours(&status);
  for (int i = 0; trusted && i < CREATIONS && attempt->record == NULL; i++) {
    struct creation *record = open_record(directory, key, size, i);
    if (record == NULL) continue;
    attempt->record = record;
    if (!matches(attempt, record) || !write_texts(attempt, 0) || !guards_hold(record, record->guards)) {
      attempt->record = NULL;
      munmap(record, record->size);
    }
  }
  close(directory);
  return attempt->record != NULL;
}

/* Of what goes wrong first the rest follows. */
__attribute__((format(printf, 2, 3))) static int fail(struct attempt *attempt, const char *format, ...) {
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

static int run_hooks(struct attempt *attempt, const struct spawn *spawn) {
  for (uint32_t i = 0; i < attempt->record->hooks.count; i++)
    if (!run_hook(attempt, i)) return 0;
  *attempt->said = 0;
  return send(spawn->sync, "g", 1, MSG_NOSIGNAL) == 1;
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
  if (geteuid() != 0 || !has_streams() || !find_bundle(&attempt) || !read_config(&attempt)) return 0;
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
