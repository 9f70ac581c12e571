#include "repoquake/model/basis_trade.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <span>

#include "model/margin_calls.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/core/lanes.hpp"

namespace repoquake::model {
namespace {

using BasisParams = ModelParams::BasisTrade;

template <Number V>
[[gnu::always_inline]] inline V margin_rate(const BasisParams& b, V volatility_ratio) noexcept {
  return b.haircut +
         b.futures_margin * elementary::power(larger(volatility_ratio, b.margin_floor), b.margin_elasticity);
}

template <Number V>
[[gnu::always_inline]] inline V spiral_of(const BasisParams& b, V position, V impact, V margin) noexcept {
  return position * impact / (kBpPerUnit * margin * (1.0 + b.target_cushion));
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

[[nodiscard, gnu::always_inline]] inline std::array<double, kLanes> numbers(Lanes x) noexcept {
  std::array<double, kLanes> all;
  detail::write_all(x, all.data());
  return all;
}

/// The lanes where a condition holds, one after the other.
template <class Do>
[[gnu::always_inline]] inline void for_each_lane(Mask condition, Do&& act) noexcept {
  for (std::uint32_t left = lane_bits(condition); left != 0; left &= left - 1)
    act(static_cast<std::size_t>(std::countr_zero(left)));
}

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
    const auto margins = numbers(margin), exits = numbers(exit_share), impacts = numbers(impact), costs = numbers(cost),
               was_kept = numbers(kept), was_lost = numbers(lost);
    std::array<MarginCall, kEight> calls;
    std::size_t n_calls = 0;
    for_each_lane(!is_calm, [&](std::size_t lane) {
      const std::size_t path = i + lane;
      calls[n_calls++] = {
          path,
          {margins[lane], exits[lane], impacts[lane], state.futures_basis[path], out.external_sales[path]},
          costs[lane],
          was_kept[lane],
          was_lost[lane],
          out.sales[path]};
      if (n_calls < kEight) return;
      answer_margin_calls(b, calls, funds, out);
      n_calls = 0;
    });
    if (n_calls > 0) answer_margin_calls(b, std::span(calls).first(n_calls), funds, out);
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
  std::array<double, kMostCohorts> notionals{}, leverages{}, least_equities{};
  for (std::size_t c = 0; c < b.cohorts; ++c) {
    const double score = elementary::inverse_normal((static_cast<double>(c) + 0.5) / n);
    notionals[c] = notional;
    leverages[c] =
        std::clamp(b.leverage_median * elementary::exp(b.leverage_sd * score), b.leverage_min, b.leverage_max);
    least_equities[c] = least;
  }
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    for (std::size_t c = 0; c < funds.stored; c += kEight) {
      const Eight own =
          smaller(larger(load_eight(&leverages[c]) * path_factor[i], eight(b.leverage_min)), eight(b.leverage_max));
      const Eight notional_of_eight = load_eight(&notionals[c]);
      store_eight(notional_of_eight, funds.notional_then(i) + c);
      store_eight(larger(notional_of_eight / own, load_eight(&least_equities[c])), funds.equity_then(i) + c);
    }
    take_stock(i, funds);
  }
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
