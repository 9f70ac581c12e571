#include "io/sweep_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "io/csv_lines.hpp"
#include "io/scenario_loader.hpp"
#include "io/scenario_reader.hpp"
#include "repoquake/io/sweep_yaml.hpp"

namespace repoquake::io {
namespace {

using scenario::AxisKey;
using scenario::SweepDesign;
using scenario::SweptKey;
using scenario::Unit;
using Kind = SweptKey::Kind;
using Form = KeyRecord::Form;
using Names = std::vector<std::string>;

constexpr auto kRequired = Presence::required;
constexpr auto kLargestWhole = static_cast<std::uint64_t>(scenario::kMaxSweptNumber);

// ---------------------------------------------------------------- numbers

/// A way in which a key takes numbers.
struct NumberKind {
  Kind kind = Kind::quantity;
  Unit unit = Unit::none;
};

std::vector<NumberKind> number_kinds(const LanguageKey& key) {
  std::vector<NumberKind> kinds;
  for (const Unit unit : key.record.units) kinds.push_back({unit == Unit::count ? Kind::whole : Kind::quantity, unit});
  if (key.record.has(Form::whole)) kinds.push_back({Kind::whole, Unit::count});
  return kinds;
}

Parsed<double> parse_as(const NumberKind& kind, std::string_view text) {
  if (kind.kind == Kind::quantity) return parse_quantity(text, kind.unit);
  const auto whole = parse_whole(text, 0, kLargestWhole);
  return {whole.value ? std::optional(static_cast<double>(*whole.value)) : std::nullopt, whole.reason, whole.hint};
}

/// Two ends in one unit. Complains, and gives nothing, where the key takes no numbers or these are none.
std::optional<std::pair<double, double>> read_ends(SweptKey& key, const LanguageKey* known, const Value& whole,
                                                   const Value& low, const Value& high) {
  const auto low_text = low.single();
  const auto high_text = high.single();
  if (known == nullptr || !low_text || !high_text) return std::nullopt;
  const auto kinds = number_kinds(*known);
  if (kinds.empty()) {
    whole.refuse(key.path + " does not take numbers with one unit; list its values");
    return std::nullopt;
  }
  const auto fits = [&](const NumberKind& kind) {
    return (parse_as(kind, *low_text).value ? 1 : 0) + (parse_as(kind, *high_text).value ? 1 : 0);
  };
  const NumberKind kind = *std::ranges::max_element(kinds, {}, fits);  // the first of the best
  const auto parse = [&](const Value& end, const std::string& text) {
    const auto parsed = parse_as(kind, text);
    if (!parsed.value) end.refuse(parsed.reason, parsed.hint);
    return parsed.value;
  };
  const auto first = parse(low, *low_text);
  const auto last = parse(high, *high_text);
  if (!first || !last) return std::nullopt;
  key.kind = kind.kind;
  key.unit = kind.unit;
  return std::pair{*first, *last};
}

/// Does a key take nothing but quantities, as a single value?
bool takes_only_quantities(const KeyRecord& record) {
  return !record.units.empty() && record.words.empty() && std::ranges::all_of(record.forms, [](Form form) {
    return form == Form::quantity || form == Form::text || form == Form::list || form == Form::map;
  });
}

/// Complains about the values that are no numbers, in the way in which most of them are.
void refuse_values(const std::string& key, const std::vector<NumberKind>& kinds, const std::vector<ListedValue>& values,
                   Diagnostics& diagnostics) {
  const auto fitting = [&](const NumberKind& kind) {
    return std::ranges::count_if(values,
                                 [&](const auto& value) { return parse_as(kind, value.text).value.has_value(); });
  };
  const NumberKind kind = *std::ranges::max_element(kinds, {}, fitting);
  for (const auto& value : values)
    if (const auto parsed = parse_as(kind, value.text); !parsed.value)
      diagnostics.error(value.mark, key, parsed.reason, parsed.hint);
}

/// What is listed for a key: numbers where all values are, else flags, else texts. Complains where they have to be numbers.
void classify(AxisKey& axis, const LanguageKey* known, std::vector<ListedValue>& values, Diagnostics& diagnostics) {
  axis.numbers.clear();
  const auto all = [&](const auto& number_of) {
    axis.numbers.clear();
    for (const auto& value : values) {
      const std::optional<double> number = number_of(value);
      if (!number) return false;
      axis.numbers.push_back(*number);
    }
    return true;
  };
  const auto kinds = known == nullptr ? std::vector<NumberKind>{} : number_kinds(*known);
  const auto kind = std::ranges::find_if(kinds, [&](const NumberKind& each) {
    return all([&](const ListedValue& value) { return parse_as(each, value.text).value; });
  });
  if (kind != kinds.end()) {
    axis.key.kind = kind->kind;
    axis.key.unit = kind->unit;
    for (std::size_t i = 0; i < values.size(); ++i) values[i].text = number_text(axis.key, axis.numbers[i]);
  } else if (known != nullptr && known->record.has(Form::flag) && all([](const ListedValue& value) {
               return value.text == "true"    ? std::optional(1.0)
                      : value.text == "false" ? std::optional(0.0)
                                              : std::nullopt;
             })) {
    axis.key.kind = Kind::flag;
  } else {
    axis.key.kind = Kind::text;
    if (known != nullptr && takes_only_quantities(known->record))
      refuse_values(axis.key.path, kinds, values, diagnostics);
    std::map<std::string, double> index;
    axis.numbers.clear();
    for (const auto& value : values)
      axis.numbers.push_back(index.try_emplace(value.text, static_cast<double>(index.size())).first->second);
  }
  for (const auto& value : values) {
    ConfigNode node = ConfigNode::make(ConfigNode::Kind::scalar, value.mark, value.text);
    node.quoted = value.quoted && axis.key.kind == Kind::text;
    axis.texts.push_back(one_line_yaml(node));
  }
}

// ---------------------------------------------------------------- the sweep file

class SweepReader {
 public:
  SweepReader(Reading& reading, const std::vector<LanguageKey>& language) : reading_(reading), language_(language) {}

