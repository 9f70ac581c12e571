/// Turns columns of a chunk of paths into the bytes that stand in the file, as HDF5's standard filters would.
///
/// Format   With compression: the filters shuffle and deflate (zlib). Without: the values as they are, little endian, and
///          the checksum of the filter Fletcher32.
/// Bytes    A function of the values, the number of rows and the search only.
/// Threads  Any; what an encoder works with is kept for each thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace repoquake::io {

/// How long deflate looks for repetitions: docs/decisions/0010-how-chunks-are-compressed.md.
enum class Search : std::uint8_t { brief, longer };

class ChunkEncoder {
 public:
  /// `rows`: of a whole chunk.
  ChunkEncoder(std::uint64_t rows, bool compress) noexcept : rows_(rows), compress_(compress) {}

  /// The stored form of `rows` x `width` elements, row-major; where `words` has fewer, the rest is `fill`.
  /// Nothing for a width of 0. Word: std::uint16_t, std::uint32_t or std::uint64_t.
  template <class Word>
  [[nodiscard]] std::vector<std::byte> operator()(std::span<const Word> words, std::uint64_t width, Word fill,
                                                  Search search = Search::brief) const;

 private:
  std::uint64_t rows_;
  bool compress_;
};

/// The checksum of HDF5's filter Fletcher32, which stores it behind the chunk in little endian. Sums of 16-bit big-endian
/// words modulo 65535, a last single byte counting as a word's first: the sum of the words in the lower half, the sum of
/// its partial sums in the upper; a half is 0 only where all words are.
[[nodiscard]] std::uint32_t fletcher32(std::span<const std::byte> bytes) noexcept;

/// The bits of floats, netCDF's fill value in place of NaN.
void to_stored(std::span<const float> values, std::vector<std::uint32_t>& words);

/// The bits of doubles, one NaN for all.
void to_stored(std::span<const double> values, std::vector<std::uint64_t>& words);

}  // namespace repoquake::io
