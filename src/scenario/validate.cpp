#include "repoquake/scenario/validate.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "repoquake/calendar/business_calendar.hpp"

namespace repoquake::scenario {
namespace {

using calendar::is_publication_day;
using calendar::to_iso;

constexpr UsdBn kMaxAmount = 50'000.0;  // a slip of units is caught here, long before the cents of the sheet overflow
constexpr Spread kMaxSpread = 3000.0;   // the clearing equation is solved below this
constexpr Rate kMinRate = -10.0;
constexpr Rate kMaxRate = 100.0;
constexpr double kMaxVolatility = 10'000.0;  // bp a year
constexpr int kMinDays = 2;
constexpr int kMaxDays = 2600;
constexpr std::uint64_t kMaxPaths = 1'000'000'000;
constexpr UsdBn kTgaTolerance = 1.0;  // the first of the series against the opening sheet
constexpr UsdBn kReservesTolerance = 5.0;
constexpr UsdBn kOnRrpTolerance = 5.0;

std::string number_text(double value) {
  std::array<char, 32> buffer{};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

std::string rounded_text(double value) { return number_text(std::round(value * 1000.0) / 1000.0); }

class Findings {
 public:
  void error(std::string key, std::string reason) { issues_.push_back({std::move(key), std::move(reason)}); }
  void warning(std::string key, std::string reason) {
    issues_.push_back({std::move(key), std::move(reason), Issue::Severity::warning});
  }

  /// An amount of money from 0 (or above 0) to the largest one.
  void amount(const std::string& key, UsdBn value) { range(key, value, 0.0, kMaxAmount, "bn USD", false); }
  void positive_amount(const std::string& key, UsdBn value) { range(key, value, 0.0, kMaxAmount, "bn USD", true); }
  void spread(const std::string& key, Spread value) { range(key, value, -kMaxSpread, kMaxSpread, "bp", false); }
  void rate(const std::string& key, Rate value) { range(key, value, kMinRate, kMaxRate, "%", false); }

  void range(const std::string& key, double value, double low, double high, std::string_view unit, bool low_is_open) {
    constexpr double kLeast = 1e-9;  // above an open end: what divides may not vanish
    const std::string suffix = unit.empty() ? "" : " " + std::string(unit);
    if (low_is_open && value > low && value < low + kLeast)
      return error(key, "is too close to " + number_text(low) + ": at least " + number_text(low + kLeast) + suffix +
                            ", got " + number_text(value) + suffix);
    if ((low_is_open ? value > low : value >= low) && value <= high) return;
    error(key,
          "must be " +
              (low_is_open ? "above " + number_text(low) + suffix + ", at most " : number_text(low) + suffix + " to ") +
              number_text(high) + suffix + ", got " + number_text(value) + suffix);
  }

  [[nodiscard]] std::vector<Issue> take() { return std::move(issues_); }
  void add(const std::vector<Issue>& more) { issues_.insert(issues_.end(), more.begin(), more.end()); }

 private:
  std::vector<Issue> issues_;
};

/// Days from one to another, both included.
struct Period {
  Date first;
  Date last;
};

Period overlap(const Period& a, const Period& b) { return {std::max(a.first, b.first), std::min(a.last, b.last)}; }

/// The first publication day of a period, if it has one.
std::optional<Date> first_open_day(const Period& period) {
  if (period.first > period.last) return std::nullopt;
  const Date day = is_publication_day(period.first) ? period.first : calendar::next_publication_day(period.first);
  if (day > period.last) return std::nullopt;
  return day;
}

/// "list.id" where the id is there and nobody else's, else "list[i]": as the reader names items.
template <class Item>
std::string item_key(const std::string& list_key, const std::vector<Item>& list, std::size_t index) {
  const auto& id = list[index].id;
  const bool is_unique = !id.empty() && std::ranges::count(list, id, &Item::id) == 1;
  return is_unique ? list_key + "." + id : list_key + "[" + std::to_string(index) + "]";
}

template <class Item>
void check_ids(const std::string& list_key, const std::vector<Item>& list, Findings& findings) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto first = std::ranges::find(list, list[i].id, &Item::id) - list.begin();
    if (std::cmp_less(first, i) && !list[i].id.empty())
      findings.error(list_key + "[" + std::to_string(i) + "].id",
                     "the id \"" + list[i].id + "\" is already used in " + list_key);
  }
}

// ---------------------------------------------------------------- window

Date nearest_open_day(Date date) {
  const Date before = calendar::previous_publication_day(date);
  const Date after = calendar::next_publication_day(date);
  return after - date < date - before ? after : before;
}

/// True: the other dates can be held against it.
bool check_window(const Window& window, Findings& findings) {
  bool is_usable = true;
  for (const auto& [key, day] : {std::pair{"window.start", window.start}, std::pair{"window.end", window.end}}) {
    if (is_publication_day(day)) continue;
    findings.error(key,
                   to_iso(day) + " is not a publication day of SOFR; the nearest is " + to_iso(nearest_open_day(day)));
    is_usable = false;
  }
  if (window.end <= window.start) {
    findings.error("window.end", "must be after the start, " + to_iso(window.start) + ", got " + to_iso(window.end));
    return false;
  }
  if (!is_usable) return false;
  int days = 1;
  for (Date day = window.start; day < window.end && days <= kMaxDays; day = calendar::next_publication_day(day)) ++days;
  if (days < kMinDays || days > kMaxDays) {
    findings.error("window.end", "a window has " + std::to_string(kMinDays) + " to " + std::to_string(kMaxDays) +
                                     " publication days; this one has more");
    return false;
  }
  return true;
}

// ---------------------------------------------------------------- opening

void check_market(const Market& market, Findings& findings) {
  findings.positive_amount("market.repo_volume", market.repo_volume);
  findings.positive_amount("market.bank_assets", market.bank_assets);
  findings.spread("market.opening_spread", market.opening_spread);
  if (market.trend_spread) findings.spread("market.trend_spread", *market.trend_spread);
  if (market.need == NeedRule::amount) findings.amount("market.need", market.need_amount);
  if (market.mmf_cash) findings.amount("market.mmf_cash", *market.mmf_cash);
  findings.range("market.treasury_volatility", market.treasury_volatility, 0.0, kMaxVolatility, "bp", true);
  if (market.gdp) findings.range("market.gdp", *market.gdp, 0.0, 10.0 * kMaxAmount, "bn USD", true);
  if (market.m2) findings.range("market.m2", *market.m2, 0.0, 10.0 * kMaxAmount, "bn USD", true);
}

void check_sheet(const FedBalanceSheet& sheet, Findings& findings) {
  const std::string key = "fed_balance_sheet.";
  findings.amount(key + "securities", sheet.securities);
  findings.amount(key + "repo_operations", sheet.repo_operations);
  findings.amount(key + "standing_repo", sheet.standing_repo);
  findings.amount(key + "reserves", sheet.reserves);
  findings.amount(key + "tga", sheet.tga);
  findings.amount(key + "on_rrp", sheet.on_rrp);
  findings.amount(key + "foreign_rrp", sheet.foreign_rrp);
  findings.amount(key + "currency", sheet.currency);
  findings.amount(key + "other_liabilities", sheet.other_liabilities);
  const UsdBn other_assets = sheet.reserves + sheet.tga + sheet.on_rrp + sheet.foreign_rrp + sheet.currency +
                             sheet.other_liabilities - sheet.securities - sheet.repo_operations - sheet.standing_repo;
  if (other_assets < 0.0)
    findings.warning("fed_balance_sheet", "liabilities are smaller than assets: other assets would be " +
                                              rounded_text(other_assets) + " bn USD");
}

/// The rates in force on a day; nullptr before the first.
const AdministeredRates* rates_on(const Policy& policy, Date day) {
  const AdministeredRates* in_force = nullptr;
  for (const auto& rates : policy.administered_rates)
    if (rates.from <= day) in_force = &rates;
  return in_force;
}

void check_opening_against_rates(const Scenario& scenario, Findings& findings) {
  const auto* rates = rates_on(scenario.policy, scenario.window.start);
  if (rates == nullptr) return;
  const Spread floor = (rates->on_rrp - rates->iorb) * kBpPerPercent;
  const auto& market = scenario.market;
  if (market.opening_spread < floor - 1e-9)  // rates are decimals: their difference has rounding in it
    findings.warning("market.opening_spread",
                     "is below the ON RRP rate (" + rounded_text(floor) +
                         " bp over IORB): the need is 0, and the days after start from that floor");
  if (!market.mmf_cash) return;
  const Spread above = std::max(market.opening_spread - floor, 0.0);
  const Spread scale = scenario.model.at("money_funds.switching_scale");
  if (!(scale + above > 0.0)) return;
  const UsdBn unlent = *market.mmf_cash * scale / (scale + above);
  if (std::abs(unlent - scenario.fed_balance_sheet.on_rrp) > kOnRrpTolerance)
    findings.warning("fed_balance_sheet.on_rrp", "the opening spread leaves " + rounded_text(unlent) +
                                                     " bn USD of market.mmf_cash unlent, not " +
                                                     rounded_text(scenario.fed_balance_sheet.on_rrp) + " bn USD");
}

// ---------------------------------------------------------------- policy

void check_rates(const std::vector<AdministeredRates>& list, Findings& findings) {
  const std::string list_key = "policy.administered_rates";
  if (list.empty()) findings.error(list_key, "needs at least one entry");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto& rates = list[i];
    const std::string key = list_key + "[" + std::to_string(i) + "].";
    findings.rate(key + "iorb", rates.iorb);
    findings.rate(key + "on_rrp", rates.on_rrp);
    if (rates.on_rrp > rates.iorb)
      findings.error(key + "on_rrp", "must not be above iorb, " + number_text(rates.iorb) + " %, got " +
                                         number_text(rates.on_rrp) + " %");
    if (rates.target) {
      findings.rate(key + "target[0]", rates.target->low);
      findings.rate(key + "target[1]", rates.target->high);
      if (rates.target->low > rates.target->high)
        findings.error(key + "target", "the low end must not be above the high end");
    }
    if (i > 0 && rates.from <= list[i - 1].from)
      findings.error(key + "from", "must be later than that of the entry before, " + to_iso(list[i - 1].from));
  }
}

