#include "repoquake/io/language.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "io/scenario_reader.hpp"
#include "io/sweep_reader.hpp"
#include "repoquake/core/contract.hpp"
#include "repoquake/core/variables.hpp"
#include "repoquake/scenario/policy_rules.hpp"
#include "repoquake/scenario/transmission.hpp"

namespace repoquake::io {
namespace {

using Form = KeyRecord::Form;
using scenario::Unit;

struct KeyText {
  std::string_view path;
  std::string_view meaning;
  std::string_view default_text{};  ///< where the reader cannot tell
  std::string_view range{};
  std::string_view source{};
};

// What people need to know of each key. Parameters of the model and of rules have tables of their own.
constexpr auto kTexts = std::to_array<KeyText>({
    {"format", "language and version of the file", "", "repoquake/scenario/1"},
    {"name", "names the result", "", "letters, digits, \".\", \"_\" and \"-\""},
    {"title", "one line for people", "the name"},
    {"extends", "parents, laid over each other from left to right; this file over them", "none",
     "paths relative to this file, or lib:NAME of the built-in library"},
    {"window", "days that are simulated: SOFR publication days"},
    {"window.start", "the opening day, which is given", "", "a publication day"},
    {"window.end", "the last day", "",
     "a publication day; 2 to 2600 of them with the start; may count from it: day 60"},
    {"series", "daily inputs and observations", "none: no flow that is not drawn or shocked"},
    {"series.file", "CSV, one row a day of the window", "", "relative to the file that names it"},
    {"series.sha256", "refuses a file that has changed", "not checked", "64 hex digits"},

    {"market", "the repo market on the opening day"},
    {"market.repo_volume", "volume behind SOFR", "", "above 0"},
    {"market.bank_assets", "total assets of commercial banks", "", "above 0"},
    {"market.opening_spread", "SOFR less IORB on the opening day"},
    {"market.trend_spread", "its slow level", "the opening spread"},
    {"market.need",
     "where the funding need comes from: inverted from the spreads, held as in the parents, or an amount", "invert"},
    {"market.mmf_cash", "cash that has the ON RRP as its outside option",
     "the cash whose unlent part is the opening ON RRP, at least 15 bn USD"},
    {"market.treasury_volatility", "option-implied Treasury volatility a year, before the window", "", "above 0"},
    {"market.gdp", "for ratios in the summary", "no ratio"},
    {"market.m2", "for ratios in the summary", "no ratio"},

    {"fed_balance_sheet", "the Fed's balance sheet at the opening; other assets close it"},
    {"fed_balance_sheet.securities", "held outright"},
    {"fed_balance_sheet.repo_operations", "open market repo outstanding"},
    {"fed_balance_sheet.standing_repo", "standing repo outstanding"},
    {"fed_balance_sheet.reserves", "of banks"},
    {"fed_balance_sheet.tga", "Treasury General Account"},
    {"fed_balance_sheet.on_rrp", "overnight reverse repo"},
    {"fed_balance_sheet.foreign_rrp", "foreign repo pool"},
    {"fed_balance_sheet.currency", "in circulation"},
    {"fed_balance_sheet.other_liabilities", "all else"},

    {"policy", "what the central bank and the Treasury control, dated"},
    {"policy.administered_rates", "rates, each entry from its day on", "", "ascending; the first covers the opening"},
    {"policy.administered_rates[]", "rates from a day on"},
    {"policy.administered_rates[].from", "first day"},
    {"policy.administered_rates[].iorb", "interest on reserve balances (IOER before July 2021)"},
    {"policy.administered_rates[].on_rrp", "overnight reverse repo offering rate", "", "at most iorb"},
    {"policy.administered_rates[].target", "target range of the federal funds rate", "unknown"},
    {"policy.administered_rates[].target[]", "low, then high"},
    {"policy.standing_repo", "the standing repo facility"},
    {"policy.standing_repo.enabled", "is there one?"},
    {"policy.standing_repo.rate", "its rate", "iorb + 15 bp"},
    {"policy.standing_repo.cap", "its limit", "500 bn USD until 2025-12-10, then none"},
    {"policy.standing_repo.stigma", "mean private cost of using it; a list of {from, stigma} where it changes",
     "model.standing_repo.stigma", "above 0"},
    {"policy.standing_repo.stigma[]", "stigma from a day on"},
    {"policy.standing_repo.stigma[].from", "first day"},
    {"policy.standing_repo.stigma[].stigma", "mean private cost", "", "above 0"},
    {"policy.standing_repo.operations", "sessions in which it operates", "[am, pm]"},
    {"policy.standing_repo.operations[]", "a session"},
    {"policy.repo_operations", "open market repo operations", "none", "one statement of the morning's size a day"},
    {"policy.repo_operations[]", "an operation"},
    {"policy.repo_operations[].id", "its name"},
    {"policy.repo_operations[].date", "its only day", "", "instead of from and until"},
    {"policy.repo_operations[].from", "first day"},
    {"policy.repo_operations[].until", "last day", "the end of the window"},
    {"policy.repo_operations[].when", "makes it a same-day afternoon operation behind a trigger",
     "a morning operation"},
    {"policy.repo_operations[].size", "offered; series: the column repo_operation_offered_usd_bn"},
    {"policy.repo_operations[].minimum_bid", "least rate accepted", "iorb + 0 bp", "one a day"},
    {"policy.securities", "paces that settle evenly over calendar days"},
    {"policy.securities.runoff", "securities that run off"},
    {"policy.securities.reserve_management_purchases", "securities that are bought"},
    {"policy.tga", "where the Treasury's account goes"},
    {"policy.tga.follow", "the series' tga_usd_bn", "series", "instead of a target"},
    {"policy.tga.target", "level that the drawn account goes to", "it follows the series"},
    {"policy.tga.by", "day on which the target is reached, in equal steps", "pulled there from the start"},
    {"policy.tga.seasonality", "weekdays, month turns, tax dates", "typical"},
    {"policy.tga.residual_sd", "s.d. of the daily residual, a t(4)", "", "0 to 1000 bn USD",
     "Daily Treasury Statement; decision 0009"},
    {"policy.tga.pull", "share of the gap closed in a day", "", "0 to 1"},
    {"policy.meetings", "days on which the central bank decides", "none", "publication days, ascending"},
    {"policy.meetings[]", "a meeting"},
    {"policy.rules", "policy that reacts by itself; a rule that is written is on"},
    {"policy.rules.emergency_repo", "repo operations after a tight morning, as in September 2019"},
    {"policy.rules.large_scale_repo", "large repo offers when volatility or the basis jumps, as in March 2020"},
    {"policy.rules.runoff_stop", "a meeting stops run-off"},
    {"policy.rules.reserve_management_purchases", "purchases when funding stays tight and reserves are low"},
    {"policy.rules.large_purchases", "purchases of Treasuries when their market breaks"},
    {"policy.rules.administered_rates", "a meeting lowers IORB and the ON RRP rate within the target range"},

    {"drivers", "flows that are read from the series or drawn"},
    {"drivers.settlements", "net settlements of Treasury coupons and bills", "series"},
    {"drivers.settlements.drawn", "draws them"},
    {"drivers.settlements.drawn.coupons", "on the 15th or the next open day, and on the last one of a month"},
    {"drivers.settlements.drawn.coupons.mid_month", "mean", "", "within 1000 bn USD"},
    {"drivers.settlements.drawn.coupons.month_end", "mean", "", "within 1000 bn USD"},
    {"drivers.settlements.drawn.coupons.sd", "s.d.", "", "0 to 1000 bn USD"},
    {"drivers.settlements.drawn.bills", "on Tuesdays and Thursdays"},
    {"drivers.settlements.drawn.bills.mean", "mean of a settlement", "", "within 1000 bn USD"},
    {"drivers.settlements.drawn.bills.sd", "s.d.", "", "0 to 1000 bn USD"},
    {"drivers.volatility", "Treasury volatility", "series"},
    {"drivers.volatility.drawn", "draws it: a level, slow moves around it, jumps"},
    {"drivers.volatility.drawn.level", "median; 0: market.treasury_volatility"},
    {"drivers.volatility.drawn.half_life", "of the slow moves", "", "above 0"},
    {"drivers.volatility.drawn.sd", "of daily log moves", "", "0 to 0.5"},
    {"drivers.volatility.drawn.jump", "sudden rises that fade"},
    {"drivers.volatility.drawn.jump.probability", "of a jump on a day", "", "0 to 1"},
    {"drivers.volatility.drawn.jump.size", "of each jump"},
    {"drivers.volatility.drawn.jump.half_life", "of its fading", "", "above 0"},
    {"drivers.other_factors", "other autonomous factors that drain reserves", "series"},
    {"drivers.other_factors.drawn", "draws them"},
    {"drivers.other_factors.drawn.sd", "s.d. a day", "", "0 to 1000 bn USD"},
    {"drivers.currency", "currency in circulation"},
    {"drivers.currency.growth", "settles evenly over calendar days"},
    {"drivers.correlation", "of residuals of drawn flows (their normal scores)", "none"},
    {"drivers.correlation[]", "a pair"},
    {"drivers.correlation[].between", "two drivers"},
    {"drivers.correlation[].between[]", "a driver"},
    {"drivers.correlation[].rho", "their correlation", "", "-1 to 1"},

    {"basis_trade", "the leveraged Treasury cash-futures trade"},
    {"basis_trade.position", "of all leveraged funds at the opening", "", "0: no trade"},

    {"shocks", "named, switchable shocks; each adds to one target", "none"},
    {"shocks[]", "a shock"},
    {"shocks[].id", "its name, a path element: shocks.NAME.size"},
    {"shocks[].enabled", "false: as if it were not there; the draws of others do not change"},
    {"shocks[].probability", "with which it happens on a path", "", "0 to 1"},
    {"shocks[].target", "what it adds to: a flow of the day, or a level (repo_demand, volatility, dealer_capacity)"},
    {"shocks[].date", "its day; {uniform: [first, last]}: drawn for each path", "", "a date or a window"},
    {"shocks[].date.uniform", "first and last day on which it may start, all publication days alike"},
    {"shocks[].date.uniform[]", "a day"},
    {"shocks[].window", "first and last day", "", "a date or a window"},
    {"shocks[].window[]", "a day"},
    {"shocks[].shape", "how the size is laid over the days; level: a flow that is taken back after the window",
     "step; ramp for a flow over a window"},
    {"shocks[].shape.pulse", "starts at the size and fades; levels only"},
    {"shocks[].shape.pulse.half_life", "of the fading", "", "above 0"},
    {"shocks[].shape.path", "shares of the size, day by day from the date"},
    {"shocks[].shape.path[]", "a share"},
    {"shocks[].size",
     "an amount or a distribution, in the unit of the target: bp for volatility, yield and iorb, else money"},
    {"shocks[].size.normal", "normal"},
    {"shocks[].size.normal.mean", "mean"},
    {"shocks[].size.normal.sd", "s.d.", "", "0 or more"},
    {"shocks[].size.lognormal", "log-normal"},
    {"shocks[].size.lognormal.median", "median", "", "above 0"},
    {"shocks[].size.lognormal.sd", "s.d. of the logarithm", "", "0 to 5"},
    {"shocks[].size.student_t", "Student-t"},
    {"shocks[].size.student_t.df", "degrees of freedom", "", "above 2"},
    {"shocks[].size.student_t.scale", "scale", "", "0 or more"},
    {"shocks[].size.student_t.mean", "centre"},
    {"shocks[].size.uniform", "uniform"},
    {"shocks[].size.uniform.low", "least"},
    {"shocks[].size.uniform.high", "largest", "", "at least low"},
    {"shocks[].size.discrete", "one of some values"},
    {"shocks[].size.discrete.values", "the values"},
    {"shocks[].size.discrete.values[]", "a value"},
    {"shocks[].size.discrete.weights", "their weights, on any scale", "equal", "as many as values, not all 0"},
    {"shocks[].size.discrete.weights[]", "a weight", "", "0 or more"},
    {"shocks[].size.empirical", "a value of a column of a CSV, all rows alike"},
    {"shocks[].size.empirical.file", "the CSV", "", "relative to the file that names it"},
    {"shocks[].size.empirical.column", "its column", "", "ends with its unit: _usd_bn or _bp"},
    {"shocks[].size.clip", "least and largest size", "unbounded"},
    {"shocks[].size.clip[]", "an end"},
    {"correlation", "of random sizes of shocks (their normal scores)", "none"},
    {"correlation[]", "a pair"},
    {"correlation[].between", "ids of two shocks"},
    {"correlation[].between[]", "an id"},
    {"correlation[].rho", "their correlation", "", "-1 to 1"},
    {"correlation_repair", "what is done with correlations that cannot be: an error, or the nearest matrix that can",
     "refuse"},

    {"switches", "what `attribute` switches on and off beside the shocks; a run knows nothing of it", "none"},
    {"switches[]", "a switch"},
    {"switches[].id", "its name"},
    {"switches[].without", "what takes it away"},
    {"switches[].without[]", "KEY=VALUE, as after --set"},

    {"model", "structural parameters; one set of defaults serves every scenario"},

    {"transmission", "satellite: how a funding shock may pass on to other markets; linear, fed back to nothing"},
    {"transmission.enabled", "on?"},

    {"simulate", "the run"},
    {"simulate.paths", "number of paths", "20000", "1 to 1000000000"},
    {"simulate.seed", "of the random numbers", "1", "0 to 2^64 - 1"},
    {"simulate.sampler", "philox: independent draws; sobol: the points of scrambled nets, errors from their scrambles",
     "philox"},
    {"simulate.antithetic", "paths 2k and 2k + 1 have mirrored draws, errors are those of the pairs", "false",
     "false with sampler sobol"},
    {"simulate.scrambles", "independent scrambles the paths are dealt out to in turn, with sampler sobol", "16",
     "4, 8, 16, 32, 64 or 128"},
    {"simulate.stop", "the run ends as soon as a metric is known well enough; decided after whole chunks of paths",
     "none"},
    {"simulate.stop.metric", "id of the metric"},
    {"simulate.stop.half_width", "of its 95 % limits, in its unit (of a rate: bp)", "", "above 0"},
    {"simulate.stop.min_paths", "not before so many paths", "2048, or the number of paths where that is less",
     "1 to 1000000000"},
    {"simulate.stop.max_paths", "paths at most", "simulate.paths", "1 to 1000000000"},
    {"simulate.max_flagged", "share of path-days without clearing above which the run exits 78", "", "0 to 1"},

    {"output", "the result"},
    {"output.paths", "which paths are stored: all, none, or a sample and the worst", "all"},
    {"output.paths.sample", "the first so many paths", "none", "0 to 1000000000"},
    {"output.paths.worst", "the paths with the largest values of an expression", "none"},
    {"output.paths.worst.count", "how many", "", "1 to 100000"},
    {"output.paths.worst.by",
     "one number per path, e.g. max(sofr - iorb); with a minus for the smallest: -min(reserves)"},
    {"output.summary", "whose numbers /summary holds: of the stored paths, or of all", "stored"},
    {"output.variables", "stored and summarised; a list of names, default or all", "default"},
    {"output.variables[]", "a variable of docs/result_file.md"},
    {"output.quantiles", "fractions of paths", "[1 %, 5 %, 25 %, 50 %, 75 %, 95 %, 99 %]",
     "increasing, between 0 and 1"},
    {"output.quantiles[]", "a fraction"},
    {"output.thresholds", "of SOFR - IORB, for probabilities", "[10 bp, 25 bp, 50 bp, 100 bp, 200 bp]", "increasing"},
    {"output.thresholds[]", "a threshold"},
    {"output.precision", "to which stored paths are rounded; exact: not at all"},
    {"output.precision.rates", "of rates and spreads", "0.01 bp", "0 to 100 bp"},
    {"output.precision.amounts", "of amounts", "1 mn USD", "0 to 100 bn USD"},
    {"output.compression", "of stored paths", "deflate"},

    {"metrics", "numbers of the whole run, by expressions: docs/scenario_expressions.md", "none"},
    {"metrics[]", "a metric"},
    {"metrics[].id", "its name"},
    {"metrics[].expr", "an expression over the variables, e.g. P(max(sofr - effr) > 75 bp)"},
    {"metrics[].unit", "in which it is shown", "that of the expression"},

    {"expect", "what run --expect holds the run to", "none"},
    {"expect[]", "an observed value lies between two quantiles of the paths"},
    {"expect[].date", "its day", "", "of the window, after the opening"},
    {"expect[].variable", "a variable of docs/result_file.md"},
    {"expect[].observed", "its value, in the variable's unit"},
    {"expect[].within", "two fractions of paths"},
    {"expect[].within[]", "a fraction", "", "0 to 1"},
    {"expect[].metric", "id of a metric, instead of date and variable"},
    {"expect[].between", "least and largest value of the metric"},
    {"expect[].between[]", "a value, in the metric's unit"},
});

/// The same of a sweep file; its metrics are those of a scenario.
constexpr auto kSweepTexts = std::to_array<KeyText>({
    {"format", "language and version of the file", "", "repoquake/sweep/1"},
    {"name", "names the result", "", "letters, digits, \".\", \"_\" and \"-\""},
    {"title", "one line for people", "the name"},
    {"base", "the scenario", "", "a path relative to this file, or lib:NAME of the built-in library"},
    {"axes", "every combination of their values is a point, the last axis fastest; or a design", "", "at most 64"},
    {"axes[]", "a key with its values, or keys that move together"},
    {"axes[].set", "a key of the scenario, as in --set"},
    {"axes[].grid", "evenly spaced numbers", "", "instead of values"},
    {"axes[].grid.from", "the first", "", "a number of the key, with its unit"},
    {"axes[].grid.to", "the last", "", "a number of the key, with its unit"},
    {"axes[].grid.steps", "how many, both ends included", "", "2 or more"},
    {"axes[].values", "the values", "", "instead of a grid; any single values of the key"},
    {"axes[].values[]", "a value"},
    {"axes[].zip", "keys that move together, value by value", "", "2 to 32, equally many values of each"},
    {"axes[].zip[]", "a key with its values"},
    {"axes[].zip[].set", "a key of the scenario, as in --set"},
    {"axes[].zip[].grid", "evenly spaced numbers", "", "instead of values"},
    {"axes[].zip[].grid.from", "the first", "", "a number of the key, with its unit"},
    {"axes[].zip[].grid.to", "the last", "", "a number of the key, with its unit"},
    {"axes[].zip[].grid.steps", "how many, both ends included", "", "2 or more"},
    {"axes[].zip[].values", "the values", "", "instead of a grid"},
    {"axes[].zip[].values[]", "a value"},
    {"design", "points chosen otherwise, instead of axes"},
    {"design.kind",
     "Latin hypercube, scrambled Sobol, Sobol in groups for indices (saltelli), trajectories (morris), or a list of "
     "points"},
    {"design.samples", "points; of saltelli groups of factors + 2, of morris trajectories of factors + 1", "",
     "not of a list"},
    {"design.seed", "of the design, not of the runs", "1", "not of a list"},
    {"design.levels", "of each factor of morris", "4", "an even number; only of morris"},
    {"design.file", "CSV of a list: a header of keys, a row a point", "",
     "only of a list; values with their units, or the units in the header: KEY [bn USD]"},
    {"factors", "keys that a design moves in ranges", "", "at most 64"},
    {"factors[]", "a factor"},
    {"factors[].set", "a key of the scenario, as in --set"},
    {"factors[].range", "the smallest and the largest number", "", "with their units"},
    {"factors[].range[]", "an end"},
    {"factors[].scale", "whether the number or its logarithm moves evenly", "linear", "log: both ends above 0"},
    {"skip_if", "a condition on keys of the scenario; a point of which it holds is left out", "none",
     "not with saltelli or morris"},
    {"override", "a part of a scenario, laid over the base for every point", "none"},
    {"on_error", "what is done when a point cannot be run", "continue"},
});

/// Texts of keys that come in families.
struct FamilyText {
  std::string_view prefix, suffix, meaning;
  std::string_view default_text{};
};
constexpr auto kFamilies = std::to_array<FamilyText>({
    {"policy.rules.", ".enabled", "false: the rule is off"},
    {"policy.rules.", ".from", "first day on which it may act", "the start of the window"},
    {"policy.rules.", ".until", "last day on which it may act", "the end of the window"},
    {"transmission.", ".coefficient", "response per bp of SOFR - IORB above its opening value"},
    {"transmission.", ".range", "least and largest coefficient that its author believes in"},
    {"transmission.", ".range[]", "a coefficient"},
    {"model.", "[]", "a value"},
});

std::string range_text(double low, double high, bool low_is_open, Unit unit) {
  return (low_is_open ? "above " : "") + quantity_text(low, unit) + (low_is_open ? ", at most " : " to ") +
         quantity_text(high, unit);
}

void add_parameter(LanguageKey& key, std::string_view name) {
  const auto table = scenario::parameter_table();
  const auto list = std::string(name) + "[";
  const auto group = std::string(name) + ".";
  std::string values;
  for (const auto& spec : table) {
    if (spec.key == name) {
      key.meaning = spec.meaning;
      key.record.default_text = quantity_text(spec.default_value, spec.unit);
      key.range = range_text(spec.low, spec.high, spec.low_is_open, spec.unit);
      key.source = spec.source;
    } else if (spec.key.starts_with(list)) {
      values += (values.empty() ? "[" : ", ") + quantity_text(spec.default_value, spec.unit);
      key.meaning = "p1, p25, p50, p75 and p99 of SOFR against its centre";
      key.range = "five increasing values, each " + range_text(spec.low, spec.high, spec.low_is_open, spec.unit);
      key.source = spec.source;
    } else if (spec.key.starts_with(group) && key.meaning.empty()) {
      key.meaning = "group of parameters";
    }
  }
  if (!values.empty()) key.record.default_text = values + "]";
}

void add_rule_parameter(LanguageKey& key) {
  for (const auto& spec : scenario::rule_parameters()) {
    const std::string path = "policy.rules." + std::string(scenario::kRuleNames[static_cast<std::size_t>(spec.rule)]) +
                             "." + std::string(spec.key);
    if (key.record.path != path) continue;
    key.meaning = spec.meaning;
    key.record.default_text = quantity_text(spec.default_value, spec.unit);
    key.range = range_text(spec.low, spec.high, false, spec.unit);
  }
}

LanguageKey explained(const KeyRecord& record) {
  LanguageKey key{record, {}, {}, {}};
  const std::string_view path = record.path;
  if (const auto text = std::ranges::find(kTexts, path, &KeyText::path); text != kTexts.end()) {
    key.meaning = text->meaning;
    key.range = text->range;
    key.source = text->source;
    if (!text->default_text.empty()) key.record.default_text = text->default_text;
    return key;
  }
  if (path.starts_with("model.")) add_parameter(key, path.substr(6));
  add_rule_parameter(key);
  for (const auto& target : scenario::kTransmissionTargets)
    if (path == "transmission." + std::string(target.key))
      key.meaning = std::string(target.long_name) + ", in " + std::string(target.unit);
  for (const auto& family : kFamilies) {
    if (!key.meaning.empty() || !path.starts_with(family.prefix) || !path.ends_with(family.suffix)) continue;
    key.meaning = family.meaning;
    if (!family.default_text.empty()) key.record.default_text = family.default_text;
  }
  return key;
}

/// Keys that one reading cannot meet, because they exclude each other or depend on a value.
void add_unmet(KeyRecorder& recorder) {
  recorder.note("extends", Form::list);
  recorder.note("shocks[].date", Form::date);
  recorder.note("shocks[].date.uniform", Form::list);
  recorder.note("shocks[].date.uniform[]", Form::date);
  recorder.note("shocks[].window", Form::list);
  recorder.note("shocks[].window[]", Form::date);
  for (const auto* key : {"date", "variable", "observed", "within", "between"})
    recorder.at("expect[]." + std::string(key)).required = false;
  recorder.note("expect[].variable", Form::text);
  recorder.note("expect[].observed", Form::quantity);
  recorder.note("expect[].date", Form::date);
  recorder.note("expect[].within", Form::list);
  recorder.note("expect[].within[]", Form::quantity, Unit::none);
  recorder.note("expect[].metric", Form::text);
  recorder.note("expect[].between", Form::list);
  recorder.note("expect[].between[]", Form::quantity);
  for (const auto* key :
       {"size", "size.normal.mean", "size.normal.sd", "size.lognormal.median", "size.student_t.scale",
        "size.student_t.mean", "size.uniform.low", "size.uniform.high", "size.discrete.values[]", "size.clip[]"})
    recorder.note("shocks[]." + std::string(key), Form::quantity, Unit::bp);  // where the target is a spread
  for (const Unit unit : {Unit::usd_bn, Unit::business_days, Unit::none})     // after the metric's dimension
    recorder.note("simulate.stop.half_width", Form::quantity, unit);
  recorder.note("policy.standing_repo.stigma", Form::list);
  recorder.note("policy.standing_repo.stigma[].from", Form::date);
  recorder.note("policy.standing_repo.stigma[].stigma", Form::quantity, Unit::bp);
}

/// Every key directly below the one before it in the tree, in the order of first mention.
std::vector<KeyRecord> in_tree_order(const std::vector<KeyRecord>& records) {
  const auto parent_of = [](std::string_view path) {
    const auto cut = path.find_last_of(".[");
    return cut == std::string_view::npos ? std::string_view{} : path.substr(0, cut);
  };
  std::vector<KeyRecord> ordered;
  const auto add_below = [&](const auto& self, std::string_view parent) -> void {
    for (const auto& record : records) {
      if (parent_of(record.path) != parent) continue;
      ordered.push_back(record);
      self(self, record.path);
    }
  };
  add_below(add_below, "");
  return ordered;
}

/// What a reader asks for, whichever form it looks at.
template <class Read>
KeyRecorder recorded(const Read& read) {
  KeyRecorder recorder;
  for (const auto kind : {ConfigNode::Kind::invalid, ConfigNode::Kind::map}) {
    recorder.pretended = kind;
    Diagnostics unheard;
    Reading reading{unheard};
    reading.recorder = &recorder;
    read(reading);
  }
  return recorder;
}

}  // namespace

std::vector<LanguageKey> scenario_language() {
  KeyRecorder recorder =
      recorded([](Reading& reading) { (void)read_scenario(ConfigNode::make(ConfigNode::Kind::map, {}), reading); });
  add_unmet(recorder);
  std::vector<LanguageKey> keys;
  for (const auto& record : in_tree_order(recorder.records())) {
    keys.push_back(explained(record));
    if (keys.back().meaning.empty()) throw LogicError("the key " + record.path + " has no text in language.cpp");
    if (keys.back().record.required) keys.back().record.default_text.clear();
  }
  return keys;
}

namespace {

/// Is `path` of the language, "shocks[].size", that of `key`, "shocks.tga-build.size"?
bool is_path_of(std::string_view path, std::string_view key) {
  const auto take = [](std::string_view& text) {
    const auto dot = std::min(text.find('.'), text.size());
    const auto element = text.substr(0, dot);
    text.remove_prefix(std::min(dot + 1, text.size()));
    return element;
  };
  while (!path.empty() && !key.empty()) {
    auto step = take(path);
    auto name = take(key);
    const bool is_item = step.ends_with("[]");
    if (is_item) step.remove_suffix(2);
    const auto index = name.find('[');
    if (name.substr(0, index) != step || (index != std::string_view::npos && !is_item)) return false;
    if (is_item && index == std::string_view::npos && take(key).empty()) return false;  // the id of the item
  }
  return path.empty() && key.empty();
}

}  // namespace

const LanguageKey* find_key(const std::vector<LanguageKey>& language, std::string_view key) {
  const auto found =
      std::ranges::find_if(language, [&](const auto& known) { return is_path_of(known.record.path, key); });
  return found == language.end() ? nullptr : &*found;
}

std::vector<LanguageKey> sweep_language() {
  const auto of_scenarios = scenario_language();
  const KeyRecorder recorder = recorded(
      [&](Reading& reading) { (void)read_sweep(ConfigNode::make(ConfigNode::Kind::map, {}), reading, of_scenarios); });
  std::vector<LanguageKey> keys;
  for (const auto& record : in_tree_order(recorder.records())) {
    if (record.path == "metrics") {
      std::ranges::copy_if(of_scenarios, std::back_inserter(keys),
                           [](const auto& key) { return key.record.path.starts_with("metrics"); });
      std::ranges::find(keys, "metrics", [](const auto& key) { return key.record.path; })->record.default_text =
          "those of the base";
      continue;
    }
    const auto text = std::ranges::find(kSweepTexts, record.path, &KeyText::path);
    if (text == kSweepTexts.end()) throw LogicError("the key " + record.path + " has no text in language.cpp");
    keys.push_back({record, std::string(text->meaning), std::string(text->range), {}});
    keys.back().record.default_text = text->default_text;
  }
  return keys;
}

std::string example_of(const KeyRecord& record) {
  if (!record.units.empty()) {
    switch (record.units.front()) {
      case Unit::none:
        return record.path.find("probability") != std::string::npos ? "5 %" : "0.5";
      case Unit::bp:
        return "5 bp";
      case Unit::percent:
        return "2.10 %";
      case Unit::usd_bn:
        return "95 bn USD";
      case Unit::usd_bn_month:
        return "40 bn USD per month";
      case Unit::business_days:
        return "5 bd";
      case Unit::multiple:
        return "34 x";
      default:
        return quantity_text(1.0, record.units.front());
    }
  }
  if (record.has(Form::date)) return "quarter-end - 1 bd";
  if (record.has(Form::rate)) return "iorb + 15 bp";
  if (record.has(Form::condition)) return "am_spread > 60 bp";
  return record.words.empty() ? "" : record.words.front();
}

}  // namespace repoquake::io
