// Two seeds of September 2019, and two sizes: what chance may move, and by how much.

#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "unit/engine/fixtures.hpp"

using namespace repoquake;
using fixtures::september;

namespace {

engine::RunSummary run(std::vector<std::string> settings, std::uint64_t paths) {
  settings.insert(settings.end(), {"output.paths=none", "output.variables=[spread]", "expect=[]"});
  engine::Sink nowhere;
  return engine::run(september(settings, paths), {.threads = 2}, nowhere);
}

constexpr std::array kLevels{0.05, 0.25, 0.50, 0.75, 0.95};
constexpr std::array<std::size_t, 4> kDays{1, 4, 7, 13};  // a quiet day, the spike, the days after, the quarter's end

/// A number and its error.
struct Estimate {
  std::string name;
  double value;
  double error;
};

/// Means and quantiles of every feature of the window, and the probabilities of some days.
std::vector<Estimate> estimates(const engine::RunSummary& run) {
  std::vector<Estimate> all;
  for (const auto& spec : engine::kPathFeatures) {
    const auto& m = run.stats.moments(spec.feature);
    if (m.n == 0) continue;  // without meaning in 2019: there was no facility
    all.push_back({std::string(spec.name) + ", mean", m.mean, m.standard_error()});
    for (const double p : kLevels) {
      const auto q = run.stats.quantile(spec.feature, p);
      all.push_back({std::string(spec.name) + ", quantile " + std::to_string(p), q.value, q.standard_error()});
    }
  }
  for (std::size_t k = 0; k < run.manifest.thresholds.size(); ++k) {
    for (const std::size_t day : kDays) {
      const auto e = run.stats.exceedance(k, day);
      all.push_back(
          {"threshold " + std::to_string(k) + ", day " + std::to_string(day), e.probability(), e.standard_error()});
    }
  }
  return all;
}

struct Comparison {
  double largest = 0.0;  ///< distance in combined standard errors
  std::string where;
  int differ = 0;
  int beyond_four = 0;
  int without_error_differ = 0;  ///< a point mass has no error and must not move
};

Comparison compare(const std::vector<Estimate>& a, const std::vector<Estimate>& b) {
  Comparison c;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double apart = std::abs(a[i].value - b[i].value);
    const double error = std::hypot(a[i].error, b[i].error);
    c.differ += apart > 0.0;
    if (error == 0.0) {
      c.without_error_differ += apart > 0.0;
      continue;
    }
    c.beyond_four += apart > 4.0 * error;
    if (apart / error > c.largest) {
      c.largest = apart / error;
      c.where = a[i].name;
    }
  }
  return c;
}

}  // namespace

TEST_CASE("two seeds differ, and by no more than their errors", "[statistical]") {
  const auto one = estimates(run({"simulate.seed=1"}, 8000));
  const auto two = estimates(run({"simulate.seed=2"}, 8000));
  const auto seeds = compare(one, two);
  CAPTURE(seeds.largest, seeds.where, seeds.differ, one.size());
  // About 80 numbers, strongly dependent; one beyond four errors comes once in 200 pairs of seeds. Seeds are fixed.
  CHECK(seeds.beyond_four == 0);
  CHECK(seeds.without_error_differ == 0);
  CHECK(seeds.differ > 40);  // the others are point masses, such as the use of a facility that does not exist

  SECTION("control: the same draws under another name, or need shocks larger by a fifth, are seen") {
    CHECK_FALSE(compare(one, one).differ > 40);
    const auto changed = compare(one, estimates(run({"simulate.seed=2", "model.need.shock_sd=0.0156"}, 8000)));
    CAPTURE(changed.largest, changed.where, changed.beyond_four);
    CHECK(changed.beyond_four > 10);
    CHECK(changed.largest > 8.0);
  }
}

TEST_CASE("standard errors fall with the root of the number of paths", "[statistical]") {
  using engine::PathFeature;
  const auto few = run({}, 8000);
  const auto many = run({}, 32000);
  const auto is_near_two = [](double ratio, double tolerance) { return std::abs(ratio - 2.0) <= tolerance; };
  for (const auto f : {PathFeature::peak_spread, PathFeature::on_rrp_peak, PathFeature::position_change}) {
    const auto& a = few.stats.moments(f);
    const auto& b = many.stats.moments(f);
    INFO(engine::kPathFeatures[engine::index(f)].name);
    // The s.d. of an s.d. is about sqrt((kurtosis - 1)/(4 n)): 1.7 % at 8,000 paths for a kurtosis of 10.
    CHECK(is_near_two(a.standard_error() / b.standard_error(), 0.15));
  }
  for (const double p : kLevels) {
    const auto error = [p](const engine::RunSummary& run) {
      return run.stats.quantile(PathFeature::peak_spread, p).standard_error();
    };
    INFO("quantile " << p);
    // At 5 % the limits are 76 order statistics apart, and 153 with 32,000 paths: such a gap is known to 11 % and 8 %.
    CHECK(is_near_two(error(few) / error(many), 3.0 * 2.0 * 0.14));
  }
  for (std::size_t k = 0; k < few.manifest.thresholds.size(); ++k) {
    INFO("threshold " << few.manifest.thresholds[k]);
    // On the day of the spike 80 of 8,000 paths stay below 10 bp: an error from 80 is known to 6 %, from 320 to 3 %.
    CHECK(is_near_two(few.stats.exceedance(k, 4).standard_error() / many.stats.exceedance(k, 4).standard_error(),
                      3.0 * 2.0 * 0.065));
  }
  SECTION("control: what does not fall, or falls with the number of paths itself, is seen") {
    const auto& a = few.stats.moments(PathFeature::peak_spread);
    const auto& b = many.stats.moments(PathFeature::peak_spread);
    CHECK_FALSE(is_near_two(a.sd() / b.sd(), 3.0 * 2.0 * 0.14));
    CHECK_FALSE(is_near_two(std::pow(a.standard_error() / b.standard_error(), 2.0), 3.0 * 2.0 * 0.14));
  }
}
