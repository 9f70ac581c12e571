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

double voluntary_sales(const BasisParams& b, const SalesTerms& t, std::span<const double> notional) noexcept {
  double total = 0.0;
  for (const double q : notional) total += std::min(t.exit_share, b.max_daily_sale) * q;
  return total;
}

double loss_per_notional(const BasisParams& b, const SalesTerms& t, double believed) noexcept {
  return (basis_after(b, t, t.external_sales + believed) - t.basis) / kBpPerUnit;
}

template <Number V>
[[gnu::always_inline]] inline V spiral_of(const BasisParams& b, V position, V impact, V margin) noexcept {
  return position * impact / (kBpPerUnit * margin * (1.0 + b.target_cushion));
}

/// Least equity per notional of a path whose cohorts were just written, and their sums; nothing has happened since.
void begin_again(std::size_t path, FundCohorts& funds) noexcept {
  constexpr double kNoPosition = 1e-200;  // below this no ratio
  const auto notional = funds.notional_then(path), equity = funds.equity_then(path);
  double weakest = std::numeric_limits<double>::max(), total_notional = 0.0, total_equity = 0.0;
  for (std::size_t c = 0; c < funds.count; ++c) {
    total_notional += notional[c];
    total_equity += equity[c];
    if (notional[c] > 0.0) weakest = std::min(weakest, equity[c] / std::max(notional[c], kNoPosition));
  }
  funds.kept[path] = 1.0;
  funds.lost[path] = 0.0;
  funds.weakest[path] = weakest;
  funds.total_notional[path] = total_notional;
  funds.total_equity[path] = total_equity;
}

/// Margin calls on one path: pays `cost` of funding per notional, finds the day's sales, takes losses, cuts positions.
void sell_on_margin_calls(const BasisParams& b, const SalesTerms& terms, double cost, std::size_t path,
                          FundCohorts& funds, DayOutcome& out) noexcept {
  const auto notional = funds.notional_then(path), equity = funds.equity_then(path);
  const double kept = funds.kept[path], lost = funds.lost[path] + kept * cost;
  for (std::size_t c = 0; c < funds.count; ++c) {
    equity[c] -= lost * notional[c];
    notional[c] *= kept;
  }
  const double total = least_fixed_point(b, terms, notional, equity);
  const double loss = loss_per_notional(b, terms, total);
  double sold = 0.0, forced = 0.0;
  bool is_wiped_out = false;
  for (std::size_t c = 0; c < funds.count; ++c) {
    const Answer answer = answer_loss(b, terms, notional[c], equity[c], loss);
    sold += answer.sales;
    forced += answer.is_forced ? answer.sales - std::min(terms.exit_share, b.max_daily_sale) * notional[c] : 0.0;
    equity[c] -= notional[c] * loss;
    is_wiped_out |= notional[c] > 0.0 && equity[c] <= 0.0;
    notional[c] -= answer.sales;
  }
  begin_again(path, funds);
  out.sales[path] = sold;
  out.forced_sales[path] = forced;
  out.flags[path] |= forced > 0.0 ? bit(PathFlag::forced_sales) : 0U;
  out.flags[path] |= is_wiped_out ? bit(PathFlag::fund_wiped_out) : 0U;
}

/// What a day's volatility does to all funds of a path.
template <Number V>
struct Fear {
  V fast, slow;  ///< averages
  V margin;      ///< before what a rally adds
  V alarm;       ///< ln+ of fast over slow
  V depth;       ///< of the market, as a multiple of usual impact
};

template <Number V>
[[gnu::always_inline]] inline Fear<V> fear_of(const ModelParams& params, double fast_weight, V volatility,
                                              V fast_before, V slow_before) noexcept {
  const auto& b = params.basis_trade;
  const V fast = fast_before + fast_weight * (volatility - fast_before);
  const V slow = slow_before + b.slow_volatility_weight * (volatility - slow_before);
  return {fast, slow, margin_rate(b, fast / params.reference_volatility), larger(elementary::log(fast / slow), 0.0),
          elementary::power(larger(volatility, fast) / params.reference_volatility, b.impact_elasticity)};
}

