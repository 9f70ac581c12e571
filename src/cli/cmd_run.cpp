#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <ostream>
#include <span>

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
#include "repoquake/io/digest.hpp"
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
};

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

int run_scenario(const RunCommand& run, const Command& command) {
  const bool has_output = !run.options.output.empty();
  if (has_output && !run.options.dry_run)
    io::check_output(run.options.output, run.options.force);  // before anything is computed

  Prepared prepared =
      run.from.empty() ? prepare(run.file, run.options.scenario) : prepare_from_result(run.from, run.options.scenario);
  io::require_valid(prepared.loaded);
  if (!run.options.quiet && !prepared.loaded.diagnostics.empty())
    command.err << prepared.loaded.diagnostics.render() << '\n';
  const plan::Plan& plan = *prepared.plan;

  const std::string output = has_output ? run.options.output : "output/" + plan.name + ".h5";
  if (run.options.dry_run) {
    show_estimate(std::span(&plan, 1), run.options, output, command.out);
    return kOk;
  }
  if (!has_output) {
    std::error_code ignored;  // check_output says what is wrong with the folder
    std::filesystem::create_directories("output", ignored);
    io::check_output(output, run.options.force);
  }

  const io::Observed observed = observed_of(prepared.loaded.scenario);
  io::ResultWriter writer(
      {.path = output, .force = run.options.force, .compress = prepared.loaded.scenario.output.compress},
      provenance_of(prepared.loaded, run.options, command), observed);
  const std::atomic<bool>& stop_requested = catch_signals();
  const auto summary = [&] {
    Progress progress(command.err, plan.n_paths, stderr_is_terminal(), run.options.quiet);
    return engine::run(plan,
                       {.threads = run.options.threads,
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
  verb->add_flag("--expect", run->expect, "hold the run to the scenario's expect: entries; exit 77 when one is missed");
  verb->callback([run, command, &exit_code] {
    if (run->file.empty() && run->from.empty()) throw CLI::RequiredError("FILE, or --from RESULT.h5");
    exit_code = run_scenario(*run, command);
  });
}

}  // namespace repoquake::cli
