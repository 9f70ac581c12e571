/// A per-path expression as a flat program over columns: what is left of "max(sofr - iorb)" when names, units and the
/// tree are gone.
///
/// Each day the series parts run and feed their accumulators; at the end of the window the last part turns accumulators
/// into one number a path. Conditions are 0 or 1. Row 0, the opening day, takes part.
///
/// Units   those of scenario/expression.hpp: bp, USD bn, days, fractions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/core/variables.hpp"
#include "repoquake/scenario/expression.hpp"
#include "repoquake/stats/estimate.hpp"

namespace repoquake::plan {

enum class PathOp : std::uint8_t {
  // Push one column.
  constant,     ///< `value`
  variable,     ///< the day's `variable` times `value`
  accumulator,  ///< that of place `place`
  // Replace the top one.
  negate,
  logical_not,
  // Replace the top two by one.
  add,
  subtract,
  multiply,
  divide,  ///< a divisor below scenario::kLeastDivisor leaves the path without a value
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  logical_and,
  logical_or
};

struct Instruction {
  PathOp op = PathOp::constant;
  Variable variable{};
  std::uint32_t place = 0;
  double value = 0.0;

  bool operator==(const Instruction&) const = default;
};

/// How a series becomes one value; `sum` serves mean and days(condition) too.
enum class Reduction : std::uint8_t { max, min, sum, only };

struct Accumulation {
  Reduction reduction = Reduction::max;
  std::uint32_t first_row = 0;  ///< rows that take part, both included
  std::uint32_t last_row = 0;
  double divisor = 1.0;  ///< the number of days, for a mean
  std::vector<Instruction> series{};

  bool operator==(const Accumulation&) const = default;
};

struct PathProgram {
  std::vector<Accumulation> accumulations;
  std::vector<Instruction> per_path;
  std::size_t depth = 0;  ///< columns on the stack at most

  bool operator==(const PathProgram&) const = default;
};

/// A checked expression of level `path`; conditions give 0 or 1. `dates`: the rows of the plan.
/// Pre: scenario::check_in_world finds nothing, so every date is a row.
[[nodiscard]] PathProgram compile_path_expression(const scenario::Expression& tree,
                                                  const std::vector<calendar::Date>& dates);

/// A metric of the scenario, ready to be computed.
struct PlanMetric {
  stats::MetricSpec spec;
  PathProgram per_path;
};

/// Pre: as above. `id` and `expr` of the result are empty.
[[nodiscard]] PlanMetric compile_metric(const scenario::MetricForm& form, const scenario::ShownUnit& unit,
                                        const std::vector<calendar::Date>& dates);

}  // namespace repoquake::plan
