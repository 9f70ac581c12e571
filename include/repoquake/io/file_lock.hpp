/// Who writes a file holds its lock; the system drops it when the process ends, however it ends.
#pragma once

#include <string>
#include <utility>

namespace repoquake::io {

/// Holds a lock as long as it lives. Movable.
class FileLock {
 public:
  FileLock() = default;
  explicit FileLock(int descriptor) noexcept : descriptor_(descriptor) {}
  FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

  /// Of a file that is there; nothing is locked where there is none. IoError where another process holds it. File systems
  /// without locks are taken as unlocked.
  [[nodiscard]] static FileLock take(const std::string& path);

 private:
  int descriptor_ = -1;
};

}  // namespace repoquake::io
