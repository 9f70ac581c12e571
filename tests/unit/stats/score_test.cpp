#include "repoquake/stats/score.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/core/contract.hpp"

namespace {

using repoquake::stats::crps;
using repoquake::stats::pit;

class Uniforms {
 public:
  explicit Uniforms(std::uint64_t seed) : generator_(seed) {}
  double operator()() { return (static_cast<double>(generator_() >> 12) + 0.5) * 0x1p-52; }

 private:
  std::mt19937_64 generator_;
};

/// By the definition with pairs.
double crps_by_pairs(const std::vector<double>& x, double y) {
  double to_observed = 0.0;
  double spread = 0.0;
  for (const double a : x) {
    to_observed += std::abs(a - y);
    for (const double b : x) spread += std::abs(a - b);
  }
  const auto n = static_cast<double>(x.size());
  return to_observed / n - 0.5 * spread / (n * n);
}

}  // namespace

TEST_CASE("CRPS of an even grid is that of the uniform distribution", "[stats]") {
  constexpr int kMembers = 10'000;
  std::vector<double> x(kMembers);
  for (int i = 0; i < kMembers; ++i) x[static_cast<std::size_t>(i)] = (i + 0.5) / kMembers;
  for (const double y : {0.0, 0.2, 0.5, 0.93, 1.0}) {
    const double exact = (y * y * y + (1 - y) * (1 - y) * (1 - y)) / 3.0;
    INFO(y);
    CHECK(crps(x, y) == Approx(exact).margin(0.5 / kMembers));  // F_n differs from F by at most 1 / (2 n)
  }
  CHECK(crps(x, -2.0) == Approx(2.0 + 1.0 / 3.0).margin(0.5 / kMembers));
  CHECK(crps(x, 4.0) == Approx(3.0 + 1.0 / 3.0).margin(0.5 / kMembers));
}

TEST_CASE("CRPS agrees with the definition by pairs, ties included", "[stats]") {
  Uniforms uniform(6);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> x(1 + static_cast<std::size_t>(round) * 3);
    for (double& v : x) v = std::round(20.0 * uniform() - 10.0);
    std::sort(x.begin(), x.end());
    for (const double y : {-12.0, -0.5, x.front(), x.back(), 3.0, 11.0}) {
      CHECK(crps(x, y) == Approx(crps_by_pairs(x, y)).epsilon(1e-12).margin(1e-13));
    }
  }
}

TEST_CASE("CRPS of one member is the distance, of a perfect ensemble zero", "[stats]") {
  const std::vector<double> one{4.0};
  CHECK(crps(one, 1.5) == 2.5);
  CHECK(crps(one, 4.0) == 0.0);
  CHECK(crps(std::vector<double>(7, 4.0), 4.0) == 0.0);
  CHECK(crps(std::vector<double>(7, 4.0), 6.0) == 2.0);
}

TEST_CASE("PIT by hand, ties split", "[stats]") {
  const std::vector<double> x{1.0, 2.0, 2.0, 5.0};
  CHECK(pit(x, 0.0) == Approx(0.1));
  CHECK(pit(x, 1.5) == Approx(0.3));
  CHECK(pit(x, 2.0) == Approx(0.5));
  CHECK(pit(x, 9.0) == Approx(0.9));
  CHECK(pit(std::vector<double>(9, 0.0), 0.0) == 0.5);
}

TEST_CASE("PIT is uniform when the ensemble is right, and not when it is shifted", "[stats][statistical]") {
  constexpr int kObservations = 4000;
  constexpr std::size_t kBins = 10;
  const auto chi_square = [](double shift) {
    Uniforms uniform(7);
    std::array<int, kBins> counts{};
    std::vector<double> x(99);  // 100 possible ranks, ten for each bin
    for (int i = 0; i < kObservations; ++i) {
      for (double& v : x) v = -std::log(uniform());
      std::sort(x.begin(), x.end());
      ++counts[static_cast<std::size_t>(pit(x, -std::log(uniform()) + shift) * kBins)];
    }
    double sum = 0.0;
    for (const int c : counts) sum += (c - kObservations / double{kBins}) * (c - kObservations / double{kBins});
    return sum / (kObservations / double{kBins});
  };
  CHECK(chi_square(0.0) < 33.7);  // 9 degrees of freedom, 1 in 10,000
  CHECK_FALSE(chi_square(0.15) < 33.7);
}

#if defined(REPOQUAKE_CONTRACTS) && REPOQUAKE_CONTRACTS
TEST_CASE("scores refuse an empty or unsorted ensemble", "[stats]") {
  const std::vector<double> unsorted{2.0, 1.0};
  CHECK_THROWS_AS(crps({}, 0.0), repoquake::LogicError);
  CHECK_THROWS_AS(pit({}, 0.0), repoquake::LogicError);
  CHECK_THROWS_AS(crps(unsorted, 0.0), repoquake::LogicError);
}
#endif
