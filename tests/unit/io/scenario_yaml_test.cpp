#include "repoquake/io/scenario_yaml.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/digest.hpp"
#include "repoquake/io/sweep_yaml.hpp"

namespace fs = std::filesystem;
namespace io = repoquake::io;
namespace scenario = repoquake::scenario;
using repoquake::Variable;
using repoquake::calendar::parse_iso_date;

namespace {

const fs::path kSource{REPOQUAKE_SOURCE_DIR};
const fs::path kReject = kSource / "tests" / "reject";

/// A folder of files that goes away with the test.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("repoquake_scenario_test_" + std::to_string(std::random_device{}()))) {
    fs::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, std::string_view text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const std::string kMinimal = R"(
format: repoquake/scenario/1
name: minimal
window: {start: 2019-09-11, end: 2019-09-13}
series: {file: days.csv}
market: {repo_volume: 1179 bn USD, bank_assets: 17494 bn USD, opening_spread: 5 bp, treasury_volatility: 85 bp}
fed_balance_sheet:
  {securities: 3590 bn USD, reserves: 1458.7 bn USD, tga: 183.581 bn USD, on_rrp: 3.6 bn USD, foreign_rrp: 300 bn USD,
   currency: 1755 bn USD, other_liabilities: 90 bn USD}
policy: {administered_rates: [{from: 2019-08-01, iorb: 2.10 %, on_rrp: 2.00 %}]}
basis_trade: {position: 550 bn USD}
shocks:
  - {id: tga-build, target: tga, date: 2019-09-12, size: 0 bn USD}
  - {id: demand, target: repo_demand, date: 2019-09-12, size: {normal: {mean: 0 bn USD, sd: 10 bn USD}}}
)";
const std::string kDays = "date,tga_usd_bn\n2019-09-11,183.581\n2019-09-12,195.302\n2019-09-13,215.579\n";

/// The example of the interface page: every section, with comments, units and distributions.
const std::string kExample = R"(
# yaml-language-server: $schema=../schema/scenario.schema.json
format: repoquake/scenario/1
name: sep-2019-example
title: September 2019 repo spike
extends: [base/us_2019.yaml]
window: {start: 2019-09-11, end: 2019-10-03}      # SOFR publication days

series:
  file: data/sep_2019.csv
  sha256: DIGEST

market:
  repo_volume: 1179 bn USD
  bank_assets: 17494 bn USD
  opening_spread: 5 bp
  trend_spread: 3.5 bp
  need: invert
  mmf_cash: 15 bn USD
  treasury_volatility: 85 bp
  gdp: 21400 bn USD

fed_balance_sheet:
  securities: 3590 bn USD
  repo_operations: 0 bn USD
  reserves: 1458.7 bn USD
  tga: 183.581 bn USD
  on_rrp: 3.6 bn USD
  foreign_rrp: 300 bn USD
  currency: 1755 bn USD
  other_liabilities: 90 bn USD

policy:
  administered_rates:
    - {from: 2019-08-01, iorb: 2.10 %, on_rrp: 2.00 %, target: [2.00 %, 2.25 %]}
    - {from: 2019-09-19, iorb: 1.80 %, on_rrp: 1.70 %, target: [1.75 %, 2.00 %]}
  standing_repo: {enabled: false}
  repo_operations:
    - {id: emergency, date: 2019-09-17, when: am_spread > 60 bp, size: 53 bn USD}
    - {id: morning, from: 2019-09-18, size: series, minimum_bid: iorb + 0 bp}
  securities: {runoff: 0 bn USD per month, reserve_management_purchases: 0 bn USD per month}
  tga: {follow: series}
  rules:
    emergency_repo: {enabled: false, trigger: 60 bp, size: 53 bn USD}

drivers: {settlements: series, volatility: series}

basis_trade: {position: 550 bn USD}

