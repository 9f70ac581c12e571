#include "io/hdf5_call.hpp"

#include <array>
#include <new>

#include "io/system_text.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/address_space.hpp"

namespace repoquake::io {
namespace {

herr_t keep_innermost(unsigned n, const H5E_error2_t* error, void* text) noexcept {
  if (n == 0 && error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

/// What the library says about its last failure.
std::string library_text() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &text);
  return text.empty() ? "unknown failure of the HDF5 library" : text;
}

}  // namespace

void silence() {
  static const bool closed = H5PLset_loading_state(0) >= 0;
  static_cast<void>(closed);
  thread_local const bool silent = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  static_cast<void>(silent);
}

void begin_call() {
  silence();
  require_address_space(std::size_t{2} << 20);
}

void fail(const FileState& file, std::string_view what) {
  const std::string subject = std::string(what.empty() ? "" : " ").append(what);
  if (file.first_error != 0)
    throw IoError(file.path + (file.is_reading ? ": cannot read" : ": cannot write") + subject + ": " +
                  system_text(file.first_error));
  const std::string cause = library_text();
  if (!file.is_reading) {
    if (cause.find("memory allocation failed") != std::string::npos) throw std::bad_alloc();
    throw IoError(file.path + ": cannot write" + subject + ": " + cause);
  }
  if (cause.find("truncated file") != std::string::npos)
    throw DataError(file.path + ": truncated: the file ends at " + std::to_string(file.end) +
                    " bytes, before its content does");
  throw DataError(file.path + ": damaged, cannot read" + subject + ": " + cause);
}

void refuse(const FileState& file, std::string_view what, const std::string& why) {
  throw DataError(file.path + ": " + std::string(what) + ": " + why);
}

void refuse_damaged(const FileState& file, std::string_view what, const std::string& why) {
  throw DataError(file.path + ": damaged, cannot read " + std::string(what) + ": " + why);
}

std::string harmless(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F) c = '?';
  }
  return text;
}

std::string full_name(Hid object) {
  std::array<char, 512> name{};
  const ssize_t n = H5Iget_name(object, name.data(), name.size());
  return n > 0 ? harmless(name.data()) : std::string();
}

std::string last_name(Hid object) {
  const std::string name = full_name(object);
  return name.substr(name.rfind('/') + 1);
}

}  // namespace repoquake::io
