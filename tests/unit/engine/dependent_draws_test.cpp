#include "repoquake/engine/dependent_draws.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "fixtures.hpp"
#include "repoquake/engine/simulate_block.hpp"
#include "repoquake/random/normal.hpp"
#include "repoquake/stats/moments.hpp"

using namespace repoquake;
using namespace repoquake::fixtures;
using random::Stream;

namespace {

const std::vector<std::string> kNet{"simulate.sampler=sobol", "output.paths=none"};
const std::vector<std::string> kPairs{"simulate.antithetic=true", "output.paths=none"};
constexpr std::array kDaily{Stream::need_shock, Stream::late_shock, Stream::pullback,
                            Stream::rate_noise, Stream::tail_width, Stream::other_sales};

ColumnData normals(engine::DrawSource& source, std::uint64_t first_path, std::uint32_t day, Stream stream) {
  ColumnData z;
  source.normals(first_path, day, stream, 0, z);
  return z;
}

}  // namespace

TEST_CASE("an odd path mirrors every draw of the path before it, an even one is that of an ordinary run", "[draws]") {
  engine::AntitheticDraws pairs(5);
  engine::AddressedDraws ordinary(5);
  ColumnData a, b, c, d;
  pairs.uniform_pair(512, 3, Stream::need_shock, 1, a, b);
  ordinary.uniform_pair(512, 3, Stream::need_shock, 1, c, d);
  bool mirrors = true, keeps = true;
  for (std::size_t i = 0; i < kBlockPaths; i += 2) {
    mirrors &= a[i] + a[i + 1] == 1.0 && b[i] + b[i + 1] == 1.0;
    keeps &= a[i] == c[i] && b[i] == d[i];
  }
  CHECK(mirrors);
  CHECK(keeps);
  CHECK(c[0] + c[1] != 1.0);  // control
}

TEST_CASE("every draw of a net is uniform and independent over days and streams", "[draws][statistical]") {
  auto plan = september(kNet, 4096);
  // Many seeds of one path: what is uniform in each is uniform.
  constexpr std::uint64_t kSeeds = 600;
  const auto n_days = static_cast<std::uint32_t>(plan.days.size() - 1);
  std::vector<double> mean(n_days * kDaily.size()), square(mean.size()), lagged(mean.size()), crossed(mean.size());
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    plan.seed = seed;
    engine::NetDraws net(plan);
    std::vector<double> z;
    for (std::uint32_t day = 1; day <= n_days; ++day)
      for (const Stream stream : kDaily) z.push_back(normals(net, 256, day, stream)[37]);
    for (std::size_t k = 0; k < z.size(); ++k) {
      mean[k] += z[k] / kSeeds;
      square[k] += z[k] * z[k] / kSeeds;
      lagged[k] += z[k] * z[(k + kDaily.size()) % z.size()] / kSeeds;
      crossed[k] += z[k] * z[(k + 1) % z.size()] / kSeeds;
    }
  }
  const double error = 1.0 / std::sqrt(static_cast<double>(kSeeds));
  const auto largest = [](std::vector<double> x, double middle) {
    double most = 0.0;
    for (const double value : x) most = std::max(most, std::fabs(value - middle));
    return most;
  };
  CHECK(largest(mean, 0.0) < 4.0 * error);  // the largest of about 100
  CHECK(largest(square, 1.0) < 4.0 * std::sqrt(2.0) * error);
  CHECK(largest(lagged, 0.0) < 4.0 * error);
  CHECK(largest(crossed, 0.0) < 4.0 * error);
  SECTION("control: normals a fifth too wide are seen") {
    for (double& value : square) value *= 1.2 * 1.2;
    CHECK_FALSE(largest(square, 1.0) < 4.0 * std::sqrt(2.0) * error);
  }
}

TEST_CASE("the sum of a stream over the window comes from the net: it fills its distribution evenly", "[draws]") {
  const auto plan = september(kNet, 4096);
  engine::NetDraws net(plan);
  engine::AddressedDraws ordinary(plan.seed);
  const auto n_days = static_cast<std::uint32_t>(plan.days.size() - 1);
  const auto spread_out = [&](engine::DrawSource& source) {
    std::vector<int> count(256, 0);  // of 16 scrambles with 16 points each
    ColumnData sum{};
    for (std::uint32_t day = 1; day <= n_days; ++day) {
      const ColumnData z = normals(source, 0, day, Stream::need_shock);
      for (std::size_t i = 0; i < kBlockPaths; ++i) sum[i] += z[i] / std::sqrt(static_cast<double>(n_days));
    }
    ColumnData u;
    random::uniforms_from_normals(sum, u);
    for (std::size_t i = 0; i < kBlockPaths; ++i) ++count[i % 16 * 16 + static_cast<std::size_t>(u[i] * 16.0)];
    return std::ranges::count(count, 1);
  };
  CHECK(spread_out(net) == 256);
  CHECK(spread_out(ordinary) < 200);  // control
}

TEST_CASE("draws of a net are a function of their address", "[draws]") {
  const auto plan = september(kNet, 4096);
  engine::NetDraws one(plan), two(plan);
  const ColumnData late = normals(one, 768, 9, Stream::pullback);
  (void)normals(two, 256, 2, Stream::need_shock);
  CHECK(std::ranges::equal(late, normals(two, 768, 9, Stream::pullback)));
  ColumnData even, odd, alone;
  one.uniform_pair(768, 9, Stream::pullback, 0, even, odd);
  one.uniforms(768, 9, Stream::rate_noise, 0, alone);
  CHECK(std::ranges::equal(odd, alone));
}

