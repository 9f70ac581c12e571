#include "io/chunk_encoder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
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

}  // namespace

void ChunkEncoder::Free::operator()(libdeflate_compressor* compressor) const noexcept {
  libdeflate_free_compressor(compressor);
}

ChunkEncoder::ChunkEncoder(std::uint64_t rows, bool compress, int level) : rows_(rows) {
  if (!compress) return;
  compressor_.reset(libdeflate_alloc_compressor(level));
  if (!compressor_) throw std::bad_alloc();
}

template <class Word>
std::vector<std::byte> ChunkEncoder::operator()(std::span<const Word> words, std::uint64_t width, Word fill) {
  const std::size_t n = rows_ * width;
  RQ_EXPECT(words.size() <= n);
  std::vector<std::byte> stored;
  if (n == 0) return stored;
  if (!compressor_) {
    stored.reserve(n * sizeof(Word) + sizeof(std::uint32_t));
    append(std::as_bytes(words), stored);
    for (std::size_t i = words.size(); i < n; ++i) append(std::as_bytes(std::span(&fill, 1)), stored);
    const std::uint32_t checksum = fletcher32(stored);
    append(std::as_bytes(std::span(&checksum, 1)), stored);
    return stored;
  }
  stored.resize(n * sizeof(Word));
  if (words.size() == n) {
    shuffle(words, std::span(stored));
  } else {
    std::vector<Word> padded(words.begin(), words.end());
    padded.resize(n, fill);
    shuffle(std::span<const Word>(padded), std::span(stored));
  }
  deflated_.resize(std::max(deflated_.size(), libdeflate_zlib_compress_bound(compressor_.get(), stored.size())));
  const std::size_t size =
      libdeflate_zlib_compress(compressor_.get(), stored.data(), stored.size(), deflated_.data(), deflated_.size());
  RQ_ENSURE(size > 0);  // the bound is enough
  return {deflated_.begin(), deflated_.begin() + static_cast<std::ptrdiff_t>(size)};
}

template std::vector<std::byte> ChunkEncoder::operator()(std::span<const std::uint16_t>, std::uint64_t, std::uint16_t);
template std::vector<std::byte> ChunkEncoder::operator()(std::span<const std::uint32_t>, std::uint64_t, std::uint32_t);
template std::vector<std::byte> ChunkEncoder::operator()(std::span<const std::uint64_t>, std::uint64_t, std::uint64_t);

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
