#include "repoquake/io/quantity.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>
#include <vector>

#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/calendar/named_days.hpp"
#include "repoquake/io/diagnostics.hpp"

namespace repoquake::io {
namespace {

using scenario::Unit;

/// One way to write a unit; the number times 10^exponent is in the unit of the house.
struct UnitForm {
  Unit unit;
  std::string_view text;
  int exponent;
};

constexpr auto kForms = std::to_array<UnitForm>({
    {Unit::usd_bn, "mn USD", -3},
    {Unit::usd_bn, "bn USD", 0},
    {Unit::usd_bn, "tn USD", 3},
    {Unit::usd_bn_month, "mn USD per month", -3},
    {Unit::usd_bn_month, "bn USD per month", 0},
    {Unit::bp, "bp", 0},
    {Unit::bp, "%", 2},
    {Unit::percent, "%", 0},
    {Unit::percent, "bp", -2},
    {Unit::none, "", 0},
    {Unit::none, "%", -2},
    {Unit::business_days, "bd", 0},
    {Unit::business_days, "d", 0},
    {Unit::years, "y", 0},
    {Unit::per_day, "", 0},
    {Unit::per_day, "/d", 0},
    {Unit::bn_per_bp, "bn/bp", 0},
    {Unit::bn_per_bp, "bn USD per bp", 0},
    {Unit::bn_per_bp, "bn USD/bp", 0},
    {Unit::bp_per_bn, "bp/bn", 0},
    {Unit::bp_per_bn, "bp per bn USD", 0},
    {Unit::bp_per_bn, "bp/bn USD", 0},
    {Unit::multiple, "", 0},
    {Unit::multiple, "x", 0},
    {Unit::count, "", 0},
});

/// How to speak of a unit.
struct UnitWords {
  std::string_view article;
  std::string_view noun;
  std::string_view usual;    ///< the form to suggest
  std::string_view also;     ///< the other short forms
  std::string_view allowed;  ///< "… is <allowed>"
};

UnitWords words_of(Unit unit) {
  switch (unit) {
    case Unit::usd_bn:
      return {"an", "amount of money", "bn USD", "mn, tn", "in mn, bn or tn USD"};
    case Unit::usd_bn_month:
      return {"an", "amount of money per month", "bn USD per month", "mn", "in mn or bn USD per month"};
    case Unit::bp:
      return {"a", "spread", "bp", "%", "in bp or %"};
    case Unit::percent:
      return {"a", "rate", "%", "bp", "in % or bp"};
    case Unit::business_days:
      return {"a", "number of business days", "bd", "d", "in bd or d"};
    case Unit::years:
      return {"a", "number of years", "y", "", "in y"};
    case Unit::bn_per_bp:
      return {"an", "amount of money per basis point", "bn/bp", "", "in bn/bp (bn USD per bp)"};
    case Unit::bp_per_bn:
      return {"a", "spread per amount of money", "bp/bn", "", "in bp/bn (bp per bn USD)"};
    case Unit::per_day:
      return {"a", "share per business day", "", "/d", "a bare number or in /d"};
    case Unit::multiple:
      return {"a", "multiple", "", "x", "a bare number or in x"};
    case Unit::count:
      return {"a", "whole number", "", "", "a bare number"};
    case Unit::none:
      break;
  }
  return {"a", "share or ratio", "", "%", "a bare number or in %"};
}

std::string quote(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  return "\"" + std::string(text.substr(0, kLongest)) + (text.size() > kLongest ? "…" : "") + "\"";
}

template <class T>
Parsed<T> refuse(std::string reason, std::string hint = {}) {
  return {std::nullopt, std::move(reason), std::move(hint)};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// Bytes of the plain decimal number at the front of `text`: sign, digits, fraction, exponent. 0: none.
std::size_t number_length(std::string_view text) {
  std::size_t i = !text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0;
  const auto skip_digits = [&](std::size_t from) {
    while (from < text.size() && is_digit(text[from])) ++from;
    return from;
  };
  const auto whole = skip_digits(i);
  if (whole == i) return 0;
  i = whole;
  if (i + 1 < text.size() && text[i] == '.' && is_digit(text[i + 1])) i = skip_digits(i + 1);
  if (i + 1 < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    const std::size_t sign = text[i + 1] == '+' || text[i + 1] == '-' ? 1 : 0;
    if (const auto digits = i + 1 + sign; skip_digits(digits) > digits) i = skip_digits(digits);
  }
  return i;
}

/// Why `text` does not start with a plain decimal number that ends where a unit may begin; "" if it does.
std::string number_complaint(std::string_view text) {
  const auto unsigned_text = text.substr(!text.empty() && (text[0] == '+' || text[0] == '-') ? 1 : 0);
  const std::string low = lower(unsigned_text);
  for (const std::string_view word : {".nan", "nan", ".inf", "inf"})
    if (low.starts_with(word)) return quote(text) + " is not a finite number";
  if (low.starts_with("0x") || low.starts_with("0o") || low.starts_with("0b"))
    return quote(text) + " is not a decimal number";
  if (unsigned_text.size() > 1 && unsigned_text[0] == '.' && is_digit(unsigned_text[1]))
    return quote(text) + " needs a digit before the point";

  const auto length = number_length(text);
  if (length == 0) return quote(text) + " is not a number";
  if (unsigned_text.size() > 1 && unsigned_text[0] == '0' && is_digit(unsigned_text[1]))
    return quote(text) + " has a leading zero";
  const auto rest = text.substr(length);
  if (rest.starts_with('_')) return quote(text) + " has an underscore in the number; write the digits without";
  if (rest.starts_with(','))
    return quote(text) + " has a comma in the number; write the digits without, and a point for decimals";
  if (rest.starts_with('.'))
    return quote(text) + " is not a number: the point needs digits after it, and there is only one";
  return {};
}

/// The double nearest to `number` times 10^exponent.
std::optional<double> scaled(std::string_view number, int exponent) {
  if (number.starts_with('+')) number.remove_prefix(1);
  const auto e = number.find_first_of("eE");
  const auto mantissa = number.substr(0, e);
  int own = 0;
  if (e != std::string_view::npos) {
    auto digits = number.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), own).ec != std::errc{} || std::abs(own) > 400)
      return std::nullopt;
  }
  const std::string text = std::string(mantissa) + "e" + std::to_string(own + exponent);
  double value = 0.0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{} || !std::isfinite(value))
    return std::nullopt;
  return value == 0.0 ? 0.0 : value;  // no minus zero
}

