/// Designs: at which points of the unit cube a study evaluates its runs. A coordinate is a share of its factor's range,
/// or the order of a quantile of its factor's distribution.
///
/// Randomness is addressed (random/stream.hpp, StudyStream), so a design is a function of its arguments, equal bits on
/// every machine. Designs of Sobol, Saltelli and Morris can be extended: with the same seed, a larger one begins with the
/// points of a smaller one. A Latin hypercube cannot: its strata depend on n.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace repoquake::study {

struct Design {
  std::size_t dimensions = 0;
  std::vector<double> points;  ///< (point, dimension), row-major, in [0, 1]

  [[nodiscard]] std::size_t size() const noexcept { return dimensions == 0 ? 0 : points.size() / dimensions; }
  [[nodiscard]] std::span<const double> point(std::size_t i) const {
    return std::span(points).subspan(i * dimensions, dimensions);
  }
  bool operator==(const Design&) const = default;
};

/// All combinations of levels, as indices (point, axis), row-major, the last axis fastest.
/// Pre: no axis without a level, the number of indices fits std::size_t.
[[nodiscard]] std::vector<std::size_t> full_grid(std::span<const std::size_t> levels);

/// Latin hypercube: in each dimension one point in each [k/n, (k+1)/n), uniform within (at the centres of 2^32 bins),
/// in an order of its own. Strictly inside (0, 1). Pre: dimensions > 0, n <= 2^20.
/// Source  M. D. McKay, R. J. Beckman, W. J. Conover, "A comparison of three methods for selecting values of input
///         variables in the analysis of output from a computer code", Technometrics 21 (1979).
[[nodiscard]] Design latin_hypercube(std::size_t n, std::size_t dimensions, std::uint64_t seed);

/// n scrambled Sobol points (random/sobol.hpp), strictly inside (0, 1). n should be a power of two.
/// Pre: dimensions in 1 .. random::kMaxSobolDimensions.
[[nodiscard]] Design sobol(std::size_t n, std::size_t dimensions, std::uint64_t seed);

/// Whether n Sobol points (or n base samples of Saltelli) are as even as they can be: n = 2^m.
[[nodiscard]] constexpr bool is_balanced(std::size_t n) noexcept { return std::has_single_bit(n); }

/// For indices of Sobol (sensitivity.hpp): n groups of factors + 2 points, group k being
///   A_k, B_k, A_k with coordinate 0 from B_k, ..., A_k with coordinate factors - 1 from B_k
/// where coordinate i of A_k and of B_k are dimensions 2i and 2i + 1 of point k of a scrambled Sobol design: neighbours
/// make the most even pairs, and a further factor leaves the coordinates of the others. n should be a power of two.
/// Pre: factors in 1 .. random::kMaxSobolDimensions / 2.
/// Source  A. Saltelli et al., "Variance based sensitivity analysis of model output. Design and estimator for the total
///         sensitivity index", Comput. Phys. Commun. 181 (2010).
[[nodiscard]] Design saltelli(std::size_t n, std::size_t factors, std::uint64_t seed);
[[nodiscard]] constexpr std::size_t saltelli_group(std::size_t factors) noexcept { return factors + 2; }

/// Elementary effects: trajectories of factors + 1 points on the grid 0, 1/(levels-1), ..., 1. From a random point, each
/// step moves one factor by delta = levels / (2 (levels - 1)), up or down; the order of the factors is random. Every
/// level of a factor, and each direction, is equally likely.
/// Pre: factors > 0; levels even, >= 2.
/// Source  M. D. Morris, "Factorial sampling plans for preliminary computational experiments", Technometrics 33 (1991).
[[nodiscard]] Design morris(std::size_t trajectories, std::size_t factors, std::uint64_t seed, std::size_t levels = 4);

}  // namespace repoquake::study
