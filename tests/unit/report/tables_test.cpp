#include "repoquake/report/tables.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "unit/engine/fixtures.hpp"

using namespace repoquake;
using Catch::Matchers::Contains;

namespace {

/// A run of the September 2019 file and the table it prints.
struct Printed {
  engine::RunSummary summary;
  std::string table;
};

Printed printed(const std::vector<std::string>& settings, std::uint64_t paths) {
  auto with = settings;
  with.emplace_back("output.paths=none");
  const auto loaded = io::load_scenario(std::string(REPOQUAKE_SOURCE_DIR) + "/scenarios/sep_2019.yaml",
                                        {.overlays = {}, .settings = with, .paths = paths, .seed = {}});
  engine::Sink nowhere;
  auto summary = engine::run(fixtures::september(with, paths), {.threads = 2}, nowhere);
  auto table = report::summary_table(summary, loaded.scenario);
  return {std::move(summary), std::move(table)};
}

std::string line_of(const std::string& table, std::string_view start) {
  const auto at = table.find("  " + std::string(start));
  REQUIRE(at != std::string::npos);
  return table.substr(at, table.find('\n', at) - at);
}

}  // namespace

TEST_CASE("the summary shows each day against what was observed, with errors", "[report]") {
  const auto run = printed({}, 2000);
  CHECK_THAT(run.table, Contains("Conditional replay"));
  CHECK_THAT(line_of(run.table, "2019-09-17"), Contains("±") && Contains("315.0") && Contains("emergency repo"));
  CHECK_THAT(line_of(run.table, "2019-09-16"), Contains("33.0") && Contains("tax date"));
  CHECK_THAT(line_of(run.table, "2019-09-19"), Contains("new rates"));
  CHECK_THAT(line_of(run.table, "2019-09-30"), Contains("quarter-end"));
  CHECK_THAT(line_of(run.table, "peak SOFR - IORB"), Contains("315.0"));
  CHECK_THAT(line_of(run.table, "peak p99"), Contains("690.0"));
  CHECK_THAT(line_of(run.table, "peak Fed repo operations"), Contains("202.5"));
  for (std::size_t day = 0; day < run.summary.manifest.n_days(); ++day)  // a short window shows all its days
    CHECK_THAT(run.table, Contains(calendar::to_iso(run.summary.manifest.dates[day])));
  CHECK_THAT(run.table, Contains("emergency afternoon operation"));
  CHECK(run.table.find("-0.0 ") == std::string::npos);
}

TEST_CASE("what is shown is what was found", "[report]") {
  const auto run = printed({}, 2000);
  const auto& peak = run.summary.stats.moments(engine::PathFeature::peak_spread);
  const std::string row = line_of(run.table, "peak SOFR - IORB, bp");
  CHECK(std::stod(row.substr(row.find("bp") + 2)) == Approx(peak.mean).margin(0.05));
}

TEST_CASE("one path has values and no errors", "[report]") {
  const auto run = printed({}, 1);
  CHECK_THAT(line_of(run.table, "2019-09-17"), Contains("± n/a"));
  CHECK(run.table.find("± 0.0") == std::string::npos);
}

TEST_CASE("metrics stand in columns, however small their values and errors", "[report]") {
  const auto run = printed({"metrics=[{id: small, expr: \"mean(max(sofr - iorb)) / 1000000\"}, "
                            "{id: large, expr: \"mean(max(sofr - iorb))\", unit: bp}]"},
                           2000);
  // A column ends where its head ends: behind it two spaces at least, or the end.
  const auto columns = [](std::string line) {  // ± is two bytes and one column
    for (auto at = line.find("±"); at != std::string::npos; at = line.find("±")) line.replace(at, 2, "~");
    return line;
  };
  const std::string head = columns(line_of(run.table, "Metrics"));
  const std::size_t end_of_value = head.find("value") + 5, end_of_limits = head.find("limits") + 6;
  for (const auto* id : {"small", "large"}) {
    const std::string row = columns(line_of(run.table, id));
    INFO(head << '\n' << row);
    REQUIRE(row.size() > end_of_limits);
    CHECK(std::isdigit(row[end_of_value - 1]) != 0);
    CHECK(row.substr(end_of_value, 2) == "  ");
    CHECK(std::isdigit(row[end_of_limits - 1]) != 0);
    CHECK(row.substr(end_of_limits, 3) == "   ");
  }
  const std::string small = line_of(run.table, "small");  // control: these cells are wider than a usual column
  CHECK(small.find(" to ") - small.find("±") > 17);
}

