// The only symbol that leaves an object of the simulation for one instruction set (cmake/InstructionSets.cmake).

#include "engine/simulation_code.hpp"

#include "repoquake/engine/draw_source.hpp"

#ifndef REPOQUAKE_SIMULATION_ENTRY
#define REPOQUAKE_SIMULATION_ENTRY repoquake_simulation_portable
#endif

extern "C" const repoquake::engine::SimulationCode REPOQUAKE_SIMULATION_ENTRY;

namespace compiled = repoquake::engine::compiled;

const repoquake::engine::SimulationCode REPOQUAKE_SIMULATION_ENTRY{&repoquake::engine::make_draw_source,
                                                                   &compiled::open_block, &compiled::simulate_day,
                                                                   &compiled::observe, &compiled::simulate_chunk};
