#include "io/hdf5_storage.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include <libdeflate.h>

#include "io/hdf5_call.hpp"

namespace repoquake::io {
namespace {

constexpr std::uint64_t kMostChunkBytes = std::uint64_t{1} << 28;
constexpr std::uint64_t kMostChunks = std::uint64_t{1} << 21;

/// The filters of a dataset: shuffle, deflate, Fletcher32, each at most once and in this order.
struct Filters {
  int deflate = -1;  ///< its place among them
  bool checksum = false;
};

Filters filters_of(hid_t properties, const FileState& file, const std::string& name) {
  Filters filters;
  const int count = check(H5Pget_nfilters(properties), file, name);
  H5Z_filter_t last = H5Z_FILTER_NONE;
  const auto rank = [](H5Z_filter_t id) {
    return id == H5Z_FILTER_SHUFFLE ? 1 : id == H5Z_FILTER_DEFLATE ? 2 : id == H5Z_FILTER_FLETCHER32 ? 3 : 0;
  };
  for (int i = 0; i < count; ++i) {
    unsigned flags = 0;
    std::size_t n = 0;
    const H5Z_filter_t id =
        H5Pget_filter2(properties, static_cast<unsigned>(i), &flags, &n, nullptr, 0, nullptr, nullptr);
    if (rank(id) <= rank(last))
      refuse(file, name, "is stored with filters that results do not have (" + std::to_string(id) + ")");
    if (id == H5Z_FILTER_DEFLATE) filters.deflate = i;
    filters.checksum = id == H5Z_FILTER_FLETCHER32;
    last = id;
  }
  return filters;
}

/// That a chunk inflates to what it is to hold: the library allocates whatever comes out of it.
void check_inflated_size(std::span<const std::byte> stored, std::uint64_t chunk_bytes, const FileState& file,
                         const std::string& name) {
  const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> inflate(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  if (!inflate) throw std::bad_alloc();
  std::vector<std::byte> out(chunk_bytes);
  std::size_t size = 0;
  const auto result =
      libdeflate_zlib_decompress(inflate.get(), stored.data(), stored.size(), out.data(), out.size(), &size);
  if (result == LIBDEFLATE_INSUFFICIENT_SPACE || (result == LIBDEFLATE_SUCCESS && size != chunk_bytes))
    refuse_damaged(file, name, "a chunk inflates to another size than it has");
  if (result != LIBDEFLATE_SUCCESS) refuse_damaged(file, name, "a chunk cannot be inflated");
}

/// What was never written reads as fill values, which cost the file nothing and the reader all.
void check_unwritten(std::span<const hsize_t> size, const FileState& file, const std::string& name) {
  constexpr std::uint64_t kMostUnwritten = std::uint64_t{1} << 22;
  if (product_of(size) > kMostUnwritten) refuse_damaged(file, name, "it claims more values than it holds");
}

/// A chunk that is asked for inflates to its own size. False: it was never written.
bool check_chunk(Hid dataset, const std::vector<hsize_t>& offset, const Filters& filters, std::uint64_t chunk_bytes,
                 const FileState& file, const std::string& name) {
  hsize_t size = 0;
  if (H5Dget_chunk_storage_size(dataset, offset.data(), &size) < 0 || size == 0) return false;
  if (size > file.end) refuse_damaged(file, name, "a chunk is larger than the file");
  if (filters.deflate < 0) return true;
  std::vector<std::byte> stored(size);
  std::uint32_t skipped = 0;
  check(H5Dread_chunk(dataset, H5P_DEFAULT, offset.data(), &skipped, stored.data()), file, name);
  if ((skipped >> filters.deflate & 1U) != 0) return true;
  constexpr std::size_t kChecksum = 4;
  const std::size_t tail = filters.checksum && stored.size() > kChecksum ? kChecksum : 0;
  check_inflated_size(std::span(stored).first(stored.size() - tail), chunk_bytes, file, name);
  return true;
}

}  // namespace

void require_hard_links(Hid from, const std::string& path, const FileState& file) {
  for (std::size_t end = path.find_first_not_of('/'); end != std::string::npos && end < path.size();) {
    end = std::min(path.find('/', end), path.size());
    const std::string step = path.substr(0, end);
    H5L_info_t link{};
    check(H5Lget_info(from, step.c_str(), &link, H5P_DEFAULT), file, step);
    if (link.type != H5L_TYPE_HARD) refuse(file, step, "is a link to elsewhere, and results have none");
    end = path.find_first_not_of('/', end);
  }
}

void require_own_storage(Hid dataset, const FileState& file, const std::string& name) {
  const Owned properties(check(H5Dget_create_plist(dataset), file, name));
  if (H5Pget_layout(properties) == H5D_VIRTUAL || H5Pget_external_count(properties) > 0)
    refuse(file, name, "keeps its values in other files, and results do not");
}

std::uint64_t product_of(std::span<const hsize_t> sizes, std::uint64_t start) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();
  if (std::ranges::find(sizes, hsize_t{0}) != sizes.end()) return 0;
  for (const hsize_t size : sizes) start = start > kLargest / size ? kLargest : start * size;
  return start;
}

void check_storage(Hid dataset, std::span<const hsize_t> start, std::span<const hsize_t> size, const FileState& file) {
  const std::string name = full_name(dataset);
  const Owned properties(check(H5Dget_create_plist(dataset), file, name));
  const Owned type(check(H5Dget_type(dataset), file, name));
  constexpr std::uint64_t kStoredText = 16;  // length, address and index of a text that lies elsewhere in the file
  const std::uint64_t element = H5Tis_variable_str(type) > 0 ? kStoredText : H5Tget_size(type);
  const Owned space(check(H5Dget_space(dataset), file, name));
  if (H5Pget_layout(properties) != H5D_CHUNKED) {
    std::vector<hsize_t> shape(size.size());
    check(H5Sget_simple_extent_dims(space, shape.data(), nullptr), file, name);
    const std::uint64_t stored = H5Dget_storage_size(dataset);
    if (stored == 0)
      check_unwritten(size, file, name);
    else if (stored < product_of(shape, element) || stored > file.end)
      refuse_damaged(file, name, "it claims more values than it holds");
    return;
  }
  const Filters filters = filters_of(properties, file, name);
  std::vector<hsize_t> chunk(size.size());
  check(H5Pget_chunk(properties, static_cast<int>(chunk.size()), chunk.data()), file, name);
  const std::uint64_t chunk_bytes = product_of(chunk, element);
  if (chunk_bytes == 0 || chunk_bytes > kMostChunkBytes) refuse(file, name, "has chunks larger than results have");
  std::vector<hsize_t> first, last;
  std::uint64_t n_chunks = 1;
  for (std::size_t k = 0; k < chunk.size(); ++k) {
    if (size[k] == 0) return;
    first.push_back(start[k] / chunk[k] * chunk[k]);
    last.push_back((start[k] + size[k] - 1) / chunk[k] * chunk[k]);
    const std::uint64_t count = (last[k] - first[k]) / chunk[k] + 1;
    n_chunks = count > kMostChunks ? kMostChunks + 1 : n_chunks * count;
    if (n_chunks > kMostChunks) refuse(file, name, "has more chunks than results have");
  }
  for (std::vector<hsize_t> at = first;;) {
    if (!check_chunk(dataset, at, filters, chunk_bytes, file, name)) check_unwritten(size, file, name);
    std::size_t k = at.size();
    while (k > 0 && at[k - 1] == last[k - 1]) {
      at[k - 1] = first[k - 1];
      --k;
    }
    if (k == 0) return;
    at[k - 1] += chunk[k - 1];
  }
}

}  // namespace repoquake::io
