#include "repoquake/engine/run.hpp"

#include <atomic>
#include <cmath>
#include <thread>

#include <catch2/catch.hpp>

#include "fixtures.hpp"
#include "repoquake/core/error.hpp"

using namespace repoquake;
using fixtures::MemorySink;
using fixtures::september;

namespace {

engine::RunSummary run(const plan::Plan& plan, engine::Sink& sink, int threads = 2) {
  return engine::run(plan, {.threads = threads}, sink);
}

std::size_t place_of(const engine::Manifest& m, Variable v) {
  return static_cast<std::size_t>(std::ranges::find(m.statistics, v) - m.statistics.begin());
}

}  // namespace

TEST_CASE("any number of threads gives the same bits", "[engine]") {
  const auto plan = september({}, 9 * 1024 + 77);
  MemorySink one;
  const auto reference = run(plan, one, 1);
  for (const int threads : {2, 7}) {
    MemorySink many;
    const auto summary = run(plan, many, threads);
    REQUIRE(many.chunks.size() == one.chunks.size());
    for (std::size_t c = 0; c < one.chunks.size(); ++c) CHECK(fixtures::same_bytes(one.chunks[c], many.chunks[c]));
    const std::size_t spread = place_of(summary.manifest, Variable::spread);
    for (std::size_t day = 0; day < summary.manifest.n_days(); ++day) {
      CHECK(summary.stats.moments(spread, day) == reference.stats.moments(spread, day));
      CHECK(summary.stats.quantile(spread, day, 0.95).hi == reference.stats.quantile(spread, day, 0.95).hi);
    }
  }
}

TEST_CASE("control: another seed, or one value moved by the least step, is seen", "[engine][control]") {
  MemorySink a, b;
  (void)run(september({}, 300), a);
  (void)run(september({"simulate.seed=20190918"}, 300), b);
  CHECK_FALSE(fixtures::same_bytes(a.chunks[0], b.chunks[0]));  // another seed is another world
  b.chunks[0] = a.chunks[0];
  b.chunks[0].paths[7] = std::nextafter(b.chunks[0].paths[7], 1e9F);
  CHECK_FALSE(fixtures::same_bytes(a.chunks[0], b.chunks[0]));
}

TEST_CASE("a path does not depend on how many others are simulated", "[engine]") {
  MemorySink few, many;
  const auto small = run(september({}, 700), few);
  const auto large = run(september({}, 2500), many);
  const auto a = fixtures::table_of(few, small.manifest, Variable::sofr);
  auto b = fixtures::table_of(many, large.manifest, Variable::sofr);
  b.resize(a.size());
  CHECK(fixtures::same_bytes(a, b));
}

TEST_CASE("one path, one block, one chunk and their neighbours", "[engine]") {
  for (const std::uint64_t paths : {1U, 255U, 256U, 257U, 1023U, 1024U, 1025U}) {
    MemorySink sink;
    const auto summary = run(september({}, paths), sink);
    CHECK(summary.stats.n_paths() == paths);
    CHECK(fixtures::table_of(sink, summary.manifest, Variable::spread).size() == paths * summary.manifest.n_days());
    CHECK(summary.stats.moments(engine::PathFeature::peak_spread).n == paths);
    CHECK(sink.has_ended);
  }
}

TEST_CASE("memory is bounded by the chunks in flight", "[engine]") {
  MemorySink sink;
  (void)run(september({"output.paths=none"}, 40 * 1024), sink, 2);
  CHECK(sink.chunks.size() == 40);
  CHECK(sink.most_in_flight() <= 4);
  CHECK(sink.chunks.front().paths.empty());
}

TEST_CASE("switching off a shock leaves every variable of every path unchanged before its day", "[engine]") {
  const std::vector<std::string> with{"shocks.tga-build.size={normal: {mean: 60 bn USD, sd: 20 bn USD}}",
                                      "output.variables=all"};
  auto without = with;
  without.push_back("shocks.tga-build.enabled=false");
  MemorySink on, off;
  const auto plan = september(with, 600);
  const auto summary = run(plan, on);
  (void)run(september(without, 600), off);
  const std::size_t n_days = summary.manifest.n_days();
  const std::size_t shock_day = 3;  // 2019-09-16
  REQUIRE(summary.manifest.variables.size() == kVariableCount);
  std::size_t moved_after = 0;
  for (const Variable variable : summary.manifest.variables) {
    const auto a = fixtures::table_of(on, summary.manifest, variable);
    const auto b = fixtures::table_of(off, summary.manifest, variable);
    bool is_equal_before = true;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const bool is_equal = std::memcmp(&a[i], &b[i], sizeof(float)) == 0;
      if (i % n_days < shock_day)
        is_equal_before = is_equal_before && is_equal;
      else
        moved_after += !is_equal;
    }
    INFO(spec_of(variable).name);
    CHECK(is_equal_before);
  }
  CHECK(moved_after > 0);  // the shock does something, so the check above can fail
}

