#include "repoquake/io/hdf5_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <numeric>
#include <utility>

#include <fcntl.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/error.hpp"

#if H5_VERSION_GE(1, 13, 2)
#include <H5FDdevelop.h>
#endif

namespace repoquake::io {

static_assert(sizeof(hid_t) == sizeof(Hid));
static_assert(std::endian::native == std::endian::little, "chunks are written as they stand in memory");

struct FileState {
  std::string path;
  int descriptor = -1;
  bool is_reading = false;
  int first_error = 0;  ///< errno of the first failed access; nothing is written after it
  haddr_t end = 0;      ///< length of the file

  FileState(std::string p, int d, bool reading) : path(std::move(p)), descriptor(d), is_reading(reading) {}
  FileState(const FileState&) = delete;
  FileState& operator=(const FileState&) = delete;
  ~FileState() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

namespace {

// The library's file driver. Its own driver answers a full disk with an error in the middle of a flush or a close,
// after which the library cannot close the file any more and crashes at exit. This one remembers the first failure,
// pretends to have written from then on so that the library always comes to a clean end, and lets `File` report it.

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
  auto* driver = new (std::nothrow) Driver{};
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

/// The library keeps one error stack per thread and prints it unless told not to.
void silence() {
  thread_local const bool silent = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  static_cast<void>(silent);
}

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

std::string system_text(int error_number) { return std::generic_category().message(error_number); }

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

/// `what`: the thing that was to be read or written.
[[noreturn]] void fail(const FileState& file, std::string_view what) {
  const std::string subject = std::string(what.empty() ? "" : " ").append(what);
  if (file.first_error != 0)
    throw IoError(file.path + (file.is_reading ? ": cannot read" : ": cannot write") + subject + ": " +
                  system_text(file.first_error));
  const std::string cause = library_text();
  if (!file.is_reading) throw IoError(file.path + ": cannot write" + subject + ": " + cause);
  if (cause.find("truncated file") != std::string::npos)
    throw DataError(file.path + ": truncated: the file ends at " + std::to_string(file.end) +
                    " bytes, before its content does");
  throw DataError(file.path + ": damaged, cannot read" + subject + ": " + cause);
}

template <class Status>
Status check(Status status, const FileState& file, std::string_view what) {
  if (status < 0 || file.first_error != 0) fail(file, what);
  return status;
}

std::string full_name(Hid object) {
  std::array<char, 512> name{};
  const ssize_t n = H5Iget_name(object, name.data(), name.size());
  return n > 0 ? std::string(name.data()) : std::string();
}

std::string last_name(Hid object) {
  const std::string name = full_name(object);
  return name.substr(name.rfind('/') + 1);
}

hid_t file_type(ElementType type) {
  switch (type) {
    case ElementType::int16:
      return H5T_STD_I16LE;
    case ElementType::int32:
      return H5T_STD_I32LE;
    case ElementType::int64:
      return H5T_STD_I64LE;
    case ElementType::uint32:
      return H5T_STD_U32LE;
    case ElementType::uint64:
      return H5T_STD_U64LE;
    case ElementType::float32:
      return H5T_IEEE_F32LE;
    case ElementType::float64:
      return H5T_IEEE_F64LE;
    case ElementType::text:
    case ElementType::other:
      break;
  }
  throw LogicError("not a number type");
}

hid_t memory_type(ElementType type) {
  switch (type) {
    case ElementType::int16:
      return H5T_NATIVE_INT16;
    case ElementType::int32:
      return H5T_NATIVE_INT32;
    case ElementType::int64:
      return H5T_NATIVE_INT64;
    case ElementType::uint32:
      return H5T_NATIVE_UINT32;
    case ElementType::uint64:
      return H5T_NATIVE_UINT64;
    case ElementType::float32:
      return H5T_NATIVE_FLOAT;
    case ElementType::float64:
      return H5T_NATIVE_DOUBLE;
    case ElementType::text:
    case ElementType::other:
      break;
  }
  throw LogicError("not a number type");
}

hid_t make_text_type() {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

std::vector<hsize_t> sizes_of(std::span<const std::uint64_t> extent) { return {extent.begin(), extent.end()}; }

hid_t make_space(std::span<const std::uint64_t> extent) {
  if (extent.empty()) return H5Screate(H5S_SCALAR);
  const std::vector<hsize_t> sizes = sizes_of(extent);
  return H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr);
}

constexpr unsigned kInCreationOrder = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;

/// No time stamps, attributes in creation order.
hid_t make_dataset_properties() {
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(properties, false);
  H5Pset_attr_creation_order(properties, kInCreationOrder);
  return properties;
}

/// Opens the descriptor that the driver then works on.
int open_descriptor(const std::string& path, int flags) {
  int descriptor = -1;
  do descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) throw IoError(path + ": cannot open: " + system_text(errno));
  return descriptor;
}

/// File systems without locks are taken as unlocked.
bool is_locked_by_another(int descriptor, int how) {
  return ::flock(descriptor, how | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

hid_t make_access(FileState* state) {
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
  H5Pset_driver(access, driver_id(), &state);
  return access;
}

bool has_hdf5_signature(int descriptor) {
  constexpr std::array<char, 8> kSignature{'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
  std::array<char, 8> bytes{};
  for (off_t at = 0; ::pread(descriptor, bytes.data(), bytes.size(), at) == 8; at = at == 0 ? 512 : 2 * at)
    if (bytes == kSignature) return true;
  return false;
}

}  // namespace

std::string_view name_of(ElementType type) noexcept {
  switch (type) {
    case ElementType::int16:
      return "int16";
    case ElementType::int32:
      return "int32";
    case ElementType::int64:
      return "int64";
    case ElementType::uint32:
      return "uint32";
    case ElementType::uint64:
      return "uint64";
    case ElementType::float32:
      return "float32";
    case ElementType::float64:
      return "float64";
    case ElementType::text:
      return "text";
    case ElementType::other:
      return "other";
  }
  return "other";
}

// Handle

Handle::Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), file_(std::move(other.file_)) {}

Handle& Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    Handle old(std::exchange(id_, std::exchange(other.id_, -1)), std::exchange(file_, std::move(other.file_)));
  }
  return *this;
}

Handle::~Handle() {
  if (id_ < 0) return;
  silence();
  if (H5Iis_valid(id_) > 0) H5Idec_ref(id_);  // not valid: the file was closed before
}

// Attributes

void Attributes::set(std::string_view name, std::string_view text) const {
  silence();
  const std::string key(name);
  const std::string value(text);
  const FileState& file = object_->file();
  const Owned type(make_text_type());
  const Owned space(H5Screate(H5S_SCALAR));
  const bool exists = check(H5Aexists(object_->id(), key.c_str()), file, key) > 0;
  const Owned attribute(exists ? H5Aopen(object_->id(), key.c_str(), H5P_DEFAULT)
                               : H5Acreate2(object_->id(), key.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT));
  const char* data = value.c_str();
  check(hid_t{attribute}, file, key);
  check(H5Awrite(attribute, type, &data), file, key);
}

void Attributes::set_numbers(std::string_view name, ElementType type, const void* values, std::size_t count,
                             bool is_scalar) const {
  silence();
  const std::string key(name);
  const FileState& file = object_->file();
  const Extent extent = is_scalar ? Extent{} : Extent{count};
  const Owned space(make_space(extent));
  const bool exists = check(H5Aexists(object_->id(), key.c_str()), file, key) > 0;
  const Owned attribute(exists
                            ? H5Aopen(object_->id(), key.c_str(), H5P_DEFAULT)
                            : H5Acreate2(object_->id(), key.c_str(), file_type(type), space, H5P_DEFAULT, H5P_DEFAULT));
  check(hid_t{attribute}, file, key);
  const Owned stored_space(H5Aget_space(attribute));
  RQ_EXPECT(H5Sget_simple_extent_npoints(stored_space) == static_cast<hssize_t>(count));
  check(H5Awrite(attribute, memory_type(type), values), file, key);
}

std::optional<std::string> Attributes::text(std::string_view name) const {
  silence();
  constexpr std::size_t kLongest = std::size_t{1} << 20;
  const std::string key(name);
  const FileState& file = object_->file();
  if (check(H5Aexists(object_->id(), key.c_str()), file, key) == 0) return std::nullopt;
  const Owned attribute(check(H5Aopen(object_->id(), key.c_str(), H5P_DEFAULT), file, key));
  const Owned stored(check(H5Aget_type(attribute), file, key));
  const Owned space(check(H5Aget_space(attribute), file, key));
  if (H5Tget_class(stored) != H5T_STRING || H5Sget_simple_extent_npoints(space) != 1) return std::nullopt;
  if (H5Tis_variable_str(stored) > 0) {
    const Owned type(make_text_type());
    H5Tset_cset(type, H5Tget_cset(stored));
    char* data = nullptr;
    check(H5Aread(attribute, type, &data), file, key);
    std::string value = data == nullptr ? "" : data;
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, &data);
    if (value.size() > kLongest) return std::nullopt;
    return value;
  }
  const std::size_t size = H5Tget_size(stored);
  if (size > kLongest) return std::nullopt;
  std::string value(size, '\0');
  check(H5Aread(attribute, stored, value.data()), file, key);
  value.resize(std::min(value.find('\0'), value.size()));
  return value;
}

