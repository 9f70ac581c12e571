#include "repoquake/study/sensitivity.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"
#include "test_functions.hpp"

using namespace repoquake;
using namespace repoquake::study;
using namespace repoquake::test;

namespace {

constexpr double kFailed = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t kSeed = 20190917;
constexpr Bootstrap kBootstrap{.seed = kSeed, .resamples = 200};

SobolIndices indices(const KnownIndices& known, std::size_t n, std::uint64_t seed = kSeed) {
  const std::size_t factors = known.first.size();
  return sobol_indices(outputs(saltelli(n, factors, seed), known.function), factors, kBootstrap);
}

bool same(const stats::Estimate& a, const stats::Estimate& b) {
  return a.value == b.value && a.standard_error == b.standard_error && a.lo == b.lo && a.hi == b.hi && a.n == b.n;
}

bool untold(const stats::Estimate& e) {
  return std::isnan(e.value) && std::isnan(e.standard_error) && std::isnan(e.lo) && std::isnan(e.hi);
}

bool holds_together(const stats::Estimate& e) {
  return e.standard_error > 0.0 && e.lo < e.value && e.value < e.hi && e.hi - e.lo < 6.0 * e.standard_error;
}

double largest_miss(const std::vector<stats::Estimate>& estimates, const std::vector<double>& truth) {
  double miss = 0.0;
  for (std::size_t i = 0; i < truth.size(); ++i) miss = std::max(miss, std::fabs(estimates[i].value - truth[i]));
  return miss;
}

/// FNV-1a over the bits of numbers.
struct Digest {
  std::uint64_t value = 0xcbf29ce484222325;

  void add(double x) { value = (value ^ std::bit_cast<std::uint64_t>(x)) * 0x100000001b3; }
  void add(const stats::Estimate& e) {
    for (const double x : {e.value, e.standard_error, e.lo, e.hi}) add(x);
  }
};

}  // namespace

TEST_CASE("designs and estimates have the same bits everywhere", "[sensitivity]") {
  const auto f = [](Point u) { return 3.0 * u[0] + u[1] * u[1] - 0.25 * u[2] * u[0]; };
  Digest designs;
  Digest found;
  for (const Design& design : {saltelli(128, 3, kSeed), morris(50, 3, kSeed), latin_hypercube(77, 3, kSeed)})
    for (const double x : design.points) designs.add(x);
  const SobolIndices indices_found = sobol_indices(outputs(saltelli(128, 3, kSeed), f), 3, kBootstrap);
  for (const auto& e : indices_found.first) found.add(e);
  for (const auto& e : indices_found.total) found.add(e);
  const Design steps = morris(50, 3, kSeed);
  for (const auto& e : elementary_effects(steps, outputs(steps, f), kBootstrap)) found.add(e.mu_star);
  const Design points = latin_hypercube(77, 3, kSeed);
  for (const auto& e : partial_rank_correlations(points, outputs(points, f)).inputs) found.add(e);
  CHECK(designs.value == 0xfb807b747ee5dfc4);
  CHECK(found.value == 0x1868f4aa5091391f);
}

TEST_CASE("indices of known functions from 4096 base samples are right to 0.01", "[sensitivity]") {
  for (const KnownIndices& known : {ishigami(), sobol_g(), polynomial()}) {
    const SobolIndices found = indices(known, 4096);
    CHECK(largest_miss(found.first, known.first) < 0.01);
    CHECK(largest_miss(found.total, known.total) < 0.01);
    CHECK(found.used == 4096);
    CHECK(found.left_out == 0);
    for (std::size_t i = 0; i < known.first.size(); ++i) {
      CHECK(holds_together(found.first[i]));
      CHECK(holds_together(found.total[i]));
      CHECK(std::fabs(found.first[i].value - known.first[i]) < 4.0 * found.first[i].standard_error);
      CHECK(std::fabs(found.total[i].value - known.total[i]) < 4.0 * found.total[i].standard_error);
    }
  }
  // The published figures, as rounded there.
  CHECK(largest_miss(indices(ishigami(), 4096).first, {0.3139, 0.4424, 0.0}) < 0.01);
  CHECK(largest_miss(indices(ishigami(), 4096).total, {0.5576, 0.4424, 0.2437}) < 0.01);
  SECTION("control: another function, or total for first order, is found out") {
    const SobolIndices found = indices(ishigami(), 4096);
    CHECK(largest_miss(found.first, ishigami(6.0).first) > 0.01);
    CHECK(largest_miss(found.first, ishigami().total) > 0.01);
    CHECK(largest_miss(found.total, ishigami().first) > 0.01);
  }
}

