#include "repoquake/engine/checkpoint.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "fixtures.hpp"
#include "repoquake/core/error.hpp"

namespace repoquake {
namespace {

using engine::RunSummary;
using engine::StateReader;
using engine::StateWriter;

constexpr std::uint64_t kPaths = 4 * 1024 + 300;

plan::Plan small_plan(std::vector<std::string> settings = {}) {
  settings.insert(settings.end(), {"metrics=[{id: a, expr: \"es(max(sofr - iorb), 95 %)\", unit: bp}, "
                                   "{id: b, expr: \"sd(sum(basis_sales))\", unit: bn USD}]",
                                   "output.variables=[spread]", "output.paths=none"});
  return fixtures::september(settings, kPaths);
}

std::string state_of(const RunSummary& summary) {
  StateWriter write;
  write(summary.stats, summary.convergence);  // not the seconds
  return write.take();
}

/// Goes on from a state, if there is one, and keeps those that it is given.
struct Recorder final : engine::Sink {
  std::uint64_t resume(RunSummary& summary) override {
    if (!start) return 0;
    StateReader read(*start);
    read(summary.stats, summary.convergence);
    read.finish();
    return first_path.value_or(summary.stats.n_paths());
  }
  void write(const engine::ChunkResult& chunk) override { written.push_back(chunk.first_path / 1024); }
  void checkpoint(const RunSummary& summary) override { states.push_back(state_of(summary)); }

  std::optional<std::string> start{};
  std::optional<std::uint64_t> first_path{};
  std::vector<std::uint64_t> written{};
  std::vector<std::string> states{};
};

engine::RunOptions often(int threads) {
  return {.threads = threads, .checkpoint_every = std::chrono::duration<double>(0.0)};
}

TEST_CASE("a run that goes on from any of its checkpoints ends with the same bits", "[engine]") {
  const auto plan = small_plan();
  Recorder whole;
  const std::string expected = state_of(engine::run(plan, often(2), whole));
  REQUIRE(whole.states.size() == 5);  // after every chunk
  for (std::size_t k = 0; k < whole.states.size(); ++k) {
    Recorder rest;
    rest.start = whole.states[k];
    const auto summary = engine::run(plan, often(k % 2 == 0 ? 1 : 3), rest);
    CHECK(summary.stop_reason == engine::StopReason::all_paths_done);
    CHECK(state_of(summary) == expected);
    CHECK(rest.written.size() == 4 - k);
    CHECK((rest.written.empty() || rest.written.front() == k + 1));
  }
}

TEST_CASE("chunks that were lost are written again and counted no second time", "[engine]") {
  const auto plan = small_plan();
  Recorder whole;
  const std::string expected = state_of(engine::run(plan, often(2), whole));
  for (const std::uint64_t first : {0U, 1U, 2U}) {
    Recorder rest;
    rest.start = whole.states[2];
    rest.first_path = 1024 * first;
    std::atomic<bool> stop{first == 1};  // even if it is asked to stop: paths and statistics must meet
    auto options = often(3);
    options.stop = &stop;
    const auto summary = engine::run(plan, options, rest);
    if (stop) {
      CHECK(rest.written == std::vector<std::uint64_t>{1, 2});
      CHECK(summary.stop_reason == engine::StopReason::interrupted);
      CHECK(rest.states.back() == whole.states[2]);
    } else {
      CHECK(state_of(summary) == expected);
      CHECK(rest.written.front() == first);
      CHECK(rest.written.back() == 4);
    }
  }
}

TEST_CASE("control: a state with one bit changed does not end with the same bits", "[engine][control]") {
  const auto plan = small_plan();
  Recorder whole, other;
  const std::string expected = state_of(engine::run(plan, often(2), whole));
  other.start = whole.states[1];
  other.start->at(100) = static_cast<char>(other.start->at(100) ^ 1);
  CHECK(state_of(engine::run(plan, often(2), other)) != expected);
}

TEST_CASE("a run that has settled does not go on", "[engine]") {
  const auto plan = small_plan({"simulate.stop={metric: a, half_width: 1000 bp, min_paths: 1500}"});
  Recorder whole;
  const auto summary = engine::run(plan, often(1), whole);
  REQUIRE(summary.stop_reason == engine::StopReason::settled);
  REQUIRE(whole.states.size() == 2);
  Recorder rest;
  rest.start = whole.states.back();
  const auto again = engine::run(plan, often(2), rest);
  CHECK(rest.written.empty());
  CHECK(again.stop_reason == engine::StopReason::settled);
  CHECK(state_of(again) == state_of(summary));
}

TEST_CASE("a time that is over ends a run, but not before a chunk is done", "[engine]") {
  const auto plan = small_plan();
  Recorder recorder;
  auto options = often(1);
  options.deadline = std::chrono::steady_clock::now();
  const auto summary = engine::run(plan, options, recorder);
  CHECK(summary.stop_reason == engine::StopReason::interrupted);
  CHECK(summary.stats.n_paths() >= 1024);
  CHECK(summary.stats.n_paths() < kPaths);
  options.deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
  CHECK(engine::run(plan, options, recorder).stop_reason == engine::StopReason::all_paths_done);
}

TEST_CASE("checkpoints are rare unless they are asked for", "[engine]") {
  Recorder recorder;
  const auto plan = small_plan();
  CHECK(engine::run(plan, {.threads = 2, .checkpoint_every = std::chrono::hours(1)}, recorder).stats.n_paths() ==
        kPaths);
  CHECK(recorder.states.empty());
}

TEST_CASE("bytes that are no state of the run are refused, wherever they end", "[engine]") {
  const auto plan = small_plan();
  Recorder whole;
  static_cast<void>(engine::run(plan, often(2), whole));
  const std::string& state = whole.states[1];
  const auto read = [&](std::string_view bytes, const plan::Plan& of) {
    const auto manifest = engine::manifest_of(of);
    RunSummary summary{.manifest = manifest, .stats = engine::OnlineStats(manifest)};
    StateReader reader(bytes);
    reader(summary.stats, summary.convergence);
    reader.finish();
  };
  CHECK_NOTHROW(read(state, plan));
  for (std::size_t size = 0; size < state.size(); size += 1 + state.size() / 97)
    CHECK_THROWS_AS(read(std::string_view(state).substr(0, size), plan), DataError);
  CHECK_THROWS_AS(read(state + "x", plan), DataError);
  CHECK_THROWS_AS(read(std::string(10'000, '\xFF'), plan), DataError);
  CHECK_THROWS_AS(read(state, fixtures::september({}, 100)), DataError);  // of other variables and metrics
}

}  // namespace
}  // namespace repoquake
