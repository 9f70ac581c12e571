#include "repoquake/study/design.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/core/contract.hpp"
#include "repoquake/random/sobol.hpp"

using namespace repoquake;
using namespace repoquake::study;

namespace {

bool begins_with(const Design& larger, const Design& smaller) {
  return larger.dimensions == smaller.dimensions && larger.size() > smaller.size() &&
         std::equal(smaller.points.begin(), smaller.points.end(), larger.points.begin());
}

/// Pearson's statistic of counts that should be equal, less its mean, in its standard deviations.
template <class Counts>
double unevenness(const Counts& counts, std::size_t kinds) {
  double total = 0.0;
  for (const auto& [key, count] : counts) total += count;
  const double expected = total / static_cast<double>(kinds);
  double chi2 = static_cast<double>(kinds - counts.size()) * expected;
  for (const auto& [key, count] : counts) chi2 += (count - expected) * (count - expected) / expected;
  const double freedom = static_cast<double>(kinds - 1);
  return (chi2 - freedom) / std::sqrt(2.0 * freedom);
}

/// A chi-square of a few degrees of freedom has a long tail: five of its standard deviations instead of four.
constexpr double kEven = 5.0;

}  // namespace

TEST_CASE("a full grid has each combination once, the last axis fastest", "[design]") {
  const std::vector<std::size_t> levels{2, 1, 3};
  CHECK(full_grid(levels) == std::vector<std::size_t>{0, 0, 0, 0, 0, 1, 0, 0, 2, 1, 0, 0, 1, 0, 1, 1, 0, 2});
  CHECK(full_grid(std::vector<std::size_t>{4}) == std::vector<std::size_t>{0, 1, 2, 3});
  CHECK(full_grid({}).empty());
#if REPOQUAKE_CONTRACTS
  CHECK_THROWS_AS(full_grid(std::vector<std::size_t>{2, 0}), LogicError);
#endif
}

TEST_CASE("a Latin hypercube has one point in each stratum of each dimension, inside it", "[design]") {
  for (const std::size_t n : {std::size_t{1}, std::size_t{7}, std::size_t{100}, std::size_t{1} << 20}) {
    const std::size_t dimensions = n > 1000 ? 1 : 5;
    const Design design = latin_hypercube(n, dimensions, 3);
    REQUIRE(design.size() == n);
    for (std::size_t j = 0; j < dimensions; ++j) {
      std::vector<std::size_t> strata;
      for (std::size_t i = 0; i < n; ++i) {
        const double x = design.point(i)[j];
        if (!(x > 0.0 && x < 1.0)) FAIL("not strictly inside: " << x);
        strata.push_back(static_cast<std::size_t>(x * static_cast<double>(n)));
      }
      std::ranges::sort(strata);
      CHECK(std::ranges::adjacent_find(strata) == strata.end());
      CHECK(strata.back() == n - 1);
    }
  }
  CHECK(latin_hypercube(50, 3, 3) == latin_hypercube(50, 3, 3));
  CHECK(latin_hypercube(50, 3, 3) != latin_hypercube(50, 3, 4));
  CHECK(latin_hypercube(50, 3, 3) != latin_hypercube(50, 3, std::uint64_t{3} << 32));
  CHECK(latin_hypercube(0, 3, 3).size() == 0);
}

TEST_CASE("a Latin hypercube orders its strata evenly, each dimension in its own way", "[design][statistical]") {
  // All 6 x 6 pairs of orders of three points in two dimensions; and the place within a stratum is even.
  const auto orders = [](auto design_of) {
    std::map<std::vector<double>, double> counts;
    for (std::uint64_t seed = 0; seed < 3600; ++seed) {
      std::vector<double> strata = design_of(seed).points;
      for (double& x : strata) x = std::floor(3.0 * x);
      counts[strata] += 1.0;
    }
    return unevenness(counts, 36);
  };
  std::map<double, double> places;
  for (const double x : latin_hypercube(10000, 1, 1).points) {
    const double place = 10000.0 * x;
    places[std::floor(10.0 * (place - std::floor(place)))] += 1.0;
  }
  CHECK(orders([](std::uint64_t seed) { return latin_hypercube(3, 2, seed); }) < kEven);
  CHECK(unevenness(places, 10) < kEven);
  SECTION("control: the same order in both dimensions is seen") {
    const auto copied = [](std::uint64_t seed) {
      Design design = latin_hypercube(3, 2, seed);
      for (std::size_t i = 0; i < 3; ++i) design.points[2 * i + 1] = design.points[2 * i];
      return design;
    };
    CHECK(orders(copied) > kEven);
  }
}

