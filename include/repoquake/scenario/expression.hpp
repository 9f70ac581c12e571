/// Metric expressions: "mean(max(sofr - iorb))", "P(days(spread > 25 bp) >= 3)". A small closed language, no scripting.
///
///   level      constant -> series (one value a day and path) -> path (one value a path) -> sample (one value of a run)
///   over days  max min sum mean first last at(x, date) days(condition)            series -> path
///   over paths mean P(condition) sd quantile(x, share) es(x, share)               path -> sample
///   by value   + - * /   < <= > >= == !=   and or not                             levels do not mix, constants may join
///
/// `mean` of a series is over days, `mean` of a value per path is over paths. Literals carry units. Every node carries its
/// place in the text, and every complaint too.
///
/// Units      inside: rates, spreads and their literals in bp; amounts in USD bn; days; shares as fractions.
/// Errors     Nothing throws. Any text is answered, in bounded time and depth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/core/variables.hpp"

namespace repoquake::scenario {

inline constexpr std::size_t kMaxExpressionLength = 2000;  ///< bytes
inline constexpr int kMaxExpressionDepth = 64;             ///< of the syntax tree; also the terms of a long sum
inline constexpr double kLeastDivisor = 1e-12;             ///< what is divided by less has no value

/// What a value belongs to.
enum class Level : std::uint8_t { constant, series, path, sample };

enum class Dimension : std::uint8_t {
  number,
  boolean,
  rate,     ///< a level, in bp a year; shown in percent
  spread,   ///< a difference of rates, bp
  amount,   ///< USD bn
  days,     ///< business days
  percent,  ///< of a base, as a fraction: a return
  date
};

enum class Operator : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  logical_and,
  logical_or,
  logical_not,
  negate
};

enum class Function : std::uint8_t { max, min, sum, mean, first, last, at, days, probability, sd, quantile, es };

/// A node of the syntax tree.
struct Expression {
  enum class Kind : std::uint8_t { number, date, variable, key, operation, call };
  Kind kind = Kind::number;
  std::size_t offset = 0;  ///< bytes from the start of the text
  std::size_t length = 0;
  double value = 0.0;                 ///< number: in the unit of its dimension
  double written = 0.0;               ///< number: as written, before its unit
  bool is_share = false;              ///< number: written with %, and still free to be a rate or a spread
  bool is_bare = false;               ///< number: written without a unit
  calendar::Date date{};              ///< date
  Variable variable{};                ///< variable
  std::string key{};                  ///< key: a dotted path into a scenario
  Operator op = Operator::add;        ///< operation
  Function function = Function::max;  ///< call
  std::vector<Expression> arguments{};

  // What the checker finds.
  Level level = Level::constant;
  Dimension dimension = Dimension::number;

  bool operator==(const Expression&) const = default;
};

/// A complaint about a part of the text.
struct ExpressionError {
  std::size_t offset = 0;
  std::size_t length = 1;
  std::string reason;
  std::string hint{};                     ///< what to write instead; may be empty
  std::string unknown{};                  ///< a name that is not known, ...
  std::vector<std::string> candidates{};  ///< ... and those that are, to find the nearest

  bool operator==(const ExpressionError&) const = default;
};

/// Names of an expression are variables of a result, or dotted keys of a scenario (`skip_if` of a sweep).
enum class Names : std::uint8_t { variables, scenario_keys };

struct ParsedExpression {
  std::optional<Expression> tree;
  std::vector<ExpressionError> errors;  ///< of the syntax: at most one
};
[[nodiscard]] ParsedExpression parse_expression(std::string_view text, Names names = Names::variables);

/// A metric: scale * statistic(per-path value) + shift, in the unit of `dimension`.
struct MetricForm {
  Expression per_path;                  ///< level path; boolean for `probability`
  Function statistic = Function::mean;  ///< mean, probability, sd, quantile or es
  double share = 0.0;                   ///< of quantile and es, between 0 and 1
  double scale = 1.0;
  double shift = 0.0;
  Dimension dimension = Dimension::number;
};

struct CheckedMetric {
  std::optional<MetricForm> form;
  std::vector<ExpressionError> errors;
};
/// Syntax, units and levels of a metric. A per-path value without a statistic is given its mean, a condition its P.
[[nodiscard]] CheckedMetric check_metric(std::string_view text);

struct CheckedExpression {
  std::optional<Expression> tree;
  std::vector<ExpressionError> errors;
};
/// An expression with one number per path, as in `worst.by`.
[[nodiscard]] CheckedExpression check_path_expression(std::string_view text);

/// "P(max(sofr - iorb) > 100 bp) = 10 %": a metric and the value it is to have.
struct CheckedTarget {
  std::optional<MetricForm> form;
  double target = 0.0;  ///< in the unit of the form's dimension
  std::vector<ExpressionError> errors;
  std::string metric{};  ///< the two sides as written, without blanks around them; empty where there is no "="
  std::string value{};
};
[[nodiscard]] CheckedTarget check_target(std::string_view text);

/// A condition on keys of a scenario, as in `skip_if`, answered for one scenario. `lookup` gives the value at a dotted key
/// as written ("1500 bn USD", "5 bp", "true"), or nothing: an error whose candidates are left to the caller. Every key is
/// looked up, also behind a false `and`.
struct CheckedCondition {
  std::optional<bool> holds;
  std::vector<ExpressionError> errors;
};
[[nodiscard]] CheckedCondition evaluate_condition(
    std::string_view text, const std::function<std::optional<std::string>(std::string_view)>& lookup);

/// What an expression can be asked of.
struct ExpressionWorld {
  calendar::Date start{};  ///< the window
  calendar::Date end{};
  bool has_standing_repo = false;
};
/// Days outside the window, variables without a value in this scenario.
[[nodiscard]] std::vector<ExpressionError> check_in_world(const Expression& tree, const ExpressionWorld& world);

/// How a metric's value is shown.
struct ShownUnit {
  std::string_view written;    ///< in a scenario and on the screen: "bn USD"
  std::string_view in_result;  ///< in a result: "1e9 USD"
  double factor = 1.0;         ///< shown = factor * value in the unit of the dimension

  bool operator==(const ShownUnit&) const = default;
};
[[nodiscard]] ShownUnit default_unit(Dimension dimension) noexcept;
/// Nothing where the unit is not one of this dimension.
[[nodiscard]] std::optional<ShownUnit> find_unit(Dimension dimension, std::string_view written) noexcept;
/// The units of a dimension: `"bp" or "%"`.
[[nodiscard]] std::string list_units(Dimension dimension);

/// "an amount of money", "a spread": for sentences.
[[nodiscard]] std::string_view describe(Dimension dimension) noexcept;

}  // namespace repoquake::scenario
