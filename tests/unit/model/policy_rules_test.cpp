#include "repoquake/model/policy_rules.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/core/flags.hpp"
#include "repoquake/model/fed_balance_sheet.hpp"
#include "unit/model/world.hpp"

using namespace repoquake;
using namespace repoquake::model;
using namespace repoquake::test;
using Catch::WithinAbs;

namespace {

constexpr double kAssets = 20000.0;

double just_above(double level) { return std::nextafter(level, 1e9); }
double just_below(double level) { return std::nextafter(level, -1e9); }

PolicyRules all_rules() {
  PolicyRules rules;
  rules.emergency_repo.in_force = rules.large_scale_repo.in_force = rules.runoff_stop.in_force = true;
  rules.reserve_purchases.in_force = rules.large_purchases.in_force = rules.rate_adjustment.in_force = true;
  return rules;
}

/// The rules alone, on days made by hand: a morning, then a close. Row 0 is the opening day.
struct Desk {
  ModelParams params = default_params(1000.0, kAssets);
  PathState state{8};
  DayContext day = ordinary_day();
  DayFlows flows = quiet_flows();
  DayOutcome out{};
  ColumnData volatility = column(60.0);  ///< of coming days

  explicit Desk(const PolicyRules& rules, Spread trend = 0.0) {
    open_policy(trend, 60.0, state.policy);
    fill_sheet(state.sheet, 2000.0, 200.0, 10.0);
    for (ColumnData* c : {&state.futures_basis, &state.yield_impact, &out.am_operations}) c->fill(0.0);
    state.am_spread.fill(trend);
    day.has_rules = true;
    day.moves_rates = true;
    day.rules = rules;
  }

