#include "repoquake/stats/batches.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "repoquake/core/contract.hpp"
#include "repoquake/stats/student.hpp"

namespace repoquake::stats {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr double kCounting = 1.0 / 4.0;  // largest variance of a count that is one of two neighbours

Batch total_of(std::span<const Batch> batches) noexcept {
  Batch total;
  for (const Batch& batch : batches) {
    total.n += batch.n;
    total.sum += batch.sum;
  }
  return total;
}

std::uint64_t count_filled(std::span<const Batch> batches) noexcept {
  return static_cast<std::uint64_t>(std::ranges::count_if(batches, [](const Batch& batch) { return batch.n > 0; }));
}

}  // namespace

double variance_of_mean(std::span<const Batch> batches) noexcept {
  const auto filled = static_cast<double>(count_filled(batches));
  if (filled < 2.0) return kNothing;
  const Batch total = total_of(batches);
  const auto n = static_cast<double>(total.n);
  const double mean = total.sum / n;
  double squares = 0.0;
  for (const Batch& batch : batches) {
    const double step = batch.sum - static_cast<double>(batch.n) * mean;
    squares += step * step;
  }
  return squares / (n * n) * (filled / (filled - 1.0));
}

double reach_of(std::span<const Batch> batches) noexcept {
  const std::uint64_t filled = count_filled(batches);
  return filled < 2 ? kNothing : student_975(filled - 1);
}

DesignEffect effect_on_share(std::span<const Batch> hits) noexcept {
  const auto filled = static_cast<double>(count_filled(hits));
  if (filled < 2.0) return {.ratio = kNothing, .reach = kNothing};
  const Batch total = total_of(hits);
  const auto n = static_cast<double>(total.n);
  const double p = total.sum / n;
  const double independent = p * (1.0 - p) / n;
  if (!(independent > 0.0)) return {.ratio = 1.0, .reach = reach_of(hits)};
  const double least = std::min(kCounting * filled / (n * n), independent);
  return {.ratio = std::max(variance_of_mean(hits), least) / independent, .reach = reach_of(hits)};
}

Estimate with_batch_error(const Estimate& estimate, std::span<const Batch> influence) noexcept {
  const double error = std::sqrt(variance_of_mean(influence));
  const double half = reach_of(influence) * error;
  return {.value = estimate.value,
          .standard_error = error,
          .lo = estimate.value - half,
          .hi = estimate.value + half,
          .n = estimate.n};
}

std::vector<Batch> batches_of(std::span<const double> values, std::uint64_t first_path, Batching batching) {
  RQ_EXPECT(batching.any());
  std::vector<Batch> batches(batching.count);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    Batch& batch = batches[batching.of(first_path + i)];
    ++batch.n;
    batch.sum += values[i];
  }
  return batches;
}

}  // namespace repoquake::stats
