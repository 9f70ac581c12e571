/// The functions of metric expressions by name: for the parser, the checker, and their sentences.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/scenario/expression.hpp"

namespace repoquake::scenario {

/// In the order of `Function`.
inline constexpr auto kFunctionNames = std::to_array<std::string_view>(
    {"max", "min", "sum", "mean", "first", "last", "at", "days", "P", "sd", "quantile", "es"});

[[nodiscard]] constexpr std::string_view name_of(Function function) noexcept {
  return kFunctionNames[static_cast<std::size_t>(function)];
}

[[nodiscard]] inline std::optional<Function> find_function(std::string_view name) noexcept {
  const auto found = std::ranges::find(kFunctionNames, name);
  if (found == kFunctionNames.end()) return std::nullopt;
  return static_cast<Function>(found - kFunctionNames.begin());
}

[[nodiscard]] inline std::vector<std::string> function_names() {
  return {kFunctionNames.begin(), kFunctionNames.end()};
}

[[nodiscard]] constexpr bool takes_two(Function function) noexcept {
  return function == Function::at || function == Function::quantile || function == Function::es;
}

[[nodiscard]] inline std::string arguments_of(Function function) {
  switch (function) {
    case Function::at:
      return "a variable and a day, e.g. at(sofr, 2019-09-17)";
    case Function::days:
      return "one condition, e.g. days(spread > 25 bp)";
    case Function::probability:
      return "one condition, e.g. P(max(spread) > 25 bp)";
    case Function::quantile:
      return "a value and a share of the paths, e.g. quantile(max(spread), 95 %)";
    case Function::es:
      return "a value and a share of the paths, e.g. es(min(reserves), 5 %)";
    default:
      return "one value, e.g. " + std::string(name_of(function)) + "(" +
             (function == Function::sd ? "max(spread)" : "spread") + ")";
  }
}

}  // namespace repoquake::scenario
