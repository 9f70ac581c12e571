/// What each path adds to the error of a number about all of them, so that numbers made of the same paths can be
/// subtracted, or combined otherwise, with the error of the combination.
///
/// For a number T of a sample, T = T_true + mean of IF_i to first order, hence for numbers T_k of the same n paths
///   se(sum c_k T_k) = sd(sum c_k IF_k,i) / sqrt(n)
///   mean         IF_i = x_i - mean
///   probability  IF_i = x_i - p                        x_i: 0 or 1
///   sd           IF_i = ((x_i - mean)^2 - v) / (2 sqrt(v))
///   quantile     IF_i = (p - 1{x_i <= q}) / f(q)       1/f from distribution-free limits: (hi - lo) sqrt(n) / (2 z sqrt(p (1 - p)))
///   tail_mean    IF_i = (x_i - q)+ / (1 - p) less its mean, mirrored below the middle
/// A path without a value (NaN) adds nothing; the others then weigh n / n_known.
///
/// Errors  The first order: too small where a quantile's neighbourhood is thin; NaN where nothing can be told (fewer than
///         two paths with a value).
/// Source  F. R. Hampel, "The influence curve and its role in robust estimation", J. Am. Stat. Assoc. 69 (1974).
#pragma once

#include <span>
#include <vector>

#include "repoquake/stats/batches.hpp"
#include "repoquake/stats/estimate.hpp"

namespace repoquake::stats {

/// (path). All NaN where nothing can be told.
[[nodiscard]] std::vector<double> influence(const StatisticSpec& spec, std::span<const double> values);

/// sd / sqrt(n) or, where paths depend on each other, from their batches; the first is path 0. Pre: not empty.
[[nodiscard]] double standard_error_of(std::span<const double> influence, Batching batching = {});

/// The error of T(b) - T(a) for the same paths. Pre: equal lengths.
[[nodiscard]] double standard_error_of_difference(const StatisticSpec& spec, std::span<const double> a,
                                                  std::span<const double> b, Batching batching = {});

}  // namespace repoquake::stats
