// September 2019 against the figures published with the model (docs/model.md, "What it reproduces"), 8,000 paths.

#include "published.hpp"

using namespace repoquake;
using namespace repoquake::replay;

TEST_CASE("September 2019 gives the published quantiles", "[replay]") {
  const auto replay = run("sep_2019");
  const std::vector<Row> rows{{PathFeature::peak_spread, {33, 73, 192, 367, 618}},
                              {PathFeature::peak_p99_spread, {77, 172, 432, 781, 1406}},
                              {PathFeature::position_change, {-15, -1, 0, 0, 0}}};
  const std::vector<Day> days{{"2019-09-16", 29}, {"2019-09-17", 188}, {"2019-09-18", 33}, {"2019-09-19", 18},
                              {"2019-09-20", 12}, {"2019-09-25", 4},   {"2019-09-30", 29}};
  check(replay, rows);
  check(replay, days);
  CHECK(replay.median(Variable::reserves, "2019-09-18").value == Approx(1402.0).margin(5.0));
  CHECK(replay.median(Variable::repo_operations, "2019-09-30").value == Approx(239.0).margin(1.0));

  SECTION("control: a row moved by 0.3 of its width, or another day's median, is seen") {
    check_that_it_can_fail(replay, rows);
    CHECK_FALSE(is_near_by_day(replay.spread("2019-09-17"), 33));
    CHECK_FALSE(is_near_by_day(replay.spread("2019-09-18"), 188));
  }
}

TEST_CASE("September 2019 fits what was observed where the model says it does", "[replay]") {
  const auto replay = run("sep_2019");
  const auto is_between = [&](double low, std::string_view date, double high) {
    return low < replay.spread(date) && replay.spread(date) < high;
  };
  CHECK(replay.holds(315.0, 0.25, 0.85, PathFeature::peak_spread));
  CHECK(replay.holds(690.0, 0.25, 0.85, PathFeature::peak_p99_spread));
  const double peak = replay.median(PathFeature::peak_spread).value;
  CHECK((150.0 < peak && peak < 450.0));
  CHECK(is_between(15.0, "2019-09-16", 60.0));
  CHECK(is_between(20.0, "2019-09-18", 70.0));
  CHECK(is_between(5.0, "2019-09-19", 25.0));
  CHECK(is_between(0.0, "2019-09-20", 15.0));
  CHECK(replay.holds(55.0, 0.50, 0.97, Variable::spread, "2019-09-30"));
  CHECK(replay.median(Variable::repo_operations, "2019-09-30").value == Approx(195.0).margin(45.0));
  CHECK(std::abs(replay.median(Variable::reserves, "2019-09-18").value - 1385.0) <= 20.0);
  CHECK(replay.median(PathFeature::position_change).value >= -5.0);
  CHECK(replay.run.stats.flag_days()[0] == 0);  // everything cleared

  SECTION("control: a spike of 30 or 700 bp, or one of the day before, would not fit") {
    CHECK_FALSE(replay.holds(30.0, 0.25, 0.85, PathFeature::peak_spread));
    CHECK_FALSE(replay.holds(700.0, 0.25, 0.85, PathFeature::peak_spread));
    CHECK_FALSE(replay.holds(315.0, 0.25, 0.85, Variable::spread, "2019-09-16"));
    CHECK_FALSE(is_between(15.0, "2019-09-17", 60.0));
  }
}
