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
  return larger((1.0 - b.basis_reversion) * basis + impact * total, same<V>(0.0));
}

template <Number V>
[[gnu::always_inline]] inline V spiral_of(const BasisParams& b, V position, V impact, V margin) noexcept {
  return position * impact / (kBpPerUnit * margin * (1.0 + b.target_cushion));
}

/// One number each of up to eight paths.
struct alignas(64) Numbers : std::array<double, kEight> {
  Numbers() = default;
  [[gnu::always_inline]] explicit Numbers(Eight x) noexcept { store_eight(x, data()); }
  [[nodiscard, gnu::always_inline]] Eight abreast() const noexcept { return load_eight(data()); }
};

/// What the sales of eight paths depend on; SalesTerms of each.
struct EightTerms {
  Eight margin, exit_share, impact, basis, external_sales;

  [[nodiscard, gnu::always_inline]] Eight basis_after(const BasisParams& b, Eight sales) const noexcept {
    return model::basis_after(b, basis, impact, external_sales + sales);
  }
  [[nodiscard, gnu::always_inline]] Eight loss_per_notional(const BasisParams& b, Eight sales) const noexcept {
    return (basis_after(b, sales) - basis) / kBpPerUnit;
  }
};

/// Cohorts of one path, a whole number of eights: what fills up the last holds nothing.
struct Cohorts {
  const double *notional, *ratio;  ///< USD bn, equity per notional
  std::size_t stored;
};

/// The shares and ratios of equity between which the cohorts of a path move on a day.
struct Limits {
  double voluntary, cap;  ///< share sold by choice, at most
  double maintenance;     ///< below it a cohort is called
  double per_target;      ///< 1 / the ratio up to which it sells
};

/// The same of eight paths.
struct EightLimits {
  double cap;
  Eight target;
  Numbers voluntary, maintenance, per_target;

  [[gnu::always_inline]] EightLimits(const BasisParams& b, const EightTerms& t) noexcept
      : cap(b.max_daily_sale),
        target(t.margin * (1.0 + b.target_cushion)),
        voluntary(smaller(t.exit_share, eight(cap))),
        maintenance(t.margin * (1.0 + b.maintenance_cushion) * (1.0 - t.exit_share)),
        per_target(1.0 / target) {}

  [[nodiscard, gnu::always_inline]] Limits operator[](std::size_t k) const noexcept {
    return {voluntary[k], cap, maintenance[k], per_target[k]};
  }
};

/// How eight cohorts of a path answer a loss per notional.
struct Answer {
  Eight share;  ///< of the position that is sold
  Condition<Eight> is_forced;
  Eight ratio;  ///< equity per notional after the loss, before the sale
};

[[gnu::always_inline]] inline Answer answer_loss(const Limits& limits, Eight ratio, double loss) noexcept {
  const Eight after = ratio - eight(loss);
  const Eight wanted = 1.0 - larger(after, eight(0.0)) * limits.per_target;
  const Eight forced = smaller(larger(wanted, eight(limits.voluntary)), eight(limits.cap));
  const auto is_forced = is_less(after, eight(limits.maintenance));
  return {select(is_forced, forced, eight(limits.voluntary)), is_forced, after};
}

