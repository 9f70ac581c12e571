#include "repoquake/stats/quantile.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

namespace {

using repoquake::stats::BinCount;
using repoquake::stats::BinRange;
using repoquake::stats::BinScale;
using repoquake::stats::QuantileEstimate;
using repoquake::stats::QuantileSketch;

class Draws {
 public:
  explicit Draws(std::uint64_t seed) : generator_(seed) {}
  std::uint64_t bits() { return generator_(); }
  double uniform() { return (static_cast<double>(generator_() >> 12) + 0.5) * 0x1p-52; }
  double normal() { return std::sqrt(-2.0 * std::log(uniform())) * std::cos(2.0 * std::numbers::pi * uniform()); }

 private:
  std::mt19937_64 generator_;
};

QuantileSketch sketch_of(const std::vector<double>& x, const BinScale& scale = BinScale{}) {
  std::vector<std::uint32_t> bins(x.size());
  scale.bins(x, bins);
  QuantileSketch sketch(scale);
  sketch.add(bins);
  return sketch;
}

/// numpy's default on sorted data.
double exact_quantile(const std::vector<double>& sorted, double p) {
  const double h = static_cast<double>(sorted.size() - 1) * p;
  const auto i = static_cast<std::size_t>(h);
  const double fraction = h - static_cast<double>(i);
  return fraction > 0.0 ? sorted[i] + fraction * (sorted[i + 1] - sorted[i]) : sorted[i];
}

/// The bound the header states, for data x and level p.
double stated_bound(const std::vector<double>& sorted, double p) {
  const BinScale scale;
  const double h = static_cast<double>(sorted.size() - 1) * p;
  const auto left = static_cast<std::size_t>(h);
  const auto right = h > static_cast<double>(left) ? left + 1 : left;
  const auto of = [&](double x) { return scale.width(scale.bin(x)) + 0x1p-52 * (std::abs(x) + 64.0); };
  const bool both_zero = sorted[left] == 0.0 && sorted[right] == 0.0;
  return both_zero ? 0.0 : std::max(of(sorted[left]), of(sorted[right]));
}

struct Law {
  std::string name;
  std::function<double(Draws&)> draw;
};

std::vector<Law> laws() {
  return {
      {"normal around zero", [](Draws& d) { return 8.0 * d.normal(); }},
      {"reserves in bn", [](Draws& d) { return 3100.0 + 60.0 * d.normal(); }},
      {"far below zero", [](Draws& d) { return -700.0 + 300.0 * d.normal(); }},
      {"mostly exactly zero", [](Draws& d) { return d.uniform() < 0.8 ? 0.0 : 50.0 * d.uniform(); }},
      {"zero in the middle", [](Draws& d) { return d.uniform() < 0.3 ? 0.0 : 3.0 * d.normal(); }},
      {"only zero", [](Draws&) { return 0.0; }},
      {"only 25", [](Draws&) { return 25.0; }},
      {"only -5.003", [](Draws&) { return -5.003; }},
      {"capped at 25", [](Draws& d) { return std::min(25.0, 15.0 + 10.0 * d.normal()); }},
      {"two atoms", [](Draws& d) { return d.uniform() < 0.5 ? -1e-9 : 400.0; }},
      {"heavy tails", [](Draws& d) { return d.normal() / std::abs(d.normal() + 1e-6); }},
      {"lognormal over many octaves", [](Draws& d) { return std::exp(4.0 * d.normal()); }},
      {"both signs, many octaves",
       [](Draws& d) { return (d.uniform() < 0.5 ? -1.0 : 1.0) * std::exp(3.0 * d.normal()); }},
  };
}

}  // namespace

