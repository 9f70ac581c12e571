#include "io/chunk_encoder.hpp"

#include <algorithm>
#include <array>
#include <bit>
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
    stored.reserve(n * sizeof(Word));
    const std::span<const std::byte> bytes = std::as_bytes(words);
    stored.assign(bytes.begin(), bytes.end());
    const std::array<Word, 1> filler{fill};
    for (std::size_t i = words.size(); i < n; ++i)
      stored.insert(stored.end(), std::as_bytes(std::span(filler)).begin(), std::as_bytes(std::span(filler)).end());
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
