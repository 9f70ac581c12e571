#include "repoquake/model/bank_capacity.hpp"

#include "repoquake/core/elementary.hpp"

namespace repoquake::model {

UsdBn lend_capacity(const ModelParams& params, UsdBn reserves, double volatility_bp, double precaution,
                    double capacity_factor) noexcept {
  const auto& b = params.banks;
  const double above =
      b.kink_width * elementary::softplus((reserves / params.bank_assets - b.scarcity_ratio) / b.kink_width);
  const double share = b.lending_share * b.saturation * elementary::one_minus_exp(above / b.saturation);
  const double volatility = elementary::power(volatility_bp / params.reference_volatility, -b.volatility_elasticity);
  return params.bank_assets * share * (1.0 - precaution) * volatility * capacity_factor;
}

void lend_capacity(const ModelParams& params, ConstColumn reserves_usd_bn, ConstColumn volatility_bp,
                   ConstColumn precaution, ConstColumn capacity_factor, Column capacity) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    capacity[i] = lend_capacity(params, reserves_usd_bn[i], volatility_bp[i], precaution[i], capacity_factor[i]);
}

}  // namespace repoquake::model
