#include "repoquake/model/clearing.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include "repoquake/core/flags.hpp"
#include "repoquake/model/bank_capacity.hpp"
#include "unit/model/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::model;
using namespace repoquake::test;
using Catch::WithinAbs;

namespace {

using Flags = std::array<std::uint32_t, kBlockPaths>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A session's lanes.
struct Market {
  ColumnData need = column(0), cash = column(0), capacity = column(0), markup = column(0), offered = column(0);

  [[nodiscard]] SessionColumns columns() const { return {need, cash, capacity, markup, offered}; }
  [[nodiscard]] reference::Lane lane(std::size_t i) const {
    return {need[i], cash[i], capacity[i], markup[i], offered[i]};
  }
  void set(std::size_t i, const reference::Lane& s) {
    need[i] = static_cast<double>(s.need);
    cash[i] = static_cast<double>(s.cash);
    capacity[i] = static_cast<double>(s.capacity);
    markup[i] = static_cast<double>(s.markup);
    offered[i] = static_cast<double>(s.offered);
  }
};

/// Clears a block of equal lanes; the root of the first.
double clear(const SessionTerms& terms, double need, double cash, double capacity, double markup = 0.0,
             double offered = 0.0) {
  Market market;
  for (std::size_t i = 0; i < kBlockPaths; ++i) market.set(i, {need, cash, capacity, markup, offered});
  ColumnData x = column(0);
  Flags flags{};
  clear_repo_market(terms, market.columns(), x, flags);
  return x[0];
}

/// Neither Fed nor elasticity: what is left are money funds and banks.
SessionTerms bare_terms() {
  SessionTerms t = session_terms(default_params(), ordinary_day(), false);
  t.elasticity = t.stress_elasticity = 0.0;
  return t;
}

SessionTerms terms_with_facility(double spread, double stigma) {
  DayContext day = ordinary_day();
  day.has_standing_repo = day.standing_repo_am = true;
  day.standing_repo_spread = spread;
  day.stigma = stigma;
  return session_terms(default_params(), day, true);
}

SessionTerms random_terms(Dice& dice) {
  SessionTerms t{};
  t.floor = dice.uniform(-25, 0);
  t.reservation = dice.uniform(-30, 5);
  t.half_saturation = dice.log_uniform(1, 60);
  t.switching_scale = dice.log_uniform(0.5, 20);
  t.elasticity = dice.chance(0.2) ? 0.0 : dice.log_uniform(1e-3, 0.5);
  t.stress_elasticity = dice.chance(0.3) ? 0.0 : dice.uniform(0, 0.3);
  t.stress_spread = dice.uniform(20, 1000);
  t.has_standing_repo = dice.chance(0.5);
  t.addressable = dice.log_uniform(1, 600);
  t.cap = dice.chance(0.5) ? kInfinity : dice.log_uniform(1, 500);
  t.standing_repo_spread = dice.uniform(-10, 60);
  t.smoothing = dice.log_uniform(0.05, 14);
  t.stigma = dice.log_uniform(0.1, 300);
  t.pass_through = dice.unit();
  t.appetite = dice.log_uniform(1, 1500);
  t.appetite_scale = dice.log_uniform(1, 100);
  t.bid_reach = dice.uniform(-60, 20);
  return t;
}

/// A lane without its need. Banks always have something to lend, so that excess need falls and the root is one.
reference::Lane random_lane(Dice& dice, bool has_operation) {
  reference::Lane s{};
  s.need = 0;
  s.cash = dice.chance(0.2) ? 0.0 : dice.log_uniform(0.1, 2500);
  s.capacity = dice.log_uniform(1, 3000);
  s.markup = dice.chance(0.3) ? 0.0 : dice.log_uniform(0.01, 100);
  s.offered = has_operation && dice.chance(0.8) ? dice.log_uniform(1, 800) : 0.0;
  return s;
}

/// The kinks of excess need: where banks start, where elasticity starts (twice), where facility and operation start or
/// are exhausted.
double kink(const SessionTerms& t, const reference::Lane& s, Dice& dice) {
  const auto rate_at = [&](double share, double scale) { return share < 1.0 ? -scale * std::log1p(-share) : 5000.0; };
  const double offered = static_cast<double>(s.offered);
  const double markup = static_cast<double>(s.markup);
  switch (dice.below(6)) {
    case 0:
      return t.reservation;
    case 1:
      return 0.0;
    case 2:
      return t.stress_spread;
    case 3: {  // w softplus(z) = -theta ln(1 - cap/B): z = ln(e^y - 1)
      const double y = rate_at(t.cap / t.addressable, t.stigma) / t.smoothing;
      const double z = y > 30.0 ? y : std::log(std::expm1(y));
      return t.standing_repo_spread + t.smoothing * z - markup;
    }
    case 4:
      return -t.bid_reach - markup;
    default:
      return rate_at(offered / t.appetite, t.appetite_scale) - t.bid_reach - markup;
  }
}

/// A third of the needs clear at a kink exactly, a third somewhere, a third need not clear at all.
double random_need(const SessionTerms& t, const reference::Lane& s, Dice& dice) {
  const auto clearing_at = [&](double x) {
    return static_cast<double>(reference::supply(t, s, x) + reference::withdrawn(t, x));
  };
  switch (dice.below(3)) {
    case 0: {
      const double x = kink(t, s, dice);
      return clearing_at(x > t.floor && x < 2999.0 ? x : t.floor + 1.0);
    }
    case 1:
      return clearing_at(t.floor + dice.log_uniform(1e-6, 3000));
    default:
      return dice.uniform(-100, 2500);
  }
}

Market random_market(const SessionTerms& t, bool has_operation, Dice& dice) {
  Market market;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    reference::Lane s = random_lane(dice, has_operation);
    s.need = random_need(t, s, dice);
    market.set(i, s);
  }
  return market;
}