void check_dated_lists_cover(const Policy& policy, const Window& window, Findings& findings) {
  const auto check = [&](const std::string& key, const auto& list) {
    if (!list.empty() && list.front().from > window.start)
      findings.error(key + "[0].from", "the list must cover the window, which starts on " + to_iso(window.start));
  };
  check("policy.administered_rates", policy.administered_rates);
  check("policy.standing_repo.stigma", policy.standing_repo.stigma);
}

void check_standing_repo(const StandingRepo& facility, Findings& findings) {
  const std::string key = "policy.standing_repo.";
  if (facility.rate.over_iorb)
    findings.spread(key + "rate", facility.rate.spread);
  else
    findings.rate(key + "rate", facility.rate.rate);
  if (facility.cap == StandingRepo::Cap::amount) findings.amount(key + "cap", facility.cap_amount);
  for (std::size_t i = 0; i < facility.stigma.size(); ++i) {
    const std::string entry_key = key + "stigma[" + std::to_string(i) + "]";
    const bool is_list = facility.stigma[i].from != Date{};
    findings.range(is_list ? entry_key + ".stigma" : key + "stigma", facility.stigma[i].stigma, 0.0, kMaxSpread, "bp",
                   true);
    if (i > 0 && facility.stigma[i].from <= facility.stigma[i - 1].from)
      findings.error(entry_key + ".from",
                     "must be later than that of the entry before, " + to_iso(facility.stigma[i - 1].from));
  }
  if (!facility.am && !facility.pm) findings.error(key + "operations", "needs am, pm or both");
}

