#include "repoquake/io/sweep_yaml.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "io/request_reader.hpp"
#include "io/scenario_loader.hpp"
#include "io/sweep_reader.hpp"
#include "repoquake/core/contract.hpp"
#include "repoquake/core/model_version.hpp"
#include "repoquake/io/digest.hpp"
#include "repoquake/scenario/expression.hpp"

namespace repoquake::io {

namespace fs = std::filesystem;
using scenario::AxisKey;
using scenario::SweepDesign;
using scenario::SweptKey;

/// The loader with all layers of the base, before it has finished, and what the points lay over it.
class SweepWorld {
 public:
  SweepWorld(Loader of_base, ConfigNode tree_of_base, std::vector<KeySource> of_keys)
      : loader(std::move(of_base)), base_tree(std::move(tree_of_base)), sources(std::move(of_keys)) {}

  Loader loader;
  ConfigNode base_tree;  ///< finished
  std::vector<KeySource> sources;
};

namespace {

/// Which value of its axis each key of a grid or a list has at a point.
std::vector<std::size_t> levels_at(const scenario::Sweep& sweep, std::size_t point) {
  std::vector<std::size_t> levels;
  for (std::size_t k = sweep.axes.size(); k-- > 0;) {
    const scenario::Axis& axis = sweep.axes[k];
    const std::size_t n_values = axis.size();
    RQ_EXPECT(n_values > 0);
    levels.insert(levels.end(), axis.keys.size(), point % n_values);
    point /= n_values;
  }
  std::ranges::reverse(levels);
  return levels;
}

/// Its settings, and the nodes that make them.
struct MadePoint {
  SweepPoint point;
  std::vector<ConfigNode> nodes;
};

MadePoint make_point(const scenario::Sweep& sweep, const study::Design& design, const std::vector<KeySource>& sources,
                     std::size_t number) {
  MadePoint made;
  const auto add = [&](const SweptKey& key, double value, std::string text, ConfigNode node) {
    made.point.settings.push_back({key.path, std::move(text)});
    made.point.numbers.push_back(value);
    made.nodes.push_back(std::move(node));
  };
  const auto scalar = [](const SourceMark& mark, const std::string& text) {
    return ConfigNode::make(ConfigNode::Kind::scalar, mark, text);
  };
  std::size_t k = 0;
  if (!sweep.has_axes()) {
    const auto shares = design.point(number);
    for (const auto& factor : sweep.factors) {
      const double value = factor.at(shares[k]);
      const std::string text = number_text(factor.key, value);
      add(factor.key, value, text, scalar(sources[k++].range, text));
    }
    return made;
  }
  const auto levels = levels_at(sweep, number);
  for (const auto& axis : sweep.axes) {
    for (const auto& moved : axis.keys) {
      const auto& source = sources[k];
      const std::size_t level = levels[k++];
      if (moved.grid) {
        const double value = moved.grid->at(level);
        const std::string text = number_text(moved.key, value);
        const auto& mark = level == 0 ? source.low : level + 1 == moved.size() ? source.high : source.range;
        add(moved.key, value, text, scalar(mark, text));
      } else {
        ConfigNode node = scalar(source.values[level].mark, source.values[level].text);
        node.quoted = source.values[level].quoted && moved.key.kind == SweptKey::Kind::text;
        add(moved.key, moved.numbers[level], moved.texts[level], std::move(node));
      }
    }
  }
  return made;
}

study::Design make_design(const scenario::Sweep& sweep) {
  const std::size_t n = sweep.factors.size();
  switch (sweep.design) {
    case SweepDesign::lhs:
      return study::latin_hypercube(sweep.samples, n, sweep.seed);
    case SweepDesign::sobol:
      return study::sobol(sweep.samples, n, sweep.seed);
    case SweepDesign::saltelli:
      return study::saltelli(sweep.samples, n, sweep.seed);
    case SweepDesign::morris:
      return study::morris(sweep.samples, n, sweep.seed, sweep.levels);
    case SweepDesign::grid:
    case SweepDesign::list:
      break;
  }
  return {};
}

/// Adds what validate() finds, but not what only follows from an error already reported.
void add_findings(const scenario::Sweep& sweep, Diagnostics& diagnostics) {
  std::vector<std::string> wrong;
  for (const auto& entry : diagnostics.sorted()) wrong.push_back(entry.key);
  const bool mixes_parts = std::ranges::any_of(wrong, [](const auto& key) {
    return key == "axes" || key == "design" || key == "design.kind" || key == "factors";
  });
  for (const auto& issue : scenario::validate(sweep)) {
    const bool is_absent_part =
        (issue.key == "axes" && sweep.axes.empty()) || (issue.key == "factors" && sweep.factors.empty());
    const bool follows = (mixes_parts && is_absent_part) || std::ranges::any_of(wrong, [&](const auto& key) {
                           return !key.empty() && are_related(key, issue.key);
                         });
    if (!follows) diagnostics.add(issue);
  }
}

/// What a condition can ask of a point.
class Lookup {
 public:
  Lookup(const LoadedScenario& base, const std::vector<LanguageKey>& language) : language_(language) {
    for (const auto& key : base.keys) values_.emplace(key.path, key.value);
  }

