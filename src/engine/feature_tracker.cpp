#include "engine/feature_tracker.hpp"

#include <algorithm>
#include <limits>

namespace repoquake::engine::compiled {
namespace {

void to_amount(ConstCentsColumn cents, Column out) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) out[i] = to_usd_bn(cents[i]);
}

}  // namespace

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
  const ColumnData& spread = out.percentiles[model::kMedian];
  see_spread(static_cast<double>((plan.days[day].date - plan.days.front().date).count()), spread);
  ColumnData value;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    at(PathFeature::basis_sales_total)[i] += out.sales[i];
    at(PathFeature::basis_sales_forced_total)[i] += out.forced_sales[i];
    at(PathFeature::basis_sales_voluntary_total)[i] += out.sales[i] - out.forced_sales[i];
    at(PathFeature::position_change)[i] =
        opening_position_ > 0.0 ? 100.0 * (out.position[i] / opening_position_ - 1.0) : 0.0;
    flags_[i] |= out.flags[i];
  }
  if (context.has_corridor) {  // the target range does not move with a rule's adjustment of IORB
    const double lag = context.corridor_moves ? 0.0 : 1.0;
    for (std::size_t i = 0; i < kBlockPaths; ++i)
      at(PathFeature::days_above_corridor)[i] +=
          spread[i] + lag * state.policy.rate_shift[i] > context.corridor_top ? 1.0 : 0.0;
  }
  raise(PathFeature::peak_p99_spread, out.percentiles.back());
  raise(PathFeature::peak_tgcr_spread, out.tgcr);
  raise(PathFeature::peak_futures_basis, state.futures_basis);
  raise(PathFeature::peak_yield_impact, state.yield_impact);
  raise(PathFeature::peak_dealer_markup, out.markup);
  to_amount(state.sheet.on_rrp, value);
  raise(PathFeature::on_rrp_peak, value);
  to_amount(state.sheet.reserves, value);
  lower(PathFeature::trough_reserves, value);
  compiled::observe(plan, day, Variable::hf_return, work, value);
  lower(PathFeature::trough_return, value);
  for (std::size_t i = 0; i < kBlockPaths; ++i) value[i] = spread[i] - out.effr[i];
  raise(PathFeature::peak_sofr_over_effr, value);
  for (std::size_t i = 0; i < kBlockPaths; ++i) value[i] = 100.0 * out.spiral_ratio[i];
  raise(PathFeature::peak_spiral_ratio, value);
  if (context.has_standing_repo) {
    for (std::size_t i = 0; i < kBlockPaths; ++i) value[i] = 100.0 * out.volume_above_srf_rate[i];
    raise(PathFeature::peak_volume_above_srf, value);
  }
  ColumnData credit;
  to_amount(state.sheet.standing_repo, credit);
  raise(PathFeature::standing_repo_peak, credit);
  to_amount(state.sheet.repo_operations, value);
  raise(PathFeature::repo_operations_peak, value);
  for (std::size_t i = 0; i < kBlockPaths; ++i) credit[i] += value[i];
  raise(PathFeature::peak_fed_credit, credit);
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

void FeatureTracker::raise(PathFeature feature, ConstColumn value) noexcept {
  ColumnData& peak = at(feature);
  for (std::size_t i = 0; i < kBlockPaths; ++i) peak[i] = std::max(peak[i], value[i]);
}
void FeatureTracker::lower(PathFeature feature, ConstColumn value) noexcept {
  ColumnData& trough = at(feature);
  for (std::size_t i = 0; i < kBlockPaths; ++i) trough[i] = std::min(trough[i], value[i]);
}

}  // namespace repoquake::engine::compiled
