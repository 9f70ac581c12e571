#include "repoquake/io/result_writer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <thread>

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "repoquake/core/error.hpp"
#include "repoquake/io/result_reader.hpp"
#include "synthetic_run.hpp"

using namespace repoquake;
using Catch::Contains;
using io::ResultWriter;
using test::TemporaryFolder;

namespace {

bool exists(const std::string& path) { return std::filesystem::exists(path); }

/// Every value of the file against the functions that made it.
void check_paths(const std::string& path, const engine::Manifest& m, std::uint64_t n_paths) {
  for (const Variable variable : m.variables) {
    const io::Table table = io::read_table(path, "/paths/" + std::string(spec_of(variable).name));
    REQUIRE(table.rows == n_paths);
    REQUIRE(table.columns == m.n_days());
    for (std::uint64_t p = 0; p < n_paths; ++p)
      for (std::size_t d = 0; d < m.n_days(); ++d) {
        const auto expected = static_cast<double>(test::value_of(variable, p, d));
        if (std::isnan(expected))
          CHECK(std::isnan(table.at(p, d)));
        else
          CHECK(table.at(p, d) == expected);
      }
  }
  for (const char* group : {"/paths", "/summary"}) {
    const auto index = io::read_column(path, std::string(group) + "/path");
    REQUIRE(index.size() == n_paths);
    for (std::uint64_t p = 0; p < n_paths; ++p) CHECK(index[p] == static_cast<double>(p));
  }
  for (const auto& spec : engine::kPathFeatures) {
    const auto column = io::read_column(path, "/summary/" + std::string(spec.name));
    REQUIRE(column.size() == n_paths);
    for (std::uint64_t p = 0; p < n_paths; ++p) CHECK(column[p] == test::feature_of(spec.feature, p));
  }
  const io::Table days_above = io::read_table(path, "/summary/days_above");
  REQUIRE(days_above.rows == n_paths);
  REQUIRE(days_above.columns == 2);
  const auto flags = io::read_column(path, "/summary/flags");
  for (std::uint64_t p = 0; p < n_paths; ++p) {
    CHECK(days_above.at(p, 0) == (p == 0 ? 0 : p == 1 ? 3 : 5));  // 8 p + day + 1/4 above 10
    CHECK(days_above.at(p, 1) == (p < 6 ? 0 : p == 6 ? 3 : 5));   // and above 50
    CHECK(flags[p] == (p % 2 == 0 ? 0 : 16));
  }
}

/// Runs in a child process, where limits and crashes stay. Returns its exit status, or minus the signal.
int in_child(const std::function<int()>& body) {
  std::cout.flush();
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) std::exit(body());  // exit, not _exit: the HDF5 library must come to its end, too
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::vector<std::vector<std::byte>> stored_chunks(const std::string& path, const engine::Manifest& m) {
  const io::File file = io::File::open(path);
  std::vector<std::vector<std::byte>> chunks;
  const io::ResultInfo info = io::read_info(path);
  for (const io::DatasetInfo& dataset : info.datasets) {
    const bool is_per_path = dataset.path.starts_with("/paths/") || dataset.path.starts_with("/summary/");
    if (!is_per_path || dataset.dimensions.front() != "path") continue;
    for (std::uint64_t first = 0; first < m.n_paths; first += m.chunk_paths) {
      const io::Extent offset = dataset.shape.size() == 2 ? io::Extent{first, 0} : io::Extent{first};
      chunks.push_back(file.root().open_dataset(dataset.path).read_chunk(offset));
    }
  }
  return chunks;
}

}  // namespace

