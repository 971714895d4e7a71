/*
 * Records of launches: found, checked, believed only where nothing has changed, and made this container's. See record.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "launch.h"
#include "record.h"

static void *in(struct record *record, uint32_t at) { return record_at(record, at); }

/* ---- finding the record ------------------------------------------------------------------------------------------ */

static int inside(const struct record *record, uint64_t at, uint64_t count, uint64_t width) {
  return at >= sizeof *record && at <= record->size && count <= (record->size - at) / width;
}

static int is_program(struct record *record, struct span span) {
  return inside(record, span.at, span.count, 1) && span.at % 8 == 0 && tare_check(in(record, span.at), span.count) == 0;
}

static int is_spawn(struct record *record) {
  struct span span = record->spawn;
  if (!inside(record, span.at, span.count, 1) || span.at % 16 != 0 || span.count < sizeof(struct spawn)) return 0;
  const struct spawn *spawn = in(record, span.at);
  const char *program = (const char *)spawn + spawn->program;
  return spawn->program % 16 == 0 && spawn->program < span.count && spawn->program_size == span.count - spawn->program &&
         spawn->bootstrap < spawn->program && spawn->bootstrap_size <= spawn->program - spawn->bootstrap &&
         tare_check((const void *)program, spawn->program_size) == 0;
}

/* That all of it lies within the file. Strings end there at the latest: the last byte is NUL. */
static int is_whole(struct record *record, uint64_t size) {
  if (size < sizeof *record || record->magic != RECORD_MAGIC || record->size != size) return 0;
  if (((const char *)record)[size - 1] != 0) return 0;
  if (!inside(record, record->key.at, record->key.count, 1) || !is_spawn(record)) return 0;
  if (!is_program(record, record->setup) || !is_program(record, record->cleanup)) return 0;
  if (!inside(record, record->ids.at, record->ids.count, sizeof(uint32_t))) return 0;
  if (!inside(record, record->words.at, record->words.count, sizeof(struct word))) return 0;
  if (!inside(record, record->oom.at, record->oom.count, 1) || !inside(record, record->oom_file, 1, 1)) return 0;
  if (!inside(record, record->owner, OWNER_LENGTH, 1) || !inside(record, record->world, 1, 1)) return 0;
  const uint32_t *ids = in(record, record->ids.at);
  for (uint32_t i = 0; i < record->ids.count; i++)
    if (!inside(record, ids[i], ID_LENGTH, 1)) return 0;
  const struct spawn *spawn = in(record, record->spawn.at);
  const struct tare_program *program = (const void *)((const char *)spawn + spawn->program);
  const struct word *words = in(record, record->words.at);
  for (uint32_t i = 0; i < record->words.count; i++)
    if (words[i].op >= program->op_count || !inside(record, words[i].prefix, 1, 1)) return 0;
  return guards_are_whole(record, size, record->guards);
}

/* The record under a key, mapped to be changed for ourselves alone; NULL if there is none, or none to be trusted. */
static struct record *open_record(int directory, const char *key, size_t size) {
  char name[32];
  struct stat found;
  snprintf(name, sizeof name, "%zu-%08x", size, hash_of(key, size));
  int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return NULL;
  struct record *record = MAP_FAILED;
  if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && is_ours(&found) && found.st_size >= (off_t)sizeof *record)
    record = mmap(NULL, (size_t)found.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  close(fd);
  if (record == MAP_FAILED) return NULL;
  if (is_whole(record, (uint64_t)found.st_size) && record->key.count == size &&
      memcmp(in(record, record->key.at), key, size) == 0)
    return record;
  munmap(record, (size_t)found.st_size);
  return NULL;
}

