#include "repoquake/report/tables.hpp"

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

#include <fmt/format.h>

#include "repoquake/core/flags.hpp"
#include "repoquake/scenario/observations.hpp"
#include "report/text.hpp"

namespace repoquake::report {
namespace {

using engine::PathFeature;
using stats::QuantileEstimate;

constexpr std::size_t kAllDaysUpTo = 40;  // longer windows show key days only

using report::with_error;

constexpr std::uint64_t kFewestPaths = 2;  // one path has a value and no error

std::string with_error(const QuantileEstimate& q, std::uint64_t n) {
  return with_error(q.value, n < kFewestPaths ? std::numeric_limits<double>::quiet_NaN() : q.standard_error());
}
std::string with_error(const stats::Estimate& e) { return with_error(e.value, e.standard_error); }
std::string or_blank(const std::optional<double>& value) { return value ? fmt::format("{:.1f}", *value) : ""; }

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

/// Largest difference of two rates on the days on which both are observed, bp.
std::optional<double> largest_gap(const Observed* rate, const Observed* other) {
  std::optional<double> largest;
  for (std::size_t row = 0; rate != nullptr && other != nullptr && row < rate->size(); ++row) {
    if (!(*rate)[row] || !(*other)[row]) continue;
    const double gap = (*(*rate)[row] - *(*other)[row]) * kBpPerPercent;
    largest = largest ? std::max(*largest, gap) : gap;
  }
  return largest;
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
  if (!m.drawn.empty()) text += "Free run: " + m.drawn + " drawn, no path is a forecast.\n";
  if (m.is_conditional)
    text += "Conditional replay: realised flows are inputs, only needs, capacities and funds are drawn.\n";
  text += fmt::format("{} paths, {} days {} to {}, seed {}; {:.2f} s on {} thread{}\n", summary.stats.n_paths(),
                      m.n_days(), iso(m.dates.front()), iso(m.dates.back()), m.seed, summary.seconds, summary.threads,
                      summary.threads == 1 ? "" : "s");
  if (!m.sampling.empty())
    text += fmt::format("Draws: {}; errors from {} independent batches.\n", m.sampling, m.batching.count);
  if (summary.stop_reason == engine::StopReason::settled) {
    const auto& spec = m.metrics.at(m.stop->metric);
    text += fmt::format("Stopped before {} paths: the 95 % limits of {} are within ± {:g}{}.\n", m.n_paths, spec.id,
                        m.stop->half_width, spec.shown_unit.empty() ? "" : " " + spec.shown_unit);
  } else if (m.stop && summary.stop_reason == engine::StopReason::all_paths_done && !is_settled(m, summary.stats)) {
    const auto& spec = m.metrics.at(m.stop->metric);
    const auto estimate = summary.stats.metric(m.stop->metric);
    text += fmt::format("All paths were used: the 95 % limits of {} are within ± {:.3g}{}, not ± {:g}.\n", spec.id,
                        std::max(estimate.hi - estimate.value, estimate.value - estimate.lo),
                        spec.shown_unit.empty() ? "" : " " + spec.shown_unit, m.stop->half_width);
  }
  if (summary.stop_reason == engine::StopReason::interrupted)
    text += fmt::format("Interrupted: these are the first {} of {} paths.\n", summary.stats.n_paths(), m.n_paths);
}

void add_days(std::string& text, const engine::RunSummary& summary,
              const std::vector<scenario::Observation>& observed) {
  const auto& variables = summary.manifest.statistics;
  const auto spread = static_cast<std::size_t>(std::ranges::find(variables, Variable::spread) - variables.begin());
  const Observed* seen = find(observed, Variable::spread);
  const std::uint64_t n = summary.stats.n_paths();
  text += '\n';
  add_row(text, "SOFR - IORB, bp (± std. error)", {"median", "5 %", "95 %", "observed"});
  for (const std::size_t day : key_days(summary, spread))
    add_row(text, iso(summary.manifest.dates[day]),
            {with_error(summary.stats.quantile(spread, day, 0.50), n),
             with_error(summary.stats.quantile(spread, day, 0.05), n),
             with_error(summary.stats.quantile(spread, day, 0.95), n),
             or_blank(seen != nullptr ? (*seen)[day] : std::nullopt)},
            summary.manifest.marks[day]);
}

std::string observed_text(PathFeature feature, const scenario::Scenario& s,
                          const std::vector<scenario::Observation>& observed) {
  switch (feature) {
    case PathFeature::peak_spread:
      return or_blank(extreme(find(observed, Variable::spread), true));
    case PathFeature::peak_p99_spread:
      return or_blank(observed_p99_peak(s, find(observed, Variable::sofr_p99)));
    case PathFeature::peak_sofr_over_effr:
      return or_blank(largest_gap(find(observed, Variable::sofr), find(observed, Variable::effr)));
    case PathFeature::standing_repo_peak:
      return or_blank(extreme(find(observed, Variable::standing_repo), true));
    case PathFeature::repo_operations_peak:
      return or_blank(extreme(find(observed, Variable::repo_operations), true));
    case PathFeature::on_rrp_peak:
      return or_blank(extreme(find(observed, Variable::on_rrp), true));
    case PathFeature::trough_reserves:
      return or_blank(extreme(find(observed, Variable::reserves), false));
    default:
      return "";
  }
}

std::string share_text(const stats::Exceedance& share) {
  const double error = 100.0 * share.standard_error();
  return with_error(100.0 * share.probability(),
                    share.n < kFewestPaths ? std::numeric_limits<double>::quiet_NaN() : error, 2);
}

/// A quantile of whole numbers.
std::string count_text(const QuantileEstimate& q, std::uint64_t n) {
  if (n < kFewestPaths) return fmt::format("{:.0f} ± n/a", q.value);
  const QuantileEstimate whole{std::round(q.value), std::round(q.lo), std::round(q.hi), q.reach};
  return fmt::format("{:.0f} ± {:.1f}", whole.value, whole.standard_error());
}

/// The trough of reserves as a share of what the scenario states.
void add_reserve_ratios(std::string& text, const engine::RunSummary& summary, const scenario::Market& market) {
  const auto add = [&](std::string_view label, double whole) {
    const double to_percent = 100.0 / whole;
    const auto scaled = [&](double p) {
      auto q = summary.stats.quantile(PathFeature::trough_reserves, p);
      q = {q.value * to_percent, q.lo * to_percent, q.hi * to_percent, q.reach};
      return with_error(q, summary.stats.n_paths());
    };
    const auto mean = summary.stats.mean(PathFeature::trough_reserves);
    add_row(text, label,
            {with_error(mean.value * to_percent, mean.standard_error * to_percent), scaled(0.50), scaled(0.05),
             scaled(0.95)});
  };
  add("  over bank assets, %", market.bank_assets);
  if (market.gdp) add("  over GDP, %", *market.gdp);
  if (market.m2) add("  over M2, %", *market.m2);
}

void add_window(std::string& text, const engine::RunSummary& summary, const scenario::Scenario& s,
                const std::vector<scenario::Observation>& observed) {
  text += '\n';
  add_row(text, "Over the window (± std. error)", {"mean", "median", "5 %", "95 %", "observed"});
  const std::uint64_t n = summary.stats.n_paths();
  for (const auto& row : kWindowRows) {
    const auto& moments = summary.stats.moments(row.feature);
    if (moments.n == 0) continue;  // without meaning in this scenario
    if (row.feature == PathFeature::is_not_back) {
      add_row(text, row.label, {share_text(summary.stats.share(row.feature))});
      continue;
    }
    const bool is_count = engine::kPathFeatures[engine::index(row.feature)].unit == "business days";
    const auto quantile = [&](double p) {
      const auto q = summary.stats.quantile(row.feature, p);
      return is_count ? count_text(q, n) : with_error(q, n);
    };
    add_row(text, row.label,
            {with_error(summary.stats.mean(row.feature)), quantile(0.50), quantile(0.05), quantile(0.95),
             observed_text(row.feature, s, observed)});
    if (row.feature == PathFeature::trough_reserves) add_reserve_ratios(text, summary, s.market);
  }
  if (find(observed, Variable::reserves) != nullptr)
    text += "  observed reserves: published days only, so the observed trough may miss the lowest day\n";
}

/// How likely the window's peaks exceed the thresholds.
void add_peak_probabilities(std::string& text, const engine::RunSummary& summary) {
  text += '\n';
  const auto& thresholds = summary.manifest.peak_thresholds;
  std::vector<std::string> heads, over_iorb, over_effr;
  for (std::size_t k = 0; k < thresholds.size(); ++k) {
    heads.push_back(fmt::format("> {:g} bp", thresholds[k]));
    over_iorb.push_back(share_text(summary.stats.peak_exceedance(k)));
    over_effr.push_back(share_text(summary.stats.peak_over_effr_exceedance(k)));
  }
  add_row(text, "Share of paths, % (± std. error)", heads);
  add_row(text, "with a peak of SOFR - IORB", over_iorb);
  add_row(text, "with a peak of SOFR - EFFR", over_effr);
}

/// What the scenario asks for by `metrics:`.
void add_metrics(std::string& text, const engine::RunSummary& summary) {
  const auto& metrics = summary.manifest.metrics;
  if (metrics.empty()) return;
  text += '\n';
  std::vector<Row> rows{{"Metrics (± std. error)", {"value", "95 % limits"}}};
  for (std::size_t k = 0; k < metrics.size(); ++k) {
    const auto estimate = summary.stats.metric(k);
    const std::string label = with_unit(metrics[k].id, metrics[k].shown_unit);
    if (estimate.n == 0) {
      rows.push_back({label, {"no value", ""}, metrics[k].expr});
      continue;
    }
    const int decimals = metric_decimals(estimate.standard_error);
    const std::string limits = std::isnan(estimate.standard_error)
                                   ? ""
                                   : fmt::format("{:.{}f} to {:.{}f}", estimate.lo, decimals, estimate.hi, decimals);
    const std::string note =
        estimate.n < summary.stats.n_paths() ? fmt::format("   over the {} paths with a value", estimate.n) : "";
    rows.push_back(
        {label, {with_error(estimate.value, estimate.standard_error, decimals), limits}, metrics[k].expr + note});
  }
  add_rows(text, std::move(rows));
}

/// The satellite: what the declared coefficients make of the window's peak.
void add_transmission(std::string& text, const engine::RunSummary& summary) {
  if (summary.manifest.transmission.empty()) return;
  text +=
      "\nTransmission, a satellite: linear in SOFR - IORB less its opening value, coefficients as declared, fed back "
      "to "
      "nothing\n";
  add_row(text, "Response to the window's peak", {"coefficient", "median", "its range", "95 %", "its range"});
  const auto median = summary.stats.quantile(PathFeature::peak_spread, 0.50);
  const auto high = summary.stats.quantile(PathFeature::peak_spread, 0.95);
  for (const auto& t : summary.manifest.transmission) {
    const auto response = [&](const QuantileEstimate& q) {
      return with_error(t.respond(q.value), std::fabs(t.coefficient) * q.standard_error());
    };
    const auto range = [&](const QuantileEstimate& q) {
      const double shock = q.value - t.opening_spread;
      return fmt::format("{:.1f} to {:.1f}", std::min(t.low * shock, t.high * shock),
                         std::max(t.low * shock, t.high * shock));
    };
    add_row(text, fmt::format("{}, {}", t.name, t.unit),
            {fmt::format("{:g}", t.coefficient), response(median), range(median), response(high), range(high)});
  }
}

void add_flags(std::string& text, const engine::RunSummary& summary) {
  std::string rows;
  for (std::size_t k = 0; k < kPathFlagCount; ++k) {
    const auto paths = summary.stats.flagged_paths()[k];
    if (paths == 0) continue;
    const stats::Exceedance share = summary.stats.flagged(k);
    rows += fmt::format("  {:<34}{:>16}{:>14} paths{:>14} path-days\n", kPathFlags[k].meaning,
                        fmt::format("{:.2f} ± {:.2f} %", 100.0 * share.probability(), 100.0 * share.standard_error()),
                        paths, summary.stats.flag_days()[k]);
  }
  if (!rows.empty()) text += "\nEvents, share of paths (± std. error)\n" + rows;
}

std::string label_of(const VariableSpec& spec) {
  const bool is_amount = spec.quantity == Quantity::amount;
  return fmt::format("{}, {}", spec.name, is_amount ? "bn USD" : unit_of(spec.quantity));
}

std::string coverage_text(double share, double error, std::uint64_t days) {
  return fmt::format("{:.0f} of {} ({:.0f} ± {:.0f} %)", share * static_cast<double>(days), days, 100.0 * share,
                     100.0 * error);
}

std::string number_or_dash(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value + 0.0, decimals) : "-";
}

constexpr std::string_view kScoreRow = "  {:<25}{:>5}{:>17}{:>13}{:>11}{:>8}{:>7}{:>22}{:>22}\n";

std::string score_row(const VariableSpec& spec, const engine::Score& s) {
  if (s.n_days == 0) return fmt::format("  {:<25}{:>5}\n", label_of(spec), 0);
  const int decimals = decimals_for(s.crps_se);
  return fmt::format(kScoreRow, label_of(spec), s.n_days, with_error(s.crps, s.crps_se, decimals),
                     number_or_dash(s.crps_persistence, decimals), number_or_dash(s.crps_reversion, decimals),
                     number_or_dash(s.skill(), 2), fmt::format("{:.2f}", s.pit_mean),
                     coverage_text(s.coverage_50, s.coverage_50_se, s.n_days),
                     coverage_text(s.coverage_90, s.coverage_90_se, s.n_days));
}

std::string written(double value, Quantity quantity) {
  switch (quantity) {
    case Quantity::rate:
    case Quantity::percent:
      return fmt::format("{:.3f} %", value);
    case Quantity::spread:
      return fmt::format("{:.1f} bp", value);
    case Quantity::amount:
      return fmt::format("{:.1f} bn USD", value);
    case Quantity::fraction:
      return fmt::format("{:.4f}", value);
  }
  return "";
}

std::string edge_text(double share, const QuantileEstimate& edge, Quantity quantity) {
  if (!std::isfinite(edge.value)) return fmt::format("{:g} %: no value", 100.0 * share);
  return fmt::format("{:g} %: {} ({} to {})", 100.0 * share, written(edge.value, quantity), written(edge.lo, quantity),
                     written(edge.hi, quantity));
}

/// A quantile, or for shares 0 and 1 the extremes, which have no limits.
QuantileEstimate edge_of(const engine::OnlineStats& stats, std::size_t variable, std::size_t day, double share) {
  const auto& m = stats.moments(variable, day);
  if (m.n > 0 && share <= 0.0) return {m.min, m.min, m.min};
  if (m.n > 0 && share >= 1.0) return {m.max, m.max, m.max};
  return stats.quantile(variable, day, share);
}

}  // namespace

