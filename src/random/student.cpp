#include "repoquake/random/student.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/random/normal.hpp"

namespace repoquake::random {
namespace {

/// Quantile of t(4), times sqrt(1/2). Relative error below 2e-15, at the median too.
///
/// With p = min(u, 1-u) and w = 1 - |x| the cubic is w^2 (3 - w) = 4p. A start good to 4e-9, for x by a polynomial in q^2
/// near the median and for w by a rational in sqrt(4p/3) in the tails (coefficients our own, interpolated at Chebyshev
/// nodes); then one Newton step, on the form of the cubic that loses no digits there.
[[gnu::always_inline]] inline double scaled_t4_quantile(double u) noexcept {
  const double q = u - 0.5;
  const double distance = std::fabs(q);
  const double complement = 1.0 - u;
  const double p = u < complement ? u : complement;

  const double z = q * q;
  const double x0 =
      distance *
      (((((0x1.933c52496ed9fp+5 * z + 0x1.c96798fb8fe2fp+2) * z + 0x1.b28610c6d4204p+1) * z + 0x1.6757929ac53b4p+0) *
            z +
        0x1.948bc34e99fa7p-1) *
           z +
       0x1.5555554154dbfp+0);
  const double s = std::sqrt(p * (4.0 / 3.0));
  const double a =
      (((0x1.445d81565b271p-7 * s - 0x1.d874dadc3be69p-3) * s + 0x1.1a91d3cf5dec4p+0) * s - 0x1.d702c8b6b7c68p+0) * s +
      1.0;
  const double b =
      (((0x1.aec3a62a0e023p-6 * s - 0x1.6d1114ab41d2fp-2) * s + 0x1.5e679b173ddf0p+0) * s - 0x1.00d6b9944c5d0p+1) * s +
      1.0;
  const double w0 = s * a / b;

  const bool central = distance < 0.25;
  const double residual = central ? 4.0 * distance - x0 * (3.0 - x0 * x0) : w0 * w0 * (3.0 - w0) - 4.0 * p;
  const double slope = central ? 3.0 * (1.0 - x0 * x0) : 3.0 * w0 * (2.0 - w0);
  const double step = residual / slope;
  const double x = central ? x0 + step : 1.0 - (w0 - step);
  const double w = central ? 1.0 - x : w0 - step;
  const double magnitude = 0x1.6a09e667f3bcdp+0 * x / std::sqrt(w * (2.0 - w));  // sqrt(2) x / sqrt(1 - x^2)
  return q < 0.0 ? -magnitude : magnitude;
}

}  // namespace

void student_t_from_uniforms(double degrees_of_freedom, ConstColumn u0, ConstColumn u1, Column out) {
  RQ_EXPECT(degrees_of_freedom > 2.0);
  ColumnData radial;  // copies, so that the loops vectorise in place too
  std::copy(u0.begin(), u0.end(), radial.begin());
  if (degrees_of_freedom == 4.0) {
    for (std::size_t i = 0; i < kBlockPaths; ++i) out[i] = scaled_t4_quantile(radial[i]);
    return;
  }
  ColumnData angular;
  std::copy(u1.begin(), u1.end(), angular.begin());
  const double exponent = -2.0 / degrees_of_freedom;
  const double scale = degrees_of_freedom - 2.0;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double a = exponent * elementary::log(radial[i]);
    const double growth = elementary::one_minus_exp(a) * elementary::exp(a);  // e^a - 1, without cancellation
    out[i] = std::sqrt(scale * growth) * elementary::cos_two_pi(angular[i]);
  }
}

void student_t4_from_normals(ConstColumn z, ConstColumn u0, ConstColumn u1, Column out) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) out[i] = z[i] / std::sqrt(-elementary::log(u0[i] * u1[i]));
}

void draw_student_t(std::uint64_t seed, std::uint64_t first_path, std::uint32_t day, Stream stream, std::uint16_t slot,
                    double degrees_of_freedom, Column scratch, Column out) {
  draw_uniforms(seed, first_path, day, stream, slot, out);
  if (degrees_of_freedom != 4.0) {
    RQ_EXPECT(slot < 0xffff);
    draw_uniforms(seed, first_path, day, stream, static_cast<std::uint16_t>(slot + 1), scratch);
  }
  student_t_from_uniforms(degrees_of_freedom, out, scratch, out);
}

}  // namespace repoquake::random
