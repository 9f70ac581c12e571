/// Randomness is addressed, not consumed: a draw is a function of (seed, path, day, stream, slot) and of nothing else.
///
/// So threads, blocks, resumption and other draws cannot change it, and scenarios share their random numbers.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "repoquake/random/philox.hpp"

namespace repoquake::random {

/// What a draw is for. The numbers are part of the address: append only, a change moves every published result.
enum class Stream : std::uint16_t {
  need_shock = 0,
  late_shock = 1,
  pullback = 2,
  rate_noise = 3,
  tail_width = 4,
  other_sales = 5,
  bank_capacity = 6,
  dealer_capacity = 7,
  fund_leverage = 8,
  sales_scale = 9,
  shock_size = 10,
  shock_date = 11,
  // Flows of a free run
  tga_flow = 12,
  tga_tail = 13,  ///< slots 0 and 1: the mixing uniforms of its t(4)
  coupon_settlement = 14,
  bill_settlement = 15,
  other_factors = 16,
  volatility_move = 17,
  volatility_jump = 18
};

/// The address of one draw within a seed.
struct DrawKey {
  std::uint64_t path;      ///< path of the run (not of the block)
  std::uint32_t day;       ///< row of the window; 0 is the opening day
  Stream stream;           ///< purpose
  std::uint16_t slot = 0;  ///< which draw of that purpose, e.g. the fund cohort
};

/// 52 bits at bin centres, ((bits >> 12) + 1/2) 2^-52: a value in [2^-53, 1 - 2^-53], never 0, never 1.
/// (With 53 bits the last centre, 1 - 2^-54, is no double and rounds to 1.)
[[nodiscard, gnu::always_inline]] constexpr double open01(std::uint64_t bits) noexcept {
  return std::bit_cast<double>(0x3ff0'0000'0000'0000 | bits >> 12) - (1.0 - 0x1p-53);  // exact; vectorises everywhere
}
static_assert(open01(0) == 0x1p-53 && open01(~std::uint64_t{0}) == 1.0 - 0x1p-53);

/// The uniforms of streams 2k (first) and 2k+1 (second) at this address: one Philox call serves both.
/// Which of the two `key.stream` names does not matter.
///
///   counter = (path low, path high, day, k << 16 | slot),  key = (seed low, seed high)
[[nodiscard, gnu::always_inline]] constexpr std::array<double, 2> uniform_pair(const DrawKey& key,
                                                                               std::uint64_t seed) noexcept {
  const std::uint32_t pair = static_cast<std::uint32_t>(key.stream) >> 1;
  const std::array<std::uint32_t, 4> words =
      philox4x32({static_cast<std::uint32_t>(key.path), static_cast<std::uint32_t>(key.path >> 32), key.day,
                  pair << 16 | key.slot},
                 {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  return {open01(std::uint64_t{words[1]} << 32 | words[0]), open01(std::uint64_t{words[3]} << 32 | words[2])};
}

/// The uniform in (0, 1) at this address.
[[nodiscard, gnu::always_inline]] constexpr double uniform(const DrawKey& key, std::uint64_t seed) noexcept {
  const std::array<double, 2> pair = uniform_pair(key, seed);
  return (static_cast<std::uint16_t>(key.stream) & 1) == 0 ? pair[0] : pair[1];
}

/// What is drawn once a study, not once a path and day: designs and resampling. Append only, as above.
enum class StudyStream : std::uint32_t {
  scrambling = 0,     ///< item: node of the tree of digits (sobol.hpp)
  latin_order = 1,    ///< item: step of the shuffle
  latin_place = 2,    ///< item: point
  morris_step = 3,    ///< item: trajectory; dimension: step
  morris_base = 4,    ///< item: trajectory; dimension: factor
  resampling = 5,     ///< item: four picks; dimension: resample
  survivors = 6,      ///< item: replica; dimension: level
  mutation = 7,       ///< item: replica, step, point; dimension: pair of coordinates, or coordinate
  factor_order = 8,   ///< item: step of the shuffle; dimension: pair of orders
  net_scrambling = 9  ///< item: two words of matrix or shift; dimension: 2^16 scramble + dimension (scrambled_net.hpp)
};

/// 128 random bits at an address of their own kind: the fourth word has its top bit set, which that of a path never has.
///
///   counter = (item low, item high, dimension, 2^31 | stream),  key = (seed low, seed high)
[[nodiscard]] constexpr std::array<std::uint32_t, 4> study_words(StudyStream stream, std::uint32_t dimension,
                                                                 std::uint64_t item, std::uint64_t seed) noexcept {
  return philox4x32({static_cast<std::uint32_t>(item), static_cast<std::uint32_t>(item >> 32), dimension,
                     std::uint32_t{0x8000'0000} | static_cast<std::uint32_t>(stream)},
                    {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
}

/// A whole number below n from 32 random bits: bits n / 2^32, rounded down. Uniform to n / 2^32. Pre: n > 0.
[[nodiscard]] constexpr std::uint32_t below(std::uint32_t n, std::uint32_t bits) noexcept {
  return static_cast<std::uint32_t>(std::uint64_t{bits} * n >> 32);  // cppcheck-suppress shiftTooManyBits // 64 bits
}

}  // namespace repoquake::random
