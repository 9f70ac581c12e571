#include "repoquake/model/basis_trade.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/core/lanes.hpp"

namespace repoquake::model {
namespace {

using BasisParams = ModelParams::BasisTrade;

constexpr UsdBn kFixedPointTolerance = 1e-9;
constexpr int kMaxFixedPointSteps = 1000;  // every step either ends or passes a cohort's trigger or cap

template <Number V>
[[gnu::always_inline]] inline V margin_rate(const BasisParams& b, V volatility_ratio) noexcept {
  return b.haircut +
         b.futures_margin * elementary::power(larger(volatility_ratio, b.margin_floor), b.margin_elasticity);
}

/// The basis after `total` sales of everyone.
template <Number V>
[[gnu::always_inline]] inline V basis_after(const BasisParams& b, V basis, V impact, V total) noexcept {
  return larger((1.0 - b.basis_reversion) * basis + impact * total, 0.0);
}

double basis_after(const BasisParams& b, const SalesTerms& t, double total) noexcept {
  return basis_after(b, t.basis, t.impact, total);
}

/// How one cohort answers a loss per notional.
struct Answer {
  UsdBn sales;
  bool is_forced;
  bool is_free;  ///< neither the cap nor the voluntary floor binds, equity is positive: sales rise with the loss
};

inline Answer answer_loss(const BasisParams& b, const SalesTerms& t, double notional, double equity,
                          double loss_per_notional) noexcept {
  const double after_loss = equity - notional * loss_per_notional;
  const double cap = b.max_daily_sale * notional;
  const double voluntary = std::min(t.exit_share * notional, cap);
  const bool is_forced = after_loss < t.margin * (1.0 + b.maintenance_cushion) * (1.0 - t.exit_share) * notional;
  if (!is_forced) return {voluntary, false, false};
  const double wanted = notional - std::max(after_loss, 0.0) / (t.margin * (1.0 + b.target_cushion));
  const double sales = std::clamp(wanted, voluntary, std::max(cap, voluntary));
  return {sales, true, wanted > voluntary && wanted < cap && after_loss > 0.0};
}

double voluntary_sales(const BasisParams& b, const SalesTerms& t, const double* notional, std::size_t stride) noexcept {
  double total = 0.0;
  for (std::size_t c = 0; c < b.cohorts; ++c) total += std::min(t.exit_share, b.max_daily_sale) * notional[c * stride];
  return total;
}

double loss_per_notional(const BasisParams& b, const SalesTerms& t, double believed) noexcept {
  return (basis_after(b, t, t.external_sales + believed) - t.basis) / kBpPerUnit;
}

template <Number V>
[[gnu::always_inline]] inline V spiral_of(const BasisParams& b, V position, V impact, V margin) noexcept {
  return position * impact / (kBpPerUnit * margin * (1.0 + b.target_cushion));
}

/// Margin calls on one path: finds the day's sales, takes losses and cuts positions.
void sell_on_margin_calls(const BasisParams& b, const SalesTerms& terms, std::size_t lane, PathState& state,
                          DayOutcome& out) noexcept {
  constexpr std::size_t kStride = sizeof(ColumnData) / sizeof(double);
  const double total =
      least_fixed_point(b, terms, state.notional.front().data() + lane, state.equity.front().data() + lane, kStride);
  const double loss = loss_per_notional(b, terms, total);
  double sold = 0.0, forced = 0.0;
  for (std::size_t c = 0; c < b.cohorts; ++c) {
    double& notional = state.notional[c][lane];
    double& equity = state.equity[c][lane];
    const Answer answer = answer_loss(b, terms, notional, equity, loss);
    const double on_calls =
        answer.is_forced ? answer.sales - std::min(terms.exit_share, b.max_daily_sale) * notional : 0.0;
    sold += answer.sales;
    forced += on_calls;
    equity -= notional * loss;
    out.flags[lane] |= on_calls > 0.0 ? bit(PathFlag::forced_sales) : 0U;
    out.flags[lane] |= notional > 0.0 && equity <= 0.0 ? bit(PathFlag::fund_wiped_out) : 0U;
    notional -= answer.sales;
  }
  out.sales[lane] = sold;
  out.forced_sales[lane] = forced;
}

/// A day of kLanes paths from lane i on. Cohort by cohort, so that what is read stays close.
[[gnu::always_inline]] inline void trade_lanes(const ModelParams& params, double fast_weight, double year_share,
                                               const DayFlows& flows, const DayDraws& draws, std::size_t i,
                                               PathState& state, DayOutcome& out) noexcept {
  const auto& b = params.basis_trade;
  const Lanes zero = 0.0;
  const Lanes volatility = load(flows.volatility, i);
  const Lanes am_spread = load(state.am_spread, i);
  const Lanes fast_before = load(state.margin_volatility, i), slow_before = load(state.slow_volatility, i);
  const Lanes average_before = load(state.funding_average, i);
  const Lanes fast = fast_before + fast_weight * (volatility - fast_before);
  const Lanes slow = slow_before + b.slow_volatility_weight * (volatility - slow_before);
  const Lanes average = average_before + b.carry_weight * (am_spread - average_before);
  store(fast, state.margin_volatility, i);
  store(slow, state.slow_volatility, i);
  store(average, state.funding_average, i);

  const Lanes rally = larger(-load(flows.yield_change, i), zero);
  const Lanes margin =
      margin_rate(b, fast / params.reference_volatility) + (1.0 - b.refinanced_share) * b.duration * rally / kBpPerUnit;
  const Lanes alarm = larger(elementary::log(fast / slow), zero);
  const Lanes carry = larger(average - b.carry_trigger, zero) / b.carry_scale;
  const Lanes exit_share = smaller(larger(b.voluntary_exit * alarm + b.carry_exit * carry, zero), b.max_voluntary_exit);
  const Lanes depth = elementary::power(larger(volatility, fast) / params.reference_volatility, b.impact_elasticity);
  const Lanes impact = b.impact * depth;
  const Lanes others = load(flows.other_sales, i) * load(state.other_sales_factor, i) *
                       elementary::exp(b.daily_sales_dispersion * load(draws.other_sales, i));
  const Lanes external = others - load(flows.fed_purchases, i);
  store(external, out.external_sales, i);

  // What the funds would sell of their own will.
  const Lanes sold_share = smaller(exit_share, b.max_daily_sale);
  Lanes position = 0.0;
  for (std::size_t c = 0; c < b.cohorts; ++c) position += load(state.notional[c], i);
  const Lanes voluntary = sold_share * position;
  store(voluntary, out.sales, i);
  store(0.0, out.forced_sales, i);

  // Where that leaves every cohort above its maintenance margin, it is the fixed point and the day is calm.
  const Lanes cost = (am_spread - load(state.opening_spread, i)) / kBpPerUnit * year_share;  // of funding
  const Lanes basis = load(state.futures_basis, i);
  const Lanes loss = (basis_after(b, basis, impact, external + voluntary) - basis) / kBpPerUnit;
  const Lanes least_ratio = cost + loss + margin * (1.0 + b.maintenance_cushion) * (1.0 - exit_share);
  Lanes slack = 0.0;
  for (std::size_t c = 0; c < b.cohorts; ++c)
    slack = smaller(slack, load(state.equity[c], i) - load(state.notional[c], i) * least_ratio);
  const Mask is_calm = slack >= 0.0;

  // Funding is paid, losses are taken and positions cut: on calm paths below, on others by their margin calls.
  if (any(!is_calm)) {
    const Lanes paid = select(is_calm, 0.0, cost);
    for (std::size_t c = 0; c < b.cohorts; ++c)
      store(load(state.equity[c], i) - load(state.notional[c], i) * paid, state.equity[c], i);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      if (is_calm[lane]) continue;
      sell_on_margin_calls(b, {margin[lane], exit_share[lane], impact[lane], basis[lane], external[lane]}, i + lane,
                           state, out);
    }
  }
  const Lanes calm_share = select(is_calm, sold_share, 0.0);
  const Lanes calm_cost = select(is_calm, cost + loss, 0.0);
  Lanes cut_position = 0.0, fund_equity = 0.0;
  for (std::size_t c = 0; c < b.cohorts; ++c) {
    const Lanes notional = load(state.notional[c], i);
    const Lanes equity = load(state.equity[c], i) - notional * calm_cost;
    const Lanes kept = notional - calm_share * notional;
    store(equity, state.equity[c], i);
    store(kept, state.notional[c], i);
    cut_position += kept;
    fund_equity += equity;
  }
  store(cut_position, out.position, i);
  store(fund_equity, out.fund_equity, i);

