// Any scenario that is accepted gives numbers: worlds of every size, parameters anywhere in their ranges, shocks far
// beyond the plausible.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <catch2/catch.hpp>

#include "repoquake/engine/simulate_block.hpp"
#include "repoquake/model/fed_balance_sheet.hpp"
#include "repoquake/scenario/validate.hpp"
#include "unit/any_parameters.hpp"
#include "unit/engine/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::test;

namespace {

scenario::Scenario library_scenario(const std::string& name, const std::vector<std::string>& settings) {
  const auto loaded = io::load_scenario(std::string(REPOQUAKE_SOURCE_DIR) + "/scenarios/" + name + ".yaml",
                                        {.overlays = {}, .settings = settings, .paths = 256, .seed = {}});
  io::require_valid(loaded);
  return loaded.scenario;
}

/// From nothing to more than there is.
double any_amount(Dice& dice, double most) {
  return dice.chance(0.1) ? 0.0 : dice.chance(0.1) ? most : dice.log_uniform(1e-3, most);
}

scenario::Shock any_shock(const scenario::Scenario& s, scenario::ShockTarget target, Dice& dice) {
  scenario::Shock shock;
  shock.id = "shock" + std::to_string(static_cast<int>(target));
  shock.target = target;
  shock.first = shock.last = s.window.start + std::chrono::days(1 + static_cast<int>(dice.below(3)));
  if (scenario::is_level(target)) {
    shock.has_window = true;
    shock.last = s.window.start + std::chrono::days(6);
  }
  shock.size.law = dice.chance(0.5) ? scenario::ShockSize::Law::student_t : scenario::ShockSize::Law::normal;
  shock.size.degrees_of_freedom = 3.0;
  shock.size.location = dice.uniform(-10000, 10000);
  shock.size.scale = dice.log_uniform(1, 10000);
  return shock;
}

void disturb(scenario::Scenario& s, Dice& dice) {
  s.model = any_parameters(dice);
  s.market.repo_volume = any_amount(dice, 5e4);
  s.market.bank_assets = any_amount(dice, 5e4);
  s.market.opening_spread = dice.uniform(-100, 1000);
  s.market.trend_spread = dice.uniform(-30, 100);
  s.market.treasury_volatility = dice.log_uniform(0.1, 10000);
  if (dice.chance(0.5)) s.market.mmf_cash = any_amount(dice, 5e4);
  for (UsdBn* amount : {&s.fed_balance_sheet.reserves, &s.fed_balance_sheet.on_rrp, &s.basis_trade.position,
                        &s.fed_balance_sheet.standing_repo, &s.fed_balance_sheet.repo_operations})
    *amount = any_amount(dice, 5e4);
  auto& facility = s.policy.standing_repo;
  facility.enabled = dice.chance(0.5);
  facility.rate.spread = dice.uniform(-20, 100);
  facility.cap = dice.chance(0.5) ? scenario::StandingRepo::Cap::none : scenario::StandingRepo::Cap::amount;
  facility.cap_amount = any_amount(dice, 1e4);
  using enum scenario::ShockTarget;
  for (const auto target : {tga, repo_demand, volatility, yield, mmf_cash, dealer_capacity, iorb, net_coupons})
    if (dice.chance(0.3)) s.shocks.push_back(any_shock(s, target, dice));
}

struct Seen {
  int accepted = 0, refused = 0, not_finite = 0, unbalanced = 0, path_days = 0, flagged = 0;
};

void judge_day(const plan::Plan& plan, std::uint32_t day, const engine::BlockWorkspace& work, Seen& seen) {
  ColumnData value;
  for (const auto& spec : kVariables) {
    const bool has_none =
        !plan.days[day].context.has_standing_repo &&
        (spec.variable == Variable::standing_repo_rate || spec.variable == Variable::volume_above_srf_rate);
    if (has_none) continue;
    engine::observe(plan, day, spec.variable, work, value);
    seen.not_finite += std::ranges::any_of(value, [](double x) { return !std::isfinite(x); });
  }
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    ++seen.path_days;
    seen.unbalanced += model::imbalance(work.state.sheet, i) != 0;
    seen.flagged += work.outcome.flags[i] != 0;
  }
}

void live(const plan::Plan& plan, Seen& seen) {
  engine::BlockWorkspace work(plan);
  engine::open_block(plan, 0, work);
  const auto days = std::min<std::size_t>(plan.days.size(), 6);
  for (std::uint32_t day = 0; day < days; ++day) {
    if (day > 0) engine::simulate_day(plan, 0, day, work);
    judge_day(plan, day, work, seen);
  }
}

}  // namespace

TEST_CASE("any scenario that is accepted gives numbers and a balanced sheet", "[extremes]") {
  const std::vector<scenario::Scenario> bases{library_scenario("sep_2019", {}),
                                              library_scenario("sep_2019", fixtures::with_rules()),
                                              library_scenario("sep_2019", fixtures::with_drivers())};
  Dice dice(109);
  Seen seen;
  for (int trial = 0; trial < trials(600); ++trial) {
    scenario::Scenario s = bases[dice.below(bases.size())];
    disturb(s, dice);
    const auto issues = scenario::validate(s);
    const bool is_wrong =
        std::ranges::any_of(issues, [](const Issue& issue) { return issue.severity == Issue::Severity::error; });
    if (is_wrong) {
      ++seen.refused;
      continue;
    }
    const auto compiled = plan::compile(s);
    INFO("trial " << trial);
    REQUIRE(compiled.plan.has_value());
    ++seen.accepted;
    live(*compiled.plan, seen);
  }
  INFO(seen.accepted << " accepted, " << seen.refused << " refused, " << seen.flagged << " of " << seen.path_days
                     << " path-days flagged");
  CHECK(seen.not_finite == 0);
  CHECK(seen.unbalanced == 0);
  CHECK(seen.accepted > trials(600) / 4);
  CHECK(seen.flagged > 0);
}
