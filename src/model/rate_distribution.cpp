#include "repoquake/model/rate_distribution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "repoquake/core/elementary.hpp"

namespace repoquake::model {
namespace {

constexpr int kMaxSteps = 100;
constexpr Spread kQuantileTolerance = 1e-10;  // of a quantile
constexpr double kLeastDensity = 1e-200;      // per bp
constexpr Spread kNewtonStep = 1e-6;          // bp against widths of at least 1 bp: leaves an error near its square

/// Tail probability of a two-piece Laplace law and its density, on the side asked for.
struct Tail {
  double mass, density;
};

inline Tail lower_tail(double x, double centre, double left, double right) noexcept {
  const double z = x - centre;
  const double e = 0.5 * elementary::exp(-std::fabs(z) / (z < 0.0 ? left : right));
  return {z < 0.0 ? e : 1.0 - e, e / (z < 0.0 ? left : right)};
}

inline Tail upper_tail(double x, double centre, double left, double right) noexcept {
  const Tail mirrored = lower_tail(-x, -centre, right, left);
  return mirrored;
}

inline double laplace_quantile(double centre, double left, double right, double log_twice_tail, bool is_upper) noexcept {
  return is_upper ? centre - right * log_twice_tail : centre + left * log_twice_tail;
}

/// Spread of EFFR over IORB at reserves over bank assets, linear between, flat outside.
/// Source: docs/model.md, read off the New York Fed's EFFR and H.4.1 reserves.
struct Knot {
  double ratio;
  Spread spread;
};
constexpr auto kEffr = std::to_array<Knot>({{0.075, 13.0}, {0.085, 3.0}, {0.095, 0.0}, {0.105, -1.0}, {0.1125, -3.0},
                                            {0.1175, -3.0}, {0.1225, -4.0}, {0.1275, -6.0}, {0.135, -7.0}});

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
  return law.am_weight * lower_tail(x, law.am_centre, law.am_left, law.am_right).mass +
         (1.0 - law.am_weight) * lower_tail(x, law.pm_centre, law.pm_left, law.pm_right).mass;
}

// Newton on the log of the nearer tail, where an exponential law is a straight line, inside the bracket that the two
// sessions' own quantiles give. Converges quadratically on either side of a centre, so a small step that crosses none
// leaves an error of its square.
Spread quantile(const RateLaw& law, double share) noexcept {
  const bool is_upper = share > 0.5;
  const double tail_share = is_upper ? 1.0 - share : share;
  const double log_tail = elementary::log(tail_share);
  const double log_twice = elementary::log(2.0 * tail_share);
  const double am = laplace_quantile(law.am_centre, law.am_left, law.am_right, log_twice, is_upper);
  const double pm = laplace_quantile(law.pm_centre, law.pm_left, law.pm_right, log_twice, is_upper);
  const double pm_weight = 1.0 - law.am_weight;
  double low = std::min(am, pm);
  double high = std::max(am, pm);
  double x = law.am_weight * am + pm_weight * pm;  // exact to first order where the sessions agree
  for (int step = 0; step < kMaxSteps && high - low > kQuantileTolerance; ++step) {
    const Tail a = is_upper ? upper_tail(x, law.am_centre, law.am_left, law.am_right)
                            : lower_tail(x, law.am_centre, law.am_left, law.am_right);
    const Tail b = is_upper ? upper_tail(x, law.pm_centre, law.pm_left, law.pm_right)
                            : lower_tail(x, law.pm_centre, law.pm_left, law.pm_right);
    const double mass = law.am_weight * a.mass + pm_weight * b.mass;
    const double density = law.am_weight * a.density + pm_weight * b.density;
    const bool is_left = is_upper ? mass > tail_share : mass < tail_share;
    low = is_left ? x : low;
    high = is_left ? high : x;
    // Far from both centres there is no volume to divide by: then step out of the bracket, that is, bisect.
    const double newton = density > kLeastDensity ? (elementary::log(mass) - log_tail) * mass / density : high - low;
    const double next = is_upper ? x + newton : x - newton;
    const auto stays_beside = [&](double centre) { return (x < centre) == (next < centre); };
    if (std::fabs(next - x) <= kNewtonStep && stays_beside(law.am_centre) && stays_beside(law.pm_centre))
      return std::clamp(next, low, high);
    x = next > low && next < high ? next : 0.5 * (low + high);
  }
  return std::clamp(x, low, high);
}

void spread_rates(const ModelParams& params, const DayContext& day, const DayDraws& draws, Spread lowest,
                  PathState& state, DayOutcome& out) noexcept {
  const auto& d = params.dispersion;
  const double tau = day.has_standing_repo ? d.tail_with_standing_repo : 1.0;
  const double noise_step = d.noise_sd * std::sqrt(1.0 - d.noise_persistence * d.noise_persistence);
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double eta = elementary::exp(d.tail_dispersion * draws.tail_width[i]);
    const RateLaw law = rate_law(params, state.am_spread[i], state.pm_spread[i], tau * eta);
    state.rate_noise[i] = d.noise_persistence * state.rate_noise[i] + noise_step * draws.rate_noise[i];
    for (std::size_t k = 0; k < kPercentileCount; ++k)
      out.percentiles[k][i] = std::max(quantile(law, kPercentiles[k]) + d.fan[k], lowest) + state.rate_noise[i];
    const double spread = out.percentiles[kMedian][i];
    out.tgcr[i] = day.tgcr_since_2021 ? spread - kTgcrDiscount - kTgcrSlope * std::max(spread, 0.0)
                                      : spread - kTgcrDiscountBefore;
    out.volume_above_srf_rate[i] =
        day.has_standing_repo ? 1.0 - volume_below(law, day.standing_repo_spread - d.fan[kMedian]) : 0.0;
  }
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
