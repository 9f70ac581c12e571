/// Philox4x32-10: a bijection of 128-bit counters that passes for random. No state: a draw is a function of its
/// address.
///
/// Each of 10 rounds multiplies two words by constants, crosses high and low halves, and adds round keys.
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>

#include "repoquake/core/lanes.hpp"

namespace repoquake::random {

/// A word of a counter: a number, or for many paths at once lanes of which the low halves count.
template <class Word>
concept CounterWord = std::same_as<Word, std::uint32_t> || std::same_as<Word, LaneBits>;

namespace detail {

template <CounterWord Word>
struct Product {
  Word high, low;
};

[[gnu::always_inline]] constexpr Product<std::uint32_t> multiply(std::uint32_t x, std::uint32_t factor) noexcept {
  const std::uint64_t product = std::uint64_t{x} * factor;
  return {static_cast<std::uint32_t>(product >> 32), static_cast<std::uint32_t>(product)};
}
[[gnu::always_inline]] inline Product<LaneBits> multiply(LaneBits x, std::uint32_t factor) noexcept {
  const LaneBits product = multiply_low_halves(x, factor);
  return {product >> 32, product};
}

}  // namespace detail

/// The words of `counter` become 128 random bits under `key`. Pure; any input is valid.
template <CounterWord Word>
[[gnu::always_inline]] constexpr void scramble(std::array<Word, 4>& counter,
                                               std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const auto product0 = detail::multiply(counter[0], 0xD2511F53);
    const auto product1 = detail::multiply(counter[2], 0xCD9E8D57);
    counter = {product1.high ^ counter[1] ^ Word(key[0]), product1.low, product0.high ^ counter[3] ^ Word(key[1]),
               product0.low};
    key[0] += 0x9E3779B9;  // golden ratio
    key[1] += 0xBB67AE85;  // sqrt(3) - 1
  }
}

[[nodiscard, gnu::always_inline]] constexpr std::array<std::uint32_t, 4> philox4x32(
    std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) noexcept {
  scramble(counter, key);
  return counter;
}

/// Published known answers; tests/data/philox_kat.txt holds all three.
static_assert(philox4x32({0, 0, 0, 0}, {0, 0}) ==
              std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

}  // namespace repoquake::random