void check_standing_repo_rate(const Policy& policy, const Window& window, Findings& findings) {
  if (!policy.standing_repo.enabled) return;
  for (const auto& rates : policy.administered_rates) {
    const bool in_force =
        rates.from <= window.end && (rates.from >= window.start || &rates == rates_on(policy, window.start));
    if (in_force && policy.standing_repo.rate.over(rates.iorb) < -1e-9) {
      findings.warning("policy.standing_repo.rate",
                       "is below IORB (" + number_text(rates.iorb) + " % from " + to_iso(rates.from) + ")");
      return;
    }
  }
}

Period period_of(const RepoOperation& operation, const Window& window) {
  return {operation.from, operation.until.value_or(std::max(window.end, operation.from))};
}

/// Two entries that are in force on one day of the window. True: they are at odds.
bool check_operation_pair(const Policy& policy, std::size_t first, std::size_t second, const Window& window,
                          Findings& findings) {
  const auto& list = policy.repo_operations;
  const auto& a = list[first];
  const auto& b = list[second];
  const Period both = overlap(overlap(period_of(a, window), period_of(b, window)), {window.start, window.end});
  const auto day = first_open_day(both);
  if (!day) return false;
  const std::string key = item_key("policy.repo_operations", list, second);
  const std::string other = "\"" + a.id + "\"";
  if (a.am_trigger.has_value() == b.am_trigger.has_value()) {
    findings.error(
        key, std::string(a.am_trigger ? "two afternoon operations" : "two statements of the morning's size") + " on " +
                 to_iso(*day) + ", this and " + other + "; one is allowed");
    return true;
  }
  const auto* rates = rates_on(policy, *day);
  const Rate iorb = rates == nullptr ? 0.0 : rates->iorb;
  if (std::abs(a.minimum_bid.over(iorb) - b.minimum_bid.over(iorb)) <= 1e-9) return false;
  findings.error(key + ".minimum_bid",
                 "a day has one minimum bid: on " + to_iso(*day) + " it must be that of " + other);
  return true;
}

void check_operations(const Scenario& scenario, bool has_window, Findings& findings) {
  const auto& list = scenario.policy.repo_operations;
  const auto& window = scenario.window;
  check_ids("policy.repo_operations", list, findings);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto& operation = list[i];
    const std::string key = item_key("policy.repo_operations", list, i);
    findings.amount(key + ".size", operation.size);
    if (operation.minimum_bid.over_iorb)
      findings.spread(key + ".minimum_bid", operation.minimum_bid.spread);
    else
      findings.rate(key + ".minimum_bid", operation.minimum_bid.rate);
    if (operation.until && *operation.until < operation.from)
      findings.error(key + ".until", "must not be before from, " + to_iso(operation.from));
    if (!has_window) continue;
    const auto days = overlap(period_of(operation, window), {window.start, window.end});
    if (!first_open_day(days)) findings.warning(key, "has no publication day in the window: it never acts");
    for (std::size_t j = 0; j < i; ++j)
      if (check_operation_pair(scenario.policy, j, i, window, findings)) break;
  }
}

void check_meetings(const Policy& policy, Findings& findings) {
  for (std::size_t i = 0; i < policy.meetings.size(); ++i) {
    const std::string key = "policy.meetings[" + std::to_string(i) + "]";
    if (!is_publication_day(policy.meetings[i]))
      findings.error(key, to_iso(policy.meetings[i]) + " is not a publication day of SOFR; the nearest is " +
                              to_iso(nearest_open_day(policy.meetings[i])));
    if (i > 0 && policy.meetings[i] <= policy.meetings[i - 1])
      findings.error(key, "must be later than the meeting before, " + to_iso(policy.meetings[i - 1]));
  }
}

void check_rule_parameters(const PolicyRules& rules, Findings& findings) {
  const auto table = rule_parameters();
  for (std::size_t row = 0; row < table.size(); ++row) {
    const auto& spec = table[row];
    const std::string key = "policy.rules." + std::string(kRuleNames[static_cast<std::size_t>(spec.rule)]) + ".";
    findings.range(key + std::string(spec.key), rules[row], spec.low, spec.high, unit_text(spec.unit), false);
    if (spec.unit == Unit::business_days && rules[row] != std::floor(rules[row]))
      findings.error(key + std::string(spec.key), "must be a whole number of days, got " + number_text(rules[row]));
  }
}

/// The days of the window on which a rule may act.
Period period_of(const PolicyRule& rule, const Window& window) {
  return overlap({rule.from.value_or(window.start), rule.until.value_or(window.end)}, {window.start, window.end});
}

/// An emergency operation comes from an entry or from the rule, never from both on one day.
void check_emergency_repo(const Policy& policy, const Window& window, Findings& findings) {
  const auto& rule = policy.rules[Rule::emergency_repo];
  if (!rule.enabled) return;
  const auto& list = policy.repo_operations;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].am_trigger) continue;
    if (const auto day = first_open_day(overlap(period_of(list[i], window), period_of(rule, window))))
      findings.error("policy.rules.emergency_repo", "an afternoon operation behind a trigger is stated twice on " +
                                                        to_iso(*day) + ", here and in " +
                                                        item_key("policy.repo_operations", list, i) +
                                                        "; disable one, or give the rule from and until");
  }
}

