#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/dispatch.hpp"
#include "cli/exit_codes.hpp"
#include "cli/progress.hpp"
#include "cli/simulation_options.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/core/flags.hpp"
#include "repoquake/engine/path_scorer.hpp"
#include "repoquake/engine/run.hpp"
#include "repoquake/engine/tilted_draws.hpp"
#include "repoquake/io/diagnostics.hpp"
#include "repoquake/io/output_file.hpp"
#include "repoquake/io/quantity.hpp"
#include "repoquake/io/rare_file.hpp"
#include "repoquake/report/rare_table.hpp"
#include "repoquake/study/rare_event.hpp"

namespace repoquake::cli {
namespace {

using plan::PlanShock;
using study::RareEvent;

struct RareCommand {
  std::string file, event, method;
  SimulationOptions options;
  study::SplittingOptions splitting{};
  std::vector<std::string> tilts;  ///< "SHOCK=+2sd" or "SHOCK=120 bn USD"
  bool has_splitting_options = false;

  [[nodiscard]] bool splits() const { return method.empty() ? tilts.empty() : method == "splitting"; }
};

/// More memory than this is not taken for populations.
constexpr double kMostBytes = 4e9;
constexpr std::size_t kTaskBlocks = 4;

/// What is asked, ready to be done.
struct Study {
  const RareCommand& command;
  const Prepared& prepared;
  const plan::Plan& plan;
  const RareEvent& event;
  std::vector<engine::Tilt> tilts;
};

// ------------------------------------------------------------------------------------------------ the command line

void check_options(const RareCommand& rare) {
  if (!rare.splits() && rare.tilts.empty()) throw CLI::ValidationError("--method", "tilting needs a --tilt SHOCK=+2sd");
  if (rare.splits() && !rare.tilts.empty())
    throw CLI::ValidationError("--tilt", "is for --method tilting; splitting needs none");
  if (rare.splits() && rare.options.scenario.paths)
    throw CLI::ValidationError("--paths", "plays no part in splitting; --population and --replicas do");
  if (!rare.splits() && rare.has_splitting_options)
    throw CLI::ValidationError("--population, --replicas, --moves, --keep", "are for splitting; tilting takes --paths");
}

RareEvent event_of(const RareCommand& rare, const scenario::Scenario& s, const plan::Plan& plan) {
  const auto known = std::ranges::find(s.metrics, rare.event, &scenario::Metric::id);
  const std::string text = known == s.metrics.end() ? rare.event : known->expr;
  auto checked = study::check_event(text, scenario::expression_world(s), plan);
  if (!checked.event) {
    std::string message = fmt::format("\"{}\"", text);
    for (const auto& error : checked.errors)
      message +=
          fmt::format("{} character {}: {}{}{}", &error == &checked.errors.front() ? ":" : ";", error.offset + 1,
                      error.reason, error.unknown.empty() ? "" : io::did_you_mean(error.unknown, error.candidates),
                      error.hint.empty() ? "" : " (" + error.hint + ")");
    throw CLI::ValidationError("--event", message);
  }
  if (rare.splits() && !checked.event->has_score)
    throw CLI::ValidationError(
        "--event",
        fmt::format("\"{}\": splitting needs one comparison with >, >=, < or <=, whose two sides say how near a "
                    "path comes to it; `and`, `or`, `not`, == and != have no such distance",
                    text));
  return std::move(*checked.event);
}

/// Standard deviations of the score that a text asks for.
double deviations_of(const std::string& option, std::string_view text, const PlanShock& shock,
                     const scenario::Shock& written) {
  const auto refuse = [&](const std::string& reason) -> CLI::ValidationError {
    return CLI::ValidationError("--tilt", fmt::format("\"{}\": {}", option, reason));
  };
  double deviations = 0.0;
  if (text.ends_with("sd")) {
    auto value = text.substr(0, text.size() - 2);
    while (value.ends_with(' ')) value.remove_suffix(1);
    const auto parsed = io::parse_number(value.starts_with('+') ? value.substr(1) : value);
    if (!parsed.value) throw refuse(fmt::format("\"{}\" is no number of standard deviations; write e.g. +2sd", value));
    deviations = *parsed.value;
  } else {
    const auto parsed = io::parse_quantity(text, scenario::shock_unit(written.target));
    if (!parsed.value)
      throw refuse(fmt::format("{}{}; or standard deviations, e.g. +2sd", parsed.reason,
                               parsed.hint.empty() ? "" : " (" + parsed.hint + ")"));
    if (shock.scale <= 0.0) throw refuse("its scale is 0");
    if (shock.law == PlanShock::Law::lognormal) {
      if (*parsed.value / shock.location <= 0.0) throw refuse("a lognormal size has the sign of its median");
      deviations = std::log(*parsed.value / shock.location) / shock.scale;
    } else {
      const double n = shock.degrees_of_freedom;
      const double sd = shock.law == PlanShock::Law::student_t ? shock.scale * std::sqrt(n / (n - 2.0)) : shock.scale;
      deviations = (*parsed.value - shock.location) / sd;
    }
  }
  if (!std::isfinite(deviations) || std::fabs(deviations) > engine::kMostTilt)
    throw refuse(fmt::format("{:.3g} standard deviations are too many; at most {:.0f} either way", deviations,
                             engine::kMostTilt));
  if (deviations == 0.0) throw refuse("moves nothing");
  return deviations;
}

engine::Tilt tilt_of(const std::string& option, const scenario::Scenario& s, const plan::Plan& plan) {
  const auto sign = option.find('=');
  if (sign == std::string::npos || sign == 0 || sign + 1 == option.size())
    throw CLI::ValidationError("--tilt", fmt::format("must be SHOCK=+2sd or SHOCK=SIZE, got \"{}\"", option));
  const std::string id = option.substr(0, sign);
  std::string_view value = std::string_view(option).substr(sign + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  const auto written = std::ranges::find(s.shocks, id, &scenario::Shock::id);
  const auto planned = std::ranges::find(plan.shocks, id, &PlanShock::id);
  if (written == s.shocks.end()) {
    std::vector<std::string> ids;
    for (const auto& shock : s.shocks) ids.push_back(shock.id);
    throw CLI::ValidationError("--tilt", fmt::format("\"{}\": the scenario has no shock \"{}\"{}; it has {}", option,
                                                     id, io::did_you_mean(id, ids),
                                                     ids.empty() ? "none" : fmt::format("{}", fmt::join(ids, ", "))));
  }
  if (planned == plan.shocks.end() || planned->profile.empty())
    throw CLI::ValidationError("--tilt", fmt::format("\"{}\": the shock is switched off, or acts on no day", option));
  const auto place = static_cast<std::size_t>(planned - plan.shocks.begin());
  if (const auto reason = engine::why_not_tilted(plan, place); !reason.empty())
    throw CLI::ValidationError("--tilt", fmt::format("\"{}\": {}", option, reason));
  return {.shock = place, .deviations = deviations_of(option, value, *planned, *written)};
}

// ------------------------------------------------------------------------------------------------------- what is said

void head(const Study& study, const std::string& how, std::ostream& out) {
  const auto& s = study.prepared.loaded.scenario;
  out << (s.title.empty() ? s.name : s.title) << '\n';
  if (study.plan.is_conditional) out << "Conditional replay: realised flows are inputs.\n";
  if (!study.plan.drawn.empty()) out << fmt::format("Drawn: {}.\n", study.plan.drawn);
  out << fmt::format("P({}) by {}, seed {}\n", study.event.text, how, study.plan.seed);
}

io::RareRun run_of(const Study& study, const std::string& refused, std::chrono::steady_clock::time_point start) {
  const auto& s = study.prepared.loaded.scenario;
  return {.name = s.name,
          .title = s.title,
          .is_conditional = study.plan.is_conditional,
          .seed = study.plan.seed,
          .threads = study.command.options.threads,
          .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
          .refused = refused};
}

int interrupted(const Command& command) {
  command.err << "repoquake: interrupted; part of an estimate is none, nothing is kept\n";
  return kInterrupted;
}

/// Where the numbers went, and whether they are an estimate.
int finish(const Study& study, const std::string& refused, const Command& command) {
  if (!study.command.options.output.empty()) command.out << "\nestimate in " << study.command.options.output << '\n';
  if (refused.empty()) return kOk;
  command.err << "repoquake: the estimate is refused: " << refused << '\n';
  return kRefused;
}

// ---------------------------------------------------------------------------------------------------------- splitting

double population_bytes(const study::SplittingOptions& options, std::size_t dimension) {
  const std::size_t n_blocks = (options.population + kBlockPaths - 1) / kBlockPaths;
  return static_cast<double>((n_blocks + 1) * dimension) * sizeof(ColumnData);
}

study::SplittingProblem problem_of(const RareEvent& event, engine::PathScorer& scorer, std::size_t dimension) {
  return {.dimension = dimension,
          .threshold = event.threshold,
          .or_equal = event.or_equal,
          .draw = [&](std::uint64_t first, std::span<ColumnData> uniforms) { scorer.draw(first, uniforms); },
          .score =
              [&](std::span<const ColumnData> uniforms, study::BlockScore& out) {
                std::array<std::uint32_t, kBlockPaths> flags{};
                scorer.score(uniforms, out.score, flags);
                for (std::size_t i = 0; i < kBlockPaths; ++i)
                  out.marked[i] = (flags[i] & bit(PathFlag::no_clearing)) != 0;
              }};
}

int run_splitting(const Study& study, const Command& command) {
  const RareCommand& rare = study.command;
  study::SplittingOptions options = rare.splitting;
  options.seed = study.plan.seed;
  const engine::DrawList draws = engine::list_draws(study.plan);
  const std::size_t dimension = draws.coordinates.size();
  if (const double bytes = population_bytes(options, dimension); bytes > kMostBytes)
    throw CLI::ValidationError(
        "--population", fmt::format("{} paths of {} draws take {} on each thread; at most {}", options.population,
                                    dimension, size_text(bytes), size_text(kMostBytes)));
  const std::string how =
      fmt::format("multilevel splitting, {} replicas of {} paths, {} draws a path, {} moves a level", options.replicas,
                  options.population, dimension, options.moves);
  if (rare.options.dry_run) {
    const double levels = std::log(1e-3) / std::log(options.keep);
    plan::Plan all = study.plan;
    all.n_paths = static_cast<std::uint64_t>((1.0 + options.moves * levels) * options.population * options.replicas);
    command.out << how
                << fmt::format("; populations take {} on each thread; down to a probability of 1e-3, {:.0f} levels:\n",
                               size_text(population_bytes(options, dimension)), levels);
    show_estimate(std::span(&all, 1), rare.options, rare.options.output, command.out);
    return kOk;
  }
  const auto start = std::chrono::steady_clock::now();
  options.stop = &catch_signals();
  std::vector<study::SplittingReplica> replicas(options.replicas);
  std::uint64_t n_scored = 0;
  bool is_whole = false;
  {
    Progress progress(command.err, options.replicas, stderr_is_terminal(), rare.options.quiet, "replicas");
    is_whole = engine::run_tasks(
        options.replicas, {.threads = rare.options.threads, .stop = options.stop},
        [&](std::uint64_t r) {
          engine::PathScorer scorer(study.plan, study.event.score, draws);
          replicas[r] =
              study::split(problem_of(study.event, scorer, dimension), options, static_cast<std::uint32_t>(r));
        },
        [&](std::uint64_t r) { progress.show(r + 1, n_scored += replicas[r].n_scored); });
  }
  const auto was_cut = [](const auto& r) { return r.end == study::SplittingEnd::interrupted; };
  if (!is_whole || std::ranges::any_of(replicas, was_cut)) return interrupted(command);

  const auto estimate = study::combine(replicas, options.population);
  const auto refused = study::why_refused(estimate, study.event, options.replicas);
  head(study, how, command.out);
  command.out << '\n' << report::splitting_table(study.event, replicas, estimate, refused);
  if (!rare.options.output.empty())
    io::write_splitting(rare.options.output, rare.options.force, study.event, replicas, estimate, options,
                        run_of(study, refused, start), provenance_of(study.prepared.loaded, rare.options, command));
  return finish(study, refused, command);
}

// ------------------------------------------------------------------------------------------------------------ tilting

/// The weighted hits of some blocks. A pure function of the plan, the tilts and the blocks.
study::WeightedHits tilted_hits(const Study& study, std::uint64_t first_path, std::uint64_t n_paths) {
  engine::BlockWorkspace work(study.plan);
  auto owned = std::make_unique<engine::TiltedDraws>(study.plan, study.tilts);
  const auto& source = *owned;
  work.source = std::move(owned);
  engine::PathEvaluator evaluator(study.event.condition);
  study::WeightedHits sums;
  for (std::uint64_t done = 0; done < n_paths; done += kBlockPaths) {
    ColumnData value, weight;
    std::array<std::uint32_t, kBlockPaths> flags{};
    engine::evaluate_block(study.plan, first_path + done, work, evaluator, value, flags);
    source.weights(weight);
    std::array<bool, kBlockPaths> is_marked{};
    for (std::size_t i = 0; i < kBlockPaths; ++i) is_marked[i] = (flags[i] & bit(PathFlag::no_clearing)) != 0;
    const auto lanes = static_cast<std::size_t>(std::min<std::uint64_t>(kBlockPaths, n_paths - done));
    sums.absorb(std::span(weight).first(lanes), std::span(value).first(lanes), std::span(is_marked).first(lanes));
  }
  return sums;
}

int run_tilting(const Study& study, const Command& command) {
  const RareCommand& rare = study.command;
  std::vector<io::NamedTilt> named;
  std::string moves;
  for (const auto& tilt : study.tilts) {
    named.push_back({study.plan.shocks[tilt.shock].id, tilt.deviations});
    moves += fmt::format("{}{} by {:+.3g} sd", moves.empty() ? "" : ", ", named.back().shock, tilt.deviations);
  }
  const std::uint64_t n_paths = study.plan.n_paths;
  const std::string how = fmt::format("importance sampling, {} moved on nine of ten paths of {}", moves, n_paths);
  if (n_paths < 2) throw CLI::ValidationError("--paths", "an error needs at least two paths");
  if (rare.options.dry_run) {
    show_estimate(std::span(&study.plan, 1), rare.options, rare.options.output, command.out);
    return kOk;
  }
  const auto start = std::chrono::steady_clock::now();
  constexpr std::uint64_t kTaskPaths = kTaskBlocks * kBlockPaths;
  const std::uint64_t n_tasks = (n_paths + kTaskPaths - 1) / kTaskPaths;
  std::vector<study::WeightedHits> parts(n_tasks);
  study::WeightedHits sums;
  bool is_whole = false;
  {
    Progress progress(command.err, n_paths, stderr_is_terminal(), rare.options.quiet);
    is_whole = engine::run_tasks(
        n_tasks, {.threads = rare.options.threads, .stop = &catch_signals()},
        [&](std::uint64_t k) {
          parts[k] = tilted_hits(study, k * kTaskPaths, std::min(kTaskPaths, n_paths - k * kTaskPaths));
        },
        [&](std::uint64_t k) {
          sums.merge(parts[k]);
          progress.show(std::min(n_paths, (k + 1) * kTaskPaths));
        });
  }
  if (!is_whole) return interrupted(command);

  const auto estimate = study::estimate(sums);
  const auto refused = study::why_refused(estimate);
  head(study, how, command.out);
  command.out << '\n' << report::tilting_table(sums, estimate, refused);
  if (!rare.options.output.empty())
    io::write_tilting(rare.options.output, rare.options.force, study.event, named, sums, estimate,
                      run_of(study, refused, start), provenance_of(study.prepared.loaded, rare.options, command));
  return finish(study, refused, command);
}

int run_rare(const RareCommand& rare, const Command& command) {
  check_options(rare);
  const auto& options = rare.options;
  if (!options.output.empty() && !options.dry_run) io::check_output(options.output, options.force);
  Prepared prepared = prepare(rare.file, options.scenario);
  io::require_valid(prepared.loaded);
  if (!options.quiet && !prepared.loaded.diagnostics.empty())
    command.err << prepared.loaded.diagnostics.render() << '\n';
  plan::Plan& plan = *prepared.plan;
  if (plan.sampling != plan::PlanSampling{})
    throw CLI::ValidationError("rare",
                               "makes its paths in its own way and takes no antithetic pairs and no net; add --set "
                               "simulate.sampler=philox --set simulate.antithetic=false");
  const RareEvent event = event_of(rare, prepared.loaded.scenario, plan);
  plan.metrics.clear();
  plan.stop.reset();
  plan.stored = {};
  Study study{.command = rare, .prepared = prepared, .plan = plan, .event = event, .tilts = {}};
  for (const auto& text : rare.tilts) study.tilts.push_back(tilt_of(text, prepared.loaded.scenario, plan));
  return rare.splits() ? run_splitting(study, command) : run_tilting(study, command);
}

}  // namespace

void add_rare(CLI::App& app, const Command& command, int& exit_code) {
  auto rare = std::make_shared<RareCommand>();
  auto* verb =
      app.add_subcommand("rare",
                         "how likely a rare event is (below 1e-3), with its error: multilevel splitting of the "
                         "paths, or importance sampling by tilted shocks (docs/rare_events.md); an estimate that "
                         "is too uncertain is refused, exit code 79");
  verb->add_option("FILE", rare->file, "scenario file, or lib:NAME of the built-in library")->required();
  verb->add_option("--event", rare->event,
                   "a condition on a path, e.g. 'max(sofr - iorb) > 1500 bp', or the id of a metric that is a P(...)")
      ->type_name("EXPR|ID")
      ->required();
  verb->add_option("--method", rare->method, "splitting (the default) or tilting (where --tilt is given)")
      ->check(CLI::IsMember({"splitting", "tilting"}));
  auto& s = rare->splitting;
  std::array<CLI::Option*, 4> own{
      verb->add_option("--population", s.population, "splitting: paths of a replica; default 1024")
          ->type_name("N")
          ->check(CLI::Range(study::kLeastPopulation, study::kMostPopulation)),
      verb->add_option("--replicas", s.replicas, "splitting: independent replicas, which give the error; default 16")
          ->type_name("R")
          ->check(CLI::Range(std::uint32_t{4}, study::kMostReplicas)),
      verb->add_option("--moves", s.moves, "splitting: moves of every path at each level; default 8")
          ->type_name("M")
          ->check(CLI::Range(std::uint32_t{1}, study::kMostMoves)),
      verb->add_option("--keep", s.keep, "splitting: share of the paths that survive a level; default 0.5")
          ->type_name("SHARE")
          ->check(CLI::Range(0.05, 0.75))};
  verb->add_option("--tilt", rare->tilts,
                   "tilting: draw this random shock from a law that is moved, e.g. repo-demand=+2sd, or to a mean: "
                   "'repo-demand=120 bn USD'; may be repeated")
      ->type_name("SHOCK=SIZE")
      ->allow_extra_args(false);
  add_simulation_options(*verb, rare->options, "also write the estimate, its replicas and levels to a file");
  verb->callback([rare, command, &exit_code, own] {
    rare->has_splitting_options = std::ranges::any_of(own, [](const CLI::Option* o) { return o->count() > 0; });
    exit_code = run_rare(*rare, command);
  });
}

}  // namespace repoquake::cli
