/// Scrambled Sobol points: samples of the unit cube that fill it more evenly than independent ones.
///
/// Digits     x_j of point i is the i-th point of Sobol's sequence in dimension j, in Gray-code order, 32 binary digits,
///            the first point (zero) included; directions of Joe and Kuo from Boost.Random.
/// Scrambling nested and uniform (Owen): digit k is flipped by a fair coin that belongs to the k digits before it, one
///            coin per node of the tree of digits, dimension and seed. The coins are addressed Philox bits
///            (StudyStream::scrambling), so no hash is trusted to stand in for them. 20 more random digits follow, one
///            set per leaf, and the value is the centre of its bin (open01): in (0, 1), never 0, never 1.
/// So         each point is uniform on the cube, means are unbiased, different seeds are independent; each dimension has
///            one of the first 2^m points in every interval [k, k + 1) 2^-m, and (0, m, 2)-nets stay what they are. The
///            error of a mean falls like n^-3/2 (log n)^((d-1)/2) for smooth integrands, and faster than n^-1/2 for any of
///            finite variance. The evenness is that of n = 2^m points; other n are valid but less even.
/// Sources    S. Joe, F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci.
///            Comput. 30 (2008); A. B. Owen, "Randomly permuted (t,m,s)-nets and (t,s)-sequences", in Monte Carlo and
///            Quasi-Monte Carlo Methods in Scientific Computing (1995); on keeping the first point: A. B. Owen, "On
///            dropping the first Sobol' point" (2022).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace repoquake::random {

inline constexpr std::size_t kMaxSobolDimensions = 3667;  ///< rows of Boost's table of directions

/// The first n points, (point, dimension) row-major. A value depends on (seed, dimension, point) alone: more points
/// or more dimensions change none of the old ones. About 0.5 us a value.
/// Pre: dimensions in 1 .. kMaxSobolDimensions (more: std::invalid_argument), n <= 2^32.
[[nodiscard]] std::vector<double> scrambled_sobol(std::size_t n, std::size_t dimensions, std::uint64_t seed);

}  // namespace repoquake::random
