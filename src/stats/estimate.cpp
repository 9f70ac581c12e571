#include "repoquake/stats/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "repoquake/stats/batches.hpp"

namespace repoquake::stats {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr double kLeastInTail = 2.0;  // paths; fewer have a value and no error

Estimate nothing(std::uint64_t n) noexcept { return {kNothing, kNothing, kNothing, kNothing, n}; }

Estimate with_normal_limits(double value, double error, std::uint64_t n) noexcept {
  return {value, error, value - kNormal95 * error, value + kNormal95 * error, n};
}
Estimate without_error(double value, std::uint64_t n) noexcept { return {value, kNothing, kNothing, kNothing, n}; }

}  // namespace

Estimate Estimate::mapped(double scale, double shift) const noexcept {
  Estimate out{scale * value + shift, std::fabs(scale) * standard_error, scale * lo + shift, scale * hi + shift, n};
  if (scale < 0.0) std::swap(out.lo, out.hi);
  return out;
}

void HighMoments::merge(const HighMoments& other) noexcept {
  if (other.low.n == 0) return;
  if (low.n == 0) {
    *this = other;
    return;
  }
  const auto a = static_cast<double>(low.n);
  const auto b = static_cast<double>(other.low.n);
  const double n = a + b;
  const double share_a = a / n;
  const double share_b = b / n;
  const double d = other.low.mean - low.mean;
  const double weight = a * share_b;
  m4 += other.m4 + d * d * d * d * weight * (share_a * share_a - share_a * share_b + share_b * share_b) +
        6.0 * d * d * (share_a * share_a * other.low.m2 + share_b * share_b * low.m2) +
        4.0 * d * (share_a * other.m3 - share_b * m3);
  m3 += other.m3 + d * d * d * weight * (share_a - share_b) + 3.0 * d * (share_a * other.low.m2 - share_b * low.m2);
  low.merge(other.low);
}

HighMoments high_moments_of(std::span<const double> values) noexcept {
  HighMoments m{.low = moments_of(values)};
  for (const double x : values) {
    const double d = x - m.low.mean;
    m.m3 += d * d * d;
    m.m4 += d * d * d * d;
  }
  return m;
}

Estimate estimate_mean(const Moments& moments) noexcept {
  if (moments.n == 0) return nothing(0);
  if (moments.n < 2) return without_error(moments.mean, moments.n);
  return with_normal_limits(moments.mean, moments.standard_error(), moments.n);
}

Estimate estimate_probability(const Exceedance& hits) noexcept {
  if (hits.n == 0) return nothing(0);
  const double p = hits.probability();
  const double error = hits.standard_error();
  const double centre = (static_cast<double>(hits.hits) + 2.0 * hits.effect.ratio) /
                        (static_cast<double>(hits.n) + 4.0 * hits.effect.ratio);
  if (std::isnan(error)) return without_error(p, hits.n);
  return {p, error, std::min(std::max(centre - hits.effect.reach * error, 0.0), p),
          std::max(std::min(centre + hits.effect.reach * error, 1.0), p), hits.n};
}

Estimate estimate_sd(const HighMoments& moments) noexcept {
  const auto& low = moments.low;
  if (low.n < 2) return nothing(low.n);
  const double sd = low.sd();
  const auto n = static_cast<double>(low.n);
  const double v = low.m2 / n;
  if (!(v > 0.0)) return with_normal_limits(sd, 0.0, low.n);
  const double error = std::sqrt(std::max(moments.m4 / n - v * v, 0.0) / n) / (2.0 * std::sqrt(v));
  auto estimate = with_normal_limits(sd, error, low.n);
  estimate.lo = std::max(estimate.lo, 0.0);
  return estimate;
}

Estimate estimate_quantile(const QuantileSketch& sketch, double share, double factor, double min, double max,
                           DesignEffect effect) {
  const std::uint64_t n = sketch.count();
  if (n == 0) return nothing(0);
  const auto q = sketch.quantile_with_limits(share, factor * min, factor * max, effect);
  if (n < 2) return without_error(q.value / factor, n);
  return {q.value / factor, q.standard_error() / factor, q.lo / factor, q.hi / factor, n};
}

Estimate estimate_tail_mean(const QuantileSketch& sketch, double share, double factor, double min, double max,
                            std::span<const QuantileSketch> batches) {
  const std::uint64_t count = sketch.count();
  if (count == 0) return nothing(0);
  const auto n = static_cast<double>(count);
  const bool is_upper = share >= 0.5;
  const double wanted = n * (is_upper ? 1.0 - share : share);  // paths in the tail, not always a whole number

  // Walks from the worst value inwards; the members of a bin stand at its middle, inside the range of the sample.
  auto bins = sketch.occupied();
  if (is_upper) std::ranges::reverse(bins);
  const auto middle = [&](std::uint32_t bin) {
    return std::clamp(0.5 * (sketch.scale().lower(bin) + sketch.scale().upper(bin)), factor * min, factor * max);
  };
  double taken = 0.0;
  double edge = middle(bins.front().bin);  // the quantile that bounds the tail
  std::size_t inside = 0;
  while (inside < bins.size() && taken < wanted) {
    edge = middle(bins[inside].bin);
    taken += bins[inside].count;
    ++inside;
  }
  double excess = 0.0;
  double square = 0.0;
  for (std::size_t i = 0; i < inside; ++i) {
    const double d = middle(bins[i].bin) - edge;
    excess += bins[i].count * d;
    square += bins[i].count * d * d;
  }
  const double value = (edge + excess / wanted) / factor;
  if (wanted < kLeastInTail) return without_error(value, count);
  if (!batches.empty()) {  // what a path adds is its distance beyond the edge, over the share of the tail
    std::vector<Batch> distances;
    for (const QuantileSketch& batch : batches) {
      distances.push_back({.n = batch.count(), .sum = 0.0});
      for (const auto& [bin, times] : batch.occupied()) {
        const double d = is_upper ? middle(bin) - edge : edge - middle(bin);
        if (d > 0.0) distances.back().sum += times * d * n / (wanted * factor);
      }
    }
    return with_batch_error({.value = value, .n = count}, distances);
  }
  const double mean = excess / n;
  const double error = std::sqrt(std::max(square / n - mean * mean, 0.0) * n) / (wanted * factor);
  return with_normal_limits(value, error, count);
}

}  // namespace repoquake::stats
