#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "build_info.hpp"
#include "cli/build_facts.hpp"
#include "cli/dispatch.hpp"
#include "cli/exit_codes.hpp"
#include "cli/progress.hpp"
#include "cli/simulation_options.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/engine/run.hpp"
#include "repoquake/io/checkpoint_file.hpp"
#include "repoquake/io/digest.hpp"
#include "repoquake/io/result_reader.hpp"
#include "repoquake/io/result_writer.hpp"
#include "repoquake/report/tables.hpp"
#include "repoquake/scenario/observations.hpp"

namespace repoquake::cli {
namespace {

struct RunCommand {
  std::string file;
  std::string from;  ///< a result, instead of a file
  SimulationOptions options;
  bool expect = false;
  bool resume = false;
  std::optional<std::chrono::duration<double>> wall_time{};
  std::optional<std::chrono::duration<double>> checkpoint_every{};
};

using Clock = std::chrono::steady_clock;

/// "30s", "1.5 min"; nothing for any other text.
std::optional<std::chrono::duration<double>> parse_duration(const std::string& text) {
  constexpr std::array<std::pair<std::string_view, double>, 3> kUnits{{{"s", 1.0}, {"min", 60.0}, {"h", 3600.0}}};
  constexpr double kLongest = 1e8;  // three years: no overflow of any clock
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0.0)) return std::nullopt;
  std::string_view unit = std::string_view(text).substr(static_cast<std::size_t>(end - text.data()));
  unit.remove_prefix(std::min(unit.find_first_not_of(' '), unit.size()));
  const auto found = std::ranges::find(kUnits, unit, &std::pair<std::string_view, double>::first);
  if (found == kUnits.end() || number * found->second > kLongest) return std::nullopt;
  return std::chrono::duration<double>(number * found->second);
}

std::optional<Clock::time_point> time_after(std::optional<std::chrono::duration<double>> duration) {
  if (!duration) return std::nullopt;
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(*duration);
}

void add_duration(CLI::App& verb, const std::string& name, std::optional<std::chrono::duration<double>>& value,
                  const std::string& help) {
  verb.add_option_function<std::string>(
          name,
          [name, &value](const std::string& text) {
            value = parse_duration(text);
            if (!value)
              throw CLI::ValidationError(name, "must be a time with its unit, as 30s, 10min or 1h; got " + text);
          },
          help)
      ->type_name("TIME");
}

io::Observed observed_of(const scenario::Scenario& s) {
  io::Observed observed;
  observed.scoring.trend_spread = s.trend_spread();
  observed.scoring.persistence = s.model.at("need.shock_persistence");
  for (const auto& found : scenario::observations(s)) {
    const auto& spec = spec_of(found.variable);
    std::vector<double> values;
    for (const auto& value : found.values) values.push_back(value.value_or(std::numeric_limits<double>::quiet_NaN()));
    observed.scoring.observed.push_back({found.variable, values});
    observed.columns.push_back({std::string(spec.name), std::string(unit_of(spec.quantity)),
                                std::string(spec.long_name) + ", observed", std::move(values)});
  }
  return observed;
}

/// True: the run met all that the scenario expects.
bool meets_expectations(const engine::RunSummary& summary, const scenario::Scenario& s, std::ostream& out) {
  const auto outcomes = report::check_expectations(summary, s);
  out << report::expectations_table(outcomes);
  return std::ranges::all_of(outcomes, &report::ExpectationOutcome::is_met);
}

/// Why the result at `output` is not that of this run; nothing where it is.
std::string difference_of(const std::string& output, const io::RunIdentity& asked) {
  const auto info = io::read_info(output);
  const auto found = io::identity_of(info.provenance, info.seed, asked.n_paths);  // the scenario says how many paths
  if (std::string difference = found.difference(asked); !difference.empty()) return difference;
  return info.status == "complete" ? "" : "it is " + info.status;
}

/// Is the result that is asked for there already, with nothing of a later run beside it? DataError where another one is
/// there, which a run that has nothing to resume may replace with --force only.
bool is_there(const std::string& output, bool force, const io::RunIdentity& asked) {
  if (!std::filesystem::exists(output)) return false;
  for (const std::string& left : {io::partial_path(output), io::resuming_path(output)})
    if (std::filesystem::exists(left)) return false;
  try {
    const std::string difference = difference_of(output, asked);
    if (difference.empty()) return true;
    throw DataError(output + ": is the result of another run: " + difference);
  } catch (const DataError& error) {
    if (force) return false;
    throw DataError(std::string(error.what()) + "; there is nothing to resume, and --force replaces it");
  }
}

