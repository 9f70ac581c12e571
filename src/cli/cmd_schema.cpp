#include <algorithm>
#include <map>
#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/dispatch.hpp"
#include "repoquake/io/language.hpp"
#include "repoquake/io/quantity.hpp"
#include "repoquake/scenario/series.hpp"

namespace repoquake::cli {
namespace {

using io::KeyRecord;
using io::LanguageKey;
using Form = KeyRecord::Form;
using Json = nlohmann::ordered_json;

constexpr std::string_view kNumber = R"([+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?)";
constexpr std::string_view kDate =
    R"((\d{4}-\d{2}-\d{2}|tax-date|coupon-settlement|month-end|quarter-end|year-end|start|end|day \d+)( [+-] \d+ bd)?)";

/// Every way to write any of the units.
std::vector<std::string> forms_of(const std::vector<scenario::Unit>& units) {
  std::vector<std::string> forms;
  for (const auto unit : units)
    for (auto& form : io::unit_forms(unit)) forms.push_back(std::move(form));
  return forms;
}

Json text_matching(const std::string& pattern) { return {{"type", "string"}, {"pattern", "^" + pattern + "$"}}; }

Json quantity_schema(const std::vector<scenario::Unit>& units) {
  const std::string number(kNumber);
  if (units.empty()) return text_matching(number + " ?.*");  // in the unit of something else
  std::string any;
  for (const auto& form : forms_of(units)) any += (any.empty() ? "" : "|") + form;
  Json text = text_matching(number + " ?(" + any + ")");
  const auto forms = forms_of(units);
  if (std::ranges::find(forms, "") == forms.end()) return text;
  return {{"anyOf", Json::array({{{"type", "number"}}, text})}};
}

/// The schema of one form of a key.
std::vector<Json> form_schemas(const KeyRecord& record) {
  std::vector<Json> forms;
  for (const Form form : record.forms) {
    switch (form) {
      case Form::quantity:
        forms.push_back(quantity_schema(record.units));
        break;
      case Form::whole:
        forms.push_back({{"type", "integer"}, {"minimum", 0}});
        break;
      case Form::flag:
        forms.push_back({{"type", "boolean"}});
        break;
      case Form::id:
        forms.push_back(text_matching("[A-Za-z0-9_-]+"));
        break;
      case Form::date:
        forms.push_back(text_matching(std::string(kDate)));
        break;
      case Form::rate:
        forms.push_back(text_matching(R"((iorb( [+-] .*bp)?|.*%))"));
        break;
      case Form::condition:
        forms.push_back(text_matching(R"(am_spread ?> ?.*(bp|%))"));
        break;
      case Form::text:
        if (record.forms.size() == 1) forms.push_back({{"type", "string"}});  // else the reader's way to another form
        break;
      case Form::value:
        forms.push_back({{"type", {"string", "number", "boolean"}}});
        break;
      case Form::choice:
      case Form::list:
      case Form::map:
        break;  // words, items and keys are added by whoever knows them
    }
  }
  if (!record.words.empty()) forms.push_back({{"enum", record.words}});
  return forms;
}

class SchemaWriter {
 public:
  explicit SchemaWriter(const std::vector<LanguageKey>& keys) : keys_(keys) {}

