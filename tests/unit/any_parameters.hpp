/// Structural parameters that a scenario may state, drawn from their whole ranges.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <string>

#include "repoquake/scenario/parameters.hpp"
#include "unit/model/fixtures.hpp"

namespace repoquake::test {

/// How many worlds a property is tried on: REPOQUAKE_TRIALS, or `usual`.
inline int trials(int usual) {
  const char* asked = std::getenv("REPOQUAKE_TRIALS");
  return asked != nullptr ? std::max(1, std::atoi(asked)) : usual;
}

/// A value of the row: an end of its range as often as one within. What divides stays a thousandth of its range away.
inline double any_value(const scenario::ParameterSpec& row, Dice& dice) {
  const double low = row.low_is_open ? row.low + 1e-3 * (row.high - row.low) : row.low;
  const double value = dice.chance(0.25) ? low : dice.chance(1.0 / 3.0) ? row.high : dice.uniform(low, row.high);
  return row.unit == scenario::Unit::count ? std::round(value) : value;
}

/// Parameters that a scenario may state. Rows whose values depend on one another are drawn until they agree.
inline scenario::ParameterValues any_parameters(Dice& dice) {
  const auto table = scenario::parameter_table();
  for (;;) {
    scenario::ParameterValues values;
    for (std::size_t row = 0; row < table.size(); ++row) {
      if (table[row].key.starts_with("dispersion.fan")) continue;  // five increasing values: below
      values.set(row, any_value(table[row], dice));
    }
    std::array<double, 5> fan{};
    for (double& q : fan) q = dice.uniform(-50, 50);
    std::ranges::sort(fan);
    for (std::size_t k = 0; k < fan.size(); ++k)
      values.set(*scenario::find_parameter("dispersion.fan[" + std::to_string(k) + "]"), fan[k]);
    if (scenario::validate(values).empty()) return values;
  }
}

}  // namespace repoquake::test
