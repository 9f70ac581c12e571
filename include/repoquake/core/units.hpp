/// Units of the house. Amounts are USD bn, spreads bp over IORB, rates percent a year, days business days.
///
/// The Fed balance sheet alone is kept in integer cents, so that its identity holds exactly.
#pragma once

#include <bit>
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

/// The double nearest to a whole number, as static_cast gives it, by arithmetic that every instruction set has for vectors:
/// both halves are put into the low bits of a double, of 2^84 + 2^63 + x and of 2^52 + x; one addition rounds.
[[nodiscard]] constexpr double to_real(std::int64_t x) noexcept {
  const auto bits = static_cast<std::uint64_t>(x);
  const double high = std::bit_cast<double>((bits >> 32U) ^ 0x4530'0000'8000'0000U);
  const double low = std::bit_cast<double>((bits & 0xffff'ffffU) | 0x4330'0000'0000'0000U);
  return (high - 0x1.00000801p84) + low;
}

[[nodiscard]] constexpr UsdBn to_usd_bn(Cents cents) noexcept { return to_real(cents) / kCentsPerUsdBn; }

static_assert(to_real(-1) == -1.0 && to_real(9'007'199'254'740'993) == 9'007'199'254'740'992.0);
static_assert(to_cents(0.005) == 500'000'000 && to_cents(-1.0) == -100'000'000'000);

}  // namespace repoquake