/// The unit as written, with single spaces, none around a slash.
std::string unit_as_written(std::string_view text) {
  std::string out;
  for (const char c : trim(text)) {
    if (c == ' ' && (out.ends_with(' ') || out.ends_with('/'))) continue;
    if (c == '/' && out.ends_with(' ')) out.pop_back();
    out += c;
  }
  return out;
}

std::string kind_of(Unit unit) {
  const auto words = words_of(unit);
  return std::string(words.article) + " " + std::string(words.noun) + " is " + std::string(words.allowed);
}

Parsed<double> refuse_unit(std::string_view text, std::string_view number, const std::string& written, Unit unit) {
  const auto words = words_of(unit);
  if (written.empty()) {
    return refuse<double>(std::string(number) + " has no unit (" + std::string(words.noun) + ")",
                          "write \"" + std::string(number) + " " + std::string(words.usual) + "\"" +
                              (words.also.empty() ? "" : " (also " + std::string(words.also) + ")"));
  }
  for (const auto& form : kForms) {  // "120 bn", "120 bn usd"
    const bool only_case = lower(form.text) == lower(written);
    const bool without_currency = form.text == written + " USD";
    if (form.unit == unit && (only_case || without_currency))
      return refuse<double>(
          quote(text) + (only_case ? " is not how the unit is written" : " does not name the currency"),
          "write \"" + std::string(number) + " " + std::string(form.text) + "\"");
  }
  const bool is_known = std::ranges::find(kForms, written, &UnitForm::text) != kForms.end();
  return refuse<double>(quote(text) + (is_known ? " is in " + written : " has the unknown unit " + quote(written)) +
                        "; " + kind_of(unit));
}

}  // namespace