  void morning() {
    ++day.row;
    flows = quiet_flows();
    flows.volatility = volatility;
    out.flags.fill(0);
    apply_policy(day, state, flows, out.offer, out.flags);
  }
  void close() { watch_markets(params, day, flows, state, out); }
  void pass() {
    morning();
    close();
  }
  void pass(int days) {
    for (int k = 0; k < days; ++k) pass();
  }
  /// A day on which the committee meets.
  void meet() {
    day.is_meeting = true;
    pass();
    day.is_meeting = false;
  }
  /// A day on which `share` of what is offered is taken.
  void pass_with_use(double share) {
    morning();
    for (std::size_t i = 0; i < kBlockPaths; ++i) out.am_operations[i] = share * out.offer[i];
    close();
  }
  [[nodiscard]] bool fired(PathFlag flag, std::size_t lane = 0) const { return (out.flags[lane] & bit(flag)) != 0; }
};

Desk emergency_desk() {
  PolicyRules rules;
  rules.emergency_repo.in_force = true;
  return Desk(rules);
}

Desk large_scale_desk() {
  PolicyRules rules;
  rules.large_scale_repo.in_force = true;
  return Desk(rules);
}

/// Run-off of 2 bn a day.
Desk runoff_desk(double trend = 0.0) {
  PolicyRules rules;
  rules.runoff_stop.in_force = true;
  Desk desk(rules, trend);
  desk.day.runoff = 2.0;
  return desk;
}

/// 0.1 months a day, R/A 10 %.
Desk reserves_desk(double trend = 0.0) {
  PolicyRules rules;
  rules.reserve_purchases.in_force = true;
  Desk desk(rules, trend);
  desk.day.months_passed = 0.1;
  return desk;
}

Desk treasuries_desk() {
  PolicyRules rules;
  rules.large_purchases.in_force = true;
  return Desk(rules);
}

Desk rates_desk(double trend = 0.0) {
  PolicyRules rules;
  rules.rate_adjustment.in_force = true;
  return Desk(rules, trend);
}

std::vector<ColumnData*> columns_of(PolicyState& p) {
  std::vector<ColumnData*> all{&p.morning_offer, &p.idle_days,     &p.large_offer_days,  &p.runoff_wait,
                               &p.purchase_wait, &p.purchase_pace, &p.large_buying_days, &p.unsettled,
                               &p.rate_shift,    &p.pending_shift, &p.rate_move};
  for (auto& c : p.spreads) all.push_back(&c);
  for (auto& c : p.volatilities) all.push_back(&c);
  return all;
}

/// What the paths carry but policy, and what the day shows.
std::vector<const ColumnData*> columns_of(const PathState& s, const DayOutcome& o) {
  std::vector<const ColumnData*> all{
      // clang-format off
      &s.structural_need, &s.transitory_need, &s.coupon_inventory, &s.tga_cash, &s.pullback, &s.fund_need, &s.mmf_cash,
      &s.precaution, &s.dealer_inventory, &s.am_spread, &s.pm_spread, &s.rate_noise, &s.opening_equity,
      &s.opening_spread, &s.funding_average, &s.margin_volatility, &s.slow_volatility, &s.futures_basis,
      &s.yield_impact, &o.need, &o.late_need, &o.drain, &o.capacity, &o.late_capacity, &o.markup, &o.am_clearing,
      &o.pm_clearing, &o.offer, &o.late_offer, &o.am_standing_repo, &o.am_operations, &o.pm_standing_repo,
      &o.pm_operations, &o.tgcr, &o.effr, &o.volume_above_srf_rate, &o.sales, &o.forced_sales, &o.spiral_ratio,
      &o.external_sales, &o.position, &o.fund_equity, &s.funds.kept, &s.funds.lost, &s.funds.total_notional,
      &s.funds.total_equity, &s.funds.weakest
      // clang-format on
  };
  for (const auto& c : o.percentiles) all.push_back(&c);
  return all;
}

bool same_bits(const ColumnData& a, const ColumnData& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

bool same_bits(const PathState& s, const DayOutcome& o, const PathState& t, const DayOutcome& q) {
  const auto a = columns_of(s, o), b = columns_of(t, q);
  for (std::size_t k = 0; k < a.size(); ++k)
    if (!same_bits(*a[k], *b[k])) return false;
  return std::memcmp(&s.sheet, &t.sheet, sizeof s.sheet) == 0 && o.flags == q.flags;
}

/// The next row of the window, and the day.
void live_on(World& w) {
  ++w.day.row;
  w.step();
}

/// A day of a tight market: everything moves.
void tight_day(World& w, Dice& dice) {
  for (ColumnData* flow : {&w.flows.tga, &w.flows.securities, &w.flows.currency, &w.flows.foreign_rrp,
                           &w.flows.other_liabilities, &w.flows.mmf_cash, &w.flows.net_coupons})
    *flow = column_of([&] { return dice.uniform(-40, 40); });
  w.flows.repo_demand = column_of([&] { return dice.chance(0.5) ? dice.uniform(0, 200) : 0.0; });
  w.flows.other_sales = column_of([&] { return dice.chance(0.5) ? dice.uniform(0, 150) : 0.0; });
  w.flows.fed_purchases = column_of([&] { return dice.chance(0.2) ? dice.uniform(0, 20) : 0.0; });
  w.flows.volatility = column_of([&] { return dice.log_uniform(50, 200); });
  for (ColumnData* draw : {&w.draws.need_shock, &w.draws.late_shock, &w.draws.pullback, &w.draws.rate_noise,
                           &w.draws.tail_width, &w.draws.other_sales})
    *draw = column_of([&] { return dice.normal(); });
  w.day.months_passed = (dice.chance(0.2) ? 3.0 : 1.0) * 12.0 / 365.0;
  w.day.runoff = 60.0 * w.day.months_passed;
  w.day.is_meeting = dice.chance(0.1);
  w.day.operation_size = dice.chance(0.3) ? dice.uniform(0, 50) : 0.0;
}

}  // namespace

// ---------------------------------------------------------------- emergency repo

TEST_CASE("emergency repo comes on the morning after a spread above the trigger, not at it", "[policy_rules]") {
  Desk desk = emergency_desk();
  desk.state.am_spread.fill(60.0);
  desk.state.am_spread[1] = just_above(60.0);
  desk.pass();
  CHECK_FALSE(desk.fired(PathFlag::emergency_repo_mornings, 0));
  CHECK(desk.fired(PathFlag::emergency_repo_mornings, 1));
  CHECK(desk.out.offer[1] == 0.0);  // that morning is over
  desk.state.am_spread.fill(0.0);
  desk.day.operation_size = 20.0;
  desk.morning();
  CHECK(desk.out.offer[0] == 20.0);
  CHECK(desk.out.offer[1] == 95.0);  // beside the scenario's own operation
  CHECK(desk.out.flags[1] == 0);     // it fired once, yesterday
}

TEST_CASE("emergency repo grows by 1.4 after full use, at 95 % of the offer and not below", "[policy_rules]") {
  for (const double use : {0.95, 1.0}) {
    Desk desk = emergency_desk();
    desk.state.am_spread.fill(61.0);
    desk.pass();
    double size = 75.0;
    for (int k = 0; k < 6; ++k) {
      desk.pass_with_use(use);
      CHECK_THAT(desk.out.offer[3], WithinAbs(size, 1e-9));
      size *= 1.4;
    }
  }
  Desk desk = emergency_desk();
  desk.state.am_spread.fill(61.0);
  desk.pass();
  for (int k = 0; k < 6; ++k) {
    desk.pass_with_use(0.9499);
    CHECK(desk.out.offer[3] == 75.0);
  }
}

TEST_CASE("emergency repo is halved after five idle mornings in a row and ends below 5 bn", "[policy_rules]") {
  Desk desk = emergency_desk();
  desk.state.am_spread.fill(61.0);
  desk.pass();
  desk.state.am_spread.fill(0.0);
  double size = 75.0;
  while (size >= 5.0) {
    for (int idle = 0; idle < 5; ++idle) {
      desk.pass_with_use(0.4999);
      CHECK(desk.out.offer[7] == size);
    }
    size *= 0.5;
  }
  CHECK(size == 75.0 / 16.0);
  desk.pass(3);
  CHECK(desk.out.offer[7] == 0.0);
  desk.state.am_spread.fill(61.0);  // and can come again, at its first size
  desk.pass();
  CHECK(desk.fired(PathFlag::emergency_repo_mornings, 7));
  desk.pass();
  CHECK(desk.out.offer[7] == 75.0);

  SECTION("a used morning starts the count again, half use is not idle") {
    desk.pass_with_use(0.6);
    for (int round = 0; round < 4; ++round) {
      for (int idle = 0; idle < 4; ++idle) desk.pass_with_use(0.0);
      desk.pass_with_use(0.5);
      CHECK(desk.out.offer[7] == 75.0);
    }
    desk.morning();
    CHECK(desk.out.offer[7] == 75.0);
  }
}

TEST_CASE("a spread above the trigger does not add to an emergency operation that runs", "[policy_rules]") {
  Desk desk = emergency_desk();
  desk.state.am_spread.fill(200.0);
  desk.pass();
  for (int k = 0; k < 3; ++k) {
    desk.pass_with_use(0.7);
    CHECK(desk.out.offer[0] == 75.0);
    CHECK_FALSE(desk.fired(PathFlag::emergency_repo_mornings));
  }
}

// ---------------------------------------------------------------- large-scale repo

TEST_CASE("large-scale repo answers a five-day rise of volatility, above 40 and not at it", "[policy_rules]") {
  Desk desk = large_scale_desk();
  desk.volatility.fill(100.0);  // over 60 before the window: exactly 40
  desk.volatility[1] = just_above(100.0);
  desk.pass();
  CHECK_FALSE(desk.fired(PathFlag::large_scale_repo, 0));
  CHECK(desk.fired(PathFlag::large_scale_repo, 1));
  desk.morning();
  CHECK(desk.out.offer[0] == 0.0);
  CHECK(desk.out.offer[1] == 500.0);
}

TEST_CASE("large-scale repo looks back five days, not four and not six", "[policy_rules]") {
  // 60 until row 0, then 90; a step by 30 to 120 on row k is a five-day rise of 60 up to row 5, of 30 after.
  for (int row = 2; row <= 8; ++row) {
    Desk desk = large_scale_desk();
    desk.state.policy.volatilities[0].fill(60.0);  // row 0 was seen by the opening
    desk.volatility.fill(90.0);
    desk.pass(row - 1);
    CHECK_FALSE(desk.fired(PathFlag::large_scale_repo));
    desk.volatility.fill(120.0);
    desk.pass();
    INFO("step on row " << row);
    CHECK(desk.fired(PathFlag::large_scale_repo) == (row <= 5));
  }
}

TEST_CASE("large-scale repo is offered for 20 mornings after the last trigger", "[policy_rules]") {
  Desk desk = large_scale_desk();
  desk.state.futures_basis.fill(15.0);
  desk.state.futures_basis[1] = just_above(15.0);
  desk.pass();
  CHECK_FALSE(desk.fired(PathFlag::large_scale_repo, 0));
  CHECK(desk.fired(PathFlag::large_scale_repo, 1));
  desk.state.futures_basis.fill(0.0);
  for (int k = 1; k <= 12; ++k) {
    desk.pass();
    CHECK(desk.out.offer[0] == 0.0);
    CHECK(desk.out.offer[1] == 500.0);
  }
  desk.state.futures_basis[1] = 16.0;  // again: the count starts anew, the rule had not ended
  desk.pass();
  CHECK(desk.out.flags[1] == 0);
  desk.state.futures_basis[1] = 0.0;
  for (int k = 1; k <= 20; ++k) {
    desk.pass();
    CHECK(desk.out.offer[1] == 500.0);
  }
  desk.pass();
  CHECK(desk.out.offer[1] == 0.0);
  desk.state.futures_basis[1] = 16.0;
  desk.pass();
  CHECK(desk.fired(PathFlag::large_scale_repo, 1));  // ended, so this is news
}

// ---------------------------------------------------------------- run-off stop

TEST_CASE("run-off stops a lag after the first meeting with a mean above 5 bp", "[policy_rules]") {
  Desk desk = runoff_desk(5.0);  // at the trigger: not above
  desk.state.policy.spreads[13][1] = 5.001;
  desk.meet();
  CHECK(desk.out.flags[0] == 0);
  CHECK(desk.fired(PathFlag::runoff_stop, 1));
  for (int day = 1; day <= 40; ++day) {
    desk.pass();
    CHECK(desk.flows.securities[0] == 0.0);
    CHECK(desk.flows.securities[1] == (day < 22 ? 0.0 : 2.0));  // what the flows contain of run-off is given back
    CHECK(desk.out.flags[1] == 0);
  }
  desk.meet();
  CHECK(desk.out.flags[1] == 0);  // it has stopped already
  CHECK(desk.flows.securities[1] == 2.0);
}

TEST_CASE("a meeting sees the mean of the 20 rows before it", "[policy_rules]") {
  for (int after = 0; after <= 22; ++after) {  // one day at 110 bp, then `after` quiet ones before the meeting
    Desk desk = runoff_desk();
    desk.state.am_spread.fill(110.0);
    desk.pass();
    desk.state.am_spread.fill(0.0);
    desk.pass(after);
    desk.state.am_spread.fill(900.0);  // the meeting's own day is not known in its morning
    desk.meet();
    INFO(after << " days after");
    CHECK(desk.fired(PathFlag::runoff_stop) == (after < 20));  // 110/20 = 5.5
  }
  Desk desk = runoff_desk(50.0);
  desk.pass(30);  // without a meeting nothing is decided
  CHECK(desk.flows.securities[0] == 0.0);
  CHECK(desk.state.policy.runoff_wait[0] < 0.0);
}

TEST_CASE("without a lag run-off stops on the day of the meeting", "[policy_rules]") {
  Desk desk = runoff_desk(6.0);
  desk.day.rules.runoff_stop.lag = 0.0;
  desk.meet();
  CHECK(desk.flows.securities[0] == 2.0);
}

// ---------------------------------------------------------------- reserve-management purchases

TEST_CASE("reserve purchases need a mean above 5 bp and reserves below 12 % of assets", "[policy_rules]") {
  Desk desk = reserves_desk(6.0);
  desk.state.sheet.reserves[1] = to_cents(0.12 * kAssets);  // not below
  desk.state.sheet.reserves[2] = to_cents(0.12 * kAssets) - 1;
  desk.state.am_spread[3] = 6.0 - 20.0;  // the mean is at 5, not above
  desk.state.am_spread[4] = 6.0 - 19.0;
  desk.pass();
  CHECK(desk.fired(PathFlag::reserve_purchases, 0));
  CHECK_FALSE(desk.fired(PathFlag::reserve_purchases, 1));
  CHECK(desk.fired(PathFlag::reserve_purchases, 2));
  CHECK_FALSE(desk.fired(PathFlag::reserve_purchases, 3));
  CHECK(desk.fired(PathFlag::reserve_purchases, 4));
  CHECK(desk.flows.securities[0] == 0.0);
  desk.day.months_passed = 0.25;
  desk.morning();
  CHECK(desk.flows.securities[0] == 10.0);  // 40 a month, a quarter of one passed
  CHECK(desk.flows.securities[1] == 0.0);
  CHECK(desk.flows.fed_purchases[0] == 0.0);  // small purchases do not move the market for Treasuries
}

TEST_CASE("reserve purchases start a lag after the trigger and are announced once", "[policy_rules]") {
  Desk desk = reserves_desk(6.0);
  desk.day.rules.reserve_purchases.lag = 7.0;
  desk.pass();
  CHECK(desk.fired(PathFlag::reserve_purchases));
  for (int day = 1; day <= 20; ++day) {
    desk.pass();
    CHECK_THAT(desk.flows.securities[0], WithinAbs(day < 7 ? 0.0 : 4.0, 1e-14));
    CHECK(desk.out.flags[0] == 0);
  }
}

TEST_CASE("reserve purchases fade over 20 days with a mean below 0 and come back", "[policy_rules]") {
  Desk desk = reserves_desk(6.0);
  desk.pass(2);
  desk.state.am_spread.fill(-6.0);
  // The mean is 6 (20 - 2k)/20 after k such days: at 0 after ten, below from the eleventh on.
  for (int k = 1; k <= 10; ++k) {
    desk.pass();
    CHECK_THAT(desk.state.policy.purchase_pace[0], WithinAbs(40.0, 1e-12));
  }
  for (int k = 1; k <= 20; ++k) {
    desk.pass();
    CHECK_THAT(desk.flows.securities[0], WithinAbs(0.1 * (40.0 - 2.0 * (k - 1)), 1e-12));
    CHECK_THAT(desk.state.policy.purchase_pace[0], WithinAbs(40.0 - 2.0 * k, 1e-12));
  }
  desk.pass(5);
  CHECK(desk.flows.securities[0] == 0.0);
  desk.state.am_spread.fill(300.0);  // again
  desk.pass();
  CHECK(desk.fired(PathFlag::reserve_purchases));
  desk.pass();
  CHECK_THAT(desk.flows.securities[0], WithinAbs(4.0, 1e-12));
}

// ---------------------------------------------------------------- large purchases

TEST_CASE("large purchases answer yields or the basis, above their levels and not at them", "[policy_rules]") {
  Desk desk = treasuries_desk();
  desk.state.futures_basis.fill(5.0);
  desk.state.yield_impact.fill(25.0);
  desk.state.yield_impact[1] = just_above(25.0);
  desk.state.yield_impact[2] = 0.0;
  desk.state.futures_basis[2] = 25.0;
  desk.state.yield_impact[3] = 0.0;
  desk.state.futures_basis[3] = just_above(25.0);
  desk.state.yield_impact[4] = 90.0;  // high, but the basis is where purchases would stop
  desk.state.futures_basis[4] = just_below(5.0);
  desk.pass();
  for (std::size_t i = 0; i < 5; ++i) CHECK(desk.fired(PathFlag::large_purchases, i) == (i == 1 || i == 3));
  CHECK(desk.flows.fed_purchases[1] == 0.0);
  desk.pass();
  for (std::size_t i = 0; i < 5; ++i) CHECK(desk.flows.fed_purchases[i] == (i == 1 || i == 3 ? 40.0 : 0.0));
}

TEST_CASE("large purchases go from 40 to 75 bn in four days, settle a day later and stop with the basis",
          "[policy_rules]") {
  Desk desk = treasuries_desk();
  desk.state.futures_basis.fill(26.0);
  desk.pass();
  CHECK(desk.fired(PathFlag::large_purchases));
  desk.state.futures_basis.fill(5.0);  // not below 5
  double yesterday = 0.0;
  for (const double size : {40.0, 40.0 + 35.0 / 3.0, 40.0 + 70.0 / 3.0, 75.0, 75.0, 75.0}) {
    desk.pass();
    CHECK_THAT(desk.flows.fed_purchases[0], WithinAbs(size, 1e-12));
    CHECK(desk.flows.securities[0] == yesterday);
    CHECK(desk.out.flags[0] == 0);
    yesterday = desk.flows.fed_purchases[0];
  }
  desk.state.futures_basis.fill(just_below(5.0));
  desk.pass();
  CHECK(desk.flows.fed_purchases[0] == 75.0);  // the close comes after the day's trades
  desk.pass();
  CHECK(desk.flows.fed_purchases[0] == 0.0);
  CHECK(desk.flows.securities[0] == 75.0);  // of the day before
  desk.pass();
  CHECK(desk.flows.securities[0] == 0.0);
  desk.state.futures_basis.fill(30.0);  // again from the first size
  desk.pass();
  CHECK(desk.fired(PathFlag::large_purchases));
  desk.pass();
  CHECK(desk.flows.fed_purchases[0] == 40.0);
}

TEST_CASE("large purchases with a ramp of one day start at full size", "[policy_rules]") {
  Desk desk = treasuries_desk();
  desk.day.rules.large_purchases.ramp = 1.0;
  desk.state.futures_basis.fill(26.0);
  desk.pass(2);
  CHECK(desk.flows.fed_purchases[0] == 75.0);
}

// ---------------------------------------------------------------- administered rates

TEST_CASE("administered rates move by a step on the day after a meeting with a mean above 5 bp", "[policy_rules]") {
  Desk desk = rates_desk(5.0);
  desk.state.policy.spreads[13][1] = 5.001;
  desk.state.am_spread[1] = 6.0;
  desk.meet();
  CHECK_FALSE(desk.fired(PathFlag::rate_adjustment, 0));
  CHECK(desk.fired(PathFlag::rate_adjustment, 1));
  CHECK(desk.state.policy.rate_shift[1] == 0.0);
  CHECK(desk.state.policy.rate_move[1] == 0.0);
  desk.pass();
  CHECK(desk.state.policy.rate_shift[0] == 0.0);
  CHECK(desk.state.policy.rate_shift[1] == -5.0);
  CHECK(desk.state.policy.rate_move[1] == -5.0);
  CHECK(desk.out.flags[1] == 0);
  desk.pass();
  CHECK(desk.state.policy.rate_shift[1] == -5.0);
  CHECK(desk.state.policy.rate_move[1] == 0.0);
  desk.meet();  // still above: another step
  CHECK(desk.fired(PathFlag::rate_adjustment, 1));
  desk.pass();
  CHECK(desk.state.policy.rate_shift[1] == -10.0);
}

TEST_CASE("a shift of rates reaches spreads by sticky customers only", "[policy_rules]") {
  Dice dice(301);
  Opening opening = opening_2019(default_params());
  opening.position = 0.0;
  World with(opening, dice);
  Dice again(301);
  World without(opening, again);
  with.day.has_rules = true;
  with.day.moves_rates = true;
  with.day.rules.rate_adjustment.in_force = true;
  with.day.rules.rate_adjustment.trigger = -50.0;
  const double sticky = with.params.dealers.sticky_share;
  double expected = 0.0;  // of the difference
  for (int row = 1; row <= 6; ++row) {
    with.day.is_meeting = row == 2;
    live_on(with);
    live_on(without);
    expected = row == 3 ? sticky * 5.0 : sticky * expected;
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      REQUIRE_THAT(with.out.am_clearing[i] - without.out.am_clearing[i], WithinAbs(0.0, 1e-9));
      REQUIRE_THAT(with.state.am_spread[i] - without.state.am_spread[i], WithinAbs(expected, 1e-9));
      REQUIRE_THAT(with.state.pm_spread[i] - without.state.pm_spread[i], WithinAbs(0.0, 1e-9));
    }
    CHECK(std::memcmp(&with.state.sheet.tga, &without.state.sheet.tga, sizeof(CentsData)) == 0);
  }
  CHECK(with.state.policy.rate_shift[0] == -5.0);
}

