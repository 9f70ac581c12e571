#include "cli/dispatch.hpp"

#include <algorithm>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "build_info.hpp"
#include "cli/exit_codes.hpp"
#include "repoquake/engine/instruction_set.hpp"
#include "repoquake/io/diagnostics.hpp"

namespace repoquake::cli {
namespace {

constexpr const char* kFooter =
    "Results go to standard output, progress and complaints to standard error.\n"
    "Exit codes: 0 ok; 2 usage; 65 the input is wrong; 70 internal error; 74 a file cannot be read or written;\n"
    "75 interrupted; 76 some points of a sweep or a search failed; 77 an expectation was missed (result kept); 78 too "
    "many path-days without a clearing rate (result kept); 79 the estimate of a rare event is too uncertain: refused.\n"
    "REPOQUAKE_ISA=x86-64, x86-64-v3 or x86-64-v4 in the environment forces an instruction set; the bits are the same.";

/// What is wrong with the words of the command line where one is unknown, with the nearest; "" for anything else.
std::string unknown_word(const CLI::App& app, const std::vector<std::string>& arguments) {
  const auto used = app.get_subcommands();
  if (used.empty()) {
    if (arguments.empty() || arguments.front().starts_with('-')) return "";
    std::vector<std::string> commands;
    for (const auto* verb : app.get_subcommands({})) commands.push_back(verb->get_name());
    return fmt::format("no command is called \"{}\"{}", arguments.front(),
                       io::did_you_mean(arguments.front(), commands));
  }
  const auto* verb = used.front();
  std::vector<std::string> options;
  for (const auto* option : verb->get_options())
    for (const auto& name : option->get_lnames()) options.push_back("--" + name);
  for (const auto& argument : arguments) {
    const std::string word = argument.substr(0, argument.find('='));
    if (word.starts_with("--") && word != "--" && std::ranges::find(options, word) == options.end())
      return fmt::format("{} has no option {}{}", verb->get_name(), word, io::did_you_mean(word, options));
  }
  return "";
}

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
    const bool may_be_unknown = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                                dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
    if (const auto unknown = may_be_unknown ? unknown_word(app, arguments) : ""; !unknown.empty()) {
      err << "repoquake: " << unknown << "\nRun with --help for more information.\n";
      return kUsage;
    }
    return app.exit(error, out, err) == kOk ? kOk : kUsage;
  }
  return exit_code;
}

}  // namespace repoquake::cli
