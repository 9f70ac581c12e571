#include "repoquake/scenario/parameters.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "repoquake/core/contract.hpp"

namespace repoquake::scenario {
namespace {

using enum Unit;

// Where no range is published: 0 to 4x the default; persistences and decays to 0.99; shares, carries and weights to 1.
// basis_trade.haircut reaches 0.02 because a minimum haircut of 2 % is a policy proposal that users sweep.
constexpr auto kTable = std::to_array<ParameterSpec>({
    {"banks.lending_share", "kappa", none, 0.82, 0.5, 1.1, false, "share of lendable reserves that banks bring to repo",
     "F"},
    {"banks.saturation", "x_bar", none, 0.085, 0.05, 0.12, false,
     "reserves over assets, above scarcity, at which lending flattens",
     "F; NY Fed Staff Report 1019: satiation at 12-13 % of bank assets"},
    {"banks.scarcity_ratio", "rho*", none, 0.060, 0.055, 0.065, false,
     "reserves over assets below which banks do not lend", "F, well identified"},
    {"banks.kink_width", "w", none, 0.003, 0.002, 0.006, false, "smoothing of the kink at scarcity", "F, weak"},
    {"banks.half_saturation", "a_0", bp, 15, 11, 20, false,
     "spread above reservation at which half the capacity is lent", "F"},
    {"banks.reservation_spread", "s_0", bp, -7.5, -9, -5, false, "spread over IORB below which banks do not lend", "F"},
    {"banks.capacity_dispersion", "sigma_K", none, 0.18, 0.1, 0.3, false, "log s.d. of bank capacity across paths",
     "J, set by band coverage"},
    {"banks.volatility_elasticity", "k_v", none, 0.4, 0, 0.6, false, "fall of capacity with Treasury volatility", "J"},
    {"precaution.max_cut", "h_bar", none, 0.15, 0, 0.6, false, "largest cut of bank capacity after a stressed day",
     "F, weak; Copeland, Duffie and Yang"},
    {"precaution.scale", "h_s", bp, 45, 0, 180, true, "spread over 20 bp that brings 63 % of the largest cut",
     "F, weak"},
    {"precaution.persistence", "p_H", none, 0.70, 0, 0.99, false, "share of yesterday's precaution that stays",
     "F, weak"},
    {"money_funds.switching_scale", "b_r", bp, 5, 2, 8, false,
     "spread over the ON RRP rate at which half the cash has left it", "J"},
    {"money_funds.unplaceable_share", "psi", none, 0.5, 0.1, 1.5, false,
     "share of the period-end pull-back that returns as ON RRP", "J, unstable"},
    {"need.anticipated_drain", "theta_a", none, 0.14, 0, 0.35, false, "share of the day's drain felt in the morning",
     "F"},
    {"need.coupon_share", "nu_c", none, 0.63, 0, 1, false, "share of net coupon settlements that dealers must finance",
     "F"},
    {"need.bill_share", "nu_b", none, 0.53, 0, 1, false, "share of net bill settlements that dealers must finance",
     "F"},
    {"need.distribution_rate", "delta_c", per_day, 0.06, 0.05, 0.3, false,
     "settled securities placed with final holders each day", "F"},
    {"need.tga_share", "nu_T", none, 0.28, 0.15, 0.30, false, "share of a TGA build that is nonbank cash leaving repo",
     "F"},
    {"need.gse_window", "g", none, 0.004, 0, 0.02, false, "GSE cash in repo from the 18th to the 24th, share of volume",
     "F"},
    {"need.pullback.month", "pi_month", none, 0.039, 0, 0.156, false,
     "month-end pull-back of intermediation, share of volume", "F"},
    {"need.pullback.quarter", "pi_quarter", none, 0.037, 0, 0.148, false, "quarter-end pull-back, share of volume",
     "F"},
    {"need.pullback.year", "pi_year", none, 0.045, 0, 0.18, false, "year-end pull-back, share of volume", "F"},
    {"need.pullback_carry", "c_pi", none, 0.27, 0, 1, false, "share of the pull-back that is left on the next day",
     "F"},
    {"need.pullback_dispersion", "sigma_pi", none, 0.35, 0, 1.4, false, "log s.d. of the pull-back", "J"},
    {"need.shock_sd", "sigma_N", none, 0.013, 0, 0.052, false, "s.d. of the daily need shock, share of volume", "J"},
    {"need.shock_persistence", "rho_N", none, 0.77, 0, 0.99, false, "persistence of the transitory need", "F"},
    {"need.late_shock_sd", "sigma_pm", none, 0.012, 0, 0.048, false,
     "s.d. of the afternoon need shock, share of volume", "J"},
    {"need.degrees_of_freedom", "n", none, 4, 3, 6, false, "degrees of freedom of the need shocks", "J"},
    {"need.elasticity", "epsilon", bn_per_bp, 0.025, 0, 0.1, false, "need that gives way per bp above IORB", "F"},
    {"need.stress_elasticity", "epsilon_2", bn_per_bp, 0.06, 0, 0.24, false,
     "further need that gives way per bp above the stress spread", "J"},
    {"need.stress_spread", "x_2", bp, 250, 0, 1000, false, "spread above which stress elasticity acts", "J"},
    {"dealers.sticky_share", "chi", none, 0.065, 0.03, 0.12, false,
     "share of the morning rate that stays at yesterday's", "F"},
    {"dealers.markup", "d_1", bp, 20, 0, 80, false, "mark-up when fire-sale inventory equals capacity", "J"},
    {"dealers.capacity", "D_bar", none, 0.10, 0, 0.4, true,
     "dealers' capacity for fire-sale inventory, share of volume", "J"},
    {"dealers.inventory_decay", "delta_D", per_day, 0.08, 0, 0.99, false, "share of the inventory placed each day",
     "J"},
    {"dealers.period_end_markup.month", "d_month", bp, 1, 0, 4, false, "mark-up on month-ends", "J"},
    {"dealers.period_end_markup.quarter", "d_quarter", bp, 2.5, 0, 10, false, "mark-up on quarter-ends", "J"},
    {"dealers.period_end_markup.year", "d_year", bp, 4, 0, 16, false, "mark-up on year-ends", "J"},
    {"dealers.first_absorption", "omega_d", none, 0.65, 0, 1, false, "share of sales that dealers take on first", "J"},
    {"dealers.capacity_dispersion", "sigma_D", none, 0.25, 0, 1, false, "log s.d. of dealers' capacity across paths",
     "J"},
    {"standing_repo.addressable_share", "B_s", none, 0.08, 0, 1, false,
     "borrowing that can reach the facility, share of volume", "F, D"},
    {"standing_repo.stigma", "theta", bp, 65, 0, 260, true,
     "mean private cost of using the facility; 30 bp from 2025-12-11 unless stated", "F, D"},
    {"standing_repo.smoothing", "w_s", bp, 3.5, 0, 14, true, "smoothing of the facility's take-up around its rate",
     "F, D"},
    {"repo_operations.pass_through", "phi", none, 0.40, 0, 1, false,
     "share of operation cash that reaches the clearing market", "J, D"},
    {"repo_operations.appetite_scale", "theta_T", bp, 25, 0, 100, true,
     "spread over the minimum bid that brings 63 % of dealers' appetite", "J, D"},
    {"repo_operations.appetite_share", "B_d", none, 0.40, 0, 1, false,
     "dealers' appetite for operation cash, share of volume", "J, D"},
    {"repo_operations.gcf_premium", "g_p", bp, 6, 0, 24, false,
     "premium of interdealer repo over SOFR, felt by bidders", "J, D"},
    {"dispersion.fan[0]", "q_p1", bp, -5, -50, 50, false, "p1 of SOFR against its centre", "D"},
    {"dispersion.fan[1]", "q_p25", bp, -2, -50, 50, false, "p25 of SOFR against its centre", "D"},
    {"dispersion.fan[2]", "q_p50", bp, 0, -50, 50, false, "p50 of SOFR against its centre", "D"},
    {"dispersion.fan[3]", "q_p75", bp, 6.5, -50, 50, false, "p75 of SOFR against its centre", "D"},
    {"dispersion.fan[4]", "q_p99", bp, 10, -50, 50, false, "p99 of SOFR against its centre", "D"},
    {"dispersion.right_tail", "xi_R", none, 0.26, 0, 1.04, false, "right width gained per bp of spread above 10 bp",
     "D"},
    {"dispersion.left_tail", "xi_L", none, 0.10, 0, 0.4, false, "left width gained per bp of spread above 10 bp", "D"},
    {"dispersion.tail_with_standing_repo", "tau", none, 0.15, 0, 0.6, false,
     "factor on both widths with a standing repo facility", "J"},
    {"dispersion.tail_dispersion", "sigma_xi", none, 0.45, 0, 1.8, false, "log s.d. of the widths from day to day",
     "J"},
    {"dispersion.am_weight", "omega", none, 0.93, 0, 1, false, "share of volume traded in the morning", "J"},
    {"dispersion.noise_sd", "sigma_obs", bp, 1.2, 0, 4.8, false, "stationary s.d. of the noise in reported rates", "D"},
    {"dispersion.noise_persistence", "rho_obs", none, 0.5, 0, 0.99, false, "persistence of that noise", "D"},
    {"basis_trade.cohorts", "n_c", count, 24, 8, 64, false, "slices of the leveraged funds, by leverage", "J"},
    {"basis_trade.leverage.median", "", multiple, 34, 0, 136, true, "median leverage of the trade", "J"},
    {"basis_trade.leverage.sd", "", none, 0.45, 0, 1.8, false, "log s.d. of leverage across cohorts", "J"},
    {"basis_trade.leverage.uncertainty", "", none, 0.25, 0, 1, false, "log s.d. of the common leverage across paths",
     "J"},
    {"basis_trade.leverage.min", "", multiple, 8, 0, 32, true, "least leverage of a cohort", "J"},
    {"basis_trade.leverage.max", "", multiple, 100, 0, 400, true, "largest leverage of a cohort", "J"},
    {"basis_trade.haircut", "h", none, 0.004, 0, 0.02, false, "repo haircut per notional", "C, J"},
    {"basis_trade.futures_margin", "m_0", none, 0.0065, 0, 0.026, false,
     "futures initial margin per notional at a volatility of 60 bp", "C, J"},
    {"basis_trade.margin_elasticity", "beta_m", none, 1.0, 0, 4, false, "rise of the margin with volatility", "J"},
    {"basis_trade.margin_half_life", "", business_days, 4, 0, 16, true,
     "half-life of the volatility average in margins", "J"},
    {"basis_trade.maintenance_cushion", "g_trig", none, 0.25, 0, 1, false,
     "equity over margin below which a fund must sell", "J"},
    {"basis_trade.target_cushion", "g_tgt", none, 0.70, 0, 2.8, false, "equity over margin that a forced sale restores",
     "J"},
    {"basis_trade.max_daily_sale", "", none, 0.30, 0, 1, false, "largest share of a position sold in a day", "J"},
    {"basis_trade.voluntary_exit", "v_s", none, 0.025, 0, 0.1, false,
     "share sold per log point of volatility above its slow average", "J"},
    {"basis_trade.carry_weight", "", none, 0.15, 0, 1, false, "weight of today in the funding-cost average", "J"},
    {"basis_trade.carry_trigger", "", bp, 60, 0, 240, false, "funding-cost average above which funds leave", "J"},
    {"basis_trade.refinanced_share", "v", none, 0.8, 0, 1, false,
     "share of same-day variation margin that is re-financed", "J"},
    {"basis_trade.duration", "Dur", years, 4.5, 0, 18, false, "duration of the short futures", "J"},
    {"basis_trade.impact", "lambda_0", bp_per_bn, 0.065, 0, 0.26, false,
     "widening of the futures basis per bn sold at a volatility of 60 bp", "J"},
    {"basis_trade.impact_elasticity", "beta_lambda", none, 1.0, 0, 4, false, "rise of price impact with volatility",
     "J"},
    {"basis_trade.basis_reversion", "r_b", per_day, 0.06, 0, 0.99, false,
     "share of the basis dislocation that fades each day", "J"},
    {"basis_trade.yield_impact", "lambda_Y", bp_per_bn, 0.065, 0, 0.26, false,
     "10-year yield impact per bn sold at a volatility of 60 bp", "J"},
    {"basis_trade.other_sales_dispersion", "sigma_X", none, 0.35, 0, 1.4, false,
     "log s.d. of other investors' sales across paths", "J"},
});

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

std::string quantity_text(double value, Unit unit) {
  const auto suffix = unit_text(unit);
  return suffix.empty() ? number_text(value) : number_text(value) + " " + std::string(suffix);
}

/// What divides may not vanish: the quotient would be beyond all numbers.
constexpr double kSpan = 1e9;  // from the least to the largest
constexpr double kLeastMargin = 1e-9;

bool vanishes(const ParameterSpec& spec, double value) {
  return spec.low_is_open && value > spec.low && value < spec.low + spec.high / kSpan;
}

bool is_within(const ParameterSpec& spec, double value) {
  const bool above = spec.low_is_open ? value > spec.low : value >= spec.low;
  return above && value <= spec.high && (spec.unit != count || value == std::floor(value));
}

std::string range_text(const ParameterSpec& spec) {
  std::string text = spec.low_is_open ? "above " + quantity_text(spec.low, spec.unit) + ", at most "
                                      : quantity_text(spec.low, spec.unit) + " to ";
  return (spec.unit == count ? "a whole number from " : "") + text + quantity_text(spec.high, spec.unit);
}

}  // namespace

std::string_view unit_text(Unit unit) noexcept {
  switch (unit) {
    case none:
    case count:
      return "";
    case bp:
      return "bp";
    case percent:
      return "%";
    case usd_bn:
      return "bn USD";
    case usd_bn_month:
      return "bn USD per month";
    case business_days:
      return "bd";
    case years:
      return "y";
    case per_day:
      return "/d";
    case bn_per_bp:
      return "bn/bp";
    case bp_per_bn:
      return "bp/bn";
    case multiple:
      return "x";
  }
  return "";
}

std::span<const ParameterSpec> parameter_table() noexcept { return kTable; }

std::optional<std::size_t> find_parameter(std::string_view key) noexcept {
  const auto row = std::ranges::find(kTable, key, &ParameterSpec::key);
  if (row == kTable.end()) return std::nullopt;
  return static_cast<std::size_t>(row - kTable.begin());
}

ParameterValues::ParameterValues() : stated_(kTable.size(), false) {
  values_.reserve(kTable.size());
  for (const auto& spec : kTable) values_.push_back(spec.default_value);
}

double ParameterValues::at(std::string_view key) const {
  const auto row = find_parameter(key);
  if (!row) throw LogicError("no parameter is called " + std::string(key));
  return values_[*row];
}

void ParameterValues::set(std::size_t row, double value) {
  values_.at(row) = value;
  stated_.at(row) = true;
}

std::vector<Issue> validate(const ParameterValues& values) {
  std::vector<Issue> issues;
  for (std::size_t row = 0; row < kTable.size(); ++row) {
    const auto& spec = kTable[row];
    const std::string got = ", got " + quantity_text(values[row], spec.unit);
    if (vanishes(spec, values[row]))
      issues.push_back({"model." + std::string(spec.key), "is too close to " + number_text(spec.low) + ": at least " +
                                                              quantity_text(spec.low + spec.high / kSpan, spec.unit) +
                                                              got});
    else if (!is_within(spec, values[row]))
      issues.push_back({"model." + std::string(spec.key), "must be " + range_text(spec) + got});
  }
  for (int i = 1; i < 5; ++i) {
    const std::string key = "dispersion.fan[" + std::to_string(i) + "]";
    if (!(values.at(key) > values.at("dispersion.fan[" + std::to_string(i - 1) + "]")))
      issues.push_back({"model." + key, "the five values of the fan must increase"});
  }
  if (values.at("basis_trade.target_cushion") < values.at("basis_trade.maintenance_cushion"))
    issues.push_back({"model.basis_trade.target_cushion", "must be at least basis_trade.maintenance_cushion"});
  if (values.at("basis_trade.leverage.min") > values.at("basis_trade.leverage.max"))
    issues.push_back({"model.basis_trade.leverage.min", "must not exceed basis_trade.leverage.max"});
  if (const double margin = values.at("basis_trade.haircut") + values.at("basis_trade.futures_margin");
      margin < kLeastMargin)
    issues.push_back({"model.basis_trade.futures_margin",
                      margin > 0.0 ? "haircut and futures margin together must be at least " +
                                         number_text(kLeastMargin) + ": a position needs margin"
                                   : "haircut and futures margin cannot both be 0: a position needs margin"});
  return issues;
}

}  // namespace repoquake::scenario