  SweepReading read(const ConfigNode& tree) {
    MapReader r(Value(tree, "", tree.mark, reading_));
    read_heading(r, kSweepFormat, sweep().name, sweep().title);
    out_.base = r.take("base", kRequired);
    if (out_.base) sweep().base = out_.base->text().value_or("");

    const auto axes = r.take("axes");
    const auto design = r.take("design");
    const auto factors = r.take("factors");
    if (axes) read_axes(*axes);
    if (design) read_design(*design);
    if (factors) read_factors(*factors);
    check_parts(axes, design, factors, tree.mark);

    out_.skip_if = r.take("skip_if");
    if (out_.skip_if) sweep().skip_if = out_.skip_if->text().value_or("");
    if (out_.skip_if && out_.skip_if->node().is_scalar() && sweep().skip_if.empty()) out_.skip_if->refuse("is empty");
    out_.over = r.take("override");
    if (out_.over) read_override(*out_.over);
    out_.metrics = r.take("metrics");
    if (out_.metrics) check_metrics(*out_.metrics);
    if (const auto rule = r.take("on_error")) sweep().stops_on_error = rule->choice(Names{"continue", "stop"}) == 1U;
    r.finish();
    return std::move(out_);
  }

 private:
  scenario::Sweep& sweep() { return out_.sweep; }
  [[nodiscard]] bool is_recording() const { return reading_.recorder != nullptr; }

  [[nodiscard]] SourceMark mark_of_text(const Value& value) const {
    const auto& text = value.node().text;
    return reading_.diagnostics.place_within(value.node().mark, text, 0, text.size());
  }

