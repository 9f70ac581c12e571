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

/// Mass of a two-piece Laplace law below x, and its density there.
struct Below {
  double mass, density;
};

[[gnu::always_inline]] inline Below below(double x, double centre, double left, double right) noexcept {
  const double z = x - centre;
  const double width = z < 0.0 ? left : right;
  const double e = 0.5 * elementary::exp(-std::fabs(z) / width);
  return {z < 0.0 ? e : 1.0 - e, e / width};
}

/// The law seen from the other side: quantile(law, p) = -quantile(mirrored(law), 1 - p).
[[gnu::always_inline]] inline RateLaw mirrored(const RateLaw& l) noexcept {
  return {-l.am_centre, l.am_right, l.am_left, -l.pm_centre, l.pm_right, l.pm_left, l.am_weight};
}

/// Where a two-piece Laplace law has `mass` below it, in widths from the centre.
inline double widths_from_centre(double mass) noexcept {
  if (mass < 0.5) return elementary::log(2.0 * mass);
  return mass < 1.0 ? -elementary::log(2.0 * (1.0 - mass)) : 1e6;
}

/// A share of volume in the lower half, and what follows from it for every law with these weights.
struct TailShare {
  TailShare(double tail, double am_weight) noexcept
      : share(tail),
        log(elementary::log(tail)),
        alone(widths_from_centre(tail)),
        am_only(am_weight > 0.0 ? widths_from_centre(tail / am_weight) : 1e6),
        pm_only(am_weight < 1.0 ? widths_from_centre(tail / (1.0 - am_weight)) : 1e6) {}
  double share, log;
  double alone;             ///< of a session that had all the volume
  double am_only, pm_only;  ///< of a session if the other had no volume as low as that
};

/// A bracket of the quantile and the next point to look at; done when the bracket is closed.
struct Search {
  double low, high, x;
  [[nodiscard]] bool is_open() const noexcept { return high - low > kQuantileTolerance; }
};

/// The quantile lies between those of the two sessions, and below where either session alone would fill the share:
/// the lower of those two is close unless both sessions matter.
[[gnu::always_inline]] inline Search start(const RateLaw& l, const TailShare& tail) noexcept {
  const double am = l.am_centre + l.am_left * tail.alone;
  const double pm = l.pm_centre + l.pm_left * tail.alone;
  const double am_fills = l.am_centre + (tail.am_only < 0.0 ? l.am_left : l.am_right) * tail.am_only;
  const double pm_fills = l.pm_centre + (tail.pm_only < 0.0 ? l.pm_left : l.pm_right) * tail.pm_only;
  const double low = std::min(am, pm), high = std::max(am, pm);
  return {low, high, std::min(std::max(std::min(am_fills, pm_fills), low), high)};
}

/// One step of Newton on the log of the mass below, where an exponential law is a straight line; where it leaves the
/// bracket, bisection. It converges quadratically on either side of a centre, so a small step that crosses none leaves an
/// error of its square, and closes the bracket.
[[gnu::always_inline]] inline Search advance(const RateLaw& law, const TailShare& tail, const Search& s) noexcept {
  const Below am = below(s.x, law.am_centre, law.am_left, law.am_right);
  const Below pm = below(s.x, law.pm_centre, law.pm_left, law.pm_right);
  const double mass = law.am_weight * am.mass + (1.0 - law.am_weight) * pm.mass;
  const double density = law.am_weight * am.density + (1.0 - law.am_weight) * pm.density;
  const bool is_left = mass < tail.share;
  const double low = is_left ? s.x : s.low;
  const double high = is_left ? s.high : s.x;
  const bool has_volume = density > kLeastDensity;  // far from both centres there is none to divide by
  const double safe_mass = has_volume ? mass : 1.0;
  const double next = s.x - (elementary::log(safe_mass) - tail.log) * safe_mass / (has_volume ? density : 1.0);
  const bool crosses =
      (s.x < law.am_centre) != (next < law.am_centre) || (s.x < law.pm_centre) != (next < law.pm_centre);
  const bool is_settled = has_volume && !crosses && std::fabs(next - s.x) <= kNewtonStep;
  const bool is_inside = has_volume && next > low && next < high;
  const double settled = std::min(std::max(next, low), high);
  const double x = is_settled ? settled : is_inside ? next : 0.5 * (low + high);
  return {is_settled ? settled : low, is_settled ? settled : high, x};
}

