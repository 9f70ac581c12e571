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
  bool allow_outside = false;

  [[nodiscard]] io::LoadOptions load_options() const;
};

void add_scenario_options(CLI::App& verb, ScenarioOptions& options);

struct Prepared {
  io::LoadedScenario loaded;
  std::optional<plan::Plan> plan;  ///< nothing if the diagnostics have errors
};

/// The same for the resolved scenario that a result holds; its series is found where the run found it.
/// Throws DataError and IoError where the result cannot be read.
[[nodiscard]] Prepared prepare_from_result(const std::string& result, const ScenarioOptions& options);

/// Reads, checks and compiles. Throws IoError where a file of the command line cannot be read.
[[nodiscard]] Prepared prepare(const std::string& file, const ScenarioOptions& options);

/// Turns each of the scenario's switches off in turn, and adds to its diagnostics which of them cannot be. Nothing to do
/// where there are errors already.
void check_switches(const std::string& file, const ScenarioOptions& options, io::LoadedScenario& loaded);

}  // namespace repoquake::cli
