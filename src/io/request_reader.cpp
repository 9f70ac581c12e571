#include "io/request_reader.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace repoquake::io {
namespace {

using scenario::Sampler;
using scenario::Scenario;
using scenario::Simulate;
using scenario::Unit;
using Names = std::vector<std::string>;

constexpr auto kRequired = Presence::required;
using scenario::kMaxPaths;

// ---------------------------------------------------------------- the run

/// Complains about what an expression asks of days or variables that the scenario does not have.
void refuse_outside(const Value& value, const scenario::Expression& tree, const scenario::ExpressionWorld& world) {
  if (world.start == scenario::Date{} || world.start >= world.end) return;  // no second complaint about the window
  for (const auto& error : scenario::check_in_world(tree, world)) refuse_within(value, error);
}

/// The id of a metric that exists.
std::string read_metric_id(const Value& value, const std::vector<scenario::Metric>& metrics) {
  const auto id = value.id();
  Names ids;
  for (const auto& metric : metrics)
    if (!metric.id.empty() && std::ranges::find(ids, metric.id) == ids.end()) ids.push_back(metric.id);
  if (id && std::ranges::find(ids, *id) == ids.end()) {
    const auto nearest = did_you_mean(*id, ids);
    value.refuse("no metric has the id \"" + *id + "\"" +
                 (nearest.empty() && !ids.empty() ? "; metrics: " + list_names(ids) : nearest));
  }
  return id.value_or("");
}

/// The unit in which a bound of a metric is written, and what it is multiplied by to be in that of the dimension.
std::pair<Unit, double> written_unit(scenario::Dimension dimension) {
  using scenario::Dimension;
  switch (dimension) {
    case Dimension::rate:
      return {Unit::percent, kBpPerPercent};
    case Dimension::spread:
      return {Unit::bp, 1.0};
    case Dimension::amount:
      return {Unit::usd_bn, 1.0};
    case Dimension::days:
      return {Unit::business_days, 1.0};
    case Dimension::number:
    case Dimension::percent:
    case Dimension::boolean:
    case Dimension::date:
      break;
  }
  return {Unit::none, 1.0};
}

/// The dimension of the metric with this id, where it has one.
std::optional<scenario::Dimension> dimension_of(const std::string& id, const std::vector<scenario::Metric>& metrics) {
  const auto metric = std::ranges::find(metrics, id, &scenario::Metric::id);
  const auto form = metric != metrics.end() ? scenario::check_metric(metric->expr).form : std::nullopt;
  return form ? std::optional(form->dimension) : std::nullopt;
}

scenario::StopRule read_stop(const Value& map, const std::vector<scenario::Metric>& metrics) {
  MapReader r(map);
  scenario::StopRule stop;
  if (const auto metric = r.take("metric", kRequired)) stop.metric = read_metric_id(*metric, metrics);
  if (const auto width = r.take("half_width", kRequired)) {
    stop.half_width = 1.0;  // a wrong one brings no second complaint
    // A difference: of a rate it is written like a spread.
    const auto dimension = dimension_of(stop.metric, metrics).value_or(scenario::Dimension::spread);
    const bool is_rate = dimension == scenario::Dimension::rate;
    const auto [unit, factor] = written_unit(is_rate ? scenario::Dimension::spread : dimension);
    stop.half_width = width->quantity(unit).value_or(1.0) * factor;
  }
  if (const auto least = r.take("min_paths")) stop.min_paths = least->whole(1, kMaxPaths);
  if (const auto most = r.take("max_paths")) stop.max_paths = most->whole(1, kMaxPaths);
  r.finish();
  return stop;
}

void read_simulate(const Value& map, const std::vector<scenario::Metric>& metrics, Simulate& simulate) {
  MapReader r(map);
  if (const auto paths = r.take("paths")) simulate.paths = paths->whole(1, kMaxPaths).value_or(simulate.paths);
  if (const auto seed = r.take("seed"))
    simulate.seed = seed->whole(0, std::numeric_limits<std::uint64_t>::max()).value_or(simulate.seed);
  if (const auto sampler = r.take("sampler"))
    simulate.sampler =
        static_cast<Sampler>(sampler->choice(Names{"philox", "sobol"}, Names{"lhs", "halton"}).value_or(0));
  if (const auto pairs = r.take("antithetic")) simulate.antithetic = pairs->flag().value_or(false);
  if (const auto scrambles = r.take("scrambles"))
    simulate.scrambles = static_cast<std::uint32_t>(
        scrambles->whole(Simulate::kFewestScrambles, Simulate::kMostScrambles).value_or(simulate.scrambles));
  r.quantity("max_flagged", Unit::none, simulate.max_flagged);
  if (const auto stop = r.take("stop")) simulate.stop = read_stop(*stop, metrics);
  r.finish();
}

std::vector<Variable> default_variables() {
  std::vector<Variable> variables;
  for (const auto& spec : kVariables)
    if (spec.is_default) variables.push_back(spec.variable);
  return variables;
}

/// The variable that a text names; complains where there is none.
const VariableSpec* read_variable(const Value& value) {
  const auto name = value.text();
  if (!name) return nullptr;
  const auto* found = std::ranges::find(kVariables, *name, &VariableSpec::name);
  if (found != kVariables.end()) return found;
  Names names;
  for (const auto& spec : kVariables) names.emplace_back(spec.name);
  const auto nearest = did_you_mean(*name, names);
  value.refuse("no variable is called \"" + name->substr(0, 40) + "\"" +
               (nearest.empty() ? "; variables: " + list_names(names) : nearest));
  return nullptr;
}

std::vector<Variable> read_variables(const Value& value) {
  std::vector<Variable> variables;
  if (value.is("default")) return default_variables();
  if (value.is("all")) {
    for (const auto& spec : kVariables) variables.push_back(spec.variable);
    return variables;
  }
  if (value.node().is_scalar()) {
    value.refuse("must be default, all or a list of variables, got \"" + value.node().text.substr(0, 40) + "\"");
    return default_variables();
  }
  for (const auto& item : value.items().value_or(std::vector<Value>{})) {
    const auto* spec = read_variable(item);
    if (spec == nullptr) continue;
    if (std::ranges::find(variables, spec->variable) != variables.end())
      item.refuse("is given twice");
    else
      variables.push_back(spec->variable);
  }
  if (variables.empty()) {
    if (value.node().is_list() && value.node().items.empty()) value.refuse("needs at least one variable");
    return default_variables();
  }
  return variables;
}

void read_precision(const Value& value, scenario::Output& output) {
  if (value.is("exact")) {
    output.rate_precision_bp = output.amount_precision_usd_bn = 0.0;
    return;
  }
  if (value.node().is_scalar()) {
    value.refuse("must be exact or a map", "write {rates: 0.01 bp, amounts: 1 mn USD}");
    return;
  }
  MapReader r(value);
  const auto read_one = [&](const std::string& key, Unit unit, double& target) {
    const auto step = r.take(key);
    if (step) target = step->is("exact") ? 0.0 : step->quantity(unit).value_or(target);
  };
  read_one("rates", Unit::bp, output.rate_precision_bp);
  read_one("amounts", Unit::usd_bn, output.amount_precision_usd_bn);
  r.finish();
}

void read_worst(const Value& map, const scenario::ExpressionWorld& world, scenario::StoredPaths& stored) {
  MapReader r(map);
  if (const auto count = r.take("count", kRequired))
    stored.worst = count->whole(1, scenario::kMaxWorstPaths).value_or(1);
  const auto by = r.take("by", kRequired);
  r.finish();
  const auto text = by ? by->text() : std::nullopt;
  if (!text) return;
  stored.worst_by = *text;
  const auto checked = scenario::check_path_expression(*text);
  for (const auto& error : checked.errors) refuse_within(*by, error);
  if (checked.tree) refuse_outside(*by, *checked.tree, world);
}

scenario::StoredPaths read_stored_paths(const Value& value, const scenario::ExpressionWorld& world) {
  scenario::StoredPaths stored;
  if (!value.node().is_map()) {
    const auto& text = value.node().text;
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos)
      value.refuse("must be all, none or a map, got " + text.substr(0, 40),
                   "write {sample: " + text.substr(0, 40) + "}");
    else
      stored.all = value.choice(Names{"all", "none"}) != 1U;
    return stored;
  }
  stored.all = false;
  MapReader r(value);
  const auto sample = r.take("sample");
  if (sample) stored.sample = sample->whole(0, kMaxPaths).value_or(1);
  const auto worst = r.take("worst");
  if (worst) read_worst(*worst, world, stored);
  r.finish();
  if (!sample && !worst) value.refuse("needs sample, worst or both", "write {sample: 2000}, or none");
  return stored;
}