bool Attributes::read_number(std::string_view name, ElementType as, void* value) const {
  silence();
  const std::string key(name);
  const FileState& file = object_->file();
  if (check(H5Aexists(object_->id(), key.c_str()), file, key) == 0) return false;
  const Owned attribute(check(H5Aopen(object_->id(), key.c_str(), H5P_DEFAULT), file, key));
  const Owned stored(check(H5Aget_type(attribute), file, key));
  const Owned space(check(H5Aget_space(attribute), file, key));
  const H5T_class_t kind = H5Tget_class(stored);
  if ((kind != H5T_INTEGER && kind != H5T_FLOAT) || H5Sget_simple_extent_npoints(space) != 1) return false;
  check(H5Aread(attribute, memory_type(as), value), file, key);
  return true;
}

std::optional<double> Attributes::number(std::string_view name) const {
  double value = 0.0;
  return read_number(name, ElementType::float64, &value) ? std::optional(value) : std::nullopt;
}

std::optional<std::int64_t> Attributes::integer(std::string_view name) const {
  std::int64_t value = 0;
  return read_number(name, ElementType::int64, &value) ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> Attributes::natural(std::string_view name) const {
  std::uint64_t value = 0;
  return read_number(name, ElementType::uint64, &value) ? std::optional(value) : std::nullopt;
}

std::vector<std::uint64_t> Attributes::naturals(std::string_view name) const {
  constexpr hssize_t kMost = 1024;
  silence();
  const std::string key(name);
  const FileState& file = object_->file();
  if (check(H5Aexists(object_->id(), key.c_str()), file, key) == 0) return {};
  const Owned attribute(check(H5Aopen(object_->id(), key.c_str(), H5P_DEFAULT), file, key));
  const Owned stored(check(H5Aget_type(attribute), file, key));
  const Owned space(check(H5Aget_space(attribute), file, key));
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (H5Tget_class(stored) != H5T_INTEGER || count < 1 || count > kMost) return {};
  std::vector<std::uint64_t> values(static_cast<std::size_t>(count));
  check(H5Aread(attribute, memory_type(ElementType::uint64), values.data()), file, key);
  return values;
}

// Dataset

Extent Dataset::shape() const {
  silence();
  const FileState& file = handle_.file();
  const Owned space(check(H5Dget_space(handle_.id()), file, full_name(handle_.id())));
  const int rank = check(H5Sget_simple_extent_ndims(space), file, full_name(handle_.id()));
  std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
  check(H5Sget_simple_extent_dims(space, sizes.data(), nullptr), file, full_name(handle_.id()));
  return {sizes.begin(), sizes.end()};
}

ElementType Dataset::type() const {
  silence();
  const Owned type(check(H5Dget_type(handle_.id()), handle_.file(), full_name(handle_.id())));
  if (H5Tget_class(type) == H5T_STRING) return H5Tis_variable_str(type) > 0 ? ElementType::text : ElementType::other;
  for (const ElementType candidate : {ElementType::int16, ElementType::int32, ElementType::int64, ElementType::uint32,
                                      ElementType::uint64, ElementType::float32, ElementType::float64})
    if (H5Tequal(type, file_type(candidate)) > 0) return candidate;
  return ElementType::other;
}

std::uint64_t Dataset::stored_bytes() const {
  silence();
  return H5Dget_storage_size(handle_.id());
}

// The library's own H5DSget_num_scales frees what it never read when the attribute is damaged; so this reads it itself.
std::vector<std::string> Dataset::dimensions() const {
  silence();
  constexpr const char* kListName = "DIMENSION_LIST";  // per dimension the references to its scales
  const FileState& file = handle_.file();
  std::vector<std::string> names(shape().size());
  if (names.size() == 1 && attributes().text("CLASS") == "DIMENSION_SCALE") {
    names.front() = last_name(handle_.id());
    return names;
  }
  if (names.empty() || check(H5Aexists(handle_.id(), kListName), file, kListName) == 0) return names;
  const Owned attribute(check(H5Aopen(handle_.id(), kListName, H5P_DEFAULT), file, kListName));
  const Owned stored(check(H5Aget_type(attribute), file, kListName));
  const Owned type(H5Tvlen_create(H5T_STD_REF_OBJ));
  const Owned space(check(H5Aget_space(attribute), file, kListName));
  if (H5Tequal(stored, type) <= 0 || H5Sget_simple_extent_npoints(space) != static_cast<hssize_t>(names.size()))
    return names;
  std::vector<hvl_t> scales(names.size(), hvl_t{0, nullptr});
  check(H5Aread(attribute, type, scales.data()), file, kListName);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (scales[i].len == 0 || scales[i].p == nullptr) continue;
    const Owned scale(H5Rdereference2(handle_.id(), H5P_DEFAULT, H5R_OBJECT, scales[i].p));
    if (scale >= 0) names[i] = last_name(scale);
  }
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, scales.data());
  return names;
}