shocks:
  - id: tga-build
    target: tga
    date: 2019-09-16
    size: 0 bn USD
  - id: repo-demand
    enabled: false
    target: repo_demand
    window: [2019-09-16, 2019-09-18]
    shape: {pulse: {half_life: 1 bd}}
    size: {student_t: {df: 4, scale: 30 bn USD}}

simulate: {paths: 20000, seed: 20190917, sampler: philox, antithetic: false, max_flagged: 1 %}

output:
  paths: all
  variables: default
  quantiles: [1 %, 5 %, 25 %, 50 %, 75 %, 95 %, 99 %]
  thresholds: [10 bp, 25 bp, 50 bp, 100 bp, 200 bp]
  precision: {rates: 0.01 bp, amounts: 1 mn USD}
  compression: deflate
)";

/// A folder with the minimal scenario and its series.
struct MinimalFolder : Folder {
  MinimalFolder() {
    write("days.csv", kDays);
    file = write("minimal.yaml", kMinimal);
  }
  std::string extend(const std::string& name, const std::string& text) const {
    return write(name, "extends: minimal.yaml\n" + text);
  }
  std::string file;
};

io::LoadedScenario load(const std::string& file, const io::LoadOptions& options = {}) {
  auto loaded = io::load_scenario(file, options);
  INFO(loaded.diagnostics.render());
  REQUIRE_FALSE(loaded.diagnostics.has_errors());
  return loaded;
}

std::string complaint(const std::string& file, const io::LoadOptions& options = {}) {
  const auto loaded = io::load_scenario(file, options);
  const auto entries = loaded.diagnostics.sorted();
  if (entries.size() != 1) return loaded.diagnostics.render();
  return entries[0].key + ": " + entries[0].reason;
}

void check_round_trip(const io::LoadedScenario& loaded, const fs::path& folder) {
  const auto again = io::parse_scenario(loaded.resolved, "resolved", folder, {.allow_outside = true});
  INFO(loaded.resolved);
  INFO(again.diagnostics.render());
  REQUIRE_FALSE(again.diagnostics.has_errors());
  CHECK(again.scenario == loaded.scenario);
  CHECK(again.base == loaded.base);
  CHECK(again.resolved == loaded.resolved);
}

std::string file_text(const fs::path& path) { return io::read_file(path, 1 << 20); }

}  // namespace

TEST_CASE("the example of the interface page reads, value by value") {
  const Folder folder;
  const std::string csv = file_text(kSource / "scenarios" / "data" / "sep_2019.csv");
  folder.write("data/sep_2019.csv", csv);
  folder.write("base/us_2019.yaml", "format: repoquake/scenario/1\nmarket: {gdp: 21000 bn USD, m2: 15000 bn USD}\n");
  std::string text = kExample;
  text.replace(text.find("DIGEST"), 6, io::sha256_hex(csv));
  const auto loaded = load(folder.write("example.yaml", text));
  const auto& s = loaded.scenario;

  CHECK(s.name == "sep-2019-example");
  CHECK(s.title == "September 2019 repo spike");
  CHECK(s.window.start == *parse_iso_date("2019-09-11"));
  CHECK(s.window.end == *parse_iso_date("2019-10-03"));
  REQUIRE(s.series);
  CHECK(s.series->file == "data/sep_2019.csv");
  CHECK(s.series->dates.size() == 17);
  CHECK(s.market.repo_volume == 1179.0);
  CHECK(s.market.trend_spread == 3.5);
  CHECK(s.market.need == scenario::NeedRule::invert);
  CHECK(s.market.gdp == 21400.0);
  CHECK(s.market.m2 == 15000.0);
  CHECK(s.fed_balance_sheet.tga == 183.581);
  REQUIRE(s.policy.administered_rates.size() == 2);
  CHECK(s.policy.administered_rates[1].iorb == 1.80);
  CHECK(s.policy.administered_rates[0].target->high == 2.25);
  REQUIRE(s.policy.repo_operations.size() == 2);
  CHECK(s.policy.repo_operations[0].am_trigger == 60.0);
  CHECK(s.policy.repo_operations[0].until == s.policy.repo_operations[0].from);
  CHECK(s.policy.repo_operations[1].from_series);
  CHECK_FALSE(s.policy.repo_operations[1].until);
  CHECK(s.basis_trade.position == 550.0);
  REQUIRE(s.shocks.size() == 2);
  CHECK(s.shocks[1].shape == scenario::ShockShape::pulse);
  CHECK(s.shocks[1].half_life_days == 1.0);
  CHECK(s.shocks[1].size.degrees_of_freedom == 4.0);
  CHECK_FALSE(s.shocks[1].enabled);
  CHECK(s.simulate.seed == 20190917U);
  CHECK(s.simulate.max_flagged == 0.01);
  CHECK(s.output.variables.size() == 20);
  CHECK(s.output.quantiles == scenario::Output{}.quantiles);
  CHECK(s.output.thresholds == scenario::Output{}.thresholds);
  CHECK(s.output.amount_precision_usd_bn == 0.001);

  CHECK(loaded.diagnostics.empty());
  REQUIRE(loaded.files.size() == 3);
  CHECK(loaded.files[0].role == "scenario");
  CHECK(loaded.files[1].role == "parent");
  CHECK(loaded.files[2].role == "series");
  CHECK(loaded.files[2].sha256 == io::sha256_hex(csv));
  check_round_trip(loaded, folder.path());
}

