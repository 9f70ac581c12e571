#include "repoquake/random/scrambled_net.hpp"

#include <array>
#include <bit>

#include <boost/random/sobol.hpp>

#include "repoquake/core/contract.hpp"
#include "repoquake/random/stream.hpp"

namespace repoquake::random {
namespace {

constexpr unsigned kBits = 32;

/// Sobol's directions, (digit, dimension): what point 2^c differs in from the point before it.
std::vector<std::uint32_t> sobol_directions(std::size_t n_dimensions) {
  boost::random::sobol_engine<std::uint32_t, kBits> sequence(n_dimensions);
  const auto skip_to = [&](std::uint64_t point) {  // Boost leaves out the first point
    sequence.seed(static_cast<std::uint32_t>(point - 1));
  };
  std::vector<std::uint32_t> directions(kBits * n_dimensions);
  for (unsigned digit = 0; digit < kBits; ++digit) {
    const std::uint64_t point = std::uint64_t{1} << digit;
    std::vector<std::uint32_t> before(n_dimensions, 0);
    if (point > 1) {
      skip_to(point - 1);
      for (auto& x : before) x = sequence();
    } else {
      skip_to(point);
    }
    for (std::size_t j = 0; j < n_dimensions; ++j) directions[digit * n_dimensions + j] = before[j] ^ sequence();
  }
  return directions;
}

/// 64 random bits at a time for one scramble of one dimension.
class Bits {
 public:
  Bits(std::size_t scramble, std::size_t dimension, std::uint64_t seed) noexcept
      : place_(static_cast<std::uint32_t>(scramble << 16U | dimension)), seed_(seed) {}
  std::uint64_t operator()() noexcept {
    if (n_++ % 2 == 0) words_ = study_words(StudyStream::net_scrambling, place_, n_ / 2, seed_);
    const std::size_t k = n_ % 2 == 1 ? 0 : 2;
    return std::uint64_t{words_[k]} << 32U | words_[k + 1];
  }

 private:
  std::uint32_t place_;
  std::uint64_t seed_;
  std::uint64_t n_ = 0;
  std::array<std::uint32_t, 4> words_{};
};

}  // namespace

ScrambledNet::ScrambledNet(std::size_t dimensions, std::size_t scrambles, std::uint64_t seed)
    : n_dimensions_(dimensions), n_scrambles_(scrambles) {
  RQ_EXPECT(dimensions >= 1 && dimensions < std::size_t{1} << 16U);
  RQ_EXPECT(std::has_single_bit(scrambles) && scrambles <= kBlockPaths);
  const std::vector<std::uint32_t> raw = sobol_directions(dimensions);
  directions_.reserve(dimensions * scrambles * kDigits);
  for (std::size_t j = 0; j < dimensions; ++j)
    for (std::size_t scramble = 0; scramble < scrambles; ++scramble) {
      Bits bits(scramble, j, seed);
      std::array<std::uint64_t, kDigits> columns;  // of the matrix, by digit that goes in
      for (std::size_t in = 0; in < kDigits; ++in) {
        const std::uint64_t diagonal = std::uint64_t{1} << (63U - in);
        columns[in] = diagonal | (bits() & (diagonal - 1));
      }
      for (std::size_t digit = 0; digit < kDigits; ++digit) {
        std::uint64_t product = 0;
        for (std::uint32_t left = raw[digit * dimensions + j]; left != 0; left &= left - 1)
          product ^= columns[kDigits - 1U - static_cast<unsigned>(std::countr_zero(left))];
        directions_.push_back(product);
      }
      shifts_.push_back(bits());
    }
}

void ScrambledNet::fill(std::size_t dimension, std::uint64_t first_path, Column out) const noexcept {
  const std::uint64_t first_point = first_path / n_scrambles_;
  const std::uint64_t gray = first_point ^ (first_point >> 1U);
  for (std::size_t scramble = 0; scramble < n_scrambles_; ++scramble) {
    const std::size_t place = dimension * n_scrambles_ + scramble;
    const std::uint64_t* const directions = directions_.data() + place * kDigits;
    std::uint64_t x = shifts_[place];
    for (std::uint64_t left = gray; left != 0; left &= left - 1) x ^= directions[std::countr_zero(left)];
    std::uint64_t point = first_point;
    for (std::size_t i = scramble; i < kBlockPaths; i += n_scrambles_) {
      out[i] = open01(x);
      x ^= directions[std::countr_zero(++point) & static_cast<int>(kDigits - 1)];
    }
  }
}

}  // namespace repoquake::random
