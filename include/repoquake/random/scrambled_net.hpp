/// The same net of Sobol points under many independent scrambles: what a simulation takes its most important draws from.
///
/// Digits     x_j of point i is the i-th point of Sobol's sequence in dimension j, in Gray-code order, the first point
///            (zero) included; directions of Joe and Kuo from Boost.Random.
/// Scrambling linear (Matousek): the digits are multiplied, modulo 2, by a random lower triangular matrix with ones on its
///            diagonal, 32 digits in and 52 out, and a random shift is added; matrix and shift belong to (scramble,
///            dimension) and are addressed Philox bits (StudyStream::net_scrambling). The value is the centre of its bin
///            (open01): in (0, 1).
/// So         each point is uniform on the cube, means are unbiased, scrambles are independent; each dimension has one of
///            the first 2^m points of a scramble in every interval [k, k + 1) 2^-m. Two points depend on each other as under
///            Owen's nested scrambling (sobol.hpp), so a mean has the same variance; but the matrix is applied to the 32
///            directions once, and a point costs one exclusive or.
/// Sources    J. Matousek, "On the L2-discrepancy for anchored boxes", J. Complexity 14 (1998); A. B. Owen, "Variance with
///            alternative scramblings of digital nets", ACM TOMACS 13 (2003); directions as in sobol.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "repoquake/core/column.hpp"

namespace repoquake::random {

class ScrambledNet {
 public:
  /// Pre: dimensions in 1 .. 3667, scrambles in 1 .. kBlockPaths and a power of two.
  ScrambledNet(std::size_t dimensions, std::size_t scrambles, std::uint64_t seed);

  [[nodiscard]] std::size_t dimensions() const noexcept { return n_dimensions_; }

  /// Paths take turns: out[i] belongs to path p = first_path + i, that is to point p / scrambles of scramble p mod scrambles.
  /// Pre: dimension < dimensions(), first_path a multiple of kBlockPaths, points below 2^32.
  void fill(std::size_t dimension, std::uint64_t first_path, Column out) const noexcept;

 private:
  static constexpr std::size_t kDigits = 32;

  std::size_t n_dimensions_;
  std::size_t n_scrambles_;
  std::vector<std::uint64_t> directions_;  ///< (dimension, scramble, digit of the point's number), first digit on top
  std::vector<std::uint64_t> shifts_;      ///< (dimension, scramble)
};

}  // namespace repoquake::random
