#include "repoquake/model/bank_capacity.hpp"

#include <algorithm>

#include "repoquake/core/elementary.hpp"
#include "repoquake/core/lanes.hpp"

namespace repoquake::model {

namespace {

double effect_of_volatility(const ModelParams& params, double volatility_bp) noexcept {
  return elementary::power(volatility_bp / params.reference_volatility, -params.banks.volatility_elasticity);
}

template <Number V>
[[gnu::always_inline]] inline V satiated_of(const ModelParams& params, V volatility_effect, V precaution,
                                            V capacity_factor) noexcept {
  const auto& b = params.banks;
  const double usual = params.bank_assets * b.lending_share * b.saturation;
  return usual * (1.0 - precaution) * volatility_effect * capacity_factor;
}

/// Capacity as a share of that of satiated banks.
template <Number V>
[[gnu::always_inline]] inline V satiation_of(const ModelParams& params, V reserves) noexcept {
  const auto& b = params.banks;
  const V above =
      b.kink_width * elementary::softplus((reserves / params.bank_assets - b.scarcity_ratio) / b.kink_width);
  return elementary::one_minus_exp(above / b.saturation);
}

}  // namespace

UsdBn lend_capacity(const ModelParams& params, UsdBn reserves, double volatility_bp, double precaution,
                    double capacity_factor) noexcept {
  return satiated_of(params, effect_of_volatility(params, volatility_bp), precaution, capacity_factor) *
         satiation_of(params, reserves);
}

void satiated_capacity(const ModelParams& params, ConstColumn volatility_bp, ConstColumn precaution,
                       ConstColumn capacity_factor, Column satiated) noexcept {
  if (is_uniform(volatility_bp)) {
    std::ranges::fill(satiated, effect_of_volatility(params, volatility_bp[0]));
  } else {
    for (std::size_t i = 0; i < kBlockPaths; ++i) satiated[i] = effect_of_volatility(params, volatility_bp[i]);
  }
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes)
    store(satiated_of(params, load(satiated, i), load(precaution, i), load(capacity_factor, i)), satiated, i);
}

void lend_capacity(const ModelParams& params, ConstColumn reserves_usd_bn, ConstColumn satiated,
                   Column capacity) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes)
    store(load(satiated, i) * satiation_of(params, load(reserves_usd_bn, i)), capacity, i);
}

}  // namespace repoquake::model
