/// What a sweep found: one row a point, with the setting of every parameter and the estimate of every metric.
///
/// A point is known by the hash of its resolved scenario, so a table can be filled in any order, by several machines, and
/// again after the sweep was extended.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "repoquake/engine/run.hpp"
#include "repoquake/stats/estimate.hpp"

namespace repoquake::study {

enum class PointStatus : std::uint8_t { missing, done, failed };

/// What a point's run said.
struct PointOutcome {
  PointStatus status = PointStatus::missing;
  std::string message;  ///< why it failed
  std::uint64_t n_paths = 0;
  double flagged_share = 0.0;  ///< of path-days without clearing
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

struct SweepTable {
  std::string name, title;
  std::string kind;  ///< "grid", "lhs", "sobol", "saltelli", "morris", "list"
  std::uint64_t seed = 0;
  bool is_conditional = false;
  std::string need;                  ///< where the points' funding need comes from, for people
  std::vector<std::uint64_t> shape;  ///< of a grid: values of each axis, the last fastest; empty otherwise
  std::uint64_t n_skipped = 0;
  std::vector<SweepParameter> parameters;
  std::vector<SweepMetric> metrics;
  std::vector<SweepPoint> points;

  [[nodiscard]] std::uint64_t count(PointStatus status) const noexcept;
};

}  // namespace repoquake::study
