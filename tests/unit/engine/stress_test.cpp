// More threads than processors, little work for each, and delays where they hurt: the same bits, every time.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

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
  const auto peaks = [](int threads) {
    std::vector<double> told;
    const bool is_whole = run_points(
        12, [](std::uint64_t k) { return std::optional(small_plan(k % 3 == 0 ? 1 : 1500)); },
        {.threads = threads, .on_progress = [](std::uint64_t) { dawdle(); }},
        [&](std::uint64_t k, const PointEnd& end) {
          CHECK(k == told.size());
          told.push_back(end.summary.value().stats.moments(PathFeature::peak_spread).mean);
        },
        [](std::uint64_t, const ChunkResult&) { dawdle(); });
    CHECK(is_whole);
    return told;
  };
  CHECK(peaks(kThreads) == peaks(1));
}
