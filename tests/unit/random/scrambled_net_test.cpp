#include "repoquake/random/scrambled_net.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/random/sobol.hpp"
#include "repoquake/stats/moments.hpp"

using namespace repoquake;
using random::ScrambledNet;

namespace {

/// (point) of one scramble of one dimension, n a multiple of kBlockPaths / scrambles.
std::vector<double> points_of(const ScrambledNet& net, std::size_t scrambles, std::size_t scramble,
                              std::size_t dimension, std::size_t n) {
  std::vector<double> x;
  for (std::uint64_t first = 0; x.size() < n; first += kBlockPaths) {
    ColumnData column;
    net.fill(dimension, first, column);
    for (std::size_t i = scramble; i < kBlockPaths; i += scrambles) x.push_back(column[i]);
  }
  return x;
}

/// Does every interval [k, k + 1) / n hold one of n points?
bool is_stratified(const std::vector<double>& x) {
  std::vector<int> count(x.size(), 0);
  for (const double u : x) ++count[static_cast<std::size_t>(u * static_cast<double>(x.size()))];
  return std::ranges::all_of(count, [](int c) { return c == 1; });
}

}  // namespace

TEST_CASE("each scramble puts one of 2^m points into every interval of 2^-m", "[net]") {
  const ScrambledNet net(64, 16, 7);
  for (const std::size_t dimension : {0U, 1U, 17U, 63U})
    for (const std::size_t scramble : {0U, 5U, 15U}) {
      CAPTURE(dimension, scramble);
      CHECK(is_stratified(points_of(net, 16, scramble, dimension, 64)));
      CHECK(is_stratified(points_of(net, 16, scramble, dimension, 1024)));
    }
  SECTION("control: two scrambles together are not") {
    auto both = points_of(net, 16, 0, 3, 64);
    const auto other = points_of(net, 16, 1, 3, 64);
    both.insert(both.end(), other.begin(), other.end());
    CHECK_FALSE(is_stratified(both));
  }
}

TEST_CASE("the first two dimensions are a (0, m, 2)-net: every elementary rectangle holds one point", "[net]") {
  constexpr std::size_t kPoints = 256;
  const ScrambledNet net(2, 4, 99);
  const auto x = points_of(net, 4, 2, 0, kPoints), y = points_of(net, 4, 2, 1, kPoints);
  const auto fills = [&](const std::vector<double>& a, const std::vector<double>& b, std::size_t columns) {
    std::vector<int> count(kPoints, 0);
    const std::size_t rows = kPoints / columns;
    for (std::size_t i = 0; i < kPoints; ++i)
      ++count[static_cast<std::size_t>(a[i] * static_cast<double>(columns)) * rows +
              static_cast<std::size_t>(b[i] * static_cast<double>(rows))];
    return std::ranges::all_of(count, [](int c) { return c == 1; });
  };
  for (std::size_t columns = 1; columns <= kPoints; columns *= 2) CHECK(fills(x, y, columns));
  SECTION("control: a dimension against itself is no net") { CHECK_FALSE(fills(x, x, 16)); }
}

TEST_CASE("points are those of Sobol's sequence: equal points stay equal in as many leading digits", "[net]") {
  // Scrambling keeps how many leading digits two points share; Owen's scrambling of sobol.hpp does so too.
  constexpr std::size_t kPoints = 128;
  const ScrambledNet net(20, 4, 5);
  const auto owen = random::scrambled_sobol(kPoints, 20, 31);
  const auto shared = [](double a, double b) {
    return std::countl_zero(static_cast<std::uint64_t>(a * 0x1p32) ^ static_cast<std::uint64_t>(b * 0x1p32));
  };
  for (const std::size_t dimension : {0U, 1U, 2U, 11U, 19U}) {
    const auto x = points_of(net, 4, 1, dimension, kPoints);
    bool is_same = true;
    for (std::size_t i = 1; i < kPoints; ++i)
      is_same &= shared(x[i - 1], x[i]) == shared(owen[(i - 1) * 20 + dimension], owen[i * 20 + dimension]);
    CHECK(is_same);
  }
}