// ---------------------------------------------------------------- all rules

TEST_CASE("rules out of force neither fire nor act, but what was decided stands", "[policy_rules]") {
  const auto tighten = [](Desk& desk) {
    desk.state.am_spread.fill(100.0);
    desk.state.futures_basis.fill(50.0);
    desk.state.yield_impact.fill(50.0);
    desk.volatility.fill(200.0);
    desk.day.months_passed = 0.1;
    desk.day.runoff = 2.0;
  };
  Desk off(PolicyRules{}, 100.0);
  tighten(off);
  for (int k = 0; k < 30; ++k) {
    off.day.is_meeting = k % 7 == 3;
    off.pass();
    CHECK(off.out.offer[0] == 0.0);
    CHECK(off.out.flags[0] == 0);
    CHECK(off.flows.securities[0] == 0.0);
    CHECK(off.flows.fed_purchases[0] == 0.0);
    CHECK(off.state.policy.rate_shift[0] == 0.0);
  }
  off.day.rules = all_rules();  // in force from this day on: histories were kept
  off.day.is_meeting = true;
  off.pass();
  for (const auto flag : {PathFlag::emergency_repo_mornings, PathFlag::runoff_stop, PathFlag::reserve_purchases,
                          PathFlag::large_purchases, PathFlag::rate_adjustment})
    CHECK(off.fired(flag));

  Desk on(all_rules(), 100.0);
  tighten(on);
  on.meet();
  on.pass(3);
  REQUIRE(on.flows.fed_purchases[0] > 60.0);
  const double last = on.flows.fed_purchases[0];
  on.day.rules = PolicyRules{};
  on.day.is_meeting = true;
  on.pass();
  CHECK(on.out.offer[0] == 0.0);  // neither emergency nor large-scale operations
  CHECK(on.flows.fed_purchases[0] == 0.0);
  CHECK(on.flows.securities[0] == last);  // what was bought yesterday settles, nothing else
  CHECK(on.out.flags[0] == 0);
  CHECK(on.state.policy.rate_shift[0] == -5.0);
  on.pass(30);
  CHECK(on.flows.securities[0] == 2.0);  // run-off has stopped as announced
}

