// More threads than processors, little work for each, and delays where they hurt: the same bits, every time.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "unit/engine/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::engine;
using fixtures::september;

namespace {

/// Up to 2 ms, other ones in every call: threads overtake each other at every stage.
void dawdle() {
  static std::atomic<std::uint64_t> calls{0};
  const std::uint64_t mixed = (calls.fetch_add(1) + 1) * 0x9e37'79b9'7f4a'7c15;
  std::this_thread::sleep_for(std::chrono::microseconds(mixed >> 53));
}

class DawdlingSink final : public Sink {
 public:
  void encode(ChunkResult&) const override { dawdle(); }
  void write(const ChunkResult& chunk) override {
    dawdle();
    chunks.push_back(chunk);
  }
  std::vector<ChunkResult> chunks;
};

plan::Plan small_plan(std::uint64_t paths) {
  return september({"output.variables=[sofr]", "output.paths={sample: 300, worst: {count: 7, by: max(sofr - iorb)}}",
                    "expect=[]", "window.end=2019-09-18", "series=null", "policy.repo_operations=[]",
                    "drivers={settlements: {drawn: {}}}", "policy.tga.follow=null", "policy.tga.target=300 bn USD"},
                   paths);
}

constexpr std::uint64_t kPaths = 19 * 1024 + 1;  // the last chunk is one path
constexpr int kThreads = 16;

}  // namespace

TEST_CASE("stress: oversubscribed threads and random delays change no bit", "[engine][stress]") {
  const plan::Plan plan = small_plan(kPaths);
  fixtures::MemorySink alone;
  const RunSummary reference = run(plan, {.threads = 1}, alone);
  for (int round = 0; round < 3; ++round) {
    DawdlingSink sink;
    const RunSummary summary = run(plan, {.threads = kThreads, .on_progress = [](std::uint64_t) { dawdle(); }}, sink);
    REQUIRE(sink.chunks.size() == alone.chunks.size());
    for (std::size_t c = 0; c < sink.chunks.size(); ++c) CHECK(fixtures::same_bytes(sink.chunks[c], alone.chunks[c]));
    for (std::size_t day = 0; day < plan.days.size(); ++day)
      CHECK(summary.stats.moments(0, day) == reference.stats.moments(0, day));
  }
}

TEST_CASE("stress: asked to stop at any moment, whole chunks from the first on are there", "[engine][stress]") {
  const plan::Plan plan = small_plan(kPaths);
  for (int moment = 0; moment < 6; ++moment) {
    std::atomic<bool> stop{false};
    std::jthread watch([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(3 * moment));
      stop = true;
    });
    DawdlingSink sink;
    const RunSummary summary = run(plan, {.threads = kThreads, .stop = &stop}, sink);
    std::uint64_t next = 0;
    for (const ChunkResult& chunk : sink.chunks) {
      CHECK(chunk.first_path == next);
      next += chunk.n_paths;
    }
    CHECK(summary.stats.n_paths() == next);
    CHECK((summary.stop_reason == StopReason::interrupted) == (next < kPaths));
  }
}

TEST_CASE("stress: points share the threads and are told in order", "[engine][stress]") {
  struct Told {
    std::vector<double> peaks;
    std::vector<ChunkResult> chunks;  // of all points, in the order they were shown
  };
  const plan::Plan tiny = small_plan(1), some = small_plan(1500);
  const auto run_all = [&](int threads) {
    Told told;
    const bool is_whole = run_points(
        12,
        [&](std::uint64_t k) {  // points of a single path between others, and two left out
          dawdle();
          return k % 5 == 4 ? std::nullopt : std::optional(k % 3 == 0 ? tiny : some);
        },
        {.threads = threads, .on_progress = [](std::uint64_t) { dawdle(); }},
        [&](std::uint64_t k, const PointEnd& end) {
          CHECK(k == told.peaks.size() + told.peaks.size() / 4);
          told.peaks.push_back(end.summary.value().stats.moments(PathFeature::peak_spread).mean);
        },
        [&](std::uint64_t, const ChunkResult& chunk) {
          dawdle();
          told.chunks.push_back(chunk);
        });
    CHECK(is_whole);
    return told;
  };
  const Told alone = run_all(1);
  REQUIRE(alone.peaks.size() == 10);
  for (int round = 0; round < 3; ++round) {
    const Told told = run_all(kThreads);
    CHECK(told.peaks == alone.peaks);
    REQUIRE(told.chunks.size() == alone.chunks.size());
    for (std::size_t c = 0; c < told.chunks.size(); ++c) CHECK(fixtures::same_bytes(told.chunks[c], alone.chunks[c]));
  }
}

TEST_CASE("stress: a sweep that is asked to stop at any moment has told whole points from the first on",
          "[engine][stress]") {
  constexpr std::uint64_t kPoints = 40;
  const std::vector<plan::Plan> plans = {small_plan(1), small_plan(301), small_plan(1025)};
  for (int moment = 0; moment < 4; ++moment) {
    std::atomic<bool> stop{false};
    std::jthread watch([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5 * moment));
      stop = true;
    });
    std::uint64_t n_told = 0;
    const bool is_whole = run_points(
        kPoints, [&](std::uint64_t k) { return std::optional(plans[k % plans.size()]); },
        {.threads = kThreads, .stop = &stop},
        [&](std::uint64_t k, const PointEnd& end) {
          CHECK(k == n_told++);
          CHECK(end.summary.value().stats.n_paths() == plans[k % plans.size()].n_paths);
          dawdle();
        });
    if (is_whole) CHECK(n_told == kPoints);
  }
}

TEST_CASE("stress: worlds side by side meet chunk by chunk", "[engine][stress]") {
  const std::vector<plan::Plan> plans = {small_plan(5000), small_plan(5000), small_plan(5000)};
  const auto run_all = [&](int threads) {
    std::vector<ChunkResult> told;
    const auto summaries =
        run_together(plans, {.threads = threads, .on_progress = [](std::uint64_t) { dawdle(); }}, [&](auto chunks) {
          dawdle();
          told.insert(told.end(), chunks.begin(), chunks.end());
        });
    CHECK(summaries.size() == plans.size());
    return told;
  };
  const std::vector<ChunkResult> alone = run_all(1), many = run_all(kThreads);
  REQUIRE(many.size() == alone.size());
  for (std::size_t c = 0; c < many.size(); ++c) CHECK(fixtures::same_bytes(many[c], alone[c]));
}