  void check_parts(const std::optional<Value>& axes, const std::optional<Value>& design,
                   const std::optional<Value>& factors, const SourceMark& mark) {
    if (is_recording()) return;
    if (axes && (design || factors))
      (design ? design : factors)->refuse("a sweep has axes, or a design with factors; give one of them");
    else if (!axes && !design && !factors)
      reading_.diagnostics.error(mark, "axes", "is missing: a sweep has axes, or a design with factors");
    else if (factors && !design)
      factors->refuse("factors need a design", "design: {kind: lhs, samples: 100}");
    else if (design && !factors && sweep().design != SweepDesign::list && sweep().design != SweepDesign::grid)
      design->refuse("a design needs factors", "factors: [{set: KEY, range: [LOW, HIGH]}]");
    else if (factors && sweep().design == SweepDesign::list)
      factors->refuse("a list has its keys in the header of its file; it has no factors");
  }

  // ---- axes

  /// The parts of a map that moves one key.
  struct Moved {
    std::optional<Value> set, grid, values;
  };
  static Moved take_moved(MapReader& r, Presence presence) {
    return {r.take("set", presence), r.take("grid"), r.take("values")};
  }

  void read_axes(const Value& list) {
    for (const auto& item : list.items().value_or(std::vector<Value>{})) {
      MapReader r(item);
      const auto moved = take_moved(r, Presence::optional);
      const auto zip = r.take("zip");
      r.finish();
      scenario::Axis axis;
      if (zip && !is_recording() && (moved.set || moved.grid || moved.values))
        zip->refuse("an axis sets one key, or several with zip; give one of them");
      if (zip) read_zip(*zip, axis);
      if (!zip && !moved.set && item.node().is_map())
        item.refuse("needs set, with grid or values; or zip", "{set: KEY, values: [A, B]}");
      if (moved.set && (!zip || is_recording())) read_moved(item, moved, axis);
      sweep().axes.push_back(std::move(axis));
    }
    if (list.node().is_list() && list.node().items.empty()) list.refuse("needs at least one axis");
  }

  void read_zip(const Value& zip, scenario::Axis& axis) {
    const auto items = zip.items();
    if (!items) return;
    if (items->size() < 2 && zip.node().is_list()) zip.refuse("moves two keys or more together");
    for (const auto& item : *items) {
      MapReader r(item);
      const auto moved = take_moved(r, kRequired);
      r.finish();
      if (moved.set) read_moved(item, moved, axis);
    }
  }

  void read_moved(const Value& item, const Moved& moved, scenario::Axis& axis) {
    AxisKey key;
    KeySource source;
    const auto* known = read_key(*moved.set, key.key, source);
    if (!is_recording() && moved.grid.has_value() == moved.values.has_value())
      item.refuse(moved.grid ? "has a grid or values; give one of them" : "needs a grid or values",
                  moved.grid ? "" : "grid: {from: A, to: B, steps: 5}, or values: [A, B]");
    if (moved.grid) read_grid(*moved.grid, known, key, source);
    if (moved.values) read_values(*moved.values, known, key, source);
    axis.keys.push_back(std::move(key));
    out_.sources.push_back(std::move(source));
  }

  const LanguageKey* read_key(const Value& set, SweptKey& key, KeySource& source) {
    key.path = set.text().value_or("");
    source.key = mark_of_text(set);
    return find_key(language_, key.path);
  }

  void read_grid(const Value& map, const LanguageKey* known, AxisKey& axis, KeySource& source) {
    MapReader r(map);
    const auto from = r.take("from", kRequired);
    const auto to = r.take("to", kRequired);
    const auto steps = r.take("steps", kRequired);
    r.finish();
    axis.grid = {0.0, 1.0, 2};  // a wrong one brings no second complaint
    if (steps) axis.grid->steps = steps->whole(0, std::numeric_limits<std::uint32_t>::max()).value_or(2);
    if (!from || !to) return;
    if (const auto ends = read_ends(axis.key, known, map, *from, *to)) {
      axis.grid->from = ends->first;
      axis.grid->to = ends->second;
    }
    source.low = from->node().mark;
    source.high = to->node().mark;
    source.range = map.node().mark;
  }

