#include "repoquake/model/step_day.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include <catch2/catch.hpp>

#include "repoquake/core/flags.hpp"
#include "repoquake/model/fed_balance_sheet.hpp"
#include "repoquake/scenario/parameters.hpp"
#include "unit/count_allocations.hpp"
#include "unit/model/world.hpp"

using namespace repoquake;
using namespace repoquake::model;
using namespace repoquake::test;
using Catch::WithinAbs;
using reference::Real;

namespace {

__extension__ using Wide = __int128;

/// One path's day up to the funds', by the text, in the text's order. Reads the state as it was before the day, and of
/// the day itself only what the funds and others sold (judged in basis_trade_test).
struct Judge {
  Real z, coupons, tga, pullback, need, late_need, inventory, markup, cash, am_capacity, pm_capacity, am, pm, s_am,
      s_pm;
  Real offer, am_srf, pm_srf, am_tomo, pm_tomo, on_rrp, inventory_after, fund_need, hoarding;

  Judge(const World& w, const PathState& s, std::size_t i, Real anticipated) {
    const ModelParams& p = w.params;
    const DayContext& d = w.day;
    const DayFlows& f = w.flows;
    const Real volume = p.repo_volume;
    z = p.need.shock_persistence * Real{s.transitory_need[i]} + p.need.shock_sd * volume * w.draws.need_shock[i];
    coupons = (1 - Real{p.need.distribution_rate}) * s.coupon_inventory[i] +
              p.need.coupon_share * Real{f.net_coupons[i]} + p.need.bill_share * Real{f.net_bills[i]};
    tga = 0.9L * s.tga_cash[i] + p.need.tga_share * Real{f.tga[i]};
    const Real sd = p.need.pullback_dispersion;
    pullback = d.is_period_end        ? d.pullback_share * volume * std::exp(sd * w.draws.pullback[i] - sd * sd / 2)
               : d.follows_period_end ? p.need.pullback_carry * Real{s.pullback[i]}
                                      : 0;
    need = s.structural_need[i] + z + coupons + tga + pullback + s.fund_need[i] - d.gse_cash + f.repo_demand[i];
    inventory = (1 - Real{p.dealers.inventory_decay}) * s.dealer_inventory[i];
    const Real load = inventory / (p.dealers.capacity * volume * s.dealer_capacity_factor[i]);
    markup = d.period_end_markup + p.dealers.markup * load * load;
    cash = reference::positive(Real{s.mmf_cash[i]} + f.mmf_cash[i]);
    const Real drain = Real{f.tga[i]} + f.currency[i] + f.foreign_rrp[i] + f.other_liabilities[i] - f.securities[i];
    const auto bn = [](Cents c) { return static_cast<Real>(c) / 1e11L; };
    const Real reserves = bn(s.sheet.reserves[i]);
    am_capacity =
        reference::capacity(p, reserves - anticipated * drain, f.volatility[i], s.precaution[i], s.capacity_factor[i]);
    const SessionTerms morning = session_terms(p, d, d.standing_repo_am);
    am = reference::root(morning, {need, cash, am_capacity, markup, d.operation_size});
    am_srf = d.standing_repo_am ? reference::standing_repo(morning, am + markup) : 0;
    am_tomo = reference::operation(morning, d.operation_size, am + markup);
    const Real chi = p.dealers.sticky_share;
    s_am = (1 - chi) * (am + markup) + chi * (s.am_spread[i] - Real{d.iorb_change});
    late_need = need + p.need.late_shock_sd * volume * w.draws.late_shock[i];
    offer = d.operation_size + (s_am > d.emergency_trigger ? d.emergency_size : 0);
    pm_capacity = reference::capacity(
        p, reserves - drain + (am_srf - bn(s.sheet.standing_repo[i])) + (am_tomo - bn(s.sheet.repo_operations[i])),
        f.volatility[i], s.precaution[i], s.capacity_factor[i]);
    const SessionTerms afternoon = session_terms(p, d, d.standing_repo_pm);
    pm = reference::root(afternoon, {late_need, cash, pm_capacity, markup, offer});
    pm_srf = d.standing_repo_pm ? reference::standing_repo(afternoon, pm + markup) : 0;
    pm_tomo = reference::operation(afternoon, offer, pm + markup);
    s_pm = pm + markup;
    const Real lent = reference::saturating(cash, p.money_funds.switching_scale, d.floor, std::min(am, pm));
    on_rrp = reference::positive(cash - lent) + (d.is_period_end ? p.money_funds.unplaceable_share * pullback : 0);
    const Real sales = w.out.sales[i];
    inventory_after =
        reference::positive(inventory + p.dealers.first_absorption * (Real{w.out.external_sales[i]} + sales));
    fund_need = 0.93L * s.fund_need[i] + (inventory_after - inventory) - sales;
    const Real stress = reference::positive(std::max(s_am, s_pm) - 20);
    hoarding = std::max<Real>(p.precaution.persistence * Real{s.precaution[i]},
                              -p.precaution.max_cut * std::expm1(-stress / p.precaution.scale));
  }
};

struct DaysJudged {
  double largest = 0.0;  ///< bp, bn or share
  int days = 0, emergencies = 0, facility_days = 0, negative_reserves = 0, cut_cash = 0, stuck = 0;
  int wrong_flags = 0, other_sides = 0;
};

DaysJudged judge_days(double anticipated) {
  Dice dice(101);
  DaysJudged r;
  for (int trial = 0; trial < 6; ++trial) {
    Opening opening = opening_2019(default_params());
    opening.own.reserves = dice.uniform(1150, 1700);
    fill_sheet(opening.sheet, opening.own.reserves, 183.0, 3.6, dice.uniform(0, 20), dice.uniform(0, 60));
    opening.own.cash = dice.uniform(5, 400);
    World w(opening, dice);
    for (int day = 0; day < 12; ++day) {
      random_day(w, dice);
      if (trial == 0) w.flows.repo_demand = column_of([&] { return dice.uniform(0, 600); });  // more than can be met
      const PathState before = w.state;
      w.step();
      for (std::size_t i = 0; i < kBlockPaths; ++i) {
        const Judge j(w, before, i, anticipated);
        ++r.days;
        // A morning within rounding of the trigger may fall on either side: such a path-day cannot be judged.
        if (std::fabs(static_cast<double>(j.s_am) - w.day.emergency_trigger) < 1e-9) {
          ++r.other_sides;
          continue;
        }
        const auto compare = [&](double value, Real exact) {
          r.largest = std::max(r.largest, std::fabs(static_cast<double>(value - exact)));
        };
        const PathState& s = w.state;
        const DayOutcome& o = w.out;
        compare(s.transitory_need[i], j.z);
        compare(s.coupon_inventory[i], j.coupons);
        compare(s.tga_cash[i], j.tga);
        compare(s.pullback[i], j.pullback);
        compare(o.need[i], j.need);
        compare(o.late_need[i], j.late_need);
        compare(o.markup[i], j.markup);
        compare(s.mmf_cash[i], j.cash);
        compare(o.capacity[i], j.am_capacity);
        compare(o.late_capacity[i], j.pm_capacity);
        compare(o.am_clearing[i], j.am);
        compare(o.pm_clearing[i], j.pm);
        compare(s.am_spread[i], j.s_am);
        compare(s.pm_spread[i], j.s_pm);
        compare(o.late_offer[i], j.offer);
        compare(o.am_standing_repo[i], j.am_srf);
        compare(o.pm_standing_repo[i], j.pm_srf);
        compare(o.am_operations[i], j.am_tomo);
        compare(o.pm_operations[i], j.pm_tomo);
        compare(to_usd_bn(s.sheet.standing_repo[i]), std::max(j.am_srf, j.pm_srf));
        compare(to_usd_bn(s.sheet.repo_operations[i]), std::max(j.am_tomo, j.pm_tomo));
        compare(to_usd_bn(s.sheet.on_rrp[i]), j.on_rrp);
        compare(s.dealer_inventory[i], j.inventory_after);
        compare(s.fund_need[i], j.fund_need);
        compare(s.precaution[i], j.hoarding);
        const auto has = [&](PathFlag flag) { return (o.flags[i] & bit(flag)) != 0; };
        const bool is_emergency = j.s_am > w.day.emergency_trigger;
        const bool is_cut = Real{before.mmf_cash[i]} + w.flows.mmf_cash[i] < 0;
        const bool is_used = std::max(j.am_srf, j.pm_srf) > 1;
        const bool is_at_cap = is_used && std::max(j.am_srf, j.pm_srf) >= w.day.standing_repo_cap - 0.001L;
        r.wrong_flags += has(PathFlag::emergency_operation) != is_emergency ||
                         has(PathFlag::cash_exhausted) != is_cut || has(PathFlag::standing_repo_used) != is_used ||
                         has(PathFlag::standing_repo_at_cap) != is_at_cap ||
                         has(PathFlag::reserves_negative) != (s.sheet.reserves[i] < 0) ||
                         has(PathFlag::no_clearing) != (j.am == 3000 || j.pm == 3000);
        r.emergencies += is_emergency;
        r.cut_cash += is_cut;
        r.facility_days += is_used;
        r.stuck += j.am == 3000 || j.pm == 3000;
      }
    }
  }
  return r;
}

}  // namespace