  const Lanes spiral = spiral_of(b, position, impact, margin);
  store(spiral, out.spiral_ratio, i);
  for (std::size_t lane = i; lane < i + kLanes; ++lane)
    out.flags[lane] |= out.spiral_ratio[lane] >= 1.0 ? bit(PathFlag::spiral_unstable) : 0U;
  const Lanes flow = external + load(out.sales, i);
  store(basis_after(b, basis, impact, flow), state.futures_basis, i);
  store(b.yield_persistence * load(state.yield_impact, i) + b.yield_impact * depth * flow, state.yield_impact, i);
}

}  // namespace

UsdBn sales_response(const BasisParams& b, const SalesTerms& t, const double* notional, const double* equity,
                     std::size_t stride, UsdBn believed) noexcept {
  const double loss = loss_per_notional(b, t, believed);
  double total = 0.0;
  for (std::size_t c = 0; c < b.cohorts; ++c)
    total += answer_loss(b, t, notional[c * stride], equity[c * stride], loss).sales;
  return total;
}

UsdBn least_fixed_point(const BasisParams& b, const SalesTerms& t, const double* notional, const double* equity,
                        std::size_t stride) noexcept {
  double believed = voluntary_sales(b, t, notional, stride);
  const double target = t.margin * (1.0 + b.target_cushion);
  for (int step = 0; step < kMaxFixedPointSteps; ++step) {
    const double loss = loss_per_notional(b, t, believed);
    const bool basis_moves = basis_after(b, t, t.external_sales + believed) > 0.0;
    double total = 0.0;
    double slope = 0.0;                                          // of the map on this piece
    double piece_end = std::numeric_limits<double>::infinity();  // belief at which a cohort reaches its cap
    for (std::size_t c = 0; c < b.cohorts; ++c) {
      const double q = notional[c * stride];
      const double e = equity[c * stride];
      const Answer answer = answer_loss(b, t, q, e, loss);
      total += answer.sales;
      if (answer.is_free && basis_moves && t.impact > 0.0) {
        const double rise = q * t.impact / kBpPerUnit / target;
        slope += rise;
        piece_end = std::min(piece_end, believed + (b.max_daily_sale * q - answer.sales) / rise);
      }
    }
    const double gap = total - believed;
    if (gap <= kFixedPointTolerance) return std::max(total, believed);
    // A map that is linear up to piece_end meets the diagonal at believed + gap/(1 - slope), if it does so before.
    const double solved = slope < 1.0 ? believed + gap / (1.0 - slope) : piece_end;
    believed = std::max(total, std::min(solved, piece_end));
  }
  return believed;
}