/// What shifts IORB on a path moves with it what is quoted over IORB; rates quoted on their own would differ by path.
void check_rates_move_along(const Scenario& scenario, Findings& findings) {
  const Policy& policy = scenario.policy;
  const bool is_rule = policy.rules[Rule::administered_rates].enabled;
  const auto shock =
      std::ranges::find_if(scenario.shocks, [](const Shock& s) { return s.enabled && s.target == ShockTarget::iorb; });
  if (!is_rule && shock == scenario.shocks.end()) return;
  const std::string mover = is_rule ? "policy.rules.administered_rates" : "shocks." + shock->id;
  const std::string reason = "must be written over IORB (e.g. iorb + 10 bp) where " + mover + " moves it";
  if (policy.standing_repo.enabled && !policy.standing_repo.rate.over_iorb)
    findings.error("policy.standing_repo.rate", reason);
  for (std::size_t i = 0; i < policy.repo_operations.size(); ++i)
    if (!policy.repo_operations[i].minimum_bid.over_iorb)
      findings.error(item_key("policy.repo_operations", policy.repo_operations, i) + ".minimum_bid", reason);
}

void check_rules(const Scenario& scenario, bool has_window, Findings& findings) {
  const Policy& policy = scenario.policy;
  const Window& window = scenario.window;
  check_meetings(policy, findings);
  check_rule_parameters(policy.rules, findings);
  check_rates_move_along(scenario, findings);
  for (std::size_t k = 0; k < kRuleCount; ++k) {
    const auto id = static_cast<Rule>(k);
    const auto& rule = policy.rules[id];
    const std::string key = "policy.rules." + std::string(kRuleNames[k]);
    if (rule.from && rule.until && *rule.until < *rule.from)
      findings.error(key + ".until", "must not be before from, " + to_iso(*rule.from));
    if (!rule.enabled || !has_window) continue;
    const Period days = period_of(rule, window);
    if (!first_open_day(days)) findings.warning(key, "has no publication day in the window: it never acts");
    if (id != Rule::runoff_stop && id != Rule::administered_rates) continue;
    if (policy.meetings.empty())
      findings.error(key, "acts at meetings: policy.meetings must list their days");
    else if (std::ranges::none_of(policy.meetings, [&](Date day) {
               return day > days.first - std::chrono::days{1} && day <= days.last;
             }))
      findings.warning(key, "no meeting falls on its days: it never acts");
    if (id == Rule::runoff_stop && policy.runoff_per_month == 0.0)
      findings.warning(key, "policy.securities.runoff is 0: there is nothing to stop");
  }
  if (has_window) check_emergency_repo(policy, window, findings);
}

// ---------------------------------------------------------------- drivers

void check_drivers(const Scenario& scenario, Findings& findings) {
  const auto& tga = scenario.policy.tga;
  if (tga.target) findings.amount("policy.tga.target", *tga.target);
  findings.range("policy.tga.residual_sd", tga.residual_sd, 0.0, 1000.0, "bn USD", false);
  findings.range("policy.tga.pull", tga.pull, 0.0, 1.0, "/d", false);
  if (tga.by && *tga.by <= scenario.window.start)
    findings.error("policy.tga.by", "must be after the opening day, " + to_iso(scenario.window.start));
  if (tga.by && *tga.by > scenario.window.start + std::chrono::days{3660})
    findings.error("policy.tga.by", "must be within ten years of the opening day");

  const auto& s = scenario.drivers.settlements;
  const std::string coupons = "drivers.settlements.drawn.coupons.";
  findings.range(coupons + "mid_month", s.coupons_mid_month, -1000.0, 1000.0, "bn USD", false);
  findings.range(coupons + "month_end", s.coupons_month_end, -1000.0, 1000.0, "bn USD", false);
  findings.range(coupons + "sd", s.coupons_sd, 0.0, 1000.0, "bn USD", false);
  findings.range("drivers.settlements.drawn.bills.mean", s.bills_mean, -1000.0, 1000.0, "bn USD", false);
  findings.range("drivers.settlements.drawn.bills.sd", s.bills_sd, 0.0, 1000.0, "bn USD", false);
  const auto& v = scenario.drivers.volatility;
  const std::string volatility = "drivers.volatility.drawn.";
  findings.range(volatility + "level", v.level, 0.0, kMaxVolatility, "bp", false);
  findings.range(volatility + "half_life", v.half_life_days, 0.0, static_cast<double>(kMaxDays), "bd", true);
  findings.range(volatility + "sd", v.sd, 0.0, 0.5, "", false);
  findings.range(volatility + "jump.probability", v.jump_probability, 0.0, 1.0, "", false);
  findings.range(volatility + "jump.size", v.jump_size, 0.0, kMaxVolatility, "bp", false);
  findings.range(volatility + "jump.half_life", v.jump_half_life_days, 0.0, static_cast<double>(kMaxDays), "bd", true);
  findings.range("drivers.other_factors.drawn.sd", scenario.drivers.other_factors.sd, 0.0, 1000.0, "bn USD", false);
  findings.range("drivers.currency.growth", scenario.drivers.currency_growth_per_month, -1000.0, 1000.0,
                 "bn USD per month", false);

  const auto& list = scenario.drivers.correlation;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string key = "drivers.correlation[" + std::to_string(i) + "]";
    findings.range(key + ".rho", list[i].rho, -1.0, 1.0, "", false);
    if (list[i].first == list[i].second) {
      findings.error(key + ".between", "needs two different drivers");
      continue;
    }
    for (std::size_t j = 0; j < i; ++j)
      if ((list[i].first == list[j].first && list[i].second == list[j].second) ||
          (list[i].first == list[j].second && list[i].second == list[j].first)) {
        findings.error(key + ".between", "this pair is already in drivers.correlation[" + std::to_string(j) + "]");
        break;  // as below
      }
  }
  if (!scenario.series) return;
  for (const auto& column : scenario.series->columns)
    if (is_replaced_by_draws(scenario, column.name))
      findings.warning("series", "the column " + column.name + " has no effect: these flows are drawn");
}

