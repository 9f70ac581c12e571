/// Columns of uniforms and standard normals. Lane i is path first_path + i.
///
/// One uniform gives one normal by the inverse CDF: a fixed cost, no rejection, monotone in the uniform.
/// Equal bits for every instruction set. No allocation, no error.
#pragma once

#include <cstdint>

#include "repoquake/core/column.hpp"
#include "repoquake/random/stream.hpp"

namespace repoquake::random {

/// out[i] = uniform({first_path + i, day, stream, slot}, seed), in [2^-53, 1 - 2^-53].
void draw_uniforms(std::uint64_t seed, std::uint64_t first_path, std::uint32_t day, Stream stream, std::uint16_t slot,
                   Column out) noexcept;

/// The columns draw_uniforms gives for `even_stream` and its neighbour even_stream + 1, at half the price.
/// Pre: even_stream is even; even and odd do not overlap.
void draw_uniform_pair(std::uint64_t seed, std::uint64_t first_path, std::uint32_t day, Stream even_stream,
                       std::uint16_t slot, Column even, Column odd);

/// out = standard normal quantile of u. In place allowed. Pre: u in [2^-53, 1 - 2^-53]; so |out| <= 8.21.
void normals_from_uniforms(ConstColumn u, Column out) noexcept;

/// out = standard normal distribution function of z, absolute error below 1e-14. In place allowed.
/// Post: out in [2^-53, 1 - 2^-53], so that a quantile can be taken of it.
void uniforms_from_normals(ConstColumn z, Column out) noexcept;

/// The same in a fraction of the time, to other last bits: absolute error below 2e-15. In place allowed. Post: as above.
/// Results depend on the bits of uniforms_from_normals, so both stay.
/// Source  J. F. Hart et al., "Computer Approximations" (1968), 5666, in the form of G. West, "Better approximations to
///         cumulative normal functions", Wilmott (May 2005).
void uniforms_from_normals_quickly(ConstColumn z, Column out) noexcept;

/// draw_uniforms, then normals_from_uniforms.
void draw_normals(std::uint64_t seed, std::uint64_t first_path, std::uint32_t day, Stream stream, std::uint16_t slot,
                  Column out) noexcept;

}  // namespace repoquake::random
