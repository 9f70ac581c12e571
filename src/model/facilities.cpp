#include "repoquake/model/facilities.hpp"

#include <algorithm>

namespace repoquake::model {

void move_mmf_cash(const DayFlows& flows, PathState& state, std::span<std::uint32_t, kBlockPaths> flags) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double cash = state.mmf_cash[i] + flows.mmf_cash[i];
    flags[i] |= cash < 0.0 ? bit(PathFlag::cash_exhausted) : 0U;
    state.mmf_cash[i] = std::max(cash, 0.0);
  }
}

void take_up_facilities(const SessionTerms& terms, const SessionColumns& columns, ConstColumn clearing,
                        Column standing_repo, Column operations) noexcept {
  if (terms.has_standing_repo) {
    for (std::size_t i = 0; i < kBlockPaths; ++i)
      standing_repo[i] = standing_repo_take_up(terms, clearing[i] + columns.markup[i]);
  } else {
    std::ranges::fill(standing_repo, 0.0);
  }
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    operations[i] =
        columns.offered[i] > 0.0 ? operation_take_up(terms, columns.offered[i], clearing[i] + columns.markup[i]) : 0.0;
}

void offer_operations(const DayContext& day, ConstColumn am_spread, ConstColumn offer, Column late_offer,
                      std::span<std::uint32_t, kBlockPaths> flags) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const bool is_triggered = am_spread[i] > day.emergency_trigger;
    late_offer[i] = offer[i] + (is_triggered ? day.emergency_size : 0.0);
    flags[i] |= is_triggered ? bit(PathFlag::emergency_operation) : 0U;
  }
}

void place_at_on_rrp(const ModelParams& params, const DayContext& day, const SessionTerms& terms,
                     ConstColumn am_clearing, ConstColumn pm_clearing, const PathState& state, Column on_rrp) noexcept {
  const double unplaced = day.is_period_end ? params.money_funds.unplaceable_share : 0.0;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double lent = mmf_lending(terms, state.mmf_cash[i], std::min(am_clearing[i], pm_clearing[i]));
    on_rrp[i] = std::max(state.mmf_cash[i] - lent, 0.0) + unplaced * state.pullback[i];
  }
}

}  // namespace repoquake::model
