#include "repoquake/model/bank_capacity.hpp"

#include "repoquake/core/elementary.hpp"
#include "repoquake/core/lanes.hpp"

namespace repoquake::model {

namespace {

template <Number V>
[[gnu::always_inline]] inline V capacity_of(const ModelParams& params, V reserves, V volatility_bp, V precaution,
                                            V capacity_factor) noexcept {
  const auto& b = params.banks;
  const V above =
      b.kink_width * elementary::softplus((reserves / params.bank_assets - b.scarcity_ratio) / b.kink_width);
  const V share = b.lending_share * b.saturation * elementary::one_minus_exp(above / b.saturation);
  const V volatility = elementary::power(volatility_bp / params.reference_volatility, -b.volatility_elasticity);
  return params.bank_assets * share * (1.0 - precaution) * volatility * capacity_factor;
}

}  // namespace

UsdBn lend_capacity(const ModelParams& params, UsdBn reserves, double volatility_bp, double precaution,
                    double capacity_factor) noexcept {
  return capacity_of(params, reserves, volatility_bp, precaution, capacity_factor);
}

void lend_capacity(const ModelParams& params, ConstColumn reserves_usd_bn, ConstColumn volatility_bp,
                   ConstColumn precaution, ConstColumn capacity_factor, Column capacity) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes)
    store(capacity_of(params, load(reserves_usd_bn, i), load(volatility_bp, i), load(precaution, i),
                      load(capacity_factor, i)),
          capacity, i);
}

}  // namespace repoquake::model
