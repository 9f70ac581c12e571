#include <algorithm>
#include <map>
#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/dispatch.hpp"
#include "cli/exit_codes.hpp"
#include "cli/scenario_options.hpp"
#include "repoquake/io/language.hpp"

namespace repoquake::cli {
namespace {

struct ExplainCommand {
  std::string file;
  std::string key;
  std::string other;
  ScenarioOptions scenario;
};

struct Line {
  std::string path, value, place;
};

/// Every stated key in the order of the file, and the defaults of those that nothing states.
std::vector<Line> resolve(const io::LoadedScenario& loaded, const std::vector<io::LanguageKey>& language) {
  std::vector<Line> lines;
  for (const auto& key : loaded.keys) lines.push_back({key.path, key.value, key.place});
  const auto is_stated = [&](const std::string& path) {
    return std::ranges::any_of(loaded.keys, [&](const auto& key) {
      return key.path == path || key.path.starts_with(path + ".") || key.path.starts_with(path + "[");
    });
  };
  for (const auto& key : language) {
    const auto& record = key.record;
    const bool is_in_list = record.path.find("[]") != std::string::npos;
    if (is_in_list || record.default_text.empty() || is_stated(record.path)) continue;
    if (record.path.starts_with("policy.rules.")) continue;  // a rule that is not written is off
    lines.push_back({record.path, record.default_text, "default"});
  }
  return lines;
}

void show(const std::vector<Line>& lines, std::ostream& out) {
  std::size_t path_width = 0, value_width = 0;
  for (const auto& line : lines) {
    path_width = std::max(path_width, std::min(line.path.size(), std::size_t{52}));
    value_width = std::max(value_width, std::min(line.value.size(), std::size_t{44}));
  }
  for (const auto& line : lines)
    out << fmt::format("{:<{}}  {:<{}}  # {}\n", line.path + ":", path_width + 1, line.value, value_width, line.place);
}

void show_meaning(const io::LanguageKey& key, std::ostream& out) {
  out << fmt::format("  {}\n", key.meaning);
  if (!key.range.empty()) out << fmt::format("  allowed: {}\n", key.range);
  if (!key.record.default_text.empty()) out << fmt::format("  default: {}\n", key.record.default_text);
  if (!key.source.empty()) out << fmt::format("  source:  {}\n", key.source);
  if (const auto example = io::example_of(key.record); !example.empty()) out << fmt::format("  e.g.     {}\n", example);
}

int explain_key(const std::string& key, const std::vector<Line>& lines, const std::vector<io::LanguageKey>& language,
                const Command& command) {
  std::vector<Line> matching;
  for (const auto& line : lines)
    if (line.path == key || line.path.starts_with(key + ".") || line.path.starts_with(key + "["))
      matching.push_back(line);
  const auto* meaning = io::find_key(language, key);
  if (matching.empty() && meaning == nullptr) {
    std::vector<std::string> names;
    for (const auto& line : lines) names.push_back(line.path);
    for (const auto& known : language) names.push_back(known.record.path);
    command.err << fmt::format("repoquake: explain: no key is called {}{}\n", key, io::did_you_mean(key, names));
    return kUsage;
  }
  show(matching, command.out);
  if (matching.empty()) command.out << key << ": nothing states it\n";
  if (meaning != nullptr) show_meaning(*meaning, command.out);
  return kOk;
}

/// What differs between two scenarios, with what set it in each.
int explain_difference(const std::vector<Line>& lines, const std::vector<Line>& others, std::ostream& out) {
  std::map<std::string, std::pair<const Line*, const Line*>> pairs;
  for (const auto& line : lines) pairs[line.path].first = &line;
  for (const auto& line : others) pairs[line.path].second = &line;
  std::size_t count = 0;
  const auto show_side = [&](char sign, const Line* line) {
    if (line != nullptr) out << fmt::format("{} {}: {}  # {}\n", sign, line->path, line->value, line->place);
  };
  for (const auto& [path, pair] : pairs) {
    if (pair.first != nullptr && pair.second != nullptr && pair.first->value == pair.second->value) continue;
    ++count;
    show_side('-', pair.first);
    show_side('+', pair.second);
  }
  out << fmt::format("{} {}\n", count, count == 1 ? "difference" : "differences");
  return kOk;
}

int explain(const ExplainCommand& options, const Command& command) {
  const auto load = [&](const std::string& file) {
    Prepared prepared = prepare(file, options.scenario);
    io::require_valid(prepared.loaded);
    return std::move(prepared.loaded);
  };
  const auto language = io::scenario_language();
  const auto lines = resolve(load(options.file), language);
  if (!options.other.empty()) return explain_difference(lines, resolve(load(options.other), language), command.out);
  if (!options.key.empty()) return explain_key(options.key, lines, language, command);
  show(lines, command.out);
  return kOk;
}

}  // namespace

void add_explain(CLI::App& app, const Command& command, int& exit_code) {
  auto options = std::make_shared<ExplainCommand>();
  auto* verb =
      app.add_subcommand("explain", "show the resolved scenario, each value with the file and line that set it");
  verb->add_option("FILE", options->file, "scenario file, or lib:NAME")->required();
  verb->add_option("KEY", options->key, "only this key, with what it means, e.g. market.need or shocks.tga-build");
  verb->add_option("--diff", options->other, "show what differs from another scenario")->type_name("OTHER");
  add_scenario_options(*verb, options->scenario);
  verb->callback([options, command, &exit_code] { exit_code = explain(*options, command); });
}

}  // namespace repoquake::cli