Parsed<double> parse_quantity(std::string_view text, Unit unit) {
  text = trim(text);
  if (auto complaint = number_complaint(text); !complaint.empty()) {
    const auto words = words_of(unit);
    const bool has_example = unit == Unit::usd_bn || unit == Unit::bp || unit == Unit::percent;
    const std::string example = unit == Unit::usd_bn ? "95 bn USD" : unit == Unit::bp ? "5 bp" : "2.10 %";
    return refuse<double>(complaint + " (" + std::string(words.noun) + ")",
                          has_example ? "write it like \"" + example + "\"" : "");
  }
  const auto number = text.substr(0, number_length(text));
  const std::string written = unit_as_written(text.substr(number.size()));
  const auto form =
      std::ranges::find_if(kForms, [&](const UnitForm& f) { return f.unit == unit && f.text == written; });
  if (form == kForms.end()) return refuse_unit(text, number, written, unit);

  const auto value = scaled(number, form->exponent);
  if (!value) return refuse<double>(quote(text) + " is too large or too small to be represented");
  if (unit == Unit::count && *value != std::floor(*value))
    return refuse<double>(quote(text) + " is not a whole number");
  return {value, {}, {}};
}

std::string quantity_text(double value, Unit unit) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const auto suffix = scenario::unit_text(unit);
  const bool is_bare = suffix.empty() || unit == Unit::per_day;
  return std::string(digits.data(), end) + (is_bare ? "" : " " + std::string(suffix));
}

Parsed<double> parse_number(std::string_view text) {
  text = trim(text);
  if (auto complaint = number_complaint(text); !complaint.empty()) return refuse<double>(complaint);
  if (number_length(text) != text.size()) return refuse<double>(quote(text) + " is not a plain number");
  const auto value = scaled(text, 0);
  if (!value) return refuse<double>(quote(text) + " is too large or too small to be represented");
  return {value, {}, {}};
}

Parsed<std::uint64_t> parse_whole(std::string_view text, std::uint64_t low, std::uint64_t high) {
  using Whole = std::uint64_t;
  text = trim(text);
  if (auto complaint = number_complaint(text); !complaint.empty()) return refuse<Whole>(complaint);
  const auto digits = text.substr(text.starts_with('+') ? 1 : 0);
  const std::string range = std::to_string(low) + " to " + std::to_string(high);
  if (!std::ranges::all_of(digits, is_digit) && !digits.starts_with('-'))
    return refuse<Whole>(quote(text) + " is not a whole number in digits");
  Whole value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < low || value > high)
    return refuse<Whole>("must be a whole number from " + range + ", got " + std::string(text.substr(0, 40)));
  return {value, {}, {}};
}

Parsed<scenario::QuotedRate> parse_quoted_rate(std::string_view text) {
  using scenario::QuotedRate;
  const std::string example = "write \"iorb + 15 bp\" or \"2.25 %\"";
  text = trim(text);
  if (text.starts_with("iorb")) {
    const auto rest = trim(text.substr(4));
    if (rest.empty()) return {QuotedRate{.over_iorb = true, .spread = 0.0}, {}, {}};
    if (rest[0] != '+' && rest[0] != '-') return refuse<QuotedRate>(quote(text) + " is not a rate", example);
    const auto distance = trim(rest.substr(1));
    if (distance.empty() || !is_digit(distance[0])) return refuse<QuotedRate>(quote(text) + " is not a rate", example);
    const auto spread = parse_quantity(distance, Unit::bp);
    if (!spread.value) return refuse<QuotedRate>(spread.reason, example);
    const double signed_spread = rest[0] == '-' && *spread.value != 0.0 ? -*spread.value : *spread.value;
    return {QuotedRate{.over_iorb = true, .spread = signed_spread}, {}, {}};
  }
  if (number_length(text) == 0) return refuse<QuotedRate>(quote(text) + " is not a rate", example);
  if (unit_as_written(text.substr(number_length(text))) == "bp")
    return refuse<QuotedRate>(quote(text) + " is a spread over nothing", example);
  const auto rate = parse_quantity(text, Unit::percent);
  if (!rate.value) return refuse<QuotedRate>(rate.reason, example);
  return {QuotedRate{.over_iorb = false, .rate = *rate.value}, {}, {}};
}

