/// The schedules of clearing.hpp for kLanes paths at once; bp over IORB, USD bn. Not in the public header: what is installed
/// must not depend on the instruction set that somebody compiles for.
#pragma once

#include "repoquake/core/lanes.hpp"
#include "repoquake/model/clearing.hpp"

namespace repoquake::model {

[[nodiscard]] Lanes excess_need(const SessionTerms& terms, Lanes need, Lanes cash, Lanes capacity, Lanes markup,
                                Lanes offered, Lanes x) noexcept;
[[nodiscard]] Lanes mmf_lending(const SessionTerms& terms, Lanes cash, Lanes x) noexcept;
[[nodiscard]] Lanes standing_repo_take_up(const SessionTerms& terms, Lanes rate) noexcept;
[[nodiscard]] Lanes operation_take_up(const SessionTerms& terms, Lanes offered, Lanes rate) noexcept;

}  // namespace repoquake::model
