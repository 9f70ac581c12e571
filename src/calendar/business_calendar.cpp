#include "repoquake/calendar/business_calendar.hpp"

#include <cstddef>

#include "repoquake/core/contract.hpp"

namespace repoquake::calendar {

namespace {

using std::chrono::days;
using std::chrono::Friday;
using std::chrono::last;
using std::chrono::Monday;
using std::chrono::month;
using std::chrono::month_day;
using std::chrono::Saturday;
using std::chrono::Sunday;
using std::chrono::Thursday;
using std::chrono::weekday;
using std::chrono::year;
using std::chrono::year_month_day;

enum class Saturdays { moved_to_friday, not_moved };

/// Is `date` the day a fixed holiday is kept on? Sundays always move to Monday. The holiday's own weekend day is closed
/// anyway.
bool keeps(Date date, month_day holiday, Saturdays saturdays) noexcept {
  const weekday day_of_week{date};
  const auto falls_on = [holiday](Date d) {
    const year_month_day civil{d};
    return month_day{civil.month(), civil.day()} == holiday;
  };
  return falls_on(date) || (day_of_week == Monday && falls_on(date - days{1})) ||
         (saturdays == Saturdays::moved_to_friday && day_of_week == Friday && falls_on(date + days{1}));
}

/// Easter Sunday of the Gregorian calendar. Source: anonymous computus, Meeus, "Astronomical Algorithms" (1991),
/// chapter 8.
Date easter_sunday(year in) noexcept {
  const int y = static_cast<int>(in);
  const int golden = y % 19;
  const int century = y / 100;
  const int of_century = y % 100;
  const int epact = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
  const int to_sunday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
  const int late = (golden + 11 * epact + 22 * to_sunday) / 451;
  const int march_based = epact + to_sunday - 7 * late + 114;
  return in / month{static_cast<unsigned>(march_based / 31)} /
         std::chrono::day{static_cast<unsigned>(march_based % 31 + 1)};
}

constexpr year kFirstJuneteenth{2022};

bool is_holiday(Date date) noexcept {
  using namespace std::chrono;
  const year y = year_month_day{date}.year();
  return keeps(date, January / 1, Saturdays::not_moved) ||
         date == Date{y / January / Monday[3]} ||   // Martin Luther King
         date == Date{y / February / Monday[3]} ||  // Presidents
         date == easter_sunday(y) - days{2} ||      // Good Friday
         date == Date{y / May / Monday[last]} ||    // Memorial
         (y >= kFirstJuneteenth && keeps(date, June / 19, Saturdays::moved_to_friday)) ||
         keeps(date, July / 4, Saturdays::moved_to_friday) || date == Date{y / September / Monday[1]} ||  // Labor
         date == Date{y / October / Monday[2]} ||                                                         // Columbus
         keeps(date, November / 11, Saturdays::not_moved) ||
         date == Date{y / November / Thursday[4]} ||  // Thanksgiving
         keeps(date, December / 25, Saturdays::moved_to_friday);
}

/// The number written in decimal digits only, or -1.
int read_digits(std::string_view text) noexcept {
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    number = number * 10 + (c - '0');
  }
  return number;
}

}  // namespace

bool is_publication_day(Date date) noexcept {
  const weekday day_of_week{date};
  return day_of_week != Saturday && day_of_week != Sunday && !is_holiday(date);
}

Date next_publication_day(Date date) noexcept {
  do {
    date += days{1};
  } while (!is_publication_day(date));
  return date;
}

Date previous_publication_day(Date date) noexcept {
  do {
    date -= days{1};
  } while (!is_publication_day(date));
  return date;
}

std::optional<Date> parse_iso_date(std::string_view text) noexcept {
  constexpr std::size_t kLength = 10;
  if (text.size() != kLength || text[4] != '-' || text[7] != '-') return std::nullopt;
  const int y = read_digits(text.substr(0, 4));
  const int m = read_digits(text.substr(5, 2));
  const int d = read_digits(text.substr(8, 2));
  if (y < 1990 || y > 2199 || m < 1 || d < 1) return std::nullopt;
  const year_month_day civil{year{y}, month{static_cast<unsigned>(m)}, std::chrono::day{static_cast<unsigned>(d)}};
  if (!civil.ok()) return std::nullopt;
  return Date{civil};
}

std::string to_iso(Date date) {
  const year_month_day civil{date};
  RQ_EXPECT(static_cast<int>(civil.year()) >= 0 && static_cast<int>(civil.year()) <= 9999);
  std::string text = "0000-00-00";
  const auto write = [&text](std::size_t last_digit, unsigned number) {
    for (; number > 0; number /= 10) text[last_digit--] = static_cast<char>('0' + number % 10);
  };
  write(3, static_cast<unsigned>(static_cast<int>(civil.year())));
  write(6, static_cast<unsigned>(civil.month()));
  write(9, static_cast<unsigned>(civil.day()));
  return text;
}

}  // namespace repoquake::calendar