TEST_CASE("scores have variables, windows and units, and only a run with observations has them", "[io]") {
  const test::TemporaryFolder folder;
  io::Observed observed = test::small_observed();
  observed.scoring = {.observed = {{Variable::spread, {40.25, test::kNaN, 42.25, 1.0, 44.25}}},
                      .trend_spread = 2.25,
                      .persistence = 0.5};
  const std::string path = folder / "scores.h5";
  {
    ResultWriter writer(test::options(path), test::small_provenance(), observed);
    test::drive(writer, test::small_manifest());
  }
  CHECK(io::read_texts(path, "/scores/variable") == std::vector<std::string>{"spread"});
  CHECK(io::read_texts(path, "/scores/unit") == std::vector<std::string>{"bp"});
  CHECK(io::read_texts(path, "/scores/window") == std::vector<std::string>{"2019-09-13 to 2019-09-18"});
  const auto at = [&](const std::string& name) { return io::read_table(path, "/scores/" + name).at(0, 0); };
  CHECK(at("n_days") == 3.0);
  CHECK(at("crps_persistence") == Approx((2.0 + 39.25 + 4.0) / 3.0));
  CHECK(at("crps_reversion") ==
        Approx((std::abs(11.75 - 42.25) + std::abs(7.0 - 1.0) + std::abs(4.625 - 44.25)) / 3.0));
  CHECK(at("coverage_90") == Approx(2.0 / 3.0));                            // 1.0 is below every path of its day
  CHECK(at("pit_mean") == Approx((6.0 / 11 + 0.5 / 11 + 6.0 / 11) / 3.0));  // one tie, none, one tie
  const auto info = io::read_info(path);
  REQUIRE(info.find("/scores/crps") != nullptr);
  CHECK(info.find("/scores/crps")->dimensions == std::vector<std::string>{"variable", "window"});

  const std::string bare = folder / "bare.h5";
  test::write_small(bare);
  CHECK(io::read_info(bare).find("/scores/crps") == nullptr);
}

TEST_CASE("a result holds the paths, their summary and their days", "[io]") {
  const bool compress = GENERATE(true, false);
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  test::write_small(path, false, compress);
  CHECK_FALSE(exists(io::partial_path(path)));
  check_paths(path, test::small_manifest(), 10);
  CHECK(io::read_column(path, "/paths/time") == std::vector<double>{0, 1, 4, 5, 6});

  const io::ResultInfo info = io::read_info(path);
  CHECK(info.find("/paths/spread")->type == io::ElementType::float32);
  CHECK(info.find("/paths/spread")->dimensions == std::vector<std::string>{"path", "time"});
  CHECK(info.find("/paths/spread")->units == "bp");
  CHECK(info.find("/paths/reserves")->units == "1e9 USD");
  CHECK(info.find("/paths/time")->units == "days since 2019-09-12");
  CHECK(info.find("/summary/peak_day")->type == io::ElementType::int32);
  CHECK(info.find("/summary/peak_day")->units == "days since 2019-09-12");
  CHECK(info.find("/summary/days_above")->type == io::ElementType::int16);
  CHECK(info.find("/summary/flags")->type == io::ElementType::uint32);

  const io::File file = io::File::open(path);
  CHECK(file.root().open_dataset("/paths/standing_repo_rate").read_numbers(9, 1) ==
        std::vector<double>(5, static_cast<double>(io::kFloatFill)));
  CHECK(file.root().open_dataset("/summary/flags").attributes().text("flag_meanings")->starts_with("no_clearing "));
}

