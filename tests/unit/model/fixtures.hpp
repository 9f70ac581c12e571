/// What the tests of the kernels share: dice, an ordinary market, and the equations of docs/model.md written down a
/// second time, slowly, in extended precision, from the text alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "repoquake/core/column.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/model/clearing.hpp"
#include "repoquake/model/params.hpp"
#include "repoquake/model/step_day.hpp"
#include "repoquake/plan/compile.hpp"

namespace repoquake::test {

/// |estimate - exact| below 4 standard errors: a wrong alarm once in 16000; seeds are fixed, so it is never or always.
inline constexpr double kStandardErrors = 4.0;

/// The standard fixes the engine's bits but not those of its distributions, so these are our own.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  double unit() { return (static_cast<double>(engine_() >> 12) + 0.5) * 0x1p-52; }
  double uniform(double low, double high) { return low + (high - low) * unit(); }
  double log_uniform(double low, double high) { return low * std::pow(high / low, unit()); }
  double normal() { return elementary::inverse_normal(unit()); }
  bool chance(double probability) { return unit() < probability; }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(unit() * static_cast<double>(n)); }

 private:
  std::mt19937_64 engine_;
};

inline ColumnData column(double value) {
  ColumnData c;
  c.fill(value);
  return c;
}

/// A column of `draw()`.
template <class Draw>
ColumnData column_of(Draw draw) {
  ColumnData c;
  for (double& value : c) value = draw();
  return c;
}

/// (mean of the sample - exact) in its standard errors.
inline double deviation(const std::vector<double>& sample, double exact) {
  double sum = 0.0;
  double squares = 0.0;
  for (const double x : sample) {
    sum += x - exact;
    squares += (x - exact) * (x - exact);
  }
  const double n = static_cast<double>(sample.size());
  const double mean = sum / n;
  return mean / std::sqrt((squares / n - mean * mean) / n);
}

/// Default parameters; the market's size is that of September 2019.
inline model::ModelParams default_params(UsdBn volume = 1179.0, UsdBn assets = 17494.2) {
  return plan::model_params(scenario::ParameterValues{}, volume, assets);
}

inline void fill_sheet(model::FedSheet& sheet, UsdBn reserves, UsdBn tga, UsdBn on_rrp, UsdBn standing_repo = 0.0,
                       UsdBn repo_operations = 0.0) {
  sheet.reserves.fill(to_cents(reserves));
  sheet.tga.fill(to_cents(tga));
  sheet.on_rrp.fill(to_cents(on_rrp));
  sheet.standing_repo.fill(to_cents(standing_repo));
  sheet.repo_operations.fill(to_cents(repo_operations));
  sheet.securities.fill(to_cents(4000.0));
  sheet.foreign_rrp.fill(to_cents(300.0));
  sheet.currency.fill(to_cents(1800.0));
  sheet.other_liabilities.fill(to_cents(100.0));
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    sheet.other_assets[i] = sheet.reserves[i] + sheet.tga[i] + sheet.on_rrp[i] + sheet.foreign_rrp[i] +
                            sheet.currency[i] + sheet.other_liabilities[i] - sheet.securities[i] -
                            sheet.repo_operations[i] - sheet.standing_repo[i];
}

/// An ordinary day of September 2019.
inline model::DayContext ordinary_day() {
  model::DayContext day;
  day.iorb = 2.10;
  day.on_rrp_rate = 2.00;
  day.floor = -10.0;
  return day;
}

/// The opening of September 2019 (docs/model.md, section 7).
inline model::Opening opening_2019(const model::ModelParams& params) {
  model::Opening opening;
  opening.own.params = params;
  opening.own.day = ordinary_day();
  opening.own.reserves = 1458.666;
  opening.own.cash = 15.0;
  opening.own.volatility = 85.0;
  opening.own.opening_spread = 5.0;
  opening.own.trend_spread = 3.5;
  opening.position = 550.0;
  opening.volatility_before = 85.0;
  fill_sheet(opening.sheet, 1458.666, 183.581, 3.612);
  return opening;
}

inline model::PathDraws path_draws(Dice& dice) {
  const auto normals = [&] { return column_of([&] { return dice.normal(); }); };
  return {normals(), normals(), normals(), normals()};
}

/// Flows of a day on which nothing moves.
inline model::DayFlows quiet_flows(double volatility = 60.0) {
  model::DayFlows flows{};
  flows.volatility.fill(volatility);
  return flows;
}

