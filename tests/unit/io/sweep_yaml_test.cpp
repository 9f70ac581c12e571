#include "repoquake/io/sweep_yaml.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/io/digest.hpp"
#include "repoquake/scenario/validate.hpp"

namespace fs = std::filesystem;
namespace io = repoquake::io;
namespace scenario = repoquake::scenario;
using repoquake::scenario::NeedRule;

namespace {

const fs::path kSource{REPOQUAKE_SOURCE_DIR};
const std::string kBase = (kSource / "tests" / "reject" / "parents" / "minimal.yaml").string();
const std::string kSeptember = (kSource / "scenarios" / "sep_2019.yaml").string();

/// A folder of files that goes away with the test.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("repoquake_sweep_test_" + std::to_string(std::random_device{}()))) {
    fs::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  /// A sweep over the base that the text goes on with.
  [[nodiscard]] io::LoadedSweep sweep(const std::string& text, const io::LoadOptions& options = {},
                                      const std::string& base = kBase) const {
    const std::string head = "format: repoquake/sweep/1\nname: test\nbase: " + base + "\n";
    return io::load_sweep(write("sweep.yaml", head + text), options);
  }

 private:
  fs::path path_;
};

/// Without complaints.
io::LoadedSweep good(io::LoadedSweep loaded) {
  INFO(loaded.diagnostics.render());
  CHECK_FALSE(loaded.diagnostics.has_errors());
  return loaded;
}

std::vector<std::string> values_of(const io::LoadedSweep& loaded, std::size_t key) {
  std::vector<std::string> values;
  for (std::size_t i = 0; i < loaded.points.size(); ++i)
    values.push_back(io::sweep_point(loaded, i).settings.at(key).value);
  return values;
}

std::vector<double> numbers_of(const io::LoadedSweep& loaded, std::size_t key) {
  std::vector<double> numbers;
  for (std::size_t i = 0; i < loaded.points.size(); ++i) numbers.push_back(io::sweep_point(loaded, i).numbers.at(key));
  return numbers;
}

std::vector<std::string> hashes_of(const io::LoadedSweep& loaded) {
  std::vector<std::string> hashes;
  for (std::size_t i = 0; i < loaded.points.size(); ++i) hashes.push_back(io::point_hash(io::load_point(loaded, i)));
  return hashes;
}

const scenario::Shock& shock(const scenario::Scenario& s, const std::string& id) {
  return *std::ranges::find(s.shocks, id, &scenario::Shock::id);
}

/// The key of the only complaint.
io::Diagnostics::Entry only_error(const io::LoadedSweep& loaded) {
  INFO(loaded.diagnostics.render());
  std::vector<io::Diagnostics::Entry> errors;
  for (const auto& entry : loaded.diagnostics.sorted())
    if (entry.severity == io::Diagnostics::Severity::error) errors.push_back(entry);
  REQUIRE(errors.size() == 1);
  return errors.front();
}

using Texts = std::vector<std::string>;
using Numbers = std::vector<double>;

}  // namespace

TEST_CASE("points come in the order of the axes, the last one fastest") {
  const Folder folder;
  const auto loaded =
      good(folder.sweep("axes:\n"
                        "  - {set: shocks.tga-build.size, grid: {from: 0 bn USD, to: 0.2 tn USD, steps: 9}}\n"
                        "  - {set: policy.standing_repo.enabled, values: [false, true]}\n"
                        "  - {set: simulate.seed, values: [7]}\n"));
  REQUIRE(loaded.points.size() == 18);
  CHECK(loaded.skipped == 0);
  const auto sizes = values_of(loaded, 0);
  const std::array expected{"0 bn USD",   "25 bn USD",  "50 bn USD",  "75 bn USD", "100 bn USD",
                            "125 bn USD", "150 bn USD", "175 bn USD", "200 bn USD"};
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(sizes[2 * i] == expected[i]);
    CHECK(sizes[2 * i + 1] == expected[i]);
    CHECK(numbers_of(loaded, 0)[2 * i] == 25.0 * static_cast<double>(i));
  }
  CHECK(values_of(loaded, 1)[0] == "false");
  CHECK(values_of(loaded, 1)[1] == "true");
  CHECK(numbers_of(loaded, 1)[1] == 1.0);
  CHECK(values_of(loaded, 2)[0] == "7");
  const auto keys = loaded.sweep.keys();
  CHECK(keys[0].unit_in_result() == "1e9 USD");
  CHECK(keys[1].unit_in_result() == "1");

  const auto point = io::load_point(loaded, 17);
  CHECK_FALSE(point.diagnostics.has_errors());
  CHECK(shock(point.scenario, "tga-build").size.location == 200.0);
  CHECK(point.scenario.policy.standing_repo.enabled);
  CHECK(point.scenario.simulate.seed == 7);
}

