/// All constants of the kernels, in canonical units. Built once by `plan::compile` from the parameter table
/// (scenario/parameters.hpp), which documents symbol, default, range and source of each; never re-read after.
#pragma once

#include <array>
#include <cstddef>

#include "repoquake/core/units.hpp"

namespace repoquake::model {

/// SOFR percentiles that are simulated: p1, p25, p50, p75, p99.
inline constexpr std::array<double, 5> kPercentiles{0.01, 0.25, 0.50, 0.75, 0.99};
inline constexpr std::size_t kPercentileCount = kPercentiles.size();
inline constexpr std::size_t kMedian = 2;

struct ModelParams {
  UsdBn repo_volume = 0.0;  ///< V
  UsdBn bank_assets = 0.0;  ///< A

  struct Banks {
    double lending_share, saturation, scarcity_ratio, kink_width;
    Spread half_saturation, reservation_spread;
    double capacity_dispersion, volatility_elasticity;

    bool operator==(const Banks&) const = default;
  } banks{};

  struct Precaution {
    double max_cut;
    Spread scale;
    double persistence;
    Spread threshold = 20.0;  ///< spread of a stressed day [model 2]

    bool operator==(const Precaution&) const = default;
  } precaution{};

  struct MoneyFunds {
    Spread switching_scale;
    double unplaceable_share;

    bool operator==(const MoneyFunds&) const = default;
  } money_funds{};

  struct Need {
    double anticipated_drain, coupon_share, bill_share, distribution_rate, tga_share, gse_window;
    double pullback_month, pullback_quarter, pullback_year, pullback_carry, pullback_dispersion;
    double shock_sd, shock_persistence, late_shock_sd, degrees_of_freedom;
    double elasticity, stress_elasticity;
    Spread stress_spread;
    double tga_persistence = 0.9;  ///< of nonbank cash pulled by the Treasury [model 2]

    bool operator==(const Need&) const = default;
  } need{};

  struct Dealers {
    double sticky_share;
    Spread markup;
    double capacity, inventory_decay;
    Spread markup_month, markup_quarter, markup_year;
    double first_absorption, capacity_dispersion;
    double fund_need_persistence = 0.93;  ///< of need from fund sales [model 2]
    double least_capacity = 0.05;         ///< share of the usual capacity that a shock leaves

    bool operator==(const Dealers&) const = default;
  } dealers{};

  struct StandingRepo {
    double addressable_share;
    Spread smoothing;

    bool operator==(const StandingRepo&) const = default;
  } standing_repo{};

  struct RepoOperations {
    double pass_through;
    Spread appetite_scale;
    double appetite_share;
    Spread gcf_premium;

    bool operator==(const RepoOperations&) const = default;
  } repo_operations{};

  struct Dispersion {
    std::array<Spread, kPercentileCount> fan;
    double right_tail, left_tail, tail_with_standing_repo, tail_dispersion, am_weight;
    Spread noise_sd;
    double noise_persistence;
    Spread base_width = 1.0;      ///< width of a calm day's law, bp [model 2]
    Spread widening_from = 10.0;  ///< spread above which the law widens, bp [model 2]
    Spread below_floor = 5.0;     ///< percentiles stay within this of the ON RRP rate, bp [model 2]

    bool operator==(const Dispersion&) const = default;
  } dispersion{};

  struct BasisTrade {
    std::size_t cohorts;
    double leverage_median, leverage_sd, leverage_uncertainty, leverage_min, leverage_max;
    double haircut, futures_margin, margin_elasticity, margin_half_life;
    double maintenance_cushion, target_cushion, max_daily_sale;
    double voluntary_exit, carry_weight;
    Spread carry_trigger;
    double refinanced_share, duration;
    double impact, impact_elasticity, basis_reversion, yield_impact;
    double other_sales_dispersion;
    double slow_volatility_weight = 0.03;  ///< of today in the slow volatility average [model 2]
    double carry_exit = 0.05;              ///< share sold per 60 bp of funding cost above the trigger [model 2]
    Spread carry_scale = 60.0;             ///< that 60 bp [model 2]
    double max_voluntary_exit = 0.2;       ///< largest voluntary share in a day [model 2]
    double yield_persistence = 0.97;       ///< of the yield impact [model 2]
    double daily_sales_dispersion = 0.25;  ///< log s.d. of other investors' sales from day to day [model 2]
    double opening_cushion = 1.03;         ///< least opening equity over the maintenance level [model 2]
    double margin_floor = 0.5;             ///< least volatility ratio in the futures margin [model 2]

    bool operator==(const BasisTrade&) const = default;
  } basis_trade{};

  double reference_volatility = 60.0;  ///< bp; volatilities enter relative to it [model 2]

  bool operator==(const ModelParams&) const = default;
};

/// Multiples of the half-saturation spread on ordinary days, month-, quarter- and year-ends [model 2].
inline constexpr std::array<double, 4> kPeriodEndSaturation{1.0, 1.5, 1.85, 1.85};

/// Excess need above this spread is not cleared but flagged, bp.
inline constexpr Spread kHighestSpread = 3000.0;

}  // namespace repoquake::model
