#include "repoquake/random/student.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/random/normal.hpp"

namespace repoquake::random {
namespace {

/// Quantile of t(4), times sqrt(1/2). Relative error below 1e-15.
///
/// With p = min(u, 1-u) and w = 1 - |x| the cubic is w^2 (3 - w) = 4p. A rational in s = sqrt(4p/3) gives w to 2.4e-10
/// (coefficients our own, interpolated at Chebyshev nodes); one Newton step, on x near the median and on w in the tails
/// so that neither loses digits, gives the rest.
[[gnu::always_inline]] inline double scaled_t4_quantile(double u) noexcept {
  const double q = u - 0.5;
  const double distance = std::fabs(q);
  const double complement = 1.0 - u;
  const double p = u < complement ? u : complement;

  const double s = std::sqrt(p * (4.0 / 3.0));
  const double a =
      (((0x1.445d81565b271p-7 * s - 0x1.d874dadc3be69p-3) * s + 0x1.1a91d3cf5dec4p+0) * s - 0x1.d702c8b6b7c68p+0) * s +
      1.0;
  const double b =
      (((0x1.aec3a62a0e023p-6 * s - 0x1.6d1114ab41d2fp-2) * s + 0x1.5e679b173ddf0p+0) * s - 0x1.00d6b9944c5d0p+1) * s +
      1.0;
  const double w0 = s * a / b;
  const double x0 = 1.0 - w0;

  const bool central = distance < 0.25;
  const double residual = central ? 4.0 * distance - x0 * (3.0 - x0 * x0) : w0 * w0 * (3.0 - w0) - 4.0 * p;
  const double step = residual / (3.0 * w0 * (2.0 - w0));  // of w, downwards
  const double x1 = x0 + step;
  const double w1 = w0 - step;
  const double x = central ? x1 : 1.0 - w1;
  const double w = central ? 1.0 - x1 : w1;
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
