#include "repoquake/plan/compile.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

using namespace repoquake;
using calendar::Date;

namespace {

Date day(std::string_view text) { return *calendar::parse_iso_date(text); }

/// A small world around September 2019, with the series columns given as (name, value of row 3).
scenario::Scenario world(std::string_view start = "2019-09-11", std::string_view end = "2019-10-03") {
  scenario::Scenario s;
  s.name = "world";
  s.window = {day(start), day(end)};
  s.market = {.repo_volume = 1179.0, .bank_assets = 17494.2, .opening_spread = 5.0, .treasury_volatility = 85.0};
  s.fed_balance_sheet = {.securities = 3590.0,
                         .reserves = 1458.666,
                         .tga = 183.581,
                         .on_rrp = 3.612,
                         .foreign_rrp = 290.0,
                         .currency = 1755.0,
                         .other_liabilities = 80.0};
  s.policy.administered_rates = {{.from = day("2019-08-01"), .iorb = 2.10, .on_rrp = 2.00},
                                 {.from = day("2019-09-19"), .iorb = 1.80, .on_rrp = 1.70}};
  s.basis_trade.position = 550.0;
  s.output.variables = {Variable::spread};
  return s;
}

plan::Plan compiled(const scenario::Scenario& s, const scenario::Scenario* base = nullptr) {
  auto result = plan::compile(s, base);
  REQUIRE(result.issues.empty());
  REQUIRE(result.plan);
  return std::move(*result.plan);
}

std::size_t row_of(const plan::Plan& plan, std::string_view date) {
  for (std::size_t row = 0; row < plan.days.size(); ++row)
    if (plan.days[row].date == day(date)) return row;
  FAIL("no such day");
  return 0;
}

void add_series(scenario::Scenario& s, const std::string& column, std::vector<std::optional<double>> values) {
  if (!s.series) {
    s.series.emplace();
    for (const auto& d : calendar::day_grid(s.window.start, s.window.end)) s.series->dates.push_back(d.date);
  }
  values.resize(s.series->dates.size());
  s.series->columns.push_back({column, std::move(values)});
}

}  // namespace

TEST_CASE("rates become spreads, and a change of rates a change of the day", "[plan]") {
  const auto plan = compiled(world());
  REQUIRE(plan.days.size() == 17);
  const auto& before = plan.days[row_of(plan, "2019-09-18")].context;
  const auto& on = plan.days[row_of(plan, "2019-09-19")].context;
  const auto& after = plan.days[row_of(plan, "2019-09-20")].context;
  CHECK(before.floor == Approx(-10.0));
  CHECK(before.iorb == 2.10);
  CHECK(before.iorb_change == 0.0);
  CHECK(on.iorb_change == Approx(-30.0));
  CHECK(on.on_rrp_rate == 1.70);
  CHECK(after.iorb_change == 0.0);
  CHECK_FALSE(before.has_standing_repo);
  CHECK_FALSE(before.tgcr_since_2021);
}

TEST_CASE("the calendar is asked, not the next row", "[plan]") {
  const auto plan = compiled(world());
  const auto& quarter_end = plan.days[row_of(plan, "2019-09-30")].context;
  CHECK(quarter_end.is_period_end);
  CHECK(quarter_end.pullback_share == 0.037);
  CHECK(quarter_end.period_end_markup == 2.5);
  CHECK(quarter_end.half_saturation == Approx(15.0 * 1.85));
  CHECK(plan.days[row_of(plan, "2019-10-01")].context.follows_period_end);
  CHECK_FALSE(plan.days[row_of(plan, "2019-10-02")].context.follows_period_end);
  CHECK(plan.days[row_of(plan, "2019-09-13")].context.days_to_next == 3);
  CHECK(plan.days[row_of(plan, "2019-09-16")].is_tax_date);
  CHECK(compiled(world("2019-09-25", "2019-09-30")).days.back().context.is_period_end);  // the last row
  CHECK(compiled(world("2019-10-30", "2019-10-31")).days.back().context.pullback_share == 0.039);
  CHECK(compiled(world("2019-12-30", "2019-12-31")).days.back().context.pullback_share == 0.045);
}

