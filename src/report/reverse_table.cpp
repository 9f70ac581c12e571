#include "repoquake/report/reverse_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "report/text.hpp"

namespace repoquake::report {
namespace {

using study::Crossing;
using study::Curve;
using study::CurvePoint;
using study::Interval;
using study::Reverse;

constexpr std::size_t kMostFailures = 5;  // of those that are listed

/// "1176.4 bn USD"; without the unit of a share.
std::string with_unit_behind(const std::string& number, const std::string& unit) {
  return unit.empty() || unit == "1" ? number : number + " " + unit;
}

/// As it was written.
std::string exact(double number, const std::string& unit) {
  return with_unit_behind(fmt::format("{:.12g}", number), unit);
}

/// So many decimals that a twentieth of the interval shows, and no more than the search resolves.
int decimals_of(const Interval& interval, const Reverse& r) {
  const double digit = std::max((interval.high - interval.low) / 20.0, r.search.resolution());
  return std::clamp(static_cast<int>(std::ceil(-std::log10(digit))), 1, 9);
}

/// "540.1 to 605.0", less `origin`.
std::string range_text(const Interval& interval, double origin, int decimals) {
  return fmt::format("{}{:.{}f} to {}{:.{}f}", interval.low_is_open ? "beyond " : "", interval.low - origin, decimals,
                     interval.high_is_open ? "beyond " : "", interval.high - origin, decimals);
}

void add_line(std::string& text, std::string_view label, const std::vector<std::string>& cells) {
  std::string row = fmt::format("  {:<34}", label);
  constexpr std::array kWidths{14, 26, 18, 26};
  for (std::size_t k = 0; k < cells.size(); ++k) row += fmt::format("{:>{}}", cells[k], kWidths[k]);
  row.erase(row.find_last_not_of(' ') + 1);
  text += row + '\n';
}

std::string metric_text(const stats::Estimate& e, const Reverse& r) {
  const int decimals = metric_decimals(e.standard_error);
  return with_unit_behind(fmt::format("{:.{}f}", e.value, decimals), r.shown_unit) +
         fmt::format(" ({:.{}f} to {:.{}f})", e.lo, decimals, e.hi, decimals);
}

std::string no_crossing_text(const Curve& curve, const Reverse& r) {
  if (!curve.nearest) return "no crossing: the metric has no value anywhere";
  const CurvePoint& nearest = curve.points[*curve.nearest];
  const std::string at = exact(nearest.x, r.shown_key_unit);
  if (curve.side == 0) return "no crossing where the metric has a value, but it is on both sides of the target";
  if (nearest.estimate.value == r.search.target)
    return fmt::format("no crossing: never below the target, and equal to it at {}", at);
  return fmt::format("no crossing: {} the target throughout; nearest at {}: {}", curve.side < 0 ? "below" : "above", at,
                     metric_text(nearest.estimate, r));
}

void add_curve(std::string& text, const Curve& curve, const std::string& label, const Reverse& r) {
  if (curve.crossings.empty()) text += fmt::format("  {:<34}  {}\n", label, no_crossing_text(curve, r));
  for (const Crossing& crossing : curve.crossings) {
    const Interval& interval = curve.intervals[crossing.interval];
    const int decimals = decimals_of(interval, r);
    std::vector<std::string> cells{fmt::format("{:.{}f}", crossing.at, decimals), range_text(interval, 0.0, decimals)};
    if (r.base_value) {
      cells.push_back(fmt::format("{:+.{}f}", crossing.at - *r.base_value, decimals));
      cells.push_back(range_text(interval, *r.base_value, decimals));
    }
    add_line(text, fmt::format("{}{}", label.empty() ? "" : label + ", ", crossing.rises ? "rises" : "falls"), cells);
  }
}

/// What a reader has to know about a curve's numbers.
void add_remarks(std::string& text, const Curve& curve, const std::string& label, const Reverse& r) {
  const auto say = [&](const std::string& remark) {
    text += "  " + (label.empty() ? "" : label + ": ") + remark + '\n';
  };
  const auto place = [&](double x, int decimals) {
    return with_unit_behind(fmt::format("{:.{}f}", x, decimals), r.shown_key_unit);
  };
  for (const Interval& interval : curve.intervals) {
    const int decimals = decimals_of(interval, r);
    const std::string where =
        interval.low == interval.high
            ? "at " + place(interval.low, decimals)
            : fmt::format("from {} to {}", place(interval.low, decimals), place(interval.high, decimals));
    if (interval.n_crossings > 1)
      say(fmt::format("{} crossings {}: the paths do not tell them apart", interval.n_crossings, where));
    if (interval.n_crossings == 0)
      say(fmt::format("{} the metric is too near the target to be told from it, though it does not pass it{}", where,
                      interval.low_is_open || interval.high_is_open ? " inside the range" : ""));
    if (interval.n_crossings > 0 && (interval.low_is_open || interval.high_is_open))
      say("an interval is open where nothing is known beyond its end: search a wider range");
  }
  const CurvePoint* before = nullptr;  // the last one with a value
  bool has_gap = false;
  for (const CurvePoint& point : curve.points) {
    if (!point.has_value()) {
      has_gap = true;
      continue;
    }
    const bool passes =
        before != nullptr && (before->estimate.value >= r.search.target) != (point.estimate.value >= r.search.target);
    if (has_gap && passes)
      say(fmt::format("between {} and {} the metric passes the target where it has no value",
                      exact(before->x, r.shown_key_unit), exact(point.x, r.shown_key_unit)));
    before = &point;
    has_gap = false;
  }
  std::size_t n_failed = 0, n_empty = 0;
  for (const CurvePoint& point : curve.points) {
    n_empty += point.failure.empty() && !point.has_value() ? 1U : 0U;
    if (point.failure.empty() || ++n_failed > kMostFailures) continue;
    say(fmt::format("could not be run at {}: {}", exact(point.x, r.shown_key_unit), point.failure));
  }
  if (n_failed > kMostFailures) say(fmt::format("nor at {} more", n_failed - kMostFailures));
  if (n_empty > 0)
    say(fmt::format("the metric has no value at {} of {} points: they are passed over", n_empty, curve.points.size()));
}

void add_flagged(std::string& text, const Reverse& r) {
  double largest = 0.0, at = 0.0;
  for (const Curve& curve : r.curves)
    for (const CurvePoint& point : curve.points)
      if (point.failure.empty() && point.flagged_share > largest) {
        largest = point.flagged_share;
        at = point.x;
      }
  constexpr double kShown = 5e-5;  // in the two decimals of a percentage
  if (largest >= kShown)
    text += fmt::format("  up to {:.2f} % of path-days have no clearing below 3000 bp (at {})\n", 100.0 * largest,
                        exact(at, r.shown_key_unit));
}

}  // namespace

std::string reverse_table(const Reverse& r) {
  std::string text = (r.title.empty() ? r.name : r.title) + '\n';
  if (r.is_conditional) text += "Conditional replay: realised flows are inputs at every point.\n";
  text += fmt::format("Where {} = {}, along {} from {} to {}\n", r.expr, exact(r.search.target, r.shown_unit), r.key,
                      exact(r.search.low, r.shown_key_unit), exact(r.search.high, r.shown_key_unit));
  text += fmt::format("{} points of {} paths on the same draws, seed {}; need {}\n\n", r.n_points(), r.n_paths, r.seed,
                      r.need);
  const std::string unit = r.shown_key_unit.empty() || r.shown_key_unit == "1" ? "" : ", " + r.shown_key_unit;
  const bool has_crossing = std::ranges::any_of(r.curves, [](const Curve& c) { return !c.crossings.empty(); });
  if (has_crossing) {
    std::vector<std::string> head{"at" + unit, "95 % limits"};
    if (r.base_value) {
      head.push_back("less " + exact(*r.base_value, ""));
      head.emplace_back("95 % limits");
    }
    add_line(text, r.over, head);
  } else if (!r.over.empty()) {
    text += "  " + r.over + '\n';
  }
  const auto label_of = [&](std::size_t k) { return r.over.empty() ? std::string{} : r.over_texts[k]; };
  for (std::size_t k = 0; k < r.curves.size(); ++k) add_curve(text, r.curves[k], label_of(k), r);
  std::string remarks;
  for (std::size_t k = 0; k < r.curves.size(); ++k) add_remarks(remarks, r.curves[k], label_of(k), r);
  add_flagged(remarks, r);
  if (has_crossing && r.base_value)
    remarks = fmt::format("  {} is what the scenario has\n", exact(*r.base_value, r.shown_key_unit)) + remarks;
  return text + (remarks.empty() ? "" : "\n" + remarks);
}

}  // namespace repoquake::report