void Dataset::write_numbers(ElementType type, const void* values, [[maybe_unused]] std::size_t count) const {
  silence();
#if defined(REPOQUAKE_CONTRACTS) && REPOQUAKE_CONTRACTS
  const Extent extent = shape();
  RQ_EXPECT(std::accumulate(extent.begin(), extent.end(), std::uint64_t{1}, std::multiplies<>()) == count);
#endif
  check(H5Dwrite(handle_.id(), memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), handle_.file(),
        full_name(handle_.id()));
}

void Dataset::write_chunk(std::span<const std::uint64_t> offset, std::span<const std::byte> stored) const {
  silence();
  const std::vector<hsize_t> at = sizes_of(offset);
  check(H5Dwrite_chunk(handle_.id(), H5P_DEFAULT, 0, at.data(), stored.size(), stored.data()), handle_.file(),
        full_name(handle_.id()));
}

void Dataset::resize(const Extent& new_shape) const {
  silence();
  const std::vector<hsize_t> sizes = sizes_of(new_shape);
  check(H5Dset_extent(handle_.id(), sizes.data()), handle_.file(), full_name(handle_.id()));
}

std::vector<double> Dataset::read_numbers(std::uint64_t first, std::uint64_t count) const {
  silence();
  const FileState& file = handle_.file();
  const std::string name = full_name(handle_.id());
  const Extent extent = shape();
  if (const ElementType kind = type(); kind == ElementType::text || kind == ElementType::other)
    throw DataError(file.path + ": " + name + ": has no numbers");
  const std::uint64_t rows = extent.empty() ? 1 : extent.front();
  if (first > rows || count > rows - first)
    throw DataError(file.path + ": " + name + ": has " + std::to_string(rows) + " rows, asked for " +
                    std::to_string(count) + " from " + std::to_string(first));
  std::vector<hsize_t> start(extent.size(), 0);
  std::vector<hsize_t> size = sizes_of(extent);
  if (!extent.empty()) {
    start.front() = first;
    size.front() = count;
  }
  std::vector<double> values(
      std::accumulate(size.begin(), size.end(), std::size_t{1}, [](std::size_t a, hsize_t b) { return a * b; }));
  if (values.empty()) return values;
  const Owned space(check(H5Dget_space(handle_.id()), file, name));
  if (!extent.empty())
    check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr), file, name);
  const Extent memory_extent{values.size()};
  const Owned memory(make_space(memory_extent));
  check(H5Dread(handle_.id(), H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values.data()), file, name);
  return values;
}

