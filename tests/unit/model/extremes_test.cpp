// Parameters at the ends of their ranges and anywhere within, on days of any kind: nothing but numbers comes out, the
// sheet balances to the cent, every root is one or is flagged.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <catch2/catch.hpp>

#include "repoquake/core/flags.hpp"
#include "repoquake/model/fed_balance_sheet.hpp"
#include "unit/any_parameters.hpp"
#include "unit/model/world.hpp"

using namespace repoquake;
using namespace repoquake::model;
using namespace repoquake::test;

namespace {

constexpr int kDays = 3;
constexpr std::size_t kJudgedEvery = 8;  ///< lanes whose roots are judged in extended precision
/// Roots are good to 1e-10 bp; where the schedules are steep, to what a double's excess can tell.
constexpr double kRootTolerance = 1e-9;

Opening any_opening(Dice& dice) {
  const double volume = dice.log_uniform(50, 20000);
  const double assets = dice.log_uniform(500, 200000);
  Opening opening = opening_2019(plan::model_params(any_parameters(dice), volume, assets));
  opening.own.reserves = dice.chance(0.1) ? 0.0 : dice.uniform(0, 0.3 * assets);
  opening.own.cash = dice.chance(0.2) ? 0.0 : dice.log_uniform(1, 5000);
  opening.own.volatility = opening.volatility_before = dice.log_uniform(5, 1000);
  opening.own.opening_spread = dice.uniform(-9, 60);
  opening.own.trend_spread = dice.uniform(-9, 30);
  opening.position = dice.chance(0.1) ? 0.0 : dice.log_uniform(1, 10000);
  fill_sheet(opening.sheet, opening.own.reserves, dice.uniform(0, 1500), dice.uniform(0, 2500));
  return opening;
}

/// Flows and draws far beyond those of random_day.
void wild_day(World& w, Dice& dice) {
  random_day(w, dice);
  const double size = dice.log_uniform(1, 3000);
  for (ColumnData* flow : {&w.flows.tga, &w.flows.mmf_cash, &w.flows.net_coupons, &w.flows.repo_demand})
    *flow = column_of([&] { return dice.uniform(-size, size); });
  w.flows.yield_change = column_of([&] { return dice.uniform(-300, 300); });
  w.flows.volatility = column_of([&] { return dice.log_uniform(1, 2000); });
  for (ColumnData* draw : {&w.draws.need_shock, &w.draws.late_shock, &w.draws.pullback, &w.draws.rate_noise,
                           &w.draws.tail_width, &w.draws.other_sales})
    *draw = column_of([&] { return dice.chance(0.01) ? dice.uniform(-8.2, 8.2) : dice.normal(); });
}

/// Is x where the excess changes its sign, or an end that says so?
bool is_root(const SessionTerms& terms, const reference::Lane& lane, double x, bool is_flagged) {
  if (x >= 3000.0) return is_flagged;
  const double reach = kRootTolerance * std::max(1.0, std::fabs(x));
  const bool is_met_above = reference::excess(terms, lane, x + reach) <= 0;
  return is_met_above && (x <= terms.floor || reference::excess(terms, lane, x - reach) >= 0);
}

struct Seen {
  int not_finite = 0, unbalanced = 0, no_root = 0, stuck = 0, unstable = 0, wiped_out = 0, negative = 0, moved_seen = 0;
};

void judge(const World& w, const PathState& before, Seen& seen) {
  seen.not_finite += not_finite(w);
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const auto has = [&](PathFlag flag) { return (w.out.flags[i] & bit(flag)) != 0; };
    seen.unbalanced += imbalance(w.state.sheet, i) != 0;
    seen.stuck += has(PathFlag::no_clearing);
    seen.unstable += has(PathFlag::spiral_unstable);
    seen.wiped_out += has(PathFlag::fund_wiped_out);
    seen.negative += has(PathFlag::reserves_negative);
    if (i % kJudgedEvery != 0) continue;
    const double cash = std::max(0.0, before.mmf_cash[i] + w.flows.mmf_cash[i]);
    const SessionTerms am = session_terms(w.params, w.day, w.day.standing_repo_am);
    const SessionTerms pm = session_terms(w.params, w.day, w.day.standing_repo_pm);
    const reference::Lane morning{w.out.need[i], cash, w.out.capacity[i], w.out.markup[i], w.out.offer[i]};
    const reference::Lane afternoon{w.out.late_need[i], cash, w.out.late_capacity[i], w.out.markup[i],
                                    w.out.late_offer[i]};
    seen.no_root += !is_root(am, morning, w.out.am_clearing[i], has(PathFlag::no_clearing));
    seen.no_root += !is_root(pm, afternoon, w.out.pm_clearing[i], has(PathFlag::no_clearing));
    // Control: a root that is a thousandth of a basis point off is no root, unless it sits at an end.
    const double x = w.out.am_clearing[i];
    seen.moved_seen += x > am.floor && x < 2999.0 && !is_root(am, morning, x + 1e-3, false);
  }
}

}  // namespace

TEST_CASE("parameters anywhere in their ranges give numbers, a balanced sheet and roots", "[extremes]") {
  Dice dice(108);
  Seen seen;
  for (int trial = 0; trial < trials(1500); ++trial) {
    World w(any_opening(dice), dice);
    for (int day = 0; day < kDays; ++day) {
      dice.chance(0.5) ? wild_day(w, dice) : random_day(w, dice);
      const PathState before = w.state;
      w.step();
      judge(w, before, seen);
    }
  }
  CHECK(seen.not_finite == 0);
  CHECK(seen.unbalanced == 0);
  CHECK(seen.no_root == 0);
  // The worlds were wild enough, and what happened in them was counted.
  CHECK(seen.stuck > 0);
  CHECK(seen.unstable > 0);
  CHECK(seen.wiped_out > 0);
  CHECK(seen.negative > 0);
  CHECK(seen.moved_seen > 0);  // control
}
