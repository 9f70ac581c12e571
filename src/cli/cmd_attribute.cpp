#include <algorithm>
#include <chrono>
#include <memory>
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
#include "repoquake/engine/run.hpp"
#include "repoquake/io/attribution_file.hpp"
#include "repoquake/io/output_file.hpp"
#include "repoquake/plan/compile.hpp"
#include "repoquake/report/attribution_table.hpp"
#include "repoquake/study/attribution.hpp"
#include "repoquake/study/held_need.hpp"

namespace repoquake::cli {
namespace {

struct AttributeCommand {
  std::string file;
  SimulationOptions options;
  std::vector<std::string> metrics;   ///< ids; none: all
  std::vector<std::string> switches;  ///< "NAME: KEY=VALUE", what turns NAME off
  bool no_shocks = false;
  std::size_t orders = 0;  ///< 0: not asked for
};

/// Something that is switched off by settings.
struct Factor {
  std::string name;
  std::vector<std::string> off;
};

/// More values than this are not kept: 2 GB.
constexpr std::uint64_t kMostValues = std::uint64_t{1} << 28;

/// "NAME: KEY=VALUE"; several of one name belong together.
void add_switch(const std::string& text, std::vector<Factor>& factors) {
  const auto colon = text.find(':');
  const std::string name = text.substr(0, colon);
  const auto start = colon == std::string::npos ? colon : text.find_first_not_of(' ', colon + 1);
  if (name.empty() || start == std::string::npos || text.find('=', start) == std::string::npos)
    throw CLI::ValidationError("--switch", "must be NAME: KEY=VALUE, what turns NAME off, got \"" + text + "\"");
  const auto found = std::ranges::find(factors, name, &Factor::name);
  if (found == factors.end())
    factors.push_back({name, {text.substr(start)}});
  else
    found->off.push_back(text.substr(start));
}

/// Shocks that do something, by their ids, then the switches of the scenario, then those of the command line.
std::vector<Factor> find_factors(const AttributeCommand& attribute, const Prepared& whole) {
  const plan::Plan& plan = *whole.plan;
  std::vector<Factor> factors;
  for (const auto& shock : plan.shocks) {
    const bool acts = !shock.profile.empty() && (shock.is_random() || shock.location != 0.0);
    if (acts && !attribute.no_shocks) factors.push_back({shock.id, {"shocks." + shock.id + ".enabled=false"}});
  }
  for (const auto& one : whole.loaded.scenario.switches) factors.push_back({one.id, one.without});
  for (const auto& text : attribute.switches) add_switch(text, factors);
  return factors;
}

/// The metrics that were asked for, by id or as expressions; all of the scenario's where none were; the mean peak of
/// SOFR - IORB where it has none.
void choose_metrics(const std::vector<std::string>& asked, scenario::Scenario& s) {
  std::vector<scenario::Metric> chosen;
  for (const auto& text : asked) {
    const auto known = std::ranges::find(s.metrics, text, &scenario::Metric::id);
    if (known != s.metrics.end()) {
      chosen.push_back(*known);
      continue;
    }
    const auto checked = scenario::check_metric(text);
    auto errors = checked.errors;
    if (checked.form) errors = scenario::check_in_world(checked.form->per_path, scenario::expression_world(s));
    if (!errors.empty()) {
      std::string ids;
      for (const auto& metric : s.metrics) ids += (ids.empty() ? "" : ", ") + metric.id;
      throw CLI::ValidationError(
          "--metric",
          fmt::format("\"{}\" is no id of a metric ({}) and no expression: {} (character {})", text,
                      ids.empty() ? "the scenario has none" : ids, errors.front().reason, errors.front().offset + 1));
    }
    chosen.push_back({fmt::format("metric_{}", chosen.size() + 1), text});
  }
  if (!asked.empty()) s.metrics = std::move(chosen);
  if (s.metrics.empty()) s.metrics.push_back({"peak_spread", "mean(max(spread))"});
  s.expect.clear();
  s.simulate.stop.reset();
  s.output.paths = {.all = false};
  s.output.summary_of_all = false;
  s.output.variables = {Variable::spread};
}

/// The plan of a subset: what is not in it is switched off, the need of the whole is held.
plan::Plan plan_of(study::Subset subset, const std::vector<Factor>& factors, const io::LoadedScenario& whole,
                   const AttributeCommand& attribute) {
  ScenarioOptions options = attribute.options.scenario;
  bool states_need = false;
  for (std::size_t j = 0; j < factors.size(); ++j) {
    if (((subset >> j) & 1U) != 0) continue;
    for (const auto& setting : factors[j].off) {
      options.settings.push_back(setting);
      states_need |= setting.starts_with("market.need=");
    }
  }
  io::LoadedScenario loaded = io::load_scenario(attribute.file, options.load_options());
  io::require_valid(loaded);
  choose_metrics(attribute.metrics, loaded.scenario);
  auto held = study::hold_need(std::move(loaded.scenario), loaded.base, whole.scenario, whole.base, states_need);
  loaded.diagnostics.add(held.issues);
  io::require_valid(loaded);
  auto compiled = plan::compile(held.scenario, held.base ? &*held.base : nullptr);
  loaded.diagnostics.add(compiled.issues);
  io::require_valid(loaded);
  return std::move(*compiled.plan);
}

/// Orders that are drawn where there are too many subsets and nobody says how many.
constexpr std::size_t kUsualOrders = 64;

/// All subsets, or a sample of orders where it is asked for or there are too many factors.
study::AttributionDesign choose_design(const AttributeCommand& attribute, std::size_t n_factors, std::uint64_t seed) {
  if (n_factors == 0)
    throw ScenarioError(attribute.file +
                        ": has no shock that does anything; name switches with --switch 'NAME: KEY=VALUE', or in "
                        "`switches:`");
  if (n_factors > study::kMostSampledFactors)
    throw CLI::ValidationError("attribute",
                               fmt::format("has {} factors; at most {} are attributed, leave some out with "
                                           "--set shocks.ID.enabled=false",
                                           n_factors, study::kMostSampledFactors));
  if (attribute.orders == 0 && n_factors <= study::kMostFactors) return study::all_subsets(n_factors);
  return study::sample_orders(n_factors, attribute.orders == 0 ? kUsualOrders : attribute.orders, seed);
}

void require_memory(const study::AttributionDesign& design, std::uint64_t n_paths, std::uint64_t n_metrics) {
  const std::uint64_t most = kMostValues / (study::Attributor::numbers_per_path(design) + 1) / n_metrics;
  if (n_paths > most)
    throw CLI::ValidationError(
        "attribute",
        fmt::format("{} factors, {} paths and {} metrics need too much memory; at most {} paths with --paths, "
                    "or fewer metrics with --metric",
                    design.n_factors, n_paths, n_metrics, most));
}

/// What the shares are made of, for people.
std::string method_text(const study::AttributionDesign& design, std::uint64_t n_paths, std::uint64_t seed) {
  const std::string worlds = fmt::format("{} factors, {} worlds of {} paths on the same draws, seed {}",
                                         design.n_factors, design.worlds.size(), n_paths, seed);
  if (!design.is_sample()) return worlds + "; shares sum to the effect, errors are theirs\n";
  return worlds + fmt::format(
                      "\nShares over a sample of {} orders, {} drawn and their reverses; they sum to the effect, "
                      "errors are those of paths and orders together\n",
                      design.orders.size(), design.orders.size() / 2);
}

int run_attribute(const AttributeCommand& attribute, const Command& command) {
  const auto& options = attribute.options;
  if (!options.output.empty() && !options.dry_run) io::check_output(options.output, options.force);
  Prepared whole = prepare(attribute.file, options.scenario);
  io::require_valid(whole.loaded);
  if (!options.quiet && !whole.loaded.diagnostics.empty()) command.err << whole.loaded.diagnostics.render() << '\n';
  check_switches(attribute.file, options.scenario, whole.loaded);
  io::require_valid(whole.loaded);
  const std::vector<Factor> factors = find_factors(attribute, whole);
  choose_metrics(attribute.metrics, whole.loaded.scenario);
  const study::AttributionDesign design = choose_design(attribute, factors.size(), whole.loaded.scenario.simulate.seed);
  const std::size_t n_worlds = design.worlds.size();
  const std::uint64_t n_paths = whole.plan->n_paths, n_metrics = whole.loaded.scenario.metrics.size();
  require_memory(design, n_paths, n_metrics);
  if (options.dry_run) {
    ManyWorlds worlds;
    worlds.name = whole.loaded.scenario.name;
    worlds.what = "worlds";
    worlds.n = n_worlds;
    worlds.n_paths = n_worlds * n_paths;
    worlds.more = fmt::format("of {} factors", design.n_factors);
    if (design.is_sample()) worlds.more += fmt::format(" in {} orders", design.orders.size());
    worlds.kept_bytes = n_paths * n_metrics * (study::Attributor::numbers_per_path(design) + 2) * sizeof(double);
    worlds.disk_bytes = 60'000 + 8 * n_metrics * design.n_factors * (7 + 2 * design.n_factors);
    for (const study::Subset world : {design.worlds.front(), design.worlds.back()})
      worlds.tried.push_back(plan_of(world, factors, whole.loaded, attribute));
    show_estimate(worlds, options, options.output, command.out);
    return kOk;
  }

  const auto start = std::chrono::steady_clock::now();
  std::vector<std::vector<double>> values(n_metrics);  // of one world at a time
  std::vector<study::Attributor> attributors;
  int threads = 1;
  std::string failure;
  const bool is_whole = [&] {
    Progress progress(command.err, n_worlds, stderr_is_terminal(), options.quiet, "points");
    return engine::run_points(
        n_worlds,
        [&](std::uint64_t w) { return std::optional(plan_of(design.worlds[w], factors, whole.loaded, attribute)); },
        {.threads = options.threads, .stop = &catch_signals()},
        [&](std::uint64_t w, const engine::PointEnd& end) {
          if (!end.summary && failure.empty()) failure = end.failure;
          if (!failure.empty()) return;
          threads = end.summary->threads;
          for (std::size_t m = 0; m < n_metrics; ++m) {
            if (attributors.size() == m)
              attributors.emplace_back(end.summary->manifest.metrics[m], design, end.summary->manifest.batching);
            attributors[m].absorb(end.summary->stats.metric(m), values[m]);
            values[m].clear();
          }
          progress.show(w + 1, (w + 1) * n_paths);
        },
        [&](std::uint64_t, const engine::ChunkResult& chunk) {
          for (std::size_t m = 0; m < n_metrics; ++m) {
            const auto part = std::span(chunk.metrics).subspan(m * chunk.n_paths, chunk.n_paths);
            values[m].insert(values[m].end(), part.begin(), part.end());
          }
        });
  }();
  if (!failure.empty()) throw std::runtime_error(failure);
  if (!is_whole) {
    command.err << "repoquake: interrupted; an attribution of some of the worlds is not kept\n";
    return kInterrupted;
  }

  std::vector<study::Attribution> attributions;
  for (const auto& attributor : attributors) attributions.push_back(attributor.result());
  std::vector<std::string> names;
  for (const auto& factor : factors) names.push_back(factor.name);
  const auto& s = whole.loaded.scenario;
  command.out << (s.title.empty() ? s.name : s.title) << '\n';
  if (whole.plan->is_conditional) command.out << "Conditional replay: realised flows are inputs in every world.\n";
  command.out << method_text(design, n_paths, s.simulate.seed);
  command.out << report::attribution_table(attributions, names);
  if (!options.output.empty()) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    io::write_attribution(options.output, options.force, attributions, names,
                          {.name = s.name,
                           .title = s.title,
                           .is_conditional = whole.plan->is_conditional,
                           .n_paths = n_paths,
                           .n_worlds = n_worlds,
                           .seed = s.simulate.seed,
                           .threads = threads,
                           .seconds = seconds},
                          provenance_of(whole.loaded, options, command));
    command.out << "\nattribution in " << options.output << '\n';
  }
  return kOk;
}

}  // namespace