TEST_CASE("a point is the scenario that its settings make of the base") {
  const Folder folder;
  const auto loaded =
      good(folder.sweep("override: {market: {need: invert}}\n"
                        "axes:\n"
                        "  - {set: shocks.tga-build.size, grid: {from: 10 bn USD, to: 12.5 bn USD, steps: 2}}\n"
                        "  - {set: \"policy.administered_rates[0].iorb\", values: [210 bp, 2.2 %]}\n"
                        "  - {set: model.banks.lending_share, values: [0.6, 70 %]}\n"
                        "  - {set: shocks.demand.target, values: [repo_demand, reserves]}\n"
                        "  - {set: shocks.tga-build.date, values: [2019-09-16, quarter-end - 9 bd]}\n"));
  REQUIRE(loaded.points.size() == 32);
  CHECK(values_of(loaded, 1)[0] == "2.1 %");
  CHECK(values_of(loaded, 2)[4] == "0.7");
  CHECK(numbers_of(loaded, 3)[2] == 1.0);
  for (std::size_t i = 0; i < loaded.points.size(); ++i) {
    io::LoadOptions options;
    options.settings = {"market.need=invert"};
    for (const auto& setting : io::sweep_point(loaded, i).settings)
      options.settings.push_back(setting.key + "=" + setting.value);
    const auto set = io::load_scenario(kBase, options);
    const auto point = io::load_point(loaded, i);
    CHECK(point.scenario == set.scenario);
    CHECK(point.resolved == set.resolved);
    CHECK_FALSE(point.diagnostics.has_errors());
  }
}

TEST_CASE("the resolved text of a point gives the point again") {
  const auto loaded = good(io::load_sweep((kSource / "tests" / "sweeps" / "grid.yaml").string()));
  for (const std::size_t i : {std::size_t{0}, std::size_t{20}, loaded.points.size() - 1}) {
    const auto point = io::load_point(loaded, i);
    const auto again = io::parse_scenario(point.resolved, "again", kSource / "scenarios");
    INFO(again.diagnostics.render());
    CHECK_FALSE(again.diagnostics.has_errors());
    CHECK(again.scenario == point.scenario);
    CHECK(again.base == point.base);
    CHECK(again.resolved == point.resolved);
  }
}

TEST_CASE("keys of a zip move together") {
  const Folder folder;
  const auto loaded =
      good(folder.sweep("axes:\n"
                        "  - zip:\n"
                        "      - {set: policy.standing_repo.enabled, values: [false, true, true]}\n"
                        "      - {set: policy.standing_repo.cap, values: [none, 250 bn USD, none]}\n"
                        "      - {set: fed_balance_sheet.tga, grid: {from: 100 bn USD, to: 200 bn USD, steps: 3}}\n"
                        "  - {set: shocks.tga-build.size, values: [1 bn USD, 2 bn USD]}\n"));
  REQUIRE(loaded.points.size() == 6);
  CHECK(values_of(loaded, 0) == Texts{"false", "false", "true", "true", "true", "true"});
  CHECK(values_of(loaded, 1) == Texts{"none", "none", "250 bn USD", "250 bn USD", "none", "none"});
  CHECK(numbers_of(loaded, 1) == Numbers{0, 0, 1, 1, 0, 0});  // texts by first appearance
  CHECK(numbers_of(loaded, 2) == Numbers{100, 100, 150, 150, 200, 200});
  CHECK(numbers_of(loaded, 3) == Numbers{1, 2, 1, 2, 1, 2});
}

