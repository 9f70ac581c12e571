#include "repoquake/engine/path_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <catch2/catch.hpp>

#include "repoquake/engine/simulate_block.hpp"
#include "unit/engine/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::engine;
using fixtures::september;

namespace {

const std::vector<std::string> kWorst{"output.paths={sample: 100, worst: {count: 40, by: max(sofr - iorb)}}",
                                      "expect=[]"};

/// A chunk with nothing but ranks and the least that a row needs.
ChunkResult ranked(const Manifest& m, std::uint64_t first, std::vector<double> ranks) {
  ChunkResult c;
  c.first_path = first;
  c.n_paths = static_cast<std::uint32_t>(ranks.size());
  c.features.assign(kPathFeatureCount * ranks.size(), 0.0);
  c.flags.assign(ranks.size(), 0);
  c.ranks = std::move(ranks);
  (void)m;
  return c;
}

std::vector<std::uint64_t> paths_of(const std::vector<PathRow>& rows) {
  std::vector<std::uint64_t> paths;
  for (const auto& row : rows) paths.push_back(row.path);
  return paths;
}

}  // namespace

TEST_CASE("the worst paths are those with the largest ranks, the lower index first among equals", "[engine]") {
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  Manifest m;
  m.stored = {.sample = 0, .worst = 3};
  WorstPaths worst(m);
  worst.absorb(ranked(m, 0, {5.0, kNothing, 7.0, 7.0}));
  worst.absorb(ranked(m, 4, {7.0, 6.0, 9.0, -1.0}));
  CHECK(paths_of(worst.take()) == std::vector<std::uint64_t>{2, 3, 6});
  CHECK(worst.take().empty());
}

TEST_CASE("fewer paths with a rank than asked for are all kept", "[engine]") {
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  Manifest m;
  m.stored = {.sample = 0, .worst = 30};
  WorstPaths worst(m);
  worst.absorb(ranked(m, 0, {kNothing, -2.0, kNothing}));
  CHECK(paths_of(worst.take()) == std::vector<std::uint64_t>{1});
  m.stored.worst = 0;
  WorstPaths none(m);
  none.absorb(ranked(m, 0, {1.0}));
  CHECK(none.take().empty());
}

TEST_CASE("a row holds what its chunk holds of the path, and rows gathered again are that chunk", "[engine]") {
  const auto plan = september(fixtures::with_rules(kWorst), 300);
  const Manifest m = manifest_of(plan);
  BlockWorkspace work(plan);
  const ChunkResult chunk = simulate_chunk(plan, m, 0, work);
  std::vector<PathRow> rows;
  for (std::size_t lane = 0; lane < chunk.n_paths; ++lane) rows.push_back(row_of(m, chunk, lane));
  const ChunkResult again = gather(m, rows);
  CHECK(again.n_paths == chunk.n_paths);
  CHECK(fixtures::same_bytes(again.paths, chunk.paths));
  CHECK(fixtures::same_bytes(again.features, chunk.features));
  CHECK(fixtures::same_bytes(again.days_above, chunk.days_above));
  CHECK(fixtures::same_bytes(again.flags, chunk.flags));
  CHECK(fixtures::same_bytes(again.events, chunk.events));
  CHECK(fixtures::same_bytes(again.ranks, chunk.ranks));
  std::vector<std::uint64_t> indices(chunk.n_paths);
  std::iota(indices.begin(), indices.end(), std::uint64_t{0});
  CHECK(again.indices == indices);
}

TEST_CASE("ranks are the expression's values, and beyond the sample whole paths are made only where some may be worst",
          "[engine]") {
  const auto plan = september(kWorst, 2000);
  fixtures::MemorySink sink;
  (void)run(plan, {.threads = 2}, sink);
  for (const auto& chunk : sink.chunks) {
    REQUIRE(chunk.ranks.size() == chunk.n_paths);
    const auto peaks = chunk.feature(PathFeature::peak_spread);
    for (std::size_t i = 0; i < chunk.n_paths; ++i) CHECK(std::fabs(chunk.ranks[i] - peaks[i]) < 1e-9);  // bp
    CHECK_FALSE(chunk.paths.empty());
  }
  fixtures::MemorySink sampled;
  (void)run(september({"output.paths={sample: 100}", "expect=[]"}, 2000), {.threads = 2}, sampled);
  CHECK_FALSE(sampled.chunks.front().paths.empty());
  CHECK(sampled.chunks.back().paths.empty());
  CHECK(sampled.chunks.back().ranks.empty());
}
