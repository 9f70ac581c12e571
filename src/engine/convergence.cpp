#include "repoquake/engine/convergence.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace repoquake::engine {
namespace {

constexpr double kUpperQuantile = 0.95;

stats::Estimate with_limits(const stats::QuantileEstimate& q, std::uint64_t n) {
  return {.value = q.value, .standard_error = q.standard_error(), .lo = q.lo, .hi = q.hi, .n = n};
}

}  // namespace

Convergence::Convergence(const Manifest& manifest)
    : quantities_{"mean(peak_spread)", "quantile(peak_spread, 95 %)"}, units_{"bp", "bp"} {
  for (const auto& metric : manifest.metrics) {
    quantities_.push_back(metric.id);
    units_.push_back(metric.unit);
  }
}

void Convergence::record(const OnlineStats& stats) {
  const auto& peaks = stats.moments(PathFeature::peak_spread);
  n_paths_.push_back(stats.n_paths());
  estimates_.push_back(stats.mean(PathFeature::peak_spread));
  estimates_.push_back(with_limits(stats.quantile(PathFeature::peak_spread, kUpperQuantile), peaks.n));
  for (std::size_t k = 2; k < quantities_.size(); ++k) estimates_.push_back(stats.metric(k - 2));
}

void Convergence::see(const OnlineStats& stats) {
  if (++n_chunks_ < next_chunk_) return;
  record(stats);
  next_chunk_ = n_chunks_ + std::max<std::uint64_t>(1, std::bit_floor(n_chunks_) / 4);
}

void Convergence::close(const OnlineStats& stats) {
  if (stats.n_paths() > 0 && (n_paths_.empty() || n_paths_.back() != stats.n_paths())) record(stats);
}

bool is_settled(const Manifest& manifest, const OnlineStats& stats) {
  if (!manifest.stop || stats.n_paths() < manifest.stop->min_paths) return false;
  const stats::Estimate estimate = stats.metric(manifest.stop->metric);
  if (std::isnan(estimate.value) || std::isnan(estimate.lo) || std::isnan(estimate.hi)) return false;
  const double half_width = std::max(estimate.hi - estimate.value, estimate.value - estimate.lo);
  // No spread at all says that the event has not been seen yet, not that it is known.
  return estimate.hi > estimate.lo && half_width <= manifest.stop->half_width;
}

}  // namespace repoquake::engine
