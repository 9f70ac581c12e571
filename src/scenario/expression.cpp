#include "repoquake/scenario/expression.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <system_error>
#include <utility>

#include "scenario/expression_words.hpp"

namespace repoquake::scenario {
namespace {

using Kind = Expression::Kind;

constexpr double kLargestNumber = 1e15;  // of a literal, in the unit it is written in

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_letter(c) || is_digit(c); }
bool is_operator_word(std::string_view word) { return word == "and" || word == "or" || word == "not"; }

std::string quote(std::string_view text) { return "\"" + std::string(text.substr(0, 40)) + "\""; }

struct UnitForm {
  std::string_view text;
  Dimension dimension;
  double factor;
};
constexpr auto kUnitForms = std::to_array<UnitForm>({{"bp", Dimension::spread, 1.0},
                                                     {"mn USD", Dimension::amount, 0.001},
                                                     {"bn USD", Dimension::amount, 1.0},
                                                     {"tn USD", Dimension::amount, 1e3},
                                                     {"bd", Dimension::days, 1.0},
                                                     {"d", Dimension::days, 1.0}});

struct Comparison {
  std::string_view text;
  Operator op;
};
// Longer ones first.
constexpr auto kComparisons = std::to_array<Comparison>({{"<=", Operator::less_equal},
                                                         {">=", Operator::greater_equal},
                                                         {"==", Operator::equal},
                                                         {"!=", Operator::not_equal},
                                                         {"<", Operator::less},
                                                         {">", Operator::greater}});

/// Recursive descent over the text; the first thing that is wrong ends it.
class Parser {
 public:
  Parser(std::string_view text, Names names) : text_(text), names_(names) {}

  Expression parse() {
    if (text_.size() > kMaxExpressionLength)
      refuse(0, 1, "an expression has at most " + std::to_string(kMaxExpressionLength) + " characters");
    if (peek() == '\0' && at_ == text_.size()) refuse(0, 1, "the expression is empty", "e.g. mean(max(sofr - iorb))");
    Expression tree = parse_or();
    skip_spaces();
    if (at_ < text_.size()) refuse_rest();
    if (depth_of(tree) > kMaxExpressionDepth) refuse_depth(0);
    return tree;
  }

 private:
  /// Counts how deep the descent is.
  class Deeper {
   public:
    explicit Deeper(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxExpressionDepth) parser_.refuse_depth(parser_.at_);
    }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    ~Deeper() { --parser_.depth_; }

   private:
    Parser& parser_;
  };

  [[noreturn]] void refuse(std::size_t offset, std::size_t length, std::string reason, std::string hint = {}) const {
    throw ExpressionError{.offset = std::min(offset, text_.size()),
                          .length = std::max<std::size_t>(length, 1),
                          .reason = std::move(reason),
                          .hint = std::move(hint)};
  }
  [[noreturn]] void refuse_depth(std::size_t offset) const {
    refuse(offset, 1, "the expression is nested deeper than " + std::to_string(kMaxExpressionDepth) + " levels");
  }

  /// What follows a whole expression.
  [[noreturn]] void refuse_rest() const {
    const char c = text_[at_];
    if (c == ')') refuse(at_, 1, "a closing bracket without an opening one");
    if (c == '=') refuse(at_, 1, "one \"=\" is not a comparison", "write ==");
    if (c == '%') refuse(at_, 1, "% is a unit and stands behind a number");
    refuse(at_, piece_length(at_), "expected an operator, got " + quote(text_.substr(at_, piece_length(at_))));
  }

