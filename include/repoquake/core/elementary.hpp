/// Elementary functions a loop over a column can call and still be vectorised, with the same bits everywhere.
///
/// Why not <cmath>: g++ does not vectorise calls to std::exp without -ffast-math, and glibc picks its code by CPU, so
/// its last bits are not ours to promise. Here every function is straight-line arithmetic and selects: no branch, no
/// table, no call but fabs and sqrt, which IEEE 754 rounds correctly. Those that solvers need take Lanes as well as
/// double. Built with -ffp-contract=off the results are the same bits at -O0 and -O3, SSE2, AVX2 and AVX-512;
/// tests/unit/core/elementary_test.cpp freezes a hash of them.
/// With -O3 -fno-trapping-math -fno-math-errno g++ 12 vectorises a 256-lane loop over each of them already on SSE2.
///
/// Floating-point exceptions: in the documented domains, and wherever a function saturates, none raises invalid,
/// divide-by-zero or overflow. With -fno-trapping-math the compiler may move a select past the arithmetic it guards, so
/// that saturating arguments raise flags nobody reads; the values are the same. Rounding mode: to nearest.
/// Errors bound the largest seen against long double on the test's grids, in units in the last place (ulp).
/// Coefficients: own; minimax (Remez) polynomials and near-minimax rational interpolants at Chebyshev nodes, computed
/// with 45 digits from the series or from the definition.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "repoquake/core/lanes.hpp"