TEST_CASE("what is not stated has the default of the structs") {
  const MinimalFolder folder;
  const auto s = load(folder.file).scenario;
  CHECK(s.simulate == scenario::Simulate{});
  CHECK(s.model == scenario::ParameterValues{});
  CHECK(s.policy.standing_repo == scenario::StandingRepo{});
  CHECK_FALSE(s.market.mmf_cash);
  CHECK(s.trend_spread() == 5.0);
  auto output = scenario::Output{};
  output.variables = s.output.variables;
  CHECK(s.output == output);
  check_round_trip(load(folder.file), folder.path());
}

TEST_CASE("every section can be stated, and survives the round trip") {
  const MinimalFolder folder;
  const auto file = folder.extend("all.yaml", R"(
name: all.of_it-1
title: "a title: with a colon # and a hash"
market: {need: 900 bn USD, mmf_cash: 3600 mn USD, opening_spread: 0.05 %, trend_spread: -3 bp, m2: 15 tn USD}
fed_balance_sheet: {repo_operations: 1 bn USD, standing_repo: 0.5 bn USD}
policy:
  standing_repo:
    {enabled: true, rate: 2.25 %, cap: none, operations: [pm],
     stigma: [{from: 2019-01-01, stigma: 65 bp}, {from: 2019-09-12, stigma: 30 bp}]}
  repo_operations:
    - {id: a, from: 2019-09-12, until: 2019-09-12, size: 75 bn USD, minimum_bid: 2.10 %}
    - {id: b, from: 2019-09-13, size: 20 bn USD, minimum_bid: iorb - 5 bp}
  securities: {runoff: 35 bn USD per month, reserve_management_purchases: 40 bn USD per month}
  rules: {emergency_repo: {enabled: false, trigger: 60 bp}, runoff_stop: {enabled: false}}
shocks:
  - {id: flow, target: currency, window: [2019-09-12, 2019-09-13], size: {uniform: {low: -1 bn USD, high: 2 bn USD}}}
  - {id: vol, target: volatility, date: 2019-09-12, size: {lognormal: {median: 40 bp, sd: 0.5}}, shape: {pulse: {half_life: 4 d}}}
  - {id: ten, target: yield, date: 2019-09-13, size: -12 bp, shape: step}
  - {id: t, target: other_treasury_sales, date: 2019-09-13, size: {student_t: {df: 3.5, scale: 2 bn USD, mean: 1 bn USD}}}
correlation: [{between: [flow, vol], rho: 0.4}, {between: [t, vol], rho: -40 %}]
model:
  banks: {lending_share: 80 %}
  need: {pullback: {year: 0.05}, elasticity: 0.03 bn USD per bp, distribution_rate: 0.07 /d}
  dispersion: {fan: [-6 bp, -3 bp, 0 bp, 6 bp, 11 bp]}
  basis_trade: {leverage: {median: 30 x}, cohorts: 16, impact: 0.07 bp per bn USD, duration: 5 y, margin_half_life: 3 bd}
simulate: {paths: 1, seed: 18446744073709551615, max_flagged: 0.5}
output:
  {paths: none, variables: [sofr, spread], quantiles: [0.1 %, 50 %], thresholds: [0 bp, 1 %], precision: {rates: exact, amounts: 10 mn USD},
   compression: none}
)");
  const auto loaded = load(file);
  const auto& s = loaded.scenario;
  CHECK(loaded.diagnostics.empty());
  CHECK(s.market.need == scenario::NeedRule::amount);
  CHECK(s.market.need_amount == 900.0);
  CHECK(s.market.mmf_cash == 3.6);
  CHECK(s.market.opening_spread == 5.0);
  CHECK(s.market.m2 == 15000.0);
  const auto& facility = s.policy.standing_repo;
  CHECK(facility.enabled);
  CHECK(facility.rate == scenario::QuotedRate{.over_iorb = false, .rate = 2.25});
  CHECK(facility.cap == scenario::StandingRepo::Cap::none);
  CHECK_FALSE(facility.am);
  CHECK(facility.stigma.size() == 2);
  CHECK(s.policy.repo_operations[1].minimum_bid.spread == -5.0);
  CHECK(s.policy.runoff_per_month == 35.0);
  REQUIRE(s.shocks.size() == 6);
  CHECK(s.shocks[2].shape == scenario::ShockShape::ramp);
  CHECK(s.shocks[3].half_life_days == 4.0);
  CHECK(s.shocks[4].size.location == -12.0);
  CHECK(s.shocks[5].size.location == 1.0);
  CHECK(s.correlation == std::vector<scenario::ShockCorrelation>{{"flow", "vol", 0.4}, {"t", "vol", -0.4}});
  CHECK(s.model.at("banks.lending_share") == 0.8);
  CHECK(s.model.at("need.pullback.year") == 0.05);
  CHECK(s.model.at("need.pullback.month") == 0.039);
  CHECK(s.model.at("dispersion.fan[4]") == 11.0);
  CHECK(s.model.at("basis_trade.leverage.median") == 30.0);
  CHECK(s.model.at("basis_trade.cohorts") == 16.0);
  CHECK(s.model.is_stated(*scenario::find_parameter("need.elasticity")));
  CHECK_FALSE(s.model.is_stated(*scenario::find_parameter("need.stress_elasticity")));
  CHECK(s.simulate.seed == 18446744073709551615ULL);
  CHECK(s.output.paths == scenario::StoredPaths{.all = false});
  CHECK(s.output.variables == std::vector{Variable::sofr, Variable::spread});
  CHECK(s.output.quantiles == std::vector{0.001, 0.5});
  CHECK(s.output.thresholds == std::vector{0.0, 100.0});
  CHECK(s.output.rate_precision_bp == 0.0);
  CHECK(s.output.amount_precision_usd_bn == 0.01);
  CHECK_FALSE(s.output.compress);
  check_round_trip(loaded, folder.path());
}