TEST_CASE("a day is the text's, in the text's order", "[step_day]") {
  const DaysJudged r = judge_days(0.14);
  INFO("largest difference " << r.largest << " over " << r.days << " path-days");
  // Roots to 1e-10 bp, times schedules of at most some 100 bn/bp, fed back into afternoon reserves: 1e-8 is left.
  CHECK(r.largest < 2e-8);
  CHECK(r.wrong_flags == 0);
  CHECK(r.other_sides < 5);
  CHECK(r.emergencies > 500);
  CHECK(r.facility_days > 2000);
  CHECK(r.cut_cash > 200);
  CHECK(r.stuck > 50);
}

TEST_CASE("control: a wrong anticipated drain is seen", "[step_day][control]") {
  CHECK_FALSE(judge_days(0.14001).largest < 2e-8);
}

TEST_CASE("the Fed's identity holds to the cent on every path and day", "[step_day]") {
  Dice dice(102);
  World w(opening_2019(default_params()), dice);
  const FedSheet opening = w.state.sheet;
  std::array<Wide, kBlockPaths> logged{};  // what the logged flows should have done to reserves
  int wrong = 0;
  int seen_if_a_cent_is_lost = 0;
  for (int day = 0; day < 60; ++day) {
    random_day(w, dice);
    const FedSheet before = w.state.sheet;
    w.step();
    const FedSheet& s = w.state.sheet;
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const auto cents = [](double usd_bn) -> Wide { return std::llround(usd_bn * 1e11); };
      const Wide srf = cents(std::max(w.out.am_standing_repo[i], w.out.pm_standing_repo[i]));
      const Wide tomo = cents(std::max(w.out.am_operations[i], w.out.pm_operations[i]));
      const DayFlows& f = w.flows;
      logged[i] += cents(f.securities[i]) + (tomo - before.repo_operations[i]) + (srf - before.standing_repo[i]) -
                   cents(f.tga[i]) - (s.on_rrp[i] - before.on_rrp[i]) - cents(f.foreign_rrp[i]) - cents(f.currency[i]) -
                   cents(f.other_liabilities[i]);
      const Wide assets = Wide{s.securities[i]} + s.repo_operations[i] + s.standing_repo[i] + s.other_assets[i];
      const Wide liabilities =
          Wide{s.reserves[i]} + s.tga[i] + s.on_rrp[i] + s.foreign_rrp[i] + s.currency[i] + s.other_liabilities[i];
      const auto agrees = [&](Wide reserves) { return reserves - opening.reserves[i] == logged[i]; };
      wrong += !agrees(s.reserves[i]) || assets != liabilities || imbalance(s, i) != 0 ||
               s.other_assets[i] != opening.other_assets[i];
      seen_if_a_cent_is_lost += !agrees(Wide{s.reserves[i]} - 1);
    }
  }
  CHECK(wrong == 0);
  CHECK(seen_if_a_cent_is_lost == 60 * static_cast<int>(kBlockPaths));  // control
}