TEST_CASE("a day without rules does not look at the state of policy", "[policy_rules]") {
  Dice dice(302), again(302), once_more(302);
  const Opening opening = opening_2019(default_params());
  World plain(opening, dice), littered(opening, again), idle(opening, once_more);
  idle.day.has_rules = true;
  idle.day.moves_rates = true;  // the scenario has rules, none is in force
  Dice litter(303);
  for (int day = 0; day < 12; ++day) {
    for (ColumnData* c : columns_of(littered.state.policy)) *c = column_of([&] { return litter.uniform(-9e3, 9e3); });
    Dice now(static_cast<std::uint64_t>(400 + day)), now_again = now, now_once_more = now;
    tight_day(plain, now);
    tight_day(littered, now_again);
    tight_day(idle, now_once_more);
    live_on(plain);
    live_on(littered);
    live_on(idle);
    CHECK(same_bits(plain.state, plain.out, littered.state, littered.out));
    CHECK(same_bits(plain.state, plain.out, idle.state, idle.out));
  }
  idle.day.rules.emergency_repo.in_force = true;  // control: a rule in force is seen
  idle.day.rules.emergency_repo.trigger = -100.0;
  live_on(idle);
  live_on(idle);
  live_on(plain);
  live_on(plain);
  CHECK_FALSE(same_bits(plain.state, plain.out, idle.state, idle.out));
}