  void set(const std::vector<Setting>& settings) {
    for (const auto& setting : settings) {
      const std::string below = setting.key + ".";  // what the base states there is gone
      for (auto key = values_.lower_bound(below); key != values_.end() && key->first.starts_with(below);)
        key = values_.erase(key);
      values_.insert_or_assign(setting.key, setting.value);
    }
  }

  [[nodiscard]] std::optional<std::string> operator()(std::string_view key) const {
    if (const auto value = values_.find(key); value != values_.end()) return value->second;
    const auto* known = find_key(language_, key);
    if (known == nullptr || known->record.default_text.empty()) return std::nullopt;
    return known->record.default_text;
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [key, value] : values_) names.push_back(key);
    for (const auto& key : language_)
      if (key.record.path.find("[]") == std::string::npos) names.push_back(key.record.path);
    return names;
  }

 private:
  const std::vector<LanguageKey>& language_;
  std::map<std::string, std::string, std::less<>> values_;
};

class SweepLoader {
 public:
  SweepLoader(const fs::path& folder, const LoadOptions& options)
      : folder_(folder), options_(options), loader_(folder, options), language_(scenario_language()) {}

  LoadedSearch search(const std::string& file, const SearchRequest& request) {
    const fs::path path = io::scenario_path(file);
    loader_.read_main(read_anywhere(path, kScenarioFileLimit, options_), path.generic_string(), path);
    loader_.lay_options();
    kind_ = "search";
    hint_ = "--set market.need=invert";
    Reading reading{diagnostics()};
    LoadedSearch out;
    read_search_axes(request, reading);
    read_target(request.target, reading, out);
    check_swept_keys(out_.sweep.keys(), sources_, language_, diagnostics());
    finish_base();
    check_against_base();
    if (out_.base.scenario.simulate.paths < 2)
      diagnostics().add(Issue{"simulate.paths", "a crossing has an error from 2 paths on"});
    if (!diagnostics().has_errors()) out.base_value = base_value();
    if (!diagnostics().has_errors()) make_points(std::nullopt);
    if (!diagnostics().has_errors()) check_values_of_second();
    out_.diagnostics = diagnostics();
    out_.world = std::make_shared<const SweepWorld>(std::move(loader_), std::move(base_tree_), std::move(sources_));
    out.sweep = std::move(out_);
    return out;
  }