/// What rounding can do to the excess: 16 units of 2^-53 of all amounts that enter it.
long double rounding_of_excess(const SessionTerms& t, const reference::Lane& s, long double x) {
  const long double amounts = std::fabs(s.need) + reference::withdrawn(t, x) + s.cash + s.capacity +
                              (t.has_standing_repo ? t.addressable : 0.0) + (s.offered > 0 ? t.appetite : 0.0);
  return 16 * 0x1p-53L * amounts;
}

/// How far a root may lie from the exact one. Half the width of the final bracket, 5e-11, and as much again for the
/// rounding of x + d (5e-13 at 3000 bp) and of x itself; and what cannot be known: where the excess is below its
/// rounding, which its slope on the flatter side translates into basis points.
double allowance(const SessionTerms& t, const reference::Lane& s, long double x) {
  const long double h = 1e-6L;
  const long double here = reference::excess(t, s, x);
  const long double slope = std::min(here - reference::excess(t, s, x + h), reference::excess(t, s, x - h) - here) / h;
  return static_cast<double>(1e-10L + rounding_of_excess(t, s, x) / std::max(slope, 1e-30L));
}

enum class Guess { at_floor, anywhere, near_root };

struct Accuracy {
  int states = 0, interior = 0, at_floor = 0, flagged = 0;
  int wrong = 0;               ///< beyond the allowance, or a flag where it should not be, or none where it should
  double largest = 0.0;        ///< error, bp
  double largest_plain = 0.0;  ///< where rounding is below a tenth of the tolerance
  int flat = 0;                ///< excess so flat at its root that a double cannot tell where it is, to 1e-6 bp
};

