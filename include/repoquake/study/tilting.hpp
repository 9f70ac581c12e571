/// Probabilities from paths whose shocks were drawn from a tilted law: sums of weighted hits.
///
///   P(event)        p = mean of w h,  h = 1 on a path in the event; w = p(x) / q(x) its weight (engine/tilted_draws.hpp)
///   standard error  sd(w h) / sqrt(n), limits p +- 1.96 se
///   effective hits  (sum w h)^2 / sum (w h)^2: as many equally weighted hits say as much
///   self-check      mean of w, which is 1 within its error
///
/// Errors  Where few hits carry the weight, sd is too small as well: below 50 effective hits nothing is told. Every tenth
///         path is drawn as in an ordinary run, hence w <= 10 and what the tilt does not make likely still shows, as few
///         hits of large weight.
/// Source  P. Glasserman, "Monte Carlo Methods in Financial Engineering", ch. 4 (2004); L. Kish, "Survey Sampling" (1965).
#pragma once

#include <cstdint>
#include <span>

#include "repoquake/stats/estimate.hpp"
#include "repoquake/stats/moments.hpp"

namespace repoquake::study {

inline constexpr double kLeastEffectiveHits = 50.0;
/// The mean weight may be no further than this many standard errors from 1.
inline constexpr double kMostWeightErrors = 5.0;

/// Of some paths; mergeable, in a fixed order for the same bits.
struct WeightedHits {
  std::uint64_t n_hits = 0;
  std::uint64_t n_no_value = 0;  ///< paths on which the event has no meaning; never hits
  stats::Moments weights;        ///< w
  stats::Moments hits;           ///< w h
  stats::Moments marked;         ///< w h on marked paths, else 0

  /// `events`: 1 in the event, 0 not, NaN without a value. Equal lengths.
  void absorb(std::span<const double> weight, std::span<const double> events, std::span<const bool> is_marked);
  void merge(const WeightedHits& other) noexcept;
};

struct TiltingEstimate {
  stats::Estimate probability;  ///< n: paths
  stats::Estimate mean_weight;
  stats::Estimate marked;  ///< share of the event; NaN without a hit
  double effective_hits = 0.0;
  /// se of as many ordinary paths over the one here, squared: how many ordinary paths one of these is worth.
  double gain = 0.0;

  [[nodiscard]] bool has_enough_hits() const noexcept { return effective_hits >= kLeastEffectiveHits; }
  [[nodiscard]] bool has_true_weights() const noexcept;
};
/// Pre: at least two paths.
[[nodiscard]] TiltingEstimate estimate(const WeightedHits& sums);

}  // namespace repoquake::study