TEST_CASE("where nothing but the Treasury's account moves, reserves move against it", "[step_day]") {
  Dice dice(103);
  Opening opening = opening_2019(default_params());
  opening.own.cash = 0.0;  // no cash at the ON RRP that could move
  fill_sheet(opening.sheet, 1458.666, 183.581, 0.0);
  World w(opening, dice);
  const FedSheet before = w.state.sheet;
  for (int day = 0; day < 20; ++day) {
    w.flows.tga = column_of([&] { return dice.uniform(-60, 60); });
    w.draws.need_shock = column_of([&] { return dice.normal(); });
    w.step();
    for (std::size_t i = 0; i < kBlockPaths; ++i)
      CHECK(w.state.sheet.reserves[i] - before.reserves[i] == before.tga[i] - w.state.sheet.tga[i]);
  }
  w.flows.mmf_cash.fill(10.0);  // control: cash that arrives at the ON RRP takes reserves with it
  w.step();
  CHECK_FALSE(w.state.sheet.reserves[0] - before.reserves[0] == before.tga[0] - w.state.sheet.tga[0]);
}

TEST_CASE("without need all cash stays at the ON RRP and repo trades at floor and mark-up", "[step_day]") {
  Dice dice(104);
  Opening opening = opening_2019(default_params());
  opening.own.params.dealers.sticky_share = 0.0;
  opening.own.cash = 2200.0;
  opening.need = OpeningNeed::stated;
  opening.stated_need = -50.0;
  fill_sheet(opening.sheet, 1458.666, 183.581, 2200.0);
  World w(opening, dice);
  w.day.period_end_markup = 1.0;
  w.state.dealer_inventory.fill(30.0);
  w.step();
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double load = 0.92 * 30.0 / (0.10 * 1179.0 * w.state.dealer_capacity_factor[i]);
    CHECK_THAT(w.state.am_spread[i], WithinAbs(-10.0 + 1.0 + 20.0 * load * load, 1e-11));
    CHECK(w.state.pm_spread[i] == w.state.am_spread[i]);
    CHECK(w.state.sheet.on_rrp[i] == to_cents(2200.0));
    CHECK(w.out.flags[i] == 0);
  }
}