TEST_CASE("parents merge left to right, overlays and settings come after the file, the command line last") {
  const MinimalFolder folder;
  folder.write("p/one.yaml",
               "basis_trade: {position: 1 bn USD}\nsimulate: {paths: 1, seed: 1}\nmarket: {gdp: 1 bn USD}\n");
  folder.write("p/two.yaml", "simulate: {paths: 2, seed: 2}\n");
  const auto file =
      folder.write("child.yaml", "extends: [minimal.yaml, p/one.yaml, p/two.yaml]\nname: child\nsimulate: {seed: 3}\n");
  const auto overlay = folder.write(
      "o/overlay.yaml", "simulate: {seed: 4, max_flagged: 2 %}\nshocks: [{id: tga-build, size: 7 bn USD}]\n");

  CHECK(load(file).scenario.simulate == scenario::Simulate{.paths = 2, .seed = 3});
  CHECK(load(file).scenario.basis_trade.position == 1.0);
  CHECK(load(file, {.overlays = {overlay}, .settings = {}, .paths = {}, .seed = {}}).scenario.simulate.seed == 4);

  const io::LoadOptions options{.overlays = {overlay},
                                .settings = {"simulate.seed=5", "simulate.paths=50", "shocks.demand.enabled=false"},
                                .paths = 60,
                                .seed = {}};
  const auto all = load(file, options);
  CHECK(all.scenario.simulate == scenario::Simulate{.paths = 60, .seed = 5, .max_flagged = 0.02});
  CHECK(all.scenario.shocks[0].size.location == 7.0);
  CHECK_FALSE(all.scenario.shocks[1].enabled);
  check_round_trip(all, folder.path());
  CHECK(std::ranges::count(all.files, "parent", &io::InputFile::role) == 3);
  CHECK(std::ranges::count(all.files, "overlay", &io::InputFile::role) == 1);
}

