#include "repoquake/model/clearing.hpp"

#include <algorithm>
#include <cmath>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"

namespace repoquake::model {
namespace {

constexpr Spread kTolerance = 1e-10;      // of the root
constexpr Spread kSettled = 2e-11;        // a step this small says: the root is here, now enclose it
constexpr Spread kFirstNudge = 4e-11;     // how far beyond the root to look first
constexpr int kFirstForcedBisection = 8;  // plain Halley steps before this; then every second one bisects
constexpr int kMaxSteps = 400;

/// A value with its first two derivatives in x.
struct Jet {
  double value, slope, curvature;
};

/// cash * u / (scale + u), u = (x - from)+.
inline Jet saturating(double cash, double scale, double distance) noexcept {
  const double u = std::max(distance, 0.0);
  const double inverse = 1.0 / (scale + u);
  const double slope = distance > 0.0 ? cash * scale * inverse * inverse : 0.0;
  return {cash * u * inverse, slope, -2.0 * slope * inverse};
}

/// Exponentially distributed stigma, capped.
inline Jet standing_repo(const SessionTerms& t, double rate) noexcept {
  const double z = (rate - t.standing_repo_spread) / t.smoothing;
  const double unused = t.addressable * elementary::exp(-t.smoothing * elementary::softplus(z) / t.stigma);
  const double take_up = t.addressable - unused;
  const double share = elementary::logistic(z);
  const double slope = unused * share / t.stigma;
  const double curvature = unused / t.stigma * share * ((1.0 - share) / t.smoothing - share / t.stigma);
  const bool below_cap = take_up < t.cap;
  return {below_cap ? take_up : t.cap, below_cap ? slope : 0.0, below_cap ? curvature : 0.0};
}

inline Jet operation(const SessionTerms& t, double offered, double rate) noexcept {
  const double reach = rate + t.bid_reach;
  const double unused = t.appetite * elementary::exp(-std::max(reach, 0.0) / t.appetite_scale);
  const double demanded = t.appetite - unused;
  const bool is_free = reach > 0.0 && demanded < offered;
  const double slope = is_free ? unused / t.appetite_scale : 0.0;
  return {demanded < offered ? demanded : offered, slope, -slope / t.appetite_scale};
}

template <bool kStandingRepo, bool kOperation>
inline Jet excess(const SessionTerms& t, double need, double cash, double capacity, double markup, double offered,
                  double x) noexcept {
  const Jet funds = saturating(cash, t.switching_scale, x - t.floor);
  const Jet banks = saturating(capacity, t.half_saturation, x - t.reservation);
  const double beyond = x - t.stress_spread;
  Jet g{
      need - t.elasticity * std::max(x, 0.0) - t.stress_elasticity * std::max(beyond, 0.0) - funds.value - banks.value,
      -(x > 0.0 ? t.elasticity : 0.0) - (beyond > 0.0 ? t.stress_elasticity : 0.0) - funds.slope - banks.slope,
      -funds.curvature - banks.curvature};
  if constexpr (kStandingRepo) {
    const Jet facility = standing_repo(t, x + markup);
    g = {g.value - facility.value, g.slope - facility.slope, g.curvature - facility.curvature};
  }
  if constexpr (kOperation) {
    const Jet tomo = operation(t, offered, x + markup);
    g = {g.value - t.pass_through * tomo.value, g.slope - t.pass_through * tomo.slope,
         g.curvature - t.pass_through * tomo.curvature};
  }
  return g;
}

/// Bracketed Halley iteration (exact in one step for a single saturating schedule), all lanes abreast; a lane that is
/// done is frozen by select. A lane is done when its bracket is narrower than the tolerance: a small step alone proves
/// nothing beside a kink.
template <bool kStandingRepo, bool kOperation>
void clear_lanes(const SessionTerms& t, const SessionColumns& c, Column spread,
                 std::span<std::uint32_t, kBlockPaths> flags) noexcept {
  ColumnData low, high, nudge;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const auto at = [&](double x) {
      return excess<kStandingRepo, kOperation>(t, c.need[i], c.cash[i], c.capacity[i], c.markup[i], c.offered[i], x)
          .value;
    };
    const bool is_met_at_floor = at(t.floor) <= 0.0;
    const bool is_open_at_top = !is_met_at_floor && at(kHighestSpread) > 0.0;
    low[i] = is_open_at_top ? kHighestSpread : t.floor;
    high[i] = is_met_at_floor ? t.floor : kHighestSpread;
    spread[i] = std::clamp(spread[i], low[i], high[i]);
    nudge[i] = kFirstNudge;
    flags[i] |= is_open_at_top ? bit(PathFlag::no_clearing) : 0U;
  }
  for (int step = 0; step < kMaxSteps; ++step) {
    double widest = 0.0;
    for (std::size_t i = 0; i < kBlockPaths; ++i) widest = std::max(widest, high[i] - low[i]);
    if (widest <= kTolerance) break;
    const bool bisects = step >= kFirstForcedBisection && step % 2 == 0;
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const bool is_done = high[i] - low[i] <= kTolerance;
      const double x = spread[i];
      const Jet g =
          excess<kStandingRepo, kOperation>(t, c.need[i], c.cash[i], c.capacity[i], c.markup[i], c.offered[i], x);
      const bool is_below = g.value > 0.0;
      const double new_low = is_below ? x : low[i];
      const double new_high = is_below ? high[i] : x;
      const double middle = 0.5 * (new_low + new_high);
      // Halley's denominator; where it has the wrong sign or no size, bisect. The quotient is made safe before dividing.
      const double denominator = 2.0 * g.slope * g.slope - g.value * g.curvature;
      const bool is_usable = denominator > 1e-200;
      const double halley = -2.0 * g.value * g.slope / (is_usable ? denominator : 1.0);
      const bool is_settled = is_usable && std::fabs(halley) <= kSettled;
      double next = x + halley + (is_settled ? (is_below ? nudge[i] : -nudge[i]) : 0.0);
      const bool is_inside = is_usable && next > new_low && next < new_high;
      next = is_inside && !(bisects && !is_settled) ? next : middle;
      low[i] = is_done ? low[i] : new_low;
      high[i] = is_done ? high[i] : new_high;
      spread[i] = is_done ? x : next;
      nudge[i] = is_settled ? 4.0 * nudge[i] : nudge[i];
    }
  }
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    RQ_ENSURE(high[i] - low[i] <= kTolerance);
    spread[i] = 0.5 * (low[i] + high[i]);
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
    has_operation ? clear_lanes<true, true>(terms, columns, spread, flags)
                  : clear_lanes<true, false>(terms, columns, spread, flags);
  else
    has_operation ? clear_lanes<false, true>(terms, columns, spread, flags)
                  : clear_lanes<false, false>(terms, columns, spread, flags);
}

UsdBn excess_need(const SessionTerms& terms, UsdBn need, UsdBn cash, UsdBn capacity, Spread markup, UsdBn offered,
                  Spread x) noexcept {
  return terms.has_standing_repo ? excess<true, true>(terms, need, cash, capacity, markup, offered, x).value
                                 : excess<false, true>(terms, need, cash, capacity, markup, offered, x).value;
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