  static void read_values(const Value& list, const LanguageKey* known, AxisKey& axis, KeySource& source) {
    const auto items = list.items();
    if (!items) return;
    if (list.node().is_list() && items->empty()) list.refuse("needs at least one value");
    for (const auto& item : *items)
      if (const auto text = item.single()) source.values.push_back({*text, item.node().quoted, item.node().mark});
    classify(axis, known, source.values, list.reading().diagnostics);
  }

  // ---- designs

  void read_design(const Value& map) {
    MapReader r(map);
    const Names kinds{"lhs", "sobol", "saltelli", "morris", "list"};
    const auto kind = r.take("kind", kRequired);
    const auto which = kind ? kind->choice(kinds) : std::nullopt;
    sweep().design = static_cast<SweepDesign>(which.value_or(0) + 1);
    const bool is_list = which && sweep().design == SweepDesign::list;
    const auto samples = r.take("samples", which && !is_list && !is_recording() ? kRequired : Presence::optional);
    const auto seed = r.take("seed");
    const auto levels = r.take("levels");
    out_.file = r.take("file", is_list && !is_recording() ? kRequired : Presence::optional);
    r.finish();
    sweep().samples = 1;  // a wrong number brings no second complaint
    if (samples) sweep().samples = samples->whole(0, std::numeric_limits<std::uint32_t>::max()).value_or(1);
    if (seed) sweep().seed = seed->whole(0, std::numeric_limits<std::uint64_t>::max()).value_or(1);
    if (levels) sweep().levels = levels->whole(0, std::numeric_limits<std::uint32_t>::max()).value_or(4);
    if (out_.file) (void)out_.file->text();
    if (!which || is_recording()) return;
    const auto refuse = [](const std::optional<Value>& value, const std::string& reason) {
      if (value) value->refuse(reason);
    };
    if (is_list)
      for (const auto& value : {samples, seed})
        refuse(value, "a list has its points in its file; it takes no other key");
    else
      refuse(out_.file, "only a list has a file");
    if (sweep().design != SweepDesign::morris) refuse(levels, "only morris has levels");
  }

  void read_factors(const Value& list) {
    for (const auto& item : list.items().value_or(std::vector<Value>{})) {
      MapReader r(item);
      const auto set = r.take("set", kRequired);
      const auto range = r.take("range", kRequired);
      const auto scale = r.take("scale");
      r.finish();
      scenario::Factor factor{.key = {}, .low = 1.0, .high = 2.0};  // a wrong one brings no second complaint
      if (scale) factor.is_log = scale->choice(Names{"linear", "log"}) == 1U;
      if (set) read_factor(*set, range, factor);
      sweep().factors.push_back(std::move(factor));
    }
  }

  void read_factor(const Value& set, const std::optional<Value>& range, scenario::Factor& factor) {
    KeySource source;
    const auto* known = read_key(set, factor.key, source);
    const auto ends = range ? range->items() : std::nullopt;
    if (ends && ends->size() != 2) range->refuse("must be the smallest and the largest value, e.g. [0 bp, 25 bp]");
    if (ends && ends->size() == 2) {
      source.low = (*ends)[0].node().mark;
      source.high = (*ends)[1].node().mark;
      source.range = range->node().mark;
      if (const auto numbers = read_ends(factor.key, known, *range, (*ends)[0], (*ends)[1])) {
        factor.low = numbers->first;
        factor.high = numbers->second;
      }
    }
    out_.sources.push_back(std::move(source));
  }

  // ---- what is laid over the base

  void read_override(const Value& map) {
    MapReader is_a_map(map);  // its keys are the scenario reader's
    for (const auto& entry : map.node().entries)
      if (entry.key == "extends" || entry.key == "base" || entry.key == "format")
        reading_.diagnostics.error(entry.key_mark, "override." + entry.key,
                                   "has no place here: what is laid over the base is a part of a scenario");
  }