void read_output(const Value& map, const scenario::ExpressionWorld& world, scenario::Output& output) {
  MapReader r(map);
  output.variables = default_variables();
  if (const auto paths = r.take("paths")) output.paths = read_stored_paths(*paths, world);
  if (const auto variables = r.take("variables")) output.variables = read_variables(*variables);
  if (const auto quantiles = r.take("quantiles"))
    output.quantiles = quantiles->quantities(Unit::none).value_or(output.quantiles);
  if (const auto thresholds = r.take("thresholds"))
    output.thresholds = thresholds->quantities(Unit::bp).value_or(output.thresholds);
  if (const auto precision = r.take("precision")) read_precision(*precision, output);
  if (const auto compression = r.take("compression"))
    output.compress = compression->choice(Names{"deflate", "none"}) != 1U;
  if (const auto summary = r.take("summary")) output.summary_of_all = summary->choice(Names{"stored", "all"}) == 1U;
  r.finish();
}

// ---------------------------------------------------------------- metrics

scenario::Metric read_metric(const Value& map, const scenario::ExpressionWorld& world) {
  MapReader r(map);
  scenario::Metric metric;
  if (const auto id = r.take("id", kRequired)) metric.id = id->id().value_or("");
  const auto expr = r.take("expr", kRequired);
  const auto unit = r.take("unit");
  r.finish();
  const auto text = expr ? expr->text() : std::nullopt;
  const auto unit_text = unit ? unit->text() : std::nullopt;
  if (!text) return metric;
  metric.expr = *text;
  metric.unit = unit_text.value_or("");
  const auto checked = scenario::check_metric(*text);
  for (const auto& error : checked.errors) refuse_within(*expr, error);
  if (!checked.form) return metric;
  refuse_outside(*expr, checked.form->per_path, world);
  if (unit_text && !scenario::find_unit(checked.form->dimension, *unit_text))
    unit->refuse("the metric is " + std::string(scenario::describe(checked.form->dimension)) + "; its unit is " +
                 scenario::list_units(checked.form->dimension) + ", not \"" + unit_text->substr(0, 40) + "\"");
  return metric;
}