TEST_CASE("purchases move the market when they trade, the Fed's sheet when they settle", "[policy_rules]") {
  Dice dice(304);
  World w(opening_2019(default_params()), dice);
  w.day.has_rules = true;
  w.day.moves_rates = true;
  w.day.rules.large_purchases.in_force = true;
  w.state.futures_basis.fill(60.0);  // decays by 6 % a day, pushed down further by purchases
  live_on(w);
  REQUIRE((w.out.flags[0] & bit(PathFlag::large_purchases)) != 0);
  double bought = 0.0;
  for (int day = 0; day < 3; ++day) {
    const FedSheet before = w.state.sheet;
    const DayFlows none = quiet_flows(85.0);
    w.flows = none;
    live_on(w);
    const Cents settled = w.state.sheet.securities[0] - before.securities[0];
    CHECK(settled == to_cents(bought));
    const Cents facilities = w.state.sheet.repo_operations[0] - before.repo_operations[0] +
                             (w.state.sheet.standing_repo[0] - before.standing_repo[0]) -
                             (w.state.sheet.on_rrp[0] - before.on_rrp[0]);
    CHECK(w.state.sheet.reserves[0] - before.reserves[0] == settled + facilities);
    bought = w.flows.fed_purchases[0];
    CHECK(bought > 39.0);
    CHECK(w.out.external_sales[0] == -bought);
  }
}

