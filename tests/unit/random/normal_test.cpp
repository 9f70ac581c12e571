#include "repoquake/random/normal.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <boost/math/distributions/normal.hpp>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/normal_distribution.hpp>
#include <catch2/catch.hpp>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/random/correlate.hpp"
#include "repoquake/random/student.hpp"
#include "unit/count_allocations.hpp"
#include "unit/fp_traps.hpp"
#include "unit/random/judge.hpp"

using namespace repoquake;
using namespace repoquake::random;
using namespace repoquake::test;

namespace {

constexpr std::uint64_t kSeed = 20190917;

std::vector<double> normals(std::uint64_t seed = kSeed, std::uint32_t day = 7, Stream stream = Stream::need_shock,
                            std::uint16_t slot = 0) {
  return sample([=](std::uint64_t path, Column out) { draw_normals(seed, path, day, stream, slot, out); });
}

double power_of(double x, int n) {
  double result = 1.0;
  for (int i = 0; i < n; ++i) result *= x;
  return result;
}

}  // namespace

TEST_CASE("a column holds the draws of its addresses", "[normal]") {
  const std::uint64_t first = 0xffffffffffull - 100;  // the path's high word changes within the block
  ColumnData even;
  ColumnData odd;
  ColumnData u;
  ColumnData z;
  draw_uniform_pair(kSeed, first, 3, Stream::tail_width, 9, even, odd);
  for (const Stream stream : {Stream::tail_width, Stream::other_sales}) {
    draw_uniforms(kSeed, first, 3, stream, 9, u);
    draw_normals(kSeed, first, 3, stream, 9, z);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      REQUIRE(u[i] == uniform({first + i, 3, stream, 9}, kSeed));
      REQUIRE(u[i] == (stream == Stream::tail_width ? even : odd)[i]);
      REQUIRE(z[i] == elementary::inverse_normal(u[i]));
    }
    normals_from_uniforms(u, u);
    CHECK(u == z);
  }
#if defined(REPOQUAKE_CONTRACTS) && REPOQUAKE_CONTRACTS
  CHECK_THROWS_AS(draw_uniform_pair(kSeed, 0, 0, Stream::late_shock, 0, even, odd), LogicError);
#endif
}

TEST_CASE("uniforms are uniform", "[normal][statistical]") {
  const auto u =
      sample([](std::uint64_t path, Column out) { draw_uniforms(kSeed, path, 7, Stream::pullback, 0, out); });
  const auto cdf = [](double x) { return x; };
  CHECK(kolmogorov(u, cdf) < kKolmogorov);
  for (int n = 1; n <= 4; ++n) {
    const auto moment = [n](double x) { return power_of(x, n); };
    CHECK(std::fabs(deviation(u, moment, 1.0 / (n + 1))) < kStandardErrors);
  }
  const double ten_errors = 10.0 * std::sqrt(1.0 / 12.0 / static_cast<double>(u.size()));
  SECTION("control: uniforms off by ten standard errors are seen") {
    CHECK(kolmogorov(shifted(u, ten_errors), cdf) > kKolmogorov);
    CHECK(deviation(
              shifted(u, ten_errors), [](double x) { return x; }, 0.5) > kStandardErrors);
  }
}

TEST_CASE("normals are standard normal", "[normal][statistical]") {
  const auto z = normals();
  const FpTrapsOff judges_may_raise;
  const boost::math::normal judge;
  const auto cdf = [&](double x) { return boost::math::cdf(judge, x); };
  const double root_n = std::sqrt(static_cast<double>(z.size()));
  const auto moment = [](int n) { return [n](double x) { return power_of(x, n); }; };
  const std::array exact{0.0, 1.0, 0.0, 3.0, 0.0, 15.0};

  CHECK(kolmogorov(z, cdf) < kKolmogorov);
  for (int n = 1; n <= 6; ++n) {
    CHECK(std::fabs(deviation(z, moment(n), exact[static_cast<std::size_t>(n - 1)])) < kStandardErrors);
  }
  SECTION("as Boost.Random's are") {
    boost::random::mt19937_64 engine(kSeed);
    boost::random::normal_distribution<double> draw;
    std::vector<double> other(z.size());
    for (double& x : other) x = draw(engine);
    CHECK(kolmogorov(other, cdf) < kKolmogorov);
    CHECK(kolmogorov_two_samples(z, other) < kKolmogorov);
    CHECK(kolmogorov_two_samples(shifted(z, 10.0 / root_n), other) > kKolmogorov);
  }
  SECTION("control: normals off by ten standard errors are seen") {
    CHECK(kolmogorov(shifted(z, 10.0 / root_n), cdf) > kKolmogorov);
    CHECK(deviation(shifted(z, 10.0 / root_n), moment(1), 0.0) > kStandardErrors);
    CHECK(deviation(scaled(z, 1.0 + 10.0 * std::sqrt(0.5) / root_n), moment(2), 1.0) > kStandardErrors);
  }
}

