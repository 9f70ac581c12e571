#include "repoquake/random/sobol.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <set>
#include <span>
#include <vector>

#include <boost/random/sobol.hpp>
#include <catch2/catch.hpp>

#include "judge.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/random/stream.hpp"

using namespace repoquake;
using namespace repoquake::random;

namespace {

/// The points of one dimension.
std::vector<double> projection(const std::vector<double>& points, std::size_t dimensions, std::size_t dimension) {
  std::vector<double> x;
  for (std::size_t i = dimension; i < points.size(); i += dimensions) x.push_back(points[i]);
  return x;
}

/// Whether every box of sides 2^-k and 2^-(m - t - k), for all k, holds 2^t of the 2^m points.
bool is_net(const std::vector<double>& x, const std::vector<double>& y, unsigned t) {
  const auto m = static_cast<unsigned>(std::countr_zero(x.size()));
  for (unsigned k = 0; k + t <= m; ++k) {
    const std::size_t rows = std::size_t{1} << k;
    const std::size_t columns = std::size_t{1} << (m - t - k);
    std::vector<unsigned> hits(rows * columns, 0);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto row = static_cast<std::size_t>(x[i] * static_cast<double>(rows));
      const auto column = static_cast<std::size_t>(y[i] * static_cast<double>(columns));
      ++hits[row * columns + column];
    }
    if (std::ranges::any_of(hits, [=](unsigned h) { return h != 1U << t; })) return false;
  }
  return true;
}

/// One point in each interval [k, k + 1) / n.
bool is_stratified(std::vector<double> x) {
  std::ranges::sort(x);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (static_cast<std::size_t>(x[i] * static_cast<double>(x.size())) != i) return false;
  return true;
}

std::vector<double> independent_points(std::size_t n, std::size_t dimensions, std::uint64_t seed) {
  std::vector<double> points;
  for (std::size_t i = 0; i < n * dimensions; ++i) points.push_back(uniform({i, 0, Stream::need_shock}, seed));
  return points;
}

/// A product with interactions of all orders, mean 1 and variance (1 + 1/12)^3 - 1.
double integrand(std::span<const double> x) { return (0.5 + x[0]) * (0.5 + x[1]) * (0.5 + x[2]); }
const double kVariance = std::pow(13.0 / 12.0, 3) - 1.0;
constexpr std::size_t kReplicates = 64;

/// The integrand's mean over n points, for each of the seeds.
template <class Points>
std::vector<double> means(Points points, std::size_t n) {
  std::vector<double> result;
  for (std::uint64_t seed = 0; seed < kReplicates; ++seed) {
    const std::vector<double> x = points(n, std::size_t{3}, seed);
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += integrand(std::span(x).subspan(3 * i, 3));
    result.push_back(sum / static_cast<double>(n));
  }
  return result;
}

double variance(const std::vector<double>& values) {
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  double squares = 0.0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return squares / static_cast<double>(values.size() - 1);
}

}  // namespace

TEST_CASE("scrambled Sobol points are frozen", "[sobol]") {
  // From the definition, written a second time: digits 0, 0, 0; .1, .1, .1; .11, .01, .01.
  const std::vector<double> expected{0x1.2417e1474e7f9p-1, 0x1.cb84a67bb78eep-2, 0x1.a47a362ee5a9cp-3,
                                     0x1.ca59b31d9b47ep-2, 0x1.0989a5faf8593p-1, 0x1.8a8f524e6d9dbp-1,
                                     0x1.dcd0e86708dbcp-3, 0x1.90fc65c4830bcp-3, 0x1.ac5fc8d81363ap-2};
  CHECK(scrambled_sobol(3, 3, 20190917) == expected);
}

TEST_CASE("each dimension of Sobol points has one point in each interval", "[sobol]") {
  constexpr std::size_t kDimensions = 40;
  for (const std::uint64_t seed : {0ULL, 1ULL, ~0ULL}) {
    const std::vector<double> points = scrambled_sobol(1024, kDimensions, seed);
    for (std::size_t j = 0; j < kDimensions; ++j) {
      const std::vector<double> x = projection(points, kDimensions, j);
      for (std::size_t n = 1; n <= x.size(); n *= 2)
        CHECK(is_stratified({x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n)}));
    }
  }
  SECTION("control: without the first point, or of independent points, they have not") {
    const std::vector<double> x = scrambled_sobol(65, 1, 1);
    CHECK_FALSE(is_stratified({x.begin() + 1, x.end()}));
    CHECK_FALSE(is_stratified(independent_points(64, 1, 1)));
  }
}

