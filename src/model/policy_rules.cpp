#include "repoquake/model/policy_rules.hpp"

#include <algorithm>

namespace repoquake::model {
namespace {

constexpr UsdBn kSmallestOffer = 5.0;  // an emergency operation that has shrunk below this ends

/// Mean of s_am over the last 20 rows.
double mean_spread(const PolicyState& policy, std::size_t lane) noexcept {
  double sum = 0.0;
  for (const ColumnData& spread : policy.spreads) sum += spread[lane];
  return sum / static_cast<double>(kMeanDays);
}

/// What is bought on the k-th day of large purchases.
UsdBn large_purchase(const PolicyRules::LargePurchases& rule, double k) noexcept {
  if (k >= rule.ramp) return rule.full_size;
  return rule.first_day + (rule.full_size - rule.first_day) * (k - 1.0) / (rule.ramp - 1.0);
}

void offer_repo(const DayContext& day, PolicyState& p, Column offer) noexcept {
  const auto& emergency = day.rules.emergency_repo;
  const auto& large = day.rules.large_scale_repo;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    offer[i] = day.operation_size + (emergency.in_force ? p.morning_offer[i] : 0.0);
    if (p.large_offer_days[i] <= 0.0) continue;
    offer[i] += large.in_force ? large.size : 0.0;
    p.large_offer_days[i] -= 1.0;
  }
}

/// Meetings see the mean up to yesterday.
void decide_at_meeting(const DayContext& day, PolicyState& p, std::span<std::uint32_t, kBlockPaths> flags) noexcept {
  const auto& stop = day.rules.runoff_stop;
  const auto& rates = day.rules.rate_adjustment;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double mean = mean_spread(p, i);
    if (stop.in_force && p.runoff_wait[i] < 0.0 && mean > stop.trigger) {
      p.runoff_wait[i] = stop.lag + 1.0;  // today's step below leaves the lag
      flags[i] |= bit(PathFlag::runoff_stop);
    }
    if (rates.in_force && mean > rates.trigger) {
      p.pending_shift[i] = -rates.step;
      flags[i] |= bit(PathFlag::rate_adjustment);
    }
  }
}

void trade_securities(const DayContext& day, PolicyState& p, DayFlows& flows) noexcept {
  const auto& reserve = day.rules.reserve_purchases;
  const auto& large = day.rules.large_purchases;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    if (p.runoff_wait[i] > 0.0) p.runoff_wait[i] -= 1.0;
    if (p.runoff_wait[i] == 0.0) flows.securities[i] += day.runoff;
    if (p.purchase_wait[i] > 0.0) {
      p.purchase_wait[i] -= 1.0;
      if (p.purchase_wait[i] == 0.0) p.purchase_pace[i] = reserve.pace;
    }
    if (reserve.in_force) flows.securities[i] += p.purchase_pace[i] * day.months_passed;
    const double bought =
        large.in_force && p.large_buying_days[i] > 0.0 ? large_purchase(large, p.large_buying_days[i]) : 0.0;
    flows.fed_purchases[i] += bought;
    flows.securities[i] += p.unsettled[i];
    p.unsettled[i] = bought;
  }
}

void watch_emergency_repo(const PolicyRules::EmergencyRepo& rule, PathState& state, DayOutcome& out) noexcept {
  PolicyState& p = state.policy;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    if (p.morning_offer[i] <= 0.0) {
      if (!(state.am_spread[i] > rule.trigger)) continue;
      p.morning_offer[i] = rule.morning_size;
      p.idle_days[i] = 0.0;
      out.flags[i] |= bit(PathFlag::emergency_repo_mornings);
      continue;
    }
    p.idle_days[i] = out.am_operations[i] < rule.idle_use * out.offer[i] ? p.idle_days[i] + 1.0 : 0.0;
    if (out.am_operations[i] >= rule.full_use * out.offer[i]) p.morning_offer[i] *= rule.growth;
    if (p.idle_days[i] >= rule.idle_days) {
      p.morning_offer[i] *= 1.0 - rule.cut;
      p.idle_days[i] = 0.0;
    }
    if (p.morning_offer[i] < kSmallestOffer) p.morning_offer[i] = 0.0;
  }
}

