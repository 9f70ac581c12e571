#include "io/result_statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "io/cf_dataset.hpp"
#include "repoquake/core/contract.hpp"
#include "repoquake/core/flags.hpp"
#include "repoquake/core/variables.hpp"
#include "repoquake/engine/path_features.hpp"

namespace repoquake::io {
namespace {

using engine::kPathFeatureCount;
using engine::kPathFeatures;

/// Nothing is known without paths; the spread, and with it the error, not with one.
double if_known(const stats::Moments& moments, std::uint64_t least, double value) {
  return moments.n >= least ? value : kNaN;
}

struct MomentStatistic {
  std::string_view suffix;
  std::string_view text;
  double (*value)(const stats::Moments&, const stats::Estimate& mean);
};

constexpr std::array<MomentStatistic, 5> kMomentStatistics{{
    {"mean", "mean over paths", [](const stats::Moments& m, const stats::Estimate&) { return if_known(m, 1, m.mean); }},
    {"mean_se", "standard error of the mean over paths",
     [](const stats::Moments& m, const stats::Estimate& mean) { return if_known(m, 2, mean.standard_error); }},
    {"sd", "standard deviation over paths",
     [](const stats::Moments& m, const stats::Estimate&) { return if_known(m, 2, m.sd()); }},
    {"min", "smallest of all paths",
     [](const stats::Moments& m, const stats::Estimate&) { return if_known(m, 1, m.min); }},
    {"max", "largest of all paths",
     [](const stats::Moments& m, const stats::Estimate&) { return if_known(m, 1, m.max); }},
}};

struct QuantileStatistic {
  std::string_view suffix;
  std::string_view text;
  double stats::QuantileEstimate::*value;
};

constexpr std::array<QuantileStatistic, 3> kQuantileStatistics{{
    {"quantile", "quantile over paths", &stats::QuantileEstimate::value},
    {"quantile_lo", "lower 95 % confidence limit of the quantile over paths", &stats::QuantileEstimate::lo},
    {"quantile_hi", "upper 95 % confidence limit of the quantile over paths", &stats::QuantileEstimate::hi},
}};

struct ScoreColumn {
  std::string_view name;
  std::string_view unit;  ///< "": that of the variable
  std::string_view text;
  double engine::Score::*value;
};

constexpr std::array<ScoreColumn, 9> kScoreColumns{{
    {"crps", "", "continuous ranked probability score, mean over days; smaller is better", &engine::Score::crps},
    {"crps_se", "", "standard error of the CRPS from the number of paths, an upper bound", &engine::Score::crps_se},
    {"pit_mean", "1", "probability integral transform of the observations, mean over days", &engine::Score::pit_mean},
    {"coverage_50", "1", "share of days inside the central 50 % band", &engine::Score::coverage_50},
    {"coverage_50_se", "1", "binomial standard error of coverage_50, days taken as independent",
     &engine::Score::coverage_50_se},
    {"coverage_90", "1", "share of days inside the central 90 % band", &engine::Score::coverage_90},
    {"coverage_90_se", "1", "binomial standard error of coverage_90, days taken as independent",
     &engine::Score::coverage_90_se},
    {"crps_persistence", "", "CRPS of the opening day's observation on every day", &engine::Score::crps_persistence},
    {"crps_reversion", "", "CRPS of a reversion to the trailing median, spread only", &engine::Score::crps_reversion},
}};

class StatisticsWriter {
 public:
  StatisticsWriter(const Group& root, const engine::Manifest& manifest, const engine::RunSummary& summary,
                   const Observed& observed)
      : root_(root), manifest_(manifest), summary_(summary), observed_(observed) {}

  void write_stats() const;
  void write_features() const;
  void write_metrics() const;
  void write_convergence() const;
  void write_transmission() const;
  void write_observed() const;
  [[nodiscard]] engine::Scorecard write_scores() const;

 private:
  void write_peak_exceedances(const Group& group) const;
  [[nodiscard]] Dataset write_quantiles(const Group& group) const {
    return write_scale(group, "quantile", manifest_.quantiles, "1", "fraction of paths at or below");
  }