TEST_CASE("a file that two parents share is read once") {
  const MinimalFolder folder;
  folder.extend("left.yaml", "simulate: {seed: 7}\n");
  folder.extend("right.yaml", "title: right\n");
  const auto loaded = load(folder.write("child.yaml", "extends: [left.yaml, right.yaml]\nname: child\n"));
  CHECK(loaded.scenario.simulate.seed == 7);
  CHECK(loaded.scenario.title == "right");
  CHECK(loaded.files.size() == 5);
}

TEST_CASE("a series is found from the file that names it, and written from the main file") {
  const MinimalFolder folder;
  folder.write("lib/days.csv", kDays);
  folder.write("lib/base.yaml", kMinimal);
  const auto loaded = load(folder.write("mine/child.yaml", "extends: ../lib/base.yaml\n"), {.inside = {folder.path()}});
  CHECK(loaded.scenario.series->file == "../lib/days.csv");
  CHECK(loaded.resolved.find("file: ") != std::string::npos);
  CHECK(loaded.resolved.find(folder.path().string()) == std::string::npos);
  check_round_trip(loaded, folder.path() / "mine");
}

TEST_CASE("the resolved text pins the digest of the series") {
  const MinimalFolder folder;
  const auto loaded = load(folder.file);
  folder.write("days.csv", kDays + "\n");
  const auto again = io::parse_scenario(loaded.resolved, "resolved", folder.path(), {.inside = {folder.path()}});
  CHECK(again.diagnostics.render().find("series.sha256: the file has changed") != std::string::npos);
}

TEST_CASE("a digest belongs to the file it was stated with") {
  const MinimalFolder folder;
  folder.write("other.csv", kDays.substr(0, kDays.size() - 1));
  folder.extend("pinned.yaml", "series: {sha256: " + io::sha256_hex(kDays) + "}\n");
  const auto loaded = load(folder.write("child.yaml", "extends: pinned.yaml\nseries: {file: other.csv}\n"));
  CHECK(loaded.scenario.series->file == "other.csv");
  check_round_trip(loaded, folder.path());
  const auto wrong =
      folder.write("wrong.yaml", "extends: child.yaml\nseries: {sha256: " + io::sha256_hex(kDays) + "}\n");
  CHECK(complaint(wrong).starts_with("series.sha256: the file has changed"));
}