/// What is the same for all paths of a day.
struct FundsDay {
  const ModelParams& params;
  const DayFlows& flows;
  const DayDraws& draws;
  double fast_weight;
  double year_share;
  bool others_sell;
};

/// A day of kLanes paths from path i on.
[[gnu::always_inline]] inline void trade_lanes(const FundsDay& day, const Fear<Lanes>& fear, std::size_t i,
                                               PathState& state, DayOutcome& out) noexcept {
  const auto& b = day.params.basis_trade;
  FundCohorts& funds = state.funds;
  const Lanes zero = 0.0;
  const Lanes am_spread = load(state.am_spread, i);
  const Lanes average_before = load(state.funding_average, i);
  const Lanes average = average_before + b.carry_weight * (am_spread - average_before);
  store(fear.fast, state.margin_volatility, i);
  store(fear.slow, state.slow_volatility, i);
  store(average, state.funding_average, i);

  const Lanes rally = larger(-load(day.flows.yield_change, i), zero);
  const Lanes margin = fear.margin + (1.0 - b.refinanced_share) * b.duration * rally / kBpPerUnit;
  const Lanes carry = larger(average - b.carry_trigger, zero) / b.carry_scale;
  const Lanes exit_share =
      smaller(larger(b.voluntary_exit * fear.alarm + b.carry_exit * carry, zero), b.max_voluntary_exit);
  const Lanes impact = b.impact * fear.depth;
  Lanes others = zero;
  if (day.others_sell)
    others = load(day.flows.other_sales, i) * load(state.other_sales_factor, i) *
             elementary::exp(b.daily_sales_dispersion * load(day.draws.other_sales, i));
  const Lanes external = others - load(day.flows.fed_purchases, i);
  store(external, out.external_sales, i);

  // What the funds would sell of their own will.
  const Lanes kept = load(funds.kept, i), lost = load(funds.lost, i);
  const Lanes sold_share = smaller(exit_share, b.max_daily_sale);
  const Lanes position = kept * load(funds.total_notional, i);
  const Lanes voluntary = sold_share * position;
  store(voluntary, out.sales, i);
  store(zero, out.forced_sales, i);

  // Where that leaves the weakest cohort above its maintenance margin, it is the fixed point and the day is calm.
  const Lanes cost = (am_spread - load(state.opening_spread, i)) / kBpPerUnit * day.year_share;  // of funding
  const Lanes basis = load(state.futures_basis, i);
  const Lanes loss = (basis_after(b, basis, impact, external + voluntary) - basis) / kBpPerUnit;
  const Lanes least_ratio = cost + loss + margin * (1.0 + b.maintenance_cushion) * (1.0 - exit_share);
  const Mask is_calm = load(funds.weakest, i) - lost >= kept * least_ratio;

  // Funding is paid, losses are taken and positions cut.
  store(lost + kept * (cost + loss), funds.lost, i);
  store(kept - sold_share * kept, funds.kept, i);
  if (any(!is_calm)) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      if (is_calm[lane]) continue;
      funds.kept[i + lane] = kept[lane], funds.lost[i + lane] = lost[lane];
      sell_on_margin_calls(b, {margin[lane], exit_share[lane], impact[lane], basis[lane], external[lane]}, cost[lane],
                           i + lane, funds, out);
    }
  }
  const Lanes total_notional = load(funds.total_notional, i);
  store(load(funds.kept, i) * total_notional, out.position, i);
  store(load(funds.total_equity, i) - load(funds.lost, i) * total_notional, out.fund_equity, i);

  const Lanes spiral = spiral_of(b, position, impact, margin);
  store(spiral, out.spiral_ratio, i);
  for (std::size_t lane = i; lane < i + kLanes; ++lane)
    out.flags[lane] |= out.spiral_ratio[lane] >= 1.0 ? bit(PathFlag::spiral_unstable) : 0U;
  const Lanes flow = external + load(out.sales, i);
  store(basis_after(b, basis, impact, flow), state.futures_basis, i);
  store(b.yield_persistence * load(state.yield_impact, i) + b.yield_impact * fear.depth * flow, state.yield_impact, i);
}

}  // namespace

