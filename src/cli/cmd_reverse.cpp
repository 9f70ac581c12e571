#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/dispatch.hpp"
#include "cli/exit_codes.hpp"
#include "cli/progress.hpp"
#include "cli/simulation_options.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/engine/run.hpp"
#include "repoquake/io/output_file.hpp"
#include "repoquake/io/reverse_file.hpp"
#include "repoquake/io/sweep_yaml.hpp"
#include "repoquake/plan/compile.hpp"
#include "repoquake/report/reverse_table.hpp"
#include "repoquake/report/sweep_text.hpp"
#include "repoquake/study/reverse.hpp"
#include "repoquake/study/sweep_table.hpp"

namespace repoquake::cli {
namespace {

using study::Asked;
using study::CurvePoint;

struct ReverseCommand {
  std::string file;
  SimulationOptions options;
  io::SearchRequest request;
};

/// A plan, or why there is none.
struct Made {
  std::optional<plan::Plan> plan;
  std::string failure;
};

Made make_plan(const io::LoadedScenario& point) {
  for (const auto& entry : point.diagnostics.sorted())  // without its place, which is that of an option
    if (entry.severity == Issue::Severity::error) return {std::nullopt, entry.key + ": " + entry.reason};
  auto compiled = plan::compile(point.scenario, point.base ? &*point.base : nullptr);
  if (compiled.plan) return {lean(std::move(*compiled.plan)), {}};
  return {std::nullopt, compiled.issues.front().key + ": " + compiled.issues.front().reason};
}

/// Runs batches of points, all of one batch in one pipeline.
class Evaluator {
 public:
  Evaluator(const io::LoadedSearch& search, const SimulationOptions& options, std::ostream& err)
      : search_(search), options_(options), err_(err), stop_(catch_signals()) {}

  std::optional<std::vector<CurvePoint>> operator()(std::span<const Asked> asked) {
    std::vector<CurvePoint> answers(asked.size());
    const bool has_bar = stderr_is_terminal() && !options_.quiet;
    if (!options_.quiet && !has_bar)
      err_ << fmt::format("round {}: {} points, {} so far\n", round_ + 1, asked.size(), n_points_);
    ++round_;
    Progress progress(err_, asked.size(), has_bar, !has_bar, "points");
    std::uint64_t n_done = 0, n_paths = 0;
    const bool is_whole = engine::run_points(
        asked.size(),
        [&](std::uint64_t k) {
          const io::LoadedScenario point = io::load_search_point(search_, asked[k].x, asked[k].curve);
          Made made = make_plan(point);
          answers[k].failure = std::move(made.failure);
          if (made.plan && !need_rule_) {
            need_rule_ = point.scenario.market.need;
            need_ = report::need_text(point.scenario, search_.sweep.base.scenario.name);
          }
          return std::move(made.plan);
        },
        {.threads = options_.threads, .stop = &stop_},
        [&](std::uint64_t k, const engine::PointEnd& end) {
          const auto outcome = study::outcome_of(end);
          if (end.summary) threads_ = end.summary->threads;
          answers[k].failure = outcome.message;
          answers[k].flagged_share = outcome.flagged_share;
          if (!outcome.metrics.empty()) answers[k].estimate = outcome.metrics.front();
          n_paths += outcome.n_paths;
          progress.show(++n_done, n_paths);
        });
    if (!is_whole) return std::nullopt;
    n_points_ += asked.size();
    return answers;
  }

  /// Whose need the points have, once one has been run.
  [[nodiscard]] const std::string& need() const noexcept { return need_; }
  [[nodiscard]] bool inverts_need() const noexcept { return need_rule_ == scenario::NeedRule::invert; }
  [[nodiscard]] int threads() const noexcept { return threads_; }
  [[nodiscard]] std::uint64_t n_points() const noexcept { return n_points_; }