TEST_CASE("a scorecard names its windows and leaves out what it cannot know", "[report]") {
  const engine::Score good{.n_days = 4,
                           .crps = 8.0,
                           .crps_se = 0.1,
                           .pit_mean = 0.6,
                           .coverage_50 = 0.5,
                           .coverage_50_se = 0.2,
                           .coverage_90 = 0.75,
                           .coverage_90_se = 0.2,
                           .crps_persistence = 32.0,
                           .crps_reversion = 20.0};
  auto bare = good;
  bare.crps_persistence = bare.crps_reversion = bare.crps_se = engine::Score::kNothing;
  const engine::Scorecard card{.windows = {{"2019-09-12 to 2019-09-18", 1, 5}},
                               .variables = {Variable::spread, Variable::reserves, Variable::on_rrp},
                               .scores = {good, bare, {}}};
  const auto table = report::scorecard_table(card, true);
  CHECK_THAT(table, Contains("conditional on realised flows") && Contains("2019-09-12 to 2019-09-18"));
  CHECK_THAT(line_of(table, "spread, bp"),
             Contains("8.0 ± 0.1") && Contains("0.75") && Contains("2 of 4 (50 ± 20 %)") && Contains("3 of 4"));
  CHECK_THAT(line_of(table, "reserves, bn USD"), Contains("8.0 ± n/a") && Contains(" - ") && !Contains("nan"));
  CHECK_THAT(line_of(table, "on_rrp, bn USD"), !Contains("nan"));
  CHECK_THAT(report::scorecard_table(card, false), !Contains("conditional"));
  CHECK(report::scorecard_table({}, true).empty());
}

TEST_CASE("the share of path-days without clearing", "[report]") {
  CHECK(printed({}, 300).summary.stats.flagged_share() == 0.0);
  const auto starved = printed({"shocks.tga-build.size=700 bn USD", "policy.repo_operations=[]"}, 300);
  CHECK(starved.summary.stats.flagged_share() > 0.01);
  CHECK(starved.summary.stats.flagged_share() < 1.0);
  CHECK_THAT(starved.table, Contains("no clearing below 3000 bp"));
}

TEST_CASE("the share of paths whose peak exceeds the thresholds stands beside its error", "[report]") {
  const auto run = printed({}, 2000);
  const std::string heads = line_of(run.table, "Share of paths");
  CHECK_THAT(heads, Contains("> 10 bp") && Contains("> 75 bp") && Contains("> 200 bp"));
  const auto& stats = run.summary.stats;
  const auto first_number = [&](const std::string& label) {
    const std::string row = line_of(run.table, label);
    return std::stod(row.substr(row.find(label) + label.size()));
  };
  CHECK(first_number("with a peak of SOFR - IORB") ==
        Approx(100.0 * stats.peak_exceedance(0).probability()).margin(0.005));
  CHECK(first_number("with a peak of SOFR - EFFR") ==
        Approx(100.0 * stats.peak_over_effr_exceedance(0).probability()).margin(0.005));
  const std::string effr = line_of(run.table, "with a peak of SOFR - EFFR");
  CHECK(std::ranges::count(effr, '%') == 0);
  std::size_t errors = 0;
  for (auto at = effr.find("±"); at != std::string::npos; at = effr.find("±", at + 1)) ++errors;
  CHECK(errors == run.summary.manifest.peak_thresholds.size());
  CHECK_THAT(line_of(printed({}, 1).table, "with a peak of SOFR - IORB"), Contains("± n/a"));
}

