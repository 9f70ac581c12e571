#include "repoquake/model/dealers.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "unit/model/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::model;
using namespace repoquake::test;
using Catch::WithinAbs;

TEST_CASE("the mark-up is quadratic in what a day leaves of the inventory", "[dealers]") {
  const ModelParams p = default_params(1000.0);
  Dice dice(91);
  PathState s{8};
  s.dealer_inventory = column_of([&] { return dice.uniform(0, 300); });
  s.dealer_capacity_factor = column_of([&] { return std::exp(0.25 * dice.normal()); });
  const ColumnData before = s.dealer_inventory;
  DayContext day = ordinary_day();
  day.period_end_markup = 2.5;
  ColumnData markup;
  mark_up(p, day, DayFlows{}, s, markup);
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    CHECK_THAT(s.dealer_inventory[i], WithinAbs(0.92 * before[i], 1e-12));
    const double load = 0.92 * before[i] / (0.10 * 1000.0 * s.dealer_capacity_factor[i]);
    CHECK_THAT(markup[i], WithinAbs(2.5 + 20.0 * load * load, 1e-10));
  }
  s.dealer_inventory.fill(0.0);
  mark_up(p, ordinary_day(), DayFlows{}, s, markup);
  CHECK(markup[0] == 0.0);
}

TEST_CASE("an inventory left alone decays by 8 % a day", "[dealers]") {
  const ModelParams p = default_params();
  PathState s{8};
  s.dealer_inventory.fill(100.0);
  s.dealer_capacity_factor.fill(1.0);
  s.fund_need.fill(50.0);
  ColumnData markup;
  const ColumnData none = column(0);
  for (int day = 1; day <= 20; ++day) {
    mark_up(p, ordinary_day(), DayFlows{}, s, markup);
    absorb_sales(p, none, none, s);
    CHECK_THAT(s.dealer_inventory[3], WithinAbs(100.0 * std::pow(0.92, day), 1e-10));
    CHECK_THAT(s.fund_need[3], WithinAbs(50.0 * std::pow(0.93, day), 1e-10));
  }
}

TEST_CASE("dealers finance what they take on, funds no longer what they sold", "[dealers]") {
  const ModelParams p = default_params();
  Dice dice(92);
  PathState s{8};
  s.dealer_inventory = column_of([&] { return dice.uniform(0, 60); });
  s.fund_need = column_of([&] { return dice.uniform(-40, 40); });
  const ColumnData inventory = s.dealer_inventory, need = s.fund_need;
  const ColumnData sales = column_of([&] { return dice.uniform(0, 80); });
  const ColumnData external = column_of([&] { return dice.uniform(-200, 80); });
  absorb_sales(p, sales, external, s);
  int emptied = 0;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double after = std::max(inventory[i] + 0.65 * (external[i] + sales[i]), 0.0);
    emptied += after == 0.0;
    CHECK_THAT(s.dealer_inventory[i], WithinAbs(after, 1e-11));
    CHECK_THAT(s.fund_need[i], WithinAbs(0.93 * need[i] + (after - inventory[i]) - sales[i], 1e-11));
  }
  CHECK(emptied > 20);
}

TEST_CASE("sticky customers pay yesterday's rate: a change of IORB passes through their share", "[dealers]") {
  const ModelParams p = default_params();
  PathState s{8};
  DayContext day = ordinary_day();
  s.am_spread.fill(12.0);
  price_morning(p, day, column(40.0), column(2.0), s);
  CHECK_THAT(s.am_spread[0], WithinAbs(0.935 * 42.0 + 0.065 * 12.0, 1e-12));
  day.iorb_change = -30.0;
  s.am_spread.fill(12.0);
  price_morning(p, day, column(40.0), column(2.0), s);
  CHECK_THAT(s.am_spread[0], WithinAbs(0.935 * 42.0 + 0.065 * (12.0 + 30.0), 1e-12));
}

TEST_CASE("precaution rises with the day's higher rate above 20 bp and fades", "[dealers]") {
  const ModelParams p = default_params();
  PathState s{8};
  s.precaution.fill(0.0);
  s.am_spread.fill(20.0);
  s.pm_spread.fill(-5.0);
  take_precaution(p, s);
  CHECK(s.precaution[0] == 0.0);
  s.pm_spread.fill(65.0);
  take_precaution(p, s);
  const double cut = 0.15 * (1 - std::exp(-1.0));
  CHECK_THAT(s.precaution[0], WithinAbs(cut, 1e-14));
  s.am_spread.fill(3000.0);
  take_precaution(p, s);
  CHECK_THAT(s.precaution[0], WithinAbs(0.15 * (1 - std::exp(-2980.0 / 45.0)), 1e-14));
  s.am_spread.fill(0.0);
  s.pm_spread.fill(0.0);
  for (int day = 1; day <= 10; ++day) {
    take_precaution(p, s);
    CHECK_THAT(s.precaution[0], WithinAbs(0.15 * std::pow(0.7, day), 1e-13));
  }
  s.am_spread.fill(20.0 + 45.0 * 1e-3);  // little stress does not lower what is left of more
  const double left = s.precaution[0];
  take_precaution(p, s);
  CHECK_THAT(s.precaution[0], WithinAbs(0.7 * left, 1e-14));
}
