#include "repoquake/calendar/named_days.hpp"

#include "repoquake/calendar/day_grid.hpp"

namespace repoquake::calendar {

bool is_mid_month_settlement(Date date) noexcept {
  const std::chrono::year_month_day today{date};
  const Date fifteenth = today.year() / today.month() / std::chrono::day{15};
  return is_publication_day(date) && date >= fifteenth && previous_publication_day(date) < fifteenth;
}

bool is_named(NamedDay name, Date date) noexcept {
  const PeriodEnd end = period_end(date);
  switch (name) {
    case NamedDay::tax_date:
      return is_corporate_tax_date(date);
    case NamedDay::coupon_settlement:
      return end != PeriodEnd::none || is_mid_month_settlement(date);
    case NamedDay::month_end:
      return end != PeriodEnd::none;
    case NamedDay::quarter_end:
      return end == PeriodEnd::quarter || end == PeriodEnd::year;
    case NamedDay::year_end:
      return end == PeriodEnd::year;
  }
  return false;
}

Date next_named(NamedDay name, Date start) noexcept {
  Date date = next_publication_day(start);
  while (!is_named(name, date)) date = next_publication_day(date);
  return date;
}

Date add_business_days(Date date, int days) noexcept {
  for (; days > 0; --days) date = next_publication_day(date);
  for (; days < 0; ++days) date = previous_publication_day(date);
  return date;
}

}  // namespace repoquake::calendar