void watch_large_scale_repo(const DayContext& day, const DayFlows& flows, PathState& state, DayOutcome& out) noexcept {
  const auto& rule = day.rules.large_scale_repo;
  PolicyState& p = state.policy;
  ColumnData& five_days_ago = p.volatilities[day.row % kVolatilityDays];
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double rise = flows.volatility[i] - five_days_ago[i];
    five_days_ago[i] = flows.volatility[i];
    if (!rule.in_force || !(rise > rule.volatility_rise || state.futures_basis[i] > rule.basis)) continue;
    if (p.large_offer_days[i] <= 0.0) out.flags[i] |= bit(PathFlag::large_scale_repo);
    p.large_offer_days[i] = rule.days;
  }
}

void watch_reserves(const ModelParams& params, const PolicyRules::ReservePurchases& rule, PathState& state,
                    DayOutcome& out) noexcept {
  PolicyState& p = state.policy;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double mean = mean_spread(p, i);
    const double ratio = to_usd_bn(state.sheet.reserves[i]) / params.bank_assets;
    if (mean > rule.trigger && ratio < rule.reserves_ratio) {
      if (p.purchase_pace[i] > 0.0) {
        p.purchase_pace[i] = rule.pace;
      } else if (p.purchase_wait[i] <= 0.0) {
        p.purchase_wait[i] = rule.lag;
        out.flags[i] |= bit(PathFlag::reserve_purchases);
      }
    } else if (mean < 0.0) {
      p.purchase_pace[i] = std::max(p.purchase_pace[i] - rule.pace / rule.taper, 0.0);
    }
  }
}

void watch_treasuries(const PolicyRules::LargePurchases& rule, PathState& state, DayOutcome& out) noexcept {
  PolicyState& p = state.policy;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const bool is_calm = state.futures_basis[i] < rule.stop_basis;
    const bool is_broken = state.yield_impact[i] > rule.yield_impact || state.futures_basis[i] > rule.basis;
    if (p.large_buying_days[i] > 0.0) {
      p.large_buying_days[i] = is_calm ? 0.0 : p.large_buying_days[i] + 1.0;
    } else if (is_broken && !is_calm) {
      p.large_buying_days[i] = 1.0;
      out.flags[i] |= bit(PathFlag::large_purchases);
    }
  }
}

}  // namespace

void open_policy(Spread trend_spread, double volatility_before, PolicyState& p) noexcept {
  for (ColumnData* column : {&p.morning_offer, &p.idle_days, &p.large_offer_days, &p.purchase_wait, &p.purchase_pace,
                             &p.large_buying_days, &p.unsettled, &p.rate_shift, &p.pending_shift, &p.rate_move})
    column->fill(0.0);
  p.runoff_wait.fill(-1.0);
  for (ColumnData& spread : p.spreads) spread.fill(trend_spread);
  for (ColumnData& volatility : p.volatilities) volatility.fill(volatility_before);
}

void apply_policy(const DayContext& day, PathState& state, DayFlows& flows, Column offer,
                  std::span<std::uint32_t, kBlockPaths> flags) noexcept {
  PolicyState& p = state.policy;
  if (day.moves_rates) {
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      p.rate_move[i] = p.pending_shift[i] + flows.iorb_change[i];
      p.rate_shift[i] += p.rate_move[i];
      p.pending_shift[i] = 0.0;
    }
  }
  if (!day.has_rules) {
    std::ranges::fill(offer, day.operation_size);
    return;
  }
  offer_repo(day, p, offer);
  if (day.is_meeting) decide_at_meeting(day, p, flags);
  trade_securities(day, p, flows);
}

void watch_markets(const ModelParams& params, const DayContext& day, const DayFlows& flows, PathState& state,
                   DayOutcome& out) noexcept {
  if (!day.has_rules) return;
  std::ranges::copy(state.am_spread, state.policy.spreads[day.row % kMeanDays].begin());
  if (day.rules.emergency_repo.in_force) watch_emergency_repo(day.rules.emergency_repo, state, out);
  watch_large_scale_repo(day, flows, state, out);
  if (day.rules.reserve_purchases.in_force) watch_reserves(params, day.rules.reserve_purchases, state, out);
  if (day.rules.large_purchases.in_force) watch_treasuries(day.rules.large_purchases, state, out);
}

}  // namespace repoquake::model
