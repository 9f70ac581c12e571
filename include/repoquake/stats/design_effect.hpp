/// What dependence between paths does to the error of an estimate.
///
///   ratio = variance of the estimate / variance from as many independent paths
/// Below 1 the paths complement each other, as antithetic pairs and the points of a net are meant to.
/// Source  L. Kish, "Survey Sampling" (1965), section 5.4, who calls it the design effect.
#pragma once

namespace repoquake::stats {

/// Two-sided 95 % of the standard normal distribution.
inline constexpr double kNormal95 = 1.959964;

struct DesignEffect {
  double ratio = 1.0;  ///< NaN: no error can be told
  double reach =
      kNormal95;  ///< standard errors from the middle to a 95 % limit; more where the error is estimated itself

  bool operator==(const DesignEffect&) const = default;
};

}  // namespace repoquake::stats
