#include "repoquake/model/dealers.hpp"

#include <algorithm>

#include "repoquake/core/elementary.hpp"

namespace repoquake::model {

void mark_up(const ModelParams& params, const DayContext& day, const DayFlows& flows, PathState& state,
             Column markup) noexcept {
  const auto& d = params.dealers;
  const double capacity = d.capacity * params.repo_volume;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    state.dealer_inventory[i] *= 1.0 - d.inventory_decay;
    const double usual = capacity * state.dealer_capacity_factor[i];
    const double load =
        state.dealer_inventory[i] / std::max(usual + flows.dealer_capacity[i], d.least_capacity * usual);
    markup[i] = day.period_end_markup + d.markup * load * load;
  }
}

void price_morning(const ModelParams& params, const DayContext& day, ConstColumn clearing, ConstColumn markup,
                   PathState& state) noexcept {
  const double sticky = params.dealers.sticky_share;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double iorb_change = day.iorb_change + (day.moves_rates ? state.policy.rate_move[i] : 0.0);
    state.am_spread[i] = (1.0 - sticky) * (clearing[i] + markup[i]) + sticky * (state.am_spread[i] - iorb_change);
  }
}

void absorb_sales(const ModelParams& params, ConstColumn fund_sales, ConstColumn external_sales,
                  PathState& state) noexcept {
  const auto& d = params.dealers;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double before = state.dealer_inventory[i];
    const double after = std::max(before + d.first_absorption * (external_sales[i] + fund_sales[i]), 0.0);
    state.dealer_inventory[i] = after;
    state.fund_need[i] = d.fund_need_persistence * state.fund_need[i] + (after - before) - fund_sales[i];
  }
}

void take_precaution(const ModelParams& params, PathState& state) noexcept {
  const auto& p = params.precaution;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double stress = std::max(std::max(state.pm_spread[i], state.am_spread[i]) - p.threshold, 0.0);
    state.precaution[i] =
        std::max(p.persistence * state.precaution[i], p.max_cut * elementary::one_minus_exp(stress / p.scale));
  }
}

}  // namespace repoquake::model