TEST_CASE("GSE cash counts against the opening day", "[plan]") {
  const double cash = 0.004 * 1179.0;
  const auto outside = compiled(world());
  CHECK(outside.days[row_of(outside, "2019-09-17")].context.gse_cash == 0.0);
  CHECK(outside.days[row_of(outside, "2019-09-18")].context.gse_cash == Approx(cash));
  CHECK(outside.days[row_of(outside, "2019-09-24")].context.gse_cash == Approx(cash));
  CHECK(outside.days[row_of(outside, "2019-09-25")].context.gse_cash == 0.0);
  const auto inside = compiled(world("2019-09-20", "2019-10-03"));
  CHECK(inside.days[row_of(inside, "2019-09-23")].context.gse_cash == 0.0);
  CHECK(inside.days[row_of(inside, "2019-09-25")].context.gse_cash == Approx(-cash));
}

TEST_CASE("levels of the series become flows, blanks no flow", "[plan]") {
  auto s = world();
  add_series(s, "tga_usd_bn", {183.581, 195.302, std::nullopt, 200.0});
  add_series(s, "other_factors_drain_usd_bn", {9.0, 1.924});
  add_series(s, "treasury_volatility_bp", {84.0, std::nullopt, 90.0});
  add_series(s, "net_coupons_usd_bn", {7.0, std::nullopt, 54.0});
  const auto plan = compiled(s);
  CHECK(plan.days[0].flows.tga == 0.0);
  CHECK(plan.days[1].flows.tga == Approx(11.721));
  CHECK(plan.days[2].flows.tga == 0.0);
  CHECK(plan.days[3].flows.tga == Approx(200.0 - 195.302));
  CHECK(plan.days[0].flows.other_liabilities == 0.0);  // the opening day has no flows
  CHECK(plan.days[1].flows.other_liabilities == 1.924);
  CHECK(plan.days[2].flows.volatility == 90.0);
  CHECK(plan.days[1].flows.volatility == 85.0);  // blank: the level before the window holds
  CHECK(plan.opening.own.volatility == 84.0);
  CHECK(plan.opening.volatility_before == 85.0);
  CHECK(plan.days[2].flows.net_coupons == 54.0);
  CHECK(plan.is_conditional);
  CHECK_FALSE(compiled(world()).is_conditional);
}

TEST_CASE("a monthly pace settles evenly over calendar days", "[plan]") {
  auto s = world("2019-09-11", "2020-09-11");
  s.policy.runoff_per_month = 20.0;
  s.policy.reserve_management_purchases_per_month = 5.0;
  const auto plan = compiled(s);
  double year = 0.0;
  for (const auto& d : plan.days) year += d.flows.securities;
  CHECK(year == Approx(-15.0 * 12.0 * 366.0 / 365.0));
  CHECK(plan.days[row_of(plan, "2019-09-16")].flows.securities == Approx(-15.0 * 36.0 / 365.0));  // over a weekend
}

TEST_CASE("operations: the morning's, the series', and the one behind a trigger", "[plan]") {
  auto s = world();
  add_series(s, "repo_operation_offered_usd_bn", {0.0, 0.0, 0.0, 0.0, 0.0, 75.0, 80.0});
  s.policy.repo_operations = {{.id = "emergency",
                               .from = day("2019-09-17"),
                               .until = day("2019-09-17"),
                               .size = 53.0,
                               .minimum_bid = {},
                               .am_trigger = 60.0},
                              {.id = "morning",
                               .from = day("2019-09-18"),
                               .until = {},
                               .from_series = true,
                               .minimum_bid = {.over_iorb = false, .rate = 2.15}}};
  const auto plan = compiled(s);
  const auto& emergency = plan.days[row_of(plan, "2019-09-17")].context;
  CHECK(emergency.emergency_size == 53.0);
  CHECK(emergency.emergency_trigger == 60.0);
  CHECK(emergency.operation_size == 0.0);
  const auto& morning = plan.days[row_of(plan, "2019-09-18")].context;
  CHECK(morning.operation_size == 75.0);
  CHECK(morning.minimum_bid == Approx(5.0));  // 2.15 % over an IORB of 2.10 %
  CHECK(std::isinf(morning.emergency_trigger));
  CHECK(plan.days[row_of(plan, "2019-09-19")].context.minimum_bid == Approx(35.0));
  CHECK(plan.days[row_of(plan, "2019-09-16")].context.operation_size == 0.0);
}

