#include "repoquake/io/hdf5_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <numeric>
#include <utility>

#include <fcntl.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/hdf5_call.hpp"
#include "io/hdf5_driver.hpp"
#include "io/hdf5_storage.hpp"
#include "io/rehearsal.hpp"
#include "io/system_text.hpp"
#include "repoquake/core/contract.hpp"
#include "repoquake/core/error.hpp"

namespace repoquake::io {

static_assert(sizeof(hid_t) == sizeof(Hid));
static_assert(std::endian::native == std::endian::little, "chunks are written as they stand in memory");

namespace {

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

ElementType element_of(hid_t type) {
  if (H5Tget_class(type) == H5T_STRING) return H5Tis_variable_str(type) > 0 ? ElementType::text : ElementType::other;
  for (const ElementType candidate : {ElementType::int16, ElementType::int32, ElementType::int64, ElementType::uint32,
                                      ElementType::uint64, ElementType::float32, ElementType::float64})
    if (H5Tequal(type, file_type(candidate)) > 0) return candidate;
  return ElementType::other;
}

bool is_number(ElementType type) { return type != ElementType::text && type != ElementType::other; }

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
bool is_being_written(int descriptor) { return ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK; }

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

bool is_hdf5(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return false;
  struct stat status {};
  const bool is_regular = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  const bool answer = is_regular && has_hdf5_signature(descriptor);
  ::close(descriptor);
  return answer;
}

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
  begin_call();
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
  begin_call();
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

namespace {

/// Of an open attribute, if it is one text.
std::optional<std::string> text_in(hid_t attribute, const FileState& file, const std::string& key) {
  constexpr std::size_t kLongest = std::size_t{1} << 20;
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
    return harmless(std::move(value));
  }
  const std::size_t size = H5Tget_size(stored);
  if (size > kLongest) return std::nullopt;
  std::string value(size, '\0');
  check(H5Aread(attribute, stored, value.data()), file, key);
  value.resize(std::min(value.find('\0'), value.size()));
  return harmless(std::move(value));
}

/// Of an open attribute, if it is one number.
bool number_in(hid_t attribute, ElementType as, void* value, const FileState& file, const std::string& key) {
  const Owned stored(check(H5Aget_type(attribute), file, key));
  const Owned space(check(H5Aget_space(attribute), file, key));
  if (!is_number(element_of(stored)) || H5Sget_simple_extent_npoints(space) != 1) return false;
  check(H5Aread(attribute, memory_type(as), value), file, key);
  return true;
}

/// Of an open attribute, if it is a list of whole numbers.
std::vector<std::uint64_t> naturals_in(hid_t attribute, const FileState& file, const std::string& key) {
  constexpr hssize_t kMost = 1024;
  const Owned stored(check(H5Aget_type(attribute), file, key));
  const Owned space(check(H5Aget_space(attribute), file, key));
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (H5Tget_class(stored) != H5T_INTEGER || !is_number(element_of(stored)) || count < 1 || count > kMost) return {};
  std::vector<std::uint64_t> values(static_cast<std::size_t>(count));
  check(H5Aread(attribute, memory_type(ElementType::uint64), values.data()), file, key);
  return values;
}

}  // namespace

std::optional<std::string> Attributes::text(std::string_view name) const {
  begin_call();
  const std::string key(name);
  const FileState& file = object_->file();
  if (check(H5Aexists(object_->id(), key.c_str()), file, key) == 0) return std::nullopt;
  return text_in(Owned(check(H5Aopen(object_->id(), key.c_str(), H5P_DEFAULT), file, key)), file, key);
}

bool Attributes::read_number(std::string_view name, ElementType as, void* value) const {
  begin_call();
  const std::string key(name);
  const FileState& file = object_->file();
  if (check(H5Aexists(object_->id(), key.c_str()), file, key) == 0) return false;
  return number_in(Owned(check(H5Aopen(object_->id(), key.c_str(), H5P_DEFAULT), file, key)), as, value, file, key);
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
  begin_call();
  const std::string key(name);
  const FileState& file = object_->file();
  if (check(H5Aexists(object_->id(), key.c_str()), file, key) == 0) return {};
  return naturals_in(Owned(check(H5Aopen(object_->id(), key.c_str(), H5P_DEFAULT), file, key)), file, key);
}

// Dataset

Extent Dataset::shape() const {
  begin_call();
  const FileState& file = handle_.file();
  const Owned space(check(H5Dget_space(handle_.id()), file, full_name(handle_.id())));
  const int rank = check(H5Sget_simple_extent_ndims(space), file, full_name(handle_.id()));
  std::vector<hsize_t> sizes(static_cast<std::size_t>(rank));
  check(H5Sget_simple_extent_dims(space, sizes.data(), nullptr), file, full_name(handle_.id()));
  return {sizes.begin(), sizes.end()};
}

ElementType Dataset::type() const {
  begin_call();
  return element_of(Owned(check(H5Dget_type(handle_.id()), handle_.file(), full_name(handle_.id()))));
}

std::uint64_t Dataset::stored_bytes() const {
  begin_call();
  return H5Dget_storage_size(handle_.id());
}

namespace {

/// The library looks through the whole file for a name, so each is asked for once.
std::string name_of_scale(Hid dataset, const void* reference, FileState& file) {
  hobj_ref_t address = 0;
  std::memcpy(&address, reference, sizeof(address));
  if (const auto known = file.scale_names.find(address); known != file.scale_names.end()) return known->second;
  const Owned scale(H5Rdereference2(dataset, H5P_DEFAULT, H5R_OBJECT, reference));
  return file.scale_names[address] = scale >= 0 ? last_name(scale) : std::string();
}

}  // namespace

// The library's own H5DSget_num_scales frees what it never read when the attribute is damaged; so this reads it itself.
std::vector<std::string> Dataset::dimensions() const {
  begin_call();
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
    names[i] = name_of_scale(handle_.id(), scales[i].p, handle_.file());
  }
  H5Dvlen_reclaim(type, space, H5P_DEFAULT, scales.data());
  return names;
}

