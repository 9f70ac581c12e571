#include "engine/feature_tracker.hpp"

#include <algorithm>
#include <limits>

#include "repoquake/core/lanes.hpp"

namespace repoquake::engine::compiled {
void FeatureTracker::open(const plan::Plan& plan, const BlockWorkspace& work) noexcept {
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  opening_position_ = plan.opening.position;
  for (auto& column : columns_) column.fill(-std::numeric_limits<double>::infinity());
  for (const auto f : {PathFeature::trough_reserves, PathFeature::trough_return})
    at(f).fill(std::numeric_limits<double>::infinity());
  for (const auto f :
       {PathFeature::peak_day, PathFeature::basis_sales_total, PathFeature::basis_sales_forced_total,
        PathFeature::position_change, PathFeature::days_to_return, PathFeature::basis_sales_voluntary_total})
    at(f).fill(0.0);
  at(PathFeature::days_above_corridor).fill(plan.days.front().context.has_corridor ? 0.0 : kNothing);
  const bool has_facility = std::ranges::any_of(plan.days, [](const auto& d) { return d.context.has_standing_repo; });
  if (!has_facility) at(PathFeature::peak_volume_above_srf).fill(kNothing);
  flags_.fill(0);
  see(plan, 0, work);
}

void FeatureTracker::see(const plan::Plan& plan, std::uint32_t day, const BlockWorkspace& work) noexcept {
  const auto& context = plan.days[day].context;
  const auto& out = work.outcome;
  const auto& state = work.state;
  const auto& sheet = state.sheet;
  const ColumnData& spread = out.percentiles[model::kMedian];
  see_spread(static_cast<double>((plan.days[day].date - plan.days.front().date).count()), spread);
  see_trade(out);
  if (context.has_corridor) {  // the target range does not move with a rule's adjustment of IORB
    const double lag = context.corridor_moves ? 0.0 : 1.0;
    add(PathFeature::days_above_corridor,
        [&](std::size_t i) { return spread[i] + lag * state.policy.rate_shift[i] > context.corridor_top ? 1.0 : 0.0; });
  }
  const auto raise = [this](PathFeature feature, auto&& value) {
    fold(
        feature, [](double a, double b) { return larger(a, b); }, value);
  };
  const auto lower = [this](PathFeature feature, auto&& value) {
    fold(
        feature, [](double a, double b) { return smaller(a, b); }, value);
  };
  const auto of = [](const ColumnData& column) { return [&column](std::size_t i) { return column[i]; }; };
  const auto amount = [](const CentsData& cents) { return [&cents](std::size_t i) { return to_usd_bn(cents[i]); }; };
  raise(PathFeature::peak_p99_spread, of(out.percentiles.back()));
  raise(PathFeature::peak_tgcr_spread, of(out.tgcr));
  raise(PathFeature::peak_futures_basis, of(state.futures_basis));
  raise(PathFeature::peak_yield_impact, of(state.yield_impact));
  raise(PathFeature::peak_dealer_markup, of(out.markup));
  raise(PathFeature::on_rrp_peak, amount(sheet.on_rrp));
  lower(PathFeature::trough_reserves, amount(sheet.reserves));
  ColumnData value;
  compiled::observe(plan, day, Variable::hf_return, work, value);
  lower(PathFeature::trough_return, of(value));
  raise(PathFeature::peak_sofr_over_effr, [&](std::size_t i) { return spread[i] - out.effr[i]; });
  raise(PathFeature::peak_spiral_ratio, [&](std::size_t i) { return 100.0 * out.spiral_ratio[i]; });
  if (context.has_standing_repo)
    raise(PathFeature::peak_volume_above_srf, [&](std::size_t i) { return 100.0 * out.volume_above_srf_rate[i]; });
  raise(PathFeature::standing_repo_peak, amount(sheet.standing_repo));
  raise(PathFeature::repo_operations_peak, amount(sheet.repo_operations));
  raise(PathFeature::peak_fed_credit,
        [&](std::size_t i) { return to_usd_bn(sheet.standing_repo[i]) + to_usd_bn(sheet.repo_operations[i]); });
  for (std::size_t i = 0; i < kBlockPaths; ++i) flags_[i] |= out.flags[i];
}

/// What the funds have sold, and where their position stands.
void FeatureTracker::see_trade(const model::DayOutcome& out) noexcept {
  add(PathFeature::basis_sales_total, [&](std::size_t i) { return out.sales[i]; });
  add(PathFeature::basis_sales_forced_total, [&](std::size_t i) { return out.forced_sales[i]; });
  add(PathFeature::basis_sales_voluntary_total, [&](std::size_t i) { return out.sales[i] - out.forced_sales[i]; });
  ColumnData& change = at(PathFeature::position_change);
  if (opening_position_ > 0.0)
    for (std::size_t i = 0; i < kBlockPaths; ++i) change[i] = 100.0 * (out.position[i] / opening_position_ - 1.0);
}

/// The peak, its day, and the days since then until the spread is calm again.
void FeatureTracker::see_spread(double calendar_days, ConstColumn spread) noexcept {
  ColumnData& peak = at(PathFeature::peak_spread);
  ColumnData& peak_day = at(PathFeature::peak_day);
  ColumnData& days = at(PathFeature::days_to_return);
  ColumnData& is_not_back = at(PathFeature::is_not_back);
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const bool is_peak = spread[i] > peak[i];
    const bool is_calm = spread[i] < kCalmSpread;
    const bool still_counts = is_peak || is_not_back[i] > 0.0;
    days[i] = is_peak ? 0.0 : still_counts ? days[i] + 1.0 : days[i];
    is_not_back[i] = still_counts && !is_calm ? 1.0 : 0.0;
    peak_day[i] = is_peak ? calendar_days : peak_day[i];
    peak[i] = is_peak ? spread[i] : peak[i];
  }
}

}  // namespace repoquake::engine::compiled
