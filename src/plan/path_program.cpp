#include "repoquake/plan/path_program.hpp"

#include <algorithm>
#include <optional>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/units.hpp"

namespace repoquake::plan {
namespace {

using scenario::Dimension;
using scenario::Expression;
using scenario::Function;
using scenario::Level;
using Kind = Expression::Kind;

/// From the unit of a result to that of expressions.
double factor_of(Quantity quantity) noexcept {
  switch (quantity) {
    case Quantity::rate:
      return kBpPerPercent;
    case Quantity::percent:
      return 0.01;
    case Quantity::spread:
    case Quantity::amount:
    case Quantity::fraction:
      return 1.0;
  }
  return 1.0;
}

PathOp op_of(scenario::Operator op) noexcept {
  using scenario::Operator;
  switch (op) {
    case Operator::add:
      return PathOp::add;
    case Operator::subtract:
      return PathOp::subtract;
    case Operator::multiply:
      return PathOp::multiply;
    case Operator::divide:
      return PathOp::divide;
    case Operator::less:
      return PathOp::less;
    case Operator::less_equal:
      return PathOp::less_equal;
    case Operator::greater:
      return PathOp::greater;
    case Operator::greater_equal:
      return PathOp::greater_equal;
    case Operator::equal:
      return PathOp::equal;
    case Operator::not_equal:
      return PathOp::not_equal;
    case Operator::logical_and:
      return PathOp::logical_and;
    case Operator::logical_or:
      return PathOp::logical_or;
    case Operator::logical_not:
      return PathOp::logical_not;
    case Operator::negate:
      return PathOp::negate;
  }
  return PathOp::add;
}

class Compiler {
 public:
  explicit Compiler(const std::vector<calendar::Date>& dates) : dates_(dates) {}

  PathProgram compile(const Expression& tree) {
    emit(tree, program_.per_path, 1);
    return std::move(program_);
  }

 private:
  /// Puts the value of a node on the stack, which is then `height` high.
  void emit(const Expression& node, std::vector<Instruction>& out, std::size_t height) {
    program_.depth = std::max(program_.depth, height);
    switch (node.kind) {
      case Kind::number:
        out.push_back({.op = PathOp::constant, .value = node.value});
        return;
      case Kind::variable:
        out.push_back(
            {.op = PathOp::variable, .variable = node.variable, .value = factor_of(spec_of(node.variable).quantity)});
        return;
      case Kind::operation:
        for (std::size_t i = 0; i < node.arguments.size(); ++i) emit(node.arguments[i], out, height + i);
        out.push_back({.op = op_of(node.op)});
        return;
      case Kind::call:
        out.push_back({.op = PathOp::accumulator, .place = accumulate(node)});
        return;
      case Kind::date:
      case Kind::key:
        break;
    }
    RQ_EXPECT(false);  // no value of a path: the checker refuses it
  }

  /// The place of the accumulator; equal ones share it.
  std::uint32_t accumulate(const Expression& call) {
    const auto last = static_cast<std::uint32_t>(dates_.size() - 1);
    Accumulation a{.last_row = last};
    switch (call.function) {
      case Function::max:
        break;
      case Function::min:
        a.reduction = Reduction::min;
        break;
      case Function::mean:
        a.divisor = static_cast<double>(dates_.size());
        a.reduction = Reduction::sum;
        break;
      case Function::sum:
      case Function::days:
        a.reduction = Reduction::sum;
        break;
      case Function::first:
        a.reduction = Reduction::only;
        a.last_row = 0;
        break;
      case Function::last:
        a.reduction = Reduction::only;
        a.first_row = last;
        break;
      case Function::at:
        a.reduction = Reduction::only;
        a.first_row = a.last_row = row_of(call.arguments.back().date);
        break;
      default:
        RQ_EXPECT(false);  // over paths: never inside a path
    }
    emit(call.arguments.front(), a.series, 1);
    const auto known = std::ranges::find(program_.accumulations, a);
    const auto place = static_cast<std::uint32_t>(known - program_.accumulations.begin());
    if (known == program_.accumulations.end()) program_.accumulations.push_back(std::move(a));
    return place;
  }

  [[nodiscard]] std::uint32_t row_of(calendar::Date date) const {
    const auto row = std::ranges::find(dates_, date);
    RQ_EXPECT(row != dates_.end());
    return static_cast<std::uint32_t>(row - dates_.begin());
  }

  const std::vector<calendar::Date>& dates_;
  PathProgram program_;
};

stats::Statistic statistic_of(Function function) noexcept {
  switch (function) {
    case Function::probability:
      return stats::Statistic::probability;
    case Function::sd:
      return stats::Statistic::sd;
    case Function::quantile:
      return stats::Statistic::quantile;
    case Function::es:
      return stats::Statistic::tail_mean;
    default:
      return stats::Statistic::mean;
  }
}

/// Fractions are binned in 1/10,000, so that bins are as fine for them as for bp.
double bin_factor_of(Dimension dimension) noexcept {
  return dimension == Dimension::number || dimension == Dimension::percent ? kBpPerUnit : 1.0;
}

}  // namespace

PathProgram compile_path_expression(const Expression& tree, const std::vector<calendar::Date>& dates) {
  RQ_EXPECT(tree.level == Level::path && !dates.empty());
  return Compiler(dates).compile(tree);
}

PlanMetric compile_metric(const scenario::MetricForm& form, const scenario::ShownUnit& unit,
                          const std::vector<calendar::Date>& dates) {
  PlanMetric metric;
  metric.per_path = compile_path_expression(form.per_path, dates);
  metric.spec.statistic = {.statistic = statistic_of(form.statistic), .share = form.share};
  metric.spec.scale = form.scale * unit.factor;
  metric.spec.shift = form.shift * unit.factor;
  metric.spec.bin_factor = bin_factor_of(form.per_path.dimension);
  metric.spec.unit_factor = unit.factor;
  metric.spec.unit = unit.in_result;
  metric.spec.shown_unit = unit.written;
  return metric;
}

}  // namespace repoquake::plan
