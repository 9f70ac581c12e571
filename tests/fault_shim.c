/* Faults of the system, for scripts/fault_matrix.py and tests: loaded with LD_PRELOAD, it lets calls on files fail whose
   path contains REPOQUAKE_FAULT_PATH.

   REPOQUAKE_FAULT=ENOSPC   writing fails after REPOQUAKE_FAULT_AFTER bytes, as on a full disk
   REPOQUAKE_FAULT=EIO      reading fails
   REPOQUAKE_FAULT=CLOCK    every reading of the wall clock is another hour earlier */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long written = 0;
static long hours = 0;

static int is_on(const char* fault) {
  const char* asked = getenv("REPOQUAKE_FAULT");
  return asked != NULL && strcmp(asked, fault) == 0;
}

static int is_meant(int descriptor) {
  char link[64], path[4096];
  const char* part = getenv("REPOQUAKE_FAULT_PATH");
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0 || part == NULL) return 0;
  path[n] = 0;
  return strstr(path, part) != NULL;
}

/* How much of so many bytes may still be written; -1: none. */
static ssize_t room(int descriptor, size_t size) {
  const char* after = getenv("REPOQUAKE_FAULT_AFTER");
  if (!is_on("ENOSPC") || !is_meant(descriptor)) return (ssize_t)size;
  const long left = (after == NULL ? 0 : atol(after)) - __atomic_load_n(&written, __ATOMIC_RELAXED);
  if (left <= 0) return -1;
  const ssize_t part = (long)size < left ? (ssize_t)size : left;
  __atomic_add_fetch(&written, part, __ATOMIC_RELAXED);
  return part;
}

#define REAL(name) (__typeof__(&name)) dlsym(RTLD_NEXT, #name)

ssize_t pwrite64(int descriptor, const void* from, size_t size, off64_t at) {
  const ssize_t n = room(descriptor, size);
  if (n < 0) return errno = ENOSPC, -1;
  return (REAL(pwrite64))(descriptor, from, (size_t)n, at);
}

ssize_t pwrite(int descriptor, const void* from, size_t size, off_t at) { return pwrite64(descriptor, from, size, at); }

ssize_t write(int descriptor, const void* from, size_t size) {
  const ssize_t n = room(descriptor, size);
  if (n < 0) return errno = ENOSPC, -1;
  return (REAL(write))(descriptor, from, (size_t)n);
}

ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  if (room(descriptor, size) != (ssize_t)size) return errno = ENOSPC, -1;
  return (REAL(writev))(descriptor, parts, count);
}

ssize_t read(int descriptor, void* to, size_t size) {
  if (is_on("EIO") && is_meant(descriptor)) return errno = EIO, -1;
  return (REAL(read))(descriptor, to, size);
}

ssize_t pread64(int descriptor, void* to, size_t size, off64_t at) {
  if (is_on("EIO") && is_meant(descriptor)) return errno = EIO, -1;
  return (REAL(pread64))(descriptor, to, size, at);
}

ssize_t pread(int descriptor, void* to, size_t size, off_t at) { return pread64(descriptor, to, size, at); }

int clock_gettime(clockid_t clock, struct timespec* now) {
  const int status = (REAL(clock_gettime))(clock, now);
  if (clock == CLOCK_REALTIME && is_on("CLOCK")) now->tv_sec -= 3600 * __atomic_add_fetch(&hours, 1, __ATOMIC_RELAXED);
  return status;
}
