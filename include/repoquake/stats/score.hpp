/// Scores of a simulated ensemble against what was observed, for replay scorecards.
///
/// Shapes  `sorted` is ascending, finite and not empty; any length.
/// Errors  LogicError with contracts on when `sorted` is empty or not ascending.
/// Source  T. Gneiting, A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation", JASA 102 (2007);
///         A. P. Dawid, "Present position and potential developments", JRSS A 147 (1984).
#pragma once

#include <span>

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

}  // namespace repoquake::stats