/// The text's equations, in extended precision. `Real` has 64 bits: its rounding does not count beside a double's.
namespace reference {

using Real = long double;

inline Real positive(Real x) { return x > 0 ? x : 0; }
inline Real softplus(Real x) { return positive(x) + std::log1p(std::exp(-std::fabs(x))); }

/// L_mmf and L_bank: cash u / (scale + u), u = (x - from)+.
inline Real saturating(Real cash, Real scale, Real from, Real x) {
  const Real u = positive(x - from);
  return cash * u / (scale + u);
}

/// min(B (1 - exp(-w ln(1 + e^((v - srf)/w)) / theta)), cap)
inline Real standing_repo(const model::SessionTerms& t, Real v) {
  const Real w = t.smoothing;
  const Real taken = -t.addressable * std::expm1(-w * softplus((v - t.standing_repo_spread) / w) / t.stigma);
  return std::min<Real>(taken, t.cap);
}

/// min(A, B (1 - exp(-(v + g - bid)+ / theta_T)))
inline Real operation(const model::SessionTerms& t, Real offered, Real v) {
  const Real taken = -t.appetite * std::expm1(-positive(v + t.bid_reach) / t.appetite_scale);
  return std::min<Real>(taken, offered);
}

/// One path's side of a session.
struct Lane {
  Real need, cash, capacity, markup, offered;
};

inline Real supply(const model::SessionTerms& t, const Lane& s, Real x) {
  return saturating(s.cash, t.switching_scale, t.floor, x) +
         saturating(s.capacity, t.half_saturation, t.reservation, x) +
         (t.has_standing_repo ? standing_repo(t, x + s.markup) : 0) +
         t.pass_through * operation(t, s.offered, x + s.markup);
}

/// What of the need gives way at x.
inline Real withdrawn(const model::SessionTerms& t, Real x) {
  return t.elasticity * positive(x) + t.stress_elasticity * positive(x - t.stress_spread);
}

inline Real excess(const model::SessionTerms& t, const Lane& s, Real x) {
  return s.need - withdrawn(t, x) - supply(t, s, x);
}

/// Bisection, 200 steps or until no number lies between.
inline Real root(const model::SessionTerms& t, const Lane& s) {
  Real low = t.floor;
  Real high = 3000;
  if (excess(t, s, low) <= 0) return low;
  if (excess(t, s, high) > 0) return high;
  for (int step = 0; step < 200; ++step) {
    const Real middle = (low + high) / 2;
    if (!(middle > low && middle < high)) break;
    (excess(t, s, middle) > 0 ? low : high) = middle;
  }
  return (low + high) / 2;
}

/// K = kappa A x_bar (1 - e^(-x/x_bar)) (1 - H) (vol/60)^(-k_v) U_K,  x = w ln(1 + exp((R/A - rho)/w))
inline Real capacity(const model::ModelParams& p, Real reserves, Real volatility, Real hoarding, Real factor) {
  const auto& b = p.banks;
  const Real w = b.kink_width;
  const Real x = w * softplus((reserves / p.bank_assets - b.scarcity_ratio) / w);
  return -b.lending_share * p.bank_assets * b.saturation * std::expm1(-x / b.saturation) * (1 - hoarding) *
         std::pow(volatility / 60, -Real{b.volatility_elasticity}) * factor;
}

/// One path's leveraged funds on a day, once its prices are known.
struct Funds {
  std::vector<Real> notional, equity;
  Real margin, exit_share, impact, basis, external_sales;  ///< mu, q, lambda, b before, X - B
  Real reversion, maintenance, target, most;               ///< r_b, g_trig, g_tgt, the largest share sold in a day

  Funds(const model::ModelParams::BasisTrade& b, Real mu, Real q, Real lambda, Real basis_before, Real external)
      : margin(mu),
        exit_share(q),
        impact(lambda),
        basis(basis_before),
        external_sales(external),
        reversion(b.basis_reversion),
        maintenance(b.maintenance_cushion),
        target(b.target_cushion),
        most(b.max_daily_sale) {}
};

inline Real basis_after(const Funds& f, Real total) {
  return positive((1 - f.reversion) * f.basis + f.impact * (f.external_sales + total));
}

/// S_i if all funds together sell `total`.
inline Real sale(const Funds& f, std::size_t i, Real total) {
  const Real q = f.notional[i];
  const Real left = f.equity[i] - q * (basis_after(f, total) - f.basis) / 10000;
  const bool is_called = left < f.margin * (1 + f.maintenance) * (1 - f.exit_share) * q;
  const Real wanted =
      is_called ? std::max(f.exit_share * q, q - positive(left) / (f.margin * (1 + f.target))) : f.exit_share * q;
  return std::min(wanted, f.most * q);
}

inline Real response(const Funds& f, Real total) {
  Real sum = 0;
  for (std::size_t i = 0; i < f.notional.size(); ++i) sum += sale(f, i, total);
  return sum;
}

/// Plain iteration from the voluntary sales up: the map rises, so its limit is the least fixed point above them.
inline Real least_sales(const Funds& f) {
  Real believed = 0;
  for (const Real q : f.notional) believed += std::min(f.exit_share, f.most) * q;
  for (;;) {
    const Real next = response(f, believed);
    if (next - believed <= 1e-14L) return next;
    believed = next;
  }
}

}  // namespace reference
}  // namespace repoquake::test
