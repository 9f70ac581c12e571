/// Reverse stress: where along one key of a scenario a metric reaches a target, and how surely; at several values of a second
/// key, the frontier.
///
///   m(x)       the metric at x, with 95 % limits m_lo(x) <= m(x) <= m_hi(x); all x on the same draws, so m moves with x and not
///              with the noise of the draws
///   crossing   where m passes the target t: a change of sign of m - t
///   interval   { x : m_lo(x) <= t <= m_hi(x) } around it: the x at which t is not excluded. Where each pair of limits covers
///              the metric of its x in 95 % of samples, the set covers a crossing of the true metric in 95 % of samples,
///              whatever the shape of m.
///
/// Method     a grid over the range, then more points where m, m_lo or m_hi pass t, by interpolation guarded by halving, until
///            the brackets are small against the interval; and beside a turn that comes near t. Between neighbours all three are
///            taken as linear. Two crossings between neighbours of the grid whose turn does not show are not found.
/// Units      of the key and of the metric.
/// Errors     A point that could not be run, or whose metric has no value, is kept and passed over: nothing is concluded across
///            it, and an interval that reaches it is open there.
/// Source     Inversion of a test: E. L. Lehmann, J. P. Romano, "Testing Statistical Hypotheses", 3rd ed. (2005), section 3.5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "repoquake/stats/estimate.hpp"

namespace repoquake::study {

/// A range of a key, and the value that the metric is to have.
struct Search {
  double low = 0.0;  ///< below `high`
  double high = 1.0;
  std::size_t steps = 9;  ///< of the grid, both ends included; at least 2
  double target = 0.0;

  /// The values tried are multiples of this, a decimal number near range / 50 000, so that a scenario states them shortly.
  [[nodiscard]] double resolution() const;
  /// The nearest value that may be tried.
  [[nodiscard]] double rounded(double x) const;
};

/// The metric at one value of the key.
struct CurvePoint {
  double x = 0.0;
  stats::Estimate estimate{};  ///< NaN: no value
  double flagged_share = 0.0;  ///< of path-days without clearing
  std::string failure{};       ///< why it could not be run

  [[nodiscard]] bool has_value() const noexcept;
};

struct Crossing {
  double at = 0.0;
  bool rises = true;
  double bracket_low = 0.0, bracket_high = 0.0;  ///< the points on both sides of it
  std::size_t interval = 0;                      ///< of Curve::intervals
};

/// Values of the key at which the target is not excluded.
struct Interval {
  double low = 0.0, high = 0.0;
  bool low_is_open = false, high_is_open = false;  ///< ends there because nothing is known beyond
  std::size_t n_crossings = 0;                     ///< none: the metric comes too near to be told from the target
};

/// What was found along one key.
struct Curve {
  std::vector<CurvePoint> points;      ///< by x
  std::vector<Crossing> crossings;     ///< by x
  std::vector<Interval> intervals;     ///< by x, apart from each other
  std::optional<std::size_t> nearest;  ///< of the points with a value the one whose metric is nearest to the target
  int side = 0;  ///< without crossings: -1 the metric is below the target wherever it has a value, +1 at it or
                 ///< above; 0: both, but with points without a value in between
};

/// A point that is asked for.
struct Asked {
  std::size_t curve = 0;
  double x = 0.0;
};

/// Answers all of a batch, in its order; nothing: it was interrupted.
using Evaluate = std::function<std::optional<std::vector<CurvePoint>>(std::span<const Asked>)>;

/// Searches along `n_curves` curves at once. Nothing where it was interrupted. Pre: low < high, steps >= 2.
[[nodiscard]] std::optional<std::vector<Curve>> find_crossings(const Search& search, std::size_t n_curves,
                                                               const Evaluate& evaluate);

/// A search with the names and units of what was asked, as tables and files show it.
struct Reverse {
  std::string name, title;
  bool is_conditional = false;
  std::uint64_t n_paths = 0, seed = 0;
  std::string need;                           ///< where the points' funding need comes from, for people
  double max_flagged = 1.0;                   ///< share of path-days without clearing above which a point is told of
  std::string key, key_unit, shown_key_unit;  ///< unit as in a result, "1e9 USD", and for people, "bn USD"
  std::optional<double> base_value;           ///< of the key in the scenario as it stands
  std::string expr, unit, shown_unit;         ///< of the metric
  Search search;
  std::string over, over_unit;          ///< the second key; empty: none
  std::vector<std::string> over_texts;  ///< its values, as written: (curve)
  std::vector<double> over_numbers;     ///< the same in `over_unit`; booleans 0 and 1, texts their place
  std::vector<Curve> curves;

  [[nodiscard]] std::size_t n_points() const noexcept;
  [[nodiscard]] std::size_t n_failed() const noexcept;
};

/// Crossings and intervals of points as they are. Pre: ascending x.
[[nodiscard]] Curve read_curve(double target, std::vector<CurvePoint> points);

}  // namespace repoquake::study
