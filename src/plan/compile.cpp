#include "repoquake/plan/compile.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <map>
#include <stdexcept>
#include <utility>

#include "repoquake/calendar/day_grid.hpp"
#include "repoquake/calendar/named_days.hpp"
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

// Mean daily change of the Treasury's account [model 4], bn: Monday to Friday, month turn, corporate taxes.
constexpr std::array kTgaWeekday{24.0, 6.0, -21.0, 1.0, -5.0};
constexpr UsdBn kTgaMonthEnd = 12.0;
constexpr UsdBn kTgaFirstOfMonth = -36.0;
constexpr UsdBn kTgaTaxDate = 77.0;
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

bool draws_tga(const Scenario& s) { return s.policy.tga.target.has_value(); }

/// Rules in force on a day, their parameters under the names of the kernel.
model::PolicyRules rules_on(const scenario::PolicyRules& all, Date date) {
  using scenario::Rule;
  model::PolicyRules r;
  const auto value = [&](Rule rule, std::string_view key) { return all.at(rule, key); };
  const auto in_force = [&](Rule rule) { return all[rule].in_force(date); };
  auto rule = Rule::emergency_repo;
  r.emergency_repo = {.in_force = in_force(rule),
                      .trigger = value(rule, "trigger"),
                      .morning_size = value(rule, "morning_size"),
                      .growth = value(rule, "growth"),
                      .full_use = value(rule, "full_use"),
                      .cut = value(rule, "cut"),
                      .idle_use = value(rule, "idle_use"),
                      .idle_days = value(rule, "idle_days")};
  rule = Rule::large_scale_repo;
  r.large_scale_repo = {.in_force = in_force(rule),
                        .volatility_rise = value(rule, "volatility_rise"),
                        .basis = value(rule, "basis"),
                        .size = value(rule, "size"),
                        .days = value(rule, "days")};
  rule = Rule::runoff_stop;
  r.runoff_stop = {.in_force = in_force(rule), .trigger = value(rule, "trigger"), .lag = value(rule, "lag")};
  rule = Rule::reserve_management_purchases;
  r.reserve_purchases = {.in_force = in_force(rule),
                         .trigger = value(rule, "trigger"),
                         .reserves_ratio = value(rule, "reserves_ratio"),
                         .pace = value(rule, "pace"),
                         .lag = value(rule, "lag"),
                         .taper = value(rule, "taper")};
  rule = Rule::large_purchases;
  r.large_purchases = {.in_force = in_force(rule),
                       .yield_impact = value(rule, "yield_impact"),
                       .basis = value(rule, "basis"),
                       .first_day = value(rule, "first_day"),
                       .full_size = value(rule, "full_size"),
                       .ramp = value(rule, "ramp"),
                       .stop_basis = value(rule, "stop_basis")};
  rule = Rule::administered_rates;
  r.rate_adjustment = {.in_force = in_force(rule), .trigger = value(rule, "trigger"), .step = value(rule, "step")};
  return r;
}

