// LD_PRELOAD: a disk that keeps only what was synced. Every file and folder below POWER_ROOTS (each ends with a colon) has a durable copy in
// POWER_DISK, and a sync copies there what a disk would have by then:
//   fsync, fdatasync of a file   its contents             -> POWER_DISK/<id>
//   fsync of a folder            its names and their ids  -> POWER_DISK/<id>, a line "<id> <name>" each
//   msync of a mapping           that range
// <id> is inode and time of birth. The real disk is not waited for. power.py makes of POWER_DISK what a power cut leaves.
// A machine that started anew has another boot id: POWER_BOOT names the file that is read in place of the kernel's.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, BLOCK_BYTES = 1 << 16 };

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static void give_up(const char* what) {
  fprintf(stderr, "power_cut: %s: %s\n", what, strerror(errno));
  abort();
}

static int real_open(const char* path, int flags, mode_t mode) {
  static int (*next)(const char*, int, ...);
  if (!next) next = (int (*)(const char*, int, ...))dlsym(RTLD_NEXT, "open");
  return next(path, flags, mode);
}

static int is_watched(const char* path) {
  for (const char* root = getenv("POWER_ROOTS"); *root; root += strcspn(root, ":") + 1)
    if (strncmp(path, root, strcspn(root, ":")) == 0) return 1;
  return 0;
}

// The open file of `fd` is watched. Sets its path.
static int watched(int fd, char path[PATH_BYTES]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, PATH_BYTES - 1);
  if (size < 0) return 0;
  path[size] = '\0';
  return is_watched(path);
}

static void id_of(int folder, const char* name, int flags, char id[64]) {
  struct statx s;
  if (statx(folder, name, flags, STATX_INO | STATX_BTIME, &s) != 0) give_up("statx");
  snprintf(id, 64, "%llu.%lld.%u", (unsigned long long)s.stx_ino, (long long)s.stx_btime.tv_sec, s.stx_btime.tv_nsec);
}

static int open_copy(const char* id, const char* suffix, int flags) {
  char path[PATH_BYTES];
  snprintf(path, sizeof path, "%s/%s%s", getenv("POWER_DISK"), id, suffix);
  const int fd = real_open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
  if (fd < 0) give_up(path);
  return fd;
}

static void keep_file(int fd) {
  static char block[BLOCK_BYTES];
  char link[64], id[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  id_of(fd, "", AT_EMPTY_PATH, id);
  const int from = real_open(link, O_RDONLY | O_CLOEXEC, 0), to = open_copy(id, "", 0);
  if (from < 0) give_up(link);
  off_t at = 0;
  for (ssize_t got; (got = pread(from, block, sizeof block, at)) > 0; at += got)
    if (pwrite(to, block, (size_t)got, at) != got) give_up("pwrite");
  if (ftruncate(to, at) != 0) give_up("ftruncate");
  close(from);
  close(to);
}

static void keep_names(int fd, const char* path) {
  char id[64], old[PATH_BYTES], new[PATH_BYTES];
  id_of(fd, "", AT_EMPTY_PATH, id);
  DIR* folder = opendir(path);
  if (!folder) give_up(path);
  FILE* out = fdopen(open_copy(id, ".new", O_TRUNC), "w");
  for (struct dirent* entry; (entry = readdir(folder)) != NULL;) {
    if (entry->d_type != DT_REG) continue;
    struct statx there;
    char file[64];
    if (statx(dirfd(folder), entry->d_name, 0, STATX_INO, &there) != 0) continue;  // removed since
    id_of(dirfd(folder), entry->d_name, 0, file);
    fprintf(out, "%s %s\n", file, entry->d_name);
  }
  closedir(folder);
  if (fclose(out) != 0) give_up("fclose");
  snprintf(old, sizeof old, "%s/%s.new", getenv("POWER_DISK"), id);
  snprintf(new, sizeof new, "%s/%s", getenv("POWER_DISK"), id);
  if (rename(old, new) != 0) give_up("rename");
}

static int keep(int fd) {
  char path[PATH_BYTES];
  if (!watched(fd, path)) return 0;
  struct stat status;
  if (fstat(fd, &status) != 0) return -1;
  pthread_mutex_lock(&one_at_a_time);
  if (S_ISDIR(status.st_mode))
    keep_names(fd, path);
  else
    keep_file(fd);
  pthread_mutex_unlock(&one_at_a_time);
  return 0;
}

int fsync(int fd) { return keep(fd); }
int fdatasync(int fd) { return keep(fd); }

// The file mapped at `address`, and where in it. 0 when it is none of ours.
static int mapped_at(uintptr_t address, char path[PATH_BYTES], off_t* offset) {
  FILE* maps = fopen("/proc/self/maps", "re");
  if (!maps) give_up("/proc/self/maps");
  char line[PATH_BYTES + 128];
  int found = 0;
  while (!found && fgets(line, sizeof line, maps)) {
    unsigned long begin, end, from;
    int name = 0;
    if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %n", &begin, &end, &from, &name) < 3 || name == 0) continue;
    if (address < begin || address >= end || !is_watched(line + name)) continue;
    line[strcspn(line, "\n")] = '\0';
    snprintf(path, PATH_BYTES, "%s", line + name);
    *offset = (off_t)(from + (address - begin));
    found = 1;
  }
  fclose(maps);
  return found;
}

int msync(void* begin, size_t size, int flags) {
  (void)flags;
  char path[PATH_BYTES], id[64];
  off_t offset;
  struct stat status;
  pthread_mutex_lock(&one_at_a_time);
  if (mapped_at((uintptr_t)begin, path, &offset) && stat(path, &status) == 0) {
    id_of(AT_FDCWD, path, 0, id);
    const int to = open_copy(id, "", 0);
    struct stat kept;
    if (fstat(to, &kept) != 0 || (kept.st_size < status.st_size && ftruncate(to, status.st_size) != 0)) give_up("ftruncate");
    if (offset < status.st_size) {
      const size_t left = (size_t)(status.st_size - offset), kept_bytes = size < left ? size : left;
      if (pwrite(to, begin, kept_bytes, offset) != (ssize_t)kept_bytes) give_up("pwrite");
    }
    close(to);
  }
  pthread_mutex_unlock(&one_at_a_time);
  return 0;
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return real_open(strcmp(path, "/proc/sys/kernel/random/boot_id") == 0 ? getenv("POWER_BOOT") : path, flags, mode);
}
