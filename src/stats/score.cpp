#include "repoquake/stats/score.hpp"

#include <algorithm>
#include <cstddef>

#include "repoquake/core/contract.hpp"

namespace repoquake::stats {

double crps(std::span<const double> sorted, double observed) {
  RQ_EXPECT(!sorted.empty());
  RQ_EXPECT(std::is_sorted(sorted.begin(), sorted.end()));
  const auto n = static_cast<double>(sorted.size());
  // Outside the members F_n is 0 or 1, so only the stretch between them and the observation counts.
  double score = std::max(sorted.front() - observed, 0.0) + std::max(observed - sorted.back(), 0.0);
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const double below = static_cast<double>(i) / n;  // F_n on the gap
    const double split = std::clamp(observed, sorted[i - 1], sorted[i]);
    score += below * below * (split - sorted[i - 1]) + (1.0 - below) * (1.0 - below) * (sorted[i] - split);
  }
  return score;
}

double pit(std::span<const double> sorted, double observed) {
  RQ_EXPECT(!sorted.empty());
  RQ_EXPECT(std::is_sorted(sorted.begin(), sorted.end()));
  const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), observed);
  const auto below = static_cast<double>(first - sorted.begin());
  const auto equal = static_cast<double>(last - first);
  return (below + 0.5 * equal + 0.5) / (static_cast<double>(sorted.size()) + 1.0);
}

}  // namespace repoquake::stats
