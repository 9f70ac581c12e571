#include "io/scenario_loader.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "repoquake/core/error.hpp"
#include "repoquake/io/diagnostics.hpp"
#include "repoquake/io/digest.hpp"
#include "repoquake/io/series_csv.hpp"
#include "repoquake/scenario/validate.hpp"
#include "repoquake/study/held_need.hpp"

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
  node->kind = ConfigNode::Kind::scalar;  // also where it was null
  node->text = text;
  node->quoted = true;
}

/// The keys of a scenario in the order in which people read them.
void sort_sections(ConfigNode& tree) {
  static constexpr auto kOrder = std::to_array<std::string_view>({"format",
                                                                  "name",
                                                                  "title",
                                                                  "window",
                                                                  "series",
                                                                  "market",
                                                                  "fed_balance_sheet",
                                                                  "policy",
                                                                  "drivers",
                                                                  "basis_trade",
                                                                  "shocks",
                                                                  "correlation",
                                                                  "correlation_repair",
                                                                  "switches",
                                                                  "model",
                                                                  "transmission",
                                                                  "simulate",
                                                                  "output",
                                                                  "metrics",
                                                                  "expect"});
  std::ranges::stable_sort(tree.entries, {},
                           [](const auto& entry) { return std::ranges::find(kOrder, entry.key) - kOrder.begin(); });
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

}  // namespace

bool are_related(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  return b.starts_with(a) && (b.size() == a.size() || b[a.size()] == '.' || b[a.size()] == '[');
}

std::string read_anywhere(const fs::path& path, std::size_t limit, const LoadOptions& options) {
  if (!is_in_library(path)) return read_file(path, limit);
  std::string name = path.generic_string().substr(kLibrary.size());
  while (name.starts_with('/')) name.erase(0, 1);
  auto bytes = options.library ? options.library(name) : std::nullopt;
  if (!bytes) throw IoError("the built-in library has no file " + name + did_you_mean(name, options.library_names));
  return std::move(*bytes);
}

fs::path scenario_path(const std::string& file) {
  return is_in_library(file) ? scenario_in_library(file) : fs::path(file);
}

LoadOptions with_folders_of(const fs::path& file, LoadOptions options) {
  const auto add = [&](const fs::path& given) {
    if (is_in_library(given)) return;
    const fs::path folder = given.parent_path();
    options.inside.push_back(folder.empty() ? fs::path(".") : folder);
  };
  add(file);
  for (const auto& overlay : options.overlays) add(overlay);
  return options;
}

Loader::Loader(fs::path folder, LoadOptions options) : main_folder_(std::move(folder)), options_(std::move(options)) {
  const auto add = [this](const fs::path& inside) {
    std::error_code error;
    fs::path resolved = fs::canonical(inside, error);
    if (!error) inside_.push_back(std::move(resolved));
  };
  add(".");
  for (const auto& inside : options_.inside) add(inside);
}

void Loader::read_main(const std::string& bytes, const std::string& name, const std::optional<fs::path>& path) {
  if (path) chain_.push_back({identity_of(*path), name});
  layer_ = read_layer(bytes, "scenario", name, main_folder_);
  layers_.clear();  // what a copy of this loader will not need
  orders_.clear();
}

bool Loader::read_main(const Value& name) {
  const auto text = name.text();
  if (!text) return false;
  const fs::path path = scenario_path(name);
  std::string bytes;
  try {
    bytes = read_named(name.node().mark, path, kScenarioFileLimit);
  } catch (const IoError& e) {
    name.refuse(text->empty() ? "must be the path of a scenario file" : e.what());
    return false;
  }
  main_folder_ = path.parent_path();
  read_main(bytes, path.generic_string(), path);
  return is_complete_;
}

void Loader::lay_over(const ConfigNode& tree) {
  ranks_[tree.mark.file] = ++last_rank_;
  lay(layer_, tree, std::nullopt);
}

bool Loader::set(const std::string& path, const SourceMark& path_mark, ConfigNode value) {
  ranks_[path_mark.file] = ++last_rank_;
  return set_value(layer_.tree, path, path_mark, std::move(value), out_.diagnostics);
}

void Loader::remember(const Loader& finished, Diagnostics said) {
  series_ = finished.series_;
  columns_ = finished.columns_;
  out_.diagnostics = std::move(said);
}

