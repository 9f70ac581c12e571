#include "repoquake/stats/exceedance.hpp"

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

using repoquake::stats::count_above;
using repoquake::stats::Exceedance;

TEST_CASE("probability and its error by hand", "[stats]") {
  const Exceedance e{.n = 96, .hits = 23};
  CHECK(e.probability() == Approx(23.0 / 96.0).epsilon(1e-15));
  CHECK(e.standard_error() == Approx(std::sqrt(0.25 * 0.75 / 100.0)).epsilon(1e-15));
}

TEST_CASE("no hits, all hits and no paths never claim certainty", "[stats]") {
  const Exceedance none{.n = 10'000, .hits = 0};
  const Exceedance all{.n = 10'000, .hits = 10'000};
  CHECK(none.probability() == 0.0);
  CHECK(all.probability() == 1.0);
  CHECK(none.standard_error() == Approx(1.41e-4).epsilon(0.01));
  CHECK(none.standard_error() == Approx(all.standard_error()).epsilon(1e-9));
  CHECK(Exceedance{}.probability() == 0.0);
  CHECK(Exceedance{}.standard_error() == 0.25);
}

TEST_CASE("merging exceedances is exact in any order", "[stats]") {
  Exceedance a{.n = 256, .hits = 3};
  Exceedance b{.n = 100, .hits = 50};
  const Exceedance first = a;
  a.merge(b);
  b.merge(first);
  CHECK(a == b);
  CHECK(a == Exceedance{.n = 356, .hits = 53});
}

TEST_CASE("above is strictly above", "[stats]") {
  const std::vector<double> x{-1.0, 0.0, -0.0, 1.0, 2.0, 2.0, 3.0};
  CHECK(count_above(x, 0.0) == 4);
  CHECK(count_above(x, 2.0) == 1);
  CHECK(count_above(x, 3.0) == 0);
  CHECK(count_above(x, -2.0) == 7);
  CHECK(count_above({}, 0.0) == 0);
}

TEST_CASE("the error of a probability covers", "[stats][statistical]") {
  constexpr int kSamples = 500;
  constexpr double kNominal = 0.95;
  std::mt19937_64 generator(5);
  const double se = std::sqrt(kNominal * (1.0 - kNominal) / kSamples);
  std::vector<int> held_by_half;
  for (const double p : {0.03, 0.4}) {
    int covered = 0;
    int covered_by_half = 0;
    for (int s = 0; s < kSamples; ++s) {
      Exceedance e{.n = 1024, .hits = 0};
      for (std::uint64_t i = 0; i < e.n; ++i) e.hits += static_cast<double>(generator() >> 11) * 0x1p-53 < p ? 1u : 0u;
      const double distance = std::abs(e.probability() - p);
      covered += distance <= 1.96 * e.standard_error() ? 1 : 0;
      covered_by_half += distance <= 0.98 * e.standard_error() ? 1 : 0;
    }
    INFO(p);
    CHECK(std::abs(covered / double{kSamples} - kNominal) < 4.0 * se);
    held_by_half.push_back(covered_by_half);
  }
  SECTION("control: half the error of a probability is seen") {
    for (const int held : held_by_half) CHECK_FALSE(std::abs(held / double{kSamples} - kNominal) < 4.0 * se);
  }
}