TEST_CASE("mean and variance of the output come with its indices", "[sensitivity]") {
  const SobolIndices found = indices(polynomial(), 4096);
  CHECK(found.mean == Approx(0.0).margin(0.01));
  CHECK(found.variance == Approx(18.0).epsilon(0.01));
}

TEST_CASE("a factor that does nothing has indices of zero, exactly, and a lone factor of one", "[sensitivity]") {
  const KnownIndices lone{[](Point u) { return 5.0 - u[1]; }, {0.0, 1.0}, {0.0, 1.0}};
  const SobolIndices found = indices(lone, 256);
  CHECK(same(found.first[0], {0.0, 0.0, 0.0, 0.0, 256}));
  CHECK(same(found.total[0], {0.0, 0.0, 0.0, 0.0, 256}));
  CHECK(found.first[1].value == Approx(1.0).epsilon(0.01));
  CHECK(found.total[1].value == Approx(1.0).epsilon(0.01));
}

TEST_CASE("the level of an output does not matter to its indices", "[sensitivity]") {
  const KnownIndices low = polynomial();
  KnownIndices high = polynomial();
  high.function = [f = low.function](Point u) { return 1e6 * (f(u) + 1e6); };
  const SobolIndices expected = indices(low, 256);
  const SobolIndices found = indices(high, 256);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(found.first[i].value == Approx(expected.first[i].value).margin(1e-8));
    CHECK(found.first[i].lo == Approx(expected.first[i].lo).margin(1e-8));
    CHECK(found.total[i].hi == Approx(expected.total[i].hi).margin(1e-8));
  }
}

TEST_CASE("limits of indices are a function of outputs, seed and number of resamples", "[sensitivity]") {
  const std::vector<double> y = outputs(saltelli(64, 3, kSeed), polynomial().function);
  const auto limits = [&](Bootstrap bootstrap) { return sobol_indices(y, 3, bootstrap).total[0]; };
  CHECK(same(limits({1, 100}), limits({1, 100})));
  CHECK_FALSE(same(limits({1, 100}), limits({2, 100})));
  CHECK_FALSE(same(limits({1, 100}), limits({1, 101})));
  CHECK(limits({1, 100}).value == limits({2, 100}).value);
}

TEST_CASE("a base sample with a failed run is left out of the indices, and counted", "[sensitivity]") {
  const std::size_t group = saltelli_group(3);
  std::vector<double> failing = outputs(saltelli(64, 3, kSeed), polynomial().function);
  std::vector<double> without;
  failing[7 * group] = kFailed;
  failing[9 * group + 1] = std::numeric_limits<double>::infinity();
  failing[9 * group + 4] = kFailed;
  failing[63 * group + 2] = kFailed;
  for (std::size_t k = 0; k < 64; ++k) {
    const auto begin = failing.begin() + static_cast<std::ptrdiff_t>(k * group);
    if (k != 7 && k != 9 && k != 63) without.insert(without.end(), begin, begin + static_cast<std::ptrdiff_t>(group));
  }
  const SobolIndices found = sobol_indices(failing, 3, kBootstrap);
  const SobolIndices expected = sobol_indices(without, 3, kBootstrap);
  CHECK(found.used == 61);
  CHECK(found.left_out == 3);
  CHECK(expected.left_out == 0);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(same(found.first[i], expected.first[i]));
    CHECK(same(found.total[i], expected.total[i]));
    CHECK(found.first[i].n == 61);
  }
}