/// Rules, meetings and paces of a day.
void place_rules(const Scenario& s, const calendar::Day& day, const calendar::Day* yesterday, model::DayContext& c) {
  const int days_passed = yesterday == nullptr ? 0 : day.days_since_start - yesterday->days_since_start;
  c.months_passed = days_passed * kMonthsPerDay;
  c.runoff = s.policy.runoff_per_month * c.months_passed;
  c.has_rules = s.policy.rules.any_enabled();
  if (!c.has_rules) return;
  c.rules = rules_on(s.policy.rules, day.date);
  c.is_meeting = std::ranges::find(s.policy.meetings, day.date) != s.policy.meetings.end();
  if (c.rules.emergency_repo.in_force) {
    c.emergency_trigger = c.rules.emergency_repo.trigger;
    c.emergency_size = s.policy.rules.at(scenario::Rule::emergency_repo, "size");
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
  c.has_corridor = rates.target.has_value() || c.has_standing_repo;
  if (c.has_corridor)
    c.corridor_top = rates.target ? (rates.target->high - rates.iorb) * kBpPerPercent : c.standing_repo_spread;
  c.corridor_moves = !rates.target.has_value();
  c.row = row;
  place_rules(s, day, yesterday, c);
  return c;
}

/// Flows of each row: changes of the series, the Fed's own pace, levels where a level is what acts.
std::vector<BaseFlows> base_flows(const Scenario& s, const std::vector<calendar::Day>& days) {
  std::vector<BaseFlows> all(days.size());
  double tga_level = value_on(s, "tga_usd_bn", 0, s.fed_balance_sheet.tga);
  const double pace = s.policy.reserve_management_purchases_per_month - s.policy.runoff_per_month;
  for (std::size_t row = 0; row < days.size(); ++row) {
    BaseFlows& f = all[row];
    f.volatility = s.drivers.volatility.is_drawn
                       ? s.market.treasury_volatility
                       : value_on(s, "treasury_volatility_bp", row, s.market.treasury_volatility);
    if (row == 0) continue;  // the opening day has no flows
    if (!draws_tga(s)) {
      const double tga = value_on(s, "tga_usd_bn", row, tga_level);
      f.tga = tga - std::exchange(tga_level, tga);
    }
    const auto days_passed = days[row].days_since_start - days[row - 1].days_since_start;
    const double months_passed = days_passed * kMonthsPerDay;
    f.securities = value_on(s, "securities_change_usd_bn", row, 0.0) + pace * months_passed;
    f.currency = value_on(s, "currency_change_usd_bn", row, 0.0) + s.drivers.currency_growth_per_month * months_passed;
    f.foreign_rrp = value_on(s, "foreign_rrp_change_usd_bn", row, 0.0);
    if (!s.drivers.other_factors.is_drawn) f.other_liabilities = value_on(s, "other_factors_drain_usd_bn", row, 0.0);
    f.mmf_cash = value_on(s, "mmf_cash_change_usd_bn", row, 0.0);
    if (!s.drivers.settlements.is_drawn) {
      f.net_coupons = value_on(s, "net_coupons_usd_bn", row, 0.0);
      f.net_bills = value_on(s, "net_bills_usd_bn", row, 0.0);
    }
    f.other_sales = value_on(s, "other_treasury_sales_usd_bn", row, 0.0);
    f.fed_purchases = value_on(s, "fed_purchases_usd_bn", row, 0.0);
    f.yield_change = value_on(s, "yield_change_bp", row, 0.0);
  }
  return all;
}

/// Persistence of a day from a half-life in days.
double persistence(double half_life) { return elementary::power(2.0, -1.0 / half_life); }

model::DriverParams driver_params(const Scenario& s) {
  const auto& d = s.drivers;
  const double level = d.volatility.level > 0.0 ? d.volatility.level : s.market.treasury_volatility;
  return {.tga = draws_tga(s),
          .settlements = d.settlements.is_drawn,
          .other_factors = d.other_factors.is_drawn,
          .volatility = d.volatility.is_drawn,
          .tga_residual_sd = s.policy.tga.residual_sd,
          .tga_pull = s.policy.tga.pull,
          .coupons_sd = d.settlements.coupons_sd,
          .bills_sd = d.settlements.bills_sd,
          .other_factors_sd = d.other_factors.sd,
          .volatility_level = level,
          .volatility_persistence = persistence(d.volatility.half_life_days),
          .volatility_sd = d.volatility.sd,
          .jump_probability = d.volatility.jump_probability,
          .jump_size = d.volatility.jump_size,
          .jump_persistence = persistence(d.volatility.jump_half_life_days)};
}

/// "settlements are", "the Treasury's account and volatility are", or nothing.
std::string name_drawn(const model::DriverParams& p) {
  std::vector<std::string> names;
  if (p.tga) names.emplace_back("the Treasury's account");
  if (p.settlements) names.emplace_back("settlements");
  if (p.other_factors) names.emplace_back("other factors");
  if (p.volatility) names.emplace_back("volatility");
  std::string text;
  for (std::size_t k = 0; k < names.size(); ++k)
    text += (k == 0 ? "" : k + 1 == names.size() ? " and " : ", ") + names[k];
  return text.empty() ? text : text + (names.size() == 1 && (p.tga || p.volatility) ? " is" : " are");
}

/// The level that the Treasury's account is drawn around: from the opening to the target in equal steps a row, or the
/// target from the start.
UsdBn tga_reference(const Scenario& s, const std::vector<calendar::Day>& days, std::size_t row) {
  const UsdBn target = *s.policy.tga.target;
  if (!s.policy.tga.by) return target;
  const auto reached = static_cast<std::size_t>(
      std::ranges::count_if(days, [&](const auto& day) { return day.date <= *s.policy.tga.by; }) - 1);
  // Past the end of the window the steps go on in the same calendar: count what is missing in open days.
  const auto last = days.back().date;
  const std::size_t beyond =
      *s.policy.tga.by > last ? calendar::day_grid(last, *s.policy.tga.by).size() - 1 : std::size_t{0};
  const double steps = static_cast<double>(reached + beyond);
  const double share = steps > 0.0 ? std::min(static_cast<double>(row) / steps, 1.0) : 1.0;
  return s.fed_balance_sheet.tga + share * (target - s.fed_balance_sheet.tga);
}

UsdBn tga_season(const calendar::Day& day, const calendar::Day& yesterday) {
  const std::chrono::year_month_day today{day.date}, before{yesterday.date};
  double mean = 0.0;
  if (const unsigned weekday = std::chrono::weekday{day.date}.iso_encoding() - 1; weekday < kTgaWeekday.size())
    mean += kTgaWeekday[weekday];
  mean += day.period_end != PeriodEnd::none ? kTgaMonthEnd : 0.0;
  mean += today.month() != before.month() ? kTgaFirstOfMonth : 0.0;
  mean += day.tax_date ? kTgaTaxDate : 0.0;
  return mean;
}

model::DriverDay driver_day(const Scenario& s, const std::vector<calendar::Day>& days, std::size_t row) {
  model::DriverDay d;
  const auto& day = days[row];
  const auto& yesterday = days[row - 1];
  if (draws_tga(s)) {
    d.tga_reference = tga_reference(s, days, row - 1);
    d.tga_drift = tga_reference(s, days, row) - d.tga_reference;
    if (s.policy.tga.has_seasonality) d.tga_drift += tga_season(day, yesterday);
  }
  const auto& settlements = s.drivers.settlements;
  const bool is_month_end = day.period_end != PeriodEnd::none;
  d.settles_coupons = is_month_end || calendar::is_mid_month_settlement(day.date);
  d.coupons = is_month_end ? settlements.coupons_month_end : settlements.coupons_mid_month;
  const unsigned weekday = std::chrono::weekday{day.date}.iso_encoding();
  d.settles_bills = weekday == 2 || weekday == 4;
  d.bills = settlements.bills_mean;
  return d;
}

void correlate_drivers(const Scenario& s, Compiled& out, Plan& plan) {
  if (s.drivers.correlation.empty()) return;
  const std::size_t n = scenario::kDriverCount;
  std::array<double, n * n> matrix{};
  for (std::size_t k = 0; k < n; ++k) matrix[k * n + k] = 1.0;
  for (const auto& pair : s.drivers.correlation) {
    const auto a = static_cast<std::size_t>(pair.first), b = static_cast<std::size_t>(pair.second);
    matrix[a * n + b] = matrix[b * n + a] = pair.rho;
  }
  try {
    plan.driver_correlation.emplace(matrix, n);
  } catch (const std::invalid_argument& error) {
    out.issues.push_back({"drivers.correlation", error.what()});
  }
}

model::OpeningMarket opening_market(const Scenario& s) {
  model::OpeningMarket m;
  m.params = model_params(s.model, s.market.repo_volume, s.market.bank_assets);
  const auto first = calendar::day_grid(s.window.start, s.window.start);
  m.day = day_context(s, m.params, first.front(), 0, nullptr, first.front().gse_window);
  m.reserves = s.fed_balance_sheet.reserves;
  m.opening_spread = s.market.opening_spread;
  m.trend_spread = s.trend_spread();
  m.volatility = s.drivers.volatility.is_drawn ? s.market.treasury_volatility
                                               : value_on(s, "treasury_volatility_bp", 0, s.market.treasury_volatility);
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
    case ShockTarget::iorb:
      return FlowTarget::iorb_change;
    case ShockTarget::dealer_capacity:
      return FlowTarget::dealer_capacity;
    case ShockTarget::net_coupons:
      return FlowTarget::net_coupons;
    case ShockTarget::net_bills:
      return FlowTarget::net_bills;
    case ShockTarget::securities:
      return FlowTarget::securities;
    case ShockTarget::fed_purchases:
      return FlowTarget::fed_purchases;
  }
  return FlowTarget::tga;
}

