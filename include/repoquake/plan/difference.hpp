/// Where two plans part: before that day their paths are made of the same numbers, so they must be equal to the bit.
#pragma once

#include <cstddef>
#include <optional>

#include "repoquake/plan/plan.hpp"

namespace repoquake::plan {

/// The first row on which the plans ask for different things: another opening, parameter or law of a draw counts from row 0,
/// a day's rates, facilities and flows from that day, a shock from the first day it may act. Nothing where they ask for the
/// same throughout. What is stored or computed of a run plays no part. Pre: the same days; seeds may differ (row 0).
[[nodiscard]] std::optional<std::size_t> first_difference(const Plan& a, const Plan& b);

}  // namespace repoquake::plan