  void check_metrics(const Value& metrics) {
    if (metrics.node().is_list() && metrics.node().items.empty()) metrics.refuse("needs at least one metric");
    const auto* other = out_.over && out_.over->node().is_map() ? out_.over->node().find_entry("metrics") : nullptr;
    if (other != nullptr)
      reading_.diagnostics.error(other->key_mark, "override.metrics",
                                 "the sweep has metrics of its own; state them once");
  }

  Reading& reading_;
  const std::vector<LanguageKey>& language_;
  SweepReading out_;
};

// ---------------------------------------------------------------- the points of a list

/// Keys of the language with the items of `path`: "shocks.tga-build.size" where that is "shocks.tga-build.sise".
Names keys_like(std::string_view path, const std::vector<LanguageKey>& language) {
  Names names;
  for (const auto& key : language) {
    std::string name = key.record.path;
    const auto item = name.find("[]");
    if (item != std::string::npos) {
      const bool is_below = path.starts_with(name.substr(0, item)) && path.size() > item + 1;
      const auto end = is_below ? path.find_first_of(".]", item + 1) : std::string_view::npos;
      if (end == std::string_view::npos) continue;
      name.replace(item, 2, path.substr(item, end - item + (path[end] == ']' ? 1 : 0)));
    }
    names.push_back(std::move(name));
  }
  return names;
}

/// "fed_balance_sheet.reserves [bn USD]" as key and unit.
std::pair<std::string, std::string> split_header(const std::string& text) {
  const auto open = text.find(" [");
  if (open == std::string::npos || !text.ends_with(']')) return {text, ""};
  return {text.substr(0, open), text.substr(open + 2, text.size() - open - 3)};
}

}  // namespace

std::string number_text(const SweptKey& key, double number) {
  if (key.kind == Kind::quantity) return quantity_text(number, key.unit);
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed).ptr;
  return {digits.data(), end};
}

SweepReading read_sweep(const ConfigNode& tree, Reading& reading, const std::vector<LanguageKey>& language) {
  return SweepReader(reading, language).read(tree);
}

AxisKey read_range(const std::string& path, const Value& low, const Value& high, std::size_t steps, KeySource& source,
                   const std::vector<LanguageKey>& language) {
  AxisKey axis{.key = {.path = path}, .grid = scenario::Grid{0.0, 1.0, steps}};  // wrong ends bring one complaint
  source.low = source.range = low.node().mark;
  source.high = high.node().mark;
  if (const auto ends = read_ends(axis.key, find_key(language, path), low, low, high)) {
    axis.grid->from = ends->first;
    axis.grid->to = ends->second;
    constexpr double kLeastRange = 1e-6;  // against the larger end: numbers have 12 digits
    const double larger = std::max(std::abs(ends->first), std::abs(ends->second));
    if (larger > scenario::kMaxSweptNumber)
      high.refuse("a number is larger than 1e15");
    else if (std::abs(ends->second - ends->first) <= kLeastRange * larger)
      high.refuse("is too close to the other end, " + number_text(axis.key, ends->first) + ", to search in between");
  }
  return axis;
}

AxisKey read_listed(const std::string& path, KeySource& source, const std::vector<LanguageKey>& language,
                    Diagnostics& diagnostics) {
  AxisKey axis{.key = {.path = path}};
  classify(axis, find_key(language, path), source.values, diagnostics);
  for (std::size_t k = 0; k < axis.texts.size(); ++k)
    if (std::find(axis.texts.begin(), axis.texts.begin() + static_cast<std::ptrdiff_t>(k), axis.texts[k]) !=
        axis.texts.begin() + static_cast<std::ptrdiff_t>(k))
      diagnostics.error(source.values[k].mark, path, axis.texts[k] + " is given twice");
  return axis;
}

