/// What really happened on the days of a scenario, under the names of the variables that simulate it.
#pragma once

#include <optional>
#include <vector>

#include "repoquake/core/variables.hpp"
#include "repoquake/scenario/scenario.hpp"

namespace repoquake::scenario {

struct Observation {
  Variable variable;
  std::vector<std::optional<double>> values;  ///< one a day, in the variable's unit
};

/// The observed columns of the series, and `spread` = SOFR - IORB where SOFR is observed. Empty without a series.
[[nodiscard]] std::vector<Observation> observations(const Scenario& scenario);

/// Administered rates in force on a day. Pre: the first entry is not after it (validated).
[[nodiscard]] const AdministeredRates& rates_on(const Policy& policy, Date date);

}  // namespace repoquake::scenario
