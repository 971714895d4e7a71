/* What was seen of the host, looked at again. See guard.h. */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* FNV-1a, 32 bits. */
uint32_t hash_of(const char *bytes, size_t size) {
  uint32_t value = 0x811c9dc5u;
  for (size_t i = 0; i < size; i++) value = (value ^ (uint8_t)bytes[i]) * 0x01000193u;
  return value;
}

int is_ours(const struct stat *found) { return found->st_uid == geteuid() && (found->st_mode & 022) == 0; }

ssize_t read_file(const char *path, char *into, size_t room) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -1;
  ssize_t got, all = 0;
  while ((got = read(fd, into + all, room - 1 - (size_t)all)) > 0) all += got;
  close(fd);
  into[all] = 0;
  return got < 0 ? -1 : all;
}

static int has_lines(const char *text, const char *lines, size_t size) {
  const char *end = lines + size;
  while (lines < end) {
    const char *stop = memchr(lines, '\n', (size_t)(end - lines));
    if (stop == NULL) return 0;
    const char *found = memmem(text, strlen(text), lines, (size_t)(stop + 1 - lines));
    if (found == NULL || (found != text && found[-1] != '\n')) return 0;
    lines = stop + 1;
  }
  return 1;
}

static int holds(const char *base, const struct guard *guard) {
  static char text[65536];
  const char *path = base + guard->path, *expected = base + guard->expected;
  struct stat found;
  struct sight sight = {0};
  ssize_t size;
  switch (guard->kind) {
    case GUARD_TEXT:
      size = read_file(path, text, sizeof text);
      return size == (ssize_t)guard->size && memcmp(text, expected, guard->size) == 0;
    case GUARD_LINES: return read_file(path, text, sizeof text) >= 0 && has_lines(text, expected, guard->size);
    case GUARD_LINK:
      size = readlink(path, text, sizeof text);
      return size == (ssize_t)guard->size && memcmp(text, expected, guard->size) == 0;
    case GUARD_FILE:
      if (lstat(path, &found) == 0) {
        sight = (struct sight){found.st_dev, found.st_ino, found.st_mode, 0};
        sight.changed = (uint64_t)found.st_ctim.tv_sec * 1000000000u + (uint64_t)found.st_ctim.tv_nsec;
      } else if (errno != ENOENT && errno != ENOTDIR) {
        return 0;
      }
      return guard->size == sizeof sight && memcmp(&sight, expected, sizeof sight) == 0;
    case GUARD_KIND:
      if (stat(path, &found) < 0) return 0;
      return guard->size == 1 && *expected == (S_ISDIR(found.st_mode) ? 'd' : 'f');
    default: return 0;
  }
}

static int inside(uint64_t size, uint64_t at, uint64_t count, uint64_t width) {
  return at <= size && count <= (size - at) / width;
}

int guards_are_whole(const void *base, uint64_t size, struct span span) {
  const struct guard *guards = (const void *)((const char *)base + span.at);
  if (span.at % 4 != 0 || !inside(size, span.at, span.count, sizeof *guards)) return 0;
  for (uint32_t i = 0; i < span.count; i++)
    if (!inside(size, guards[i].path, 1, 1) || !inside(size, guards[i].expected, guards[i].size, 1)) return 0;
  return 1;
}

int guards_hold(const void *base, struct span span) {
  const struct guard *guards = (const void *)((const char *)base + span.at);
  for (uint32_t i = 0; i < span.count; i++)
    if (!holds(base, &guards[i])) return 0;
  return 1;
}