// ---------------------------------------------------------------- shocks

constexpr std::size_t kMaxValues = 10'000;

void check_discrete(const std::string& key, const ShockSize& size, const std::string& unit, Findings& findings) {
  if (size.values.empty() || size.values.size() > kMaxValues)
    findings.error(key + ".values", "needs 1 to " + std::to_string(kMaxValues) + " values");
  for (std::size_t i = 0; i < size.values.size(); ++i)
    findings.range(key + ".values[" + std::to_string(i) + "]", size.values[i], -kMaxAmount, kMaxAmount, unit, false);
  if (!size.weights.empty() && !size.values.empty() && size.weights.size() != size.values.size())
    findings.error(key + ".weights", "must be as many as the values, " + std::to_string(size.values.size()) + ", got " +
                                         std::to_string(size.weights.size()));
  double sum = 0.0;
  for (std::size_t i = 0; i < size.weights.size(); ++i) {
    findings.range(key + ".weights[" + std::to_string(i) + "]", size.weights[i], 0.0, 1e9, "", false);
    sum += size.weights[i];
  }
  if (!size.weights.empty() && !(sum > 0.0)) findings.error(key + ".weights", "must not all be 0");
}

void check_size(const std::string& key, const Shock& shock, Findings& findings) {
  using Law = ShockSize::Law;
  const auto& size = shock.size;
  const std::string unit(unit_text(shock_unit(shock.target)));
  const auto check = [&](const std::string& below, double value, double low, bool low_is_open = false) {
    findings.range(key + below, value, low, kMaxAmount, unit, low_is_open);
  };
  switch (size.law) {
    case Law::constant:
      check("", size.location, -kMaxAmount);
      break;
    case Law::normal:
      check(".normal.mean", size.location, -kMaxAmount);
      check(".normal.sd", size.scale, 0.0);
      break;
    case Law::lognormal:
      check(".lognormal.median", size.location, 0.0, true);
      findings.range(key + ".lognormal.sd", size.scale, 0.0, 5.0, "", false);
      break;
    case Law::student_t:
      check(".student_t.mean", size.location, -kMaxAmount);
      check(".student_t.scale", size.scale, 0.0);
      findings.range(key + ".student_t.df", size.degrees_of_freedom, 2.0, 1000.0, "", true);
      break;
    case Law::uniform:
      check(".uniform.low", size.location, -kMaxAmount);
      check(".uniform.high", size.scale, -kMaxAmount);
      if (size.scale < size.location) findings.error(key + ".uniform.high", "must not be below low");
      break;
    case Law::discrete:
      check_discrete(key + ".discrete", size, unit, findings);
      break;
    case Law::empirical:
      if (size.file.empty()) findings.error(key + ".empirical.file", "must be the path of a CSV file");
      for (const double value : size.values)
        if (!(std::abs(value) <= kMaxAmount)) {
          findings.error(key + ".empirical.column", "has a value beyond " + number_text(kMaxAmount) + " " + unit);
          break;
        }
      break;
  }
  if (size.clip_low && size.clip_high && *size.clip_low > *size.clip_high)
    findings.error(key + ".clip", "the least size must not be above the largest");
}

void check_shape(const std::string& key, const Shock& shock, Findings& findings) {
  if (shock.shape == ShockShape::ramp && is_level(shock.target))
    findings.error(
        key, "a ramp lays a flow over days; this target is a level: allowed are step and {pulse: {half_life: 1 bd}}");
  else if (shock.shape == ShockShape::ramp && !shock.has_window)
    findings.error(key, "a ramp needs a window of days, not a date");
  if (shock.shape == ShockShape::level && is_level(shock.target))
    findings.error(key,
                   "a level raises a flow and takes it back after the window; this target is a level itself: step");
  if (shock.shape == ShockShape::path) {
    if (shock.shares.empty() || shock.shares.size() > static_cast<std::size_t>(kMaxDays))
      findings.error(key + ".path", "needs 1 to " + std::to_string(kMaxDays) + " shares of the size, one a day");
    for (std::size_t i = 0; i < shock.shares.size(); ++i)
      findings.range(key + ".path[" + std::to_string(i) + "]", shock.shares[i], -1000.0, 1000.0, "", false);
    if (shock.has_window) findings.error(key, "an explicit path has its own length: give it a date, not a window");
  }
  if (shock.shape != ShockShape::pulse) return;
  if (!is_level(shock.target))
    findings.error(key,
                   "a pulse is a level that fades; this target is a flow: allowed are step and, over a window, ramp");
  findings.range(key + ".pulse.half_life", shock.half_life_days, 0.0, static_cast<double>(kMaxDays), "bd", true);
}

std::string days_text(const Shock& shock) {
  return to_iso(shock.first) + (shock.last > shock.first ? " to " + to_iso(shock.last) : "");
}

