#include "repoquake/model/clearing.hpp"

#include <algorithm>
#include <cmath>

#include "model/schedules.hpp"
#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"

namespace repoquake::model {
namespace {

constexpr Spread kTolerance = 1e-10;      // of the root
constexpr double kSmoothStep = 1e-4;      // of the shortest scale: Halley's next step is about its cube
constexpr Spread kSettled = 2e-11;        // a step this small says: the root is here, now enclose it
constexpr Spread kFirstNudge = 4e-11;     // how far beyond the root to look first
constexpr int kFirstForcedBisection = 8;  // plain Halley steps before this; then every second one bisects
constexpr int kMaxSteps = 400;

/// A value with its first two derivatives in x.
template <Number V>
struct Jet {
  V value, slope, curvature;
};

/// A schedule at x, and how far from x it certainly has no kink.
template <Number V>
struct Schedule {
  Jet<V> jet;
  V smooth;
};

constexpr UsdBn kLeastAmount = 1e-6;  // where a schedule has nothing to give, its slope is bounded by that of so much

/// amount * u / (scale + u), u = (x - from)+; at u = 0 the slope to its right, which at the floor is the one that counts.
template <Number V>
[[gnu::always_inline]] inline Jet<V> saturating(V amount, double scale, V distance) noexcept {
  const V u = larger(distance, 0.0);
  const V inverse = 1.0 / (scale + u);
  const V slope = select(distance >= 0.0, amount * scale * inverse * inverse, 0.0);
  return {amount * u * inverse, slope, -2.0 * slope * inverse};
}

/// Exponentially distributed stigma, capped. The take-up rises by at most B/theta per bp, so the cap is so far away.
template <Number V>
[[gnu::always_inline]] inline Schedule<V> standing_repo(const SessionTerms& t, V rate) noexcept {
  const double per_width = 1.0 / t.smoothing, per_stigma = 1.0 / t.stigma;
  const V z = (rate - t.standing_repo_spread) * per_width;
  const V unused = t.addressable * elementary::exp(-t.smoothing * per_stigma * elementary::softplus(z));
  const V take_up = t.addressable - unused;
  const V share = elementary::logistic(z);
  const V slope = unused * share * per_stigma;
  const V curvature = slope * ((1.0 - share) * per_width - share * per_stigma);
  const auto below_cap = take_up < t.cap;
  const double distance_per_amount = t.stigma / std::max(t.addressable, kLeastAmount);
  return {{select(below_cap, take_up, t.cap), select(below_cap, slope, 0.0), select(below_cap, curvature, 0.0)},
          magnitude(t.cap - take_up) * distance_per_amount};
}

/// Where nothing is offered there is no kink either.
template <Number V>
[[gnu::always_inline]] inline Schedule<V> operation(const SessionTerms& t, V offered, V rate) noexcept {
  const double per_scale = 1.0 / t.appetite_scale;
  const V reach = rate + t.bid_reach;
  const V unused = t.appetite * elementary::exp(-per_scale * larger(reach, 0.0));
  const V demanded = t.appetite - unused;
  const auto fits = demanded < offered;
  const V slope = select((reach > 0.0) & fits, unused * per_scale, 0.0);
  const double distance_per_amount = t.appetite_scale / std::max(t.appetite, kLeastAmount);
  const V to_kink = smaller(magnitude(reach), magnitude(offered - demanded) * distance_per_amount);
  return {{select(fits, demanded, offered), slope, -per_scale * slope},
          select(offered > 0.0, to_kink, V(kHighestSpread))};
}

/// What a path brings to a session.
template <Number V>
struct Offer {
  V need, cash, capacity, markup, offered;
};

template <bool kStandingRepo, bool kOperation, Number V>
[[gnu::always_inline]] inline Schedule<V> excess(const SessionTerms& t, const Offer<V>& c, V x) noexcept {
  const V zero = 0.0;
  const V beyond = x - t.stress_spread, lent = x - t.reservation;
  const Jet<V> funds = saturating(c.cash, t.switching_scale, x - t.floor);
  const Jet<V> banks = saturating(c.capacity, t.half_saturation, lent);
  Jet<V> g{
      c.need - t.elasticity * larger(x, zero) - t.stress_elasticity * larger(beyond, zero) - funds.value - banks.value,
      -select(x > 0.0, t.elasticity, zero) - select(beyond > 0.0, t.stress_elasticity, zero) - funds.slope -
          banks.slope,
      -funds.curvature - banks.curvature};
  V smooth = smaller(smaller(magnitude(x), magnitude(beyond)), magnitude(lent));
  if constexpr (kStandingRepo) {
    const auto [facility, to_kink] = standing_repo(t, x + c.markup);
    g = {g.value - facility.value, g.slope - facility.slope, g.curvature - facility.curvature};
    smooth = smaller(smooth, to_kink);
  }
  if constexpr (kOperation) {
    const auto [tomo, to_kink] = operation(t, c.offered, x + c.markup);
    g = {g.value - t.pass_through * tomo.value, g.slope - t.pass_through * tomo.slope,
         g.curvature - t.pass_through * tomo.curvature};
    smooth = smaller(smooth, to_kink);
  }
  return {g, smooth};
}

/// The shortest length over which excess need bends.
double shortest_scale(const SessionTerms& t) noexcept {
  return std::min({1.0, t.half_saturation, t.switching_scale, t.appetite_scale,
                   t.has_standing_repo ? std::min(t.smoothing, t.stigma) : 1.0});
}

/// Bracketed Halley iteration (exact in one step for a single saturating schedule); a lane that is done is frozen by
/// select. A lane is done after a small step if there is no kink within twice its length, else when its bracket is
/// narrower than the tolerance: a small step alone proves nothing beside a kink. Nothing is known of the ends of the range
/// until a step leads there.
template <bool kStandingRepo, bool kOperation>
[[gnu::always_inline]] inline Lanes clear_lanes(const SessionTerms& t, const Offer<Lanes>& c, double smooth_step,
                                                Lanes guess) noexcept {
  Lanes low = t.floor, high = kHighestSpread;
  Mask low_is_known = 0, high_is_known = 0;
  Lanes x = smaller(larger(guess, low), high);
  Lanes nudge = kFirstNudge;
  Mask is_open = -1;
  for (int step = 0; step < kMaxSteps && any(is_open); ++step) {
    const Mask bisects = step >= kFirstForcedBisection && step % 2 == 0 ? -1 : 0;
    const auto [g, smooth] = excess<kStandingRepo, kOperation>(t, c, x);
    const Mask is_below = g.value > 0.0;
    low_is_known = low_is_known | is_below;
    high_is_known = high_is_known | !is_below;
    const Lanes new_low = select(is_below, x, low);
    const Lanes new_high = select(is_below, high, x);
    const Lanes middle = 0.5 * (new_low + new_high);
    const Lanes fallback =
        select(low_is_known & high_is_known, middle, select(is_below, kHighestSpread, Lanes(t.floor)));
    // Halley's denominator; where it has the wrong sign or no size, bisect. The quotient is made safe before dividing.
    const Lanes denominator = 2.0 * g.slope * g.slope - g.value * g.curvature;
    const Mask is_usable = denominator > 1e-200;
    const Lanes halley = -2.0 * g.value * g.slope / select(is_usable, denominator, 1.0);
    const Lanes length = magnitude(halley);
    const Mask is_settled = is_usable & (length <= kSettled);
    const Lanes reached = x + halley;
    const Lanes beyond = reached + select(is_settled, select(is_below, nudge, -nudge), 0.0);
    const Mask is_inside = is_usable & (beyond > new_low) & (beyond < new_high);
    const Mask is_found =
        is_usable & (length <= smooth_step) & (2.0 * length < smooth) & (reached >= new_low) & (reached <= new_high);
    const Lanes next = select(is_inside & !(bisects & !is_settled), beyond, fallback);
    low = select(is_open, select(is_found, reached, new_low), low);
    high = select(is_open, select(is_found, reached, new_high), high);
    x = select(is_open, next, x);
    nudge = select(is_settled, 4.0 * nudge, nudge);
    const Mask is_enclosed = low_is_known & high_is_known & (high - low <= kTolerance);
    is_open = is_open & !(is_enclosed | (high == low));
  }
  RQ_ENSURE(!any(is_open));
  return 0.5 * (low + high);
}

template <bool kStandingRepo, bool kOperation>
void clear_block(const SessionTerms& t, const SessionColumns& c, Column spread) noexcept {
  const double smooth_step = kSmoothStep * shortest_scale(t);
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes) {
    const Offer<Lanes> offer{load(c.need, i), load(c.cash, i), load(c.capacity, i), load(c.markup, i),
                             load(c.offered, i)};
    store(clear_lanes<kStandingRepo, kOperation>(t, offer, smooth_step, load(spread, i)), spread, i);
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

namespace {

template <Number V>
V excess_at(const SessionTerms& terms, const Offer<V>& offer, V x) noexcept {
  return terms.has_standing_repo ? excess<true, true>(terms, offer, x).jet.value
                                 : excess<false, true>(terms, offer, x).jet.value;
}

}  // namespace

UsdBn excess_need(const SessionTerms& terms, UsdBn need, UsdBn cash, UsdBn capacity, Spread markup, UsdBn offered,
                  Spread x) noexcept {
  return excess_at<double>(terms, {need, cash, capacity, markup, offered}, x);
}

Lanes excess_need(const SessionTerms& terms, Lanes need, Lanes cash, Lanes capacity, Lanes markup, Lanes offered,
                  Lanes x) noexcept {
  return excess_at<Lanes>(terms, {need, cash, capacity, markup, offered}, x);
}

UsdBn mmf_lending(const SessionTerms& terms, UsdBn cash, Spread x) noexcept {
  return saturating(cash, terms.switching_scale, x - terms.floor).value;
}

UsdBn bank_lending(const SessionTerms& terms, UsdBn capacity, Spread x) noexcept {
  return saturating(capacity, terms.half_saturation, x - terms.reservation).value;
}

UsdBn standing_repo_take_up(const SessionTerms& terms, Spread rate) noexcept {
  return terms.has_standing_repo ? standing_repo(terms, rate).jet.value : 0.0;
}

UsdBn operation_take_up(const SessionTerms& terms, UsdBn offered, Spread rate) noexcept {
  return operation(terms, offered, rate).jet.value;
}

Lanes mmf_lending(const SessionTerms& terms, Lanes cash, Lanes x) noexcept {
  return saturating(cash, terms.switching_scale, x - terms.floor).value;
}

Lanes standing_repo_take_up(const SessionTerms& terms, Lanes rate) noexcept {
  return terms.has_standing_repo ? standing_repo(terms, rate).jet.value : Lanes(0.0);
}

Lanes operation_take_up(const SessionTerms& terms, Lanes offered, Lanes rate) noexcept {
  return operation(terms, offered, rate).jet.value;
}

}  // namespace repoquake::model
