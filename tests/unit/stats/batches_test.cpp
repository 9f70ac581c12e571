#include "repoquake/stats/batches.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/random/stream.hpp"
#include "repoquake/stats/exceedance.hpp"
#include "repoquake/stats/influence.hpp"
#include "repoquake/stats/student.hpp"

using namespace repoquake;
using namespace repoquake::stats;

namespace {

double uniform(std::uint64_t i, std::uint32_t run) {
  return random::uniform({i, run, random::Stream::need_shock}, 20261129);
}

}  // namespace

TEST_CASE("paths are dealt out to batches in turn", "[batches]") {
  constexpr Batching singles{.count = 4, .run = 1}, pairs{.count = 3, .run = 2};
  CHECK(singles.of(0) == 0);
  CHECK(singles.of(5) == 1);
  CHECK(pairs.of(0) == 0);
  CHECK(pairs.of(1) == 0);
  CHECK(pairs.of(5) == 2);
  CHECK(pairs.of(6) == 0);
  CHECK_FALSE(Batching{}.any());
}

TEST_CASE("the variance of a mean is that of the batch means over their number", "[batches]") {
  const std::vector<Batch> batches{{.n = 2, .sum = 2.0}, {.n = 2, .sum = 6.0}, {.n = 2, .sum = 10.0}};  // 1, 3, 5
  CHECK(variance_of_mean(batches) == Approx(4.0 / 3.0));
  CHECK(reach_of(batches) == student_975(2));
  SECTION("batches without paths do not count") {
    auto more = batches;
    more.push_back({});
    CHECK(variance_of_mean(more) == variance_of_mean(batches));
    CHECK(reach_of(more) == student_975(2));
  }
  SECTION("batches of unequal sizes weigh by their paths") {
    // mean (1 + 8) / 3 = 3, steps 1 - 3 = -2 and 8 - 6 = 2
    CHECK(variance_of_mean(std::vector<Batch>{{.n = 1, .sum = 1.0}, {.n = 2, .sum = 8.0}}) == Approx(8.0 / 9.0 * 2.0));
  }
}

TEST_CASE("fewer than two batches tell no error", "[batches]") {
  const std::vector<Batch> one{{.n = 9, .sum = 3.0}, {}};
  CHECK(std::isnan(variance_of_mean(one)));
  CHECK(std::isnan(reach_of(one)));
  CHECK(std::isnan(effect_on_share(one).ratio));
  CHECK(std::isnan(variance_of_mean({})));
  const Estimate e = with_batch_error({.value = 3.0, .standard_error = 0.1, .lo = 2.8, .hi = 3.2, .n = 9}, one);
  CHECK(e.value == 3.0);
  CHECK(std::isnan(e.standard_error));
  CHECK(std::isnan(e.lo));
  const Exceedance share{9, 3, effect_on_share(one)};
  CHECK(std::isnan(share.standard_error()));
  const Estimate p = estimate_probability(share);
  CHECK(p.value == Approx(1.0 / 3.0));
  CHECK(std::isnan(p.lo));
}

TEST_CASE("the design effect of independent paths is 1, of pairs that agree 2, of pairs that differ near 0",
          "[batches][statistical]") {
  constexpr std::uint64_t kPairs = 4096;
  constexpr std::uint32_t kRuns = 50;
  constexpr Batching pairs{.count = 32, .run = 2};
  double independent = 0.0, alike = 0.0, opposite = 0.0;
  for (std::uint32_t run = 0; run < kRuns; ++run) {
    std::vector<double> x, y, z;
    for (std::uint64_t k = 0; k < kPairs; ++k) {
      const double u = uniform(2 * k, run), v = uniform(2 * k + 1, run);
      for (const double value : {u, v}) x.push_back(value < 0.5 ? 1.0 : 0.0);
      for (const double value : {u, u}) y.push_back(value < 0.5 ? 1.0 : 0.0);
      for (const double value : {u, 1.0 - u}) z.push_back(value < 0.5 ? 1.0 : 0.0);
    }
    independent += effect_on_share(batches_of(x, 0, pairs)).ratio / kRuns;
    alike += effect_on_share(batches_of(y, 0, pairs)).ratio / kRuns;
    opposite += effect_on_share(batches_of(z, 0, pairs)).ratio / kRuns;
  }
  const double error = std::sqrt(2.0 / 31.0 / kRuns);  // of a mean of chi-squares over their 31 degrees
  CHECK(std::fabs(independent - 1.0) < 3.0 * error);
  CHECK(std::fabs(alike - 2.0) < 3.0 * 2.0 * error);
  CHECK(opposite == Approx(32.0 / 4.0 / (2.0 * kPairs * 0.25)));  // what counting in whole paths leaves
  SECTION("control: pairs that agree are not taken for independent paths") {
    CHECK_FALSE(std::fabs(alike - 1.0) < 3.0 * error);
  }
}