  LoadedSweep load(std::string_view bytes, const std::string& name) {
    out_.text = bytes;
    const int file = loader_.add_file("sweep", name, folder_, bytes);
    const auto tree = parse_config(bytes, file, diagnostics());
    if (!tree || !tree->is_map()) {
      if (tree)
        diagnostics().error(tree->mark, "", "a sweep file is a map of keys, e.g. format: " + std::string(kSweepFormat));
      return give_up();
    }
    Reading reading{diagnostics()};
    place_keys(*tree, diagnostics());
    SweepReading read = read_sweep(*tree, reading, language_);
    out_.sweep = std::move(read.sweep);
    sources_ = std::move(read.sources);
    if (out_.sweep.design == SweepDesign::list && read.file) read_list(*read.file);
    check_swept_keys(out_.sweep.keys(), sources_, language_, diagnostics());
    add_findings(out_.sweep, diagnostics());
    warn_of_uneven_samples();
    const bool has_design = !has_errors_of_design();

    if (!read.base || !loader_.read_main(*read.base)) return give_up();
    lay_over_base(read);
    finish_base();
    const std::size_t before = diagnostics().error_count();
    if (!base_has_errors_) check_against_base();
    // Points are made where they can be, so that what is wrong with them is told together with the rest.
    const bool is_base_known = !base_has_errors_ || !read.skip_if;
    if (has_design && is_base_known && diagnostics().error_count() == before) make_points(read.skip_if);
    out_.diagnostics = diagnostics();
    out_.world = std::make_shared<const SweepWorld>(std::move(loader_), std::move(base_tree_), std::move(sources_));
    return std::move(out_);
  }

 private:
  Diagnostics& diagnostics() { return loader_.diagnostics(); }

  LoadedSweep give_up() {
    out_.diagnostics = diagnostics();
    return std::move(out_);
  }

  // ---- a search

  /// A text of the command line, at a place of its own.
  ConfigNode option_node(const std::string& option, std::string text) {
    std::ranges::replace(text, '\n', ' ');
    const SourceMark start{.file = diagnostics().add_source(option, text)};
    const auto mark = diagnostics().place_within(start, text, 0, text.size());
    return ConfigNode::make(ConfigNode::Kind::scalar, mark, text);
  }

  void read_search_axes(const SearchRequest& request, Reading& reading) {
    const auto add = [&](const std::string& option, const std::string& path, auto&& read) {
      KeySource source{.key = option_node(option, path).mark};
      out_.sweep.axes.push_back({.keys = {read(source)}});
      sources_.push_back(std::move(source));
    };
    const auto range = [&](const std::string& path, const std::string& option, const std::string& from,
                           const std::string& to, std::size_t steps, KeySource& source) {
      const ConfigNode low = option_node("--" + option + "from", from), high = option_node("--" + option + "to", to);
      return read_range(path, Value(low, path, low.mark, reading), Value(high, path, high.mark, reading), steps, source,
                        language_);
    };
    add("--along", request.along, [&](KeySource& source) {
      const auto* known = find_key(language_, request.along);
      const auto is_continuous = [](scenario::Unit unit) { return unit != scenario::Unit::count; };
      if (known == nullptr || std::ranges::any_of(known->record.units, is_continuous))
        return range(request.along, "", request.from, request.to, request.steps, source);
      diagnostics().error(source.key, request.along,
                          "does not take amounts or rates that move evenly between two ends, which a search needs. It "
                          "can be the second "
                          "key, with --over and --values");
      return AxisKey{.key = {.path = request.along}};
    });
    if (request.over.empty()) return;
    add("--over", request.over, [&](KeySource& source) {
      if (request.values.empty())
        return range(request.over, "over-", request.over_from, request.over_to, request.over_steps, source);
      for (const auto& value : request.values) {
        const ConfigNode node = option_node("--values", value);
        source.values.push_back({node.text, false, node.mark});
      }
      return read_listed(request.over, source, language_, diagnostics());
    });
    const AxisKey& over = out_.sweep.axes.back().keys.front();
    if (over.grid && over.key.kind == SweptKey::Kind::whole && has_broken_steps(*over.grid))
      diagnostics().error(sources_.back().high, request.over, "takes whole numbers, and the steps are not whole");
  }

  /// Complains about values that the second key does not take, before anything runs.
  void check_values_of_second() {
    if (out_.sweep.axes.size() < 2) return;
    const auto& second = sources_.back();
    for (std::size_t level = 0; level < out_.sweep.axes.back().size(); ++level) {
      auto made = make_point(out_.sweep, out_.design, sources_, level);
      const SourceMark mark = made.nodes.back().mark;
      Loader loader = loader_;
      loader.set(made.point.settings.back().key, second.key, std::move(made.nodes.back()));
      const auto point = loader.finish_held(out_.base, base_tree_);
      for (const auto& entry : point.diagnostics.sorted())
        if (entry.severity == Diagnostics::Severity::error && entry.mark == mark)
          diagnostics().error(entry.mark, entry.key, entry.reason, entry.hint);
    }
  }