TEST_CASE("indices that cannot be told are no numbers", "[sensitivity]") {
  SECTION("too few base samples") {
    std::vector<double> y = outputs(saltelli(kMinSobolGroups, 3, kSeed), polynomial().function);
    CHECK(holds_together(sobol_indices(y, 3, kBootstrap).total[0]));
    y[0] = kFailed;
    const SobolIndices found = sobol_indices(y, 3, kBootstrap);
    CHECK(untold(found.first[0]));
    CHECK(untold(found.total[2]));
    CHECK(found.first[0].n == kMinSobolGroups - 1);
    CHECK(found.left_out == 1);
    CHECK(std::isnan(found.variance));
    CHECK(sobol_indices({}, 3, kBootstrap).used == 0);
  }
  SECTION("a constant output") {
    for (const double level : {0.0, 0.1, 1e-170}) {
      const SobolIndices found = sobol_indices(std::vector<double>(320, level), 3, kBootstrap);
      CHECK(untold(found.first[0]));
      CHECK(untold(found.total[2]));
      CHECK(found.variance == 0.0);
      CHECK(found.mean == Approx(level));
      CHECK(found.used == 64);
    }
  }
  SECTION("an output whose squares are too small for numbers") {
    std::vector<double> y = outputs(saltelli(64, 3, kSeed), polynomial().function);
    for (double& x : y) x *= 1e-170;
    CHECK(untold(sobol_indices(y, 3, kBootstrap).first[0]));
  }
  SECTION("errors of an output that differs in one base sample only") {
    std::vector<double> y(320, 0.0);
    y[0] = 1.0;
    const SobolIndices found = sobol_indices(y, 3, kBootstrap);
    CHECK(found.total[0].value > 0.0);
    CHECK(std::isnan(found.total[0].standard_error));
    CHECK(std::isnan(found.total[0].lo));
    CHECK(found.variance > 0.0);
  }
}

TEST_CASE("elementary effects of a sum are its slopes, without scatter", "[sensitivity]") {
  const Design design = morris(10, 3, kSeed);
  const auto found =
      elementary_effects(design, outputs(design, [](Point u) { return 3.0 * u[0] - 2.0 * u[1] + 7.0; }), kBootstrap);
  const std::vector<double> slopes{3.0, -2.0, 0.0};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(found[i].mu == Approx(slopes[i]).margin(1e-12));
    CHECK(found[i].mu_star.value == Approx(std::fabs(slopes[i])).margin(1e-12));
    CHECK(found[i].mu_star.lo == Approx(std::fabs(slopes[i])).margin(1e-12));
    CHECK(found[i].mu_star.hi == Approx(std::fabs(slopes[i])).margin(1e-12));
    CHECK(found[i].mu_star.standard_error == Approx(0.0).margin(1e-12));
    CHECK(found[i].mu_star.n == 10);
    CHECK(found[i].sigma == Approx(0.0).margin(1e-12));
    CHECK(found[i].left_out == 0);
  }
}

TEST_CASE("elementary effects tell curvature and interaction from slopes", "[sensitivity][statistical]") {
  // (u0 - 1/2)^2 has effects of -1/3 and 1/3, equally often. An effect of u1 in 4 u1 u2 is 4 u2, on four levels of mean
  // 1/2 and variance 5/36.
  constexpr std::size_t kTrajectories = 1000;
  const Design design = morris(kTrajectories, 3, kSeed);
  const auto found = elementary_effects(
      design, outputs(design, [](Point u) { return (u[0] - 0.5) * (u[0] - 0.5) + 4.0 * u[1] * u[2]; }), kBootstrap);
  const double root = std::sqrt(static_cast<double>(kTrajectories));
  CHECK(found[0].mu_star.value == Approx(1.0 / 3.0).epsilon(1e-12));
  CHECK(found[0].sigma == Approx(1.0 / 3.0).epsilon(0.01));
  CHECK(std::fabs(found[0].mu) < 4.0 * found[0].sigma / root);
  for (const std::size_t i : {std::size_t{1}, std::size_t{2}}) {
    CHECK(std::fabs(found[i].mu_star.value - 2.0) < 4.0 * found[i].mu_star.standard_error);
    CHECK(found[i].mu_star.standard_error == Approx(4.0 * std::sqrt(5.0 / 36.0) / root).epsilon(0.05));
    CHECK(found[i].sigma == Approx(4.0 * std::sqrt(5.0 / 36.0)).epsilon(0.05));
    CHECK(found[i].mu == Approx(found[i].mu_star.value).epsilon(1e-12));
    CHECK(holds_together(found[i].mu_star));
  }
  SECTION("control: the mean effect of a factor on other levels is found out") {
    const Design coarse = morris(kTrajectories, 3, kSeed, 2);
    const auto other =
        elementary_effects(coarse, outputs(coarse, [](Point u) { return 4.4 * u[1] * u[2]; }), kBootstrap);
    CHECK(std::fabs(other[1].mu_star.value - 2.0) > 2.0 * other[1].mu_star.standard_error);
    CHECK(std::fabs(other[1].sigma - found[1].sigma) > 0.05 * found[1].sigma);
  }
}