int record_find(int count, char **words, struct record **found) {
  struct stat status;
  int directory = open(RECORD_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (directory < 0) return 0;
  int taken = 0;
  static char key[8192];
  ssize_t own = readlink("/proc/self/exe", key, sizeof key / 2); /* another checkout decides otherwise */
  size_t size = own < 0 ? 0 : (size_t)own + 1;
  if (own < 0) count = 0;
  if (fstat(directory, &status) != 0 || !is_ours(&status)) count = 0;
  for (int i = 0; i < count && taken == 0; i++) {
    size_t length = strlen(words[i]) + 1;
    if (size + length + 1 > sizeof key) break;
    memcpy(key + size, words[i], length);
    size += length;
    const char *command = i + 1 < count ? words[i + 1] : NULL;
    if (command != NULL && (*command == 0 || strcmp(command, "--") == 0)) continue;
    key[size] = command == NULL ? KEY_IMAGE : strchr(command, '/') != NULL ? KEY_PATH : KEY_NAME;
    *found = open_record(directory, key, size + 1);
    if (*found != NULL) taken = i + 1;
  }
  close(directory);
  return taken;
}

int record_holds(struct record *record) { return guards_hold(record, record->guards); }

/* ---- making it this container's ---------------------------------------------------------------------------------- */

static int write_id(struct record *record) {
  uint8_t bytes[ID_LENGTH / 2];
  char id[ID_LENGTH + 1];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) return -1;
  for (size_t i = 0; i < sizeof bytes; i++) snprintf(id + 2 * i, 3, "%02x", bytes[i]);
  const uint32_t *ids = in(record, record->ids.at);
  for (uint32_t i = 0; i < record->ids.count; i++) memcpy(in(record, ids[i]), id, ID_LENGTH);
  return 0;
}

/* proc_pid_stat(5): the start time is its 22nd field, the 20th after the name, which may hold anything. */
static int write_owner(struct record *record) {
  char stat[1024], text[OWNER_LENGTH + 1];
  if (read_file("/proc/self/stat", stat, sizeof stat) <= 0) return -1;
  const char *at = strrchr(stat, ')');
  for (int i = 0; at != NULL && i < 20; i++) at = strchr(at + 1, ' ');
  if (at == NULL) return -1;
  unsigned long long start = strtoull(at + 1, NULL, 10);
  int size = snprintf(text, sizeof text, "%d %llu %s", getpid(), start, (const char *)in(record, record->world));
  if (size < 0 || size > (int)OWNER_LENGTH) return -1;
  memset(in(record, record->owner), ' ', OWNER_LENGTH);
  memcpy(in(record, record->owner), text, (size_t)size);
  return 0;
}

int record_sign(struct record *record) { return write_id(record) == 0 && write_owner(record) == 0 ? 0 : -1; }

/*
 * Behind the program's own memory come the pointers to the arguments, the table of what is to be relocated, grown by
 * them, and the texts.
 */
struct spawn *record_spawn(struct record *record, char **command, uint32_t count) {
  const struct spawn *model = in(record, record->spawn.at);
  const struct word *words = in(record, record->words.at);
  size_t text = 0, prefix = 0;
  for (uint32_t i = 0; i < count; i++) text += strlen(command[i]) + 1;
  for (uint32_t i = 0; i < record->words.count; i++)
    prefix += strlen(in(record, words[i].prefix)) + (count > 0 ? strlen(command[0]) : 0) + 1;
  const struct tare_program *old = (const void *)((const char *)model + model->program);
  uint32_t pointers = (old->size + 7u) & ~7u;
  uint32_t relocs = pointers + (count + 1) * 8;
  uint32_t texts = relocs + (old->reloc_count + count) * 4;
  size_t size = (texts + text + prefix + 7) & ~(size_t)7;
  if (record->words.count == 0) size = old->size;
  char *block = aligned_alloc(16, (model->program + size + 15) & ~(size_t)15);
  if (block == NULL) return NULL;
  memcpy(block, model, record->spawn.count);
  struct spawn *spawn = (void *)block;
  if (record->words.count == 0) return spawn;

  char *base = block + model->program;
  struct tare_program *program = (void *)base;
  memset(base + old->size, 0, size - old->size);
  memcpy(base + relocs, base + program->relocs, program->reloc_count * 4);
  uint32_t at = texts;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t address = program->base + at;
    uint32_t where = pointers + i * 8;
    memcpy(base + where, &address, sizeof address);
    memcpy(base + relocs + (program->reloc_count + i) * 4, &where, sizeof where);
    at += (uint32_t)(stpcpy(base + at, command[i]) + 1 - (base + at));
  }
  struct tare_op *ops = (void *)(base + program->ops);
  for (uint32_t i = 0; i < record->words.count; i++) {
    ops[words[i].op].args[0] = at;
    ops[words[i].op].args[1] = pointers;
    at += (uint32_t)(stpcpy(stpcpy(base + at, in(record, words[i].prefix)), command[0]) + 1 - (base + at));
  }
  program->relocs = relocs;
  program->reloc_count += count;
  program->size = spawn->program_size = (uint32_t)size;
  return spawn;
}
