/// Publication days of SOFR: the US government securities business days, as the New York Fed uses them.
///
/// A day is a publication day when a SOFR is fixed *for* it (the rate appears on the next one). Closed are
///
///   weekends
///   New Year's Day        1 Jan; Sunday -> Monday; a Saturday is not moved (31 Dec stays open)
///   Martin Luther King    3rd Monday of January
///   Presidents' Day       3rd Monday of February
///   Good Friday           always: no SOFR even in the years of a partial session (2021, 2023)
///   Memorial Day          last Monday of May
///   Juneteenth            19 Jun from 2022; Saturday -> Friday, Sunday -> Monday
///   Independence Day      4 Jul; Saturday -> Friday, Sunday -> Monday
///   Labor Day             1st Monday of September
///   Columbus Day          2nd Monday of October
///   Veterans Day          11 Nov; Sunday -> Monday; a Saturday is not moved
///   Thanksgiving          4th Thursday of November
///   Christmas             25 Dec; Saturday -> Friday, Sunday -> Monday
///
/// Early closes are full days. One-off closures are not in the rules: since the first fixing, for 2018-04-02, that is
/// 2018-12-05 only (day of mourning, full close recommended), open here. Earlier dates follow the same rules.
///
/// Source  SIFMA holiday recommendations for US government securities trading; New York Fed, "Additional information
///         about reference rates administered by the New York Fed" (publication calendar of SOFR).
/// Units   whole civil days, New York dates; no time of day.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace repoquake::calendar {

using Date = std::chrono::sys_days;

/// Is a SOFR fixed for this date?
[[nodiscard]] bool is_publication_day(Date date) noexcept;

/// The first publication day strictly after `date`.
[[nodiscard]] Date next_publication_day(Date date) noexcept;

/// The last publication day strictly before `date`.
[[nodiscard]] Date previous_publication_day(Date date) noexcept;

/// Reads exactly "YYYY-MM-DD": ten characters, a valid civil date, years 1990 to 2199. Otherwise nothing.
[[nodiscard]] std::optional<Date> parse_iso_date(std::string_view text) noexcept;

/// "YYYY-MM-DD". Pre: years 0 to 9999. For the years parse_iso_date accepts, the two are inverse to each other.
[[nodiscard]] std::string to_iso(Date date);

}  // namespace repoquake::calendar
