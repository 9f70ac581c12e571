#include <cstdio>

#include <repoquake/calendar/business_calendar.hpp>

int main() {
  using repoquake::calendar::is_publication_day;
  using repoquake::calendar::parse_iso_date;
  const bool ok =
      is_publication_day(*parse_iso_date("2019-09-17")) && !is_publication_day(*parse_iso_date("2019-09-15"));
  std::puts(ok ? "2019-09-17 is a publication day, the Sunday before is not" : "the installed calendar is wrong");
  return ok ? 0 : 1;
}