TEST_CASE("pairs of the first Sobol dimensions are nets", "[sobol]") {
  // t of a pair is at most the sum of (degree of the dimension's polynomial - 1); the first two make a (0, m, 2)-net.
  const std::array<unsigned, 6> t{0, 0, 1, 2, 2, 3};
  for (const std::uint64_t seed : {0ULL, 20190917ULL}) {
    const std::vector<double> points = scrambled_sobol(1024, t.size(), seed);
    for (std::size_t n = 64; n <= 1024; n *= 4)
      for (std::size_t i = 0; i < t.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
          std::vector<double> x = projection(points, t.size(), i);
          std::vector<double> y = projection(points, t.size(), j);
          x.resize(n);
          y.resize(n);
          INFO(i << ", " << j << ": " << n);
          CHECK(is_net(x, y, t[i] + t[j]));
        }
  }
  SECTION("control: independent points are no net, nor is a dimension with itself") {
    const std::vector<double> points = independent_points(1024, 2, 1);
    CHECK_FALSE(is_net(projection(points, 2, 0), projection(points, 2, 1), 4));
    const std::vector<double> x = scrambled_sobol(1024, 1, 1);
    CHECK_FALSE(is_net(x, x, 4));
  }
}

TEST_CASE("more Sobol points or dimensions leave the others as they are", "[sobol]") {
  const std::vector<double> small = scrambled_sobol(100, 3, 7);
  const std::vector<double> longer = scrambled_sobol(300, 3, 7);
  CHECK(std::equal(small.begin(), small.end(), longer.begin()));
  const std::vector<double> wider = scrambled_sobol(100, 5, 7);
  for (std::size_t j = 0; j < 3; ++j) CHECK(projection(small, 3, j) == projection(wider, 5, j));
  CHECK(scrambled_sobol(0, 3, 7).empty());
}

TEST_CASE("every bit of the seed scrambles Sobol points anew, and zero is a seed like others", "[sobol]") {
  std::set<std::vector<double>> seen{scrambled_sobol(4, 2, 0)};
  for (unsigned bit = 0; bit < 64; ++bit) seen.insert(scrambled_sobol(4, 2, std::uint64_t{1} << bit));
  CHECK(seen.size() == 65);
  CHECK(scrambled_sobol(1, 1, 0)[0] > 0x1p-20);  // unscrambled, the first point is 0
}

TEST_CASE("Sobol points of all dimensions are good for normals", "[sobol]") {
  const std::vector<double> points = scrambled_sobol(64, kMaxSobolDimensions, 3);
  CHECK(points.size() == 64 * kMaxSobolDimensions);
  const auto [low, high] = std::ranges::minmax(points);
  CHECK(low >= 0x1p-53);
  CHECK(high <= 1.0 - 0x1p-53);
  CHECK(std::isfinite(elementary::inverse_normal(low)));
  CHECK_THROWS(scrambled_sobol(1, kMaxSobolDimensions + 1, 3));
}

