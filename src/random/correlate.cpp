#include "repoquake/random/correlate.hpp"

#include <cmath>
#include <sstream>
#include <stdexcept>

#include <Eigen/Eigenvalues>

namespace repoquake::random {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Largest forgiven asymmetry, diagonal error and negative eigenvalue: a matrix typed with rounded figures, or
/// computed.
constexpr double kRoundingSlack = 1e-10;

/// Pivots below this are zeros met with rounding: above n times the resolution of a double, below what a correlation
/// means.
constexpr double kZeroPivot = 1e-14;

/// Cholesky row by row; a zero pivot leaves its column zero, which is right for a semidefinite matrix (the remainder of
/// such a column is zero up to rounding) and keeps L triangular without reordering. Plain loops: a library's dot
/// product may round differently for each instruction set.
std::vector<double> lower_factor(const Matrix& c) {
  const std::size_t n = static_cast<std::size_t>(c.rows());
  std::vector<double> l(n * n, 0.0);
  for (std::size_t j = 0; j < n; ++j) {
    double explained = 0.0;
    for (std::size_t k = 0; k < j; ++k) {
      double rest = c(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(k));
      for (std::size_t m = 0; m < k; ++m) rest -= l[j * n + m] * l[k * n + m];
      if (l[k * n + k] > 0.0) l[j * n + k] = rest / l[k * n + k];
      explained += l[j * n + k] * l[j * n + k];
    }
    const double pivot = 1.0 - explained;
    if (pivot > kZeroPivot) {
      l[j * n + j] = std::sqrt(pivot);
    } else {  // a mixture of earlier variables: give it its unit variance exactly
      for (std::size_t k = 0; k < j; ++k) l[j * n + k] /= std::sqrt(explained);
    }
  }
  return l;
}

Matrix checked(std::span<const double> correlations, std::size_t n) {
  if (n == 0 || correlations.size() != n * n) {
    std::ostringstream text;
    text << "a correlation matrix of " << n << " variables needs " << n * n << " entries and at least one, got "
         << correlations.size();
    throw std::invalid_argument(text.str());
  }
  Matrix c = Eigen::Map<const Matrix>(correlations.data(), static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(n));
  for (Eigen::Index i = 0; i < c.rows(); ++i) {
    for (Eigen::Index j = 0; j <= i; ++j) {
      const double wanted = i == j ? 1.0 : c(j, i);
      if (!(std::fabs(c(i, j) - wanted) <= kRoundingSlack)) {
        std::ostringstream text;
        text << "a correlation matrix must be symmetric with ones on its diagonal: entry (" << i + 1 << ", " << j + 1
             << ") is " << c(i, j) << ", expected " << wanted;
        throw std::invalid_argument(text.str());
      }
    }
  }
  const double smallest = Eigen::SelfAdjointEigenSolver<Matrix>(c, Eigen::EigenvaluesOnly).eigenvalues().minCoeff();
  if (!(smallest >= -kRoundingSlack)) {
    std::ostringstream text;
    text << "the correlations contradict each other: their matrix must be positive semidefinite, but its smallest "
            "eigenvalue is "
         << smallest;
    throw std::invalid_argument(text.str());
  }
  return c;
}

/// The nearest positive semidefinite matrix: negative eigenvalues become 0.
Matrix without_negative_part(const Matrix& c) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(c);
  return solver.eigenvectors() * solver.eigenvalues().cwiseMax(0.0).asDiagonal() * solver.eigenvectors().transpose();
}

}  // namespace

std::vector<double> nearest_correlation(std::span<const double> matrix, std::size_t n) {
  constexpr int kMaxProjections = 2000;
  constexpr double kSettled = 1e-13;  // of an entry from one projection to the next
  const auto size = static_cast<Eigen::Index>(n);
  Matrix y = Eigen::Map<const Matrix>(matrix.data(), size, size);
  Matrix correction = Matrix::Zero(size, size);
  for (int step = 0; step < kMaxProjections; ++step) {
    const Matrix r = y - correction;
    const Matrix x = without_negative_part(r);
    correction = x - r;
    Matrix next = x;
    next.diagonal().setOnes();
    const double moved = (next - y).cwiseAbs().maxCoeff();
    y = next;
    if (moved < kSettled) break;
  }
  y = without_negative_part(y);  // what is left of a negative eigenvalue goes, and the diagonal is 1 again
  const Eigen::VectorXd scale = y.diagonal().cwiseSqrt().cwiseInverse();
  y = scale.asDiagonal() * y * scale.asDiagonal();
  std::vector<double> nearest(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      const double entry = 0.5 * (y(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) +
                                  y(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(i)));
      nearest[i * n + j] = i == j ? 1.0 : entry;
    }
  return nearest;
}

Correlator::Correlator(std::span<const double> correlations, std::size_t n)
    : size_(n), factor_(lower_factor(checked(correlations, n))) {}

void Correlator::apply(std::span<ColumnData> columns) const noexcept {
  for (std::size_t j = size_; j-- > 1;) {  // downwards: the columns a row needs are still the independent ones
    ColumnData sum;
    for (std::size_t i = 0; i < kBlockPaths; ++i) sum[i] = factor(j, j) * columns[j][i];
    for (std::size_t k = 0; k < j; ++k) {
      const double weight = factor(j, k);
      for (std::size_t i = 0; i < kBlockPaths; ++i) sum[i] += weight * columns[k][i];
    }
    columns[j] = sum;
  }
}

}  // namespace repoquake::random
