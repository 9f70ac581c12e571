// September 2019 against the figures published with the model (docs/model.md, "What it reproduces"), 8,000 paths.

#include <cmath>

#include <catch2/catch.hpp>

#include "unit/engine/fixtures.hpp"

using namespace repoquake;
using engine::PathFeature;
using fixtures::september;

namespace {

engine::RunSummary replay(std::vector<std::string> settings = {}) {
  settings.emplace_back("output.paths=none");
  engine::Sink nowhere;
  return engine::run(september(settings, 8000), {}, nowhere);
}

/// A row of published quantiles; what 8,000 paths of another generator may differ by.
struct Published {
  double p5, p25, median, p75, p95;

  [[nodiscard]] bool agrees(const engine::OnlineStats& stats, PathFeature f, double shift = 0.0) const {
    const double width = p95 - p5;
    const auto at = [&](double p) { return stats.quantile(f, p); };
    const bool median_agrees =
        std::abs(at(0.50).value + shift - median) <= 0.1 * width + 3.0 * at(0.50).standard_error();
    return median_agrees && std::abs(at(0.05).value + shift - p5) <= 0.2 * width &&
           std::abs(at(0.95).value + shift - p95) <= 0.2 * width;
  }
};

double median(const engine::RunSummary& run, Variable v, std::size_t day) {
  const auto& all = run.manifest.statistics;
  return run.stats.quantile(static_cast<std::size_t>(std::ranges::find(all, v) - all.begin()), day, 0.5).value;
}

constexpr std::size_t k16 = 3, k17 = 4, k18 = 5, k19 = 6, k20 = 7, k25 = 10, k30 = 13;

}  // namespace

TEST_CASE("September 2019 gives the published quantiles", "[replay]") {
  const auto run = replay();
  const Published peak{33, 73, 192, 367, 618};
  const Published peak_p99{77, 172, 432, 781, 1406};
  const Published position{-15, -1, 0, 0, 0};
  CHECK(peak.agrees(run.stats, PathFeature::peak_spread));
  CHECK(peak_p99.agrees(run.stats, PathFeature::peak_p99_spread));
  CHECK(position.agrees(run.stats, PathFeature::position_change));
  CHECK_FALSE(peak.agrees(run.stats, PathFeature::peak_spread, 80.0));  // control: 80 bp off is seen

  // Medians by day: within the larger of 1 bp and 10 %, which covers 3 standard errors of 8,000 paths.
  const std::vector<std::pair<std::size_t, double>> days{{k16, 29}, {k17, 188}, {k18, 33}, {k19, 18},
                                                         {k20, 12}, {k25, 4},   {k30, 29}};
  for (const auto& [day, published] : days) {
    INFO("day " << day);
    CHECK(std::abs(median(run, Variable::spread, day) - published) <= std::max(1.0, 0.1 * published));
  }
  CHECK(median(run, Variable::reserves, k18) == Approx(1402.0).margin(5.0));
  CHECK(median(run, Variable::repo_operations, k30) == Approx(239.0).margin(1.0));
}

TEST_CASE("September 2019 fits what was observed where the model says it does", "[replay]") {
  const auto run = replay();
  const auto peak = [&](double p) { return run.stats.quantile(PathFeature::peak_spread, p).value; };
  const auto peak_p99 = [&](double p) { return run.stats.quantile(PathFeature::peak_p99_spread, p).value; };
  CHECK((peak(0.25) < 315.0 && 315.0 < peak(0.85)));
  CHECK((peak_p99(0.25) < 690.0 && 690.0 < peak_p99(0.85)));
  CHECK((150.0 < peak(0.5) && peak(0.5) < 450.0));
  CHECK((15.0 < median(run, Variable::spread, k16) && median(run, Variable::spread, k16) < 60.0));
  CHECK((20.0 < median(run, Variable::spread, k18) && median(run, Variable::spread, k18) < 70.0));
  CHECK((5.0 < median(run, Variable::spread, k19) && median(run, Variable::spread, k19) < 25.0));
  CHECK((0.0 < median(run, Variable::spread, k20) && median(run, Variable::spread, k20) < 15.0));
  const auto& all = run.manifest.statistics;
  const auto spread = static_cast<std::size_t>(std::ranges::find(all, Variable::spread) - all.begin());
  CHECK((run.stats.quantile(spread, k30, 0.50).value < 55.0 && 55.0 < run.stats.quantile(spread, k30, 0.97).value));
  CHECK(median(run, Variable::repo_operations, k30) == Approx(195.0).margin(45.0));
  CHECK(std::abs(median(run, Variable::reserves, k18) - 1385.0) <= 20.0);
  CHECK(run.stats.quantile(PathFeature::position_change, 0.5).value >= -5.0);
  CHECK(run.stats.flag_days()[0] == 0);  // everything cleared
}

TEST_CASE("September 2019 counterfactuals with the need re-inverted", "[replay]") {
  const std::vector<std::string> facility{"policy.standing_repo.enabled=true", "policy.standing_repo.rate=iorb + 15 bp",
                                          "policy.standing_repo.cap=500 bn USD"};
  const auto near = [](double value, double published, double se) {
    return std::abs(value - published) <= 0.1 * published + 3.0 * se;
  };
  const auto check = [&](std::vector<std::string> settings, double spread, double srf) {
    const auto run = replay(std::move(settings));
    const auto peak = run.stats.quantile(PathFeature::peak_spread, 0.5);
    const auto used = run.stats.quantile(PathFeature::standing_repo_peak, 0.5);
    CAPTURE(peak.value, used.value);
    CHECK(near(peak.value, spread, peak.standard_error()));
    CHECK(near(used.value, srf, used.standard_error()));
  };
  auto stigma_90 = facility;
  stigma_90.emplace_back("policy.standing_repo.stigma=90 bp");
  auto stigma_15 = facility;
  stigma_15.emplace_back("policy.standing_repo.stigma=15 bp");
  check(stigma_90, 37, 26);
  check(stigma_15, 21, 43);
  stigma_90.emplace_back("policy.repo_operations=[]");
  stigma_15.emplace_back("policy.repo_operations=[]");
  check(stigma_90, 193, 84);
  check(stigma_15, 84, 94);

  const auto no_fed = replay({"policy.repo_operations=[]"});
  const auto peak = no_fed.stats.quantile(PathFeature::peak_spread, 0.5);
  CHECK(near(peak.value, 888, peak.standard_error()));
  CHECK(no_fed.stats.quantile(PathFeature::position_change, 0.5).value == Approx(-56.0).margin(3.0));
  CHECK(median(no_fed, Variable::spread, k17) == Approx(192.0).margin(15.0));
}

TEST_CASE("100 bn more in the Treasury's account is tens of bp in September 2019", "[replay]") {
  const auto base = replay();
  const auto more = replay({"shocks.tga-build.size=100 bn USD"});
  CHECK(median(more, Variable::spread, k17) - median(base, Variable::spread, k17) > 20.0);
  CHECK(median(base, Variable::reserves, k16) - median(more, Variable::reserves, k16) == Approx(100.0).margin(1.0));
}
