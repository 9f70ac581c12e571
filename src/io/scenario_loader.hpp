/// From files to a `LoadedScenario`, in steps: the file with its parents, what is laid over it, and the reading of the
/// merged tree. A loader that has not finished can be copied and laid over again: a sweep does that for every point,
/// without a look at the disk.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/scenario_reader.hpp"
#include "repoquake/io/config_tree.hpp"
#include "repoquake/io/scenario_yaml.hpp"

namespace repoquake::io {

/// Is one of two keys the other, or a part of it?
[[nodiscard]] bool are_related(std::string_view a, std::string_view b);

class Loader {
 public:
  /// `folder`: where relative paths start that no file is known to have written.
  Loader(std::filesystem::path folder, LoadOptions options);

  // ---- what is read, from below

  /// The scenario, in the text of a file or, where there is no `path`, any other text.
  void read_main(const std::string& bytes, const std::string& name, const std::optional<std::filesystem::path>& path);
  /// The scenario that another file names; complains there, and is false, where it cannot be read.
  bool read_main(const Value& name);
  /// A map laid over what has been read.
  void lay_over(const ConfigNode& tree);
  /// --with, --set, --paths and --seed.
  void lay_options();
  /// One key of the merged tree, wherever it is stated now. False, and a complaint: there is no such place.
  bool set(const std::string& path, const SourceMark& path_mark, ConfigNode value);

  /// Goes on with what another loader, a copy of this one, has read and said.
  void remember(const Loader& finished, Diagnostics said);

  /// A file that is not a layer: its source, with the folder from which its paths start.
  int add_file(const std::string& role, const std::string& name, const std::filesystem::path& folder,
               std::string_view bytes);
  /// A path that a file names, as seen from here.
  [[nodiscard]] std::filesystem::path resolve(const SourceMark& mark, const std::string& file) const;
  /// The bytes of a file that is named at `mark`. Throws IoError, also where no file may be named.
  [[nodiscard]] std::string read_named(const SourceMark& mark, const std::filesystem::path& path,
                                       std::size_t limit) const;

  [[nodiscard]] ConfigNode& tree() noexcept { return layer_.tree; }
  [[nodiscard]] const ConfigNode& tree() const noexcept { return layer_.tree; }
  [[nodiscard]] Diagnostics& diagnostics() noexcept { return out_.diagnostics; }
  [[nodiscard]] const Diagnostics& diagnostics() const noexcept { return out_.diagnostics; }
  /// Does a file or a setting say where the need comes from?
  [[nodiscard]] bool states_need() const;

  // ---- what comes of it

  /// Reads and checks the merged tree; later readings find the files of this one without the disk.
  LoadedScenario finish();
  /// The same for a scenario that holds the need of `base` unless it says otherwise (study/held_need.hpp).
  /// `base_tree`: the tree of a loader that has finished with `base`.
  LoadedScenario finish_held(const LoadedScenario& base, const ConfigNode& base_tree);

 private:
  /// A file with its parents below it.
  struct Layer {
    ConfigNode tree;
    std::optional<ConfigNode> parents;  ///< their merge, where there are any
    std::optional<ConfigNode> base;     ///< where the tree holds its need: whose need that is
    std::set<int> files{};              ///< this one and all below it
  };
  struct Link {
    std::filesystem::path canonical;
    std::string name;
  };
  struct SeriesRead {
    std::filesystem::path path;
    scenario::Window window;
    scenario::Series series;
  };
  struct ColumnRead {
    std::filesystem::path path;
    std::string column;
    scenario::Unit unit;
    std::string sha256;
    std::vector<double> values;
  };

