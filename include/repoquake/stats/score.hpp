/// Scores of a simulated ensemble against what was observed, for replay scorecards.
///
/// Shapes  `sorted` is ascending, finite and not empty; any length.
/// Errors  LogicError with contracts on when `sorted` is empty or not ascending.
/// Source  T. Gneiting, A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 102 (2007);
///         A. P. Dawid, "Present position and potential developments", JRSS A 147 (1984).
#pragma once

#include <cmath>
#include <span>

#include "repoquake/stats/quantile.hpp"

namespace repoquake::stats {

/// Continuous ranked probability score of the ensemble's step distribution F_n; smaller is better, 0 is perfect.
///
///   crps = integral (F_n(t) - 1{t >= y})^2 dt  =  mean |x_i - y| - (1 / 2) mean |x_i - x_j|
///
/// Summed as the integral, gap by gap: every term is >= 0, nothing cancels.
/// Units   those of the data. The mean score of a perfect n-member ensemble is (1 + 1/n) times that of its
/// distribution.
[[nodiscard]] double crps(std::span<const double> sorted, double observed);

/// Probability integral transform: the observation's mid-rank among the members, in (0, 1).
///
///   pit = (#{x_i < y} + #{x_i = y} / 2 + 1 / 2) / (n + 1)
///
/// Uniform on the n + 1 bin centres when observation and members come from one continuous distribution; ties are split
/// evenly. The observation lies in the central 90 % band when 0.05 <= pit <= 0.95.
[[nodiscard]] double pit(std::span<const double> sorted, double observed);

/// Score of an ensemble that is known by its bins only.
struct SketchScore {
  double crps = 0.0;
  double standard_error = 0.0;  ///< of `crps`, from the finite number of members; NaN with fewer than two
  double pit = 0.5;

  /// Does the observation lie in the central band that holds this share of the members? By the mid-rank.
  [[nodiscard]] bool is_inside(double share) const noexcept { return std::fabs(pit - 0.5) <= 0.5 * share; }
};

/// The members of a bin stand at its middle, moved into [min, max] of the sample.
///
///   crps = mean |x - y| - (1 / 2) mean |x - x'|
///   se   = sqrt(var h / n),  h(x) = |x - y| - mean |x - x'|     (influence function of the mean score)
///   pit  = mid-rank as above; members in the bin of the observation count as ties, unless it is beyond min or max
///
/// Error   |crps - crps of the sample| <= mean over members of their bin's width; |pit - pit of the sample| <= half the
///         share of members in the observation's bin. A point mass at 0, at min or at max is exact.
/// Pre     count() > 0, min <= max, observed finite.
[[nodiscard]] SketchScore score(const QuantileSketch& sketch, double observed, double min, double max);

}  // namespace repoquake::stats
