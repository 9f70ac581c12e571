// Autumn 2025 against the figures published with the model (docs/model.md, "What it reproduces"), 8,000 paths.

#include "published.hpp"

using namespace repoquake;
using namespace repoquake::replay;

TEST_CASE("autumn 2025 gives the published quantiles", "[replay]") {
  const auto replay = run("fall_2025");
  const std::vector<Row> rows{{PathFeature::peak_spread, {14, 20, 25, 31, 46}},
                              {PathFeature::peak_p99_spread, {29, 36, 42, 50, 68}},
                              {PathFeature::standing_repo_peak, {23, 39, 55, 74, 112}},
                              {PathFeature::on_rrp_peak, {33, 46, 58, 72, 100}}};
  const std::vector<Day> days{{"2025-10-28", 6},  {"2025-10-30", 9}, {"2025-10-31", 25},
                              {"2025-11-03", 10}, {"2025-11-04", 7}, {"2025-11-05", 7}};
  check(replay, rows);
  check(replay, days);
  SECTION("control: a row moved by 0.3 of its width, or another day's median, is seen") {
    check_that_it_can_fail(replay, rows);
    CHECK_FALSE(is_near_by_day(replay.spread("2025-10-31"), 9));
    CHECK_FALSE(is_near_by_day(replay.spread("2025-10-30"), 25));
  }
}

TEST_CASE("autumn 2025 fits what was observed where the model says it does", "[replay]") {
  const auto replay = run("fall_2025");
  const auto is_between = [&](double low, std::string_view date, double high) {
    return low <= replay.spread(date) && replay.spread(date) <= high;
  };
  constexpr std::string_view kMonthEnd = "2025-10-31";
  CHECK(replay.holds(32.0, 0.25, 0.85, Variable::spread, kMonthEnd));
  CHECK(replay.holds(4.35, 0.25, 0.85, Variable::sofr_p99, kMonthEnd));  // 45 bp over IORB
  CHECK(replay.holds(32.0, 0.25, 0.85, PathFeature::peak_spread));
  CHECK(replay.holds(45.0, 0.25, 0.85, PathFeature::peak_p99_spread));
  CHECK(replay.holds(50.35, 0.25, 0.75, Variable::standing_repo, kMonthEnd));
  CHECK(replay.holds(51.8, 0.25, 0.75, Variable::on_rrp, kMonthEnd));
  CHECK(is_between(8.0, "2025-11-03", 25.0));
  CHECK(is_between(4.0, "2025-11-04", 12.0));
  CHECK(is_between(0.0, "2025-11-05", 8.0));
  CHECK(replay.median(PathFeature::position_change).value >= -3.0);

  SECTION("control: the figures of the day before, or a use of 20 or 100 bn, would not fit") {
    CHECK_FALSE(replay.holds(32.0, 0.25, 0.85, Variable::spread, "2025-10-30"));
    CHECK_FALSE(replay.holds(14.0, 0.25, 0.85, Variable::spread, kMonthEnd));
    CHECK_FALSE(replay.holds(20.0, 0.25, 0.75, Variable::standing_repo, kMonthEnd));
    CHECK_FALSE(replay.holds(100.0, 0.25, 0.75, Variable::standing_repo, kMonthEnd));
    CHECK_FALSE(replay.holds(19.166, 0.25, 0.75, Variable::on_rrp, kMonthEnd));
    CHECK_FALSE(is_between(4.0, kMonthEnd, 12.0));
  }
}
