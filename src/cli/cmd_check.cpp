#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/dispatch.hpp"
#include "cli/exit_codes.hpp"
#include "cli/scenario_options.hpp"
#include "repoquake/core/error.hpp"

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

/// All files are looked at; the worst exit code counts: a file that cannot be read before one that is wrong.
int check(const CheckOptions& options, const Command& command) {
  int code = kOk;
  const bool is_text = options.format == "text";
  auto findings = nlohmann::ordered_json::array();
  std::size_t errors = 0, warnings = 0;
  for (const auto& file : options.files) {
    try {
      const Prepared prepared = prepare(file, options.scenario);
      const auto& diagnostics = prepared.loaded.diagnostics;
      for (const auto& entry : diagnostics.sorted()) findings.push_back(as_json(diagnostics, entry));
      errors += diagnostics.error_count();
      warnings += diagnostics.warning_count();
      if (is_text && !diagnostics.empty()) command.err << diagnostics.render() << '\n';
      if (diagnostics.has_errors()) {
        code = code == kInputOutput ? code : kBadInput;
      } else if (is_text && !options.quiet) {
        command.out << file << ": ok\n";
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
  auto* verb = app.add_subcommand("check", "validate scenario files and show everything that is wrong");
  verb->add_option("FILE", options->files, "scenario files")->required();
  add_scenario_options(*verb, options->scenario);
  verb->add_option("--format", options->format, "text for people, json for editors and CI")
      ->check(CLI::IsMember({"text", "json"}));
  verb->add_flag("--quiet", options->quiet, "say nothing about files that are right");
  verb->callback([options, command, &exit_code] { exit_code = check(*options, command); });
}

}  // namespace repoquake::cli
