#include "repoquake/model/basis_trade.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

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

double loss_per_notional(const BasisParams& b, const SalesTerms& t, double believed) noexcept {
  return (basis_after(b, t, t.external_sales + believed) - t.basis) / kBpPerUnit;
}

template <Number V>
[[gnu::always_inline]] inline V spiral_of(const BasisParams& b, V position, V impact, V margin) noexcept {
  return position * impact / (kBpPerUnit * margin * (1.0 + b.target_cushion));
}

/// One path's cohorts on a day with margin calls, in whole eights: what fills up the last holds nothing.
struct CalledFunds {
  std::size_t stored;  ///< cohorts and filling
  alignas(64) std::array<double, kMostCohorts> notional, equity, ratio;  ///< USD bn, USD bn, equity per notional
};

/// How eight cohorts answer a loss per notional.
struct Answer {
  Eight share;  ///< of the position that is sold
  Condition<Eight> is_forced;
  Eight ratio;  ///< equity per notional after the loss, before the sale
};

/// The shares and ratios of equity between which a cohort moves on a day.
struct Thresholds {
  double voluntary, cap;  ///< share sold by choice, at most
  double maintenance;     ///< below it the cohort is called
  double target;          ///< it sells up to this
  double per_target;      ///< 1/target

  Thresholds(const BasisParams& b, const SalesTerms& t) noexcept
      : voluntary(std::min(t.exit_share, b.max_daily_sale)),
        cap(b.max_daily_sale),
        maintenance(t.margin * (1.0 + b.maintenance_cushion) * (1.0 - t.exit_share)),
        target(t.margin * (1.0 + b.target_cushion)),
        per_target(1.0 / target) {}
};

[[gnu::always_inline]] inline Answer answer_loss(const Thresholds& t, Eight ratio, double loss) noexcept {
  const Eight after = ratio - eight(loss);
  const Eight wanted = eight(1.0) - larger(after, eight(0.0)) * eight(t.per_target);
  const Eight forced = smaller(larger(wanted, eight(t.voluntary)), eight(t.cap));
  const auto is_forced = is_less(after, eight(t.maintenance));
  return {select(is_forced, forced, eight(t.voluntary)), is_forced, after};
}

/// What all cohorts sell together, and how that goes on from here.
struct Response {
  UsdBn sales;
  UsdBn free_notional;  ///< of those that sell more when they lose more: called, and neither bound binds
  double least_ratio;   ///< of theirs, after the loss
};

Response respond(const Thresholds& t, const CalledFunds& funds, double loss) noexcept {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  Eight sales = eight(0.0), free_notional = eight(0.0), least_ratio = eight(kNone);
  for (std::size_t c = 0; c < funds.stored; c += kEight) {
    const Eight notional = load_eight(&funds.notional[c]);
    const Answer answer = answer_loss(t, load_eight(&funds.ratio[c]), loss);
    const auto is_free = is_less(eight(t.voluntary), answer.share) & is_less(answer.share, eight(t.cap));
    sales = sales + notional * answer.share;
    free_notional = free_notional + select(is_free, notional, eight(0.0));
    least_ratio = smaller(least_ratio, select(is_free, answer.ratio, eight(kNone)));
  }
  return {sum(sales), sum(free_notional), least(least_ratio)};
}

/// The day's sales, and the loss per notional that they come from.
struct FixedPoint {
  UsdBn sales;
  double loss;
};

FixedPoint least_fixed_point(const BasisParams& b, const SalesTerms& t, const Thresholds& thresholds,
                             const CalledFunds& funds, UsdBn voluntary) noexcept {
  const double loss_per_sale = t.impact / kBpPerUnit;
  double believed = voluntary;
  for (int step = 0; step < kMaxFixedPointSteps; ++step) {
    const double loss = loss_per_notional(b, t, believed);
    const Response response = respond(thresholds, funds, loss);
    const double gap = response.sales - believed;
    if (gap <= kFixedPointTolerance) return {std::max(response.sales, believed), loss};
    double solved = response.sales, piece_end = std::numeric_limits<double>::infinity();
    if (t.impact > 0.0 && basis_after(b, t, t.external_sales + believed) > 0.0) {
      // The map is linear until a free cohort reaches its cap, and meets the diagonal there if its slope is less than 1.
      const double slope = response.free_notional * loss_per_sale * thresholds.per_target;
      const double at_cap = thresholds.target * (1.0 - thresholds.cap);
      piece_end = believed + std::max(response.least_ratio - at_cap, 0.0) / loss_per_sale;
      solved = slope < 1.0 ? believed + gap / (1.0 - slope) : piece_end;
    }
    believed = std::max(response.sales, std::min(solved, piece_end));
  }
  return {believed, loss_per_notional(b, t, believed)};
}

constexpr double kNoPosition = 1e-200;  // below this no ratio
constexpr double kNoShare = 1e-100;
constexpr double kNoLossIsFelt = 1e200;  // the ratio of a cohort without a position

/// Equity per notional.
[[gnu::always_inline]] inline Eight ratio_of(Eight equity, Eight notional) noexcept {
  return select(is_less(eight(0.0), notional), equity / larger(notional, eight(kNoPosition)),
                eight(kNoLossIsFelt));
}