std::vector<std::string> Dataset::read_texts() const {
  silence();
  constexpr hssize_t kMost = hssize_t{1} << 20;
  const FileState& file = handle_.file();
  const std::string name = full_name(handle_.id());
  if (type() != ElementType::text) throw DataError(file.path + ": " + name + ": has no texts");
  const Owned stored(check(H5Dget_type(handle_.id()), file, name));
  const Owned space(check(H5Dget_space(handle_.id()), file, name));
  const hssize_t count = check(H5Sget_simple_extent_npoints(space), file, name);
  if (count > kMost) throw DataError(file.path + ": " + name + ": too large");
  std::vector<char*> data(static_cast<std::size_t>(count), nullptr);
  std::vector<std::string> texts(data.size());
  if (data.empty()) return texts;
  check(H5Dread(handle_.id(), stored, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data()), file, name);
  for (std::size_t i = 0; i < data.size(); ++i)
    if (data[i] != nullptr) texts[i] = data[i];
  H5Dvlen_reclaim(stored, space, H5P_DEFAULT, data.data());
  return texts;
}

std::vector<std::byte> Dataset::read_chunk(std::span<const std::uint64_t> offset) const {
  silence();
  const FileState& file = handle_.file();
  const std::string name = full_name(handle_.id());
  const std::vector<hsize_t> at = sizes_of(offset);
  hsize_t size = 0;
  check(H5Dget_chunk_storage_size(handle_.id(), at.data(), &size), file, name);
  std::vector<std::byte> stored(size);
  std::uint32_t filters_skipped = 0;
  check(H5Dread_chunk(handle_.id(), H5P_DEFAULT, at.data(), &filters_skipped, stored.data()), file, name);
  return stored;
}