namespace repoquake::elementary {

namespace detail {

/// Adding it to |x| < 2^51 leaves the nearest integer in the low bits of the sum (halves to even).
inline constexpr double kRounder = 0x1.8p52;

inline constexpr double kInverseLn2 = 0x1.71547652b82fep+0;
inline constexpr double kLn2High = 0x1.62e42fefa0000p-1;  ///< 36 bits: its product with an exponent is exact
inline constexpr double kLn2Low = 0x1.cf79abc9e3b3ap-40;  ///< ln 2 - kLn2High

inline constexpr std::uint64_t kOneBits = 0x3ff0'0000'0000'0000;       ///< of 1.0
inline constexpr std::uint64_t kSqrtHalfBits = 0x3fe6'a09e'667f'3bcd;  ///< of sqrt(1/2)
inline constexpr std::uint64_t kExponentMask = 0xfff0'0000'0000'0000;
inline constexpr std::uint64_t kTwoTo52Bits = 0x4330'0000'0000'0000;  ///< of 2^52

inline constexpr double kLargest = std::numeric_limits<double>::max();

/// c0 + c1 x, and so on upwards, as a polynomial in x^2 of straight lines: half the latency of Horner's scheme.
template <Number V>
[[gnu::always_inline]] inline V lines(V, V, double c0) noexcept {
  return c0;
}
template <Number V>
[[gnu::always_inline]] inline V lines(V x, V, double c0, double c1) noexcept {
  return c0 + c1 * x;
}
template <Number V, class... Higher>
[[gnu::always_inline]] inline V lines(V x, V square, double c0, double c1, Higher... higher) noexcept {
  return (c0 + c1 * x) + square * lines(x, square, higher...);
}

/// c0 + c1 x + c2 x^2 + ...
template <Number V, class... Coefficients>
[[gnu::always_inline]] inline V polynomial(V x, Coefficients... c) noexcept {
  return lines(x, x * x, c...);
}

/// x = n ln 2 + r with |r| <= ln(2)/2.
template <Number V>
struct ExpParts {
  V r;
  V rest;          ///< exp(r) - 1
  Bits<V> n_bits;  ///< n, modulo 2^12, in the low bits
};

/// Pre: |x| <= 1100, else r is meaningless (but finite for finite x below 2^50).
template <Number V>
[[gnu::always_inline]] inline ExpParts<V> split_exp(V x) noexcept {
  const V shifted = x * kInverseLn2 + kRounder;
  const V n = shifted - kRounder;
  const V r = (x - n * kLn2High) - n * kLn2Low;
  const V q = polynomial(r, 0x1.000000000000ap-1, 0x1.55555555554fap-3, 0x1.55555555508c0p-5, 0x1.1111111127af0p-7,
                         0x1.6c16c1841ded8p-10, 0x1.a01a012a8fdb9p-13, 0x1.a0199a28aa753p-16, 0x1.71df24fffacc8p-19,
                         0x1.28ad5bc1e1b8ap-22, 0x1.ad7fbdce77337p-26);
  return {r, r + (r * r) * q, to_bits(shifted)};
}

/// 2^n for n in [-1022, 1023] from ExpParts::n_bits.
template <Number V>
[[gnu::always_inline]] inline V power_of_two(Bits<V> n_bits) noexcept {
  return from_bits((n_bits + 1023) << 52);
}

/// x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
template <Number V>
struct LogParts {
  V k;
  V f;
  Bits<V> biased;  ///< k + 1023
};

template <Number V>
[[gnu::always_inline]] inline LogParts<V> split_log(V x) noexcept {
  const Bits<V> bits = to_bits(x);
  const Bits<V> lifted = bits + (kOneBits - kSqrtHalfBits);
  const Bits<V> biased = lifted >> 52;
  const V k = from_bits(biased | kTwoTo52Bits) - (0x1p52 + 1023.0);
  const V m = from_bits((bits - (lifted & kExponentMask)) + kOneBits);
  return {k, m - 1.0, biased};
}

/// s (R + f^2/2) where log(1+f) = 2 atanh(s) = f - f^2/2 + s (R + f^2/2), s = f/(2+f), R = 2 s^2/3 + 2 s^4/5 + ...
template <Number V>
[[gnu::always_inline]] inline V log_remainder(V s, V half_square) noexcept {
  const V z = s * s;
  const V t = polynomial(z, 0x1.5555555555592p-1, 0x1.999999997fe5cp-2, 0x1.24924941f2281p-2, 0x1.c71c52028714cp-3,
                         0x1.7466414a3a004p-3, 0x1.39a16814a0e71p-3, 0x1.2f095d8147943p-3);
  return s * (half_square + z * t);
}

}  // namespace detail

/// e^x where x is known to lie in [-708, 709], and the same bits as exp there; elsewhere meaningless.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V exp_within(V x) noexcept {
  const detail::ExpParts<V> parts = detail::split_exp(x);
  return (1.0 + parts.rest) * detail::power_of_two<V>(parts.n_bits);
}

/// e^x to a relative 3e-6 at half the price, where x is known to lie in [-708, 709]: for guesses that are then improved.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V rough_exp(V x) noexcept {
  const V scaled = x * detail::kInverseLn2;
  const V shifted = scaled + detail::kRounder;
  const V r = scaled - (shifted - detail::kRounder);
  return detail::polynomial(r, 0x1.ffffe737da790p-1, 0x1.62e0dccce736cp-1, 0x1.ec06daac3c512p-3, 0x1.ca1440a8669ffp-5,
                            0x1.3997d4e868398p-7) *
         detail::power_of_two<V>(to_bits(shifted));
}

/// e^x. Domain [-708, 709]; error <= 1.1 ulp. Below: 0, also for -inf. Above: exp(709) = 8.2e307. NaN stays NaN.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V exp(V x) noexcept {
  const V raised = select(x < -708.0, -708.0, x);
  const V value = exp_within(select(raised > 709.0, 709.0, raised));
  return select(x < -708.0, 0.0, value);
}

