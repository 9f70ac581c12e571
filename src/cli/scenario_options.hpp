/// Options of every verb that reads a scenario, and what they lead to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "repoquake/io/scenario_yaml.hpp"
#include "repoquake/plan/plan.hpp"

namespace CLI {
class App;
}

namespace repoquake::cli {

struct ScenarioOptions {
  std::vector<std::string> overlays;
  std::vector<std::string> settings;
  std::optional<std::uint64_t> paths;
  std::optional<std::uint64_t> seed;

  [[nodiscard]] io::LoadOptions load_options() const;
};

void add_scenario_options(CLI::App& verb, ScenarioOptions& options);

struct Prepared {
  io::LoadedScenario loaded;
  std::optional<plan::Plan> plan;  ///< nothing if the diagnostics have errors
};

/// Reads, checks and compiles. Throws IoError where a file of the command line cannot be read.
[[nodiscard]] Prepared prepare(const std::string& file, const ScenarioOptions& options);

}  // namespace repoquake::cli