TEST_CASE("a change of IORB moves the morning by the sticky share only", "[step_day]") {
  Dice dice(105);
  World cut(opening_2019(default_params()), dice);
  Dice same(105);
  World held(opening_2019(default_params()), same);
  cut.day.iorb_change = -30.0;
  cut.step();
  held.step();
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    CHECK_THAT(cut.state.am_spread[i] - held.state.am_spread[i], WithinAbs(0.065 * 30.0, 1e-12));
    CHECK(cut.state.pm_spread[i] == held.state.pm_spread[i]);
    CHECK(cut.out.am_clearing[i] == held.out.am_clearing[i]);
  }
}

TEST_CASE("an emergency operation comes in the afternoon, only above its trigger", "[step_day]") {
  Dice dice(106);
  World w(opening_2019(default_params()), dice);
  w.day.emergency_size = 53.0;
  w.day.emergency_trigger = 60.0;
  w.flows.repo_demand = column_of([&] { return dice.uniform(0, 150); });
  w.step();
  int came = 0;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const bool comes = w.state.am_spread[i] > 60.0;
    came += comes;
    CHECK(w.out.late_offer[i] == (comes ? 53.0 : 0.0));
    CHECK(w.out.am_operations[i] == 0.0);
    CHECK((w.out.pm_operations[i] > 0.0) == comes);
    CHECK(((w.out.flags[i] & bit(PathFlag::emergency_operation)) != 0) == comes);
  }
  CHECK(came > 20);
  CHECK(came < 236);
}