TEST_CASE("bins are monotone and their edges hold what they claim", "[stats]") {
  const BinScale scale;
  Draws draws(10);
  std::vector<double> x{0.0,   -0.0,  5e-324, -5e-324, 1.0 / 64, -1.0 / 64, 64.0,
                        -64.0, 192.0, 1e11,   -1e11,   0x1p40,   1e300,     -1e300};
  for (int i = 0; i < 20'000; ++i)
    x.push_back((draws.bits() % 2 == 0 ? -1.0 : 1.0) * std::exp(20.0 * (draws.uniform() - 0.6)));
  std::sort(x.begin(), x.end());
  std::uint32_t before = 0;
  for (const double v : x) {
    const std::uint32_t bin = scale.bin(v);
    bool right = bin >= before && bin < scale.bin_count();
    const double rounding = 0x1p-53 * (std::abs(v) + 64.0);
    if (std::abs(v) <= BinScale::kLargest) {
      right = right && scale.lower(bin) - rounding <= v && v <= scale.upper(bin) + rounding;
      right = right && scale.width(bin) <= (std::abs(v) + 64.0) / 4096.0 + rounding;
    }
    right = right && (v == 0.0) == (bin == scale.zero_bin());
    if (!right) FAIL_CHECK(v << " in bin " << bin);
    before = bin;
  }
  CHECK(scale.bin(-0.0) == scale.zero_bin());
  CHECK(scale.bin(1e300) == scale.bin_count() - 1);
  CHECK(scale.bin(-1e300) == 0);
}

TEST_CASE("neighbouring bins share an edge, and widths are those of the table", "[stats]") {
  for (const BinScale& scale : {BinScale{}, BinScale{1.0, 8}, BinScale{1024.0, 4}}) {
    for (std::uint32_t b = 0; b + 1 < scale.bin_count(); ++b) {
      if (scale.upper(b) != scale.lower(b + 1) || scale.lower(b) > scale.upper(b)) FAIL_CHECK("bin " << b);
    }
  }
  const BinScale scale;
  CHECK(scale.width(scale.bin(1.0)) == 0.015625);
  CHECK(scale.width(scale.bin(-63.99)) == 0.015625);
  CHECK(scale.width(scale.bin(64.0)) == 0.03125);
  CHECK(scale.width(scale.bin(-200.0)) == 0.0625);
  CHECK(scale.width(scale.bin(500.0)) == 0.125);
  CHECK(scale.width(scale.zero_bin()) == 0.0);
}

TEST_CASE("whole columns get the bins of their values", "[stats]") {
  const BinScale scale;
  Draws draws(11);
  std::vector<double> x{0.0, -0.0, 1e-300, -1e300};
  for (int i = 0; i < 509; ++i) x.push_back(std::exp(5.0 * draws.normal()) * draws.normal());
  std::vector<std::uint32_t> bins(x.size());
  scale.bins(x, bins);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(bins[i] == scale.bin(x[i]));
  scale.bins({}, {});

  // Bins keep the order of values: the range of a sample's bins is that of its least and largest value.
  const auto [least, largest] = std::ranges::minmax(bins);
  const auto [low, high] = std::ranges::minmax(x);
  BinRange range{scale.bin(low), scale.bin(high)};
  CHECK(range == BinRange{least, largest});

  x[3] = -1e290;
  scale.bins(x, 100.0, bins);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(bins[i] == scale.bin(100.0 * x[i]));
  range.widen({bins[3], bins[3]});
  CHECK(range.least == bins[3]);
  CHECK(range.largest == largest);
}

TEST_CASE("quantiles are within the stated bound of the exact ones", "[stats]") {
  for (const Law& law : laws()) {
    for (const std::size_t n : {1u, 2u, 3u, 10u, 256u, 5000u, 100'000u}) {
      Draws draws(12 + n);
      std::vector<double> x(n);
      for (double& v : x) v = law.draw(draws);
      std::sort(x.begin(), x.end());
      const QuantileSketch sketch = sketch_of(x);
      REQUIRE(sketch.count() == n);
      double last = x.front();
      for (const double p : {0.0, 0.001, 0.01, 0.05, 0.25, 0.3333, 0.5, 0.75, 0.8, 0.95, 0.99, 0.999, 1.0}) {
        const double exact = exact_quantile(x, p);
        const double bound = stated_bound(x, p);
        const double clamped = sketch.quantile(p, x.front(), x.back());
        const double plain = sketch.quantile(p);
        if (!(std::abs(plain - exact) <= bound && std::abs(clamped - exact) <= bound && clamped >= last &&
              clamped <= x.back())) {
          FAIL_CHECK(law.name << " n " << n << " p " << p << ": " << plain << " and " << clamped << ", exact " << exact
                              << ", bound " << bound);
        }
        last = clamped;
      }
    }
  }
}

TEST_CASE("the bound is a bound: half of it is broken somewhere", "[stats]") {
  // One value at the upper end of its bin: the estimate is the middle of the bin, half a width away.
  const std::vector<double> x{1.0 / 64 - 1e-6};
  const double error = std::abs(sketch_of(x).quantile(0.5) - x[0]);
  CHECK(error <= stated_bound(x, 0.5));
  CHECK_FALSE(error <= 0.49 * stated_bound(x, 0.5));
}

TEST_CASE("point masses at zero and at the ends of the range are exact", "[stats]") {
  std::vector<double> x(600, 0.0);
  x.insert(x.end(), 200, 25.003);
  x.insert(x.end(), 200, -5.001);
  const QuantileSketch sketch = sketch_of(x);
  CHECK(sketch.quantile(0.5) == 0.0);
  CHECK(sketch.quantile(0.21) == 0.0);
  CHECK(sketch.quantile(0.79) == 0.0);
  const QuantileEstimate median = sketch.quantile_with_limits(0.5, -5.001, 25.003);
  CHECK(median.value == 0.0);
  CHECK(median.lo == 0.0);
  CHECK(median.hi == 0.0);
  CHECK(median.standard_error() == 0.0);
  CHECK(sketch_of(std::vector<double>(1000, 25.003)).quantile(0.3, 25.003, 25.003) == 25.003);
  CHECK(sketch_of({0.0, 0.0, 0.0, 1e-12}).quantile(0.5) == 0.0);
}

TEST_CASE("merging is exact and free of order", "[stats]") {
  Draws draws(13);
  std::vector<QuantileSketch> parts;
  std::vector<double> all;
  for (int block = 0; block < 12; ++block) {
    std::vector<double> x(256);
    for (double& v : x) v = draws.uniform() < 0.2 ? 0.0 : std::exp(6.0 * draws.uniform()) * draws.normal();
    all.insert(all.end(), x.begin(), x.end());
    parts.push_back(sketch_of(x));
  }
  const QuantileSketch whole = sketch_of(all);
  std::vector<std::size_t> order(parts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (int round = 0; round < 50; ++round) {
    for (std::size_t i = order.size(); i-- > 1;) std::swap(order[i], order[draws.bits() % (i + 1)]);
    QuantileSketch left;
    QuantileSketch right;
    for (std::size_t i = 0; i < order.size(); ++i) (draws.bits() % 2 == 0 ? left : right).merge(parts[order[i]]);
    left.merge(right);
    CHECK(left == whole);
    CHECK(left.quantile(0.37) == whole.quantile(0.37));
  }
  QuantileSketch missing_one;
  for (std::size_t i = 1; i < parts.size(); ++i) missing_one.merge(parts[i]);
  CHECK_FALSE(missing_one == whole);

  QuantileSketch twice = whole;
  twice.merge(twice);
  CHECK(twice.count() == 2 * whole.count());
  QuantileSketch unchanged = whole;
  unchanged.merge(QuantileSketch{});
  CHECK(unchanged == whole);
}

TEST_CASE("sketches that count abreast count what each would alone", "[stats]") {
  constexpr std::size_t kValues = 1000;
  const BinScale scale;
  Draws draws(18);
  for (const std::size_t n_sketches : {1u, 3u, 4u, 9u}) {
    std::vector<QuantileSketch> abreast(n_sketches), alone(n_sketches);
    for (int round = 0; round < 3; ++round) {
      std::vector<std::vector<std::uint32_t>> bins(n_sketches, std::vector<std::uint32_t>(kValues));
      std::vector<QuantileSketch::Load> loads;
      for (std::size_t k = 0; k < n_sketches; ++k) {
        std::vector<double> x(kValues);  // now and then far away, often zero: more than 255 times in a bin
        for (double& v : x) v = draws.uniform() < 0.3 ? 0.0 : std::exp(9.0 * draws.uniform() * round) * draws.normal();
        scale.bins(x, bins[k]);
        const auto [least, largest] = std::ranges::minmax(bins[k]);
        loads.push_back({&abreast[k], bins[k].data(), {least, largest}});
        for (const std::uint32_t bin : bins[k]) alone[k].add(bin);
      }
      QuantileSketch::add_abreast(loads, kValues);
    }
    for (std::size_t k = 0; k < n_sketches; ++k) CHECK(abreast[k] == alone[k]);
    if (n_sketches > 1) CHECK_FALSE(abreast[0] == alone[1]);
  }
}

TEST_CASE("however many counts reach a byte's end at once, all are carried", "[stats]") {
  constexpr std::uint32_t kBins = 1000, kTimes = 255;
  const std::uint32_t zero = BinScale{}.zero_bin();
  std::vector<std::uint32_t> bins(kBins);
  std::iota(bins.begin(), bins.end(), zero);
  std::array<QuantileSketch, 5> sketches;
  for (QuantileSketch& sketch : sketches)
    for (const std::uint32_t bin : bins) sketch.add(bin, kTimes);
  std::vector<QuantileSketch::Load> loads;
  for (QuantileSketch& sketch : sketches) loads.push_back({&sketch, bins.data(), {zero, zero + kBins - 1}});
  QuantileSketch::add_abreast(loads, kBins);
  for (const QuantileSketch& sketch : sketches) {
    const std::vector<BinCount> filled = sketch.occupied();
    CHECK(filled.size() == kBins);
    CHECK(std::ranges::all_of(filled, [](const BinCount& of) { return of.count == kTimes + 1; }));
    CHECK(sketch.count() == std::uint64_t{kBins} * (kTimes + 1));
  }
}

TEST_CASE("counts go beyond a byte, one at a time or many", "[stats]") {
  const std::uint32_t zero = BinScale{}.zero_bin();
  QuantileSketch sketch;
  std::uint32_t at_zero = 0, beside = 0;
  for (const std::uint32_t times : {1u, 254u, 1u, 255u, 257u, 65535u, 1u << 16, 3'000'000u}) {
    sketch.add(zero, times);
    sketch.add(std::vector<std::uint32_t>(times % 1000, zero + 1));
    at_zero += times;
    beside += times % 1000;
    const std::vector<BinCount> expected{{zero, at_zero}, {zero + 1, beside}};
    CHECK(sketch.occupied() == expected);
    CHECK(sketch.count() == at_zero + beside);
    CHECK(sketch.count_below(zero) == 0);
    CHECK(sketch.count_up_to(zero) == at_zero);
    CHECK(sketch.count_up_to(zero + 5000) == at_zero + beside);
  }
  QuantileSketch copy = sketch;
  copy.add(zero + 1);
  CHECK(copy.count_up_to(zero + 1) == at_zero + beside + 1);
  CHECK(sketch.count() == at_zero + beside);
  copy = sketch;
  CHECK(copy == sketch);
}

TEST_CASE("a sketch is restored from its occupied bins", "[stats]") {
  Draws draws(14);
  std::vector<double> x(3000);
  for (double& v : x) v = std::round(40.0 * draws.normal());
  const QuantileSketch sketch = sketch_of(x);
  QuantileSketch restored;
  const auto stored = sketch.occupied();
  for (auto bin = stored.rbegin(); bin != stored.rend(); ++bin) restored.add(bin->bin, bin->count);
  CHECK(restored == sketch);
  CHECK(
      std::is_sorted(stored.begin(), stored.end(), [](const BinCount& a, const BinCount& b) { return a.bin < b.bin; }));
  CHECK(QuantileSketch{}.occupied().empty());
}

TEST_CASE("limits bracket the value and stay in the range", "[stats]") {
  Draws draws(15);
  for (const std::size_t n : {1u, 2u, 5u, 30u, 1000u}) {
    std::vector<double> x(n);
    for (double& v : x) v = draws.normal();
    const auto [min, max] = std::minmax_element(x.begin(), x.end());
    const QuantileSketch sketch = sketch_of(x);
    for (const double p : {1e-6, 0.01, 0.5, 0.9, 0.99, 1.0 - 1e-6}) {
      const QuantileEstimate q = sketch.quantile_with_limits(p, *min, *max);
      INFO(n << " values, p " << p);
      CHECK(*min <= q.lo);
      CHECK(q.lo <= q.value);
      CHECK(q.value <= q.hi);
      CHECK(q.hi <= *max);
      CHECK(q.value == sketch.quantile(p, *min, *max));
      CHECK(q.standard_error() == (q.hi - q.lo) / (2.0 * 1.959964));
    }
  }
}

TEST_CASE("limits cover the population's quantile as often as they say", "[stats][statistical]") {
  constexpr int kSamples = 500;
  constexpr double kNominal = 0.95;
  const double binomial_se = std::sqrt(kNominal * (1.0 - kNominal) / kSamples);
  std::vector<int> held_by_half;
  for (const double p : {0.1, 0.5, 0.9, 0.95}) {
    Draws draws(16);
    const double truth = -40.0 * std::log1p(-p);
    int covered = 0;
    int covered_by_half = 0;
    for (int s = 0; s < kSamples; ++s) {
      std::vector<double> x(400);
      for (double& v : x) v = -40.0 * std::log(draws.uniform());
      const auto [min, max] = std::minmax_element(x.begin(), x.end());
      const QuantileEstimate q = sketch_of(x).quantile_with_limits(p, *min, *max);
      covered += q.lo <= truth && truth <= q.hi ? 1 : 0;
      const double lo = q.value - 0.5 * (q.value - q.lo);
      const double hi = q.value + 0.5 * (q.hi - q.value);
      covered_by_half += lo <= truth && truth <= hi ? 1 : 0;
    }
    INFO("p " << p << ": " << covered << " and " << covered_by_half << " of " << kSamples);
    CHECK(std::abs(covered / double{kSamples} - kNominal) < 4.0 * binomial_se);
    held_by_half.push_back(covered_by_half);
  }
  SECTION("control: half the limits of a quantile are seen") {
    for (const int held : held_by_half) CHECK_FALSE(std::abs(held / double{kSamples} - kNominal) < 4.0 * binomial_se);
  }
}

TEST_CASE("the standard error from the limits is the spread of the estimate", "[stats][statistical]") {
  constexpr int kSamples = 500;
  Draws draws(17);
  double sum = 0.0;
  double sum_of_squares = 0.0;
  double mean_error = 0.0;
  for (int s = 0; s < kSamples; ++s) {
    std::vector<double> x(1000);
    for (double& v : x) v = 10.0 * draws.normal();
    const auto [min, max] = std::minmax_element(x.begin(), x.end());
    const QuantileEstimate q = sketch_of(x).quantile_with_limits(0.9, *min, *max);
    sum += q.value;
    sum_of_squares += q.value * q.value;
    mean_error += q.standard_error() / kSamples;
  }
  const double mean = sum / kSamples;
  const double spread = std::sqrt((sum_of_squares - kSamples * mean * mean) / (kSamples - 1));
  // an sd of 500 values has a relative standard error of 1 / sqrt(2 * 499) = 3.2 %; the mean of the limits' errors adds
  // under 1 %
  CHECK(std::abs(spread / mean_error - 1.0) < 4.0 * 0.033);
  SECTION("control: a standard error off by a fifth is seen") {
    CHECK_FALSE(std::abs(spread / (1.2 * mean_error) - 1.0) < 4.0 * 0.033);
    CHECK_FALSE(std::abs(spread / (0.8 * mean_error) - 1.0) < 4.0 * 0.033);
  }
}

#if defined(REPOQUAKE_CONTRACTS) && REPOQUAKE_CONTRACTS
TEST_CASE("the sketch refuses what it cannot answer", "[stats]") {
  const BinScale scale;
  CHECK_THROWS_AS(scale.bin(std::numeric_limits<double>::infinity()), repoquake::LogicError);
  CHECK_THROWS_AS(scale.lower(scale.bin_count()), repoquake::LogicError);
  CHECK_THROWS_AS(BinScale(48.0, 12), repoquake::LogicError);
  CHECK_THROWS_AS(BinScale(64.0, 30), repoquake::LogicError);
  QuantileSketch sketch;
  CHECK_THROWS_AS(sketch.quantile(0.5), repoquake::LogicError);
  CHECK_THROWS_AS(sketch.add(scale.bin_count()), repoquake::LogicError);
  CHECK_THROWS_AS(sketch.merge(QuantileSketch{BinScale{32.0, 12}}), repoquake::LogicError);
  sketch.add(scale.zero_bin(), 10);
  CHECK(sketch.quantile(1.0) == 0.0);
  CHECK_THROWS_AS(sketch.quantile(1.5), repoquake::LogicError);
  CHECK_THROWS_AS(sketch.quantile(0.5, 1.0, -1.0), repoquake::LogicError);
  CHECK_THROWS_AS(sketch.add(scale.zero_bin(), ~std::uint32_t{0}), repoquake::LogicError);
}
#endif
