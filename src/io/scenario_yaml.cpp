#include "repoquake/io/scenario_yaml.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "io/scenario_reader.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/config_tree.hpp"
#include "repoquake/io/digest.hpp"
#include "repoquake/io/series_csv.hpp"
#include "repoquake/scenario/validate.hpp"

namespace repoquake::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxChain = 16;  // files from a scenario up to its furthest parent
constexpr std::size_t kMaxFiles = 64;

constexpr std::string_view kLibrary = "lib:";
constexpr std::string_view kNeed = "market.need";
constexpr std::string_view kPolicyStigma = "policy.standing_repo.stigma";
constexpr std::string_view kModelStigma = "model.standing_repo.stigma";

/// The node at a dotted path, if it says something.
const ConfigNode* find_stated(const ConfigNode& tree, std::string_view path) {
  const auto* node = tree.find_path(path);
  return node == nullptr || node->is_null() ? nullptr : node;
}

bool holds_need(const ConfigNode& tree) {
  const auto* need = find_stated(tree, kNeed);
  return need != nullptr && need->is_scalar() && need->text == "hold";
}

void erase_key(ConfigNode& map, std::string_view key) {
  std::erase_if(map.entries, [&](const ConfigNode::Entry& entry) { return entry.key == key; });
}

std::optional<ConfigNode> take_entry(ConfigNode& map, std::string_view key) {
  ConfigNode* node = map.find(key);
  if (node == nullptr) return std::nullopt;
  std::optional<ConfigNode> taken = std::move(*node);
  erase_key(map, key);
  return taken;
}

void set_scalar(ConfigNode& map, const std::string& key, const std::string& text) {
  ConfigNode* node = map.find(key);
  if (node == nullptr) {
    map.entries.push_back({key, map.mark, ConfigNode::make(ConfigNode::Kind::scalar, map.mark)});
    node = &map.entries.back().value;
  }
  node->text = text;
  node->quoted = true;
}

/// The keys of a scenario in the order in which people read them.
void sort_sections(ConfigNode& tree) {
  static constexpr auto kOrder = std::to_array<std::string_view>(
      {"format", "name", "title", "window", "series", "market", "fed_balance_sheet", "policy", "drivers", "basis_trade",
       "shocks", "correlation", "correlation_repair", "model", "transmission", "simulate", "output", "metrics",
       "expect"});
  std::ranges::stable_sort(tree.entries, {},
                           [](const auto& entry) { return std::ranges::find(kOrder, entry.key) - kOrder.begin(); });
}

/// Is one of two keys the other, or a part of it?
bool are_related(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  return b.starts_with(a) && (b.size() == a.size() || b[a.size()] == '.' || b[a.size()] == '[');
}

/// Two parents that do not know each other state one key differently.
struct Disagreement {
  std::string key;
  const ConfigNode* earlier;
  const ConfigNode* later;
};

/// Every leaf that two trees state differently. List items are met by their id, else the lists as wholes.
void compare_trees(const std::string& key, const ConfigNode& a, const ConfigNode& b, std::vector<Disagreement>& out) {
  if (a.is_null() || b.is_null() || a.kind == ConfigNode::Kind::invalid || b.kind == ConfigNode::Kind::invalid) return;
  if (a.is_map() && b.is_map()) {
    for (const auto& entry : b.entries)
      if (const auto* other = a.find(entry.key))
        compare_trees(key.empty() ? entry.key : key + "." + entry.key, *other, entry.value, out);
    return;
  }
  if (a.is_list() && b.is_list() && !a.items.empty() && a.items.front().find("id") != nullptr) {
    const auto names_a = item_keys(key, a), names_b = item_keys(key, b);
    for (std::size_t j = 0; j < names_b.size(); ++j)
      if (const auto i = std::ranges::find(names_a, names_b[j]); i != names_a.end())
        compare_trees(names_b[j], a.items[static_cast<std::size_t>(i - names_a.begin())], b.items[j], out);
    return;
  }
  if (!same_tree(a, b)) out.push_back({key, &a, &b});
}