bool Loader::states_need() const { return find_stated(layer_.tree, kNeed) != nullptr; }

LoadedScenario Loader::finish() {
  read_merged();
  if (holds_need(layer_.tree)) hold_need();
  return take_result();
}

LoadedScenario Loader::finish_held(const LoadedScenario& base, const ConfigNode& base_tree) {
  if (states_need()) return finish();
  read_merged();
  if (out_.diagnostics.has_errors()) return take_result();
  auto held = study::hold_need(std::move(out_.scenario), std::nullopt, base.scenario, base.base, false);
  out_.diagnostics.add(held.issues);
  out_.scenario = std::move(held.scenario);
  out_.base = std::move(held.base);
  if (out_.base) {  // as it would be written
    set_scalar(*layer_.tree.find("market"), "need", "hold");
    layer_.tree.entries.push_back({"base", layer_.tree.mark, base_tree});
  }
  return take_result();
}

// ---- files

int Loader::add_file(const std::string& role, const std::string& name, const fs::path& folder, std::string_view bytes) {
  note_file(role, name, sha256_hex(bytes));
  return add_source(name, folder, bytes);
}

void Loader::note_file(const std::string& role, const std::string& name, const std::string& sha256) {
  if (std::ranges::find(out_.files, name, &InputFile::path) == out_.files.end())
    out_.files.push_back({role, name, sha256});
}

std::string Loader::read_named(const SourceMark& mark, const fs::path& path, std::size_t limit) const {
  require_inside(mark, path);
  return read_anywhere(path, limit, options_);
}

void Loader::require_inside(const SourceMark& mark, const fs::path& path) const {
  if (options_.allow_outside || is_in_library(path) || commanded_.contains(mark.file)) return;
  std::error_code error;
  const fs::path target = fs::weakly_canonical(fs::absolute(path), error);
  if (error) throw IoError("cannot read " + path.string() + ": " + error.message());
  const auto holds_target = [&](const fs::path& folder) {
    return std::ranges::mismatch(folder, target).in1 == folder.end();
  };
  if (std::ranges::any_of(inside_, holds_target)) return;
  const bool is_plain = target == fs::absolute(path).lexically_normal();
  throw IoError(path.generic_string() + (is_plain ? "" : ", which is " + target.generic_string() + ",") +
                " may not be read: files name only what lies under the working directory or the folder of the file "
                "given on the command line, or lib:NAME; --allow-outside lifts that");
}

fs::path Loader::scenario_path(const Value& name) const {
  const std::string& text = name.node().text;
  return is_in_library(text) ? scenario_in_library(text) : resolve(name.node().mark, text);
}

int Loader::add_source(const std::string& name, const fs::path& folder, std::string_view text) {
  const int file = out_.diagnostics.add_source(name, text);
  folders_[file] = folder;
  return file;
}

int Loader::rank_of(const SourceMark& mark) const {
  const auto rank = ranks_.find(mark.file);
  return rank == ranks_.end() ? 0 : rank->second;
}

fs::path Loader::folder_of(const SourceMark& mark) const {
  const auto folder = folders_.find(mark.file);
  return folder == folders_.end() ? main_folder_ : folder->second;
}

std::optional<ConfigNode> Loader::read_own(std::string_view bytes, int file) {
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
  if (const auto* format = find_stated(*tree, "format")) {
    check_format({*format, "format", format->mark, reading}, kScenarioFormat);
    if (format->text.starts_with("repoquake/sweep/")) {  // its keys are others
      is_complete_ = false;
      return std::nullopt;
    }
  }
  const auto* policy = find_stated(*tree, kPolicyStigma);
  const auto* model = find_stated(*tree, kModelStigma);
  if (policy != nullptr && model != nullptr)
    out_.diagnostics.error(model->mark, std::string(kModelStigma),
                           "the stigma is stated twice, here and in " + std::string(kPolicyStigma) + " (line " +
                               std::to_string(policy->mark.line) + "); state it once");
  return tree;
}

