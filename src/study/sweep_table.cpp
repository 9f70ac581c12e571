#include "repoquake/study/sweep_table.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "repoquake/study/sensitivity.hpp"

namespace repoquake::study {

PointOutcome outcome_of(const engine::PointEnd& end) {
  PointOutcome outcome;
  if (!end.summary) {
    outcome.status = PointStatus::failed;
    outcome.message = end.failure;
    return outcome;
  }
  const auto& stats = end.summary->stats;
  outcome.status = PointStatus::done;
  outcome.n_paths = stats.n_paths();
  outcome.flagged_share = stats.flagged_share();
  for (std::size_t k = 0; k < end.summary->manifest.metrics.size(); ++k) outcome.metrics.push_back(stats.metric(k));
  return outcome;
}

std::uint64_t SweepTable::count(PointStatus status) const noexcept {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(points, [=](const SweepPoint& point) { return point.outcome.status == status; }));
}

namespace {

/// Whole, skipped points too; points of the table stand in it by their numbers.
Design design_of(const SweepTable& table) {
  const std::size_t n = table.samples, factors = table.parameters.size();
  if (table.kind == "saltelli") return saltelli(n, factors, table.design_seed);
  if (table.kind == "morris") return morris(n, factors, table.design_seed, table.levels);
  if (table.kind == "lhs") return latin_hypercube(n, factors, table.design_seed);
  return {};
}

}  // namespace

void add_indices(SweepTable& table) {
  const std::size_t n_parameters = table.parameters.size(), n_metrics = table.metrics.size();
  if (n_parameters == 0 || n_metrics == 0 || table.samples == 0) return;
  std::vector<SensitivityIndex> indices;
  if (table.kind == "saltelli")
    indices = {{"S1", "share of the variance of the metric that the parameter explains alone", {}},
               {"ST", "share of the variance of the metric that the parameter has a part in", {}}};
  else if (table.kind == "morris")
    indices = {{"mu_star", "mean size of the effect of the parameter over its whole range", {}},
               {"sigma", "standard deviation of that effect: curvature and interactions", {}}};
  else if (table.kind == "lhs")
    indices = {{"prcc", "partial rank correlation of parameter and metric", {}}};
  if (indices.empty()) return;
  for (auto& index : indices) index.values.resize(n_parameters * n_metrics);
  const Design design = design_of(table);

  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  const Bootstrap bootstrap{.seed = table.seed};
  for (std::size_t m = 0; m < n_metrics; ++m) {
    std::vector<double> outputs(design.size(), kNothing);
    for (const SweepPoint& point : table.points)
      if (point.outcome.status == PointStatus::done) outputs.at(point.number) = point.outcome.metrics.at(m).value;
    const auto put = [&](std::size_t index, std::size_t parameter, const stats::Estimate& estimate) {
      indices[index].values[parameter * n_metrics + m] = estimate;
    };
    std::uint64_t left_out = 0;
    if (table.kind == "saltelli") {
      const auto sobol = sobol_indices(outputs, n_parameters, bootstrap);
      left_out = sobol.left_out;
      for (std::size_t p = 0; p < n_parameters; ++p) {
        put(0, p, sobol.first[p]);
        put(1, p, sobol.total[p]);
      }
    } else if (table.kind == "morris") {
      const auto effects = elementary_effects(design, outputs, bootstrap);
      for (std::size_t p = 0; p < n_parameters; ++p) {
        put(0, p, effects[p].mu_star);
        put(1, p,
            {.value = effects[p].sigma,
             .standard_error = kNothing,
             .lo = kNothing,
             .hi = kNothing,
             .n = effects[p].mu_star.n});
        left_out += effects[p].left_out;
      }
    } else {
      const auto correlations = partial_rank_correlations(design, outputs);
      left_out = correlations.left_out;
      for (std::size_t p = 0; p < n_parameters; ++p) put(0, p, correlations.inputs[p]);
    }
    table.left_out.push_back(left_out);
  }
  table.indices = std::move(indices);
}

}  // namespace repoquake::study
