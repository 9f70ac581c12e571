#include "repoquake/model/fed_balance_sheet.hpp"

#include <array>
#include <cmath>

#include <catch2/catch.hpp>

#include "unit/model/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::model;
using namespace repoquake::test;
using Catch::WithinAbs;

namespace {

__extension__ using Wide = __int128;

Wide cents(double usd_bn) { return std::llround(usd_bn * 1e11); }

DayFlows random_flows(Dice& dice) {
  DayFlows flows = quiet_flows();
  for (ColumnData* flow :
       {&flows.tga, &flows.securities, &flows.currency, &flows.foreign_rrp, &flows.other_liabilities})
    *flow = column_of([&] { return dice.uniform(-80, 80); });
  return flows;
}

/// What a path's sheet should hold: the opening plus every logged flow, summed in 128 bits.
struct Ledger {
  Wide securities, repo_operations, standing_repo, other_assets, tga, on_rrp, foreign_rrp, currency, other;

  [[nodiscard]] Wide reserves() const {
    return securities + repo_operations + standing_repo + other_assets - tga - on_rrp - foreign_rrp - currency - other;
  }
};

Ledger ledger_of(const FedSheet& s, std::size_t i) {
  return {s.securities[i], s.repo_operations[i], s.standing_repo[i], s.other_assets[i],     s.tga[i],
          s.on_rrp[i],     s.foreign_rrp[i],     s.currency[i],      s.other_liabilities[i]};
}

bool agree(const FedSheet& s, std::size_t i, const Ledger& l) {
  return s.securities[i] == l.securities && s.repo_operations[i] == l.repo_operations &&
         s.standing_repo[i] == l.standing_repo && s.other_assets[i] == l.other_assets && s.tga[i] == l.tga &&
         s.on_rrp[i] == l.on_rrp && s.foreign_rrp[i] == l.foreign_rrp && s.currency[i] == l.currency &&
         s.other_liabilities[i] == l.other && s.reserves[i] == l.reserves();
}

}  // namespace

TEST_CASE("the sheet is the opening plus the logged flows, to the cent, for a year", "[fed_balance_sheet]") {
  Dice dice(61);
  FedSheet sheet;
  fill_sheet(sheet, 1458.666, 183.581, 3.612, 7.25, 12.5);
  std::array<Ledger, kBlockPaths> ledger{};
  for (std::size_t i = 0; i < kBlockPaths; ++i) ledger[i] = ledger_of(sheet, i);
  int wrong = 0;
  int wrong_if_a_cent_is_lost = 0;
  for (int day = 0; day < 250; ++day) {
    const DayFlows flows = random_flows(dice);
    const ColumnData standing_repo = column_of([&] { return dice.chance(0.5) ? dice.uniform(0, 200) : 0.0; });
    const ColumnData operations = column_of([&] { return dice.uniform(0, 300); });
    const ColumnData on_rrp = column_of([&] { return dice.uniform(0, 2500); });
    settle(flows, {standing_repo, operations, on_rrp}, sheet);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      Ledger& l = ledger[i];
      l.securities += cents(flows.securities[i]);
      l.tga += cents(flows.tga[i]);
      l.currency += cents(flows.currency[i]);
      l.foreign_rrp += cents(flows.foreign_rrp[i]);
      l.other += cents(flows.other_liabilities[i]);
      l.standing_repo = cents(standing_repo[i]);
      l.repo_operations = cents(operations[i]);
      l.on_rrp = cents(on_rrp[i]);
      wrong += !agree(sheet, i, l) || imbalance(sheet, i) != 0;
      FedSheet& torn = sheet;
      torn.reserves[i] += 1;
      wrong_if_a_cent_is_lost += !agree(torn, i, l) && imbalance(torn, i) == -1;
      torn.reserves[i] -= 1;
    }
  }
  CHECK(wrong == 0);
  CHECK(wrong_if_a_cent_is_lost == 250 * static_cast<int>(kBlockPaths));  // control
}

TEST_CASE("what the Treasury gains, reserves lose, where nothing else moves", "[fed_balance_sheet]") {
  Dice dice(62);
  FedSheet sheet;
  fill_sheet(sheet, 1458.666, 183.581, 0.0);
  const FedSheet opening = sheet;
  for (int day = 0; day < 20; ++day) {
    DayFlows flows = quiet_flows();
    flows.tga = column_of([&] { return dice.uniform(-80, 80); });
    const ColumnData none = column(0);
    settle(flows, {none, none, none}, sheet);
    for (std::size_t i = 0; i < kBlockPaths; ++i)
      CHECK(sheet.reserves[i] - opening.reserves[i] == opening.tga[i] - sheet.tga[i]);
  }
  CHECK(sheet.tga[5] != opening.tga[5]);
}

TEST_CASE("each flow is rounded to cents before it is booked", "[fed_balance_sheet]") {
  FedSheet sheet;
  fill_sheet(sheet, 1000.0, 100.0, 0.0);
  DayFlows flows = quiet_flows();
  flows.tga.fill(0.4e-11);       // four tenths of a cent
  flows.currency.fill(0.4e-11);  // together they would be one
  flows.securities.fill(0.6e-11);
  const ColumnData none = column(0);
  for (int day = 0; day < 10; ++day) settle(flows, {none, none, none}, sheet);
  CHECK(sheet.tga[0] == to_cents(100.0));
  CHECK(sheet.securities[0] == to_cents(4000.0) + 10);
  CHECK(sheet.reserves[0] == to_cents(1000.0) + 10);
}

TEST_CASE("the drain is what the liabilities gain and securities do not cover", "[fed_balance_sheet]") {
  DayFlows flows = quiet_flows();
  flows.tga.fill(60.0);
  flows.currency.fill(0.5);
  flows.foreign_rrp.fill(-3.0);
  flows.other_liabilities.fill(2.0);
  flows.securities.fill(10.0);
  flows.mmf_cash.fill(99.0);  // not a flow of the Fed's
  ColumnData drain;
  drain_reserves(flows, drain);
  CHECK_THAT(drain[44], WithinAbs(60.0 + 0.5 - 3.0 + 2.0 - 10.0, 1e-12));
}

TEST_CASE("the morning feels part of the drain, the afternoon all of it and yesterday's facility cash",
          "[fed_balance_sheet]") {
  FedSheet sheet;
  fill_sheet(sheet, 1500.0, 100.0, 0.0, 40.0, 70.0);
  ColumnData reserves;
  reserves_before_noon(default_params(), sheet, column(50.0), reserves);
  CHECK_THAT(reserves[0], WithinAbs(1500.0 - 0.14 * 50.0, 1e-11));
  reserves_after_noon(sheet, column(50.0), column(15.0), column(75.0), reserves);
  CHECK_THAT(reserves[0], WithinAbs(1500.0 - 50.0 + (15.0 - 40.0) + (75.0 - 70.0), 1e-11));
}
