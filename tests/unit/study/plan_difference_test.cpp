#include <catch2/catch.hpp>

#include "repoquake/io/scenario_yaml.hpp"
#include "repoquake/plan/compile.hpp"
#include "repoquake/plan/difference.hpp"

using namespace repoquake;

namespace {

plan::Plan september(std::vector<std::string> settings) {
  settings.insert(settings.begin(), "expect=[]");
  const auto loaded = io::load_scenario(std::string(REPOQUAKE_SOURCE_DIR) + "/scenarios/sep_2019.yaml",
                                        {.overlays = {}, .settings = settings, .paths = {}, .seed = {}});
  io::require_valid(loaded);
  auto compiled = plan::compile(loaded.scenario);
  REQUIRE(compiled.plan);
  return std::move(*compiled.plan);
}

/// Days from 2019-09-11.
std::optional<std::size_t> parts(const std::vector<std::string>& settings) {
  const auto forth = plan::first_difference(september({}), september(settings));
  CHECK(plan::first_difference(september(settings), september({})) == forth);
  return forth;
}

}  // namespace

TEST_CASE("plans that ask for the same do not part", "[plan]") {
  CHECK_FALSE(parts({}));
  CHECK_FALSE(parts({"title=Another", "output.paths=none", "output.quantiles=[50 %]", "metrics=[]",
                     "output.precision=exact", "simulate.paths=17"}));
  CHECK_FALSE(parts({"shocks.tga-build.date=2019-09-20"}));  // its size is 0
}

TEST_CASE("a shock, an operation and a rate part plans from their day on", "[plan]") {
  CHECK(parts({"shocks.tga-build.size=5 bn USD"}) == 3U);
  CHECK(parts({"shocks.tga-build.size={normal: {mean: 0 bn USD, sd: 1 bn USD}}"}) == 3U);
  CHECK(parts({"policy.repo_operations=[]"}) == 4U);
  CHECK(
      parts(
          {"policy.administered_rates=[{from: 2019-08-01, iorb: 2.10 %, on_rrp: 2.00 %, target: [2.00 %, 2.25 %]}]"}) ==
      6U);
}

TEST_CASE("the opening, a parameter and the seed part plans from the opening day on", "[plan]") {
  CHECK(parts({"fed_balance_sheet.reserves=1500 bn USD"}) == 0U);
  CHECK(parts({"basis_trade.position=551 bn USD"}) == 0U);
  CHECK(parts({"model.need.shock_sd=0.02"}) == 0U);
  CHECK(parts({"simulate.seed=5"}) == 0U);
  CHECK(parts({"policy.standing_repo={enabled: true}"}) == 0U);
}

TEST_CASE("a rule parts plans from its first day, not from the opening", "[plan]") {
  const auto first = parts({"policy.rules={runoff_stop: {trigger: 4 bp, lag: 2 bd}}", "policy.meetings=[2019-09-18]"});
  REQUIRE(first);
  CHECK(*first >= 1U);
}