/// Rows on which a shock may start: its first open day in the window or, where the date is random, any of them.
std::optional<std::pair<std::uint32_t, std::uint32_t>> start_rows(const scenario::Shock& shock,
                                                                  const std::vector<PlanDay>& days) {
  std::optional<std::pair<std::uint32_t, std::uint32_t>> rows;
  // A level that lasts and began before the window is there on its first day; anything else of the past is over.
  const bool is_lasting = scenario::is_level(shock.target) && !shock.has_window && !shock.has_random_date &&
                          (scenario::stays_from_its_date(shock.target) || shock.shape == scenario::ShockShape::pulse);
  for (std::uint32_t row = 1; row < days.size(); ++row) {
    if (days[row].date < shock.first) continue;
    if (!is_lasting && days[row].date > shock.last) break;
    if (!rows) rows = {row, row};
    rows->second = row;
    if (!shock.has_random_date) break;
  }
  return rows;
}

/// How much of its size a shock lays on each day from its start. `days_in_window`: open days from there to its last one.
std::vector<double> shock_profile(const scenario::Shock& shock, std::size_t start, const std::vector<PlanDay>& days) {
  using scenario::ShockShape;
  std::size_t length = 1;  // days of the window of the shock
  if (shock.has_window)
    length = static_cast<std::size_t>(std::count_if(days.begin() + static_cast<std::ptrdiff_t>(start), days.end(),
                                                    [&](const PlanDay& day) { return day.date <= shock.last; }));
  const std::size_t to_the_end = days.size() - 1;  // from the earliest start there is
  std::vector<double> profile;
  switch (shock.shape) {
    case ShockShape::step:
      if (!scenario::is_level(shock.target))
        profile = {1.0};
      else
        profile.assign(!shock.has_window && scenario::stays_from_its_date(shock.target) ? to_the_end : length, 1.0);
      break;
    case ShockShape::ramp:
      profile.assign(length, 1.0 / static_cast<double>(std::max(length, std::size_t{1})));
      break;
    case ShockShape::pulse:
      for (std::size_t k = 0; k < (shock.has_window ? length : to_the_end); ++k)
        profile.push_back(elementary::power(2.0, -static_cast<double>(k) / shock.half_life_days));
      break;
    case ShockShape::level:
      profile.assign(length + 1, 0.0);
      profile.front() += 1.0;
      profile.back() -= 1.0;
      break;
    case ShockShape::path:
      profile = shock.shares;
      break;
  }
  const double sign = shock.target == ShockTarget::reserves ? -1.0 : 1.0;  // reserves fall when other liabilities rise
  for (double& weight : profile) weight *= sign;
  return profile;
}

