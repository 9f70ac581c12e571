#include "repoquake/report/tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "repoquake/core/flags.hpp"
#include "repoquake/scenario/observations.hpp"

namespace repoquake::report {
namespace {

using engine::PathFeature;
using stats::QuantileEstimate;

constexpr std::size_t kAllDaysUpTo = 40;  // longer windows show key days only

std::string iso(std::chrono::sys_days date) {
  const std::chrono::year_month_day d{date};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(d.year()), static_cast<unsigned>(d.month()),
                     static_cast<unsigned>(d.day()));
}

/// As many decimals as the error needs to show a digit, one to three. NaN: no error can be told.
std::string with_error(double value, double error) {
  if (std::isnan(error)) return fmt::format("{:.1f} ± n/a", value);
  const int decimals = error >= 0.05 || error <= 0.0 ? 1 : error >= 0.005 ? 2 : 3;
  const bool rounds_to_zero = std::fabs(value) < 0.5 * std::pow(10.0, -decimals);  // then no minus before it
  return fmt::format("{:.{}f} ± {:.{}f}", rounds_to_zero ? 0.0 : value, decimals, error, decimals);
}

constexpr std::uint64_t kFewestPaths = 2;  // one path has a value and no error

std::string with_error(const QuantileEstimate& q, std::uint64_t n) {
  return with_error(q.value, n < kFewestPaths ? std::numeric_limits<double>::quiet_NaN() : q.standard_error());
}
std::string with_error(const stats::Moments& m) {
  return with_error(m.mean, m.n < kFewestPaths ? std::numeric_limits<double>::quiet_NaN() : m.standard_error());
}
std::string or_blank(const std::optional<double>& value) { return value ? fmt::format("{:.1f}", *value) : ""; }

/// A row of right-aligned cells after a left-aligned label.
void add_row(std::string& text, std::string_view label, const std::vector<std::string>& cells, std::string_view mark = "") {
  std::string row = fmt::format("  {:<34}", label);
  for (const auto& cell : cells) row += fmt::format("{:>16}", cell);
  if (!mark.empty()) row += fmt::format("   {}", mark);
  row.erase(row.find_last_not_of(' ') + 1);
  text += row + '\n';
}

using Observed = std::vector<std::optional<double>>;

const Observed* find(const std::vector<scenario::Observation>& all, Variable variable) {
  const auto found = std::ranges::find(all, variable, &scenario::Observation::variable);
  return found == all.end() ? nullptr : &found->values;
}

std::optional<double> extreme(const Observed* values, bool largest) {
  std::optional<double> found;
  if (values == nullptr) return found;
  for (const auto& value : *values)
    if (value && (!found || (largest ? *value > *found : *value < *found))) found = value;
  return found;
}

/// p99 over IORB where observed.
std::optional<double> observed_p99_peak(const scenario::Scenario& s, const Observed* p99) {
  std::optional<double> peak;
  for (std::size_t row = 0; p99 != nullptr && row < p99->size(); ++row) {
    if (!(*p99)[row]) continue;
    const double spread = (*(*p99)[row] - scenario::rates_on(s.policy, s.series->dates[row]).iorb) * kBpPerPercent;
    peak = peak ? std::max(*peak, spread) : spread;
  }
  return peak;
}

/// Rows worth a line: all of a short window; of a long one the marked days, the last, and the highest days.
std::set<std::size_t> key_days(const engine::RunSummary& summary, std::size_t spread) {
  std::set<std::size_t> rows;
  const std::size_t n = summary.manifest.n_days();
  std::size_t highest_median = 0, highest_tail = 0;
  for (std::size_t day = 0; day < n; ++day) {
    if (n <= kAllDaysUpTo || !summary.manifest.marks[day].empty()) rows.insert(day);
    const auto higher = [&](double p, std::size_t than) {
      return summary.stats.quantile(spread, day, p).value > summary.stats.quantile(spread, than, p).value;
    };
    if (higher(0.5, highest_median)) highest_median = day;
    if (higher(0.95, highest_tail)) highest_tail = day;
  }
  rows.insert({highest_median, highest_tail, n - 1});
  return rows;
}

void add_headline(std::string& text, const engine::RunSummary& summary) {
  const auto& m = summary.manifest;
  text += m.title.empty() ? m.name : m.title;
  text += '\n';
  if (m.is_conditional) text += "Conditional replay: realised flows are inputs, only needs, capacities and funds are drawn.\n";
  text += fmt::format("{} paths, {} days {} to {}, seed {}; {:.2f} s on {} thread{}\n", summary.stats.n_paths(), m.n_days(),
                      iso(m.dates.front()), iso(m.dates.back()), m.seed, summary.seconds, summary.threads,
                      summary.threads == 1 ? "" : "s");
  if (summary.stop_reason == engine::StopReason::interrupted)
    text += fmt::format("Interrupted: these are the first {} of {} paths.\n", summary.stats.n_paths(), m.n_paths);
}

void add_days(std::string& text, const engine::RunSummary& summary, const std::vector<scenario::Observation>& observed) {
  const auto& variables = summary.manifest.statistics;
  const auto spread = static_cast<std::size_t>(std::ranges::find(variables, Variable::spread) - variables.begin());
  const Observed* seen = find(observed, Variable::spread);
  const std::uint64_t n = summary.stats.n_paths();
  text += '\n';
  add_row(text, "SOFR - IORB, bp (± std. error)", {"median", "5 %", "95 %", "observed"});
  for (const std::size_t day : key_days(summary, spread))
    add_row(text, iso(summary.manifest.dates[day]),
            {with_error(summary.stats.quantile(spread, day, 0.50), n), with_error(summary.stats.quantile(spread, day, 0.05), n),
             with_error(summary.stats.quantile(spread, day, 0.95), n), or_blank(seen != nullptr ? (*seen)[day] : std::nullopt)},
            summary.manifest.marks[day]);
}

struct WindowRow {
  PathFeature feature;
  std::string_view label;
};
constexpr std::array kWindowRows{
    WindowRow{PathFeature::peak_spread, "peak SOFR - IORB, bp"},
    WindowRow{PathFeature::peak_p99_spread, "peak p99 of SOFR - IORB, bp"},
    WindowRow{PathFeature::standing_repo_peak, "peak standing repo, bn USD"},
    WindowRow{PathFeature::repo_operations_peak, "peak Fed repo operations, bn USD"},
    WindowRow{PathFeature::on_rrp_peak, "peak ON RRP, bn USD"},
    WindowRow{PathFeature::trough_reserves, "trough of reserves, bn USD"},
    WindowRow{PathFeature::position_change, "basis position change, %"},
    WindowRow{PathFeature::basis_sales_total, "basis trades sold, bn USD"},
    WindowRow{PathFeature::basis_sales_forced_total, "of these on margin calls, bn USD"},
    WindowRow{PathFeature::trough_return, "worst return of the funds, %"},
};

std::string observed_text(PathFeature feature, const scenario::Scenario& s, const std::vector<scenario::Observation>& observed) {
  switch (feature) {
    case PathFeature::peak_spread: return or_blank(extreme(find(observed, Variable::spread), true));
    case PathFeature::peak_p99_spread: return or_blank(observed_p99_peak(s, find(observed, Variable::sofr_p99)));
    case PathFeature::standing_repo_peak: return or_blank(extreme(find(observed, Variable::standing_repo), true));
    case PathFeature::repo_operations_peak: return or_blank(extreme(find(observed, Variable::repo_operations), true));
    case PathFeature::on_rrp_peak: return or_blank(extreme(find(observed, Variable::on_rrp), true));
    case PathFeature::trough_reserves: return or_blank(extreme(find(observed, Variable::reserves), false));
    default: return "";
  }
}

void add_window(std::string& text, const engine::RunSummary& summary, const scenario::Scenario& s,
                const std::vector<scenario::Observation>& observed) {
  text += '\n';
  add_row(text, "Over the window (± std. error)", {"mean", "median", "5 %", "95 %", "observed"});
  for (const auto& row : kWindowRows) {
    const std::uint64_t n = summary.stats.n_paths();
    add_row(text, row.label,
            {with_error(summary.stats.moments(row.feature)), with_error(summary.stats.quantile(row.feature, 0.50), n),
             with_error(summary.stats.quantile(row.feature, 0.05), n), with_error(summary.stats.quantile(row.feature, 0.95), n),
             observed_text(row.feature, s, observed)});
  }
  if (find(observed, Variable::reserves) != nullptr)
    text += "  observed reserves: published days only, so the observed trough may miss the lowest day\n";
}

void add_flags(std::string& text, const engine::RunSummary& summary) {
  std::string rows;
  for (std::size_t k = 0; k < kPathFlagCount; ++k) {
    const auto paths = summary.stats.flagged_paths()[k];
    if (paths == 0) continue;
    const stats::Exceedance share{summary.stats.n_paths(), paths};
    rows += fmt::format("  {:<34}{:>16}{:>14} paths{:>14} path-days\n", kPathFlags[k].meaning,
                        fmt::format("{:.2f} ± {:.2f} %", 100.0 * share.probability(), 100.0 * share.standard_error()), paths,
                        summary.stats.flag_days()[k]);
  }
  if (!rows.empty()) text += "\nEvents, share of paths (± std. error)\n" + rows;
}

}  // namespace

double flagged_share(const engine::RunSummary& summary) {
  const double path_days = static_cast<double>(summary.stats.n_paths()) * static_cast<double>(summary.manifest.n_days());
  const auto place = static_cast<std::size_t>(std::ranges::find(kPathFlags, PathFlag::no_clearing, &PathFlagSpec::flag) - kPathFlags.begin());
  return path_days > 0.0 ? static_cast<double>(summary.stats.flag_days()[place]) / path_days : 0.0;
}

std::string summary_table(const engine::RunSummary& summary, const scenario::Scenario& scenario) {
  std::string text;
  const auto observed = scenario::observations(scenario);
  add_headline(text, summary);
  if (summary.stats.n_paths() == 0) return text;
  add_days(text, summary, observed);
  add_window(text, summary, scenario, observed);
  add_flags(text, summary);
  return text;
}

}  // namespace repoquake::report