TEST_CASE("a condition leaves points out, by their values as they would run") {
  const Folder folder;
  const std::string axes =
      "axes:\n"
      "  - {set: fed_balance_sheet.reserves, values: [1300 bn USD, 1600 bn USD]}\n"
      "  - {set: shocks.tga-build.size, values: [0 bn USD, 50 bn USD]}\n";
  const auto of_axes = good(
      folder.sweep(axes + "skip_if: fed_balance_sheet.reserves > 1.5 tn USD and shocks.tga-build.size > 0 bn USD\n"));
  CHECK(of_axes.points == std::vector<std::uint32_t>{0, 1, 2});
  CHECK(of_axes.skipped == 1);
  CHECK(values_of(of_axes, 1) == Texts{"0 bn USD", "50 bn USD", "0 bn USD"});
  // Of the base, of the override, and of a default.
  CHECK(good(folder.sweep(axes + "skip_if: basis_trade.position > 1 tn USD\n")).skipped == 0);
  CHECK(good(folder.sweep(axes + "override: {basis_trade: {position: 2 tn USD}}\n" +
                          "skip_if: basis_trade.position > 1 tn USD and shocks.tga-build.size > 0 bn USD\n"))
            .skipped == 2);
  CHECK(good(folder.sweep(axes + "skip_if: policy.standing_repo.enabled or simulate.paths < 100\n")).skipped == 0);
}

TEST_CASE("designs stay in their ranges, and begin with smaller ones") {
  const Folder folder;
  const auto of = [&](const std::string& kind, int samples, const std::string& more = "") {
    return good(folder.sweep("design: {kind: " + kind + ", samples: " + std::to_string(samples) + more +
                             "}\n"
                             "factors:\n"
                             "  - {set: fed_balance_sheet.reserves, range: [1.3 tn USD, 1600 bn USD]}\n"
                             "  - {set: shocks.tga-build.size, range: [1 bn USD, 100 bn USD], scale: log}\n"
                             "  - {set: simulate.paths, range: [1, 4]}\n"));
  };
  struct Case {
    const char* kind;
    int samples;
    std::size_t points;
    bool can_grow;
  };
  for (const auto& [kind, samples, points, can_grow] : {Case{"lhs", 10, 10, false}, Case{"sobol", 16, 16, true},
                                                        Case{"saltelli", 8, 40, true}, Case{"morris", 5, 20, true}}) {
    INFO(kind);
    const auto loaded = of(kind, samples);
    REQUIRE(loaded.points.size() == points);
    double least = 100.0, largest = 1.0;
    for (std::size_t i = 0; i < points; ++i) {
      const auto point = io::sweep_point(loaded, i);
      CHECK((point.numbers[0] >= 1300.0 && point.numbers[0] <= 1600.0));
      CHECK((point.numbers[1] >= 1.0 && point.numbers[1] <= 100.0));
      CHECK(point.numbers[2] == std::round(point.numbers[2]));
      CHECK((point.numbers[2] >= 1.0 && point.numbers[2] <= 4.0));
      CHECK(point.settings[0].value.ends_with(" bn USD"));
      least = std::min(least, point.numbers[1]);
      largest = std::max(largest, point.numbers[1]);
    }
    CHECK(least < 5.0);  // a linear scale has a twentieth of its points there
    CHECK(largest > 30.0);
    const auto larger = of(kind, 2 * samples);
    const auto some = values_of(larger, 0);
    const auto first = values_of(loaded, 0);
    CHECK(std::equal(first.begin(), first.end(), some.begin()) == can_grow);
    CHECK(values_of(of(kind, samples, ", seed: 2"), 0) != first);
    CHECK(io::load_point(loaded, 3).scenario.fed_balance_sheet.reserves == numbers_of(loaded, 0)[3]);
  }
}

TEST_CASE("the points of a list") {
  const Folder folder;
  folder.write("points.csv",
               "\xEF\xBB\xBF# a comment\r\n"
               "fed_balance_sheet.reserves,\"shocks.tga-build.size [bn USD]\",policy.standing_repo.enabled\r\n"
               "\r\n"
               "1300 bn USD,0,false\r\n"
               "\"1.4 tn USD\" , 12.5,true\r\n"
               "\r\n");
  const auto loaded = good(folder.sweep("design: {kind: list, file: points.csv}\n"));
  REQUIRE(loaded.points.size() == 2);
  CHECK(io::sweep_point(loaded, 0).settings == std::vector<io::Setting>{{"fed_balance_sheet.reserves", "1300 bn USD"},
                                                                        {"shocks.tga-build.size", "0 bn USD"},
                                                                        {"policy.standing_repo.enabled", "false"}});
  CHECK(io::sweep_point(loaded, 1).numbers == Numbers{1400.0, 12.5, 1.0});
  CHECK(shock(io::load_point(loaded, 1).scenario, "tga-build").size.location == 12.5);
  CHECK(std::ranges::count(loaded.base.files, "points", &io::InputFile::role) == 1);

  SECTION("a value that is wrong is complained about in its cell") {
    folder.write("points.csv", "fed_balance_sheet.reserves\n1300 bn USD\n-1 bn USD\n");
    auto wrong = good(folder.sweep("design: {kind: list, file: points.csv}\n"));
    io::check_points(wrong);
    const auto error = only_error(wrong);
    CHECK(wrong.diagnostics.source_name(error.mark.file).ends_with("points.csv"));
    CHECK(error.mark.line == 3);
  }
}

