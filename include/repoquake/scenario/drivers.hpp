/// Which flows are drawn instead of read from a series, and how. The Treasury's account is in policy.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "repoquake/core/units.hpp"

namespace repoquake::scenario {

/// Coupons settle mid-month (the 15th or the next open day) and at the month's end, bills on Tuesdays and Thursdays.
struct DrawnSettlements {
  bool is_drawn = false;
  UsdBn coupons_mid_month = 40.0;  ///< net, mean
  UsdBn coupons_month_end = 40.0;
  UsdBn coupons_sd = 10.0;
  UsdBn bills_mean = 0.0;  ///< net, each settlement day
  UsdBn bills_sd = 25.0;

  bool operator==(const DrawnSettlements&) const = default;
};

/// A level with slow moves around it and jumps that fade.
struct DrawnVolatility {
  bool is_drawn = false;
  double level = 0.0;  ///< bp a year; 0: market.treasury_volatility
  double half_life_days = 20.0;
  double sd = 0.02;  ///< of daily log moves
  double jump_probability = 0.0;
  double jump_size = 30.0;  ///< bp
  double jump_half_life_days = 5.0;

  bool operator==(const DrawnVolatility&) const = default;
};

struct DrawnFactors {
  bool is_drawn = false;
  UsdBn sd = 5.0;  ///< of other autonomous factors a day

  bool operator==(const DrawnFactors&) const = default;
};

enum class Driver : std::uint8_t { tga, coupons, bills, other_factors, volatility };
inline constexpr std::size_t kDriverCount = 5;

/// Correlation of two drivers' residuals (of the normal scores behind them).
struct DriverCorrelation {
  Driver first = Driver::tga;
  Driver second = Driver::tga;
  double rho = 0.0;

  bool operator==(const DriverCorrelation&) const = default;
};

struct Drivers {
  DrawnSettlements settlements;
  DrawnVolatility volatility;
  DrawnFactors other_factors;
  UsdBn currency_growth_per_month = 0.0;
  std::vector<DriverCorrelation> correlation;

  bool operator==(const Drivers&) const = default;
};

}  // namespace repoquake::scenario