TEST_CASE("dependent draws give the same bits for any number of threads", "[draws][threads]") {
  for (const auto& settings : {kNet, kPairs}) {
    const auto plan = september(settings, 6000);
    std::vector<double> first;
    for (const int threads : {1, 2, 5}) {
      MemorySink sink;
      const auto run = engine::run(plan, {.threads = threads}, sink);
      std::vector<double> numbers;
      for (std::size_t k = 0; k < run.manifest.metrics.size(); ++k) {
        const auto e = run.stats.metric(k);
        numbers.insert(numbers.end(), {e.value, e.standard_error, e.lo, e.hi});
      }
      for (std::size_t day = 1; day < run.manifest.n_days(); ++day) {
        const auto q = run.stats.quantile(0, day, 0.95);
        numbers.insert(numbers.end(), {run.stats.mean(0, day).standard_error, q.lo, q.hi});
      }
      if (first.empty()) first = numbers;
      CHECK(same_bytes(first, numbers));
    }
  }
}

TEST_CASE("an ordinary run has no batches", "[draws]") {
  const auto plan = september({"output.paths=none"}, 300);
  MemorySink sink;
  const auto run = engine::run(plan, {.threads = 1}, sink);
  CHECK_FALSE(run.manifest.batching.any());
  CHECK(sink.chunks.front().batch_sums.empty());
  CHECK(run.stats.mean(engine::PathFeature::peak_spread).standard_error ==
        run.stats.moments(engine::PathFeature::peak_spread).standard_error());
}

TEST_CASE("one pair, or one point, has values and no errors, a few have errors", "[draws]") {
  const auto run_of = [](const std::vector<std::string>& settings, std::uint64_t paths) {
    const auto plan = september(settings, paths);
    engine::Sink nowhere;
    return engine::run(plan, {.threads = 1}, nowhere);
  };
  for (const auto& run : {run_of(kPairs, 2), run_of(kNet, 1)}) {
    const auto mean = run.stats.mean(engine::PathFeature::peak_spread);
    CHECK(std::isfinite(mean.value));
    CHECK(std::isnan(mean.standard_error));
    CHECK(std::isnan(run.stats.quantile(engine::PathFeature::peak_spread, 0.5).lo));
    CHECK(std::isnan(run.stats.peak_exceedance(0).standard_error()));
    CHECK(std::isnan(run.stats.quantile(engine::PathFeature::peak_spread, 0.3).lo));
    CHECK(std::isnan(run.stats.quantile(engine::PathFeature::peak_spread, 0.001).lo));
  }
  for (const auto& run : {run_of(kPairs, 5), run_of(kNet, 3)}) {
    CHECK(run.stats.mean(engine::PathFeature::peak_spread).standard_error > 0.0);
    CHECK(run.stats.quantile(engine::PathFeature::peak_spread, 0.5).standard_error() > 0.0);
  }
}

TEST_CASE("a path of a dependent run is the same among few and among many", "[draws]") {
  for (const char* sampler : {"simulate.sampler=sobol", "simulate.antithetic=true"}) {
    const auto few = september({sampler}, 100), many = september({sampler}, 1500);
    MemorySink one, two;
    const auto manifest = engine::run(few, {.threads = 1}, one).manifest;
    (void)engine::run(many, {.threads = 1}, two);
    const auto a = table_of(one, manifest, Variable::sofr);
    auto b = table_of(two, manifest, Variable::sofr);
    b.resize(a.size());
    CHECK(same_bytes(a, b));
  }
}

TEST_CASE("every statistic of a metric has an error from batches, and the value of its paths", "[draws][metrics]") {
  const std::vector<std::string> around{"mean(max(spread))", "P(max(spread) > 150 bp)", "sd(max(spread))",
                                        "quantile(max(spread), 90 %)", "es(max(spread), 90 %)"};
  std::string list = "metrics=[";
  for (std::size_t k = 0; k < around.size(); ++k)
    list += "{id: m" + std::to_string(k) + ", expr: \"" + around[k] + "\"}, ";
  for (const char* how : {"simulate.antithetic=true", "simulate.sampler=sobol"}) {
    const auto plan = september({how, list + "]", "expect=[]", "output.paths=none"}, 2000);
    const auto peer =
        september({how, "metrics=[{id: peak, expr: max(spread)}]", "expect=[]", "output.paths=none"}, 2000);
    engine::Sink nowhere;
    MemorySink sink;
    const auto run = engine::run(plan, {.threads = 2}, nowhere);
    (void)engine::run(peer, {.threads = 1}, sink);
    std::vector<double> peaks;
    for (const auto& chunk : sink.chunks) peaks.insert(peaks.end(), chunk.metrics.begin(), chunk.metrics.end());
    REQUIRE(peaks.size() == 2000);
    std::ranges::sort(peaks);
    const stats::Moments moments = stats::moments_of(peaks);
    const auto tail = std::span(peaks).last(200);
    double of_tail = 0.0;
    for (const double peak : tail) of_tail += peak / 200.0;
    const auto above = static_cast<double>(peaks.end() - std::ranges::upper_bound(peaks, 150.0)) / 2000.0;
    const std::array expected{moments.mean, above, moments.sd(), peaks[1800], of_tail};
    for (std::size_t k = 0; k < around.size(); ++k) {
      INFO(how << ", " << around[k]);
      const auto metric = run.stats.metric(k);
      CHECK(metric.value == Approx(expected[k]).epsilon(0.01));  // quantiles are told to the bin
      CHECK(metric.standard_error > 0.0);
      CHECK(metric.standard_error < 0.1 * expected[k]);
      CHECK(metric.lo < metric.value);
      CHECK(metric.value < metric.hi);
    }
  }
}
