#include "repoquake/engine/path_rows.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "repoquake/core/contract.hpp"

namespace repoquake::engine {
namespace {

bool is_worse(double rank, std::uint64_t path, const PathRow& than) noexcept {
  return rank > than.rank || (rank == than.rank && path < than.path);
}

}  // namespace

PathRow row_of(const Manifest& manifest, const ChunkResult& chunk, std::size_t lane) {
  const std::size_t n_days = manifest.n_days();
  const std::size_t n_thresholds = manifest.thresholds.size();
  RQ_EXPECT(lane < chunk.n_paths && chunk.paths.size() == manifest.variables.size() * chunk.n_paths * n_days);
  PathRow row;
  row.path = chunk.first_path + lane;
  if (!chunk.ranks.empty()) row.rank = chunk.ranks[lane];
  for (std::size_t v = 0; v < manifest.variables.size(); ++v) {
    const auto days = chunk.table(v, n_days).subspan(lane * n_days, n_days);
    row.values.insert(row.values.end(), days.begin(), days.end());
  }
  for (std::size_t f = 0; f < kPathFeatureCount; ++f) row.features.push_back(chunk.features[f * chunk.n_paths + lane]);
  const auto above = std::span(chunk.days_above).subspan(lane * n_thresholds, n_thresholds);
  row.days_above.assign(above.begin(), above.end());
  row.flags = chunk.flags[lane];
  if (!chunk.events.empty()) {
    const auto events = std::span(chunk.events).subspan(lane * n_days, n_days);
    row.events.assign(events.begin(), events.end());
  }
  return row;
}

bool fits(const Manifest& manifest, const PathRow& row) noexcept {
  const std::size_t n_days = manifest.n_days();
  return row.path < manifest.n_paths && row.values.size() == manifest.variables.size() * n_days &&
         row.features.size() == kPathFeatureCount && row.days_above.size() == manifest.thresholds.size() &&
         row.events.size() == (manifest.may_need_events(row.path) ? n_days : 0);
}

ChunkResult gather(const Manifest& manifest, std::span<const PathRow> rows) {
  RQ_EXPECT(!rows.empty());
  const std::size_t n_days = manifest.n_days();
  ChunkResult chunk;
  chunk.n_paths = static_cast<std::uint32_t>(rows.size());
  chunk.first_path = rows.front().path;
  for (const PathRow& row : rows) {
    chunk.indices.push_back(row.path);
    if (manifest.stored.worst > 0) chunk.ranks.push_back(row.rank);
    chunk.days_above.insert(chunk.days_above.end(), row.days_above.begin(), row.days_above.end());
    chunk.flags.push_back(row.flags);
    chunk.events.insert(chunk.events.end(), row.events.begin(), row.events.end());
  }
  for (std::size_t v = 0; v < manifest.variables.size(); ++v)
    for (const PathRow& row : rows) {
      const auto days = std::span(row.values).subspan(v * n_days, n_days);
      chunk.paths.insert(chunk.paths.end(), days.begin(), days.end());
    }
  for (std::size_t f = 0; f < kPathFeatureCount; ++f)
    for (const PathRow& row : rows) chunk.features.push_back(row.features[f]);
  return chunk;
}

void WorstPaths::absorb(const ChunkResult& chunk) {
  const std::size_t most = manifest_->stored.worst;
  if (most == 0) return;
  const auto least_bad_first = [](const PathRow& a, const PathRow& b) { return is_worse(a.rank, a.path, b); };
  for (std::size_t lane = 0; lane < chunk.n_paths; ++lane) {
    const double rank = chunk.ranks[lane];
    if (std::isnan(rank)) continue;
    if (heap_.size() == most) {
      if (!is_worse(rank, chunk.first_path + lane, heap_.front())) continue;
      std::ranges::pop_heap(heap_, least_bad_first);
      heap_.pop_back();
    }
    heap_.push_back(row_of(*manifest_, chunk, lane));
    std::ranges::push_heap(heap_, least_bad_first);
  }
}

std::vector<PathRow> WorstPaths::take() {
  std::ranges::sort(heap_, {}, &PathRow::path);
  return std::exchange(heap_, {});
}

}  // namespace repoquake::engine
