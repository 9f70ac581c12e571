#include "repoquake/model/facilities.hpp"

#include <array>
#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include "repoquake/core/flags.hpp"
#include "unit/model/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::model;
using namespace repoquake::test;
using Catch::WithinAbs;

namespace {

using Flags = std::array<std::uint32_t, kBlockPaths>;

SessionTerms terms(bool is_open, double cap = std::numeric_limits<double>::infinity()) {
  DayContext day = ordinary_day();
  day.standing_repo_spread = 10.0;
  day.standing_repo_cap = cap;
  day.stigma = 30.0;
  day.minimum_bid = 2.0;
  return session_terms(default_params(2000.0, 20000.0), day, is_open);
}

struct TakeUp {
  ColumnData standing_repo, operations;
};

TakeUp take_up(const SessionTerms& t, double clearing, double markup, double offered) {
  const ColumnData zero = column(0), d = column(markup), a = column(offered);
  TakeUp result;
  take_up_facilities(t, {zero, zero, zero, d, a}, column(clearing), result.standing_repo, result.operations);
  return result;
}

}  // namespace

TEST_CASE("money-fund cash moves and is cut at nothing", "[facilities]") {
  PathState state{8};
  state.mmf_cash.fill(40.0);
  DayFlows flows = quiet_flows();
  flows.mmf_cash.fill(5.0);
  flows.mmf_cash[1] = -40.0;
  flows.mmf_cash[2] = -41.0;
  Flags flags{};
  move_mmf_cash(flows, state, flags);
  CHECK(state.mmf_cash[0] == 45.0);
  CHECK(state.mmf_cash[1] == 0.0);
  CHECK(state.mmf_cash[2] == 0.0);
  CHECK(flags[0] == 0);
  CHECK(flags[1] == 0);  // all gone, nothing cut
  CHECK(flags[2] == bit(PathFlag::cash_exhausted));
}

TEST_CASE("take-up is that of the schedules at the rate with the mark-up", "[facilities]") {
  for (const double clearing : {-10.0, 0.0, 6.0, 10.0, 40.0, 400.0, 1500.0}) {
    const double v = clearing + 2.5;
    // B_s V = 160, w = 3.5, theta = 30, srf = 10; B_d V = 800, theta_T = 25, g_p - bid = 4
    const double facility = 160.0 * (1 - std::exp(-3.5 * std::log1p(std::exp((v - 10.0) / 3.5)) / 30.0));
    const double operation = std::min(75.0, 800.0 * (1 - std::exp(-std::max(v + 4.0, 0.0) / 25.0)));
    const TakeUp taken = take_up(terms(true), clearing, 2.5, 75.0);
    CHECK_THAT(taken.standing_repo[9], WithinAbs(facility, 1e-11));
    CHECK_THAT(taken.operations[9], WithinAbs(operation, 1e-11));
    if (clearing < 100.0)
      CHECK_THAT(take_up(terms(true), clearing + 0.001, 2.5, 75.0).standing_repo[9],
                 !WithinAbs(facility, 1e-11));  // control
    CHECK(take_up(terms(true, 5.0), clearing, 2.5, 75.0).standing_repo[9] == Approx(std::min(5.0, facility)));
  }
}

TEST_CASE("a closed facility and an operation of size 0 are not used", "[facilities]") {
  const TakeUp taken = take_up(terms(false), 400.0, 0.0, 0.0);
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    CHECK(taken.standing_repo[i] == 0.0);
    CHECK(taken.operations[i] == 0.0);
  }
}

TEST_CASE("an emergency operation comes only above its trigger", "[facilities]") {
  DayContext day = ordinary_day();
  ColumnData spread = column(60.0);  // at the trigger: not above it
  spread[1] = std::nextafter(60.0, 100.0);
  spread[2] = 3000.0;
  spread[3] = -10.0;
  const ColumnData morning = column(20.0);
  ColumnData offer;
  Flags flags{};
  offer_operations(day, spread, morning, offer, flags);  // no policy
  for (std::size_t i = 0; i < kBlockPaths; ++i) CHECK((offer[i] == 20.0 && flags[i] == 0));
  day.emergency_size = 53.0;
  day.emergency_trigger = 60.0;
  offer_operations(day, spread, morning, offer, flags);
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const bool comes = i == 1 || i == 2;
    CHECK(offer[i] == (comes ? 73.0 : 20.0));
    CHECK(flags[i] == (comes ? bit(PathFlag::emergency_operation) : 0U));
  }
}

TEST_CASE("ON RRP is what money funds did not lend, and the pull-back's unplaceable share", "[facilities]") {
  const ModelParams p = default_params();
  DayContext day = ordinary_day();
  PathState state{8};
  state.mmf_cash.fill(400.0);
  state.pullback.fill(50.0);
  const SessionTerms t = session_terms(p, day, false);
  ColumnData on_rrp;
  const auto unlent = [](double x) { return 400.0 - 400.0 * (x + 10.0) / (5.0 + (x + 10.0)); };
  place_at_on_rrp(p, day, t, column(3.0), column(8.0), state, on_rrp);
  CHECK_THAT(on_rrp[0], WithinAbs(unlent(3.0), 1e-11));
  place_at_on_rrp(p, day, t, column(8.0), column(-2.0), state, on_rrp);
  CHECK_THAT(on_rrp[0], WithinAbs(unlent(-2.0), 1e-11));
  place_at_on_rrp(p, day, t, column(-10.0), column(8.0), state, on_rrp);
  CHECK(on_rrp[0] == 400.0);  // at the floor nothing is lent
  day.is_period_end = true;
  place_at_on_rrp(p, day, t, column(3.0), column(8.0), state, on_rrp);
  CHECK_THAT(on_rrp[0], WithinAbs(unlent(3.0) + 0.5 * 50.0, 1e-11));
}
