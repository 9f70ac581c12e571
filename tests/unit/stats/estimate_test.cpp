#include "repoquake/stats/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/core/elementary.hpp"

using namespace repoquake;
using namespace repoquake::stats;

namespace {

/// Uniforms in (0, 1), the same everywhere.
class Uniforms {
 public:
  explicit Uniforms(std::uint64_t seed) : state_(seed * 2 + 1) {}
  double operator()() {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return (static_cast<double>(state_ >> 12U) + 0.5) * 0x1p-52;
  }

 private:
  std::uint64_t state_;
};

/// Exponential with mean 50.
std::vector<double> exponentials(std::uint64_t seed, std::size_t n) {
  Uniforms uniform(seed);
  for (int i = 0; i < 20; ++i) (void)uniform();
  std::vector<double> x(n);
  for (double& value : x) value = -50.0 * std::log(uniform());
  return x;
}

QuantileSketch sketch_of(const std::vector<double>& x, double factor = 1.0) {
  QuantileSketch sketch;
  for (const double value : x) sketch.add(sketch.scale().bin(factor * value));
  return sketch;
}

double low(const std::vector<double>& x) { return *std::ranges::min_element(x); }
double high(const std::vector<double>& x) { return *std::ranges::max_element(x); }

/// Mean of the worst tail from the sorted sample, a part of a path counted in part.
double tail_by_sorting(std::vector<double> x, double share) {
  const bool is_upper = share >= 0.5;
  std::ranges::sort(x);
  if (is_upper) std::ranges::reverse(x);
  const double wanted = static_cast<double>(x.size()) * (is_upper ? 1.0 - share : share);
  double sum = 0.0, left = wanted;
  for (std::size_t i = 0; left > 0.0; ++i) {
    sum += std::min(left, 1.0) * x[i];
    left -= 1.0;
  }
  return sum / wanted;
}

}  // namespace

TEST_CASE("high moments are those of the definition, and merging keeps them") {
  const auto x = exponentials(1, 3000);
  HighMoments merged;
  for (std::size_t i = 0; i < x.size(); i += 256)
    merged.merge(high_moments_of(std::span(x).subspan(i, std::min<std::size_t>(256, x.size() - i))));
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / 3000.0;
  double m3 = 0.0, m4 = 0.0;
  for (const double value : x) {
    m3 += std::pow(value - mean, 3);
    m4 += std::pow(value - mean, 4);
  }
  CHECK(merged.low.n == 3000);
  CHECK(merged.m3 == Approx(m3).epsilon(1e-10));
  CHECK(merged.m4 == Approx(m4).epsilon(1e-10));
  CHECK(merged.low == [&] {
    Moments low;
    for (std::size_t i = 0; i < x.size(); i += 256)
      low.merge(moments_of(std::span(x).subspan(i, std::min<std::size_t>(256, x.size() - i))));
    return low;
  }());
  HighMoments empty;
  empty.merge(merged);
  CHECK(empty == merged);
  merged.merge(HighMoments{});
  CHECK(empty == merged);
}

TEST_CASE("a tail mean is that of the sorted sample, to the width of its bins") {
  for (const std::size_t n : {10U, 37U, 1000U, 20000U}) {
    const auto x = exponentials(n, n);
    const auto sketch = sketch_of(x);
    for (const double share : {0.05, 0.25, 0.4999, 0.5, 0.75, 0.95, 0.99}) {
      const auto estimate = estimate_tail_mean(sketch, share, 1.0, low(x), high(x));
      const double exact = tail_by_sorting(x, share);
      INFO(n << " paths, share " << share);
      CHECK(std::fabs(estimate.value - exact) <= (std::fabs(high(x)) + 64.0) / 4096.0);
      CHECK(estimate.n == n);
    }
  }
}

TEST_CASE("a tail mean of fractions is binned finely") {
  auto x = exponentials(5, 5000);
  for (double& value : x) value *= 1e-4;  // mean 0.005
  const auto estimate = estimate_tail_mean(sketch_of(x, 1e4), 0.95, 1e4, low(x), high(x));
  CHECK(estimate.value == Approx(tail_by_sorting(x, 0.95)).epsilon(1e-3));
  const auto quantile = estimate_quantile(sketch_of(x, 1e4), 0.5, 1e4, low(x), high(x));
  CHECK(quantile.value == Approx(0.005 * std::log(2.0)).epsilon(0.05));
  CHECK(quantile.lo <= quantile.value);
  CHECK(quantile.hi >= quantile.value);
}