TEST_CASE("a Sobol design is that of the generator and can be extended", "[design]") {
  CHECK(sobol(8, 3, 5).points == random::scrambled_sobol(8, 3, 5));
  CHECK(begins_with(sobol(300, 3, 5), sobol(100, 3, 5)));
  CHECK_FALSE(begins_with(sobol(300, 3, 6), sobol(100, 3, 5)));
  CHECK(is_balanced(1));
  CHECK(is_balanced(1024));
  CHECK_FALSE(is_balanced(0));
  CHECK_FALSE(is_balanced(1000));
}

TEST_CASE("a group of Saltelli is two points and the first with one coordinate of the second", "[design]") {
  constexpr std::size_t kFactors = 3;
  const Design design = saltelli(16, kFactors, 5);
  const Design base = sobol(16, 2 * kFactors, 5);
  REQUIRE(design.dimensions == kFactors);
  REQUIRE(design.size() == 16 * saltelli_group(kFactors));
  for (std::size_t k = 0; k < 16; ++k) {
    const std::size_t first = k * saltelli_group(kFactors);
    for (std::size_t j = 0; j < kFactors; ++j) {
      const double a = base.point(k)[2 * j];
      const double b = base.point(k)[2 * j + 1];
      CHECK(design.point(first)[j] == a);
      CHECK(design.point(first + 1)[j] == b);
      for (std::size_t i = 0; i < kFactors; ++i) CHECK(design.point(first + 2 + i)[j] == (i == j ? b : a));
    }
  }
  CHECK(begins_with(saltelli(33, kFactors, 5), design));
  const Design wider = saltelli(16, kFactors + 1, 5);
  for (std::size_t k = 0; k < 16; ++k)
    for (std::size_t j = 0; j < kFactors; ++j)
      CHECK(wider.point(k * saltelli_group(kFactors + 1))[j] == design.point(k * saltelli_group(kFactors))[j]);
  CHECK_FALSE(begins_with(saltelli(33, kFactors, 6), design));
}

TEST_CASE("a trajectory of Morris moves each factor once, by half of the levels", "[design]") {
  for (const std::size_t levels : {std::size_t{2}, std::size_t{4}, std::size_t{10}}) {
    constexpr std::size_t kFactors = 5;
    const Design design = morris(20, kFactors, 9, levels);
    const double delta = static_cast<double>(levels) / static_cast<double>(2 * (levels - 1));
    REQUIRE(design.size() == 20 * (kFactors + 1));
    for (std::size_t p = 0; p < design.size(); ++p)
      for (const double x : design.point(p)) {
        const double level = x * static_cast<double>(levels - 1);
        CHECK(level == Approx(std::round(level)).margin(1e-12));
        CHECK((0.0 <= x && x <= 1.0));
      }
    for (std::size_t t = 0; t < 20; ++t) {
      std::set<std::size_t> moved;
      for (std::size_t step = 1; step <= kFactors; ++step) {
        const auto from = design.point(t * (kFactors + 1) + step - 1);
        const auto to = design.point(t * (kFactors + 1) + step);
        std::size_t changes = 0;
        for (std::size_t i = 0; i < kFactors; ++i) {
          if (from[i] == to[i]) continue;
          ++changes;
          moved.insert(i);
          CHECK(std::fabs(to[i] - from[i]) == Approx(delta).epsilon(1e-12));
        }
        CHECK(changes == 1);
      }
      CHECK(moved.size() == kFactors);
    }
  }
  CHECK(begins_with(morris(30, 4, 9), morris(10, 4, 9)));
  CHECK_FALSE(begins_with(morris(30, 4, 10), morris(10, 4, 9)));
#if REPOQUAKE_CONTRACTS
  CHECK_THROWS_AS(morris(1, 2, 1, 5), LogicError);
#endif
}

TEST_CASE("levels, directions and orders of Morris are equally likely", "[design][statistical]") {
  // Two factors on four levels: 16 first points and 2 orders.
  const auto starts = [](const Design& design) {
    std::map<std::array<double, 3>, double> counts;
    for (std::size_t p = 0; p < design.size(); p += 3)
      counts[{design.point(p)[0], design.point(p)[1], design.point(p)[0] == design.point(p + 1)[0] ? 1.0 : 0.0}] += 1.0;
    return unevenness(counts, 32);
  };
  CHECK(starts(morris(3200, 2, 11)) < kEven);
  SECTION("control: trajectories that always begin in the lower half are seen") {
    Design low = morris(3200, 2, 11);
    for (double& x : low.points)
      if (x > 0.5) x -= 2.0 / 3.0;
    CHECK(starts(low) > kEven);
  }
}