TEST_CASE("the standing repo facility changes with the reform of December 2025", "[plan]") {
  auto s = world("2025-12-08", "2025-12-15");
  s.policy.standing_repo.enabled = true;
  s.policy.standing_repo.pm = false;
  auto plan = compiled(s);
  const auto& before = plan.days[row_of(plan, "2025-12-10")].context;
  const auto& after = plan.days[row_of(plan, "2025-12-11")].context;
  CHECK(before.standing_repo_cap == 500.0);
  CHECK(before.stigma == 65.0);
  CHECK(std::isinf(after.standing_repo_cap));
  CHECK(after.stigma == 30.0);
  CHECK(before.standing_repo_spread == 15.0);
  CHECK(before.standing_repo_am);
  CHECK_FALSE(before.standing_repo_pm);
  CHECK(before.tgcr_since_2021);

  s.policy.standing_repo.cap = scenario::StandingRepo::Cap::amount;
  s.policy.standing_repo.cap_amount = 120.0;
  s.policy.standing_repo.stigma = {{.from = day("2025-12-09"), .stigma = 44.0}};
  plan = compiled(s);
  CHECK(plan.days.back().context.standing_repo_cap == 120.0);
  CHECK(plan.days[0].context.stigma == 65.0);
  CHECK(plan.days.back().context.stigma == 44.0);

  s.policy.standing_repo.stigma.clear();
  s.model.set(*scenario::find_parameter("standing_repo.stigma"), 50.0);  // stated: holds on every day
  CHECK(compiled(s).days.back().context.stigma == 50.0);
}

TEST_CASE("cash that is not stated leaves the opening ON RRP unlent", "[plan]") {
  auto s = world();
  s.fed_balance_sheet.on_rrp = 20.0;
  const auto& market = compiled(s).opening.own;
  CHECK(market.cash == Approx(20.0 * (1.0 + 15.0 / 5.0)));  // 15 bp above the floor, scale 5 bp
  const double lent = market.cash * 15.0 / (5.0 + 15.0);
  CHECK(market.cash - lent == Approx(20.0));
  s.fed_balance_sheet.on_rrp = 0.0;
  CHECK(compiled(s).opening.own.cash == 15.0);
  s.market.mmf_cash = 70.0;
  CHECK(compiled(s).opening.own.cash == 70.0);
}

TEST_CASE("the opening sheet is closed by other assets", "[plan]") {
  const auto plan = compiled(world());
  const auto& sheet = plan.opening.sheet;
  const Cents assets = sheet.securities[0] + sheet.repo_operations[0] + sheet.standing_repo[0] + sheet.other_assets[0];
  const Cents liabilities = sheet.reserves[0] + sheet.tga[0] + sheet.on_rrp[0] + sheet.foreign_rrp[0] +
                            sheet.currency[0] + sheet.other_liabilities[0];
  CHECK(assets == liabilities);
  CHECK(sheet.reserves[0] == to_cents(1458.666));
}

