/// What a run is about to do: all that a sink needs to lay out a result. Value type, no plan, no scenario.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "repoquake/core/units.hpp"
#include "repoquake/core/variables.hpp"

namespace repoquake::engine {

struct Manifest {
  std::string name;
  std::string title;
  std::vector<std::chrono::sys_days> dates;  ///< row 0 is the opening day
  std::vector<std::string> marks;            ///< by day: "quarter-end", "tax date", ... or nothing
  std::uint64_t n_paths = 0;
  std::uint64_t seed = 0;
  bool is_conditional = false;  ///< a replay on realised flows
  bool store_paths = false;
  std::vector<Variable> variables;   ///< stored per path where store_paths
  std::vector<Variable> statistics;  ///< with statistics: `variables`, what is expected, and `spread` always
  std::vector<double> quantiles;     ///< fractions, ascending
  std::vector<Spread> thresholds;    ///< of spread, bp
  std::uint32_t chunk_paths = 0;     ///< paths of a ChunkResult; the last may be shorter

  [[nodiscard]] std::size_t n_days() const noexcept { return dates.size(); }
};

}  // namespace repoquake::engine