  /// Bytes of the word, number or character at a place.
  [[nodiscard]] std::size_t piece_length(std::size_t from) const {
    std::size_t end = from;
    while (end < text_.size() && is_word(text_[end])) ++end;
    if (end > from) return end - from;
    if (end < text_.size()) ++end;
    while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0U) == 0x80U) ++end;
    return std::max<std::size_t>(end - from, 1);
  }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  char peek() {
    skip_spaces();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  [[nodiscard]] std::string_view word_at(std::size_t from) const {
    return from < text_.size() && is_letter(text_[from]) ? text_.substr(from, piece_length(from)) : std::string_view{};
  }
  bool take_word(std::string_view word) {
    skip_spaces();
    if (word_at(at_) != word) return false;
    at_ += word.size();
    return true;
  }

  static int depth_of(const Expression& node) {
    int depth = 0;
    for (const auto& argument : node.arguments) depth = std::max(depth, depth_of(argument));
    return depth + 1;
  }

  Expression combine(Operator op, Expression left, Expression right) const {
    Expression node;
    node.kind = Kind::operation;
    node.op = op;
    node.offset = left.offset;
    node.length = right.offset + right.length - left.offset;
    node.arguments.push_back(std::move(left));
    node.arguments.push_back(std::move(right));
    return node;
  }

  /// operand (word operand)*, for `and` and `or`.
  template <class Operand>
  Expression parse_words(std::string_view word, Operator op, Operand&& operand) {
    Expression left = operand();
    for (int terms = 1; take_word(word); ++terms) {
      if (terms >= kMaxExpressionDepth) refuse_depth(at_);
      left = combine(op, std::move(left), operand());
    }
    return left;
  }

  Expression parse_or() {
    return parse_words("or", Operator::logical_or, [this] { return parse_and(); });
  }
  Expression parse_and() {
    return parse_words("and", Operator::logical_and, [this] { return parse_not(); });
  }

  Expression prefix(Operator op, std::size_t start, Expression operand) const {
    Expression node;
    node.kind = Kind::operation;
    node.op = op;
    node.offset = start;
    node.length = operand.offset + operand.length - start;
    node.arguments.push_back(std::move(operand));
    return node;
  }

  Expression parse_not() {
    skip_spaces();
    const std::size_t start = at_;
    if (!take_word("not")) return parse_comparison();
    const Deeper deeper(*this);
    return prefix(Operator::logical_not, start, parse_not());
  }

  [[nodiscard]] const Comparison* comparison_here() {
    skip_spaces();
    const auto found =
        std::ranges::find_if(kComparisons, [&](const Comparison& c) { return text_.substr(at_).starts_with(c.text); });
    return found == kComparisons.end() ? nullptr : &*found;
  }

  Expression parse_comparison() {
    Expression left = parse_sum();
    const Comparison* comparison = comparison_here();
    if (comparison == nullptr) return left;
    at_ += comparison->text.size();
    Expression node = combine(comparison->op, std::move(left), parse_sum());
    if (const Comparison* second = comparison_here())
      refuse(at_, second->text.size(), "comparisons cannot be chained", "write a < b and b < c");
    return node;
  }

  Expression parse_sum() {
    Expression left = parse_product();
    for (int terms = 1;; ++terms) {
      const char c = peek();
      if (c != '+' && c != '-') return left;
      if (terms >= kMaxExpressionDepth) refuse_depth(at_);
      ++at_;
      left = combine(c == '+' ? Operator::add : Operator::subtract, std::move(left), parse_product());
    }
  }

  Expression parse_product() {
    Expression left = parse_signed();
    for (int terms = 1;; ++terms) {
      const char c = peek();
      if (c != '*' && c != '/') return left;
      if (terms >= kMaxExpressionDepth) refuse_depth(at_);
      ++at_;
      left = combine(c == '*' ? Operator::multiply : Operator::divide, std::move(left), parse_signed());
    }
  }

  Expression parse_signed() {
    const char c = peek();
    const std::size_t start = at_;
    if (c == '-') {
      const Deeper deeper(*this);
      ++at_;
      return prefix(Operator::negate, start, parse_signed());
    }
    if (c == '+') refuse(start, 1, "a value has no + before it");
    return parse_value();
  }

  Expression parse_value() {
    const char c = peek();
    const std::size_t start = at_;
    if (at_ >= text_.size()) refuse(start, 1, "the expression ends where a value is expected");
    if (c == '(') {
      const Deeper deeper(*this);
      ++at_;
      Expression inner = parse_or();
      close_bracket(start);
      inner.length = at_ - start;
      inner.offset = start;
      return inner;
    }
    if (is_digit(c)) return parse_date_or_number();
    if (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))
      refuse(start, piece_length(start + 1) + 1, "a number needs a digit before the point");
    if (is_letter(c)) return parse_name();
    refuse(start, piece_length(start), "expected a value, got " + quote(text_.substr(start, piece_length(start))));
  }

  void close_bracket(std::size_t opened) {
    if (peek() == ')') {
      ++at_;
      return;
    }
    if (at_ >= text_.size()) refuse(opened, 1, "this bracket is not closed");
    if (text_[at_] == ',') refuse(at_, 1, "a comma separates the arguments of a function, and this is none");
    refuse_rest();
  }

  Expression parse_date_or_number() {
    const std::size_t start = at_;
    Expression node;
    node.offset = start;
    const auto text = text_.substr(start);
    const bool has_shape = text.size() >= 10 && text[4] == '-' && text[7] == '-' &&
                           std::ranges::all_of(text.substr(0, 4), is_digit) && is_digit(text[5]) && is_digit(text[6]) &&
                           is_digit(text[8]) && is_digit(text[9]) && (text.size() == 10 || !is_word(text[10]));
    if (has_shape) {
      const auto date = calendar::parse_iso_date(text.substr(0, 10));
      if (!date)
        refuse(start, 10, quote(text.substr(0, 10)) + " is not a day of the calendar in the years 1990 to 2199");
      node.kind = Kind::date;
      node.dimension = Dimension::date;
      node.date = *date;
      node.length = 10;
      at_ += 10;
      return node;
    }
    const std::size_t length = number_length(text);
    const auto digits = text.substr(0, length);
    double value = 0.0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size() || !(value <= kLargestNumber))
      refuse(start, length, quote(digits) + " is too large or too small");
    at_ += length;
    node.kind = Kind::number;
    node.value = node.written = value;
    read_unit(node, digits);
    node.length = at_ - start;
    return node;
  }

  /// Bytes of the plain decimal number at the front; complains where it goes on in a way that cannot be.
  [[nodiscard]] std::size_t number_length(std::string_view text) const {
    const auto digits = [&](std::size_t from) {
      while (from < text.size() && is_digit(text[from])) ++from;
      return from;
    };
    std::size_t end = digits(0);
    if (end < text.size() && text[end] == '.') {
      if (digits(end + 1) == end + 1) refuse(at_, end + 1, "a number needs a digit behind the point");
      end = digits(end + 1);
    }
    if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
      const std::size_t sign = end + 1 < text.size() && (text[end + 1] == '+' || text[end + 1] == '-') ? 1 : 0;
      if (digits(end + 1 + sign) > end + 1 + sign) end = digits(end + 1 + sign);
    }
    if (end < text.size() && (text[end] == '.' || text[end] == '_'))
      refuse(at_, end + 1, quote(text.substr(0, end + 1)) + " is not a number");
    return end;
  }

  /// The unit behind a number, if there is one.
  void read_unit(Expression& node, std::string_view digits) {
    node.is_bare = true;
    const std::size_t behind = at_;
    if (peek() == '%') {
      ++at_;
      node.is_bare = false;
      node.is_share = true;
      node.value /= 100.0;
      return;
    }
    const std::size_t start = at_;
    const auto word = word_at(start);
    if (word.empty() || is_operator_word(word)) {
      at_ = behind;  // spaces are not part of the number
      return;
    }
    std::size_t next = start + word.size();
    while (next < text_.size() && text_[next] == ' ') ++next;
    const auto second = word_at(next);
    for (const auto& form : kUnitForms) {
      const bool is_long = form.text.find(' ') != std::string_view::npos;
      const std::string written = is_long ? std::string(word) + " " + std::string(second) : std::string(word);
      if (written != form.text) continue;
      node.is_bare = false;
      node.dimension = form.dimension;
      node.value *= form.factor;
      at_ = is_long ? next + second.size() : start + word.size();
      return;
    }
    const bool is_amount = word == "mn" || word == "bn" || word == "tn";
    if (is_amount)
      refuse(start, word.size(), quote(word) + " does not name the currency",
             "write \"" + std::string(digits) + " " + std::string(word) + " USD\"");
    throw ExpressionError{
        .offset = start,
        .length = word.size(),
        .reason = "expected an operator or a unit (bp, %, mn USD, bn USD, tn USD, bd), got " + quote(word)};
  }

  Expression parse_name() {
    const std::size_t start = at_;
    std::size_t end = start;
    if (names_ == Names::scenario_keys) {
      const auto goes_on = [&](char c) { return is_word(c) || c == '.' || c == '-' || c == '[' || c == ']'; };
      while (end < text_.size() && goes_on(text_[end])) ++end;
      const bool is_plain = text_.substr(start, end - start).find_first_of(".[") == std::string_view::npos;
      if (is_plain) end = start + piece_length(start);  // "a-b" without a dot is a difference
    } else {
      end = start + piece_length(start);
    }
    const auto name = text_.substr(start, end - start);
    if (is_operator_word(name)) refuse(start, name.size(), "expected a value, got " + quote(name));
    at_ = end;
    const bool is_call = peek() == '(';
    const auto function = find_function(name);
    if (names_ == Names::scenario_keys) {
      if (is_call) refuse(start, name.size(), "there are no functions in a condition on scenario keys");
      return make_key(start, name);
    }
    const auto variable = find_variable(name);
    if (is_call && variable) refuse(start, name.size(), std::string(name) + " is a variable, not a function");
    if (is_call && !function) {
      throw ExpressionError{.offset = start,
                            .length = name.size(),
                            .reason = "no function is called " + quote(name),
                            .unknown = std::string(name),
                            .candidates = function_names()};
    }
    if (is_call) return parse_call(start, *function);
    if (!variable && function)
      refuse(start, name.size(), quote(name) + " is a function", "write " + std::string(name) + "(...)");
    if (!variable && end < text_.size() && text_[end] == '.')
      refuse(start, end + 1 - start + piece_length(end + 1),
             "keys of the scenario are not values of a metric; a metric is made of variables");
    if (!variable) {
      std::vector<std::string> names;
      for (const auto& spec : kVariables) names.emplace_back(spec.name);
      throw ExpressionError{.offset = start,
                            .length = name.size(),
                            .reason = "no variable is called " + quote(name),
                            .unknown = std::string(name),
                            .candidates = std::move(names)};
    }
    Expression node;
    node.kind = Kind::variable;
    node.offset = start;
    node.length = name.size();
    node.variable = *variable;
    at_ = end;
    return node;
  }

  Expression make_key(std::size_t start, std::string_view name) const {
    Expression node;
    node.kind = Kind::key;
    node.offset = start;
    node.length = name.size();
    node.key = std::string(name);
    return node;
  }

  Expression parse_call(std::size_t start, Function function) {
    Expression node;
    node.kind = Kind::call;
    node.function = function;
    node.offset = start;
    const std::size_t bracket = at_;
    const Deeper deeper(*this);
    ++at_;
    if (peek() == ')')
      refuse(start, at_ + 1 - start, std::string(name_of(function)) + " needs " + arguments_of(function));
    for (;;) {
      node.arguments.push_back(parse_or());
      if (peek() != ',') break;
      if (node.arguments.size() >= 2)
        refuse(at_, 1, std::string(name_of(function)) + " takes " + arguments_of(function));
      ++at_;
    }
    if (at_ >= text_.size()) refuse(bracket, 1, "this bracket is not closed");
    if (text_[at_] != ')') refuse_rest();
    ++at_;
    node.length = at_ - start;
    const std::size_t wanted = takes_two(function) ? 2 : 1;
    if (node.arguments.size() != wanted)
      refuse(start, node.length, std::string(name_of(function)) + " takes " + arguments_of(function));
    return node;
  }

  std::string_view text_;
  Names names_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

ParsedExpression parse_expression(std::string_view text, Names names) {
  try {
    return {Parser(text, names).parse(), {}};
  } catch (const ExpressionError& error) {
    return {std::nullopt, {error}};
  }
}

}  // namespace repoquake::scenario
