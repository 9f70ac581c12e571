#include "cli/scenario_options.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <CLI/CLI.hpp>

#include "cli/scenario_library.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/digest.hpp"
#include "repoquake/io/result_reader.hpp"
#include "repoquake/plan/compile.hpp"

namespace repoquake::cli {

void add_scenario_options(CLI::App& verb, ScenarioOptions& options) {
  // One value an occurrence: a second word is never swallowed.
  verb.add_option("--with", options.overlays, "lay a YAML file over the scenario; may be repeated")
      ->type_name("OVERLAY.yaml")
      ->allow_extra_args(false);
  verb.add_option("--set", options.settings,
                  "set one key, e.g. --set 'shocks.tga-build.size=120 bn USD'; +LIST=ITEM adds to a list, ~KEY "
                  "removes; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  verb.add_flag("--allow-outside", options.allow_outside,
                "let files name files anywhere; else only under the working directory or the folder of FILE");
  verb.add_option("--paths", options.paths, "number of paths (simulate.paths)")->type_name("N");
  verb.add_option("--seed", options.seed, "seed of the random numbers (simulate.seed)")->type_name("N");
}

io::LoadOptions ScenarioOptions::load_options() const {
  const auto find = [](std::string_view path) -> std::optional<std::string> {
    const auto all = scenario_library();
    const auto found = std::ranges::find(all, path, &LibraryFile::path);
    return found == all.end() ? std::nullopt : std::optional(std::string(found->text));
  };
  std::vector<std::string> names;
  for (const auto& file : scenario_library()) names.emplace_back(file.path);
  return {.overlays = overlays,
          .settings = settings,
          .paths = paths,
          .seed = seed,
          .allow_outside = allow_outside,
          .library = find,
          .library_names = std::move(names)};
}

namespace {

Prepared compiled(io::LoadedScenario scenario) {
  Prepared prepared{std::move(scenario), std::nullopt};
  auto& loaded = prepared.loaded;
  if (loaded.diagnostics.has_errors()) return prepared;
  auto result = plan::compile(loaded.scenario, loaded.base ? &*loaded.base : nullptr);
  loaded.diagnostics.add(result.issues);
  prepared.plan = std::move(result.plan);
  return prepared;
}

}  // namespace

Prepared prepare(const std::string& file, const ScenarioOptions& options) {
  return compiled(io::load_scenario(file, options.load_options()));
}

Prepared prepare_from_result(const std::string& result, const ScenarioOptions& options) {
  const auto info = io::read_info(result);
  const auto& provenance = info.provenance;
  if (provenance.resolved_scenario.empty()) throw DataError(result + ": holds no scenario");
  const auto scenario = std::ranges::find(provenance.inputs, "scenario", &io::Provenance::Input::role);
  const std::filesystem::path written = scenario == provenance.inputs.end() ? result : scenario->path;
  if (provenance.resolved_scenario.size() > io::kScenarioFileLimit)
    throw DataError(result + ": /provenance/resolved_scenario: too large for a scenario");
  Prepared prepared =
      compiled(io::parse_scenario(provenance.resolved_scenario, written.generic_string(), written.parent_path(),
                                  io::with_folders_of(result, options.load_options())));
  prepared.loaded.files.clear();  // what the first run read is still where the numbers come from
  for (const auto& input : provenance.inputs) prepared.loaded.files.push_back({input.role, input.path, input.sha256});
  return prepared;
}

void check_switches(const std::string& file, const ScenarioOptions& options, io::LoadedScenario& loaded) {
  if (loaded.diagnostics.has_errors()) return;
  for (const auto& one : loaded.scenario.switches) {
    ScenarioOptions off = options;
    off.settings.insert(off.settings.end(), one.without.begin(), one.without.end());
    const Prepared prepared = prepare(file, off);
    for (const auto& entry : prepared.loaded.diagnostics.sorted())
      if (entry.severity == Issue::Severity::error)
        loaded.diagnostics.add(Issue{"switches." + one.id + ".without", entry.key + ": " + entry.reason});
  }
}

}  // namespace repoquake::cli
