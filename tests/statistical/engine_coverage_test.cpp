// The same coverage through the whole program: an inline scenario, the plan, the engine's ordered statistics. Three
// results of a run have laws in closed form.

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

constexpr double kZ95 = 1.6448536269514722;  // standard normal, 95 %
constexpr double kT95 = 2.1318467863266499;  // Student's t with four degrees of freedom, 95 %

/// A law of one variable on one day.
struct Law {
  Variable variable;
  std::size_t day;
  double mean, median, p95;
};

struct Stated {
  std::vector<Interval> mean, median, p95;
};

/// What 500 seeds state about the law's variable, and, where asked for, about P(spread > threshold) of day 1.
Stated states(plan::Plan plan, const Law& law, std::vector<std::vector<Interval>>* above = nullptr) {
  Stated stated;
  engine::Sink nowhere;
  for (std::uint64_t r = 0; r < kRuns; ++r) {
    plan.seed = 500'000 + r;
    const auto run = engine::run(plan, {.threads = 1}, nowhere);
    const auto& all = run.manifest.statistics;
    const auto place = static_cast<std::size_t>(std::ranges::find(all, law.variable) - all.begin());
    stated.mean.push_back(printed(run.stats.moments(place, law.day)));
    stated.median.push_back(stored(run.stats.quantile(place, law.day, 0.50)));
    stated.p95.push_back(stored(run.stats.quantile(place, law.day, 0.95)));
    for (std::size_t k = 0; above != nullptr && k < above->size(); ++k)
      (*above)[k].push_back(printed(run.stats.exceedance(k, 1)));
  }
  return stated;
}

void check(const Stated& stated, const Law& law) {
  CAPTURE(coverage(stated.mean, law.mean), coverage(stated.median, law.median), coverage(stated.p95, law.p95));
  CHECK(is_nominal(coverage(stated.mean, law.mean)));
  CHECK(is_nominal(coverage(stated.median, law.median)));
  CHECK(is_nominal(coverage(stated.p95, law.p95)));
}

void check_that_it_can_fail(const Stated& stated, const Law& law) {
  CHECK_FALSE(is_nominal(coverage(stated.mean, law.mean, 0.5)));
  CHECK_FALSE(is_nominal(coverage(stated.median, law.median, 0.5)));
  CHECK_FALSE(is_nominal(coverage(stated.p95, law.p95, 0.5)));
  CHECK_FALSE(is_nominal(coverage(stated.mean, law.mean + mean_half_width(stated.mean))));
}

}  // namespace

TEST_CASE("through the engine: bank capacity is lognormal with the mean of the formula", "[statistical]") {
  const auto plan = quiet({});
  const double capacity = quiet_capacity(plan);
  const double sigma = plan.params.banks.capacity_dispersion;
  const auto at = [&](double z) { return capacity * std::exp(sigma * z - 0.5 * sigma * sigma); };
  const Law law{Variable::bank_capacity, 0, capacity, at(0.0), at(kZ95)};
  const auto stated = states(plan, law);
  check(stated, law);
  SECTION("control: half the interval of bank capacity, or a mean without -sigma^2/2, is seen") {
    check_that_it_can_fail(stated, law);
    CHECK_FALSE(is_nominal(coverage(stated.mean, capacity * std::exp(0.5 * sigma * sigma))));
  }
}

TEST_CASE("through the engine: need is its level plus a Student-t shock of four degrees", "[statistical]") {
  const auto plan = quiet({});
  const double unit = plan.params.need.shock_sd * plan.params.repo_volume * std::sqrt(0.5);  // t(4) has a variance of 2
  const Law law{Variable::repo_need, 1, 100.0, 100.0, 100.0 + unit * kT95};
  const auto stated = states(plan, law);
  check(stated, law);
  SECTION("control: half the interval of need, or a normal shock, is seen") {
    check_that_it_can_fail(stated, law);
    // A normal shock of the same variance has its 95 % quantile 9 % further out.
    CHECK_FALSE(is_nominal(coverage(stated.p95, 100.0 + unit * std::sqrt(2.0) * kZ95)));
  }
}

TEST_CASE("through the engine: without need the reported spread is the floor plus normal noise", "[statistical]") {
  const auto plan = quiet({"market.need=0 bn USD", "model.need.shock_sd=0", "model.need.late_shock_sd=0"});
  const auto& noise = plan.params.dispersion;
  const double sd = noise.noise_sd * std::sqrt(1.0 - noise.noise_persistence * noise.noise_persistence);
  constexpr double kFloor = -10.0;  // ON RRP rate less IORB, bp
  const Law law{Variable::spread, 1, kFloor, kFloor, kFloor + sd * kZ95};
  const auto probability = [&](double threshold) {
    return 0.5 * std::erfc((threshold - kFloor) / sd / std::sqrt(2.0));
  };
  std::vector<std::vector<Interval>> above(2);
  const auto stated = states(plan, law, &above);
  check(stated, law);
  CAPTURE(coverage(above[0], 0.5), coverage(above[1], probability(-8.5)));
  CHECK(is_nominal(coverage(above[0], 0.5)));
  CHECK(is_nominal(coverage(above[1], probability(-8.5))));
  SECTION("control: half the interval of the spread, or a probability a third larger, is seen") {
    check_that_it_can_fail(stated, law);
    CHECK_FALSE(is_nominal(coverage(above[0], 0.5, 0.5)));
    CHECK_FALSE(is_nominal(coverage(above[1], probability(-8.5) * 4.0 / 3.0)));
  }
}
