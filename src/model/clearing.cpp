#include "repoquake/model/clearing.hpp"

#include <algorithm>
#include <cmath>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/core/lanes.hpp"

namespace repoquake::model {
namespace {

constexpr Spread kTolerance = 1e-10;      // of the root
constexpr Spread kSettled = 2e-11;        // a step this small says: the root is here, now enclose it
constexpr Spread kFirstNudge = 4e-11;     // how far beyond the root to look first
constexpr int kFirstForcedBisection = 8;  // plain Halley steps before this; then every second one bisects
constexpr int kMaxSteps = 400;

/// A value with its first two derivatives in x.
template <Real V>
struct Jet {
  V value, slope, curvature;
};

/// amount * u / (scale + u), u = (x - from)+.
template <Real V>
[[gnu::always_inline]] inline Jet<V> saturating(V amount, double scale, V distance) noexcept {
  const V u = larger(distance, splat<V>(0.0));
  const V inverse = 1.0 / (scale + u);
  const V slope = select(distance > 0.0, amount * scale * inverse * inverse, splat<V>(0.0));
  return {amount * u * inverse, slope, -2.0 * slope * inverse};
}

/// Exponentially distributed stigma, capped.
template <Real V>
[[gnu::always_inline]] inline Jet<V> standing_repo(const SessionTerms& t, V rate) noexcept {
  const V z = (rate - t.standing_repo_spread) / t.smoothing;
  const V unused = t.addressable * elementary::exp(-t.smoothing * elementary::softplus(z) / t.stigma);
  const V take_up = t.addressable - unused;
  const V share = elementary::logistic(z);
  const V slope = unused * share / t.stigma;
  const V curvature = unused / t.stigma * share * ((1.0 - share) / t.smoothing - share / t.stigma);
  const auto below_cap = take_up < t.cap;
  return {select(below_cap, take_up, splat<V>(t.cap)), select(below_cap, slope, splat<V>(0.0)),
          select(below_cap, curvature, splat<V>(0.0))};
}

template <Real V>
[[gnu::always_inline]] inline Jet<V> operation(const SessionTerms& t, V offered, V rate) noexcept {
  const V reach = rate + t.bid_reach;
  const V unused = t.appetite * elementary::exp(-larger(reach, splat<V>(0.0)) / t.appetite_scale);
  const V demanded = t.appetite - unused;
  const auto fits = demanded < offered;
  const V slope = select((reach > 0.0) & fits, unused / t.appetite_scale, splat<V>(0.0));
  return {select(fits, demanded, offered), slope, -slope / t.appetite_scale};
}

/// What a path brings to a session.
template <Real V>
struct Offer {
  V need, cash, capacity, markup, offered;
};

template <bool kStandingRepo, bool kOperation, Real V>
[[gnu::always_inline]] inline Jet<V> excess(const SessionTerms& t, const Offer<V>& c, V x) noexcept {
  const V zero = splat<V>(0.0);
  const Jet<V> funds = saturating(c.cash, t.switching_scale, x - t.floor);
  const Jet<V> banks = saturating(c.capacity, t.half_saturation, x - t.reservation);
  const V beyond = x - t.stress_spread;
  Jet<V> g{c.need - t.elasticity * larger(x, zero) - t.stress_elasticity * larger(beyond, zero) - funds.value -
               banks.value,
           -select(x > 0.0, splat<V>(t.elasticity), zero) - select(beyond > 0.0, splat<V>(t.stress_elasticity), zero) -
               funds.slope - banks.slope,
           -funds.curvature - banks.curvature};
  if constexpr (kStandingRepo) {
    const Jet<V> facility = standing_repo(t, x + c.markup);
    g = {g.value - facility.value, g.slope - facility.slope, g.curvature - facility.curvature};
  }
  if constexpr (kOperation) {
    const Jet<V> tomo = operation(t, c.offered, x + c.markup);
    g = {g.value - t.pass_through * tomo.value, g.slope - t.pass_through * tomo.slope,
         g.curvature - t.pass_through * tomo.curvature};
  }
  return g;
}

/// Bracketed Halley iteration (exact in one step for a single saturating schedule); a lane that is done is frozen by
/// select. A lane is done when its bracket is narrower than the tolerance: a small step alone proves nothing beside a
/// kink.
template <bool kStandingRepo, bool kOperation>
[[gnu::always_inline]] inline Lanes clear_lanes(const SessionTerms& t, const Offer<Lanes>& c, Lanes guess) noexcept {
  const auto excess_at = [&](Lanes x) { return excess<kStandingRepo, kOperation>(t, c, x); };
  const Mask is_met_at_floor = excess_at(splat<Lanes>(t.floor)).value <= 0.0;
  const Mask is_open_at_top = ~is_met_at_floor & (excess_at(splat<Lanes>(kHighestSpread)).value > 0.0);
  Lanes low = select(is_open_at_top, kHighestSpread, splat<Lanes>(t.floor));
  Lanes high = select(is_met_at_floor, t.floor, splat<Lanes>(kHighestSpread));
  Lanes x = smaller(larger(guess, low), high);
  Lanes nudge = splat<Lanes>(kFirstNudge);
  for (int step = 0; step < kMaxSteps; ++step) {
    const Mask is_open = high - low > kTolerance;
    if (!any(is_open)) break;
    const Mask bisects = Mask{} - (step >= kFirstForcedBisection && step % 2 == 0 ? 1 : 0);
    const Jet<Lanes> g = excess_at(x);
    const Mask is_below = g.value > 0.0;
    const Lanes new_low = select(is_below, x, low);
    const Lanes new_high = select(is_below, high, x);
    const Lanes middle = 0.5 * (new_low + new_high);
    // Halley's denominator; where it has the wrong sign or no size, bisect. The quotient is made safe before dividing.
    const Lanes denominator = 2.0 * g.slope * g.slope - g.value * g.curvature;
    const Mask is_usable = denominator > 1e-200;
    const Lanes halley = -2.0 * g.value * g.slope / select(is_usable, denominator, 1.0);
    const Mask is_settled = is_usable & (elementary::detail::magnitude(halley) <= kSettled);
    Lanes next = x + halley + select(is_settled, select(is_below, nudge, -nudge), 0.0);
    const Mask is_inside = is_usable & (next > new_low) & (next < new_high);
    next = select(is_inside & ~(bisects & ~is_settled), next, middle);
    low = select(is_open, new_low, low);
    high = select(is_open, new_high, high);
    x = select(is_open, next, x);
    nudge = select(is_settled, 4.0 * nudge, nudge);
  }
  RQ_ENSURE(!any(high - low > kTolerance));
  return 0.5 * (low + high);
}

template <bool kStandingRepo, bool kOperation>
void clear_block(const SessionTerms& t, const SessionColumns& c, Column spread) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes) {
    const Offer<Lanes> offer{load(c.need, i), load(c.cash, i), load(c.capacity, i), load(c.markup, i),
                             load(c.offered, i)};
    store(clear_lanes<kStandingRepo, kOperation>(t, offer, load(spread, i)), spread, i);
  }
}

}  // namespace

