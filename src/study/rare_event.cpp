#include "repoquake/study/rare_event.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "repoquake/engine/path_evaluator.hpp"

namespace repoquake::study {
namespace {

using scenario::Expression;
using scenario::Operator;

Expression operation(Operator op, std::vector<Expression> arguments) {
  Expression node = arguments.front();
  node.kind = Expression::Kind::operation;
  node.op = op;
  node.level = scenario::Level::path;
  node.arguments = std::move(arguments);
  return node;
}

/// The value of a constant; nothing of what is not one.
std::optional<double> constant_value(Expression tree, const std::vector<calendar::Date>& dates) {
  if (tree.level != scenario::Level::constant) return std::nullopt;
  tree.level = scenario::Level::path;  // the same on every path
  const plan::PathProgram program = plan::compile_path_expression(tree, dates);
  engine::PathEvaluator evaluator(program);
  evaluator.open();
  return evaluator.close()[0];
}

/// Nothing is done where the condition is not one comparison.
void add_score(const Expression& condition, const std::vector<calendar::Date>& dates, RareEvent& event) {
  if (condition.kind != Expression::Kind::operation) return;
  const bool is_above = condition.op == Operator::greater || condition.op == Operator::greater_equal;
  const bool is_below = condition.op == Operator::less || condition.op == Operator::less_equal;
  if (!is_above && !is_below) return;
  const Expression& left = condition.arguments.front();
  const Expression& right = condition.arguments.back();
  if (left.dimension == scenario::Dimension::boolean) return;
  event.has_score = true;
  event.or_equal = condition.op == Operator::greater_equal || condition.op == Operator::less_equal;
  const auto left_value = constant_value(left, dates), right_value = constant_value(right, dates);
  Expression value = left;
  double threshold = right_value.value_or(0.0);
  event.is_below = is_below;
  if (left_value) {  // "100 bp < max(spread)"
    value = right;
    threshold = *left_value;
    event.is_below = is_above;
  } else if (!right_value) {
    value = operation(Operator::subtract, {left, right});
  }
  const auto unit = scenario::default_unit(left_value ? right.dimension : left.dimension);
  event.unit = unit.written;
  event.factor = unit.factor;
  event.threshold = event.is_below ? -threshold : threshold;
  event.score = plan::compile_path_expression(event.is_below ? operation(Operator::negate, {value}) : value, dates);
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  return first == std::string_view::npos ? "" : std::string(text.substr(first, text.find_last_not_of(' ') + 1 - first));
}

/// The text in P(...), where that is all there is.
std::string without_p(std::string_view text) {
  std::string whole = trimmed(text);
  if (!whole.starts_with("P(") && !whole.starts_with("P (")) return whole;
  const auto open = whole.find('(');
  return trimmed(std::string_view(whole).substr(open + 1, whole.rfind(')') - open - 1));
}

std::string number(const char* format, double value) {
  std::array<char, 64> text{};
  static_cast<void>(std::snprintf(text.data(), text.size(), format, value));
  return text.data();
}

}  // namespace

CheckedEvent check_event(std::string_view text, const scenario::ExpressionWorld& world, const plan::Plan& plan) {
  CheckedEvent out;
  auto checked = scenario::check_metric(text);
  out.errors = std::move(checked.errors);
  if (!checked.form) return out;
  const auto& form = *checked.form;
  const auto refuse = [&](const char* reason, const char* hint) {
    out.errors.push_back({.offset = 0, .length = text.size(), .reason = reason, .hint = hint});
  };
  if (form.statistic != scenario::Function::probability) {
    refuse("is a number; an event is a condition on a path", "e.g. max(sofr - iorb) > 300 bp");
    return out;
  }
  if (form.scale != 1.0 || form.shift != 0.0) {
    refuse("is more than a probability; an event is a condition on a path", "e.g. max(sofr - iorb) > 300 bp");
    return out;
  }
  out.errors = scenario::check_in_world(form.per_path, world);
  if (!out.errors.empty()) return out;
  std::vector<calendar::Date> dates;
  for (const auto& day : plan.days) dates.push_back(day.date);
  RareEvent event;
  event.text = without_p(text);
  event.condition = plan::compile_path_expression(form.per_path, dates);
  add_score(form.per_path, dates, event);
  out.event = std::move(event);
  return out;
}

std::string why_refused(const SplittingEstimate& e, const RareEvent& event, std::uint32_t replicas) {
  const std::string more = "; raise --population, --moves or --replicas";
  if (!std::isfinite(e.best)) return "no path of any replica has a value of the expression";
  if (e.n_reached == 0)
    return "no path of any replica is in the event: the nearest comes to " + number("%.6g", event.shown(e.best)) + " " +
           event.unit;
  if (e.n_reached < replicas && 2 * e.n_reached < replicas)
    return "only " + std::to_string(e.n_reached) + " of " + std::to_string(replicas) + " replicas reached the event" +
           more;
  const double relative = e.probability.standard_error / e.probability.value;
  if (!(relative <= kMostRelativeError))
    return "its standard error is " + number("%.0f", 100.0 * relative) + " % of it" + more;
  if (e.least_moved < kLeastMoved)
    return "at a level only " + number("%.0f", 100.0 * e.least_moved) +
           " % of the copies have parted from the path they were copied from; raise --moves";
  return "";
}

std::string why_refused(const TiltingEstimate& e) {
  if (!e.has_true_weights())
    return "the mean weight is " + number("%.5f", e.mean_weight.value) + " +- " +
           number("%.5f", e.mean_weight.standard_error) + ", not 1: tilt less, or raise --paths";
  if (e.marked.n == 0) return "no path is in the event; tilt more, tilt another shock, or raise --paths";
  if (!e.has_enough_hits())
    return "the hits are worth " + number("%.1f", e.effective_hits) + " equally weighted ones, of at least " +
           number("%.0f", kLeastEffectiveHits) + "; tilt otherwise, or raise --paths";
  return "";
}

}  // namespace repoquake::study
