#include "repoquake/engine/batch_stats.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/flags.hpp"
#include "repoquake/engine/simulate_block.hpp"

namespace repoquake::engine {

using stats::Batch;
using stats::DesignEffect;

namespace {

double share_of(const std::vector<Batch>& hits) {
  double n = 0.0, sum = 0.0;
  for (const Batch& batch : hits) {
    n += static_cast<double>(batch.n);
    sum += batch.sum;
  }
  return sum / n;
}

}  // namespace

BatchStats::BatchStats(const Manifest& manifest)
    : batching_(manifest.batching),
      n_days_(manifest.n_days()),
      peak_thresholds_(manifest.peak_thresholds),
      specs_(manifest.metrics),
      paths_(batching_.count, 0) {
  RQ_EXPECT(batching_.any());
  const std::size_t n_batches = batching_.count;
  const std::size_t n_slots = manifest.statistics.size() * n_days_ + kPathFeatureCount;
  sums_.assign(n_slots * n_batches, 0.0);
  cells_.assign(n_slots * n_batches * kCells, 0);
  exceedances_.assign(manifest.thresholds.size() * n_days_ * n_batches, 0);
  peaks_above_.assign(peak_thresholds_.size() * n_batches, 0);
  peaks_over_effr_above_.assign(peak_thresholds_.size() * n_batches, 0);
  flagged_paths_.assign(kPathFlagCount * n_batches, 0);
  metric_parts_.resize(specs_.size() * n_batches);
  metric_sketches_.assign(specs_.size() * n_batches, stats::QuantileSketch(kBinScale));
}

void BatchStats::absorb(const ChunkResult& chunk, std::span<const stats::QuantileSketch> sketches) {
  RQ_EXPECT(chunk.batch_sums.size() == sums_.size() && chunk.batch_exceedances.size() == exceedances_.size());
  if (levels_.empty()) fix_levels(sketches);
  std::vector<std::uint32_t> batch_of(chunk.n_paths);
  for (std::size_t i = 0; i < chunk.n_paths; ++i) ++paths_[batch_of[i] = batching_.of(chunk.first_path + i)];
  for (std::size_t k = 0; k < sums_.size(); ++k) sums_[k] += chunk.batch_sums[k];
  for (std::size_t k = 0; k < exceedances_.size(); ++k) exceedances_[k] += chunk.batch_exceedances[k];
  count_cells(chunk, batch_of);
  count_hits(chunk, batch_of);
  add_metrics(chunk, batch_of);
}

void BatchStats::fix_levels(std::span<const stats::QuantileSketch> sketches) {
  levels_.resize(sketches.size());
  for (std::size_t slot = 0; slot < sketches.size(); ++slot)
    for (std::size_t k = 0; k < kLevelOrders.size(); ++k)
      levels_[slot][k] = sketches[slot].count() > 0 ? kBinScale.bin(sketches[slot].quantile(kLevelOrders[k])) : 0;
}

void BatchStats::count_cells(const ChunkResult& chunk, std::span<const std::uint32_t> batch_of) {
  const std::size_t n = chunk.n_paths, n_batches = batching_.count;
  for (std::size_t slot = 0; slot < levels_.size(); ++slot) {
    const auto bins = std::span(chunk.bins).subspan(slot * n, n);
    if (bins.front() == kNoBin) continue;
    const Levels levels = levels_[slot];
    std::uint32_t* const cells = cells_.data() + slot * n_batches * kCells;
    for (std::size_t i = 0; i < n; ++i) {
      std::uint32_t cell = 0;
      for (const std::uint32_t level : levels) cell += (level < bins[i] ? 1U : 0U) + (level <= bins[i] ? 1U : 0U);
      ++cells[batch_of[i] * kCells + cell];
    }
  }
}

void BatchStats::count_hits(const ChunkResult& chunk, std::span<const std::uint32_t> batch_of) {
  const std::size_t n_batches = batching_.count;
  const auto count_above = [&](PathFeature feature, std::vector<std::uint64_t>& counts) {
    const auto peaks = chunk.feature(feature);
    for (std::size_t k = 0; k < peak_thresholds_.size(); ++k)
      for (std::size_t i = 0; i < peaks.size(); ++i)
        counts[k * n_batches + batch_of[i]] += peaks[i] > peak_thresholds_[k] ? 1U : 0U;
  };
  count_above(PathFeature::peak_spread, peaks_above_);
  count_above(PathFeature::peak_sofr_over_effr, peaks_over_effr_above_);
  for (std::size_t k = 0; k < kPathFlagCount; ++k)
    for (std::size_t i = 0; i < chunk.flags.size(); ++i)
      flagged_paths_[k * n_batches + batch_of[i]] += (chunk.flags[i] >> k) & 1U;
}

void BatchStats::add_metrics(const ChunkResult& chunk, std::span<const std::uint32_t> batch_of) {
  const std::size_t n = chunk.n_paths, n_batches = batching_.count;
  std::vector<std::vector<double>> known(n_batches);
  for (std::size_t k = 0; k < specs_.size(); ++k) {
    for (auto& values : known) values.clear();
    for (std::size_t i = 0; i < n; ++i) {
      const double value = chunk.metrics[k * n + i];
      if (std::isnan(value)) continue;
      known[batch_of[i]].push_back(value);
      if (specs_[k].statistic.needs_bins())
        metric_sketches_[k * n_batches + batch_of[i]].add(chunk.metric_bins[k * n + i]);
    }
    for (std::size_t batch = 0; batch < n_batches; ++batch) {
      MetricPart& part = metric_parts_[k * n_batches + batch];
      part.moments.merge(stats::high_moments_of(known[batch]));
      part.hits += stats::count_above(known[batch], 0.5);
    }
  }
}

std::vector<Batch> BatchStats::values(std::size_t slot) const {
  std::vector<Batch> batches;
  for (std::size_t b = 0; b < batching_.count; ++b)
    batches.push_back({.n = paths_[b], .sum = sums_.at(slot * batching_.count + b)});
  return batches;
}

std::vector<Batch> BatchStats::hits_of(std::span<const std::uint64_t> hits) const {
  std::vector<Batch> batches;
  for (std::size_t b = 0; b < hits.size(); ++b)
    batches.push_back({.n = paths_[b], .sum = static_cast<double>(hits[b])});
  return batches;
}

DesignEffect BatchStats::on_share_of(std::size_t slot) const { return stats::effect_on_share(values(slot)); }

std::vector<Batch> BatchStats::counts_up_to(std::size_t slot, std::size_t last_cell) const {
  std::vector<Batch> batches;
  for (std::size_t b = 0; b < batching_.count; ++b) {
    const auto cells = std::span(cells_).subspan((slot * batching_.count + b) * kCells, last_cell + 1);
    batches.push_back({.n = paths_[b], .sum = std::accumulate(cells.begin(), cells.end(), 0.0)});
  }
  return batches;
}

/// Of the share at or below the level or, where every value is, of the share below it.
DesignEffect BatchStats::on_level(std::size_t slot, std::size_t level) const {
  const Levels& levels = levels_.at(slot);
  // Levels may fall into one bin. Not ranges::equal_range, whose subrange clang 14 does not compile.
  const auto [lower, upper] = std::equal_range(levels.begin(), levels.end(), levels[level]);
  const auto first = static_cast<std::size_t>(lower - levels.begin());
  const std::size_t below = 2 * first, up_to = below + static_cast<std::size_t>(upper - lower);
  const auto low = counts_up_to(slot, below), high = counts_up_to(slot, up_to);
  const double order = kLevelOrders[level];
  return stats::effect_on_share(std::fabs(share_of(low) - order) < std::fabs(share_of(high) - order) ? low : high);
}

double BatchStats::score_error(std::size_t slot, double observed, double least, double largest) const {
  // Places where F and each F_b are known.
  std::vector<double> places{least};
  std::vector<std::vector<Batch>> counts;
  counts.emplace_back(batching_.count);
  const Levels& levels = levels_.at(slot);
  for (std::size_t k = 0; k < levels.size(); ++k) {
    const auto [lower, upper] = std::equal_range(levels.begin(), levels.end(), levels[k]);
    if (k > 0 && levels[k] == levels[k - 1]) continue;
    places.insert(places.end(), {kBinScale.lower(levels[k]), kBinScale.upper(levels[k])});
    counts.push_back(counts_up_to(slot, 2 * k));
    counts.push_back(counts_up_to(slot, 2 * k + static_cast<std::size_t>(upper - lower)));
  }
  places.push_back(largest);
  counts.push_back(counts_up_to(slot, kCells - 1));

  // Between two places, a stretch of width w that holds the share h of n paths: h w^2 / (12 n) were they independent.
  const auto weight = [&](double t, double share) { return (t < observed ? -1.0 : 1.0) - 2.0 * share + 1.0; };
  double unseen = 0.0, n_paths = 0.0;
  for (const std::uint64_t n : paths_) n_paths += static_cast<double>(n);
  for (std::size_t k = 1; k < places.size(); ++k) {
    const double left = std::clamp(places[k - 1], least, largest), right = std::clamp(places[k], least, largest);
    const double share_left = k == 1 ? 0.0 : share_of(counts[k - 1]), share_right = share_of(counts[k]);
    for (const double part : {0.125, 0.375, 0.625, 0.875}) {
      const double w = weight(left + part * (right - left), share_left + part * (share_right - share_left));
      unseen += 0.25 * w * w * (share_right - share_left) * (right - left) * (right - left) / (12.0 * n_paths);
    }
  }

  std::vector<Batch> influence(batching_.count);
  for (std::size_t b = 0; b < influence.size(); ++b) {
    influence[b].n = paths_[b];
    const auto n = static_cast<double>(paths_[b]);
    const auto distance = [&](std::size_t k) {
      return k == 0 || n == 0.0 ? 0.0 : counts[k][b].sum / n - share_of(counts[k]);
    };
    for (std::size_t k = 1; k < places.size(); ++k) {
      const double left = std::clamp(places[k - 1], least, largest), right = std::clamp(places[k], least, largest);
      if (!(right > left)) continue;
      const double share_left = k == 1 ? 0.0 : share_of(counts[k - 1]), share_right = share_of(counts[k]);
      const auto integrand = [&](double t, double side) {
        const double w = (t - left) / (right - left);
        const double share = share_left + w * (share_right - share_left);
        return (side - 2.0 * share + 1.0) * (distance(k - 1) + w * (distance(k) - distance(k - 1)));
      };
      const auto integrate = [&](double from, double to, double side) {  // exact for what is quadratic
        return (to - from) / 6.0 *
               (integrand(from, side) + 4.0 * integrand(0.5 * (from + to), side) + integrand(to, side));
      };
      const double turn = std::clamp(observed, left, right);
      influence[b].sum -= n * (integrate(left, turn, -1.0) + integrate(turn, right, 1.0));
    }
  }
  return std::sqrt(stats::variance_of_mean(influence) + unseen);
}

DesignEffect BatchStats::on_quantile(std::size_t slot, double fraction) const {
  const auto above = std::ranges::lower_bound(kLevelOrders, fraction);
  if (above != kLevelOrders.end() && *above == fraction)
    return on_level(slot, static_cast<std::size_t>(above - kLevelOrders.begin()));
  DesignEffect effect{.ratio = 1.0, .reach = stats::reach_of(values(slot))};
  if (std::isnan(effect.reach)) return {.ratio = effect.reach, .reach = effect.reach};
  if (above == kLevelOrders.begin() || above == kLevelOrders.end()) {
    const std::size_t outermost = above == kLevelOrders.begin() ? 0 : kLevelOrders.size() - 1;
    effect.ratio = std::max(on_level(slot, outermost).ratio, 1.0);
  } else {
    const auto next = static_cast<std::size_t>(above - kLevelOrders.begin());
    effect.ratio = std::max(on_level(slot, next - 1).ratio, on_level(slot, next).ratio);
  }
  return effect;
}

DesignEffect BatchStats::on_exceedance(std::size_t threshold, std::size_t day) const {
  const std::size_t n = batching_.count;
  return stats::effect_on_share(hits_of(std::span(exceedances_).subspan((threshold * n_days_ + day) * n, n)));
}

DesignEffect BatchStats::on_peak_exceedance(std::size_t threshold) const {
  const std::size_t n = batching_.count;
  return stats::effect_on_share(hits_of(std::span(peaks_above_).subspan(threshold * n, n)));
}

DesignEffect BatchStats::on_peak_over_effr_exceedance(std::size_t threshold) const {
  const std::size_t n = batching_.count;
  return stats::effect_on_share(hits_of(std::span(peaks_over_effr_above_).subspan(threshold * n, n)));
}

DesignEffect BatchStats::on_flag(std::size_t flag) const {
  const std::size_t n = batching_.count;
  return stats::effect_on_share(hits_of(std::span(flagged_paths_).subspan(flag * n, n)));
}

/// The effect on F_n where the quantile is.
stats::Estimate BatchStats::metric_quantile(std::size_t metric, const MetricPart& all,
                                            const stats::QuantileSketch& sketch) const {
  const stats::MetricSpec& spec = specs_[metric];
  const auto& range = all.moments.low;
  const double share = spec.statistic.share;
  if (sketch.count() == 0) return stats::estimate_quantile(sketch, share, spec.bin_factor, range.min, range.max);
  const std::uint32_t bin = kBinScale.bin(sketch.quantile(share));
  const auto n = static_cast<double>(sketch.count());
  const double below = static_cast<double>(sketch.count_below(bin)) / n;
  const double up_to = static_cast<double>(sketch.count_up_to(bin)) / n;
  const bool takes_below = std::fabs(below - share) < std::fabs(up_to - share);
  std::vector<Batch> batches;
  for (const auto& part : std::span(metric_sketches_).subspan(metric * batching_.count, batching_.count))
    batches.push_back(
        {.n = part.count(), .sum = static_cast<double>(takes_below ? part.count_below(bin) : part.count_up_to(bin))});
  return stats::estimate_quantile(sketch, share, spec.bin_factor, range.min, range.max,
                                  stats::effect_on_share(batches));
}

stats::Estimate BatchStats::metric(std::size_t metric, const MetricPart& all,
                                   const stats::QuantileSketch& sketch) const {
  const std::size_t n = batching_.count;
  const auto parts = std::span(metric_parts_).subspan(metric * n, n);
  const auto& low = all.moments.low;
  const auto batches = [&](auto&& sum_of) {
    std::vector<Batch> made;
    for (const MetricPart& part : parts) made.push_back({.n = part.moments.low.n, .sum = sum_of(part)});
    return made;
  };
  const auto& statistic = specs_[metric].statistic;
  switch (statistic.statistic) {
    case stats::Statistic::mean:
      break;
    case stats::Statistic::probability: {
      const auto hits = batches([](const MetricPart& part) { return static_cast<double>(part.hits); });
      return stats::estimate_probability({low.n, all.hits, stats::effect_on_share(hits)});
    }
    case stats::Statistic::sd: {
      const stats::Estimate plain = stats::estimate_sd(all.moments);
      const double sd = std::sqrt(low.m2 / static_cast<double>(low.n));
      if (!(sd > 0.0)) return plain;
      auto estimate = stats::with_batch_error(plain, batches([&](const MetricPart& part) {
                                                const auto& m = part.moments.low;
                                                const double step = m.mean - low.mean;
                                                return (m.m2 + static_cast<double>(m.n) * step * step) / (2.0 * sd);
                                              }));
      if (!std::isnan(estimate.lo)) estimate.lo = std::max(estimate.lo, 0.0);
      return estimate;
    }
    case stats::Statistic::quantile:
      return metric_quantile(metric, all, sketch);
    case stats::Statistic::tail_mean:
      return stats::estimate_tail_mean(sketch, statistic.share, specs_[metric].bin_factor, low.min, low.max,
                                       std::span(metric_sketches_).subspan(metric * n, n));
  }
  return stats::with_batch_error(stats::estimate_mean(low), batches([](const MetricPart& part) {
                                   return static_cast<double>(part.moments.low.n) * part.moments.low.mean;
                                 }));
}

}  // namespace repoquake::engine
