#include "repoquake/study/reverse.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "repoquake/core/contract.hpp"

namespace repoquake::study {
namespace {

constexpr double kSteps = 20'000.0;        // of the range, at least
constexpr double kShareOfInterval = 24.0;  // a bracket is small where so many make an interval
constexpr int kMostRounds = 60;
constexpr std::size_t kMostPoints = 400;  // of one curve beyond its grid
constexpr int kTurnHalvings = 3;          // of the grid, beside a turn

/// m, m_lo or m_hi less the target, by which of them.
constexpr std::array kBounds{&stats::Estimate::value, &stats::Estimate::lo, &stats::Estimate::hi};
using Bound = double stats::Estimate::*;

/// At the target counts as above it, so that a stretch at the target is left or entered once.
bool is_above(const CurvePoint& point, Bound bound, double target) { return point.estimate.*bound >= target; }

bool changes(const CurvePoint& a, const CurvePoint& b, Bound bound, double target) {
  return is_above(a, bound, target) != is_above(b, bound, target);
}

/// Where the line between two points passes the target. Pre: it does.
double passing(const CurvePoint& a, const CurvePoint& b, Bound bound, double target) {
  const double from = a.estimate.*bound - target, to = b.estimate.*bound - target;
  return std::clamp(a.x + (b.x - a.x) * (from / (from - to)), a.x, b.x);
}

/// The stretch between two points on which the target is within the limits: m_lo below it and m_hi above. Nothing where
/// there is none.
std::optional<std::pair<double, double>> stretch_within(const CurvePoint& a, const CurvePoint& b, double target) {
  double low = a.x, high = b.x;
  const auto cut = [&](Bound bound, bool must_be_above) {
    const auto holds = [&](const CurvePoint& point) {
      return must_be_above ? point.estimate.*bound >= target : point.estimate.*bound <= target;
    };
    const bool at_a = holds(a), at_b = holds(b);
    if (!at_a && !at_b) high = -std::numeric_limits<double>::infinity();
    if (at_a != at_b) {
      const double x = passing(a, b, bound, target);
      (at_a ? high : low) = at_a ? std::min(high, x) : std::max(low, x);
    }
  };
  cut(&stats::Estimate::lo, false);
  cut(&stats::Estimate::hi, true);
  constexpr double kRounding = 1e-9;
  if (low > high + kRounding * (b.x - a.x)) return std::nullopt;
  return std::pair{std::min(low, high), std::max(low, high)};
}

bool is_within(const CurvePoint& point, double target) {
  return point.estimate.lo <= target && target <= point.estimate.hi;
}

void add_intervals(double target, Curve& curve) {
  const auto& points = curve.points;
  auto& intervals = curve.intervals;
  const auto add = [&](double low, double high) {
    if (!intervals.empty() && low <= intervals.back().high)
      intervals.back().high = std::max(intervals.back().high, high);
    else
      intervals.push_back({.low = low, .high = high});
  };
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!points[i].has_value()) continue;
    if (is_within(points[i], target)) add(points[i].x, points[i].x);
    if (i + 1 == points.size() || !points[i + 1].has_value()) continue;
    if (const auto stretch = stretch_within(points[i], points[i + 1], target)) add(stretch->first, stretch->second);
  }
  // Open where the point at the end has the target within its limits and no neighbour with a value.
  for (Interval& interval : intervals)
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (!points[i].has_value() || !is_within(points[i], target)) continue;
      const bool is_first = i == 0 || !points[i - 1].has_value();
      const bool is_last = i + 1 == points.size() || !points[i + 1].has_value();
      if (points[i].x == interval.low && is_first) interval.low_is_open = true;
      if (points[i].x == interval.high && is_last) interval.high_is_open = true;
    }
}

void add_crossings(double target, Curve& curve) {
  const auto& points = curve.points;
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const CurvePoint &a = points[i], &b = points[i + 1];
    if (!a.has_value() || !b.has_value() || !changes(a, b, &stats::Estimate::value, target)) continue;
    Crossing crossing{.at = passing(a, b, &stats::Estimate::value, target),
                      .rises = !is_above(a, &stats::Estimate::value, target),
                      .bracket_low = a.x,
                      .bracket_high = b.x};
    const auto home = std::ranges::min_element(curve.intervals, {}, [&](const Interval& interval) {
      return std::max({interval.low - crossing.at, crossing.at - interval.high, 0.0});  // 0 but for rounding
    });
    RQ_ENSURE(home != curve.intervals.end());
    crossing.interval = static_cast<std::size_t>(home - curve.intervals.begin());
    ++home->n_crossings;
    curve.crossings.push_back(crossing);
  }
}

