#include "repoquake/model/facilities.hpp"

#include <algorithm>

#include "model/schedules.hpp"

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
  const bool has_operation = std::ranges::any_of(columns.offered, [](double offered) { return offered > 0.0; });
  if (!terms.has_standing_repo) std::ranges::fill(standing_repo, 0.0);
  if (!has_operation) std::ranges::fill(operations, 0.0);
  for (std::size_t i = 0; i < kBlockPaths && (terms.has_standing_repo || has_operation); i += kLanes) {
    const Lanes rate = load(clearing, i) + load(columns.markup, i);
    const Lanes offered = load(columns.offered, i);
    if (terms.has_standing_repo) store(standing_repo_take_up(terms, rate), standing_repo, i);
    if (has_operation) store(select(offered > 0.0, operation_take_up(terms, offered, rate), 0.0), operations, i);
  }
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
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes) {
    const Lanes cash = load(state.mmf_cash, i);
    const Lanes lent = mmf_lending(terms, cash, smaller(load(am_clearing, i), load(pm_clearing, i)));
    store(larger(cash - lent, 0.0) + unplaced * load(state.pullback, i), on_rrp, i);
  }
}

}  // namespace repoquake::model
