/// How much of a metric each factor of a scenario brings about: shares of Shapley over all subsets of the factors, on the
/// same draws.
///
///   T(S)       the metric with the factors of S switched on, the others off
///   share_j    = sum over S without j of |S|! (k - |S| - 1)! / k!  (T(S + j) - T(S))
///   alone_j    = T({j}) - T({})          last_j = T(all) - T(all without j)
///   interaction_ij = sum over S without i, j of |S|! (k - |S| - 2)! / (k - 1)!
///                    (T(S + i + j) - T(S + i) - T(S + j) + T(S))
/// The shares sum to T(all) - T({}) exactly (but for rounding). A confluence shows in interactions above 0: together more than
/// each by itself.
///
/// Errors  Every number is a linear combination of metrics made with the same paths: its error comes from what each path
///         adds to it (stats/influence.hpp).
/// Units   those of the metric.
/// Source  L. S. Shapley, "A value for n-person games" (1953); M. Grabisch, M. Roubens, "An axiomatic approach to the concept
///         of interaction among players in cooperative games", Int. J. Game Theory 28 (1999).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "repoquake/stats/estimate.hpp"

namespace repoquake::study {

/// Every subset is run: 2^k scenarios.
inline constexpr std::size_t kMostFactors = 12;

/// A number with its standard error.
struct Share {
  double value = 0.0;
  double standard_error = 0.0;
};

/// Of one metric.
struct Attribution {
  stats::MetricSpec metric;
  stats::Estimate none, all;                ///< every factor off, on
  Share effect;                             ///< all less none
  std::vector<Share> shapley, alone, last;  ///< (factor)
  std::vector<Share> interactions;          ///< (factor, factor), symmetric; NaN on the diagonal

  [[nodiscard]] const Share& interaction(std::size_t i, std::size_t j) const {
    return interactions.at(i * shapley.size() + j);
  }
};

/// `estimates`: T by subset, bit j of the index for factor j, in the unit the metric is shown in. `values`: the per-path
/// values behind them, by subset. Pre: 2^k of both, k <= kMostFactors, equal numbers of paths.
[[nodiscard]] Attribution attribute(const stats::MetricSpec& metric, std::span<const stats::Estimate> estimates,
                                    std::span<const std::vector<double>> values);

}  // namespace repoquake::study
