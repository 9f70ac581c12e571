/// The part of a scenario that says what is asked of the run: how many paths, what is stored, which numbers, and what the
/// run is held to.
#pragma once

#include "repoquake/io/map_reader.hpp"
#include "repoquake/scenario/scenario.hpp"

namespace repoquake::io {

/// Reads `metrics`, `simulate`, `output` and `expect` of a scenario's map. Pre: window and policy have been read.
void read_requests(MapReader& r, scenario::Scenario& scenario);

/// Complains about a part of an expression, at its very place.
void refuse_within(const Value& value, const scenario::ExpressionError& error);

}  // namespace repoquake::io