TEST_CASE("the Fed's identity holds to the cent with every rule firing", "[policy_rules]") {
  Dice dice(305);
  World w(opening_2019(default_params()), dice);
  w.day.has_rules = true;
  w.day.moves_rates = true;
  w.day.rules = all_rules();
  w.day.rules.runoff_stop.lag = 3.0;
  w.day.emergency_size = 53.0;
  w.day.emergency_trigger = 60.0;
  std::uint32_t seen = 0;
  int wrong = 0, not_finite = 0;
  const FedSheet opening = w.state.sheet;
  const auto flows_before = std::make_unique<DayFlows>();
  for (int day = 0; day < 80; ++day) {
    tight_day(w, dice);
    *flows_before = w.flows;
    const FedSheet before = w.state.sheet;
    live_on(w);
    const FedSheet& s = w.state.sheet;
    const PolicyState& p = w.state.policy;
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      seen |= w.out.flags[i];
      const Cents securities = s.securities[i] - before.securities[i];
      const Cents reserves = securities + (s.repo_operations[i] - before.repo_operations[i]) -
                             to_cents(w.flows.tga[i]) - (s.on_rrp[i] - before.on_rrp[i]) -
                             to_cents(w.flows.foreign_rrp[i]) - to_cents(w.flows.currency[i]) -
                             to_cents(w.flows.other_liabilities[i]);
      wrong += s.reserves[i] - before.reserves[i] != reserves || imbalance(s, i) != 0 ||
               s.other_assets[i] != opening.other_assets[i] || securities != to_cents(w.flows.securities[i]) ||
               w.flows.tga[i] != flows_before->tga[i];
      for (const double x : {p.morning_offer[i], p.purchase_pace[i], p.unsettled[i], p.rate_shift[i]})
        not_finite += !std::isfinite(x);
    }
  }
  CHECK(wrong == 0);
  CHECK(not_finite == 0);
  for (const auto flag :
       {PathFlag::emergency_operation, PathFlag::emergency_repo_mornings, PathFlag::large_scale_repo,
        PathFlag::runoff_stop, PathFlag::reserve_purchases, PathFlag::large_purchases, PathFlag::rate_adjustment})
    CHECK((seen & bit(flag)) != 0);
}