void Dataset::make_scale(std::string_view name) const {
  silence();
  check(H5DSset_scale(handle_.id(), std::string(name).c_str()), handle_.file(), full_name(handle_.id()));
}

void Dataset::attach_scale(unsigned dimension, const Dataset& scale) const {
  silence();
  check(H5DSattach_scale(handle_.id(), scale.handle_.id(), dimension), handle_.file(), full_name(handle_.id()));
}

// Group

Group Group::create_group(std::string_view name) const {
  silence();
  const std::string key(name);
  const Owned properties(H5Pcreate(H5P_GROUP_CREATE));
  H5Pset_obj_track_times(properties, false);
  H5Pset_link_creation_order(properties, kInCreationOrder);
  H5Pset_attr_creation_order(properties, kInCreationOrder);
  Handle group(H5Gcreate2(handle_.id(), key.c_str(), H5P_DEFAULT, properties, H5P_DEFAULT), handle_.shared_file());
  check(group.id(), handle_.file(), key);
  return Group(std::move(group));
}

Dataset Group::create_numbers(std::string_view name, ElementType type, const Layout& layout, const void* fill) const {
  silence();
  RQ_EXPECT(layout.chunk.empty() || layout.chunk.size() == layout.shape.size());
  RQ_EXPECT((layout.deflate_level == 0 && !layout.checksum) || !layout.chunk.empty());
  const std::string key(name);
  const FileState& file = handle_.file();
  const Owned space(make_space(layout.shape));
  const Owned properties(make_dataset_properties());
  if (!layout.chunk.empty()) {
    const std::vector<hsize_t> chunk = sizes_of(layout.chunk);
    check(H5Pset_chunk(properties, static_cast<int>(chunk.size()), chunk.data()), file, key);
  }
  if (layout.deflate_level > 0) {
    check(H5Pset_shuffle(properties), file, key);
    check(H5Pset_deflate(properties, static_cast<unsigned>(layout.deflate_level)), file, key);
  }
  if (layout.checksum) check(H5Pset_fletcher32(properties), file, key);
  if (fill != nullptr) check(H5Pset_fill_value(properties, memory_type(type), fill), file, key);
  Handle dataset(H5Dcreate2(handle_.id(), key.c_str(), file_type(type), space, H5P_DEFAULT, properties, H5P_DEFAULT),
                 handle_.shared_file());
  check(dataset.id(), file, key);
  return Dataset(std::move(dataset));
}

