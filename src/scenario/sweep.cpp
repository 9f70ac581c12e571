#include "repoquake/scenario/sweep.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"

namespace repoquake::scenario {
namespace {

constexpr std::size_t kMaxLevels = 1000;
constexpr double kLeastStep = 1e-10;  // of a grid, against its larger end: numbers have 12 digits

/// The nearest number with 12 significant digits.
double short_number(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific, 11).ptr;
  double rounded = value;
  std::from_chars(text.data(), end, rounded);
  return rounded == 0.0 ? 0.0 : rounded;  // no minus zero
}

std::string counted(std::size_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

class Findings {
 public:
  void add(std::string key, std::string reason) { issues_.push_back({std::move(key), std::move(reason)}); }

  void check_ends(const std::string& key, double low, double high) {
    if (std::max(std::abs(low), std::abs(high)) > kMaxSweptNumber) add(key, "a number is larger than 1e15");
    if (low == high) add(key, "both ends are the same");
  }

  [[nodiscard]] std::vector<Issue> take() { return std::move(issues_); }

 private:
  std::vector<Issue> issues_;
};

void check_grid(const std::string& key, const AxisKey& axis, Findings& findings) {
  const Grid& grid = *axis.grid;
  if (grid.steps < 2 || grid.steps > kMaxSweepPoints)
    return findings.add(key + ".steps", "counts the values, both ends included: 2 to " +
                                            std::to_string(kMaxSweepPoints) + ", got " + std::to_string(grid.steps));
  findings.check_ends(key, grid.from, grid.to);
  const double step = (grid.to - grid.from) / static_cast<double>(grid.steps - 1);
  const double larger = std::max(std::abs(grid.from), std::abs(grid.to));
  if (axis.key.kind == SweptKey::Kind::whole && step != std::floor(step))
    findings.add(key + ".steps", "the key takes whole numbers, and the steps are not whole");
  else if (step != 0.0 && std::abs(step) < kLeastStep * larger)
    findings.add(key + ".steps", "the values are too close to each other to be told apart");
}

void check_axis(const std::string& key, const Axis& axis, Findings& findings) {
  const bool is_zip = axis.keys.size() > 1;
  if (axis.keys.size() > kMaxZippedKeys)
    findings.add(key + ".zip", "at most " + std::to_string(kMaxZippedKeys) + " keys move together, got " +
                                   counted(axis.keys.size(), "key"));
  for (std::size_t j = 0; j < axis.keys.size(); ++j) {
    const AxisKey& moved = axis.keys[j];
    const std::string item = is_zip ? key + ".zip[" + std::to_string(j) + "]" : key;
    if (moved.grid) check_grid(item + ".grid", moved, findings);
    if (moved.size() != axis.size())
      findings.add(
          item, "the keys of a zip move together, so they have equally many values: " + counted(moved.size(), "value") +
                    " here, " + std::to_string(axis.size()) + " of " + axis.keys.front().key.path);
    std::map<std::string_view, std::size_t> first;
    for (std::size_t k = 0; !is_zip && k < moved.texts.size(); ++k)
      if (!first.emplace(moved.texts[k], k).second)
        findings.add(item + ".values[" + std::to_string(k) + "]", "is given twice");
  }
}

void check_design(const Sweep& sweep, Findings& findings) {
  if (sweep.samples < 1 || sweep.samples > kMaxSweepPoints)
    findings.add("design.samples",
                 "must be 1 to " + std::to_string(kMaxSweepPoints) + ", got " + std::to_string(sweep.samples));
  const bool is_morris = sweep.design == SweepDesign::morris;
  if (is_morris && (sweep.levels < 2 || sweep.levels > kMaxLevels || sweep.levels % 2 != 0))
    findings.add("design.levels", "must be an even number from 2 to " + std::to_string(kMaxLevels) + ", got " +
                                      std::to_string(sweep.levels));
  if ((is_morris || sweep.design == SweepDesign::saltelli) && !sweep.skip_if.empty())
    findings.add("skip_if", std::string(kSweepDesignNames[static_cast<std::size_t>(sweep.design)]) +
                                " compares the points of a group, so none can be left out");
  if (sweep.factors.empty()) findings.add("factors", "needs at least one factor");
  if (sweep.factors.size() > kMaxSweptKeys)
    findings.add("factors",
                 "at most " + std::to_string(kMaxSweptKeys) + " factors, got " + std::to_string(sweep.factors.size()));
  for (std::size_t i = 0; i < sweep.factors.size(); ++i) {
    const Factor& factor = sweep.factors[i];
    const std::string item = "factors[" + std::to_string(i) + "]";
    const std::string key = item + ".range";
    if (factor.key.path == "simulate.seed")
      findings.add(item + ".set",
                   "the seed is no factor: points differ by their factors alone, on common random numbers; an axis "
                   "(axes:) may move it");
    findings.check_ends(key, factor.low, factor.high);
    if (factor.low > factor.high) findings.add(key, "the smaller end comes first");
    if (factor.is_log && std::min(factor.low, factor.high) <= 0.0)
      findings.add(key, "a logarithmic scale needs both ends above 0");
  }
}

}  // namespace

std::string_view SweptKey::unit_in_result() const noexcept {
  if (kind == Kind::text) return "index";
  if (kind != Kind::quantity) return "1";
  switch (unit) {
    case Unit::bp:
      return "bp";
    case Unit::percent:
      return "percent";
    case Unit::usd_bn:
      return "1e9 USD";
    case Unit::usd_bn_month:
      return "1e9 USD per month";
    case Unit::business_days:
      return "business days";
    case Unit::years:
      return "years";
    case Unit::per_day:
      return "per business day";
    case Unit::bn_per_bp:
      return "1e9 USD per bp";
    case Unit::bp_per_bn:
      return "bp per 1e9 USD";
    case Unit::none:
    case Unit::multiple:
    case Unit::count:
      break;
  }
  return "1";
}

double Grid::at(std::size_t level) const {
  RQ_EXPECT(level < steps);
  if (level == 0) return from;
  if (level + 1 == steps) return to;
  return short_number(from + (to - from) * static_cast<double>(level) / static_cast<double>(steps - 1));
}

double Factor::at(double share) const {
  const double value =
      is_log ? elementary::exp(elementary::log(low) + share * (elementary::log(high) - elementary::log(low)))
             : low + share * (high - low);
  const double rounded = key.kind == SweptKey::Kind::whole ? std::round(value) : short_number(value);
  return std::clamp(rounded, low, high);
}

std::vector<SweptKey> Sweep::keys() const {
  std::vector<SweptKey> all;
  for (const auto& axis : axes)
    for (const auto& moved : axis.keys) all.push_back(moved.key);
  for (const auto& factor : factors) all.push_back(factor.key);
  return all;
}

std::size_t Sweep::size() const noexcept {
  constexpr std::size_t kTooMany = kMaxSweepPoints + 1;
  if (has_axes()) {
    std::size_t points = axes.empty() ? 0 : 1;
    for (const auto& axis : axes) {
      const std::size_t n_values = axis.size();
      if (n_values == 0) return 0;
      points = points > kMaxSweepPoints / n_values ? kTooMany : points * n_values;
    }
    return points;
  }
  const std::size_t group = design == SweepDesign::saltelli ? factors.size() + 2
                            : design == SweepDesign::morris ? factors.size() + 1
                                                            : 1;
  return samples > kMaxSweepPoints / group ? kTooMany : samples * group;
}

std::vector<Issue> validate(const Sweep& sweep) {
  Findings findings;
  if (!sweep.has_axes()) {
    check_design(sweep, findings);
  } else if (sweep.design == SweepDesign::grid) {
    if (sweep.axes.empty()) findings.add("axes", "needs at least one axis");
    if (sweep.axes.size() > kMaxSweptKeys)
      findings.add("axes",
                   "at most " + std::to_string(kMaxSweptKeys) + " axes, got " + std::to_string(sweep.axes.size()));
    for (std::size_t i = 0; i < sweep.axes.size(); ++i)
      check_axis("axes[" + std::to_string(i) + "]", sweep.axes[i], findings);
  }
  auto issues = findings.take();
  if (!issues.empty()) return issues;

  const std::string where = sweep.has_axes() ? "axes" : "design.samples";
  const std::size_t points = sweep.size();
  if (points > kMaxSweepPoints)
    issues.push_back({where, "makes more than " + std::to_string(kMaxSweepPoints) + " points"});
  else if (points * sweep.keys().size() > kMaxSweptNumbers)
    issues.push_back({where, "makes " + std::to_string(points) + " points of " + counted(sweep.keys().size(), "key") +
                                 ", more than " + std::to_string(kMaxSweptNumbers) + " numbers"});
  else if (points * sweep.skip_if.size() > kMaxConditionWork)
    issues.push_back({"skip_if", "is asked of " + std::to_string(points) +
                                     " points; a condition of this length of at most " +
                                     std::to_string(kMaxConditionWork / sweep.skip_if.size())});
  return issues;
}

}  // namespace repoquake::scenario
