/// Runs a per-path expression over the days of a block: one column of values, one per path.
///
/// All memory is taken when it is made; seeing a day allocates nothing. A lane never sees its neighbours, so the bits of
/// a path do not depend on its block.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "repoquake/core/column.hpp"
#include "repoquake/engine/simulate_block.hpp"
#include "repoquake/plan/path_program.hpp"

namespace repoquake::engine {

class PathEvaluator {
 public:
  /// `program` is kept by reference.
  explicit PathEvaluator(const plan::PathProgram& program);

  /// Before day 0 of a block.
  void open() noexcept;
  /// Every day, in order, when it has been simulated.
  void see(const plan::Plan& plan, std::uint32_t day, const BlockWorkspace& work) noexcept;
  /// After the last day: the values, NaN where a path has none. Valid until the next call.
  [[nodiscard]] ConstColumn close() noexcept;

 private:
  /// Leaves the result at the bottom of the stack. `plan` and `work` are needed where variables occur.
  void run(std::span<const plan::Instruction> code, const plan::Plan* plan, std::uint32_t day,
           const BlockWorkspace* work) noexcept;
  void divide(Column value, ConstColumn divisor) noexcept;

  const plan::PathProgram* program_;
  std::vector<ColumnData> stack_;
  std::vector<ColumnData> accumulators_;
  std::array<bool, kBlockPaths> has_value_{};
};

}  // namespace repoquake::engine