TEST_CASE("shocks are laid over the days as their shape says", "[plan]") {
  using scenario::Shock;
  using scenario::ShockShape;
  using scenario::ShockTarget;
  auto s = world();
  const Date d16 = day("2019-09-16"), d18 = day("2019-09-18");
  const auto shock = [&](std::string id, ShockTarget target, Date last, bool has_window, ShockShape shape,
                         double half_life = 0.0) {
    return Shock{.id = std::move(id),
                 .enabled = true,
                 .target = target,
                 .first = d16,
                 .last = last,
                 .has_window = has_window,
                 .shape = shape,
                 .half_life_days = half_life,
                 .size = {.location = 10.0}};
  };
  s.shocks = {shock("step", ShockTarget::tga, d16, false, ShockShape::step),
              shock("ramp", ShockTarget::tga, d18, true, ShockShape::ramp),
              shock("reserves", ShockTarget::reserves, d16, false, ShockShape::step),
              shock("level", ShockTarget::repo_demand, d18, true, ShockShape::step),
              shock("pulse", ShockTarget::repo_demand, d18, true, ShockShape::pulse, 1.0),
              shock("volatility", ShockTarget::volatility, d16, false, ShockShape::step),
              shock("volatility-window", ShockTarget::volatility, d18, true, ShockShape::step)};
  s.shocks.push_back(s.shocks.front());
  s.shocks.back().id = "off";
  s.shocks.back().enabled = false;
  s.shocks.push_back(shock("offset", ShockTarget::tga, d18, true, ShockShape::level));
  s.shocks.push_back(shock("path", ShockTarget::tga, d16, false, ShockShape::path));
  s.shocks.back().shares = {0.5, 1.0, -0.25};
  s.shocks.push_back(shock("random", ShockTarget::tga, d18, false, ShockShape::step));
  s.shocks.back().has_random_date = true;
  s.shocks.push_back(shock("early-pulse", ShockTarget::volatility, d18, false, ShockShape::pulse, 1.0));
  s.shocks.back().first = s.shocks.back().last = day("2019-09-03");  // before the window: there from its first day on
  s.shocks.push_back(shock("early-demand", ShockTarget::repo_demand, d18, false, ShockShape::step));
  s.shocks.back().first = s.shocks.back().last = day("2019-09-03");  // over
  const auto plan = compiled(s);
  REQUIRE(plan.shocks.size() == 12);
  const auto on = [&](std::size_t k, std::size_t row) {
    const auto& placed = plan.shocks[k];
    const bool acts = row >= placed.first_start && row - placed.first_start < placed.profile.size();
    return acts ? placed.profile[row - placed.first_start] : 0.0;
  };
  const auto weights = [&](std::size_t k) {  // 13 to 19 September
    return std::vector<double>{on(k, 2), on(k, 3), on(k, 4), on(k, 5), on(k, 6)};
  };
  CHECK(weights(0) == std::vector<double>{0, 1, 0, 0, 0});
  CHECK(weights(1)[1] == Approx(1.0 / 3.0));
  CHECK(std::accumulate(plan.shocks[1].profile.begin(), plan.shocks[1].profile.end(), 0.0) == Approx(1.0));
  CHECK(weights(2) == std::vector<double>{0, -1, 0, 0, 0});  // reserves fall when other liabilities rise
  CHECK(plan.shocks[2].target == plan::FlowTarget::other_liabilities);
  CHECK(weights(3) == std::vector<double>{0, 1, 1, 1, 0});
  CHECK(weights(4)[1] == 1.0);
  CHECK(weights(4)[2] == Approx(0.5));
  CHECK(weights(4)[3] == Approx(0.25));
  CHECK(weights(4)[4] == 0.0);
  CHECK(weights(5) == std::vector<double>{0, 1, 1, 1, 1});  // a dated level stays changed
  CHECK(weights(6) == std::vector<double>{0, 1, 1, 1, 0});
  CHECK(weights(7) == std::vector<double>{0, 1, 0, 0, -1});  // taken back on the day after the window
  CHECK(weights(8) == std::vector<double>{0, 0.5, 1, -0.25, 0});
  CHECK((plan.shocks[9].first_start == 3 && plan.shocks[9].last_start == 5));  // 16, 17 or 18 September
  CHECK((on(10, 1) == 1.0 && on(10, 2) == 0.5));
  CHECK(plan.shocks[11].profile.empty());
  for (std::size_t k = 0; k < plan.shocks.size(); ++k) CHECK(on(k, 0) == 0.0);  // day 0 is given
}

TEST_CASE("a shock's draws belong to its id, whatever stands beside it", "[plan]") {
  auto s = world();
  scenario::Shock a{.id = "a", .first = day("2019-09-16"), .last = day("2019-09-16")};
  scenario::Shock b = a;
  b.id = "b";
  s.shocks = {a, b};
  const auto both = compiled(s);
  s.shocks = {b};
  CHECK(compiled(s).shocks[0].slot == both.shocks[1].slot);
  CHECK(both.shocks[0].slot != both.shocks[1].slot);
  CHECK(both.shocks[0].slot % 2 == 0);
}

TEST_CASE("correlations that cannot be are issues, not exceptions", "[plan]") {
  auto s = world();
  for (const auto* id : {"a", "b", "c"}) {
    scenario::Shock shock{.id = id, .first = day("2019-09-16"), .last = day("2019-09-16")};
    shock.size = {.law = scenario::ShockSize::Law::normal, .location = 0.0, .scale = 1.0};
    s.shocks.push_back(shock);
  }
  s.correlation = {{"a", "b", 0.9}, {"b", "c", 0.9}, {"a", "c", 0.7}};
  CHECK(compiled(s).correlation.has_value());
  s.correlation.back().rho = -0.9;
  const auto result = plan::compile(s);
  CHECK_FALSE(result.plan);
  REQUIRE(result.issues.size() == 1);
  CHECK(result.issues[0].key == "correlation");
  CHECK(result.issues[0].reason.find("eigenvalue") != std::string::npos);
  s.correlation_repair = scenario::CorrelationRepair::nearest;  // asked for the nearest matrix that can be
  CHECK(plan::compile(s).plan);
  s.shocks[0].size = {.law = scenario::ShockSize::Law::student_t, .scale = 1.0, .degrees_of_freedom = 5.0};
  CHECK(plan::compile(s).issues.at(0).key == "shocks.a.size");
}

