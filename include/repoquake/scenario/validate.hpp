/// What is wrong with a scenario beyond types: all of it, not the first.
#pragma once

#include <vector>

#include "repoquake/core/error.hpp"
#include "repoquake/scenario/scenario.hpp"

namespace repoquake::scenario {

/// Errors and warnings, each with the full key it is about; `io` adds file, line and column.
[[nodiscard]] std::vector<Issue> validate(const Scenario& scenario);

}  // namespace repoquake::scenario