Parsed<Spread> parse_am_trigger(std::string_view text) {
  const std::string allowed = "; this version knows conditions of the form \"am_spread > 60 bp\"";
  text = trim(text);
  constexpr std::string_view kVariable = "am_spread";
  if (!text.starts_with(kVariable)) return refuse<Spread>(quote(text) + " is not such a condition" + allowed);
  const auto rest = trim(text.substr(kVariable.size()));
  if (!rest.starts_with('>') || rest.starts_with(">="))
    return refuse<Spread>(quote(text) + " is not such a condition" + allowed);
  return parse_quantity(rest.substr(1), Unit::bp);
}

namespace {

constexpr std::uint64_t kMaxStep = 2600;  // business days: the longest window

/// "quarter-end - 1 bd" -> "quarter-end", -1. The sign stands between spaces, so the hyphens of a date are none.
struct SteppedDay {
  std::string_view day;
  int step = 0;
  std::string complaint;
};

SteppedDay split_step(std::string_view text) {
  const auto plus = text.find(" + "), minus = text.find(" - ");
  const auto at = std::min(plus, minus);
  if (at == std::string_view::npos) return {trim(text), 0, {}};
  const auto count = parse_quantity(text.substr(at + 3), Unit::business_days);
  if (!count.value) return {trim(text.substr(0, at)), 0, count.reason};
  if (*count.value != std::floor(*count.value) || *count.value < 0 || *count.value > static_cast<double>(kMaxStep))
    return {trim(text.substr(0, at)), 0, "a step has 0 to " + std::to_string(kMaxStep) + " whole business days"};
  return {trim(text.substr(0, at)), at == plus ? static_cast<int>(*count.value) : -static_cast<int>(*count.value), {}};
}

Parsed<scenario::Date> parse_day(std::string_view text, const DateFrame& frame) {
  using scenario::Date;
  if (const auto date = calendar::parse_iso_date(text)) return {date, {}, {}};
  const auto name = std::ranges::find(calendar::kNamedDays, text);
  const bool is_numbered = text.starts_with("day ");
  const bool is_edge = text == "start" || text == "end";
  if (name != calendar::kNamedDays.end() || is_numbered || is_edge) {
    if (!frame.start || (text == "end" && !frame.end))
      return refuse<Date>(quote(text) + " is counted from the window; here an ISO date is needed", "e.g. 2019-09-16");
    if (is_edge) return {text == "start" ? frame.start : frame.end, {}, {}};
    if (!is_numbered)
      return {calendar::next_named(static_cast<calendar::NamedDay>(name - calendar::kNamedDays.begin()), *frame.start),
              {},
              {}};
    const auto number = parse_whole(text.substr(4), 0, kMaxStep);
    if (!number.value) return refuse<Date>(number.reason, "write it like \"day 5\"; the opening is day 0");
    return {calendar::add_business_days(*frame.start, static_cast<int>(*number.value)), {}, {}};
  }
  const bool has_shape = text.size() == 10 && text[4] == '-' && text[7] == '-';
  if (has_shape) return refuse<Date>(quote(text) + " is not a day of the calendar in the years 1990 to 2199");
  std::vector<std::string> names(calendar::kNamedDays.begin(), calendar::kNamedDays.end());
  names.insert(names.end(), {"start", "end"});
  const auto nearest = did_you_mean(text, names);
  if (!nearest.empty()) return refuse<Date>(quote(text) + " is not a day" + nearest);
  return refuse<Date>(quote(text) + " is not an ISO date",
                      "write it like 2019-09-16, quarter-end or quarter-end - 1 bd");
}

}  // namespace

Parsed<scenario::Date> parse_date(std::string_view text, const DateFrame& frame) {
  using scenario::Date;
  text = trim(text);
  const auto [day, step, complaint] = split_step(text);
  if (!complaint.empty()) return refuse<Date>(complaint, "write a step like \"quarter-end - 1 bd\"");
  auto parsed = parse_day(day, frame);
  if (parsed.value && step != 0) parsed.value = calendar::add_business_days(*parsed.value, step);
  if (parsed.value && calendar::to_iso(*parsed.value) > "2199-12-31")
    return refuse<Date>(quote(text) + " lies beyond the year 2199");
  return parsed;
}

}  // namespace repoquake::io
