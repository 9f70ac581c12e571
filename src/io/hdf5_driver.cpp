#include "io/hdf5_driver.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>

#if H5_VERSION_GE(1, 13, 2)
#include <H5FDdevelop.h>
#endif

namespace repoquake::io {
namespace {

struct Driver {
  H5FD_t base;  // first: the library sees only this
  FileState* file;
  haddr_t allocated;
};

Driver& driver_of(H5FD_t* file) { return *reinterpret_cast<Driver*>(file); }
const Driver& driver_of(const H5FD_t* file) { return *reinterpret_cast<const Driver*>(file); }

H5FD_t* open_driver(const char*, unsigned, hid_t access, haddr_t) {
  auto* const* state = static_cast<FileState* const*>(H5Pget_driver_info(access));
  if (state == nullptr) return nullptr;
  auto* driver = new (std::nothrow) Driver{};  // cppcheck-suppress legacyUninitvar // it is set here
  if (driver == nullptr) return nullptr;
  driver->file = *state;
  return &driver->base;
}

herr_t close_driver(H5FD_t* file) {
  delete &driver_of(file);
  return 0;
}

herr_t query_driver(const H5FD_t*, unsigned long* features) {
  if (features != nullptr)
    *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
                H5FD_FEAT_AGGREGATE_SMALLDATA;
  return 0;
}

haddr_t allocated_of(const H5FD_t* file, H5FD_mem_t) { return driver_of(file).allocated; }
herr_t set_allocated(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  driver_of(file).allocated = address;
  return 0;
}
haddr_t end_of(const H5FD_t* file, H5FD_mem_t) { return driver_of(file).file->end; }

herr_t read_driver(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void* buffer) {
  FileState& state = *driver_of(file).file;
  auto* to = static_cast<std::byte*>(buffer);
  while (size > 0) {
    const ssize_t n = ::pread(state.descriptor, to, size, static_cast<off_t>(address));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      if (state.first_error == 0) state.first_error = errno;
      return -1;
    }
    if (n == 0) {  // allocated but not yet written
      std::memset(to, 0, size);
      return 0;
    }
    to += n;
    address += static_cast<haddr_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  return 0;
}

herr_t write_driver(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, const void* buffer) {
  FileState& state = *driver_of(file).file;
  state.last_written = buffer;
  state.last_size = size;
  state.last_address = address;
  const auto* from = static_cast<const std::byte*>(buffer);
  while (size > 0 && state.first_error == 0) {
    const ssize_t n = ::pwrite(state.descriptor, from, size, static_cast<off_t>(address));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      state.first_error = n < 0 ? errno : ENOSPC;
      break;
    }
    from += n;
    address += static_cast<haddr_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  state.end = std::max(state.end, address + size);
  return 0;
}

herr_t truncate_driver(H5FD_t* file, hid_t, hbool_t) {
  const Driver& driver = driver_of(file);
  FileState& state = *driver.file;
  if (state.is_reading || driver.allocated == state.end) return 0;
  if (state.first_error == 0 && ::ftruncate(state.descriptor, static_cast<off_t>(driver.allocated)) != 0)
    state.first_error = errno;
  state.end = driver.allocated;
  return 0;
}

}  // namespace

hid_t driver_id() {
  static const hid_t id = [] {
    static const H5FD_class_t description = [] {
      H5FD_class_t d{};
#if H5_VERSION_GE(1, 13, 2)
      d.version = H5FD_CLASS_VERSION;
      d.value = static_cast<H5FD_class_value_t>(H5FD_RESERVED + 83);
#endif
      constexpr std::array<H5FD_mem_t, H5FD_MEM_NTYPES> kFreeLists = H5FD_FLMAP_DICHOTOMY;
      d.name = "repoquake";
      d.maxaddr = static_cast<haddr_t>(std::numeric_limits<off_t>::max());
      d.fc_degree = H5F_CLOSE_STRONG;
      d.fapl_size = sizeof(FileState*);  // NOLINT(bugprone-sizeof-expression): the pointer is what is handed over
      d.open = open_driver;
      d.close = close_driver;
      d.query = query_driver;
      d.get_eoa = allocated_of;
      d.set_eoa = set_allocated;
      d.get_eof = end_of;
      d.read = read_driver;
      d.write = write_driver;
      d.truncate = truncate_driver;
      std::copy(kFreeLists.begin(), kFreeLists.end(), d.fl_map);
      return d;
    }();
    return H5FDregister(&description);
  }();
  return id;
}

}  // namespace repoquake::io