TEST_CASE("a run that is asked to stop ends with whole chunks", "[engine]") {
  std::atomic<bool> stop{false};
  MemorySink sink;
  const auto plan = september({}, 40 * 1024);
  const auto summary =
      engine::run(plan, {.threads = 2, .stop = &stop, .on_progress = [&](std::uint64_t) { stop = true; }}, sink);
  CHECK(summary.stop_reason == engine::StopReason::interrupted);
  CHECK(summary.stats.n_paths() >= 1024);
  CHECK(summary.stats.n_paths() < plan.n_paths);
  CHECK(summary.stats.n_paths() % 1024 == 0);
  CHECK(sink.has_ended);
}

TEST_CASE("what the sink throws comes through, and the run does not pretend to have ended", "[engine]") {
  struct FullDisk final : engine::Sink {
    void write(const engine::ChunkResult& chunk) override {
      if (chunk.first_path > 0) throw IoError("disk full");
    }
    void end(const engine::RunSummary&) override { has_ended = true; }
    bool has_ended = false;
  } sink;
  CHECK_THROWS_AS(run(september({}, 8 * 1024), sink), IoError);
  CHECK_FALSE(sink.has_ended);
}

TEST_CASE("statistics agree with the stored paths", "[engine]") {
  MemorySink sink;
  const auto summary = run(september({"output.precision=exact", "output.variables=[spread, reserves]"}, 3000), sink);
  const auto& m = summary.manifest;
  for (const Variable v : m.variables) {
    const auto values = fixtures::table_of(sink, m, v);
    for (const std::size_t day : {1U, 4U, 13U}) {
      std::vector<double> column;
      double sum = 0.0;
      for (std::size_t p = 0; p < 3000; ++p)
        sum += column.emplace_back(static_cast<double>(values[p * m.n_days() + day]));
      std::ranges::sort(column);
      const double median = 0.5 * (column[1499] + column[1500]);
      const std::size_t place = place_of(m, v);
      const auto& moments = summary.stats.moments(place, day);
      CHECK(moments.mean == Approx(sum / 3000.0).epsilon(1e-6));  // stored as float
      const double bin = (std::abs(median) + 64.0) / 2048.0;      // width of a histogram bin, at most
      CHECK(std::abs(summary.stats.quantile(place, day, 0.5).value - median) <= bin);
    }
  }
}

TEST_CASE("spread has statistics even where it is not asked for", "[engine]") {
  MemorySink sink;
  const auto summary = run(september({"output.variables=[reserves]", "expect=[]"}, 300), sink);
  CHECK(summary.manifest.variables == std::vector{Variable::reserves});
  CHECK(summary.manifest.statistics == std::vector{Variable::spread, Variable::reserves});
}

TEST_CASE("a facility that does not exist has no rate, one that does has", "[engine]") {
  MemorySink sink;
  engine::Sink nowhere;
  const std::string variables = "output.variables=[standing_repo_rate, volume_above_srf_rate]";
  const auto without = run(september({variables}, 300), sink);
  CHECK(without.stats.moments(place_of(without.manifest, Variable::standing_repo_rate), 5).n == 0);
  CHECK(std::isnan(fixtures::table_of(sink, without.manifest, Variable::standing_repo_rate)[5]));
  const auto with = run(september({variables, "policy.standing_repo.enabled=true"}, 300), nowhere);
  const auto& rate = with.stats.moments(place_of(with.manifest, Variable::standing_repo_rate), 5);
  CHECK(rate.mean == Approx(2.25));
  CHECK(rate.sd() < 1e-12);
}

TEST_CASE("switching off one of two correlated shocks leaves the other's draws alone", "[engine]") {
  const std::string shocks =
      "shocks=[{id: early, target: repo_demand, date: 2019-09-13, size: {normal: {mean: 0 bn USD, sd: 20 bn USD}}}, "
      "{id: late, target: repo_demand, date: 2019-09-25, size: {normal: {mean: 0 bn USD, sd: 20 bn USD}}}]";
  for (const std::string pair : {"[late, early]", "[early, late]"}) {
    const std::string correlation = "correlation=[{between: " + pair + ", rho: 0.8}]";
    MemorySink on, off;
    const auto summary = run(september({shocks, correlation}, 300), on);
    (void)run(september({shocks, correlation, "shocks.late.enabled=false"}, 300), off);
    const auto a = fixtures::table_of(on, summary.manifest, Variable::spread);
    const auto b = fixtures::table_of(off, summary.manifest, Variable::spread);
    const std::size_t n_days = summary.manifest.n_days();
    std::size_t before = 0, after = 0;
    for (std::size_t i = 0; i < a.size(); ++i) (i % n_days < 10 ? before : after) += a[i] != b[i];
    CHECK(before == 0);
    CHECK(after > 0);
  }
}