/// What all cohorts of a path sell together, and how that goes on from here.
struct Response {
  UsdBn sales;
  UsdBn free_notional;  ///< of those that sell more when they lose more: called, and neither bound binds
  double least_ratio;   ///< of theirs, after the loss
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

[[gnu::always_inline]] inline Response respond(const Limits& limits, const Cohorts& cohorts, double loss) noexcept {
  Eight sales = eight(0.0), free_notional = eight(0.0), least_ratio = eight(kInfinity);
  for (std::size_t c = 0; c < cohorts.stored; c += kEight) {
    const Eight notional = load_eight(cohorts.notional + c);
    const Answer answer = answer_loss(limits, load_eight(cohorts.ratio + c), loss);
    const auto is_free = is_less(eight(limits.voluntary), answer.share) & is_less(answer.share, eight(limits.cap));
    sales = sales + notional * answer.share;
    free_notional = free_notional + select(is_free, notional, eight(0.0));
    least_ratio = smaller(least_ratio, select(is_free, answer.ratio, eight(kInfinity)));
  }
  return {sum(sales), sum(free_notional), least(least_ratio)};
}

/// Sales, and the loss per notional that they come from.
struct FixedPoints {
  Eight sales, loss;
};

/// The least fixed points of up to eight paths at once: the steps of one path are a chain of dependent arithmetic.
FixedPoints least_fixed_points(const BasisParams& b, const EightTerms& t, const EightLimits& limits,
                               std::span<const Cohorts> paths, Eight voluntary) noexcept {
  const Eight zero = eight(0.0), one = eight(1.0);
  const Eight loss_per_sale = t.impact / kBpPerUnit, per_target = limits.per_target.abreast();
  const Eight ratio_at_cap = limits.target * (1.0 - limits.cap);
  Numbers sales(eight(-kInfinity)), free_notional(zero), least_ratio(eight(kInfinity));
  Eight believed = voluntary;
  for (int step = 0; step < kMaxFixedPointSteps; ++step) {
    const Eight loss = t.loss_per_notional(b, believed);
    const Numbers losses(loss);
    for (std::size_t k = 0; k < paths.size(); ++k) {
      const Response response = respond(limits[k], paths[k], losses[k]);
      sales[k] = response.sales;
      free_notional[k] = response.free_notional;
      least_ratio[k] = response.least_ratio;
    }
    const Eight response = sales.abreast(), gap = response - believed;
    const auto is_open = is_less(eight(kFixedPointTolerance), gap);
    if (!any(is_open)) return {larger(response, believed), loss};
    // A map is linear until a free cohort reaches its cap; it meets the diagonal before if its slope is less than 1.
    const auto basis_moves = is_less(zero, t.impact) & is_less(zero, t.basis_after(b, believed));
    const Eight room = larger(least_ratio.abreast() - ratio_at_cap, zero);
    const Eight piece_end = believed + room / select(basis_moves, loss_per_sale, one);
    const Eight slope = free_notional.abreast() * loss_per_sale * per_target;
    const auto meets = is_less(slope, one);
    const Eight solved = select(meets, believed + gap / select(meets, 1.0 - slope, one), piece_end);
    const Eight next = select(basis_moves, larger(response, smaller(solved, piece_end)), response);
    believed = select(is_open, next, believed);
  }
  return {believed, t.loss_per_notional(b, believed)};
}

constexpr double kNoPosition = 1e-200;  // below this no ratio
constexpr double kNoShare = 1e-100;
constexpr double kNoLossIsFelt = 1e200;  // the ratio of a cohort without a position

/// Equity per notional.
[[gnu::always_inline]] inline Eight ratio_of(Eight equity, Eight notional) noexcept {
  return select(is_less(eight(0.0), notional), equity / larger(notional, eight(kNoPosition)), eight(kNoLossIsFelt));
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

/// Up to eight paths whose margins are called.
struct MarginCalls {
  std::size_t count = 0;
  std::array<std::size_t, kEight> path;
  Numbers margin, exit_share, impact, cost, kept, lost;  ///< cost of funding per notional; kept, lost: before today

  /// One more; places that stay empty repeat the first.
  void add(std::size_t of_path, const std::array<double, 6>& terms) noexcept {
    path[count] = of_path;
    const std::array columns{&margin, &exit_share, &impact, &cost, &kept, &lost};
    for (std::size_t k = 0; k < columns.size(); ++k) {
      if (count == 0) columns[k]->fill(terms[k]);
      (*columns[k])[count] = terms[k];
    }
    ++count;
  }
};

/// Margin calls: funding is paid, the day's sales are found, losses taken and positions cut.
void sell_on_margin_calls(const BasisParams& b, const MarginCalls& calls, const PathState& state, FundCohorts& funds,
                          DayOutcome& out) noexcept {
  Numbers basis(eight(0.0)), external(eight(0.0)), voluntary(eight(0.0));
  std::array<Cohorts, kEight> cohorts;
  for (std::size_t k = 0; k < calls.count; ++k) {
    const std::size_t path = calls.path[k];
    basis[k] = state.futures_basis[path];
    external[k] = out.external_sales[path];
    voluntary[k] = out.sales[path];
    const double kept = calls.kept[k], lost = calls.lost[k] + kept * calls.cost[k],
                 per_kept = 1.0 / std::max(kept, kNoShare);
    double *const notional = funds.notional_then(path), *const equity = funds.equity_then(path),
                  *const ratio = funds.ratio_then(path);
    for (std::size_t c = 0; c < funds.stored; c += kEight) {
      const Eight then = load_eight(notional + c);
      store_eight(then * kept, notional + c);
      store_eight(load_eight(equity + c) - then * lost, equity + c);
      store_eight((load_eight(ratio + c) - lost) * per_kept, ratio + c);
    }
    cohorts[k] = {notional, ratio, funds.stored};
  }
  const EightTerms terms{calls.margin.abreast(), calls.exit_share.abreast(), calls.impact.abreast(), basis.abreast(),
                         external.abreast()};
  const EightLimits limits(b, terms);
  const FixedPoints found =
      least_fixed_points(b, terms, limits, std::span(cohorts).first(calls.count), voluntary.abreast());
  const Numbers sold(found.sales), losses(found.loss);
  for (std::size_t k = 0; k < calls.count; ++k) {
    const std::size_t path = calls.path[k];
    const Limits own = limits[k];
    const double loss = losses[k];
    Standing standing(path, funds);
    Eight forced = eight(0.0);
    auto is_wiped_out = is_less(forced, forced);
    for (std::size_t c = 0; c < funds.stored; c += kEight) {
      const Eight q = load_eight(funds.notional_then(path) + c);
      const Answer answer = answer_loss(own, load_eight(funds.ratio_then(path) + c), loss);
      const Eight sales = q * answer.share, e = load_eight(funds.equity_then(path) + c) - q * loss;
      forced = forced + select(answer.is_forced, sales - own.voluntary * q, eight(0.0));
      is_wiped_out = is_wiped_out | (is_less(eight(0.0), q) & ~is_less(eight(0.0), e));
      standing.write(c, q - sales, e);
    }
    standing.begin();
    out.sales[path] = sold[k];
    out.forced_sales[path] = sum(forced);
    out.flags[path] |= out.forced_sales[path] > 0.0 ? bit(PathFlag::forced_sales) : 0U;
    out.flags[path] |= any(is_wiped_out) ? bit(PathFlag::fund_wiped_out) : 0U;
  }
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
    MarginCalls calls;
    for_each_lane(!is_calm, [&](std::size_t lane) {
      calls.add(i + lane, {margins[lane], exits[lane], impacts[lane], costs[lane], was_kept[lane], was_lost[lane]});
      if (calls.count < kEight) return;
      sell_on_margin_calls(b, calls, state, funds, out);
      calls.count = 0;
    });
    if (calls.count > 0) sell_on_margin_calls(b, calls, state, funds, out);
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

/// One path's funds from elsewhere.
struct OnePath {
  EightTerms terms;
  EightLimits limits;
  std::size_t stored;
  alignas(64) std::array<double, kMostCohorts> notional{}, ratio{};

  OnePath(const BasisParams& b, const SalesTerms& t, std::span<const double> of_notional,
          std::span<const double> of_equity) noexcept
      : terms{eight(t.margin), eight(t.exit_share), eight(t.impact), eight(t.basis), eight(t.external_sales)},
        limits(b, terms),
        stored((of_notional.size() + kEight - 1) / kEight * kEight) {
    RQ_EXPECT(of_notional.size() == of_equity.size() && of_notional.size() <= kMostCohorts);
    std::ranges::copy(of_notional, notional.begin());
    std::ranges::copy(of_equity, ratio.begin());
    for (std::size_t c = 0; c < stored; c += kEight)
      store_eight(ratio_of(load_eight(&ratio[c]), load_eight(&notional[c])), &ratio[c]);
  }
  [[nodiscard]] Cohorts cohorts() const noexcept { return {notional.data(), ratio.data(), stored}; }
};

}  // namespace

UsdBn sales_response(const BasisParams& b, const SalesTerms& t, std::span<const double> notional,
                     std::span<const double> equity, UsdBn believed) noexcept {
  const OnePath path(b, t, notional, equity);
  const Numbers loss(path.terms.loss_per_notional(b, eight(believed)));
  return respond(path.limits[0], path.cohorts(), loss[0]).sales;
}

UsdBn least_fixed_point(const BasisParams& b, const SalesTerms& t, std::span<const double> notional,
                        std::span<const double> equity) noexcept {
  const OnePath path(b, t, notional, equity);
  const double voluntary = path.limits.voluntary[0] * std::accumulate(notional.begin(), notional.end(), 0.0);
  const Cohorts cohorts = path.cohorts();
  return Numbers(least_fixed_points(b, path.terms, path.limits, std::span(&cohorts, 1), eight(voluntary)).sales)[0];
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