/// ln x. Domain: x > 0 and normal; error <= 0.9 ulp, near 1 too. +inf and NaN return themselves. Zero, negative and
/// subnormal x return a meaningless number (finite but for -inf); log(0) = -709.1.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V log(V x) noexcept {
  const detail::LogParts<V> parts = detail::split_log(x);
  const V s = parts.f / (2.0 + parts.f);
  const V half_square = 0.5 * parts.f * parts.f;
  const V tail = detail::log_remainder(s, half_square) + parts.k * detail::kLn2Low;
  const V value = parts.k * detail::kLn2High - ((half_square - tail) - parts.f);
  return select(x <= detail::kLargest, value, x);
}

/// ln(1 + y). Domain [0, 1e300]; error <= 0.9 ulp, for the smallest y too: log1p(y) = y there, log1p(0) = 0.
/// Negative y is outside: meaningless below -0.29. NaN stays NaN.
///
/// The part c of y that rounding 1 + y loses comes back as c/(1+y), its first-order effect.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V log1p(V y) noexcept {
  const V u = 1.0 + y;
  const V y_in_u = u - 1.0;
  const V lost = (1.0 - (u - y_in_u)) + (y - y_in_u);
  const detail::LogParts<V> parts = detail::split_log(u);
  const V scaled = lost * from_bits((2046 - parts.biased) << 52);  // lost / 2^k
  const V s = parts.f / (2.0 + parts.f);
  const V correction = scaled * (1.0 - 2.0 * (s - s * s));  // 1/(1+f) = 1 - 2s + 2s^2 - ...
  const V half_square = 0.5 * parts.f * parts.f;
  const V tail = detail::log_remainder(s, half_square) + (parts.k * detail::kLn2Low + correction);
  const V value = parts.k * detail::kLn2High - ((half_square - tail) - parts.f);
  return select(y <= detail::kLargest, value, y);
}

/// 1 - e^-y without cancellation. Domain y >= 0; error <= 1.2 ulp, 1 from y = 40 on. Negative y is outside.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V one_minus_exp(V y) noexcept {
  const V clamped = select(y > 40.0, 40.0, y);
  const detail::ExpParts<V> parts = detail::split_exp(-clamped);
  const V scale = detail::power_of_two<V>(parts.n_bits);
  return (1.0 - scale) - scale * parts.rest;
}

/// ln(1 + e^x) = max(x, 0) + log1p(e^-|x|). Domain: all finite x; error <= 1.8 ulp for x >= -708, 0 below.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V softplus(V x) noexcept {
  return select(x > 0.0, x, 0.0) + log1p(exp(-magnitude(x)));
}

/// 1 / (1 + e^-x), the derivative of softplus. Domain: all finite x; error <= 2.4 ulp for x >= -708, 0 below.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V logistic(V x) noexcept {
  const V e = exp(-magnitude(x));
  return select(x < 0.0, e, 1.0) / (1.0 + e);
}

/// x^a = e^(a ln x). Domain: x > 0 and normal, any finite a. Relative error about 2^-53 (2 + 2 |a ln x|): the error of
/// the logarithm is multiplied. Saturates as exp does: 0 below e^-708, 8.2e307 above e^709.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V power(V x, double a) noexcept {
  return exp(a * log(x));
}

