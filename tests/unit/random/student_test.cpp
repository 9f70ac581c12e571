#include "repoquake/random/student.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

#include <boost/math/distributions/students_t.hpp>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/student_t_distribution.hpp>
#include <catch2/catch.hpp>

#include "repoquake/core/contract.hpp"
#include "repoquake/random/normal.hpp"
#include "unit/fp_traps.hpp"
#include "unit/random/judge.hpp"

using namespace repoquake;
using namespace repoquake::random;
using namespace repoquake::test;

namespace {

constexpr std::uint64_t kSeed = 20200316;

double to_unit_variance(double n) { return std::sqrt((n - 2.0) / n); }

std::vector<double> student(double n) {
  return sample([n](std::uint64_t path, Column out) {
    ColumnData scratch;
    draw_student_t(kSeed, path, 11, Stream::need_shock, 2, n, scratch, out);
  });
}

/// The t(4) quantile by Boost; near the median, where Boost's root finding gives up, by the trigonometric formula.
long double exact_t4(long double p) {
  const boost::math::students_t_distribution<long double> judge(4.0L);
  if (std::fabs(p - 0.5L) < 1e-3L) {
    const long double x = 2.0L * std::sin(std::asin(2.0L * (p - 0.5L)) / 3.0L);
    return 2.0L * x / std::sqrt(1.0L - x * x);
  }
  return p < 0.5L ? boost::math::quantile(judge, p) : -boost::math::quantile(judge, 1.0L - p);  // 1 - p is exact
}

/// Largest relative error of the t(4) quantile over the uniforms of `u`.
double quantile_error(const ColumnData& u, const ColumnData& x) {
  const FpTrapsOff judges_may_raise;
  double largest = 0.0;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const long double exact = exact_t4(u[i]) * std::sqrt(0.5L);
    largest = std::max(largest, static_cast<double>(std::fabs(x[i] / exact - 1.0L)));
  }
  return largest;
}

}  // namespace

TEST_CASE("t(4) is the quantile of its uniform", "[student]") {
  ColumnData u;
  ColumnData x;
  double largest = 0.0;
  for (std::uint64_t block = 0; block < 64; ++block) {
    draw_uniforms(kSeed, block * kBlockPaths, 0, Stream::need_shock, 0, u);
    student_t_from_uniforms(4.0, u, u, x);
    largest = std::max(largest, quantile_error(u, x));
  }
  for (int power = 2; power <= 53; ++power) {  // tails, then towards the median
    const double tiny = std::ldexp(1.0, -power);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const double p = tiny * (1.0 + static_cast<double>(i % 64) / 64.0);
      u[i] = i < 64 ? p : i < 128 ? 1.0 - std::max(p, 0x1p-53) : i < 192 ? 0.5 + 0.5 * p : 0.5 - 0.5 * p;
      if (u[i] == 0.5 || u[i] >= 1.0) u[i] = 0.25;
    }
    student_t_from_uniforms(4.0, u, u, x);
    largest = std::max(largest, quantile_error(u, x));
  }
  CHECK(largest < 2e-15);

  for (double& value : x) value *= 1.0 + 1e-12;  // the check can fail
  CHECK(quantile_error(u, x) > 2e-15);

  u.fill(0.5);
  student_t_from_uniforms(4.0, u, u, x);
  for (const double value : x) REQUIRE(std::fabs(value) < 1e-16);
}

