#include "repoquake/random/philox.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

using repoquake::random::philox4x32;

TEST_CASE("Philox gives the published answers", "[philox]") {
  std::ifstream file(REPOQUAKE_SOURCE_DIR "/tests/data/philox_kat.txt");
  REQUIRE(file);
  int vectors = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::array<std::uint32_t, 4> counter{};
    std::array<std::uint32_t, 2> key{};
    std::array<std::uint32_t, 4> expected{};
    for (auto& w : counter) words >> std::hex >> w;
    for (auto& w : key) words >> std::hex >> w;
    for (auto& w : expected) words >> std::hex >> w;
    REQUIRE(words);
    CHECK(philox4x32(counter, key) == expected);
    ++vectors;
  }
  CHECK(vectors == 3);
}

TEST_CASE("each bit of Philox's input changes about half of its output", "[philox][statistical]") {
  const std::array<std::uint32_t, 4> counter{1, 2, 3, 4};
  const std::array<std::uint32_t, 2> key{5, 6};
  const auto reference = philox4x32(counter, key);
  // 5 standard deviations of a binomial(128, 1/2)
  const auto is_about_half = [](int flipped) { return 64 - 28 < flipped && flipped < 64 + 28; };
  for (std::size_t bit = 0; bit < 192; ++bit) {
    auto other_counter = counter;
    auto other_key = key;
    const std::uint32_t mask = std::uint32_t{1} << (bit % 32);
    if (bit < 128) {
      other_counter[bit / 32] ^= mask;
    } else {
      other_key[bit / 32 - 4] ^= mask;
    }
    const auto changed = philox4x32(other_counter, other_key);
    int flipped = 0;
    for (std::size_t i = 0; i < 4; ++i) flipped += std::popcount(reference[i] ^ changed[i]);
    CHECK(is_about_half(flipped));
  }
  SECTION("control: one multiplication alone, without rounds, changes too little") {
    const std::uint32_t multiplier = 0xD2511F53;
    CHECK_FALSE(is_about_half(std::popcount((counter[0] * multiplier) ^ ((counter[0] ^ 1U) * multiplier))));
  }
}
