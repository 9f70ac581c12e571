/// Tables for people: what a run found, against what was observed, every estimate with its error.
#pragma once

#include <string>

#include "repoquake/engine/sink.hpp"
#include "repoquake/scenario/scenario.hpp"

namespace repoquake::report {

/// The summary that `run` prints: by day the median and the 5-95 % band of SOFR - IORB, over the window the peaks, the
/// position change and what was flagged. "value ± standard error"; says when it is a conditional replay.
[[nodiscard]] std::string summary_table(const engine::RunSummary& summary, const scenario::Scenario& scenario);

/// Share of path-days without clearing, the opening day included.
[[nodiscard]] double flagged_share(const engine::RunSummary& summary);

}  // namespace repoquake::report
