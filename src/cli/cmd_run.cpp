#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <limits>
#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "build_info.hpp"
#include "cli/build_facts.hpp"
#include "cli/dispatch.hpp"
#include "cli/exit_codes.hpp"
#include "cli/progress.hpp"
#include "cli/scenario_options.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/engine/run.hpp"
#include "repoquake/io/digest.hpp"
#include "repoquake/io/result_writer.hpp"
#include "repoquake/report/tables.hpp"
#include "repoquake/scenario/observations.hpp"

namespace repoquake::cli {
namespace {

struct RunCommand {
  std::string file;
  std::string from;  ///< a result, instead of a file
  ScenarioOptions scenario;
  std::string output;
  int threads = 0;
  bool force = false;
  bool quiet = false;
  bool dry_run = false;
  bool expect = false;
};

// The one thing a signal handler may touch. The first signal asks the run to end; the handler then steps aside, so a
// second one ends the program at once.
std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void request_stop(int) { stop_requested.store(true, std::memory_order_relaxed); }

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = request_stop;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
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

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

io::Provenance provenance_of(const io::LoadedScenario& loaded, const RunCommand& run, const Command& command) {
  io::Provenance p;
  p.resolved_scenario = loaded.resolved;
  p.scenario_sha256 = io::sha256_hex(loaded.resolved);
  for (const auto& overlay : run.scenario.overlays) p.overrides.emplace_back("--with", overlay);
  for (const auto& setting : run.scenario.settings) p.overrides.emplace_back("--set", setting);
  if (run.scenario.paths) p.overrides.emplace_back("--paths", std::to_string(*run.scenario.paths));
  if (run.scenario.seed) p.overrides.emplace_back("--seed", std::to_string(*run.scenario.seed));
  p.command_line = command.arguments;
  p.command_line.insert(p.command_line.begin(), "repoquake");
  for (const auto& file : loaded.files) p.inputs.push_back({file.role, file.path, file.sha256});
  p.build = build_facts();
  p.instruction_set = instruction_set();
  p.host = host_name();
  p.program_version = std::string(kVersion);
  p.git_describe = std::string(kGitDescribe);
  return p;
}

std::string size_text(double bytes) {
  constexpr std::array<const char*, 4> kUnits{"kB", "MB", "GB", "TB"};
  double value = bytes / 1e3;
  std::size_t unit = 0;
  for (; value >= 1e3 && unit + 1 < kUnits.size(); ++unit) value /= 1e3;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

/// Paths, memory, disk and time, the last from a trial of a few paths in memory.
void estimate(const plan::Plan& plan, const RunCommand& run, const std::string& output, std::ostream& out) {
  constexpr std::uint64_t kTrialPaths = 2048;
  plan::Plan trial = plan;
  trial.n_paths = std::min(kTrialPaths, plan.n_paths);
  engine::Sink nowhere;
  const auto summary = engine::run(trial, {.threads = run.threads}, nowhere);
  const auto size = engine::estimate_size(plan, run.threads);
  const double seconds = summary.seconds * static_cast<double>(plan.n_paths) / static_cast<double>(trial.n_paths);
  out << fmt::format("dry run of {}: nothing is written\n", plan.name)
      << fmt::format("  paths    {} of {} days, {} stored variables\n", plan.n_paths, plan.days.size(),
                     plan.stored.sample + plan.stored.worst > 0 ? plan.variables.size() : 0)
      << fmt::format("  memory   at most {}\n", size_text(static_cast<double>(size.memory_bytes)))
      << fmt::format("  disk     at most {} before compression, in {}\n",
                     size_text(static_cast<double>(size.paths_bytes)), output)
      << fmt::format("  time     about {:.1f} s on {} threads, without writing (trial of {} paths)\n", seconds,
                     summary.threads, trial.n_paths);
}

int run_scenario(const RunCommand& run, const Command& command) {
  const bool has_output = !run.output.empty();
  if (has_output && !run.dry_run) io::check_output(run.output, run.force);  // before anything is computed

  Prepared prepared = run.from.empty() ? prepare(run.file, run.scenario) : prepare_from_result(run.from, run.scenario);
  io::require_valid(prepared.loaded);
  if (!run.quiet && !prepared.loaded.diagnostics.empty()) command.err << prepared.loaded.diagnostics.render() << '\n';
  const plan::Plan& plan = *prepared.plan;

  const std::string output = has_output ? run.output : "output/" + plan.name + ".h5";
  if (run.dry_run) {
    estimate(plan, run, output, command.out);
    return kOk;
  }
  if (!has_output) {
    std::error_code ignored;  // check_output says what is wrong with the folder
    std::filesystem::create_directories("output", ignored);
    io::check_output(output, run.force);
  }

  const io::Observed observed = observed_of(prepared.loaded.scenario);
  io::ResultWriter writer({.path = output, .force = run.force, .compress = prepared.loaded.scenario.output.compress},
                          provenance_of(prepared.loaded, run, command), observed);
  catch_signals();
  const auto summary = [&] {
    Progress progress(command.err, plan.n_paths, stderr_is_terminal(), run.quiet);
    return engine::run(plan,
                       {.threads = run.threads,
                        .stop = &stop_requested,
                        .on_progress = [&](std::uint64_t done) { progress.show(done); }},
                       writer);
  }();

  command.out << report::summary_table(summary, prepared.loaded.scenario);
  if (summary.stop_reason == engine::StopReason::interrupted) {
    command.err << fmt::format("repoquake: interrupted after {} of {} paths; {} holds them\n", summary.stats.n_paths(),
                               plan.n_paths, io::partial_path(output));
    return kInterrupted;
  }
  command.out << report::scorecard_table(engine::make_scorecard(summary.manifest, summary.stats, observed.scoring),
                                         summary.manifest.is_conditional);
  const bool is_missed = run.expect && !meets_expectations(summary, prepared.loaded.scenario, command.out);
  command.out << "\nresult in " << output << '\n';
  if (const double share = report::flagged_share(summary); share > plan.max_flagged) {
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
  verb->add_option("-o,--output", run->output, "result file; default output/NAME.h5")->type_name("FILE.h5");
  add_scenario_options(*verb, run->scenario);
  verb->add_option("--threads", run->threads, "threads; default: all of the machine. Results do not depend on it")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  verb->add_flag("--force", run->force, "replace an existing result, once the new one is complete");
  verb->add_flag("--quiet", run->quiet, "no progress and no warnings");
  verb->add_flag("--expect", run->expect, "hold the run to the scenario's expect: entries; exit 77 when one is missed");
  verb->add_flag("--dry-run", run->dry_run, "estimate paths, memory, disk and time; write nothing");
  verb->callback([run, command, &exit_code] {
    if (run->file.empty() && run->from.empty()) throw CLI::RequiredError("FILE, or --from RESULT.h5");
    exit_code = run_scenario(*run, command);
  });
}

}  // namespace repoquake::cli
