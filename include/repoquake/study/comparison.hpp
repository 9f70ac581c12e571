/// What changes between worlds: differences of numbers that were made with the same draws, with the error of the
/// difference.
///
///   d_i = x_i(other) - x_i(base)    mean difference = mean of d_i,    se = sd(d_i) / sqrt(n)
///   of other numbers than means: stats/influence.hpp; of paths that depend on each other: stats/batches.hpp
/// Where the sides do not share their draws (another seed, other days, paths not stored) errors add up as of independent
/// runs, and the comparison says so.
///
/// Units   those of the variables, features and metrics. NaN: no value, or no error can be told.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "repoquake/core/variables.hpp"
#include "repoquake/engine/chunk_result.hpp"
#include "repoquake/engine/sink.hpp"
#include "repoquake/stats/batches.hpp"
#include "repoquake/stats/estimate.hpp"
#include "repoquake/stats/moments.hpp"

namespace repoquake::study {

/// A number of the whole window.
struct Quantity {
  std::string name;        ///< "peak_spread", "quantile(peak_spread, 95 %)", or a metric's id
  std::string unit;        ///< as in a result, "1e9 USD"
  std::string shown_unit;  ///< for people, "bn USD"
  std::string meaning;
  bool is_metric = false;

  bool operator==(const Quantity&) const = default;
};

/// What a run, or a result, says by itself.
struct Side {
  std::string name, title;
  std::string need;  ///< where its funding need comes from, for people
  bool is_conditional = false;
  std::uint64_t n_paths = 0;
  std::uint64_t seed = 0;
  std::vector<std::chrono::sys_days> dates;
  std::vector<std::string> marks;  ///< by day; may be empty
  std::vector<Variable> variables;
  std::vector<double> mean, mean_se, median;  ///< (variable, day)
  std::vector<Quantity> quantities;
  std::vector<stats::Estimate> estimates;  ///< (quantity)
};

/// The side of a run: every feature's mean, median and 95 % quantile of the peak spread, every metric.
[[nodiscard]] Side side_of(const engine::RunSummary& summary);

/// The quantiles of peak_spread among the quantities, and how they are called.
inline constexpr std::array<double, 2> kPeakQuantiles{0.50, 0.95};
[[nodiscard]] std::string name_of_peak_quantile(double share);

/// What the same paths of a base and another world say together, chunk by chunk.
class Pairing {
 public:
  /// Chunks hold tables of these variables, in this order, and values of these metrics.
  Pairing(std::vector<Variable> variables, std::size_t n_days, std::vector<stats::MetricSpec> metrics,
          stats::Batching batching = {});

  /// Pre: the same paths in both.
  void absorb(const engine::ChunkResult& base, const engine::ChunkResult& other);

  [[nodiscard]] std::uint64_t n_paths() const noexcept { return n_paths_; }
  /// Moments of the differences; of a variable whose paths are not known nullptr.
  [[nodiscard]] const stats::Moments* day(Variable variable, std::size_t day) const;
  [[nodiscard]] const stats::Moments& feature(engine::PathFeature feature) const;
  /// Paths on which the other is larger.
  [[nodiscard]] std::uint64_t n_larger(engine::PathFeature feature) const;
  /// The first row on which any variable of any path differs in any bit; nothing where none does.
  [[nodiscard]] std::optional<std::size_t> first_difference() const noexcept;
  /// Of the mean difference. Pre: day(variable, day) is known.
  [[nodiscard]] double standard_error_of_day(Variable variable, std::size_t day) const;
  [[nodiscard]] double standard_error_of(engine::PathFeature feature) const;
  /// Standard errors from a difference to its 95 % limits.
  [[nodiscard]] double reach() const;
  /// Of the difference of a quantile of peak_spread, or of a metric in the unit it is shown in.
  [[nodiscard]] double standard_error_of_peak_quantile(double share) const;
  [[nodiscard]] double standard_error_of_metric(std::size_t metric) const;
  [[nodiscard]] std::size_t n_metrics() const noexcept { return metrics_.size(); }

 private:
  struct Values {
    std::vector<double> base, other;
  };
  [[nodiscard]] double error_of(const stats::StatisticSpec& spec, const Values& values) const;

  stats::Batching batching_;
  std::vector<Variable> variables_;
  std::size_t n_days_;
  std::vector<stats::MetricSpec> metrics_;
  std::uint64_t n_paths_ = 0;
  std::vector<stats::Moments> days_;
  std::vector<stats::Moments> features_;
  std::vector<stats::Batch> day_batches_;      ///< (day of days_, batch); empty where paths are independent
  std::vector<stats::Batch> feature_batches_;  ///< likewise
  std::vector<std::uint64_t> larger_;
  std::size_t first_difference_;
  Values peaks_;
  std::vector<Values> metric_values_;
};

/// A number in both worlds.
struct Difference {
  stats::Estimate base, other;
  double value = 0.0;  ///< other - base
  double standard_error = 0.0;
  double share_larger = 0.0;  ///< of paths on which the other is larger; NaN where not asked path by path

  double reach = stats::kNormal95;  ///< standard errors from the value to its limits

  /// 95 % limits.
  [[nodiscard]] double lo() const noexcept { return value - reach * standard_error; }
  [[nodiscard]] double hi() const noexcept { return value + reach * standard_error; }
};

/// Another world against the base.
struct Versus {
  Side side;
  bool is_paired = false;
  std::uint64_t n_pairs = 0;
  std::vector<Difference> window;          ///< (quantity)
  std::vector<double> days, days_se;       ///< (variable, day): mean difference; empty where the days differ
  bool knows_inputs = false;               ///< were the plans at hand?
  std::optional<std::size_t> inputs_part;  ///< first row on which they ask for different things
  std::optional<std::size_t> paths_part;   ///< first row on which a path differs

  /// Paths that differ before their inputs do: a fault of ours.
  [[nodiscard]] bool parts_too_early() const noexcept {
    return is_paired && knows_inputs && paths_part && (!inputs_part || *paths_part < *inputs_part);
  }
};

struct Comparison {
  Side base;
  std::vector<Variable> variables;  ///< that all sides have
  std::vector<Versus> others;
};

/// The base against another side; `pairing`: where they share their draws. Pre: the pairing's
/// metrics are the base's or none.
[[nodiscard]] Versus compare(const Side& base, Side other, std::span<const Variable> variables, const Pairing* pairing);

}  // namespace repoquake::study