  static bool has_broken_steps(const scenario::Grid& grid) {
    const double step = (grid.to - grid.from) / static_cast<double>(grid.steps - 1);
    return step != std::floor(step);
  }

  /// Makes its metric the only one of the base. A metric of the base may be called by its id.
  void read_target(const std::string& text, Reading& reading, LoadedSearch& out) {
    const ConfigNode node = option_node("--target", text);
    const Value value(node, "target", node.mark, reading);
    auto checked = scenario::check_target(node.text);
    std::string unit = unit_behind(checked.value);
    for (const auto& metric : metrics_of(loader_.tree())) {
      if (metric.id != checked.metric) continue;
      checked = scenario::check_target(metric.expr + " = " + checked.value);
      if (checked.form && !scenario::find_unit(checked.form->dimension, unit)) unit = metric.unit;
      if (!checked.form) value.refuse(checked.errors.front().reason, checked.errors.front().hint);
      checked.errors.clear();
      break;
    }
    for (auto& error : checked.errors) {
      if (error.unknown == checked.metric)  // it may have been meant for an id
        for (const auto& metric : metrics_of(loader_.tree())) error.candidates.push_back(metric.id);
      refuse_within(value, error);
    }
    const bool is_share = checked.form && checked.form->statistic == scenario::Function::probability &&
                          checked.form->scale == 1.0 && checked.form->shift == 0.0;
    if (is_share && (checked.target < 0.0 || checked.target > 1.0))
      value.refuse("a probability is between 0 % and 100 %, got " + checked.value);
    // What the base asks of its own metrics and runs has no place in a search.
    auto& tree = loader_.tree();
    std::erase_if(tree.entries, [](const auto& entry) { return entry.key == "metrics" || entry.key == "expect"; });
    if (ConfigNode* simulate = tree.find("simulate"); simulate != nullptr)
      std::erase_if(simulate->entries, [](const auto& entry) { return entry.key == "stop"; });
    if (!checked.form) return;
    const auto known = scenario::find_unit(checked.form->dimension, unit);
    out.unit = known.value_or(scenario::default_unit(checked.form->dimension));
    out.target = checked.target * out.unit.factor;
    const auto scalar = [&](std::string word) {
      return ConfigNode::make(ConfigNode::Kind::scalar, node.mark, std::move(word));
    };
    ConfigNode metric = ConfigNode::make(ConfigNode::Kind::map, node.mark);
    metric.entries = {{"id", node.mark, scalar("target")},
                      {"expr", node.mark, scalar(checked.metric)},
                      {"unit", node.mark, scalar(std::string(out.unit.written))}};
    ConfigNode list = ConfigNode::make(ConfigNode::Kind::list, node.mark);
    list.items = {std::move(metric)};
    ConfigNode over = ConfigNode::make(ConfigNode::Kind::map, node.mark);
    over.entries.push_back({"metrics", node.mark, std::move(list)});
    loader_.lay_over(over);
  }

  /// The metrics that a tree states, as far as they are texts.
  static std::vector<scenario::Metric> metrics_of(const ConfigNode& tree) {
    std::vector<scenario::Metric> metrics;
    const auto* list = tree.find("metrics");
    if (list == nullptr || !list->is_list()) return metrics;
    for (const auto& item : list->items) {
      const auto text = [&](const char* key) {
        const auto* node = item.is_map() ? item.find(key) : nullptr;
        return node != nullptr && node->is_scalar() ? node->text : std::string{};
      };
      if (!text("id").empty()) metrics.push_back({text("id"), text("expr"), text("unit")});
    }
    return metrics;
  }

