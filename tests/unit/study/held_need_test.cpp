#include "repoquake/study/held_need.hpp"

#include <catch2/catch.hpp>

#include "repoquake/plan/compile.hpp"

using namespace repoquake;
using repoquake::scenario::NeedRule;
using repoquake::scenario::Scenario;
using repoquake::study::hold_need;

namespace {

Scenario world() {
  Scenario s;
  s.name = "world";
  s.market.opening_spread = 5.0;
  s.fed_balance_sheet.reserves = 1459.0;
  return s;
}

Scenario with_reserves(double reserves) {
  Scenario s = world();
  s.fed_balance_sheet.reserves = reserves;
  return s;
}

}  // namespace

TEST_CASE("the need of the base is held unless told otherwise") {
  const auto held = hold_need(with_reserves(1300.0), {}, world(), {}, false);
  CHECK(held.scenario.market.need == NeedRule::hold);
  CHECK(held.scenario.fed_balance_sheet.reserves == 1300.0);
  REQUIRE(held.base);
  CHECK(*held.base == world());
  CHECK(held.issues.empty());
}

TEST_CASE("a stated need stays as stated") {
  Scenario inverted = with_reserves(1300.0);
  CHECK(hold_need(inverted, {}, world(), {}, true).scenario == inverted);
  CHECK_FALSE(hold_need(inverted, {}, world(), {}, true).base);

  Scenario amount = inverted;
  amount.market.need = NeedRule::amount;
  amount.market.need_amount = 900.0;
  CHECK(hold_need(amount, {}, world(), {}, true).scenario == amount);

  Scenario holding = inverted;
  holding.market.need = NeedRule::hold;
  const auto held = hold_need(holding, with_reserves(1000.0), world(), {}, true);
  CHECK(held.scenario == holding);
  CHECK(held.base == with_reserves(1000.0));
}

TEST_CASE("another belief inverts the need again") {
  Scenario other = world();
  other.model.set(0, other.model[0] * 1.01);
  other.market.opening_spread = 7.0;  // which may then differ
  const auto held = hold_need(other, {}, world(), {}, false);
  CHECK(held.scenario == other);
  CHECK_FALSE(held.base);
  CHECK(held.issues.empty());

  Scenario same = world();
  same.model.set(0, same.model[0]);  // stated, and the default
  CHECK(hold_need(same, {}, world(), {}, false).scenario.market.need == NeedRule::hold);
}

TEST_CASE("a base passes on the need that it has itself") {
  Scenario base = world();
  base.market.need = NeedRule::amount;
  base.market.need_amount = 900.0;
  const auto of_amount = hold_need(with_reserves(1300.0), {}, base, {}, false);
  CHECK(of_amount.scenario.market.need == NeedRule::amount);
  CHECK(of_amount.scenario.market.need_amount == 900.0);
  CHECK_FALSE(of_amount.base);

  base.market.need = NeedRule::hold;
  const auto of_hold = hold_need(with_reserves(1300.0), {}, base, with_reserves(1000.0), false);
  CHECK(of_hold.scenario.market.need == NeedRule::hold);
  CHECK(of_hold.base == with_reserves(1000.0));
  CHECK_FALSE(plan::compile(hold_need(world(), {}, base, {}, false).scenario).issues.empty());  // nobody's need
}

TEST_CASE("a spread cannot differ while the need is held") {
  Scenario other = world();
  other.market.opening_spread = 6.0;
  other.market.trend_spread = 4.0;
  const auto held = hold_need(other, {}, world(), {}, false);
  REQUIRE(held.issues.size() == 2);
  CHECK(held.issues[0].key == "market.opening_spread");
  CHECK(held.issues[1].key == "market.trend_spread");
  CHECK(held.issues[0].reason.find("market: {need: invert}") != std::string::npos);

  Scenario base = other;
  base.market.need = NeedRule::amount;  // which follows from no spread
  CHECK(hold_need(world(), {}, base, {}, false).issues.empty());
}