void check_shock_days(const std::string& key, const Shock& shock, const Window& window, Findings& findings) {
  const std::string where = key + (shock.has_window ? ".window" : ".date");
  const bool stays = stays_from_its_date(shock.target) && !shock.has_window && !shock.has_random_date;
  const Period days{shock.first, stays ? std::max(window.end, shock.first) : shock.last};
  const Period simulated{window.start + std::chrono::days{1}, window.end};
  if (first_open_day(overlap(days, simulated))) return;
  if (shock.first > window.end || days.last < window.start)
    findings.warning(where, days_text(shock) + " lies outside the window, " + to_iso(window.start) + " to " +
                                to_iso(window.end) + ": the shock can never fire");
  else if (!first_open_day(days))
    findings.warning(where, "has no publication day: the shock can never fire");
  else
    findings.warning(where, "falls on the opening day, which is given: the shock can never fire");
}

void check_shocks(const Scenario& scenario, bool has_window, Findings& findings) {
  check_ids("shocks", scenario.shocks, findings);
  for (std::size_t i = 0; i < scenario.shocks.size(); ++i) {
    const auto& shock = scenario.shocks[i];
    const std::string key = item_key("shocks", scenario.shocks, i);
    check_size(key + ".size", shock, findings);
    check_shape(key + ".shape", shock, findings);
    findings.range(key + ".probability", shock.probability, 0.0, 1.0, "", false);
    if (shock.first > shock.last)
      findings.error(key + (shock.has_random_date ? ".date" : ".window"), "the first day must not be after the last");
    else if (has_window && shock.enabled)
      check_shock_days(key, shock, scenario.window, findings);
  }
}

void check_correlation(const Scenario& scenario, Findings& findings) {
  const auto& list = scenario.correlation;
  const auto same_pair = [](const ShockCorrelation& a, const ShockCorrelation& b) {
    return (a.first == b.first && a.second == b.second) || (a.first == b.second && a.second == b.first);
  };
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string key = "correlation[" + std::to_string(i) + "]";
    findings.range(key + ".rho", list[i].rho, -1.0, 1.0, "", false);
    for (const auto& [end, id] : {std::pair{"[0]", list[i].first}, std::pair{"[1]", list[i].second}}) {
      const auto shock = std::ranges::find(scenario.shocks, id, &Shock::id);
      if (shock == scenario.shocks.end())
        findings.error(key + ".between" + end, "no shock has the id \"" + id + "\"");
      else if (!shock->size.is_random())
        findings.error(key + ".between" + end,
                       "the shock \"" + id + "\" has a constant size: only random sizes can be correlated");
    }
    if (list[i].first == list[i].second) findings.error(key + ".between", "needs two different shocks");
    for (std::size_t j = 0; j < i; ++j)
      if (same_pair(list[i], list[j])) {
        findings.error(key + ".between", "this pair is already in correlation[" + std::to_string(j) + "]");
        break;  // else a thousand times the same pair are half a million complaints
      }
  }
}

// ---------------------------------------------------------------- series

bool has_nonzero(const SeriesColumn* column) {
  return column != nullptr &&
         std::ranges::any_of(column->values, [](const auto& value) { return value.value_or(0.0) != 0.0; });
}

void check_series_use(const Scenario& scenario, Findings& findings) {
  constexpr std::string_view kOffered = "repo_operation_offered_usd_bn";
  const auto& operations = scenario.policy.repo_operations;
  const auto* offered = scenario.series ? scenario.series->find(kOffered) : nullptr;
  for (std::size_t i = 0; i < operations.size(); ++i)
    if (operations[i].from_series && offered == nullptr)
      findings.error(item_key("policy.repo_operations", operations, i) + ".size",
                     "the series has no column " + std::string(kOffered));
  if (!scenario.series) {
    const auto& drivers = scenario.drivers;
    if (!scenario.policy.tga.target && !drivers.settlements.is_drawn && !drivers.other_factors.is_drawn)
      findings.warning("series", "no series is named and nothing is drawn: every daily flow is 0");
    return;
  }
  if (has_nonzero(offered) && std::ranges::none_of(operations, &RepoOperation::from_series))
    findings.warning("series", "the series offers repo operations (" + std::string(kOffered) +
                                   "), but no entry of policy.repo_operations has size: series");
  const auto& policy = scenario.policy;
  if (has_nonzero(scenario.series->find("securities_change_usd_bn")) &&
      (policy.runoff_per_month != 0.0 || policy.reserve_management_purchases_per_month != 0.0))
    findings.warning("policy.securities", "the series states the change of securities; this pace is added to it");
}

void check_series_opening(const Scenario& scenario, Findings& findings) {
  if (!scenario.series) return;
  const auto& sheet = scenario.fed_balance_sheet;
  if (const auto* tga = scenario.series->find("tga_usd_bn")) {
    const auto first = std::ranges::find_if(tga->values, [](const auto& value) { return value.has_value(); });
    if (first != tga->values.end() && std::abs(**first - sheet.tga) > kTgaTolerance)
      findings.warning("fed_balance_sheet.tga", "the first tga_usd_bn of the series is " + rounded_text(**first) +
                                                    " bn USD, the opening " + rounded_text(sheet.tga) + " bn USD");
  }
  // Later observations of reserves have moved with the days between, so only one of the opening day says something.
  const auto* reserves = scenario.series->find("reserves_usd_bn");
  const auto observed = reserves == nullptr || reserves->values.empty() ? std::nullopt : reserves->values.front();
  if (observed && std::abs(*observed - sheet.reserves) > kReservesTolerance)
    findings.warning("fed_balance_sheet.reserves", "the series observes " + rounded_text(*observed) +
                                                       " bn USD on the opening day, the opening sheet has " +
                                                       rounded_text(sheet.reserves) + " bn USD");
}

