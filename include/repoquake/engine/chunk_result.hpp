/// What some blocks of paths produced: a pure function of (Plan, seed, chunk). The unit that travels the pipeline
/// and one chunk of the result file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "repoquake/core/uninitialized.hpp"
#include "repoquake/engine/path_features.hpp"
#include "repoquake/stats/estimate.hpp"
#include "repoquake/stats/moments.hpp"
#include "repoquake/stats/quantile.hpp"

namespace repoquake::engine {

/// What the paths of a chunk add to a metric; paths without a value add nothing.
struct MetricPart {
  stats::HighMoments moments;
  std::uint64_t hits = 0;  ///< of a condition

  bool operator==(const MetricPart&) const = default;
};

struct ChunkResult {
  std::uint64_t first_path = 0;
  std::uint32_t n_paths = 0;  ///< chunk_paths of the Manifest, fewer in the last chunk

  /// Indices of the paths where they do not follow one another from first_path (path_rows.hpp); else empty.
  std::vector<std::uint64_t> indices;

  /// Stored variables, bit-rounded, one (path, day) table after the other in the order of Manifest::variables;
  /// empty where none of the paths may be stored.
  std::vector<float> paths;

  /// (feature, path), in the order of kPathFeatures.
  std::vector<double> features;
  /// (path, threshold): days with the reported spread above the threshold.
  std::vector<std::uint16_t> days_above;
  /// (path): PathFlag bits of any day.
  std::vector<std::uint32_t> flags;

  /// (path, day): the same by day; empty unless Manifest::may_need_events.
  std::vector<std::uint32_t> events;
  /// (path): what the worst paths are chosen by, in Manifest::stored.unit, NaN where a path has none; empty without.
  std::vector<double> ranks;

  /// (variable, day) of Manifest::statistics, then (feature).
  std::vector<stats::Moments> moments;
  /// Quantile bins of every value: (variable, day, path), then (feature, path).
  std::vector<std::uint32_t, Uninitialized<std::uint32_t>> bins;
  /// (slot of `moments`): what its bins range over; empty where values have no meaning.
  std::vector<stats::BinRange> bin_ranges;
  /// (threshold, day): paths with the reported spread above the threshold.
  std::vector<std::uint64_t> exceedances;
  /// (slot of `moments`, batch): sums of the values; (threshold, day, batch). Empty where paths are independent.
  std::vector<double> batch_sums;
  std::vector<std::uint64_t> batch_exceedances;
  /// (flag): path-days with it.
  std::vector<std::uint64_t> flag_days;

  /// (metric, path) of Manifest::metrics: values of the per-path expressions in the units of scenario/expression.hpp;
  /// NaN where a path has none (a division by nothing).
  std::vector<double> metrics;
  std::vector<MetricPart> metric_parts;    ///< (metric)
  std::vector<std::uint32_t> metric_bins;  ///< (metric, path); kNoBin without a value, or where no bins are needed

  /// What Sink::encode made of all that; its layout is the sink's own.
  std::vector<std::vector<std::byte>> encoded;

  [[nodiscard]] std::span<const float> table(std::size_t variable, std::size_t n_days) const {
    return std::span(paths).subspan(variable * n_paths * n_days, n_paths * n_days);
  }
  [[nodiscard]] std::span<const double> feature(PathFeature which) const {
    return std::span(features).subspan(index(which) * n_paths, n_paths);
  }
};

}  // namespace repoquake::engine
