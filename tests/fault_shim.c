/* Faults of the system, for scripts/fault_matrix.py and tests: loaded with LD_PRELOAD, it lets calls on files fail whose
   path contains REPOQUAKE_FAULT_PATH.

   REPOQUAKE_FAULT=ENOSPC   writing fails after REPOQUAKE_FAULT_AFTER bytes, as on a full disk
   REPOQUAKE_FAULT=EIO      reading fails
   REPOQUAKE_FAULT=CLOCK    every reading of the wall clock is another hour earlier
   REPOQUAKE_FAULT=KILL     killed (SIGKILL) where it would change something for the REPOQUAKE_FAULT_AFTER-th time, from 0: before
                            a file is made, cut, renamed, removed or synced; when half of the bytes of a write are written */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long written = 0;
static long hours = 0;
static long changes = 0;

static int is_on(const char* fault) {
  const char* asked = getenv("REPOQUAKE_FAULT");
  return asked != NULL && strcmp(asked, fault) == 0;
}

static int is_path_meant(const char* path) {
  const char* part = getenv("REPOQUAKE_FAULT_PATH");
  return part != NULL && strstr(path, part) != NULL;
}

static int is_meant(int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return is_path_meant(path);
}

/* Is it now that the program is to be killed? */
static int is_last_change(void) {
  const char* after = getenv("REPOQUAKE_FAULT_AFTER");
  return __atomic_fetch_add(&changes, 1, __ATOMIC_RELAXED) == (after == NULL ? 0 : atol(after));
}

static void change(int is_on_it) {
  if (is_on("KILL") && is_on_it && is_last_change()) kill(getpid(), SIGKILL);
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
  if (is_on("KILL") && is_meant(descriptor) && is_last_change()) {
    (void)!(REAL(pwrite64))(descriptor, from, (size_t)n / 2, at);
    kill(getpid(), SIGKILL);
  }
  return (REAL(pwrite64))(descriptor, from, (size_t)n, at);
}

ssize_t pwrite(int descriptor, const void* from, size_t size, off_t at) { return pwrite64(descriptor, from, size, at); }

ssize_t write(int descriptor, const void* from, size_t size) {
  const ssize_t n = room(descriptor, size);
  if (n < 0) return errno = ENOSPC, -1;
  if (is_on("KILL") && is_meant(descriptor) && is_last_change()) {
    (void)!(REAL(write))(descriptor, from, (size_t)n / 2);
    kill(getpid(), SIGKILL);
  }
  return (REAL(write))(descriptor, from, (size_t)n);
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
  va_end(more);
  change((flags & (O_CREAT | O_TRUNC)) && is_path_meant(path));
  return (REAL(open))(path, flags, mode);
}

int ftruncate(int descriptor, off_t size) {
  change(is_meant(descriptor));
  return (REAL(ftruncate))(descriptor, size);
}

int fsync(int descriptor) {
  change(is_meant(descriptor));
  return (REAL(fsync))(descriptor);
}

int fdatasync(int descriptor) {
  change(is_meant(descriptor));
  return (REAL(fdatasync))(descriptor);
}

int rename(const char* from, const char* to) {
  change(is_path_meant(to));
  return (REAL(rename))(from, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned int flags) {
  change(is_path_meant(to));
  return (REAL(renameat2))(from_folder, from, to_folder, to, flags);
}

int unlink(const char* path) {
  change(is_path_meant(path));
  return (REAL(unlink))(path);
}

int remove(const char* path) {
  change(is_path_meant(path));
  return (REAL(remove))(path);
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