/// Clears random blocks and compares with bisection; every root is then shifted by `nudge`.
Accuracy judge_clearing(std::uint64_t seed, Guess guess, double nudge, int blocks) {
  Dice dice(seed);
  Accuracy a;
  for (int block = 0; block < blocks; ++block) {
    const SessionTerms t = random_terms(dice);
    const Market market = random_market(t, dice.chance(0.5), dice);
    std::array<long double, kBlockPaths> exact{};
    ColumnData x;
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      exact[i] = reference::root(t, market.lane(i));
      x[i] = guess == Guess::at_floor   ? t.floor
             : guess == Guess::anywhere ? dice.uniform(-1e6, 1e6)
                                        : static_cast<double>(exact[i]) + dice.normal() * dice.log_uniform(1e-13, 1);
    }
    Flags flags{};
    clear_repo_market(t, market.columns(), x, flags);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const reference::Lane s = market.lane(i);
      const double error = std::fabs(static_cast<double>(x[i] + nudge - exact[i]));
      const bool is_flagged = (flags[i] & bit(PathFlag::no_clearing)) != 0;
      const bool should_be = reference::excess(t, s, 3000) > 0;
      const double allowed = allowance(t, s, exact[i]);
      ++a.states;
      a.flagged += should_be;
      a.at_floor += exact[i] == t.floor;
      a.interior += !should_be && exact[i] > t.floor;
      const bool is_flat = allowed > 1e-6;
      // Where excess is flat (below s0 without money funds, say) a slope at one point is no guide: there the root is
      // right if excess, up to its rounding, changes sign within the tolerance.
      const long double blur = rounding_of_excess(t, s, x[i]);
      const bool changes_sign = reference::excess(t, s, x[i] + nudge - 1e-10L) >= -blur &&
                                reference::excess(t, s, x[i] + nudge + 1e-10L) <= blur;
      const bool is_right = error <= allowed || (is_flat && changes_sign);
      a.wrong += !is_right || is_flagged != should_be || (should_be && x[i] != 3000.0);
      a.flat += is_flat;
      if (!is_flat) a.largest = std::max(a.largest, error);
      if (allowed < 1.1e-10) a.largest_plain = std::max(a.largest_plain, error);
    }
  }
  return a;
}

}  // namespace

