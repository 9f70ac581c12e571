/// What a run remembers of its batches (stats/batches.hpp), so that every estimate has the error it has when paths depend
/// on each other. Nothing here where they do not.
///
/// Means        sums by batch.
/// Shares       hits by batch.
/// Quantiles    counts by batch between levels that are fixed after the first chunk: the quantiles of `kLevelOrders`. The
///              design effect on F_n at a level is that on the quantile; between two levels the larger one is taken,
///              outside them 1 if it is not above.
/// Scores       crps differs between batches by -int (sign(t - y) - 2 F(t) + 1) (F_b(t) - F(t)) dt to first order (influence
///              function of stats/score.hpp, by parts); F_b is known at the levels and drawn straight between them; what
///              lies between counts as of independent paths, so that the error is right or too wide.
/// Metrics      moments, hits and bins by batch.
/// Memory       about 4 bytes a batch and cell, 2 x 7 + 1 cells for each statistic: it does not grow with the paths.
/// Order        Chunks come in path order; the same bits for any number of threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "repoquake/engine/chunk_result.hpp"
#include "repoquake/engine/manifest.hpp"
#include "repoquake/stats/batches.hpp"
#include "repoquake/stats/quantile.hpp"

namespace repoquake::engine {

class BatchStats {
 public:
  static constexpr std::array<double, 7> kLevelOrders{0.01, 0.05, 0.25, 0.50, 0.75, 0.95, 0.99};

  /// Pre: manifest.batching.any().
  explicit BatchStats(const Manifest& manifest);

  /// `sketches`: of all paths up to this chunk, by slot; they fix the levels.
  void absorb(const ChunkResult& chunk, std::span<const stats::QuantileSketch> sketches);

  /// Slots as in ChunkResult::moments.
  [[nodiscard]] std::vector<stats::Batch> values(std::size_t slot) const;
  [[nodiscard]] stats::DesignEffect on_share_of(std::size_t slot) const;  ///< of values 0 and 1
  [[nodiscard]] stats::DesignEffect on_quantile(std::size_t slot, double fraction) const;
  [[nodiscard]] stats::DesignEffect on_exceedance(std::size_t threshold, std::size_t day) const;
  [[nodiscard]] stats::DesignEffect on_peak_exceedance(std::size_t threshold) const;
  [[nodiscard]] stats::DesignEffect on_peak_over_effr_exceedance(std::size_t threshold) const;
  [[nodiscard]] stats::DesignEffect on_flag(std::size_t flag) const;
  /// Standard error of the CRPS, all in the unit of the bins.
  [[nodiscard]] double score_error(std::size_t slot, double observed, double least, double largest) const;
  /// Before it is scaled. `all`, `sketch`: what all paths add to it.
  [[nodiscard]] stats::Estimate metric(std::size_t metric, const MetricPart& all,
                                       const stats::QuantileSketch& sketch) const;

  /// engine/checkpoint.hpp
  template <class Archive, class Self>
  static void visit_state(Archive& archive, Self& self) {
    auto& [batching, n_days, peak_thresholds, specs, paths, sums, levels, cells, exceedances, peaks_above,
           peaks_over_effr_above, flagged_paths, metric_parts, metric_sketches] = self;
    archive(levels);  // the manifest gives batching, n_days, peak_thresholds and specs
    archive.fixed(paths, sums, cells, exceedances, peaks_above, peaks_over_effr_above, flagged_paths, metric_parts,
                  metric_sketches);
  }

 private:
  static constexpr std::size_t kCells = 2 * kLevelOrders.size() + 1;
  using Levels = std::array<std::uint32_t, kLevelOrders.size()>;

  void fix_levels(std::span<const stats::QuantileSketch> sketches);
  void count_cells(const ChunkResult& chunk, std::span<const std::uint32_t> batch_of);
  void count_hits(const ChunkResult& chunk, std::span<const std::uint32_t> batch_of);
  void add_metrics(const ChunkResult& chunk, std::span<const std::uint32_t> batch_of);
  [[nodiscard]] std::vector<stats::Batch> hits_of(std::span<const std::uint64_t> hits) const;
  [[nodiscard]] std::vector<stats::Batch> counts_up_to(std::size_t slot, std::size_t last_cell) const;
  [[nodiscard]] stats::DesignEffect on_level(std::size_t slot, std::size_t level) const;
  [[nodiscard]] stats::Estimate metric_quantile(std::size_t metric, const MetricPart& all,
                                                const stats::QuantileSketch& sketch) const;

  stats::Batching batching_;
  std::size_t n_days_ = 0;
  std::vector<Spread> peak_thresholds_;
  std::vector<stats::MetricSpec> specs_;
  std::vector<std::uint64_t> paths_;                    ///< (batch)
  std::vector<double> sums_;                            ///< (slot, batch)
  std::vector<Levels> levels_;                          ///< (slot): bins, ascending; empty before the first chunk
  std::vector<std::uint32_t> cells_;                    ///< (slot, batch, cell): below, at and between the levels
  std::vector<std::uint64_t> exceedances_;              ///< (threshold, day, batch)
  std::vector<std::uint64_t> peaks_above_;              ///< (peak threshold, batch)
  std::vector<std::uint64_t> peaks_over_effr_above_;    ///< likewise
  std::vector<std::uint64_t> flagged_paths_;            ///< (flag, batch)
  std::vector<MetricPart> metric_parts_;                ///< (metric, batch)
  std::vector<stats::QuantileSketch> metric_sketches_;  ///< likewise; empty ones where no bins are needed
};

}  // namespace repoquake::engine
