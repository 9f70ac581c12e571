// Limits of runs whose paths depend on each other hold the truth as often as they say; closed forms as in
// engine_coverage_test.cpp.

#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "intervals.hpp"
#include "quiet_days.hpp"
#include "repoquake/engine/run.hpp"

using namespace repoquake;
using namespace repoquake::statistical;

namespace {

constexpr double kZ95 = 1.6448536269514722;

struct Stated {
  std::vector<Interval> mean, median, p95, above, plain_mean;
  std::vector<double> crps, crps_error;
};

Interval limits(const stats::Estimate& e) { return {e.lo, e.hi}; }

/// What 500 seeds state of the spread that is the floor plus normal noise.
Stated states(const std::vector<std::string>& sampling, std::size_t day, Variable variable) {
  auto settings = sampling;
  settings.insert(settings.end(), {"market.need=0 bn USD", "model.need.shock_sd=0", "model.need.late_shock_sd=0"});
  auto plan = quiet(settings);
  Stated stated;
  engine::Sink nowhere;
  for (std::uint64_t r = 0; r < kRuns; ++r) {
    plan.seed = 700'000 + r;
    const auto run = engine::run(plan, {.threads = 1}, nowhere);
    const auto& all = run.manifest.statistics;
    const auto place = static_cast<std::size_t>(std::ranges::find(all, variable) - all.begin());
    stated.mean.push_back(limits(run.stats.mean(place, day)));
    stated.median.push_back(stored(run.stats.quantile(place, day, 0.50)));
    stated.p95.push_back(stored(run.stats.quantile(place, day, 0.95)));
    stated.above.push_back(limits(stats::estimate_probability(run.stats.exceedance(1, 1))));
    const auto& m = run.stats.moments(place, day);
    stated.plain_mean.push_back(printed(m));
    const auto score = run.stats.score(place, day, -9.0);
    stated.crps.push_back(score.crps);
    stated.crps_error.push_back(score.standard_error);
  }
  return stated;
}

}  // namespace

TEST_CASE("antithetic pairs: limits of mean, quantiles and probability are nominal", "[statistical]") {
  const auto plan = quiet({});
  const auto& noise = plan.params.dispersion;
  const double sd = noise.noise_sd * std::sqrt(1.0 - noise.noise_persistence * noise.noise_persistence);
  const auto stated = states({"simulate.antithetic=true"}, 1, Variable::spread);
  CAPTURE(coverage(stated.p95, -10.0 + sd * kZ95), coverage(stated.above, 0.5 * std::erfc(1.5 / sd / std::sqrt(2.0))));
  CHECK(is_nominal(coverage(stated.p95, -10.0 + sd * kZ95)));
  CHECK(is_nominal(coverage(stated.above, 0.5 * std::erfc(1.5 / sd / std::sqrt(2.0)))));
  CHECK(mean_half_width(stated.mean) < 1e-12);  // exact but for rounding: nothing is left to cover
  SECTION("control: limits as of independent paths, for a mean that pairs do not make exact") {
    const double capacity = quiet_capacity(plan);
    const auto of_capacity = states({"simulate.antithetic=true"}, 0, Variable::bank_capacity);
    CAPTURE(coverage(of_capacity.mean, capacity), coverage(of_capacity.plain_mean, capacity));
    CHECK(is_nominal(coverage(of_capacity.mean, capacity)));
    CHECK_FALSE(is_nominal(coverage(of_capacity.plain_mean, capacity)));
  }
}

TEST_CASE("scrambled nets: limits of mean, quantiles and probability are nominal, or wide by what counting leaves",
          "[statistical]") {
  const auto plan = quiet({});
  const auto& noise = plan.params.dispersion;
  const double sd = noise.noise_sd * std::sqrt(1.0 - noise.noise_persistence * noise.noise_persistence);
  const auto stated = states({"simulate.sampler=sobol"}, 1, Variable::spread);
  CAPTURE(coverage(stated.mean, -10.0), coverage(stated.median, -10.0), coverage(stated.p95, -10.0 + sd * kZ95),
          coverage(stated.above, 0.5 * std::erfc(1.5 / sd / std::sqrt(2.0))));
  CHECK(is_nominal(coverage(stated.mean, -10.0)));
  CHECK(coverage(stated.median, -10.0) >= 0.92);
  CHECK(coverage(stated.p95, -10.0 + sd * kZ95) >= 0.92);
  CHECK(coverage(stated.above, 0.5 * std::erfc(1.5 / sd / std::sqrt(2.0))) >= 0.92);
  SECTION("control: errors as of independent paths hold the truth always") {
    CHECK_FALSE(is_nominal(coverage(stated.plain_mean, -10.0)));
  }
}

TEST_CASE("the stated error of a score is what seeds show or wider, and far below that of independent paths",
          "[statistical]") {
  const auto rms = [](const std::vector<double>& x) {
    double sum = 0.0;
    for (const double value : x) sum += value * value;
    return std::sqrt(sum / static_cast<double>(x.size()));
  };
  const auto plain = states({}, 1, Variable::spread);
  const double independent = rms(plain.crps_error);
  for (const std::string sampling : {"simulate.antithetic=true", "simulate.sampler=sobol"}) {
    const auto stated = states({sampling}, 1, Variable::spread);
    const double seen = stats::moments_of(stated.crps).sd(), said = rms(stated.crps_error);
    CAPTURE(sampling, said, seen, independent);
    CHECK(said > 0.95 * seen);  // the spread of 500 seeds is known to 3 %
    CHECK(said < 0.5 * independent);
  }
  SECTION("control: scores of independent paths spread as widely as they say") {
    CHECK_FALSE(stats::moments_of(plain.crps).sd() < 0.5 * independent);
  }
}
