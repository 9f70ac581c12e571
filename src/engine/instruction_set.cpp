#include "repoquake/engine/instruction_set.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "repoquake/core/contract.hpp"
#include "repoquake/engine/chunk_result.hpp"
#include "repoquake/engine/simulate_block.hpp"

extern "C" {
extern const repoquake::engine::SimulationCode repoquake_simulation_portable;
#ifdef REPOQUAKE_INSTRUCTION_SETS
extern const repoquake::engine::SimulationCode repoquake_simulation_x86_64_v3;
extern const repoquake::engine::SimulationCode repoquake_simulation_x86_64_v4;
#endif
}

namespace repoquake::engine {

std::string_view name_of(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::x86_64_v3:
      return "x86-64-v3";
    case InstructionSet::x86_64_v4:
      return "x86-64-v4";
    case InstructionSet::portable:
      break;
  }
#if defined(__x86_64__)
  return "x86-64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "generic";
#endif
}

std::vector<InstructionSet> instruction_sets() {
  std::vector<InstructionSet> sets{InstructionSet::portable};
#ifdef REPOQUAKE_INSTRUCTION_SETS
  if (__builtin_cpu_supports("x86-64-v3")) sets.push_back(InstructionSet::x86_64_v3);
  if (__builtin_cpu_supports("x86-64-v4")) sets.push_back(InstructionSet::x86_64_v4);
#endif
  return sets;
}

InstructionSet instruction_set_named(std::string_view name) {
  const std::vector<InstructionSet> sets = instruction_sets();
  if (name.empty()) return sets.back();
  std::string known;
  for (const InstructionSet set : sets) {
    if (name_of(set) == name) return set;
    known += (known.empty() ? "" : ", ") + std::string(name_of(set));
  }
  throw std::invalid_argument("no instruction set '" + std::string(name) + "' here; this program and processor have " +
                              known);
}

InstructionSet instruction_set() {
  static const InstructionSet set = [] {
    const char* wanted = std::getenv("REPOQUAKE_ISA");
    return instruction_set_named(wanted == nullptr ? "" : wanted);
  }();
  return set;
}

const SimulationCode& simulation_code(InstructionSet set) {
  RQ_EXPECT(std::ranges::count(instruction_sets(), set) == 1);
#ifdef REPOQUAKE_INSTRUCTION_SETS
  if (set == InstructionSet::x86_64_v3) return repoquake_simulation_x86_64_v3;
  if (set == InstructionSet::x86_64_v4) return repoquake_simulation_x86_64_v4;
#endif
  return repoquake_simulation_portable;
}

BlockWorkspace::BlockWorkspace(const plan::Plan& plan, InstructionSet set)
    : code(&simulation_code(set)),
      source(code->make_draw_source(plan)),
      state(plan.params.basis_trade.cohorts),
      outcome{},
      flows{},
      draws{},
      path_draws{},
      drivers{},
      driver_draws{},
      driver_scores{},
      shock_sizes(plan.shocks.size()),
      shock_starts(plan.shocks.size()),
      correlated(plan.correlation ? plan.correlation->shocks.size() : 0),
      scratch{},
      late_scratch{} {}

void open_block(const plan::Plan& plan, std::uint64_t first_path, BlockWorkspace& work) noexcept {
  work.code->open_block(plan, first_path, work);
}

void simulate_day(const plan::Plan& plan, std::uint64_t first_path, std::uint32_t day, BlockWorkspace& work) noexcept {
  work.code->simulate_day(plan, first_path, day, work);
}

void observe(const plan::Plan& plan, std::uint32_t day, Variable variable, const BlockWorkspace& work,
             Column out) noexcept {
  work.code->observe(plan, day, variable, work, out);
}

ChunkResult simulate_chunk(const plan::Plan& plan, const Manifest& manifest, std::uint64_t chunk,
                           BlockWorkspace& work) {
  return work.code->simulate_chunk(plan, manifest, chunk, work);
}

}  // namespace repoquake::engine