std::pair<scenario::Axis, std::vector<KeySource>> read_points(std::string_view text, int file,
                                                              const std::vector<LanguageKey>& language,
                                                              Diagnostics& diagnostics) {
  CsvLines csv(text, file, diagnostics);
  std::vector<Cell> cells;
  if (!csv.find_header(cells)) {
    csv.complain(csv.here(), "", "the file has no header; it holds the keys that the points set");
    return {};
  }
  if (cells.size() > scenario::kMaxSweptKeys) {
    csv.complain(csv.here(), "",
                 "at most " + std::to_string(scenario::kMaxSweptKeys) + " keys, got " + std::to_string(cells.size()));
    return {};
  }
  scenario::Axis axis;
  std::vector<KeySource> sources;
  Names units;
  for (const auto& cell : cells) {
    auto [key, unit] = split_header(cell.text);
    if (key.empty()) csv.complain(cell.mark, "", "a column without a key");
    axis.keys.push_back({.key = {.path = std::move(key)}});
    sources.push_back({.key = cell.mark});
    units.push_back(std::move(unit));
  }
  const std::size_t most = std::min(scenario::kMaxSweepPoints, scenario::kMaxSweptNumbers / cells.size());
  while (!csv.is_full() && csv.next_row(cells)) {
    if (CsvLines::is_blank(cells)) continue;
    if (cells.size() != sources.size()) {
      csv.complain(
          cells.back().mark, "",
          "the row has " + std::to_string(cells.size()) + " cells, the header " + std::to_string(sources.size()));
      continue;
    }
    if (sources.front().values.size() == most) {
      csv.complain(csv.here(), "", "more than " + std::to_string(most) + " points");
      break;
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].text.empty()) csv.complain(cells[i].mark, axis.keys[i].key.path, "has no value");
      if (!units[i].empty() && !parse_number(cells[i].text).value)
        csv.complain(cells[i].mark, axis.keys[i].key.path,
                     shown_cell(cells[i].text) + " is not a plain number; its unit stands in the header");
      sources[i].values.push_back({cells[i].text + (units[i].empty() ? "" : " " + units[i]), false, cells[i].mark});
    }
  }
  if (csv.complaints() == 0 && sources.front().values.empty())
    csv.complain(csv.here(), "", "the file has no points; a row each after the header");
  if (csv.complaints() == 0)
    for (std::size_t i = 0; i < sources.size(); ++i)
      classify(axis.keys[i], find_key(language, axis.keys[i].key.path), sources[i].values, diagnostics);
  return {std::move(axis), std::move(sources)};
}

void check_swept_keys(const std::vector<SweptKey>& keys, const std::vector<KeySource>& sources,
                      const std::vector<LanguageKey>& language, Diagnostics& diagnostics) {
  const auto complain = [&](std::size_t i, const std::string& reason) {
    diagnostics.error(sources[i].key, keys[i].path, reason);
  };
  constexpr int kNearestNames = 20;  // to search for each of thousands would take long
  int unknown = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string& path = keys[i].path;
    const auto* known = find_key(language, path);
    if (path.size() > 4 * kMaxKeyLength) {
      complain(i, "a key is longer than " + std::to_string(4 * kMaxKeyLength) + " bytes");
      continue;
    }
    if (path.empty()) continue;  // has been complained about
    if (known == nullptr) {
      const auto nearest = ++unknown <= kNearestNames ? did_you_mean(path, keys_like(path, language)) : "";
      complain(i, "unknown key" + (nearest.empty() ? "; docs/scenario_reference.md lists the keys" : nearest));
      continue;
    }
    const auto& record = known->record;
    const bool is_single =
        std::ranges::any_of(record.forms, [](Form form) { return form != Form::list && form != Form::map; }) ||
        !record.words.empty();
    if (path == "format" || path == "extends")
      complain(i, "cannot be swept: it belongs to the file, not to the scenario");
    else if (!is_single)
      complain(i, "is no single value; set one of its keys");
    for (std::size_t j = 0; j < i; ++j)
      if (keys[j].path == path)
        complain(i, "is set twice; first in line " + std::to_string(sources[j].key.line));
      else if (are_related(keys[j].path, path))
        complain(i, "is set together with " + keys[j].path + ", of which one is a part of the other");
  }
}

}  // namespace repoquake::io
