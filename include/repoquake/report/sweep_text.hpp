/// What `sweep` and `merge` print: a row a point while they fit a screen, the range of each metric, indices, failures.
#pragma once

#include <string>

#include "repoquake/study/sweep_table.hpp"

namespace repoquake::report {

[[nodiscard]] std::string sweep_text(const study::SweepTable& table);

}  // namespace repoquake::report
