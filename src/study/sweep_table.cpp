#include "repoquake/study/sweep_table.hpp"

#include <algorithm>

namespace repoquake::study {

PointOutcome outcome_of(const engine::PointEnd& end) {
  PointOutcome outcome;
  if (!end.summary) {
    outcome.status = PointStatus::failed;
    outcome.message = end.failure;
    return outcome;
  }
  const auto& stats = end.summary->stats;
  outcome.status = PointStatus::done;
  outcome.n_paths = stats.n_paths();
  outcome.flagged_share = stats.flagged_share();
  for (std::size_t k = 0; k < end.summary->manifest.metrics.size(); ++k) outcome.metrics.push_back(stats.metric(k));
  return outcome;
}

std::uint64_t SweepTable::count(PointStatus status) const noexcept {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(points, [=](const SweepPoint& point) { return point.outcome.status == status; }));
}

}  // namespace repoquake::study
