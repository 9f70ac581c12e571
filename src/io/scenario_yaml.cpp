#include "repoquake/io/scenario_yaml.hpp"

#include "io/scenario_loader.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/digest.hpp"

namespace repoquake::io {

LoadedScenario load_scenario(const std::string& file, const LoadOptions& options) {
  const std::filesystem::path path = scenario_path(file);
  const std::string bytes = read_anywhere(path, kScenarioFileLimit, options);
  Loader loader(path.parent_path(), with_folders_of(path, options));
  loader.read_main(bytes, path.generic_string(), path);
  loader.lay_options();
  return loader.finish();
}

LoadedScenario parse_scenario(std::string_view text, const std::string& name, const std::filesystem::path& folder,
                              const LoadOptions& options) {
  Loader loader(folder, options);
  loader.read_main(std::string(text), name, std::nullopt);
  loader.lay_options();
  return loader.finish();
}

void require_valid(const LoadedScenario& loaded) {
  if (loaded.diagnostics.has_errors()) throw ScenarioError(loaded.diagnostics.render());
}

}  // namespace repoquake::io