// ---------------------------------------------------------------- expectations

/// The unit in which a variable is written.
Unit written_unit(Quantity quantity) {
  switch (quantity) {
    case Quantity::rate:
    case Quantity::percent:
      return Unit::percent;
    case Quantity::spread:
      return Unit::bp;
    case Quantity::amount:
      return Unit::usd_bn;
    case Quantity::fraction:
      return Unit::none;
  }
  return Unit::none;
}

scenario::Expectation read_expected_metric(MapReader& r, const Value& name,
                                           const std::vector<scenario::Metric>& metrics) {
  scenario::Expectation expectation;
  expectation.low = expectation.high = 0.0;  // a missing bound brings no second complaint
  expectation.metric = read_metric_id(name, metrics);
  const auto between = r.take("between", kRequired);
  r.finish();
  const auto dimension = dimension_of(expectation.metric, metrics);
  if (!between || !dimension) return expectation;
  const auto [unit, factor] = written_unit(*dimension);
  const auto ends = between->quantities(unit);
  if (ends && ends->size() == 2) {
    expectation.low = ends->front() * factor;
    expectation.high = ends->back() * factor;
  } else if (ends) {
    between->refuse("must be the least and the largest value, e.g. [60 bp, 90 bp]");
  }
  return expectation;
}

scenario::Expectation read_expectation(const Value& map, const Scenario& scenario) {
  MapReader r(map);
  scenario::Expectation expectation;
  if (const auto metric = r.take("metric")) return read_expected_metric(r, *metric, scenario.metrics);
  if (!r.date("date", expectation.date, kRequired))
    expectation.date = scenario.window.end;  // no second complaint about it
  const auto name = r.take("variable", kRequired);
  const auto* spec = name ? read_variable(*name) : nullptr;
  const auto observed = r.take("observed", kRequired);
  if (spec != nullptr) {
    expectation.variable = spec->variable;
    if (observed) expectation.observed = observed->quantity(written_unit(spec->quantity)).value_or(0.0);
  }
  if (const auto within = r.take("within", kRequired)) {
    const auto ends = within->quantities(Unit::none);
    if (ends && ends->size() == 2) {
      expectation.low = ends->front();
      expectation.high = ends->back();
    } else if (ends) {
      within->refuse("must be two shares of the paths, e.g. [5 %, 95 %]");
    }
  }
  r.finish();
  return expectation;
}

}  // namespace

