/// What a library may not survive is tried in a child process first.
///
/// The HDF5 library was written for files that mean well: there are bytes on which it writes past its memory, never comes
/// to an end, or asks for all memory there is. The child reads first, within limits. If it does not come back, the file is
/// not read at all.
#pragma once

#include <functional>
#include <string>

namespace repoquake::io {

struct RehearsalLimits {
  int seconds = 4;            ///< of processor time; of real time fifteen times as many
  int more_megabytes = 1024;  ///< beyond what this process has; not under a sanitizer, which maps all there is
};

/// Runs `reading` in a child that can write no file. What it throws is of no matter here: it will be thrown again when
/// the file is read in earnest, except std::bad_alloc. Throws DataError where the child crashed or met a limit.
void rehearse(const std::string& path, const std::function<void()>& reading, const RehearsalLimits& limits = {});

}  // namespace repoquake::io