void Dataset::write_numbers(ElementType type, const void* values, [[maybe_unused]] std::size_t count) const {
  begin_call();
#if defined(REPOQUAKE_CONTRACTS) && REPOQUAKE_CONTRACTS
  const Extent extent = shape();
  RQ_EXPECT(std::accumulate(extent.begin(), extent.end(), std::uint64_t{1}, std::multiplies<>()) == count);
#endif
  check(H5Dwrite(handle_.id(), memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), handle_.file(),
        full_name(handle_.id()));
}

std::uint64_t Dataset::write_chunk(std::span<const std::uint64_t> offset, std::span<const std::byte> stored) const {
  begin_call();
  const std::vector<hsize_t> at = sizes_of(offset);
  FileState& file = handle_.file();
  file.last_written = nullptr;
  check(H5Dwrite_chunk(handle_.id(), H5P_DEFAULT, 0, at.data(), stored.size(), stored.data()), file,
        full_name(handle_.id()));
  // The library writes a chunk straight from the caller's memory, so the driver has seen where. It can be asked as well,
  // but looks at all chunks of the dataset then.
  if (file.last_written == stored.data() && file.last_size == stored.size()) return file.last_address;
  hsize_t size = 0;
  haddr_t address = 0;
  unsigned filters_skipped = 0;
  check(H5Dget_chunk_info_by_coord(handle_.id(), at.data(), &filters_skipped, &address, &size), file,
        full_name(handle_.id()));
  return address;
}

void Dataset::resize(const Extent& new_shape) const {
  begin_call();
  const std::vector<hsize_t> sizes = sizes_of(new_shape);
  check(H5Dset_extent(handle_.id(), sizes.data()), handle_.file(), full_name(handle_.id()));
}

