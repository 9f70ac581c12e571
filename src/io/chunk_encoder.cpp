#include "io/chunk_encoder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <new>

#include <libdeflate.h>

#include "repoquake/core/contract.hpp"
#include "repoquake/io/result_writer.hpp"

namespace repoquake::io {

namespace {

/// What HDF5's shuffle filter does: first the lowest bytes of all elements, then the next ones, …
template <class Word>
void shuffle(std::span<const Word> words, std::span<std::byte> bytes) {
  constexpr std::size_t kBlock = 4096;  // stays in the first cache while it is read sizeof(Word) times
  const std::size_t n = words.size();
  for (std::size_t first = 0; first < n; first += kBlock) {
    const std::size_t count = std::min(kBlock, n - first);
    const Word* from = words.data() + first;
    for (std::size_t k = 0; k < sizeof(Word); ++k) {
      auto* to = reinterpret_cast<unsigned char*>(bytes.data() + k * n + first);
      for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<unsigned char>(from[i] >> (8 * k));
    }
  }
}

void append(std::span<const std::byte> bytes, std::vector<std::byte>& to) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

struct FreeCompressor {
  void operator()(libdeflate_compressor* compressor) const noexcept { libdeflate_free_compressor(compressor); }
};
using Compressor = std::unique_ptr<libdeflate_compressor, FreeCompressor>;

Compressor make_compressor(int level) {
  Compressor compressor(libdeflate_alloc_compressor(level));
  if (!compressor) throw std::bad_alloc();
  return compressor;
}

/// Room that is dear to get anew for each column.
struct Workspace {
  Compressor brief = make_compressor(1);
  Compressor longer = make_compressor(2);
  std::vector<std::byte> shuffled;
  std::vector<std::byte> deflated;

  /// The last column that had one value throughout: a facility nobody used, a trade nobody unwound. Many are alike.
  struct Constant {
    std::uint64_t word = 0;
    std::size_t word_size = 0;
    std::size_t size = 0;
    std::vector<std::byte> stored;
  } constant;
};

std::span<std::byte> room(std::vector<std::byte>& buffer, std::size_t size) {
  if (buffer.size() < size) buffer.resize(size);
  return std::span(buffer).first(size);
}

}  // namespace

template <class Word>
std::vector<std::byte> ChunkEncoder::operator()(std::span<const Word> words, std::uint64_t width, Word fill,
                                                Search search) const {
  const std::size_t n = rows_ * width;
  const std::size_t size = n * sizeof(Word);
  RQ_EXPECT(words.size() <= n);
  std::vector<std::byte> stored;
  if (n == 0) return stored;
  if (!compress_) {
    stored.reserve(size + sizeof(std::uint32_t));
    append(std::as_bytes(words), stored);
    for (std::size_t i = words.size(); i < n; ++i) append(std::as_bytes(std::span(&fill, 1)), stored);
    const std::uint32_t checksum = fletcher32(stored);
    append(std::as_bytes(std::span(&checksum, 1)), stored);
    return stored;
  }
  thread_local Workspace workspace;
  const bool is_constant =
      words.size() == n && std::ranges::adjacent_find(words, std::ranges::not_equal_to()) == words.end();
  Workspace::Constant& constant = workspace.constant;
  if (is_constant && constant.word == words[0] && constant.word_size == sizeof(Word) && constant.size == size)
    return constant.stored;
  const std::span<std::byte> shuffled = room(workspace.shuffled, size);
  if (words.size() == n) {
    shuffle(words, shuffled);
  } else {
    std::vector<Word> padded(words.begin(), words.end());
    padded.resize(n, fill);
    shuffle(std::span<const Word>(padded), shuffled);
  }
  libdeflate_compressor* compressor =
      (search == Search::brief || is_constant ? workspace.brief : workspace.longer).get();
  const std::span<std::byte> deflated = room(workspace.deflated, libdeflate_zlib_compress_bound(compressor, size));
  const std::size_t deflated_size =
      libdeflate_zlib_compress(compressor, shuffled.data(), size, deflated.data(), deflated.size());
  RQ_ENSURE(deflated_size > 0);  // the bound is enough
  append(deflated.first(deflated_size), stored);
  if (is_constant) constant = {words[0], sizeof(Word), size, stored};
  return stored;
}

template std::vector<std::byte> ChunkEncoder::operator()(std::span<const std::uint16_t>, std::uint64_t, std::uint16_t,
                                                         Search) const;
template std::vector<std::byte> ChunkEncoder::operator()(std::span<const std::uint32_t>, std::uint64_t, std::uint32_t,
                                                         Search) const;
template std::vector<std::byte> ChunkEncoder::operator()(std::span<const std::uint64_t>, std::uint64_t, std::uint64_t,
                                                         Search) const;

// A word with its bytes swapped is 256 times the word, modulo 65535. So the words are added as they stand in memory, in
// lanes that need no carries between them, and the two sums are swapped at the end.
std::uint32_t fletcher32(std::span<const std::byte> bytes) noexcept {
  constexpr std::size_t kLanes = 64;       // many: the compiler keeps the loop over them, and makes it wide
  constexpr std::size_t kMostSteps = 361;  // 65535 * 361 * 362 / 2 < 2^32
  constexpr std::size_t kStepBytes = kLanes * sizeof(std::uint16_t);
  const auto modulo = [](std::uint64_t value) { return value == 0 ? 0 : (value - 1) % 65535 + 1; };
  const auto swapped = [](std::uint64_t half) { return static_cast<std::uint32_t>((half & 0xFF) << 8 | half >> 8); };
  std::uint64_t sum = 0;
  std::uint64_t sum_of_sums = 0;
  while (bytes.size() >= kStepBytes) {
    const std::size_t steps = std::min(kMostSteps, bytes.size() / kStepBytes);
    std::array<std::uint32_t, kLanes> sums{};
    std::array<std::uint32_t, kLanes> sums_of_sums{};
    for (std::size_t step = 0; step < steps; ++step) {
      std::array<std::uint16_t, kLanes> words;
      std::memcpy(words.data(), bytes.data() + step * kStepBytes, kStepBytes);
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        sums[lane] += words[lane];
        sums_of_sums[lane] += sums[lane];
      }
    }
    // A lane counts its word of a step as often as steps are left; in the order of memory it counts kLanes times as
    // often, less the words before it in its step.
    sum_of_sums += steps * kLanes * sum;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sum += sums[lane];
      sum_of_sums += std::uint64_t{sums_of_sums[lane]} * kLanes - std::uint64_t{sums[lane]} * lane;
    }
    sum = modulo(sum);
    sum_of_sums = modulo(sum_of_sums);
    bytes = bytes.subspan(steps * kStepBytes);
  }
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), sizeof(std::uint16_t)))) {
    sum += std::to_integer<std::uint64_t>(bytes[0]);
    if (bytes.size() > 1) sum += std::to_integer<std::uint64_t>(bytes[1]) << 8;
    sum_of_sums += sum;
  }
  return swapped(modulo(sum_of_sums)) << 16 | swapped(modulo(sum));
}

void to_stored(std::span<const float> values, std::vector<std::uint32_t>& words) {
  words.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float value = values[i];
    words[i] = std::bit_cast<std::uint32_t>(value == value ? value : kFloatFill);
  }
}

void to_stored(std::span<const double> values, std::vector<std::uint64_t>& words) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  words.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = values[i];
    words[i] = std::bit_cast<std::uint64_t>(value == value ? value : kNaN);
  }
}

}  // namespace repoquake::io
