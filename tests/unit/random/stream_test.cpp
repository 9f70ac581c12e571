#include "repoquake/random/stream.hpp"

#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

using namespace repoquake::random;

TEST_CASE("the register of streams is frozen", "[stream]") {
  // A changed number changes every published result. Append; never reorder, reuse or remove.
  const auto number = [](Stream s) { return static_cast<int>(s); };
  CHECK(number(Stream::need_shock) == 0);
  CHECK(number(Stream::late_shock) == 1);
  CHECK(number(Stream::pullback) == 2);
  CHECK(number(Stream::rate_noise) == 3);
  CHECK(number(Stream::tail_width) == 4);
  CHECK(number(Stream::other_sales) == 5);
  CHECK(number(Stream::bank_capacity) == 6);
  CHECK(number(Stream::dealer_capacity) == 7);
  CHECK(number(Stream::fund_leverage) == 8);
  CHECK(number(Stream::sales_scale) == 9);
  CHECK(number(Stream::shock_size) == 10);
  CHECK(number(Stream::shock_date) == 11);
}

TEST_CASE("the addressing of draws is frozen", "[stream]") {
  const DrawKey key{0x0123456789abcdef, 0x1234, Stream::sales_scale, 0x42};
  const std::uint64_t seed = 0xfedcba9876543210;
  const auto words = philox4x32({0x89abcdef, 0x01234567, 0x1234, 0x00040042}, {0x76543210, 0xfedcba98});
  const std::uint64_t even = std::uint64_t{words[1]} << 32 | words[0];
  const std::uint64_t odd = std::uint64_t{words[3]} << 32 | words[2];
  CHECK(uniform_pair(key, seed) == std::array{open01(even), open01(odd)});
  CHECK(uniform(key, seed) == open01(odd));
  CHECK(uniform({key.path, key.day, Stream::fund_leverage, key.slot}, seed) == open01(even));
  static_assert(uniform({0, 0, Stream::need_shock}, 0) == open01(0xe169c58d6627e8d5));  // usable in constants
}

TEST_CASE("what is drawn once a study has addresses of its own, which are frozen", "[stream]") {
  const auto number = [](StudyStream s) { return static_cast<int>(s); };
  CHECK(number(StudyStream::scrambling) == 0);
  CHECK(number(StudyStream::latin_order) == 1);
  CHECK(number(StudyStream::latin_place) == 2);
  CHECK(number(StudyStream::morris_step) == 3);
  CHECK(number(StudyStream::morris_base) == 4);
  CHECK(number(StudyStream::resampling) == 5);
  CHECK(number(StudyStream::factor_order) == 8);
  CHECK(study_words(StudyStream::resampling, 0x1234, 0x0123456789abcdef, 0xfedcba9876543210) ==
        philox4x32({0x89abcdef, 0x01234567, 0x1234, 0x80000005}, {0x76543210, 0xfedcba98}));
}

TEST_CASE("a word picks among n evenly", "[stream]") {
  CHECK(below(1, ~std::uint32_t{0}) == 0);
  CHECK(below(3, 0x5555'5555) == 0);
  CHECK(below(3, 0x5555'5556) == 1);
  CHECK(below(3, 0xaaaa'aaab) == 2);
  CHECK(below(~std::uint32_t{0}, ~std::uint32_t{0}) == 0xffff'fffe);
}

TEST_CASE("uniforms stay inside (0, 1) for every word", "[stream]") {
  CHECK(open01(0) == 0x1p-53);
  CHECK(open01(0xfff) == 0x1p-53);
  CHECK(open01(0x1000) == 3 * 0x1p-53);
  CHECK(open01(~std::uint64_t{0}) == 1.0 - 0x1p-53);
  CHECK(open01(std::uint64_t{1} << 63) == 0.5 + 0x1p-53);
  for (std::uint64_t bits = 1; bits != 0; bits <<= 1) {
    CHECK(open01(bits) == (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52);
    CHECK(open01(~bits) == 1.0 - open01(bits));
  }
}

TEST_CASE("every bit of an address makes another draw", "[stream]") {
  const DrawKey key{1, 2, Stream::bank_capacity, 3};
  const std::uint64_t seed = 20190917;
  std::set<double> draws{uniform(key, seed)};
  std::size_t addresses = 1;
  const auto add = [&](const DrawKey& k, std::uint64_t s) {
    draws.insert(uniform(k, s));
    ++addresses;
  };
  for (int bit = 0; bit < 64; ++bit) {
    add(key, seed ^ std::uint64_t{1} << bit);
    DrawKey other = key;
    other.path ^= std::uint64_t{1} << bit;
    add(other, seed);
  }
  for (int bit = 0; bit < 32; ++bit) {
    DrawKey other = key;
    other.day ^= std::uint32_t{1} << bit;
    add(other, seed);
  }
  for (int bit = 0; bit < 16; ++bit) {
    DrawKey other = key;
    other.slot = static_cast<std::uint16_t>(other.slot ^ 1 << bit);
    add(other, seed);
    other = key;
    other.stream = static_cast<Stream>(static_cast<int>(other.stream) ^ 1 << bit);
    add(other, seed);
  }
  CHECK(draws.size() == addresses);
}