TEST_CASE("Student draws have Student's distribution, scaled to unit variance", "[student][statistical]") {
  const double n = GENERATE(2.5, 3.0, 4.0, 5.0, 6.0, 30.0);
  CAPTURE(n);
  const auto x = student(n);
  const FpTrapsOff judges_may_raise;
  const boost::math::students_t judge(n);
  const double scale = to_unit_variance(n);
  const auto cdf = [&](double value) { return boost::math::cdf(judge, value / scale); };
  const double root_n = std::sqrt(static_cast<double>(x.size()));

  CHECK(kolmogorov(x, cdf) < kKolmogorov);
  SECTION("control: Student draws off by ten standard errors of the mean are seen") {
    CHECK(kolmogorov(shifted(x, 10.0 / root_n), cdf) > kKolmogorov);
  }
  SECTION("exceedances, where the risk is") {
    for (const double threshold : {1.0, 2.0, 4.0}) {
      const double probability = 2.0 * boost::math::cdf(boost::math::complement(judge, threshold / scale));
      if (probability * static_cast<double>(x.size()) < 20.0) continue;  // too rare for a normal approximation
      const auto exceeds = [=](double value) { return std::fabs(value) > threshold ? 1.0 : 0.0; };
      CHECK(std::fabs(deviation(x, exceeds, probability)) < kStandardErrors);
      const double ten_errors = 10.0 * std::sqrt(probability * (1.0 - probability)) / root_n;
      CHECK(std::fabs(deviation(x, exceeds, probability + ten_errors)) > kStandardErrors);
    }
  }
  SECTION("as Boost.Random's has") {
    boost::random::mt19937_64 engine(kSeed);
    boost::random::student_t_distribution<double> draw(n);
    std::vector<double> other(x.size());
    for (double& value : other) value = scale * draw(engine);
    CHECK(kolmogorov_two_samples(x, other) < kKolmogorov);
    CHECK(kolmogorov_two_samples(shifted(x, 10.0 / root_n), other) > kKolmogorov);
  }
}

TEST_CASE("Student draws have unit variance", "[student][statistical]") {
  const double n = GENERATE(5.0, 6.0, 30.0);  // fourth moments exist above 4; below, the exceedances judge
  CAPTURE(n);
  const auto x = student(n);
  const auto square = [](double value) { return value * value; };
  CHECK(std::fabs(deviation(
            x, [](double value) { return value; }, 0.0)) < kStandardErrors);
  CHECK(std::fabs(deviation(x, square, 1.0)) < kStandardErrors);
  const double square_deviation = std::sqrt(3.0 * (n - 2.0) / (n - 4.0) - 1.0);
  const double ten_errors = 10.0 * square_deviation / std::sqrt(static_cast<double>(x.size()));
  SECTION("control: a variance off by ten standard errors is seen") {
    CHECK(deviation(x, square, 1.0 - ten_errors) > kStandardErrors);
  }
}

TEST_CASE("Student draws at the edges of the uniforms", "[student]") {
  ColumnData u0;
  ColumnData u1;
  ColumnData x;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    u0[i] = i % 2 == 0 ? 0x1p-53 : 1.0 - 0x1p-53;
    u1[i] = i % 4 < 2 ? 0x1p-53 : 0.5;
  }
  for (const double n : {2.0000001, 2.5, 3.0, 4.0, 5.0, 200.0, 1e6}) {
    student_t_from_uniforms(n, u0, u1, x);
    for (const double value : x) REQUIRE(std::isfinite(value));
  }
  student_t_from_uniforms(5.0, u0, u1, x);
  ColumnData in_place = u1;
  student_t_from_uniforms(5.0, u0, in_place, in_place);
  CHECK(in_place == x);
#if defined(REPOQUAKE_CONTRACTS) && REPOQUAKE_CONTRACTS
  CHECK_THROWS_AS(student_t_from_uniforms(2.0, u0, u1, x), LogicError);
#endif
}

TEST_CASE("Student draws use their slot, and the next one unless n is 4", "[student]") {
  ColumnData u0;
  ColumnData u1;
  ColumnData expected;
  ColumnData scratch;
  ColumnData x;
  draw_uniforms(kSeed, 512, 9, Stream::late_shock, 6, u0);
  draw_uniforms(kSeed, 512, 9, Stream::late_shock, 7, u1);
  for (const double n : {4.0, 5.0}) {
    student_t_from_uniforms(n, u0, u1, expected);
    draw_student_t(kSeed, 512, 9, Stream::late_shock, 6, n, scratch, x);
    CHECK(x == expected);
  }
}

// ---------------------------------------------------------------- t(4) that keeps the order of normals