// ---------------------------------------------------------------- the text once more, from whole histories

namespace {

/// A path's whole history; row 0 is the opening day.
struct History {
  std::vector<double> spread, volatility, basis, yield, ratio, use;  ///< use: share of the morning's offer
  std::vector<bool> meets;
};

/// What rules do on a day, and the flags they raise.
struct Acts {
  double offer = 0.0, securities = 0.0, fed_purchases = 0.0, rate_shift = 0.0;
  std::uint32_t flags = 0;
};

constexpr double kTrend = 2.0, kVolatilityBefore = 60.0, kMonths = 12.0 / 365.0, kRunoff = 2.0;

double mean_of_20(const History& h, int last) {
  double sum = 0.0;
  for (int row = last - 19; row <= last; ++row) sum += row < 0 ? kTrend : h.spread[static_cast<std::size_t>(row)];
  return sum / 20.0;
}

/// Section 4 of docs/model.md, read once more: days are looked up in the history, not counted down.
std::vector<Acts> judge(const History& h) {
  const int n = static_cast<int>(h.spread.size());
  std::vector<Acts> acts(h.spread.size());
  int last_large = -1000, announced = -1000, asked = -1000, bought_since = -1000;
  double emergency = 0.0, pace = 0.0;
  int idle = 0;
  for (int t = 1; t < n; ++t) {
    const auto row = static_cast<std::size_t>(t);
    Acts& a = acts[row];
    // Morning.
    const bool is_large = t - last_large <= 20;
    const double emergency_offer = emergency;
    a.offer = emergency_offer + (is_large ? 500.0 : 0.0);
    a.rate_shift = acts[row - 1].rate_shift - ((acts[row - 1].flags & bit(PathFlag::rate_adjustment)) != 0 ? 5.0 : 0.0);
    if (h.meets[row] && mean_of_20(h, t - 1) > 5.0) {
      a.flags |= bit(PathFlag::rate_adjustment);
      if (announced < 0) {
        announced = t;
        a.flags |= bit(PathFlag::runoff_stop);
      }
    }
    if (announced > 0 && t >= announced + 22) a.securities += kRunoff;
    if (asked > 0 && t == asked + 1) pace = 40.0;
    a.securities += pace * kMonths;
    if (bought_since > 0) a.fed_purchases = std::min(40.0 + 35.0 / 3.0 * (t - bought_since), 75.0);
    a.securities += acts[row - 1].fed_purchases;
    // Close.
    if (emergency_offer > 0.0) {
      idle = h.use[row] < 0.5 ? idle + 1 : 0;
      if (h.use[row] >= 0.95) emergency *= 1.4;
      if (idle == 5) {
        emergency *= 0.5;
        idle = 0;
      }
      if (emergency < 5.0) emergency = 0.0;
    } else if (h.spread[row] > 60.0) {
      emergency = 75.0;
      idle = 0;
      a.flags |= bit(PathFlag::emergency_repo_mornings);
    }
    const double before = t >= 5 ? h.volatility[row - 5] : kVolatilityBefore;
    if (h.volatility[row] - before > 40.0 || h.basis[row] > 15.0) {
      if (t - last_large >= 20) a.flags |= bit(PathFlag::large_scale_repo);
      last_large = t;
    }
    const double mean = mean_of_20(h, t);
    if (mean > 5.0 && h.ratio[row] < 0.12) {
      if (pace > 0.0) {
        pace = 40.0;
      } else {
        asked = t;
        a.flags |= bit(PathFlag::reserve_purchases);
      }
    } else if (mean < 0.0) {
      pace = std::max(pace - 2.0, 0.0);
    }
    if (bought_since > 0) {
      if (h.basis[row] < 5.0) bought_since = -1000;
    } else if ((h.yield[row] > 25.0 || h.basis[row] > 25.0) && h.basis[row] >= 5.0) {
      bought_since = t + 1;
      a.flags |= bit(PathFlag::large_purchases);
    }
  }
  return acts;
}

History random_history(Dice& dice, std::size_t days) {
  History h;
  double spread = kTrend, basis = 0.0, volatility = kVolatilityBefore;
  double level = dice.uniform(-4, 8);
  for (std::size_t t = 0; t < days; ++t) {
    if (dice.chance(0.02)) level = dice.uniform(-8, 12);
    spread = dice.chance(0.03) ? dice.uniform(40, 200) : level + 2.0 * dice.normal();
    basis = dice.chance(0.04) ? dice.uniform(0, 60) : 0.9 * basis;
    volatility = dice.chance(0.04) ? dice.uniform(60, 160) : 60.0 + 0.9 * (volatility - 60.0);
    h.spread.push_back(spread);
    h.volatility.push_back(volatility);
    h.basis.push_back(basis);
    h.yield.push_back(dice.chance(0.1) ? dice.uniform(0, 50) : 0.0);
    h.ratio.push_back(dice.chance(0.2) ? dice.uniform(0.12, 0.15) : dice.uniform(0.08, 0.12));
    h.use.push_back(dice.chance(0.7) ? dice.uniform(0, 0.5) : dice.uniform(0.5, 1.0));
    h.meets.push_back(t % 31 == 17);  // the same days in every lane
  }
  return h;
}

}  // namespace

