/// How a replay does against history: scores of each observed variable over windows of days, beside two benchmarks that
/// know no more than the opening.
///
/// Days        the simulated ones with an observation; row 0 is given and left out.
/// Scores      mean CRPS, mean PIT, share of days inside the central 50 % and 90 % bands (stats/score.hpp).
/// Benchmarks  persistence: the opening day's observation y_0 on every day;
///             reversion, of the spread only: trend + persistence^row (y_0 - trend), the trend being the trailing median.
///             The CRPS of a point is its distance from the observation.
/// Errors      of `crps`: of simulation. Days share their paths, so the mean of the days' errors is stated, which is an
///             upper bound (reached where all days err together). Of a coverage: binomial, as if days were independent
///             (stats/exceedance.hpp); they are not, so it is too small.
/// Units       those of the variable; PIT and coverages are fractions. NaN: no day, or the opening was not observed.
///
/// A replay is conditional on realised flows, and so are its scores: the benchmarks do not know the flows.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "repoquake/core/units.hpp"
#include "repoquake/core/variables.hpp"
#include "repoquake/engine/manifest.hpp"
#include "repoquake/engine/online_stats.hpp"

namespace repoquake::engine {

/// What was observed, and what the benchmarks know beside it.
struct ScoreInputs {
  struct Series {
    Variable variable;
    std::vector<double> values;  ///< one a day; NaN where not observed
  };
  std::vector<Series> observed;
  Spread trend_spread = 0.0;  ///< slow level of the spread
  double persistence = 0.0;   ///< share of a deviation from it that is left after a day
};

struct ScoreWindow {
  std::string name;  ///< "2019-09-12 to 2019-10-03"
  std::size_t first_row = 1;
  std::size_t last_row = 1;
};

struct Score {
  static constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

  std::uint64_t n_days = 0;
  double crps = kNothing, crps_se = kNothing;
  double pit_mean = kNothing;
  double coverage_50 = kNothing, coverage_50_se = kNothing;
  double coverage_90 = kNothing, coverage_90_se = kNothing;
  double crps_persistence = kNothing;
  double crps_reversion = kNothing;

  /// Share of the persistence benchmark's score that is saved: 1 is perfect, below 0 is worse. NaN where there is no
  /// such benchmark, or none can be better.
  [[nodiscard]] double skill() const noexcept {
    return std::isgreater(crps_persistence, 0.0) ? 1.0 - crps / crps_persistence : kNothing;
  }
};

struct Scorecard {
  std::vector<ScoreWindow> windows;  ///< the whole; of more than eight rows also the first and the second half
  std::vector<Variable> variables;   ///< observed and with statistics, in the order of the inputs
  std::vector<Score> scores;         ///< (variable, window)

  [[nodiscard]] const Score& at(std::size_t variable, std::size_t window) const {
    return scores.at(variable * windows.size() + window);
  }
};

/// Empty where nothing was observed. Pre: each series has manifest.n_days() values; stats hold at least one path.
[[nodiscard]] Scorecard make_scorecard(const Manifest& manifest, const OnlineStats& stats, const ScoreInputs& inputs);

}  // namespace repoquake::engine
