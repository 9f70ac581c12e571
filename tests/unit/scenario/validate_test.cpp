#include "repoquake/scenario/validate.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/calendar/business_calendar.hpp"

using namespace repoquake::scenario;
using repoquake::Issue;
using repoquake::Variable;

namespace {

Date day(std::string_view iso) { return *repoquake::calendar::parse_iso_date(iso); }

SeriesColumn column(const std::string& name, std::vector<std::optional<double>> values) {
  return {name, std::move(values)};
}

/// September 2019 in short: nothing wrong with it, nothing suspicious.
Scenario good() {
  Scenario s;
  s.name = "good";
  s.window = {day("2019-09-11"), day("2019-09-18")};
  s.series =
      Series{"x.csv", "", {}, {column("tga_usd_bn", {183.6, std::nullopt}), column("reserves_usd_bn", {1458.7})}};
  s.market.repo_volume = 1179.0;
  s.market.bank_assets = 17494.0;
  s.market.opening_spread = 5.0;
  s.market.treasury_volatility = 85.0;
  s.fed_balance_sheet = {.securities = 3590.0,
                         .reserves = 1458.7,
                         .tga = 183.6,
                         .on_rrp = 3.6,
                         .foreign_rrp = 300.0,
                         .currency = 1755.0,
                         .other_liabilities = 90.0};
  s.policy.administered_rates = {{.from = day("2019-08-01"), .iorb = 2.10, .on_rrp = 2.00, .target = {}}};
  s.basis_trade.position = 550.0;
  s.output.variables = {Variable::spread};
  return s;
}

RepoOperation operation(const std::string& id, std::string_view from, std::string_view until = "") {
  RepoOperation o;
  o.id = id;
  o.from = day(from);
  if (!until.empty()) o.until = day(until);
  o.size = 50.0;
  return o;
}

Shock shock(const std::string& id, ShockTarget target, std::string_view first, std::string_view last = "") {
  Shock s;
  s.id = id;
  s.target = target;
  s.first = day(first);
  s.has_window = !last.empty();
  s.last = last.empty() ? s.first : day(last);
  s.size.location = 10.0;
  return s;
}

/// Keys of what is found in a changed good scenario; warnings in brackets.
std::vector<std::string> found(const std::function<void(Scenario&)>& change) {
  Scenario s = good();
  change(s);
  std::vector<std::string> keys;
  for (const auto& issue : validate(s)) {
    CHECK_FALSE(issue.reason.empty());
    keys.push_back(issue.severity == Issue::Severity::warning ? "[" + issue.key + "]" : issue.key);
  }
  return keys;
}

std::string reason(const std::function<void(Scenario&)>& change) {
  Scenario s = good();
  change(s);
  const auto issues = validate(s);
  REQUIRE(issues.size() == 1);
  return issues.front().reason;
}

using Keys = std::vector<std::string>;

}  // namespace

TEST_CASE("a good scenario has no issues") { CHECK(validate(good()).empty()); }

TEST_CASE("a default scenario is full of them, and nothing breaks") { CHECK(validate(Scenario{}).size() > 5); }

TEST_CASE("the window starts and ends on publication days, in order, not too long") {
  CHECK(reason([](auto& s) { s.window.start = day("2019-09-08"); }) ==
        "2019-09-08 is not a publication day of SOFR; the nearest is 2019-09-09");
  CHECK(reason([](auto& s) { s.window.end = day("2019-09-21"); }) ==
        "2019-09-21 is not a publication day of SOFR; the nearest is 2019-09-20");
  CHECK(found([](auto& s) { s.window.end = s.window.start; }) == Keys{"window.end"});
  CHECK(found([](auto& s) { s.window.end = day("2035-09-18"); }) == Keys{"window.end"});
  CHECK(found([](auto& s) { s.window.end = day("2029-09-18"); }).empty());
}