std::vector<double> Dataset::read_numbers(std::uint64_t first, std::uint64_t count) const {
  begin_call();
  const FileState& file = handle_.file();
  const std::string name = full_name(handle_.id());
  const Extent extent = shape();
  if (!is_number(type())) throw DataError(file.path + ": " + name + ": has no numbers");
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
  const std::uint64_t n_values = product_of(size);
  if (n_values == 0) return {};
  if (n_values > kMostNumbers) refuse(file, name, "too large to read at once");
  if (file.is_reading) check_storage(handle_.id(), start, size, file);
  std::vector<double> values(n_values);
  const Owned space(check(H5Dget_space(handle_.id()), file, name));
  if (!extent.empty())
    check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr), file, name);
  const Extent memory_extent{values.size()};
  const Owned memory(make_space(memory_extent));
  check(H5Dread(handle_.id(), H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values.data()), file, name);
  return values;
}

std::vector<std::string> Dataset::read_texts() const {
  begin_call();
  const FileState& file = handle_.file();
  const std::string name = full_name(handle_.id());
  if (type() != ElementType::text) throw DataError(file.path + ": " + name + ": has no texts");
  const std::vector<hsize_t> extent = sizes_of(shape());
  const std::uint64_t count = product_of(extent);
  if (count == 0) return {};
  if (count > kMostTexts) refuse(file, name, "too large");
  const std::vector<hsize_t> start(extent.size(), 0);
  if (file.is_reading) check_storage(handle_.id(), start, extent, file);
  const Owned stored(check(H5Dget_type(handle_.id()), file, name));
  const Owned space(check(H5Dget_space(handle_.id()), file, name));
  std::vector<std::string> texts;
  std::uint64_t bytes = 0;
  // By rows: many elements may point to one long text.
  const hsize_t rows = extent.empty() ? 1 : extent.front(), width = count / rows;
  const hsize_t rows_at_once = std::max<hsize_t>(1, 1024 / width);
  for (hsize_t first = 0; first < rows; first += rows_at_once) {
    std::vector<hsize_t> at = start, size = extent;
    if (!extent.empty()) {
      at.front() = first;
      size.front() = std::min(rows_at_once, rows - first);
      check(H5Sselect_hyperslab(space, H5S_SELECT_SET, at.data(), nullptr, size.data(), nullptr), file, name);
    }
    std::vector<char*> data(product_of(size), nullptr);
    const Extent memory_extent{data.size()};
    const Owned memory(make_space(memory_extent));
    check(H5Dread(handle_.id(), stored, memory, space, H5P_DEFAULT, data.data()), file, name);
    for (const char* text : data) {
      texts.push_back(harmless(text == nullptr ? "" : text));
      bytes += texts.back().size();
    }
    H5Dvlen_reclaim(stored, memory, H5P_DEFAULT, data.data());
    if (bytes > kMostTextBytes) refuse(file, name, "too large");
  }
  return texts;
}

std::vector<std::byte> Dataset::read_chunk(std::span<const std::uint64_t> offset) const {
  begin_call();
  const FileState& file = handle_.file();
  const std::string name = full_name(handle_.id());
  const std::vector<hsize_t> at = sizes_of(offset);
  hsize_t size = 0;
  check(H5Dget_chunk_storage_size(handle_.id(), at.data(), &size), file, name);
  if (file.is_reading && size > file.end) refuse_damaged(file, name, "a chunk is larger than the file");
  std::vector<std::byte> stored(size);
  std::uint32_t filters_skipped = 0;
  check(H5Dread_chunk(handle_.id(), H5P_DEFAULT, at.data(), &filters_skipped, stored.data()), file, name);
  return stored;
}

void Dataset::make_scale(std::string_view name) const {
  begin_call();
  check(H5DSset_scale(handle_.id(), std::string(name).c_str()), handle_.file(), full_name(handle_.id()));
}

