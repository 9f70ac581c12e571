// Indices, effects and correlations against functions whose own are known: the errors over independent seeds, and how
// often the stated limits hold the truth.

#include "repoquake/study/sensitivity.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "intervals.hpp"
#include "repoquake/stats/moments.hpp"
#include "unit/study/test_functions.hpp"

using namespace repoquake;
using namespace repoquake::statistical;
using namespace repoquake::study;
using namespace repoquake::test;

namespace {

constexpr std::uint64_t kFirstSeed = 80'000;
constexpr std::size_t kResamples = 400;

/// As saltelli(), of independent base samples.
Design independent_groups(std::size_t n, std::size_t factors, std::uint64_t seed) {
  const Design base = independent_points(n, 2 * factors, seed);
  Design design{factors, {}};
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t member = 0; member < saltelli_group(factors); ++member)
      for (std::size_t j = 0; j < factors; ++j)
        design.points.push_back(base.point(k)[member == 1 || member == j + 2 ? factors + j : j]);
  return design;
}

/// Errors of all indices, by index, over the seeds.
template <class Design>
std::vector<stats::Moments> errors(const KnownIndices& known, Design design, std::size_t n, std::size_t seeds) {
  const std::size_t factors = known.first.size();
  std::vector<std::vector<double>> misses(2 * factors);
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const auto y = outputs(design(n, factors, kFirstSeed + seed), known.function);
    const SobolIndices found = sobol_indices(y, factors, {.seed = seed, .resamples = 2});
    for (std::size_t i = 0; i < factors; ++i) {
      misses[2 * i].push_back(found.first[i].value - known.first[i]);
      misses[2 * i + 1].push_back(found.total[i].value - known.total[i]);
    }
  }
  std::vector<stats::Moments> moments(misses.size());
  std::ranges::transform(misses, moments.begin(), [](const auto& m) { return stats::moments_of(m); });
  return moments;
}

double largest_bias_in_errors(const std::vector<stats::Moments>& errors) {
  double largest = 0.0;
  for (const auto& e : errors) largest = std::max(largest, std::fabs(e.mean) / e.standard_error());
  return largest;
}

double largest_sd(const std::vector<stats::Moments>& errors) {
  double largest = 0.0;
  for (const auto& e : errors) largest = std::max(largest, e.sd());
  return largest;
}

struct Claim {
  std::string name;
  double truth;
  std::vector<Interval> limits;

  void add(const stats::Estimate& e) { limits.push_back({e.lo, e.hi}); }
};

std::vector<Claim> claims_named(const std::string& name, const std::vector<double>& truths) {
  std::vector<Claim> claims(truths.size());
  for (std::size_t i = 0; i < truths.size(); ++i) claims[i] = {name + " " + std::to_string(i), truths[i], {}};
  return claims;
}

/// Limits of all indices.
template <class Design>
std::vector<Claim> claims_of_indices(const KnownIndices& known, Design design, std::size_t n,
                                     std::uint64_t runs = kRuns) {
  const std::size_t factors = known.first.size();
  std::vector<Claim> claims = claims_named("first", known.first);
  const std::vector<Claim> total = claims_named("total", known.total);
  claims.insert(claims.end(), total.begin(), total.end());
  for (std::uint64_t run = 0; run < runs; ++run) {
    const auto y = outputs(design(n, factors, kFirstSeed + run), known.function);
    const SobolIndices found = sobol_indices(y, factors, {.seed = run, .resamples = kResamples});
    for (std::size_t i = 0; i < factors; ++i) {
      claims[i].add(found.first[i]);
      claims[factors + i].add(found.total[i]);
    }
  }
  return claims;
}

/// Of 4 u0 u1: mean 2, as in the unit tests.
std::vector<Claim> claims_of_effects(std::size_t trajectories) {
  std::vector<Claim> claims = claims_named("effect", {2.0, 2.0});
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    const Design design = morris(trajectories, 2, kFirstSeed + run);
    const auto y = outputs(design, [](Point u) { return 4.0 * u[0] * u[1]; });
    const auto found = elementary_effects(design, y, {.seed = run, .resamples = kResamples});
    for (std::size_t i = 0; i < 2; ++i) claims[i].add(found[i].mu_star);
  }
  return claims;
}

