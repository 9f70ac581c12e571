/// One number about a sample of paths, with its error: what a metric says of the per-path values of its expression.
///
///   mean         sum x / n                          se = sd / sqrt(n)
///   probability  share of paths whose value is 1    error and limits of Agresti and Coull (exceedance.hpp)
///   sd           sqrt(m2 / (n - 1))                 se = sqrt((m4 - v^2) / n) / (2 sqrt(v)),  m4, v: central moments / n
///   quantile     of order `share`                   distribution-free limits, se = (hi - lo) / (2 z)  (quantile.hpp)
///   tail_mean    mean of the worst tail: below the quantile of order p = share where p < 1/2, else above it
///                es = q + mean (x - q)+ / (1 - p)   se = sd((x - q)+) / ((1 - p) sqrt(n)), mirrored below;
///                the error of q cancels to first order
///
/// Limits  two-sided 95 %: value +- z se for mean, sd and tail_mean.
/// Paths   independent; where they are not, errors come from batches (batches.hpp).
/// Errors  Where nothing can be told (no paths; for an error fewer than two, or fewer than two in the tail) the number is NaN.
/// Units   those of the data. tail_mean and quantile come from fixed bins, with the resolution of quantile.hpp.
/// Source  C. Acerbi, D. Tasche, "On the coherence of expected shortfall", J. Bank. Finance 26 (2002); se of es from its
///         influence function; P. Pebay, "Formulas for robust, one-pass parallel computation of covariances and
///         arbitrary-order statistical moments", SAND2008-6212.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "repoquake/stats/exceedance.hpp"
#include "repoquake/stats/moments.hpp"
#include "repoquake/stats/quantile.hpp"

namespace repoquake::stats {

enum class Statistic : std::uint8_t { mean, probability, sd, quantile, tail_mean };

struct StatisticSpec {
  Statistic statistic = Statistic::mean;
  double share = 0.0;  ///< of quantile and tail_mean

  [[nodiscard]] bool needs_bins() const noexcept {
    return statistic == Statistic::quantile || statistic == Statistic::tail_mean;
  }
  bool operator==(const StatisticSpec&) const = default;
};

/// A metric apart from its per-path values: what is made of them, and what it is called.
struct MetricSpec {
  std::string id;
  std::string expr;        ///< as written
  std::string unit;        ///< as in a result, "1e9 USD"
  std::string shown_unit;  ///< for people, "bn USD"
  StatisticSpec statistic{};
  double unit_factor = 1.0;  ///< from the unit of its dimension to the one it is shown in
  double scale = 1.0;        ///< shown = scale * statistic + shift, in `unit`
  double shift = 0.0;
  double bin_factor = 1.0;  ///< what a per-path value is multiplied by before it is binned
};

struct Estimate {
  double value = 0.0;
  double standard_error = 0.0;
  double lo = 0.0;  ///< 95 % limits
  double hi = 0.0;
  std::uint64_t n = 0;  ///< paths with a value

  /// scale * estimate + shift; the limits change places where scale < 0.
  [[nodiscard]] Estimate mapped(double scale, double shift) const noexcept;
};

/// Moments with the third and the fourth, mergeable. Order and errors as in moments.hpp.
struct HighMoments {
  Moments low;
  double m3 = 0.0;  ///< sum of cubed deviations from the mean
  double m4 = 0.0;

  void merge(const HighMoments& other) noexcept;
  bool operator==(const HighMoments&) const = default;
};
[[nodiscard]] HighMoments high_moments_of(std::span<const double> values) noexcept;

[[nodiscard]] Estimate estimate_mean(const Moments& moments) noexcept;
[[nodiscard]] Estimate estimate_probability(const Exceedance& hits) noexcept;
[[nodiscard]] Estimate estimate_sd(const HighMoments& moments) noexcept;
/// Of values that were multiplied by `factor` > 0 before they were binned; min and max are those of the values.
[[nodiscard]] Estimate estimate_quantile(const QuantileSketch& sketch, double share, double factor, double min,
                                         double max, DesignEffect effect = {});
/// `batches`: the same values by batch, where paths are not independent (batches.hpp).
[[nodiscard]] Estimate estimate_tail_mean(const QuantileSketch& sketch, double share, double factor, double min,
                                          double max, std::span<const QuantileSketch> batches = {});

}  // namespace repoquake::stats
