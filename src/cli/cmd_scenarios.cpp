#include <algorithm>
#include <memory>
#include <ostream>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/dispatch.hpp"
#include "cli/exit_codes.hpp"
#include "cli/scenario_library.hpp"
#include "repoquake/io/diagnostics.hpp"
#include "repoquake/io/scenario_yaml.hpp"

namespace repoquake::cli {
namespace {

constexpr std::string_view kYaml = ".yaml";

constexpr std::string_view kSweeps = "sweeps/";

/// Scenarios, or sweeps with their folder, as they are called after `lib:`.
std::vector<std::string> names(bool of_sweeps) {
  std::vector<std::string> all;
  for (const auto& file : scenario_library()) {
    const bool is_here = of_sweeps ? file.path.starts_with(kSweeps) : file.path.find('/') == std::string_view::npos;
    if (file.path.ends_with(kYaml) && is_here) all.emplace_back(file.path.substr(0, file.path.size() - kYaml.size()));
  }
  return all;
}

/// The value of `title:` in a scenario's text.
std::string title_of(std::string_view text) {
  constexpr std::string_view kKey = "\ntitle: ";
  const auto start = text.find(kKey);
  if (start == std::string_view::npos) return "";
  const auto from = start + kKey.size();
  return std::string(text.substr(from, text.find('\n', from) - from));
}

const LibraryFile* find(std::string_view path) {
  const auto all = scenario_library();
  const auto found = std::ranges::find(all, path, &LibraryFile::path);
  return found == all.end() ? nullptr : &*found;
}

void list(const std::vector<std::string>& all, std::ostream& out) {
  std::size_t width = 0;
  for (const auto& name : all) width = std::max(width, name.size());
  for (const auto& name : all)
    out << fmt::format("{:<{}}  {}\n", name, width, title_of(find(name + std::string(kYaml))->text));
}

int show(const std::string& asked, const Command& command) {
  if (asked.empty()) {
    list(names(false), command.out);
    command.out << "\nsweeps, each a question: repoquake sweep lib:sweeps/NAME\n";
    list(names(true), command.out);
    return kOk;
  }
  const LibraryFile* file = nullptr;
  for (const auto& path : {asked, asked + std::string(kYaml), std::string(kSweeps) + asked + std::string(kYaml)})
    if (file == nullptr) file = find(path);
  if (file == nullptr) {
    auto all = names(false);
    for (const auto& sweep : names(true)) {
      all.push_back(sweep);
      all.push_back(sweep.substr(kSweeps.size()));
    }
    command.err << fmt::format("repoquake: scenarios: there is no \"{}\"{}\n", asked, io::did_you_mean(asked, all));
    return kUsage;
  }
  command.out << file->text;
  return kOk;
}

}  // namespace

void add_scenarios(CLI::App& app, const Command& command, int& exit_code) {
  auto name = std::make_shared<std::string>();
  auto* verb =
      app.add_subcommand("scenarios", "list the scenarios and sweeps that come with the program, or print one");
  verb->add_option(
      "NAME", *name,
      "scenario or sweep to print, e.g. sep_2019 or tga_x_reserves; or a file of the library, e.g. data/sep_2019.csv");
  verb->callback([name, command, &exit_code] { exit_code = show(*name, command); });
}

}  // namespace repoquake::cli
