#include "repoquake/io/rare_file.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "io/cf_dataset.hpp"
#include "io/provenance_group.hpp"
#include "repoquake/io/output_file.hpp"

namespace repoquake::io {
namespace {

using study::RareEvent;
using study::SplittingLevel;
using study::SplittingReplica;

std::string end_text(study::SplittingEnd end) {
  switch (end) {
    case study::SplittingEnd::reached:
      return "reached";
    case study::SplittingEnd::stuck:
      return "stuck";
    case study::SplittingEnd::too_rare:
      return "too_rare";
    case study::SplittingEnd::interrupted:
      return "interrupted";
  }
  return "";
}

/// A number of the study, by name.
struct Row {
  std::string name, meaning;
  stats::Estimate estimate;
};

Row count(std::string name, double value, std::string meaning) {
  return {
      std::move(name), std::move(meaning), {.value = value, .standard_error = kNaN, .lo = kNaN, .hi = kNaN, .n = 0}};
}

void write_rows(const Group& group, std::span<const Row> rows) {
  std::vector<std::string> names, meanings;
  std::vector<double> value, error, low, high;
  for (const Row& row : rows) {
    names.push_back(row.name);
    meanings.push_back(row.meaning);
    value.push_back(row.estimate.value);
    error.push_back(row.estimate.standard_error);
    low.push_back(row.estimate.lo);
    high.push_back(row.estimate.hi);
  }
  const Dataset quantity = write_text_scale(group, "quantity", names, "what the number is");
  write_texts(group, "meaning", meanings, quantity, "the same in words");
  const auto write = [&](std::string_view name, const std::vector<double>& values, std::string_view text) {
    describe(write_statistic(group, name, {{&quantity, rows.size()}}, values), "1", text);
  };
  write("value", value, "value");
  write("se", error, "standard error of the value");
  write("ci_lo", low, "lower 95 % confidence limit");
  write("ci_hi", high, "upper 95 % confidence limit");
}

/// The probability as a metric of its own; a refused one has no value.
void write_metric(const Group& root, const RareEvent& event, const stats::Estimate& p, bool is_refused) {
  const Group group = root.create_group("metrics");
  const std::vector<std::string> ids{"probability"}, units{"1"}, expressions{"P(" + event.text + ")"};
  const Dataset metric = write_text_scale(group, "metric", ids, "id of the metric");
  write_texts(group, "unit", units, metric, "unit of the metric, its error and its limits");
  write_texts(group, "expr", expressions, metric, "the expression as written");
  const auto write = [&](std::string_view name, double value, std::string_view text) {
    const std::array values{is_refused ? kNaN : value};
    describe(write_statistic(group, name, {{&metric, 1}}, values), "", text);
  };
  write("value", p.value, "value of the metric");
  write("se", p.standard_error, "standard error of the value");
  write("ci_lo", p.lo, "lower 95 % confidence limit");
  write("ci_hi", p.hi, "upper 95 % confidence limit");
}

void write_replicas(const Group& root, std::span<const SplittingReplica> replicas, const Dataset& replica) {
  const Group group = root.open_group("replicas");
  const auto write = [&](std::string_view name, const std::function<double(const SplittingReplica&)>& value_of,
                         std::string_view text) {
    std::vector<double> values;
    for (const auto& r : replicas) values.push_back(value_of(r));
    describe(write_statistic(group, name, {{&replica, values.size()}}, values), "1", text);
  };
  using R = SplittingReplica;
  write(
      "probability", [](const R& r) { return r.probability; }, "estimate of the replica by itself");
  write(
      "reached", [](const R& r) { return r.reached; }, "probability of the last level before the event");
  write(
      "hits", [](const R& r) { return r.hits; }, "paths of the population in the event at the end");
  write(
      "ancestors", [](const R& r) { return r.ancestors; }, "of the first paths, how many these descend from");
  write(
      "no_clearing", [](const R& r) { return r.hits > 0 ? r.marked : kNaN; }, "share of the hits that do not clear");
  write(
      "n_paths", [](const R& r) { return static_cast<double>(r.n_scored); }, "paths simulated");
  std::vector<std::string> ends;
  for (const auto& r : replicas) ends.push_back(end_text(r.end));
  write_texts(group, "end", ends, replica, "how the replica ended: reached the event, stuck below it, or too rare");
}

void write_levels(const Group& root, const RareEvent& event, std::span<const SplittingReplica> replicas) {
  std::size_t n_levels = 0;
  for (const auto& r : replicas) n_levels = std::max(n_levels, r.levels.size());
  if (n_levels == 0) return;
  const Group group = root.create_group("levels");
  std::vector<std::int64_t> numbers(replicas.size()), places(n_levels);
  for (std::size_t k = 0; k < numbers.size(); ++k) numbers[k] = static_cast<std::int64_t>(k);
  for (std::size_t k = 0; k < places.size(); ++k) places[k] = static_cast<std::int64_t>(k + 1);
  Dataset replica = group.create_dataset("replica", std::span<const std::int64_t>(numbers));
  describe(replica, "1", "number of the replica");
  replica.make_scale("replica");
  Dataset level = group.create_dataset("level", std::span<const std::int64_t>(places));
  describe(level, "1", "number of the level");
  level.make_scale("level");
  const auto write = [&](std::string_view name, const std::function<double(const SplittingLevel&)>& value_of,
                         std::string_view unit, std::string_view text) {
    std::vector<double> values;
    for (const auto& r : replicas)
      for (std::size_t k = 0; k < n_levels; ++k) values.push_back(k < r.levels.size() ? value_of(r.levels[k]) : kNaN);
    describe(write_statistic(group, name, {{&replica, replicas.size()}, {&level, n_levels}}, values), unit, text);
  };
  using L = SplittingLevel;
  write(
      "score", [&](const L& l) { return event.shown(l.score); }, event.unit, "a path had to be beyond it to survive");
  write(
      "share", [](const L& l) { return l.share; }, "1", "share of the population that survived");
  write(
      "local_acceptance", [](const L& l) { return l.local_acceptance; }, "1", "local moves that were accepted");
  write(
      "redraw_acceptance", [](const L& l) { return l.redraw_acceptance; }, "1", "redraws that were accepted");
  write(
      "step", [](const L& l) { return l.step; }, "1", "size of local moves");
  write(
      "redrawn", [](const L& l) { return l.redrawn; }, "1", "share of the draws that a redraw makes anew");
  write(
      "moved", [](const L& l) { return l.moved; }, "1", "share of the paths that moved at least once");
}

/// Everything but what the method itself has to say.
void write_file(const std::string& path, bool force, const RareEvent& event, const std::string& method,
                std::uint64_t n_paths, const stats::Estimate& p, const RareRun& run, const Provenance& provenance,
                const std::function<void(const Group& root, const Group& rare)>& write_rest) {
  check_output(path, force);
  File file = create_partial(path);
  {
    const Group root = file.root();
    const Attributes about = root.attributes();
    write_study_head(about,
                     {.name = run.name,
                      .title = run.title,
                      .is_conditional = run.is_conditional,
                      .seed = run.seed,
                      .n_paths = n_paths,
                      .stop_reason = "all_paths_done"},
                     provenance);
    write_metric(root, event, p, !run.refused.empty());
    const Group rare = root.create_group("rare");
    rare.attributes().set("event", event.text);
    rare.attributes().set("method", method);
    rare.attributes().set("refused", run.refused);
    write_rest(root, rare);
    const Group origin = root.create_group("provenance");
    describe(origin.create_text("resolved_scenario", provenance.resolved_scenario), "", "the scenario, YAML");
    write_provenance(origin, provenance, run.threads, run.seconds);
    file.flush();
    root.attributes().set("status", "complete");
  }
  publish(std::move(file), path, force);
}

}  // namespace

void write_splitting(const std::string& path, bool force, const RareEvent& event,
                     std::span<const SplittingReplica> replicas, const study::SplittingEstimate& estimate,
                     const study::SplittingOptions& options, const RareRun& run, const Provenance& provenance) {
  const auto write_rest = [&](const Group& root, const Group& rare) {
    rare.attributes().set("population", static_cast<std::int64_t>(options.population));
    rare.attributes().set("moves", static_cast<std::int64_t>(options.moves));
    rare.attributes().set("keep", options.keep);
    const std::vector<Row> rows{
        {"probability", "of the event; with no path in it 0 and a bound", estimate.probability},
        {"no_clearing", "share of the event's paths that do not clear below 3000 bp on a day", estimate.marked},
        count("n_reached", estimate.n_reached, "replicas that reached the event"),
        count("ancestors", estimate.mean_ancestors, "first paths that the hits of a replica descend from, mean"),
        count("least_moved", estimate.least_moved, "smallest share of paths that moved at a level"),
        count("nearest", event.shown(estimate.best), "the score nearest to the event, or furthest in it"),
    };
    write_rows(rare, rows);
    const Group group = root.create_group("replicas");
    std::vector<std::int64_t> numbers(replicas.size());
    for (std::size_t k = 0; k < numbers.size(); ++k) numbers[k] = static_cast<std::int64_t>(k);
    Dataset replica = group.create_dataset("replica", std::span<const std::int64_t>(numbers));
    describe(replica, "1", "number of the replica");
    replica.make_scale("replica");
    write_replicas(root, replicas, replica);
    write_levels(root, event, replicas);
  };
  write_file(path, force, event, "splitting", estimate.n_scored, estimate.probability, run, provenance, write_rest);
}

void write_tilting(const std::string& path, bool force, const RareEvent& event, std::span<const NamedTilt> tilts,
                   const study::WeightedHits& sums, const study::TiltingEstimate& estimate, const RareRun& run,
                   const Provenance& provenance) {
  const auto write_rest = [&](const Group& root, const Group& rare) {
    const std::vector<Row> rows{
        {"probability", "of the event", estimate.probability},
        {"no_clearing", "share of the event's paths that do not clear below 3000 bp on a day", estimate.marked},
        {"mean_weight", "of a path; 1 within its error", estimate.mean_weight},
        count("effective_hits", estimate.effective_hits, "equally weighted hits that say as much"),
        count("hits", static_cast<double>(sums.n_hits), "paths in the event, before weighting"),
        count("gain", estimate.gain, "ordinary paths that one of these is worth"),
    };
    write_rows(rare, rows);
    const Group group = root.create_group("tilts");
    std::vector<std::string> names;
    std::vector<double> sizes;
    for (const auto& tilt : tilts) {
      names.push_back(tilt.shock);
      sizes.push_back(tilt.deviations);
    }
    const Dataset shock = write_text_scale(group, "shock", names, "id of the shock");
    describe(write_statistic(group, "deviations", {{&shock, sizes.size()}}, sizes), "1",
             "standard deviations that its score was moved by");
  };
  write_file(path, force, event, "tilting", sums.weights.n, estimate.probability, run, provenance, write_rest);
}

}  // namespace repoquake::io
