#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/dispatch.hpp"
#include "cli/exit_codes.hpp"
#include "cli/progress.hpp"
#include "cli/simulation_options.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/engine/run.hpp"
#include "repoquake/io/comparison_file.hpp"
#include "repoquake/io/output_file.hpp"
#include "repoquake/plan/compile.hpp"
#include "repoquake/plan/difference.hpp"
#include "repoquake/report/comparison_table.hpp"
#include "repoquake/study/comparison.hpp"
#include "repoquake/study/held_need.hpp"

namespace repoquake::cli {
namespace {

struct CompareCommand {
  std::vector<std::string> sides;
  SimulationOptions options;
};

// ---------------------------------------------------------------- the need that is held

std::set<std::string> digests_of(const io::LoadedScenario& loaded) {
  std::set<std::string> digests;
  for (const auto& file : loaded.files)
    if (file.role == "scenario" || file.role == "parent") digests.insert(file.sha256);
  return digests;
}

/// The scenario that all sides are or extend; of several the one that is furthest from its own parents.
std::optional<io::LoadedScenario> find_shared_base(const std::vector<io::LoadedScenario>& sides,
                                                   const std::vector<std::string>& files,
                                                   const ScenarioOptions& options) {
  io::LoadOptions bare;
  const auto given = options.load_options();
  bare.library = given.library;
  bare.library_names = given.library_names;
  bare.allow_outside = options.allow_outside;
  for (const auto& file : files) bare = io::with_folders_of(file, std::move(bare));
  std::optional<io::LoadedScenario> base;
  for (const auto& file : sides.front().files) {
    const bool is_shared =
        (file.role == "scenario" || file.role == "parent") &&
        std::ranges::all_of(sides, [&](const auto& s) { return digests_of(s).contains(file.sha256); });
    if (!is_shared) continue;
    io::LoadedScenario candidate = io::load_scenario(file.path, bare);
    if (candidate.diagnostics.has_errors()) continue;  // a part of a scenario, not a whole one
    if (!base || digests_of(candidate).size() > digests_of(*base).size()) base = std::move(candidate);
  }
  return base;
}

const io::ResolvedKey* find_key(const io::LoadedScenario& loaded, std::string_view path) {
  const auto found = std::ranges::find(loaded.keys, path, &io::ResolvedKey::path);
  return found == loaded.keys.end() ? nullptr : &*found;
}

/// A need that the base states as well is not told again.
void hold_need(io::LoadedScenario& side, const io::LoadedScenario& base) {
  const auto* stated = find_key(side, "market.need");
  const auto* inherited = find_key(base, "market.need");
  const bool is_own = stated != nullptr && (inherited == nullptr || inherited->place != stated->place);
  study::HeldNeed held = study::hold_need(std::move(side.scenario), side.base, base.scenario, base.base, is_own);
  side.diagnostics.add(held.issues);
  side.scenario = std::move(held.scenario);
  side.base = std::move(held.base);
}

std::string need_text(const scenario::Scenario& s, const plan::Plan& plan, const std::string& base) {
  std::string origin = "inverted at the opening spread";
  if (s.market.need == scenario::NeedRule::amount) origin = "as stated";
  if (s.market.need == scenario::NeedRule::hold && plan.opening.need == model::OpeningNeed::held)
    origin = base.empty() ? "held from its parents" : "held from " + base;
  return fmt::format("{:.1f} bn USD, {}", plan::opening_need(plan), origin);
}

// ---------------------------------------------------------------- scenarios

/// Every metric that a side asks for, the first side's first, for all of them. One that has no meaning in some world is
/// left out there: its value is missing.
void share_metrics(std::vector<io::LoadedScenario>& sides) {
  std::vector<scenario::Metric> all;
  for (const auto& side : sides)
    for (const auto& metric : side.scenario.metrics)
      if (std::ranges::find(all, metric.id, &scenario::Metric::id) == all.end()) all.push_back(metric);
  std::erase_if(all, [&](const scenario::Metric& metric) {
    const auto checked = scenario::check_metric(metric.expr);
    return !checked.form || std::ranges::any_of(sides, [&](const auto& side) {
      return !scenario::check_in_world(checked.form->per_path, scenario::expression_world(side.scenario)).empty();
    });
  });
  for (auto& side : sides) {
    side.scenario.metrics = all;
    side.scenario.expect.clear();
    side.scenario.simulate.stop.reset();
  }
}

/// All sides draw the same: as many paths, from the same seed. What is stored of a run plays no part.
void share_draws(std::vector<io::LoadedScenario>& sides, bool is_quiet, std::ostream& err) {
  const auto first = sides.front().scenario.simulate;
  for (auto& side : sides) {
    auto& own = side.scenario.simulate;
    if (!is_quiet && own.paths != first.paths)
      err << fmt::format("{}: asks for {} paths; all sides are run with {}\n", side.scenario.name, own.paths,
                         first.paths);
    if (!is_quiet && own.seed != first.seed)
      err << fmt::format("{}: has seed {}; all sides are run with {}\n", side.scenario.name, own.seed, first.seed);
    const bool draws_alike =
        own.sampler == first.sampler && own.antithetic == first.antithetic && own.scrambles == first.scrambles;
    if (!is_quiet && !draws_alike)
      err << fmt::format("{}: has another sampler; all sides are run with that of {}\n", side.scenario.name,
                         sides.front().scenario.name);
    own.paths = first.paths;
    own.seed = first.seed;
    own.sampler = first.sampler;
    own.antithetic = first.antithetic;
    own.scrambles = first.scrambles;
    auto& output = side.scenario.output;
    output.paths = {};
    output.summary_of_all = false;
    output.variables = sides.front().scenario.output.variables;
    output.rate_precision_bp = output.amount_precision_usd_bn = 0.0;
  }
}

struct Sides {
  std::vector<io::LoadedScenario> loaded;
  std::vector<plan::Plan> plans;
  std::vector<std::string> needs;
};

Sides prepare_sides(const CompareCommand& compare, const Command& command) {
  Sides sides;
  for (const auto& file : compare.sides)
    sides.loaded.push_back(io::load_scenario(file, compare.options.scenario.load_options()));
  std::string complaints;
  const auto collect = [&] {
    for (const auto& side : sides.loaded)
      if (side.diagnostics.has_errors()) complaints += (complaints.empty() ? "" : "\n") + side.diagnostics.render();
    if (!complaints.empty()) throw ScenarioError(complaints);
  };
  collect();
  std::string base_name;
  if (const auto base = find_shared_base(sides.loaded, compare.sides, compare.options.scenario)) {
    base_name = base->scenario.name;
    for (auto& side : sides.loaded) hold_need(side, *base);
  }
  share_metrics(sides.loaded);
  share_draws(sides.loaded, compare.options.quiet, command.err);
  for (auto& side : sides.loaded) {
    if (side.diagnostics.has_errors()) continue;
    auto compiled = plan::compile(side.scenario, side.base ? &*side.base : nullptr);
    side.diagnostics.add(compiled.issues);
    if (!compiled.plan) continue;
    sides.needs.push_back(need_text(side.scenario, *compiled.plan, base_name));
    sides.plans.push_back(std::move(*compiled.plan));
  }
  collect();
  if (!compare.options.quiet)
    for (const auto& side : sides.loaded)
      if (!side.diagnostics.empty()) command.err << side.diagnostics.render() << '\n';
  return sides;
}

bool have_same_days(const plan::Plan& a, const plan::Plan& b) {
  return std::ranges::equal(a.days, b.days, {}, &plan::PlanDay::date, &plan::PlanDay::date);
}

struct Outcome {
  study::Comparison comparison;
  bool was_interrupted = false;
  int threads = 1;
};

Outcome compare_plans(const Sides& sides, const CompareCommand& compare, const Command& command) {
  const auto& plans = sides.plans;
  const bool is_paired =
      std::ranges::all_of(plans, [&](const plan::Plan& plan) { return have_same_days(plan, plans.front()); });
  const auto manifest = engine::manifest_of(plans.front());
  std::vector<study::Pairing> pairings;
  for (std::size_t k = 1; k < plans.size() && is_paired; ++k)
    pairings.emplace_back(manifest.variables, manifest.n_days(), manifest.metrics, manifest.batching);

  const engine::RunOptions run{.threads = compare.options.threads, .stop = &catch_signals()};
  std::vector<engine::RunSummary> summaries;
  if (is_paired) {
    Progress progress(command.err, plans.front().n_paths, stderr_is_terminal(), compare.options.quiet);
    engine::RunOptions shown = run;
    shown.on_progress = [&](std::uint64_t done) { progress.show(done); };
    summaries = engine::run_together(plans, shown, [&](std::span<const engine::ChunkResult> chunks) {
      for (std::size_t k = 0; k < pairings.size(); ++k) pairings[k].absorb(chunks.front(), chunks[k + 1]);
    });
  } else {
    for (const plan::Plan& plan : plans) {
      engine::Sink nowhere;
      summaries.push_back(engine::run(plan, run, nowhere));
    }
  }

  Outcome outcome;
  outcome.was_interrupted =
      std::ranges::any_of(summaries, [](const auto& s) { return s.stop_reason == engine::StopReason::interrupted; });
  outcome.threads = summaries.front().threads;
  if (outcome.was_interrupted) return outcome;
  auto& comparison = outcome.comparison;
  for (std::size_t k = 0; k < plans.size(); ++k) {
    study::Side side = study::side_of(summaries[k]);
    side.need = sides.needs[k];
    if (k == 0) {
      comparison.base = std::move(side);
      comparison.variables = manifest.variables;
      continue;
    }
    auto versus =
        study::compare(comparison.base, std::move(side), comparison.variables, is_paired ? &pairings[k - 1] : nullptr);
    if (is_paired) {
      versus.knows_inputs = true;
      versus.inputs_part = plan::first_difference(plans.front(), plans[k]);
    }
    comparison.others.push_back(std::move(versus));
  }
  return outcome;
}

// ---------------------------------------------------------------- results

study::Comparison compare_results(const std::vector<std::string>& files) {
  study::Comparison comparison;
  comparison.base = io::read_side(files.front());
  std::vector<study::Side> others;
  comparison.variables = comparison.base.variables;
  for (std::size_t k = 1; k < files.size(); ++k) {
    others.push_back(io::read_side(files[k]));
    std::erase_if(comparison.variables, [&](Variable variable) {
      return std::ranges::find(others.back().variables, variable) == others.back().variables.end();
    });
  }
  for (std::size_t k = 0; k < others.size(); ++k) {
    const auto pairs = io::pair_results(files.front(), files[k + 1]);
    comparison.others.push_back(
        study::compare(comparison.base, std::move(others[k]), comparison.variables, pairs ? &pairs->pairing : nullptr));
  }
  return comparison;
}

/// Names tell the sides apart.
void name_apart(study::Comparison& comparison, const std::vector<std::string>& files) {
  std::vector<std::string*> names{&comparison.base.name};
  for (auto& versus : comparison.others) names.push_back(&versus.side.name);
  std::vector<std::string> given;
  for (const auto* name : names) given.push_back(*name);
  for (std::size_t k = 0; k < names.size(); ++k)
    if (std::ranges::count(given, given[k]) > 1)
      *names[k] += fmt::format(" [{}]", std::filesystem::path(files[k]).stem().string());
}

// ---------------------------------------------------------------- the verb

int run_compare(const CompareCommand& compare, const Command& command) {
  const auto& options = compare.options;
  const auto n_results = std::ranges::count_if(compare.sides, io::is_hdf5);
  if (n_results > 0 && n_results < static_cast<std::ptrdiff_t>(compare.sides.size()))
    throw CLI::ValidationError("compare", "scenarios with scenarios, or results with results, not both");
  if (!options.output.empty() && !options.dry_run) io::check_output(options.output, options.force);

  const auto start = std::chrono::steady_clock::now();
  io::ComparisonOrigin origin;
  std::vector<io::InputFile> all_files;
  study::Comparison comparison;
  if (n_results > 0) {
    const auto& s = options.scenario;
    if (!s.overlays.empty() || !s.settings.empty() || s.paths || s.seed || options.dry_run)
      throw CLI::ValidationError("compare",
                                 "results are compared as they stand: --with, --set, --paths, --seed and "
                                 "--dry-run are for scenarios");
    comparison = compare_results(compare.sides);
  } else {
    const Sides sides = prepare_sides(compare, command);
    if (options.dry_run) {
      show_estimate(sides.plans, options, "", command.out);
      return kOk;
    }
    Outcome outcome = compare_plans(sides, compare, command);
    if (outcome.was_interrupted) {
      command.err << "repoquake: interrupted; a comparison of some of the paths is not kept\n";
      return kInterrupted;
    }
    comparison = std::move(outcome.comparison);
    origin.threads = outcome.threads;
    for (const auto& side : sides.loaded) {
      origin.resolved.push_back(side.resolved);
      all_files.insert(all_files.end(), side.files.begin(), side.files.end());
    }
  }
  io::LoadedScenario together;
  together.files = std::move(all_files);
  origin.provenance = provenance_of(together, options, command);
  origin.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  name_apart(comparison, compare.sides);
  command.out << report::comparison_table(comparison);
  if (!options.output.empty()) {
    io::write_comparison(options.output, options.force, comparison, origin);
    command.out << "\ncomparison in " << options.output << '\n';
  }
  return std::ranges::any_of(comparison.others, &study::Versus::parts_too_early) ? kInternal : kOk;
}

}  // namespace

void add_compare(CLI::App& app, const Command& command, int& exit_code) {
  auto compare = std::make_shared<CompareCommand>();
  auto* verb =
      app.add_subcommand("compare",
                         "differences of two or more scenarios, or results, on the same draws, with the errors of "
                         "the differences. Scenarios that share a base by `extends` hold its funding need");
  verb->add_option("FILE", compare->sides,
                   "the base, then what is compared with it: scenario files, lib:NAME, or results")
      ->required()
      ->expected(2, 26);
  add_simulation_options(*verb, compare->options, "also write the comparison to a file, for scripts/plot_compare.py");
  verb->callback([compare, command, &exit_code] { exit_code = run_compare(*compare, command); });
}

}  // namespace repoquake::cli