TEST_CASE("the same numbers are the same texts, whatever the design") {
  const Folder folder;
  folder.write("points.csv", "shocks.tga-build.size [mn USD]\n0\n87500\n175000\n");
  const auto of_list = good(folder.sweep("design: {kind: list, file: points.csv}\n"));
  const auto of_grid =
      good(folder.sweep("axes: [{set: shocks.tga-build.size, grid: {from: 0 bn USD, to: 175 bn USD, steps: 3}}]\n"));
  const auto of_values =
      good(folder.sweep("axes: [{set: shocks.tga-build.size, values: [0 mn USD, \"0.0875 tn USD\", 175.0 bn USD]}]\n"));
  CHECK(values_of(of_grid, 0) == Texts{"0 bn USD", "87.5 bn USD", "175 bn USD"});
  CHECK(values_of(of_list, 0) == values_of(of_grid, 0));
  CHECK(hashes_of(of_list) == hashes_of(of_grid));
  CHECK(hashes_of(of_values) == hashes_of(of_grid));
}

TEST_CASE("a point is known by its hash") {
  const Folder folder;
  const auto of = [&](const std::string& values, const std::string& more = "") {
    return hashes_of(good(folder.sweep("axes: [{set: shocks.tga-build.size, values: [" + values + "]}]\n" + more)));
  };
  const auto two = of("0 bn USD, 50 bn USD");
  const auto three = of("0 bn USD, 25 bn USD, 50 bn USD");
  CHECK(two[0].size() == 64);
  CHECK(three[0] == two[0]);
  CHECK(three[2] == two[1]);
  CHECK(std::set(three.begin(), three.end()).size() == 3);
  CHECK(of("0 bn USD", "override: {simulate: {paths: 100}}\n")[0] != two[0]);
  CHECK(of("0 bn USD", "metrics: [{id: peak, expr: mean(max(sofr - iorb))}]\n")[0] != two[0]);

  const auto text = io::read_file(kBase, io::kScenarioFileLimit);
  const std::string csv = kBase.substr(0, kBase.rfind('/')) + "/minimal.csv";
  folder.write("minimal.csv", io::read_file(csv, io::kScenarioFileLimit));
  const std::string axes = "axes: [{set: shocks.tga-build.size, values: [0 bn USD, 50 bn USD]}]\n";
  const auto of_base = [&](const std::string& base) {
    return hashes_of(folder.sweep(axes, {}, folder.write("base.yaml", base)));
  };
  CHECK(of_base(text) == two);
  CHECK(of_base("# another comment\n" + text) == two);
  CHECK(of_base(text + "simulate: {seed: 5}\n") != two);
}

TEST_CASE("the hash of a point knows what is in the files that it draws from") {
  const Folder folder;
  const auto of = [&](const std::string& csv) {
    folder.write("sizes.csv", csv);
    return hashes_of(good(folder.sweep(
        "override: {shocks: [{id: tga-build, size: {empirical: {file: sizes.csv, column: size_usd_bn}}}]}\n"
        "axes: [{set: simulate.seed, values: [1, 2]}]\n")));
  };
  const auto hashes = of("size_usd_bn\n1\n2\n");
  CHECK(of("size_usd_bn\n1\n2\n") == hashes);
  CHECK(of("size_usd_bn\n1\n3\n")[0] != hashes[0]);
}