  const Group& root_;
  const engine::Manifest& manifest_;
  const engine::RunSummary& summary_;
  const Observed& observed_;
};

void StatisticsWriter::write_stats() const {
  const Group group = root_.create_group("stats");
  const Dataset time = write_time(group, manifest_.dates);
  const std::uint64_t n_days = manifest_.n_days();
  const std::uint64_t n_quantiles = manifest_.quantiles.size();
  const std::uint64_t n_thresholds = manifest_.thresholds.size();
  Dataset quantile;
  Dataset threshold;
  if (n_quantiles > 0) quantile = write_quantiles(group);
  if (n_thresholds > 0) threshold = write_thresholds(group, manifest_.thresholds);

  for (std::size_t v = 0; v < manifest_.statistics.size(); ++v) {
    const VariableSpec& spec = spec_of(manifest_.statistics[v]);
    const auto describe_statistic = [&](const Dataset& dataset, std::string_view text) {
      describe_variable(dataset, spec, std::string(spec.long_name) + ", " + std::string(text));
    };
    const std::string prefix = std::string(spec.name) + "_";
    std::vector<double> values(n_days);
    for (const MomentStatistic& statistic : kMomentStatistics) {
      for (std::size_t day = 0; day < n_days; ++day)
        values[day] = statistic.value(summary_.stats.moments(v, day), summary_.stats.mean(v, day));
      describe_statistic(write_statistic(group, prefix + std::string(statistic.suffix), {{&time, n_days}}, values),
                         statistic.text);
    }
    if (n_quantiles == 0) continue;

    std::vector<stats::QuantileEstimate> estimates(n_quantiles * n_days, {kNaN, kNaN, kNaN});
    for (std::size_t q = 0; q < n_quantiles; ++q)
      for (std::size_t day = 0; day < n_days; ++day)
        if (summary_.stats.moments(v, day).n > 0)
          estimates[q * n_days + day] = summary_.stats.quantile(v, day, manifest_.quantiles[q]);
    values.resize(estimates.size());
    for (const QuantileStatistic& statistic : kQuantileStatistics) {
      std::transform(estimates.begin(), estimates.end(), values.begin(),
                     [&](const stats::QuantileEstimate& estimate) { return estimate.*statistic.value; });
      describe_statistic(write_statistic(group, prefix + std::string(statistic.suffix),
                                         {{&quantile, n_quantiles}, {&time, n_days}}, values),
                         statistic.text);
    }
  }

  if (n_thresholds > 0) {
    std::vector<double> probabilities(n_thresholds * n_days, kNaN);
    std::vector<double> errors(n_thresholds * n_days, kNaN);
    for (std::size_t t = 0; t < n_thresholds; ++t)
      for (std::size_t day = 0; day < n_days; ++day) {
        const stats::Exceedance exceedance = summary_.stats.exceedance(t, day);
        if (exceedance.n == 0) continue;
        probabilities[t * n_days + day] = exceedance.probability();
        errors[t * n_days + day] = exceedance.standard_error();
      }
    describe(write_statistic(group, "spread_exceed", {{&threshold, n_thresholds}, {&time, n_days}}, probabilities), "1",
             "probability that SOFR minus IORB is above the threshold");
    describe(write_statistic(group, "spread_exceed_se", {{&threshold, n_thresholds}, {&time, n_days}}, errors), "1",
             "standard error of the probability that SOFR minus IORB is above the threshold");
  }

  std::vector<std::string> names;
  for (const PathFlagSpec& spec : kPathFlags) names.emplace_back(spec.name);
  const Dataset flag = write_text_scale(group, "flag", names, "what can happen to a path on a day");
  const auto write_counts = [&](std::string_view name, const std::vector<std::uint64_t>& counts,
                                std::string_view text) {
    RQ_EXPECT(counts.size() == kPathFlagCount);
    const std::vector<std::int64_t> values(counts.begin(), counts.end());
    const Dataset dataset = group.create_dataset(name, std::span<const std::int64_t>(values));
    describe(dataset, "1", text);
    dataset.attach_scale(0, flag);
  };
  write_counts("flag_days", summary_.stats.flag_days(), "path-days with the flag");
  write_counts("flag_paths", summary_.stats.flagged_paths(), "paths with the flag on any day");
}

/// How often the window's peaks lie above the thresholds.
void StatisticsWriter::write_peak_exceedances(const Group& group) const {
  if (summary_.stats.n_paths() == 0) return;
  const Dataset threshold =
      write_scale(group, "threshold", manifest_.peak_thresholds, "bp", "threshold of the window's peak");
  const std::uint64_t n = manifest_.peak_thresholds.size();
  const auto write = [&](const std::string& name, const std::string& what, auto&& exceedance) {
    std::vector<double> probability(n), error(n);
    for (std::size_t k = 0; k < n; ++k) {
      const stats::Exceedance e = exceedance(k);
      probability[k] = e.probability();
      error[k] = e.standard_error();
    }
    describe(write_statistic(group, name, {{&threshold, n}}, probability), "1",
             "share of paths whose largest " + what + " is above the threshold");
    describe(write_statistic(group, name + "_se", {{&threshold, n}}, error), "1", "standard error of that share");
  };
  write("peak_spread_exceed", "SOFR minus IORB", [&](std::size_t k) { return summary_.stats.peak_exceedance(k); });
  write("peak_sofr_over_effr_exceed", "SOFR minus EFFR",
        [&](std::size_t k) { return summary_.stats.peak_over_effr_exceedance(k); });
}

void StatisticsWriter::write_features() const {
  const Group group = root_.create_group("features");
  std::vector<std::string> names;
  std::vector<std::string> units;
  std::vector<std::string> texts;
  for (const auto& spec : kPathFeatures) {
    names.emplace_back(spec.name);
    units.emplace_back(spec.unit);
    texts.emplace_back(spec.long_name);
  }
  const Dataset feature = write_text_scale(group, "feature", names, "one number per path of the whole window");
  write_texts(group, "unit", units, feature, "unit of the feature and of all its statistics");
  write_texts(group, "meaning", texts, feature, "what the feature is");

  std::vector<double> values(kPathFeatureCount);
  for (const MomentStatistic& statistic : kMomentStatistics) {
    for (const auto& spec : kPathFeatures)
      values[engine::index(spec.feature)] =
          statistic.value(summary_.stats.moments(spec.feature), summary_.stats.mean(spec.feature));
    describe(write_statistic(group, statistic.suffix, {{&feature, kPathFeatureCount}}, values), "", statistic.text);
  }

  write_peak_exceedances(group);

  const std::uint64_t n_quantiles = manifest_.quantiles.size();
  if (n_quantiles == 0) return;
  const Dataset quantile = write_quantiles(group);
  std::vector<stats::QuantileEstimate> estimates(n_quantiles * kPathFeatureCount, {kNaN, kNaN, kNaN});
  for (std::size_t q = 0; q < n_quantiles; ++q)
    for (const auto& spec : kPathFeatures)
      if (summary_.stats.moments(spec.feature).n > 0)
        estimates[q * kPathFeatureCount + engine::index(spec.feature)] =
            summary_.stats.quantile(spec.feature, manifest_.quantiles[q]);
  values.resize(estimates.size());
  for (const QuantileStatistic& statistic : kQuantileStatistics) {
    std::transform(estimates.begin(), estimates.end(), values.begin(),
                   [&](const stats::QuantileEstimate& estimate) { return estimate.*statistic.value; });
    describe(write_statistic(group, "value_" + std::string(statistic.suffix),
                             {{&quantile, n_quantiles}, {&feature, kPathFeatureCount}}, values),
             "", statistic.text);
  }
}

/// What the scenario asks of the run, every number with its error.
void StatisticsWriter::write_metrics() const {
  const std::uint64_t n = manifest_.metrics.size();
  if (n == 0) return;
  const Group group = root_.create_group("metrics");
  std::vector<std::string> ids, units, expressions;
  std::vector<double> value, error, low, high;
  std::vector<std::int64_t> paths;
  for (std::size_t k = 0; k < n; ++k) {
    const auto& spec = manifest_.metrics[k];
    const auto estimate = summary_.stats.metric(k);
    ids.push_back(spec.id);
    units.push_back(spec.unit);
    expressions.push_back(spec.expr);
    value.push_back(estimate.value);
    error.push_back(estimate.standard_error);
    low.push_back(estimate.lo);
    high.push_back(estimate.hi);
    paths.push_back(static_cast<std::int64_t>(estimate.n));
  }
  const Dataset metric = write_text_scale(group, "metric", ids, "id of the metric");
  write_texts(group, "unit", units, metric, "unit of the metric, its error and its limits");
  write_texts(group, "expr", expressions, metric, "the expression as written in the scenario");
  const auto write = [&](std::string_view name, const std::vector<double>& values, std::string_view text) {
    describe(write_statistic(group, name, {{&metric, n}}, values), "", text);
  };
  write("value", value, "value of the metric");
  write("se", error, "standard error of the value, from the number of paths");
  write("ci_lo", low, "lower 95 % confidence limit");
  write("ci_hi", high, "upper 95 % confidence limit");
  const Dataset count = group.create_dataset("n", std::span<const std::int64_t>(paths));
  describe(count, "1", "paths with a value; a division by nothing leaves a path without one");
  count.attach_scale(0, metric);
}

/// How the numbers settled as paths came in.
void StatisticsWriter::write_convergence() const {
  const auto& c = summary_.convergence;
  const std::uint64_t n_counts = c.n_paths().size();
  const std::uint64_t n_quantities = c.quantities().size();
  if (n_counts == 0) return;
  const Group group = root_.create_group("convergence");
  const std::vector<std::int64_t> counts(c.n_paths().begin(), c.n_paths().end());
  Dataset n_paths = group.create_dataset("n_paths", std::span<const std::int64_t>(counts));
  describe(n_paths, "1", "paths so far");
  n_paths.make_scale("n_paths");
  const Dataset quantity = write_text_scale(group, "quantity", c.quantities(), "a feature's statistic, or a metric");
  write_texts(group, "unit", c.units(), quantity, "unit of the quantity, its error and its limits");
  std::vector<double> values(c.estimates().size());
  const auto write = [&](std::string_view name, double stats::Estimate::*member, std::string_view text) {
    std::ranges::transform(c.estimates(), values.begin(), [&](const stats::Estimate& e) { return e.*member; });
    describe(write_statistic(group, name, {{&n_paths, n_counts}, {&quantity, n_quantities}}, values), "", text);
  };
  write("value", &stats::Estimate::value, "value from the paths so far");
  write("se", &stats::Estimate::standard_error, "standard error of the value");
  write("ci_lo", &stats::Estimate::lo, "lower 95 % confidence limit");
  write("ci_hi", &stats::Estimate::hi, "upper 95 % confidence limit");
  if (!manifest_.stop) return;
  group.attributes().set("stop_metric", manifest_.metrics.at(manifest_.stop->metric).id);
  group.attributes().set("stop_half_width", manifest_.stop->half_width);
  group.attributes().set("stop_min_paths", static_cast<std::int64_t>(manifest_.stop->min_paths));
}

/// The satellite's responses to the quantiles of the funding spread, at the declared coefficients.
void StatisticsWriter::write_transmission() const {
  const std::size_t n = manifest_.transmission.size();
  const std::uint64_t n_quantiles = manifest_.quantiles.size();
  const std::uint64_t n_days = manifest_.n_days();
  if (n == 0 || n_quantiles == 0 || summary_.stats.n_paths() == 0) return;
  const Group group = root_.create_group("transmission");
  group.attributes().set(
      "comment",
      "satellite: linear pass-through of SOFR minus IORB less its opening value, coefficients declared "
      "by the user, fed back to nothing");
  std::vector<std::string> names, units, texts;
  std::vector<double> coefficient, low, high;
  for (const auto& t : manifest_.transmission) {
    names.push_back(t.name);
    units.push_back(t.unit);
    texts.push_back(t.long_name);
    coefficient.push_back(t.coefficient);
    low.push_back(t.low);
    high.push_back(t.high);
  }
  const Dataset target = write_text_scale(group, "target", names, "market that responds");
  write_texts(group, "unit", units, target, "unit of the response");
  write_texts(group, "meaning", texts, target, "what responds");
  const auto write = [&](std::string_view name, const std::vector<double>& values, std::string_view meaning) {
    describe(write_statistic(group, name, {{&target, n}}, values), "", meaning);
  };
  write("coefficient", coefficient, "response per bp of funding shock");
  write("coefficient_low", low, "least coefficient declared");
  write("coefficient_high", high, "largest coefficient declared");

  const Dataset time = write_time(group, manifest_.dates);
  const Dataset quantile = write_quantiles(group);
  const auto spread = static_cast<std::size_t>(std::ranges::find(manifest_.statistics, Variable::spread) -
                                               manifest_.statistics.begin());
  std::vector<double> responses, errors;
  for (const auto& t : manifest_.transmission)
    for (const double q : manifest_.quantiles)
      for (std::size_t day = 0; day < n_days; ++day) {
        const auto estimate = summary_.stats.quantile(spread, day, q);
        responses.push_back(t.respond(estimate.value));
        errors.push_back(std::fabs(t.coefficient) * estimate.standard_error());
      }
  describe(write_statistic(group, "response", {{&target, n}, {&quantile, n_quantiles}, {&time, n_days}}, responses), "",
           "response to the quantile of SOFR minus IORB on the day");
  describe(write_statistic(group, "response_se", {{&target, n}, {&quantile, n_quantiles}, {&time, n_days}}, errors), "",
           "standard error of simulation of the response; the coefficient's own range is not in it");
}

void StatisticsWriter::write_observed() const {
  if (observed_.columns.empty()) return;
  const Group group = root_.create_group("observed");
  const Dataset time = write_time(group, manifest_.dates);
  for (const Observed::Column& column : observed_.columns) {
    RQ_EXPECT(column.values.size() == manifest_.n_days());
    describe(write_statistic(group, column.name, {{&time, manifest_.n_days()}}, column.values), column.unit,
             column.long_name);
  }
}

engine::Scorecard StatisticsWriter::write_scores() const {
  if (summary_.stats.n_paths() == 0) return {};
  engine::Scorecard card = engine::make_scorecard(manifest_, summary_.stats, observed_.scoring);
  if (card.variables.empty()) return card;
  const Group group = root_.create_group("scores");
  std::vector<std::string> names;
  std::vector<std::string> units;
  std::vector<std::string> windows;
  for (const Variable v : card.variables) {
    names.emplace_back(spec_of(v).name);
    units.emplace_back(unit_of(spec_of(v).quantity));
  }
  for (const auto& window : card.windows) windows.push_back(window.name);
  const Dataset variable = write_text_scale(group, "variable", names, "observed variable");
  const Dataset window = write_text_scale(group, "window", windows, "first and last day that are scored");
  write_texts(group, "unit", units, variable, "unit of the variable and of its CRPS");

  const std::initializer_list<Scale> scales{{&variable, names.size()}, {&window, windows.size()}};
  std::vector<double> values(card.scores.size());
  for (const ScoreColumn& column : kScoreColumns) {
    std::ranges::transform(card.scores, values.begin(), column.value);
    describe(write_statistic(group, column.name, scales, values), column.unit, column.text);
  }
  std::vector<std::int64_t> n_days(card.scores.size());
  std::ranges::transform(card.scores, n_days.begin(),
                         [](const auto& s) { return static_cast<std::int64_t>(s.n_days); });
  Layout layout;
  layout.shape = {names.size(), windows.size()};
  Dataset days = group.create_dataset<std::int64_t>("n_days", layout);
  days.write(std::span<const std::int64_t>(n_days));
  describe(days, "1", "days with an observation");
  days.attach_scale(0, variable);
  days.attach_scale(1, window);
  return card;
}

}  // namespace

Dataset write_thresholds(const Group& group, std::span<const Spread> thresholds) {
  return write_scale(group, "threshold", thresholds, "bp", "threshold of SOFR minus IORB");
}

engine::Scorecard write_statistics(const Group& root, const engine::Manifest& manifest,
                                   const engine::RunSummary& summary, const Observed& observed) {
  const StatisticsWriter writer(root, manifest, summary, observed);
  writer.write_stats();
  writer.write_features();
  writer.write_metrics();
  writer.write_convergence();
  writer.write_transmission();
  writer.write_observed();
  return writer.write_scores();
}

}  // namespace repoquake::io