double spiral_ratio(const BasisParams& b, UsdBn position, double impact, double margin) noexcept {
  return spiral_of(b, position, impact, margin);
}

void open_funds(const ModelParams& params, UsdBn position, double opening_volatility_bp, ConstColumn leverage_draw,
                PathState& state) noexcept {
  const auto& b = params.basis_trade;
  const double n = static_cast<double>(b.cohorts);
  const double notional = position / n;
  const double margin = margin_rate(b, opening_volatility_bp / params.reference_volatility);
  const double least = b.opening_cushion * margin * (1.0 + b.maintenance_cushion) * notional;
  std::ranges::fill(state.opening_equity, 0.0);
  ColumnData path_factor;
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    path_factor[i] = elementary::exp(b.leverage_uncertainty * leverage_draw[i]);
  for (std::size_t c = 0; c < b.cohorts; ++c) {
    const double score = elementary::inverse_normal((static_cast<double>(c) + 0.5) / n);
    const double leverage =
        std::clamp(b.leverage_median * elementary::exp(b.leverage_sd * score), b.leverage_min, b.leverage_max);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const double own = std::min(std::max(leverage * path_factor[i], b.leverage_min), b.leverage_max);
      state.notional[c][i] = notional;
      state.equity[c][i] = std::max(notional / own, least);
      state.opening_equity[i] += state.equity[c][i];
    }
  }
}

void trade_basis(const ModelParams& params, const DayContext& day, const DayFlows& flows, const DayDraws& draws,
                 PathState& state, DayOutcome& out) noexcept {
  const auto& b = params.basis_trade;
  const double fast_weight = 1.0 - elementary::exp(-0.693147180559945309417 / b.margin_half_life);
  const double year_share = static_cast<double>(day.days_to_next) / kDayCountBasis;
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes)
    trade_lanes(params, fast_weight, year_share, flows, draws, i, state, out);
}

}  // namespace repoquake::model
