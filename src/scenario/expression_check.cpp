#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "repoquake/core/units.hpp"
#include "repoquake/scenario/expression.hpp"
#include "repoquake/scenario/scenario.hpp"
#include "scenario/expression_words.hpp"

namespace repoquake::scenario {
namespace {

using Kind = Expression::Kind;

Dimension dimension_of(Quantity quantity) noexcept {
  switch (quantity) {
    case Quantity::rate:
      return Dimension::rate;
    case Quantity::spread:
      return Dimension::spread;
    case Quantity::amount:
      return Dimension::amount;
    case Quantity::fraction:
      return Dimension::number;
    case Quantity::percent:
      return Dimension::percent;
  }
  return Dimension::number;
}

bool is_comparison(Operator op) { return op >= Operator::less && op <= Operator::not_equal; }
bool is_logical(Operator op) { return op >= Operator::logical_and && op <= Operator::logical_not; }

/// A literal, or one with a minus: what may still take the dimension of its partner.
bool is_literal(const Expression& node) {
  if (node.kind == Kind::operation && node.op == Operator::negate) return is_literal(node.arguments.front());
  return node.kind == Kind::number;
}
bool is_share(const Expression& node) {
  return is_literal(node) && (node.kind == Kind::number ? node.is_share : is_share(node.arguments.front()));
}
bool is_bare(const Expression& node) {
  return is_literal(node) && (node.kind == Kind::number ? node.is_bare : is_bare(node.arguments.front()));
}

/// Gives a literal the dimension of its partner. A percentage takes the same multiplication as the variable beside it
/// (plan/path_program.cpp), so that 2.30 % equals a rate of 2.30.
void turn(Expression& literal, Dimension dimension) {
  literal.dimension = dimension;
  if (literal.kind != Kind::number) return turn(literal.arguments.front(), dimension);
  literal.is_share = false;
  if (dimension == Dimension::rate || dimension == Dimension::spread) literal.value = literal.written * kBpPerPercent;
  if (dimension == Dimension::percent) literal.value = literal.written * 0.01;
}

/// Comparisons and logic of constants, conditions being 0 or 1.
bool truth_of(Operator op, double a, double b) {
  switch (op) {
    case Operator::less:
      return a < b;
    case Operator::less_equal:
      return a <= b;
    case Operator::greater:
      return a > b;
    case Operator::greater_equal:
      return a >= b;
    case Operator::equal:
      return a == b;
    case Operator::not_equal:
      return a != b;
    case Operator::logical_and:
      return a > 0.5 && b > 0.5;
    case Operator::logical_or:
      return a > 0.5 || b > 0.5;
    case Operator::logical_not:
      return a < 0.5;
    default:
      return false;
  }
}

/// "one value a day", ...
std::string_view describe(Level level) noexcept {
  switch (level) {
    case Level::constant:
      return "a constant";
    case Level::series:
      return "one value a day";
    case Level::path:
      return "one value per path";
    case Level::sample:
      return "one value of the whole run";
  }
  return "";
}

/// Gives every node its level and dimension. What is wrong is said once, at the smallest part that is wrong.
class Checker {
 public:
  /// False: something in the node is wrong and has been said.
  bool check(Expression& node) {
    bool ok = true;
    for (auto& argument : node.arguments) ok = check(argument) && ok;
    if (!ok) return false;
    switch (node.kind) {
      case Kind::number:
        node.level = Level::constant;
        return true;
      case Kind::date:
        node.level = Level::constant;
        return true;
      case Kind::key:
        return refuse(node, "keys of the scenario are not values of a metric");
      case Kind::variable:
        node.level = Level::series;
        node.dimension = dimension_of(spec_of(node.variable).quantity);
        return true;
      case Kind::operation:
        return check_operation(node);
      case Kind::call:
        return check_call(node);
    }
    return false;
  }

