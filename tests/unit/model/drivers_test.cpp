#include "repoquake/model/drivers.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "unit/model/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::model;
using namespace repoquake::test;
using Catch::WithinAbs;

namespace {

FedSheet sheet_with_tga(double amount) {
  FedSheet sheet;
  fill_sheet(sheet, 2000.0, amount, 10.0);
  return sheet;
}

DriverDraws draws_of(Dice& dice) {
  const auto normals = [&] { return column_of([&] { return dice.normal(); }); };
  return {normals(), normals(), normals(), normals(), normals(), column_of([&] { return dice.unit(); })};
}

}  // namespace

TEST_CASE("the drawn account drifts, is pulled to the reference and scatters", "[drivers]") {
  const DriverParams p{.tga = true, .tga_residual_sd = 30.0, .tga_pull = 0.03};
  const DriverDay day{.tga_drift = 12.5, .tga_reference = 800.0};
  Dice dice(501);
  FedSheet sheet = sheet_with_tga(0.0);
  for (Cents& c : sheet.tga) c = to_cents(dice.uniform(300, 1200));
  const DriverDraws draws = draws_of(dice);
  DriverState state;
  DayFlows flows = quiet_flows();
  flows.tga.fill(2.0);  // drawn flows come on top
  draw_flows(p, day, draws, sheet, state, flows);
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    CHECK_THAT(flows.tga[i],
               WithinAbs(2.0 + 12.5 + 0.03 * (800.0 - to_usd_bn(sheet.tga[i])) + 30.0 * draws.tga[i], 1e-10));
  CHECK(flows.net_coupons[0] == 0.0);
  CHECK(flows.other_liabilities[0] == 0.0);
  CHECK(flows.volatility[0] == 60.0);
}

TEST_CASE("the drawn account never falls below nothing", "[drivers]") {
  const DriverParams p{.tga = true, .tga_residual_sd = 100.0};
  Dice dice(502);
  FedSheet sheet = sheet_with_tga(0.0);
  for (std::size_t i = 0; i < kBlockPaths; ++i) sheet.tga[i] = i == 0 ? 0 : to_cents(dice.uniform(0, 60));
  DriverState state;
  int emptied = 0;
  for (int day = 0; day < 40; ++day) {
    DriverDraws draws = draws_of(dice);
    draws.tga[0] = -3.0;
    DayFlows flows = quiet_flows();
    draw_flows(p, {.tga_drift = -20.0}, draws, sheet, state, flows);
    CHECK(flows.tga[0] == 0.0);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const double wanted = -20.0 + 100.0 * draws.tga[i];
      const double account = to_usd_bn(sheet.tga[i]);
      CHECK_THAT(flows.tga[i], WithinAbs(std::max(wanted, -account), 1e-10));
      sheet.tga[i] += to_cents(flows.tga[i]);
      emptied += sheet.tga[i] == 0;
      REQUIRE(sheet.tga[i] >= 0);
    }
  }
  CHECK(emptied > 1000);
  sheet.tga[1] = to_cents(-50.0);  // a shock overdrew it: what is drawn does not drain it further
  DayFlows flows = quiet_flows();
  DriverDraws draws = draws_of(dice);
  draws.tga.fill(-1.0);
  draw_flows(p, {}, draws, sheet, state, flows);
  CHECK(flows.tga[1] == 0.0);
  draws.tga.fill(1.0);
  draw_flows(p, {}, draws, sheet, state, flows);
  CHECK(flows.tga[1] == 100.0);
}

TEST_CASE("securities settle on their days only", "[drivers]") {
  const DriverParams p{.settlements = true, .coupons_sd = 10.0, .bills_sd = 25.0};
  Dice dice(503);
  const FedSheet sheet = sheet_with_tga(500.0);
  const DriverDraws draws = draws_of(dice);
  DriverState state;
  for (const bool coupons : {false, true})
    for (const bool bills : {false, true}) {
      DayFlows flows = quiet_flows();
      draw_flows(p, {.settles_coupons = coupons, .settles_bills = bills, .coupons = 40.0, .bills = 3.0}, draws, sheet,
                 state, flows);
      for (std::size_t i = 0; i < kBlockPaths; ++i) {
        CHECK_THAT(flows.net_coupons[i], WithinAbs(coupons ? 40.0 + 10.0 * draws.coupons[i] : 0.0, 1e-12));
        CHECK_THAT(flows.net_bills[i], WithinAbs(bills ? 3.0 + 25.0 * draws.bills[i] : 0.0, 1e-12));
        CHECK(flows.tga[i] == 0.0);
      }
    }
}

