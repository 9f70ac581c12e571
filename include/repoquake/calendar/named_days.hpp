/// Days of the money-market calendar by name, and steps in business days.
///
///   tax-date            quarterly corporate tax date
///   coupon-settlement   the 15th or the next publication day, and the last one of a month
///   month-end, quarter-end, year-end     last publication day of a month, a quarter, a year (a quarter-end is a month-end too)
///
/// Source  day_grid.hpp; settlement days of Treasury coupons: US Treasury, auction calendar.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "repoquake/calendar/business_calendar.hpp"

namespace repoquake::calendar {

enum class NamedDay { tax_date, coupon_settlement, month_end, quarter_end, year_end };

inline constexpr std::array<std::string_view, 5> kNamedDays{"tax-date", "coupon-settlement", "month-end", "quarter-end",
                                                            "year-end"};

/// Is this publication day one of those?
[[nodiscard]] bool is_named(NamedDay name, Date date) noexcept;

/// The first such day after `start`. There is one within 400 days.
[[nodiscard]] Date next_named(NamedDay name, Date start) noexcept;

/// The 15th of a month, or the first publication day after it.
[[nodiscard]] bool is_mid_month_settlement(Date date) noexcept;

/// `date` moved by publication days, forward or back; 0 leaves it alone.
[[nodiscard]] Date add_business_days(Date date, int days) noexcept;

}  // namespace repoquake::calendar
