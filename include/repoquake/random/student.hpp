/// Columns of Student-t draws with n > 2 degrees of freedom, scaled to unit variance: t sqrt((n-2)/n).
///
/// Without rejection, hence a fixed number of uniforms per draw. No allocation.
///
///   n = 4     the quantile: t = 2x / sqrt(1 - x^2) with x^3 - 3x + 4(u - 1/2) = 0, that is x = 2 sin(asin(2u-1)/3)
///   n other   t = sqrt(n (u0^(-2/n) - 1)) cos(2 pi u1)
///
/// Sources: Shaw, "Sampling Student's T distribution - use of the inverse cumulative distribution function", J. Comp.
/// Finance 9 (2006); Bailey, "Polar generation of random variates with the t-distribution", Math. Comp. 62 (1994).
#pragma once

#include <cstdint>

#include "repoquake/core/column.hpp"
#include "repoquake/random/stream.hpp"

namespace repoquake::random {

/// out = unit-variance Student-t draws. In place allowed (out may be u0 or u1); u1 is not read for n = 4.
/// Pre: degrees_of_freedom > 2; u0, u1 in [2^-53, 1 - 2^-53].
void student_t_from_uniforms(double degrees_of_freedom, ConstColumn u0, ConstColumn u1, Column out);

/// out = unit-variance t(4) draws that keep the order of correlated normals: z / sqrt(-ln(u0 u1)), since -2 ln(u0 u1) is
/// chi-square with 4 degrees of freedom. In place allowed. Pre: u0, u1 in [2^-53, 1 - 2^-53].
void student_t4_from_normals(ConstColumn z, ConstColumn u0, ConstColumn u1, Column out) noexcept;

/// Draws at (stream, slot) and, unless n = 4, at (stream, slot + 1). `scratch` is overwritten unless n = 4.
/// Pre: degrees_of_freedom > 2; scratch and out do not overlap.
void draw_student_t(std::uint64_t seed, std::uint64_t first_path, std::uint32_t day, Stream stream, std::uint16_t slot,
                    double degrees_of_freedom, Column scratch, Column out);

}  // namespace repoquake::random
