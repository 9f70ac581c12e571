#include "repoquake/model/step_day.hpp"

#include <algorithm>
#include <limits>

#include "model/schedules.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/model/bank_capacity.hpp"
#include "repoquake/model/basis_trade.hpp"
#include "repoquake/model/clearing.hpp"
#include "repoquake/model/dealers.hpp"
#include "repoquake/model/facilities.hpp"
#include "repoquake/model/fed_balance_sheet.hpp"
#include "repoquake/model/need.hpp"
#include "repoquake/model/policy_rules.hpp"
#include "repoquake/model/rate_distribution.hpp"

namespace repoquake::model {
namespace {

constexpr UsdBn kUsed = 1.0;     // take-up that counts as use of the facility: its schedule is never quite 0
constexpr UsdBn kAtCap = 0.001;  // distance to the cap that counts as reaching it

void fill(Column column, double value) noexcept { std::ranges::fill(column, value); }

/// exp(sigma xi - shift)
void scatter(double sigma, double shift, ConstColumn draw, Column factor) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) factor[i] = elementary::exp(sigma * draw[i] - shift);
}

void larger_of(ConstColumn a, ConstColumn b, Column out) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) out[i] = std::max(a[i], b[i]);
}

void flag_sheet(const DayContext& day, const FedSheet& sheet, DayOutcome& out) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double used = to_usd_bn(sheet.standing_repo[i]);
    out.flags[i] |= used > kUsed ? bit(PathFlag::standing_repo_used) : 0U;
    out.flags[i] |= day.has_standing_repo && used > kAtCap && used >= day.standing_repo_cap - kAtCap
                        ? bit(PathFlag::standing_repo_at_cap)
                        : 0U;
    out.flags[i] |= sheet.reserves[i] < 0 ? bit(PathFlag::reserves_negative) : 0U;
  }
}

}  // namespace

void step_day(const ModelParams& params, const DayContext& day, DayFlows& flows, const DayDraws& draws,
              PathState& state, DayOutcome& out) noexcept {
  out.flags.fill(0);
  ColumnData satiated, reserves, standing_repo, operations, on_rrp;

  // Before the open: what policy decided, who needs cash, and what dealers charge for their balance sheets.
  apply_policy(day, state, flows, out.offer, out.flags);
  form_need(params, day, flows, draws, state, out.need);
  mark_up(params, day, flows, state, out.markup);
  move_mmf_cash(flows, state, out.flags);
  drain_reserves(flows, out.drain);

  // Morning session.
  const SessionTerms morning = session_terms(params, day, day.standing_repo_am);
  reserves_before_noon(params, state.sheet, out.drain, reserves);
  satiated_capacity(params, flows.volatility, state.precaution, state.capacity_factor, satiated);
  lend_capacity(params, reserves, satiated, out.capacity);
  const SessionColumns am{out.need, state.mmf_cash, out.capacity, out.markup, out.offer};
  std::ranges::copy(state.am_spread, out.am_clearing.begin());
  clear_repo_market(morning, am, out.am_clearing, out.flags);
  take_up_facilities(morning, am, out.am_clearing, out.am_standing_repo, out.am_operations);
  price_morning(params, day, out.am_clearing, out.markup, state);

  // Afternoon session: the Treasury has been paid, yesterday's facility cash is back, an emergency operation may come.
  const SessionTerms afternoon = session_terms(params, day, day.standing_repo_pm);
  add_late_need(params, draws, out.need, out.late_need);
  offer_operations(day, state.am_spread, out.offer, out.late_offer, out.flags);
  reserves_after_noon(state.sheet, out.drain, out.am_standing_repo, out.am_operations, reserves);
  lend_capacity(params, reserves, satiated, out.late_capacity);
  const SessionColumns pm{out.late_need, state.mmf_cash, out.late_capacity, out.markup, out.late_offer};
  std::ranges::copy(out.am_clearing, out.pm_clearing.begin());
  clear_repo_market(afternoon, pm, out.pm_clearing, out.flags);
  take_up_facilities(afternoon, pm, out.pm_clearing, out.pm_standing_repo, out.pm_operations);
  for (std::size_t i = 0; i < kBlockPaths; ++i) state.pm_spread[i] = out.pm_clearing[i] + out.markup[i];

  // The Fed's books close, exactly.
  larger_of(out.am_standing_repo, out.pm_standing_repo, standing_repo);
  larger_of(out.am_operations, out.pm_operations, operations);
  place_at_on_rrp(params, day, morning, out.am_clearing, out.pm_clearing, state, on_rrp);
  settle(flows, {standing_repo, operations, on_rrp}, state.sheet);
  flag_sheet(day, state.sheet, out);

  // What is published.
  spread_rates(params, day, draws, day.floor - params.dispersion.below_floor, state, out);
  price_fed_funds(params, state.sheet, out.effr);

  // Leveraged funds meet margin calls; what they sell comes back tomorrow as inventory, need and caution.
  trade_basis(params, day, flows, draws, state, out);
  absorb_sales(params, out.sales, out.external_sales, state);
  take_precaution(params, state);
  watch_markets(params, day, flows, state, out);
}

namespace {

/// Need that clears at a spread, by the path's capacity.
class OpeningNeedAt {
 public:
  OpeningNeedAt(const OpeningMarket& market, Spread spread) noexcept
      : market_(market),
        spread_(spread),
        terms_(session_terms(market.params, market.day, market.day.standing_repo_am)),
        usual_capacity_(lend_capacity(market.params, market.reserves, market.volatility, 0.0, 1.0)) {
    terms_.stress_elasticity = 0.0;
  }

