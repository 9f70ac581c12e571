/// What `sweep` and `merge` print: a row a point while they fit a screen, the range of each metric, indices, failures.
#pragma once

#include <string>

#include "repoquake/scenario/scenario.hpp"
#include "repoquake/study/sweep_table.hpp"

namespace repoquake::report {

[[nodiscard]] std::string sweep_text(const study::SweepTable& table);

/// Where the funding need of the points of a sweep or a search comes from; `base`: the name of whose need is held.
[[nodiscard]] std::string need_text(const scenario::Scenario& point, const std::string& base);

}  // namespace repoquake::report
