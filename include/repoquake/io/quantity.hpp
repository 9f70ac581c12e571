/// Numbers with units as people write them: "95 bn USD", "3.5 bp", "2.10 %", "4 d", "34 x". Converted once, at the door.
///
/// Decimal units are applied to the decimal text, so "183581 mn USD" is exactly the double of "183.581 bn USD".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "repoquake/scenario/parameters.hpp"
#include "repoquake/scenario/policy.hpp"

namespace repoquake::io {

/// A value, or what is wrong with the text and what to write instead.
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string reason;
  std::string hint;
};

/// A number in `unit`, in the units of scenario::Unit.
[[nodiscard]] Parsed<double> parse_quantity(std::string_view text, scenario::Unit unit);

/// The shortest text that parse_quantity reads back as this value.
[[nodiscard]] std::string quantity_text(double value, scenario::Unit unit);

/// A plain decimal number without a unit.
[[nodiscard]] Parsed<double> parse_number(std::string_view text);

/// A whole number from `low` to `high`, in digits.
[[nodiscard]] Parsed<std::uint64_t> parse_whole(std::string_view text, std::uint64_t low, std::uint64_t high);

/// "iorb + 15 bp", "iorb - 5 bp", "iorb" or "2.25 %".
[[nodiscard]] Parsed<scenario::QuotedRate> parse_quoted_rate(std::string_view text);

/// The threshold of "am_spread > 60 bp".
[[nodiscard]] Parsed<Spread> parse_am_trigger(std::string_view text);

/// What days by name are counted from: nothing is known before the window has been read.
struct DateFrame {
  std::optional<scenario::Date> start{};
  std::optional<scenario::Date> end{};
};

/// A day: "2019-09-16", a day of the calendar ("quarter-end": the first one after the start of the window), "start",
/// "end", "day 5" (of the window; the opening is day 0), each with or without a step: "quarter-end - 1 bd".
[[nodiscard]] Parsed<scenario::Date> parse_date(std::string_view text, const DateFrame& frame = {});

}  // namespace repoquake::io