// ---------------------------------------------------------------- run and output

template <class T>
void check_increasing(const std::string& key, const std::vector<T>& values, Findings& findings) {
  if (values.empty()) findings.error(key, "needs at least one value");
  for (std::size_t i = 1; i < values.size(); ++i)
    if (!(values[i] > values[i - 1])) findings.error(key + "[" + std::to_string(i) + "]", "the values must increase");
}

void check_output(const Output& output, Findings& findings) {
  check_increasing("output.quantiles", output.quantiles, findings);
  for (std::size_t i = 0; i < output.quantiles.size(); ++i)
    if (!(output.quantiles[i] > 0.0 && output.quantiles[i] < 1.0))
      findings.error("output.quantiles[" + std::to_string(i) + "]", "must be above 0 % and below 100 %");
  check_increasing("output.thresholds", output.thresholds, findings);
  for (std::size_t i = 0; i < output.thresholds.size(); ++i)
    findings.spread("output.thresholds[" + std::to_string(i) + "]", output.thresholds[i]);
  if (output.variables.empty()) findings.error("output.variables", "needs at least one variable");
  for (std::size_t i = 0; i < output.variables.size(); ++i)
    if (std::ranges::find(output.variables, output.variables[i]) - output.variables.begin() <
        static_cast<std::ptrdiff_t>(i))
      findings.error("output.variables[" + std::to_string(i) + "]", "is given twice");
  findings.range("output.precision.rates", output.rate_precision_bp, 0.0, 100.0, "bp", false);
  findings.range("output.precision.amounts", output.amount_precision_usd_bn, 0.0, 100.0, "bn USD", false);
}

// ---------------------------------------------------------------- expectations

void check_expected_day(const std::string& key, Date date, const Window& window, Findings& findings) {
  if (!is_publication_day(date))
    findings.error(
        key, to_iso(date) + " is not a publication day of SOFR; the nearest is " + to_iso(nearest_open_day(date)));
  else if (date == window.start)
    findings.error(key, to_iso(date) + " is the opening day, which is given: nothing can be expected of it");
  else if (date < window.start || date > window.end)
    findings.error(key,
                   to_iso(date) + " lies outside the window, " + to_iso(window.start) + " to " + to_iso(window.end));
}

void check_switches(const Scenario& scenario, Findings& findings) {
  check_ids("switches", scenario.switches, findings);
  for (std::size_t i = 0; i < scenario.switches.size(); ++i) {
    const std::string key = item_key("switches", scenario.switches, i);
    const auto same = std::ranges::find(scenario.shocks, scenario.switches[i].id, &Shock::id);
    if (same != scenario.shocks.end()) findings.error(key + ".id", "is also the id of a shock");
  }
}

void check_metrics(const Scenario& scenario, bool has_window, Findings& findings) {
  check_ids("metrics", scenario.metrics, findings);
  for (std::size_t i = 0; i < scenario.metrics.size(); ++i) {
    const auto& metric = scenario.metrics[i];
    const std::string key = item_key("metrics", scenario.metrics, i);
    if (metric.id.empty()) findings.error(key + ".id", "must not be empty");
    const auto checked = check_metric(metric.expr);
    auto errors = checked.errors;
    if (checked.form && has_window) errors = check_in_world(checked.form->per_path, expression_world(scenario));
    for (const auto& error : errors)
      findings.error(key + ".expr", error.reason + " (character " + std::to_string(error.offset + 1) + ")");
    if (checked.form && !metric.unit.empty() && !find_unit(checked.form->dimension, metric.unit))
      findings.error(key + ".unit", "must be " + list_units(checked.form->dimension));
  }
}

void check_expected_metric(const std::string& key, const Expectation& expectation, const Scenario& scenario,
                           Findings& findings) {
  if (std::ranges::find(scenario.metrics, expectation.metric, &Metric::id) == scenario.metrics.end())
    findings.error(key + ".metric", "no metric has the id \"" + expectation.metric + "\"");
  if (!std::isfinite(expectation.low) || !std::isfinite(expectation.high) || expectation.low > expectation.high)
    findings.error(key + ".between", "the first bound must not be above the second");
}

void check_expectations(const Scenario& scenario, bool has_window, Findings& findings) {
  for (std::size_t i = 0; i < scenario.expect.size(); ++i) {
    const std::string key = "expect[" + std::to_string(i) + "]";
    const auto& expectation = scenario.expect[i];
    if (!expectation.metric.empty()) {
      check_expected_metric(key, expectation, scenario, findings);
      continue;
    }
    if (has_window) check_expected_day(key + ".date", expectation.date, scenario.window, findings);
    if (!std::isfinite(expectation.observed)) findings.error(key + ".observed", "must be a number");
    findings.range(key + ".within[0]", expectation.low, 0.0, 1.0, "", false);
    findings.range(key + ".within[1]", expectation.high, 0.0, 1.0, "", false);
    if (expectation.low >= expectation.high)
      findings.error(key + ".within", "the first share of paths must be below the second, e.g. [5 %, 95 %]");
  }
}

