#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>

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
};

/// All files are looked at; the worst exit code counts: a file that cannot be read before one that is wrong.
int check(const CheckOptions& options, const Command& command) {
  int code = kOk;
  for (const auto& file : options.files) {
    try {
      const Prepared prepared = prepare(file, options.scenario);
      const auto& diagnostics = prepared.loaded.diagnostics;
      if (!diagnostics.empty()) command.err << diagnostics.render() << '\n';
      if (diagnostics.has_errors()) {
        code = code == kInputOutput ? code : kBadInput;
      } else if (!options.quiet) {
        command.out << file << ": ok\n";
      }
    } catch (const IoError& error) {
      command.err << "repoquake: " << error.what() << '\n';
      code = kInputOutput;
    }
  }
  return code;
}

}  // namespace

void add_check(CLI::App& app, const Command& command, int& exit_code) {
  auto options = std::make_shared<CheckOptions>();
  auto* verb = app.add_subcommand("check", "validate scenario files and show everything that is wrong");
  verb->add_option("FILE", options->files, "scenario files")->required();
  add_scenario_options(*verb, options->scenario);
  verb->add_flag("--quiet", options->quiet, "say nothing about files that are right");
  verb->callback([options, command, &exit_code] { exit_code = check(*options, command); });
}

}  // namespace repoquake::cli