TEST_CASE("other factors scatter around nothing", "[drivers]") {
  Dice dice(504);
  const DriverDraws draws = draws_of(dice);
  DriverState state;
  DayFlows flows = quiet_flows();
  flows.other_liabilities.fill(1.0);
  draw_flows({.other_factors = true, .other_factors_sd = 5.0}, {}, draws, sheet_with_tga(500.0), state, flows);
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    CHECK_THAT(flows.other_liabilities[i], WithinAbs(1.0 + 5.0 * draws.other_factors[i], 1e-12));
}

TEST_CASE("volatility moves around its level and jumps fade by their half-life", "[drivers]") {
  DriverParams p{.volatility = true, .volatility_level = 70.0};
  p.jump_probability = 0.25;
  p.jump_size = 32.0;
  p.jump_persistence = std::pow(2.0, -1.0 / 5.0);
  DriverState state;
  DriverDraws draws{};
  DayFlows flows = quiet_flows();
  const FedSheet sheet = sheet_with_tga(500.0);
  draws.jump.fill(0.25);  // at the probability: no jump
  draws.jump[1] = std::nextafter(0.25, 0.0);
  draw_flows(p, {}, draws, sheet, state, flows);
  CHECK(flows.volatility[0] == 70.0);  // the drawn level takes the place of what stood there
  CHECK(flows.volatility[1] == 102.0);
  draws.jump.fill(0.9);
  for (int day = 1; day <= 20; ++day) {
    draw_flows(p, {}, draws, sheet, state, flows);
    CHECK(flows.volatility[0] == 70.0);
    CHECK_THAT(flows.volatility[1], WithinAbs(70.0 + 32.0 * std::pow(0.5, day / 5.0), 1e-11));
  }
  draws.jump.fill(0.0);  // jumps add up
  draw_flows(p, {}, draws, sheet, state, flows);
  CHECK_THAT(flows.volatility[1], WithinAbs(70.0 + 32.0 + 32.0 * std::pow(0.5, 21 / 5.0), 1e-11));

  SECTION("slow moves are those of a log AR(1)") {
    const double rho = std::pow(2.0, -1.0 / 20.0);
    const DriverParams slow{
        .volatility = true, .volatility_level = 70.0, .volatility_persistence = rho, .volatility_sd = 0.02};
    DriverState own;
    Dice dice(505);
    ColumnData v = column(0.0);
    for (int day = 0; day < 50; ++day) {
      const DriverDraws moves = draws_of(dice);
      draw_flows(slow, {}, moves, sheet, own, flows);
      for (std::size_t i = 0; i < kBlockPaths; ++i) {
        v[i] = rho * v[i] + 0.02 * moves.volatility[i];
        CHECK_THAT(flows.volatility[i], WithinAbs(70.0 * std::exp(v[i]), 1e-10));
      }
    }
  }
}

TEST_CASE("nothing drawn is nothing changed", "[drivers]") {
  Dice dice(506);
  DriverState state;
  DayFlows flows = quiet_flows();
  const DriverDay day{.tga_drift = 50.0, .settles_coupons = true, .settles_bills = true, .coupons = 9.0, .bills = 9.0};
  CHECK_FALSE(DriverParams{}.any());
  draw_flows({}, day, draws_of(dice), sheet_with_tga(500.0), state, flows);
  for (const ColumnData* c : {&flows.tga, &flows.net_coupons, &flows.net_bills, &flows.other_liabilities})
    for (const double x : *c) REQUIRE(x == 0.0);
  for (const double x : flows.volatility) REQUIRE(x == 60.0);
}