  bool refuse(const Expression& node, std::string reason, std::string hint = {}) {
    errors_.push_back(
        {.offset = node.offset, .length = node.length, .reason = std::move(reason), .hint = std::move(hint)});
    return false;
  }

  [[nodiscard]] std::vector<ExpressionError> take_errors() { return std::move(errors_); }

 private:
  bool check_operation(Expression& node) {
    for (const auto& argument : node.arguments)
      if (argument.dimension == Dimension::date)
        return refuse(argument, "a day stands only in at(x, day)", "e.g. at(sofr, 2019-09-17)");
    if (!join_levels(node)) return false;
    if (is_logical(node.op)) {
      for (const auto& argument : node.arguments)
        if (argument.dimension != Dimension::boolean)
          return refuse(argument, "and, or, not take conditions; this is " + std::string(describe(argument.dimension)),
                        "compare it, e.g. spread > 25 bp");
      node.dimension = Dimension::boolean;
      return true;
    }
    for (const auto& argument : node.arguments)
      if (argument.dimension == Dimension::boolean)
        return refuse(argument, "this is a condition, not a number", "days(...) and P(...) count conditions");
    if (node.op == Operator::negate) {
      node.dimension = node.arguments.front().dimension;
      return true;
    }
    if (node.op == Operator::multiply) return check_product(node);
    if (node.op == Operator::divide) return check_quotient(node);
    return check_alike(node);
  }

  /// A constant joins anything; a value per day, per path and per run do not mix.
  bool join_levels(Expression& node) {
    node.level = node.arguments.front().level;
    if (node.arguments.size() == 1) {
      if (node.level == Level::sample && node.op == Operator::logical_not)
        return refuse(node, "a condition on a result of the whole run is not a metric");
      return true;
    }
    const Level other = node.arguments.back().level;
    if (node.level == Level::constant) node.level = other;
    if (other != Level::constant && other != node.level)
      return refuse(
          node,
          "mixes " + std::string(describe(node.arguments.front().level)) + " with " + std::string(describe(other)),
          "bring both to one value per path, e.g. max(spread) - first(spread)");
    if (node.level == Level::sample) {
      if (is_comparison(node.op) || is_logical(node.op))
        return refuse(node, "a condition on a result of the whole run is not a metric",
                      "compare on each path, e.g. P(max(spread) > 25 bp)");
      if (node.arguments.front().level == node.arguments.back().level)
        return refuse(node, "two results over paths cannot be combined: the error of the whole would not be known",
                      "combine them on each path, e.g. mean(max(spread) - first(spread))");
      if (node.op == Operator::divide && node.arguments.back().level == Level::sample)
        return refuse(node, "a constant divided by a result over paths has no error that could be told",
                      "divide on each path");
    }
    return true;
  }

  bool check_product(Expression& node) {
    const Expression& left = node.arguments[0];
    const Expression& right = node.arguments[1];
    if (left.dimension != Dimension::number && right.dimension != Dimension::number)
      return refuse(node, "multiplies " + std::string(describe(left.dimension)) + " with " +
                              std::string(describe(right.dimension)) + "; one of two factors is a pure number");
    node.dimension = left.dimension == Dimension::number ? right.dimension : left.dimension;
    return true;
  }

  bool check_quotient(Expression& node) {
    Expression& left = node.arguments[0];
    Expression& right = node.arguments[1];
    if (right.dimension != Dimension::number || is_share(right)) (void)adapt(left, right);
    if (left.dimension == right.dimension) {
      node.dimension = Dimension::number;
    } else if (right.dimension == Dimension::number) {
      node.dimension = left.dimension;
    } else {
      return refuse(node, "divides " + std::string(describe(left.dimension)) + " by " +
                              std::string(describe(right.dimension)) +
                              "; the divisor is a pure number or of one kind "
                              "with what is divided");
    }
    const auto divisor = constant_value(right);
    if (divisor && *divisor == 0.0) return refuse(right, "divides by zero");
    return true;
  }

