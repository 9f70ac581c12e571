#include "repoquake/stats/score.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <random>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/core/contract.hpp"

namespace {

using repoquake::stats::crps;
using repoquake::stats::pit;
using repoquake::stats::QuantileSketch;
using repoquake::stats::score;
using repoquake::stats::SketchScore;

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

double normal(Uniforms& uniform) {
  return std::sqrt(-2.0 * std::log(uniform())) * std::cos(2.0 * std::numbers::pi * uniform());
}

QuantileSketch sketch_of(const std::vector<double>& x) {
  QuantileSketch sketch;
  for (const double v : x) sketch.add(sketch.scale().bin(v));
  return sketch;
}

double mean_width(const QuantileSketch& sketch) {
  double sum = 0.0;
  for (const auto& [bin, count] : sketch.occupied()) sum += count * sketch.scale().width(bin);
  return sum / static_cast<double>(sketch.count());
}

double share_in_bin(const QuantileSketch& sketch, double y) {
  for (const auto& [bin, count] : sketch.occupied())
    if (bin == sketch.scale().bin(y)) return count / static_cast<double>(sketch.count());
  return 0.0;
}

SketchScore score_of(const std::vector<double>& sorted, double y) {
  return score(sketch_of(sorted), y, sorted.front(), sorted.back());
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
  SECTION("control: an observation shifted by 0.15 is seen") { CHECK_FALSE(chi_square(0.15) < 33.7); }
}

TEST_CASE("a sketch's scores are those of its sample, to the bound", "[stats]") {
  Uniforms uniform(11);
  std::vector<double> x(3000);
  for (double& v : x) v = 20.0 + 300.0 * normal(uniform);  // crosses 0, wide and narrow bins
  for (std::size_t i = 0; i < 500; ++i) x[i] = 0.0;        // a point mass
  std::sort(x.begin(), x.end());
  const auto sketch = sketch_of(x);
  const double bound = mean_width(sketch);
  CHECK(bound < 0.2);
  for (const double y : {-2000.0, -300.0, -0.001, 0.0, 7.5, 400.0, 5000.0}) {
    INFO(y);
    const auto binned = score_of(x, y);
    CHECK(std::abs(binned.crps - crps(x, y)) <= bound);
    CHECK(std::abs(binned.pit - pit(x, y)) <= 0.5 * share_in_bin(sketch, y) + 1e-12);
    CHECK_FALSE(std::abs(binned.crps - crps(x, y + 5.0)) <= bound);  // control: 5 bp off is seen
  }
}

TEST_CASE("a sketch of normal members has the closed-form CRPS, within its error", "[stats][statistical]") {
  constexpr double kSd = 40.0;
  const auto exact = [](double z) {
    const double density = std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
    const double inside = std::erf(z / std::numbers::sqrt2);
    return kSd * (z * inside + 2.0 * density - 1.0 / std::sqrt(std::numbers::pi));
  };
  constexpr int kRounds = 400;
  constexpr std::size_t kMembers = 400;
  // Standard deviation of 400 rounds: known to 3.5 %; at the median h is small and its next order counts too.
  const auto is_right = [](double error, double spread) { return std::abs(error - spread) < 0.15 * spread; };
  std::vector<std::pair<double, double>> errors;
  for (const double z : {0.0, 0.8, 2.5}) {
    Uniforms uniform(12);
    double sum = 0.0, square = 0.0, stated = 0.0;
    for (int round = 0; round < kRounds; ++round) {
      std::vector<double> x(kMembers);
      for (double& v : x) v = 100.0 + kSd * normal(uniform);
      std::sort(x.begin(), x.end());
      const auto binned = score_of(x, 100.0 + z * kSd);
      // The finite ensemble's excess, mean |x - x'| / (2 n) = sd / (sqrt(pi) n), is taken out.
      const double value = binned.crps - kSd / (std::sqrt(std::numbers::pi) * kMembers);
      sum += value;
      square += value * value;
      stated += binned.standard_error;
    }
    const double mean = sum / kRounds;
    const double spread = std::sqrt(square / kRounds - mean * mean);
    INFO(z);
    CHECK(std::abs(mean - exact(z)) < 4.0 * spread / std::sqrt(kRounds) + 0.02);  // bins: 1/32 wide
    errors.emplace_back(stated / kRounds, spread);
    CHECK(is_right(stated / kRounds, spread));
  }
  SECTION("control: half the error of a score is seen") {
    for (const auto& [error, spread] : errors) CHECK_FALSE(is_right(0.5 * error, spread));
  }
}

TEST_CASE("scores of a point mass are exact, and the bands are about the middle", "[stats]") {
  const std::vector<double> mass(9, 75.3);
  CHECK(score_of(mass, 75.3).crps == 0.0);
  CHECK(score_of(mass, 75.3).pit == 0.5);
  CHECK(score_of(mass, 70.3).crps == Approx(5.0));
  CHECK(score_of(mass, 70.3).standard_error == 0.0);
  CHECK(score_of(mass, 75.3000001).pit == Approx(0.95));  // beyond the highest: no tie, though in its bin
  CHECK(score_of({4.0}, 1.5).crps == 2.5);
  CHECK(std::isnan(score_of({4.0}, 1.5).standard_error));

  std::vector<double> even(1000);
  for (std::size_t i = 0; i < even.size(); ++i) even[i] = static_cast<double>(i) + 0.5;
  CHECK(score_of(even, 500.0).is_inside(0.5));
  CHECK(score_of(even, 260.0).is_inside(0.5));
  CHECK_FALSE(score_of(even, 240.0).is_inside(0.5));
  CHECK(score_of(even, 240.0).is_inside(0.9));
  CHECK_FALSE(score_of(even, 960.0).is_inside(0.9));
}

#if defined(REPOQUAKE_CONTRACTS) && REPOQUAKE_CONTRACTS
TEST_CASE("scores refuse an empty or unsorted ensemble", "[stats]") {
  const std::vector<double> unsorted{2.0, 1.0};
  CHECK_THROWS_AS(crps({}, 0.0), repoquake::LogicError);
  CHECK_THROWS_AS(pit({}, 0.0), repoquake::LogicError);
  CHECK_THROWS_AS(crps(unsorted, 0.0), repoquake::LogicError);
}
#endif
