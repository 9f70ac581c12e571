#include "repoquake/plan/compile.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <map>
#include <stdexcept>
#include <utility>

#include "repoquake/calendar/day_grid.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/scenario/observations.hpp"

namespace repoquake::plan {
namespace {

using calendar::Date;
using calendar::PeriodEnd;
using scenario::Scenario;
using scenario::ShockTarget;

constexpr UsdBn kLeastMmfCash = 15.0;
constexpr double kMonthsPerDay = 12.0 / 365.0;  // a monthly pace settles evenly over calendar days
constexpr Date kTgcrReform =
    std::chrono::year_month_day{std::chrono::year{2021}, std::chrono::January, std::chrono::day{1}};

double value_on(const Scenario& s, std::string_view column, std::size_t row, double otherwise) {
  if (!s.series) return otherwise;
  const auto* found = s.series->find(column);
  return found != nullptr && row < found->values.size() ? found->values[row].value_or(otherwise) : otherwise;
}

Spread stigma_on(const Scenario& s, Date date) {
  Spread stigma = s.model.at("standing_repo.stigma");
  if (!s.model.is_stated(*scenario::find_parameter("standing_repo.stigma")) && date >= scenario::kStandingRepoReform)
    stigma = scenario::kStigmaAfterReform;
  for (const auto& dated : s.policy.standing_repo.stigma)
    if (dated.from <= date) stigma = dated.stigma;
  return stigma;
}

UsdBn cap_on(const Scenario& s, Date date) {
  using Cap = scenario::StandingRepo::Cap;
  const auto& facility = s.policy.standing_repo;
  if (facility.cap == Cap::amount) return facility.cap_amount;
  const bool is_lifted = facility.cap == Cap::none || date >= scenario::kStandingRepoReform;
  return is_lifted ? std::numeric_limits<double>::infinity() : scenario::kStandingRepoCap;
}

void place_operations(const Scenario& s, Date date, std::size_t row, Rate iorb, model::DayContext& day) {
  for (const auto& operation : s.policy.repo_operations) {
    if (date < operation.from || (operation.until && date > *operation.until)) continue;
    const UsdBn size = operation.from_series ? value_on(s, "repo_operation_offered_usd_bn", row, 0.0) : operation.size;
    day.minimum_bid = operation.minimum_bid.over(iorb);
    if (operation.am_trigger) {
      day.emergency_size = size;
      day.emergency_trigger = *operation.am_trigger;
    } else {
      day.operation_size = size;
    }
  }
}

model::DayContext day_context(const Scenario& s, const model::ModelParams& p, const calendar::Day& day, std::size_t row,
                              const calendar::Day* yesterday, bool gse_window_on_day_0) {
  const auto& rates = scenario::rates_on(s.policy, day.date);
  const auto& facility = s.policy.standing_repo;
  model::DayContext c;
  c.iorb = rates.iorb;
  c.on_rrp_rate = rates.on_rrp;
  c.floor = (rates.on_rrp - rates.iorb) * kBpPerPercent;
  c.iorb_change =
      yesterday == nullptr ? 0.0 : (rates.iorb - scenario::rates_on(s.policy, yesterday->date).iorb) * kBpPerPercent;
  c.standing_repo_am = facility.enabled && facility.am;
  c.standing_repo_pm = facility.enabled && facility.pm;
  c.has_standing_repo = c.standing_repo_am || c.standing_repo_pm;
  c.standing_repo_spread = facility.rate.over(rates.iorb);
  c.standing_repo_rate = rates.iorb + c.standing_repo_spread / kBpPerPercent;
  c.standing_repo_cap = cap_on(s, day.date);
  c.stigma = stigma_on(s, day.date);
  place_operations(s, day.date, row, rates.iorb, c);

  const auto period = static_cast<std::size_t>(day.period_end);
  const std::array pullback{0.0, p.need.pullback_month, p.need.pullback_quarter, p.need.pullback_year};
  const std::array markup{0.0, p.dealers.markup_month, p.dealers.markup_quarter, p.dealers.markup_year};
  c.half_saturation = p.banks.half_saturation * model::kPeriodEndSaturation[period];
  c.pullback_share = pullback[period];
  c.period_end_markup = markup[period];
  c.is_period_end = day.period_end != PeriodEnd::none;
  c.follows_period_end = yesterday != nullptr && yesterday->period_end != PeriodEnd::none;
  c.gse_cash = p.need.gse_window * p.repo_volume *
               (static_cast<double>(day.gse_window) - static_cast<double>(gse_window_on_day_0));
  c.days_to_next = day.days_to_next;
  c.tgcr_since_2021 = day.date >= kTgcrReform;
  return c;
}

/// Flows of each row: changes of the series, the Fed's own pace, levels where a level is what acts.
std::vector<BaseFlows> base_flows(const Scenario& s, const std::vector<calendar::Day>& days) {
  std::vector<BaseFlows> all(days.size());
  double tga_level = value_on(s, "tga_usd_bn", 0, s.fed_balance_sheet.tga);
  const double pace = s.policy.reserve_management_purchases_per_month - s.policy.runoff_per_month;
  for (std::size_t row = 0; row < days.size(); ++row) {
    BaseFlows& f = all[row];
    f.volatility = value_on(s, "treasury_volatility_bp", row, s.market.treasury_volatility);
    if (row == 0) continue;  // the opening day has no flows
    const double tga = value_on(s, "tga_usd_bn", row, tga_level);
    f.tga = tga - std::exchange(tga_level, tga);
    const auto days_passed = days[row].days_since_start - days[row - 1].days_since_start;
    f.securities = value_on(s, "securities_change_usd_bn", row, 0.0) + pace * days_passed * kMonthsPerDay;
    f.currency = value_on(s, "currency_change_usd_bn", row, 0.0);
    f.foreign_rrp = value_on(s, "foreign_rrp_change_usd_bn", row, 0.0);
    f.other_liabilities = value_on(s, "other_factors_drain_usd_bn", row, 0.0);
    f.mmf_cash = value_on(s, "mmf_cash_change_usd_bn", row, 0.0);
    f.net_coupons = value_on(s, "net_coupons_usd_bn", row, 0.0);
    f.net_bills = value_on(s, "net_bills_usd_bn", row, 0.0);
    f.other_sales = value_on(s, "other_treasury_sales_usd_bn", row, 0.0);
    f.fed_purchases = value_on(s, "fed_purchases_usd_bn", row, 0.0);
    f.yield_change = value_on(s, "yield_change_bp", row, 0.0);
  }
  return all;
}

model::OpeningMarket opening_market(const Scenario& s) {
  model::OpeningMarket m;
  m.params = model_params(s.model, s.market.repo_volume, s.market.bank_assets);
  const auto first = calendar::day_grid(s.window.start, s.window.start);
  m.day = day_context(s, m.params, first.front(), 0, nullptr, first.front().gse_window);
  m.reserves = s.fed_balance_sheet.reserves;
  m.opening_spread = s.market.opening_spread;
  m.trend_spread = s.trend_spread();
  m.volatility = value_on(s, "treasury_volatility_bp", 0, s.market.treasury_volatility);
  const double above_floor = std::max(m.opening_spread - m.day.floor, 0.0);
  m.cash = s.market.mmf_cash.value_or(
      std::max(s.fed_balance_sheet.on_rrp * (1.0 + above_floor / m.params.money_funds.switching_scale), kLeastMmfCash));
  return m;
}

model::FedSheet opening_sheet(const scenario::FedBalanceSheet& f) {
  model::FedSheet sheet;
  sheet.securities.fill(to_cents(f.securities));
  sheet.repo_operations.fill(to_cents(f.repo_operations));
  sheet.standing_repo.fill(to_cents(f.standing_repo));
  sheet.reserves.fill(to_cents(f.reserves));
  sheet.tga.fill(to_cents(f.tga));
  sheet.on_rrp.fill(to_cents(f.on_rrp));
  sheet.foreign_rrp.fill(to_cents(f.foreign_rrp));
  sheet.currency.fill(to_cents(f.currency));
  sheet.other_liabilities.fill(to_cents(f.other_liabilities));
  sheet.other_assets.fill(sheet.reserves[0] + sheet.tga[0] + sheet.on_rrp[0] + sheet.foreign_rrp[0] +
                          sheet.currency[0] + sheet.other_liabilities[0] - sheet.securities[0] -
                          sheet.repo_operations[0] - sheet.standing_repo[0]);
  return sheet;
}

FlowTarget flow_target(ShockTarget target) {
  switch (target) {
    case ShockTarget::tga:
      return FlowTarget::tga;
    case ShockTarget::reserves:
      return FlowTarget::other_liabilities;
    case ShockTarget::currency:
      return FlowTarget::currency;
    case ShockTarget::foreign_rrp:
      return FlowTarget::foreign_rrp;
    case ShockTarget::mmf_cash:
      return FlowTarget::mmf_cash;
    case ShockTarget::other_treasury_sales:
      return FlowTarget::other_sales;
    case ShockTarget::yield:
      return FlowTarget::yield_change;
    case ShockTarget::repo_demand:
      return FlowTarget::repo_demand;
    case ShockTarget::volatility:
      return FlowTarget::volatility;
  }
  return FlowTarget::tga;
}

/// How much of its size a shock lays on each day. A dated level of volatility stays from its date on.
std::vector<double> shock_weights(const scenario::Shock& shock, const std::vector<PlanDay>& days) {
  using scenario::ShockShape;
  std::vector<double> weights(days.size(), 0.0);
  std::vector<std::size_t> rows;
  const bool stays = shock.target == ShockTarget::volatility && !shock.has_window && shock.shape != ShockShape::pulse;
  const bool fades = scenario::is_level(shock.target) && !shock.has_window && shock.shape == ShockShape::pulse;
  for (std::size_t row = 1; row < days.size(); ++row)
    if (days[row].date >= shock.first && (stays || fades || days[row].date <= shock.last)) rows.push_back(row);
  if (rows.empty()) return weights;
  const double sign = shock.target == ShockTarget::reserves ? -1.0 : 1.0;  // reserves fall when other liabilities rise
  for (std::size_t k = 0; k < rows.size(); ++k) {
    double weight = 1.0;
    if (shock.shape == ShockShape::ramp)
      weight = 1.0 / static_cast<double>(rows.size());
    else if (shock.shape == ShockShape::pulse)
      weight = elementary::power(2.0, -static_cast<double>(k) / shock.half_life_days);
    else if (!scenario::is_level(shock.target))
      weight = k == 0 ? 1.0 : 0.0;
    weights[rows[k]] = sign * weight;
  }
  return weights;
}

/// Even 16-bit slot from an id (FNV-1a); the odd one beside it is a second draw of the same shock.
std::uint16_t slot_of(std::string_view id) {
  std::uint32_t hash = 2166136261U;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return static_cast<std::uint16_t>((hash ^ (hash >> 16)) & 0xfffeU);
}

bool is_correlated(const Scenario& s, std::string_view id) {
  return std::ranges::any_of(s.correlation, [&](const auto& pair) { return pair.first == id || pair.second == id; });
}

/// A shock that is switched off lays nothing on any day. It keeps its place where others are correlated with it, so that
/// switching it off moves none of their draws.
void add_shocks(const Scenario& s, Compiled& out, Plan& plan) {
  std::map<std::uint16_t, std::string> taken;
  for (const auto& shock : s.shocks) {
    const auto slot = slot_of(shock.id);
    const auto [other, is_new] = taken.emplace(slot, shock.id);
    if (!is_new)
      out.issues.push_back({"shocks." + shock.id, "would share its random draws with \"" + other->second +
                                                      "\"; give one of them another id"});
    if (!shock.enabled && !is_correlated(s, shock.id)) continue;
    plan.shocks.push_back(
        {.id = shock.id,
         .target = flow_target(shock.target),
         .law = static_cast<PlanShock::Law>(shock.size.law),
         .location = shock.size.location,
         .scale = shock.size.scale,
         .degrees_of_freedom = shock.size.degrees_of_freedom,
         .slot = slot,
         .weights = shock.enabled ? shock_weights(shock, plan.days) : std::vector<double>(plan.days.size(), 0.0)});
  }
}

void correlate_shocks(const Scenario& s, Compiled& out, Plan& plan) {
  std::vector<std::size_t> shocks;  // correlated ones, in the order of the scenario
  for (std::size_t k = 0; k < plan.shocks.size(); ++k)
    if (is_correlated(s, plan.shocks[k].id)) shocks.push_back(k);
  if (shocks.empty()) return;
  const std::size_t n = shocks.size();
  const auto row_of = [&](std::string_view id) {
    return static_cast<std::size_t>(
        std::ranges::find(shocks, id, [&](std::size_t k) -> std::string_view { return plan.shocks[k].id; }) -
        shocks.begin());
  };
  std::vector<double> matrix(n * n, 0.0);
  for (std::size_t k = 0; k < n; ++k) matrix[k * n + k] = 1.0;
  for (const auto& pair : s.correlation)
    matrix[row_of(pair.first) * n + row_of(pair.second)] = matrix[row_of(pair.second) * n + row_of(pair.first)] =
        pair.rho;
  for (const auto k : shocks) {
    const auto law = plan.shocks[k].law;
    if (law != PlanShock::Law::normal && law != PlanShock::Law::lognormal) {
      out.issues.push_back({"correlation", "only normal and lognormal sizes can be correlated in this version"});
      return;
    }
  }
  try {
    plan.correlation.emplace(ShockCorrelator{shocks, random::Correlator(matrix, n)});
  } catch (const std::invalid_argument& error) {
    out.issues.push_back({"correlation", error.what()});
  }
}

model::OpeningNeed opening_need(scenario::NeedRule rule) {
  switch (rule) {
    case scenario::NeedRule::invert:
      return model::OpeningNeed::inverted;
    case scenario::NeedRule::hold:
      return model::OpeningNeed::held;
    case scenario::NeedRule::amount:
      return model::OpeningNeed::stated;
  }
  return model::OpeningNeed::inverted;
}

bool has_inputs(const Scenario& s) {
  if (!s.series) return false;
  return std::ranges::any_of(s.series->columns, [](const auto& column) {
    const auto spec =
        std::ranges::find(scenario::series_columns(), std::string_view(column.name), &scenario::SeriesColumnSpec::name);
    return spec != scenario::series_columns().end() && spec->role == scenario::ColumnRole::input;
  });
}

}  // namespace

Compiled compile(const Scenario& s, const Scenario* base) {
  Compiled out;
  if (s.market.need == scenario::NeedRule::hold && base == nullptr) {
    out.issues.push_back({"market.need", "hold needs a base: a scenario that this one extends"});
    return out;
  }
  Plan plan;
  plan.name = s.name;
  plan.title = s.title;
  plan.n_paths = s.simulate.paths;
  plan.seed = s.simulate.seed;
  plan.is_conditional = has_inputs(s);
  plan.params = model_params(s.model, s.market.repo_volume, s.market.bank_assets);

  plan.opening.own = opening_market(s);
  plan.opening.base = base != nullptr ? opening_market(*base) : plan.opening.own;
  plan.opening.need = opening_need(s.market.need);
  plan.opening.stated_need = s.market.need_amount;
  plan.opening.position = s.basis_trade.position;
  plan.opening.volatility_before = s.market.treasury_volatility;
  plan.opening.sheet = opening_sheet(s.fed_balance_sheet);

  const auto days = calendar::day_grid(s.window.start, s.window.end);
  const auto flows = base_flows(s, days);
  plan.days.reserve(days.size());
  for (std::size_t row = 0; row < days.size(); ++row) {
    const calendar::Day* yesterday = row == 0 ? nullptr : &days[row - 1];
    plan.days.push_back({.date = days[row].date,
                         .context = day_context(s, plan.params, days[row], row, yesterday, days.front().gse_window),
                         .flows = flows[row],
                         .period_end = days[row].period_end,
                         .is_tax_date = days[row].tax_date});
  }
  add_shocks(s, out, plan);
  correlate_shocks(s, out, plan);

  plan.store_paths = s.output.paths == scenario::Output::Paths::all;
  plan.variables = s.output.variables;
  for (const auto& expectation : s.expect) plan.expected.push_back(expectation.variable);
  plan.quantiles = s.output.quantiles;
  plan.thresholds = s.output.thresholds;
  plan.rate_precision_bp = s.output.rate_precision_bp;
  plan.amount_precision_usd_bn = s.output.amount_precision_usd_bn;
  plan.max_flagged = s.simulate.max_flagged;
  if (out.issues.empty()) out.plan = std::move(plan);
  return out;
}

}  // namespace repoquake::plan