  /// Lets a literal take the dimension of its partner. True: both are of one dimension now.
  static bool adapt(Expression& left, Expression& right) {
    for (auto [literal, partner] : {std::pair{&left, &right}, std::pair{&right, &left}}) {
      if (literal->dimension == partner->dimension) return true;
      const Dimension d = partner->dimension;
      const bool takes_share = d == Dimension::rate || d == Dimension::spread || d == Dimension::percent;
      if ((is_share(*literal) && takes_share) || (is_bare(*literal) && d == Dimension::days)) turn(*literal, d);
    }
    return left.dimension == right.dimension;
  }

  /// Sums, differences, comparisons: of one kind with another.
  bool check_alike(Expression& node) {
    Expression& left = node.arguments[0];
    Expression& right = node.arguments[1];
    const bool is_one = adapt(left, right);
    const bool has_rate = left.dimension == Dimension::rate || right.dimension == Dimension::rate;
    const bool has_spread = left.dimension == Dimension::spread || right.dimension == Dimension::spread;
    if (is_one) {
      node.dimension = is_comparison(node.op)                                               ? Dimension::boolean
                       : node.op == Operator::subtract && left.dimension == Dimension::rate ? Dimension::spread
                                                                                            : left.dimension;
      return true;
    }
    const bool moves_rate =
        node.op == Operator::add || (node.op == Operator::subtract && !(right.dimension == Dimension::rate));
    if (has_rate && has_spread && moves_rate) {
      node.dimension = Dimension::rate;
      return true;
    }
    const std::string verb = node.op == Operator::add        ? "adds "
                             : node.op == Operator::subtract ? "subtracts "
                                                             : "compares ";
    const std::string link = node.op == Operator::subtract ? " from " : node.op == Operator::add ? " to " : " with ";
    const Expression& first = is_comparison(node.op) ? left : right;
    const Expression& second = is_comparison(node.op) ? right : left;
    return refuse(node,
                  verb + std::string(scenario::describe(first.dimension)) + link +
                      std::string(scenario::describe(second.dimension)),
                  hint_for(node.op, left, right));
  }

  static std::string hint_for(Operator op, const Expression& left, const Expression& right) {
    for (const auto& [literal, partner] : {std::pair{&left, &right}, std::pair{&right, &left}}) {
      const Dimension d = partner->dimension;
      if (d == Dimension::rate && literal->dimension == Dimension::spread && op == Operator::subtract)
        return "turn the difference round";
      if (d == Dimension::rate && literal->dimension == Dimension::spread)
        return "a rate is written in %; a spread is a difference of rates, e.g. sofr - iorb";
      if (!is_bare(*literal)) continue;
      if (d == Dimension::spread) return "write the number in bp or %";
      if (d == Dimension::rate || d == Dimension::percent) return "write the number in %";
      if (d == Dimension::amount) return "write the number in bn USD (also mn USD, tn USD)";
    }
    return {};
  }

  bool check_call(Expression& node) {
    const std::string name(name_of(node.function));
    Expression& value = node.arguments.front();
    const bool wants_condition = node.function == Function::days || node.function == Function::probability;
    for (std::size_t i = 0; i < node.arguments.size(); ++i)
      if (node.arguments[i].dimension == Dimension::date && !(node.function == Function::at && i == 1))
        return refuse(node.arguments[i], "a day stands only in at(x, day)", "e.g. at(sofr, 2019-09-17)");
    if (value.level == Level::sample)
      return refuse(value, name + " of a result over paths: there is one such value in a run");
    if (value.level == Level::constant) return refuse(value, name + " of a constant");
    if (wants_condition && value.dimension != Dimension::boolean)
      return refuse(
          value, name + " needs a condition; this is " + std::string(scenario::describe(value.dimension)),
          "compare it, e.g. " + arguments_of(node.function).substr(arguments_of(node.function).find("e.g. ") + 5));
    if (!wants_condition && value.dimension == Dimension::boolean)
      return refuse(value, name + " needs a number; this is a condition", "days(...) and P(...) count conditions");
    switch (node.function) {
      case Function::max:
      case Function::min:
      case Function::sum:
      case Function::first:
      case Function::last:
      case Function::at:
      case Function::days:
        return check_over_days(node, value, name);
      case Function::mean:
        node.level = value.level == Level::series ? Level::path : Level::sample;
        node.dimension = value.dimension;
        return true;
      case Function::probability:
      case Function::sd:
      case Function::quantile:
      case Function::es:
        return check_over_paths(node, value, name);
    }
    return false;
  }

