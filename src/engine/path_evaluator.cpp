#include "repoquake/engine/path_evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "repoquake/core/contract.hpp"

namespace repoquake::engine {
namespace {

using plan::PathOp;
using plan::Reduction;

/// left = f(left, right), lane by lane.
template <class F>
void combine(Column left, ConstColumn right, F&& f) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) left[i] = f(left[i], right[i]);
}
template <class F>
void compare(Column left, ConstColumn right, F&& f) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) left[i] = f(left[i], right[i]) ? 1.0 : 0.0;
}

void apply(PathOp op, Column left, ConstColumn right) noexcept {
  switch (op) {
    case PathOp::add:
      return combine(left, right, std::plus<>());
    case PathOp::subtract:
      return combine(left, right, std::minus<>());
    case PathOp::multiply:
      return combine(left, right, std::multiplies<>());
    case PathOp::less:
      return compare(left, right, std::less<>());
    case PathOp::less_equal:
      return compare(left, right, std::less_equal<>());
    case PathOp::greater:
      return compare(left, right, std::greater<>());
    case PathOp::greater_equal:
      return compare(left, right, std::greater_equal<>());
    case PathOp::equal:
      return compare(left, right, std::equal_to<>());
    case PathOp::not_equal:
      return compare(left, right, std::not_equal_to<>());
    case PathOp::logical_and:  // of 0 and 1
      return combine(left, right, std::multiplies<>());
    case PathOp::logical_or:
      return combine(left, right, [](double a, double b) { return std::max(a, b); });
    case PathOp::divide:
    case PathOp::constant:
    case PathOp::variable:
    case PathOp::accumulator:
    case PathOp::negate:
    case PathOp::logical_not:
      return;  // not of two columns, or done by the evaluator
  }
}

}  // namespace

PathEvaluator::PathEvaluator(const plan::PathProgram& program)
    : program_(&program), stack_(program.depth), accumulators_(program.accumulations.size()) {}

void PathEvaluator::open() noexcept {
  has_value_.fill(true);
  for (std::size_t k = 0; k < accumulators_.size(); ++k) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const Reduction reduction = program_->accumulations[k].reduction;
    accumulators_[k].fill(reduction == Reduction::max ? -kInfinity : reduction == Reduction::min ? kInfinity : 0.0);
  }
}

void PathEvaluator::divide(Column value, ConstColumn divisor) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const bool can = std::fabs(divisor[i]) >= scenario::kLeastDivisor;
    has_value_[i] = has_value_[i] && can;
    value[i] = can ? value[i] / divisor[i] : 0.0;
  }
}

void PathEvaluator::run(std::span<const plan::Instruction> code, const plan::Plan* plan, std::uint32_t day,
                        const BlockWorkspace* work) noexcept {
  std::size_t height = 0;
  for (const plan::Instruction& step : code) {
    switch (step.op) {
      case PathOp::constant:
        stack_[height++].fill(step.value);
        break;
      case PathOp::variable: {
        RQ_EXPECT(plan != nullptr && work != nullptr);  // only the code of a day has variables
        ColumnData& top = stack_[height++];
        observe(*plan, day, step.variable, *work, top);
        if (step.value != 1.0)
          for (double& value : top) value *= step.value;
        break;
      }
      case PathOp::accumulator:
        stack_[height++] = accumulators_[step.place];
        break;
      case PathOp::negate:
        for (double& value : stack_[height - 1]) value = -value;
        break;
      case PathOp::logical_not:
        for (double& value : stack_[height - 1]) value = 1.0 - value;
        break;
      case PathOp::divide:
        --height;
        divide(stack_[height - 1], stack_[height]);
        break;
      default:
        --height;
        apply(step.op, stack_[height - 1], stack_[height]);
    }
  }
}

void PathEvaluator::see(const plan::Plan& plan, std::uint32_t day, const BlockWorkspace& work) noexcept {
  for (std::size_t k = 0; k < accumulators_.size(); ++k) {
    const plan::Accumulation& a = program_->accumulations[k];
    if (day < a.first_row || day > a.last_row) continue;
    run(a.series, &plan, day, &work);
    const ColumnData& value = stack_.front();
    ColumnData& total = accumulators_[k];
    switch (a.reduction) {
      case Reduction::max:
        combine(total, value, [](double x, double y) { return std::max(x, y); });
        break;
      case Reduction::min:
        combine(total, value, [](double x, double y) { return std::min(x, y); });
        break;
      case Reduction::sum:
        combine(total, value, std::plus<>());
        break;
      case Reduction::only:
        total = value;
        break;
    }
  }
}

ConstColumn PathEvaluator::close() noexcept {
  for (std::size_t k = 0; k < accumulators_.size(); ++k)
    if (const double divisor = program_->accumulations[k].divisor; divisor != 1.0)
      for (double& value : accumulators_[k]) value /= divisor;
  run(program_->per_path, nullptr, 0, nullptr);
  ColumnData& values = stack_.front();
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    if (!has_value_[i] || !std::isfinite(values[i])) values[i] = std::numeric_limits<double>::quiet_NaN();
  return values;
}

}  // namespace repoquake::engine