TEST_CASE("any point of any scramble is uniform, and scrambles are independent", "[net][statistical]") {
  constexpr std::uint64_t kSeeds = 4000;
  std::vector<double> first, product, both;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const ScrambledNet net(3, 4, seed);
    ColumnData x, y;
    net.fill(2, 0, x);
    net.fill(1, 0, y);
    first.push_back(x[12]);                            // point 3 of scramble 0
    product.push_back((x[12] - 0.5) * (x[13] - 0.5));  // the same point of the next scramble
    both.push_back((x[12] - 0.5) * (y[12] - 0.5));     // another dimension
  }
  const auto mean = stats::moments_of(first);
  CHECK(std::fabs(mean.mean - 0.5) < 3.0 * mean.standard_error());
  CHECK(std::fabs(mean.variance() - 1.0 / 12.0) < 3.0 * std::sqrt(1.0 / 180.0 / kSeeds));
  for (const auto* products : {&product, &both}) {
    const auto m = stats::moments_of(*products);
    CHECK(std::fabs(m.mean) < 3.0 * m.standard_error());
  }
  SECTION("control: a point goes with itself") {
    for (double& p : product) p = 0.0;
    for (std::size_t i = 0; i < kSeeds; ++i) product[i] = (first[i] - 0.5) * (first[i] - 0.5);
    const auto m = stats::moments_of(product);
    CHECK(std::fabs(m.mean) > 3.0 * m.standard_error());
  }
}

TEST_CASE("a mean of a smooth function has the variance of Owen's scrambling", "[net][statistical]") {
  constexpr std::size_t kPoints = 64;
  constexpr std::uint64_t kSeeds = 400;
  const auto f = [](double u, double v) { return (1.0 + u) * std::exp(v); };
  std::vector<double> linear, nested;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const ScrambledNet net(2, 4, seed);
    const auto x = points_of(net, 4, 3, 0, kPoints), y = points_of(net, 4, 3, 1, kPoints);
    const auto owen = random::scrambled_sobol(kPoints, 2, seed);
    double a = 0.0, b = 0.0;
    for (std::size_t i = 0; i < kPoints; ++i) {
      a += f(x[i], y[i]) / kPoints;
      b += f(owen[2 * i], owen[2 * i + 1]) / kPoints;
    }
    linear.push_back(a);
    nested.push_back(b);
  }
  const auto one = stats::moments_of(linear), two = stats::moments_of(nested);
  const double exact = 1.5 * (std::exp(1.0) - 1.0);
  CHECK(std::fabs(one.mean - exact) < 3.0 * one.standard_error());
  const double ratio = std::log(one.variance() / two.variance());
  CHECK(std::fabs(ratio) < 3.0 * std::sqrt(4.0 / kSeeds) * 1.5);  // kurtosis a little above 3
  SECTION("control: independent points vary 50 times as much and more") {
    const double independent = (7.0 / 3.0 * 0.5 * (std::exp(2.0) - 1.0) - exact * exact) / kPoints;
    CHECK(independent > 50.0 * one.variance());
  }
}

TEST_CASE("a net does not depend on how many dimensions it has, nor on where reading starts", "[net]") {
  const ScrambledNet few(3, 8, 11), many(40, 8, 11);
  ColumnData a, b;
  few.fill(2, 5 * kBlockPaths, a);
  many.fill(2, 5 * kBlockPaths, b);
  CHECK(std::ranges::equal(a, b));
  const auto x = points_of(few, 8, 4, 2, 8 * 32);
  CHECK(a[4] == x[5 * 32]);
  const ScrambledNet other(3, 8, 12);
  other.fill(2, 5 * kBlockPaths, b);
  CHECK_FALSE(std::ranges::equal(a, b));
}