TEST_CASE("hold keeps the merge of the parents as base") {
  const MinimalFolder folder;
  const auto file = folder.extend("hold.yaml", "market: {need: hold}\nfed_balance_sheet: {reserves: 1300 bn USD}\n");
  const auto loaded =
      load(file, {.overlays = {}, .settings = {"fed_balance_sheet.tga=184 bn USD"}, .paths = {}, .seed = {}});
  REQUIRE(loaded.base);
  CHECK(*loaded.base == load(folder.file).scenario);
  CHECK(loaded.scenario.fed_balance_sheet.reserves == 1300.0);
  check_round_trip(loaded, folder.path());

  SECTION("said by an overlay or a setting, it means the same base") {
    const auto child = folder.extend("child.yaml", "fed_balance_sheet: {reserves: 1300 bn USD}\n");
    const auto set = load(child, {.overlays = {}, .settings = {"market.need=hold"}, .paths = {}, .seed = {}});
    CHECK(set.base == loaded.base);
  }
  SECTION("a child of a holding file holds the same need") {
    const auto grandchild = folder.write("grandchild.yaml", "extends: hold.yaml\nname: grandchild\n");
    CHECK(load(grandchild).base == loaded.base);
  }
  SECTION("a parent without parents holds what was merged before it") {
    folder.write("policy.yaml", "market: {need: hold}\nfed_balance_sheet: {reserves: 1300 bn USD}\n");
    CHECK(load(folder.write("both.yaml", "extends: [minimal.yaml, policy.yaml]\n")).base == loaded.base);
  }
  SECTION("need: invert has no base") {
    const auto inverted = load(
        file,
        {.overlays = {}, .settings = {"market.need=invert", "market.opening_spread=9 bp"}, .paths = {}, .seed = {}});
    CHECK_FALSE(inverted.base);
    check_round_trip(inverted, folder.path());
  }
  SECTION("the spreads of the opening cannot be stated") {
    for (const std::string setting : {"market.opening_spread=5 bp", "market.trend_spread=4 bp"})
      CHECK(complaint(file, {.overlays = {}, .settings = {setting}, .paths = {}, .seed = {}})
                .find("cannot be stated while market.need is hold") != std::string::npos);
    const auto resolved =
        io::parse_scenario(loaded.resolved, "r", folder.path(),
                           {.overlays = {}, .settings = {"market.opening_spread=5 bp"}, .paths = {}, .seed = {}});
    CHECK(resolved.diagnostics.has_errors());
  }
  SECTION("without parents it is an error") {
    CHECK(complaint(folder.file, {.overlays = {}, .settings = {"market.need=hold"}, .paths = {}, .seed = {}})
              .starts_with("market.need: hold keeps the need of the base"));
  }
  SECTION("parents that are not a scenario by themselves are an error") {
    folder.write("part.yaml", "market: {opening_spread: 5 bp}\n");
    std::string own = kMinimal;
    const std::string stated = "opening_spread: 5 bp";
    own.replace(own.find(stated), stated.size(), "need: hold");
    CHECK(complaint(folder.write("whole.yaml", "extends: part.yaml\n" + own)) ==
          "market.need: the base of hold, the merge of the parents, is not a complete scenario by itself: format is "
          "required and missing");
  }
}

TEST_CASE("policy's stigma wins over an inherited one in model") {
  const MinimalFolder folder;
  folder.extend("believes.yaml", "model: {standing_repo: {stigma: 100 bp}}\n");
  const auto loaded = load(
      folder.write("child.yaml", "extends: believes.yaml\npolicy: {standing_repo: {enabled: true, stigma: 40 bp}}\n"));
  CHECK(loaded.diagnostics.empty());
  CHECK(loaded.scenario.policy.standing_repo.stigma[0].stigma == 40.0);
  CHECK(loaded.scenario.model == scenario::ParameterValues{});
  check_round_trip(loaded, folder.path());

  folder.extend("policy.yaml", "policy: {standing_repo: {enabled: true, stigma: 40 bp}}\n");
  const auto late =
      complaint(folder.write("late.yaml", "extends: policy.yaml\nmodel: {standing_repo: {stigma: 100 bp}}\n"));
  CHECK(late.starts_with("model.standing_repo.stigma: has no effect: policy.standing_repo.stigma is stated in "));
}