TEST_CASE("yesterday's facility cash is missing from the afternoon's reserves", "[step_day]") {
  Dice dice(107);
  Opening opening = opening_2019(default_params());
  fill_sheet(opening.sheet, 1458.666, 183.581, 3.612, 40.0, 70.0);
  World w(opening, dice);
  w.step();  // neither facility today: 110 bn go back
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double u = w.state.capacity_factor[i];
    CHECK(w.out.capacity[i] ==
          Approx(static_cast<double>(reference::capacity(w.params, 1458.666, 85.0, 0.0, u))).epsilon(1e-12));
    CHECK(w.out.late_capacity[i] ==
          Approx(static_cast<double>(reference::capacity(w.params, 1348.666, 85.0, 0.0, u))).epsilon(1e-12));
    CHECK(w.state.sheet.standing_repo[i] == 0);
    CHECK(w.state.sheet.repo_operations[i] == 0);
  }
}

TEST_CASE("the pull-back comes at a period end, leaves part of itself for a day and brings cash to the ON RRP",
          "[step_day]") {
  Dice dice(108);
  World w(opening_2019(default_params()), dice);
  w.state.transitory_need.fill(0.0);
  const ColumnData slow = w.state.structural_need;
  w.day.is_period_end = true;
  w.day.pullback_share = 0.039;
  w.draws.pullback = column_of([&] { return dice.normal(); });
  w.step();
  ColumnData p;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    p[i] = 0.039 * 1179.0 * std::exp(0.35 * w.draws.pullback[i] - 0.06125);
    CHECK_THAT(w.out.need[i], WithinAbs(slow[i] + p[i], 1e-10));
    const double lowest = std::min(w.out.am_clearing[i], w.out.pm_clearing[i]);
    CHECK_THAT(to_usd_bn(w.state.sheet.on_rrp[i]),
               WithinAbs(15.0 - 15.0 * (lowest + 10) / (5 + lowest + 10) + 0.5 * p[i], 1e-10));
  }
  w.day = ordinary_day();
  w.day.follows_period_end = true;
  const ColumnData sold_need = w.state.fund_need;
  w.step();
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    CHECK_THAT(w.out.need[i], WithinAbs(slow[i] + 0.27 * p[i] + sold_need[i], 1e-10));
    CHECK(to_usd_bn(w.state.sheet.on_rrp[i]) < 15.0);
  }
  w.day = ordinary_day();
  w.step();
  for (std::size_t i = 0; i < kBlockPaths; ++i) CHECK(w.state.pullback[i] == 0.0);
}

TEST_CASE("a day allocates nothing", "[step_day]") {
  Dice dice(109);
  const Opening opening = opening_2019(default_params());
  const PathDraws draws = path_draws(dice);
  World w(opening, dice);
  const std::size_t before = allocations();
  open_day(opening, draws, w.state, w.out);
  CHECK(allocations() == before);
  for (int day = 0; day < 63; ++day) {
    random_day(w, dice);
    const std::size_t now = allocations();
    w.step();
    REQUIRE(allocations() == now);
  }
  const std::size_t now = allocations();
  const PathState copy = w.state;  // control: this does allocate
  CHECK(allocations() > now);
  CHECK(copy.funds.count == 24);
}

