// The 95 % intervals of means, quantiles and probabilities against laws known in closed form: 500 small runs of 1,024
// addressed draws each, by way of the classes that the engine uses.

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "intervals.hpp"
#include "repoquake/core/column.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/engine/simulate_block.hpp"
#include "repoquake/random/normal.hpp"

using namespace repoquake;
using namespace repoquake::statistical;

namespace {

constexpr std::uint64_t kPaths = 4 * kBlockPaths;
constexpr std::uint64_t kFirstSeed = 70'000;

/// Quantiles of the standard normal, by tables.
constexpr double kZ05 = -1.6448536269514722, kZ25 = -0.6744897501960817, kZ95 = 1.6448536269514722,
                 kZ99 = 2.3263478740408408;

struct SmallRun {
  stats::Moments moments;
  stats::QuantileSketch sketch{engine::kBinScale};
  stats::Exceedance above;

  [[nodiscard]] stats::QuantileEstimate quantile(double p) const {
    return sketch.quantile_with_limits(p, moments.min, moments.max);
  }
};

/// `law` turns a standard normal into a draw of the law. Blocks are merged as the engine merges them.
template <class Law>
std::vector<SmallRun> small_runs(Law law, double threshold) {
  std::vector<SmallRun> runs(kRuns);
  ColumnData draws;
  std::array<std::uint32_t, kBlockPaths> bins{};
  for (std::uint64_t r = 0; r < kRuns; ++r) {
    for (std::uint64_t path = 0; path < kPaths; path += kBlockPaths) {
      random::draw_normals(kFirstSeed + r, path, 3, random::Stream::bank_capacity, 0, draws);
      for (double& x : draws) x = law(x);
      engine::kBinScale.bins(draws, bins);
      runs[r].moments.merge(stats::moments_of(draws));
      runs[r].sketch.add(bins);
      runs[r].above.merge({.n = kBlockPaths, .hits = stats::count_above(draws, threshold)});
    }
  }
  return runs;
}

/// About the size of spreads and their dispersion, in bp.
double normal_law(double z) { return 20.0 + 50.0 * z; }
double lognormal_law(double z) { return 100.0 * elementary::exp(0.5 * z); }

/// A claim of the program: what it states in each run, and what is true.
struct Claim {
  std::string name;
  std::vector<Interval> intervals;
  double truth;
};

template <class Of>
Claim claim(std::string name, const std::vector<SmallRun>& runs, double truth, Of of) {
  Claim c{std::move(name), {}, truth};
  for (const auto& run : runs) c.intervals.push_back(of(run));
  return c;
}

std::vector<Claim> claims_of_means() {
  const auto mean = [](const SmallRun& run) { return printed(run.moments); };
  return {claim("normal", small_runs(normal_law, 0.0), 20.0, mean),
          claim("lognormal", small_runs(lognormal_law, 0.0), 100.0 * std::exp(0.125), mean)};
}

std::vector<Claim> claims_of_quantiles() {
  std::vector<Claim> claims;
  const auto normals = small_runs(normal_law, 0.0);
  const auto lognormals = small_runs(lognormal_law, 0.0);
  const std::vector<std::pair<double, double>> levels{{0.05, kZ05}, {0.25, kZ25}, {0.5, 0.0}, {0.95, kZ95}};
  for (const auto& [p, z] : levels) {
    const auto limits = [p = p](const SmallRun& run) { return stored(run.quantile(p)); };
    const auto error = [p = p](const SmallRun& run) { return printed(run.quantile(p)); };
    claims.push_back(claim("normal, limits, " + std::to_string(p), normals, normal_law(z), limits));
    claims.push_back(claim("normal, error, " + std::to_string(p), normals, normal_law(z), error));
    claims.push_back(claim("lognormal, limits, " + std::to_string(p), lognormals, lognormal_law(z), limits));
  }
  // Ten of 1,024 draws lie beyond: the least that the limits are made for.
  claims.push_back(claim("lognormal, limits, 0.99", lognormals, lognormal_law(kZ99),
                         [](const SmallRun& run) { return stored(run.quantile(0.99)); }));
  return claims;
}

std::vector<Claim> claims_of_probabilities() {
  std::vector<Claim> claims;
  for (const double z : {0.0, 1.0, 2.0}) {
    const double truth = 0.5 * std::erfc(z / std::sqrt(2.0));
    claims.push_back(claim("above " + std::to_string(z) + " s.d.", small_runs(normal_law, normal_law(z)), truth,
                           [](const SmallRun& run) { return printed(run.above); }));
  }
  return claims;
}

void check(const std::vector<Claim>& claims) {
  for (const auto& c : claims) {
    INFO(c.name << ": " << coverage(c.intervals, c.truth));
    CHECK(is_nominal(coverage(c.intervals, c.truth)));
  }
}

/// What must not pass: intervals half or twice as wide, and a truth two standard errors away.
void check_that_it_can_fail(const std::vector<Claim>& claims) {
  for (const auto& c : claims) {
    INFO(c.name);
    CHECK(coverage(c.intervals, c.truth, 0.5) < 0.92);
    CHECK(coverage(c.intervals, c.truth, 2.0) > 0.98);
    CHECK_FALSE(is_nominal(coverage(c.intervals, c.truth + mean_half_width(c.intervals))));
  }
}

}  // namespace

TEST_CASE("the 95 % interval of a mean holds the exact one in 92 to 98 % of runs", "[statistical]") {
  const auto claims = claims_of_means();
  check(claims);
  SECTION("control: half or twice the error of a mean, or another mean, is seen") { check_that_it_can_fail(claims); }
}

TEST_CASE("the 95 % limits of a quantile hold the exact one in 92 to 98 % of runs", "[statistical]") {
  const auto claims = claims_of_quantiles();
  check(claims);
  SECTION("control: half or twice the limits of a quantile, or another quantile, is seen") {
    check_that_it_can_fail(claims);
  }
}

TEST_CASE("the 95 % interval of a probability holds the exact one in 92 to 98 % of runs", "[statistical]") {
  const auto claims = claims_of_probabilities();
  check(claims);
  SECTION("control: half or twice the error of a probability, or another one, is seen") {
    check_that_it_can_fail(claims);
  }
}