TEST_CASE("the clearing spread is the root that bisection finds", "[clearing]") {
  const auto [seed, guess] =
      GENERATE(std::pair{31, Guess::at_floor}, std::pair{32, Guess::anywhere}, std::pair{33, Guess::near_root});
  const Accuracy a = judge_clearing(static_cast<std::uint64_t>(seed), guess, 0.0, 391);
  INFO("largest error " << a.largest << " bp, " << a.largest_plain << " where rounding does not count; " << a.interior
                        << " interior, " << a.at_floor << " at the floor, " << a.flagged << " flagged, " << a.flat
                        << " flat");
  CHECK(a.states >= 100'000);
  CHECK(a.interior > 40'000);
  CHECK(a.at_floor > 1000);
  CHECK(a.flagged > 1000);
  CHECK(a.flat < a.states / 20);
  CHECK(a.wrong == 0);
}

TEST_CASE("control: a root shifted by a billionth of a basis point is seen", "[clearing][control]") {
  const Accuracy a = judge_clearing(31, Guess::at_floor, 1e-9, 79);
  CHECK(a.wrong > a.states * 9 / 10);
}

TEST_CASE("excess need is the text's", "[clearing]") {
  Dice dice(34);
  double largest = 0.0;
  for (int trial = 0; trial < 5000; ++trial) {
    const SessionTerms t = random_terms(dice);
    reference::Lane s = random_lane(dice, true);
    s.need = dice.uniform(-100, 2500);
    const double x = t.floor + dice.log_uniform(1e-3, 3000);
    const auto d = [](long double v) { return static_cast<double>(v); };
    const double computed = excess_need(t, d(s.need), d(s.cash), d(s.capacity), d(s.markup), d(s.offered), x);
    const double amounts =
        d(std::fabs(s.need) + s.cash + s.capacity + t.addressable + t.appetite) + d(reference::withdrawn(t, x)) + 100.0;
    largest = std::max(largest, std::fabs(computed - d(reference::excess(t, s, x))) / amounts);
    CHECK_THAT(mmf_lending(t, d(s.cash), x),
               WithinAbs(d(reference::saturating(s.cash, t.switching_scale, t.floor, x)), 1e-12 * amounts));
    CHECK_THAT(bank_lending(t, d(s.capacity), x),
               WithinAbs(d(reference::saturating(s.capacity, t.half_saturation, t.reservation, x)), 1e-12 * amounts));
  }
  CHECK(largest < 1e-11);  // an exponent of w/theta softplus(z), up to some 3e4, carries as many units of rounding
}

TEST_CASE("supplies at the root sum to the need", "[clearing]") {
  Dice dice(35);
  int interior = 0;
  double largest = 0.0;
  double largest_if_shifted = 0.0;
  for (int block = 0; block < 40; ++block) {
    // A root to 5e-11 bp on schedules of at most some 900 bn/bp together leaves 5e-8 bn: 1e-9 of needs above 50 bn.
    SessionTerms t = terms_with_facility(dice.uniform(0, 30), dice.uniform(15, 260));
    t.has_standing_repo = dice.chance(0.5);
    const Market market = random_market(t, dice.chance(0.5), dice);
    ColumnData x = column(0);
    Flags flags{};
    clear_repo_market(t, market.columns(), x, flags);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      if (!(x[i] > t.floor && x[i] < 3000.0 && market.need[i] > 50.0)) continue;
      ++interior;
      const auto missing = [&](double at) {
        const double v = at + market.markup[i];
        const double supplies = mmf_lending(t, market.cash[i], at) + bank_lending(t, market.capacity[i], at) +
                                standing_repo_take_up(t, v) +
                                t.pass_through * operation_take_up(t, market.offered[i], v);
        const double need = market.need[i] - t.elasticity * std::max(at, 0.0) -
                            t.stress_elasticity * std::max(at - t.stress_spread, 0.0);
        return std::fabs(supplies - need) / market.need[i];
      };
      largest = std::max(largest, missing(x[i]));
      largest_if_shifted = std::max(largest_if_shifted, missing(x[i] + 1e-6));
    }
  }
  CHECK(interior > 3000);
  CHECK(largest < 1e-9);
  CHECK_FALSE(largest_if_shifted < 1e-9);  // control
}

TEST_CASE("floor regime: x = f + b_r N/(C - N)", "[clearing]") {
  const SessionTerms t = bare_terms();
  Dice dice(36);
  for (int trial = 0; trial < 200; ++trial) {
    const double cash = dice.log_uniform(10, 2500);
    // x < s0 = -7.5 with f = -10, b_r = 5: N/(C - N) < 1/2
    const double need = cash * dice.uniform(0.001, 0.333);
    const double exact = t.floor + t.switching_scale * need / (cash - need);
    CHECK_THAT(clear(t, need, cash, dice.uniform(1, 2000)), WithinAbs(exact, 1e-10));
  }
  CHECK_THAT(clear(t, 301.0, 1000.0, 500.0), !WithinAbs(-10 + 5 * 300.0 / 700.0, 1e-10));  // control
}

TEST_CASE("no need clears at the floor", "[clearing]") {
  const SessionTerms t = bare_terms();
  for (const double need : {0.0, -1e-300, -5.0, -3000.0}) {
    CHECK(clear(t, need, 2000.0, 900.0) == t.floor);
    CHECK(clear(t, need, 0.0, 0.0) == t.floor);
  }
  CHECK(clear(t, 1e-3, 2000.0, 0.0) > t.floor);
}

TEST_CASE("bank regime: x = s0 + a N/(K - N), and its slope", "[clearing]") {
  const SessionTerms t = bare_terms();
  Dice dice(37);
  const double h = 0.01;
  for (int trial = 0; trial < 200; ++trial) {
    const double capacity = dice.log_uniform(50, 2000);
    const double need = capacity * dice.uniform(0.05, 0.95);
    CHECK_THAT(clear(t, need, 0.0, capacity),
               WithinAbs(t.reservation + t.half_saturation * need / (capacity - need), 1e-10));
    const double slope = (clear(t, need + h, 0.0, capacity) - clear(t, need - h, 0.0, capacity)) / (2 * h);
    const double exact = t.half_saturation * capacity / ((capacity - need) * (capacity - need));
    // The third derivative of the closed form over the slope is 6/(K-N)^2, so h^2/(K-N)^2 is lost; and 1e-10/h.
    CHECK(slope == Approx(exact).epsilon(2 * h * h / ((capacity - need) * (capacity - need))).margin(1e-8));
  }
  for (const double capacity : {1e5, 1e7, 1e9}) {
    const double x = clear(t, 500.0, 0.0, capacity);
    CHECK_THAT(x, WithinAbs(t.reservation + t.half_saturation * 500.0 / (capacity - 500.0), 1e-10));
    CHECK(x - t.reservation < 1e4 / capacity);
  }
  CHECK_THAT(clear(t, 500.0, 0.0, 900.0 * (1 + 1e-9)),
             !WithinAbs(t.reservation + 15.0 * 500.0 / 400.0, 1e-10));  // control
}

TEST_CASE("scarce regime: the positive root of a quadratic", "[clearing]") {
  SessionTerms t = bare_terms();
  Dice dice(38);
  for (int trial = 0; trial < 500; ++trial) {
    t.elasticity = dice.uniform(0.1, 1.0);
    t.half_saturation = dice.uniform(11, 27);
    t.reservation = dice.uniform(-9, -5);
    const double capacity = dice.log_uniform(10, 1000);
    const double need = capacity + dice.uniform(0.1, 200);
    const long double e = t.elasticity, s = t.reservation, a = t.half_saturation, k = capacity, n = need;
    const long double b = e * s + e * a + k - n;
    const long double c = (e * s - n) * a;
    const long double u = (-b + std::sqrt(b * b - 4 * e * c)) / (2 * e);
    CHECK_THAT(clear(t, need, 0.0, capacity), WithinAbs(static_cast<double>(s + u), 1.5e-10));
    CHECK_THAT(clear(t, need + 1e-7, 0.0, capacity), !WithinAbs(static_cast<double>(s + u), 1.5e-10));  // control
  }
}

TEST_CASE("without stigma the facility's rate is a ceiling", "[clearing]") {
  Dice dice(39);
  int above_with_stigma = 0;
  for (int trial = 0; trial < 300; ++trial) {
    const double need = dice.uniform(1, 600);
    const double capacity = dice.uniform(1, 400);
    const double markup = dice.uniform(0, 8);
    const double srf = dice.uniform(0, 30);
    double before = 3000.0;
    for (const double stigma : {260.0, 65.0, 15.0, 1.0, 0.1, 1e-3}) {
      SessionTerms t = terms_with_facility(srf, stigma);
      t.addressable = need * 1.01;
      t.cap = need;
      const double x = clear(t, need, 15.0, capacity, markup);
      CHECK(x <= before + 1e-10);
      before = x;
      if (stigma == 65.0) above_with_stigma += x + markup > srf;
      if (stigma == 1e-3) CHECK(x + markup <= srf);  // f + d < srf here
    }
  }
  CHECK(above_with_stigma > 50);  // control: with stigma the ceiling does not hold
}

TEST_CASE("with endless stigma there is no facility", "[clearing]") {
  Dice dice(40);
  bool matters = false;
  for (int trial = 0; trial < 300; ++trial) {
    const double need = dice.uniform(1, 600);
    const double cash = dice.uniform(0, 50);
    const double capacity = dice.uniform(1, 800);
    const double markup = dice.uniform(0, 8);
    // B_s V w softplus / theta <= 94 x 3000 / 1e16 bn against a slope of at least 0.025 bn/bp: 1e-9 bp.
    const SessionTerms t = terms_with_facility(15.0, 1e16);
    SessionTerms none = t;
    none.has_standing_repo = false;
    const double x = clear(none, need, cash, capacity, markup);
    CHECK_THAT(clear(t, need, cash, capacity, markup), WithinAbs(x, 1.2e-9));
    matters |= std::fabs(clear(terms_with_facility(15.0, 1e6), need, cash, capacity, markup) - x) > 1.2e-9;
  }
  CHECK(matters);  // control: a large stigma is not yet endless
}

TEST_CASE("take-up rises with need, falls with stigma and stays below the cap", "[clearing]") {
  Dice dice(41);
  int risen = 0;
  int fallen = 0;
  int at_cap = 0;
  for (int trial = 0; trial < 60; ++trial) {
    const double capacity = dice.uniform(10, 600);
    const double markup = dice.uniform(0, 8);
    const double cap = dice.chance(0.5) ? dice.uniform(1, 60) : kInfinity;
    const auto take_up = [&](double need, double stigma) {
      SessionTerms t = terms_with_facility(15.0, stigma);
      t.cap = cap;
      const double x = clear(t, need, 15.0, capacity, markup);
      const double taken = standing_repo_take_up(t, x + markup);
      CHECK(taken <= cap);
      CHECK(taken >= 0.0);
      at_cap += taken == cap;
      return taken;
    };
    const double slack = 1e-8;  // the root's tolerance times B_s V/theta
    for (double before = 0.0, need = 1.0; need < 800.0; need += 40.0) {
      const double now = take_up(need, 65.0);
      CHECK(now >= before - slack);
      risen += now > before + slack;
      before = now;
    }
    double before = kInfinity;
    for (const double stigma : {5.0, 15.0, 30.0, 65.0, 130.0, 260.0}) {
      const double now = take_up(500.0, stigma);
      CHECK(now <= before + slack);
      fallen += now < before - slack;
      before = now;
    }
  }
  CHECK(risen > 600);
  CHECK(fallen > 100);
  CHECK(at_cap > 50);
}

TEST_CASE("the spread rises with need and falls with capacity, reserves and cash", "[clearing]") {
  Dice dice(42);
  int states = 0;
  int strict_failures = 0;
  int signs_reversed = 0;
  for (int block = 0; block < 24; ++block) {
    ModelParams p = default_params(dice.uniform(1000, 3000), dice.uniform(1.5e4, 2.5e4));
    DayContext day = ordinary_day();
    day.floor = dice.uniform(-15, -5);
    day.half_saturation = dice.uniform(11, 28);
    day.has_standing_repo = dice.chance(0.5);
    day.standing_repo_spread = dice.uniform(0, 25);
    day.stigma = dice.uniform(10, 100);
    p.banks.reservation_spread = dice.uniform(-9, -5);
    const SessionTerms t = session_terms(p, day, day.has_standing_repo);
    Market m;
    ColumnData reserves;
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      reserves[i] = p.bank_assets * dice.uniform(0.062, 0.14);
      const double capacity = lend_capacity(p, reserves[i], 60.0, 0.0, 1.0);
      m.set(i, {dice.uniform(1, 1.6 * capacity + 40), dice.log_uniform(5, 1000), capacity, dice.uniform(0, 5),
                dice.chance(0.5) ? dice.uniform(1, 100) : 0.0});
    }
    const auto solve = [&](const Market& market) {
      ColumnData x = column(0);
      Flags flags{};
      clear_repo_market(t, market.columns(), x, flags);
      return x;
    };
    Market more_need = m, more_capacity = m, more_cash = m, more_reserves = m;
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      more_need.need[i] += 1.0;
      more_capacity.capacity[i] *= 1.02;
      more_cash.cash[i] += 1.0;
      more_reserves.capacity[i] = lend_capacity(p, 1.01 * reserves[i], 60.0, 0.0, 1.0);
    }
    const ColumnData x = solve(m), by_need = solve(more_need), by_capacity = solve(more_capacity),
                     by_cash = solve(more_cash), by_reserves = solve(more_reserves);
    const double noise = 2e-10;  // two roots to 1e-10
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      CHECK(by_need[i] >= x[i] - noise);
      CHECK(by_capacity[i] <= x[i] + noise);
      CHECK(by_cash[i] <= x[i] + noise);
      CHECK(by_reserves[i] <= x[i] + noise);
      // Strict where the margin lends; within 0.05 bp of s0 banks lend so little that 2 % of it is lost in the noise.
      if (!(x[i] > std::max(t.floor, t.reservation) + 0.05 && x[i] < 2990.0 && by_need[i] < 3000.0)) continue;
      ++states;
      strict_failures += !(by_need[i] > x[i] + noise) + !(by_capacity[i] < x[i] - noise) +
                         !(by_cash[i] < x[i] - noise) + !(by_reserves[i] < x[i] - noise);
      signs_reversed += !(x[i] > by_need[i] + noise);
    }
  }
  CHECK(states > 4000);
  CHECK(strict_failures == 0);
  CHECK(signs_reversed == states);  // control: the opposite sign fails everywhere
}