  template <Number V>
  [[nodiscard]] V with(V capacity_factor) const noexcept {
    if (spread_ < market_.day.floor) return 0.0;
    return -excess_need(terms_, V(0.0), V(market_.cash), usual_capacity_ * capacity_factor, V(0.0),
                        V(market_.day.operation_size), V(spread_));
  }

 private:
  const OpeningMarket& market_;
  Spread spread_;
  SessionTerms terms_;
  UsdBn usual_capacity_;
};

}  // namespace

UsdBn clearing_need(const OpeningMarket& market, double capacity_factor, Spread spread) noexcept {
  return OpeningNeedAt(market, spread).with(capacity_factor);
}

void open_day(const Opening& opening, const PathDraws& draws, PathState& state, DayOutcome& out) noexcept {
  const OpeningMarket& own = opening.own;
  const ModelParams& params = own.params;
  out.flags.fill(0);
  state.sheet = opening.sheet;

  for (ColumnData* column :
       {&state.transitory_need, &state.coupon_inventory, &state.tga_cash, &state.pullback, &state.fund_need,
        &state.precaution, &state.dealer_inventory, &state.rate_noise, &state.futures_basis, &state.yield_impact,
        &out.sales, &out.forced_sales, &out.external_sales, &out.markup, &out.drain, &out.spiral_ratio})
    fill(*column, 0.0);
  fill(state.mmf_cash, own.cash);
  fill(state.margin_volatility, opening.volatility_before);
  fill(state.slow_volatility, opening.volatility_before);
  open_policy(own.trend_spread, opening.volatility_before, state.policy);

  const auto half_square = [](double sigma) { return 0.5 * sigma * sigma; };
  const double capacity_sigma = params.banks.capacity_dispersion;
  const double sales_sigma = params.basis_trade.other_sales_dispersion;
  scatter(capacity_sigma, half_square(capacity_sigma), draws.bank_capacity, state.capacity_factor);
  scatter(params.dealers.capacity_dispersion, 0.0, draws.dealer_capacity, state.dealer_capacity_factor);
  scatter(sales_sigma, half_square(sales_sigma), draws.sales_scale, state.other_sales_factor);
  open_funds(params, opening.position, opening.volatility_before, draws.fund_leverage, state);

  // Need, by each path's capacity: slow need at the trend spread, transitory need for the rest of the opening.
  const OpeningMarket& source = opening.need == OpeningNeed::held ? opening.base : own;
  const double source_sigma = source.params.banks.capacity_dispersion;
  const bool is_stated = opening.need == OpeningNeed::stated;
  const OpeningNeedAt trend_need(source, source.trend_spread), opening_need(source, source.opening_spread);
  const double own_capacity = lend_capacity(params, own.reserves, own.volatility, 0.0, 1.0);
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes) {
    const Lanes factor = elementary::exp(source_sigma * load(draws.bank_capacity, i) - half_square(source_sigma));
    const Lanes trend = is_stated ? Lanes(opening.stated_need) : trend_need.with(factor);
    const Lanes today = is_stated ? Lanes(opening.stated_need) : opening_need.with(factor);
    store(trend, state.structural_need, i);
    store(today - trend, state.transitory_need, i);
    store(today, out.need, i);
    store(own_capacity * load(state.capacity_factor, i), out.capacity, i);
  }

  fill(out.offer, own.day.operation_size);
  // The opening spread: stated, or what the given need clears at. A stated one is shown with the need and the capacity
  // of the representative path (U_K = 1), the same on every path.
  fill(state.am_spread, own.opening_spread);
  if (opening.need == OpeningNeed::inverted) {
    fill(out.need, clearing_need(own, 1.0, own.opening_spread));
    fill(out.capacity, lend_capacity(params, own.reserves, own.volatility, 0.0, 1.0));
  } else {
    SessionTerms terms = session_terms(params, own.day, own.day.standing_repo_am);
    terms.stress_elasticity = 0.0;
    clear_repo_market(terms, {out.need, state.mmf_cash, out.capacity, out.markup, out.offer}, state.am_spread,
                      out.flags);
  }
  std::ranges::copy(out.need, out.late_need.begin());
  std::ranges::copy(out.capacity, out.late_capacity.begin());
  for (ColumnData* column :
       {&state.pm_spread, &state.opening_spread, &state.funding_average, &out.am_clearing, &out.pm_clearing})
    std::ranges::copy(state.am_spread, column->begin());
  std::ranges::copy(out.offer, out.late_offer.begin());
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    out.am_standing_repo[i] = out.pm_standing_repo[i] = to_usd_bn(state.sheet.standing_repo[i]);
    out.am_operations[i] = out.pm_operations[i] = to_usd_bn(state.sheet.repo_operations[i]);
  }

  std::ranges::copy(state.am_spread, state.policy.spreads.front().begin());
  fill(state.policy.volatilities.front(), own.volatility);

  static constexpr DayDraws kNoDraws{};  // the opening day has neither noise nor drawn widths
  spread_rates(params, own.day, kNoDraws, -std::numeric_limits<double>::infinity(), state, out);
  price_fed_funds(params, state.sheet, out.effr);
  fill(out.position, opening.position);
  std::ranges::copy(state.opening_equity, out.fund_equity.begin());
}

}  // namespace repoquake::model
