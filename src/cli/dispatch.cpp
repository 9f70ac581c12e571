#include "cli/dispatch.hpp"

#include <algorithm>
#include <ostream>
#include <stdexcept>

#include <CLI/CLI.hpp>

#include "build_info.hpp"
#include "cli/exit_codes.hpp"
#include "repoquake/engine/instruction_set.hpp"

namespace repoquake::cli {
namespace {

constexpr const char* kFooter =
    "Results go to standard output, progress and complaints to standard error.\n"
    "Exit codes: 0 ok; 2 usage; 65 the input is wrong; 70 internal error; 74 a file cannot be read or written;\n"
    "75 interrupted; 76 some points of a sweep or a search failed; 77 an expectation was missed (result kept); 78 too "
    "many path-days without a clearing rate (result kept); 79 the estimate of a rare event is too uncertain: refused.\n"
    "REPOQUAKE_ISA=x86-64, x86-64-v3 or x86-64-v4 in the environment forces an instruction set; the bits are the same.";

}  // namespace

int dispatch(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err) {
  CLI::App app{"Monte Carlo stress scenarios of US money-market plumbing", "repoquake"};
  app.require_subcommand(1);
  app.footer(kFooter);
  app.set_version_flag("--version", "repoquake " + std::string(kVersion));
  const Command command{arguments, out, err};
  try {
    static_cast<void>(engine::instruction_set());
  } catch (const std::invalid_argument& error) {
    err << "repoquake: REPOQUAKE_ISA: " << error.what() << '\n';
    return kUsage;
  }
  int exit_code = kOk;
  add_run(app, command, exit_code);
  add_compare(app, command, exit_code);
  add_sweep(app, command, exit_code);
  add_merge(app, command, exit_code);
  add_attribute(app, command, exit_code);
  add_reverse(app, command, exit_code);
  add_rare(app, command, exit_code);
  add_check(app, command, exit_code);
  add_explain(app, command, exit_code);
  add_trace(app, command);
  add_info(app, command);
  add_export(app, command, exit_code);
  add_scenarios(app, command, exit_code);
  add_schema(app, command);
  add_completions(app, command);
  add_version(app, command);
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // the order CLI11 takes
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out, err) == kOk ? kOk : kUsage;
  }
  return exit_code;
}

}  // namespace repoquake::cli
