/// Bit-rounding of stored values: what the declared precision does not need is not stored, and compresses away.
///
/// A value is rounded to the nearest multiple of the largest power of two not above the precision of its unit, so the
/// error is at most half the precision (and half a float's last place for large numbers).
#pragma once

#include <cmath>

#include "repoquake/core/variables.hpp"

namespace repoquake::engine {

/// The multiple that stored values of a variable are rounded to; 0: exact. Rates are in percent, spreads in bp; returns
/// and fractions follow the precision of rates (1 bp = 0.01 percent = 1e-4).
[[nodiscard]] inline double storage_quantum(Variable variable, double rate_precision_bp,
                                            double amount_precision_usd_bn) noexcept {
  const auto power_of_two_below = [](double precision) {
    return precision > 0.0 ? std::exp2(std::floor(std::log2(precision))) : 0.0;
  };
  switch (spec_of(variable).quantity) {
    case Quantity::spread:
      return power_of_two_below(rate_precision_bp);
    case Quantity::rate:
    case Quantity::percent:
      return power_of_two_below(rate_precision_bp / 100.0);
    case Quantity::fraction:
      return power_of_two_below(rate_precision_bp / 10000.0);
    case Quantity::amount:
      return power_of_two_below(amount_precision_usd_bn);
  }
  return 0.0;
}

/// Nearest multiple of `quantum` as a float; NaN stays NaN.
[[nodiscard]] inline float round_to(double value, double quantum) noexcept {
  constexpr double kRounder = 0x1.8p52;  // adding and taking it away leaves the nearest integer, halves to even
  constexpr double kLargest = 0x1p51;
  if (std::isnan(value) || quantum <= 0.0 || std::fabs(value) >= kLargest * quantum) return static_cast<float>(value);
  return static_cast<float>(((value / quantum + kRounder) - kRounder) * quantum);
}

}  // namespace repoquake::engine