/// A file with its parents below it.
struct Layer {
  ConfigNode tree;
  std::optional<ConfigNode> parents;  ///< their merge, where there are any
  std::optional<ConfigNode> base;     ///< where the tree holds its need: whose need that is
  std::set<int> files{};              ///< this one and all below it
};

bool is_in_library(const fs::path& path) { return path.generic_string().starts_with(kLibrary); }

/// A path of the library without "." and ".."; one that would leave it stays as it is, and there is no such file.
fs::path inside_library(const fs::path& path) {
  const fs::path normal = path.lexically_normal();
  return is_in_library(normal) ? normal : path;
}

/// "lib:base/us_2026.yaml" -> "lib:/base/us_2026.yaml", so that folders are folders.
fs::path library_path(const std::string& text) {
  const std::string name = text.substr(kLibrary.size());
  return inside_library(std::string(kLibrary) + (name.starts_with('/') ? "" : "/") + name);
}

/// With the suffix of a scenario file, which may be left out in the library.
fs::path scenario_in_library(const std::string& text) {
  fs::path path = library_path(text);
  if (path.extension() != ".yaml") path += ".yaml";
  return path;
}

/// A file of the disk or, where the path starts with "lib:", of the library.
std::string read_anywhere(const fs::path& path, std::size_t limit, const LoadOptions& options) {
  if (!is_in_library(path)) return read_file(path, limit);
  std::string name = path.generic_string().substr(kLibrary.size());
  while (name.starts_with('/')) name.erase(0, 1);
  auto bytes = options.library ? options.library(name) : std::nullopt;
  if (!bytes) throw IoError("the built-in library has no file " + name);
  return std::move(*bytes);
}

class Loader {
 public:
  Loader(fs::path folder, const LoadOptions& options) : main_folder_(std::move(folder)), options_(options) {}

  LoadedScenario load(const std::string& bytes, const std::string& name, const std::optional<fs::path>& path) {
    if (path) chain_.push_back({identity_of(*path), name});
    Layer layer = read_layer(bytes, "scenario", name, main_folder_);
    lay_options(layer.tree, options_);
    drop_hidden_stigma(layer.tree);
    place_keys(layer.tree, out_.diagnostics);

    read_tree(layer.tree, out_.scenario, out_.diagnostics);
    if (holds_need(layer.tree)) hold_need(layer);
    write_resolved(std::move(layer.tree));
    return std::move(out_);
  }

 private:
  struct Link {
    fs::path canonical;
    std::string name;
  };

  // ---- files

  int add_file(const std::string& role, const std::string& name, const fs::path& folder, std::string_view bytes) {
    if (std::ranges::find(out_.files, name, &InputFile::path) == out_.files.end())
      out_.files.push_back({role, name, sha256_hex(bytes)});
    return add_source(name, folder, bytes);
  }

  int add_source(const std::string& name, const fs::path& folder, std::string_view text) {
    const int file = out_.diagnostics.add_source(name, text);
    folders_[file] = folder;
    return file;
  }

  [[nodiscard]] int rank_of(const SourceMark& mark) const {
    const auto rank = ranks_.find(mark.file);
    return rank == ranks_.end() ? 0 : rank->second;
  }

  [[nodiscard]] fs::path folder_of(const SourceMark& mark) const {
    const auto folder = folders_.find(mark.file);
    return folder == folders_.end() ? main_folder_ : folder->second;
  }

