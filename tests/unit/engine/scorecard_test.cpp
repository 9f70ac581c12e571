#include "repoquake/engine/scorecard.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "repoquake/stats/score.hpp"
#include "unit/engine/fixtures.hpp"

using namespace repoquake;

namespace {

constexpr double kNaN = engine::Score::kNothing;

/// Spread and reserves of September 2019 as if these had been observed; the rows that are not named were not.
engine::ScoreInputs inputs_of(std::size_t n_days, const std::vector<std::pair<std::size_t, double>>& spread) {
  engine::ScoreInputs inputs{.observed = {{Variable::spread, std::vector<double>(n_days, kNaN)},
                                          {Variable::reserves, std::vector<double>(n_days, kNaN)},
                                          {Variable::effr, std::vector<double>(n_days, 2.0)}},
                             .trend_spread = 3.0,
                             .persistence = 0.5};
  for (const auto& [row, value] : spread) inputs.observed[0].values[row] = value;
  inputs.observed[1].values[5] = 1385.0;
  return inputs;
}

std::vector<double> day_of(const std::vector<float>& table, std::size_t n_days, std::size_t day) {
  std::vector<double> values;
  for (std::size_t i = day; i < table.size(); i += n_days) values.push_back(static_cast<double>(table[i]));
  std::ranges::sort(values);
  return values;
}

}  // namespace

TEST_CASE("a scorecard's CRPS, PIT and bands are those of the stored paths", "[engine]") {
  const auto plan = fixtures::september({"output.precision=exact"}, 1500);
  fixtures::MemorySink sink;
  const auto run = engine::run(plan, {.threads = 1}, sink);
  const std::size_t n_days = run.manifest.n_days();
  REQUIRE(n_days == 17);
  const auto card =
      engine::make_scorecard(run.manifest, run.stats, inputs_of(n_days, {{0, 5.0}, {3, 33.0}, {4, 315.0}, {16, 4.0}}));

  REQUIRE(card.windows.size() == 3);
  CHECK(card.windows[0].name == "2019-09-12 to 2019-10-03");
  CHECK(card.windows[1].name == "2019-09-12 to 2019-09-23");
  CHECK(card.windows[2].name == "2019-09-24 to 2019-10-03");
  REQUIRE(card.variables == std::vector{Variable::spread, Variable::reserves});  // effr has no statistics here

  const auto spread = fixtures::table_of(sink, run.manifest, Variable::spread);
  const auto crps = [&](std::size_t day, double y) { return stats::crps(day_of(spread, n_days, day), y); };
  const auto pit = [&](std::size_t day, double y) { return stats::pit(day_of(spread, n_days, day), y); };
  const auto& whole = card.at(0, 0);
  CHECK(whole.n_days == 3);
  const double exact = (crps(3, 33.0) + crps(4, 315.0) + crps(16, 4.0)) / 3.0;
  CHECK(whole.crps == Approx(exact).margin(0.1));  // the mean bin width of 17 September is below 0.25 bp
  CHECK_FALSE(whole.crps == Approx((crps(3, 33.0) + crps(4, 318.0) + crps(16, 4.0)) / 3.0).margin(0.1));  // control
  CHECK(whole.pit_mean == Approx((pit(3, 33.0) + pit(4, 315.0) + pit(16, 4.0)) / 3.0).margin(0.005));
  CHECK(whole.crps_se > 0.0);
  CHECK(card.at(0, 1).n_days == 2);
  CHECK(card.at(0, 1).crps == Approx((crps(3, 33.0) + crps(4, 315.0)) / 2.0).margin(0.15));
  CHECK(card.at(0, 2).n_days == 1);
  CHECK(card.at(1, 0).n_days == 1);
  CHECK(card.at(1, 2).n_days == 0);
  CHECK(std::isnan(card.at(1, 2).crps));

  int inside_50 = 0, inside_90 = 0;
  for (const auto& [day, y] : {std::pair{3UL, 33.0}, {4UL, 315.0}, {16UL, 4.0}}) {
    inside_50 += std::abs(pit(day, y) - 0.5) <= 0.25;
    inside_90 += std::abs(pit(day, y) - 0.5) <= 0.45;
  }
  CHECK(whole.coverage_50 == Approx(inside_50 / 3.0));
  CHECK(whole.coverage_90 == Approx(inside_90 / 3.0));
  CHECK(whole.coverage_90_se > 0.0);  // three of three claim no certainty
}

TEST_CASE("benchmarks know the opening and nothing else", "[engine]") {
  const auto plan = fixtures::september({"output.paths=none"}, 300);
  engine::Sink nowhere;
  const auto run = engine::run(plan, {.threads = 1}, nowhere);
  const auto card = engine::make_scorecard(run.manifest, run.stats, inputs_of(17, {{0, 11.0}, {1, 10.0}, {2, 20.0}}));
  const auto& spread = card.at(0, 0);
  CHECK(spread.crps_persistence == Approx((1.0 + 9.0) / 2.0));
  CHECK(spread.crps_reversion == Approx((3.0 + 15.0) / 2.0));  // 3 + 8 / 2 = 7, then 3 + 8 / 4 = 5
  CHECK(spread.skill() == Approx(1.0 - spread.crps / 5.0));
  CHECK(std::isnan(card.at(1, 0).crps_persistence));  // reserves: the opening was not observed
  CHECK(std::isnan(card.at(1, 0).crps_reversion));
  CHECK(std::isnan(card.at(1, 0).skill()));
  CHECK(engine::make_scorecard(run.manifest, run.stats, {}).variables.empty());
}

TEST_CASE("what is expected has statistics, and is not stored for it", "[engine]") {
  auto plan = fixtures::september({});
  plan.expected = {Variable::effr, Variable::sofr, Variable::effr};
  const auto manifest = engine::manifest_of(plan);
  CHECK(std::ranges::count(manifest.statistics, Variable::effr) == 1);
  CHECK(std::ranges::count(manifest.statistics, Variable::sofr) == 1);
  CHECK(std::ranges::count(manifest.variables, Variable::effr) == 0);
}
