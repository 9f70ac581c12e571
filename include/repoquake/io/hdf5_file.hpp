/// Files of the HDF5 library as owned values: file, group, dataset, attributes, dimension scales.
///
/// Layout  What netCDF-4 reads: file format of HDF5 1.8, links and attributes in creation order, no time stamps in
///         objects, so equal calls in equal order give equal bytes.
/// Errors  The library's own error messages are silenced. A file that is missing, cannot be opened or cannot be
///         written (disk full, size limit): IoError. A file opened for reading whose content is not what it should be:
///         DataError. Both name the file and the cause. Memory that runs out while writing: std::bad_alloc.
/// Others' files  Read are values that lie in the file itself, reached by hard links, stored as our own are, and no more of
///         them than the file can hold; anything else is a DataError. No plug-in is loaded.
/// Threads One thread at a time; any thread.
///
/// The only header of the program's HDF5: <hdf5.h> is included by src/io/hdf5_file.cpp alone.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/io/file_lock.hpp"

namespace repoquake::io {

/// An identifier of the library.
using Hid = std::int64_t;

enum class ElementType : std::uint8_t { int16, int32, int64, uint32, uint64, float32, float64, text, other };

template <class T>
concept Number = std::same_as<T, std::int16_t> || std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t> ||
    std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t> || std::same_as<T, float> ||
    std::same_as<T, double>;

template <Number T>
[[nodiscard]] constexpr ElementType element_type_of() noexcept {
  if constexpr (std::same_as<T, std::int16_t>)
    return ElementType::int16;
  else if constexpr (std::same_as<T, std::int32_t>)
    return ElementType::int32;
  else if constexpr (std::same_as<T, std::int64_t>)
    return ElementType::int64;
  else if constexpr (std::same_as<T, std::uint32_t>)
    return ElementType::uint32;
  else if constexpr (std::same_as<T, std::uint64_t>)
    return ElementType::uint64;
  else if constexpr (std::same_as<T, float>)
    return ElementType::float32;
  else
    return ElementType::float64;
}

/// "float32", "text", …
[[nodiscard]] std::string_view name_of(ElementType type) noexcept;

using Extent = std::vector<std::uint64_t>;

/// Values one call reads: 1 GiB of doubles. Larger tables are read by rows.
inline constexpr std::uint64_t kMostNumbers = std::uint64_t{1} << 27;

/// Shape and storage of a numeric dataset.
struct Layout {
  Extent shape;           ///< empty: one value
  Extent chunk;           ///< empty: stored in one piece; else as many as `shape`, each >= 1 and <= that of `shape`
  int deflate_level = 0;  ///< 1..9: shuffle and deflate filters; needs `chunk`
  bool checksum = false;  ///< Fletcher32 filter, last: a reader is told when a chunk was damaged; needs `chunk`
};

/// Is this a regular file of the library's format? False also where it cannot be read.
[[nodiscard]] bool is_hdf5(const std::string& path);

struct FileState;  // path, descriptor and first failure of an open file: in the .cpp

/// Owns one identifier of the library and knows its file. Movable.
class Handle {
 public:
  Handle() = default;
  Handle(Hid id, std::shared_ptr<FileState> file) noexcept : id_(id), file_(std::move(file)) {}
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle();

  [[nodiscard]] Hid id() const noexcept { return id_; }
  [[nodiscard]] FileState& file() const noexcept { return *file_; }
  [[nodiscard]] const std::shared_ptr<FileState>& shared_file() const noexcept { return file_; }

 private:
  Hid id_ = -1;
  std::shared_ptr<FileState> file_;
};

/// The attributes of an open group or dataset. A view: the object must stay open.
class Attributes {
 public:
  explicit Attributes(const Handle& object) noexcept : object_(&object) {}

  /// Sets or replaces. Text is variable-length UTF-8.
  void set(std::string_view name, std::string_view text) const;
  template <Number T>
  void set(std::string_view name, T value) const {
    set_numbers(name, element_type_of<T>(), &value, 1, true);
  }
  template <Number T>
  void set(std::string_view name, std::span<const T> values) const {
    set_numbers(name, element_type_of<T>(), values.data(), values.size(), false);
  }

  /// Nothing where the attribute is missing or of another kind. A text's length is at most 1 MiB; control characters in
  /// it are "?", as they are in texts of datasets.
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  [[nodiscard]] std::optional<double> number(std::string_view name) const;
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name) const;
  [[nodiscard]] std::optional<std::uint64_t> natural(std::string_view name) const;
  /// A list of at most 1,024; empty where it is missing or of another kind.
  [[nodiscard]] std::vector<std::uint64_t> naturals(std::string_view name) const;

 private:
  void set_numbers(std::string_view name, ElementType type, const void* values, std::size_t count,
                   bool is_scalar) const;
  [[nodiscard]] bool read_number(std::string_view name, ElementType as, void* value) const;

  const Handle* object_;
};

class Dataset {
 public:
  Dataset() = default;
  explicit Dataset(Handle handle) noexcept : handle_(std::move(handle)) {}

  [[nodiscard]] bool is_open() const noexcept { return handle_.id() >= 0; }
  [[nodiscard]] Attributes attributes() const noexcept { return Attributes(handle_); }

