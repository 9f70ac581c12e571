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
  chunk.exceedances.assign(manifest.thresholds.size() * n_days_, 0);
  const std::size_t n_batches = manifest.batching.count;
  chunk.batch_sums.assign(slots * n_batches, 0.0);
  chunk.batch_exceedances.assign(chunk.exceedances.size() * n_batches, 0);
  for (std::size_t i = 0; n_batches > 0 && i < n; ++i) batch_of_.push_back(manifest.batching.of(chunk.first_path + i));
  chunk.flag_days.assign(kPathFlagCount, 0);
  chunk.metrics.resize(manifest.metrics.size() * n);
  chunk.metric_parts.resize(manifest.metrics.size());
  chunk.metric_bins.assign(manifest.metrics.size() * n, kNoBin);
}

void ChunkRecorder::day(const BlockWorkspace& work, std::size_t offset, std::size_t lanes, std::uint32_t day) {
  ColumnData value;
  for (std::size_t v = 0; v < manifest_.statistics.size(); ++v) {
    compiled::observe(plan_, day, manifest_.statistics[v], work, value);
    gather(v * n_days_ + day, offset, std::span(value).first(lanes),
           bin_factor(spec_of(manifest_.statistics[v]).quantity));
    if (manifest_.statistics[v] == Variable::spread) count_above(value, offset, lanes, day);
  }
  if (!chunk_.paths.empty()) {
    for (std::size_t v = 0; v < manifest_.variables.size(); ++v) {
      compiled::observe(plan_, day, manifest_.variables[v], work, value);
      const double quantum =
          storage_quantum(manifest_.variables[v], plan_.rate_precision_bp, plan_.amount_precision_usd_bn);
      float* table = chunk_.paths.data() + (v * chunk_.n_paths + offset) * n_days_ + day;
      for (std::size_t i = 0; i < lanes; ++i) table[i * n_days_] = round_to(value[i], quantum);
    }
  }
  if (!chunk_.events.empty())
    for (std::size_t i = 0; i < lanes; ++i) chunk_.events[(offset + i) * n_days_ + day] = work.outcome.flags[i];
  for (std::size_t k = 0; k < kPathFlagCount; ++k)
    for (std::size_t i = 0; i < lanes; ++i) chunk_.flag_days[k] += (work.outcome.flags[i] >> k) & 1U;
}

void ChunkRecorder::close(const FeatureTracker& features, std::size_t offset, std::size_t lanes) {
  for (std::size_t f = 0; f < kPathFeatureCount; ++f) {
    std::copy_n(features[f].begin(), lanes,
                chunk_.features.begin() + static_cast<std::ptrdiff_t>(f * chunk_.n_paths + offset));
    gather(manifest_.statistics.size() * n_days_ + f, offset, std::span(features[f]).first(lanes), 1.0);
  }
  for (std::size_t i = 0; i < lanes; ++i) chunk_.flags[offset + i] = features.flags(i);
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
  chunk_.moments[slot].merge(stats::moments_of(values));
  const std::size_t n_batches = manifest_.batching.count;
  for (std::size_t i = 0; n_batches > 0 && i < values.size(); ++i)
    chunk_.batch_sums[slot * n_batches + batch_of_[offset + i]] += values[i];
  ColumnData scaled;
  std::ranges::transform(values, scaled.begin(), [factor](double value) { return factor * value; });
  kBinScale.bins(std::span(scaled).first(values.size()), bins);
}

void ChunkRecorder::count_above(const ColumnData& spread, std::size_t offset, std::size_t lanes, std::uint32_t day) {
  const std::size_t n = manifest_.thresholds.size(), n_batches = manifest_.batching.count;
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < lanes; ++i) {
      const bool is_above = spread[i] > manifest_.thresholds[k];
      chunk_.exceedances[k * n_days_ + day] += is_above;
      if (n_batches > 0) chunk_.batch_exceedances[(k * n_days_ + day) * n_batches + batch_of_[offset + i]] += is_above;
      chunk_.days_above[(offset + i) * n + k] =
          static_cast<std::uint16_t>(chunk_.days_above[(offset + i) * n + k] + is_above);
    }
  }
}

}  // namespace repoquake::engine::compiled