  /// "tn USD" of "1.2 tn USD".
  static std::string unit_behind(const std::string& value) {
    const auto digit = value.find_last_of("0123456789.");
    const auto start = value.find_first_not_of(' ', digit == std::string::npos ? 0 : digit + 1);
    return start == std::string::npos ? "" : value.substr(start);
  }

  [[nodiscard]] std::optional<double> base_value() const {
    const SweptKey& key = out_.sweep.axes.front().keys.front().key;
    const auto stated = std::ranges::find(out_.base.keys, key.path, &ResolvedKey::path);
    if (stated != out_.base.keys.end()) return parse_quantity(stated->value, key.unit).value;
    const auto* known = find_key(language_, key.path);
    return known == nullptr ? std::nullopt : parse_quantity(known->record.default_text, key.unit).value;
  }

  /// Is there an error in what the points are made of? Not in metrics and the like, nor in keys that nobody knows, unless
  /// they may have been meant for it.
  bool has_errors_of_design() {
    static constexpr auto kOthers =
        std::to_array<std::string_view>({"format", "name", "title", "metrics", "override", "on_error"});
    static const std::vector<std::string> own{"axes", "design", "factors", "skip_if"};
    for (const auto& entry : diagnostics().sorted()) {
      if (entry.severity != Issue::Severity::error) continue;
      const std::string top = entry.key.substr(0, entry.key.find_first_of(".["));
      const bool is_other = std::ranges::find(kOthers, top) != kOthers.end();
      const bool is_unknown = entry.reason.starts_with("unknown key") && top == entry.key;
      if (!is_other && !(is_unknown && did_you_mean(top, own).empty())) return true;
    }
    return false;
  }

  void read_list(const Value& file) {
    const auto name = file.text();
    if (!name) return;
    const fs::path path = loader_.resolve(file.node().mark, *name);
    std::string bytes;
    try {
      bytes = loader_.read_named(file.node().mark, path, kSeriesFileLimit);
    } catch (const IoError& e) {
      file.refuse(e.what());
      return;
    }
    const int source = loader_.add_file("points", path.generic_string(), path.parent_path(), bytes);
    auto points = read_points(bytes, source, language_, diagnostics());
    out_.sweep.axes = {std::move(points.first)};
    sources_ = std::move(points.second);
  }

  void warn_of_uneven_samples() {
    const auto& sweep = out_.sweep;
    const bool is_sobol = sweep.design == SweepDesign::sobol || sweep.design == SweepDesign::saltelli;
    if (is_sobol && !study::is_balanced(sweep.samples))
      diagnostics().add(Issue{"design.samples", "the points are most even where their number is a power of two",
                              Issue::Severity::warning});
  }

  void lay_over_base(const SweepReading& read) {
    std::erase_if(loader_.tree().entries, [](const ConfigNode::Entry& entry) { return entry.key == "expect"; });
    if (read.over && read.over->node().is_map()) loader_.lay_over(read.over->node());
    if (read.metrics) {
      std::erase_if(loader_.tree().entries, [](const ConfigNode::Entry& entry) { return entry.key == "metrics"; });
      ConfigNode over = ConfigNode::make(ConfigNode::Kind::map, read.metrics->node().mark);
      over.entries.push_back({"metrics", read.metrics->key_mark(), read.metrics->node()});
      loader_.lay_over(over);
    }
    loader_.lay_options();
  }

  void finish_base() {
    const std::size_t before = diagnostics().error_count();
    Loader finishing = loader_;
    out_.base = finishing.finish();
    base_has_errors_ = out_.base.diagnostics.error_count() > before;
    base_tree_ = finishing.tree();
    loader_.remember(finishing, out_.base.diagnostics);
  }

