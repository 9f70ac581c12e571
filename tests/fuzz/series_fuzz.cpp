// CSV files: daily series, with and without a window, and single columns.
#include <algorithm>
#include <cmath>
#include <string>

#include "fuzz/entry_point.hpp"
#include "fuzz/targets.hpp"
#include "repoquake/io/series_csv.hpp"

namespace repoquake::fuzz {
namespace {

void answer_series_in(std::string_view bytes, const std::optional<scenario::Window>& window) {
  io::Diagnostics diagnostics;
  const int file = diagnostics.add_source("fuzzed", bytes);
  const auto series = io::parse_series(bytes, file, window, diagnostics);
  require(series.has_value() != diagnostics.has_errors(), "a series or errors");
  require(diagnostics.error_count() <= static_cast<std::size_t>(io::kMaxSeriesComplaints), "complaints are limited");
  require(diagnostics.render().empty() == diagnostics.empty(), "complaints are shown");
  if (!series) return;
  require(std::ranges::is_sorted(series->dates, std::less_equal{}), "days ascend");
  for (const auto& column : series->columns) {
    require(column.values.size() == series->dates.size(), "a cell per day");
    for (const auto& value : column.values) require(!value || std::isfinite(*value), "values are finite");
  }
}

void answer_column(std::string_view bytes, const std::string& name, scenario::Unit unit) {
  io::Diagnostics diagnostics;
  const int file = diagnostics.add_source("fuzzed", bytes);
  const auto values = io::parse_column(bytes, file, name, unit, diagnostics);
  require(values.has_value() != diagnostics.has_errors(), "values or errors");
  require(diagnostics.render().empty() == diagnostics.empty(), "complaints are shown");
  if (values) require(std::ranges::all_of(*values, [](double v) { return std::isfinite(v); }), "values are finite");
}

}  // namespace

void answer_series(std::string_view bytes) {
  using std::chrono::year_month_day;
  const auto day = [](int y, unsigned m, unsigned d) {
    return scenario::Date{year_month_day{std::chrono::year{y}, std::chrono::month{m}, std::chrono::day{d}}};
  };
  answer_series_in(bytes, std::nullopt);
  answer_series_in(bytes, scenario::Window{day(2019, 9, 11), day(2019, 9, 18)});
  answer_column(bytes, "tga_usd_bn", scenario::Unit::usd_bn);
  answer_column(bytes, "size_bp", scenario::Unit::bp);
  answer_column(bytes, std::string(bytes.substr(0, bytes.find('\n'))), scenario::Unit::bp);
}

}  // namespace repoquake::fuzz

REPOQUAKE_FUZZ_ENTRY(repoquake::fuzz::answer_series)
