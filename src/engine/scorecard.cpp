#include "repoquake/engine/scorecard.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

#include "repoquake/core/contract.hpp"
#include "repoquake/stats/exceedance.hpp"

namespace repoquake::engine {
namespace {

constexpr std::size_t kUndividedRows = 8;  // a half of fewer days says nothing

std::string iso(std::chrono::sys_days date) {
  const std::chrono::year_month_day d{date};
  std::string text(16, ' ');
  const int length = std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(d.year()),
                                   static_cast<unsigned>(d.month()), static_cast<unsigned>(d.day()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::vector<ScoreWindow> windows_of(const Manifest& manifest) {
  const std::size_t last = manifest.n_days() - 1;
  const auto window = [&](std::size_t from, std::size_t to) {
    return ScoreWindow{iso(manifest.dates[from]) + " to " + iso(manifest.dates[to]), from, to};
  };
  if (manifest.n_days() <= kUndividedRows) return {window(1, last)};
  const std::size_t middle = (last + 1) / 2;
  return {window(1, last), window(1, middle), window(middle + 1, last)};
}

/// Distances of the benchmarks by row.
struct Benchmarks {
  std::vector<double> persistence;
  std::vector<double> reversion;
};

Benchmarks benchmarks_of(const ScoreInputs::Series& series, const ScoreInputs& inputs) {
  Benchmarks b;
  const double opening = series.values.front();
  const bool reverts = series.variable == Variable::spread;
  double deviation = reverts ? opening - inputs.trend_spread : Score::kNothing;
  for (const double observed : series.values) {
    b.persistence.push_back(std::fabs(opening - observed));
    b.reversion.push_back(std::fabs(inputs.trend_spread + deviation - observed));
    deviation *= inputs.persistence;
  }
  return b;
}

/// By row: how the day's distribution does; nothing where there is none, or no observation.
using DayScores = std::vector<std::optional<stats::SketchScore>>;

DayScores scores_of(const OnlineStats& stats, std::size_t variable, const ScoreInputs::Series& series) {
  DayScores days(series.values.size());
  for (std::size_t row = 1; row < days.size(); ++row)
    if (std::isfinite(series.values[row]) && stats.moments(variable, row).n > 0)
      days[row] = stats.score(variable, row, series.values[row]);
  return days;
}

Score score_window(const ScoreWindow& window, const DayScores& days, const Benchmarks& benchmarks) {
  Score sum{.crps = 0.0, .crps_se = 0.0, .pit_mean = 0.0, .crps_persistence = 0.0, .crps_reversion = 0.0};
  stats::Exceedance inside_50, inside_90;
  for (std::size_t row = window.first_row; row <= window.last_row; ++row) {
    if (!days[row]) continue;
    const stats::SketchScore& day = *days[row];
    ++sum.n_days;
    sum.crps += day.crps;
    sum.crps_se += day.standard_error;
    sum.pit_mean += day.pit;
    sum.crps_persistence += benchmarks.persistence[row];
    sum.crps_reversion += benchmarks.reversion[row];
    inside_50.hits += day.is_inside(0.5) ? 1U : 0U;
    inside_90.hits += day.is_inside(0.9) ? 1U : 0U;
  }
  if (sum.n_days == 0) return {};
  const auto n = static_cast<double>(sum.n_days);
  for (double* value : {&sum.crps, &sum.crps_se, &sum.pit_mean, &sum.crps_persistence, &sum.crps_reversion})
    *value /= n;
  inside_50.n = inside_90.n = sum.n_days;
  sum.coverage_50 = inside_50.probability();
  sum.coverage_50_se = inside_50.standard_error();
  sum.coverage_90 = inside_90.probability();
  sum.coverage_90_se = inside_90.standard_error();
  return sum;
}

}  // namespace

Scorecard make_scorecard(const Manifest& manifest, const OnlineStats& stats, const ScoreInputs& inputs) {
  Scorecard card;
  if (inputs.observed.empty() || manifest.n_days() < 2) return card;
  card.windows = windows_of(manifest);
  for (const auto& series : inputs.observed) {
    RQ_EXPECT(series.values.size() == manifest.n_days());
    const auto place = std::ranges::find(manifest.statistics, series.variable);
    if (place == manifest.statistics.end()) continue;
    const auto variable = static_cast<std::size_t>(place - manifest.statistics.begin());
    const auto benchmarks = benchmarks_of(series, inputs);
    card.variables.push_back(series.variable);
    const auto days = scores_of(stats, variable, series);
    for (const auto& window : card.windows) card.scores.push_back(score_window(window, days, benchmarks));
  }
  return card;
}

}  // namespace repoquake::engine
