/// What the tables have in common: dates, numbers with their errors, rows, and the names of the window's features.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/engine/path_features.hpp"

namespace repoquake::report {

[[nodiscard]] std::string iso(std::chrono::sys_days date);

/// As many decimals as the error needs to show a digit, one to four; one where no error can be told.
[[nodiscard]] int decimals_for(double error);
/// The same also where the error is tiny.
[[nodiscard]] int metric_decimals(double error);

/// "value ± error"; NaN: no error can be told.
[[nodiscard]] std::string with_error(double value, double error, int decimals);
[[nodiscard]] std::string with_error(double value, double error);

/// "name, unit"
[[nodiscard]] std::string with_unit(std::string_view name, std::string_view unit);

/// Columns on a screen: characters of UTF-8, so that "±" is one.
[[nodiscard]] std::size_t width_of(std::string_view cell);

/// A row of right-aligned cells after a left-aligned label. At least one space is between cells, however long.
void add_row(std::string& text, std::string_view label, const std::vector<std::string>& cells,
             std::string_view mark = "");

struct Row {
  std::string label;
  std::vector<std::string> cells;
  std::string mark = {};
};

/// The same of rows whose cells may be long: a column is as wide as its widest cell, two spaces before it.
void add_rows(std::string& text, std::vector<Row> rows);

/// The features that people are shown, in their order.
struct WindowRow {
  engine::PathFeature feature;
  std::string_view label;
};
inline constexpr std::array kWindowRows{
    WindowRow{engine::PathFeature::peak_spread, "peak SOFR - IORB, bp"},
    WindowRow{engine::PathFeature::peak_p99_spread, "peak p99 of SOFR - IORB, bp"},
    WindowRow{engine::PathFeature::peak_sofr_over_effr, "peak SOFR - EFFR, bp"},
    WindowRow{engine::PathFeature::peak_tgcr_spread, "peak TGCR - IORB, bp"},
    WindowRow{engine::PathFeature::days_above_corridor, "days above the corridor"},
    WindowRow{engine::PathFeature::days_to_return, "days from peak to below 5 bp"},
    WindowRow{engine::PathFeature::is_not_back, "  not back by the end, % of paths"},
    WindowRow{engine::PathFeature::peak_dealer_markup, "peak dealer mark-up, bp"},
    WindowRow{engine::PathFeature::peak_volume_above_srf, "peak volume above SRF rate, %"},
    WindowRow{engine::PathFeature::standing_repo_peak, "peak standing repo, bn USD"},
    WindowRow{engine::PathFeature::repo_operations_peak, "peak Fed repo operations, bn USD"},
    WindowRow{engine::PathFeature::peak_fed_credit, "peak Fed credit by both, bn USD"},
    WindowRow{engine::PathFeature::on_rrp_peak, "peak ON RRP, bn USD"},
    WindowRow{engine::PathFeature::trough_reserves, "trough of reserves, bn USD"},
    WindowRow{engine::PathFeature::position_change, "basis position change, %"},
    WindowRow{engine::PathFeature::basis_sales_forced_total, "basis trades sold on calls, bn USD"},
    WindowRow{engine::PathFeature::basis_sales_voluntary_total, "sold voluntarily, bn USD"},
    WindowRow{engine::PathFeature::trough_return, "worst return of the funds, %"},
    WindowRow{engine::PathFeature::peak_futures_basis, "peak futures basis, bp"},
    WindowRow{engine::PathFeature::peak_yield_impact, "peak 10-year yield impact, bp"},
    WindowRow{engine::PathFeature::peak_spiral_ratio, "nearest to the spiral (100), %"},
};

}  // namespace repoquake::report
