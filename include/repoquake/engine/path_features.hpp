/// One number per path: what a desk asks of a whole window. Stored in /summary, summarised on the screen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "repoquake/core/units.hpp"
#include "repoquake/core/variables.hpp"

namespace repoquake::engine {

enum class PathFeature : std::uint8_t {
  peak_spread,      ///< largest reported SOFR - IORB of the window
  peak_p99_spread,  ///< largest reported p99 of SOFR - IORB
  peak_day,         ///< calendar days from the first day to the (first) day of peak_spread
  standing_repo_peak,
  repo_operations_peak,
  on_rrp_peak,
  trough_reserves,
  basis_sales_total,
  basis_sales_forced_total,
  position_change,  ///< end of window against the opening position, percent
  trough_return,    ///< smallest hf_return, percent
  peak_futures_basis,
  peak_yield_impact,
  peak_sofr_over_effr,    ///< largest reported SOFR - EFFR
  peak_tgcr_spread,       ///< largest reported TGCR - IORB
  days_above_corridor,    ///< with SOFR above the top of the target range; NaN where neither it nor a facility is known
  days_to_return,         ///< from peak_spread to the first day below 5 bp, or to the end of the window
  is_not_back,            ///< 1: SOFR - IORB has not come back below 5 bp since its peak
  peak_fed_credit,        ///< largest sum of standing repo and operations on a day
  peak_volume_above_srf,  ///< largest share of SOFR volume above the facility's rate, percent; NaN without one
  peak_dealer_markup,
  peak_spiral_ratio,  ///< largest Q lambda / (1e4 M), percent: at 100 the basis trade is unstable
  basis_sales_voluntary_total
};

inline constexpr std::size_t kPathFeatureCount = 23;

inline constexpr Spread kCalmSpread = 5.0;  ///< below which funding has returned to normal

struct PathFeatureSpec {
  PathFeature feature;
  std::string_view name;
  std::string_view unit;
  std::string_view long_name;
};

inline constexpr std::array<PathFeatureSpec, kPathFeatureCount> kPathFeatures{{
    {PathFeature::peak_spread, "peak_spread", "bp", "largest SOFR minus IORB of the window"},
    {PathFeature::peak_p99_spread, "peak_p99_spread", "bp", "largest 99th percentile of SOFR minus IORB"},
    {PathFeature::peak_day, "peak_day", "days", "day of the largest SOFR minus IORB"},
    {PathFeature::standing_repo_peak, "standing_repo_peak", "1e9 USD", "largest standing repo take-up"},
    {PathFeature::repo_operations_peak, "repo_operations_peak", "1e9 USD", "largest open market repo outstanding"},
    {PathFeature::on_rrp_peak, "on_rrp_peak", "1e9 USD", "largest overnight reverse repo take-up"},
    {PathFeature::trough_reserves, "trough_reserves", "1e9 USD", "smallest bank reserves"},
    {PathFeature::basis_sales_total, "basis_sales_total", "1e9 USD", "Treasuries sold out of basis trades"},
    {PathFeature::basis_sales_forced_total, "basis_sales_forced_total", "1e9 USD", "of these, sold on margin calls"},
    {PathFeature::position_change, "position_change", "percent", "basis position at the end against the opening"},
    {PathFeature::trough_return, "trough_return", "percent", "smallest return of the funds since the opening"},
    {PathFeature::peak_futures_basis, "peak_futures_basis", "bp", "largest futures basis dislocation"},
    {PathFeature::peak_yield_impact, "peak_yield_impact", "bp", "largest 10-year yield impact"},
    {PathFeature::peak_sofr_over_effr, "peak_sofr_over_effr", "bp", "largest SOFR minus EFFR"},
    {PathFeature::peak_tgcr_spread, "peak_tgcr_spread", "bp", "largest TGCR minus IORB"},
    {PathFeature::days_above_corridor, "days_above_corridor", "business days",
     "days with SOFR above the top of the target range (the standing repo rate where no range is stated)"},
    {PathFeature::days_to_return, "days_to_return", "business days",
     "from the largest SOFR minus IORB to the first day below 5 bp, or to the end of the window"},
    {PathFeature::is_not_back, "is_not_back", "1", "1: not back below 5 bp by the end of the window"},
    {PathFeature::peak_fed_credit, "peak_fed_credit", "1e9 USD", "largest standing repo and operations together"},
    {PathFeature::peak_volume_above_srf, "peak_volume_above_srf", "percent",
     "largest share of SOFR volume above the standing repo rate"},
    {PathFeature::peak_dealer_markup, "peak_dealer_markup", "bp", "largest dealers' mark-up on repo"},
    {PathFeature::peak_spiral_ratio, "peak_spiral_ratio", "percent",
     "largest Q lambda / (1e4 M) of the basis trade; unstable from 100 on"},
    {PathFeature::basis_sales_voluntary_total, "basis_sales_voluntary_total", "1e9 USD",
     "Treasuries sold out of basis trades without a margin call"},
}};

[[nodiscard]] constexpr std::size_t index(PathFeature feature) noexcept { return static_cast<std::size_t>(feature); }

}  // namespace repoquake::engine