TEST_CASE("a held need comes from the base", "[plan]") {
  const auto base = world();
  auto s = world();
  s.market.need = scenario::NeedRule::hold;
  s.fed_balance_sheet.reserves = 1300.0;
  const auto plan = compiled(s, &base);
  CHECK(plan.opening.need == model::OpeningNeed::held);
  CHECK(plan.opening.base.reserves == 1458.666);
  CHECK(plan.opening.own.reserves == 1300.0);
  const auto alone = plan::compile(s);
  CHECK_FALSE(alone.plan);
  CHECK(alone.issues.at(0).key == "market.need");
}

// ---------------------------------------------------------------- flows of a free run

namespace {

/// A world whose account is drawn around `target`.
scenario::Scenario drawn_world(std::string_view start, std::string_view end, double target = 900.0) {
  auto s = world(start, end);
  s.policy.tga.target = target;
  return s;
}

double drift(const plan::Plan& plan, std::string_view date) { return plan.days[row_of(plan, date)].drivers.tga_drift; }

}  // namespace

TEST_CASE("the account's seasonal mean adds up the effects of a day", "[plan]") {
  const auto plan = compiled(drawn_world("2025-02-27", "2026-01-05"));
  // Worked out by hand from model 4: Mon +24, Tue +6, Wed -21, Thu +1, Fri -5; month-end +12; first business day -36;
  // corporate tax date +77.
  const std::vector<std::pair<std::string_view, double>> table{
      {"2025-03-10", 24.0},          // an ordinary Monday
      {"2025-03-11", 6.0},           // Tuesday
      {"2025-03-12", -21.0},         // Wednesday
      {"2025-03-13", 1.0},           // Thursday
      {"2025-03-14", -5.0},          // Friday
      {"2025-02-28", -5.0 + 12.0},   // Friday, month-end
      {"2025-03-03", 24.0 - 36.0},   // Monday, first business day
      {"2025-03-31", 24.0 + 12.0},   // Monday, quarter-end
      {"2025-04-01", 6.0 - 36.0},    // Tuesday, first business day
      {"2025-04-15", 6.0 + 77.0},    // Tuesday, taxes
      {"2025-06-02", 24.0 - 36.0},   // Monday the 2nd: the 1st is a Sunday
      {"2025-06-16", 24.0 + 77.0},   // Monday, taxes: the 15th is a Sunday
      {"2025-06-30", 24.0 + 12.0},   // Monday, quarter-end
      {"2025-07-15", 6.0},           // no corporate taxes in July
      {"2025-09-02", 6.0 - 36.0},    // Tuesday after Labor Day
      {"2025-09-15", 24.0 + 77.0},   // Monday, taxes
      {"2025-10-31", -5.0 + 12.0},   // Friday, month-end
      {"2025-12-31", -21.0 + 12.0},  // Wednesday, year-end
      {"2026-01-02", -5.0 - 36.0},   // Friday, first business day of the year
      {"2026-01-05", 24.0},          // Monday
  };
  for (const auto& [date, mean] : table) {
    INFO(date);
    CHECK(drift(plan, date) == mean);
  }
  CHECK(plan.days[0].drivers.tga_drift == 0.0);  // the opening day has no flows
  auto s = drawn_world("2025-02-27", "2025-03-20");
  s.policy.tga.has_seasonality = false;
  for (const auto& day : compiled(s).days) CHECK(day.drivers.tga_drift == 0.0);
}

TEST_CASE("the account's reference: the target, or equal steps to it", "[plan]") {
  auto s = drawn_world("2019-09-11", "2019-10-03");
  s.policy.tga.has_seasonality = false;
  s.policy.tga.residual_sd = 25.0;
  s.policy.tga.pull = 0.05;
  auto plan = compiled(s);
  for (std::size_t row = 1; row < plan.days.size(); ++row) {
    CHECK(plan.days[row].drivers.tga_reference == 900.0);  // from the start
    CHECK(plan.days[row].drivers.tga_drift == 0.0);
    CHECK(plan.days[row].flows.tga == 0.0);
  }
  CHECK(plan.drivers.tga);
  CHECK(plan.drivers.tga_residual_sd == 25.0);
  CHECK(plan.drivers.tga_pull == 0.05);
  CHECK(plan.drawn == "the Treasury's account is");

  const double opening = s.fed_balance_sheet.tga;
  const auto check_steps = [&](std::string_view by, std::size_t steps) {
    s.policy.tga.by = day(by);
    plan = compiled(s);
    const double step = (900.0 - opening) / static_cast<double>(steps);
    for (std::size_t row = 1; row < plan.days.size(); ++row) {
      const double before = static_cast<double>(std::min(row - 1, steps));
      CHECK(plan.days[row].drivers.tga_reference == Approx(opening + step * before));
      CHECK(plan.days[row].drivers.tga_drift == Approx(row <= steps ? step : 0.0).margin(1e-10));
    }
  };
  check_steps("2019-09-20", 7);   // inside the window
  check_steps("2019-09-21", 7);   // a Saturday: reached on the Friday before
  check_steps("2019-10-03", 16);  // on its last day
  check_steps("2019-10-05", 17);  // a Saturday after it: reached on the 4th
  check_steps("2019-10-15", 23);  // beyond: 4, 7 to 11 and 15 October, without Columbus Day on the 14th
}

