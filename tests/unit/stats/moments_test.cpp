#include "repoquake/stats/moments.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

namespace {

using repoquake::stats::Moments;
using repoquake::stats::moments_of;

/// Standard normal draws of our own, so that no library decides the numbers.
class Normals {
 public:
  explicit Normals(std::uint64_t seed) : generator_(seed) {}
  double uniform() { return (static_cast<double>(generator_() >> 12) + 0.5) * 0x1p-52; }
  double operator()() { return std::sqrt(-2.0 * std::log(uniform())) * std::cos(2.0 * std::numbers::pi * uniform()); }
  std::vector<double> sample(std::size_t n, double mean = 0.0, double sd = 1.0) {
    std::vector<double> x(n);
    for (double& v : x) v = mean + sd * (*this)();
    return x;
  }

 private:
  std::mt19937_64 generator_;
};

struct Reference {
  double mean = 0.0;
  double m2 = 0.0;
};

/// Slow and obvious, in long double.
Reference reference(const std::vector<double>& x) {
  long double sum = 0.0L;
  for (const double v : x) sum += static_cast<long double>(v);
  const long double mean = sum / static_cast<long double>(x.size());
  long double m2 = 0.0L;
  for (const double v : x) m2 += (static_cast<long double>(v) - mean) * (static_cast<long double>(v) - mean);
  return {static_cast<double>(mean), static_cast<double>(m2)};
}

/// The documented order, one element at a time.
Moments lane_by_lane(const std::vector<double>& x) {
  using Sums = std::array<double, 16>;
  const auto add = [](Sums a) {
    for (const std::size_t half : {8U, 4U, 2U, 1U})
      for (std::size_t i = 0; i < half; ++i) a[i] += a[i + half];
    return a[0];
  };
  const auto n = static_cast<double>(x.size());
  const auto [least, largest] = std::ranges::minmax(x);
  if (least == largest) return {.n = x.size(), .mean = least, .m2 = 0.0, .min = least, .max = largest};
  Sums sum{}, residual{}, square{};
  for (std::size_t i = 0; i < x.size(); ++i) sum[i % 16] += x[i];
  const double centre = add(sum) / n;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = x[i] - centre;
    residual[i % 16] += d;
    square[i % 16] += d * d;
  }
  const double shift = add(residual) / n;
  return {.n = x.size(),
          .mean = centre + shift,
          .m2 = std::max(add(square) - shift * shift * n, 0.0),
          .min = least,
          .max = largest};
}

bool same_bits(const Moments& a, const Moments& b) {
  const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
  return a.n == b.n && bits(a.mean) == bits(b.mean) && bits(a.m2) == bits(b.m2) && bits(a.min) == bits(b.min) &&
         bits(a.max) == bits(b.max);
}

}  // namespace

TEST_CASE("moments of a few numbers by hand", "[stats]") {
  const std::vector<double> x{2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0, 5.0};
  const Moments m = moments_of(x);
  CHECK(m.n == 9);
  CHECK(m.mean == 5.0);
  CHECK(m.m2 == 32.0);
  CHECK(m.variance() == 4.0);
  CHECK(m.sd() == 2.0);
  CHECK(m.standard_error() == Approx(2.0 / 3.0).epsilon(1e-15));
  CHECK(m.min == 2.0);
  CHECK(m.max == 9.0);
}

TEST_CASE("moments of nothing and of one value", "[stats]") {
  const Moments none = moments_of({});
  CHECK(none == Moments{});
  CHECK(none.variance() == 0.0);
  CHECK(none.standard_error() == 0.0);
  CHECK(std::isinf(none.min));
  CHECK(std::isinf(none.max));

  const std::vector<double> one_value{-3.5};
  const Moments one = moments_of(one_value);
  CHECK(one == Moments{.n = 1, .mean = -3.5, .m2 = 0.0, .min = -3.5, .max = -3.5});
  CHECK(one.variance() == 0.0);

  Moments merged = none;
  merged.merge(none);
  CHECK(merged == none);
  merged.merge(one);
  CHECK(same_bits(merged, one));
  merged.merge(none);
  CHECK(same_bits(merged, one));
}

