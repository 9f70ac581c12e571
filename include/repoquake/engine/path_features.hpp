/// One number per path: what a desk asks of a whole window. Stored in /summary, summarised on the screen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

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
  peak_yield_impact
};

inline constexpr std::size_t kPathFeatureCount = 13;

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
}};

[[nodiscard]] constexpr std::size_t index(PathFeature feature) noexcept { return static_cast<std::size_t>(feature); }

}  // namespace repoquake::engine
