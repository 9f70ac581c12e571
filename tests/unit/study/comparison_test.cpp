#include "repoquake/study/comparison.hpp"

#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include "repoquake/plan/difference.hpp"
#include "unit/engine/fixtures.hpp"

using namespace repoquake;
using fixtures::september;

namespace {

std::vector<plan::Plan> two(std::vector<std::string> settings, std::uint64_t paths = 1500) {
  settings.insert(settings.begin(), {"output.precision=exact", "expect=[]"});
  return {september({"output.precision=exact", "expect=[]"}, paths), september(settings, paths)};
}

study::Versus compare(const std::vector<plan::Plan>& plans, int threads = 2) {
  const auto manifest = engine::manifest_of(plans.front());
  study::Pairing pairing(manifest.variables, manifest.n_days(), manifest.metrics);
  const auto summaries =
      engine::run_together(plans, {.threads = threads}, [&](auto chunks) { pairing.absorb(chunks[0], chunks[1]); });
  auto versus =
      study::compare(study::side_of(summaries[0]), study::side_of(summaries[1]), manifest.variables, &pairing);
  versus.knows_inputs = true;
  versus.inputs_part = plan::first_difference(plans[0], plans[1]);
  return versus;
}

const study::Difference& find(const study::Versus& versus, const std::string& name) {
  const auto& all = versus.side.quantities;
  const auto found = std::ranges::find(all, name, &study::Quantity::name);
  REQUIRE(found != all.end());
  return versus.window[static_cast<std::size_t>(found - all.begin())];
}

}  // namespace

TEST_CASE("a world against itself differs in nothing, with certainty", "[study]") {
  const auto versus = compare(two({}));
  CHECK(versus.n_pairs == 1500);
  CHECK_FALSE(versus.paths_part);
  CHECK_FALSE(versus.inputs_part);
  CHECK_FALSE(versus.parts_too_early());
  for (const auto& d : versus.window) {
    if (std::isnan(d.value)) continue;
    CHECK(d.value == 0.0);
    CHECK(d.standard_error == 0.0);
  }
  CHECK(std::ranges::all_of(versus.days, [](double d) { return std::isnan(d) || d == 0.0; }));
}

TEST_CASE("paths part on the day on which their inputs do, and not before", "[study]") {
  for (const auto& [setting, row] :
       std::vector<std::pair<std::string, std::size_t>>{{"shocks.tga-build.size=20 bn USD", 3},
                                                        {"policy.repo_operations=[]", 4},
                                                        {"fed_balance_sheet.reserves=1500 bn USD", 0}}) {
    INFO(setting);
    const auto versus = compare(two({setting}, 600));
    CHECK(versus.inputs_part == row);
    REQUIRE(versus.paths_part);
    CHECK(*versus.paths_part >= row);
    CHECK(*versus.paths_part <= row + 1);
    CHECK_FALSE(versus.parts_too_early());
  }
  study::Versus early;
  early.is_paired = early.knows_inputs = true;
  early.inputs_part = 4;
  early.paths_part = 3;
  CHECK(early.parts_too_early());
  early.inputs_part.reset();
  CHECK(early.parts_too_early());
}

TEST_CASE("a paired difference is that of the two runs, with the error of the pairs", "[study]") {
  const auto plans = two({"shocks.tga-build.size=20 bn USD"});
  const auto versus = compare(plans);
  fixtures::MemorySink one, other;
  const auto base = engine::run(plans[0], {.threads = 1}, one), shocked = engine::run(plans[1], {.threads = 1}, other);
  std::vector<double> differences;
  for (std::size_t k = 0; k < one.chunks.size(); ++k) {
    const auto a = one.chunks[k].feature(engine::PathFeature::peak_spread);
    const auto b = other.chunks[k].feature(engine::PathFeature::peak_spread);
    for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(b[i] - a[i]);
  }
  const auto m = stats::moments_of(differences);
  const auto& peak = find(versus, "peak_spread");
  CHECK(peak.value == Approx(m.mean).epsilon(1e-12));
  CHECK(peak.standard_error == Approx(m.standard_error()).epsilon(1e-9));
  CHECK(peak.base.value == base.stats.moments(engine::PathFeature::peak_spread).mean);
  CHECK(peak.other.value == shocked.stats.moments(engine::PathFeature::peak_spread).mean);
  CHECK(peak.share_larger > 0.99);
  CHECK(peak.standard_error < 0.5 * peak.base.standard_error);  // the draws are shared

  // The scenario's metric of the same number says the same.
  const auto& metric = versus.window.at(engine::kPathFeatureCount + study::kPeakQuantiles.size());
  CHECK(metric.value == Approx(peak.value).margin(1e-6));
  CHECK(metric.standard_error == Approx(peak.standard_error).epsilon(1e-6));
}

TEST_CASE("a comparison has the same bits for any number of threads", "[study]") {
  const auto plans = two({"shocks.tga-build.size=20 bn USD"}, 2300);
  const auto one = compare(plans, 1), seven = compare(plans, 7);
  CHECK(fixtures::same_bytes(one.days, seven.days));
  CHECK(fixtures::same_bytes(one.days_se, seven.days_se));
  for (std::size_t k = 0; k < one.window.size(); ++k)
    CHECK((one.window[k].standard_error == seven.window[k].standard_error || std::isnan(one.window[k].standard_error)));
}

TEST_CASE("sides that do not share their draws are compared as independent", "[study]") {
  const auto plans = two({"simulate.seed=11"}, 800);
  engine::Sink nowhere;
  const auto a = study::side_of(engine::run(plans[0], {.threads = 2}, nowhere));
  const auto b = study::side_of(engine::run(plans[1], {.threads = 2}, nowhere));
  const auto versus = study::compare(a, b, a.variables, nullptr);
  CHECK_FALSE(versus.is_paired);
  const auto& peak = find(versus, "peak_spread");
  CHECK(peak.value == peak.other.value - peak.base.value);
  CHECK(peak.standard_error == Approx(std::hypot(peak.base.standard_error, peak.other.standard_error)));
  CHECK(std::isnan(peak.share_larger));
  CHECK(versus.days.size() == a.variables.size() * a.dates.size());
}