std::string scorecard_table(const engine::Scorecard& card, bool is_conditional) {
  if (card.variables.empty()) return "";
  std::string text = is_conditional ? "\nScorecard, conditional on realised flows" : "\nScorecard";
  text += "; CRPS ± std. error, smaller is better; skill is against persistence\n";
  for (std::size_t w = 0; w < card.windows.size(); ++w) {
    text += fmt::format(kScoreRow, card.windows[w].name, "days", "CRPS", "persistence", "reversion", "skill", "PIT",
                        "inside 50 %", "inside 90 %");
    for (std::size_t v = 0; v < card.variables.size(); ++v)
      text += score_row(spec_of(card.variables[v]), card.at(v, w));
  }
  if (is_conditional)
    text += "  the replay knows the realised flows and dated rates, the benchmarks only the opening\n";
  return text;
}

namespace {

/// Bounds are in the unit of the metric's dimension, estimates in the one it is shown in.
ExpectationOutcome check_expected_metric(const scenario::Expectation& e, const engine::RunSummary& summary) {
  const auto& metrics = summary.manifest.metrics;
  const auto place = std::ranges::find(metrics, e.metric, &stats::MetricSpec::id);
  const auto k = static_cast<std::size_t>(place - metrics.begin());
  ExpectationOutcome outcome{.expected = e, .low = {}, .high = {}};
  outcome.metric = summary.stats.metric(k);
  outcome.shown_unit = place->shown_unit;
  outcome.unit_factor = place->unit_factor;
  const double value = outcome.metric.value;
  outcome.is_met = outcome.metric.n > 0 && e.low * place->unit_factor <= value && value <= e.high * place->unit_factor;
  return outcome;
}

std::string expected_metric_row(const ExpectationOutcome& o) {
  const std::string unit = o.shown_unit == "1" ? "" : " " + o.shown_unit;
  const int decimals = metric_decimals(o.metric.standard_error);
  const std::string value =
      o.metric.n == 0 ? "no value" : with_error(o.metric.value, o.metric.standard_error, decimals) + unit;
  return fmt::format("  {:<30}{:>16}   {:<7}  between {:g}{} and {:g}{}\n", o.expected.metric, value,
                     o.is_met ? "met" : "missed", o.expected.low * o.unit_factor, unit, o.expected.high * o.unit_factor,
                     unit);
}

}  // namespace

