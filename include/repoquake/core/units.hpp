/// Units of the house. Amounts are USD bn, spreads bp over IORB, rates percent a year, days business days.
///
/// The Fed balance sheet alone is kept in integer cents, so that its identity holds exactly.
#pragma once

#include <cstdint>

namespace repoquake {

using Rate = double;         ///< percent per annum, ACT/360
using Spread = double;       ///< basis points over IORB unless said otherwise
using UsdBn = double;        ///< billions of US dollars
using Cents = std::int64_t;  ///< US cents; 9.2e18 of them are 92 million bn

inline constexpr double kBpPerPercent = 100.0;
inline constexpr double kBpPerUnit = 1e4;
inline constexpr double kCentsPerUsdBn = 1e11;
inline constexpr double kDayCountBasis = 360.0;

/// Nearest whole cent, halves away from zero. Pre: |amount| < 9e4 bn, where a double still resolves a cent.
[[nodiscard]] constexpr Cents to_cents(UsdBn amount) noexcept {
  const double cents = amount * kCentsPerUsdBn;
  return static_cast<Cents>(cents + (cents < 0.0 ? -0.5 : 0.5));
}

[[nodiscard]] constexpr UsdBn to_usd_bn(Cents cents) noexcept { return static_cast<double>(cents) / kCentsPerUsdBn; }

static_assert(to_cents(0.005) == 500'000'000 && to_cents(-1.0) == -100'000'000'000);

}  // namespace repoquake