TEST_CASE("a failed run takes the effects that need it, and they are counted", "[sensitivity]") {
  const Design design = morris(2, 2, kSeed);
  std::vector<double> y = outputs(design, [](Point u) { return u[0] + u[1] * u[1]; });
  y[1] = kFailed;  // both steps of the first trajectory
  auto found = elementary_effects(design, y, kBootstrap);
  for (const auto& effect : found) {
    CHECK(effect.left_out == 1);
    CHECK(effect.mu_star.n == 1);
    CHECK(effect.mu_star.value > 0.0);
    CHECK(std::isnan(effect.mu_star.standard_error));
    CHECK(std::isnan(effect.mu_star.lo));
    CHECK(std::isnan(effect.sigma));
  }
  y[3] = kFailed;  // the first step of the second trajectory
  found = elementary_effects(design, y, kBootstrap);
  CHECK(found[0].left_out + found[1].left_out == 3);
  const auto& none = found[0].mu_star.n == 0 ? found[0] : found[1];
  CHECK(untold(none.mu_star));
  CHECK(std::isnan(none.mu));
}

TEST_CASE("partial rank correlations are those of the definition", "[sensitivity]") {
  // Residuals of least squares on ranks, ties sharing theirs, computed by other means.
  const Design design{
      3, {.1, .5, .3, .2, .5, .9, .3, .1, .2, .3, .9, .8, .5, .7, .4, .6, .2, .4, .7, .2, .6, .9, .8, .1, .8, .4, .7}};
  const std::vector<double> y{3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0};
  const auto found = partial_rank_correlations(design, y);
  const std::vector<stats::Estimate> expected{
      {0.6289506544887167, 0.3307499954067896, -0.3210785288542654, 0.9480554827906834, 9},
      {-0.14812949134342937, 0.4917041190961403, -0.8125777281982164, 0.6837461922103263, 9},
      {-0.6147621931270303, 0.3391503324564386, -0.9452421820059895, 0.3381734290377816, 9}};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(found.inputs[i].value == Approx(expected[i].value).epsilon(1e-12));
    CHECK(found.inputs[i].standard_error == Approx(expected[i].standard_error).epsilon(1e-12));
    CHECK(found.inputs[i].lo == Approx(expected[i].lo).epsilon(1e-12));
    CHECK(found.inputs[i].hi == Approx(expected[i].hi).epsilon(1e-12));
    CHECK(found.inputs[i].n == 9);
  }
  CHECK(found.used == 9);
  SECTION("and see the order of outputs only") {
    std::vector<double> bent = y;
    for (double& x : bent) x = std::exp(x) - 1e4;
    const auto again = partial_rank_correlations(design, bent);
    for (std::size_t i = 0; i < 3; ++i) CHECK(same(again.inputs[i], found.inputs[i]));
  }
}