SessionTerms session_terms(const ModelParams& p, const DayContext& day, bool standing_repo_open) noexcept {
  return {.floor = day.floor,
          .reservation = p.banks.reservation_spread,
          .half_saturation = day.half_saturation,
          .switching_scale = p.money_funds.switching_scale,
          .elasticity = p.need.elasticity,
          .stress_elasticity = p.need.stress_elasticity,
          .stress_spread = p.need.stress_spread,
          .has_standing_repo = standing_repo_open,
          .addressable = p.standing_repo.addressable_share * p.repo_volume,
          .cap = day.standing_repo_cap,
          .standing_repo_spread = day.standing_repo_spread,
          .smoothing = p.standing_repo.smoothing,
          .stigma = day.stigma,
          .pass_through = p.repo_operations.pass_through,
          .appetite = p.repo_operations.appetite_share * p.repo_volume,
          .appetite_scale = p.repo_operations.appetite_scale,
          .bid_reach = p.repo_operations.gcf_premium - day.minimum_bid};
}

void clear_repo_market(const SessionTerms& terms, const SessionColumns& columns, Column spread,
                       std::span<std::uint32_t, kBlockPaths> flags) noexcept {
  double most_offered = 0.0;
  for (const double offered : columns.offered) most_offered = std::max(most_offered, offered);
  const bool has_operation = most_offered > 0.0;
  if (terms.has_standing_repo)
    has_operation ? clear_block<true, true>(terms, columns, spread) : clear_block<true, false>(terms, columns, spread);
  else
    has_operation ? clear_block<false, true>(terms, columns, spread)
                  : clear_block<false, false>(terms, columns, spread);
  for (std::size_t i = 0; i < kBlockPaths; ++i)  // where need is left at the top, no other root is as high
    flags[i] |= spread[i] == kHighestSpread ? bit(PathFlag::no_clearing) : 0U;
}

UsdBn excess_need(const SessionTerms& terms, UsdBn need, UsdBn cash, UsdBn capacity, Spread markup, UsdBn offered,
                  Spread x) noexcept {
  const Offer<double> offer{need, cash, capacity, markup, offered};
  return terms.has_standing_repo ? excess<true, true>(terms, offer, x).value
                                 : excess<false, true>(terms, offer, x).value;
}

UsdBn mmf_lending(const SessionTerms& terms, UsdBn cash, Spread x) noexcept {
  return saturating(cash, terms.switching_scale, x - terms.floor).value;
}

UsdBn bank_lending(const SessionTerms& terms, UsdBn capacity, Spread x) noexcept {
  return saturating(capacity, terms.half_saturation, x - terms.reservation).value;
}

UsdBn standing_repo_take_up(const SessionTerms& terms, Spread rate) noexcept {
  return terms.has_standing_repo ? standing_repo(terms, rate).value : 0.0;
}

UsdBn operation_take_up(const SessionTerms& terms, UsdBn offered, Spread rate) noexcept {
  return operation(terms, offered, rate).value;
}

}  // namespace repoquake::model