int run_scenario(const RunCommand& run, const Command& command) {
  const std::optional<Clock::time_point> deadline = time_after(run.wall_time);
  const std::atomic<bool>& stop_requested = catch_signals();  // from here on an interruption ends with what to do next
  const bool has_output = !run.options.output.empty();
  const bool may_replace = run.options.force || run.resume;
  if (has_output && !run.options.dry_run)
    io::check_output(run.options.output, may_replace);  // before anything is computed

  Prepared prepared =
      run.from.empty() ? prepare(run.file, run.options.scenario) : prepare_from_result(run.from, run.options.scenario);
  io::require_valid(prepared.loaded);
  if (!run.options.quiet && !prepared.loaded.diagnostics.empty())
    command.err << prepared.loaded.diagnostics.render() << '\n';
  const plan::Plan& plan = *prepared.plan;

  const std::string output = has_output ? run.options.output : "output/" + plan.name + ".h5";
  if (run.options.dry_run) {
    show_estimate(std::span(&plan, 1), run.options, output, command.out, prepared.loaded.scenario.output.compress);
    return kOk;
  }
  if (!has_output) {
    std::error_code ignored;  // check_output says what is wrong with the folder
    std::filesystem::create_directories("output", ignored);
    io::check_output(output, may_replace);
  }

  const io::Provenance provenance = provenance_of(prepared.loaded, run.options, command);
  const auto say = [&](const std::string& text) {
    if (!run.options.quiet) command.err << text << '\n' << std::flush;
  };
  if (run.resume && is_there(output, run.options.force, io::identity_of(provenance, plan.seed, plan.n_paths))) {
    io::remove_checkpoint(output);  // a kill may have come before it was
    say(output + " is complete and unchanged: nothing to do");
    command.out << "result in " << output << '\n';
    return kOk;
  }
  const io::Observed observed = observed_of(prepared.loaded.scenario);
  io::ResultWriter writer({.path = output,
                           .force = run.options.force,
                           .compress = prepared.loaded.scenario.output.compress,
                           .resume = run.resume,
                           .say = say},
                          provenance, observed);
  const auto summary = [&] {
    Progress progress(command.err, plan.n_paths, stderr_is_terminal(), run.options.quiet);
    return engine::run(plan,
                       {.threads = run.options.threads,
                        .stop = &stop_requested,
                        .deadline = deadline,
                        .checkpoint_every = run.checkpoint_every,
                        .on_begin = [&](std::uint64_t done) { progress.begin_at(done); },
                        .on_progress = [&](std::uint64_t done) { progress.show(done); }},
                       writer);
  }();

  command.out << report::summary_table(summary, prepared.loaded.scenario);
  if (summary.stop_reason == engine::StopReason::interrupted) {
    command.err << fmt::format("repoquake: interrupted after {} of {} paths; {} holds them; go on with\n  {}\n",
                               summary.stats.n_paths(), plan.n_paths, io::partial_path(output),
                               io::resume_command(provenance.command_line));
    return kInterrupted;
  }
  command.out << report::scorecard_table(writer.scorecard(), summary.manifest.is_conditional);
  const bool is_missed = run.expect && !meets_expectations(summary, prepared.loaded.scenario, command.out);
  command.out << "\nresult in " << output << '\n';
  if (const double share = summary.stats.flagged_share(); share > plan.max_flagged) {
    command.err << fmt::format(
        "repoquake: {:.2f} % of path-days have no clearing below 3000 bp; simulate.max_flagged allows {:.2f} %\n",
        100.0 * share, 100.0 * plan.max_flagged);
    return kFlagged;
  }
  return is_missed ? kMissed : kOk;
}

}  // namespace

void add_run(CLI::App& app, const Command& command, int& exit_code) {
  auto run = std::make_shared<RunCommand>();
  auto* verb = app.add_subcommand("run",
                                  "simulate a scenario, write the result, print a summary and, where there are "
                                  "observations, the replay's scorecard");
  auto* file = verb->add_option("FILE", run->file, "scenario file, or lib:NAME of the built-in library");
  auto* from =
      verb->add_option("--from", run->from, "run the scenario that a result holds again")->type_name("RESULT.h5");
  file->excludes(from);
  add_simulation_options(*verb, run->options, "result file; default output/NAME.h5");
  verb->add_flag(
      "--resume", run->resume,
      "go on where an interrupted or killed run to the same file stood; the finished file is that of an "
      "uninterrupted run. Needs no --force; refuses what is left of another scenario, seed, number of paths or "
      "program");
  add_duration(*verb, "--wall-time", run->wall_time,
               "end after this time as if interrupted: 30s, 10min, 1h; exit 75, --resume goes on");
  add_duration(*verb, "--checkpoint-every", run->checkpoint_every,
               "time between two checkpoints, what a kill may cost; default: 1s, or 50 times as long as one takes");
  verb->add_flag("--expect", run->expect, "hold the run to the scenario's expect: entries; exit 77 when one is missed");
  verb->callback([run, command, &exit_code] {
    if (run->file.empty() && run->from.empty()) throw CLI::RequiredError("FILE, or --from RESULT.h5");
    exit_code = run_scenario(*run, command);
  });
}

}  // namespace repoquake::cli
