#include "repoquake/calendar/business_calendar.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/calendar/day_grid.hpp"

namespace {

using namespace repoquake::calendar;
using std::chrono::days;
using std::chrono::year;

Date day(std::string_view text) {
  const auto date = parse_iso_date(text);
  REQUIRE(date.has_value());
  return *date;
}

/// Weekdays of a year on which no SOFR is fixed.
std::vector<std::string> closed_weekdays(int in) {
  std::vector<std::string> closed;
  for (Date d = year{in} / 1 / 1; d < Date{year{in + 1} / 1 / 1}; d += days{1}) {
    const std::chrono::weekday w{d};
    if (w != std::chrono::Saturday && w != std::chrono::Sunday && !is_publication_day(d)) closed.push_back(to_iso(d));
  }
  return closed;
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else if (c != '\r') {
      cells.back().push_back(c);
    }
  }
  return cells;
}

using Row = std::map<std::string, std::string>;

std::vector<Row> read_rows(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  REQUIRE(std::getline(in, line));
  const auto names = split(line);
  std::vector<Row> rows;
  while (std::getline(in, line)) {
    const auto cells = split(line);
    REQUIRE(cells.size() == names.size());
    Row row;
    for (std::size_t i = 0; i < names.size(); ++i) row[names[i]] = cells[i];
    rows.push_back(row);
  }
  return rows;
}

/// The published daily rates, where this machine has them.
std::vector<std::filesystem::path> history_files() {
  const char* const given = std::getenv("REPOQUAKE_HISTORY");
  const std::filesystem::path folder = given != nullptr
                                           ? std::filesystem::path(given)
                                           : std::filesystem::path(REPOQUAKE_SOURCE_DIR) / ".." / "shared" / "history";
  std::vector<std::filesystem::path> files;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (entry.path().filename().string().ends_with("_daily.csv")) files.push_back(entry.path());
  }
  return files;
}

}  // namespace

TEST_CASE("closed weekdays of whole years are the published holidays", "[calendar]") {
  using Days = std::vector<std::string>;
  CHECK(closed_weekdays(2019) == Days{"2019-01-01", "2019-01-21", "2019-02-18", "2019-04-19", "2019-05-27",
                                      "2019-07-04", "2019-09-02", "2019-10-14", "2019-11-11", "2019-11-28",
                                      "2019-12-25"});
  CHECK(closed_weekdays(2020) == Days{"2020-01-01", "2020-01-20", "2020-02-17", "2020-04-10", "2020-05-25",
                                      "2020-07-03", "2020-09-07", "2020-10-12", "2020-11-11", "2020-11-26",
                                      "2020-12-25"});
  CHECK(closed_weekdays(2021) == Days{"2021-01-01", "2021-01-18", "2021-02-15", "2021-04-02", "2021-05-31",
                                      "2021-07-05", "2021-09-06", "2021-10-11", "2021-11-11", "2021-11-25",
                                      "2021-12-24"});
  CHECK(closed_weekdays(2022) == Days{"2022-01-17", "2022-02-21", "2022-04-15", "2022-05-30", "2022-06-20",
                                      "2022-07-04", "2022-09-05", "2022-10-10", "2022-11-11", "2022-11-24",
                                      "2022-12-26"});
  CHECK(closed_weekdays(2023) == Days{"2023-01-02", "2023-01-16", "2023-02-20", "2023-04-07", "2023-05-29",
                                      "2023-06-19", "2023-07-04", "2023-09-04", "2023-10-09", "2023-11-23",
                                      "2023-12-25"});
  CHECK(closed_weekdays(2024) == Days{"2024-01-01", "2024-01-15", "2024-02-19", "2024-03-29", "2024-05-27",
                                      "2024-06-19", "2024-07-04", "2024-09-02", "2024-10-14", "2024-11-11",
                                      "2024-11-28", "2024-12-25"});
  CHECK(closed_weekdays(2025) == Days{"2025-01-01", "2025-01-20", "2025-02-17", "2025-04-18", "2025-05-26",
                                      "2025-06-19", "2025-07-04", "2025-09-01", "2025-10-13", "2025-11-11",
                                      "2025-11-27", "2025-12-25"});
  CHECK(closed_weekdays(2026) == Days{"2026-01-01", "2026-01-19", "2026-02-16", "2026-04-03", "2026-05-25",
                                      "2026-06-19", "2026-07-03", "2026-09-07", "2026-10-12", "2026-11-11",
                                      "2026-11-26", "2026-12-25"});
}

TEST_CASE("holidays that fall on a weekend", "[calendar]") {
  for (const auto* open :
       {"2021-12-31", "2027-12-31", "2017-11-10", "2023-11-10", "2021-06-18", "2020-06-19", "2018-11-23"}) {
    INFO(open);
    CHECK(is_publication_day(day(open)));
  }
  for (const auto* closed : {"2023-01-02", "2018-11-12", "2027-06-18", "2022-06-20", "2020-07-03", "2021-07-05",
                             "2026-07-03", "2021-12-24", "2022-12-26", "2010-12-24", "2027-12-24"}) {
    INFO(closed);
    CHECK_FALSE(is_publication_day(day(closed)));
  }
}