  [[nodiscard]] Json of_children(const std::string& parent) const {
    Json properties = Json::object();
    for (const auto& key : keys_) {
      const std::string& path = key.record.path;
      const std::string lead = parent.empty() ? "" : parent + ".";
      if (!path.starts_with(lead) || path.size() == lead.size()) continue;
      const auto name = path.substr(lead.size());
      if (name.find_first_of(".[") != std::string::npos) continue;
      properties[name] = of(key);
    }
    if (properties.empty()) return {{"type", "object"}};  // keys of another language
    return {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  }

 private:
  [[nodiscard]] const LanguageKey* find(const std::string& path) const {
    const auto found = std::ranges::find(keys_, path, [](const auto& key) { return key.record.path; });
    return found == keys_.end() ? nullptr : &*found;
  }

  [[nodiscard]] Json of(const LanguageKey& key) const {
    auto forms = form_schemas(key.record);
    if (key.record.has(Form::list)) {
      const auto* item = find(key.record.path + "[]");
      Json list{{"type", "array"}};
      if (item != nullptr) list["items"] = of(*item);
      forms.push_back(list);
      if (key.record.path == "extends") forms.push_back({{"type", "string"}});
    }
    if (key.record.has(Form::map)) {
      Json map = of_children(key.record.path);
      if (find(key.record.path + ".id") != nullptr) map["required"] = {"id"};
      forms.push_back(map);
    }
    if (!key.record.required) forms.push_back({{"type", "null"}});
    Json schema = forms.size() == 1 ? forms.front() : Json{{"anyOf", forms}};
    schema["description"] = describe(key);
    return schema;
  }

  [[nodiscard]] static std::string describe(const LanguageKey& key) {
    std::string text = key.meaning;
    if (!key.range.empty()) text += "; " + key.range;
    if (!key.record.default_text.empty()) text += ". Default: " + key.record.default_text;
    if (const auto example = io::example_of(key.record); !example.empty()) text += ". E.g. " + example;
    return text;
  }

  const std::vector<LanguageKey>& keys_;
};

Json schema_of(const std::string& kind, const std::vector<LanguageKey>& keys) {
  Json schema{{"$schema", "http://json-schema.org/draft-07/schema#"},
              {"title", "repoquake " + kind},
              {"description", "Generated by `repoquake schema " + kind +
                                  "`; editors complete keys with it. `repoquake check` knows more."}};
  schema.update(SchemaWriter(keys).of_children(""));
  return schema;
}

Json sweep_schema() {
  Json schema = schema_of("sweep", io::sweep_language());
  schema["required"] = {"format", "name", "base"};
  const Json needs_axes{{"required", Json::array({"axes"})}}, needs_design{{"required", Json::array({"design"})}};
  schema["oneOf"] = Json::array({needs_axes, needs_design});
  return schema;
}

Json scenario_schema() {
  Json schema = schema_of("scenario", io::scenario_language());
  schema["required"] = {"format", "name"};
  Json without_parents = Json::array();
  for (const auto* key : {"window", "market", "fed_balance_sheet", "policy", "basis_trade"})
    without_parents.push_back(key);
  schema["if"] = {{"not", {{"required", {"extends"}}}}};
  schema["then"] = {{"required", without_parents}};
  return schema;
}

// ---------------------------------------------------------------- the reference page

std::string form_text(const LanguageKey& key) {
  const KeyRecord& record = key.record;
  std::vector<std::string> forms;
  for (const auto& word : record.words) forms.push_back("`" + word + "`");
  const auto add = [&](Form form, std::string text) {
    if (record.has(form)) forms.push_back(std::move(text));
  };
  if (record.has(Form::quantity)) {
    if (record.units.empty()) {
      forms.emplace_back("quantity");
    } else {
      std::string units;
      for (const auto& unit : forms_of(record.units))
        units += (units.empty() ? "" : ", ") + (unit.empty() ? std::string("bare") : "`" + unit + "`");
      forms.push_back("number, " + units);
    }
  }
  add(Form::whole, "whole number");
  add(Form::flag, "`true`, `false`");
  add(Form::id, "id");
  add(Form::date, "day");
  add(Form::rate, "`iorb + 15 bp` or `2.25 %`");
  add(Form::condition, "`am_spread > 60 bp`");
  if (record.forms.size() == 1) add(Form::text, "text");
  add(Form::value, "a value of the key");
  add(Form::list, "list");
  add(Form::map, "map");
  std::string text;
  for (const auto& form : forms) text += (text.empty() ? "" : ", ") + form;
  return text;
}

std::string cell(std::string text) {
  for (auto at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) text.replace(at, 1, "\\|");
  return text;
}

constexpr std::string_view kReferenceHead = R"(# Scenario reference

Every key of a scenario file, from the same list that reads it: `repoquake schema scenario --format markdown` writes this page, and a test keeps it in step.

A scenario is one YAML file, its parents (`extends`) and, where it has one, a CSV of daily series. `[]` stands for the items of a list; in `--set` and in messages an item with an `id` is an element of the
path: `shocks.tga-build.size`. **Required** keys must be there after merging.

**Units.** A quantity carries its unit: `5 bp`, `2.10 %`, `120 bn USD` (also `mn`, `tn`), `40 bn USD per month`, `3 bd`, `34 x`. A bare number stands only where there is no unit; there a share may be written as a percentage.

**Days.** `2019-09-16`; a day of the calendar, the first after the start of the window: `tax-date`, `coupon-settlement` (the 15th or the next open day, and the last one of a month), `month-end`, `quarter-end`, `year-end`; of the window: `start`,
`end`, `day 5` (the opening is day 0); each with a step in business days: `quarter-end - 1 bd`. The calendar is that of SOFR's publication days.

**Merging.** Maps merge deep; lists whose items have an `id` merge by `id`; other lists replace; `!clear` before a value empties what it is laid on; `null` removes an optional key. Order: `extends` from left to right, the file, each `--with`, each
`--set`. `--set` knows `KEY=VALUE`, `+LIST=ITEM` (adds an item) and `~KEY` (removes a key).

**Series.** One CSV, one row a day of the window, `date` first (ISO), every other column optional; its columns are at the end of this page.

**Files.** A path is relative to the file that names it. It must lie, symbolic links resolved, under the working directory or the folder of the file given on the command line; `--allow-outside` lifts that. `lib:NAME` is a file of the built-in library.
Only regular files are read, a scenario of at most 1 MB, a series of at most 64 MB.

)";

constexpr std::string_view kSweepReferenceHead = R"(# Sweep reference

Every key of a sweep file, from the same list that reads it: `repoquake schema sweep --format markdown` writes this page, and a test keeps it in step.

A sweep is one scenario, the base, at many points. `repoquake check SWEEP.yaml` makes the points and says what is wrong with them.

**Points.** `axes`: every combination of their values, the last axis fastest; a `zip` is one axis on which several keys move together. `design`: the points of a Latin hypercube, of Sobol's sequence, of Saltelli or of Morris in the ranges of
`factors`; or a `list`, one point a row of a CSV. At most 1,000,000 points and 4,000,000 numbers.

**Keys and values.** Any key of a scenario can move, written as in `--set`: `shocks.tga-build.size`, `policy.administered_rates[0].iorb`, `model.standing_repo.stigma`. A grid or a range needs a key that takes numbers, and carries their unit; a key
that takes whole numbers needs whole ones. `values` are any single values of the key. Numbers between the ends are rounded to 12 significant digits.

**Order.** The base, `override`, `metrics`, the command line (`--with`, `--set`, `--paths`, `--seed`), the point. The base's `expect` is left out: it is about the base alone.

**Files.** `base` and the `file` of a list are relative to the sweep file, and must lie, symbolic links resolved, under the working directory or the folder of the file given on the command line; `--allow-outside` lifts that.

**The need.** A point holds the funding need of the base with its override. Where the base, the override or the command line states `market.need`, it is as stated; else, where the point changes a value of `model`, it is inverted again. While the need is held,
`market.opening_spread`, `market.trend_spread` and `market.need` cannot move: write `override: {market: {need: invert}}`.

**What `check` looks at.** All points of at most 2,000. Of more, of axes and lists every point that shows a value for the first time, at most 10,000; of the other designs the first 2,000.

)";

std::string reference_page(std::string_view head, const std::vector<LanguageKey>& language) {
  std::string text(head);
  bool in_table = false;
  for (const auto& key : language) {
    const std::string& path = key.record.path;
    const bool is_section = path.find_first_of(".[") == std::string::npos && key.record.has(Form::map);
    if (is_section) text += fmt::format("\n## `{}`\n\n{}.\n", path, key.meaning);
    if (is_section || !in_table) text += "\n| key | written as | default | meaning |\n|---|---|---|---|\n";
    in_table = true;
    if (is_section) continue;
    std::string meaning = key.meaning;
    if (!key.range.empty()) meaning += "; " + key.range;
    if (!key.source.empty()) meaning += " [" + key.source + "]";
    text += fmt::format("| `{}` | {} | {} | {} |\n", path, cell(form_text(key)),
                        cell(key.record.required ? "**required**" : key.record.default_text), cell(meaning));
  }
  return text;
}

std::string scenario_reference() {
  std::string text = reference_page(kReferenceHead, io::scenario_language());
  text +=
      "\n## Columns of a series\n\nBlank: no flow of an input, nothing observed of an observation. The change of "
      "`tga_usd_bn` between rows is the flow; `repo_operation_offered_usd_bn` acts through an operation with `size: "
      "series`.\n\n"
      "| column | kind | unit | may be negative |\n|---|---|---|---|\n";
  for (const auto& column : scenario::series_columns())
    text += fmt::format("| `{}` | {} | {} | {} |\n", column.name,
                        column.role == scenario::ColumnRole::input ? "input" : "observation",
                        scenario::unit_text(column.unit), column.may_be_negative ? "yes" : "no");
  return text;
}

}  // namespace

void add_schema(CLI::App& app, const Command& command) {
  struct Options {
    std::string of = "scenario";
    std::string format = "json";
  };
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand(
      "schema", "print the language of scenario or sweep files: JSON Schema for editors, or the reference page");
  auto* kind = verb->add_option("OF", options->of, "what kind of file, scenario or sweep")
                   ->check(CLI::IsMember({"scenario", "sweep"}));
  verb->add_flag_callback(
          "--sweep", [options] { options->of = "sweep"; }, "the same as: schema sweep")
      ->excludes(kind);
  verb->add_option("--format", options->format, "json or markdown")->check(CLI::IsMember({"json", "markdown"}));
  verb->callback([options, command] {
    const bool is_sweep = options->of == "sweep";
    if (options->format == "json")
      command.out << (is_sweep ? sweep_schema() : scenario_schema()).dump(2) << '\n';
    else
      command.out << (is_sweep ? reference_page(kSweepReferenceHead, io::sweep_language()) : scenario_reference());
  });
}

}  // namespace repoquake::cli
