#include "repoquake/stats/influence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "repoquake/core/contract.hpp"

namespace repoquake::stats {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// A quantile of sorted values and 1/f there.
struct SortedQuantile {
  double value;
  double inverse_density;
};

double at_rank(std::span<const double> sorted, double rank) {
  const double place = std::clamp(rank, 0.0, static_cast<double>(sorted.size() - 1));
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

SortedQuantile quantile_of(std::span<const double> sorted, double p) {
  const double n = static_cast<double>(sorted.size());
  const double middle = p * (n - 1.0);
  const double spread = std::sqrt(n * p * (1.0 - p));
  const double lo = at_rank(sorted, middle - kNormal95 * spread);
  const double hi = at_rank(sorted, middle + kNormal95 * spread);
  return {at_rank(sorted, middle), (hi - lo) * n / (2.0 * kNormal95 * spread)};
}

}  // namespace

std::vector<double> influence(const StatisticSpec& spec, std::span<const double> values) {
  std::vector<double> known;
  for (const double x : values)
    if (!std::isnan(x)) known.push_back(x);
  if (known.size() < 2) return std::vector<double>(values.size(), kNothing);
  const double weight = static_cast<double>(values.size()) / static_cast<double>(known.size());
  const auto of_each = [&](auto&& f) {
    std::vector<double> result(values.size(), 0.0);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isnan(values[i])) result[i] = weight * f(values[i]);
    return result;
  };
  const auto less_mean = [&](auto&& f) {
    double sum = 0.0;
    for (const double x : known) sum += f(x);
    const double mean = sum / static_cast<double>(known.size());
    return of_each([&](double x) { return f(x) - mean; });
  };
  const auto itself = [](double x) { return x; };

  switch (spec.statistic) {
    case Statistic::mean:
    case Statistic::probability:
      return less_mean(itself);
    case Statistic::sd: {
      const Moments m = moments_of(known);
      const double variance = m.sd() * m.sd();
      if (variance <= 0.0) return std::vector<double>(values.size(), 0.0);
      return less_mean([&](double x) { return (x - m.mean) * (x - m.mean) / (2.0 * std::sqrt(variance)); });
    }
    case Statistic::quantile: {
      std::ranges::sort(known);
      const SortedQuantile q = quantile_of(known, spec.share);
      return less_mean([&](double x) { return x <= q.value ? -q.inverse_density : 0.0; });
    }
    case Statistic::tail_mean: {
      std::ranges::sort(known);
      const double q = quantile_of(known, spec.share).value;
      const bool is_lower = spec.share < 0.5;
      const double tail = is_lower ? spec.share : 1.0 - spec.share;
      return less_mean([&](double x) { return (is_lower ? std::min(x - q, 0.0) : std::max(x - q, 0.0)) / tail; });
    }
  }
  return {};
}

double standard_error_of(std::span<const double> influence, Batching batching) {
  RQ_EXPECT(!influence.empty());
  if (std::isnan(influence.front())) return kNothing;
  if (batching.any()) return std::sqrt(variance_of_mean(batches_of(influence, 0, batching)));
  double squares = 0.0;
  for (const double value : influence) squares += value * value;
  const double n = static_cast<double>(influence.size());
  return n < 2.0 ? kNothing : std::sqrt(squares / (n * (n - 1.0)));
}

double standard_error_of_difference(const StatisticSpec& spec, std::span<const double> a, std::span<const double> b,
                                    Batching batching) {
  RQ_EXPECT(a.size() == b.size());
  std::vector<double> difference = influence(spec, b);
  const std::vector<double> base = influence(spec, a);
  if (std::isnan(difference.front()) || std::isnan(base.front())) return kNothing;
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= base[i];
  return standard_error_of(difference, batching);
}

}  // namespace repoquake::stats