  /// Its own keys, checked for what concerns the file alone; nothing where it has no keys.
  std::optional<ConfigNode> read_own(std::string_view bytes, int file) {
    auto tree = parse_config(bytes, file, out_.diagnostics);
    if (tree && !tree->is_map()) {
      out_.diagnostics.error(tree->mark, "",
                             "a scenario file is a map of keys, e.g. format: " + std::string(kScenarioFormat));
      tree.reset();
    }
    if (!tree) {
      is_complete_ = false;
      return std::nullopt;
    }
    Reading reading{out_.diagnostics};
    if (const auto* format = find_stated(*tree, "format")) check_format({*format, "format", format->mark, reading});
    const auto* policy = find_stated(*tree, kPolicyStigma);
    const auto* model = find_stated(*tree, kModelStigma);
    if (policy != nullptr && model != nullptr)
      out_.diagnostics.error(model->mark, std::string(kModelStigma),
                             "the stigma is stated twice, here and in " + std::string(kPolicyStigma) + " (line " +
                                 std::to_string(policy->mark.line) + "); state it once");
    return tree;
  }

  Layer read_layer(std::string_view bytes, const std::string& role, const std::string& name, const fs::path& folder) {
    const int file = add_file(role, name, folder, bytes);
    auto own = read_own(bytes, file);
    if (!own) return {ConfigNode::make(ConfigNode::Kind::map, {.file = file}), {}, {}};

    Layer layer;
    const auto embedded = take_entry(*own, "base");
    if (const auto extends = take_entry(*own, "extends"); extends && !extends->is_null()) {
      if (embedded)
        out_.diagnostics.error(embedded->mark, "base",
                               "cannot stand beside extends: the program writes it into a resolved scenario");
      read_parents(*extends, *own, layer);
    }
    layer.files.insert(file);
    ranks_[file] = ++last_rank_;
    lay(layer, *own, embedded && embedded->is_map() ? embedded : std::nullopt);
    return layer;
  }

  /// Lays a tree on a layer and keeps track of whose need is held.
  static void lay(Layer& layer, const ConfigNode& tree, const std::optional<ConfigNode>& base_of_tree) {
    if (base_of_tree)
      layer.base = base_of_tree;
    else if (holds_need(tree) && !holds_need(layer.tree))
      layer.base = layer.tree.is_map() ? std::optional(layer.tree) : std::nullopt;
    layer.tree = layer.tree.is_null() ? tree : merge(std::move(layer.tree), tree);
    if (!holds_need(layer.tree) && !base_of_tree) layer.base.reset();
  }

  /// Complains where two parents are at odds: of different kinds, or two values of which the later one silently wins. What
  /// one parent changes of a file that both extend, and what the file itself states, is nobody's disagreement.
  void compare_parents(const Layer& earlier, const Layer& later, const ConfigNode& own) {
    std::vector<Disagreement> found;
    compare_trees("", earlier.tree, later.tree, found);
    for (const auto& [key, a, b] : found) {
      const bool is_known = later.files.contains(a->mark.file) || earlier.files.contains(b->mark.file);
      const bool is_identity = key == "format" || key == "name" || key == "title";
      if (is_known || is_identity || own.find_path(key) != nullptr) continue;
      const std::string place = out_.diagnostics.source_name(a->mark.file) + ":" + std::to_string(a->mark.line);
      const bool are_of_one_kind = a->is_scalar() || b->is_scalar() || a->kind == b->kind;
      if (!are_of_one_kind)
        out_.diagnostics.error(
            b->mark, key, "the parents contradict each other: one has a list here, the other a map (" + place + ")");
      else
        out_.diagnostics.warning(b->mark, key,
                                 "the parents disagree, and the later one wins: " + one_line_yaml(*b) + " here, " +
                                     one_line_yaml(*a) + " in " + place,
                                 "state the key in the file that extends them");
    }
  }