TEST_CASE("histories are answered as the text says, each lane for itself", "[policy_rules]") {
  constexpr std::size_t kDays = 260;
  Dice dice(306);
  std::vector<History> histories;
  std::vector<std::vector<Acts>> expected;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    histories.push_back(random_history(dice, kDays));
    expected.push_back(judge(histories.back()));
  }
  // In the second round every lane has another neighbour, and nothing may change.
  for (const std::size_t rotation : {std::size_t{0}, std::size_t{97}}) {
    Desk desk(all_rules(), kTrend);
    desk.day.months_passed = kMonths;
    desk.day.runoff = kRunoff;
    const auto path_in = [&](std::size_t lane) { return (lane + rotation) % kBlockPaths; };
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      desk.state.policy.spreads[0][i] = histories[path_in(i)].spread[0];
      desk.state.policy.volatilities[0][i] = histories[path_in(i)].volatility[0];
    }
    std::array<std::uint32_t, kPathFlagCount> flag_days{};
    int wrong = 0;
    for (std::size_t t = 1; t < kDays; ++t) {
      for (std::size_t i = 0; i < kBlockPaths; ++i) desk.volatility[i] = histories[path_in(i)].volatility[t];
      desk.day.is_meeting = histories[0].meets[t];
      desk.morning();
      for (std::size_t i = 0; i < kBlockPaths; ++i) {
        const History& h = histories[path_in(i)];
        desk.out.am_operations[i] = h.use[t] * desk.out.offer[i];
        desk.state.am_spread[i] = h.spread[t];
        desk.state.futures_basis[i] = h.basis[t];
        desk.state.yield_impact[i] = h.yield[t];
        desk.state.sheet.reserves[i] = to_cents(h.ratio[t] * kAssets);
      }
      desk.close();
      for (std::size_t i = 0; i < kBlockPaths; ++i) {
        const Acts& a = expected[path_in(i)][t];
        const bool is_right = std::fabs(desk.out.offer[i] - a.offer) < 1e-9 &&
                              std::fabs(desk.flows.securities[i] - a.securities) < 1e-9 &&
                              std::fabs(desk.flows.fed_purchases[i] - a.fed_purchases) < 1e-9 &&
                              desk.state.policy.rate_shift[i] == a.rate_shift && desk.out.flags[i] == a.flags;
        wrong += !is_right;
        for (std::size_t k = 0; k < kPathFlagCount; ++k) flag_days[k] += (desk.out.flags[i] >> k) & 1U;
      }
    }
    CHECK(wrong == 0);
    for (std::size_t k = 9; k < kPathFlagCount; ++k) {
      INFO(kPathFlags[k].name);
      CHECK(flag_days[k] >= 100);  // every rule fires on many paths
    }
  }
}
