#include "engine/chunk_recorder.hpp"

#include <algorithm>
#include <cmath>

#include "repoquake/engine/rounding.hpp"
#include "repoquake/stats/exceedance.hpp"

namespace repoquake::engine::compiled {

ChunkRecorder::ChunkRecorder(const plan::Plan& plan, const Manifest& manifest, ChunkResult& chunk)
    : plan_(plan), manifest_(manifest), chunk_(chunk), n_days_(manifest.n_days()) {
  const std::size_t n = chunk.n_paths;
  const std::size_t slots = manifest.statistics.size() * n_days_ + kPathFeatureCount;
  const bool may_be_stored = manifest.stored.may_need(chunk.first_path);
  if (may_be_stored) chunk.paths.resize(manifest.variables.size() * n * n_days_);
  chunk.features.resize(kPathFeatureCount * n);
  chunk.days_above.assign(n * manifest.thresholds.size(), 0);
  chunk.flags.assign(n, 0);
  if (manifest.may_need_events(chunk.first_path)) chunk.events.assign(n * n_days_, 0);
  if (manifest.stored.worst > 0) chunk.ranks.resize(n);
  chunk.moments.resize(slots);
  chunk.bins.resize(slots * n);
  chunk.bin_ranges.resize(slots);
  chunk.exceedances.assign(manifest.thresholds.size() * n_days_, 0);
  const std::size_t n_batches = manifest.batching.count;
  chunk.batch_sums.assign(slots * n_batches, 0.0);
  chunk.batch_exceedances.assign(chunk.exceedances.size() * n_batches, 0);
  for (std::size_t i = 0; n_batches > 0 && i < n; ++i) batch_of_.push_back(manifest.batching.of(chunk.first_path + i));
  chunk.flag_days.assign(kPathFlagCount, 0);
  chunk.metrics.resize(manifest.metrics.size() * n);
  chunk.metric_parts.resize(manifest.metrics.size());
  chunk.metric_bins.assign(manifest.metrics.size() * n, kNoBin);
  days_above_.resize(manifest.thresholds.size());
  for (const Variable variable : manifest.statistics) {
    const auto found = std::ranges::find(manifest.variables, variable);
    const bool is_stored = may_be_stored && found != manifest.variables.end();
    stored_as_.push_back(is_stored ? std::optional(static_cast<std::size_t>(found - manifest.variables.begin()))
                                   : std::nullopt);
  }
}

void ChunkRecorder::day(const BlockWorkspace& work, std::size_t offset, std::size_t lanes, std::uint32_t day) {
  ColumnData computed;
  for (std::size_t v = 0; v < manifest_.statistics.size(); ++v) {
    const Variable variable = manifest_.statistics[v];
    const ColumnData* column = compiled::column_of(variable, work);
    if (column == nullptr) {
      compiled::observe(plan_, day, variable, work, computed);
      column = &computed;
    }
    const auto values = std::span<const double>(*column).first(lanes);
    gather(v * n_days_ + day, offset, values, bin_factor(spec_of(variable).quantity));
    if (variable == Variable::spread) count_above(values, offset, day);
    if (stored_as_[v]) store(*stored_as_[v], values, offset, day);
  }
  see_flags(std::span(work.outcome.flags).first(lanes), offset, day);
}

void ChunkRecorder::store(std::size_t variable, std::span<const double> values, std::size_t offset, std::uint32_t day) {
  const double quantum =
      storage_quantum(manifest_.variables[variable], plan_.rate_precision_bp, plan_.amount_precision_usd_bn);
  float* const table = chunk_.paths.data() + (variable * chunk_.n_paths + offset) * n_days_ + day;
  for (std::size_t i = 0; i < values.size(); ++i) table[i * n_days_] = round_to(values[i], quantum);
}

void ChunkRecorder::see_flags(std::span<const std::uint32_t> flags, std::size_t offset, std::uint32_t day) {
  if (!chunk_.events.empty())
    for (std::size_t i = 0; i < flags.size(); ++i) chunk_.events[(offset + i) * n_days_ + day] = flags[i];
  std::uint32_t raised = 0;
  for (const std::uint32_t of_path : flags) raised |= of_path;
  for (std::size_t k = 0; k < kPathFlagCount; ++k)
    if (((raised >> k) & 1U) != 0)
      for (const std::uint32_t of_path : flags) chunk_.flag_days[k] += (of_path >> k) & 1U;
}

void ChunkRecorder::close(const FeatureTracker& features, std::size_t offset, std::size_t lanes) {
  for (std::size_t f = 0; f < kPathFeatureCount; ++f) {
    std::copy_n(features[f].begin(), lanes,
                chunk_.features.begin() + static_cast<std::ptrdiff_t>(f * chunk_.n_paths + offset));
    gather(manifest_.statistics.size() * n_days_ + f, offset, std::span(features[f]).first(lanes), 1.0);
  }
  for (std::size_t i = 0; i < lanes; ++i) chunk_.flags[offset + i] = features.flags(i);
  const std::size_t n = days_above_.size();
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < lanes; ++i)
      chunk_.days_above[(offset + i) * n + k] = static_cast<std::uint16_t>(days_above_[k][i]);
    days_above_[k].fill(0);
  }
}