  /// What can only be said of keys where the base is known.
  void check_against_base() {
    const bool holds_need = !loader_.states_need();
    const auto keys = out_.sweep.keys();
    ConfigNode tree = loader_.tree();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::string& path = keys[i].path;
      const auto* known = find_key(language_, path);
      if (known == nullptr) continue;
      const auto complain = [&](const std::string& reason, const std::string& hint = {}) {
        diagnostics().error(sources_[i].key, path, reason, hint);
      };
      const auto item = known->record.path.find("[]");
      const std::string list = known->record.path.substr(0, std::min(item, known->record.path.size()));
      const auto* stated = tree.find_path(list);
      if (item != std::string::npos && (stated == nullptr || !stated->is_list())) {
        complain("the base has no " + list + "; only an entry that is there can be changed");
        continue;
      }
      (void)set_value(tree, path, sources_[i].key, ConfigNode::make(ConfigNode::Kind::scalar, sources_[i].key),
                      diagnostics());
      if (path.starts_with("metrics."))
        complain("cannot move: metrics are the columns of the table, each with one expression and one unit",
                 "name several under metrics");
      for (const auto* key : {"market.opening_spread", "market.trend_spread", "market.need"})
        if (holds_need && path == key)
          complain("cannot move while the need of the base is held, as it is in a " + kind_ + " unless told otherwise",
                   hint_);
      const auto place = out_.base.diagnostics.find_place(path);
      for (std::size_t j = 0; j < i; ++j) {  // one by its id, one by its index
        const auto other = out_.base.diagnostics.find_place(keys[j].path);
        if (place && other && keys[j].path != path && place->key == other->key)
          complain("is set twice; " + keys[j].path + " is the same");
      }
      const std::string source = place ? diagnostics().source_name(place->value.file) : "";
      if (source == "--set" || source == "--paths" || source == "--seed")
        complain("moves, so it cannot be set by " + source + " too");
    }
  }

  void make_points(const std::optional<Value>& skip_if) {
    out_.design = make_design(out_.sweep);
    const auto size = static_cast<std::uint32_t>(out_.sweep.size());
    if (!skip_if) {
      out_.points.resize(size);
      std::iota(out_.points.begin(), out_.points.end(), 0U);
      return;
    }
    Lookup lookup(out_.base, language_);
    for (std::uint32_t number = 0; number < size; ++number) {
      lookup.set(make_point(out_.sweep, out_.design, sources_, number).point.settings);
      auto answer = scenario::evaluate_condition(out_.sweep.skip_if, std::cref(lookup));
      for (auto& error : answer.errors) refuse_condition(*skip_if, std::move(error), lookup);
      if (!answer.holds) return out_.points.clear();
      if (*answer.holds)
        ++out_.skipped;
      else
        out_.points.push_back(number);
    }
    if (out_.points.empty()) skip_if->refuse("skips every point");
  }

  static void refuse_condition(const Value& skip_if, scenario::ExpressionError error, const Lookup& lookup) {
    if (!error.unknown.empty()) error.reason += did_you_mean(std::exchange(error.unknown, {}), lookup.names());
    refuse_within(skip_if, error);
  }

  fs::path folder_;
  const LoadOptions& options_;
  Loader loader_;
  std::vector<LanguageKey> language_;
  std::vector<KeySource> sources_;
  ConfigNode base_tree_;
  std::string kind_ = "sweep";
  std::string hint_ = "override: {market: {need: invert}}";  // how the need is inverted instead
  bool base_has_errors_ = false;
  LoadedSweep out_;
};

/// The points that check_points makes, as indices of LoadedSweep::points.
std::vector<std::size_t> points_to_check(const LoadedSweep& loaded) {
  const bool is_subset = loaded.points.size() > kCheckedPoints;
  const std::size_t first = is_subset && loaded.sweep.has_axes() ? 0 : std::min(loaded.points.size(), kCheckedPoints);
  std::vector<std::size_t> chosen(first);
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  if (first > 0) return chosen;
  std::set<std::pair<std::size_t, std::size_t>> seen;  // key, and which of its values
  for (std::size_t i = 0; i < loaded.points.size() && chosen.size() < kMostCheckedPoints; ++i) {
    const auto levels = levels_at(loaded.sweep, loaded.points[i]);
    bool is_new = false;
    for (std::size_t k = 0; k < levels.size(); ++k) is_new |= seen.emplace(k, levels[k]).second;
    if (is_new) chosen.push_back(i);
  }
  return chosen;
}

}  // namespace