/// The laws of a block.
struct LawColumns {
  ColumnData am_centre, am_left, am_right, pm_centre, pm_left, pm_right;
  double am_weight;

  void set(std::size_t i, const RateLaw& l) noexcept {
    am_centre[i] = l.am_centre, am_left[i] = l.am_left, am_right[i] = l.am_right;
    pm_centre[i] = l.pm_centre, pm_left[i] = l.pm_left, pm_right[i] = l.pm_right;
  }
  [[nodiscard, gnu::always_inline]] RateLaw operator[](std::size_t i) const noexcept {
    return {am_centre[i], am_left[i], am_right[i], pm_centre[i], pm_left[i], pm_right[i], am_weight};
  }
};

/// Quantiles of all laws of a block, lanes abreast; a lane that is done stays as it is.
template <bool kUpper>
void solve_quantiles(const LawColumns& laws, double share, Column out) noexcept {
  const auto law_of = [&](std::size_t i) { return kUpper ? mirrored(laws[i]) : laws[i]; };
  const TailShare tail(kUpper ? 1.0 - share : share, laws.am_weight);
  ColumnData low, high;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const Search s = start(law_of(i), tail);
    low[i] = s.low, high[i] = s.high, out[i] = s.x;
  }
  for (int step = 0; step < kMaxSteps; ++step) {
    int open = 0;
    for (std::size_t i = 0; i < kBlockPaths; ++i) open += high[i] - low[i] > kQuantileTolerance ? 1 : 0;
    if (open == 0) break;
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const Search old{low[i], high[i], out[i]};
      const Search next = advance(law_of(i), tail, old);
      const bool is_open = old.is_open();
      low[i] = is_open ? next.low : old.low;
      high[i] = is_open ? next.high : old.high;
      out[i] = is_open ? next.x : old.x;
    }
  }
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double x = std::min(std::max(out[i], low[i]), high[i]);
    out[i] = kUpper ? -x : x;
  }
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
  return law.am_weight * below(x, law.am_centre, law.am_left, law.am_right).mass +
         (1.0 - law.am_weight) * below(x, law.pm_centre, law.pm_left, law.pm_right).mass;
}

Spread quantile(const RateLaw& law, double share) noexcept {
  const bool is_upper = share > 0.5;
  const RateLaw seen = is_upper ? mirrored(law) : law;
  const TailShare tail(is_upper ? 1.0 - share : share, law.am_weight);
  Search s = start(seen, tail);
  for (int step = 0; step < kMaxSteps && s.is_open(); ++step) s = advance(seen, tail, s);
  const double x = std::min(std::max(s.x, s.low), s.high);
  return is_upper ? -x : x;
}

void spread_rates(const ModelParams& params, const DayContext& day, const DayDraws& draws, Spread lowest,
                  PathState& state, DayOutcome& out) noexcept {
  const auto& d = params.dispersion;
  const double tau = day.has_standing_repo ? d.tail_with_standing_repo : 1.0;
  const double noise_step = d.noise_sd * std::sqrt(1.0 - d.noise_persistence * d.noise_persistence);
  LawColumns laws;
  laws.am_weight = d.am_weight;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double eta = elementary::exp(d.tail_dispersion * draws.tail_width[i]);
    laws.set(i, rate_law(params, state.am_spread[i], state.pm_spread[i], tau * eta));
    state.rate_noise[i] = d.noise_persistence * state.rate_noise[i] + noise_step * draws.rate_noise[i];
  }
  for (std::size_t k = 0; k < kPercentileCount; ++k) {
    ColumnData& percentile = out.percentiles[k];
    kPercentiles[k] > 0.5 ? solve_quantiles<true>(laws, kPercentiles[k], percentile)
                          : solve_quantiles<false>(laws, kPercentiles[k], percentile);
    for (std::size_t i = 0; i < kBlockPaths; ++i)
      percentile[i] = std::max(percentile[i] + d.fan[k], lowest) + state.rate_noise[i];
  }
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double spread = out.percentiles[kMedian][i];
    out.tgcr[i] = day.tgcr_since_2021 ? spread - kTgcrDiscount - kTgcrSlope * std::max(spread, 0.0)
                                      : spread - kTgcrDiscountBefore;
    out.volume_above_srf_rate[i] =
        day.has_standing_repo ? 1.0 - volume_below(laws[i], day.standing_repo_spread - d.fan[kMedian]) : 0.0;
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
