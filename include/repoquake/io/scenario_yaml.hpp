/// The door for scenarios: YAML files, their parents, overlays and settings become a `Scenario`, or a list of complaints.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/io/diagnostics.hpp"
#include "repoquake/scenario/scenario.hpp"

namespace repoquake::io {

inline constexpr std::string_view kScenarioFormat = "repoquake/scenario/1";

/// A file that was read, for provenance.
struct InputFile {
  std::string role;    ///< "scenario", "parent", "overlay", "series" or "empirical size"; "sweep", "points" of a list
  std::string path;    ///< as opened
  std::string sha256;  ///< of its bytes

  bool operator==(const InputFile&) const = default;
};

/// What the command line lays over a file, in this order.
struct LoadOptions {
  std::vector<std::string> overlays{};   ///< --with FILE
  std::vector<std::string> settings{};   ///< --set KEY=VALUE
  std::optional<std::uint64_t> paths{};  ///< --paths: simulate.paths
  std::optional<std::uint64_t> seed{};   ///< --seed: simulate.seed

  /// Files that a file names must lie, links resolved, under the working directory or one of these folders:
  /// load_scenario and load_sweep add those of their file and of the overlays. What --set names is the user's own word.
  std::vector<std::filesystem::path> inside{};
  bool allow_outside = false;  ///< --allow-outside: they may lie anywhere

  /// Files of the built-in library by path ("sep_2019.yaml", "data/sep_2019.csv"): what `lib:` stands for.
  std::function<std::optional<std::string>(std::string_view)> library{};
  std::vector<std::string> library_names{};  ///< the paths of all of them, to name the nearest to one that is not there
};

/// A key of a scenario with what set it.
struct ResolvedKey {
  std::string path;   ///< "shocks.tga-build.size"
  std::string value;  ///< as YAML on one line
  std::string place;  ///< "file:line"
};

struct LoadedScenario {
  scenario::Scenario scenario;

  /// Where `market.need` is hold: the merge of the parents, before the file's own keys, overlays and settings.
  std::optional<scenario::Scenario> base;

  /// YAML text without `extends`, tags and nulls; parse_scenario() of it gives an equal scenario and base. Holds the
  /// digest of the series; where need is hold, `base:` holds the parents.
  std::string resolved;

  std::vector<ResolvedKey> keys;  ///< every key that something states, in the order of `resolved`

  std::vector<InputFile> files;

  /// Errors and warnings, and where each key was written, so that the Issues of plan::compile can be added.
  Diagnostics diagnostics;
};

/// Reads a scenario file, or one of the built-in library: "lib:sep_2019". Wrong content never throws: it is in `diagnostics`, all of it.
/// Throws IoError where `file` or an overlay cannot be read.
[[nodiscard]] LoadedScenario load_scenario(const std::string& file, const LoadOptions& options = {});

/// The same for text, e.g. the resolved scenario of a result. `name` is shown in messages; paths in it start at `folder`,
/// which is not for that a folder whose files they may name.
[[nodiscard]] LoadedScenario parse_scenario(std::string_view text, const std::string& name,
                                            const std::filesystem::path& folder, const LoadOptions& options = {});

/// The options with the folders of a file of the command line, and of the overlays, as folders whose files may be named.
[[nodiscard]] LoadOptions with_folders_of(const std::filesystem::path& file, LoadOptions options);

/// Throws ScenarioError with the rendered diagnostics if there are errors.
void require_valid(const LoadedScenario& loaded);

}  // namespace repoquake::io
