/// The probability of a rare event as text for people.
#pragma once

#include <span>
#include <string>

#include "repoquake/study/rare_event.hpp"

namespace repoquake::report {

/// `refused`: why there is no estimate to show; empty: there is.
[[nodiscard]] std::string splitting_table(const study::RareEvent& event,
                                          std::span<const study::SplittingReplica> replicas,
                                          const study::SplittingEstimate& estimate, const std::string& refused);
[[nodiscard]] std::string tilting_table(const study::WeightedHits& sums, const study::TiltingEstimate& estimate,
                                        const std::string& refused);

}  // namespace repoquake::report
