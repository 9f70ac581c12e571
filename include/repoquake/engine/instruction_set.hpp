/// One program for every machine: the simulation is compiled for several instruction sets, and the best one that the
/// processor has is chosen when the program starts. All give the same bits (core/elementary.hpp says why).
///
/// Where several are built, each is one object whose only global symbol is its table of entry points: code that the
/// compiler emits for a wide instruction set can never be linked into another part of the program
/// (cmake/InstructionSets.cmake).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/core/column.hpp"
#include "repoquake/core/variables.hpp"

namespace repoquake::plan {
struct Plan;
}

namespace repoquake::engine {

class DrawSource;
struct BlockWorkspace;
struct ChunkResult;
struct Manifest;

/// `portable` is what the rest of the program is compiled for.
enum class InstructionSet { portable, x86_64_v3, x86_64_v4 };

/// As the psABI names them: "x86-64", "x86-64-v3" (AVX2), "x86-64-v4" (AVX-512); "aarch64", "generic" elsewhere.
[[nodiscard]] std::string_view name_of(InstructionSet set) noexcept;

/// Built into this program and known to this processor, the widest last.
[[nodiscard]] std::vector<InstructionSet> instruction_sets();

/// The one with this name; the widest for an empty name. std::invalid_argument, saying what there is, for any other.
[[nodiscard]] InstructionSet instruction_set_named(std::string_view name);

/// What this process simulates with: REPOQUAKE_ISA, read once, or the widest. Throws as `instruction_set_named`.
[[nodiscard]] InstructionSet instruction_set();

/// The simulation compiled for one instruction set; the functions are those of simulate_block.hpp.
struct SimulationCode {
  std::unique_ptr<DrawSource> (*make_draw_source)(const plan::Plan&);
  void (*open_block)(const plan::Plan&, std::uint64_t, BlockWorkspace&) noexcept;
  void (*simulate_day)(const plan::Plan&, std::uint64_t, std::uint32_t, BlockWorkspace&) noexcept;
  void (*observe)(const plan::Plan&, std::uint32_t, Variable, const BlockWorkspace&, Column) noexcept;
  ChunkResult (*simulate_chunk)(const plan::Plan&, const Manifest&, std::uint64_t, BlockWorkspace&);
};

/// Pre: the set is one of `instruction_sets()`.
[[nodiscard]] const SimulationCode& simulation_code(InstructionSet set);

}  // namespace repoquake::engine