void add_nearest(double target, Curve& curve) {
  bool has_above = false, has_below = false;
  for (std::size_t i = 0; i < curve.points.size(); ++i) {
    const CurvePoint& point = curve.points[i];
    if (!point.has_value()) continue;
    (is_above(point, &stats::Estimate::value, target) ? has_above : has_below) = true;
    const auto distance = [&](const CurvePoint& p) { return std::fabs(p.estimate.value - target); };
    if (!curve.nearest || distance(point) < distance(curve.points[*curve.nearest])) curve.nearest = i;
  }
  curve.side = has_above == has_below ? 0 : has_above ? 1 : -1;
}

/// Limits that enclose their value: rounding, and statistics without limits, leave some that do not.
CurvePoint tidied(CurvePoint point) {
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  auto& e = point.estimate;
  if (!point.has_value()) {
    e = {.value = kNothing, .standard_error = kNothing, .lo = kNothing, .hi = kNothing, .n = e.n};
    return point;
  }
  if (std::isnan(e.lo) || std::isnan(e.hi)) e.lo = e.hi = e.value;
  e.lo = std::min(e.lo, e.value);
  e.hi = std::max(e.hi, e.value);
  return point;
}

// ---------------------------------------------------------------- where to look next

/// The points of one curve so far, and which it wants.
class Seeker {
 public:
  explicit Seeker(const Search& search) : search_(search) {}

  void add(CurvePoint point) {
    point = tidied(std::move(point));
    const auto place = std::ranges::lower_bound(points_, point.x, {}, &CurvePoint::x);
    points_.insert(place, std::move(point));
  }

  [[nodiscard]] std::vector<CurvePoint> take() { return std::move(points_); }

  /// Ascending, none of them known; empty: enough is known.
  [[nodiscard]] std::vector<double> wanted() const {
    std::vector<double> xs;
    if (points_.empty()) {
      for (std::size_t k = 0; k < search_.steps; ++k) {
        const double share = static_cast<double>(k) / static_cast<double>(search_.steps - 1);
        xs.push_back(k == 0                   ? search_.low
                     : k + 1 == search_.steps ? search_.high
                                              : search_.rounded(search_.low + share * (search_.high - search_.low)));
      }
    } else if (points_.size() < search_.steps + kMostPoints) {
      const Curve curve = read_curve(search_.target, points_);
      for (std::size_t i = 0; i + 1 < points_.size(); ++i) want_between(curve, i, xs);
      for (std::size_t i = 1; i + 1 < points_.size(); ++i) want_beside_turn(i, xs);
    }
    std::ranges::sort(xs);
    xs.erase(std::unique(xs.begin(), xs.end()), xs.end());
    std::erase_if(xs, [&](double x) { return is_known(x); });
    return xs;
  }

 private:
  [[nodiscard]] bool is_known(double x) const { return std::ranges::binary_search(points_, x, {}, &CurvePoint::x); }

  /// How narrow a bracket is to be: against the interval it belongs to.
  [[nodiscard]] double enough(const Curve& curve, double x) const {
    for (const Interval& interval : curve.intervals)
      if (interval.low <= x && x <= interval.high)
        return std::max((interval.high - interval.low) / kShareOfInterval, search_.resolution());
    return search_.resolution();
  }

  void want(double x, const CurvePoint& after, const CurvePoint& before, std::vector<double>& xs) const {
    x = search_.rounded(x);
    if (x > after.x && x < before.x) xs.push_back(x);
  }

