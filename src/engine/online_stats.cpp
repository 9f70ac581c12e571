#include "repoquake/engine/online_stats.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/flags.hpp"
#include "repoquake/engine/simulate_block.hpp"

namespace repoquake::engine {

OnlineStats::OnlineStats(const Manifest& manifest)
    : n_days_(manifest.n_days()),
      n_variables_(manifest.statistics.size()),
      moments_(n_variables_ * n_days_ + kPathFeatureCount),
      sketches_(moments_.size(), stats::QuantileSketch(kBinScale)),
      exceedances_(manifest.thresholds.size() * n_days_, 0),
      peak_thresholds_(manifest.peak_thresholds),
      peaks_above_(peak_thresholds_.size(), 0),
      peaks_over_effr_above_(peak_thresholds_.size(), 0),
      metrics_(manifest.metrics),
      metric_parts_(metrics_.size()),
      metric_sketches_(metrics_.size(), stats::QuantileSketch(kBinScale)),
      flag_days_(kPathFlagCount, 0),
      flagged_paths_(kPathFlagCount, 0) {
  if (manifest.batching.any()) batches_.emplace(manifest);
  for (const Variable v : manifest.statistics) bin_factors_.push_back(bin_factor(spec_of(v).quantity));
}

void OnlineStats::absorb(const ChunkResult& chunk) {
  RQ_EXPECT(chunk.first_path == n_paths_ && chunk.moments.size() == moments_.size());
  RQ_EXPECT(chunk.bin_ranges.size() == moments_.size() && chunk.metric_parts.size() == metrics_.size());
  n_paths_ += chunk.n_paths;
  std::vector<stats::QuantileSketch::Load> loads;
  for (std::size_t slot = 0; slot < moments_.size(); ++slot) {
    moments_[slot].merge(chunk.moments[slot]);
    const stats::BinRange& range = chunk.bin_ranges[slot];
    if (range.is_empty()) continue;
    if (range.least == range.largest)
      sketches_[slot].add(range.least, chunk.n_paths);
    else
      loads.push_back({&sketches_[slot], chunk.bins.data() + slot * chunk.n_paths, range});
  }
  stats::QuantileSketch::add_abreast(loads, chunk.n_paths);
  for (std::size_t k = 0; k < exceedances_.size(); ++k) exceedances_[k] += chunk.exceedances[k];
  const auto count_above = [&](PathFeature feature, std::vector<std::uint64_t>& counts) {
    for (std::size_t k = 0; k < peak_thresholds_.size(); ++k)
      counts[k] += static_cast<std::uint64_t>(
          std::ranges::count_if(chunk.feature(feature), [&](double peak) { return peak > peak_thresholds_[k]; }));
  };
  count_above(PathFeature::peak_spread, peaks_above_);
  count_above(PathFeature::peak_sofr_over_effr, peaks_over_effr_above_);
  for (std::size_t k = 0; k < metrics_.size(); ++k) {
    metric_parts_[k].moments.merge(chunk.metric_parts[k].moments);
    metric_parts_[k].hits += chunk.metric_parts[k].hits;
    for (const std::uint32_t bin : std::span(chunk.metric_bins).subspan(k * chunk.n_paths, chunk.n_paths))
      if (bin != kNoBin) metric_sketches_[k].add(bin);
  }
  for (std::size_t k = 0; k < kPathFlagCount; ++k) {
    flag_days_[k] += chunk.flag_days[k];
    for (const std::uint32_t flags : chunk.flags) flagged_paths_[k] += (flags >> k) & 1U;
  }
  if (batches_) batches_->absorb(chunk, sketches_);
}

const stats::Moments& OnlineStats::moments(std::size_t variable, std::size_t day) const {
  return moments_.at(slot(variable, day));
}

const stats::Moments& OnlineStats::moments(PathFeature feature) const { return moments_.at(slot(feature)); }

stats::Estimate OnlineStats::mean_of(std::size_t slot) const {
  const stats::Estimate plain = stats::estimate_mean(moments_.at(slot));
  return batches_ && plain.n > 0 ? stats::with_batch_error(plain, batches_->values(slot)) : plain;
}

stats::Estimate OnlineStats::mean(std::size_t variable, std::size_t day) const { return mean_of(slot(variable, day)); }

stats::Estimate OnlineStats::mean(PathFeature feature) const { return mean_of(slot(feature)); }

stats::Exceedance OnlineStats::share(PathFeature feature) const {
  const stats::Moments& m = moments(feature);
  const auto hits = static_cast<std::uint64_t>(std::llround(m.mean * static_cast<double>(m.n)));
  return {m.n, hits, batches_ ? batches_->on_share_of(slot(feature)) : stats::DesignEffect{}};
}

stats::QuantileEstimate OnlineStats::quantile_of(std::size_t slot, double fraction, double factor) const {
  const stats::Moments& m = moments_.at(slot);
  if (m.n == 0) {
    constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
    return {kNothing, kNothing, kNothing};
  }
  const auto effect = batches_ ? batches_->on_quantile(slot, fraction) : stats::DesignEffect{};
  const auto binned = sketches_.at(slot).quantile_with_limits(fraction, factor * m.min, factor * m.max, effect);
  return {binned.value / factor, binned.lo / factor, binned.hi / factor, binned.reach};
}

stats::QuantileEstimate OnlineStats::quantile(std::size_t variable, std::size_t day, double fraction) const {
  return quantile_of(slot(variable, day), fraction, bin_factors_.at(variable));
}

stats::QuantileEstimate OnlineStats::quantile(PathFeature feature, double fraction) const {
  return quantile_of(slot(feature), fraction, 1.0);
}

stats::SketchScore OnlineStats::score(std::size_t variable, std::size_t day, double observed) const {
  const double factor = bin_factors_.at(variable);
  const stats::Moments& m = moments(variable, day);
  stats::SketchScore score =
      stats::score(sketches_.at(slot(variable, day)), factor * observed, factor * m.min, factor * m.max);
  score.crps /= factor;
  if (batches_)
    score.standard_error =
        batches_->score_error(slot(variable, day), factor * observed, factor * m.min, factor * m.max);
  score.standard_error /= factor;
  return score;
}

stats::Estimate OnlineStats::metric(std::size_t metric) const {
  const stats::MetricSpec& spec = metrics_.at(metric);
  const MetricPart& part = metric_parts_[metric];
  const stats::Moments& moments = part.moments.low;
  const stats::QuantileSketch& sketch = metric_sketches_[metric];
  const auto estimate = [&]() -> stats::Estimate {
    if (batches_) return batches_->metric(metric, part, sketch);
    switch (spec.statistic.statistic) {
      case stats::Statistic::mean:
        break;
      case stats::Statistic::probability:
        return stats::estimate_probability({moments.n, part.hits});
      case stats::Statistic::sd:
        return stats::estimate_sd(part.moments);
      case stats::Statistic::quantile:
        return stats::estimate_quantile(sketch, spec.statistic.share, spec.bin_factor, moments.min, moments.max);
      case stats::Statistic::tail_mean:
        return stats::estimate_tail_mean(sketch, spec.statistic.share, spec.bin_factor, moments.min, moments.max);
    }
    return stats::estimate_mean(moments);
  };
  return estimate().mapped(spec.scale, spec.shift);
}

stats::Exceedance OnlineStats::exceedance(std::size_t threshold, std::size_t day) const {
  return {n_paths_, exceedances_.at(threshold * n_days_ + day),
          batches_ ? batches_->on_exceedance(threshold, day) : stats::DesignEffect{}};
}

stats::Exceedance OnlineStats::peak_exceedance(std::size_t threshold) const {
  return {n_paths_, peaks_above_.at(threshold),
          batches_ ? batches_->on_peak_exceedance(threshold) : stats::DesignEffect{}};
}

stats::Exceedance OnlineStats::peak_over_effr_exceedance(std::size_t threshold) const {
  return {n_paths_, peaks_over_effr_above_.at(threshold),
          batches_ ? batches_->on_peak_over_effr_exceedance(threshold) : stats::DesignEffect{}};
}

stats::Exceedance OnlineStats::flagged(std::size_t flag) const {
  return {n_paths_, flagged_paths_.at(flag), batches_ ? batches_->on_flag(flag) : stats::DesignEffect{}};
}

double OnlineStats::flagged_share() const noexcept {
  const auto place = static_cast<std::size_t>(
      std::ranges::find(kPathFlags, PathFlag::no_clearing, &PathFlagSpec::flag) - kPathFlags.begin());
  const double path_days = static_cast<double>(n_paths_) * static_cast<double>(n_days_);
  return path_days > 0.0 ? static_cast<double>(flag_days_[place]) / path_days : 0.0;
}

}  // namespace repoquake::engine