  [[nodiscard]] Extent shape() const;
  [[nodiscard]] ElementType type() const;
  [[nodiscard]] std::uint64_t stored_bytes() const;
  /// Per dimension the name of the attached scale ("" without); a scale names itself.
  [[nodiscard]] std::vector<std::string> dimensions() const;

  /// All values, row-major. Pre: `values` has as many as the shape.
  template <Number T>
  void write(std::span<const T> values) const {
    write_numbers(element_type_of<T>(), values.data(), values.size());
  }
  /// One chunk as it stands in the file, filters already applied. `offset`: its first element. Returns its address.
  std::uint64_t write_chunk(std::span<const std::uint64_t> offset, std::span<const std::byte> stored) const;
  /// Smaller, or larger again up to the shape it was created with. Pre: chunked.
  void resize(const Extent& shape) const;

  /// `count` rows (elements, when 1-D) from `first`, converted to double; values as stored, fill values too.
  [[nodiscard]] std::vector<double> read_numbers(std::uint64_t first, std::uint64_t count) const;
  [[nodiscard]] std::vector<std::string> read_texts() const;
  /// The stored bytes of a chunk that was written.
  [[nodiscard]] std::vector<std::byte> read_chunk(std::span<const std::uint64_t> offset) const;

  /// Makes this the coordinate of a dimension; `attach_scale` then labels a dimension of another dataset with it.
  void make_scale(std::string_view name) const;
  void attach_scale(unsigned dimension, const Dataset& scale) const;

  /// Reads whatever reading may come upon; see File::open.
  void rehearse() const;

 private:
  void write_numbers(ElementType type, const void* values, std::size_t count) const;

  Handle handle_;
};

class Group {
 public:
  Group() = default;
  explicit Group(Handle handle) noexcept : handle_(std::move(handle)) {}

  [[nodiscard]] bool is_open() const noexcept { return handle_.id() >= 0; }
  [[nodiscard]] Attributes attributes() const noexcept { return Attributes(handle_); }

  [[nodiscard]] Group create_group(std::string_view name) const;
  /// Without `fill` the library's 0 stands where nothing was written.
  template <Number T>
  [[nodiscard]] Dataset create_dataset(std::string_view name, const Layout& layout, std::optional<T> fill = {}) const {
    return create_numbers(name, element_type_of<T>(), layout, fill ? &*fill : nullptr);
  }
  /// A whole 1-D dataset at once. Pre: not empty.
  template <Number T>
  [[nodiscard]] Dataset create_dataset(std::string_view name, std::span<const T> values) const {
    Dataset dataset = create_dataset<T>(name, Layout{.shape = {values.size()}, .chunk = {}});
    dataset.write(values);
    return dataset;
  }
  /// Variable-length UTF-8: one text without dimensions, or a 1-D dataset of them (not empty).
  [[nodiscard]] Dataset create_text(std::string_view name, std::string_view text) const;
  [[nodiscard]] Dataset create_texts(std::string_view name, std::span<const std::string> texts) const;
  /// Of any shape, row-major. Pre: as many texts as the shape has elements, not none.
  [[nodiscard]] Dataset create_texts(std::string_view name, std::span<const std::string> texts,
                                     const Extent& shape) const;

  struct Child {
    std::string name;
    bool is_group = false;
  };
  /// Groups and datasets in creation order (by name where the file keeps none). Links that are not hard are left out.
  [[nodiscard]] std::vector<Child> children() const;
  [[nodiscard]] Group open_group(std::string_view path) const;
  [[nodiscard]] Dataset open_dataset(std::string_view path) const;

  /// The same with all that is below.
  void rehearse(int depth, std::size_t& n_objects) const;

 private:
  [[nodiscard]] Dataset create_numbers(std::string_view name, ElementType type, const Layout& layout,
                                       const void* fill) const;
  [[nodiscard]] Dataset create_strings(std::string_view name, std::span<const std::string> texts,
                                       const Extent& shape) const;

  Handle handle_;
};

/// An open file. The destructor closes it without complaint; call `close` to hear about failures.
class File {
 public:
  File() = default;

  /// A new file, locked against other writers and readers. Pre: nothing at `path` (IoError).
  [[nodiscard]] static File create(const std::string& path);
  /// For reading. A file is read by a child process first (io/rehearsal.hpp): DataError where that does not come back.
  [[nodiscard]] static File open(const std::string& path);

  [[nodiscard]] bool is_open() const noexcept { return handle_.id() >= 0; }
  [[nodiscard]] Group root() const;

  /// Everything to the operating system.
  void flush() const;
  /// Waits until the disk has all that was handed to the operating system; chunks are, as soon as they are written.
  void sync_data() const;
  /// Holds the lock of `create` beyond `close`.
  [[nodiscard]] FileLock share_lock() const;
  /// Closes this file and all that was opened in it. `to_disk`: waits until the disk has it.
  void close(bool to_disk = false);

 private:
  explicit File(Handle handle) noexcept : handle_(std::move(handle)) {}

  Handle handle_;
};

}  // namespace repoquake::io