/// Probabilities of the values of a discrete or empirical size, summed up.
std::vector<double> cumulative_weights(const scenario::ShockSize& size) {
  std::vector<double> cumulative;
  double sum = 0.0;
  for (std::size_t k = 0; k < size.values.size(); ++k)
    cumulative.push_back(sum += size.weights.empty() ? 1.0 : size.weights[k]);
  for (double& weight : cumulative) weight /= sum;
  if (!cumulative.empty()) cumulative.back() = 1.0;
  return cumulative;
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
    PlanShock planned{.id = shock.id,
                      .target = flow_target(shock.target),
                      .law = static_cast<PlanShock::Law>(shock.size.law),
                      .location = shock.size.location,
                      .scale = shock.size.scale,
                      .degrees_of_freedom = shock.size.degrees_of_freedom,
                      .values = shock.size.values,
                      .cumulative = cumulative_weights(shock.size),
                      .probability = shock.probability,
                      .slot = slot};
    if (shock.size.clip_low) planned.clip_low = *shock.size.clip_low;
    if (shock.size.clip_high) planned.clip_high = *shock.size.clip_high;
    if (const auto rows = shock.enabled ? start_rows(shock, plan.days) : std::nullopt) {
      planned.first_start = rows->first;
      planned.last_start = rows->second;
      planned.profile = shock_profile(shock, rows->first, plan.days);
    }
    plan.shocks.push_back(std::move(planned));
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
    const auto& shock = plan.shocks[k];
    if (shock.law == PlanShock::Law::student_t && shock.degrees_of_freedom != 4.0) {
      out.issues.push_back({"shocks." + shock.id + ".size",
                            "a Student-t size can be correlated with df 4 only (its quantile is a closed form)"});
      return;
    }
  }
  try {
    if (s.correlation_repair == scenario::CorrelationRepair::nearest) matrix = random::nearest_correlation(matrix, n);
    plan.correlation.emplace(ShockCorrelator{shocks, random::Correlator(matrix, n)});
  } catch (const std::invalid_argument& error) {
    out.issues.push_back({"correlation", std::string(error.what()) +
                                             "; correlation_repair: nearest takes the nearest matrix that can be"});
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

/// Does the series drive anything? Columns in whose place flows are drawn do not.
PlanSampling sampling_of(const scenario::Simulate& simulate) {
  if (simulate.sampler == scenario::Sampler::sobol)
    return {.kind = PlanSampling::Kind::net, .scrambles = simulate.scrambles};
  return {.kind = simulate.antithetic ? PlanSampling::Kind::antithetic : PlanSampling::Kind::independent};
}

bool has_inputs(const Scenario& s) {
  if (!s.series) return false;
  return std::ranges::any_of(s.series->columns, [&](const auto& column) {
    const auto spec =
        std::ranges::find(scenario::series_columns(), std::string_view(column.name), &scenario::SeriesColumnSpec::name);
    return spec != scenario::series_columns().end() && spec->role == scenario::ColumnRole::input &&
           !scenario::is_replaced_by_draws(s, column.name);
  });
}

std::vector<calendar::Date> dates_of(const Plan& plan) {
  std::vector<calendar::Date> dates;
  for (const auto& day : plan.days) dates.push_back(day.date);
  return dates;
}

/// Pre: validate() found nothing, so that every expression has a form and its days are rows.
void add_metrics(const Scenario& s, Compiled& out, Plan& plan) {
  const auto dates = dates_of(plan);
  for (const auto& metric : s.metrics) {
    const auto checked = scenario::check_metric(metric.expr);
    if (!checked.form || !scenario::check_in_world(checked.form->per_path, scenario::expression_world(s)).empty()) {
      out.issues.push_back({"metrics." + metric.id + ".expr", "cannot be computed; validate() says why"});
      continue;
    }
    const auto usual = scenario::default_unit(checked.form->dimension);
    const auto unit = scenario::find_unit(checked.form->dimension, metric.unit).value_or(usual);
    plan.metrics.push_back(compile_metric(*checked.form, unit, dates));
    plan.metrics.back().spec.id = metric.id;
    plan.metrics.back().spec.expr = metric.expr;
  }
}

/// Pre: metrics have been added.
void add_stop(const Scenario& s, Compiled& out, Plan& plan) {
  if (!s.simulate.stop) return;
  const auto& stop = *s.simulate.stop;
  const auto metric = std::ranges::find(plan.metrics, stop.metric, [](const PlanMetric& m) { return m.spec.id; });
  if (metric == plan.metrics.end()) {
    out.issues.push_back({"simulate.stop.metric", "no metric has the id \"" + stop.metric + "\""});
    return;
  }
  plan.stop =
      PlanStop{.metric = static_cast<std::size_t>(metric - plan.metrics.begin()),
               .half_width = stop.half_width * std::fabs(metric->spec.unit_factor),
               .min_paths = stop.min_paths.value_or(std::min(scenario::StopRule::kDefaultMinPaths, plan.n_paths))};
}

void add_stored_paths(const Scenario& s, Compiled& out, Plan& plan) {
  const auto& asked = s.output.paths;
  plan.stored.sample = asked.all ? plan.n_paths : std::min(asked.sample, plan.n_paths);
  plan.summary_of_all = s.output.summary_of_all;
  if (asked.all || asked.worst == 0) return;
  const auto checked = scenario::check_path_expression(asked.worst_by);
  if (!checked.tree || !scenario::check_in_world(*checked.tree, scenario::expression_world(s)).empty()) {
    out.issues.push_back({"output.paths.worst.by", "cannot be computed; validate() says why"});
    return;
  }
  const auto unit = scenario::default_unit(checked.tree->dimension);
  plan.stored.worst = std::min(asked.worst, plan.n_paths);
  plan.stored.rank = compile_path_expression(*checked.tree, dates_of(plan));
  plan.stored.by = asked.worst_by;
  plan.stored.unit = unit.in_result;
  plan.stored.rank_factor = unit.factor;
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
  plan.n_paths = s.simulate.most_paths();
  plan.seed = s.simulate.seed;
  plan.sampling = sampling_of(s.simulate);
  plan.is_conditional = has_inputs(s);
  plan.params = model_params(s.model, s.market.repo_volume, s.market.bank_assets);

  plan.opening.own = opening_market(s);
  plan.opening.base = base != nullptr ? opening_market(*base) : plan.opening.own;
  // To hold the need of an equal opening is to find it: the same numbers as in the base, to the bit.
  const bool holds_own = plan.opening.own == plan.opening.base && s.market.need == scenario::NeedRule::hold;
  plan.opening.need = holds_own ? model::OpeningNeed::inverted : opening_need(s.market.need);
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
                         .drivers = row == 0 ? model::DriverDay{} : driver_day(s, days, row),
                         .period_end = days[row].period_end,
                         .is_tax_date = days[row].tax_date});
  }
  add_shocks(s, out, plan);
  correlate_shocks(s, out, plan);
  const bool moves_rates = s.policy.rules[scenario::Rule::administered_rates].enabled ||
                           std::ranges::any_of(plan.shocks, [](const PlanShock& shock) {
                             return shock.target == FlowTarget::iorb_change && !shock.profile.empty();
                           });
  for (PlanDay& day : plan.days) day.context.moves_rates = moves_rates;
  plan.drivers = driver_params(s);
  correlate_drivers(s, out, plan);
  plan.drawn = name_drawn(plan.drivers);
  plan.has_rules = s.policy.rules.any_enabled();
  for (std::size_t k = 0; s.transmission.enabled && k < scenario::kTransmissionTargets.size(); ++k) {
    const auto& target = scenario::kTransmissionTargets[k];
    if (const auto& stated = s.transmission.targets[k])
      plan.transmission.push_back({std::string(target.key), std::string(target.unit), std::string(target.long_name),
                                   stated->coefficient, stated->low, stated->high});
  }

  add_stored_paths(s, out, plan);
  plan.variables = s.output.variables;
  for (const auto& expectation : s.expect)
    if (expectation.metric.empty()) plan.expected.push_back(expectation.variable);
  add_metrics(s, out, plan);
  add_stop(s, out, plan);
  plan.quantiles = s.output.quantiles;
  plan.thresholds = s.output.thresholds;
  plan.rate_precision_bp = s.output.rate_precision_bp;
  plan.amount_precision_usd_bn = s.output.amount_precision_usd_bn;
  plan.max_flagged = s.simulate.max_flagged;
  if (out.issues.empty()) out.plan = std::move(plan);
  return out;
}

UsdBn opening_need(const Plan& plan) noexcept {
  const model::Opening& opening = plan.opening;
  if (opening.need == model::OpeningNeed::stated) return opening.stated_need;
  const model::OpeningMarket& source = opening.need == model::OpeningNeed::held ? opening.base : opening.own;
  return model::clearing_need(source, 1.0, source.opening_spread);
}

}  // namespace repoquake::plan
