/// Calls of the HDF5 library: what must come before one, and what its failures mean.
#pragma once

#include <string>
#include <string_view>

#include <hdf5.h>

#include "io/hdf5_driver.hpp"

namespace repoquake::io {

/// The library keeps one error stack per thread and prints it unless told not to. It loads filters that a file names from
/// wherever the environment says unless told not to.
void silence();

/// Before a call that may fail: the library is silent, and there is the memory that a call takes (opening a file takes most).
void begin_call();

/// An identifier for the length of a function.
class Owned {
 public:
  explicit Owned(hid_t id) noexcept : id_(id) {}
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (id_ >= 0) H5Idec_ref(id_);
  }
  operator hid_t() const noexcept { return id_; }

 private:
  hid_t id_;
};

/// `what`: the thing that was to be read or written.
[[noreturn]] void fail(const FileState& file, std::string_view what);

template <class Status>
Status check(Status status, const FileState& file, std::string_view what) {
  if (status < 0 || file.first_error != 0) fail(file, what);
  return status;
}

/// What a file holds is not what results hold; or not what it says.
[[noreturn]] void refuse(const FileState& file, std::string_view what, const std::string& why);
[[noreturn]] void refuse_damaged(const FileState& file, std::string_view what, const std::string& why);

/// Texts of a file are shown on terminals; what would command one is not passed on.
[[nodiscard]] std::string harmless(std::string text);

/// Of an object in its file: the whole path, its last part.
[[nodiscard]] std::string full_name(Hid object);
[[nodiscard]] std::string last_name(Hid object);

}  // namespace repoquake::io