TEST_CASE("everything stays finite at the ends of the parameters' ranges", "[step_day]") {
  Dice dice(110);
  const auto table = scenario::parameter_table();
  int worlds = 0;
  while (worlds < 60) {
    scenario::ParameterValues values;
    for (std::size_t row = 0; row < table.size(); ++row) {
      const auto& spec = table[row];
      if (spec.key.starts_with("dispersion.fan")) continue;
      const double low = spec.low_is_open ? spec.low + (dice.chance(0.5) ? 1e-3 : 1e-9) * spec.high : spec.low;
      const double kind = dice.unit();
      if (kind < 0.4)
        values.set(row, low);
      else if (kind < 0.8)
        values.set(row, spec.high);
      else if (spec.unit != scenario::Unit::count)
        values.set(row, dice.uniform(low, spec.high));
    }
    if (!scenario::validate(values).empty()) continue;
    ++worlds;
    Opening opening;
    opening.own.params = plan::model_params(values, dice.uniform(800, 4000), dice.uniform(1e4, 3e4));
    opening.own.day = ordinary_day();
    opening.own.reserves = dice.uniform(100, 4000);
    opening.own.cash = dice.chance(0.3) ? 0.0 : dice.log_uniform(1, 2500);
    opening.own.volatility = dice.log_uniform(10, 300);
    opening.own.opening_spread = dice.uniform(-12, 60);
    opening.own.trend_spread = dice.uniform(-12, 30);
    opening.position = dice.chance(0.2) ? 0.0 : dice.log_uniform(10, 3000);
    opening.volatility_before = dice.log_uniform(10, 300);
    opening.need = dice.chance(0.5) ? OpeningNeed::inverted : OpeningNeed::stated;
    opening.stated_need = dice.uniform(-100, 1500);
    fill_sheet(opening.sheet, opening.own.reserves, 183.0, 3.6);
    World w(opening, dice);
    REQUIRE(not_finite(w) == 0);
    for (int day = 0; day < 8; ++day) {
      random_day(w, dice);
      w.day.stigma = values.at("standing_repo.stigma");
      for (std::size_t i = 0; i < kBlockPaths; i += 16) {  // the furthest draws there are
        w.draws.need_shock[i] = dice.chance(0.5) ? 1e5 : -1e5;
        w.draws.late_shock[i + 1] = dice.chance(0.5) ? 1e5 : -1e5;
        for (ColumnData* draw : {&w.draws.pullback, &w.draws.rate_noise, &w.draws.tail_width, &w.draws.other_sales})
          (*draw)[i + 2 + dice.below(8)] = dice.chance(0.5) ? 8.21 : -8.21;
      }
      w.step();
      REQUIRE(not_finite(w) == 0);
    }
  }
  // Control: something that is not finite is found.
  World w(opening_2019(default_params()), dice);
  w.out.percentiles[3][7] = std::numeric_limits<double>::infinity();
  w.state.funds.equity[5] = std::numeric_limits<double>::infinity();
  CHECK(not_finite(w) == 2);
}

// ------------------------------------------------------------------------------------------------------ day 0

TEST_CASE("the opening day shows what is given, the same on every path", "[step_day]") {
  Dice dice(120);
  Opening opening = opening_2019(default_params());
  opening.own.opening_spread = 25.0;
  const World w(opening, dice);
  const PathState& s = w.state;
  const DayOutcome& o = w.out;
  const double right = 1 + 0.26 * 15, left = 1 + 0.10 * 15;  // no facility, 15 bp above 10
  const std::array<double, 5> law{-left * std::log(50), -left * std::log(2), 0.0, right * std::log(2),
                                  right * std::log(50)};
  const std::array<double, 5> fan{-5, -2, 0, 6.5, 10};
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    for (std::size_t k = 0; k < 5; ++k) CHECK_THAT(o.percentiles[k][i], WithinAbs(25.0 + law[k] + fan[k], 1e-9));
    CHECK_THAT(o.tgcr[i], WithinAbs(25.0 - 2.4, 1e-9));
    CHECK(s.am_spread[i] == 25.0);
    CHECK(s.pm_spread[i] == 25.0);
    CHECK(s.opening_spread[i] == 25.0);
    CHECK(s.funding_average[i] == 25.0);
    CHECK(s.margin_volatility[i] == 85.0);
    CHECK(s.slow_volatility[i] == 85.0);
    CHECK(s.mmf_cash[i] == 15.0);
    for (const ColumnData* zero :
         {&s.precaution, &s.futures_basis, &s.yield_impact, &s.dealer_inventory, &s.fund_need, &s.coupon_inventory,
          &s.tga_cash, &s.pullback, &s.rate_noise, &o.sales, &o.forced_sales, &o.external_sales, &o.drain, &o.markup,
          &o.am_standing_repo, &o.pm_operations})
      CHECK((*zero)[i] == 0.0);
    CHECK(o.position[i] == 550.0);
    CHECK(o.fund_equity[i] == s.opening_equity[i]);
    CHECK(s.sheet.reserves[i] == to_cents(1458.666));
    CHECK(imbalance(s.sheet, i) == 0);
    CHECK(o.need[i] == o.need[0]);
    CHECK(o.capacity[i] == o.capacity[0]);
    CHECK(o.flags[i] == 0);
  }
  CHECK_THAT(o.effr[0], WithinAbs(13.0 - 10.0 * (1458.666 / 17494.2 - 0.075) / 0.01, 1e-10));
}

