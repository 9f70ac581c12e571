/// The days of a run and what the calendar says about each of them. One row per publication day of SOFR.
///
/// Source  period ends and GSE window: publication calendar (business_calendar.hpp) and the monthly principal and
///         interest cycle of the housing agencies; corporate tax dates: 26 U.S.C. 6655(c), 7503.
#pragma once

#include <cstdint>
#include <vector>

#include "repoquake/calendar/business_calendar.hpp"

namespace repoquake::calendar {

/// What a day is the last publication day of; the longest period wins.
enum class PeriodEnd : std::uint8_t { none, month, quarter, year };

/// The longest period this day is the last publication day of; `none` for any other day and for closed days.
[[nodiscard]] PeriodEnd period_end(Date date) noexcept;

/// Day of the month 18 to 24: the agencies' cash sits in the funding markets until principal and interest are paid out.
[[nodiscard]] bool in_gse_window(Date date) noexcept;

/// Calendar days from `date` to the next publication day: the length of an overnight trade. 1 mid-week, 3 over a
/// weekend.
[[nodiscard]] int calendar_days_to_next(Date date) noexcept;

/// Quarterly corporate tax date: 15 Apr, Jun, Sep or Dec, or the next publication day when the 15th is closed.
/// The statutory date: postponements by decree (April 2020, moved to 15 July) are the scenario's business.
[[nodiscard]] bool is_corporate_tax_date(Date date) noexcept;

/// One row of the grid.
struct Day {
  Date date{};
  PeriodEnd period_end = PeriodEnd::none;
  bool gse_window = false;
  bool tax_date = false;
  int days_to_next = 1;      ///< calendar days to the next publication day, also past the end of the grid
  int days_since_start = 0;  ///< calendar days since the `start` asked for: 0 on the first row when `start` is open

  bool operator==(const Day&) const = default;
};

/// The publication days in [start, end], ascending. Empty when start > end or no day between them is open.
[[nodiscard]] std::vector<Day> day_grid(Date start, Date end);

}  // namespace repoquake::calendar
