/// What a run is about to do: all that a sink needs to lay out a result. Value type, no plan, no scenario.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "repoquake/core/units.hpp"
#include "repoquake/core/variables.hpp"
#include "repoquake/stats/batches.hpp"
#include "repoquake/stats/estimate.hpp"

namespace repoquake::engine {

/// A response of the satellite to the funding shock: coefficient x (spread - opening spread), fed back to nothing.
/// Source: docs/model.md, "The satellite".
struct PassThrough {
  std::string name, unit, long_name;
  double coefficient = 0.0;      ///< unit per bp
  double low = 0.0, high = 0.0;  ///< declared range of the coefficient
  Spread opening_spread = 0.0;

  [[nodiscard]] double respond(Spread spread) const noexcept { return coefficient * (spread - opening_spread); }
};

/// Which paths are kept whole; the others leave their marks in the statistics only.
struct StoredPaths {
  std::uint64_t sample = 0;  ///< the first so many, ...
  std::uint64_t worst = 0;   ///< ... and those with the largest rank
  std::string by{};          ///< the expression of the rank, as written
  std::string unit{};        ///< of the rank

  [[nodiscard]] bool any() const noexcept { return sample > 0 || worst > 0; }
  [[nodiscard]] bool may_need(std::uint64_t path) const noexcept { return worst > 0 || path < sample; }
};

/// The run ends when the limits of a metric are no further than this from its value.
struct StopRule {
  std::size_t metric = 0;   ///< place in Manifest::metrics
  double half_width = 0.0;  ///< in the unit the metric is shown in
  std::uint64_t min_paths = 1;
};

struct Manifest {
  std::string name;
  std::string title;
  std::vector<std::chrono::sys_days> dates;  ///< row 0 is the opening day
  std::vector<std::string> marks;            ///< by day: "quarter-end", "tax date", ... or nothing
  std::uint64_t n_paths = 0;                 ///< at most, where there is a rule to stop
  std::uint64_t seed = 0;
  std::string sampling;         ///< how draws depend on each other, a clause for people; empty: they do not
  stats::Batching batching{};   ///< and between which paths they do
  bool is_conditional = false;  ///< a replay on realised flows
  std::string drawn;            ///< flows that are drawn, a clause for people; empty: none
  StoredPaths stored{};
  bool summary_of_all = false;            ///< one number a path for every path, not only for those stored
  std::vector<Variable> variables;        ///< of the stored paths
  std::vector<Variable> statistics;       ///< with statistics: `variables`, what is expected, and `spread` always
  std::vector<double> quantiles;          ///< fractions, ascending
  std::vector<Spread> thresholds;         ///< of spread, bp
  std::vector<Spread> peak_thresholds;    ///< of the window's peaks, bp: `thresholds` and 75 bp
  bool has_rules = false;                 ///< policy reacts: events are stored by day
  std::vector<PassThrough> transmission;  ///< empty: off
  std::vector<stats::MetricSpec> metrics{};
  std::optional<StopRule> stop{};
  std::uint32_t chunk_paths = 0;  ///< paths of a ChunkResult; the last may be shorter

  /// May a path from this one on need its events by day?
  [[nodiscard]] bool may_need_events(std::uint64_t path) const noexcept {
    return has_rules && (summary_of_all || stored.may_need(path));
  }
  [[nodiscard]] std::size_t n_days() const noexcept { return dates.size(); }
};

}  // namespace repoquake::engine
