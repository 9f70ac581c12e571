#include "repoquake/engine/convergence.hpp"

#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include "unit/engine/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::engine;
using fixtures::september;

namespace {

std::vector<std::string> stopping(const std::string& stop) {
  return {
      "metrics=[{id: peak, expr: mean(max(sofr - iorb))}, {id: p, expr: P(max(sofr - iorb) > 3900 bp)}, "
      "{id: level, expr: mean(max(sofr))}]",
      "expect=[]", "output.paths=none", "simulate.stop=" + stop};
}

RunSummary run_in_memory(const plan::Plan& plan, int threads, fixtures::MemorySink& sink) {
  return run(plan, {.threads = threads}, sink);
}

double half_width(const stats::Estimate& e) { return std::max(e.hi - e.value, e.value - e.lo); }

}  // namespace

TEST_CASE("a run stops at the first chunk at which the metric is known well enough, with any number of threads",
          "[engine]") {
  const auto plan = september(stopping("{metric: peak, half_width: 5 bp, min_paths: 2048}"), 40'000);
  std::uint64_t n_paths = 0;
  for (const int threads : {1, 2, 7}) {
    fixtures::MemorySink sink;
    const RunSummary summary = run_in_memory(plan, threads, sink);
    CHECK(summary.stop_reason == StopReason::settled);
    CHECK(sink.has_ended);
    CHECK(half_width(summary.stats.metric(0)) <= 5.0);
    if (n_paths == 0) n_paths = summary.stats.n_paths();
    CHECK(summary.stats.n_paths() == n_paths);
    CHECK(sink.chunks.size() == n_paths / 1024);

    // One chunk earlier it was not.
    OnlineStats before(summary.manifest);
    for (std::size_t k = 0; k + 1 < sink.chunks.size(); ++k) before.absorb(sink.chunks[k]);
    CHECK(half_width(before.metric(0)) > 5.0);
  }
  CHECK(n_paths > 2048);
  CHECK(n_paths < 40'000);
}

TEST_CASE("what a stopped run has seen is what a run of so many paths sees", "[engine]") {
  fixtures::MemorySink sink, whole;
  const RunSummary stopped = run_in_memory(september(stopping("{metric: peak, half_width: 6 bp}"), 40'000), 2, sink);
  REQUIRE(stopped.stop_reason == StopReason::settled);
  auto settings = stopping("null");
  const RunSummary all = run_in_memory(september(settings, stopped.stats.n_paths()), 2, whole);
  REQUIRE(sink.chunks.size() == whole.chunks.size());
  for (std::size_t k = 0; k < sink.chunks.size(); ++k) CHECK(fixtures::same_bytes(sink.chunks[k], whole.chunks[k]));
  CHECK(all.stop_reason == StopReason::all_paths_done);
  CHECK(stopped.convergence.n_paths() == all.convergence.n_paths());
  CHECK(stopped.convergence.estimates().back().value == all.convergence.estimates().back().value);
}

TEST_CASE("min_paths, max_paths and an event that was never seen hold a run back", "[engine]") {
  fixtures::MemorySink late, most, rare;
  CHECK(run_in_memory(september(stopping("{metric: peak, half_width: 1000 bp, min_paths: 5000}"), 9000), 2, late)
            .stats.n_paths() == 5 * 1024);
  const RunSummary capped =
      run_in_memory(september(stopping("{metric: peak, half_width: 0.01 bp, max_paths: 3000}"), 3000), 2, most);
  CHECK(capped.stats.n_paths() == 3000);
  CHECK(capped.stop_reason == StopReason::all_paths_done);
  CHECK_FALSE(is_settled(capped.manifest, capped.stats));
  // A probability of nothing in n has limits of some 4 / n: they, and not its error of 0, decide.
  const RunSummary unseen =
      run_in_memory(september(stopping("{metric: p, half_width: 0.1 %, min_paths: 1}"), 9000), 2, rare);
  CHECK(unseen.stats.n_paths() >= 3 * 1024);
}

TEST_CASE("the half width of a rate is a spread, and is compared in the unit that is shown", "[engine]") {
  const auto plan = september(stopping("{metric: level, half_width: 5 bp}"), 2048);
  REQUIRE(plan.stop);
  CHECK(plan.stop->metric == 2);
  CHECK(plan.stop->half_width == Approx(0.05));  // percent
}

TEST_CASE("the trace ends with the run's own numbers, and is spaced by octaves", "[engine]") {
  fixtures::MemorySink sink;
  const RunSummary summary = run_in_memory(september(stopping("null"), 20'500), 2, sink);
  const Convergence& c = summary.convergence;
  REQUIRE(c.quantities() ==
          std::vector<std::string>{"mean(peak_spread)", "quantile(peak_spread, 95 %)", "peak", "p", "level"});
  CHECK(c.units() == std::vector<std::string>{"bp", "bp", "bp", "1", "percent"});
  REQUIRE(c.estimates().size() == c.n_paths().size() * 5);
  CHECK(c.n_paths().front() == 1024);
  CHECK(c.n_paths().back() == 20'500);
  CHECK(std::ranges::is_sorted(c.n_paths(), std::ranges::less_equal{}));
  CHECK(c.n_paths().size() < 16);
  const auto last = c.estimates().end() - 5;
  CHECK(last[0].value == summary.stats.moments(PathFeature::peak_spread).mean);
  CHECK(last[1].value == summary.stats.quantile(PathFeature::peak_spread, 0.95).value);
  CHECK(last[2].value == summary.stats.metric(0).value);
  CHECK(last[2].standard_error < c.estimates()[2].standard_error);
}
