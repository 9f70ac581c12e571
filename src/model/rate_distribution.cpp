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
constexpr double kSettledStep = 1e-3;  // in widths: what is left is about its fourth power
constexpr double kLeastLog = -700.0;   // a term below e^-700 is none

template <Number V>
struct SessionLaw {
  V centre, left, right;
};

template <Number V>
[[gnu::always_inline]] inline SessionLaw<V> session_law(const ModelParams::Dispersion& d, V spread,
                                                        V widening) noexcept {
  const V wide = widening * larger(spread - d.widening_from, 0.0);
  return {spread, d.base_width + d.left_tail * wide, d.base_width + d.right_tail * wide};
}

/// Share of a session's volume at or below x.
template <Number V>
[[gnu::always_inline]] inline V mass_below(const SessionLaw<V>& law, V x) noexcept {
  const V z = x - law.centre;
  const auto is_left = z < 0.0;
  const V e = 0.5 * elementary::exp(-magnitude(z) / select(is_left, law.left, law.right));
  return select(is_left, e, 1.0 - e);
}

template <Number V>
[[gnu::always_inline]] inline V mixture_below(const SessionLaw<V>& am, const SessionLaw<V>& pm, double am_weight,
                                              V x) noexcept {
  return am_weight * mass_below(am, x) + (1.0 - am_weight) * mass_below(pm, x);
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

/// A length in bp and its inverse: both are needed, and division is dear.
template <Number V>
struct Length {
  V bp, per_bp;
};

template <Number V>
[[gnu::always_inline]] inline Length<V> choose(Condition<V> condition, const Length<V>& yes,
                                               const Length<V>& no) noexcept {
  return {select(condition, yes.bp, no.bp), select(condition, yes.per_bp, no.per_bp)};
}

/// The mixture with its sessions in the order of their centres: `low` and `high`.
template <Number V>
struct OrderedLaw {
  Condition<V> am_is_low;
  V low_centre, high_centre;
  Length<V> low_outward, low_inward, high_inward, high_outward;  ///< widths, away from and towards the other centre
  Length<V> inward;                                              ///< of e^(-y/low_inward) e^(-y/high_inward)
  V low_weight;
  V log_half_low, log_half_high;        ///< of weight / 2
  V gap_in_low, gap_in_high;            ///< between the centres, in widths towards the other
  V share_below_low, share_below_high;  ///< F at either centre
};

template <Number V>
[[gnu::always_inline]] inline OrderedLaw<V> order_sessions(const SessionLaw<V>& am, const SessionLaw<V>& pm,
                                                           double am_weight) noexcept {
  const auto am_is_low = am.centre <= pm.centre;
  const double log_half_am = ShareTerms::log_or_nothing(0.5 * am_weight);
  const double log_half_pm = ShareTerms::log_or_nothing(0.5 * (1.0 - am_weight));
  const V per_am = 1.0 / (am.left * am.right), per_pm = 1.0 / (pm.left * pm.right);
  const Length<V> am_left{am.left, am.right * per_am}, am_right{am.right, am.left * per_am};
  const Length<V> pm_left{pm.left, pm.right * per_pm}, pm_right{pm.right, pm.left * per_pm};
  OrderedLaw<V> law;
  law.am_is_low = am_is_low;
  law.low_centre = select(am_is_low, am.centre, pm.centre);
  law.high_centre = select(am_is_low, pm.centre, am.centre);
  law.low_outward = choose<V>(am_is_low, am_left, pm_left);
  law.low_inward = choose<V>(am_is_low, am_right, pm_right);
  law.high_inward = choose<V>(am_is_low, pm_left, am_left);
  law.high_outward = choose<V>(am_is_low, pm_right, am_right);
  law.inward.per_bp = law.low_inward.per_bp + law.high_inward.per_bp;
  law.inward.bp = 1.0 / law.inward.per_bp;
  law.low_weight = select(am_is_low, am_weight, 1.0 - am_weight);
  law.log_half_low = select(am_is_low, log_half_am, log_half_pm);
  law.log_half_high = select(am_is_low, log_half_pm, log_half_am);
  const V gap = law.high_centre - law.low_centre;
  law.gap_in_low = gap * law.low_inward.per_bp;
  law.gap_in_high = gap * law.high_inward.per_bp;
  const V high_below_low = elementary::exp_within(larger(-law.gap_in_high, kLeastLog));
  const V low_above_high = elementary::exp_within(larger(-law.gap_in_low, kLeastLog));
  law.share_below_low = 0.5 * (law.low_weight + (1.0 - law.low_weight) * high_below_low);
  law.share_below_high = law.low_weight * (1.0 - 0.5 * low_above_high) + 0.5 * (1.0 - law.low_weight);
  return law;
}

/// f(z) = e^(a + z/s) + e^(b + z/t), both lengths positive.
template <Number V>
struct Exponentials {
  V a, b;
  Length<V> s, t;
};

/// A z close to the one with f(z) = 1, and never far below it: a wide step down would lose its way. From where the larger
/// term alone is 1, by the series of the inverse of ln f, whose derivatives are cumulants of a two-point law; exact if the
/// lengths are equal.
template <Number V>
[[gnu::always_inline]] inline V guess_balance(const Exponentials<V>& f) noexcept {
  const auto a_leads = f.a * f.s.bp > f.b * f.t.bp;
  const Length<V> leading = choose<V>(a_leads, f.s, f.t);
  const V trailing = select(a_leads, f.t.per_bp, f.s.per_bp);
  const V z = -select(a_leads, f.a, f.b) * leading.bp;
  const V rest = elementary::rough_exp(larger(select(a_leads, f.b, f.a) + trailing * z, kLeastLog));
  const V quadratic = 6.0 + rest * (6.0 + rest);  // ln(1 + r) = r (6 + 3 r) / (6 + 6 r + r^2), to 8e-4
  const V slope = leading.per_bp + rest * trailing;
  const V inverse = 1.0 / (quadratic * slope);
  const V height = rest * (6.0 + 3.0 * rest) * (inverse * slope);
  const V per_slope = inverse * quadratic;
  const V apart = (trailing - leading.per_bp) * per_slope;
  const V bend = rest * apart * apart * height;
  const V skew = rest * (1.0 - rest) * apart * apart * apart * height * height;
  return z - height * (1.0 + rest) * per_slope * (1.0 + 0.5 * bend + 0.5 * bend * bend - skew * (1.0 / 6.0));
}

/// The z with f(z) = 1: from the guess by the series of the inverse of f to its third order. f is convex, so no step
/// leads astray; one is almost always enough.
template <Number V>
[[gnu::always_inline]] inline V balance_exponentials(const Exponentials<V>& f) noexcept {
  V z = guess_balance(f);
  const V s = f.s.per_bp, t = f.t.per_bp;
  const V rate = larger(s, t);
  const V s_squared = s * s, t_squared = t * t;
  auto is_open = z == z;  // NOLINT(misc-redundant-expression): false where z is not a number
  for (int step = 0; step < kMaxSteps && any(is_open); ++step) {
    const V first = elementary::exp_within(larger(f.a + s * z, kLeastLog));
    const V second = elementary::exp_within(larger(f.b + t * z, kLeastLog));
    const V per_slope = 1.0 / (first * s + second * t);
    const V newton = (first + second - 1.0) * per_slope;
    const V bend = newton * (first * s_squared + second * t_squared) * per_slope;
    const V skew = newton * newton * (first * s_squared * s + second * t_squared * t) * per_slope;
    const V move = newton * (1.0 + 0.5 * bend + 0.5 * bend * bend - skew * (1.0 / 6.0));
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
  const V log_near = select(from_low, l.log_half_low, l.log_half_high);
  const V log_far = select(from_low, l.log_half_high - l.gap_in_high, l.log_half_low - l.gap_in_low);
  const V log_tail = select(is_below, p.log_below, p.log_above);
  const V log_rest = select(l.am_is_low, V(p.log_to_am), p.log_to_pm);
  const V whole = select(is_outside, log_tail, log_near);
  const V z =
      balance_exponentials<V>({select(is_outside, log_near, log_rest) - whole, log_far - whole,
                               choose<V>(is_outside, choose<V>(from_low, l.low_outward, l.high_outward),
                                         choose<V>(from_low, l.low_inward, l.high_inward)),
                               choose<V>(is_outside, choose<V>(from_low, l.high_inward, l.low_inward), l.inward)});
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
  const auto am = session_law(params.dispersion, am_spread, widening);
  const auto pm = session_law(params.dispersion, pm_spread, widening);
  return {.am_centre = am.centre,
          .am_left = am.left,
          .am_right = am.right,
          .pm_centre = pm.centre,
          .pm_left = pm.left,
          .pm_right = pm.right,
          .am_weight = params.dispersion.am_weight};
}

double volume_below(const RateLaw& law, Spread x) noexcept {
  const SessionLaw<double> am{law.am_centre, law.am_left, law.am_right};
  const SessionLaw<double> pm{law.pm_centre, law.pm_left, law.pm_right};
  return mixture_below(am, pm, law.am_weight, x);
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
  const double discount = day.tgcr_since_2021 ? kTgcrDiscount : kTgcrDiscountBefore;
  const double discount_slope = day.tgcr_since_2021 ? kTgcrSlope : 0.0;
  std::array<std::optional<ShareTerms>, kPercentileCount> shares;
  for (std::size_t k = 0; k < kPercentileCount; ++k) shares[k].emplace(kPercentiles[k], d.am_weight);
  out.volume_above_srf_rate.fill(0.0);
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes) {
    const Lanes widening = tau * elementary::exp(d.tail_dispersion * load(draws.tail_width, i));
    const auto am = session_law(d, load(state.am_spread, i), widening);
    const auto pm = session_law(d, load(state.pm_spread, i), widening);
    const Lanes noise = d.noise_persistence * load(state.rate_noise, i) + noise_step * load(draws.rate_noise, i);
    store(noise, state.rate_noise, i);
    const OrderedLaw<Lanes> law = order_sessions(am, pm, d.am_weight);
    for (std::size_t k = 0; k < kPercentileCount; ++k) {
      const Lanes percentile = solve_quantile(law, *shares[k]) + d.fan[k];
      store(larger(percentile, lowest) + noise, out.percentiles[k], i);
    }
    const Lanes spread = load(out.percentiles[kMedian], i);
    store(spread - discount - discount_slope * larger(spread, 0.0), out.tgcr, i);
    if (day.has_standing_repo) {
      const Lanes rate = day.standing_repo_spread - d.fan[kMedian];
      store(1.0 - mixture_below(am, pm, d.am_weight, rate), out.volume_above_srf_rate, i);
    }
  }
}

Spread effr_over_iorb(double reserves_over_assets) noexcept {
  double spread = kEffr.front().spread;
  for (std::size_t k = 1; k < kEffr.size(); ++k) {
    const Knot from = kEffr[k - 1], to = kEffr[k];
    const double slope = (to.spread - from.spread) / (to.ratio - from.ratio);
    spread += slope * std::min(std::max(reserves_over_assets - from.ratio, 0.0), to.ratio - from.ratio);
  }
  return spread;
}

void price_fed_funds(const ModelParams& params, const FedSheet& sheet, Column effr) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    effr[i] = effr_over_iorb(to_usd_bn(sheet.reserves[i]) / params.bank_assets);
}

}  // namespace repoquake::model
