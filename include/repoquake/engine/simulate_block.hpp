/// Simulates paths: draws -> flows -> step_day -> what is seen. Pure: the same (plan, paths) give the same result on
/// any thread, in any order.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "repoquake/engine/chunk_result.hpp"
#include "repoquake/engine/draw_source.hpp"
#include "repoquake/engine/instruction_set.hpp"
#include "repoquake/engine/manifest.hpp"
#include "repoquake/model/drivers.hpp"
#include "repoquake/model/step_day.hpp"
#include "repoquake/plan/plan.hpp"
#include "repoquake/stats/quantile.hpp"

namespace repoquake::engine {

/// What one thread needs to simulate blocks; made once, nothing is allocated after.
struct BlockWorkspace {
  explicit BlockWorkspace(const plan::Plan& plan, InstructionSet set = instruction_set());

  const SimulationCode* code;  ///< that simulates with it
  std::unique_ptr<DrawSource> source;
  model::PathState state;
  model::DayOutcome outcome;
  model::DayFlows flows;
  model::DayDraws draws;
  model::PathDraws path_draws;
  model::DriverState drivers;
  model::DriverDraws driver_draws;
  std::array<ColumnData, 5> driver_scores;  ///< normal scores: tga, coupons, bills, other factors, volatility
  std::vector<ColumnData> shock_sizes;      ///< (shock)
  std::vector<ColumnData> shock_starts;     ///< (shock): row on which it starts
  std::vector<ColumnData> correlated;       ///< normal scores of the correlated shocks
  ColumnData scratch;
  ColumnData late_scratch;
};

/// Day 0 of a block, path constants and shock sizes drawn. `first_path` is a multiple of kBlockPaths.
void open_block(const plan::Plan& plan, std::uint64_t first_path, BlockWorkspace& work) noexcept;

/// Any later day. Pre: the day before has been simulated with this workspace. Allocates nothing.
void simulate_day(const plan::Plan& plan, std::uint64_t first_path, std::uint32_t day, BlockWorkspace& work) noexcept;

/// The value of a variable on the simulated day. NaN where it has no meaning (a facility that does not exist).
void observe(const plan::Plan& plan, std::uint32_t day, Variable variable, const BlockWorkspace& work,
             Column out) noexcept;

/// Bins of all quantile sketches: 1/64 wide near zero, at most (|x| + 64)/4096 beyond, in bp or bn USD.
inline constexpr stats::BinScale kBinScale{};
/// What a variable is multiplied by before it is binned: rates, returns and fractions are binned in bp.
[[nodiscard]] constexpr double bin_factor(Quantity quantity) noexcept {
  switch (quantity) {
    case Quantity::rate:
    case Quantity::percent:
      return 100.0;
    case Quantity::fraction:
      return 10000.0;
    case Quantity::spread:
    case Quantity::amount:
      return 1.0;
  }
  return 1.0;
}
/// Marks a value without meaning among the bins.
inline constexpr std::uint32_t kNoBin = ~std::uint32_t{0};

/// All blocks of a chunk, their moments merged in block order.
[[nodiscard]] ChunkResult simulate_chunk(const plan::Plan& plan, const Manifest& manifest, std::uint64_t chunk,
                                         BlockWorkspace& work);

}  // namespace repoquake::engine
