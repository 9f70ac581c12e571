#include "repoquake/io/file_lock.hpp"

#include <cerrno>
#include <chrono>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/system_text.hpp"
#include "repoquake/core/error.hpp"

namespace repoquake::io {

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileLock FileLock::take(const std::string& path) {
  FileLock lock(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (lock.descriptor_ < 0 && errno == ENOENT) return lock;
  if (lock.descriptor_ < 0) throw IoError(path + ": cannot open: " + system_text(errno));
  lock_to_write(lock.descriptor_, path);
  return lock;
}

void FileLock::require_name(const std::string& path) const {
  struct stat ours {
  }, found{};
  if (::fstat(descriptor_, &ours) != 0 || ::stat(path.c_str(), &found) != 0)
    throw IoError(path + ": is gone, while it was being written: " + system_text(errno));
  if (ours.st_ino != found.st_ino || ours.st_dev != found.st_dev)
    throw IoError(path +
                  ": is another file now: somebody removed it while it was being written, and another run began");
}

void lock_to_write(int descriptor, const std::string& path) {
  const auto is_refused = [descriptor](int how) {
    return ::flock(descriptor, how | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  };
  for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5); is_refused(LOCK_EX);) {
    if (is_refused(LOCK_SH)) throw IoError(path + ": is being written by a running process");
    ::flock(descriptor, LOCK_UN);  // two that wait must not be each other's readers
    if (std::chrono::steady_clock::now() > end)
      throw IoError(path + ": is open in another program, which reads it; it can be written when that has closed it");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace repoquake::io
