/// What `compare` prints: each other world against the base, by day and over the window, with the error of the difference.
#pragma once

#include <string>

#include "repoquake/study/comparison.hpp"

namespace repoquake::report {

/// Differences within two standard errors are marked as such. Says how the sides were paired, where their needs come from
/// and until when their paths are equal.
[[nodiscard]] std::string comparison_table(const study::Comparison& comparison);

}  // namespace repoquake::report