  bool check_over_days(Expression& node, const Expression& value, const std::string& name) {
    if (value.level == Level::path)
      return refuse(value, name + " is over days, and this is already one value per path");
    if (node.function == Function::sum && value.dimension == Dimension::rate)
      return refuse(value, "the sum of a rate over days has no meaning", "mean(...) is its average");
    if (node.function == Function::at && (node.arguments[1].kind != Kind::date))
      return refuse(node.arguments[1], "the second argument of at is a day", "e.g. at(sofr, 2019-09-17)");
    node.level = Level::path;
    node.dimension = node.function == Function::days ? Dimension::days : value.dimension;
    return true;
  }

  bool check_over_paths(Expression& node, const Expression& value, const std::string& name) {
    if (value.level == Level::series)
      return refuse(value, name + " is over paths, and this is one value a day",
                    node.function == Function::probability
                        ? "name the day or the extreme: P(at(x, 2019-09-17) > ...), P(max(x) > ...), P(days(...) > 0)"
                        : "make it one value per path, e.g. max(...)");
    if (takes_two(node.function)) {
      const auto share = constant_value(node.arguments[1]);
      if (!share || node.arguments[1].dimension != Dimension::number || !(*share > 0.0 && *share < 1.0))
        return refuse(node.arguments[1], "must be a share of the paths above 0 % and below 100 %", "e.g. 95 %");
    }
    node.level = Level::sample;
    node.dimension = node.function == Function::probability                                ? Dimension::number
                     : node.function == Function::sd && value.dimension == Dimension::rate ? Dimension::spread
                                                                                           : value.dimension;
    return true;
  }

 public:
  /// Lets a literal take a dimension. True: it has it now.
  static bool adapt_to(Dimension dimension, Expression& literal) {
    Expression partner;
    partner.dimension = dimension;
    partner.kind = Kind::variable;
    return adapt(literal, partner);
  }

  /// The value of a constant part; of a condition 0 or 1.
  static std::optional<double> constant_value(const Expression& node) {
    if (node.kind == Kind::number) return node.value;
    if (node.kind != Kind::operation || node.level != Level::constant) return std::nullopt;
    const auto a = constant_value(node.arguments.front());
    const auto b = node.arguments.size() > 1 ? constant_value(node.arguments.back()) : a;
    if (!a || !b) return std::nullopt;
    switch (node.op) {
      case Operator::add:
        return *a + *b;
      case Operator::subtract:
        return *a - *b;
      case Operator::multiply:
        return *a * *b;
      case Operator::divide:
        return std::fabs(*b) > kLeastDivisor ? std::optional(*a / *b) : std::nullopt;
      case Operator::negate:
        return -*a;
      default:
        return truth_of(node.op, *a, *b) ? 1.0 : 0.0;
    }
  }