TEST_CASE("each Sobol point is uniform over the seeds, and dimensions are independent", "[sobol][statistical]") {
  constexpr std::size_t kSeeds = 4000;
  std::array<std::vector<double>, 4> values;  // points 0 and 5 in dimensions 0 and 1
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const std::vector<double> points = scrambled_sobol(6, 2, seed);
    for (std::size_t k = 0; k < 4; ++k) values[k].push_back(points[(k / 2) * 10 + k % 2]);
  }
  const auto identity = [](double u) { return u; };
  const auto standardised = [](std::vector<double> u) {
    for (double& x : u) x = (x - 0.5) * std::sqrt(12.0);
    return u;
  };
  for (const auto& u : values) CHECK(test::kolmogorov(u, identity) < test::kKolmogorov);
  const auto across = [&](std::size_t i, std::size_t j) {
    return std::fabs(test::cross_deviation(standardised(values[i]), standardised(values[j])));
  };
  CHECK(across(0, 1) < test::kStandardErrors);
  CHECK(across(2, 3) < test::kStandardErrors);
  CHECK(across(0, 3) < test::kStandardErrors);
  SECTION("control: a tenth less of spread is seen, and two points of one dimension depend on each other") {
    CHECK(test::kolmogorov(test::shifted(test::scaled(values[0], 0.9), 0.05), identity) > test::kKolmogorov);
    std::vector<double> pair0;
    std::vector<double> pair1;  // points 0 and 1 lie in different halves
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      const std::vector<double> points = scrambled_sobol(2, 1, seed);
      pair0.push_back(points[0]);
      pair1.push_back(points[1]);
    }
    CHECK(std::fabs(test::cross_deviation(standardised(pair0), standardised(pair1))) > test::kStandardErrors);
  }
}

TEST_CASE("Sobol scrambling is nested: the halves of a tree are scrambled on their own", "[sobol][statistical]") {
  // Points 0 to 3 lie in different quarters. Whether the two in the lower half are in ascending order says nothing about
  // the two in the upper half.
  constexpr std::size_t kSeeds = 2000;
  const auto agreements = [](auto points_of) {
    double agreed = 0.0;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      const std::vector<double> x = points_of(seed);  // Sobol's order: 0, 1/2, 3/4, 1/4
      agreed += (x[0] < x[3]) == (x[1] < x[2]) ? 1.0 : 0.0;
    }
    return (agreed - 0.5 * kSeeds) / std::sqrt(0.25 * kSeeds);  // in standard errors
  };
  CHECK(std::fabs(agreements([](std::uint64_t seed) { return scrambled_sobol(4, 1, seed); })) < test::kStandardErrors);
  SECTION("control: a digital shift moves both halves alike") {
    const auto shifted = [](std::uint64_t seed) {
      const std::uint64_t shift = std::bit_cast<std::uint64_t>(1.0 + uniform({0, 0, Stream::need_shock}, seed)) << 12;
      std::vector<double> x;
      for (const std::uint64_t digits : {0ULL, 2ULL, 3ULL, 1ULL}) x.push_back(open01(shift ^ digits << 62));
      return x;
    };
    CHECK(std::fabs(agreements(shifted)) > test::kStandardErrors);
  }
}

TEST_CASE("means over Sobol points are unbiased and their variance falls faster than 1/n", "[sobol][statistical]") {
  // The variance of a mean falls like n^-3 up to logarithms. The logarithm of a variance from 64 replicates has a
  // standard error of sqrt(2/63), and so the slope over 4 doublings of n one of 0.09.
  const auto slope = [](auto points) {
    return std::log2(variance(means(points, 1024)) / variance(means(points, 64))) / 4.0;
  };
  constexpr double kSlopeError = 0.09;
  CHECK(slope(scrambled_sobol) + test::kStandardErrors * kSlopeError < -2.0);
  const std::vector<double> m = means(scrambled_sobol, 1024);
  CHECK(variance(m) < 1e-3 * kVariance / 1024.0);
  CHECK(std::fabs(test::deviation(m, std::identity{}, 1.0)) < test::kStandardErrors);
  SECTION("control: independent points gain nothing, unscrambled points claim no error and miss the mean") {
    CHECK(slope(independent_points) == Approx(-1.0).margin(test::kStandardErrors * kSlopeError));
    CHECK(variance(means(independent_points, 1024)) > 0.5 * kVariance / 1024.0);
    const auto unscrambled = [](std::size_t n, std::size_t dimensions, std::uint64_t) {
      boost::random::sobol_engine<std::uint32_t, 32> sequence(dimensions);
      std::vector<double> x(dimensions, 0.0);
      while (x.size() < n * dimensions) x.push_back(sequence() * 0x1p-32);
      return x;
    };
    const std::vector<double> same = means(unscrambled, 1024);
    CHECK(variance(same) == 0.0);
    CHECK(std::fabs(same[0] - 1.0) > test::kStandardErrors * std::sqrt(variance(m)));
  }
}
