#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/dispatch.hpp"
#include "cli/exit_codes.hpp"
#include "cli/scenario_options.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/sweep_yaml.hpp"
#include "repoquake/plan/compile.hpp"

namespace repoquake::cli {
namespace {

struct CheckOptions {
  std::vector<std::string> files;
  ScenarioOptions scenario;
  bool quiet = false;
  std::string format = "text";
};

/// A finding for tools: where, what, and what to do.
nlohmann::ordered_json as_json(const io::Diagnostics& diagnostics, const io::Diagnostics::Entry& entry) {
  const bool is_error = entry.severity == Issue::Severity::error;
  return {{"file", diagnostics.source_name(entry.mark.file)},
          {"line", entry.mark.line},
          {"column", entry.mark.column},
          {"width", entry.mark.width},
          {"severity", is_error ? "error" : "warning"},
          {"key", entry.key},
          {"reason", entry.reason},
          {"hint", entry.hint}};
}

struct Checked {
  io::Diagnostics diagnostics;
  std::string summary;  ///< of a file without errors
};

std::string counted(std::size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

/// "54 points of 3 axes, 0 skipped; metrics: p95_peak"
std::string summary_of(const io::LoadedSweep& loaded) {
  const auto& sweep = loaded.sweep;
  const auto kind = static_cast<std::size_t>(sweep.design);
  const std::string parts =
      sweep.design == scenario::SweepDesign::grid
          ? fmt::format("{} {}", sweep.axes.size(), sweep.axes.size() == 1 ? "axis" : "axes")
      : sweep.design == scenario::SweepDesign::list
          ? "a list of " + counted(sweep.keys().size(), "key")
          : fmt::format("{} on {}", scenario::kSweepDesignNames[kind], counted(sweep.factors.size(), "factor"));
  std::string metrics;
  for (const auto& metric : loaded.base.scenario.metrics) metrics += (metrics.empty() ? "" : ", ") + metric.id;
  return fmt::format("{} of {}, {} skipped; metrics: {}", counted(loaded.points.size(), "point"), parts, loaded.skipped,
                     metrics.empty() ? "none" : metrics);
}

Checked check_sweep(const std::string& file, const io::LoadOptions& options) {
  auto loaded = io::load_sweep(file, options);
  io::check_points(loaded, [](const io::LoadedScenario& point) {
    return plan::compile(point.scenario, point.base ? &*point.base : nullptr).issues;
  });
  return {loaded.diagnostics, ": " + summary_of(loaded)};
}

Checked check_file(const std::string& file, const ScenarioOptions& options) {
  if (io::is_sweep(file, options.load_options())) return check_sweep(file, options.load_options());
  io::LoadedScenario loaded = prepare(file, options).loaded;
  check_switches(file, options, loaded);
  return {loaded.diagnostics, {}};
}

/// All files are looked at; the worst exit code counts: a file that cannot be read before one that is wrong.
int check(const CheckOptions& options, const Command& command) {
  int code = kOk;
  const bool is_text = options.format == "text";
  auto findings = nlohmann::ordered_json::array();
  std::size_t errors = 0, warnings = 0;
  for (const auto& file : options.files) {
    try {
      const auto [diagnostics, summary] = check_file(file, options.scenario);
      for (const auto& entry : diagnostics.sorted()) findings.push_back(as_json(diagnostics, entry));
      errors += diagnostics.error_count();
      warnings += diagnostics.warning_count();
      if (is_text && !diagnostics.empty()) command.err << diagnostics.render() << '\n';
      if (diagnostics.has_errors()) {
        code = code == kInputOutput ? code : kBadInput;
      } else if (is_text && !options.quiet) {
        command.out << file << ": ok" << summary << '\n';
      }
    } catch (const IoError& error) {
      command.err << "repoquake: " << error.what() << '\n';
      code = kInputOutput;
    }
  }
  if (!is_text) {
    const nlohmann::ordered_json report{
        {"format", "repoquake/check/1"}, {"errors", errors}, {"warnings", warnings}, {"findings", findings}};
    command.out << report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
  }
  return code;
}

}  // namespace

void add_check(CLI::App& app, const Command& command, int& exit_code) {
  auto options = std::make_shared<CheckOptions>();
  auto* verb = app.add_subcommand("check", "validate scenario and sweep files and show everything that is wrong");
  verb->add_option("FILE", options->files, "scenario or sweep files")->required();
  add_scenario_options(*verb, options->scenario);
  verb->add_option("--format", options->format, "text for people, json for editors and CI")
      ->check(CLI::IsMember({"text", "json"}));
  verb->add_flag("--quiet", options->quiet, "say nothing about files that are right");
  verb->callback([options, command, &exit_code] { exit_code = check(*options, command); });
}

}  // namespace repoquake::cli