 private:
  std::vector<ExpressionError> errors_;
};

/// Puts the values of a scenario in the place of its keys.
void fill_keys(Expression& node, const std::function<std::optional<std::string>(std::string_view)>& lookup,
               std::vector<ExpressionError>& errors) {
  for (auto& argument : node.arguments) fill_keys(argument, lookup, errors);
  if (node.kind != Kind::key) return;
  const auto refuse = [&](std::string reason) {
    errors.push_back({.offset = node.offset, .length = node.length, .reason = std::move(reason)});
  };
  const auto text = lookup(node.key);
  if (!text) {
    refuse("the scenario states no value for \"" + node.key + "\"");
    errors.back().unknown = node.key;
    return;
  }
  Expression value;
  value.kind = Kind::number;
  if (*text == "true" || *text == "false") {
    value.dimension = Dimension::boolean;
    value.value = *text == "true" ? 1.0 : 0.0;
  } else {
    const auto parsed = parse_expression(*text);
    if (!parsed.tree || !is_literal(*parsed.tree))
      return refuse(node.key + " is \"" + text->substr(0, 40) + "\", which cannot be compared");
    value = *parsed.tree;
  }
  value.offset = node.offset;
  value.length = node.length;
  node = std::move(value);
}

/// Takes the linear wrapping off a result over paths. Pre: checked, level sample.
bool take_form(const Expression& node, MetricForm& form) {
  if (node.kind == Kind::call) {
    form.statistic = node.function;
    if (takes_two(node.function)) form.share = Checker::constant_value(node.arguments[1]).value_or(0.5);
    form.per_path = node.arguments.front();
    return true;
  }
  const auto& left = node.arguments.front();
  if (node.op == Operator::negate) {
    if (!take_form(left, form)) return false;
    form.scale = -form.scale;
    form.shift = -form.shift;
    return true;
  }
  const auto& right = node.arguments.back();
  const bool sample_is_left = left.level == Level::sample;
  const auto constant = Checker::constant_value(sample_is_left ? right : left);
  if (!constant || !take_form(sample_is_left ? left : right, form)) return false;
  if (node.op == Operator::add) {
    form.shift += *constant;
  } else if (node.op == Operator::subtract) {
    form.scale = sample_is_left ? form.scale : -form.scale;
    form.shift = sample_is_left ? form.shift - *constant : *constant - form.shift;
  } else if (node.op == Operator::multiply) {
    form.scale *= *constant;
    form.shift *= *constant;
  } else {
    form.scale /= *constant;
    form.shift /= *constant;
  }
  return std::isfinite(form.scale) && std::isfinite(form.shift);
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kBlanks) - first + 1));
}

constexpr std::string_view kAskOverDays = "say which: max, min, sum, mean, first, last, at(x, date) or days(condition)";

struct UnitRow {
  Dimension dimension;
  ShownUnit shown;
};
// The first of a dimension is its default.
constexpr auto kUnits = std::to_array<UnitRow>({{Dimension::number, {"1", "1", 1.0}},
                                                {Dimension::number, {"%", "percent", 100.0}},
                                                {Dimension::boolean, {"1", "1", 1.0}},
                                                {Dimension::rate, {"%", "percent", 0.01}},
                                                {Dimension::rate, {"bp", "bp", 1.0}},
                                                {Dimension::spread, {"bp", "bp", 1.0}},
                                                {Dimension::spread, {"%", "percent", 0.01}},
                                                {Dimension::amount, {"bn USD", "1e9 USD", 1.0}},
                                                {Dimension::amount, {"mn USD", "1e6 USD", 1e3}},
                                                {Dimension::amount, {"tn USD", "1e12 USD", 1e-3}},
                                                {Dimension::days, {"bd", "business days", 1.0}},
                                                {Dimension::days, {"d", "business days", 1.0}},
                                                {Dimension::percent, {"%", "percent", 100.0}},
                                                {Dimension::percent, {"1", "1", 1.0}},
                                                {Dimension::date, {"1", "1", 1.0}}});