TEST_CASE("no hit and nothing but hits keep the error of independent paths", "[batches]") {
  for (const double sum : {0.0, 10.0}) {
    const std::vector<Batch> batches(16, {.n = 10, .sum = sum});
    CHECK(effect_on_share(batches).ratio == 1.0);
    CHECK(effect_on_share(batches).reach == student_975(15));
  }
}

TEST_CASE("values without meaning belong to no batch", "[batches]") {
  const std::vector<double> values{1.0, std::nan(""), 3.0, 4.0};
  const auto batches = batches_of(values, 6, {.count = 2, .run = 1});
  CHECK(batches[0] == Batch{.n = 2, .sum = 4.0});
  CHECK(batches[1] == Batch{.n = 1, .sum = 4.0});
}

TEST_CASE("tail means, deviations and quantiles of batches: limits hold the truth as often as they say",
          "[batches][statistical]") {
  // Exponentials of mean 50 in antithetic pairs.
  constexpr std::uint32_t kRuns = 300;
  constexpr std::uint64_t kPaths = 2048;
  constexpr Batching pairs{.count = 32, .run = 2};
  const double tail = 50.0 * (1.0 - std::log(0.1)), top = -50.0 * std::log(0.1);
  int tail_held = 0, quantile_held = 0, plain_held = 0;
  for (std::uint32_t run = 0; run < kRuns; ++run) {
    QuantileSketch all;
    std::vector<QuantileSketch> parts(pairs.count);
    double least = 1e9, most = 0.0;
    std::vector<double> below;
    for (std::uint64_t i = 0; i < kPaths; ++i) {
      const double u = uniform(i / 2, 1000 + run);
      const double x = -50.0 * std::log(i % 2 == 0 ? u : 1.0 - u);
      all.add(all.scale().bin(x));
      parts[pairs.of(i)].add(all.scale().bin(x));
      least = std::fmin(least, x);
      most = std::fmax(most, x);
      below.push_back(x <= top ? 1.0 : 0.0);
    }
    const Estimate es = estimate_tail_mean(all, 0.9, 1.0, least, most, parts);
    tail_held += es.lo <= tail && tail <= es.hi ? 1 : 0;
    const Estimate q = estimate_quantile(all, 0.9, 1.0, least, most, effect_on_share(batches_of(below, 0, pairs)));
    quantile_held += q.lo <= top && top <= q.hi ? 1 : 0;
    const Estimate plain = estimate_quantile(all, 0.5, 1.0, least, most);
    plain_held += plain.lo <= 50.0 * std::log(2.0) && 50.0 * std::log(2.0) <= plain.hi ? 1 : 0;
  }
  const double slack = 3.0 * std::sqrt(0.95 * 0.05 / kRuns);
  CAPTURE(tail_held, quantile_held, plain_held);
  CHECK(std::fabs(static_cast<double>(tail_held) / kRuns - 0.95) < slack);
  CHECK(std::fabs(static_cast<double>(quantile_held) / kRuns - 0.95) < slack);
  SECTION("control: limits as of independent paths hold the median of pairs every time") { CHECK(plain_held == kRuns); }
}
