#include "repoquake/random/sobol.hpp"

#include <boost/random/sobol.hpp>

#include "repoquake/core/contract.hpp"
#include "repoquake/random/stream.hpp"

namespace repoquake::random {
namespace {

constexpr unsigned kDigits = 32;

/// A node is named by its digits with a 1 before them; the leaf at the end names the further digits.
double scrambled(std::uint32_t digits, std::uint32_t dimension, std::uint64_t seed) noexcept {
  std::uint32_t flips = 0;
  for (unsigned level = 0; level < kDigits; ++level) {
    const std::uint64_t node = (std::uint64_t{1} << kDigits | digits) >> (kDigits - level);
    flips = flips << 1 | (study_words(StudyStream::scrambling, dimension, node, seed)[0] & 1);
  }
  const std::uint64_t leaf = std::uint64_t{1} << kDigits | digits;
  const std::uint32_t further = study_words(StudyStream::scrambling, dimension, leaf, seed)[0];
  return open01(std::uint64_t{digits ^ flips} << 32 | further);
}

}  // namespace

std::vector<double> scrambled_sobol(std::size_t n, std::size_t dimensions, std::uint64_t seed) {
  RQ_EXPECT(dimensions >= 1 && dimensions <= kMaxSobolDimensions);
  RQ_EXPECT(n <= std::uint64_t{1} << kDigits);
  boost::random::sobol_engine<std::uint32_t, kDigits> sequence(dimensions);
  std::vector<double> points;
  points.reserve(n * dimensions);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < dimensions; ++j) {
      const std::uint32_t digits = i == 0 ? 0 : sequence();  // Boost leaves out the first point
      points.push_back(scrambled(digits, static_cast<std::uint32_t>(j), seed));
    }
  }
  return points;
}

}  // namespace repoquake::random
