#include "repoquake/study/tilting.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "repoquake/core/contract.hpp"

namespace repoquake::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

double sum_of_squares(const stats::Moments& m) noexcept { return m.m2 + static_cast<double>(m.n) * m.mean * m.mean; }

}  // namespace

void WeightedHits::absorb(std::span<const double> weight, std::span<const double> events,
                          std::span<const bool> is_marked) {
  RQ_EXPECT(weight.size() == events.size() && weight.size() == is_marked.size());
  std::vector<double> hit(weight.size()), both(weight.size());
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const bool has_value = !std::isnan(events[i]);
    const bool is_hit = has_value && events[i] > 0.5;
    n_no_value += !has_value;
    n_hits += is_hit;
    hit[i] = is_hit ? weight[i] : 0.0;
    both[i] = is_marked[i] ? hit[i] : 0.0;
  }
  weights.merge(stats::moments_of(weight));
  hits.merge(stats::moments_of(hit));
  marked.merge(stats::moments_of(both));
}

void WeightedHits::merge(const WeightedHits& other) noexcept {
  n_hits += other.n_hits;
  n_no_value += other.n_no_value;
  weights.merge(other.weights);
  hits.merge(other.hits);
  marked.merge(other.marked);
}

bool TiltingEstimate::has_true_weights() const noexcept {
  return std::fabs(mean_weight.value - 1.0) <= kMostWeightErrors * mean_weight.standard_error + 1e-9;
}

TiltingEstimate estimate(const WeightedHits& sums) {
  RQ_EXPECT(sums.hits.n >= 2);
  TiltingEstimate out;
  out.mean_weight = stats::estimate_mean(sums.weights);
  out.probability = stats::estimate_mean(sums.hits);
  stats::Estimate& p = out.probability;
  p.lo = std::max(0.0, p.lo);
  p.hi = std::min(1.0, p.hi);
  out.marked = {.value = kNothing, .standard_error = kNothing, .lo = kNothing, .hi = kNothing, .n = sums.n_hits};
  if (sums.n_hits == 0) return out;
  const auto n = static_cast<double>(sums.hits.n);
  const double squares = sum_of_squares(sums.hits);
  out.effective_hits = (n * p.value) * (n * p.value) / squares;
  if (p.standard_error > 0.0)
    out.gain = p.value * (1.0 - std::min(1.0, p.value)) / n / (p.standard_error * p.standard_error);

  const double share = sums.marked.mean / p.value;
  const double spread = (1.0 - 2.0 * share) * sum_of_squares(sums.marked) + share * share * squares;
  const double error = std::sqrt(std::max(0.0, spread)) / (n * p.value);
  out.marked = {.value = share,
                .standard_error = error,
                .lo = std::max(0.0, share - stats::kNormal95 * error),
                .hi = std::min(1.0, share + stats::kNormal95 * error),
                .n = sums.n_hits};
  return out;
}

}  // namespace repoquake::study
