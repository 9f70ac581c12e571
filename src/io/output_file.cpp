#include "repoquake/io/output_file.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/system_text.hpp"
#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/checkpoint_file.hpp"
#include "repoquake/io/file_lock.hpp"

namespace repoquake::io {
namespace {

std::string folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

/// Why the end of a file cannot be written: a stream does not say.
int reason_of_failure(int descriptor) {
  constexpr char kByte = 0;
  return ::lseek(descriptor, 0, SEEK_END) < 0 || ::write(descriptor, &kByte, 1) < 0 ? errno : EIO;
}

}  // namespace

std::string partial_path(const std::string& path) { return path + ".partial"; }

void check_output(const std::string& path, bool force) {
  namespace fs = std::filesystem;
  if (path.empty()) throw IoError("output: the name is empty");
  std::error_code error;
  const std::string folder = folder_of(path);
  const fs::file_status folder_status = fs::status(folder, error);
  if (folder_status.type() == fs::file_type::not_found)
    throw IoError(path + ": cannot write: there is no folder " + folder);
  if (folder_status.type() != fs::file_type::directory)
    throw IoError(path + ": cannot write: " + folder + (error ? ": " + error.message() : " is not a folder"));
  for (const std::string& name : {path, partial_path(path)}) {
    const fs::file_status status = fs::status(name, error);
    if (status.type() == fs::file_type::directory) throw IoError(name + ": is a folder");
    if (status.type() == fs::file_type::none) throw IoError(name + ": cannot write: " + error.message());
    if (status.type() != fs::file_type::not_found && status.type() != fs::file_type::regular)
      throw IoError(name + ": is not a regular file");
    if (name == path && status.type() == fs::file_type::regular && !force)
      throw IoError(path + ": exists; --force replaces it");
  }
  if (path.back() == '/') throw IoError(path + ": is a folder");
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    throw IoError(path + ": cannot write to folder " + folder + ": " + system_text(errno));
}

File create_partial(const std::string& path) {
  const std::string partial = partial_path(path);
  const FileLock stale = FileLock::take(partial);
  remove_checkpoint(path);  // before what it speaks of
  if (::unlink(partial.c_str()) != 0 && errno != ENOENT)
    throw IoError(partial + ": cannot replace: " + system_text(errno));
  return create_partial_again(path);
}

File create_partial_again(const std::string& path) { return File::create(partial_path(path)); }

void publish(File partial, const std::string& path, bool force) {
  const FileLock own = partial.share_lock();
  partial.close(true);
  publish(path, force, own);
}

void publish(const std::string& path, bool force, const FileLock& own) {
  const std::string partial = partial_path(path);
  own.require_name(partial);
  int failure = 0;
  if (!force) {
    if (::renameat2(AT_FDCWD, partial.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) failure = errno;
    if (failure == EEXIST)
      throw IoError(path + ": appeared during the run and is not replaced without --force; the result is in " +
                    partial);
  }
  if (force || failure != 0)  // not every file system knows RENAME_NOREPLACE
    failure = std::rename(partial.c_str(), path.c_str()) == 0 ? 0 : errno;
  if (failure != 0) throw IoError(path + ": cannot rename " + partial + " to it: " + system_text(failure));
  sync_folder_of(path);
}

void sync_folder_of(const std::string& path) {
  const int folder = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);  // not every file system can; the name is right either way
  ::close(folder);
}

void write_text(const std::string& path, bool force, const std::function<void(std::ostream&)>& write) {
  check_output(path, force);
  const std::string partial = partial_path(path);
  if (::unlink(partial.c_str()) != 0 && errno != ENOENT)
    throw IoError(partial + ": cannot replace: " + system_text(errno));
  const int descriptor = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) throw IoError(partial + ": cannot write: " + system_text(errno));
  const FileLock own(descriptor);
  int failure = 0;
  try {
    std::ofstream out(partial);
    write(out);
    out.close();
    if (!out) failure = reason_of_failure(descriptor);
    if (failure == 0 && ::fsync(descriptor) != 0) failure = errno;
  } catch (...) {
    ::unlink(partial.c_str());
    throw;
  }
  if (failure != 0) {
    ::unlink(partial.c_str());
    throw IoError(path + ": cannot write: " + system_text(failure));
  }
  publish(path, force, own);
}

std::string iso_now() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::hh_mm_ss time(now - day);
  return fmt::format("{}T{:02}:{:02}:{:02}Z", calendar::to_iso(day), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

}  // namespace repoquake::io