  /// Two parents have one order, whoever extends them: which of them wins must not depend on the way to them.
  void check_order(const Value& name, std::vector<fs::path>& before) {
    const std::string& text = name.node().text;
    const fs::path parent =
        identity_of(is_in_library(text) ? scenario_in_library(text) : resolve(name.node().mark, text));
    const std::string place =
        out_.diagnostics.source_name(name.node().mark.file) + ":" + std::to_string(name.node().mark.line);
    for (const auto& earlier : before) {
      const auto opposite = orders_.find({parent, earlier});
      if (opposite != orders_.end())
        name.refuse("the parents conflict: " + earlier.filename().string() + " comes before " +
                    parent.filename().string() + " here and after it in " + opposite->second);
      orders_.try_emplace({earlier, parent}, place);
    }
    before.push_back(parent);
  }

  void read_parents(const ConfigNode& extends, const ConfigNode& own, Layer& layer) {
    Reading reading{out_.diagnostics};
    const Value value(extends, "extends", extends.mark, reading);
    const auto names = extends.is_scalar() ? std::vector{value} : value.items().value_or(std::vector<Value>{});
    if (names.size() > kMaxFiles) {
      value.refuse("more than " + std::to_string(kMaxFiles) + " files");
      is_complete_ = false;
      return;
    }
    std::vector<fs::path> before;
    for (const auto& name : names) {
      const auto parent = read_parent(name);
      if (!parent) continue;
      check_order(name, before);
      if (layer.tree.is_map()) compare_parents(layer, *parent, own);
      lay(layer, parent->tree, parent->base);
      layer.files.insert(parent->files.begin(), parent->files.end());
    }
    if (layer.tree.is_map()) layer.parents = layer.tree;
  }

  std::optional<Layer> read_parent(const Value& name) {
    const auto refuse = [&](const std::string& reason) {
      name.refuse(reason);
      is_complete_ = false;
      return std::nullopt;
    };
    const auto text = name.text();
    if (!text || text->empty()) return refuse("must be the path of a scenario file");
    const fs::path path = is_in_library(*text) ? scenario_in_library(*text) : resolve(name.node().mark, *text);
    const std::string shown = path.generic_string();
    const fs::path canonical = identity_of(path);
    if (const auto first = std::ranges::find(chain_, canonical, &Link::canonical); first != chain_.end()) {
      std::string trail;
      for (auto link = first; link != chain_.end(); ++link) trail += fs::path(link->name).filename().string() + " -> ";
      return refuse("the parents form a cycle: " + trail + path.filename().string());
    }
    if (const auto known = layers_.find(canonical); known != layers_.end()) return known->second;
    if (chain_.size() >= kMaxChain)
      return refuse("more than " + std::to_string(kMaxChain) + " files extend each other");
    if (out_.files.size() >= kMaxFiles) return refuse("more than " + std::to_string(kMaxFiles) + " files");

    std::string bytes;
    try {
      bytes = read_anywhere(path, kScenarioFileLimit, options_);
    } catch (const IoError& e) {
      return refuse(e.what());
    }
    chain_.push_back({canonical, shown});
    Layer layer = read_layer(bytes, "parent", shown, path.parent_path());
    chain_.pop_back();
    layers_.emplace(canonical, layer);
    return layer;
  }

  /// What two names of one file have in common.
  static fs::path identity_of(const fs::path& path) {
    std::error_code ignored;
    return is_in_library(path) ? path : fs::weakly_canonical(path, ignored);
  }

  /// A path that a file names, as seen from here.
  [[nodiscard]] fs::path resolve(const SourceMark& mark, const std::string& file) const {
    if (is_in_library(file)) return library_path(file);
    const fs::path path = folder_of(mark) / file;
    return is_in_library(path) ? inside_library(path) : path.lexically_normal();
  }

  // ---- the command line