namespace {

/// Draws made of normals and the two uniforms of the tail; `one_uniform`: the wrong law with a single exponential.
std::vector<double> student_from_normals(bool one_uniform = false) {
  return sample([=](std::uint64_t path, Column out) {
    ColumnData z, u0, u1;
    draw_normals(kSeed, path, 5, Stream::tga_flow, 0, z);
    draw_uniforms(kSeed, path, 5, Stream::tga_tail, 0, u0);
    draw_uniforms(kSeed, path, 5, Stream::tga_tail, 1, u1);
    if (one_uniform) u1.fill(0.5);
    student_t4_from_normals(z, u0, u1, out);
  });
}

}  // namespace

TEST_CASE("t(4) from normals is z over the root of a chi-square, in place too", "[student]") {
  ColumnData z, u0, u1, x;
  draw_normals(kSeed, 0, 0, Stream::tga_flow, 0, z);
  draw_uniforms(kSeed, 0, 0, Stream::tga_tail, 0, u0);
  draw_uniforms(kSeed, 0, 0, Stream::tga_tail, 1, u1);
  student_t4_from_normals(z, u0, u1, x);
  for (std::size_t i = 0; i < kBlockPaths; ++i)  // t = z / sqrt(chi2 / 4), times sqrt(1/2) for unit variance
    CHECK(x[i] ==
          Approx(z[i] / std::sqrt(-2.0 * (std::log(u0[i]) + std::log(u1[i])) / 4.0) * std::sqrt(0.5)).epsilon(1e-13));
  for (ColumnData* target : {&z, &u0, &u1}) {
    const ColumnData keep = *target;
    student_t4_from_normals(z, u0, u1, *target);
    CHECK(*target == x);
    *target = keep;
  }
  for (std::size_t i = 0; i < kBlockPaths; ++i) {  // the edges of the uniforms
    z[i] = i % 8 < 4 ? -8.3 : 8.3;
    u0[i] = i % 2 == 0 ? 0x1p-53 : 1.0 - 0x1p-53;
    u1[i] = i % 4 < 2 ? 0x1p-53 : 1.0 - 0x1p-53;
  }
  student_t4_from_normals(z, u0, u1, x);
  for (std::size_t i = 0; i < kBlockPaths; ++i) REQUIRE((std::isfinite(x[i]) && x[i] * z[i] > 0.0));
}

TEST_CASE("t(4) from normals has the law of t(4) and unit variance", "[student][statistical]") {
  const auto x = student_from_normals();
  const FpTrapsOff judges_may_raise;
  const boost::math::students_t judge(4.0);
  const double scale = std::sqrt(0.5);
  const auto cdf = [&](double value) { return boost::math::cdf(judge, value / scale); };
  const double n = static_cast<double>(x.size());
  // The fourth moment does not exist, so a variance cannot be judged by its own error. What lies within c does:
  // E[x^2; |x| < c] = sin^3 a with tan a = c / sqrt(2), which goes to 1.
  const auto within = [](double c) { return [c](double value) { return std::fabs(value) < c ? value * value : 0.0; }; };
  const auto exact_within = [](double c) { return std::pow(std::sin(std::atan(c / std::sqrt(2.0))), 3.0); };

  CHECK(kolmogorov(x, cdf) < kKolmogorov);
  for (const double p : {0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999}) {
    const double quantile = scale * boost::math::quantile(judge, p);
    const auto below = [=](double value) { return value < quantile ? 1.0 : 0.0; };
    INFO("quantile " << p);
    CHECK(std::fabs(deviation(x, below, p)) < kStandardErrors);
  }
  for (const double c : {0.5, 1.0, 3.0, 10.0}) {
    INFO("within " << c);
    CHECK(std::fabs(deviation(x, within(c), exact_within(c))) < kStandardErrors);
  }
  CHECK(exact_within(1e4) == Approx(1.0).epsilon(1e-6));

  SECTION("control: a scale off by 2 %, a shift, and a chi-square with 2 degrees of freedom are seen") {
    CHECK(kolmogorov(scaled(x, 1.02), cdf) > kKolmogorov);
    CHECK(kolmogorov(shifted(x, 10.0 / std::sqrt(n)), cdf) > kKolmogorov);
    CHECK(kolmogorov(student_from_normals(true), cdf) > kKolmogorov);
    CHECK(std::fabs(deviation(scaled(x, 1.02), within(3.0), exact_within(3.0))) > kStandardErrors);
  }
}
