#include <string>

#include "repoquake/plan/compile.hpp"

namespace repoquake::plan {

model::ModelParams model_params(const scenario::ParameterValues& v, UsdBn repo_volume, UsdBn bank_assets) {
  model::ModelParams p;
  p.repo_volume = repo_volume;
  p.bank_assets = bank_assets;

  p.banks.lending_share = v.at("banks.lending_share");
  p.banks.saturation = v.at("banks.saturation");
  p.banks.scarcity_ratio = v.at("banks.scarcity_ratio");
  p.banks.kink_width = v.at("banks.kink_width");
  p.banks.half_saturation = v.at("banks.half_saturation");
  p.banks.reservation_spread = v.at("banks.reservation_spread");
  p.banks.capacity_dispersion = v.at("banks.capacity_dispersion");
  p.banks.volatility_elasticity = v.at("banks.volatility_elasticity");

  p.precaution.max_cut = v.at("precaution.max_cut");
  p.precaution.scale = v.at("precaution.scale");
  p.precaution.persistence = v.at("precaution.persistence");

  p.money_funds.switching_scale = v.at("money_funds.switching_scale");
  p.money_funds.unplaceable_share = v.at("money_funds.unplaceable_share");

  p.need.anticipated_drain = v.at("need.anticipated_drain");
  p.need.coupon_share = v.at("need.coupon_share");
  p.need.bill_share = v.at("need.bill_share");
  p.need.distribution_rate = v.at("need.distribution_rate");
  p.need.tga_share = v.at("need.tga_share");
  p.need.gse_window = v.at("need.gse_window");
  p.need.pullback_month = v.at("need.pullback.month");
  p.need.pullback_quarter = v.at("need.pullback.quarter");
  p.need.pullback_year = v.at("need.pullback.year");
  p.need.pullback_carry = v.at("need.pullback_carry");
  p.need.pullback_dispersion = v.at("need.pullback_dispersion");
  p.need.shock_sd = v.at("need.shock_sd");
  p.need.shock_persistence = v.at("need.shock_persistence");
  p.need.late_shock_sd = v.at("need.late_shock_sd");
  p.need.degrees_of_freedom = v.at("need.degrees_of_freedom");
  p.need.elasticity = v.at("need.elasticity");
  p.need.stress_elasticity = v.at("need.stress_elasticity");
  p.need.stress_spread = v.at("need.stress_spread");

  p.dealers.sticky_share = v.at("dealers.sticky_share");
  p.dealers.markup = v.at("dealers.markup");
  p.dealers.capacity = v.at("dealers.capacity");
  p.dealers.inventory_decay = v.at("dealers.inventory_decay");
  p.dealers.markup_month = v.at("dealers.period_end_markup.month");
  p.dealers.markup_quarter = v.at("dealers.period_end_markup.quarter");
  p.dealers.markup_year = v.at("dealers.period_end_markup.year");
  p.dealers.first_absorption = v.at("dealers.first_absorption");
  p.dealers.capacity_dispersion = v.at("dealers.capacity_dispersion");

  p.standing_repo.addressable_share = v.at("standing_repo.addressable_share");
  p.standing_repo.smoothing = v.at("standing_repo.smoothing");

  p.repo_operations.pass_through = v.at("repo_operations.pass_through");
  p.repo_operations.appetite_scale = v.at("repo_operations.appetite_scale");
  p.repo_operations.appetite_share = v.at("repo_operations.appetite_share");
  p.repo_operations.gcf_premium = v.at("repo_operations.gcf_premium");

  for (std::size_t k = 0; k < model::kPercentileCount; ++k)
    p.dispersion.fan[k] = v.at("dispersion.fan[" + std::to_string(k) + "]");
  p.dispersion.right_tail = v.at("dispersion.right_tail");
  p.dispersion.left_tail = v.at("dispersion.left_tail");
  p.dispersion.tail_with_standing_repo = v.at("dispersion.tail_with_standing_repo");
  p.dispersion.tail_dispersion = v.at("dispersion.tail_dispersion");
  p.dispersion.am_weight = v.at("dispersion.am_weight");
  p.dispersion.noise_sd = v.at("dispersion.noise_sd");
  p.dispersion.noise_persistence = v.at("dispersion.noise_persistence");

  auto& b = p.basis_trade;
  b.cohorts = static_cast<std::size_t>(v.at("basis_trade.cohorts"));
  b.leverage_median = v.at("basis_trade.leverage.median");
  b.leverage_sd = v.at("basis_trade.leverage.sd");
  b.leverage_uncertainty = v.at("basis_trade.leverage.uncertainty");
  b.leverage_min = v.at("basis_trade.leverage.min");
  b.leverage_max = v.at("basis_trade.leverage.max");
  b.haircut = v.at("basis_trade.haircut");
  b.futures_margin = v.at("basis_trade.futures_margin");
  b.margin_elasticity = v.at("basis_trade.margin_elasticity");
  b.margin_half_life = v.at("basis_trade.margin_half_life");
  b.maintenance_cushion = v.at("basis_trade.maintenance_cushion");
  b.target_cushion = v.at("basis_trade.target_cushion");
  b.max_daily_sale = v.at("basis_trade.max_daily_sale");
  b.voluntary_exit = v.at("basis_trade.voluntary_exit");
  b.carry_weight = v.at("basis_trade.carry_weight");
  b.carry_trigger = v.at("basis_trade.carry_trigger");
  b.refinanced_share = v.at("basis_trade.refinanced_share");
  b.duration = v.at("basis_trade.duration");
  b.impact = v.at("basis_trade.impact");
  b.impact_elasticity = v.at("basis_trade.impact_elasticity");
  b.basis_reversion = v.at("basis_trade.basis_reversion");
  b.yield_impact = v.at("basis_trade.yield_impact");
  b.other_sales_dispersion = v.at("basis_trade.other_sales_dispersion");
  return p;
}

}  // namespace repoquake::plan