std::vector<ExpectationOutcome> check_expectations(const engine::RunSummary& summary,
                                                   const scenario::Scenario& scenario) {
  std::vector<ExpectationOutcome> outcomes;
  const auto& variables = summary.manifest.statistics;
  const auto& dates = summary.manifest.dates;
  for (const auto& e : scenario.expect) {
    if (!e.metric.empty()) {
      outcomes.push_back(check_expected_metric(e, summary));
      continue;
    }
    const auto variable = static_cast<std::size_t>(std::ranges::find(variables, e.variable) - variables.begin());
    const auto day = static_cast<std::size_t>(std::ranges::find(dates, e.date) - dates.begin());
    ExpectationOutcome outcome{e, edge_of(summary.stats, variable, day, e.low),
                               edge_of(summary.stats, variable, day, e.high)};
    outcome.is_met = outcome.low.value <= e.observed && e.observed <= outcome.high.value;
    outcomes.push_back(outcome);
  }
  return outcomes;
}

std::string expectations_table(std::span<const ExpectationOutcome> outcomes) {
  std::string text = "\nExpected; edges of the band with their 95 % limits\n";
  if (outcomes.empty()) return text + "  the scenario expects nothing\n";
  for (const auto& o : outcomes) {
    if (!o.expected.metric.empty()) {
      text += expected_metric_row(o);
      continue;
    }
    const auto& spec = spec_of(o.expected.variable);
    text +=
        fmt::format("  {}  {:<18}{:>16}   {:<7}  {};  {}\n", iso(o.expected.date), spec.name,
                    written(o.expected.observed, spec.quantity), o.is_met ? "met" : "missed",
                    edge_text(o.expected.low, o.low, spec.quantity), edge_text(o.expected.high, o.high, spec.quantity));
  }
  const auto met = std::ranges::count(outcomes, true, &ExpectationOutcome::is_met);
  return text + fmt::format("  {} of {} met\n", met, outcomes.size());
}

std::string summary_table(const engine::RunSummary& summary, const scenario::Scenario& scenario) {
  std::string text;
  const auto observed = scenario::observations(scenario);
  add_headline(text, summary);
  if (summary.stats.n_paths() == 0) return text;
  add_days(text, summary, observed);
  add_window(text, summary, scenario, observed);
  add_peak_probabilities(text, summary);
  add_metrics(text, summary);
  add_transmission(text, summary);
  add_flags(text, summary);
  return text;
}

}  // namespace repoquake::report
