#include "repoquake/io/result_reader.hpp"

#include <catch2/catch.hpp>

#include "repoquake/core/error.hpp"
#include "synthetic_run.hpp"

using namespace repoquake;
using Catch::Contains;
using test::TemporaryFolder;

TEST_CASE("a result says what it is and where it comes from", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  test::write_small(path);
  const io::ResultInfo info = io::read_info(path);
  CHECK(info.path == path);
  CHECK(info.file_bytes == std::filesystem::file_size(path));
  CHECK(info.format == "repoquake/result/1");
  CHECK(info.title == "A synthetic run – not a forecast");
  CHECK(info.created.size() == 20);
  CHECK(info.created.back() == 'Z');
  CHECK(info.status == "complete");
  CHECK(info.stop_reason == "all_paths_done");
  CHECK_FALSE(info.is_partial);
  CHECK(info.is_conditional);
  CHECK(info.scenario_name == "synthetic");
  CHECK(info.seed == 0xFFFF'FFFF'FFFF'FFFEU);
  CHECK(info.n_paths == 10);
  CHECK(info.seconds == 1.5);
  CHECK(info.threads == 3);
  CHECK(info.groups == std::vector<std::string>{"/provenance", "/paths", "/summary", "/stats", "/features",
                                                "/convergence", "/observed"});

  const io::Provenance expected = test::small_provenance();
  CHECK(info.provenance.resolved_scenario == expected.resolved_scenario);
  CHECK(info.provenance.scenario_sha256 == expected.scenario_sha256);
  CHECK(info.provenance.overrides == expected.overrides);
  CHECK(info.provenance.command_line == expected.command_line);
  REQUIRE(info.provenance.inputs.size() == 2);
  CHECK(info.provenance.inputs[1].role == "series");
  CHECK(info.provenance.inputs[1].path == "data/s.csv");
  CHECK(info.provenance.inputs[1].sha256 == std::string(64, 'c'));
  CHECK(info.provenance.build == expected.build);
  CHECK(info.provenance.instruction_set == expected.instruction_set);
  CHECK(info.provenance.host == expected.host);
  CHECK(info.provenance.rng == "philox4x32-10");
  CHECK(info.provenance.program_version == expected.program_version);
  CHECK(info.provenance.git_describe == expected.git_describe);

  for (const io::DatasetInfo& dataset : info.datasets) {  // every dimension has its coordinate, every dataset its text
    INFO(dataset.path);
    for (const std::string& dimension : dataset.dimensions) CHECK_FALSE(dimension.empty());
    CHECK(dataset.dimensions.size() == dataset.shape.size());
    CHECK_FALSE(dataset.long_name.empty());
    CHECK(dataset.type != io::ElementType::other);
  }
  CHECK(info.find("/stats/spread_quantile")->dimensions == std::vector<std::string>{"quantile", "time"});
  CHECK(info.find("/nowhere") == nullptr);
}

TEST_CASE("a table is read whole or by rows", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  test::write_small(path);
  const io::Table rows = io::read_table(path, "/paths/spread", 3, 2);
  REQUIRE(rows.rows == 2);
  REQUIRE(rows.columns == 5);
  CHECK(rows.at(1, 4) == 36.25);
  CHECK_THROWS_AS(io::read_table(path, "/paths/spread", 9, 2), DataError);
  CHECK_THROWS_WITH(io::read_table(path, "/paths/spread", 0, ~std::uint64_t{0}), Contains("too large"));
  CHECK_THROWS_WITH(io::read_table(path, "/paths/path"), Contains("has 1 dimensions, not 2"));
  CHECK_THROWS_WITH(io::read_column(path, "/paths/spread"), Contains("has 2 dimensions, not 1"));
  CHECK_THROWS_WITH(io::read_column(path, "/paths/nothing"), Contains("has no readable dataset /paths/nothing"));
  CHECK_THROWS_AS(io::read_column(path, "/stats"), DataError);
  CHECK_THROWS_AS(io::read_column(path, "/stats/flag"), DataError);
  CHECK_THROWS_AS(io::read_texts(path, "/stats/time"), DataError);
}

TEST_CASE("files that are not our results are refused with the reason", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const auto write_format = [&](std::string_view format) {
    io::File file = io::File::create(path);
    if (!format.empty()) file.root().attributes().set("format", format);
    file.close();
  };
  SECTION("foreign HDF5") {
    write_format("");
    CHECK_THROWS_WITH(io::read_info(path), Contains("a.h5: not a repoquake result: an HDF5 file without"));
  }
  SECTION("another format") {
    write_format("repoquake/scenario/1");
    CHECK_THROWS_WITH(io::read_info(path), Contains("format is \"repoquake/scenario/1\""));
  }
  SECTION("no number") {
    write_format("repoquake/result/1beta");
    CHECK_THROWS_AS(io::read_column(path, "/stats/spread_mean"), DataError);
  }
  SECTION("newer") {
    write_format("repoquake/result/2");
    CHECK_THROWS_WITH(io::read_info(path), Contains("made by a newer repoquake: repoquake/result/2"));
    CHECK_THROWS_AS(io::read_info(path), DataError);
  }
  SECTION("not HDF5") {
    test::spill(path, "date,tga_usd_bn\n");
    CHECK_THROWS_WITH(io::read_info(path), Contains("not a repoquake result: not an HDF5 file"));
  }
  SECTION("missing") { CHECK_THROWS_AS(io::read_info(path), IoError); }
}

TEST_CASE("a truncated result is refused wherever it was cut", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  test::write_small(path);
  const std::string whole = test::slurp(path);
  for (std::size_t size :
       {std::size_t{9}, std::size_t{47}, std::size_t{48}, std::size_t{1000}, whole.size() / 2, whole.size() - 1}) {
    INFO(size);
    test::spill(path, whole.substr(0, size));
    CHECK_THROWS_AS(io::read_info(path), DataError);
    CHECK_THROWS_WITH(io::read_info(path), Contains(size >= 48 ? "truncated" : "a.h5: "));
  }
}

// Where the library keeps checksums: in superblock and object headers. Damage in its heaps it does not notice.
TEST_CASE("a damaged header is a DataError", "[io]") {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  test::write_small(path);
  const std::string whole = test::slurp(path);
  const std::size_t root = whole.find("OHDR");
  REQUIRE(root != std::string::npos);
  for (const std::size_t at : {std::size_t{30}, root}) {
    INFO(at);
    std::string torn = whole;
    torn[at] = static_cast<char>(torn[at] ^ 0x5a);
    test::spill(path, torn);
    CHECK_THROWS_AS(io::read_info(path), DataError);
    CHECK_THROWS_WITH(io::read_info(path), Contains("a.h5: damaged"));
  }
}
