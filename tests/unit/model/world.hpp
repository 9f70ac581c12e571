/// A block of paths that lives through days of any kind, for tests of `step_day`.
#pragma once

#include <cmath>
#include <limits>

#include "repoquake/model/step_day.hpp"
#include "unit/model/fixtures.hpp"

namespace repoquake::test {

using namespace model;

/// A block on its way from day to day.
struct World {
  ModelParams params;
  PathState state;
  DayOutcome out{};
  DayContext day = ordinary_day();
  DayFlows flows = quiet_flows();
  DayDraws draws{};

  World(const Opening& opening, Dice& dice) : params(opening.own.params), state(params.basis_trade.cohorts) {
    open_day(opening, path_draws(dice), state, out);
    flows.volatility.fill(opening.own.volatility);
  }
  void step() { step_day(params, day, flows, draws, state, out); }
};

/// Any day: facilities open or not, operations, period ends, changes of rates, all flows and all draws.
inline void random_day(World& w, Dice& dice) {
  const bool was_period_end = w.day.is_period_end;
  w.day = ordinary_day();
  w.day.floor = dice.uniform(-15, -5);
  w.day.iorb_change = dice.chance(0.1) ? dice.uniform(-50, 50) : 0.0;
  w.day.has_standing_repo = dice.chance(0.5);
  w.day.standing_repo_am = w.day.has_standing_repo && dice.chance(0.5);
  w.day.standing_repo_pm = w.day.has_standing_repo;
  w.day.standing_repo_spread = dice.uniform(0, 25);
  w.day.standing_repo_cap = dice.chance(0.5) ? dice.uniform(5, 500) : std::numeric_limits<double>::infinity();
  w.day.stigma = dice.uniform(10, 100);
  w.day.operation_size = dice.chance(0.5) ? dice.uniform(10, 200) : 0.0;
  w.day.minimum_bid = dice.uniform(-10, 10);
  if (dice.chance(0.5)) {
    w.day.emergency_size = dice.uniform(10, 200);
    w.day.emergency_trigger = dice.uniform(0, 60);
  }
  w.day.is_period_end = dice.chance(0.2);
  w.day.follows_period_end = was_period_end;
  if (w.day.is_period_end) {
    w.day.period_end_markup = w.params.dealers.markup_quarter;
    w.day.pullback_share = w.params.need.pullback_quarter;
  }
  w.day.half_saturation = w.params.banks.half_saturation * (w.day.is_period_end ? 1.85 : 1.0);
  w.day.gse_cash = dice.chance(0.2) ? 0.004 * w.params.repo_volume : 0.0;
  w.day.days_to_next = dice.chance(0.2) ? 3 : 1;
  w.day.tgcr_since_2021 = dice.chance(0.5);
  for (ColumnData* flow :
       {&w.flows.tga, &w.flows.securities, &w.flows.currency, &w.flows.foreign_rrp, &w.flows.other_liabilities,
        &w.flows.mmf_cash, &w.flows.net_coupons, &w.flows.net_bills, &w.flows.repo_demand, &w.flows.yield_change})
    *flow = column_of([&] { return dice.uniform(-40, 40); });
  w.flows.other_sales = column_of([&] { return dice.chance(0.5) ? dice.uniform(0, 60) : 0.0; });
  w.flows.fed_purchases = column_of([&] { return dice.chance(0.2) ? dice.uniform(0, 75) : 0.0; });
  w.flows.volatility = column_of([&] { return dice.log_uniform(30, 250); });
  for (ColumnData* draw : {&w.draws.need_shock, &w.draws.late_shock, &w.draws.pullback, &w.draws.rate_noise,
                           &w.draws.tail_width, &w.draws.other_sales})
    *draw = column_of([&] { return dice.normal(); });
}

inline int not_finite(const ColumnData& c) {
  int count = 0;
  for (const double x : c) count += !std::isfinite(x);
  return count;
}

/// Columns of the world that are not finite everywhere.
inline int not_finite(const World& w) {
  const PathState& s = w.state;
  int count = 0;
  for (const ColumnData* c : {&s.structural_need,   &s.transitory_need, &s.coupon_inventory,
                              &s.tga_cash,          &s.pullback,        &s.fund_need,
                              &s.mmf_cash,          &s.precaution,      &s.dealer_inventory,
                              &s.am_spread,         &s.pm_spread,       &s.rate_noise,
                              &s.opening_equity,    &s.opening_spread,  &s.funding_average,
                              &s.margin_volatility, &s.slow_volatility, &s.futures_basis,
                              &s.yield_impact,      &s.capacity_factor, &s.dealer_capacity_factor,
                              &s.other_sales_factor})
    count += not_finite(*c);
  for (const ColumnData* c :
       {&s.funds.kept, &s.funds.lost, &s.funds.total_notional, &s.funds.total_equity, &s.funds.weakest})
    count += not_finite(*c);
  for (const double amount : s.funds.notional) count += !std::isfinite(amount);
  for (const double amount : s.funds.equity) count += !std::isfinite(amount);
  const DayOutcome& o = w.out;
  for (const ColumnData* c : {&o.need,           &o.late_need,
                              &o.drain,          &o.capacity,
                              &o.late_capacity,  &o.markup,
                              &o.am_clearing,    &o.pm_clearing,
                              &o.late_offer,     &o.am_standing_repo,
                              &o.am_operations,  &o.pm_standing_repo,
                              &o.pm_operations,  &o.tgcr,
                              &o.effr,           &o.volume_above_srf_rate,
                              &o.sales,          &o.forced_sales,
                              &o.external_sales, &o.position,
                              &o.fund_equity})
    count += not_finite(*c);
  for (const auto& c : o.percentiles) count += not_finite(c);
  return count;
}

}  // namespace repoquake::test