template <class Design>
std::vector<Claim> claims_of_correlations(Design design, std::size_t n) {
  const NormalSum sum{{2.0, -1.0, 0.0, 1.5}};
  std::vector<Claim> claims = claims_named("correlation", sum.partial_rank_correlations());
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    const auto points = design(n, std::size_t{4}, kFirstSeed + run);
    const auto found = partial_rank_correlations(without_last_input(points), outputs(points, sum));
    for (std::size_t i = 0; i < claims.size(); ++i) claims[i].add(found.inputs[i]);
  }
  return claims;
}

void check(const std::vector<Claim>& claims) {
  for (const auto& c : claims) {
    INFO(c.name << ": " << coverage(c.limits, c.truth));
    CHECK(is_nominal(coverage(c.limits, c.truth)));
  }
}

void check_that_it_can_fail(const std::vector<Claim>& claims) {
  for (const auto& c : claims) {
    INFO(c.name);
    CHECK(coverage(c.limits, c.truth, 0.5) < 0.92);
    CHECK(coverage(c.limits, c.truth, 2.0) > 0.98);
    CHECK_FALSE(is_nominal(coverage(c.limits, c.truth + mean_half_width(c.limits))));
  }
}

/// Limits made for independent points hold the truth at least as often where points are more even.
void check_at_least(const std::vector<Claim>& claims) {
  for (const auto& c : claims) {
    INFO(c.name << ": " << coverage(c.limits, c.truth));
    CHECK(coverage(c.limits, c.truth) >= 0.92);
  }
}

}  // namespace

TEST_CASE("indices are unbiased over the seeds, and right to 0.016 from 1024 base samples", "[statistical]") {
  constexpr std::size_t kSeeds = 40;
  for (const KnownIndices& known : {ishigami(), sobol_g({0.0, 1.0, 4.5, 9.0}), polynomial()}) {
    const auto found = errors(known, saltelli, 1024, kSeeds);
    CHECK(largest_bias_in_errors(found) < 4.0);
    CHECK(largest_sd(found) < 0.016);
  }
  SECTION("control: independent points are twice as far off and more, another function is biased") {
    CHECK(largest_sd(errors(ishigami(), independent_groups, 1024, kSeeds)) > 0.03);
    KnownIndices other = ishigami();
    other.first[0] += 0.01;
    CHECK(largest_bias_in_errors(errors(other, saltelli, 1024, kSeeds)) > 4.0);
  }
}

TEST_CASE("the 95 % limits of indices hold the exact ones in 92 to 98 % of runs", "[statistical]") {
  const auto claims = claims_of_indices(polynomial(), independent_groups, 256);
  check(claims);
  SECTION("control: half or twice the limits of an index, or another index, is seen") {
    check_that_it_can_fail(claims);
  }
}

TEST_CASE("over Sobol points the limits of indices hold the exact ones in more than 92 % of runs", "[statistical]") {
  const auto claims = claims_of_indices(polynomial(), saltelli, 256);
  check_at_least(claims);
  check_at_least(claims_of_indices(sobol_g(), saltelli, 1024, 100));
  SECTION("control: limits a fiftieth as wide do not") {
    for (const auto& c : claims) CHECK(coverage(c.limits, c.truth, 0.02) < 0.92);
  }
}

TEST_CASE("the 95 % limits of mean elementary effects hold the exact ones in 92 to 98 % of runs", "[statistical]") {
  const auto claims = claims_of_effects(50);
  check(claims);
  SECTION("control: half or twice the limits of an effect, or another effect, is seen") {
    check_that_it_can_fail(claims);
  }
}

TEST_CASE("the 95 % limits of partial rank correlations hold the exact ones in 92 to 98 % of runs", "[statistical]") {
  const auto claims = claims_of_correlations(independent_points, 100);
  check(claims);
  SECTION("control: half or twice the limits of a correlation, or another one, is seen") {
    check_that_it_can_fail(claims);
  }
}

TEST_CASE("over a Latin hypercube the limits of partial rank correlations hold in more than 92 %", "[statistical]") {
  const auto claims = claims_of_correlations(latin_hypercube, 100);
  check_at_least(claims);
  SECTION("control: half the limits do not") {
    for (const auto& c : claims) CHECK(coverage(c.limits, c.truth, 0.5) < 0.92);
  }
}