TEST_CASE("closed forms: mean, sd and expected shortfall of the exponential law, with their errors") {
  constexpr std::size_t kPaths = 40000;
  const auto x = exponentials(7, kPaths);
  const auto moments = high_moments_of(x);
  const double root = std::sqrt(static_cast<double>(kPaths));
  const auto mean = estimate_mean(moments.low);
  CHECK(mean.standard_error == Approx(50.0 / root).epsilon(0.03));
  CHECK(std::fabs(mean.value - 50.0) < 4.0 * mean.standard_error);
  const auto sd = estimate_sd(moments);
  CHECK(sd.standard_error == Approx(50.0 * std::sqrt(2.0) / root).epsilon(0.1));  // kurtosis 9: sqrt((9 - 1) / 4)
  CHECK(std::fabs(sd.value - 50.0) < 4.0 * sd.standard_error);
  // Above its quantile q the law is the same, shifted: es = q + 50, and the variance of (x - q)+ is 50^2 p (2 - p).
  const double p = 0.05;
  const auto es = estimate_tail_mean(sketch_of(x), 0.95, 1.0, low(x), high(x));
  CHECK(es.standard_error == Approx(50.0 * std::sqrt((2.0 - p) / p) / root).epsilon(0.06));
  CHECK(std::fabs(es.value - 50.0 * (1.0 - std::log(p))) < 4.0 * es.standard_error);
  CHECK(es.lo == Approx(es.value - kNormal95 * es.standard_error));
}

TEST_CASE("the stated 95 % limits of sd and tail mean cover their truth about 95 times in 100") {
  constexpr int kSamples = 600;
  int sd_inside = 0, upper_inside = 0, lower_inside = 0;
  const double q05 = -50.0 * std::log(0.95);
  const double lower_truth = (50.0 * 0.05 - 0.95 * q05) / 0.05;  // mean of the lowest 5 %
  for (int k = 0; k < kSamples; ++k) {
    const auto x = exponentials(1000 + static_cast<std::uint64_t>(k), 4000);
    const auto sketch = sketch_of(x);
    const auto covers = [](const Estimate& e, double truth) { return e.lo <= truth && truth <= e.hi; };
    sd_inside += covers(estimate_sd(high_moments_of(x)), 50.0) ? 1 : 0;
    upper_inside += covers(estimate_tail_mean(sketch, 0.95, 1.0, low(x), high(x)), 50.0 * (1.0 - std::log(0.05)));
    lower_inside += covers(estimate_tail_mean(sketch, 0.05, 1.0, low(x), high(x)), lower_truth);
  }
  // The standard error of a share of 0.95 in 600 samples is 0.9 %; skewness costs a little.
  CHECK(sd_inside > 0.92 * kSamples);
  CHECK(upper_inside > 0.92 * kSamples);
  CHECK(lower_inside > 0.92 * kSamples);
  CHECK(sd_inside < 0.98 * kSamples);
  CHECK(upper_inside < 0.98 * kSamples);
  CHECK(lower_inside < 0.98 * kSamples);
}

TEST_CASE("control: limits from an error half as large cover too little", "[control]") {
  int inside = 0;
  for (int k = 0; k < 200; ++k) {
    const auto x = exponentials(1000 + static_cast<std::uint64_t>(k), 4000);
    const auto e = estimate_tail_mean(sketch_of(x), 0.95, 1.0, low(x), high(x));
    inside += std::fabs(e.value - 50.0 * (1.0 - std::log(0.05))) <= 0.5 * kNormal95 * e.standard_error ? 1 : 0;
  }
  CHECK(inside < 0.80 * 200);
}

TEST_CASE("probabilities never claim certainty and stay in [0, 1]") {
  for (const std::uint64_t hits : {0U, 1U, 50U, 99U, 100U}) {
    const auto e = estimate_probability({.n = 100, .hits = hits});
    CHECK(e.value == static_cast<double>(hits) / 100.0);
    CHECK(e.standard_error > 0.0);
    CHECK(e.lo >= 0.0);
    CHECK(e.hi <= 1.0);
    CHECK(e.lo <= e.value);
    CHECK(e.value <= e.hi);
    CHECK(e.lo < e.hi);
  }
}

TEST_CASE("few paths have values and no errors") {
  const std::vector<double> one{3.0};
  CHECK(std::isnan(estimate_mean({}).value));
  CHECK(std::isnan(estimate_mean(moments_of(one)).standard_error));
  CHECK(estimate_mean(moments_of(one)).value == 3.0);
  CHECK(std::isnan(estimate_sd(high_moments_of(one)).value));
  CHECK(std::isnan(estimate_quantile(sketch_of(one), 0.5, 1.0, 3.0, 3.0).standard_error));
  CHECK(std::isnan(estimate_tail_mean(QuantileSketch(), 0.5, 1.0, 0.0, 0.0).value));
  CHECK(std::isnan(estimate_tail_mean(sketch_of({1.0, 2.0, 3.0}), 0.05, 1.0, 1.0, 3.0).standard_error));
  CHECK(estimate_tail_mean(sketch_of({1.0, 2.0, 3.0}), 0.05, 1.0, 1.0, 3.0).value == Approx(1.0).margin(0.02));
  const std::vector<double> equal(50, 7.0);
  CHECK(estimate_sd(high_moments_of(equal)).standard_error == 0.0);
  CHECK(estimate_tail_mean(sketch_of(equal), 0.95, 1.0, 7.0, 7.0).value == 7.0);
}

TEST_CASE("a negative factor turns the limits round") {
  const Estimate e{10.0, 2.0, 7.0, 14.0, 5};
  const auto m = e.mapped(-2.0, 1.0);
  CHECK(m.value == -19.0);
  CHECK(m.standard_error == 4.0);
  CHECK(m.lo == -27.0);
  CHECK(m.hi == -13.0);
  CHECK(m.n == 5);
}