TEST_CASE("a need that cannot be met is flagged at 3000 bp", "[clearing]") {
  SessionTerms t = bare_terms();
  Market market;
  for (std::size_t i = 0; i < kBlockPaths; ++i) market.set(i, {i % 2 == 0 ? 900.0 : 300.0, 15.0, 400.0, 0.0, 0.0});
  ColumnData x = column(0);
  Flags flags;
  flags.fill(bit(PathFlag::forced_sales));  // flags of the day before this session stay
  clear_repo_market(t, market.columns(), x, flags);
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const bool is_stuck = i % 2 == 0;
    CHECK(flags[i] == (bit(PathFlag::forced_sales) | (is_stuck ? bit(PathFlag::no_clearing) : 0U)));
    CHECK((x[i] == 3000.0) == is_stuck);
  }
  t.elasticity = 0.5;  // 900 - 0.5 x = 415 well below 3000
  clear_repo_market(t, market.columns(), x, flags);
  CHECK(x[0] < 3000.0);
}

TEST_CASE("a path's root does not depend on its neighbours", "[clearing]") {
  Dice dice(43);
  for (int trial = 0; trial < 40; ++trial) {
    const SessionTerms t = random_terms(dice);
    const Market home = random_market(t, trial % 2 == 0, dice);
    Market abroad = random_market(t, trial % 4 < 2, dice);  // with and without an operation among the neighbours
    const ColumnData guess = column_of([&] { return dice.uniform(-50, 500); });
    ColumnData x = guess;
    ColumnData y = column_of([&] { return dice.uniform(-50, 500); });
    for (std::size_t k = 0; k < 32; ++k) {
      const std::size_t from = (7 * k) % kBlockPaths;
      const std::size_t to = (kBlockPaths - 1 - 5 * k) % kBlockPaths;
      abroad.set(to, home.lane(from));
      y[to] = guess[from];
    }
    Flags home_flags{}, abroad_flags{};
    clear_repo_market(t, home.columns(), x, home_flags);
    clear_repo_market(t, abroad.columns(), y, abroad_flags);
    for (std::size_t k = 0; k < 32; ++k) {
      const std::size_t from = (7 * k) % kBlockPaths;
      const std::size_t to = (kBlockPaths - 1 - 5 * k) % kBlockPaths;
      CHECK(std::bit_cast<std::uint64_t>(x[from]) == std::bit_cast<std::uint64_t>(y[to]));
      CHECK(home_flags[from] == abroad_flags[to]);
    }
  }
}