  void lay_options(ConfigNode& tree, const LoadOptions& options) {
    for (const auto& overlay : options.overlays) {
      const std::string bytes = read_file(overlay, kScenarioFileLimit);
      const int file = add_file("overlay", overlay, fs::path(overlay).parent_path(), bytes);
      auto own = read_own(bytes, file);
      if (!own) continue;
      if (const auto extends = take_entry(*own, "extends"))
        out_.diagnostics.error(extends->mark, "extends", "an overlay has no parents; lay several files with --with");
      ranks_[file] = ++last_rank_;
      tree = merge(std::move(tree), *own);
    }
    lay_settings(tree, "--set", options.settings);
    if (options.paths) {
      std::vector<std::string> settings{"simulate.paths=" + std::to_string(*options.paths)};
      if (find_stated(tree, "simulate.stop.max_paths") != nullptr)  // which would else be the number
        settings.push_back("simulate.stop.max_paths=" + std::to_string(*options.paths));
      lay_settings(tree, "--paths", settings);
    }
    if (options.seed) lay_settings(tree, "--seed", {"simulate.seed=" + std::to_string(*options.seed)});
  }

  /// The settings are the lines of a source called after their option.
  void lay_settings(ConfigNode& tree, const std::string& option, const std::vector<std::string>& settings) {
    if (settings.empty()) return;
    std::vector<std::string> lines = settings;
    std::string text;
    for (auto& line : lines) {
      std::ranges::replace(line, '\n', ' ');
      text += line + "\n";
    }
    const int file = add_source(option, {}, text);
    ranks_[file] = ++last_rank_;
    for (std::size_t i = 0; i < lines.size(); ++i)
      apply_setting(tree, lines[i], file, static_cast<int>(i) + 1, out_.diagnostics);
  }

  // ---- the tree

  /// A stigma in policy wins over one in model, which is taken out; a later one in model is worth a warning.
  void drop_hidden_stigma(ConfigNode& tree) {
    const auto* policy = find_stated(tree, kPolicyStigma);
    const auto* model = find_stated(tree, kModelStigma);
    if (policy == nullptr || model == nullptr) return;
    if (rank_of(model->mark) > rank_of(policy->mark))
      out_.diagnostics.warning(model->mark, std::string(kModelStigma),
                               "has no effect: " + std::string(kPolicyStigma) + " is stated in " +
                                   out_.diagnostics.source_name(policy->mark.file) + ":" +
                                   std::to_string(policy->mark.line));
    erase_key(*tree.find("model")->find("standing_repo"), "stigma");
  }

  /// Reads and checks a tree. True: it has no errors.
  bool read_tree(ConfigNode& tree, scenario::Scenario& scenario, Diagnostics& diagnostics) {
    Reading reading{diagnostics, is_complete_};
    auto [read, series] = read_scenario(tree, reading);
    scenario = std::move(read);
    if (series) scenario.series = read_series(*series, tree, scenario.window, diagnostics);
    read_empirical_sizes(tree, scenario, diagnostics);
    add_findings(scenario, series.has_value(), diagnostics);
    return !diagnostics.has_errors();
  }

  std::optional<scenario::Series> read_series(const SeriesReference& reference, ConfigNode& tree,
                                              const scenario::Window& window, Diagnostics& diagnostics) {
    const fs::path path = resolve(reference.file_mark, reference.file);
    std::string bytes;
    try {
      bytes = read_anywhere(path, kSeriesFileLimit, options_);
    } catch (const IoError& e) {
      diagnostics.error(reference.file_mark, "series.file", e.what());
      return std::nullopt;
    }
    const std::string digest = sha256_hex(bytes);
    if (std::ranges::find(out_.files, path.generic_string(), &InputFile::path) == out_.files.end())
      out_.files.push_back({"series", path.generic_string(), digest});
    // A digest inherited from below a newly named file is that of another file.
    const bool is_of_this_file = !reference.sha256 || rank_of(reference.sha256_mark) >= rank_of(reference.file_mark);
    if (is_of_this_file && reference.sha256 && *reference.sha256 != digest) {
      diagnostics.error(reference.sha256_mark, "series.sha256",
                        "the file has changed: its SHA-256 is " + digest + ", expected " + *reference.sha256);
      return std::nullopt;
    }

    const bool has_window = calendar::is_publication_day(window.start) && calendar::is_publication_day(window.end) &&
                            window.start < window.end && window.start != scenario::Date{};
    const int file = diagnostics.add_source(path.generic_string(), bytes);
    auto series = parse_series(bytes, file, has_window ? std::optional(window) : std::nullopt, diagnostics);
    if (!series) return std::nullopt;
    series->file = fs::path(reference.file).is_absolute() ? reference.file : from_main_folder(path);
    series->sha256 = digest;
    ConfigNode& section = *tree.find("series");
    set_scalar(section, "file", series->file);
    set_scalar(section, "sha256", digest);
    return series;
  }

