/// How often something happened: hits out of n paths.
///
///   probability     p  = hits / n
///   standard error  se = sqrt(v q (1 - q) / (n + 4 v)),   q = (hits + 2 v) / (n + 4 v)
///                   v: the ratio of the design effect, 1 for independent paths; n paths are worth n / v independent ones
///
/// The error uses the Agresti-Coull estimate q (two hits and two misses added, z = 2), so that 0 or n hits never claim
/// certainty: 0 hits of n give about 1.4 / n, where the plain formula gives 0. The probability itself is not shifted.
///
/// Units   probabilities in [0, 1].
/// Source  A. Agresti, B. A. Coull, "Approximate is better than 'exact'", Am. Stat. 52 (1998).
#pragma once

#include <cstdint>
#include <span>

#include "repoquake/stats/design_effect.hpp"

namespace repoquake::stats {

struct Exceedance {
  std::uint64_t n = 0;
  std::uint64_t hits = 0;  ///< <= n
  DesignEffect effect{};

  /// Exact and free of order. Pre: independent paths.
  void merge(const Exceedance& other) noexcept;

  [[nodiscard]] double probability() const noexcept;     ///< 0 when n == 0
  [[nodiscard]] double standard_error() const noexcept;  ///< > 0; 0.25 when n == 0

  bool operator==(const Exceedance&) const = default;
};

/// How many values lie strictly above the threshold. Pre: no NaN.
[[nodiscard]] std::uint64_t count_above(std::span<const double> values, double threshold) noexcept;

}  // namespace repoquake::stats
