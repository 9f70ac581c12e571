/// What paths are worth whose draws are given, not addressed: a path as a point of the unit cube.
///
/// A simulation asks for its draws in an order that only the plan knows. That order is listed once; then each address is a
/// coordinate, and any values in (0, 1) make a path. Independent uniforms make the paths of an ordinary run, bit by bit.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "repoquake/core/column.hpp"
#include "repoquake/engine/path_evaluator.hpp"
#include "repoquake/engine/simulate_block.hpp"
#include "repoquake/plan/path_program.hpp"
#include "repoquake/plan/plan.hpp"

namespace repoquake::engine {

/// The address of a draw within a path.
struct DrawPlace {
  std::uint32_t day = 0;
  random::Stream stream{};
  std::uint16_t slot = 0;

  bool operator==(const DrawPlace&) const = default;
};

/// The draws of a plan's paths, and the order in which a block asks for them.
struct DrawList {
  std::vector<DrawPlace> coordinates;  ///< each once
  std::vector<std::uint32_t> calls;    ///< coordinates as they are asked for; some more than once
};
[[nodiscard]] DrawList list_draws(const plan::Plan& plan);

/// Simulates blocks and keeps one number a path, and what the market did to it. Belongs to one thread.
class PathScorer {
 public:
  /// All are kept by reference.
  PathScorer(const plan::Plan& plan, const plan::PathProgram& program, const DrawList& draws);
  ~PathScorer();
  PathScorer(const PathScorer&) = delete;
  PathScorer& operator=(const PathScorer&) = delete;

  /// The draws of the plan's own paths first_path ... first_path + 255, independent and addressed by the seed, (coordinate).
  void draw(std::uint64_t first_path, std::span<ColumnData> uniforms) const;

  /// The program's value on paths with these draws, NaN where a path has none, and the PathFlag bits of any of its days.
  /// Allocates nothing. Pre: uniforms.size() == draws.coordinates.size(), each in [2^-53, 1 - 2^-53].
  void score(std::span<const ColumnData> uniforms, Column value, std::span<std::uint32_t, kBlockPaths> flags);

 private:
  class GivenDraws;

  const plan::Plan& plan_;
  const DrawList& draws_;
  BlockWorkspace work_;
  PathEvaluator evaluator_;
  GivenDraws* given_;  ///< the workspace's source
};

/// The same of paths as any source draws them: a block from `first_path` on.
void evaluate_block(const plan::Plan& plan, std::uint64_t first_path, BlockWorkspace& work, PathEvaluator& evaluator,
                    Column value, std::span<std::uint32_t, kBlockPaths> flags);

}  // namespace repoquake::engine
