#include "repoquake/model/need.hpp"

#include "repoquake/core/elementary.hpp"

namespace repoquake::model {

void form_need(const ModelParams& params, const DayContext& day, const DayFlows& flows, const DayDraws& draws,
               PathState& state, Column need) noexcept {
  const auto& p = params.need;
  const double pullback = day.pullback_share * params.repo_volume;
  const double half_variance = 0.5 * p.pullback_dispersion * p.pullback_dispersion;
  const double carried = day.follows_period_end ? p.pullback_carry : 0.0;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    state.transitory_need[i] =
        p.shock_persistence * state.transitory_need[i] + p.shock_sd * params.repo_volume * draws.need_shock[i];
    state.coupon_inventory[i] = (1.0 - p.distribution_rate) * state.coupon_inventory[i] +
                                p.coupon_share * flows.net_coupons[i] + p.bill_share * flows.net_bills[i];
    state.tga_cash[i] = p.tga_persistence * state.tga_cash[i] + p.tga_share * flows.tga[i];
  }
  if (day.is_period_end) {
    for (std::size_t i = 0; i < kBlockPaths; ++i)
      state.pullback[i] = pullback * elementary::exp(p.pullback_dispersion * draws.pullback[i] - half_variance);
  } else {
    for (double& amount : state.pullback) amount *= carried;
  }
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    need[i] = state.structural_need[i] + state.transitory_need[i] + state.coupon_inventory[i] + state.tga_cash[i] +
              state.pullback[i] + state.fund_need[i] - day.gse_cash + flows.repo_demand[i];
}

void add_late_need(const ModelParams& params, const DayDraws& draws, ConstColumn need, Column late_need) noexcept {
  const double sd = params.need.late_shock_sd * params.repo_volume;
  for (std::size_t i = 0; i < kBlockPaths; ++i) late_need[i] = need[i] + sd * draws.late_shock[i];
}

}  // namespace repoquake::model
