/// The simulation as it is compiled, once for every instruction set: what `SimulationCode` points to.
#pragma once

#include "repoquake/engine/instruction_set.hpp"
#include "repoquake/engine/simulate_block.hpp"

namespace repoquake::engine::compiled {

void open_block(const plan::Plan& plan, std::uint64_t first_path, BlockWorkspace& work) noexcept;
void simulate_day(const plan::Plan& plan, std::uint64_t first_path, std::uint32_t day, BlockWorkspace& work) noexcept;
/// Where a variable stands that is observed as it is; null where it must be computed.
[[nodiscard]] const ColumnData* column_of(Variable variable, const BlockWorkspace& work) noexcept;
void observe(const plan::Plan& plan, std::uint32_t day, Variable variable, const BlockWorkspace& work,
             Column out) noexcept;
[[nodiscard]] ChunkResult simulate_chunk(const plan::Plan& plan, const Manifest& manifest, std::uint64_t chunk,
                                         BlockWorkspace& work);

}  // namespace repoquake::engine::compiled
