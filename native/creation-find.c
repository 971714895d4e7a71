/*
 * Whether a bundle is like one on record: its config.json says what the record wants, but for words that decide nothing, and
 * this host is as it was. Nothing on the host is changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attempt.h"
#include "container.h"
#include "launch.h"

/* A config.json with a seccomp profile has some 30 KiB. */
#define LONGEST_CONFIG (1 << 20)

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

int read_bundle(struct attempt *attempt) { return find_bundle(attempt) && read_config(attempt); }

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

int write_texts(struct attempt *attempt, uint32_t late) {
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

int find_record(struct attempt *attempt) {
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
