/// Writes what blocks show into their places in a chunk: statistics, stored paths, features, metrics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/feature_tracker.hpp"
#include "engine/simulation_code.hpp"

namespace repoquake::engine::compiled {

/// A block is the `lanes` paths of the chunk from `offset` on.
class ChunkRecorder {
 public:
  /// Pre: the chunk has its first_path and n_paths.
  ChunkRecorder(const plan::Plan& plan, const Manifest& manifest, ChunkResult& chunk);

  void day(const BlockWorkspace& work, std::size_t offset, std::size_t lanes, std::uint32_t day);
  void close(const FeatureTracker& features, std::size_t offset, std::size_t lanes);
  void rank(ConstColumn values, std::size_t offset, std::size_t lanes);
  /// The block's values of a metric, NaN where a path has none.
  void metric(std::size_t metric, ConstColumn values, std::size_t offset, std::size_t lanes);

 private:
  /// Days of each path above a threshold, in a block.
  using Days = std::array<std::uint64_t, kBlockPaths>;

  void gather(std::size_t slot, std::size_t offset, std::span<const double> values, double factor);
  void count_above(std::span<const double> spread, std::size_t offset, std::uint32_t day);
  void store(std::size_t variable, std::span<const double> values, std::size_t offset, std::uint32_t day);
  void see_flags(std::span<const std::uint32_t> flags, std::size_t offset, std::uint32_t day);

  const plan::Plan& plan_;
  const Manifest& manifest_;
  ChunkResult& chunk_;
  std::size_t n_days_;
  std::vector<std::optional<std::size_t>>
      stored_as_;                        ///< (statistic): its place in Manifest::variables, if it is stored
  std::vector<Days> days_above_;         ///< (threshold): of the block
  std::vector<std::uint32_t> batch_of_;  ///< (path of the chunk); empty where paths are independent
};

}  // namespace repoquake::engine::compiled
