#include "repoquake/core/lanes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include <catch2/catch.hpp>

#include "repoquake/core/elementary.hpp"
#include "unit/fp_traps.hpp"

using namespace repoquake;

namespace {

/// A value for lane i of a block: signs, sizes, ties and zeros.
double value(std::size_t i) {
  constexpr double kSpecial[] = {0.0, -0.0, 1.0, -1.0, 709.5, -708.5, 1e-300, -3000.0};
  return i % 5 == 0 ? kSpecial[i / 5 % 8]
                    : std::sin(static_cast<double>(i)) * std::pow(10.0, static_cast<double>(i % 4));
}

ColumnData column_of(auto function) {
  ColumnData column;
  for (std::size_t i = 0; i < kBlockPaths; ++i) column[i] = function(i);
  return column;
}

std::size_t differing_bits(const ColumnData& a, const ColumnData& b) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    n += std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i]);
  return n;
}

/// In how many lanes the same text gives other bits for Lanes than for double.
template <class Function>
std::size_t lanes_that_differ(const ColumnData& in, Function function) {
  ColumnData together, alone;
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes) store(function(load(in, i)), together, i);
  for (std::size_t i = 0; i < kBlockPaths; ++i) alone[i] = function(in[i]);
  return differing_bits(together, alone);
}

}  // namespace

TEST_CASE("lanes compute what a path alone computes, bit by bit", "[lanes]") {
  const test::FpTrapsOff saturating_arguments_raise;
  const ColumnData x = column_of(value);
  const ColumnData positive = column_of([](std::size_t i) { return std::fabs(value(i)) + 1e-3; });
  CHECK(lanes_that_differ(x, [](auto v) { return elementary::exp(v); }) == 0);
  CHECK(lanes_that_differ(positive, [](auto v) { return elementary::log(v); }) == 0);
  CHECK(lanes_that_differ(positive, [](auto v) { return elementary::log1p(v); }) == 0);
  CHECK(lanes_that_differ(positive, [](auto v) { return elementary::one_minus_exp(v); }) == 0);
  CHECK(lanes_that_differ(x, [](auto v) { return elementary::softplus(v); }) == 0);
  CHECK(lanes_that_differ(x, [](auto v) { return elementary::logistic(v); }) == 0);
  CHECK(lanes_that_differ(positive, [](auto v) { return elementary::power(v, -1.7); }) == 0);
  CHECK(lanes_that_differ(x, [](auto v) { return larger(v, 0.0) - smaller(v, 2.0) * magnitude(v); }) == 0);
  CHECK(lanes_that_differ(x, [](auto v) { return select((v > 0.5) & !(v >= 2.0), -v, v / 3.0 + 1.0); }) == 0);
  CHECK(lanes_that_differ(x, [](auto v) { return select((v < 0.5) | (v <= -2.0), 1.0 - v, 2.0 * v); }) == 0);
  ColumnData nudged = x;
  nudged[201] = std::nextafter(nudged[201], 1e9);
  CHECK(differing_bits(nudged, x) == 1);  // control: one bit of one lane is seen
}

TEST_CASE("any sees a single lane, wherever it is", "[lanes]") {
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    ColumnData x{};
    CHECK_FALSE(any(load(x, 0) > 0.0));
    x[lane] = 1.0;
    CHECK(any(load(x, 0) > 0.0));
    CHECK((load(x, 0) > 0.0)[lane] == -1);
    CHECK(load(x, 0)[lane] == 1.0);
  }
}

TEST_CASE("larger and smaller are std::max and std::min, ties and signed zeros included", "[lanes]") {
  for (const double a : {0.0, -0.0, 1.0, -2.0})
    for (const double b : {0.0, -0.0, 1.0, -2.0}) {
      CHECK(std::bit_cast<std::uint64_t>(larger(a, b)) == std::bit_cast<std::uint64_t>(std::max(a, b)));
      CHECK(std::bit_cast<std::uint64_t>(smaller(a, b)) == std::bit_cast<std::uint64_t>(std::min(a, b)));
      CHECK(std::bit_cast<std::uint64_t>(larger(Lanes(a), b)[1]) == std::bit_cast<std::uint64_t>(std::max(a, b)));
      CHECK(std::bit_cast<std::uint64_t>(smaller(Lanes(a), b)[1]) == std::bit_cast<std::uint64_t>(std::min(a, b)));
    }
}

TEST_CASE("eight numbers are summed in one order, and compared one by one", "[lanes]") {
  int another_order = 0;
  for (std::size_t start = 0; start < kBlockPaths; start += kEight) {
    std::array<double, kEight> x{}, back{};
    for (std::size_t i = 0; i < kEight; ++i) x[i] = value(start + i);
    const Eight all = load_eight(x.data());
    CHECK(sum(all) == ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7])));
    CHECK(least(all) == *std::min_element(x.begin(), x.end()));
    another_order += sum(all) != std::accumulate(x.begin(), x.end(), 0.0);
    store_eight(select(is_less(all, eight(0.5)), all, eight(2.0)), back.data());
    for (std::size_t i = 0; i < kEight; ++i) CHECK(back[i] == (x[i] < 0.5 ? x[i] : 2.0));
  }
  CHECK(another_order > 0);  // control
}

TEST_CASE("the bits of a condition are its lanes", "[lanes]") {
  const ColumnData column = column_of(value);
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes) {
    const std::uint32_t bits = lane_bits(load(column, i) < Lanes(0.5));
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      CHECK(((bits >> lane) & 1U) == (column[i + lane] < 0.5 ? 1U : 0U));
  }
}

TEST_CASE("to_real is the conversion of the language", "[units]") {
  std::uint64_t bits = 20190917;
  int differ = 0, rounded = 0;
  for (int k = 0; k < 200'000; ++k) {
    bits = bits * 6364136223846793005U + 1442695040888963407U;
    const auto x = static_cast<std::int64_t>(bits) >> (k % 64);
    differ += to_real(x) != static_cast<double>(x);
    rounded += static_cast<std::int64_t>(static_cast<double>(x >> 1)) != x >> 1;
  }
  CHECK(differ == 0);
  CHECK(rounded > 1000);  // the last bits of many do not fit
}
