#include "repoquake/study/comparison.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "repoquake/core/contract.hpp"
#include "repoquake/stats/influence.hpp"

namespace repoquake::study {
namespace {

using engine::kPathFeatures;
using engine::PathFeature;

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kNever = ~std::size_t{0};

/// Adds values of which some may be missing.
void add_known(stats::Moments& moments, std::span<const double> values, std::vector<double>& known) {
  known.clear();
  for (const double value : values)
    if (!std::isnan(value)) known.push_back(value);
  if (!known.empty()) moments.merge(stats::moments_of(known));
}

double difference_of(double base, double other) {
  return std::isnan(base) || std::isnan(other) ? kNothing : other - base;
}

double error_of_independent(double one, double other) {
  return std::isnan(one) || std::isnan(other) ? kNothing : std::sqrt(one * one + other * other);
}

/// Of the mean of differences.
double error_of_mean(const stats::Moments& m, std::span<const stats::Batch> batches) {
  if (batches.empty()) return m.n > 1 ? m.standard_error() : kNothing;
  return std::sqrt(stats::variance_of_mean(batches));
}

double mean_of(const stats::Moments& m) { return m.n > 0 ? m.mean : kNothing; }

constexpr stats::Estimate kNoEstimate{
    .value = kNothing, .standard_error = kNothing, .lo = kNothing, .hi = kNothing, .n = 0};

stats::Estimate estimate_of(const stats::QuantileEstimate& q, std::uint64_t n) {
  return {.value = q.value, .standard_error = q.standard_error(), .lo = q.lo, .hi = q.hi, .n = n};
}

/// What a side says of a quantity of the base; nothing where it has no such quantity.
stats::Estimate find_estimate(const Side& side, const Quantity& quantity) {
  const auto found = std::ranges::find_if(side.quantities, [&](const Quantity& q) {
    return q.name == quantity.name && q.unit == quantity.unit && q.is_metric == quantity.is_metric;
  });
  return found == side.quantities.end() ? kNoEstimate
                                        : side.estimates[static_cast<std::size_t>(found - side.quantities.begin())];
}

/// Puts what the pairs of paths know into the differences of the window.
void pair_window(const Side& base, const Pairing& pairing, std::vector<Difference>& window) {
  std::size_t metric = 0;
  for (std::size_t k = 0; k < window.size(); ++k) {
    const Quantity& quantity = base.quantities[k];
    Difference& d = window[k];
    d.reach = pairing.reach();
    if (quantity.is_metric) {
      if (metric < pairing.n_metrics()) d.standard_error = pairing.standard_error_of_metric(metric++);
      continue;
    }
    const auto spec = std::ranges::find(kPathFeatures, quantity.name, &engine::PathFeatureSpec::name);
    if (spec != kPathFeatures.end()) {
      const stats::Moments& m = pairing.feature(spec->feature);
      d.value = mean_of(m);
      d.standard_error = pairing.standard_error_of(spec->feature);
      if (m.n > 0) d.share_larger = static_cast<double>(pairing.n_larger(spec->feature)) / static_cast<double>(m.n);
      continue;
    }
    for (const double share : kPeakQuantiles)
      if (quantity.name == name_of_peak_quantile(share))
        d.standard_error = pairing.standard_error_of_peak_quantile(share);
  }
}

}  // namespace

std::string name_of_peak_quantile(double share) {
  return "quantile(peak_spread, " + std::to_string(std::lround(100.0 * share)) + " %)";
}

Side side_of(const engine::RunSummary& summary) {
  const auto& m = summary.manifest;
  const auto& s = summary.stats;
  Side side;
  side.name = m.name;
  side.title = m.title;
  side.is_conditional = m.is_conditional;
  side.n_paths = s.n_paths();
  side.seed = m.seed;
  side.dates = m.dates;
  side.marks = m.marks;
  side.variables = m.statistics;
  for (std::size_t v = 0; v < m.statistics.size(); ++v)
    for (std::size_t day = 0; day < m.n_days(); ++day) {
      const auto& moments = s.moments(v, day);
      side.mean.push_back(mean_of(moments));
      side.mean_se.push_back(s.mean(v, day).standard_error);
      side.median.push_back(moments.n > 0 ? s.quantile(v, day, 0.5).value : kNothing);
    }
  const auto add = [&](Quantity quantity, const stats::Estimate& estimate) {
    side.quantities.push_back(std::move(quantity));
    side.estimates.push_back(estimate);
  };
  for (const auto& spec : kPathFeatures) {
    const auto& moments = s.moments(spec.feature);
    add({std::string(spec.name), std::string(spec.unit), std::string(spec.unit), std::string(spec.long_name)},
        moments.n > 0 ? s.mean(spec.feature) : kNoEstimate);
  }
  for (const double share : kPeakQuantiles)
    add({name_of_peak_quantile(share), "bp", "bp", "quantile over paths of the largest SOFR minus IORB"},
        estimate_of(s.quantile(PathFeature::peak_spread, share), s.moments(PathFeature::peak_spread).n));
  for (std::size_t k = 0; k < m.metrics.size(); ++k)
    add({m.metrics[k].id, m.metrics[k].unit, m.metrics[k].shown_unit, m.metrics[k].expr, true}, s.metric(k));
  return side;
}

Pairing::Pairing(std::vector<Variable> variables, std::size_t n_days, std::vector<stats::MetricSpec> metrics,
                 stats::Batching batching)
    : batching_(batching),
      variables_(std::move(variables)),
      n_days_(n_days),
      metrics_(std::move(metrics)),
      days_(variables_.size() * n_days),
      features_(engine::kPathFeatureCount),
      day_batches_(days_.size() * batching.count),
      feature_batches_(features_.size() * batching.count),
      larger_(engine::kPathFeatureCount, 0),
      first_difference_(kNever),
      metric_values_(metrics_.size()) {}

void Pairing::absorb(const engine::ChunkResult& base, const engine::ChunkResult& other) {
  const std::size_t n = base.n_paths;
  RQ_EXPECT(base.first_path == other.first_path && other.n_paths == n && base.indices == other.indices);
  RQ_EXPECT(base.paths.size() == variables_.size() * n * n_days_ && other.paths.size() == base.paths.size());
  n_paths_ += n;
  std::vector<double> differences(n), known;
  const auto add_batches = [&](std::vector<stats::Batch>& all, std::size_t slot) {
    if (!batching_.any()) return;
    const auto added = stats::batches_of(differences, base.first_path, batching_);
    for (std::size_t b = 0; b < added.size(); ++b) {
      all[slot * added.size() + b].n += added[b].n;
      all[slot * added.size() + b].sum += added[b].sum;
    }
  };
  for (std::size_t v = 0; v < variables_.size(); ++v) {
    const auto one = base.table(v, n_days_), two = other.table(v, n_days_);
    for (std::size_t day = 0; day < n_days_; ++day) {
      bool is_same = true;
      for (std::size_t i = 0; i < n; ++i) {
        const float a = one[i * n_days_ + day], b = two[i * n_days_ + day];
        is_same &= std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
        differences[i] = difference_of(static_cast<double>(a), static_cast<double>(b));
      }
      if (!is_same) first_difference_ = std::min(first_difference_, day);
      add_known(days_[v * n_days_ + day], differences, known);
      add_batches(day_batches_, v * n_days_ + day);
    }
  }
  for (const auto& spec : kPathFeatures) {
    const auto one = base.feature(spec.feature), two = other.feature(spec.feature);
    for (std::size_t i = 0; i < n; ++i) differences[i] = difference_of(one[i], two[i]);
    add_known(features_[engine::index(spec.feature)], differences, known);
    add_batches(feature_batches_, engine::index(spec.feature));
    larger_[engine::index(spec.feature)] +=
        static_cast<std::uint64_t>(std::ranges::count_if(known, [](double difference) { return difference > 0.0; }));
  }
  const auto keep = [](Values& values, std::span<const double> one, std::span<const double> two) {
    values.base.insert(values.base.end(), one.begin(), one.end());
    values.other.insert(values.other.end(), two.begin(), two.end());
  };
  keep(peaks_, base.feature(PathFeature::peak_spread), other.feature(PathFeature::peak_spread));
  for (std::size_t k = 0; k < metrics_.size(); ++k)
    keep(metric_values_[k], std::span(base.metrics).subspan(k * n, n), std::span(other.metrics).subspan(k * n, n));
}

const stats::Moments* Pairing::day(Variable variable, std::size_t day) const {
  const auto place = std::ranges::find(variables_, variable);
  if (place == variables_.end()) return nullptr;
  return &days_.at(static_cast<std::size_t>(place - variables_.begin()) * n_days_ + day);
}

const stats::Moments& Pairing::feature(PathFeature feature) const { return features_.at(engine::index(feature)); }

std::uint64_t Pairing::n_larger(PathFeature feature) const { return larger_.at(engine::index(feature)); }

std::optional<std::size_t> Pairing::first_difference() const noexcept {
  return first_difference_ == kNever ? std::nullopt : std::optional(first_difference_);
}

double Pairing::error_of(const stats::StatisticSpec& spec, const Values& values) const {
  return values.base.empty() ? kNothing
                             : stats::standard_error_of_difference(spec, values.base, values.other, batching_);
}

double Pairing::standard_error_of_day(Variable variable, std::size_t day) const {
  const auto place = static_cast<std::size_t>(std::ranges::find(variables_, variable) - variables_.begin());
  const std::size_t slot = place * n_days_ + day;
  return error_of_mean(days_.at(slot), std::span(day_batches_).subspan(slot * batching_.count, batching_.count));
}

double Pairing::standard_error_of(PathFeature feature) const {
  const std::size_t slot = engine::index(feature);
  return error_of_mean(features_.at(slot),
                       std::span(feature_batches_).subspan(slot * batching_.count, batching_.count));
}

double Pairing::reach() const {
  if (!batching_.any()) return stats::kNormal95;
  return stats::reach_of(std::span(feature_batches_).first(batching_.count));
}

double Pairing::standard_error_of_peak_quantile(double share) const {
  return error_of({.statistic = stats::Statistic::quantile, .share = share}, peaks_);
}

double Pairing::standard_error_of_metric(std::size_t metric) const {
  const auto& spec = metrics_.at(metric);
  return std::fabs(spec.scale) * error_of(spec.statistic, metric_values_[metric]);
}

Versus compare(const Side& base, Side other, std::span<const Variable> variables, const Pairing* pairing) {
  Versus versus;
  versus.is_paired = pairing != nullptr;
  for (std::size_t k = 0; k < base.quantities.size(); ++k) {
    Difference d{
        .base = base.estimates[k], .other = find_estimate(other, base.quantities[k]), .share_larger = kNothing};
    d.value = difference_of(d.base.value, d.other.value);
    d.standard_error = error_of_independent(d.base.standard_error, d.other.standard_error);
    versus.window.push_back(d);
  }
  if (pairing != nullptr) {
    versus.n_pairs = pairing->n_paths();
    versus.paths_part = pairing->first_difference();
    pair_window(base, *pairing, versus.window);
  }
  if (base.dates == other.dates) {
    const std::size_t n_days = base.dates.size();
    const auto place_of = [n_days](const Side& side, Variable variable, std::size_t day) {
      const auto place = std::ranges::find(side.variables, variable) - side.variables.begin();
      return static_cast<std::size_t>(place) * n_days + day;
    };
    for (const Variable variable : variables)
      for (std::size_t day = 0; day < n_days; ++day) {
        const std::size_t here = place_of(base, variable, day), there = place_of(other, variable, day);
        const stats::Moments* pairs = pairing != nullptr ? pairing->day(variable, day) : nullptr;
        versus.days.push_back(pairs != nullptr ? mean_of(*pairs) : difference_of(base.mean[here], other.mean[there]));
        versus.days_se.push_back(pairs != nullptr ? pairing->standard_error_of_day(variable, day)
                                                  : error_of_independent(base.mean_se[here], other.mean_se[there]));
      }
  }
  versus.side = std::move(other);
  return versus;
}

}  // namespace repoquake::study