TEST_CASE("only files of the command line throw") {
  const MinimalFolder folder;
  CHECK_THROWS_AS(io::load_scenario((folder.path() / "none.yaml").string()), repoquake::IoError);
  CHECK_THROWS_AS(io::load_scenario(folder.path().string()), repoquake::IoError);
  CHECK_THROWS_AS(io::load_scenario(folder.file, {.overlays = {"none.yaml"}, .settings = {}, .paths = {}, .seed = {}}),
                  repoquake::IoError);
  CHECK_NOTHROW(io::load_scenario(folder.extend("a.yaml", "series: {file: none.csv}\n")));
  CHECK_NOTHROW(io::load_scenario(folder.write("b.yaml", "extends: none.yaml\n")));
  CHECK_THROWS_AS(io::require_valid(io::load_scenario(folder.write("c.yaml", "extends: none.yaml\n"))),
                  repoquake::ScenarioError);
  CHECK_NOTHROW(io::require_valid(io::load_scenario(folder.file)));
}

TEST_CASE("all complaints come at once, of a file and of its parents, and nothing that only follows from them") {
  const MinimalFolder folder;
  folder.extend("parent.yaml", "market: {gdp: 5}\nbasis_trade: {positon: 1 bn USD}\n");
  const auto file =
      folder.write("child.yaml",
                   "extends: parent.yaml\nmarket: {bank_assets: 0 bn USD}\nwindow: {start: tomorrow}\npolicy: "
                   "{administered_rates: [{from: 2019-08-01, iorb: 2.10, on_rrp: 2.00 %}]}\n");
  const auto entries =
      io::load_scenario(file, {.overlays = {}, .settings = {"simulate.pahts=5"}, .paths = {}, .seed = {}})
          .diagnostics.sorted();
  std::multiset<std::string> keys;
  for (const auto& entry : entries) keys.insert(entry.key);
  CHECK(keys == std::multiset<std::string>{"market.gdp", "basis_trade.positon", "market.bank_assets", "window.start",
                                           "policy.administered_rates[0].iorb", "simulate.pahts"});
}

TEST_CASE("a setting is complained about at its own place") {
  const MinimalFolder folder;
  const auto loaded = io::load_scenario(
      folder.file,
      {.overlays = {}, .settings = {"simulate.seed=3", "policy.standing_repo.rat=5 bp"}, .paths = 0, .seed = {}});
  CHECK(loaded.diagnostics.render() ==
        "--set:2:22: error: policy.standing_repo.rat: unknown key; did you mean \"rate\"?\n"
        "    2 | policy.standing_repo.rat=5 bp\n"
        "      |                      ^^^\n"
        "--paths:1:16: error: simulate.paths: must be a whole number from 1 to 1000000000, got 0\n"
        "    1 | simulate.paths=0\n"
        "      |                ^\n"
        "2 errors");
}

TEST_CASE("overlays have no parents") {
  const MinimalFolder folder;
  const auto overlay = folder.extend("overlay.yaml", "simulate: {seed: 1}\n");
  CHECK(complaint(folder.file, {.overlays = {overlay}, .settings = {}, .paths = {}, .seed = {}}) ==
        "extends: an overlay has no parents; lay several files with --with");
}

