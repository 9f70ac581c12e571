#include "repoquake/calendar/day_grid.hpp"

namespace repoquake::calendar {

using std::chrono::year_month_day;

PeriodEnd period_end(Date date) noexcept {
  if (!is_publication_day(date)) return PeriodEnd::none;
  const auto month = year_month_day{date}.month();
  if (year_month_day{next_publication_day(date)}.month() == month) return PeriodEnd::none;
  if (month == std::chrono::December) return PeriodEnd::year;
  return static_cast<unsigned>(month) % 3 == 0 ? PeriodEnd::quarter : PeriodEnd::month;
}

bool in_gse_window(Date date) noexcept {
  const auto day = year_month_day{date}.day();
  return day >= std::chrono::day{18} && day <= std::chrono::day{24};
}

int calendar_days_to_next(Date date) noexcept { return static_cast<int>((next_publication_day(date) - date).count()); }

bool is_corporate_tax_date(Date date) noexcept {
  using namespace std::chrono;
  const year_month_day civil{date};
  const auto m = civil.month();
  if (m != April && m != June && m != September && m != December) return false;
  const Date fifteenth = civil.year() / m / 15;
  return date == (is_publication_day(fifteenth) ? fifteenth : next_publication_day(fifteenth));
}

std::vector<Day> day_grid(Date start, Date end) {
  std::vector<Day> grid;
  for (Date date = next_publication_day(start - std::chrono::days{1}); date <= end; date = next_publication_day(date)) {
    grid.push_back({.date = date,
                    .period_end = period_end(date),
                    .gse_window = in_gse_window(date),
                    .tax_date = is_corporate_tax_date(date),
                    .days_to_next = calendar_days_to_next(date),
                    .days_since_start = static_cast<int>((date - start).count())});
  }
  return grid;
}

}  // namespace repoquake::calendar
