/// Tables for people: what a run found, against what was observed, every estimate with its error.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "repoquake/engine/scorecard.hpp"
#include "repoquake/engine/sink.hpp"
#include "repoquake/scenario/scenario.hpp"

namespace repoquake::report {

/// The summary that `run` prints: by day the median and the 5-95 % band of SOFR - IORB, over the window the peaks, the
/// position change and what was flagged. "value ± standard error"; says when it is a conditional replay.
[[nodiscard]] std::string summary_table(const engine::RunSummary& summary, const scenario::Scenario& scenario);

/// The scorecard that `run` prints below the summary: by window and variable the CRPS with its error, the benchmarks, the
/// skill, the mean PIT and the days inside the bands. Empty where nothing was observed.
[[nodiscard]] std::string scorecard_table(const engine::Scorecard& card, bool is_conditional);

/// An entry of `expect:` and what the run says to it.
struct ExpectationOutcome {
  scenario::Expectation expected;
  stats::QuantileEstimate low;  ///< NaN where the variable has no value on that day
  stats::QuantileEstimate high;
  bool is_met = false;  ///< low.value <= observed <= high.value; of a metric: its value lies between the bounds

  stats::Estimate metric{};  ///< where a metric is expected
  std::string shown_unit{};  ///< of it
  double unit_factor = 1.0;  ///< from the unit of its dimension, in which the bounds are, to that one
};

/// Every entry, in order. Pre: the run is of this scenario and has at least one path.
[[nodiscard]] std::vector<ExpectationOutcome> check_expectations(const engine::RunSummary& summary,
                                                                 const scenario::Scenario& scenario);

/// What `run --expect` prints: the band with its 95 % limits, what was observed, "met" or "missed".
[[nodiscard]] std::string expectations_table(std::span<const ExpectationOutcome> outcomes);

}  // namespace repoquake::report
