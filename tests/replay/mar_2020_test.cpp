// March 2020 against the figures published with the model (docs/model.md, "What it reproduces"), 8,000 paths.

#include "published.hpp"

using namespace repoquake;
using namespace repoquake::replay;

TEST_CASE("March 2020 gives the published quantiles", "[replay]") {
  const auto replay = run("mar_2020");
  const std::vector<Row> rows{{PathFeature::peak_spread, {8, 13, 18, 30, 89}},
                              {PathFeature::peak_p99_spread, {22, 29, 41, 71, 214}},
                              {PathFeature::repo_operations_peak, {160, 219, 288, 389, 505}},
                              {PathFeature::on_rrp_peak, {239, 253, 268, 291, 326}},
                              {PathFeature::position_change, {-40, -28, -21, -16, -12}},
                              {PathFeature::trough_return, {-19, -13, -9, -6, -4}},
                              {PathFeature::peak_futures_basis, {16, 23, 32, 42, 66}},
                              {PathFeature::peak_yield_impact, {17, 26, 36, 48, 75}}};
  check(replay, rows);
  SECTION("control: a row moved by 0.3 of its width is seen") { check_that_it_can_fail(replay, rows); }
}

TEST_CASE("March 2020 fits what was observed where the model says it does", "[replay]") {
  const auto replay = run("mar_2020");
  const auto is_between = [&](double low, PathFeature f, double high) {
    return low <= replay.median(f).value && replay.median(f).value <= high;
  };
  CHECK(replay.holds(44.0, 0.25, 0.90, PathFeature::peak_spread));
  CHECK(replay.holds(442.0, 0.25, 0.90, PathFeature::repo_operations_peak));
  CHECK(is_between(-35.0, PathFeature::position_change, -15.0));
  CHECK(is_between(-12.0, PathFeature::trough_return, -5.0));
  CHECK(is_between(25.0, PathFeature::peak_yield_impact, 60.0));
  CHECK(replay.run.stats.flag_days()[0] == 0);  // everything cleared

  SECTION("control: the spike of September 2019, or a trade that does not unwind, would not fit") {
    CHECK_FALSE(replay.holds(315.0, 0.25, 0.90, PathFeature::peak_spread));
    CHECK_FALSE(replay.holds(10.0, 0.25, 0.90, PathFeature::peak_spread));
    CHECK_FALSE(replay.holds(202.5, 0.25, 0.90, PathFeature::repo_operations_peak));
    CHECK_FALSE(is_between(-5.0, PathFeature::position_change, 0.0));
    CHECK_FALSE(is_between(60.0, PathFeature::peak_yield_impact, 100.0));
  }
}