TEST_CASE("the desk's rows are there where they have a meaning", "[report]") {
  const auto run = printed({}, 500);
  for (const auto* label :
       {"peak SOFR - EFFR, bp", "peak TGCR - IORB, bp", "days above the corridor", "days from peak to below 5 bp",
        "  not back by the end, % of paths", "peak dealer mark-up, bp", "peak Fed credit by both, bn USD",
        "basis trades sold on calls, bn USD", "sold voluntarily, bn USD", "nearest to the spiral (100), %"})
    CHECK_THAT(line_of(run.table, label), Contains("±"));
  CHECK_THAT(line_of(run.table, "peak SOFR - EFFR, bp"), Contains("295.0"));  // observed: 5.25 % over 2.30 %
  CHECK(run.table.find("nan") == std::string::npos);
  CHECK(run.table.find("peak volume above SRF rate") == std::string::npos);  // there is no facility
  const auto facility = printed({"policy.standing_repo={enabled: true}"}, 500);
  CHECK_THAT(line_of(facility.table, "peak volume above SRF rate, %"), Contains("±"));
}

TEST_CASE("reserves are set against bank assets always, against GDP and M2 where they are given", "[report]") {
  const auto bare = printed({}, 300);
  CHECK_THAT(line_of(bare.table, "  over bank assets, %"), Contains("±"));
  CHECK(bare.table.find("over GDP") == std::string::npos);
  CHECK(bare.table.find("over M2") == std::string::npos);
  const auto with = printed({"market.gdp=21.4 tn USD", "market.m2=15 tn USD"}, 300);
  const double trough = with.summary.stats.moments(engine::PathFeature::trough_reserves).mean;
  for (const auto& [label, whole] :
       {std::pair{"  over bank assets, %", 17494.2}, {"  over GDP, %", 21400.0}, {"  over M2, %", 15000.0}}) {
    const std::string row = line_of(with.table, label);
    INFO(row);
    CHECK(std::stod(row.substr(row.find('%') + 1)) == Approx(100.0 * trough / whole).margin(0.06));
  }
  CHECK(with.table.find("over GDP") < with.table.find("over M2"));
}

TEST_CASE("rules that fired are events, and the satellite says that it is one", "[report]") {
  const auto run = printed(fixtures::with_rules({"transmission={enabled: true, high_yield_spread: {coefficient: 0.4, "
                                                 "range: [0.1, 0.8]}}"}),
                           300);
  CHECK_THAT(run.table, Contains("rule: emergency repo goes on") && Contains("rule: administered rates adjusted") &&
                            Contains("rule: large purchases") && Contains("rule: stop of run-off announced"));
  CHECK_THAT(line_of(run.table, "2019-09-25"), Contains("meeting"));
  CHECK_THAT(run.table, Contains("Transmission, a satellite") && Contains("fed back to nothing"));
  const auto median = run.summary.stats.quantile(engine::PathFeature::peak_spread, 0.5).value;
  const std::string row = line_of(run.table, "high_yield_spread, bp");
  CHECK_THAT(row, Contains("0.4") && Contains(" to "));
  const auto after = row.find("0.4") + 3;
  CHECK(std::stod(row.substr(after)) == Approx(0.4 * (median - 5.0)).margin(0.06));

  const auto bare = printed({}, 300);
  CHECK(bare.table.find("rule:") == std::string::npos);
  CHECK(bare.table.find("satellite") == std::string::npos);
}

TEST_CASE("a free run says what is drawn", "[report]") {
  const auto run = printed(fixtures::with_drivers({"series=null", "expect=[]", "policy.repo_operations=[]"}), 300);
  CHECK_THAT(run.table, Contains("Free run: the Treasury's account, settlements, other factors and volatility are "
                                 "drawn, no path is a forecast.") &&
                            !Contains("Conditional"));
}

TEST_CASE("a rule that may act on any day marks none of them, so a long table stays short", "[report]") {
  const std::vector<std::string> year{"window={start: 2019-09-11, end: 2020-03-31}", "series=null", "expect=[]",
                                      "policy.repo_operations=[]"};
  auto with_rule = year;
  with_rule.emplace_back("policy.rules={emergency_repo: {enabled: true}}");
  const auto plain = printed(year, 256), with = printed(with_rule, 256);
  CHECK(plain.summary.manifest.marks == with.summary.manifest.marks);
  const auto days_shown = [](const Printed& run) {
    return std::ranges::count_if(run.summary.manifest.dates, [&](const auto date) {
      return run.table.find("  " + calendar::to_iso(date) + " ") != std::string::npos;
    });
  };
  CHECK(days_shown(with) < 20);
}