Dataset Group::create_strings(std::string_view name, std::span<const std::string> texts, const Extent& shape) const {
  silence();
  const std::string key(name);
  const FileState& file = handle_.file();
  const Owned type(make_text_type());
  const Owned space(make_space(shape));
  const Owned properties(make_dataset_properties());
  Handle dataset(H5Dcreate2(handle_.id(), key.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT),
                 handle_.shared_file());
  check(dataset.id(), file, key);
  std::vector<const char*> data;
  for (const std::string& text : texts) data.push_back(text.c_str());
  check(H5Dwrite(dataset.id(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data()), file, key);
  return Dataset(std::move(dataset));
}

Dataset Group::create_text(std::string_view name, std::string_view text) const {
  const std::string value(text);
  return create_strings(name, std::span(&value, 1), {});
}

Dataset Group::create_texts(std::string_view name, std::span<const std::string> texts) const {
  RQ_EXPECT(!texts.empty());
  return create_strings(name, texts, {texts.size()});
}

Dataset Group::create_texts(std::string_view name, std::span<const std::string> texts, const Extent& shape) const {
  RQ_EXPECT(!texts.empty() && !shape.empty());
  return create_strings(name, texts, shape);
}

std::vector<Group::Child> Group::children() const {
  silence();
  const FileState& file = handle_.file();
  std::vector<std::string> names;
  const H5L_iterate_t take_name = [](hid_t, const char* name, const H5L_info_t* link, void* out) noexcept -> herr_t {
    if (link->type == H5L_TYPE_HARD) static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  const Owned properties(check(H5Gget_create_plist(handle_.id()), file, full_name(handle_.id())));
  unsigned order = 0;
  H5Pget_link_creation_order(properties, &order);
  const H5_index_t index = (order & H5P_CRT_ORDER_INDEXED) != 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
  check(H5Literate(handle_.id(), index, H5_ITER_INC, nullptr, take_name, &names), file, full_name(handle_.id()));
  std::vector<Child> children;
  for (std::string& name : names) {
    const Owned object(check(H5Oopen(handle_.id(), name.c_str(), H5P_DEFAULT), file, name));
    const H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_GROUP || kind == H5I_DATASET) children.push_back({std::move(name), kind == H5I_GROUP});
  }
  return children;
}

Group Group::open_group(std::string_view path) const {
  silence();
  const std::string key(path);
  Handle group(H5Gopen2(handle_.id(), key.c_str(), H5P_DEFAULT), handle_.shared_file());
  check(group.id(), handle_.file(), key);
  return Group(std::move(group));
}

Dataset Group::open_dataset(std::string_view path) const {
  silence();
  const std::string key(path);
  Handle dataset(H5Dopen2(handle_.id(), key.c_str(), H5P_DEFAULT), handle_.shared_file());
  check(dataset.id(), handle_.file(), key);
  return Dataset(std::move(dataset));
}

// File

File File::create(const std::string& path) {
  silence();
  const auto state = std::make_shared<FileState>(path, open_descriptor(path, O_RDWR | O_CREAT | O_EXCL), false);
  if (is_locked_by_another(state->descriptor, LOCK_EX)) throw IoError(path + ": is in use by another running process");
  const Owned access(make_access(state.get()));
  const Owned properties(H5Pcreate(H5P_FILE_CREATE));
  H5Pset_obj_track_times(properties, false);
  H5Pset_link_creation_order(properties, kInCreationOrder);
  H5Pset_attr_creation_order(properties, kInCreationOrder);
  Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, properties, access), state);
  check(file.id(), *state, "");
  return File(std::move(file));
}

File File::open(const std::string& path) {
  silence();
  const int descriptor = open_descriptor(path, O_RDONLY | O_NONBLOCK);
  const auto state = std::make_shared<FileState>(path, descriptor, true);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw IoError(path + ": cannot read: " + system_text(errno));
  if (S_ISDIR(status.st_mode)) throw IoError(path + ": is a directory");
  if (!S_ISREG(status.st_mode)) throw IoError(path + ": is not a regular file");
  if (is_locked_by_another(descriptor, LOCK_SH)) throw IoError(path + ": is being written by a running process");
  if (!has_hdf5_signature(descriptor))
    throw DataError(path + ": not a repoquake result: " + (status.st_size == 0 ? "empty" : "not an HDF5 file"));
  state->end = static_cast<haddr_t>(status.st_size);
  const Owned access(make_access(state.get()));
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), state);
  check(file.id(), *state, "");
  return File(std::move(file));
}

Group File::root() const {
  silence();
  Handle group(H5Gopen2(handle_.id(), "/", H5P_DEFAULT), handle_.shared_file());
  check(group.id(), handle_.file(), "/");
  return Group(std::move(group));
}

void File::flush() const {
  silence();
  check(H5Fflush(handle_.id(), H5F_SCOPE_GLOBAL), handle_.file(), "");
}

void File::close(bool to_disk) {
  silence();
  if (!is_open()) return;
  const std::shared_ptr<FileState> state = handle_.shared_file();
  const Hid id = handle_.id();
  const bool closed = H5Fclose(id) >= 0;
  if (!closed) fail(*state, "");
  handle_ = Handle();
  if (state->first_error != 0) fail(*state, "");
  if (to_disk && ::fsync(state->descriptor) != 0) state->first_error = errno;
  if (::close(std::exchange(state->descriptor, -1)) != 0 && state->first_error == 0) state->first_error = errno;
  check(0, *state, "");
}

}  // namespace repoquake::io