 private:
  const io::LoadedSearch& search_;
  const SimulationOptions& options_;
  std::ostream& err_;
  const std::atomic<bool>& stop_;
  int round_ = 0, threads_ = 1;
  std::uint64_t n_points_ = 0;
  std::optional<scenario::NeedRule> need_rule_;
  std::string need_;
};

/// All of a search but its curves.
study::Reverse describe_search(const io::LoadedSearch& search) {
  const scenario::Scenario& base = search.sweep.base.scenario;
  const scenario::AxisKey& along = search.sweep.sweep.axes.front().keys.front();
  study::Reverse r;
  r.name = base.name;
  r.title = base.title;
  r.n_paths = base.simulate.paths;
  r.seed = base.simulate.seed;
  r.max_flagged = base.simulate.max_flagged;
  r.key = along.key.path;
  r.key_unit = along.key.unit_in_result();
  r.shown_key_unit = scenario::unit_text(along.key.unit);
  r.base_value = search.base_value;
  r.expr = base.metrics.front().expr;
  r.unit = search.unit.in_result;
  r.shown_unit = search.unit.written;
  r.search = {.low = std::min(along.grid->from, along.grid->to),
              .high = std::max(along.grid->from, along.grid->to),
              .steps = along.grid->steps,
              .target = search.target};
  r.over_texts = {r.name};
  if (search.sweep.sweep.axes.size() < 2) return r;
  const scenario::AxisKey& over = search.sweep.sweep.axes.back().keys.front();
  r.over = over.key.path;
  r.over_unit = over.key.unit_in_result();
  r.over_texts.clear();
  for (std::size_t k = 0; k < over.size(); ++k) {
    r.over_numbers.push_back(over.grid ? over.grid->at(k) : over.numbers[k]);
    r.over_texts.push_back(over.grid ? io::setting_text(over.key, over.grid->at(k)) : over.texts[k]);
  }
  return r;
}

void show_search_estimate(const io::LoadedSearch& search, const study::Reverse& reverse,
                          const SimulationOptions& options, std::ostream& out) {
  const std::size_t n_curves = reverse.over_texts.size();
  out << fmt::format(
      "{} {} of {} points, then as a rule 20 to 40 more on each that crosses the target; of one point:\n", n_curves,
      n_curves == 1 ? "curve" : "curves", reverse.search.steps);
  const Made made = make_plan(io::load_search_point(search, reverse.search.low, 0));
  if (made.plan)
    show_estimate(std::span(&*made.plan, 1), options, "", out);
  else
    out << "  cannot be run: " << made.failure << '\n';
}

int exit_code_of(const study::Reverse& reverse, std::ostream& err) {
  if (const auto n = reverse.n_failed(); n > 0) {
    err << fmt::format("repoquake: {} of {} points could not be run\n", n, reverse.n_points());
    return kPointsFailed;
  }
  std::size_t n_flagged = 0;
  for (const auto& curve : reverse.curves)
    for (const auto& point : curve.points) n_flagged += point.flagged_share > reverse.max_flagged ? 1U : 0U;
  return exit_code_of_flagged(n_flagged, reverse.max_flagged, err);
}

int run_reverse(const ReverseCommand& command_line, const Command& command) {
  static_cast<void>(catch_signals());
  const auto& options = command_line.options;
  const bool has_output = !options.output.empty();
  if (has_output && !options.dry_run) io::check_output(options.output, options.force);
  const io::LoadedSearch search =
      io::load_search(command_line.file, command_line.request, options.scenario.load_options());
  if (search.sweep.diagnostics.has_errors()) throw ScenarioError(search.sweep.diagnostics.render());
  if (!options.quiet && !search.sweep.diagnostics.empty()) command.err << search.sweep.diagnostics.render() << '\n';
  study::Reverse reverse = describe_search(search);
  if (options.dry_run) {
    show_search_estimate(search, reverse, options, command.out);
    return kOk;
  }
  const auto& base = search.sweep.base;
  const auto compiled = plan::compile(base.scenario, base.base ? &*base.base : nullptr);
  reverse.is_conditional = compiled.plan && compiled.plan->is_conditional;
  const auto start = std::chrono::steady_clock::now();
  Evaluator evaluator(search, options, command.err);
  auto curves = study::find_crossings(reverse.search, reverse.over_texts.size(), std::ref(evaluator));
  if (!curves) {
    command.err << fmt::format(
        "repoquake: interrupted after {} points; a search that has not ended is not kept: run it again\n",
        evaluator.n_points());
    return kInterrupted;
  }
  reverse.curves = std::move(*curves);
  if (reverse.n_failed() == reverse.n_points())
    throw ScenarioError(command_line.file + ": can be run at no value of " + reverse.key + " from " +
                        fmt::format("{} to {} {}; at the first: {}", reverse.search.low, reverse.search.high,
                                    reverse.shown_key_unit, reverse.curves.front().points.front().failure));
  reverse.need = evaluator.need();
  const bool moves_model = reverse.key.starts_with("model.") || reverse.over.starts_with("model.");
  if (moves_model && evaluator.inverts_need() && !options.quiet)
    command.err << "a value of model: moves, so the funding need is inverted again at every point: another belief must "
                   "still match the opening\n";
  command.out << report::reverse_table(reverse);
  if (has_output) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    io::write_reverse(options.output, options.force, reverse, provenance_of(base, options, command),
                      evaluator.threads(), seconds);
    command.out << "\nsearch in " << options.output << '\n';
  }
  return exit_code_of(reverse, command.err);
}

/// What CLI11 cannot say: which options belong together.
void check_request(const io::SearchRequest& request) {
  for (const auto& [option, text] : {std::pair{"--along", &request.along},
                                     {"--from", &request.from},
                                     {"--to", &request.to},
                                     {"--target", &request.target}})
    if (text->empty()) throw CLI::ValidationError(option, "is empty");
  const bool has_range = !request.over_from.empty() || !request.over_to.empty();
  if (request.over.empty() && (has_range || !request.values.empty()))
    throw CLI::ValidationError("--over", "is missing: name the second key, or leave out its values");
  if (request.over.empty()) return;
  if (request.values.empty() == !has_range)
    throw CLI::ValidationError("--over", "takes --values A,B,C, or --over-from LOW --over-to HIGH; give one of them");
  if (has_range && (request.over_from.empty() || request.over_to.empty()))
    throw CLI::ValidationError("--over", "needs both --over-from and --over-to");
}

}  // namespace