TEST_CASE("an opening rate below the floor is shown as given", "[step_day]") {
  Dice dice(126);
  Opening opening = opening_2019(default_params());
  opening.own.opening_spread = -14.0;  // f - 5 = -15 bounds simulated days only
  World w(opening, dice);
  CHECK_THAT(w.out.percentiles[0][9], WithinAbs(-14.0 - std::log(50.0) - 5.0, 1e-9));
  CHECK_THAT(w.out.percentiles[kMedian][9], WithinAbs(-14.0, 1e-9));
  w.state.structural_need.fill(-500.0);
  w.draws.rate_noise.fill(0.0);
  w.step();
  CHECK(w.out.percentiles[0][9] == -15.0);
}

TEST_CASE("path constants are log-normal, of mean or median 1", "[step_day]") {
  Dice dice(121);
  const Opening opening = opening_2019(default_params());
  const PathDraws draws = path_draws(dice);
  World w(opening, dice);
  open_day(opening, draws, w.state, w.out);
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    CHECK(w.state.capacity_factor[i] ==
          Approx(std::exp(0.18 * draws.bank_capacity[i] - 0.5 * 0.18 * 0.18)).epsilon(1e-14));
    CHECK(w.state.dealer_capacity_factor[i] == Approx(std::exp(0.25 * draws.dealer_capacity[i])).epsilon(1e-14));
    CHECK(w.state.other_sales_factor[i] ==
          Approx(std::exp(0.35 * draws.sales_scale[i] - 0.5 * 0.35 * 0.35)).epsilon(1e-14));
  }
}

namespace {

/// An opening with facility, operations and some cash, so that every schedule takes part.
Opening busy_opening() {
  Opening opening = opening_2019(default_params());
  DayContext& day = opening.own.day;
  day.has_standing_repo = day.standing_repo_am = day.standing_repo_pm = true;
  day.standing_repo_spread = 12.0;
  day.standing_repo_cap = 500.0;
  day.stigma = 30.0;
  day.operation_size = 40.0;
  day.half_saturation = 22.5;
  day.period_end_markup = 2.5;  // the inversion is at d = 0
  opening.own.cash = 60.0;
  opening.own.opening_spread = 9.0;
  opening.own.trend_spread = -1.0;
  return opening;
}

/// The need that clears at x on day 0, by the text: supplies and what elasticity takes, epsilon_2 off, H = d = 0.
Real need_at(const OpeningMarket& m, Real factor, double x) {
  if (x < m.day.floor) return 0;
  SessionTerms t = session_terms(m.params, m.day, m.day.standing_repo_am);
  t.stress_elasticity = 0.0;
  const Real k = reference::capacity(m.params, m.reserves, m.volatility, 0, factor);
  return reference::supply(t, {0, m.cash, k, 0, m.day.operation_size}, x) + reference::withdrawn(t, x);
}

}  // namespace

TEST_CASE("the inverted need clears at the trend spread, and with the transitory need at the opening spread",
          "[step_day]") {
  Dice dice(122);
  for (const double spread : {-12.0, -10.0, -3.0, 9.0, 60.0, 400.0}) {
    Opening opening = busy_opening();
    opening.own.opening_spread = spread;  // 400: beyond x_2, where epsilon_2 would count if it were on
    World w(opening, dice);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const double u = w.state.capacity_factor[i];
      const Real trend = need_at(opening.own, u, -1.0);
      const Real today = need_at(opening.own, u, spread);
      CHECK_THAT(w.state.structural_need[i], WithinAbs(static_cast<double>(trend), 1e-9));
      CHECK_THAT(w.state.structural_need[i] + w.state.transitory_need[i], WithinAbs(static_cast<double>(today), 1e-9));
      CHECK_THAT(clearing_need(opening.own, u, spread), WithinAbs(static_cast<double>(today), 1e-9));
      CHECK(w.state.am_spread[i] == spread);
    }
  }
  CHECK(clearing_need(busy_opening().own, 1.0, -10.001) == 0.0);  // below the floor
}