TEST_CASE("statistics stand in the file with their errors", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const engine::RunSummary summary = test::write_small(path);
  const auto mean = io::read_column(path, "/stats/reserves_mean");
  const auto error = io::read_column(path, "/stats/reserves_mean_se");
  const auto sd = io::read_column(path, "/stats/reserves_sd");
  REQUIRE(mean.size() == 5);
  for (std::size_t day = 0; day < 5; ++day) {
    const double shift = 0.125 * static_cast<double>(day);
    CHECK(mean[day] == Approx(1400.0 - 13.5 - shift));
    CHECK(sd[day] == Approx(3.0 * std::sqrt(82.5 / 9.0)));  // of 0..9, n - 1
    CHECK(error[day] == Approx(sd[day] / std::sqrt(10.0)));
    CHECK(io::read_column(path, "/stats/reserves_min")[day] == 1373.0 - shift);
    CHECK(io::read_column(path, "/stats/reserves_max")[day] == 1400.0 - shift);
  }
  const io::Table quantile = io::read_table(path, "/stats/spread_quantile");
  const io::Table lo = io::read_table(path, "/stats/spread_quantile_lo");
  const io::Table hi = io::read_table(path, "/stats/spread_quantile_hi");
  REQUIRE(quantile.rows == 3);
  REQUIRE(quantile.columns == 5);
  for (std::size_t q = 0; q < 3; ++q)
    for (std::size_t day = 0; day < 5; ++day) {
      const auto expected = summary.stats.quantile(0, day, summary.manifest.quantiles[q]);
      CHECK(quantile.at(q, day) == expected.value);
      CHECK(lo.at(q, day) == expected.lo);
      CHECK(hi.at(q, day) == expected.hi);
    }
  const io::Table exceed = io::read_table(path, "/stats/spread_exceed");
  CHECK(exceed.at(0, 0) == 0.8);  // paths 2 to 9 are above 10 bp on day 0
  CHECK(exceed.at(1, 0) == 0.3);
  CHECK(io::read_table(path, "/stats/spread_exceed_se").at(0, 0) == summary.stats.exceedance(0, 0).standard_error());
  CHECK(io::read_column(path, "/stats/threshold") == std::vector<double>{10, 50});
  CHECK(io::read_column(path, "/stats/quantile") == std::vector<double>{0.05, 0.5, 0.95});
  CHECK(io::read_texts(path, "/stats/flag").at(4) == "forced_sales");
  CHECK(io::read_column(path, "/stats/flag_days").at(4) == 15);
  CHECK(io::read_column(path, "/stats/flag_paths").at(4) == 5);

  for (const char* statistic : {"mean", "mean_se", "sd", "min", "max"})  // a facility that does not exist
    for (const double value : io::read_column(path, std::string("/stats/standing_repo_rate_") + statistic))
      CHECK(std::isnan(value));
  CHECK(std::isnan(io::read_table(path, "/stats/standing_repo_rate_quantile").at(2, 4)));

  const auto features = io::read_texts(path, "/features/feature");
  REQUIRE(features.size() == engine::kPathFeatureCount);
  CHECK(features.at(6) == "trough_reserves");
  CHECK(io::read_texts(path, "/features/unit").at(6) == "1e9 USD");
  CHECK(io::read_column(path, "/features/mean").at(6) == Approx(600.0 + 4.5 / 7.0));
  CHECK(io::read_table(path, "/features/value_quantile").at(1, 6) ==
        summary.stats.quantile(engine::PathFeature::trough_reserves, 0.5).value);

  const auto observed = io::read_column(path, "/observed/sofr");
  CHECK(observed[2] == 5.25);
  CHECK(std::isnan(observed[3]));
}