void check_transmission(const Transmission& transmission, Findings& findings) {
  bool has_target = false;
  for (std::size_t k = 0; k < kTransmissionTargets.size(); ++k) {
    const auto& stated = transmission.targets[k];
    if (!stated) continue;
    has_target = true;
    const std::string key = "transmission." + std::string(kTransmissionTargets[k].key);
    findings.range(key + ".range[0]", stated->low, -1000.0, 1000.0, "", false);
    findings.range(key + ".range[1]", stated->high, -1000.0, 1000.0, "", false);
    if (!(stated->low <= stated->coefficient && stated->coefficient <= stated->high))
      findings.error(key + ".coefficient", "must lie in its range, " + number_text(stated->low) + " to " +
                                               number_text(stated->high) + ", got " + number_text(stated->coefficient));
  }
  if (transmission.enabled && !has_target)
    findings.error("transmission",
                   "declares no coefficient, e.g. high_yield_spread: {coefficient: 0.4, range: [0.1, 0.8]}");
}

void check_stop(const StopRule& stop, const Scenario& scenario, Findings& findings) {
  const std::string key = "simulate.stop.";
  if (std::ranges::find(scenario.metrics, stop.metric, &Metric::id) == scenario.metrics.end())
    findings.error(key + "metric", "no metric has the id \"" + stop.metric + "\"");
  if (!std::isfinite(stop.half_width) || stop.half_width <= 0.0)
    findings.error(key + "half_width", "must be above 0, got " + number_text(stop.half_width));
  const std::uint64_t most = scenario.simulate.most_paths();
  if (stop.max_paths && (most < 1 || most > kMaxPaths))
    findings.error(key + "max_paths", "must be a whole number from 1 to " + std::to_string(kMaxPaths));
  if (stop.min_paths && *stop.min_paths > most)
    findings.error(key + "min_paths", "must not be above the number of paths at most, " + std::to_string(most) +
                                          ", got " + std::to_string(*stop.min_paths));
}

void check_stored_paths(const Scenario& scenario, bool has_window, Findings& findings) {
  const StoredPaths& stored = scenario.output.paths;
  if (stored.all || stored.worst == 0) return;
  if (stored.worst > kMaxWorstPaths)
    findings.error("output.paths.worst.count", "must be at most " + std::to_string(kMaxWorstPaths));
  const auto checked = check_path_expression(stored.worst_by);
  auto errors = checked.errors;
  if (checked.tree && has_window) errors = check_in_world(*checked.tree, expression_world(scenario));
  for (const auto& error : errors)
    findings.error("output.paths.worst.by", error.reason + " (character " + std::to_string(error.offset + 1) + ")");
}

void check_sampling(const Simulate& simulate, Findings& findings) {
  const auto scrambles = simulate.scrambles;
  const bool is_known = std::has_single_bit(scrambles) && scrambles >= Simulate::kFewestScrambles &&
                        scrambles <= Simulate::kMostScrambles;
  if (!is_known)
    findings.error("simulate.scrambles", "must be 4, 8, 16, 32, 64 or 128, got " + std::to_string(scrambles));
  if (simulate.sampler != Sampler::sobol) return;
  if (simulate.antithetic)
    findings.error("simulate.antithetic",
                   "does not go with sampler sobol: the points of a net complement each other already; allowed: false");
  const std::uint64_t paths = simulate.most_paths();
  if (!is_known || simulate.stop || (paths % scrambles == 0 && std::has_single_bit(paths / scrambles))) return;
  const std::uint64_t above = std::uint64_t{scrambles} * std::bit_ceil(paths / scrambles + 1);
  const std::string less = paths < scrambles ? "" : std::to_string(above / 2) + " or ";
  findings.warning("simulate.paths", "a net is most even with 2^k points, here with " + less + std::to_string(above) +
                                         " paths for " + std::to_string(scrambles) + " scrambles, got " +
                                         std::to_string(paths));
}

void check_simulate(const Simulate& simulate, Findings& findings) {
  if (simulate.paths < 1 || simulate.paths > kMaxPaths)
    findings.error("simulate.paths", "must be a whole number from 1 to " + std::to_string(kMaxPaths) + ", got " +
                                         std::to_string(simulate.paths));
  findings.range("simulate.max_flagged", simulate.max_flagged, 0.0, 1.0, "", false);
  check_sampling(simulate, findings);
}

}  // namespace

std::vector<Issue> validate(const Scenario& scenario) {
  Findings findings;
  const bool has_window = check_window(scenario.window, findings);
  check_market(scenario.market, findings);
  check_sheet(scenario.fed_balance_sheet, findings);
  check_rates(scenario.policy.administered_rates, findings);
  check_standing_repo(scenario.policy.standing_repo, findings);
  findings.amount("policy.securities.runoff", scenario.policy.runoff_per_month);
  findings.amount("policy.securities.reserve_management_purchases",
                  scenario.policy.reserve_management_purchases_per_month);
  findings.amount("basis_trade.position", scenario.basis_trade.position);
  check_operations(scenario, has_window, findings);
  check_rules(scenario, has_window, findings);
  check_drivers(scenario, findings);
  check_shocks(scenario, has_window, findings);
  check_correlation(scenario, findings);
  findings.add(validate(scenario.model));
  check_series_use(scenario, findings);
  check_series_opening(scenario, findings);
  if (has_window) {
    check_dated_lists_cover(scenario.policy, scenario.window, findings);
    check_standing_repo_rate(scenario.policy, scenario.window, findings);
    check_opening_against_rates(scenario, findings);
  }
  check_transmission(scenario.transmission, findings);
  check_simulate(scenario.simulate, findings);
  check_output(scenario.output, findings);
  check_switches(scenario, findings);
  check_metrics(scenario, has_window, findings);
  if (scenario.simulate.stop) check_stop(*scenario.simulate.stop, scenario, findings);
  check_stored_paths(scenario, has_window, findings);
  check_expectations(scenario, has_window, findings);
  return findings.take();
}

}  // namespace repoquake::scenario
