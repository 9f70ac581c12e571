#include "io/scenario_reader.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "io/request_reader.hpp"
#include "repoquake/io/scenario_yaml.hpp"

namespace repoquake::io {
namespace {

using scenario::Scenario;
using scenario::Unit;
using Names = std::vector<std::string>;

constexpr auto kRequired = Presence::required;

const std::string kExampleDate = "e.g. date: 2019-09-16";

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// ---------------------------------------------------------------- the file itself

void read_window(const Value& map, scenario::Window& window) {
  MapReader r(map);
  DateFrame& dates = map.reading().dates;
  dates = {};
  if (r.date("start", window.start, kRequired)) dates.start = window.start;  // the end may count from the start
  if (r.date("end", window.end, kRequired)) dates.end = window.end;
  r.finish();
}

std::optional<SeriesReference> read_series_reference(const Value& map) {
  if (map.node().is_scalar()) {
    map.refuse("must be a map", "write {file: " + map.node().text + "}");
    return std::nullopt;
  }
  MapReader r(map);
  SeriesReference reference;
  const auto file = r.take("file", kRequired);
  const auto path = file ? file->text() : std::nullopt;
  if (path) reference = {.file = *path, .file_mark = file->node().mark, .sha256 = {}, .sha256_mark = {}};
  if (const auto sha256 = r.take("sha256")) {
    auto digest = sha256->text();
    if (digest)
      std::ranges::transform(*digest, digest->begin(),
                             [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
    if (digest && (digest->size() != 64 || digest->find_first_not_of("0123456789abcdef") != digest->npos)) {
      sha256->refuse("must be 64 hex digits");
    } else {
      reference.sha256 = digest;
      reference.sha256_mark = sha256->node().mark;
    }
  }
  r.finish();
  if (!path) return std::nullopt;
  return reference;
}

// ---------------------------------------------------------------- the opening

void read_need(const Value& need, scenario::Market& market) {
  if (need.is("invert")) {
    market.need = scenario::NeedRule::invert;
  } else if (need.is("hold")) {
    market.need = scenario::NeedRule::hold;
  } else if (need.node().is_scalar() && need.node().text.find_first_of("0123456789") == std::string::npos) {
    const Names words{"invert", "hold"};
    need.refuse("must be invert, hold or an amount of money, got \"" + need.node().text.substr(0, 40) + "\"" +
                did_you_mean(need.node().text, words));
  } else if (const auto amount = need.quantity(Unit::usd_bn)) {
    market.need = scenario::NeedRule::amount;
    market.need_amount = *amount;
  }
}

void read_market(const Value& map, scenario::Market& market) {
  MapReader r(map);
  r.quantity("repo_volume", Unit::usd_bn, market.repo_volume, kRequired);
  r.quantity("bank_assets", Unit::usd_bn, market.bank_assets, kRequired);
  r.quantity("opening_spread", Unit::bp, market.opening_spread, kRequired);
  r.quantity("trend_spread", Unit::bp, market.trend_spread);
  if (const auto need = r.take("need")) read_need(*need, market);
  r.quantity("mmf_cash", Unit::usd_bn, market.mmf_cash);
  r.quantity("treasury_volatility", Unit::bp, market.treasury_volatility, kRequired);
  r.quantity("gdp", Unit::usd_bn, market.gdp);
  r.quantity("m2", Unit::usd_bn, market.m2);
  r.finish();
}

void read_fed_balance_sheet(const Value& map, scenario::FedBalanceSheet& sheet) {
  MapReader r(map);
  r.quantity("securities", Unit::usd_bn, sheet.securities, kRequired);
  r.quantity("repo_operations", Unit::usd_bn, sheet.repo_operations);
  r.quantity("standing_repo", Unit::usd_bn, sheet.standing_repo);
  r.quantity("reserves", Unit::usd_bn, sheet.reserves, kRequired);
  r.quantity("tga", Unit::usd_bn, sheet.tga, kRequired);
  r.quantity("on_rrp", Unit::usd_bn, sheet.on_rrp, kRequired);
  r.quantity("foreign_rrp", Unit::usd_bn, sheet.foreign_rrp, kRequired);
  r.quantity("currency", Unit::usd_bn, sheet.currency, kRequired);
  r.quantity("other_liabilities", Unit::usd_bn, sheet.other_liabilities, kRequired);
  r.finish();
}

// ---------------------------------------------------------------- policy

scenario::AdministeredRates read_rates(const Value& map) {
  MapReader r(map);
  scenario::AdministeredRates rates;
  r.date("from", rates.from, kRequired);
  const bool has_iorb = r.quantity("iorb", Unit::percent, rates.iorb, kRequired);
  const bool has_on_rrp = r.quantity("on_rrp", Unit::percent, rates.on_rrp, kRequired);
  if (const auto target = r.take("target")) {
    if (const auto ends = target->quantities(Unit::percent)) {
      if (ends->size() == 2)
        rates.target = {.low = ends->front(), .high = ends->back()};
      else
        target->refuse("must be the low and the high end, e.g. [2.00 %, 2.25 %]");
    }
  }
  r.finish();
  // A missing rate must not bring a second complaint, about its relation to the other.
  if (!has_iorb) rates.iorb = rates.on_rrp;
  if (!has_on_rrp) rates.on_rrp = rates.iorb;
  return rates;
}

std::vector<scenario::DatedStigma> read_stigma(const Value& stigma) {
  std::vector<scenario::DatedStigma> dated;
  if (!stigma.node().is_list()) {
    if (const auto spread = stigma.quantity(Unit::bp)) dated.push_back({.from = {}, .stigma = *spread});
    return dated;
  }
  for (const auto& item : stigma.items().value_or(std::vector<Value>{})) {
    MapReader r(item);
    scenario::DatedStigma entry;
    r.date("from", entry.from, kRequired);
    r.quantity("stigma", Unit::bp, entry.stigma, kRequired);
    r.finish();
    dated.push_back(entry);
  }
  return dated;
}

void read_standing_repo_sessions(const Value& list, scenario::StandingRepo& facility) {
  const auto sessions = list.items();
  if (!sessions) return;
  if (sessions->empty()) list.refuse("needs am, pm or both; without operations write enabled: false");
  facility.am = facility.pm = false;
  for (const auto& session : *sessions) {
    const auto which = session.choice(Names{"am", "pm"});
    if (!which) continue;
    bool& is_on = *which == 0 ? facility.am : facility.pm;
    if (is_on) session.refuse("is given twice");
    is_on = true;
  }
}

void read_standing_repo(const Value& map, scenario::StandingRepo& facility) {
  MapReader r(map);
  r.flag("enabled", facility.enabled);
  if (const auto rate = r.take("rate")) facility.rate = rate->quoted_rate().value_or(facility.rate);
  if (const auto cap = r.take("cap")) {
    if (cap->is("none")) {
      facility.cap = scenario::StandingRepo::Cap::none;
    } else if (const auto amount = cap->quantity(Unit::usd_bn)) {
      facility.cap = scenario::StandingRepo::Cap::amount;
      facility.cap_amount = *amount;
    }
  }
  if (const auto stigma = r.take("stigma")) facility.stigma = read_stigma(*stigma);
  if (const auto operations = r.take("operations")) read_standing_repo_sessions(*operations, facility);
  r.finish();
}

void read_operation_days(MapReader& r, const Value& map, scenario::RepoOperation& operation) {
  const auto date = r.take("date");
  const auto from = r.take("from");
  const auto until = r.take("until");
  if (date && (from || until)) {
    date->refuse("date stands for one day, from and until for a period; give one of them",
                 "null removes an inherited key");
  } else if (!date && !from && map.reading().is_complete) {
    map.reading().diagnostics.error(map.key_mark(), map.key(), "needs a date, or from (and until)");
  }
  if (date) {
    operation.from = date->date().value_or(scenario::Date{});
    operation.until = operation.from;
  }
  if (from) operation.from = from->date().value_or(scenario::Date{});
  if (until) operation.until = until->date();
}

scenario::RepoOperation read_repo_operation(const Value& map) {
  MapReader r(map);
  scenario::RepoOperation operation;
  if (const auto id = r.take("id", kRequired)) operation.id = id->id().value_or("");
  read_operation_days(r, map, operation);
  if (const auto when = r.take("when")) operation.am_trigger = when->am_trigger();
  if (const auto size = r.take("size", kRequired)) {
    operation.from_series = size->is("series");
    if (operation.from_series && operation.am_trigger)
      size->refuse("an afternoon operation (with when) has a fixed size", "write it like \"53 bn USD\"");
    else if (!operation.from_series)
      operation.size = size->quantity(Unit::usd_bn).value_or(0.0);
  }
  if (const auto bid = r.take("minimum_bid"))
    operation.minimum_bid = bid->quoted_rate().value_or(operation.minimum_bid);
  r.finish();
  return operation;
}

void read_rule(MapReader& rules, scenario::Rule rule, scenario::PolicyRules& all) {
  const auto map = rules.take(std::string(scenario::kRuleNames[static_cast<std::size_t>(rule)]));
  if (!map) return;
  MapReader r(*map);
  all[rule].enabled = true;  // a rule that is written down is on, unless it says otherwise
  r.flag("enabled", all[rule].enabled);
  r.date("from", all[rule].from);
  r.date("until", all[rule].until);
  const auto table = scenario::rule_parameters();
  for (std::size_t row = 0; row < table.size(); ++row) {
    double value = 0.0;
    if (table[row].rule == rule && r.quantity(std::string(table[row].key), table[row].unit, value)) all.set(row, value);
  }
  r.finish();
}

void read_tga_policy(const Value& map, scenario::TgaPolicy& tga) {
  MapReader r(map);
  const auto follow = r.take("follow");
  if (follow) (void)follow->choice(Names{"series"});
  const auto target = r.take("target");
  if (target) tga.target = target->quantity(Unit::usd_bn);
  r.date("by", tga.by);
  const auto seasonality = r.take("seasonality");
  if (seasonality) tga.has_seasonality = seasonality->choice(Names{"typical", "none"}) != 1U;
  const bool has_sd = r.quantity("residual_sd", Unit::usd_bn, tga.residual_sd);
  const bool has_pull = r.quantity("pull", Unit::per_day, tga.pull);
  r.finish();
  if (follow && target)
    follow->refuse("the account follows the series or goes to a target; give one of them",
                   "null removes an inherited key");
  if (!target && !follow && (tga.by || seasonality || has_sd || has_pull) && map.reading().is_complete)
    map.reading().diagnostics.error(map.key_mark(), map.key(), "needs a target: without one nothing is drawn",
                                    "e.g. target: 850 bn USD");
}

void read_policy(const Value& map, scenario::Policy& policy) {
  MapReader r(map);
  if (const auto rates = r.take("administered_rates", kRequired))
    for (const auto& item : rates->items().value_or(std::vector<Value>{}))
      policy.administered_rates.push_back(read_rates(item));
  read_standing_repo(r.take_map("standing_repo"), policy.standing_repo);
  if (const auto operations = r.take("repo_operations"))
    for (const auto& item : operations->items().value_or(std::vector<Value>{}))
      policy.repo_operations.push_back(read_repo_operation(item));

  MapReader securities(r.take_map("securities"));
  securities.quantity("runoff", Unit::usd_bn_month, policy.runoff_per_month);
  securities.quantity("reserve_management_purchases", Unit::usd_bn_month,
                      policy.reserve_management_purchases_per_month);
  securities.finish();

  read_tga_policy(r.take_map("tga"), policy.tga);
  if (const auto meetings = r.take("meetings"))
    for (const auto& item : meetings->items().value_or(std::vector<Value>{}))
      if (const auto date = item.date()) policy.meetings.push_back(*date);

  MapReader rules(r.take_map("rules"));
  for (std::size_t k = 0; k < scenario::kRuleCount; ++k) read_rule(rules, static_cast<scenario::Rule>(k), policy.rules);
  rules.finish();
  r.finish();
}

/// True: the driver is drawn; `parameters` is its map, empty where it has none.
bool read_drawn(MapReader& drivers, const std::string& key, const std::function<void(MapReader&)>& read) {
  const auto driver = drivers.take(key);
  if (!driver) return false;
  if (!driver->node().is_map()) return driver->choice(Names{"series", "drawn", "{drawn: {...}}"}) == 1U;
  MapReader r(*driver);
  const auto drawn = r.take("drawn", kRequired);
  r.finish();
  if (!drawn) return false;
  MapReader parameters(*drawn);
  read(parameters);
  parameters.finish();
  return true;
}

const Names kDrivers{"tga", "coupons", "bills", "other_factors", "volatility"};  // in the order of scenario::Driver

scenario::DriverCorrelation read_driver_correlation(const Value& map) {
  MapReader r(map);
  scenario::DriverCorrelation correlation;
  if (const auto between = r.take("between", kRequired)) {
    const auto names = between->items();
    if (names && names->size() == 2) {
      const auto first = (*names)[0].choice(kDrivers);
      const auto second = (*names)[1].choice(kDrivers);
      if (first) correlation.first = static_cast<scenario::Driver>(*first);
      if (second) correlation.second = static_cast<scenario::Driver>(*second);
    } else if (names) {
      between->refuse("must be two drivers");
    }
  }
  r.quantity("rho", Unit::none, correlation.rho, kRequired);
  r.finish();
  return correlation;
}

void read_drivers(const Value& map, scenario::Drivers& drivers) {
  MapReader r(map);
  auto& s = drivers.settlements;
  s.is_drawn = read_drawn(r, "settlements", [&](MapReader& p) {
    MapReader coupons(p.take_map("coupons"));
    coupons.quantity("mid_month", Unit::usd_bn, s.coupons_mid_month);
    coupons.quantity("month_end", Unit::usd_bn, s.coupons_month_end);
    coupons.quantity("sd", Unit::usd_bn, s.coupons_sd);
    coupons.finish();
    MapReader bills(p.take_map("bills"));
    bills.quantity("mean", Unit::usd_bn, s.bills_mean);
    bills.quantity("sd", Unit::usd_bn, s.bills_sd);
    bills.finish();
  });
  auto& v = drivers.volatility;
  v.is_drawn = read_drawn(r, "volatility", [&](MapReader& p) {
    p.quantity("level", Unit::bp, v.level);
    p.quantity("half_life", Unit::business_days, v.half_life_days);
    p.quantity("sd", Unit::none, v.sd);
    MapReader jump(p.take_map("jump"));
    jump.quantity("probability", Unit::none, v.jump_probability);
    jump.quantity("size", Unit::bp, v.jump_size);
    jump.quantity("half_life", Unit::business_days, v.jump_half_life_days);
    jump.finish();
  });
  auto& f = drivers.other_factors;
  f.is_drawn = read_drawn(r, "other_factors", [&](MapReader& p) { p.quantity("sd", Unit::usd_bn, f.sd); });
  MapReader currency(r.take_map("currency"));
  currency.quantity("growth", Unit::usd_bn_month, drivers.currency_growth_per_month);
  currency.finish();
  if (const auto correlation = r.take("correlation"))
    for (const auto& item : correlation->items().value_or(std::vector<Value>{}))
      drivers.correlation.push_back(read_driver_correlation(item));
  r.finish();
}

void read_basis_trade(const Value& map, scenario::BasisTrade& trade) {
  MapReader r(map);
  r.quantity("position", Unit::usd_bn, trade.position, kRequired);
  r.finish();
}

// ---------------------------------------------------------------- shocks

/// In the order of scenario::ShockTarget.
const Names kTargets{
    "tga",       "reserves",    "currency",     "foreign_rrp", "mmf_cash",        "other_treasury_sales",
    "yield",     "repo_demand", "volatility",   "iorb",        "dealer_capacity", "net_coupons",
    "net_bills", "securities",  "fed_purchases"};

void read_law(const Value& map, const std::string& law, Unit unit, scenario::ShockSize& size) {
  using Law = scenario::ShockSize::Law;
  MapReader r(map);
  if (law == "normal") {
    size.law = Law::normal;
    r.quantity("mean", unit, size.location, kRequired);
    r.quantity("sd", unit, size.scale, kRequired);
  } else if (law == "lognormal") {
    size.law = Law::lognormal;
    r.quantity("median", unit, size.location, kRequired);
    r.quantity("sd", Unit::none, size.scale, kRequired);
  } else if (law == "student_t") {
    size.law = Law::student_t;
    r.quantity("df", Unit::none, size.degrees_of_freedom, kRequired);
    r.quantity("scale", unit, size.scale, kRequired);
    r.quantity("mean", unit, size.location);
  } else if (law == "uniform") {
    size.law = Law::uniform;
    r.quantity("low", unit, size.location, kRequired);
    r.quantity("high", unit, size.scale, kRequired);
  } else if (law == "discrete") {
    size.law = Law::discrete;
    if (const auto values = r.take("values", kRequired)) size.values = values->quantities(unit).value_or(size.values);
    if (const auto weights = r.take("weights")) size.weights = weights->quantities(Unit::none).value_or(size.weights);
  } else {
    size.law = Law::empirical;
    if (const auto file = r.take("file", kRequired)) size.file = file->text().value_or("");
    if (const auto column = r.take("column", kRequired)) size.column = column->text().value_or("");
  }
  r.finish();
}

void read_clip(const Value& clip, Unit unit, scenario::ShockSize& size) {
  const auto ends = clip.quantities(unit);
  if (!ends) return;
  if (ends->size() != 2) {
    clip.refuse("must be the least and the largest size, e.g. [0 bn USD, 200 bn USD]");
    return;
  }
  size.clip_low = ends->front();
  size.clip_high = ends->back();
}

scenario::ShockSize read_shock_size(const Value& value, Unit unit) {
  scenario::ShockSize size;
  if (!value.node().is_map()) {
    size.location = value.quantity(unit).value_or(0.0);
    return size;
  }
  MapReader r(value);
  const Names laws{"normal", "lognormal", "student_t", "uniform", "discrete", "empirical"};
  std::vector<std::pair<std::string, Value>> given;
  for (const auto& law : laws)
    if (const auto map = r.take(law)) given.emplace_back(law, *map);
  const auto clip = r.take("clip");
  r.finish();
  for (const auto& [law, map] : given) read_law(map, law, unit, size);
  if (clip) read_clip(*clip, unit, size);
  if (given.size() > 1)
    value.refuse("a size has one law, got " + std::to_string(given.size()),
                 "!clear before the map replaces an inherited law");
  if (given.empty() && (clip || value.node().entries.empty())) value.refuse("needs a law: " + list_names(laws));
  return size;
}

void read_shape(const Value& value, scenario::Shock& shock) {
  using scenario::ShockShape;
  const std::string allowed = "{pulse: {half_life: 1 bd}} or {path: [50 %, 100 %, 50 %]}";
  if (!value.node().is_map()) {
    const auto shape =
        value.choice(Names{"step", "ramp", "level", "{pulse: {half_life: 1 bd}}", "{path: [100 %, 50 %]}"});
    if (shape == 0U) shock.shape = ShockShape::step;
    if (shape == 1U) shock.shape = ShockShape::ramp;
    if (shape == 2U) shock.shape = ShockShape::level;
    return;
  }
  MapReader r(value);
  const auto pulse = r.take("pulse");
  const auto path = r.take("path");
  if (pulse) {
    shock.shape = ShockShape::pulse;
    MapReader p(*pulse);
    p.quantity("half_life", Unit::business_days, shock.half_life_days, kRequired);
    p.finish();
  }
  if (path) {
    shock.shape = ShockShape::path;
    shock.shares = path->quantities(Unit::none).value_or(shock.shares);
  }
  r.finish();
  if (pulse && path) value.refuse("a shock has one shape, got 2", "null removes an inherited key");
  if (!pulse && !path && value.node().entries.empty()) value.refuse("needs a shape: " + allowed);
}

/// A date drawn for each path: {uniform: [2019-09-12, 2019-09-20]}.
bool read_random_date(const Value& date, scenario::Shock& shock) {
  MapReader r(date);
  const auto uniform = r.take("uniform", kRequired);
  r.finish();
  const auto ends = uniform ? uniform->items() : std::nullopt;
  if (!ends) return false;
  if (ends->size() != 2) {
    uniform->refuse("must be the first and the last day on which it may start, e.g. [2019-09-12, 2019-09-20]");
    return false;
  }
  const auto first = ends->front().date();
  const auto last = ends->back().date();
  if (!first || !last) return false;
  shock.first = *first;
  shock.last = *last;
  shock.has_random_date = true;
  return true;
}

/// True: the dates can be used.
bool read_shock_days(MapReader& r, const Value& map, scenario::Shock& shock) {
  const auto date = r.take("date");
  const auto window = r.take("window");
  if (date && window) {
    date->refuse("a shock has a date or a window; give one of them", "null removes an inherited key");
    return false;
  }
  if (date && date->node().is_map()) return read_random_date(*date, shock);
  if (date) {
    const auto day = date->date();
    shock.first = shock.last = day.value_or(scenario::Date{});
    return day.has_value();
  }
  if (!window) {
    if (map.reading().is_complete)
      map.reading().diagnostics.error(map.key_mark(), map.key(), "needs a date or a window, " + kExampleDate);
    return false;
  }
  shock.has_window = true;
  const auto ends = window->items();
  if (!ends) return false;
  if (ends->size() != 2) {
    window->refuse("must be the first and the last day, e.g. [2019-09-16, 2019-09-18]");
    return false;
  }
  const auto first = ends->front().date();
  const auto last = ends->back().date();
  shock.first = first.value_or(scenario::Date{});
  shock.last = last.value_or(shock.first);
  return first && last;
}

scenario::Shock read_shock(const Value& map, const scenario::Window& window) {
  using scenario::ShockShape;
  MapReader r(map);
  scenario::Shock shock;
  if (const auto id = r.take("id", kRequired)) shock.id = id->id().value_or("");
  r.flag("enabled", shock.enabled);
  r.quantity("probability", Unit::none, shock.probability);

  const auto target = r.take("target", kRequired);
  const auto which = target ? target->choice(kTargets) : std::nullopt;
  if (which) shock.target = static_cast<scenario::ShockTarget>(*which);

  if (!read_shock_days(r, map, shock)) shock.first = shock.last = window.end;  // no second complaint about them

  const auto shape = r.take("shape");
  if (shape) read_shape(*shape, shock);
  if (!shape && which && shock.has_window && !is_level(shock.target)) shock.shape = ShockShape::ramp;

  if (const auto size = r.take("size", kRequired); size && which)
    shock.size = read_shock_size(*size, shock_unit(shock.target));
  r.finish();
  return shock;
}

/// The id of a shock that exists.
std::string read_reference(const Value& value, const std::vector<scenario::Shock>& shocks) {
  const auto id = value.id();
  Names ids;
  for (const auto& shock : shocks) ids.push_back(shock.id);
  if (id && std::ranges::find(ids, *id) == ids.end()) {
    const auto nearest = did_you_mean(*id, ids);
    value.refuse("no shock has the id \"" + *id + "\"" +
                 (nearest.empty() && !ids.empty() ? "; shocks: " + list_names(ids) : nearest));
  }
  return id.value_or("");
}

scenario::ShockCorrelation read_correlation(const Value& map, const std::vector<scenario::Shock>& shocks) {
  MapReader r(map);
  scenario::ShockCorrelation correlation;
  if (const auto between = r.take("between", kRequired)) {
    const auto ids = between->items();
    if (ids && ids->size() == 2) {
      correlation.first = read_reference((*ids)[0], shocks);
      correlation.second = read_reference((*ids)[1], shocks);
    } else if (ids) {
      between->refuse("must be the ids of two shocks");
    }
  }
  r.quantity("rho", Unit::none, correlation.rho, kRequired);
  r.finish();
  return correlation;
}

// ---------------------------------------------------------------- parameters

/// Reads the map whose keys continue `prefix` in the table of parameters.
void read_parameters(const Value& map, const std::string& prefix, scenario::ParameterValues& parameters) {
  MapReader r(map);
  const auto table = scenario::parameter_table();
  Names groups;
  for (std::size_t row = 0; row < table.size(); ++row) {
    const std::string_view key = table[row].key;
    if (!key.starts_with(prefix)) continue;
    const auto rest = key.substr(prefix.size());
    const auto cut = rest.find_first_of(".[");
    const std::string name(rest.substr(0, cut));
    if (std::ranges::find(groups, name) != groups.end()) continue;

    if (cut == std::string_view::npos) {
      double value = 0.0;
      if (r.quantity(name, table[row].unit, value)) parameters.set(row, value);
    } else if (rest[cut] == '.') {
      groups.push_back(name);
      if (const auto group = r.take(name)) read_parameters(*group, prefix + name + ".", parameters);
    } else {
      groups.push_back(name);
      const auto list = r.take(name);
      const auto values = list ? list->quantities(table[row].unit) : std::nullopt;
      const auto count = static_cast<std::size_t>(
          std::ranges::count_if(table, [&](const auto& spec) { return spec.key.starts_with(prefix + name + "["); }));
      if (values && values->size() != count)
        list->refuse("must have " + std::to_string(count) + " values, got " + std::to_string(values->size()));
      else if (values)
        for (std::size_t i = 0; i < count; ++i) parameters.set(row + i, (*values)[i]);
    }
  }
  r.finish();
}

// ---------------------------------------------------------------- the satellite

scenario::PassThrough read_pass_through(const Value& map) {
  MapReader r(map);
  scenario::PassThrough pass_through;
  r.quantity("coefficient", Unit::none, pass_through.coefficient, kRequired);
  pass_through.low = pass_through.high = pass_through.coefficient;  // a missing range brings no second complaint
  if (const auto range = r.take("range", kRequired)) {
    const auto ends = range->quantities(Unit::none);
    if (ends && ends->size() == 2) {
      pass_through.low = ends->front();
      pass_through.high = ends->back();
    } else if (ends) {
      range->refuse("must be the least and the largest coefficient, e.g. [0.2, 0.6]");
    }
  }
  r.finish();
  return pass_through;
}

void read_transmission(const Value& map, scenario::Transmission& transmission) {
  MapReader r(map);
  r.flag("enabled", transmission.enabled);
  for (std::size_t k = 0; k < scenario::kTransmissionTargets.size(); ++k)
    if (const auto target = r.take(std::string(scenario::kTransmissionTargets[k].key)))
      transmission.targets[k] = read_pass_through(*target);
  r.finish();
}

}  // namespace

void check_format(const Value& format, std::string_view ours) {
  const auto text = format.text();
  if (!text || *text == ours) return;
  const auto family = ours.substr(0, ours.rfind('/') + 1);  // "repoquake/scenario/"
  const std::string shown = "\"" + text->substr(0, 60) + "\"";
  const bool has_number = text->size() > family.size() && text->size() < family.size() + 10 &&
                          text->starts_with(family) &&
                          text->find_first_not_of("0123456789", family.size()) == std::string::npos;
  if (has_number && std::stol(text->substr(family.size())) > 1)
    format.refuse(shown + " is newer than this program, which reads " + std::string(ours));
  else if (text->starts_with("repoquake/sweep/"))
    format.refuse(shown + " is a sweep file; a scenario says " + std::string(ours));
  else if (text->starts_with("repoquake/scenario/"))
    format.refuse(shown + " is a scenario; a sweep file says " + std::string(ours));
  else
    format.refuse("must be " + std::string(ours) + ", got " + shown);
}

void read_heading(MapReader& r, std::string_view format, std::string& name, std::string& title) {
  if (const auto stated = r.take("format", kRequired)) check_format(*stated, format);
  if (const auto value = r.take("name", kRequired)) {
    const auto text = value->text();
    constexpr std::size_t kLongestName = 100;  // it names a file
    if (text && !is_name(*text)) value->refuse("must be made of letters, digits, \".\", \"_\" and \"-\"");
    if (text && text->size() > kLongestName)
      value->refuse("must have at most " + std::to_string(kLongestName) + " characters, has " +
                    std::to_string(text->size()));
    if (text) name = *text;
  }
  if (const auto value = r.take("title")) {
    const auto text = value->text();
    if (text && has_control_characters(*text)) value->refuse("must be one line of text");
    if (text) title = *text;
  }
}

ScenarioReading read_scenario(const ConfigNode& tree, Reading& reading) {
  ScenarioReading result;
  Scenario& scenario = result.scenario;
  MapReader r(Value(tree, "", tree.mark, reading));

  read_heading(r, kScenarioFormat, scenario.name, scenario.title);
  (void)r.take("extends");  // has been followed
  read_window(r.take_map("window"), scenario.window);
  if (const auto series = r.take("series")) result.series = read_series_reference(*series);
  read_market(r.take_map("market"), scenario.market);
  read_fed_balance_sheet(r.take_map("fed_balance_sheet"), scenario.fed_balance_sheet);
  read_policy(r.take_map("policy"), scenario.policy);
  read_drivers(r.take_map("drivers"), scenario.drivers);
  read_basis_trade(r.take_map("basis_trade"), scenario.basis_trade);
  if (const auto shocks = r.take("shocks"))
    for (const auto& item : shocks->items().value_or(std::vector<Value>{}))
      scenario.shocks.push_back(read_shock(item, scenario.window));
  if (const auto correlation = r.take("correlation"))
    for (const auto& item : correlation->items().value_or(std::vector<Value>{}))
      scenario.correlation.push_back(read_correlation(item, scenario.shocks));
  if (const auto repair = r.take("correlation_repair"))
    if (repair->choice(Names{"refuse", "nearest"}) == 1U)
      scenario.correlation_repair = scenario::CorrelationRepair::nearest;
  read_parameters(r.take_map("model"), "", scenario.model);
  read_requests(r, scenario);
  if (const auto transmission = r.take("transmission")) read_transmission(*transmission, scenario.transmission);
  r.finish();
  return result;
}

}  // namespace repoquake::io
