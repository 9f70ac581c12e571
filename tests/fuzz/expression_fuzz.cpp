// Metric expressions, conditions on keys, targets; and the program of what is right.
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/entry_point.hpp"
#include "fuzz/targets.hpp"
#include "repoquake/calendar/day_grid.hpp"
#include "repoquake/plan/path_program.hpp"
#include "repoquake/scenario/expression.hpp"

namespace repoquake::fuzz {
namespace {

using scenario::Expression;
using scenario::ExpressionError;

constexpr calendar::Date day(int y, unsigned m, unsigned d) {
  return std::chrono::year_month_day{std::chrono::year{y}, std::chrono::month{m}, std::chrono::day{d}};
}

constexpr calendar::Date kStart = day(2019, 9, 11);
constexpr calendar::Date kEnd = day(2019, 10, 3);

const std::vector<calendar::Date>& rows() {
  static const auto dates = [] {
    std::vector<calendar::Date> found;
    for (const auto& row : calendar::day_grid(kStart, kEnd)) found.push_back(row.date);
    return found;
  }();
  return dates;
}

void require_within(std::string_view text, const std::vector<ExpressionError>& errors) {
  for (const auto& error : errors) {
    require(error.offset <= text.size(), "a complaint lies in the text");
    require(!error.reason.empty(), "a complaint has a reason");
  }
}

void require_within(std::string_view text, const Expression& tree, int depth = 1) {
  require(depth <= scenario::kMaxExpressionDepth, "depth is limited");
  require(tree.offset <= text.size() && tree.length <= text.size() - tree.offset, "a node lies in the text");
  require(std::isfinite(tree.value), "numbers are finite");
  for (const auto& argument : tree.arguments) require_within(text, argument, depth + 1);
}

bool fits_world(std::string_view text, const Expression& tree) {
  bool fits = false;
  for (const bool has_standing_repo : {false, true}) {
    const auto errors = scenario::check_in_world(tree, {kStart, kEnd, has_standing_repo});
    require_within(text, errors);
    fits = errors.empty();
  }
  return fits;
}

void answer_form(std::string_view text, const scenario::MetricForm& form) {
  require_within(text, form.per_path);
  require(std::isfinite(form.scale) && std::isfinite(form.shift), "scale and shift are finite");
  require(form.share >= 0.0 && form.share <= 1.0, "a share lies between 0 and 1");
  if (!fits_world(text, form.per_path)) return;
  (void)plan::compile_metric(form, scenario::default_unit(form.dimension), rows());
}

std::optional<std::string> look_up(std::string_view key) {
  constexpr const char* kValues[] = {"1500 bn USD", "5 bp", "true", "2.5 %", "3 d", "2019-09-17", "no value", "0.5"};
  const auto last = static_cast<unsigned char>(key.empty() ? 0 : key.back());
  if (last % 9 == 8) return std::nullopt;
  return kValues[last % 9];
}

}  // namespace

void answer_expression(std::string_view text) {
  for (const auto names : {scenario::Names::variables, scenario::Names::scenario_keys}) {
    const auto parsed = scenario::parse_expression(text, names);
    require(parsed.tree.has_value() == parsed.errors.empty() && parsed.errors.size() <= 1, "a tree or one error");
    require_within(text, parsed.errors);
    if (parsed.tree) require_within(text, *parsed.tree);
  }

  const auto metric = scenario::check_metric(text);
  require(metric.form.has_value() == metric.errors.empty(), "a metric or errors");
  require_within(text, metric.errors);
  if (metric.form) answer_form(text, *metric.form);

  const auto path = scenario::check_path_expression(text);
  require(path.tree.has_value() == path.errors.empty(), "an expression or errors");
  require_within(text, path.errors);
  if (path.tree && fits_world(text, *path.tree)) (void)plan::compile_path_expression(*path.tree, rows());

  const auto target = scenario::check_target(text);
  require(target.form.has_value() == target.errors.empty(), "a target or errors");
  require_within(text, target.errors);
  if (target.form) {
    require(std::isfinite(target.target), "a target is finite");
    answer_form(text, *target.form);
  }

  const auto condition = scenario::evaluate_condition(text, look_up);
  require(condition.holds.has_value() == condition.errors.empty(), "an answer or errors");
  require_within(text, condition.errors);
}

}  // namespace repoquake::fuzz

REPOQUAKE_FUZZ_ENTRY(repoquake::fuzz::answer_expression)