void check_node_in_world(const Expression& node, const ExpressionWorld& world, std::vector<ExpressionError>& errors) {
  const auto refuse = [&](std::string reason) {
    errors.push_back({.offset = node.offset, .length = node.length, .reason = std::move(reason)});
  };
  if (node.kind == Kind::date) {
    const std::string day = calendar::to_iso(node.date);
    if (!calendar::is_publication_day(node.date)) {
      const auto before = calendar::previous_publication_day(node.date);
      const auto after = calendar::next_publication_day(node.date);
      refuse(day + " is not a publication day of SOFR; the nearest is " +
             calendar::to_iso(after - node.date < node.date - before ? after : before));
    } else if (node.date < world.start || node.date > world.end) {
      refuse(day + " lies outside the window, " + calendar::to_iso(world.start) + " to " + calendar::to_iso(world.end));
    }
  }
  const bool needs_facility = node.kind == Kind::variable && (node.variable == Variable::standing_repo_rate ||
                                                              node.variable == Variable::volume_above_srf_rate);
  if (needs_facility && !world.has_standing_repo)
    refuse(std::string(spec_of(node.variable).name) +
           " has no value here: the scenario has no standing repo facility (policy.standing_repo)");
  for (const auto& argument : node.arguments) check_node_in_world(argument, world, errors);
}

}  // namespace

std::string_view describe(Dimension dimension) noexcept {
  switch (dimension) {
    case Dimension::number:
      return "a pure number";
    case Dimension::boolean:
      return "a condition";
    case Dimension::rate:
      return "a rate";
    case Dimension::spread:
      return "a spread";
    case Dimension::amount:
      return "an amount of money";
    case Dimension::days:
      return "a number of days";
    case Dimension::percent:
      return "a return";
    case Dimension::date:
      return "a day";
  }
  return "";
}

CheckedMetric check_metric(std::string_view text) {
  auto parsed = parse_expression(text);
  if (!parsed.tree) return {std::nullopt, std::move(parsed.errors)};
  Expression& tree = *parsed.tree;
  Checker checker;
  if (!checker.check(tree)) return {std::nullopt, checker.take_errors()};
  MetricForm form;
  form.dimension = tree.dimension;
  if (tree.level == Level::sample) {
    if (!take_form(tree, form))
      checker.refuse(tree, "only a constant factor and a constant shift may stand around a result over paths");
  } else if (tree.level == Level::path) {
    form.statistic = tree.dimension == Dimension::boolean ? Function::probability : Function::mean;
    if (tree.dimension == Dimension::boolean) form.dimension = Dimension::number;
    form.per_path = std::move(tree);
  } else if (tree.level == Level::series) {
    checker.refuse(tree, "still has a value for every day", std::string(kAskOverDays));
  } else {
    checker.refuse(tree, "is a constant, not a metric", "e.g. mean(max(sofr - iorb))");
  }
  auto errors = checker.take_errors();
  if (!errors.empty()) return {std::nullopt, std::move(errors)};
  return {std::move(form), {}};
}

CheckedTarget check_target(std::string_view text) {
  std::size_t equals = text.find('=');
  const auto is_comparison = [&](std::size_t at) {
    return (at > 0 && std::string_view("<>!=").find(text[at - 1]) != std::string_view::npos) ||
           (at + 1 < text.size() && text[at + 1] == '=');
  };
  while (equals != std::string_view::npos && is_comparison(equals)) equals = text.find('=', equals + 1);
  CheckedTarget checked;
  if (equals == std::string_view::npos) {
    checked.errors = {{.offset = text.size(),
                       .reason = "a target is a metric, \"=\" and a value",
                       .hint = "e.g. P(max(sofr - iorb) > 100 bp) = 10 %"}};
    return checked;
  }
  checked.metric = trimmed(text.substr(0, equals));
  checked.value = trimmed(text.substr(equals + 1));
  auto metric = check_metric(text.substr(0, equals));
  checked.errors = std::move(metric.errors);
  if (!metric.form) return checked;
  auto value = parse_expression(text.substr(equals + 1));
  Checker checker;
  if (value.tree && checker.check(*value.tree)) {
    const bool is_constant = Checker::constant_value(*value.tree).has_value();
    if (!is_constant || !Checker::adapt_to(metric.form->dimension, *value.tree))
      checker.refuse(*value.tree, "the value of the target must be " + std::string(describe(metric.form->dimension)) +
                                      ", as the metric is");
  }
  checked.errors = value.tree ? checker.take_errors() : std::move(value.errors);
  for (auto& error : checked.errors) error.offset += equals + 1;
  if (!checked.errors.empty()) return checked;
  checked.form = std::move(metric.form);
  checked.target = *Checker::constant_value(*value.tree);
  return checked;
}

