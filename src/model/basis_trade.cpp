#include "repoquake/model/basis_trade.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"

namespace repoquake::model {
namespace {

using BasisParams = ModelParams::BasisTrade;

constexpr UsdBn kFixedPointTolerance = 1e-9;
constexpr int kMaxFixedPointSteps = 1000;  // every step either ends or passes a cohort's trigger or cap

double margin_rate(const BasisParams& b, double volatility_ratio) noexcept {
  return b.haircut +
         b.futures_margin * elementary::power(std::max(volatility_ratio, b.margin_floor), b.margin_elasticity);
}

/// The basis after `total` sales of everyone.
double basis_after(const BasisParams& b, const SalesTerms& t, double total) noexcept {
  return std::max((1.0 - b.basis_reversion) * t.basis + t.impact * total, 0.0);
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

/// Margin calls on one path: finds the day's sales, takes losses and cuts positions; writes the loss per notional.
void sell_on_margin_calls(const BasisParams& b, const SalesTerms& terms, std::size_t lane, PathState& state,
                          DayOutcome& out, double& loss) noexcept {
  constexpr std::size_t kStride = sizeof(ColumnData) / sizeof(double);
  const double total =
      least_fixed_point(b, terms, state.notional.front().data() + lane, state.equity.front().data() + lane, kStride);
  loss = loss_per_notional(b, terms, total);
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
  return position * impact / (kBpPerUnit * margin * (1.0 + b.target_cushion));
}

void open_funds(const ModelParams& params, UsdBn position, double opening_volatility_bp, ConstColumn leverage_draw,
                PathState& state) noexcept {
  const auto& b = params.basis_trade;
  const double n = static_cast<double>(b.cohorts);
  const double notional = position / n;
  const double margin = margin_rate(b, opening_volatility_bp / params.reference_volatility);
  const double least = b.opening_cushion * margin * (1.0 + b.maintenance_cushion) * notional;
  std::ranges::fill(state.opening_equity, 0.0);
  for (std::size_t c = 0; c < b.cohorts; ++c) {
    const double score = elementary::inverse_normal((static_cast<double>(c) + 0.5) / n);
    const double leverage =
        std::clamp(b.leverage_median * elementary::exp(b.leverage_sd * score), b.leverage_min, b.leverage_max);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const double own = std::clamp(leverage * elementary::exp(b.leverage_uncertainty * leverage_draw[i]),
                                    b.leverage_min, b.leverage_max);
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
  ColumnData margin, exit_share, impact, yield_step, position;
  std::ranges::fill(position, 0.0);

  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double volatility = flows.volatility[i];
    state.margin_volatility[i] += fast_weight * (volatility - state.margin_volatility[i]);
    state.slow_volatility[i] += b.slow_volatility_weight * (volatility - state.slow_volatility[i]);
    state.funding_average[i] += b.carry_weight * (state.am_spread[i] - state.funding_average[i]);
    const double rally = std::max(-flows.yield_change[i], 0.0);
    margin[i] = margin_rate(b, state.margin_volatility[i] / params.reference_volatility) +
                (1.0 - b.refinanced_share) * b.duration * rally / kBpPerUnit;
    const double alarm = std::max(elementary::log(state.margin_volatility[i] / state.slow_volatility[i]), 0.0);
    const double carry = std::max(state.funding_average[i] - b.carry_trigger, 0.0) / b.carry_scale;
    exit_share[i] = std::clamp(b.voluntary_exit * alarm + b.carry_exit * carry, 0.0, b.max_voluntary_exit);
    const double depth = elementary::power(
        std::max(volatility, state.margin_volatility[i]) / params.reference_volatility, b.impact_elasticity);
    impact[i] = b.impact * depth;
    yield_step[i] = b.yield_impact * depth;
    const double others = flows.other_sales[i] * state.other_sales_factor[i] *
                          elementary::exp(b.daily_sales_dispersion * draws.other_sales[i]);
    out.external_sales[i] = others - flows.fed_purchases[i];
  }

  // Funding, and what the funds would sell of their own will.
  ColumnData voluntary, loss, slack;
  voluntary.fill(0.0);
  for (std::size_t c = 0; c < b.cohorts; ++c) {
    ColumnData& notional = state.notional[c];
    ColumnData& equity = state.equity[c];
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      equity[i] -= notional[i] * (state.am_spread[i] - state.opening_spread[i]) / kBpPerUnit * year_share;
      position[i] += notional[i];
      voluntary[i] += std::min(exit_share[i], b.max_daily_sale) * notional[i];
    }
  }

  // Where that leaves every cohort above its maintenance margin, it is the fixed point and the day is calm.
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const SalesTerms terms{margin[i], exit_share[i], impact[i], state.futures_basis[i], out.external_sales[i]};
    loss[i] = loss_per_notional(b, terms, voluntary[i]);
    slack[i] = 0.0;
  }
  for (std::size_t c = 0; c < b.cohorts; ++c) {
    const ColumnData& notional = state.notional[c];
    const ColumnData& equity = state.equity[c];
    for (std::size_t i = 0; i < kBlockPaths; ++i)
      slack[i] =
          std::min(slack[i], equity[i] - notional[i] * loss[i] -
                                 margin[i] * (1.0 + b.maintenance_cushion) * (1.0 - exit_share[i]) * notional[i]);
  }
  out.forced_sales.fill(0.0);
  out.position.fill(0.0);
  out.fund_equity.fill(0.0);
  out.sales = voluntary;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    if (slack[i] >= 0.0) continue;
    const SalesTerms terms{margin[i], exit_share[i], impact[i], state.futures_basis[i], out.external_sales[i]};
    sell_on_margin_calls(b, terms, i, state, out, loss[i]);
  }

  // Losses are taken and positions cut.
  for (std::size_t c = 0; c < b.cohorts; ++c) {
    ColumnData& notional = state.notional[c];
    ColumnData& equity = state.equity[c];
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const bool is_calm = slack[i] >= 0.0;
      const double sold = is_calm ? std::min(exit_share[i], b.max_daily_sale) * notional[i] : 0.0;
      const double lost = is_calm ? notional[i] * loss[i] : 0.0;
      equity[i] -= lost;
      notional[i] -= sold;
      out.position[i] += notional[i];
      out.fund_equity[i] += equity[i];
    }
  }
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    out.spiral_ratio[i] = spiral_ratio(b, position[i], impact[i], margin[i]);
    out.flags[i] |= out.spiral_ratio[i] >= 1.0 ? bit(PathFlag::spiral_unstable) : 0U;
    const double flow = out.external_sales[i] + out.sales[i];
    const double widened = (1.0 - b.basis_reversion) * state.futures_basis[i] + impact[i] * flow;
    state.futures_basis[i] = std::max(widened, 0.0);
    state.yield_impact[i] = b.yield_persistence * state.yield_impact[i] + yield_step[i] * flow;
  }
}

}  // namespace repoquake::model