/// The standard normal quantile: P(Z <= inverse_normal(u)) = u. Domain [2^-53, 1 - 2^-53], where open01() lives;
/// error <= 3.2 ulp in both tails, odd about 1/2 bit by bit for such u. Below 2^-53 accuracy fades; 0 and 1 return
/// finite numbers of the right sign; elsewhere meaningless.
///
/// q = u - 1/2. Where |q| <= 23/64: q (5/2 + A(c)/B(c)), c = (23/64)^2 - q^2. Else +-(47/32 r - 7/8 + N(t)/D(t)),
/// t = r - 3/2, r = sqrt(-ln p), p = min(u, 1-u). The variables are Wichura's, AS 241 (1988); the regions, the leading
/// terms that carry most of the value, and the coefficients are our own.
[[nodiscard, gnu::always_inline]] inline double inverse_normal(double u) noexcept {
  constexpr double kCentre = 0.359375;  // 23/64
  const double q = u - 0.5;
  const double distance = std::fabs(q);

  const double c = kCentre * kCentre - q * q;
  const double a =
      detail::polynomial(c, 0x1.fe4373e2b6f6ap-2, 0x1.662c775c24562p+2, -0x1.27f1266725bf9p+3, -0x1.2bd435056628cp+8,
                         -0x1.175de8b003abbp+10, -0x1.496d9c432a739p+10, -0x1.6d71a6a45960dp+8);
  const double b = detail::polynomial(c, 1.0, 0x1.6bcaa3d6bb690p+4, 0x1.820c356d2f7ccp+7, 0x1.7a41f7e5bb145p+9,
                                      0x1.55eb39eee9566p+10, 0x1.ec7df3cff7bfep+9, 0x1.6b65a5e5583afp+7);

  const double complement = 1.0 - u;
  const double p = u < complement ? u : complement;
  const double r = std::sqrt(-log(p));
  const double t = r - 1.5;
  const double n = detail::polynomial(t, -0x1.3a6061299ae77p-4, 0x1.a644a8768dc77p-4, 0x1.2165742fd3f64p-2,
                                      0x1.768e815c16393p-3, 0x1.8d53afa2147a5p-5, 0x1.32f9e63f6978bp-8,
                                      -0x1.e553805495fc4p-13, -0x1.fb41c66724319p-15, -0x1.00923b3e9fe3bp-19);
  const double d =
      detail::polynomial(t, 1.0, 0x1.0eaeb6478519cp+1, 0x1.c92f15bf53d8cp+0, 0x1.8e3e7eace2ef5p-1, 0x1.817de6698ec50p-3,
                         0x1.9a0e9831f7b03p-6, 0x1.a6e666dab5d77p-10, 0x1.264cc642cdd5dp-15);

  const bool central = distance <= kCentre;
  const double base = central ? distance * 2.5 : r * 1.46875 - 0.875;
  const double magnitude = base + (central ? distance * a : n) / (central ? b : d);
  return q < 0.0 ? -magnitude : magnitude;
}

/// cos(2 pi u). Domain [0, 1], and any |u| < 2^40 at the resolution u has; absolute error <= 1.9e-16.
///
/// u = k/4 + w with |w| <= 1/8, exactly; then cos or sin of 2 pi w by the quadrant k.
[[nodiscard, gnu::always_inline]] inline double cos_two_pi(double u) noexcept {
  const double shifted = u * 4.0 + detail::kRounder;
  const double w = u - (shifted - detail::kRounder) * 0.25;
  const double z = w * w;
  const double c = 1.0 + z * detail::polynomial(z, -0x1.3bd3cc9be45dep+4, 0x1.03c1f081b5ab2p+6, -0x1.55d3c7e3c97a8p+6,
                                                0x1.e1f50683dd5c6p+5, -0x1.a6d1ecd3d9184p+4, 0x1.f9cc7eac133dfp+2,
                                                -0x1.b2755d2156f64p+0);
  const double s = w * (0x1.921fb54442d18p+2 + z * detail::polynomial(z, -0x1.4abbce625be22p+5, 0x1.466bc67756892p+6,
                                                                      -0x1.32d2cce135967p+6, 0x1.50782e7125638p+5,
                                                                      -0x1.e2ff507680f0dp+3, 0x1.e39a68dae4fa2p+1));
  const std::uint64_t quadrant = std::bit_cast<std::uint64_t>(shifted);
  const std::uint64_t odd = std::uint64_t{0} - (quadrant & 1);
  const std::uint64_t sign = ((quadrant + 1) & 2) << 62;
  const std::uint64_t chosen = (std::bit_cast<std::uint64_t>(s) & odd) | (std::bit_cast<std::uint64_t>(c) & ~odd);
  return std::bit_cast<double>(chosen ^ sign);
}

}  // namespace repoquake::elementary
