/// What `reverse` prints: crossings with their intervals, a row each, and what is to be said about them; without a crossing on
/// which side of the target the metric stays and how near it comes.
#pragma once

#include <string>

#include "repoquake/study/reverse.hpp"

namespace repoquake::report {

[[nodiscard]] std::string reverse_table(const study::Reverse& reverse);

}  // namespace repoquake::report
