/// What the tests of this directory share: the intervals that the program states, and how often they hold the truth.
#pragma once

#include <algorithm>
#include <vector>

#include "repoquake/stats/exceedance.hpp"
#include "repoquake/stats/moments.hpp"
#include "repoquake/stats/quantile.hpp"

namespace repoquake::statistical {

inline constexpr std::uint64_t kRuns = 500;

struct Interval {
  double low;
  double high;

  [[nodiscard]] double width() const { return high - low; }
  [[nodiscard]] bool holds(double truth) const { return low <= truth && truth <= high; }
  /// The same middle, another width.
  [[nodiscard]] Interval widened(double factor) const {
    const double middle = 0.5 * (low + high);
    return {middle + factor * (low - middle), middle + factor * (high - middle)};
  }
};

/// A printed "value ± error", read at 95 %.
inline Interval printed(double value, double standard_error) {
  return {value - stats::kNormal95 * standard_error, value + stats::kNormal95 * standard_error};
}
inline Interval printed(const stats::Moments& m) { return printed(m.mean, m.standard_error()); }
inline Interval printed(const stats::QuantileEstimate& q) { return printed(q.value, q.standard_error()); }
inline Interval printed(const stats::Exceedance& e) { return printed(e.probability(), e.standard_error()); }

/// The limits stored beside a quantile.
inline Interval stored(const stats::QuantileEstimate& q) { return {q.lo, q.hi}; }

/// How many of the intervals, as a share, hold the truth.
inline double coverage(const std::vector<Interval>& intervals, double truth, double factor = 1.0) {
  const auto held = std::ranges::count_if(intervals, [=](const Interval& i) { return i.widened(factor).holds(truth); });
  return static_cast<double>(held) / static_cast<double>(intervals.size());
}

/// Of 500 right 95 % intervals the share that holds the truth has a standard deviation of sqrt(0.95 x 0.05 / 500),
/// about 1 %: the band is three of them to each side.
inline bool is_nominal(double share) { return 0.92 <= share && share <= 0.98; }

/// About two standard errors.
inline double mean_half_width(const std::vector<Interval>& intervals) {
  double sum = 0.0;
  for (const auto& i : intervals) sum += 0.5 * i.width();
  return sum / static_cast<double>(intervals.size());
}

}  // namespace repoquake::statistical
