/// Statistics of a run, gathered chunk by chunk in path order; memory does not grow with the number of paths.
///
/// Moments and extremes merge in block order; quantiles come from fixed-bin integer histograms, whose merge is exact.
/// Every estimate carries its error, also where paths depend on each other (batch_stats.hpp): ask mean(), not moments(), for
/// that of a mean. Deterministic: the same bits for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "repoquake/engine/batch_stats.hpp"
#include "repoquake/engine/chunk_result.hpp"
#include "repoquake/engine/manifest.hpp"
#include "repoquake/stats/estimate.hpp"
#include "repoquake/stats/exceedance.hpp"
#include "repoquake/stats/moments.hpp"
#include "repoquake/stats/quantile.hpp"
#include "repoquake/stats/score.hpp"

namespace repoquake::engine {

class OnlineStats {
 public:
  explicit OnlineStats(const Manifest& manifest);

  /// Pre: chunks come in path order.
  void absorb(const ChunkResult& chunk);

  [[nodiscard]] std::uint64_t n_paths() const noexcept { return n_paths_; }

  /// `variable` counts in Manifest::statistics.
  [[nodiscard]] const stats::Moments& moments(std::size_t variable, std::size_t day) const;
  [[nodiscard]] stats::Estimate mean(std::size_t variable, std::size_t day) const;
  [[nodiscard]] stats::QuantileEstimate quantile(std::size_t variable, std::size_t day, double fraction) const;

  /// How the day's distribution does against what was observed, in the variable's unit. Pre: moments(variable, day).n > 0.
  [[nodiscard]] stats::SketchScore score(std::size_t variable, std::size_t day, double observed) const;

  [[nodiscard]] const stats::Moments& moments(PathFeature feature) const;
  [[nodiscard]] stats::Estimate mean(PathFeature feature) const;
  /// Of a feature that is 0 or 1: how many paths have it.
  [[nodiscard]] stats::Exceedance share(PathFeature feature) const;
  [[nodiscard]] stats::QuantileEstimate quantile(PathFeature feature, double fraction) const;

  /// P(spread > threshold) on a day.
  [[nodiscard]] stats::Exceedance exceedance(std::size_t threshold, std::size_t day) const;

  /// P(peak > Manifest::peak_thresholds[threshold]) over the window: of SOFR - IORB, of SOFR - EFFR.
  [[nodiscard]] stats::Exceedance peak_exceedance(std::size_t threshold) const;
  [[nodiscard]] stats::Exceedance peak_over_effr_exceedance(std::size_t threshold) const;

  /// The metric of Manifest::metrics, in its unit.
  [[nodiscard]] stats::Estimate metric(std::size_t metric) const;

  /// Paths on which the flag of kPathFlags was raised.
  [[nodiscard]] stats::Exceedance flagged(std::size_t flag) const;
  /// Path-days, and paths, on which each flag of kPathFlags was raised.
  [[nodiscard]] const std::vector<std::uint64_t>& flag_days() const noexcept { return flag_days_; }
  [[nodiscard]] const std::vector<std::uint64_t>& flagged_paths() const noexcept { return flagged_paths_; }

  /// Share of path-days without clearing, the opening day included; 0 without paths.
  [[nodiscard]] double flagged_share() const noexcept;

  /// engine/checkpoint.hpp
  template <class Archive, class Self>
  static void visit_state(Archive& archive, Self& self) {
    auto& [n_days, n_variables, n_paths, bin_factors, moments, sketches, exceedances, peak_thresholds, peaks_above,
           peaks_over_effr_above, metrics, metric_parts, metric_sketches, flag_days, flagged_paths, batches] = self;
    archive(n_paths);  // the manifest gives n_days, n_variables, bin_factors, peak_thresholds and metrics
    archive.fixed(moments, sketches, exceedances, peaks_above, peaks_over_effr_above, metric_parts, metric_sketches,
                  flag_days, flagged_paths);
    if (batches) archive(*batches);
  }

 private:
  [[nodiscard]] std::size_t slot(std::size_t variable, std::size_t day) const { return variable * n_days_ + day; }
  [[nodiscard]] std::size_t slot(PathFeature feature) const { return n_variables_ * n_days_ + index(feature); }
  [[nodiscard]] stats::Estimate mean_of(std::size_t slot) const;
  [[nodiscard]] stats::QuantileEstimate quantile_of(std::size_t slot, double fraction, double factor) const;

  std::size_t n_days_ = 0;
  std::size_t n_variables_ = 0;
  std::uint64_t n_paths_ = 0;
  std::vector<double> bin_factors_;              ///< (variable)
  std::vector<stats::Moments> moments_;          ///< (variable, day), then (feature)
  std::vector<stats::QuantileSketch> sketches_;  ///< likewise
  std::vector<std::uint64_t> exceedances_;       ///< (threshold, day)
  std::vector<Spread> peak_thresholds_;
  std::vector<std::uint64_t> peaks_above_;            ///< (peak threshold)
  std::vector<std::uint64_t> peaks_over_effr_above_;  ///< likewise
  std::vector<stats::MetricSpec> metrics_;
  std::vector<MetricPart> metric_parts_;
  std::vector<stats::QuantileSketch> metric_sketches_;  ///< empty ones where no bins are needed
  std::vector<std::uint64_t> flag_days_;
  std::vector<std::uint64_t> flagged_paths_;
  std::optional<BatchStats> batches_;  ///< nothing where paths are independent
};

}  // namespace repoquake::engine