TEST_CASE("coupons settle on the 15th or the next open day and at the month's end, bills on Tuesday and Thursday",
          "[plan]") {
  auto s = world("2025-05-30", "2025-12-31");
  s.drivers.settlements = {.is_drawn = true,
                           .coupons_mid_month = 35.0,
                           .coupons_month_end = 55.0,
                           .coupons_sd = 11.0,
                           .bills_mean = 4.0,
                           .bills_sd = 22.0};
  add_series(s, "net_coupons_usd_bn", {1.0, 2.0, 3.0});  // in whose place flows are drawn
  add_series(s, "net_bills_usd_bn", {1.0, 2.0, 3.0});
  const auto plan = compiled(s);
  const std::vector<Date> mid{day("2025-06-16"), day("2025-07-15"), day("2025-08-15"), day("2025-09-15"),
                              day("2025-10-15"), day("2025-11-17"), day("2025-12-15")};
  const std::vector<Date> end{day("2025-06-30"), day("2025-07-31"), day("2025-08-29"), day("2025-09-30"),
                              day("2025-10-31"), day("2025-11-28"), day("2025-12-31")};
  for (std::size_t row = 1; row < plan.days.size(); ++row) {
    const auto& d = plan.days[row];
    INFO(calendar::to_iso(d.date));
    const bool is_mid = std::ranges::find(mid, d.date) != mid.end();
    const bool is_end = std::ranges::find(end, d.date) != end.end();
    CHECK(d.drivers.settles_coupons == (is_mid || is_end));
    if (d.drivers.settles_coupons) CHECK(d.drivers.coupons == (is_end ? 55.0 : 35.0));
    const auto weekday = std::chrono::weekday{d.date};
    CHECK(d.drivers.settles_bills == (weekday == std::chrono::Tuesday || weekday == std::chrono::Thursday));
    if (d.drivers.settles_bills) CHECK(d.drivers.bills == 4.0);
    CHECK(d.flows.net_coupons == 0.0);
    CHECK(d.flows.net_bills == 0.0);
  }
  CHECK(plan.drivers.settlements);
  CHECK_FALSE(plan.drivers.tga);
  CHECK(plan.drivers.coupons_sd == 11.0);
  CHECK(plan.drivers.bills_sd == 22.0);
  CHECK_FALSE(plan.is_conditional);  // both columns are replaced
  CHECK(plan.drawn == "settlements are");
}

TEST_CASE("drawn flows take the place of their columns, and a run that reads no other is not conditional", "[plan]") {
  auto s = drawn_world("2019-09-11", "2019-10-03");
  s.drivers.other_factors = {.is_drawn = true, .sd = 7.0};
  s.drivers.volatility = {.is_drawn = true, .level = 90.0, .half_life_days = 10.0, .jump_half_life_days = 4.0};
  add_series(s, "tga_usd_bn", {183.581, 195.302, 170.0});
  add_series(s, "other_factors_drain_usd_bn", {9.0, 1.924});
  add_series(s, "treasury_volatility_bp", {84.0, 95.0, 99.0});
  auto plan = compiled(s);
  CHECK_FALSE(plan.is_conditional);
  CHECK(plan.drawn == "the Treasury's account, other factors and volatility are");
  for (const auto& d : plan.days) {
    CHECK(d.flows.tga == 0.0);
    CHECK(d.flows.other_liabilities == 0.0);
    CHECK(d.flows.volatility == 85.0);  // of the market, until the drawn level comes
  }
  CHECK(plan.opening.own.volatility == 85.0);
  CHECK(plan.drivers.other_factors_sd == 7.0);
  CHECK(plan.drivers.volatility_level == 90.0);
  CHECK(plan.drivers.volatility_persistence == Approx(std::pow(0.5, 0.1)));
  CHECK(plan.drivers.jump_persistence == Approx(std::pow(0.5, 0.25)));
  s.drivers.volatility.level = 0.0;
  CHECK(compiled(s).drivers.volatility_level == 85.0);

  add_series(s, "net_coupons_usd_bn", {std::nullopt, 54.0});
  CHECK(compiled(s).is_conditional);  // one realised flow is enough
  CHECK(compiled(s).days[1].flows.net_coupons == 54.0);
  CHECK_FALSE(compiled(world()).drivers.any());
  CHECK(compiled(world()).drawn.empty());
}