TEST_CASE("a chain of parents has an end") {
  const MinimalFolder folder;
  folder.extend("f0.yaml", "name: deep\n");
  for (int i = 1; i < 30; ++i)
    folder.write("f" + std::to_string(i) + ".yaml", "extends: f" + std::to_string(i - 1) + ".yaml\n");
  CHECK_FALSE(io::load_scenario((folder.path() / "f13.yaml").string()).diagnostics.has_errors());
  CHECK(complaint((folder.path() / "f29.yaml").string()) == "extends: more than 16 files extend each other");
}

TEST_CASE("warnings have places too") {
  const MinimalFolder folder;
  const auto file = folder.extend("w.yaml", "fed_balance_sheet:\n  tga: 190 bn USD\n");
  const auto loaded = load(file);
  const auto entries = loaded.diagnostics.sorted();
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].mark.line == 3);
  CHECK(entries[0].mark.column == 8);
}

TEST_CASE("metrics merge by id, are checked where they are used, and round-trip") {
  const MinimalFolder folder;
  (void)folder.extend("parent.yaml",
                      "metrics:\n  - {id: peak, expr: \"mean(max(sofr - iorb))\", unit: bp}\n"
                      "  - {id: scarce, expr: \"es(min(reserves), 5 %)\"}\n");
  const auto file = (folder.path() / "child.yaml").string();
  std::ofstream(file)
      << "extends: parent.yaml\nmetrics: [{id: peak, unit: \"%\"}, {id: days, expr: days(spread > 25 bp)}]\n"
         "expect: [{metric: peak, between: [1 bp, 0.5 %]}]\n";
  const auto loaded = load(file);
  REQUIRE(loaded.diagnostics.empty());
  const auto& metrics = loaded.scenario.metrics;
  REQUIRE(metrics.size() == 3);
  CHECK(metrics[0] == scenario::Metric{"peak", "mean(max(sofr - iorb))", "%"});
  CHECK(metrics[2].id == "days");
  CHECK(loaded.scenario.expect.at(0).metric == "peak");
  CHECK(loaded.scenario.expect.at(0).high == 50.0);
  check_round_trip(loaded, folder.path());

  io::LoadOptions options;
  options.settings = {"metrics.peak.expr=mean(max(sofr - iorbb))"};
  const auto wrong = io::load_scenario(file, options).diagnostics.sorted();
  REQUIRE(wrong.size() == 1);
  CHECK(wrong[0].mark.column == 35);  // in the setting
  CHECK(wrong[0].mark.width == 5);
  CHECK(wrong[0].reason == "no variable is called \"iorbb\"; did you mean \"iorb\"?");
}

namespace {

io::Diagnostics diagnostics_of(const fs::path& file) {
  if (!file.filename().string().starts_with("sweep_")) return io::load_scenario(file.string()).diagnostics;
  auto sweep = io::load_sweep(file.string());
  io::check_points(sweep);
  return sweep.diagnostics;
}

}  // namespace

TEST_CASE("every rejected file is answered with exactly its message") {
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(kReject)) {
    if (entry.path().extension() != ".yaml") continue;
    ++cases;
    INFO(entry.path().filename().string());
    const auto diagnostics = diagnostics_of(entry.path());
    CHECK(diagnostics.has_errors());
    std::string text = diagnostics.render() + "\n";
    const std::string folder = kReject.string() + "/";
    for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder)) text.erase(at, folder.size());
    CHECK(text == file_text(fs::path(entry.path()).replace_extension(".expected")));
  }
  CHECK(cases >= 30);
}

TEST_CASE("the parent of the rejected files is itself right") {
  CHECK(load((kReject / "parents" / "minimal.yaml").string()).diagnostics.empty());
}

TEST_CASE("the shipped scenarios read without a word, and round-trip") {
  for (const auto& entry : fs::directory_iterator(kSource / "scenarios")) {
    if (entry.path().extension() != ".yaml") continue;
    const auto loaded = load(entry.path().string());
    INFO(loaded.diagnostics.render());
    CHECK(loaded.diagnostics.empty());
    check_round_trip(loaded, entry.path().parent_path());
  }
}
