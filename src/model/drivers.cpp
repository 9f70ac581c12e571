#include "repoquake/model/drivers.hpp"

#include <algorithm>

#include "repoquake/core/elementary.hpp"

namespace repoquake::model {

void draw_flows(const DriverParams& p, const DriverDay& day, const DriverDraws& draws, const FedSheet& sheet,
                DriverState& state, DayFlows& flows) noexcept {
  if (p.tga) {
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const double account = to_usd_bn(sheet.tga[i]);
      const double flow = day.tga_drift + p.tga_pull * (day.tga_reference + state.tga_shocks[i] - account) +
                          p.tga_residual_sd * draws.tga[i];
      flows.tga[i] += std::max(flow, std::min(-account, 0.0));
    }
  }
  if (p.settlements && day.settles_coupons)
    for (std::size_t i = 0; i < kBlockPaths; ++i) flows.net_coupons[i] += day.coupons + p.coupons_sd * draws.coupons[i];
  if (p.settlements && day.settles_bills)
    for (std::size_t i = 0; i < kBlockPaths; ++i) flows.net_bills[i] += day.bills + p.bills_sd * draws.bills[i];
  if (p.other_factors)
    for (std::size_t i = 0; i < kBlockPaths; ++i)
      flows.other_liabilities[i] += p.other_factors_sd * draws.other_factors[i];
  if (p.volatility) {
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      state.log_volatility[i] =
          p.volatility_persistence * state.log_volatility[i] + p.volatility_sd * draws.volatility[i];
      state.jump[i] = p.jump_persistence * state.jump[i] + (draws.jump[i] < p.jump_probability ? p.jump_size : 0.0);
      flows.volatility[i] = p.volatility_level * elementary::exp(state.log_volatility[i]) + state.jump[i];
    }
  }
}

}  // namespace repoquake::model
