/// What a sweep found: one row a point, with the setting of every parameter and the estimate of every metric.
///
/// A point is known by the hash of its resolved scenario, so a table can be filled in any order, by several machines, and
/// again after the sweep was extended.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "repoquake/core/units.hpp"
#include "repoquake/engine/run.hpp"
#include "repoquake/stats/estimate.hpp"
#include "repoquake/study/design.hpp"

namespace repoquake::study {

enum class PointStatus : std::uint8_t { missing, done, failed };

/// What a point's run said.
struct PointOutcome {
  PointStatus status = PointStatus::missing;
  std::string message;  ///< why it failed
  std::uint64_t n_paths = 0;
  double flagged_share = 0.0;  ///< of path-days without clearing
  UsdBn need = 0.0;            ///< funding need of the opening day's representative path
  std::vector<stats::Estimate> metrics;
};

/// The outcome of a run of one point; failed where it has no summary.
[[nodiscard]] PointOutcome outcome_of(const engine::PointEnd& end);

struct SweepParameter {
  std::string key;   ///< as in `set`
  std::string unit;  ///< of `design`: "bp", "1e9 USD", "percent", "days", "1"; of texts "index"
};

struct SweepMetric {
  std::string id, unit, shown_unit, expr;
};

struct SweepPoint {
  std::uint64_t number = 0;  ///< in the design, skipped points counted
  std::string hash;
  std::vector<double> design;      ///< (parameter), canonical units
  std::vector<std::string> texts;  ///< (parameter), as written
  PointOutcome outcome;
};

/// An estimate of how much a parameter matters for a metric.
struct SensitivityIndex {
  std::string name;  ///< "S1", "ST", "mu_star", "sigma", "prcc"
  std::string meaning;
  std::vector<stats::Estimate> values;  ///< (parameter, metric)
};

struct SweepTable {
  std::string name, title;
  std::string shard{};  ///< "2/5" where only every fifth point, from the second, was asked for
  std::string kind;     ///< "grid", "lhs", "sobol", "saltelli", "morris", "list"
  std::uint64_t samples = 0, design_seed = 0, levels = 0;  ///< of a design that is neither grid nor list
  std::uint64_t seed = 0;                                  ///< of the paths
  bool is_conditional = false;
  std::string need;                  ///< where the points' funding need comes from, for people
  std::vector<std::uint64_t> shape;  ///< of a grid: values of each axis, the last fastest; empty otherwise
  std::uint64_t n_skipped = 0;
  double max_flagged = 1.0;  ///< share of path-days without clearing above which a point is told of
  std::vector<SweepParameter> parameters;
  std::vector<SweepMetric> metrics;
  std::vector<SweepPoint> points;

  std::vector<SensitivityIndex> indices;  ///< where the design allows
  std::vector<std::uint64_t> left_out;    ///< (metric): groups, steps or points that failed and are not in the indices

  [[nodiscard]] std::uint64_t count(PointStatus status) const noexcept;
};

/// Indices by the design of the table: saltelli S1 and ST, morris mu_star and sigma, lhs prcc; none by others. A
/// point without a value, skipped or failed, counts as failed.
void add_indices(SweepTable& table);

}  // namespace repoquake::study