TEST_CASE("amounts, spreads and rates are within reach") {
  CHECK(found([](auto& s) { s.market.repo_volume = 0.0; }) == Keys{"market.repo_volume"});
  CHECK(found([](auto& s) { s.market.bank_assets = 50'001.0; }) == Keys{"market.bank_assets"});
  CHECK(found([](auto& s) { s.market.treasury_volatility = 0.0; }) == Keys{"market.treasury_volatility"});
  CHECK(found([](auto& s) { s.basis_trade.position = -1.0; }) == Keys{"basis_trade.position"});
  CHECK(found([](auto& s) { s.basis_trade.position = 0.0; }).empty());
  CHECK(found([](auto& s) { s.market.trend_spread = 4000.0; }) == Keys{"market.trend_spread"});
  CHECK(found([](auto& s) {
          s.market.need = NeedRule::amount;
          s.market.need_amount = -1.0;
        }) == Keys{"market.need"});
  CHECK(found([](auto& s) { s.policy.runoff_per_month = -1.0; }) == Keys{"policy.securities.runoff"});
  CHECK(found([](auto& s) { s.fed_balance_sheet.currency = -1.0; }) ==
        Keys{"fed_balance_sheet.currency", "[fed_balance_sheet]"});
}

TEST_CASE("rates are in order and cover the window") {
  const auto change = [](AdministeredRates rates) {
    return [rates](auto& s) { s.policy.administered_rates.push_back(rates); };
  };
  CHECK(
      found(
          change(
              {.from = day("2019-09-12"), .iorb = 1.8, .on_rrp = 1.7, .target = AdministeredRates::Target{1.75, 2.0}}))
          .empty());
  CHECK(found(change({.from = day("2019-08-01"), .iorb = 1.8, .on_rrp = 1.7, .target = {}})) ==
        Keys{"policy.administered_rates[1].from"});
  CHECK(found(change({.from = day("2019-09-12"), .iorb = 1.8, .on_rrp = 1.85, .target = {}})) ==
        Keys{"policy.administered_rates[1].on_rrp"});
  CHECK(found(change(
            {.from = day("2019-09-12"), .iorb = 1.8, .on_rrp = 1.7, .target = AdministeredRates::Target{2.0, 1.75}})) ==
        Keys{"policy.administered_rates[1].target"});
  CHECK(found(change({.from = day("2019-09-12"), .iorb = 210.0, .on_rrp = 1.7, .target = {}})) ==
        Keys{"policy.administered_rates[1].iorb"});
  CHECK(found([](auto& s) { s.policy.administered_rates[0].from = day("2019-09-12"); }) ==
        Keys{"policy.administered_rates[0].from"});
  CHECK(found([](auto& s) { s.policy.administered_rates.clear(); }) == Keys{"policy.administered_rates"});
}

TEST_CASE("a standing facility below IORB is suspicious, a stigma of nothing is wrong") {
  CHECK(found([](auto& s) { s.policy.standing_repo.rate.spread = -5.0; }).empty());
  CHECK(found([](auto& s) {
          s.policy.standing_repo.enabled = true;
          s.policy.standing_repo.rate.spread = -5.0;
        }) == Keys{"[policy.standing_repo.rate]"});
  CHECK(found([](auto& s) {
          s.policy.standing_repo.enabled = true;
          s.policy.standing_repo.rate = {.over_iorb = false, .rate = 2.10};
        }).empty());
  CHECK(found([](auto& s) { s.policy.standing_repo.stigma = {{.from = {}, .stigma = 0.0}}; }) ==
        Keys{"policy.standing_repo.stigma"});
  CHECK(found([](auto& s) {
          s.policy.standing_repo.stigma = {{day("2019-01-01"), 65.0}, {day("2018-01-01"), 0.0}};
        }) == Keys{"policy.standing_repo.stigma[1].stigma", "policy.standing_repo.stigma[1].from"});
  CHECK(found([](auto& s) {
          s.policy.standing_repo.stigma = {{day("2019-09-12"), 65.0}};
        }) == Keys{"policy.standing_repo.stigma[0].from"});
  CHECK(found([](auto& s) { s.policy.standing_repo.am = s.policy.standing_repo.pm = false; }) ==
        Keys{"policy.standing_repo.operations"});
  CHECK(found([](auto& s) {
          s.policy.standing_repo.cap = StandingRepo::Cap::amount;
          s.policy.standing_repo.cap_amount = -1.0;
        }) == Keys{"policy.standing_repo.cap"});
}

TEST_CASE("a day has one morning size, one afternoon operation and one minimum bid") {
  const auto with = [](std::vector<RepoOperation> list) {
    return found([list](auto& s) { s.policy.repo_operations = list; });
  };
  auto noon = operation("noon", "2019-09-17", "2019-09-17");
  noon.am_trigger = 60.0;
  CHECK(with({operation("a", "2019-09-12", "2019-09-13"), operation("b", "2019-09-16")}).empty());
  CHECK(with({operation("a", "2019-09-12", "2019-09-16"), operation("b", "2019-09-16")}) ==
        Keys{"policy.repo_operations.b"});
  CHECK(with({operation("a", "2019-09-14"), operation("b", "2019-09-12", "2019-09-15")})
            .empty());  // only a weekend in common
  CHECK(with({operation("a", "2019-09-16"), noon}).empty());
  auto second = noon;
  second.id = "late";
  CHECK(with({noon, second}) == Keys{"policy.repo_operations.late"});
  second.minimum_bid.spread = 5.0;
  CHECK(with({operation("a", "2019-09-16"), second}) == Keys{"policy.repo_operations.late.minimum_bid"});
  second.minimum_bid = {.over_iorb = false, .rate = 2.10};  // the same, written otherwise
  CHECK(with({operation("a", "2019-09-16"), second}).empty());
  CHECK(with({operation("a", "2019-09-12", "2019-09-12"), operation("a", "2019-09-16")}) ==
        Keys{"policy.repo_operations[1].id"});
  CHECK(with({operation("a", "2019-09-16", "2019-09-12")}) ==
        Keys{"policy.repo_operations.a.until", "[policy.repo_operations.a]"});
  CHECK(with({operation("a", "2019-09-14", "2019-09-15")}) == Keys{"[policy.repo_operations.a]"});
  CHECK(with({operation("a", "2019-10-01")}) == Keys{"[policy.repo_operations.a]"});
}

TEST_CASE("a size from the series needs its column, and a column that offers needs an entry") {
  auto from_series = operation("a", "2019-09-16");
  from_series.from_series = true;
  from_series.size = 0.0;
  const auto offered = [](double last) { return column("repo_operation_offered_usd_bn", {0.0, last}); };
  CHECK(found([&](auto& s) { s.policy.repo_operations = {from_series}; }) == Keys{"policy.repo_operations.a.size"});
  CHECK(found([&](auto& s) {
          s.policy.repo_operations = {from_series};
          s.series->columns.push_back(offered(75.0));
        }).empty());
  CHECK(found([&](auto& s) { s.series->columns.push_back(offered(75.0)); }) == Keys{"[series]"});
  CHECK(found([&](auto& s) { s.series->columns.push_back(offered(0.0)); }).empty());
}

TEST_CASE("shocks have ids of their own, sizes that exist and shapes that fit") {
  const auto with = [](Shock one) { return found([one](auto& s) { s.shocks = {one}; }); };
  const auto a = shock("a", ShockTarget::tga, "2019-09-16");
  CHECK(with(a).empty());
  CHECK(found([&](auto& s) { s.shocks = {a, a}; }) == Keys{"shocks[1].id"});
  const auto with_size = [&](ShockSize size) {
    auto one = a;
    one.size = size;
    return with(one);
  };
  using Law = ShockSize::Law;
  CHECK(with_size({Law::normal, 0.0, -1.0, 0.0}) == Keys{"shocks.a.size.normal.sd"});
  CHECK(with_size({Law::normal, 0.0, 0.0, 0.0}).empty());
  CHECK(with_size({Law::lognormal, 0.0, 0.5, 0.0}) == Keys{"shocks.a.size.lognormal.median"});
  CHECK(with_size({Law::student_t, 0.0, 1.0, 2.0}) == Keys{"shocks.a.size.student_t.df"});
  CHECK(with_size({Law::student_t, 0.0, 1.0, 2.5}).empty());
  CHECK(with_size({Law::uniform, 2.0, 1.0, 0.0}) == Keys{"shocks.a.size.uniform.high"});
  CHECK(with_size({Law::constant, 1e9, 0.0, 0.0}) == Keys{"shocks.a.size"});

  auto shaped = a;
  shaped.shape = ShockShape::ramp;
  CHECK(with(shaped) == Keys{"shocks.a.shape"});
  shaped = shock("a", ShockTarget::tga, "2019-09-16", "2019-09-17");
  shaped.shape = ShockShape::ramp;
  CHECK(with(shaped).empty());
  shaped.target = ShockTarget::repo_demand;
  CHECK(with(shaped) == Keys{"shocks.a.shape"});
  shaped.shape = ShockShape::pulse;
  CHECK(with(shaped) == Keys{"shocks.a.shape.pulse.half_life"});
  shaped.half_life_days = 1.0;
  CHECK(with(shaped).empty());
  shaped.target = ShockTarget::yield;
  CHECK(with(shaped) == Keys{"shocks.a.shape"});
}

TEST_CASE("a shock that can never fire is worth a warning") {
  const auto with = [](const Shock& one) { return found([one](auto& s) { s.shocks = {one}; }); };
  CHECK(with(shock("a", ShockTarget::tga, "2019-09-11")) == Keys{"[shocks.a.date]"});
  CHECK(with(shock("a", ShockTarget::tga, "2019-09-14")) == Keys{"[shocks.a.date]"});
  CHECK(with(shock("a", ShockTarget::tga, "2019-10-01")) == Keys{"[shocks.a.date]"});
  CHECK(with(shock("a", ShockTarget::tga, "2019-09-01", "2019-09-11")) == Keys{"[shocks.a.window]"});
  CHECK(with(shock("a", ShockTarget::tga, "2019-09-01", "2019-09-12")).empty());
  CHECK(with(shock("a", ShockTarget::tga, "2019-09-17", "2019-09-12")) == Keys{"shocks.a.window"});
  CHECK(with(shock("a", ShockTarget::volatility, "2019-09-01")).empty());  // stays from its date on
  auto off = shock("a", ShockTarget::tga, "2019-10-01");
  off.enabled = false;
  CHECK(with(off).empty());
}

TEST_CASE("correlations are of two random shocks, once") {
  auto a = shock("a", ShockTarget::tga, "2019-09-16");
  a.size = {ShockSize::Law::normal, 0.0, 1.0, 0.0};
  auto b = a;
  b.id = "b";
  const auto constant = shock("c", ShockTarget::tga, "2019-09-16");
  const auto with = [&](std::vector<ShockCorrelation> list) {
    return found([&, list](auto& s) {
      s.shocks = {a, b, constant};
      s.correlation = list;
    });
  };
  CHECK(with({{"a", "b", 0.4}}).empty());
  CHECK(with({{"a", "b", -1.0}}).empty());
  CHECK(with({{"a", "b", 1.1}}) == Keys{"correlation[0].rho"});
  CHECK(with({{"a", "x", 0.1}}) == Keys{"correlation[0].between[1]"});
  CHECK(with({{"c", "a", 0.1}}) == Keys{"correlation[0].between[0]"});
  CHECK(with({{"a", "a", 0.1}}) == Keys{"correlation[0].between"});
  CHECK(with({{"a", "b", 0.1}, {"b", "a", 0.1}}) == Keys{"correlation[1].between"});
  CHECK(with({{"a", "b", 0.1}, {"b", "a", 0.1}, {"a", "b", 0.1}}) ==
        Keys{"correlation[1].between", "correlation[2].between"});
}

TEST_CASE("an opening that does not fit together is worth a warning") {
  CHECK(found([](auto& s) { s.series.reset(); }) == Keys{"[series]"});
  CHECK(found([](auto& s) { s.market.opening_spread = -11.0; }) == Keys{"[market.opening_spread]"});
  CHECK(found([](auto& s) { s.market.opening_spread = -10.0; }).empty());
  CHECK(found([](auto& s) { s.fed_balance_sheet.tga = 185.0; }) == Keys{"[fed_balance_sheet.tga]"});
  CHECK(found([](auto& s) { s.fed_balance_sheet.tga = 184.5; }).empty());
  CHECK(found([](auto& s) { s.fed_balance_sheet.reserves = 1465.0; }) == Keys{"[fed_balance_sheet.reserves]"});
  CHECK(found([](auto& s) { s.series->columns[1].values = {std::nullopt, 1400.0}; }).empty());
  CHECK(found([](auto& s) { s.fed_balance_sheet.securities = 4000.0; }) == Keys{"[fed_balance_sheet]"});
  CHECK(found([](auto& s) {
          s.policy.runoff_per_month = 30.0;
          s.series->columns.push_back(column("securities_change_usd_bn", {0.0, 1.0}));
        }) == Keys{"[policy.securities]"});
  // The ON RRP rate is 10 bp below IORB, so at +5 bp a quarter of the cash, 5/(5 + 15), is left unlent.
  CHECK(found([](auto& s) { s.market.mmf_cash = 15.0; }).empty());
  CHECK(found([](auto& s) { s.market.mmf_cash = 35.0; }) == Keys{"[fed_balance_sheet.on_rrp]"});
}

TEST_CASE("the run and what it keeps are in range") {
  CHECK(found([](auto& s) { s.simulate.paths = 0; }) == Keys{"simulate.paths"});
  CHECK(found([](auto& s) { s.simulate.paths = 1'000'000'001; }) == Keys{"simulate.paths"});
  CHECK(found([](auto& s) { s.simulate.max_flagged = 1.5; }) == Keys{"simulate.max_flagged"});
  CHECK(found([](auto& s) { s.output.quantiles = {0.5, 0.5}; }) == Keys{"output.quantiles[1]"});
  CHECK(found([](auto& s) { s.output.quantiles = {0.0, 1.0}; }) == Keys{"output.quantiles[0]", "output.quantiles[1]"});
  CHECK(found([](auto& s) { s.output.quantiles.clear(); }) == Keys{"output.quantiles"});
  CHECK(found([](auto& s) { s.output.thresholds = {20.0, 10.0}; }) == Keys{"output.thresholds[1]"});
  CHECK(found([](auto& s) { s.output.variables.clear(); }) == Keys{"output.variables"});
  CHECK(found([](auto& s) { s.output.variables = {Variable::sofr, Variable::sofr}; }) == Keys{"output.variables[1]"});
  CHECK(found([](auto& s) { s.output.rate_precision_bp = -0.1; }) == Keys{"output.precision.rates"});
}

TEST_CASE("parameters are within their ranges and fit each other") {
  const auto set = [](std::string_view key, double value) {
    return [=](auto& s) { s.model.set(*find_parameter(key), value); };
  };
  CHECK(found(set("banks.scarcity_ratio", 0.07)) == Keys{"model.banks.scarcity_ratio"});
  CHECK(found(set("precaution.scale", 0.0)) == Keys{"model.precaution.scale"});
  CHECK(found(set("basis_trade.cohorts", 20.5)) == Keys{"model.basis_trade.cohorts"});
  CHECK(found(set("dispersion.fan[3]", -1.0)) == Keys{"model.dispersion.fan[3]"});
  CHECK(found(set("basis_trade.target_cushion", 0.1)) == Keys{"model.basis_trade.target_cushion"});
}

TEST_CASE("every default of the table lies inside its range, and every key is there once") {
  const auto table = parameter_table();
  for (std::size_t row = 0; row < table.size(); ++row) CHECK(find_parameter(table[row].key) == row);
  CHECK(validate(ParameterValues{}).empty());
  CHECK_FALSE(find_parameter("banks"));
}

TEST_CASE("everything wrong is found at once") {
  const auto keys = found([](auto& s) {
    s.window.start = day("2019-09-14");
    s.market.repo_volume = -1.0;
    s.simulate.paths = 0;
    s.model.set(0, 9.0);
  });
  CHECK(keys == Keys{"window.start", "market.repo_volume", "model.banks.lending_share", "simulate.paths"});
}

TEST_CASE("metrics and what is expected of them") {
  using Keys = std::vector<std::string>;
  CHECK(found([](Scenario& s) {
          s.metrics = {{"peak", "max(sofr - iorb)", "bp"}, {"day", "at(sofr, 2019-09-17)", ""}};
          s.expect = {{.low = 0.0, .high = 10.0, .metric = "peak"}};
        }).empty());
  CHECK(found([](Scenario& s) { s.metrics = {{"peak", "max(sofr - iorbb)", ""}}; }) == Keys{"metrics.peak.expr"});
  CHECK(found([](Scenario& s) { s.metrics = {{"peak", "max(sofr - iorb)", "bn USD"}}; }) == Keys{"metrics.peak.unit"});
  CHECK(found([](Scenario& s) { s.metrics = {{"a", "at(sofr, 2019-10-17)", ""}}; }) == Keys{"metrics.a.expr"});
  CHECK(found([](Scenario& s) { s.metrics = {{"a", "max(volume_above_srf_rate)", ""}}; }) == Keys{"metrics.a.expr"});
  CHECK(found([](Scenario& s) {
          s.metrics = {{"a", "max(volume_above_srf_rate)", ""}};
          s.policy.standing_repo.enabled = true;
        }).empty());
  CHECK(found([](Scenario& s) {
          s.metrics = {{"a", "max(spread)", ""}, {"a", "min(spread)", ""}};
        }) == Keys{"metrics[1].id"});
  CHECK(found([](Scenario& s) { s.metrics = {{"", "max(spread)", ""}}; }) == Keys{"metrics[0].id"});
  CHECK(found([](Scenario& s) { s.expect = {{.low = 2.0, .high = 1.0, .metric = "peak"}}; }) ==
        Keys{"expect[0].metric", "expect[0].between"});
}

TEST_CASE("a net asks for scrambles that it has, and goes without pairs", "[scenario]") {
  CHECK(found([](auto& s) { s.simulate.scrambles = 12; }) == Keys{"simulate.scrambles"});
  CHECK(found([](auto& s) { s.simulate.scrambles = 256; }) == Keys{"simulate.scrambles"});
  CHECK(found([](auto& s) {
          s.simulate.sampler = Sampler::sobol;
          s.simulate.antithetic = true;
          s.simulate.paths = 16384;
        }) == Keys{"simulate.antithetic"});
  CHECK(found([](auto& s) {
          s.simulate.sampler = Sampler::sobol;
          s.simulate.paths = 16384;
        }).empty());
  CHECK(found([](auto& s) { s.simulate.antithetic = true; }).empty());
  CHECK(found([](auto& s) { s.simulate.sampler = Sampler::sobol; }) == Keys{"[simulate.paths]"});  // a warning
}