TEST_CASE("Good Friday is always closed", "[calendar]") {
  for (const auto* friday : {"1990-04-13", "2000-04-21", "2008-03-21", "2015-04-03", "2018-03-30", "2019-04-19",
                             "2021-04-02", "2023-04-07", "2026-04-03", "2038-04-23", "2100-03-26"}) {
    INFO(friday);
    CHECK_FALSE(is_publication_day(day(friday)));
    CHECK(is_publication_day(day(friday) - days{1}));
    CHECK(is_publication_day(day(friday) + days{3}));  // Easter Monday
  }
}

TEST_CASE("publication days of 2018 to 2030 are the weekdays that the list of closures leaves open", "[calendar]") {
  std::ifstream in(std::string(REPOQUAKE_SOURCE_DIR) + "/tests/data/closed_days_2018_2030.csv");
  std::set<std::string> closed;
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("20")) closed.insert(line.substr(0, 10));
  CHECK(closed.size() > 130);
  for (int y = 2018; y <= 2030; ++y)
    for (const auto& date : closed_weekdays(y)) {
      INFO(date);
      CHECK(closed.erase(date) == 1);
    }
  CHECK(closed.empty());
}

TEST_CASE("next and previous publication day are strict and undo each other", "[calendar]") {
  CHECK(to_iso(next_publication_day(day("2019-09-13"))) == "2019-09-16");
  CHECK(to_iso(next_publication_day(day("2019-09-14"))) == "2019-09-16");
  CHECK(to_iso(next_publication_day(day("2021-12-23"))) == "2021-12-27");
  CHECK(to_iso(previous_publication_day(day("2020-04-13"))) == "2020-04-09");
  CHECK(to_iso(previous_publication_day(day("2024-01-02"))) == "2023-12-29");
  for (Date d = day("2018-01-01"); d < day("2030-01-01"); d += days{1}) {
    const Date next = next_publication_day(d);
    const Date previous = previous_publication_day(d);
    const bool open = is_publication_day(d);
    const bool right = next > d && previous < d && is_publication_day(next) && is_publication_day(previous) &&
                       (!open || (previous_publication_day(next) == d && next_publication_day(previous) == d)) &&
                       (next - d) <= days{4};
    if (!right) FAIL_CHECK(to_iso(d));
  }
}

TEST_CASE("ISO dates are read strictly and written back", "[calendar]") {
  for (const auto* text : {"1990-01-01", "2000-02-29", "2019-09-17", "2024-02-29", "2199-12-31"}) {
    INFO(text);
    CHECK(to_iso(day(text)) == text);
  }
  for (const std::string_view text : {"",
                                      "2019-9-17",
                                      "2019-09-7",
                                      "19-09-17",
                                      "2019/09/17",
                                      "20190917",
                                      "2019-09-17 ",
                                      " 2019-09-17",
                                      "2019-02-29",
                                      "2100-02-29",
                                      "2019-13-01",
                                      "2019-00-10",
                                      "2019-04-31",
                                      "2019-01-00",
                                      "1989-12-31",
                                      "2200-01-01",
                                      "2019-0a-01",
                                      "+019-01-01",
                                      "2019-+1-01",
                                      "2019-09-17T",
                                      "\xd9\xa2\xd9\xa0\xd9\xa1\xd9\xa9-"}) {
    INFO(text);
    CHECK_FALSE(parse_iso_date(text).has_value());
  }
}

TEST_CASE("the days with a published SOFR are exactly the publication days", "[calendar][history]") {
  const auto files = history_files();
  if (files.empty()) {
    WARN("skipped: no *_daily.csv; name their folder in REPOQUAKE_HISTORY");
    return;
  }
  for (const auto& file : files) {
    INFO(file.filename().string());
    const auto rows = read_rows(file);
    REQUIRE(rows.size() > 2);
    std::vector<std::string> fixed;
    for (const auto& row : rows) {
      if (!row.at("SOFR_pct").empty())
        fixed.push_back(row.at("date"));  // a blank: other rates were published, SOFR was not
    }
    std::vector<std::string> ours;
    for (const Day& d : day_grid(day(rows.front().at("date")), day(rows.back().at("date"))))
      ours.push_back(to_iso(d.date));
    CHECK(ours == fixed);
  }
}

TEST_CASE("period ends and tax dates agree with the published daily files", "[calendar][history]") {
  const auto files = history_files();
  if (files.empty()) {
    WARN("skipped: no *_daily.csv; name their folder in REPOQUAKE_HISTORY");
    return;
  }
  for (const auto& file : files) {
    for (const auto& row : read_rows(file)) {
      INFO(file.filename().string() << " " << row.at("date"));
      const Date d = day(row.at("date"));
      CHECK((row.at("month_end") == "1") == (period_end(d) != PeriodEnd::none));
      CHECK((row.at("quarter_end") == "1") ==
            (period_end(d) == PeriodEnd::quarter || period_end(d) == PeriodEnd::year));
      CHECK((row.at("year_end") == "1") == (period_end(d) == PeriodEnd::year));
      const bool postponed = row.at("date") == "2020-04-15";  // by decree, to 15 July
      CHECK((row.at("tax_date") == "1") == (is_corporate_tax_date(d) && !postponed));
    }
  }
}
