/// What `attribute` prints: per metric the share of each factor, what it does alone and last, and how factors interact.
#pragma once

#include <span>
#include <string>

#include "repoquake/study/attribution.hpp"

namespace repoquake::report {

[[nodiscard]] std::string attribution_table(std::span<const study::Attribution> metrics,
                                            std::span<const std::string> factors);

}  // namespace repoquake::report