TEST_CASE("partial rank correlations of normal inputs are the analytic ones", "[sensitivity][statistical]") {
  const NormalSum sum{{2.0, -1.0, 0.5, 0.0, 1.0}};
  const std::vector<double> truth = sum.partial_rank_correlations();
  const Design design = latin_hypercube(10000, 5, kSeed);
  const auto found = partial_rank_correlations(without_last_input(design), outputs(design, sum)).inputs;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    INFO(truth[i] << ": " << found[i].value << " +- " << found[i].standard_error);
    CHECK(std::fabs(found[i].value - truth[i]) < 4.0 * found[i].standard_error);
    CHECK(std::fabs(found[i].value - truth[i]) < 0.02);
    CHECK(holds_together({found[i].value, found[i].standard_error, found[i].lo, found[i].hi, found[i].n}));
  }
  SECTION("control: plain rank correlations, or another weight, are found out") {
    CHECK(std::fabs(found[1].value - 6.0 / std::numbers::pi * std::asin(-0.5 / std::sqrt(6.25))) >
          4.0 * found[1].standard_error);
    const NormalSum other{{2.0, -1.0, 0.6, 0.0, 1.0}};
    CHECK(std::fabs(found[2].value - other.partial_rank_correlations()[2]) > 4.0 * found[2].standard_error);
  }
}

TEST_CASE("an output in the order of an input has partial rank correlation one with it alone", "[sensitivity]") {
  const Design design = latin_hypercube(50, 3, kSeed);
  for (const double sign : {1.0, -1.0}) {
    const auto found = partial_rank_correlations(design, outputs(design, [=](Point u) { return sign * u[1] * u[1]; }));
    CHECK(found.inputs[1].value == Approx(sign).epsilon(1e-12));
    CHECK(found.inputs[1].lo == Approx(sign).epsilon(1e-9));
    CHECK(found.inputs[1].hi == Approx(sign).epsilon(1e-9));
    CHECK(untold(found.inputs[0]));  // nothing is left for it
    CHECK(untold(found.inputs[2]));
  }
  // Monotone in all inputs, and far from linear.
  const auto found = partial_rank_correlations(
      design, outputs(design, [](Point u) { return std::exp(6.0 * u[0]) * u[1] * u[1] / (0.5 + u[2]); }));
  CHECK(found.inputs[0].lo > 0.75);
  CHECK(found.inputs[1].lo > 0.5);
  CHECK(found.inputs[2].hi < 0.0);
}

TEST_CASE("partial rank correlations that cannot be told are no numbers", "[sensitivity]") {
  Design design = latin_hypercube(40, 3, kSeed);
  std::vector<double> y = outputs(design, [](Point u) { return u[0] + u[1] * u[2]; });
  SECTION("failed points") {
    y[3] = y[17] = kFailed;
    const auto found = partial_rank_correlations(design, y);
    CHECK(found.left_out == 2);
    CHECK(found.used == 38);
    Design without{3, {}};
    std::vector<double> rest;
    for (std::size_t i = 0; i < 40; ++i) {
      if (i == 3 || i == 17) continue;
      without.points.insert(without.points.end(), design.point(i).begin(), design.point(i).end());
      rest.push_back(y[i]);
    }
    const auto expected = partial_rank_correlations(without, rest);
    for (std::size_t i = 0; i < 3; ++i) CHECK(same(found.inputs[i], expected.inputs[i]));
  }
  SECTION("too few points") {
    for (std::size_t i = 6; i < 40; ++i) y[i] = kFailed;
    CHECK(std::isfinite(partial_rank_correlations(design, y).inputs[0].hi));
    y[0] = kFailed;
    const auto found = partial_rank_correlations(design, y);
    CHECK(untold(found.inputs[0]));
    CHECK(found.used == 5);
    CHECK(found.left_out == 35);
    CHECK(untold(partial_rank_correlations({3, {}}, {}).inputs[2]));
  }
  SECTION("an input in the order of another") {
    for (std::size_t i = 0; i < 40; ++i) design.points[3 * i + 2] = std::exp(-design.point(i)[0]);
    const auto found = partial_rank_correlations(design, y);
    CHECK(found.collinear);
    for (const auto& input : found.inputs) CHECK(untold(input));
  }
  SECTION("a constant input") {
    for (std::size_t i = 0; i < 40; ++i) design.points[3 * i] = 0.5;
    const auto found = partial_rank_correlations(design, y);
    CHECK(found.collinear);
    CHECK_FALSE(found.constant);
    CHECK(untold(found.inputs[1]));
  }
  SECTION("a constant output") {
    const auto found = partial_rank_correlations(design, std::vector<double>(40, 0.1));
    CHECK(found.constant);
    CHECK_FALSE(found.collinear);
    CHECK(untold(found.inputs[1]));
  }
}