TEST_CASE("currency grows by 12/365 of its monthly growth a calendar day", "[plan]") {
  auto s = world("2019-09-11", "2019-10-03");
  s.drivers.currency_growth_per_month = 6.3;
  add_series(s, "currency_change_usd_bn", {0.0, 0.5});
  const auto plan = compiled(s);
  CHECK(plan.days[0].flows.currency == 0.0);
  CHECK(plan.days[1].flows.currency == Approx(0.5 + 6.3 * 12.0 / 365.0));
  CHECK(plan.days[row_of(plan, "2019-09-16")].flows.currency == Approx(6.3 * 36.0 / 365.0));  // over a weekend
  CHECK(plan.days[row_of(plan, "2019-09-16")].context.months_passed == Approx(36.0 / 365.0));
}

TEST_CASE("correlations of drivers stand at their places, and impossible ones are issues", "[plan]") {
  using scenario::Driver;
  auto s = drawn_world("2019-09-11", "2019-10-03");
  s.drivers.settlements.is_drawn = true;
  CHECK_FALSE(compiled(s).driver_correlation.has_value());
  s.drivers.correlation = {{Driver::bills, Driver::tga, 0.6}, {Driver::tga, Driver::coupons, -0.3}};
  const auto plan = compiled(s);
  REQUIRE(plan.driver_correlation.has_value());
  const auto& c = *plan.driver_correlation;
  const auto entry = [&](std::size_t a, std::size_t b) {
    double sum = 0.0;
    for (std::size_t k = 0; k < scenario::kDriverCount; ++k) sum += c.factor(a, k) * c.factor(b, k);
    return sum;
  };
  CHECK(entry(0, 2) == Approx(0.6));
  CHECK(entry(1, 0) == Approx(-0.3));
  CHECK(entry(1, 2) == Approx(0.0).margin(1e-15));
  CHECK(entry(4, 4) == Approx(1.0));
  s.drivers.correlation.push_back({Driver::coupons, Driver::bills, 0.95});
  const auto result = plan::compile(s);
  CHECK_FALSE(result.plan);
  REQUIRE(result.issues.size() == 1);
  CHECK(result.issues[0].key == "drivers.correlation");
}

// ---------------------------------------------------------------- policy rules

