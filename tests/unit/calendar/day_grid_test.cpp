#include "repoquake/calendar/day_grid.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace {

using namespace repoquake::calendar;
using std::chrono::year;

constexpr Date day(int y, unsigned m, unsigned d) { return year{y} / std::chrono::month{m} / std::chrono::day{d}; }

}  // namespace

TEST_CASE("the last publication day of a period, the longest period first", "[calendar]") {
  CHECK(period_end(day(2019, 9, 30)) == PeriodEnd::quarter);
  CHECK(period_end(day(2019, 8, 30)) == PeriodEnd::month);  // a Friday; the 31st is a Saturday
  CHECK(period_end(day(2019, 8, 31)) == PeriodEnd::none);
  CHECK(period_end(day(2019, 8, 29)) == PeriodEnd::none);
  CHECK(period_end(day(2019, 12, 31)) == PeriodEnd::year);
  CHECK(period_end(day(2023, 12, 29)) == PeriodEnd::year);
  CHECK(period_end(day(2021, 12, 31)) == PeriodEnd::year);    // New Year on a Saturday is not moved
  CHECK(period_end(day(2018, 3, 29)) == PeriodEnd::quarter);  // Good Friday on 30 March
  CHECK(period_end(day(2024, 3, 28)) == PeriodEnd::quarter);  // Good Friday on 29 March
  CHECK(period_end(day(2021, 5, 28)) == PeriodEnd::month);    // Memorial Day on 31 May
  CHECK(period_end(day(2024, 2, 29)) == PeriodEnd::month);
}

TEST_CASE("the agencies' window is the 18th to the 24th", "[calendar]") {
  CHECK_FALSE(in_gse_window(day(2019, 9, 17)));
  CHECK(in_gse_window(day(2019, 9, 18)));
  CHECK(in_gse_window(day(2019, 9, 24)));
  CHECK_FALSE(in_gse_window(day(2019, 9, 25)));
}

TEST_CASE("calendar days to the next publication day", "[calendar]") {
  CHECK(calendar_days_to_next(day(2019, 9, 17)) == 1);
  CHECK(calendar_days_to_next(day(2019, 9, 13)) == 3);
  CHECK(calendar_days_to_next(day(2019, 8, 30)) == 4);   // Labor Day
  CHECK(calendar_days_to_next(day(2020, 4, 9)) == 4);    // Good Friday
  CHECK(calendar_days_to_next(day(2019, 11, 27)) == 2);  // Thanksgiving
  CHECK(calendar_days_to_next(day(2019, 9, 14)) == 2);   // from a Saturday
}

TEST_CASE("corporate tax dates move to the next publication day", "[calendar]") {
  CHECK(is_corporate_tax_date(day(2019, 9, 16)));
  CHECK_FALSE(is_corporate_tax_date(day(2019, 9, 15)));
  CHECK_FALSE(is_corporate_tax_date(day(2019, 9, 17)));
  CHECK(is_corporate_tax_date(day(2025, 9, 15)));
  CHECK(is_corporate_tax_date(day(2020, 6, 15)));
  CHECK(is_corporate_tax_date(day(2022, 4, 18)));  // the 15th was Good Friday
  CHECK(is_corporate_tax_date(day(2024, 12, 16)));
  CHECK_FALSE(is_corporate_tax_date(day(2019, 3, 15)));
  CHECK_FALSE(is_corporate_tax_date(day(2019, 7, 15)));
  for (int y = 2000; y < 2100; ++y) {
    int dates = 0;
    for (const Day& d : day_grid(day(y, 1, 1), day(y, 12, 31))) dates += d.tax_date ? 1 : 0;
    CHECK(dates == 4);
  }
}

TEST_CASE("a grid has a row per publication day and knows its own calendar", "[calendar]") {
  const auto grid = day_grid(day(2019, 9, 13), day(2019, 10, 1));
  REQUIRE(grid.size() == 13);
  CHECK(grid[0] == Day{.date = day(2019, 9, 13), .days_to_next = 3, .days_since_start = 0});
  CHECK(grid[1] == Day{.date = day(2019, 9, 16), .tax_date = true, .days_to_next = 1, .days_since_start = 3});
  CHECK(grid[3] == Day{.date = day(2019, 9, 18), .gse_window = true, .days_to_next = 1, .days_since_start = 5});
  CHECK(grid[11] ==
        Day{.date = day(2019, 9, 30), .period_end = PeriodEnd::quarter, .days_to_next = 1, .days_since_start = 17});
  for (std::size_t i = 1; i < grid.size(); ++i) {
    CHECK(grid[i].days_since_start - grid[i - 1].days_since_start == grid[i - 1].days_to_next);
  }
  const auto from_saturday = day_grid(day(2019, 9, 14), day(2019, 9, 16));
  REQUIRE(from_saturday.size() == 1);
  CHECK(from_saturday[0].days_since_start == 2);
  CHECK(day_grid(day(2019, 9, 14), day(2019, 9, 15)).empty());
  CHECK(day_grid(day(2019, 9, 17), day(2019, 9, 16)).empty());
  CHECK(day_grid(day(2019, 9, 17), day(2019, 9, 17)).size() == 1);
}

TEST_CASE("every year has one year end, four quarter ends and twelve month ends", "[calendar]") {
  for (int y = 1990; y < 2200; ++y) {
    int months = 0;
    int quarters = 0;
    int years = 0;
    int open = 0;
    for (const Day& d : day_grid(day(y, 1, 1), day(y, 12, 31))) {
      ++open;
      months += d.period_end != PeriodEnd::none ? 1 : 0;
      quarters += d.period_end == PeriodEnd::quarter || d.period_end == PeriodEnd::year ? 1 : 0;
      years += d.period_end == PeriodEnd::year ? 1 : 0;
    }
    INFO(y);
    CHECK(months == 12);
    CHECK(quarters == 4);
    CHECK(years == 1);
    CHECK(open >= 248);
    CHECK(open <= 252);
  }
}