void Dataset::attach_scale(unsigned dimension, const Dataset& scale) const {
  begin_call();
  check(H5DSattach_scale(handle_.id(), scale.handle_.id(), dimension), handle_.file(), full_name(handle_.id()));
}

// Group

Group Group::create_group(std::string_view name) const {
  begin_call();
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
  begin_call();
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
  begin_call();
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
  begin_call();
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
    if (harmless(name) != name || name.find('\n') != std::string::npos)
      refuse(file, full_name(handle_.id()), "has a member whose name is no plain text");
    const Owned object(check(H5Oopen(handle_.id(), name.c_str(), H5P_DEFAULT), file, name));
    const H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_GROUP || kind == H5I_DATASET) children.push_back({std::move(name), kind == H5I_GROUP});
  }
  return children;
}

Group Group::open_group(std::string_view path) const {
  begin_call();
  const std::string key(path);
  require_hard_links(handle_.id(), key, handle_.file());
  Handle group(H5Gopen2(handle_.id(), key.c_str(), H5P_DEFAULT), handle_.shared_file());
  check(group.id(), handle_.file(), key);
  return Group(std::move(group));
}

Dataset Group::open_dataset(std::string_view path) const {
  begin_call();
  const std::string key(path);
  require_hard_links(handle_.id(), key, handle_.file());
  Handle dataset(H5Dopen2(handle_.id(), key.c_str(), H5P_DEFAULT), handle_.shared_file());
  check(dataset.id(), handle_.file(), key);
  require_own_storage(dataset.id(), handle_.file(), key);
  return Dataset(std::move(dataset));
}

// File