TEST_CASE("a point holds the need of the base") {
  const Folder folder;
  const std::string axes = "axes: [{set: fed_balance_sheet.reserves, values: [1300 bn USD, 1400 bn USD]}]\n";
  const auto held = good(folder.sweep(axes + "override: {basis_trade: {position: 600 bn USD}}\n"));
  const auto point = io::load_point(held, 0);
  CHECK(point.scenario.market.need == NeedRule::hold);
  REQUIRE(point.base);
  CHECK(*point.base == held.base.scenario);
  CHECK(point.base->basis_trade.position == 600.0);
  CHECK(point.base->fed_balance_sheet.reserves == 1458.7);

  SECTION("unless it is stated") {
    const auto inverted = good(folder.sweep(axes + "override: {market: {need: invert}}\n"));
    CHECK(io::load_point(inverted, 0).scenario.market.need == NeedRule::invert);
    CHECK_FALSE(io::load_point(inverted, 0).base);
    io::LoadOptions options;
    options.settings = {"market.need=900 bn USD"};
    CHECK(io::load_point(good(folder.sweep(axes, options)), 0).scenario.market.need_amount == 900.0);
  }
  SECTION("or a belief changes") {
    const auto models = good(folder.sweep("axes: [{set: model.banks.lending_share, values: [0.6, 0.7]}]\n"));
    CHECK(io::load_point(models, 0).scenario.market.need == NeedRule::invert);
    CHECK_FALSE(io::load_point(models, 0).base);
  }
  SECTION("of a base that holds one, that of its own base") {
    const auto sweep =
        good(folder.sweep(axes, {}, (kSource / "scenarios" / "sep_2019_standing_repo_15bp.yaml").string()));
    REQUIRE(sweep.base.base);
    const auto of_base = io::load_point(sweep, 0);
    CHECK(of_base.scenario.market.need == NeedRule::hold);
    CHECK(of_base.base == sweep.base.base);
  }
  SECTION("and a spread cannot move meanwhile") {
    const std::string spread = "axes: [{set: market.opening_spread, values: [5 bp, 7 bp]}]\n";
    const auto error = only_error(folder.sweep(spread));
    CHECK(error.key == "market.opening_spread");
    CHECK(error.mark.line == 4);
    CHECK(error.hint == "override: {market: {need: invert}}");
    const auto free = good(folder.sweep("override: {market: {need: invert}}\n" + spread));
    CHECK(io::load_point(free, 1).scenario.market.opening_spread == 7.0);
  }
}

TEST_CASE("the command line lies between the override and the points") {
  const Folder folder;
  const std::string text =
      "override: {simulate: {paths: 5000}, basis_trade: {position: 600 bn USD}}\n"
      "axes: [{set: shocks.tga-build.size, values: [0 bn USD, 50 bn USD]}]\n";
  io::LoadOptions options;
  options.paths = 123;
  options.settings = {"fed_balance_sheet.tga=150 bn USD"};
  const auto point = io::load_point(good(folder.sweep(text, options)), 1).scenario;
  CHECK(point.simulate.paths == 123);
  CHECK(point.fed_balance_sheet.tga == 150.0);
  CHECK(point.basis_trade.position == 600.0);
  CHECK(shock(point, "tga-build").size.location == 50.0);

  options.settings = {"shocks.tga-build.size=1 bn USD"};
  CHECK(only_error(folder.sweep(text, options)).reason == "moves, so it cannot be set by --set too");
}

TEST_CASE("metrics of the sweep stand in place of the base's, and its expectations are left out") {
  const Folder folder;
  const std::string axes = "axes: [{set: shocks.tga-build.size, values: [0 bn USD, 50 bn USD]}]\n";
  const auto own =
      good(folder.sweep(axes + "metrics: [{id: p95, expr: \"quantile(max(sofr - iorb), 95 %)\"}]\n", {}, kSeptember));
  const auto metrics = io::load_point(own, 0).scenario.metrics;
  REQUIRE(metrics.size() == 1);
  CHECK(metrics[0].id == "p95");
  const auto of_base = io::load_scenario(kSeptember).scenario;
  REQUIRE_FALSE(of_base.metrics.empty());
  REQUIRE_FALSE(of_base.expect.empty());
  const auto point = io::load_point(good(folder.sweep(axes, {}, kSeptember)), 0).scenario;
  CHECK(point.metrics == of_base.metrics);
  CHECK(point.expect.empty());
}

TEST_CASE("a complaint lies at the value that is to blame") {
  const Folder folder;
  auto loaded =
      good(folder.sweep("axes:\n"
                        "  - {set: shocks.tga-build.date, values: [2019-09-16, 2019-13-16]}\n"
                        "  - {set: fed_balance_sheet.reserves, grid: {from: 1300 bn USD, to: 90 tn USD, steps: 3}}\n"));
  io::check_points(loaded);
  const auto entries = loaded.diagnostics.sorted();
  const auto at = [&](int line, int column) {
    return std::ranges::any_of(entries, [&](const auto& entry) {
      return entry.severity == io::Diagnostics::Severity::error && entry.mark.line == line &&
             entry.mark.column == column;
    });
  };
  INFO(loaded.diagnostics.render());
  CHECK(at(5, 55));
  CHECK(at(6, 69));
  CHECK(std::ranges::count(entries, io::Diagnostics::Severity::error, &io::Diagnostics::Entry::severity) == 2);
  CHECK(std::ranges::all_of(entries, [&](const auto& entry) {
    const bool is_own = loaded.diagnostics.source_name(entry.mark.file).ends_with("sweep.yaml");
    return is_own || entry.reason.find("(where shocks.tga-build.date = ") != std::string::npos;
  }));
}

