#include <algorithm>
#include <mutex>
#include <set>
#include <thread>

#include <catch2/catch.hpp>

#include "unit/engine/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::engine;
using fixtures::september;

namespace {

plan::Plan with_build(std::uint64_t k, std::uint64_t paths = 2500) {
  return september({"output.paths=none", "output.variables=[spread]", "expect=[]",
                    "shocks.tga-build.size=" + std::to_string(5 * k) + " bn USD"},
                   paths);
}

struct Told {
  std::vector<std::uint64_t> numbers;
  std::vector<double> peaks;
  std::vector<std::string> failures;
};

Told run_all(std::uint64_t n, int threads, const std::function<std::optional<plan::Plan>(std::uint64_t)>& plan_of) {
  Told told;
  CHECK(run_points(n, plan_of, {.threads = threads}, [&](std::uint64_t k, const PointEnd& end) {
    told.numbers.push_back(k);
    told.failures.push_back(end.failure);
    if (end.summary) told.peaks.push_back(end.summary->stats.moments(PathFeature::peak_spread).mean);
  }));
  return told;
}

}  // namespace

TEST_CASE("points come in their order and say what a run of each says, with any number of threads", "[engine]") {
  std::vector<double> alone;
  for (std::uint64_t k = 0; k < 5; ++k) {
    Sink nowhere;
    alone.push_back(run(with_build(k), {.threads = 1}, nowhere).stats.moments(PathFeature::peak_spread).mean);
  }
  for (const int threads : {1, 2, 7}) {
    const Told told = run_all(5, threads, [](std::uint64_t k) { return std::optional(with_build(k)); });
    CHECK(told.numbers == std::vector<std::uint64_t>{0, 1, 2, 3, 4});
    CHECK(told.peaks == alone);
  }
  CHECK(std::ranges::is_sorted(alone));  // more cash drained, higher peaks
  CHECK(alone.front() < alone.back());
}

TEST_CASE("a point without a plan is left out, and no points are no work", "[engine]") {
  const Told told =
      run_all(4, 2, [](std::uint64_t k) { return k % 2 == 0 ? std::nullopt : std::optional(with_build(k, 600)); });
  CHECK(told.numbers == std::vector<std::uint64_t>{1, 3});
  CHECK(run_all(0, 2, [](std::uint64_t) -> std::optional<plan::Plan> { return std::nullopt; }).numbers.empty());
}

TEST_CASE("a point that stops by its own rule ends, and the next one follows", "[engine]") {
  const auto plan_of = [](std::uint64_t k) {
    auto plan = september({"output.paths=none", "output.variables=[spread]", "expect=[]",
                           "simulate.stop={metric: peak_spread, half_width: " + std::to_string(4 + 6 * k) + " bp}"},
                          30'000);
    return std::optional(std::move(plan));
  };
  std::vector<std::uint64_t> n_paths;
  for (const int threads : {1, 3}) {
    std::vector<std::uint64_t> counts;
    CHECK(run_points(2, plan_of, {.threads = threads}, [&](std::uint64_t, const PointEnd& end) {
      REQUIRE(end.summary);
      CHECK(end.summary->stop_reason == StopReason::settled);
      counts.push_back(end.summary->stats.n_paths());
    }));
    if (n_paths.empty()) n_paths = counts;
    CHECK(counts == n_paths);
  }
  CHECK(n_paths.at(0) > n_paths.at(1));
}

TEST_CASE("asked to stop, whole points are told and the rest is dropped", "[engine]") {
  std::atomic<bool> stop{false};
  std::vector<std::uint64_t> told;
  const bool is_whole = run_points(
      50, [](std::uint64_t k) { return std::optional(with_build(k, 1500)); }, {.threads = 2, .stop = &stop},
      [&](std::uint64_t k, const PointEnd& end) {
        CHECK(end.summary->stats.n_paths() == 1500);
        told.push_back(k);
        stop = told.size() >= 3;  // those at work when it is asked are told too
      });
  CHECK_FALSE(is_whole);
  REQUIRE(told.size() >= 3);
  CHECK(told.size() < 50);
  for (std::size_t k = 0; k < told.size(); ++k) CHECK(told[k] == k);
}

TEST_CASE("what goes wrong in making a plan ends it all", "[engine]") {
  CHECK_THROWS_AS(run_points(
                      3,
                      [](std::uint64_t k) -> std::optional<plan::Plan> {
                        if (k == 1) throw std::runtime_error("no such plan");
                        return with_build(k, 600);
                      },
                      {.threads = 2}, [](std::uint64_t, const PointEnd&) {}),
                  std::runtime_error);
}