CheckedCondition evaluate_condition(std::string_view text,
                                    const std::function<std::optional<std::string>(std::string_view)>& lookup) {
  auto parsed = parse_expression(text, Names::scenario_keys);
  if (!parsed.tree) return {std::nullopt, std::move(parsed.errors)};
  std::vector<ExpressionError> errors;
  fill_keys(*parsed.tree, lookup, errors);
  if (!errors.empty()) return {std::nullopt, std::move(errors)};
  Checker checker;
  if (checker.check(*parsed.tree) && parsed.tree->dimension != Dimension::boolean)
    checker.refuse(*parsed.tree, "is " + std::string(describe(parsed.tree->dimension)) + ", not a condition",
                   "compare it, e.g. fed_balance_sheet.reserves > 1500 bn USD");
  errors = checker.take_errors();
  if (!errors.empty()) return {std::nullopt, std::move(errors)};
  return {Checker::constant_value(*parsed.tree).value_or(0.0) > 0.5, {}};
}

CheckedExpression check_path_expression(std::string_view text) {
  auto parsed = parse_expression(text);
  if (!parsed.tree) return {std::nullopt, std::move(parsed.errors)};
  Expression& tree = *parsed.tree;
  Checker checker;
  if (!checker.check(tree)) return {std::nullopt, checker.take_errors()};
  if (tree.level == Level::series)
    checker.refuse(tree, "still has a value for every day", std::string(kAskOverDays));
  else if (tree.level == Level::sample)
    checker.refuse(tree, "is one value of the whole run; one value per path is needed", "e.g. max(sofr - iorb)");
  else if (tree.level == Level::constant)
    checker.refuse(tree, "is a constant; one value per path is needed", "e.g. max(sofr - iorb)");
  else if (tree.dimension == Dimension::boolean)
    checker.refuse(tree, "is a condition; one number per path is needed", "e.g. max(sofr - iorb)");
  auto errors = checker.take_errors();
  if (!errors.empty()) return {std::nullopt, std::move(errors)};
  return {std::move(parsed.tree), {}};
}

std::vector<ExpressionError> check_in_world(const Expression& tree, const ExpressionWorld& world) {
  std::vector<ExpressionError> errors;
  check_node_in_world(tree, world, errors);
  return errors;
}

ExpressionWorld expression_world(const Scenario& scenario) noexcept {
  const auto& facility = scenario.policy.standing_repo;
  return {.start = scenario.window.start,
          .end = scenario.window.end,
          .has_standing_repo = facility.enabled && (facility.am || facility.pm)};
}

ShownUnit default_unit(Dimension dimension) noexcept {
  return std::ranges::find(kUnits, dimension, &UnitRow::dimension)->shown;
}

std::optional<ShownUnit> find_unit(Dimension dimension, std::string_view written) noexcept {
  for (const auto& unit : kUnits)
    if (unit.dimension == dimension && unit.shown.written == written) return unit.shown;
  return std::nullopt;
}

std::string list_units(Dimension dimension) {
  std::vector<std::string_view> names;
  for (const auto& unit : kUnits)
    if (unit.dimension == dimension) names.push_back(unit.shown.written);
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + std::string(names[i]);
  return text;
}

}  // namespace repoquake::scenario
