#include "repoquake/model/rate_distribution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>

#include "repoquake/core/elementary.hpp"
#include "repoquake/core/lanes.hpp"

namespace repoquake::model {
namespace {

constexpr int kMaxSteps = 100;
constexpr double kSettledStep = 1e-4;    // in widths: Halley's next step is about its cube
constexpr double kSettledError = 1e-12;  // in widths

/// Share of volume of a two-piece Laplace law at or below x.
[[gnu::always_inline]] inline double mass_below(double x, double centre, double left, double right) noexcept {
  const double z = x - centre;
  const double e = 0.5 * elementary::exp(-std::fabs(z) / (z < 0.0 ? left : right));
  return z < 0.0 ? e : 1.0 - e;
}

/// A share of volume and the logarithms that every law with this weight of the morning needs.
struct ShareTerms {
  ShareTerms(double share_below, double am_weight) noexcept
      : share(share_below),
        log_below(elementary::log(share)),
        log_above(elementary::log(1.0 - share)),
        log_to_am(log_or_nothing(std::fabs(am_weight - share))),
        log_to_pm(log_or_nothing(std::fabs(1.0 - am_weight - share))) {}

  static double log_or_nothing(double x) noexcept { return elementary::log(std::max(x, 1e-300)); }

  double share;
  double log_below, log_above;  ///< ln p, ln (1 - p)
  double log_to_am, log_to_pm;  ///< ln |w - p| for the weight of either session
};

/// The mixture with its sessions in the order of their centres: `low` and `high`. An inverse width per bp.
template <Number V>
struct OrderedLaw {
  Condition<V> am_is_low;
  V low_centre, high_centre;
  V low_outward, low_inward, high_inward, high_outward;  ///< inverse widths, away from and towards the other centre
  V low_weight;
  V log_half_low, log_half_high;        ///< of weight / 2
  V gap_in_low, gap_in_high;            ///< between the centres, in widths towards the other
  V share_below_low, share_below_high;  ///< F at either centre
};

template <Number V>
struct SessionLaw {
  V centre, left, right;
};

template <Number V>
[[gnu::always_inline]] inline OrderedLaw<V> order_sessions(const SessionLaw<V>& am, const SessionLaw<V>& pm,
                                                           double am_weight) noexcept {
  const auto am_is_low = am.centre <= pm.centre;
  const double log_half_am = ShareTerms::log_or_nothing(0.5 * am_weight);
  const double log_half_pm = ShareTerms::log_or_nothing(0.5 * (1.0 - am_weight));
  const V am_left = 1.0 / am.left, am_right = 1.0 / am.right, pm_left = 1.0 / pm.left, pm_right = 1.0 / pm.right;
  OrderedLaw<V> law;
  law.am_is_low = am_is_low;
  law.low_centre = select(am_is_low, am.centre, pm.centre);
  law.high_centre = select(am_is_low, pm.centre, am.centre);
  law.low_outward = select(am_is_low, am_left, pm_left);
  law.low_inward = select(am_is_low, am_right, pm_right);
  law.high_inward = select(am_is_low, pm_left, am_left);
  law.high_outward = select(am_is_low, pm_right, am_right);
  law.low_weight = select(am_is_low, am_weight, 1.0 - am_weight);
  law.log_half_low = select(am_is_low, log_half_am, log_half_pm);
  law.log_half_high = select(am_is_low, log_half_pm, log_half_am);
  const V gap = law.high_centre - law.low_centre;
  law.gap_in_low = gap * law.low_inward;
  law.gap_in_high = gap * law.high_inward;
  law.share_below_low = 0.5 * (law.low_weight + (1.0 - law.low_weight) * elementary::exp(-law.gap_in_high));
  law.share_below_high = law.low_weight * (1.0 - 0.5 * elementary::exp(-law.gap_in_low)) + 0.5 * (1.0 - law.low_weight);
  return law;
}

/// The z with e^(a + s z) + e^(b + t z) = 1; s, t > 0. From where the larger term alone is 1, one step of Halley's method
/// on the logarithm of the sum, which is exact if the rates are equal and close if the other term is small; then, where its
/// error may be felt, on the sum itself. Both are convex: it cannot go astray.
template <Number V>
[[gnu::always_inline]] inline V balance_exponentials(V a, V s, V b, V t) noexcept {
  const auto a_leads = a * t > b * s;
  const V leading = select(a_leads, s, t), trailing = select(a_leads, t, s);
  V z = -select(a_leads, a, b) / leading;
  const V rest = elementary::exp(select(a_leads, b, a) + trailing * z);
  const V sum = 1.0 + rest;
  const V height = elementary::log(sum);
  const V slope = leading + rest * trailing;  // times the sum, as the next
  const V slope_squared = slope * slope;
  const V bend = (s - t) * (s - t);
  z = z - 2.0 * height * slope * sum / (2.0 * slope_squared - height * rest * bend);

  // The error of the step is below its cube times the second and third derivatives over the first.
  const V curved = sum * sum * bend;
  auto is_open = height * height * height * rest * curved * (slope_squared + curved) >
                 kSettledError * slope_squared * slope_squared;
  const V rate = larger(s, t);
  for (int step = 0; step < kMaxSteps && any(is_open); ++step) {
    const V first = elementary::exp(a + s * z);
    const V second = elementary::exp(b + t * z);
    const V excess = first + second - 1.0;
    const V gradient = first * s + second * t;
    const V curvature = first * (s * s) + second * (t * t);
    const V move = 2.0 * excess * gradient / (2.0 * gradient * gradient - excess * curvature);
    z = select(is_open, z - move, z);
    is_open = is_open & (magnitude(move) * rate > kSettledStep);
  }
  return z;
}

/// The quantile, measured from the nearer centre. Outside both centres two exponentials fill the tail,
///   w_near/2 e^(-y/outward) + w_far/2 e^(-gap/inward_far) e^(-y/inward_far) = p or 1 - p,
/// between them they balance what is left of the near session's volume,
///   |w_low - p| e^(y/inward) + w_far/2 e^(-gap/inward_far) e^(y (1/inward + 1/inward_far)) = w_near/2:
/// the same equation in logarithms.
template <Number V>
[[gnu::always_inline]] inline V solve_quantile(const OrderedLaw<V>& l, const ShareTerms& p) noexcept {
  const auto is_below = p.share <= l.share_below_low;
  const auto is_above = p.share >= l.share_below_high;
  const auto is_outside = is_below | is_above;
  const auto from_low = is_below | ((p.share < l.low_weight) & (!is_above));
  const V inward = select(from_low, l.low_inward, l.high_inward);
  const V far_rate = select(from_low, l.high_inward, l.low_inward);
  const V log_near = select(from_low, l.log_half_low, l.log_half_high);
  const V log_far = select(from_low, l.log_half_high - l.gap_in_high, l.log_half_low - l.gap_in_low);
  const V log_tail = select(is_below, p.log_below, p.log_above);
  const V log_rest = select(l.am_is_low, V(p.log_to_am), p.log_to_pm);
  const V outward = select(from_low, l.low_outward, l.high_outward);
  const V z = balance_exponentials<V>(
      select(is_outside, log_near - log_tail, log_rest - log_near), select(is_outside, outward, inward),
      log_far - select(is_outside, log_tail, log_near), select(is_outside, far_rate, inward + far_rate));
  return select(from_low, l.low_centre + z, l.high_centre - z);
}

/// Spread of EFFR over IORB at reserves over bank assets, linear between, flat outside.
/// Source: docs/model.md, read off the New York Fed's EFFR and H.4.1 reserves.
struct Knot {
  double ratio;
  Spread spread;
};
constexpr auto kEffr = std::to_array<Knot>({{0.075, 13.0},
                                            {0.085, 3.0},
                                            {0.095, 0.0},
                                            {0.105, -1.0},
                                            {0.1125, -3.0},
                                            {0.1175, -3.0},
                                            {0.1225, -4.0},
                                            {0.1275, -6.0},
                                            {0.135, -7.0}});

constexpr Spread kTgcrDiscount = 1.9;        // since 2021 [New York Fed]
constexpr double kTgcrSlope = 0.14;          // of the spread, where positive
constexpr Spread kTgcrDiscountBefore = 2.4;  // before 2021

}  // namespace

RateLaw rate_law(const ModelParams& params, Spread am_spread, Spread pm_spread, double widening) noexcept {
  const auto& d = params.dispersion;
  const double am = widening * std::max(am_spread - d.widening_from, 0.0);
  const double pm = widening * std::max(pm_spread - d.widening_from, 0.0);
  return {.am_centre = am_spread,
          .am_left = d.base_width + d.left_tail * am,
          .am_right = d.base_width + d.right_tail * am,
          .pm_centre = pm_spread,
          .pm_left = d.base_width + d.left_tail * pm,
          .pm_right = d.base_width + d.right_tail * pm,
          .am_weight = d.am_weight};
}

double volume_below(const RateLaw& law, Spread x) noexcept {
  return law.am_weight * mass_below(x, law.am_centre, law.am_left, law.am_right) +
         (1.0 - law.am_weight) * mass_below(x, law.pm_centre, law.pm_left, law.pm_right);
}

Spread quantile(const RateLaw& law, double share) noexcept {
  const SessionLaw<double> am{law.am_centre, law.am_left, law.am_right};
  const SessionLaw<double> pm{law.pm_centre, law.pm_left, law.pm_right};
  return solve_quantile(order_sessions(am, pm, law.am_weight), ShareTerms(share, law.am_weight));
}

void spread_rates(const ModelParams& params, const DayContext& day, const DayDraws& draws, Spread lowest,
                  PathState& state, DayOutcome& out) noexcept {
  const auto& d = params.dispersion;
  const double tau = day.has_standing_repo ? d.tail_with_standing_repo : 1.0;
  const double noise_step = d.noise_sd * std::sqrt(1.0 - d.noise_persistence * d.noise_persistence);
  std::array<ColumnData, 6> laws;  // the fields of RateLaw
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double eta = elementary::exp(d.tail_dispersion * draws.tail_width[i]);
    const RateLaw law = rate_law(params, state.am_spread[i], state.pm_spread[i], tau * eta);
    laws[0][i] = law.am_centre, laws[1][i] = law.am_left, laws[2][i] = law.am_right;
    laws[3][i] = law.pm_centre, laws[4][i] = law.pm_left, laws[5][i] = law.pm_right;
    state.rate_noise[i] = d.noise_persistence * state.rate_noise[i] + noise_step * draws.rate_noise[i];
  }
  std::array<std::optional<ShareTerms>, kPercentileCount> shares;
  for (std::size_t k = 0; k < kPercentileCount; ++k) shares[k].emplace(kPercentiles[k], d.am_weight);
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes) {
    const SessionLaw<Lanes> am{load(laws[0], i), load(laws[1], i), load(laws[2], i)};
    const SessionLaw<Lanes> pm{load(laws[3], i), load(laws[4], i), load(laws[5], i)};
    const OrderedLaw<Lanes> law = order_sessions(am, pm, d.am_weight);
    const Lanes noise = load(state.rate_noise, i);
    for (std::size_t k = 0; k < kPercentileCount; ++k) {
      const Lanes percentile = solve_quantile(law, *shares[k]) + d.fan[k];
      store(larger(percentile, lowest) + noise, out.percentiles[k], i);
    }
  }
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double spread = out.percentiles[kMedian][i];
    out.tgcr[i] = day.tgcr_since_2021 ? spread - kTgcrDiscount - kTgcrSlope * std::max(spread, 0.0)
                                      : spread - kTgcrDiscountBefore;
  }
  out.volume_above_srf_rate.fill(0.0);
  if (!day.has_standing_repo) return;
  const Spread rate = day.standing_repo_spread - d.fan[kMedian];
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    out.volume_above_srf_rate[i] =
        1.0 - volume_below({laws[0][i], laws[1][i], laws[2][i], laws[3][i], laws[4][i], laws[5][i], d.am_weight}, rate);
}

Spread effr_over_iorb(double reserves_over_assets) noexcept {
  double spread = kEffr.front().spread;
  for (std::size_t k = 1; k < kEffr.size(); ++k) {
    const double width = kEffr[k].ratio - kEffr[k - 1].ratio;
    const double into = std::clamp((reserves_over_assets - kEffr[k - 1].ratio) / width, 0.0, 1.0);
    spread += into * (kEffr[k].spread - kEffr[k - 1].spread);
  }
  return spread;
}

void price_fed_funds(const ModelParams& params, const FedSheet& sheet, Column effr) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    effr[i] = effr_over_iorb(to_usd_bn(sheet.reserves[i]) / params.bank_assets);
}

}  // namespace repoquake::model