TEST_CASE("rules are in force between their days, with their parameters", "[plan]") {
  using scenario::Rule;
  auto s = world();
  CHECK_FALSE(compiled(s).has_rules);
  CHECK_FALSE(compiled(s).days[3].context.has_rules);
  s.policy.meetings = {day("2019-09-18")};
  s.policy.runoff_per_month = 30.0;
  auto& rules = s.policy.rules;
  rules[Rule::emergency_repo] = {.enabled = true, .from = day("2019-09-16"), .until = day("2019-09-20")};
  rules[Rule::runoff_stop] = {.enabled = true, .until = day("2019-09-13")};
  rules[Rule::large_purchases] = {.enabled = true};
  rules[Rule::large_scale_repo] = {.enabled = false, .from = day("2019-09-11")};
  const auto table = scenario::rule_parameters();
  for (std::size_t row = 0; row < table.size(); ++row) rules.set(row, 1000.0 + static_cast<double>(row));
  const auto plan = compiled(s);
  CHECK(plan.has_rules);
  for (const auto& d : plan.days) {
    INFO(calendar::to_iso(d.date));
    const auto& c = d.context;
    CHECK(c.has_rules);
    CHECK(c.rules.emergency_repo.in_force == (d.date >= day("2019-09-16") && d.date <= day("2019-09-20")));
    CHECK(std::isfinite(c.emergency_trigger) == c.rules.emergency_repo.in_force);
    CHECK(c.rules.runoff_stop.in_force == (d.date <= day("2019-09-13")));
    CHECK(c.rules.large_purchases.in_force);
    CHECK_FALSE(c.rules.large_scale_repo.in_force);
    CHECK_FALSE(c.rules.reserve_purchases.in_force);
    CHECK_FALSE(c.rules.rate_adjustment.in_force);
    CHECK(c.is_meeting == (d.date == day("2019-09-18")));
    CHECK(c.row == static_cast<std::size_t>(&d - plan.days.data()));
  }
  const auto& c = plan.days[row_of(plan, "2019-09-16")].context;
  const auto value = [&](Rule rule, std::string_view key) { return rules.at(rule, key); };
  const auto& r = c.rules;
  CHECK(c.emergency_trigger == value(Rule::emergency_repo, "trigger"));
  CHECK(c.emergency_size == value(Rule::emergency_repo, "size"));
  CHECK(r.emergency_repo.trigger == value(Rule::emergency_repo, "trigger"));
  CHECK(r.emergency_repo.morning_size == value(Rule::emergency_repo, "morning_size"));
  CHECK(r.emergency_repo.growth == value(Rule::emergency_repo, "growth"));
  CHECK(r.emergency_repo.full_use == value(Rule::emergency_repo, "full_use"));
  CHECK(r.emergency_repo.idle_use == value(Rule::emergency_repo, "idle_use"));
  CHECK(r.emergency_repo.idle_days == value(Rule::emergency_repo, "idle_days"));
  CHECK(r.emergency_repo.cut == value(Rule::emergency_repo, "cut"));
  CHECK(r.large_scale_repo.volatility_rise == value(Rule::large_scale_repo, "volatility_rise"));
  CHECK(r.large_scale_repo.basis == value(Rule::large_scale_repo, "basis"));
  CHECK(r.large_scale_repo.size == value(Rule::large_scale_repo, "size"));
  CHECK(r.large_scale_repo.days == value(Rule::large_scale_repo, "days"));
  CHECK(r.runoff_stop.trigger == value(Rule::runoff_stop, "trigger"));
  CHECK(r.runoff_stop.lag == value(Rule::runoff_stop, "lag"));
  CHECK(r.reserve_purchases.trigger == value(Rule::reserve_management_purchases, "trigger"));
  CHECK(r.reserve_purchases.reserves_ratio == value(Rule::reserve_management_purchases, "reserves_ratio"));
  CHECK(r.reserve_purchases.pace == value(Rule::reserve_management_purchases, "pace"));
  CHECK(r.reserve_purchases.lag == value(Rule::reserve_management_purchases, "lag"));
  CHECK(r.reserve_purchases.taper == value(Rule::reserve_management_purchases, "taper"));
  CHECK(r.large_purchases.yield_impact == value(Rule::large_purchases, "yield_impact"));
  CHECK(r.large_purchases.basis == value(Rule::large_purchases, "basis"));
  CHECK(r.large_purchases.first_day == value(Rule::large_purchases, "first_day"));
  CHECK(r.large_purchases.full_size == value(Rule::large_purchases, "full_size"));
  CHECK(r.large_purchases.ramp == value(Rule::large_purchases, "ramp"));
  CHECK(r.large_purchases.stop_basis == value(Rule::large_purchases, "stop_basis"));
  CHECK(r.rate_adjustment.trigger == value(Rule::administered_rates, "trigger"));
  CHECK(r.rate_adjustment.step == value(Rule::administered_rates, "step"));
  // What a stop of run-off gives back is what the flows contain of it.
  CHECK(c.runoff == Approx(30.0 * 36.0 / 365.0));
  CHECK(plan.days[row_of(plan, "2019-09-16")].flows.securities == Approx(-c.runoff));
  CHECK(plan.days[0].context.runoff == 0.0);
}

TEST_CASE("the corridor's top is the target range's, else the facility's, else unknown", "[plan]") {
  auto s = world();
  CHECK_FALSE(compiled(s).days[1].context.has_corridor);
  s.policy.standing_repo.enabled = true;
  CHECK(compiled(s).days[1].context.corridor_top == Approx(15.0));
  s.policy.administered_rates[0].target = {.low = 2.00, .high = 2.25};
  s.policy.administered_rates[0].target->high = 2.30;
  const auto plan = compiled(s);
  CHECK(plan.days[1].context.has_corridor);
  CHECK(plan.days[1].context.corridor_top == Approx(20.0));                           // 2.30 over 2.10
  CHECK(plan.days[row_of(plan, "2019-09-19")].context.corridor_top == Approx(15.0));  // no range is stated any more
}
