/// How much of a metric each factor of a scenario brings about: shares of Shapley on the same draws, over all subsets of the
/// factors or over a sample of the orders in which they are switched on.
///
///   T(S)       the metric with the factors of S switched on, the others off
///   share_j    = sum over S without j of |S|! (k - |S| - 1)! / k!  (T(S + j) - T(S))
///              = mean over all orders of what j adds to those before it; of a sample of orders: the mean over the sample
///   alone_j    = T({j}) - T({})          last_j = T(all) - T(all without j)
///   interaction_ij = sum over S without i, j of |S|! (k - |S| - 2)! / (k - 1)!
///                    (T(S + i + j) - T(S + i) - T(S + j) + T(S))
/// The shares sum to T(all) - T({}) exactly (but for rounding), of a sample too: within an order the parts sum to it. A
/// confluence shows in interactions above 0: together more than each by itself. They need all subsets.
///
/// Orders are drawn in pairs, one and its reverse: who is early in one is late in the other, which takes out what is linear
/// in the place.
///
/// Errors  Every number is a linear combination of metrics made with the same paths: its error of simulation comes from what
///         each path adds to it (stats/influence.hpp). A sample of n orders adds the error of the mean over n / 2 pairs,
///         se^2 = se_paths^2 + sd(pairs)^2 / (n / 2)
///         which counts what paths and orders do together twice: too large by that much, which is small.
/// Units   those of the metric.
/// Source  L. S. Shapley, "A value for n-person games" (1953); M. Grabisch, M. Roubens, "An axiomatic approach to the concept
///         of interaction among players in cooperative games", Int. J. Game Theory 28 (1999); J. Castro, D. Gómez, J. Tejada,
///         "Polynomial calculation of the Shapley value based on sampling", Comput. Oper. Res. 36 (2009).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "repoquake/stats/batches.hpp"
#include "repoquake/stats/estimate.hpp"

namespace repoquake::study {

inline constexpr std::size_t kMostFactors = 12;         ///< of all subsets: 2^k scenarios
inline constexpr std::size_t kMostSampledFactors = 63;  ///< of a sample of orders
inline constexpr std::size_t kFewestOrders = 4;         ///< two pairs, or there is no error

/// Which factors are on: bit j for factor j.
using Subset = std::uint64_t;

/// The worlds that an attribution needs.
struct AttributionDesign {
  std::size_t n_factors = 0;
  std::vector<Subset> worlds;               ///< ascending, each once: none is the first, all the last
  std::vector<std::vector<Subset>> orders;  ///< (order, place) the factor's bit; a pair side by side; none: all subsets

  [[nodiscard]] bool is_sample() const noexcept { return !orders.empty(); }
  [[nodiscard]] std::size_t place_of(Subset world) const;  ///< Pre: is one of the worlds
};

/// Pre: 1 <= n_factors <= kMostFactors.
[[nodiscard]] AttributionDesign all_subsets(std::size_t n_factors);

/// Pre: 1 <= n_factors <= kMostSampledFactors; n_orders is even and at least kFewestOrders.
[[nodiscard]] AttributionDesign sample_orders(std::size_t n_factors, std::size_t n_orders, std::uint64_t seed);

/// A number with its standard error.
struct Share {
  double value = 0.0;
  double standard_error = 0.0;
  double error_of_orders = 0.0;  ///< the part of it that is due to the sample of orders
};

/// Of one metric.
struct Attribution {
  stats::MetricSpec metric;
  stats::Estimate none, all;                ///< every factor off, on
  Share effect;                             ///< all less none
  std::vector<Share> shapley, alone, last;  ///< (factor)
  std::vector<Share> interactions;          ///< (factor, factor), symmetric; NaN on the diagonal, and all of a sample
  std::size_t n_orders = 0;                 ///< 0: all subsets

  [[nodiscard]] const Share& interaction(std::size_t i, std::size_t j) const {
    return interactions.at(i * shapley.size() + j);
  }
};

/// Takes the worlds of a design one after the other: memory grows with the numbers asked for, not with the worlds.
class Attributor {
 public:
  /// The design must outlive it.
  /// `batching`: of the paths, where they depend on each other.
  Attributor(stats::MetricSpec metric, const AttributionDesign& design, stats::Batching batching = {});

  /// The next of the design's worlds. `estimate`: T in the unit the metric is shown in; `values`: the per-path values behind
  /// it. Pre: not empty, equal numbers of paths.
  void absorb(const stats::Estimate& estimate, std::span<const double> values);

  /// Pre: all worlds are absorbed.
  [[nodiscard]] Attribution result() const;

  /// Doubles it keeps for each path.
  [[nodiscard]] static std::size_t numbers_per_path(const AttributionDesign& design);

 private:
  /// A linear combination of worlds.
  struct Sum {
    double value = 0.0;
    std::vector<double> influence;  ///< (path)
  };
  [[nodiscard]] Share share_of(std::size_t sum) const;
  [[nodiscard]] double error_of_orders(std::size_t factor) const;

  stats::MetricSpec metric_;
  const AttributionDesign& design_;
  stats::Batching batching_;
  std::vector<std::vector<std::pair<std::size_t, double>>> terms_;  ///< by world: sum, coefficient
  std::vector<Sum> sums_;  ///< effect, shapley, alone, last (factor), interactions (pairs)
  std::vector<stats::Estimate> estimates_;
};

}  // namespace repoquake::study
