#include "report/text.hpp"

#include <chrono>
#include <cmath>

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
  for (const auto& cell : cells) row += fmt::format("{:>17}", cell);
  if (!mark.empty()) row += fmt::format("   {}", mark);
  row.erase(row.find_last_not_of(' ') + 1);
  text += row + '\n';
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