TEST_CASE("neighbouring addresses are uncorrelated", "[normal][statistical]") {
  const auto z = normals();
  const auto uncorrelated = [&](const std::vector<double>& other) {
    auto squares = z;
    auto other_squares = other;
    squares.resize(other.size());
    for (double& x : squares) x = x * x - 1.0;
    for (double& x : other_squares) x = x * x - 1.0;
    return std::fabs(cross_deviation(z, other)) < kStandardErrors &&
           std::fabs(cross_deviation(squares, other_squares)) < kStandardErrors;
  };
  CHECK(uncorrelated({z.begin() + 1, z.end()}));               // paths
  CHECK(uncorrelated({z.begin() + kBlockPaths, z.end()}));     // blocks
  CHECK(uncorrelated(normals(kSeed, 8)));                      // days
  CHECK(uncorrelated(normals(kSeed, 7, Stream::late_shock)));  // streams of one Philox call
  CHECK(uncorrelated(normals(kSeed, 7, Stream::pullback)));    // streams of two
  CHECK(uncorrelated(normals(kSeed, 7, Stream::need_shock, 1)));
  CHECK(uncorrelated(normals(kSeed + 1)));

  SECTION("control: a correlation of ten standard errors is seen") {
    auto tainted = normals(kSeed, 8);
    for (std::size_t i = 0; i < z.size(); ++i) tainted[i] += 10.0 / std::sqrt(static_cast<double>(z.size())) * z[i];
    CHECK_FALSE(uncorrelated(tainted));
  }
}

TEST_CASE("the bits of columns are frozen", "[normal][student]") {
  const auto fold = [](std::uint64_t h, const ColumnData& column) {
    for (const double x : column) h = (h ^ std::bit_cast<std::uint64_t>(x)) * 0x100000001b3;
    return h;
  };
  std::uint64_t h = 0xcbf29ce484222325;
  ColumnData out;
  ColumnData scratch;
  for (std::uint64_t block = 0; block < 16; ++block) {
    draw_normals(kSeed, block * kBlockPaths, 5, Stream::rate_noise, 0, out);
    h = fold(h, out);
    for (const double n : {4.0, 3.0, 5.5}) {
      draw_student_t(kSeed, block * kBlockPaths, 5, Stream::need_shock, 0, n, scratch, out);
      h = fold(h, out);
    }
  }
  CHECK(h == 0x9c2977cb65481e60);  // a change changes every published number
}

TEST_CASE("draws allocate nothing", "[normal][student][correlate]") {
  const std::array correlations{1.0, 0.5, 0.5, 1.0};
  const Correlator correlator(correlations, 2);
  std::array<ColumnData, 2> columns;
  ColumnData scratch;
  const std::size_t before = allocations();
  draw_uniforms(kSeed, 0, 1, Stream::need_shock, 0, columns[0]);
  draw_uniform_pair(kSeed, 0, 1, Stream::need_shock, 0, columns[0], columns[1]);
  draw_normals(kSeed, 0, 1, Stream::need_shock, 0, columns[0]);
  draw_student_t(kSeed, 0, 1, Stream::need_shock, 0, 4.0, scratch, columns[1]);
  draw_student_t(kSeed, 0, 1, Stream::need_shock, 0, 5.0, scratch, columns[1]);
  correlator.apply(columns);
  const std::size_t after = allocations();
  CHECK(after == before);
  const Correlator another(correlations, 2);  // the count can rise
  CHECK(allocations() > after);
}

TEST_CASE("the normal distribution function agrees with the error function and undoes the quantile", "[normal]") {
  ColumnData z, u, back;
  for (std::size_t i = 0; i < kBlockPaths; ++i) z[i] = -9.0 + 18.0 * static_cast<double>(i) / (kBlockPaths - 1.0);
  random::uniforms_from_normals(z, u);
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    CHECK(u[i] == Approx(0.5 * std::erfc(-z[i] / std::sqrt(2.0))).margin(2e-14));
    CHECK((u[i] >= 0x1p-53 && u[i] <= 1.0 - 0x1p-53));
  }
  random::normals_from_uniforms(u, back);
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    if (std::abs(z[i]) < 5.0) CHECK(back[i] == Approx(z[i]).margin(1e-7));  // where the density still tells them apart
}

TEST_CASE("the quick distribution function is the careful one but for last bits", "[normal]") {
  double largest = 0.0;
  for (double start = -8.2; start < 8.2; start += 0.37) {
    ColumnData z, careful, quick;
    for (std::size_t i = 0; i < kBlockPaths; ++i) z[i] = start + 0.00145 * static_cast<double>(i);
    random::uniforms_from_normals(z, careful);
    random::uniforms_from_normals_quickly(z, quick);
    for (std::size_t i = 0; i < kBlockPaths; ++i) largest = std::max(largest, std::fabs(quick[i] - careful[i]));
  }
  CHECK(largest < 1e-14);
  SECTION("and stays inside the range of uniforms") {
    ColumnData z, u;
    z.fill(-40.0);
    z[1] = 40.0;
    random::uniforms_from_normals_quickly(z, u);
    CHECK(u[0] == 0x1p-53);
    CHECK(u[1] == 1.0 - 0x1p-53);
  }
}