TEST_CASE("a need held in an unchanged world reproduces the opening spread", "[step_day]") {
  Dice dice(123);
  for (const double spread : {-9.0, -3.0, 5.0, 9.0, 60.0, 400.0}) {
    Opening opening = busy_opening();
    opening.own.opening_spread = spread;
    opening.base = opening.own;
    const PathDraws draws = path_draws(dice);
    World w(opening, dice);
    open_day(opening, draws, w.state, w.out);
    const PathState inverted = w.state;
    opening.need = OpeningNeed::held;
    open_day(opening, draws, w.state, w.out);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      CHECK_THAT(w.state.am_spread[i], WithinAbs(spread, 1e-9));
      CHECK_THAT(w.out.percentiles[kMedian][i], WithinAbs(spread, 2e-9));
      CHECK(w.state.structural_need[i] == inverted.structural_need[i]);
      CHECK(w.state.transitory_need[i] == inverted.transitory_need[i]);
      CHECK(w.state.funding_average[i] == w.state.am_spread[i]);
      CHECK(w.state.opening_spread[i] == w.state.am_spread[i]);
      CHECK(w.state.pm_spread[i] == w.state.am_spread[i]);
    }
    // Control: one bn of reserves less is another spread.
    opening.own.reserves -= 1.0;
    open_day(opening, draws, w.state, w.out);
    if (spread > -7.5)  // below, banks do not lend
      for (std::size_t i = 0; i < kBlockPaths; ++i) CHECK(w.state.am_spread[i] > spread + 1e-9);
  }
}

TEST_CASE("a held need is the base's, cleared in this scenario's opening", "[step_day]") {
  Dice dice(124);
  Opening opening = busy_opening();
  opening.base = opening.own;
  opening.base.params.banks.capacity_dispersion = 0.1;
  opening.base.day.has_standing_repo = opening.base.day.standing_repo_am = opening.base.day.standing_repo_pm = false;
  opening.need = OpeningNeed::held;
  opening.own.reserves -= 100.0;
  const PathDraws draws = path_draws(dice);
  World w(opening, dice);
  open_day(opening, draws, w.state, w.out);
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double u_base = std::exp(0.1 * draws.bank_capacity[i] - 0.005);
    const double u = std::exp(0.18 * draws.bank_capacity[i] - 0.0162);
    const Real need = need_at(opening.base, u_base, 9.0);
    CHECK_THAT(w.state.structural_need[i], WithinAbs(static_cast<double>(need_at(opening.base, u_base, -1.0)), 1e-9));
    CHECK_THAT(w.out.need[i], WithinAbs(static_cast<double>(need), 1e-9));
    // It clears where the text's need function of this opening gives it back.
    CHECK_THAT(static_cast<double>(need_at(opening.own, u, w.state.am_spread[i]) - need), WithinAbs(0.0, 1e-8));
  }
}

TEST_CASE("a stated need is the need of every path", "[step_day]") {
  Dice dice(125);
  Opening opening = busy_opening();
  opening.need = OpeningNeed::stated;
  opening.stated_need = 180.0;
  World w(opening, dice);
  double lowest = 3000.0, highest = -100.0;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    CHECK(w.state.structural_need[i] == 180.0);
    CHECK(w.state.transitory_need[i] == 0.0);
    CHECK(w.out.need[i] == 180.0);
    CHECK_THAT(static_cast<double>(need_at(opening.own, w.state.capacity_factor[i], w.state.am_spread[i])),
               WithinAbs(180.0, 1e-8));
    lowest = std::min(lowest, w.state.am_spread[i]);
    highest = std::max(highest, w.state.am_spread[i]);
  }
  CHECK(highest > lowest + 1.0);  // capacities differ
}
