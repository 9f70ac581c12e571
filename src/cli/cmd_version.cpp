#include <ostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "build_info.hpp"
#include "cli/build_facts.hpp"
#include "cli/dispatch.hpp"
#include "repoquake/core/column.hpp"
#include "repoquake/engine/instruction_set.hpp"
#include "repoquake/io/library_versions.hpp"
#include "repoquake/io/result_writer.hpp"
#include "repoquake/io/scenario_yaml.hpp"

namespace repoquake::cli {

std::string instruction_set() { return std::string(engine::name_of(engine::instruction_set())); }

std::vector<std::pair<std::string, std::string>> build_facts() {
  std::vector<std::pair<std::string, std::string>> facts{
      {"version", std::string(kVersion)},
      {"git_describe", std::string(kGitDescribe)},
      {"build_type", std::string(kBuildType)},
      {"compiler", std::string(kCompiler)},
      {"flags", std::string(kFlags)},
      {"instruction_set", instruction_set()},
      {"block_paths", std::to_string(kBlockPaths)},
      {"scenario_format", std::string(io::kScenarioFormat)},
      {"result_format", fmt::format("repoquake/result/{}", io::kResultFormat)},
  };
  for (auto& library : io::library_versions()) facts.push_back(std::move(library));
  return facts;
}

void add_version(CLI::App& app, const Command& command) {
  auto* verb = app.add_subcommand("version", "print build facts as JSON");
  verb->callback([command] {
    nlohmann::ordered_json facts;
    facts["program"] = "repoquake";
    for (const auto& [name, value] : build_facts()) facts[name] = value;
    command.out << facts.dump(2) << '\n';
  });
}

}  // namespace repoquake::cli