namespace {

/// Which bytes: a file that was replaced or written to is another one.
using FileIdentity = std::array<std::int64_t, 5>;

FileIdentity identity_of(const struct stat& status) {
  return {static_cast<std::int64_t>(status.st_dev), static_cast<std::int64_t>(status.st_ino),
          static_cast<std::int64_t>(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

struct Verdict {
  FileIdentity file;
  std::string refusal;  ///< empty: it may be read
};

/// Tries a file once a process, however often it is opened.
void rehearse_once(const struct stat& status, const std::string& path, const std::function<void()>& reading) {
  constexpr std::size_t kMost = 64;  // a process reads few
  static std::vector<Verdict> verdicts;
  const FileIdentity file = identity_of(status);
  auto known = std::ranges::find(verdicts, file, &Verdict::file);
  if (known == verdicts.end()) {
    Verdict verdict{file, {}};
    try {
      rehearse(path, reading);
    } catch (const DataError& error) {
      verdict.refusal = error.what();
    }
    if (verdicts.size() == kMost) verdicts.clear();
    known = verdicts.insert(verdicts.end(), std::move(verdict));
  }
  if (!known->refusal.empty()) throw DataError(known->refusal);
}

constexpr int kDeepestRead = 8;
constexpr std::size_t kMostObjectsRead = 20'000;
constexpr std::uint64_t kNumbersRead = std::uint64_t{1} << 17;  // of larger datasets the index alone

/// Goes on after what is merely wrong; what takes too much memory ends the reading.
template <class Reading>
void try_to_read(const Reading& reading) {
  try {
    reading();
  } catch (const DataError& error) {
    if (std::string_view(error.what()).find("allocat") != std::string_view::npos) throw std::bad_alloc();
  } catch (const std::length_error&) {
    throw std::bad_alloc();
  }
}

void read_attributes(const Handle& object) {
  constexpr hsize_t kMostAttributes = 1024;
  const FileState& file = object.file();
  const std::string name = "attribute";
  for (hsize_t i = 0; i < kMostAttributes; ++i) {
    const Owned attribute(H5Aopen_by_idx(object.id(), ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT));
    if (attribute < 0) return;
    try_to_read([&] {
      double number = 0.0;
      if (!text_in(attribute, file, name) && !number_in(attribute, ElementType::float64, &number, file, name))
        static_cast<void>(naturals_in(attribute, file, name));
    });
  }
}

void read_index(Hid dataset) {
  const Owned properties(H5Dget_create_plist(dataset));
  if (H5Pget_layout(properties) != H5D_CHUNKED) return;
  const Owned space(H5Dget_space(dataset));
  hsize_t count = 0;
  static_cast<void>(H5Dget_num_chunks(dataset, space, &count));
}

}  // namespace

void Dataset::rehearse() const {
  read_attributes(handle_);
  try_to_read([&] { static_cast<void>(dimensions()); });
  try_to_read([&] { static_cast<void>(stored_bytes()); });
  try_to_read([&] {
    const Extent extent = shape();
    if (type() == ElementType::text) static_cast<void>(read_texts());
    if (!is_number(type())) return;
    if (product_of(sizes_of(extent)) <= kNumbersRead)
      static_cast<void>(read_numbers(0, extent.empty() ? 1 : extent.front()));
    else
      read_index(handle_.id());
  });
}

void Group::rehearse(int depth, std::size_t& n_objects) const {
  read_attributes(handle_);
  if (depth > kDeepestRead) return;
  std::vector<Child> found;
  try_to_read([&] { found = children(); });
  for (const Child& child : found) {
    if (++n_objects > kMostObjectsRead) return;
    try_to_read([&] {
      if (child.is_group)
        open_group(child.name).rehearse(depth + 1, n_objects);
      else
        open_dataset(child.name).rehearse();
    });
  }
}

File File::create(const std::string& path) {
  begin_call();
  const auto state = std::make_shared<FileState>(path, open_descriptor(path, O_RDWR | O_CREAT | O_EXCL), false);
  lock_to_write(state->descriptor, path);
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
  begin_call();
  const int descriptor = open_descriptor(path, O_RDONLY | O_NONBLOCK);
  const auto state = std::make_shared<FileState>(path, descriptor, true);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw IoError(path + ": cannot read: " + system_text(errno));
  if (S_ISDIR(status.st_mode)) throw IoError(path + ": is a directory");
  if (!S_ISREG(status.st_mode)) throw IoError(path + ": is not a regular file");
  if (is_being_written(descriptor)) throw IoError(path + ": is being written by a running process");
  if (char first = 0; ::pread(descriptor, &first, 1, 0) < 0)
    throw IoError(path + ": cannot read: " + system_text(errno));
  if (!has_hdf5_signature(descriptor))
    throw DataError(path + ": not a repoquake result: " + (status.st_size == 0 ? "empty" : "not an HDF5 file"));
  state->end = static_cast<haddr_t>(status.st_size);
  const auto open = [&] {
    const Owned access(make_access(state.get()));
    Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access), state);
    check(file.id(), *state, "");
    return File(std::move(file));
  };
  rehearse_once(status, path, [&] {
    std::size_t n_objects = 0;
    open().root().rehearse(0, n_objects);
  });
  return open();
}

Group File::root() const {
  begin_call();
  Handle group(H5Gopen2(handle_.id(), "/", H5P_DEFAULT), handle_.shared_file());
  check(group.id(), handle_.file(), "/");
  return Group(std::move(group));
}

void File::flush() const {
  begin_call();
  check(H5Fflush(handle_.id(), H5F_SCOPE_GLOBAL), handle_.file(), "");
}

void File::sync_data() const {
  FileState& file = handle_.file();
  if (file.first_error == 0 && ::fdatasync(file.descriptor) != 0) file.first_error = errno;
  check(0, file, "");
}

FileLock File::share_lock() const {
  const FileState& file = handle_.file();
  const int descriptor = ::fcntl(file.descriptor, F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) throw IoError(file.path + ": cannot lock: " + system_text(errno));
  return FileLock(descriptor);
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