namespace {

/// Where rules act, peaks have thresholds and the satellite speaks.
engine::Manifest full_manifest() {
  engine::Manifest m = test::small_manifest();
  m.has_rules = true;
  m.drawn = "settlements are";
  m.peak_thresholds = {0.5, 75.0, 1300.5};
  m.transmission = {{.name = "high_yield_spread",
                     .unit = "bp",
                     .long_name = "spread of high-yield bonds",
                     .coefficient = 0.4,
                     .low = 0.1,
                     .high = 0.8,
                     .opening_spread = 2.25},
                    {.name = "equity_volatility",
                     .unit = "index points",
                     .long_name = "equity-volatility index",
                     .coefficient = -0.05,
                     .low = -0.1,
                     .high = 0.0,
                     .opening_spread = 2.25}};
  return m;
}

engine::RunSummary write_full(const std::string& path, const engine::Manifest& m,
                              std::uint64_t chunks = ~std::uint64_t{0}) {
  ResultWriter writer(test::options(path), test::small_provenance(), test::small_observed());
  return test::drive(writer, m, chunks);
}

/// Every numeric value of a dataset, row by row.
std::vector<double> numbers_of(const std::string& path, const io::DatasetInfo& dataset) {
  return dataset.shape.size() == 1 ? io::read_column(path, dataset.path) : io::read_table(path, dataset.path).values;
}

bool same_numbers(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::equal(a, b, [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

}  // namespace

TEST_CASE("events stand by path and day, and only where policy has rules", "[io]") {
  const TemporaryFolder folder;
  const engine::Manifest m = full_manifest();
  write_full(folder / "a.h5", m);
  const auto check = [&](const std::string& path, std::uint64_t n_paths) {
    const io::Table events = io::read_table(path, "/summary/events");
    REQUIRE(events.rows == n_paths);
    REQUIRE(events.columns == m.n_days());
    for (std::uint64_t p = 0; p < n_paths; ++p)
      for (std::size_t d = 0; d < m.n_days(); ++d) CHECK(events.at(p, d) == test::event_of(p, d));
    CHECK(io::read_column(path, "/summary/time") == std::vector<double>{0, 1, 4, 5, 6});
    check_paths(path, m, n_paths);  // all else is as without rules
  };
  check(folder / "a.h5", 10);
  const io::ResultInfo info = io::read_info(folder / "a.h5");
  CHECK(info.find("/summary/events")->type == io::ElementType::uint32);
  CHECK(info.find("/summary/events")->dimensions == std::vector<std::string>{"path", "time"});
  const io::File file = io::File::open(folder / "a.h5");
  const auto events = file.root().open_dataset("/summary/events");
  CHECK_THAT(*events.attributes().text("flag_meanings"), Contains("runoff_stop") && Contains("rate_adjustment"));
  CHECK(*file.root().attributes().text("drawn") == "settlements are drawn");

  write_full(folder / "b.h5", m, 2);  // interrupted after two chunks
  check(io::partial_path(folder / "b.h5"), 8);

  test::write_small(folder / "c.h5");
  const io::ResultInfo bare = io::read_info(folder / "c.h5");
  CHECK(bare.find("/summary/events") == nullptr);
  CHECK(bare.find("/summary/time") == nullptr);

  engine::Manifest unstored = m;
  unstored.stored = {};
  write_full(folder / "d.h5", unstored);
  CHECK(io::read_info(folder / "d.h5").find("/summary/events") == nullptr);
}

TEST_CASE("peaks above their thresholds stand among the features with errors", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const auto summary = write_full(path, full_manifest());
  CHECK(io::read_column(path, "/features/threshold") == std::vector<double>{0.5, 75.0, 1300.5});
  CHECK(io::read_column(path, "/stats/threshold") == std::vector<double>{10.0, 50.0});
  // Path p has a peak of p/7 over IORB and of 1300 + p/7 over EFFR.
  CHECK(io::read_column(path, "/features/peak_spread_exceed") == std::vector<double>{0.6, 0.0, 0.0});
  CHECK(io::read_column(path, "/features/peak_sofr_over_effr_exceed") == std::vector<double>{1.0, 1.0, 0.6});
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(io::read_column(path, "/features/peak_spread_exceed_se")[k] ==
          summary.stats.peak_exceedance(k).standard_error());
    CHECK(io::read_column(path, "/features/peak_sofr_over_effr_exceed_se")[k] ==
          summary.stats.peak_over_effr_exceedance(k).standard_error());
  }
  const io::ResultInfo info = io::read_info(path);
  CHECK(info.find("/features/threshold")->units == "bp");
  CHECK(info.find("/features/peak_spread_exceed")->dimensions == std::vector<std::string>{"threshold"});

  write_full(folder / "b.h5", full_manifest(), 0);  // without a path there is no share
  CHECK(io::read_info(io::partial_path(folder / "b.h5")).find("/features/peak_spread_exceed") == nullptr);
}

TEST_CASE("the satellite stands in a group of its own and changes no other dataset", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5", bare = folder / "b.h5";
  const engine::Manifest m = full_manifest();
  const auto summary = write_full(path, m);
  CHECK(io::read_texts(path, "/transmission/target") ==
        std::vector<std::string>{"high_yield_spread", "equity_volatility"});
  CHECK(io::read_texts(path, "/transmission/unit") == std::vector<std::string>{"bp", "index points"});
  CHECK(io::read_column(path, "/transmission/coefficient") == std::vector<double>{0.4, -0.05});
  CHECK(io::read_column(path, "/transmission/coefficient_low") == std::vector<double>{0.1, -0.1});
  CHECK(io::read_column(path, "/transmission/coefficient_high") == std::vector<double>{0.8, 0.0});
  const io::ResultInfo info = io::read_info(path);
  REQUIRE(info.find("/transmission/response") != nullptr);
  CHECK(info.find("/transmission/response")->dimensions == std::vector<std::string>{"target", "quantile", "time"});
  const auto response =
      io::File::open(path).root().open_dataset("/transmission/response").read_numbers(0, m.transmission.size());
  REQUIRE(response.size() == 2 * 3 * 5);
  for (std::size_t t = 0; t < 2; ++t)
    for (std::size_t q = 0; q < 3; ++q)
      for (std::size_t day = 0; day < 5; ++day)
        CHECK(response[(t * 3 + q) * 5 + day] ==
              Approx((t == 0 ? 0.4 : -0.05) * (summary.stats.quantile(0, day, m.quantiles[q]).value - 2.25)));

  engine::Manifest without = m;
  without.transmission.clear();
  write_full(bare, without);
  const io::ResultInfo other = io::read_info(bare);
  CHECK(std::ranges::find(other.groups, "/transmission") == other.groups.end());
  std::size_t compared = 0;
  for (const io::DatasetInfo& dataset : info.datasets) {
    if (dataset.path.starts_with("/transmission/")) continue;
    INFO(dataset.path);
    REQUIRE(other.find(dataset.path) != nullptr);
    CHECK(other.find(dataset.path)->shape == dataset.shape);
    if (dataset.type == io::ElementType::text) continue;
    CHECK(same_numbers(numbers_of(path, dataset), numbers_of(bare, *other.find(dataset.path))));
    ++compared;
  }
  CHECK(compared > 60);
  const auto satellite =
      std::ranges::count_if(info.datasets, [](const auto& d) { return d.path.starts_with("/transmission/"); });
  CHECK(info.datasets.size() == other.datasets.size() + static_cast<std::size_t>(satellite));
  CHECK(stored_chunks(path, m) == stored_chunks(bare, without));
}

TEST_CASE("one path has no error, and says so", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  engine::Manifest m = test::small_manifest();
  m.n_paths = 1;
  ResultWriter writer(test::options(path), test::small_provenance(), {});
  test::drive(writer, m);
  CHECK(io::read_column(path, "/stats/spread_mean")[0] == 0.25);
  CHECK(std::isnan(io::read_column(path, "/stats/spread_mean_se")[0]));
  CHECK(std::isnan(io::read_column(path, "/stats/spread_sd")[0]));
  check_paths(path, m, 1);  // a chunk is never longer than the run
  CHECK(io::read_info(path).find("/observed/time") == nullptr);
}

TEST_CASE("without stored paths there are statistics only", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  engine::Manifest m = test::small_manifest();
  m.stored = {};
  m.quantiles.clear();
  m.thresholds.clear();
  ResultWriter writer(test::options(path), test::small_provenance(), test::small_observed());
  engine::ChunkResult chunk = test::make_chunk(m, 0);
  test::drive(writer, m);
  writer.encode(chunk);
  CHECK(chunk.encoded.empty());
  const io::ResultInfo info = io::read_info(path);
  CHECK(info.groups == std::vector<std::string>{"/provenance", "/stats", "/features", "/convergence", "/observed"});
  CHECK(info.find("/stats/spread_mean") != nullptr);
  CHECK(info.find("/stats/spread_exceed") == nullptr);
  CHECK(info.n_paths == 10);
}

TEST_CASE("an existing result is replaced with force only, and by a complete one only", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  test::spill(path, "precious");
  CHECK_THROWS_WITH(io::check_output(path, false), Contains("a.h5: exists; --force replaces it"));
  CHECK_THROWS_AS(test::write_small(path), IoError);
  CHECK(test::slurp(path) == "precious");
  CHECK_FALSE(exists(io::partial_path(path)));

  SECTION("an interrupted run leaves it") {
    ResultWriter writer(test::options(path, true), test::small_provenance(), test::small_observed());
    test::drive(writer, test::small_manifest(), 2);
    CHECK(test::slurp(path) == "precious");
    const std::string partial = io::partial_path(path);
    const io::ResultInfo info = io::read_info(partial);
    CHECK(info.status == "interrupted");
    CHECK(info.stop_reason == "interrupted");
    CHECK(info.is_partial);
    CHECK(info.n_paths == 8);
    check_paths(partial, test::small_manifest(), 8);
    CHECK(io::read_column(partial, "/stats/spread_max")[0] == 56.25);  // statistics of these 8
  }
  SECTION("a complete one replaces it, and a stale partial one") {
    test::spill(io::partial_path(path), "stale");
    test::write_small(path, true);
    CHECK(io::read_info(path).status == "complete");
    CHECK_FALSE(exists(io::partial_path(path)));
    test::write_small(path, true);
  }
  SECTION("a target that appears during the run is not replaced") {
    std::filesystem::remove(path);
    ResultWriter writer(test::options(path), test::small_provenance(), test::small_observed());
    const engine::Manifest m = test::small_manifest();
    engine::RunSummary summary{.manifest = m, .stats = engine::OnlineStats(m)};
    writer.begin(m);
    for (std::uint64_t k = 0; k < test::chunk_count(m); ++k) {
      engine::ChunkResult chunk = test::make_chunk(m, k);
      writer.encode(chunk);
      summary.stats.absorb(chunk);
      writer.write(chunk);
    }
    test::spill(path, "another's");
    CHECK_THROWS_WITH(writer.end(summary), Contains("appeared during the run"));
    CHECK(test::slurp(path) == "another's");
    CHECK(io::read_info(io::partial_path(path)).status == "complete");
  }
}

TEST_CASE("a run interrupted before its first chunk leaves a readable file", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  ResultWriter writer(test::options(path), test::small_provenance(), test::small_observed());
  test::drive(writer, test::small_manifest(), 0);
  CHECK_FALSE(exists(path));
  const io::ResultInfo info = io::read_info(io::partial_path(path));
  CHECK(info.n_paths == 0);
  CHECK(info.find("/paths/spread")->shape == io::Extent{0, 5});
  CHECK(std::isnan(io::read_column(io::partial_path(path), "/stats/spread_mean")[0]));
}

TEST_CASE("a writer destroyed before its end leaves a partial result that says so", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  {
    ResultWriter writer(test::options(path), test::small_provenance(), {});
    const engine::Manifest m = test::small_manifest();
    writer.begin(m);
    engine::ChunkResult chunk = test::make_chunk(m, 0);
    writer.encode(chunk);
    writer.write(chunk);
    ResultWriter other(test::options(path), test::small_provenance(), {});
    CHECK_THROWS_WITH(other.begin(m), Contains("being written by a running process"));
  }
  CHECK_FALSE(exists(path));
  const io::ResultInfo info = io::read_info(io::partial_path(path));
  CHECK(info.status == "incomplete");
  CHECK(info.is_partial);
  CHECK(info.n_paths == 4);
  CHECK(info.provenance.resolved_scenario == test::small_provenance().resolved_scenario);
  check_paths(io::partial_path(path), test::small_manifest(), 4);
}

TEST_CASE("a killed writer leaves a partial result that says what it was", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const int status = in_child([&] {
    ResultWriter writer(test::options(path), test::small_provenance(), {});
    const engine::Manifest m = test::small_manifest();
    writer.begin(m);
    engine::ChunkResult chunk = test::make_chunk(m, 0);
    writer.encode(chunk);
    writer.write(chunk);
    return std::raise(SIGKILL);
  });
  CHECK(status == -SIGKILL);
  CHECK_FALSE(exists(path));
  const io::ResultInfo info = io::read_info(io::partial_path(path));
  CHECK(info.status == "incomplete");
  CHECK(info.scenario_name == "synthetic");
  CHECK(info.find("/paths/spread")->shape == io::Extent{10, 5});
}

TEST_CASE("a full disk is an IoError with its cause and costs no earlier result", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  test::spill(path, "precious");
  // From "fails in begin" to "fails while closing": every size below that of the whole file.
  const rlim_t whole = [&] {
    test::write_small(folder / "whole.h5");
    return static_cast<rlim_t>(std::filesystem::file_size(folder / "whole.h5"));
  }();
  const std::array<rlim_t, 8> limits{0, 1, 700, 5000, whole / 4, whole / 2, whole - 5000, whole - 1};
  for (const rlim_t limit : limits) {
    INFO("limit " << limit << " of " << whole);
    const int status = in_child([&] {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit size{limit, limit};
      if (::setrlimit(RLIMIT_FSIZE, &size) != 0) return 1;
      try {
        test::write_small(path, true);
      } catch (const IoError& error) {
        const std::string text = error.what();
        return text.find("a.h5.partial: cannot write") == std::string::npos ? 2
               : text.find("File too large") == std::string::npos           ? 3
                                                                            : 74;
      }
      return 0;
    });
    CHECK(status == 74);
    CHECK(test::slurp(path) == "precious");
  }
  test::write_small(path, true);  // the torn partial is in nobody's way
  CHECK(io::read_info(path).status == "complete");
}

TEST_CASE("the output is checked before simulating", "[io]") {
  const TemporaryFolder folder;
  CHECK_NOTHROW(io::check_output(folder / "new.h5", false));
  CHECK_FALSE(exists(folder / "new.h5"));
  CHECK_THROWS_WITH(io::check_output(folder / "no/a.h5", true), Contains("there is no folder"));
  CHECK_THROWS_WITH(io::check_output(folder.name(), true), Contains("is a folder"));
  CHECK_THROWS_WITH(io::check_output("/dev/null", true), Contains("is not a regular file"));
  CHECK_THROWS_AS(io::check_output("", true), IoError);
  CHECK_THROWS_AS(io::check_output(folder / "sub/", true), IoError);
  test::spill(folder / "file", "");
  CHECK_THROWS_AS(io::check_output(folder / "file/a.h5", true), IoError);
  CHECK_NOTHROW(io::check_output(folder / "file", true));
  std::filesystem::create_directory(folder / "b.h5.partial");
  CHECK_THROWS_AS(io::check_output(folder / "b.h5", false), IoError);
  if (::geteuid() != 0) {  // root may write everywhere
    REQUIRE(::chmod(folder.name().c_str(), 0500) == 0);
    CHECK_THROWS_WITH(io::check_output(folder / "c.h5", false), Contains("Permission denied"));
    REQUIRE(::chmod(folder.name().c_str(), 0700) == 0);
  }
}

TEST_CASE("stored chunks depend neither on the order of encoding nor on threads or host", "[io]") {
  const TemporaryFolder folder;
  const engine::Manifest m = test::small_manifest();
  test::write_small(folder / "a.h5");
  {
    io::Provenance elsewhere = test::small_provenance();
    elsewhere.host = "another host with a longer name";
    elsewhere.command_line.emplace_back("--threads=7");
    ResultWriter writer(test::options(folder / "b.h5"), elsewhere, test::small_observed());
    engine::RunSummary summary{.manifest = m, .stats = engine::OnlineStats(m), .threads = 7};
    writer.begin(m);
    std::vector<engine::ChunkResult> chunks;
    for (std::uint64_t k = 0; k < test::chunk_count(m); ++k) chunks.push_back(test::make_chunk(m, k));
    std::vector<std::thread> threads;
    for (auto chunk = chunks.rbegin(); chunk != chunks.rend(); ++chunk)
      threads.emplace_back([&writer, chunk] { writer.encode(*chunk); });
    for (std::thread& thread : threads) thread.join();
    for (const engine::ChunkResult& chunk : chunks) {
      summary.stats.absorb(chunk);
      writer.write(chunk);
    }
    writer.end(summary);
  }
  const auto a = stored_chunks(folder / "a.h5", m);
  CHECK(a.size() == 3 * (4 + 1 + engine::kPathFeatureCount + 2));
  CHECK(a == stored_chunks(folder / "b.h5", m));

  engine::Manifest longer = m;  // the check can fail
  longer.n_paths = longer.stored.sample = 12;
  ResultWriter writer(test::options(folder / "c.h5"), test::small_provenance(), {});
  test::drive(writer, longer);
  CHECK(a != stored_chunks(folder / "c.h5", longer));
}

TEST_CASE("two runs differ in their birthday only", "[io]") {
  const TemporaryFolder folder;
  std::array<std::string, 2> bytes;
  for (std::string& content : bytes) {
    const std::string path = folder / (&content == bytes.data() ? "a.h5" : "b.h5");
    test::write_small(path);
    const std::string created = io::read_info(path).created;
    REQUIRE(created.size() == 20);
    content = test::slurp(path);
    const auto at = content.find(created);
    REQUIRE(at != std::string::npos);
    content.replace(at, created.size(), created.size(), '-');
  }
  CHECK(bytes[0] == bytes[1]);
}
