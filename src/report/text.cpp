#include "report/text.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace repoquake::report {

std::string iso(std::chrono::sys_days date) {
  const std::chrono::year_month_day d{date};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(d.year()), static_cast<unsigned>(d.month()),
                     static_cast<unsigned>(d.day()));
}

int decimals_for(double error) {
  return std::isnan(error) || error >= 0.05 || error <= 0.0 ? 1 : error >= 0.005 ? 2 : error >= 0.0005 ? 3 : 4;
}

std::string with_error(double value, double error, int decimals) {
  if (std::isnan(error)) return fmt::format("{:.{}f} ± n/a", value, decimals);
  const bool rounds_to_zero = std::fabs(value) < 0.5 * std::pow(10.0, -decimals);  // then no minus before it
  return fmt::format("{:.{}f} ± {:.{}f}", rounds_to_zero ? 0.0 : value, decimals, error, decimals);
}
std::string with_error(double value, double error) { return with_error(value, error, decimals_for(error)); }

void add_row(std::string& text, std::string_view label, const std::vector<std::string>& cells, std::string_view mark) {
  std::string row = fmt::format("  {:<34}", label);
  for (const auto& cell : cells) row += fmt::format(" {:>16}", cell);
  if (!mark.empty()) row += fmt::format("   {}", mark);
  row.erase(row.find_last_not_of(' ') + 1);
  text += row + '\n';
}

std::size_t width_of(std::string_view cell) {
  const auto begins_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  return static_cast<std::size_t>(std::ranges::count_if(cell, begins_character));
}

void add_rows(std::string& text, std::vector<Row> rows) {
  constexpr std::size_t kLabel = 34, kCell = 15, kGap = 2;
  std::size_t label_width = kLabel;
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    label_width = std::max(label_width, width_of(row.label));
    widths.resize(std::max(widths.size(), row.cells.size()), kCell);
    for (std::size_t k = 0; k < row.cells.size(); ++k) widths[k] = std::max(widths[k], width_of(row.cells[k]));
  }
  for (auto& row : rows) {
    row.label.append(label_width - width_of(row.label), ' ');
    for (std::size_t k = 0; k < row.cells.size(); ++k)
      row.cells[k].insert(0, kGap + widths[k] - width_of(row.cells[k]) - 1, ' ');  // add_row sets one space itself
    add_row(text, row.label, row.cells, row.mark);
  }
}

int metric_decimals(double error) {
  int decimals = decimals_for(error);
  while (decimals < 9 && error > 0.0 && error * std::pow(10.0, decimals) < 0.5) ++decimals;
  return decimals;
}

std::string with_unit(std::string_view name, std::string_view unit) {
  return unit == "1" ? std::string(name) : fmt::format("{}, {}", name, unit);
}

}  // namespace repoquake::report