UsdBn sales_response(const BasisParams& b, const SalesTerms& t, std::span<const double> notional,
                     std::span<const double> equity, UsdBn believed) noexcept {
  const double loss = loss_per_notional(b, t, believed);
  double total = 0.0;
  for (std::size_t c = 0; c < notional.size(); ++c) total += answer_loss(b, t, notional[c], equity[c], loss).sales;
  return total;
}

UsdBn least_fixed_point(const BasisParams& b, const SalesTerms& t, std::span<const double> notional,
                        std::span<const double> equity) noexcept {
  double believed = voluntary_sales(b, t, notional);
  const double target = t.margin * (1.0 + b.target_cushion);
  for (int step = 0; step < kMaxFixedPointSteps; ++step) {
    const double loss = loss_per_notional(b, t, believed);
    const bool basis_moves = basis_after(b, t, t.external_sales + believed) > 0.0;
    double total = 0.0;
    double slope = 0.0;                                          // of the map on this piece
    double piece_end = std::numeric_limits<double>::infinity();  // belief at which a cohort reaches its cap
    for (std::size_t c = 0; c < notional.size(); ++c) {
      const double q = notional[c];
      const Answer answer = answer_loss(b, t, q, equity[c], loss);
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
  FundCohorts& funds = state.funds;
  ColumnData path_factor;
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    path_factor[i] = elementary::exp(b.leverage_uncertainty * leverage_draw[i]);
  for (std::size_t c = 0; c < b.cohorts; ++c) {
    const double score = elementary::inverse_normal((static_cast<double>(c) + 0.5) / n);
    const double leverage =
        std::clamp(b.leverage_median * elementary::exp(b.leverage_sd * score), b.leverage_min, b.leverage_max);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const double own = std::min(std::max(leverage * path_factor[i], b.leverage_min), b.leverage_max);
      funds.notional_then(i)[c] = notional;
      funds.equity_then(i)[c] = std::max(notional / own, least);
    }
  }
  for (std::size_t i = 0; i < kBlockPaths; ++i) begin_again(i, funds);
  state.opening_equity = funds.total_equity;
}

bool others_sell(const DayFlows& flows) noexcept {
  return !is_uniform(flows.other_sales) || flows.other_sales[0] != 0.0;
}

void trade_basis(const ModelParams& params, const DayContext& day, const DayFlows& flows, const DayDraws& draws,
                 PathState& state, DayOutcome& out) noexcept {
  const auto& b = params.basis_trade;
  const FundsDay today{params,
                       flows,
                       draws,
                       1.0 - elementary::exp(-0.693147180559945309417 / b.margin_half_life),
                       static_cast<double>(day.days_to_next) / kDayCountBasis,
                       others_sell(flows)};
  if (is_uniform(flows.volatility) && is_uniform(state.margin_volatility) && is_uniform(state.slow_volatility)) {
    const Fear<double> fear =
        fear_of(params, today.fast_weight, flows.volatility[0], state.margin_volatility[0], state.slow_volatility[0]);
    const Fear<Lanes> everywhere{fear.fast, fear.slow, fear.margin, fear.alarm, fear.depth};
    for (std::size_t i = 0; i < kBlockPaths; i += kLanes) trade_lanes(today, everywhere, i, state, out);
    return;
  }
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes) {
    const Fear<Lanes> fear = fear_of(params, today.fast_weight, load(flows.volatility, i),
                                     load(state.margin_volatility, i), load(state.slow_volatility, i));
    trade_lanes(today, fear, i, state, out);
  }
}

}  // namespace repoquake::model