  void want_between(const Curve& curve, std::size_t i, std::vector<double>& xs) const {
    const CurvePoint &a = points_[i], &b = points_[i + 1];
    const double width = b.x - a.x;
    if (!a.has_value() || !b.has_value()) return;
    for (const Bound bound : kBounds) {
      if (!changes(a, b, bound, search_.target)) continue;
      const double at = passing(a, b, bound, search_.target), narrow = enough(curve, at);
      if (width <= narrow * 1.001) continue;
      // Two close ones around where the line passes make the next bracket small; should it bend, the middle halves it.
      const double step = std::max(0.4 * narrow, 0.02 * width);
      want(at - step, a, b, xs);
      want(at + step, a, b, xs);
      if (std::fabs(at - 0.5 * (a.x + b.x)) > 2.0 * step) want(0.5 * (a.x + b.x), a, b, xs);
    }
  }

  /// Beside a point that is nearer to the target than both neighbours, on one side of it, and might hide two crossings.
  void want_beside_turn(std::size_t i, std::vector<double>& xs) const {
    const CurvePoint &a = points_[i - 1], &b = points_[i], &c = points_[i + 1];
    if (!a.has_value() || !b.has_value() || !c.has_value()) return;
    const auto gap = [&](const CurvePoint& point) { return point.estimate.value - search_.target; };
    if (changes(a, b, &stats::Estimate::value, search_.target) ||
        changes(b, c, &stats::Estimate::value, search_.target))
      return;
    const double from_a = std::fabs(gap(a)) - std::fabs(gap(b)), from_c = std::fabs(gap(c)) - std::fabs(gap(b));
    const bool is_turn = from_a >= 0.0 && from_c >= 0.0 && from_a + from_c > 0.0;
    if (!is_turn || std::fabs(gap(b)) > std::max(from_a, from_c)) return;
    const double narrow = (search_.high - search_.low) / static_cast<double>(search_.steps - 1) / (1U << kTurnHalvings);
    if (b.x - a.x > 1.5 * narrow) want(0.5 * (a.x + b.x), a, b, xs);
    if (c.x - b.x > 1.5 * narrow) want(0.5 * (b.x + c.x), b, c, xs);
  }

  const Search& search_;
  std::vector<CurvePoint> points_;
};

}  // namespace

bool CurvePoint::has_value() const noexcept { return failure.empty() && !std::isnan(estimate.value); }

double Search::resolution() const { return std::pow(10.0, std::floor(std::log10((high - low) / kSteps))); }

double Search::rounded(double x) const {
  const double power = std::floor(std::log10((high - low) / kSteps));
  const double scale = std::pow(10.0, std::fabs(power));  // whole, so that a decimal number is the nearest to it
  return power < 0.0 ? std::round(x * scale) / scale : std::round(x / scale) * scale;
}

std::size_t Reverse::n_points() const noexcept {
  std::size_t n = 0;
  for (const Curve& curve : curves) n += curve.points.size();
  return n;
}

std::size_t Reverse::n_failed() const noexcept {
  std::size_t n = 0;
  for (const Curve& curve : curves)
    for (const CurvePoint& point : curve.points) n += point.failure.empty() ? 0U : 1U;
  return n;
}

Curve read_curve(double target, std::vector<CurvePoint> points) {
  Curve curve;
  for (auto& point : points) curve.points.push_back(tidied(std::move(point)));
  add_intervals(target, curve);
  add_crossings(target, curve);
  add_nearest(target, curve);
  return curve;
}

std::optional<std::vector<Curve>> find_crossings(const Search& search, std::size_t n_curves, const Evaluate& evaluate) {
  RQ_EXPECT(search.low < search.high && search.steps >= 2);
  std::vector<Seeker> seekers(n_curves, Seeker(search));
  for (int round = 0; round < kMostRounds; ++round) {
    std::vector<Asked> asked;
    for (std::size_t k = 0; k < n_curves; ++k)
      for (const double x : seekers[k].wanted()) asked.push_back({k, x});
    if (asked.empty()) break;
    auto answers = evaluate(asked);
    if (!answers) return std::nullopt;
    RQ_EXPECT(answers->size() == asked.size());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      (*answers)[i].x = asked[i].x;
      seekers[asked[i].curve].add(std::move((*answers)[i]));
    }
  }
  std::vector<Curve> curves;
  for (auto& seeker : seekers) curves.push_back(read_curve(search.target, seeker.take()));
  return curves;
}

}  // namespace repoquake::study
