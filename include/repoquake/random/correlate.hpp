/// Correlated normals from independent ones: x_j = sum over k <= j of L_jk z_k with L L^T = C, L lower triangular.
///
/// Column 0 keeps its values, and column j depends on the columns up to j only: appending a variable changes no other.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "repoquake/core/column.hpp"

namespace repoquake::random {

/// The correlation matrix nearest to a symmetric one with ones on its diagonal, in the Frobenius norm: alternating
/// projections with Dykstra's correction.
/// Source  Higham, "Computing the nearest correlation matrix - a problem from finance", IMA J. Numer. Anal. 22 (2002)
[[nodiscard]] std::vector<double> nearest_correlation(std::span<const double> matrix, std::size_t n);

/// A correlation matrix, factorised once.
class Correlator {
 public:
  /// `correlations`: n x n, row-major, symmetric, unit diagonal, positive semidefinite (a singular one is fine: a
  /// variable may be a copy of another). Rounding is forgiven: eigenvalues down to -1e-10.
  /// Throws std::invalid_argument, naming the smallest eigenvalue where that is the reason.
  Correlator(std::span<const double> correlations, std::size_t n);

  /// In place. Pre: columns.size() == size(), independent standard normals. Allocates nothing.
  void apply(std::span<ColumnData> columns) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  bool operator==(const Correlator&) const = default;

  /// L_jk; zero for k > j.
  [[nodiscard]] double factor(std::size_t row, std::size_t column) const noexcept {
    return factor_[row * size_ + column];
  }

 private:
  std::size_t size_;
  std::vector<double> factor_;  ///< L, row-major
};

}  // namespace repoquake::random