  /// Sizes that are drawn from a column of a file.
  void read_empirical_sizes(ConfigNode& tree, scenario::Scenario& scenario, Diagnostics& diagnostics) {
    ConfigNode* list = tree.find("shocks");
    if (list == nullptr || list->items.size() != scenario.shocks.size()) return;
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      auto& shock = scenario.shocks[i];
      if (shock.size.law != scenario::ShockSize::Law::empirical || shock.size.file.empty()) continue;
      ConfigNode& empirical = *list->items[i].find("size")->find("empirical");
      const SourceMark mark = empirical.find("file")->mark;
      const fs::path path = resolve(mark, shock.size.file);
      std::string bytes;
      try {
        bytes = read_anywhere(path, kSeriesFileLimit, options_);
      } catch (const IoError& e) {
        diagnostics.error(mark, "shocks." + shock.id + ".size.empirical.file", e.what());
        continue;
      }
      if (std::ranges::find(out_.files, path.generic_string(), &InputFile::path) == out_.files.end())
        out_.files.push_back({"empirical size", path.generic_string(), sha256_hex(bytes)});
      const int file = diagnostics.add_source(path.generic_string(), bytes);
      const auto unit = scenario::shock_unit(shock.target);
      shock.size.values =
          parse_column(bytes, file, shock.size.column, unit, diagnostics).value_or(std::vector<double>{});
      if (!fs::path(shock.size.file).is_absolute()) shock.size.file = from_main_folder(path);
      set_scalar(empirical, "file", shock.size.file);
    }
  }

  [[nodiscard]] std::string from_main_folder(const fs::path& path) const {
    if (is_in_library(path)) return path.generic_string();
    const fs::path from = main_folder_.empty() ? fs::path(".") : main_folder_;
    return fs::absolute(path)
        .lexically_normal()
        .lexically_relative(fs::absolute(from).lexically_normal())
        .generic_string();
  }

  /// Adds what validate() finds, but not what only follows from an error already reported.
  void add_findings(const scenario::Scenario& scenario, bool names_series, Diagnostics& diagnostics) const {
    std::vector<std::string> wrong;
    for (const auto& entry : diagnostics.sorted())
      if (entry.severity == Issue::Severity::error) wrong.push_back(entry.key);

    scenario::Scenario checked = scenario;
    if (names_series && !checked.series) {  // could not be read: the entries that use it are not to blame
      checked.series.emplace();
      checked.series->columns = {{"repo_operation_offered_usd_bn", {}}};
    }
    for (const auto& issue : scenario::validate(checked)) {
      const bool follows =
          std::ranges::any_of(wrong, [&](const auto& key) { return !key.empty() && are_related(key, issue.key); });
      const bool is_late = !wrong.empty() && issue.severity == Issue::Severity::warning;
      const bool is_unread = !is_complete_ && !diagnostics.find_place(issue.key);
      if (!follows && !is_late && !is_unread) diagnostics.add(issue);
    }
  }

  // ---- the held need

  void hold_need(Layer& layer) {
    const SourceMark need_mark = find_stated(layer.tree, kNeed)->mark;
    if (!layer.base && layer.parents) layer.base = holds_need(*layer.parents) ? std::nullopt : layer.parents;
    if (!layer.base) {
      if (is_complete_)
        out_.diagnostics.error(
            need_mark, std::string(kNeed),
            "hold keeps the need of the base, which is the merge of the parents; this file has none (extends)");
      return;
    }
    for (const auto* key : {"market.opening_spread", "market.trend_spread"}) {
      const auto* own = layer.tree.find_path(key);
      const auto* held = layer.base->find_path(key);
      if (own == nullptr || (held != nullptr && own->mark.file == held->mark.file && own->text == held->text)) continue;
      out_.diagnostics.error(
          own->mark, key, "cannot be stated while market.need is hold: the opening follows from the need of the base",
          "need: invert matches a stated spread");
    }
    if (out_.diagnostics.has_errors()) return;

    Diagnostics complaints = out_.diagnostics;
    drop_hidden_stigma(*layer.base);
    scenario::Scenario base;
    if (!read_tree(*layer.base, base, complaints)) {
      const auto entries = complaints.sorted();
      const auto& first = *std::ranges::find(entries, Issue::Severity::error, &Diagnostics::Entry::severity);
      out_.diagnostics.error(need_mark, std::string(kNeed),
                             "the base of hold, the merge of the parents, is not a complete scenario by itself: " +
                                 first.key + " " + first.reason);
      return;
    }
    out_.base = std::move(base);
    layer.tree.entries.push_back({"base", need_mark, *layer.base});
  }

  /// Every stated leaf below a node, as a key with its place.
  void list_keys(const std::string& path, const ConfigNode& node) {
    if (node.is_null() || node.kind == ConfigNode::Kind::invalid) return;
    const bool is_leaf = node.is_scalar() ||
                         (node.is_list() && std::ranges::all_of(node.items, &ConfigNode::is_scalar)) ||
                         (node.is_map() && node.entries.empty());
    if (is_leaf) {
      out_.keys.push_back({path, one_line_yaml(node),
                           out_.diagnostics.source_name(node.mark.file) + ":" + std::to_string(node.mark.line)});
      return;
    }
    for (const auto& entry : node.entries) list_keys(path.empty() ? entry.key : path + "." + entry.key, entry.value);
    const auto names = item_keys(path, node);
    for (std::size_t i = 0; i < node.items.size(); ++i) list_keys(names[i], node.items[i]);
  }

  void write_resolved(ConfigNode tree) {
    sort_sections(tree);
    for (const auto& entry : tree.entries)
      if (entry.key != "base") list_keys(entry.key, entry.value);
    if (ConfigNode* base = tree.find("base")) sort_sections(*base);
    out_.resolved = to_yaml(tree);
  }

  fs::path main_folder_;
  const LoadOptions& options_;
  LoadedScenario out_;
  std::map<int, fs::path> folders_;                              ///< of each source
  std::map<std::pair<fs::path, fs::path>, std::string> orders_;  ///< earlier and later parent, and where that is stated
  std::map<int, int> ranks_;                                     ///< of each source: later ones lie above
  std::map<fs::path, Layer> layers_;                             ///< parents already read
  std::vector<Link> chain_;                                      ///< from the main file to the one being read
  int last_rank_ = 0;
  bool is_complete_ = true;
};

}  // namespace

LoadedScenario load_scenario(const std::string& file, const LoadOptions& options) {
  const fs::path path = is_in_library(file) ? scenario_in_library(file) : fs::path(file);
  const std::string bytes = read_anywhere(path, kScenarioFileLimit, options);
  return Loader(path.parent_path(), options).load(bytes, path.generic_string(), path);
}

LoadedScenario parse_scenario(std::string_view text, const std::string& name, const fs::path& folder,
                              const LoadOptions& options) {
  return Loader(folder, options).load(std::string(text), name, std::nullopt);
}

void require_valid(const LoadedScenario& loaded) {
  if (loaded.diagnostics.has_errors()) throw ScenarioError(loaded.diagnostics.render());
}

}  // namespace repoquake::io