Loader::Layer Loader::read_layer(std::string_view bytes, const std::string& role, const std::string& name,
                                 const fs::path& folder) {
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

void Loader::lay(Layer& layer, const ConfigNode& tree, const std::optional<ConfigNode>& base_of_tree) {
  if (base_of_tree)
    layer.base = base_of_tree;
  else if (holds_need(tree) && !holds_need(layer.tree))
    layer.base = layer.tree.is_map() ? std::optional(layer.tree) : std::nullopt;
  layer.tree = layer.tree.is_null() ? tree : merge(std::move(layer.tree), tree);
  if (!holds_need(layer.tree) && !base_of_tree) layer.base.reset();
}

void Loader::compare_parents(const Layer& earlier, const Layer& later, const ConfigNode& own) {
  std::vector<Disagreement> found;
  compare_trees("", earlier.tree, later.tree, found);
  for (const auto& [key, a, b] : found) {
    const bool is_known = later.files.contains(a->mark.file) || earlier.files.contains(b->mark.file);
    const bool is_identity = key == "format" || key == "name" || key == "title";
    if (is_known || is_identity || own.find_path(key) != nullptr) continue;
    const std::string place = out_.diagnostics.source_name(a->mark.file) + ":" + std::to_string(a->mark.line);
    const bool are_of_one_kind = a->is_scalar() || b->is_scalar() || a->kind == b->kind;
    if (!are_of_one_kind)
      out_.diagnostics.error(b->mark, key,
                             "the parents contradict each other: one has a list here, the other a map (" + place + ")");
    else
      out_.diagnostics.warning(b->mark, key,
                               "the parents disagree, and the later one wins: " + one_line_yaml(*b) + " here, " +
                                   one_line_yaml(*a) + " in " + place,
                               "state the key in the file that extends them");
  }
}

void Loader::check_order(const Value& name, std::vector<fs::path>& before) {
  const fs::path parent = identity_of(scenario_path(name));
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

void Loader::read_parents(const ConfigNode& extends, const ConfigNode& own, Layer& layer) {
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

std::optional<Loader::Layer> Loader::read_parent(const Value& name) {
  const auto refuse = [&](const std::string& reason) {
    name.refuse(reason);
    is_complete_ = false;
    return std::nullopt;
  };
  const auto text = name.text();
  if (!text || text->empty()) return refuse("must be the path of a scenario file");
  const fs::path path = scenario_path(name);
  const std::string shown = path.generic_string();
  const fs::path canonical = identity_of(path);
  if (const auto first = std::ranges::find(chain_, canonical, &Link::canonical); first != chain_.end()) {
    std::string trail;
    for (auto link = first; link != chain_.end(); ++link) trail += fs::path(link->name).filename().string() + " -> ";
    return refuse("the parents form a cycle: " + trail + path.filename().string());
  }
  if (const auto known = layers_.find(canonical); known != layers_.end()) return known->second;
  if (chain_.size() >= kMaxChain) return refuse("more than " + std::to_string(kMaxChain) + " files extend each other");
  if (out_.files.size() >= kMaxFiles) return refuse("more than " + std::to_string(kMaxFiles) + " files");

  std::string bytes;
  try {
    bytes = read_named(name.node().mark, path, kScenarioFileLimit);
  } catch (const IoError& e) {
    return refuse(e.what());
  }
  chain_.push_back({canonical, shown});
  Layer layer = read_layer(bytes, "parent", shown, path.parent_path());
  chain_.pop_back();
  layers_.emplace(canonical, layer);
  return layer;
}

fs::path Loader::identity_of(const fs::path& path) {
  std::error_code ignored;
  return is_in_library(path) ? path : fs::weakly_canonical(path, ignored);
}

fs::path Loader::resolve(const SourceMark& mark, const std::string& file) const {
  if (is_in_library(file)) return library_path(file);
  const fs::path path = folder_of(mark) / file;
  return is_in_library(path) ? inside_library(path) : path.lexically_normal();
}

// ---- the command line

void Loader::lay_options() {
  ConfigNode& tree = layer_.tree;
  for (const auto& overlay : options_.overlays) {
    const std::string bytes = read_file(overlay, kScenarioFileLimit);
    const int file = add_file("overlay", overlay, fs::path(overlay).parent_path(), bytes);
    auto own = read_own(bytes, file);
    if (!own) continue;
    if (const auto extends = take_entry(*own, "extends"))
      out_.diagnostics.error(extends->mark, "extends", "an overlay has no parents; lay several files with --with");
    ranks_[file] = ++last_rank_;
    tree = merge(std::move(tree), *own);
  }
  lay_settings("--set", options_.settings);
  if (options_.paths) {
    std::vector<std::string> settings{"simulate.paths=" + std::to_string(*options_.paths)};
    if (find_stated(tree, "simulate.stop.max_paths") != nullptr)  // which would else be the number
      settings.push_back("simulate.stop.max_paths=" + std::to_string(*options_.paths));
    lay_settings("--paths", settings);
  }
  if (options_.seed) lay_settings("--seed", {"simulate.seed=" + std::to_string(*options_.seed)});
}

void Loader::lay_settings(const std::string& option, const std::vector<std::string>& settings) {
  if (settings.empty()) return;
  std::vector<std::string> lines = settings;
  std::string text;
  for (auto& line : lines) {
    std::ranges::replace(line, '\n', ' ');
    text += line + "\n";
  }
  const int file = add_source(option, {}, text);
  commanded_.insert(file);
  ranks_[file] = ++last_rank_;
  for (std::size_t i = 0; i < lines.size(); ++i)
    apply_setting(layer_.tree, lines[i], file, static_cast<int>(i) + 1, out_.diagnostics);
}

// ---- the tree

void Loader::read_merged() {
  drop_hidden_stigma(layer_.tree);
  place_keys(layer_.tree, out_.diagnostics);
  read_tree(layer_.tree, out_.scenario, out_.diagnostics);
}

void Loader::drop_hidden_stigma(ConfigNode& tree) {
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

bool Loader::read_tree(ConfigNode& tree, scenario::Scenario& scenario, Diagnostics& diagnostics) {
  Reading reading{diagnostics, is_complete_};
  auto [read, series] = read_scenario(tree, reading);
  scenario = std::move(read);
  if (series) scenario.series = read_series(*series, tree, scenario.window, diagnostics);
  read_empirical_sizes(tree, scenario, diagnostics);
  add_findings(scenario, series.has_value(), diagnostics);
  return !diagnostics.has_errors();
}

std::optional<scenario::Series> Loader::read_series(const SeriesReference& reference, ConfigNode& tree,
                                                    const scenario::Window& window, Diagnostics& diagnostics) {
  const fs::path path = resolve(reference.file_mark, reference.file);
  const bool is_read = series_ && series_->path == path && series_->window == window;
  std::string bytes;
  if (!is_read) {
    try {
      bytes = read_named(reference.file_mark, path, kSeriesFileLimit);
    } catch (const IoError& e) {
      diagnostics.error(reference.file_mark, "series.file", e.what());
      return std::nullopt;
    }
  }
  const std::string digest = is_read ? series_->series.sha256 : sha256_hex(bytes);
  note_file("series", path.generic_string(), digest);
  // A digest inherited from below a newly named file is that of another file.
  const bool is_of_this_file = !reference.sha256 || rank_of(reference.sha256_mark) >= rank_of(reference.file_mark);
  if (is_of_this_file && reference.sha256 && *reference.sha256 != digest) {
    diagnostics.error(reference.sha256_mark, "series.sha256",
                      "the file has changed: its SHA-256 is " + digest + ", expected " + *reference.sha256);
    return std::nullopt;
  }

  if (!is_read) {
    const bool has_window = calendar::is_publication_day(window.start) && calendar::is_publication_day(window.end) &&
                            window.start < window.end && window.start != scenario::Date{};
    const int file = diagnostics.add_source(path.generic_string(), bytes);
    auto series = parse_series(bytes, file, has_window ? std::optional(window) : std::nullopt, diagnostics);
    if (!series) return std::nullopt;
    series->sha256 = digest;
    series_ = {path, window, std::move(*series)};
  }
  scenario::Series series = series_->series;
  series.file = fs::path(reference.file).is_absolute() ? reference.file : from_main_folder(path);
  ConfigNode& section = *tree.find("series");
  set_scalar(section, "file", series.file);
  set_scalar(section, "sha256", digest);
  return series;
}

void Loader::read_empirical_sizes(ConfigNode& tree, scenario::Scenario& scenario, Diagnostics& diagnostics) {
  ConfigNode* list = tree.find("shocks");
  if (list == nullptr || list->items.size() != scenario.shocks.size()) return;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    auto& shock = scenario.shocks[i];
    if (shock.size.law != scenario::ShockSize::Law::empirical || shock.size.file.empty()) continue;
    ConfigNode& empirical = *list->items[i].find("size")->find("empirical");
    const SourceMark mark = empirical.find("file")->mark;
    const auto unit = scenario::shock_unit(shock.target);
    const std::string key = "shocks." + shock.id + ".size.empirical.file";
    auto values = read_column(mark, key, shock.size, unit, diagnostics);
    if (!values) continue;
    shock.size.values = std::move(*values);
    if (!fs::path(shock.size.file).is_absolute()) shock.size.file = from_main_folder(resolve(mark, shock.size.file));
    set_scalar(empirical, "file", shock.size.file);
  }
}

std::optional<std::vector<double>> Loader::read_column(const SourceMark& mark, const std::string& key,
                                                       const scenario::ShockSize& size, scenario::Unit unit,
                                                       Diagnostics& diagnostics) {
  const fs::path path = resolve(mark, size.file);
  const auto known = std::ranges::find_if(columns_, [&](const ColumnRead& read) {
    return read.path == path && read.column == size.column && read.unit == unit;
  });
  if (known != columns_.end()) {
    note_file("empirical size", path.generic_string(), known->sha256);
    return known->values;
  }
  std::string bytes;
  try {
    bytes = read_named(mark, path, kSeriesFileLimit);
  } catch (const IoError& e) {
    diagnostics.error(mark, key, e.what());
    return std::nullopt;
  }
  const std::string digest = sha256_hex(bytes);
  note_file("empirical size", path.generic_string(), digest);
  const int file = diagnostics.add_source(path.generic_string(), bytes);
  auto values = parse_column(bytes, file, size.column, unit, diagnostics);
  if (values) columns_.push_back({path, size.column, unit, digest, *values});
  return values;
}

std::string Loader::from_main_folder(const fs::path& path) const {
  if (is_in_library(path)) return path.generic_string();
  const fs::path from = main_folder_.empty() ? fs::path(".") : main_folder_;
  return fs::absolute(path)
      .lexically_normal()
      .lexically_relative(fs::absolute(from).lexically_normal())
      .generic_string();
}

void Loader::add_findings(const scenario::Scenario& scenario, bool names_series, Diagnostics& diagnostics) const {
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

void Loader::hold_need() {
  const SourceMark need_mark = find_stated(layer_.tree, kNeed)->mark;
  if (!layer_.base && layer_.parents) layer_.base = holds_need(*layer_.parents) ? std::nullopt : layer_.parents;
  if (!layer_.base) {
    if (is_complete_)
      out_.diagnostics.error(
          need_mark, std::string(kNeed),
          "hold keeps the need of the base, which is the merge of the parents; this file has none (extends)");
    return;
  }
  for (const auto* key : {"market.opening_spread", "market.trend_spread"}) {
    const auto* own = layer_.tree.find_path(key);
    const auto* held = layer_.base->find_path(key);
    if (own == nullptr || (held != nullptr && own->mark.file == held->mark.file && own->text == held->text)) continue;
    out_.diagnostics.error(own->mark, key,
                           "cannot be stated while market.need is hold: the opening follows from the need of the base",
                           "need: invert matches a stated spread");
  }
  if (out_.diagnostics.has_errors()) return;

  Diagnostics complaints = out_.diagnostics;
  drop_hidden_stigma(*layer_.base);
  scenario::Scenario base;
  if (!read_tree(*layer_.base, base, complaints)) {
    const auto entries = complaints.sorted();
    const auto& first = *std::ranges::find(entries, Issue::Severity::error, &Diagnostics::Entry::severity);
    out_.diagnostics.error(need_mark, std::string(kNeed),
                           "the base of hold, the merge of the parents, is not a complete scenario by itself: " +
                               first.key + " " + first.reason);
    return;
  }
  out_.base = std::move(base);
  layer_.tree.entries.push_back({"base", need_mark, *layer_.base});
}

void Loader::list_keys(const std::string& path, const ConfigNode& node) {
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

LoadedScenario Loader::take_result() {
  ConfigNode tree = layer_.tree;
  sort_sections(tree);
  for (const auto& entry : tree.entries)
    if (entry.key != "base") list_keys(entry.key, entry.value);
  if (ConfigNode* base = tree.find("base")) sort_sections(*base);
  out_.resolved = to_yaml(tree);
  return std::move(out_);
}

}  // namespace repoquake::io
