#include "repoquake/random/correlate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/random/normal.hpp"
#include "unit/fp_traps.hpp"
#include "unit/random/judge.hpp"

using namespace repoquake;
using namespace repoquake::random;
using namespace repoquake::test;

namespace {

using Matrix = std::vector<double>;

double largest_error(const Matrix& c, std::size_t n) {
  const Correlator correlator(c, n);
  double largest = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0.0;
      for (std::size_t k = 0; k < n; ++k) sum += correlator.factor(i, k) * correlator.factor(j, k);
      largest = std::max(largest, std::fabs(sum - c[i * n + j]));
      if (j > i) CHECK(correlator.factor(i, j) == 0.0);
    }
  }
  return largest;
}

const Matrix kThree{1.0, 0.6, -0.3, 0.6, 1.0, 0.2, -0.3, 0.2, 1.0};

/// Three sample columns, correlated by kThree unless `independent`.
std::array<std::vector<double>, 3> draw_three(bool independent = false) {
  const Correlator correlator(kThree, 3);
  std::array<std::vector<double>, 3> result;
  std::array<ColumnData, 3> columns;
  for (std::uint64_t block = 0; block < kBlocks; ++block) {
    for (std::uint16_t j = 0; j < 3; ++j) {
      draw_normals(1, block * kBlockPaths, 0, Stream::need_shock, j, columns[j]);
    }
    if (!independent) correlator.apply(columns);
    for (std::size_t j = 0; j < 3; ++j) result[j].insert(result[j].end(), columns[j].begin(), columns[j].end());
  }
  return result;
}

std::string complaint(const Matrix& c, std::size_t n) {
  try {
    const Correlator correlator(c, n);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("the factor is lower triangular and squares to the matrix", "[correlate]") {
  constexpr double kRounding = 4e-16;  // a few roundings of numbers up to 1
  CHECK(largest_error({1.0}, 1) == 0.0);
  CHECK(largest_error({1.0, 0.0, 0.0, 1.0}, 2) == 0.0);
  CHECK(largest_error(kThree, 3) < kRounding);
  Matrix decaying(64);
  for (std::size_t i = 0; i < 8; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      decaying[i * 8 + j] = std::pow(0.9, std::fabs(static_cast<double>(i) - static_cast<double>(j)));
    }
  }
  CHECK(largest_error(decaying, 8) < kRounding);
}

TEST_CASE("singular correlations are fine", "[correlate]") {
  CHECK(largest_error({1.0, 1.0, 1.0, 1.0}, 2) == 0.0);
  CHECK(largest_error({1.0, -1.0, -1.0, 1.0}, 2) == 0.0);
  CHECK(largest_error(Matrix(25, 1.0), 5) == 0.0);
  const double h = std::sqrt(0.5);  // the third is the sum of the first two, the fourth is free
  CHECK(largest_error({1.0, 0.0, h, 0.0, 0.0, 1.0, h, 0.0, h, h, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0}, 4) < 1e-15);
  // A singular variable in the middle, correlated with what follows.
  CHECK(largest_error({1.0, 1.0, 0.3, 1.0, 1.0, 0.3, 0.3, 0.3, 1.0}, 3) < 1e-15);
}

TEST_CASE("apply is the triangular product, column by column", "[correlate]") {
  const Correlator correlator(kThree, 3);
  std::array<ColumnData, 3> z;
  for (std::uint16_t j = 0; j < 3; ++j) draw_normals(2, 0, 0, Stream::need_shock, j, z[j]);
  auto x = z;
  correlator.apply(x);
  CHECK(x[0] == z[0]);
  for (std::size_t j = 1; j < 3; ++j) {
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      double expected = 0.0;
      for (std::size_t k = 0; k <= j; ++k) expected += correlator.factor(j, k) * z[k][i];
      REQUIRE(x[j][i] == Approx(expected).margin(1e-15).epsilon(1e-15));
    }
  }
  SECTION("a further variable changes no earlier one, bit by bit") {
    const Correlator smaller(Matrix{1.0, 0.6, 0.6, 1.0}, 2);
    std::array<ColumnData, 2> first_two{z[0], z[1]};
    smaller.apply(first_two);
    CHECK(first_two[0] == x[0]);
    CHECK(first_two[1] == x[1]);
  }
}

TEST_CASE("correlated samples have the correlations asked for", "[correlate][statistical]") {
  const auto largest_deviation = [](const std::array<std::vector<double>, 3>& x, const Matrix& c) {
    double largest = 0.0;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        std::vector<double> products(x[i].size());
        for (std::size_t k = 0; k < products.size(); ++k) products[k] = x[i][k] * x[j][k];
        const auto itself = [](double p) { return p; };
        largest = std::max(largest, std::fabs(deviation(products, itself, c[i * 3 + j])));
      }
    }
    return largest;
  };
  const auto x = draw_three();
  CHECK(largest_deviation(x, kThree) < kStandardErrors);

  SECTION("control: a correlation off by ten standard errors is seen") {
    const double error = std::sqrt((1.0 + 0.2 * 0.2) / static_cast<double>(x[0].size()));
    auto wrong = kThree;
    wrong[7] += 10.0 * error;
    CHECK(largest_deviation(x, wrong) > kStandardErrors);
    CHECK(largest_deviation(draw_three(true), kThree) > kStandardErrors);
  }
}

TEST_CASE("impossible correlations are refused with the reason", "[correlate]") {
  CHECK_THAT(complaint({1.0, 0.9, 0.9, 0.9, 1.0, -0.9, 0.9, -0.9, 1.0}, 3),
             Catch::Contains("smallest eigenvalue is -0.8"));
  CHECK_THAT(complaint({1.0, 2.0, 2.0, 1.0}, 2), Catch::Contains("smallest eigenvalue is -1"));
  CHECK_THAT(complaint({1.0, 0.5, 0.4, 1.0}, 2), Catch::Contains("entry (2, 1) is 0.4, expected 0.5"));
  CHECK_THAT(complaint({1.0, 0.5, 0.5, 2.0}, 2), Catch::Contains("entry (2, 2) is 2, expected 1"));
  CHECK_THAT(complaint({1.0, 0.5, 0.5}, 2), Catch::Contains("2 variables needs 4 entries"));
  CHECK_THAT(complaint({}, 0), Catch::Contains("at least one"));
  const FpTrapsOff on_purpose;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THAT(complaint({1.0, nan, nan, 1.0}, 2), Catch::Contains("entry (2, 1) is nan"));
  CHECK(complaint({1.0, 1.0 - 1e-12, 1.0 - 1e-12, 1.0}, 2).empty());
}

TEST_CASE("the nearest correlation matrix is one, and is the matrix itself where that already is one", "[correlate]") {
  const std::vector<double> right{1.0, 0.5, 0.2, 0.5, 1.0, -0.3, 0.2, -0.3, 1.0};
  const auto same = random::nearest_correlation(right, 3);
  for (std::size_t k = 0; k < right.size(); ++k) CHECK(same[k] == Approx(right[k]).margin(1e-12));

  // Higham (2002), section 4: the nearest one to this matrix has off-diagonals 0.7607 and 0.1573.
  const std::vector<double> wrong{1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0};
  const auto nearest = random::nearest_correlation(wrong, 3);
  CHECK(nearest[1] == Approx(0.7607).margin(1e-4));
  CHECK(nearest[2] == Approx(0.1573).margin(1e-4));
  CHECK(nearest[5] == Approx(0.7607).margin(1e-4));
  CHECK_NOTHROW(random::Correlator(nearest, 3));
  CHECK_THROWS(random::Correlator(wrong, 3));
}