TEST_CASE("a session's terms come from parameters and day", "[clearing]") {
  const ModelParams p = default_params(2000.0, 20000.0);
  DayContext day = ordinary_day();
  day.half_saturation = 22.5;
  day.minimum_bid = -3.0;
  day.standing_repo_cap = 500.0;
  day.standing_repo_spread = 10.0;
  day.stigma = 30.0;
  const SessionTerms t = session_terms(p, day, true);
  CHECK(t.floor == -10.0);
  CHECK(t.reservation == -7.5);
  CHECK(t.half_saturation == 22.5);
  CHECK(t.switching_scale == 5.0);
  CHECK(t.elasticity == 0.025);
  CHECK(t.stress_elasticity == 0.06);
  CHECK(t.stress_spread == 250.0);
  CHECK(t.has_standing_repo);
  CHECK(t.addressable == Approx(160.0));
  CHECK(t.cap == 500.0);
  CHECK(t.standing_repo_spread == 10.0);
  CHECK(t.smoothing == 3.5);
  CHECK(t.stigma == 30.0);
  CHECK(t.pass_through == 0.40);
  CHECK(t.appetite == Approx(800.0));
  CHECK(t.appetite_scale == 25.0);
  CHECK(t.bid_reach == Approx(6.0 + 3.0));
  CHECK_FALSE(session_terms(p, day, false).has_standing_repo);
}
