#include "repoquake/model/need.hpp"

#include "repoquake/core/elementary.hpp"
#include "repoquake/core/lanes.hpp"

namespace repoquake::model {

void form_need(const ModelParams& params, const DayContext& day, const DayFlows& flows, const DayDraws& draws,
               PathState& state, Column need) noexcept {
  const auto& p = params.need;
  const double pullback = day.pullback_share * params.repo_volume;
  const double half_variance = 0.5 * p.pullback_dispersion * p.pullback_dispersion;
  const double carried = day.follows_period_end ? p.pullback_carry : 0.0;
  const double shock_sd = p.shock_sd * params.repo_volume;
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes) {
    const Lanes transitory =
        p.shock_persistence * load(state.transitory_need, i) + shock_sd * load(draws.need_shock, i);
    const Lanes inventory = (1.0 - p.distribution_rate) * load(state.coupon_inventory, i) +
                            p.coupon_share * load(flows.net_coupons, i) + p.bill_share * load(flows.net_bills, i);
    const Lanes tga_cash = p.tga_persistence * load(state.tga_cash, i) + p.tga_share * load(flows.tga, i);
    Lanes pulled_back = carried * load(state.pullback, i);
    if (day.is_period_end)
      pulled_back = pullback * elementary::exp(p.pullback_dispersion * load(draws.pullback, i) - half_variance);
    store(transitory, state.transitory_need, i);
    store(inventory, state.coupon_inventory, i);
    store(tga_cash, state.tga_cash, i);
    store(pulled_back, state.pullback, i);
    store(load(state.structural_need, i) + transitory + inventory + tga_cash + pulled_back + load(state.fund_need, i) -
              day.gse_cash + load(flows.repo_demand, i),
          need, i);
  }
}

void add_late_need(const ModelParams& params, const DayDraws& draws, ConstColumn need, Column late_need) noexcept {
  const double sd = params.need.late_shock_sd * params.repo_volume;
  for (std::size_t i = 0; i < kBlockPaths; ++i) late_need[i] = need[i] + sd * draws.late_shock[i];
}

}  // namespace repoquake::model