void add_attribute(CLI::App& app, const Command& command, int& exit_code) {
  auto attribute = std::make_shared<AttributeCommand>();
  auto* verb =
      app.add_subcommand("attribute",
                         "how much of each metric the named shocks bring about: Shapley shares on the same draws, with "
                         "errors; the funding need is that of the whole");
  verb->add_option("FILE", attribute->file, "scenario file, or lib:NAME of the built-in library")->required();
  verb->add_option("--metric", attribute->metrics,
                   "id of a metric, or an expression; may be repeated; default: all of the scenario's, else the mean "
                   "peak of SOFR - IORB")
      ->type_name("ID|EXPR")
      ->allow_extra_args(false);
  verb->add_option("--switch", attribute->switches,
                   "a further factor: what turns it off, e.g. 'facility: policy.standing_repo.enabled=false'; several "
                   "settings of one name belong together")
      ->type_name("NAME: KEY=VALUE")
      ->allow_extra_args(false);
  verb->add_flag("--no-shocks", attribute->no_shocks,
                 "only the switches (--switch, and `switches:` of the scenario), no shocks");
  verb->add_option(
          "--orders", attribute->orders,
          fmt::format("shares over a sample of N orders of switching on instead of all subsets; an even number: "
                      "each is drawn with its reverse; default: {} where there are more than {} factors",
                      kUsualOrders, study::kMostFactors))
      ->type_name("N")
      ->check(CLI::Range(study::kFewestOrders, std::size_t{1'000'000}))
      ->check([](const std::string& text) { return (text.back() - '0') % 2 == 0 ? "" : "must be even, got " + text; });
  add_simulation_options(*verb, attribute->options, "also write the shares to a file");
  verb->callback([attribute, command, &exit_code] { exit_code = run_attribute(*attribute, command); });
}

}  // namespace repoquake::cli