void ChunkRecorder::rank(ConstColumn values, std::size_t offset, std::size_t lanes) {
  for (std::size_t i = 0; i < lanes; ++i) chunk_.ranks[offset + i] = plan_.stored.rank_factor * values[i];
}

void ChunkRecorder::metric(std::size_t metric, ConstColumn values, std::size_t offset, std::size_t lanes) {
  const auto& spec = manifest_.metrics[metric];
  const std::size_t start = metric * chunk_.n_paths + offset;
  std::copy_n(values.begin(), lanes, chunk_.metrics.begin() + static_cast<std::ptrdiff_t>(start));
  ColumnData known;
  std::size_t n = 0;
  for (std::size_t i = 0; i < lanes; ++i) {
    if (std::isnan(values[i])) continue;
    known[n++] = values[i];
    if (spec.statistic.needs_bins()) chunk_.metric_bins[start + i] = kBinScale.bin(spec.bin_factor * values[i]);
  }
  MetricPart& part = chunk_.metric_parts[metric];
  part.moments.merge(stats::high_moments_of(std::span(known).first(n)));
  part.hits += stats::count_above(std::span(known).first(n), 0.5);
}

void ChunkRecorder::gather(std::size_t slot, std::size_t offset, std::span<const double> values, double factor) {
  const auto bins = std::span(chunk_.bins).subspan(slot * chunk_.n_paths + offset, values.size());
  if (std::isnan(values.front())) {  // without meaning on this day: so for every path
    std::ranges::fill(bins, kNoBin);
    return;
  }
  const stats::Moments moments = stats::moments_of(values);
  chunk_.moments[slot].merge(moments);
  const std::size_t n_batches = manifest_.batching.count;
  for (std::size_t i = 0; n_batches > 0 && i < values.size(); ++i)
    chunk_.batch_sums[slot * n_batches + batch_of_[offset + i]] += values[i];
  const stats::BinRange range{kBinScale.bin(factor * moments.min), kBinScale.bin(factor * moments.max)};
  chunk_.bin_ranges[slot].widen(range);
  if (range.least == range.largest)
    std::ranges::fill(bins, range.least);
  else
    kBinScale.bins(values, factor, bins);
}

void ChunkRecorder::count_above(std::span<const double> spread, std::size_t offset, std::uint32_t day) {
  const std::size_t n_batches = manifest_.batching.count;
  for (std::size_t k = 0; k < days_above_.size(); ++k) {
    const Spread threshold = manifest_.thresholds[k];
    chunk_.exceedances[k * n_days_ + day] += stats::count_above(spread, threshold);
    Days& days = days_above_[k];
    for (std::size_t i = 0; i < spread.size(); ++i) days[i] += spread[i] > threshold ? 1U : 0U;
    for (std::size_t i = 0; n_batches > 0 && i < spread.size(); ++i)
      chunk_.batch_exceedances[(k * n_days_ + day) * n_batches + batch_of_[offset + i]] +=
          spread[i] > threshold ? 1U : 0U;
  }
}

}  // namespace repoquake::engine::compiled
