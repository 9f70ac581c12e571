/// Count, mean, variance and range of a sample, mergeable without seeing the sample again.
///
///   mean = sum x / n      m2 = sum (x - mean)^2      variance = m2 / (n - 1)      standard error = sd / sqrt(n)
///
/// Units   those of the data (m2, variance: squared).
/// Order   The bits are part of the contract. A span is summed in 16 fixed lanes (element i in lane i mod 16), then halves
///         upon each other: lanes 0 + 8, 1 + 9, ..., then 0 + 4, ..., 0 + 2, 0 + 1; so vectorised, scalar, SSE and AVX
///         builds agree to the bit. Where all elements are equal they are the mean, and m2 is 0. Parts are merged as a left fold in block order: `total.merge(block_0); total.merge(block_1); ...`. Another order,
///         or other block bounds, agrees to rounding only.
/// Errors  Pre: finite data, squared deviations below the overflow limit. Relative error of m2 a few n * 2^-53 against
///         the spread of the data, not its level (two passes with the residual-sum correction).
/// Source  T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance", Am. Stat. 37 (1983).
#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace repoquake::stats {

struct Moments {
  std::uint64_t n = 0;
  double mean = 0.0;
  double m2 = 0.0;                                        ///< sum of squared deviations from the mean, >= 0
  double min = std::numeric_limits<double>::infinity();   ///< +inf while empty
  double max = -std::numeric_limits<double>::infinity();  ///< -inf while empty

  /// Adds the other sample behind this one (Chan's pairwise update):
  ///   d = b.mean - mean;  mean += d * (n_b / n);  m2 += b.m2 + d^2 * (n_a * (n_b / n))
  /// An empty side leaves the other one unchanged to the bit.
  void merge(const Moments& other) noexcept;

  [[nodiscard]] double variance() const noexcept;  ///< m2 / (n - 1); 0 when n < 2
  [[nodiscard]] double sd() const noexcept;        ///< sqrt(variance)
  [[nodiscard]] double standard_error()
      const noexcept;  ///< of the mean, sd / sqrt(n); 0 when n < 2: no claim, not precision

  bool operator==(const Moments&) const = default;
};

/// Moments of a span of any length; the default (empty) Moments for an empty one.
[[nodiscard]] Moments moments_of(std::span<const double> values) noexcept;

}  // namespace repoquake::stats
