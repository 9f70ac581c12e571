/// The verbs of the program.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace repoquake::cli {

/// Runs a command line (without the program's name). Results go to `out`, progress and complaints to `err`.
/// Returns the exit code; throws ScenarioError, DataError, IoError and bugs for main to report.
int dispatch(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err);

/// A verb sets itself up on the application and leaves what to do in `action`.
struct Command {
  std::vector<std::string> arguments;  ///< the whole command line, for provenance
  std::ostream& out;
  std::ostream& err;
};

void add_run(CLI::App& app, const Command& command, int& exit_code);
void add_sweep(CLI::App& app, const Command& command, int& exit_code);
void add_merge(CLI::App& app, const Command& command, int& exit_code);
void add_attribute(CLI::App& app, const Command& command, int& exit_code);
void add_compare(CLI::App& app, const Command& command, int& exit_code);
void add_reverse(CLI::App& app, const Command& command, int& exit_code);
void add_rare(CLI::App& app, const Command& command, int& exit_code);
void add_check(CLI::App& app, const Command& command, int& exit_code);
void add_info(CLI::App& app, const Command& command);
void add_scenarios(CLI::App& app, const Command& command, int& exit_code);
void add_completions(CLI::App& app, const Command& command);
void add_export(CLI::App& app, const Command& command, int& exit_code);
void add_explain(CLI::App& app, const Command& command, int& exit_code);
void add_schema(CLI::App& app, const Command& command);
void add_trace(CLI::App& app, const Command& command);
void add_version(CLI::App& app, const Command& command);

}  // namespace repoquake::cli