LoadedSweep load_sweep(const std::string& file, const LoadOptions& options) {
  const fs::path path = scenario_path(file);
  return parse_sweep(read_anywhere(path, kScenarioFileLimit, options), path.generic_string(), path.parent_path(),
                     with_folders_of(path, options));
}

LoadedSweep parse_sweep(std::string_view text, const std::string& name, const fs::path& folder,
                        const LoadOptions& options) {
  return SweepLoader(folder, options).load(text, name);
}

bool is_sweep(const std::string& file, const LoadOptions& options) {
  Diagnostics unheard;
  const std::string bytes = read_anywhere(scenario_path(file), kScenarioFileLimit, options);
  const auto tree = parse_config(bytes, unheard.add_source(file, bytes), unheard);
  const auto* format = tree && tree->is_map() ? tree->find("format") : nullptr;
  return format != nullptr && format->text.starts_with("repoquake/sweep/");
}

SweepPoint sweep_point(const LoadedSweep& sweep, std::size_t index) {
  return make_point(sweep.sweep, sweep.design, sweep.world->sources, sweep.points.at(index)).point;
}

namespace {

LoadedScenario load_made(const LoadedSweep& sweep, MadePoint made) {
  const SweepWorld& world = *sweep.world;
  Loader loader = world.loader;
  for (std::size_t k = 0; k < made.nodes.size(); ++k)
    loader.set(made.point.settings[k].key, world.sources[k].key, std::move(made.nodes[k]));
  return loader.finish_held(sweep.base, world.base_tree);
}

}  // namespace

LoadedScenario load_point(const LoadedSweep& sweep, std::size_t index) {
  RQ_EXPECT(sweep.world != nullptr && index < sweep.points.size());
  return load_made(sweep, make_point(sweep.sweep, sweep.design, sweep.world->sources, sweep.points[index]));
}

LoadedSearch load_search(const std::string& file, const SearchRequest& request, const LoadOptions& options) {
  return SweepLoader(scenario_path(file).parent_path(), options).search(file, request);
}

LoadedScenario load_search_point(const LoadedSearch& search, double along, std::size_t over) {
  const LoadedSweep& sweep = search.sweep;
  RQ_EXPECT(sweep.world != nullptr && !sweep.sweep.axes.empty());
  scenario::Sweep moved = sweep.sweep;
  moved.axes.front().keys.front().grid = scenario::Grid{along, along, 2};
  return load_made(sweep, make_point(moved, sweep.design, sweep.world->sources, over));
}

std::string setting_text(const SweptKey& key, double number) { return number_text(key, number); }

std::string point_hash(const LoadedScenario& point) {
  std::string text = "repoquake model " + std::to_string(kModelVersion) + "\n" + point.resolved;
  for (const auto& file : point.files)
    if (file.role == "empirical size") text += file.sha256 + "\n";
  return sha256_hex(text);
}

void check_points(LoadedSweep& sweep, const std::function<std::vector<Issue>(const LoadedScenario&)>& further) {
  if (sweep.world == nullptr) return;
  constexpr std::size_t kEnough = 100;  // complaints; nobody is shown more
  for (const auto index : points_to_check(sweep)) {
    LoadedScenario point = load_point(sweep, index);
    if (further && !point.diagnostics.has_errors()) point.diagnostics.add(further(point));
    const auto& sources = sweep.world->sources;
    const auto made = make_point(sweep.sweep, sweep.design, sources, sweep.points[index]);
    // A complaint that does not lie at a value of the point says at which point it has come up.
    sweep.diagnostics.absorb(point.diagnostics, [&](const Diagnostics::Entry& entry) {
      const bool is_at_value = std::ranges::find(made.nodes, entry.mark, &ConfigNode::mark) != made.nodes.end() ||
                               std::ranges::find(sources, entry.mark, &KeySource::key) != sources.end();
      if (is_at_value) return std::string{};
      std::string where;
      for (const auto& setting : made.point.settings)
        where += (where.empty() ? " (where " : ", ") + setting.key + " = " + setting.value;
      return where + ")";
    });
    if (sweep.diagnostics.error_count() >= kEnough) return;
  }
}

}  // namespace repoquake::io