/// A path's cohorts from a day on.
class Standing {
 public:
  Standing(std::size_t path, FundCohorts& funds) noexcept : path_(path), funds_(funds) {}

  /// Eight of them, from cohort c on.
  [[gnu::always_inline]] void write(std::size_t c, Eight notional, Eight equity) noexcept {
    const Eight ratio = ratio_of(equity, notional);
    store_eight(notional, funds_.notional_then(path_) + c);
    store_eight(equity, funds_.equity_then(path_) + c);
    store_eight(ratio, funds_.ratio_then(path_) + c);
    total_notional_ = total_notional_ + notional;
    total_equity_ = total_equity_ + equity;
    weakest_ = smaller(weakest_, ratio);
  }

  /// All are written; nothing has happened since.
  [[gnu::always_inline]] void begin() const noexcept {
    funds_.kept[path_] = 1.0;
    funds_.lost[path_] = 0.0;
    funds_.weakest[path_] = least(weakest_);
    funds_.total_notional[path_] = sum(total_notional_);
    funds_.total_equity[path_] = sum(total_equity_);
  }

 private:
  std::size_t path_;
  FundCohorts& funds_;
  Eight weakest_ = eight(kNoLossIsFelt), total_notional_ = eight(0.0), total_equity_ = eight(0.0);
};

/// Margin calls on one path: pays `cost` of funding per notional, finds the day's sales, takes losses, cuts positions.
void sell_on_margin_calls(const BasisParams& b, const SalesTerms& terms, double cost, std::size_t path,
                          FundCohorts& funds, DayOutcome& out) noexcept {
  const double kept = funds.kept[path], lost = funds.lost[path] + kept * cost;
  const double per_kept = 1.0 / std::max(kept, kNoShare);
  const Thresholds thresholds(b, terms);
  CalledFunds called;
  called.stored = funds.stored;
  for (std::size_t c = 0; c < funds.stored; c += kEight) {
    const Eight then = load_eight(funds.notional_then(path) + c);
    store_eight(then * eight(kept), &called.notional[c]);
    store_eight(load_eight(funds.equity_then(path) + c) - then * eight(lost), &called.equity[c]);
    store_eight((load_eight(funds.ratio_then(path) + c) - eight(lost)) * eight(per_kept), &called.ratio[c]);
  }
  const auto [sold, loss] = least_fixed_point(b, terms, thresholds, called, out.sales[path]);
  Standing standing(path, funds);
  Eight forced = eight(0.0);
  auto is_wiped_out = is_less(forced, forced);
  for (std::size_t c = 0; c < funds.stored; c += kEight) {
    const Eight q = load_eight(&called.notional[c]);
    const Answer answer = answer_loss(thresholds, load_eight(&called.ratio[c]), loss);
    const Eight sales = q * answer.share, e = load_eight(&called.equity[c]) - q * eight(loss);
    forced = forced + select(answer.is_forced, sales - eight(thresholds.voluntary) * q, eight(0.0));
    is_wiped_out = is_wiped_out | (is_less(eight(0.0), q) & ~is_less(eight(0.0), e));
    standing.write(c, q - sales, e);
  }
  standing.begin();
  out.sales[path] = sold;
  out.forced_sales[path] = sum(forced);
  out.flags[path] |= out.forced_sales[path] > 0.0 ? bit(PathFlag::forced_sales) : 0U;
  out.flags[path] |= any(is_wiped_out) ? bit(PathFlag::fund_wiped_out) : 0U;
}

/// One path's cohorts from elsewhere.
CalledFunds called_funds(std::span<const double> notional, std::span<const double> equity) noexcept {
  RQ_EXPECT(notional.size() == equity.size() && notional.size() <= kMostCohorts);
  CalledFunds funds{(notional.size() + kEight - 1) / kEight * kEight, {}, {}, {}};
  std::ranges::copy(notional, funds.notional.begin());
  std::ranges::copy(equity, funds.equity.begin());
  for (std::size_t c = 0; c < funds.stored; c += kEight)
    store_eight(ratio_of(load_eight(&funds.equity[c]), load_eight(&funds.notional[c])), &funds.ratio[c]);
  return funds;
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
    for_each_lane(!is_calm, [&](std::size_t lane) {
      const std::size_t path = i + lane;
      funds.kept[path] = was_kept[lane], funds.lost[path] = was_lost[lane];
      const SalesTerms terms{margins[lane], exits[lane], impacts[lane], state.futures_basis[path], out.external_sales[path]};
      sell_on_margin_calls(b, terms, costs[lane], path, funds, out);
    });
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
  return respond(Thresholds(b, t), called_funds(notional, equity), loss_per_notional(b, t, believed)).sales;
}

UsdBn least_fixed_point(const BasisParams& b, const SalesTerms& t, std::span<const double> notional,
                        std::span<const double> equity) noexcept {
  const Thresholds thresholds(b, t);
  const double voluntary = thresholds.voluntary * std::accumulate(notional.begin(), notional.end(), 0.0);
  return least_fixed_point(b, t, thresholds, called_funds(notional, equity), voluntary).sales;
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
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    Standing standing(i, funds);
    for (std::size_t c = 0; c < funds.stored; c += kEight)
      standing.write(c, load_eight(funds.notional_then(i) + c), load_eight(funds.equity_then(i) + c));
    standing.begin();
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