TEST_CASE("of values that move, a complaint is made once") {
  const Folder folder;
  auto loaded = good(
      folder.sweep("axes: [{set: fed_balance_sheet.reserves, grid: {from: 1 bn USD, to: 900 bn USD, steps: 20}}]\n"));
  CHECK(loaded.diagnostics.empty());
  io::check_points(loaded);
  INFO(loaded.diagnostics.render());
  CHECK(loaded.diagnostics.warning_count() > 0);
  CHECK(loaded.diagnostics.warning_count() < 10);
}

TEST_CASE("one key under two names is set twice") {
  const Folder folder;
  const auto error =
      only_error(folder.sweep("axes:\n"
                              "  - {set: shocks.tga-build.size, values: [0 bn USD, 20 bn USD]}\n"
                              "  - {set: \"shocks[0].size\", values: [1 bn USD, 2 bn USD]}\n"));
  CHECK(error.mark.line == 6);
  CHECK(error.mark.column == 12);
  CHECK(error.reason == "is set twice; shocks.tga-build.size is the same");
}

TEST_CASE("a condition sees what a point leaves of the base") {
  const Folder folder;
  const std::string axes = "axes: [{set: shocks.demand.size, values: [1 bn USD, 2 bn USD]}]\n";
  CHECK(only_error(folder.sweep(axes + "skip_if: shocks.demand.size.normal.sd > 5 bn USD\n")).key == "skip_if");
  CHECK(good(folder.sweep(axes + "skip_if: shocks.demand.size > 1 bn USD\n")).skipped == 1);
}

TEST_CASE("uneven numbers of Sobol points are worth a warning") {
  const Folder folder;
  const auto of = [&](const std::string& samples) {
    return good(folder.sweep("design: {kind: sobol, samples: " + samples +
                             "}\nfactors: [{set: basis_trade.position, range: [1 bn USD, 500 bn USD]}]\n"));
  };
  CHECK(of("100").diagnostics.warning_count() == 1);
  CHECK(of("128").diagnostics.empty());
}

TEST_CASE("of many points those are checked that show a value for the first time") {
  const Folder folder;
  const std::string axes =
      "axes:\n"
      "  - {set: shocks.tga-build.size, grid: {from: 0 bn USD, to: 999 bn USD, steps: 1000}}\n"
      "  - {set: fed_balance_sheet.reserves, values: [1300 bn USD, 1400 bn USD, 1500 bn USD]}\n";
  std::size_t asked = 0;
  auto loaded = good(folder.sweep(axes));
  io::check_points(loaded, [&](const io::LoadedScenario&) {
    ++asked;
    return std::vector<repoquake::Issue>{};
  });
  CHECK(loaded.points.size() == 3000);
  CHECK(asked == 1002);
  auto wrong = good(folder.sweep(axes + "  - {set: fed_balance_sheet.tga, values: [100 bn USD, -1 bn USD]}\n"));
  io::check_points(wrong);
  CHECK(only_error(wrong).key == "fed_balance_sheet.tga");
}

TEST_CASE("files of provenance") {
  const auto loaded = good(io::load_sweep((kSource / "tests" / "sweeps" / "grid.yaml").string()));
  Texts roles;
  for (const auto& file : loaded.base.files) roles.push_back(file.role);
  CHECK(roles == Texts{"sweep", "scenario", "series"});
}

TEST_CASE("the sweeps of the tests are right") {
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(kSource / "tests" / "sweeps")) {
    if (entry.path().extension() != ".yaml") continue;
    ++cases;
    INFO(entry.path().filename().string());
    CHECK(io::is_sweep(entry.path().string()));
    auto loaded = good(io::load_sweep(entry.path().string()));
    io::check_points(loaded);
    good(loaded);
    CHECK_FALSE(loaded.points.empty());
  }
  CHECK(cases >= 3);
  CHECK_FALSE(io::is_sweep(kBase));
  CHECK_THROWS_AS(io::load_sweep("nowhere.yaml"), repoquake::IoError);
}