  // ---- files
  int add_source(const std::string& name, const std::filesystem::path& folder, std::string_view text);
  void note_file(const std::string& role, const std::string& name, const std::string& sha256);
  [[nodiscard]] int rank_of(const SourceMark& mark) const;
  [[nodiscard]] std::filesystem::path folder_of(const SourceMark& mark) const;
  /// Throws IoError where the path leads out of the folders whose files may be named.
  void require_inside(const SourceMark& mark, const std::filesystem::path& path) const;
  /// The file of a scenario that another one names.
  [[nodiscard]] std::filesystem::path scenario_path(const Value& name) const;
  /// Its own keys, checked for what concerns the file alone; nothing where it has no keys.
  std::optional<ConfigNode> read_own(std::string_view bytes, int file);
  Layer read_layer(std::string_view bytes, const std::string& role, const std::string& name,
                   const std::filesystem::path& folder);
  /// Lays a tree on a layer and keeps track of whose need is held.
  static void lay(Layer& layer, const ConfigNode& tree, const std::optional<ConfigNode>& base_of_tree);
  /// Complains where two parents are at odds: of different kinds, or two values of which the later one silently wins.
  /// What one parent changes of a file that both extend, and what the file itself states, is nobody's disagreement.
  void compare_parents(const Layer& earlier, const Layer& later, const ConfigNode& own);
  /// Two parents have one order, whoever extends them: which of them wins must not depend on the way to them.
  void check_order(const Value& name, std::vector<std::filesystem::path>& before);
  void read_parents(const ConfigNode& extends, const ConfigNode& own, Layer& layer);
  std::optional<Layer> read_parent(const Value& name);
  /// What two names of one file have in common.
  static std::filesystem::path identity_of(const std::filesystem::path& path);
  /// The settings are the lines of a source called after their option.
  void lay_settings(const std::string& option, const std::vector<std::string>& settings);

  // ---- the tree
  /// Reads and checks the merged tree, as far as that goes without a base.
  void read_merged();
  /// A stigma in policy wins over one in model, which is taken out; a later one in model is worth a warning.
  void drop_hidden_stigma(ConfigNode& tree);
  /// Reads and checks a tree. True: it has no errors.
  bool read_tree(ConfigNode& tree, scenario::Scenario& scenario, Diagnostics& diagnostics);
  std::optional<scenario::Series> read_series(const SeriesReference& reference, ConfigNode& tree,
                                              const scenario::Window& window, Diagnostics& diagnostics);
  /// Sizes that are drawn from a column of a file.
  void read_empirical_sizes(ConfigNode& tree, scenario::Scenario& scenario, Diagnostics& diagnostics);
  std::optional<std::vector<double>> read_column(const SourceMark& mark, const std::string& key,
                                                 const scenario::ShockSize& size, scenario::Unit unit,
                                                 Diagnostics& diagnostics);
  [[nodiscard]] std::string from_main_folder(const std::filesystem::path& path) const;
  /// Adds what validate() finds, but not what only follows from an error already reported.
  void add_findings(const scenario::Scenario& scenario, bool names_series, Diagnostics& diagnostics) const;
  void hold_need();
  /// Every stated leaf below a node, as a key with its place.
  void list_keys(const std::string& path, const ConfigNode& node);
  LoadedScenario take_result();

  std::filesystem::path main_folder_;
  LoadOptions options_;
  LoadedScenario out_;
  Layer layer_;
  std::vector<std::filesystem::path> inside_;     ///< folders whose files may be named, links resolved
  std::map<int, std::filesystem::path> folders_;  ///< of each source
  std::set<int> commanded_;                       ///< sources that are the words of the command line
  /// Earlier and later parent, and where that is stated.
  std::map<std::pair<std::filesystem::path, std::filesystem::path>, std::string> orders_;
  std::map<int, int> ranks_;                       ///< of each source: later ones lie above
  std::map<std::filesystem::path, Layer> layers_;  ///< parents already read
  std::vector<Link> chain_;                        ///< from the main file to the one being read
  std::optional<SeriesRead> series_;               ///< the last one without errors
  std::vector<ColumnRead> columns_;                ///< without errors
  int last_rank_ = 0;
  bool is_complete_ = true;
};

/// A file of the disk or, where the path starts with "lib:", of the library. Throws IoError.
[[nodiscard]] std::string read_anywhere(const std::filesystem::path& path, std::size_t limit,
                                        const LoadOptions& options);

/// The path of a scenario file as a user writes it: of the disk, or "lib:NAME".
[[nodiscard]] std::filesystem::path scenario_path(const std::string& file);

}  // namespace repoquake::io
