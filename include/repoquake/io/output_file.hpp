/// How an output file comes to be: written as PATH.partial, renamed to PATH in one step when it is whole.
///
/// Errors   IoError, naming the file and the cause; whatever was at PATH is then untouched.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "repoquake/io/file_lock.hpp"
#include "repoquake/io/hdf5_file.hpp"

namespace repoquake::io {

/// The name a file has while it is being written.
[[nodiscard]] std::string partial_path(const std::string& path);

/// Throws IoError when a file could not be written to `path`: one (or anything else) is there and `force` is false, it is
/// no regular file, its folder is missing or may not be written. Call before simulating.
void check_output(const std::string& path, bool force);

/// A new PATH.partial, in place of a stale one and of the checkpoint that may stand beside it. IoError where another
/// process writes it.
[[nodiscard]] File create_partial(const std::string& path);

/// The same where nothing is to be removed: there is no PATH.partial.
[[nodiscard]] File create_partial_again(const std::string& path);

/// Renames PATH.partial, which must be closed, to PATH; replaces an earlier one with `force` only. IoError where PATH.partial
/// is not the file that `own` holds.
void publish(const std::string& path, bool force, const FileLock& own);

/// Closes it before, and waits until the disk has it.
void publish(File partial, const std::string& path, bool force);

/// A text file: `write` fills PATH.partial, which is then published. Where it throws, nothing is left.
void write_text(const std::string& path, bool force, const std::function<void(std::ostream&)>& write);

/// Waits until the disk has the names in the folder of `path`, where the file system can.
void sync_folder_of(const std::string& path);

/// UTC, "2025-01-31T09:30:00Z".
[[nodiscard]] std::string iso_now();

}  // namespace repoquake::io
