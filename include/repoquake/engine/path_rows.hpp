/// Paths that are kept whole though they do not follow one another: the worst by an expression, and the odd rows at the
/// end of a sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "repoquake/engine/chunk_result.hpp"
#include "repoquake/engine/manifest.hpp"

namespace repoquake::engine {

/// All that a chunk holds of one path.
struct PathRow {
  std::uint64_t path = 0;  ///< its index
  double rank = 0.0;
  std::vector<float> values;  ///< (variable, day)
  std::vector<double> features;
  std::vector<std::uint16_t> days_above;  ///< (threshold)
  std::uint32_t flags = 0;
  std::vector<std::uint32_t> events;  ///< (day), or empty
};

/// Pre: the chunk holds whole paths; lane < chunk.n_paths.
[[nodiscard]] PathRow row_of(const Manifest& manifest, const ChunkResult& chunk, std::size_t lane);

/// Has the row as many values as this run's rows have?
[[nodiscard]] bool fits(const Manifest& manifest, const PathRow& row) noexcept;

/// The per-path tables of a chunk made of these rows, with its `indices`; nothing else of it. Pre: not empty.
[[nodiscard]] ChunkResult gather(const Manifest& manifest, std::span<const PathRow> rows);

/// Keeps the Manifest::stored.worst paths with the largest ranks. Of equal ranks the lower index is worse; a path without
/// a rank (NaN) never is. Pure: the same paths for any chunks, as long as they come in path order.
class WorstPaths {
 public:
  explicit WorstPaths(const Manifest& manifest) : manifest_(&manifest) {}

  void absorb(const ChunkResult& chunk);

  /// By ascending index.
  [[nodiscard]] std::vector<PathRow> take();

  /// engine/checkpoint.hpp
  template <class Archive, class Self>
  static void visit_state(Archive& archive, Self& self) {
    auto& [manifest, heap] = self;
    archive(heap);
  }
  [[nodiscard]] const std::vector<PathRow>& rows() const noexcept { return heap_; }

 private:
  const Manifest* manifest_;
  std::vector<PathRow> heap_;  ///< the least bad one first
};

}  // namespace repoquake::engine
