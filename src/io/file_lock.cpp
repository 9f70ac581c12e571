#include "repoquake/io/file_lock.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "repoquake/core/error.hpp"

namespace repoquake::io {

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileLock FileLock::take(const std::string& path) {
  FileLock lock(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (lock.descriptor_ < 0 && errno == ENOENT) return lock;
  if (lock.descriptor_ < 0) throw IoError(path + ": cannot open: " + std::generic_category().message(errno));
  if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw IoError(path + ": is being written by a running process");
  return lock;
}

}  // namespace repoquake::io
