/// The HDF5 library's file driver. Its own driver answers a full disk with an error in the middle of a flush or a close,
/// after which the library cannot close the file any more and crashes at exit. This one remembers the first failure,
/// pretends to have written from then on so that the library always comes to a clean end, and lets `File` report it.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include <hdf5.h>
#include <unistd.h>

#include "repoquake/io/hdf5_file.hpp"

namespace repoquake::io {

/// An open file, and how the driver fared with it.
struct FileState {
  std::string path;
  int descriptor = -1;
  bool is_reading = false;
  int first_error = 0;                           ///< errno of the first failed access; nothing is written after it
  haddr_t end = 0;                               ///< length of the file
  std::map<haddr_t, std::string> scale_names{};  ///< of dimension scales, by their address

  /// What was last written as it stands in the caller's memory, and where.
  const void* last_written = nullptr;
  std::size_t last_size = 0;
  haddr_t last_address = 0;

  FileState(std::string p, int d, bool reading) : path(std::move(p)), descriptor(d), is_reading(reading) {}
  FileState(const FileState&) = delete;
  FileState& operator=(const FileState&) = delete;
  ~FileState() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

/// Of the driver, which takes a FileState* as its information.
[[nodiscard]] hid_t driver_id();

}  // namespace repoquake::io
