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

  /// Of a file that is there; nothing is locked where there is none. IoError as lock_to_write.
  [[nodiscard]] static FileLock take(const std::string& path);

  /// IoError where the file has no longer this name: it was removed, or another one has taken it.
  void require_name(const std::string& path) const;

 private:
  int descriptor_ = -1;
};

/// Locks an open file. A reader holds it for a moment only: that is waited for, some seconds at most. IoError where a
/// process writes it, or a reader stays. File systems without locks are taken as unlocked.
void lock_to_write(int descriptor, const std::string& path);

}  // namespace repoquake::io