void add_reverse(CLI::App& app, const Command& command, int& exit_code) {
  auto reverse = std::make_shared<ReverseCommand>();
  auto* verb = app.add_subcommand(
      "reverse",
      "where along one key of a scenario a metric reaches a target, with a 95 % interval from the paths; over the "
      "values "
      "of a second key, the frontier. Points share their draws and hold the base's funding need unless told otherwise");
  auto& request = reverse->request;
  verb->add_option("FILE", reverse->file, "scenario file, or lib:NAME of the built-in library")->required();
  verb->add_option("--along", request.along, "the key that moves, e.g. policy.tga.target")
      ->type_name("KEY")
      ->required();
  verb->add_option("--from", request.from, "one end of its range, with its unit, e.g. '450 bn USD'")
      ->type_name("LOW")
      ->required();
  verb->add_option("--to", request.to, "the other end")->type_name("HIGH")->required();
  verb->add_option("--target", request.target,
                   "a metric and its value, e.g. 'P(max(sofr - iorb) > 100 bp) = 10 %'; the id of a metric of the "
                   "scenario will do for the metric")
      ->type_name("METRIC = VALUE")
      ->required();
  verb->add_option("--steps", request.steps,
                   "points of the grid that the search begins with; two crossings between neighbours may be missed")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(2, 1001));
  verb->add_option("--over", request.over, "a second key: a crossing for each of its values")->type_name("KEY");
  verb->add_option("--values", request.values, "values of the second key, e.g. false,true; may be repeated")
      ->type_name("A,B,C")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb->add_option("--over-from", request.over_from, "instead of values, one end of a range of the second key")
      ->type_name("LOW");
  verb->add_option("--over-to", request.over_to, "the other end")->type_name("HIGH");
  verb->add_option("--over-steps", request.over_steps, "how many values from --over-from to --over-to")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(2, 1001));
  add_simulation_options(*verb, reverse->options, "also write every point, crossings and intervals to a file");
  verb->callback([reverse, command, &exit_code] {
    for (auto& value : reverse->request.values) {  // "A, B"
      value.erase(0, value.find_first_not_of(' '));
      value.erase(value.find_last_not_of(' ') + 1);
    }
    check_request(reverse->request);
    exit_code = run_reverse(*reverse, command);
  });
}

}  // namespace repoquake::cli