TEST_CASE("moments agree with a long double reference to rounding", "[stats]") {
  Normals normals(1);
  for (const std::size_t n : {2u, 7u, 8u, 9u, 255u, 256u, 257u, 10'000u}) {
    for (const double level : {0.0, 3000.0, -1e6}) {
      const auto x = normals.sample(n, level, 2.0);
      const Moments m = moments_of(x);
      const Reference r = reference(x);
      INFO(n << " values around " << level);
      // a few rounding errors of the level for the mean; of the spread for m2, plus the representation of the data
      CHECK(std::abs(m.mean - r.mean) <= 4.0 * 0x1p-53 * (std::abs(level) + 10.0));
      CHECK(std::abs(m.m2 - r.m2) <= r.m2 * static_cast<double>(n) * 0x1p-52);
      CHECK(m.min == *std::min_element(x.begin(), x.end()));
      CHECK(m.max == *std::max_element(x.begin(), x.end()));
    }
  }
}

TEST_CASE("a constant column has its own mean and no variance", "[stats]") {
  for (const double value : {0.0, 0.1, -1.0 / 3.0, 3127.3}) {
    for (const std::size_t n : {3u, 256u, 1000u}) {
      const Moments m = moments_of(std::vector<double>(n, value));
      CHECK(m.mean == value);
      CHECK(m.m2 <= static_cast<double>(n) * value * value * 0x1p-104);
      CHECK(m.min == value);
      CHECK(m.max == value);
    }
  }
}

TEST_CASE("the bits are those of the documented lane order", "[stats]") {
  Normals normals(2);
  for (int round = 0; round < 100; ++round) {
    for (const std::size_t n : {1u, 5u, 8u, 13u, 256u, 1003u}) {
      const auto x = normals.sample(n, 17.3, 5.0);
      INFO(n);
      CHECK(same_bits(moments_of(x), lane_by_lane(x)));
    }
  }
}

TEST_CASE("merged blocks equal one pass to rounding, and themselves to the bit", "[stats]") {
  Normals normals(3);
  const auto x = normals.sample(256 * 64 + 77, 3100.0, 40.0);
  const auto fold = [&x](std::size_t block) {
    Moments total;
    for (std::size_t i = 0; i < x.size(); i += block) {
      total.merge(moments_of(std::span(x).subspan(i, std::min(block, x.size() - i))));
    }
    return total;
  };
  const Moments whole = moments_of(x);
  for (const std::size_t block : {1u, 10u, 256u, 4096u}) {
    const Moments merged = fold(block);
    INFO("blocks of " << block);
    CHECK(merged.n == whole.n);
    // each merge rounds once at the level of the mean: sqrt(merges) in practice, bounded here by a tenth of them
    CHECK(std::abs(merged.mean - whole.mean) <= 0x1p-53 * 3100.0 * (4.0 + 0.1 * static_cast<double>(x.size() / block)));
    CHECK(merged.m2 == Approx(whole.m2).epsilon(1e-11));
    CHECK(merged.min == whole.min);
    CHECK(merged.max == whole.max);
    CHECK(same_bits(merged, fold(block)));
  }

  // Blocks made in any order, merged in block order: the same bits.
  std::vector<Moments> parts(x.size() / 256 + 1);
  for (std::size_t b = parts.size(); b-- > 0;) {
    parts[b] = moments_of(std::span(x).subspan(b * 256, std::min<std::size_t>(256, x.size() - b * 256)));
  }
  Moments ordered;
  for (const Moments& part : parts) ordered.merge(part);
  CHECK(same_bits(ordered, fold(256)));
}

TEST_CASE("two standard errors are two standard errors", "[stats][statistical]") {
  constexpr int kSamples = 500;
  constexpr double kNominal = 0.95;
  Normals normals(4);
  const double z = 1.9706;  // Student t, 255 degrees of freedom, 97.5 %
  int covered = 0;
  int covered_by_half = 0;
  for (int s = 0; s < kSamples; ++s) {
    const Moments m = moments_of(normals.sample(256, 12.0, 3.0));
    const double distance = std::abs(m.mean - 12.0);
    covered += distance <= z * m.standard_error() ? 1 : 0;
    covered_by_half += distance <= 0.5 * z * m.standard_error() ? 1 : 0;
  }
  const double se = std::sqrt(kNominal * (1.0 - kNominal) / kSamples);
  CHECK(std::abs(covered / double{kSamples} - kNominal) < 4.0 * se);
  SECTION("control: half the error of a mean is seen") {
    CHECK_FALSE(std::abs(covered_by_half / double{kSamples} - kNominal) < 4.0 * se);
  }
}