void refuse_within(const Value& value, const scenario::ExpressionError& error) {
  auto& diagnostics = value.reading().diagnostics;
  const std::string& text = value.node().text;
  const std::string nearest = did_you_mean(error.unknown, error.candidates);
  const bool is_long = error.candidates.size() > 15;
  std::string reason = error.reason;
  if (!error.unknown.empty())
    reason += !nearest.empty() ? nearest
              : is_long        ? "; docs/result_file.md lists the variables"
                               : "; allowed: " + list_names(error.candidates);
  std::string hint = error.hint;
  if (hint.empty() && !value.node().quoted && error.reason == "this bracket is not closed")
    hint = "in { } and [ ] an expression with a comma needs quotes";
  diagnostics.error(diagnostics.place_within(value.node().mark, text, error.offset, error.length), value.key(),
                    std::move(reason), std::move(hint));
}

scenario::Switch read_switch(const Value& map) {
  MapReader r(map);
  scenario::Switch read;
  if (const auto id = r.take("id", kRequired)) read.id = id->id().value_or("");
  if (const auto without = r.take("without", kRequired)) {
    const auto items = without->items();
    if (items && items->empty())
      without->refuse("must name what takes it away, e.g. [fed_balance_sheet.reserves=1900 bn USD]");
    for (const auto& item : items.value_or(std::vector<Value>{})) {
      const auto setting = item.text();
      if (setting && (setting->find('=') == std::string::npos || setting->starts_with('=')))
        item.refuse("must be KEY=VALUE, as after --set");
      if (setting) read.without.push_back(*setting);
    }
  }
  r.finish();
  return read;
}

void read_requests(MapReader& r, Scenario& scenario) {
  const auto world = scenario::expression_world(scenario);
  // Metrics first: other keys name them.
  if (const auto metrics = r.take("metrics"))
    for (const auto& item : metrics->items().value_or(std::vector<Value>{}))
      scenario.metrics.push_back(read_metric(item, world));
  read_simulate(r.take_map("simulate"), scenario.metrics, scenario.simulate);
  read_output(r.take_map("output"), world, scenario.output);
  if (const auto switches = r.take("switches"))
    for (const auto& item : switches->items().value_or(std::vector<Value>{}))
      scenario.switches.push_back(read_switch(item));
  if (const auto expect = r.take("expect"))
    for (const auto& item : expect->items().value_or(std::vector<Value>{}))
      scenario.expect.push_back(read_expectation(item, scenario));
}

}  // namespace repoquake::io
