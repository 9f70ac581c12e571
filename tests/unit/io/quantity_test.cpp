#include "repoquake/io/quantity.hpp"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/calendar/business_calendar.hpp"

namespace io = repoquake::io;
using repoquake::scenario::QuotedRate;
using repoquake::scenario::Unit;

namespace {

std::optional<double> value(std::string_view text, Unit unit) { return io::parse_quantity(text, unit).value; }
std::string reason(std::string_view text, Unit unit) { return io::parse_quantity(text, unit).reason; }
std::string hint(std::string_view text, Unit unit) { return io::parse_quantity(text, unit).hint; }

}  // namespace

TEST_CASE("each unit in each of its forms") {
  const std::vector<std::tuple<std::string, Unit, double>> forms{
      {"95 bn USD", Unit::usd_bn, 95.0},
      {"95bn USD", Unit::usd_bn, 95.0},
      {"  -1.5 tn  USD ", Unit::usd_bn, -1500.0},
      {"+3612 mn USD", Unit::usd_bn, 3.612},
      {"1e3 bn USD", Unit::usd_bn, 1000.0},
      {"35 bn USD per month", Unit::usd_bn_month, 35.0},
      {"500 mn USD per month", Unit::usd_bn_month, 0.5},
      {"3.5 bp", Unit::bp, 3.5},
      {"-0.05 %", Unit::bp, -5.0},
      {"2.10 %", Unit::percent, 2.10},
      {"15 bp", Unit::percent, 0.15},
      {"0.01", Unit::none, 0.01},
      {"1 %", Unit::none, 0.01},
      {"99.9 %", Unit::none, 0.999},
      {"4 d", Unit::business_days, 4.0},
      {"1 bd", Unit::business_days, 1.0},
      {"4.5 y", Unit::years, 4.5},
      {"0.06", Unit::per_day, 0.06},
      {"0.06 /d", Unit::per_day, 0.06},
      {"0.025 bn/bp", Unit::bn_per_bp, 0.025},
      {"0.025 bn USD per bp", Unit::bn_per_bp, 0.025},
      {"0.065 bp/bn", Unit::bp_per_bn, 0.065},
      {"0.065 bp per bn USD", Unit::bp_per_bn, 0.065},
      {"34", Unit::multiple, 34.0},
      {"34 x", Unit::multiple, 34.0},
      {"24", Unit::count, 24.0},
  };
  for (const auto& [text, unit, expected] : forms) {
    INFO(text);
    CHECK(value(text, unit) == expected);
  }
}

TEST_CASE("decimal units are applied to the text, so that forms of one number are one double") {
  for (const auto& [a, b] : std::vector<std::pair<std::string, std::string>>{{"183581 mn USD", "183.581 bn USD"},
                                                                             {"0.183581 tn USD", "183.581 bn USD"},
                                                                             {"1758.3e-1 bn USD", "175.83 bn USD"}})
    CHECK(value(a, Unit::usd_bn) == value(b, Unit::usd_bn));
  CHECK(value("5.7 %", Unit::none) == 0.057);
  CHECK(value("0.07 %", Unit::bp) == 7.0);
}

TEST_CASE("a missing or wrong unit says what to write") {
  CHECK(reason("95", Unit::usd_bn) == "95 has no unit (amount of money)");
  CHECK(hint("95", Unit::usd_bn) == "write \"95 bn USD\" (also mn, tn)");
  CHECK(reason("120 bn", Unit::usd_bn) == "\"120 bn\" does not name the currency");
  CHECK(hint("120 bn", Unit::usd_bn) == "write \"120 bn USD\"");
  CHECK(hint("5 BP", Unit::bp) == "write \"5 bp\"");
  CHECK(reason("5 bn USD", Unit::bp) == "\"5 bn USD\" is in bn USD; a spread is in bp or %");
  CHECK(reason("5 furlongs", Unit::bp) == "\"5 furlongs\" has the unknown unit \"furlongs\"; a spread is in bp or %");
  CHECK(reason("0.8 bp", Unit::none) == "\"0.8 bp\" is in bp; a share or ratio is a bare number or in %");
  CHECK(reason("5 bn USD", Unit::usd_bn_month).ends_with("in mn or bn USD per month"));
  CHECK(reason("1.5", Unit::count) == "\"1.5\" is not a whole number");
}

TEST_CASE("numbers are plain decimals") {
  for (const std::string bad : {"",
                                "bp",
                                ".nan bp",
                                "nan bp",
                                "-.inf bp",
                                "inf",
                                "Infinity bp",
                                "0x1F bp",
                                "0o17 bp",
                                "0b1 bp",
                                "010 bp",
                                "-010 bp",
                                "1_000 bp",
                                "1,000 bp",
                                ".5 bp",
                                "5. bp",
                                "1.2.3 bp",
                                "--5 bp",
                                "+-5 bp",
                                "1e bp",
                                "1e999 bp",
                                "1e99999999999999999999 bp",
                                "5 5 bp",
                                "٣ bp"}) {
    INFO(bad);
    CHECK_FALSE(value(bad, Unit::bp));
    CHECK_FALSE(reason(bad, Unit::bp).empty());
  }
  CHECK(value("0 bp", Unit::bp) == 0.0);
  CHECK(value("0.5 bp", Unit::bp) == 0.5);
  CHECK_FALSE(std::signbit(*value("-0 bp", Unit::bp)));
}

TEST_CASE("whole numbers are digits in a range") {
  CHECK(io::parse_whole("20000", 1, 1'000'000'000).value == 20000U);
  CHECK(io::parse_whole("18446744073709551615", 0, ~std::uint64_t{0}).value == ~std::uint64_t{0});
  for (const std::string bad :
       {"0", "-1", "1000000001", "18446744073709551616", "2e4", "1.0", "1_0", "1,0", "0x1", "07", "", "x", "5 x"}) {
    INFO(bad);
    CHECK_FALSE(io::parse_whole(bad, 1, 1'000'000'000).value);
  }
}

TEST_CASE("rates over IORB and rates") {
  CHECK(io::parse_quoted_rate("iorb + 15 bp").value == QuotedRate{.over_iorb = true, .spread = 15.0});
  CHECK(io::parse_quoted_rate("iorb-5bp").value == QuotedRate{.over_iorb = true, .spread = -5.0});
  CHECK(io::parse_quoted_rate("iorb").value == QuotedRate{});
  CHECK(io::parse_quoted_rate("iorb + 0.1 %").value == QuotedRate{.over_iorb = true, .spread = 10.0});
  CHECK(io::parse_quoted_rate("2.25 %").value == QuotedRate{.over_iorb = false, .rate = 2.25});
  for (const std::string bad :
       {"15 bp", "iorb +", "iorb 5 bp", "iorb + -5 bp", "iorb + 5", "effr + 5 bp", "2.25", "iorbx + 5 bp", ""}) {
    INFO(bad);
    CHECK_FALSE(io::parse_quoted_rate(bad).value);
  }
}

TEST_CASE("a trigger is a threshold of the morning spread") {
  CHECK(io::parse_am_trigger("am_spread > 60 bp").value == 60.0);
  CHECK(io::parse_am_trigger("am_spread>0.6 %").value == 60.0);
  for (const std::string bad :
       {"pm_spread > 60 bp", "am_spread >= 60 bp", "am_spread < 60 bp", "am_spread > 60", "60 bp", ""})
    CHECK_FALSE(io::parse_am_trigger(bad).value);
}

TEST_CASE("dates are ISO dates") {
  CHECK(io::parse_date("2019-09-16").value);
  CHECK(io::parse_date("2019-02-29").reason == "\"2019-02-29\" is not a day of the calendar in the years 1990 to 2199");
  CHECK(io::parse_date("9/16/2019").reason == "\"9/16/2019\" is not an ISO date");
  for (const std::string name : {"tax-date", "quarter-end - 1 bd", "coupon-settlement", "day 5"})  // without a window
    CHECK(io::parse_date(name).reason.find("counted from the window") != std::string::npos);
}

TEST_CASE("days by name are counted from the window") {
  const auto day = [](std::string_view text) { return *io::parse_date(text).value; };
  const io::DateFrame frame{.start = day("2019-09-11"), .end = day("2019-10-03")};
  const auto named = [&](std::string_view text) {
    const auto parsed = io::parse_date(text, frame);
    INFO(text << ": " << parsed.reason);
    REQUIRE(parsed.value);
    return repoquake::calendar::to_iso(*parsed.value);
  };
  CHECK(named("tax-date") == "2019-09-16");           // the 15th is a Sunday
  CHECK(named("coupon-settlement") == "2019-09-16");  // likewise
  CHECK(named("month-end") == "2019-09-30");
  CHECK(named("quarter-end") == "2019-09-30");
  CHECK(named("quarter-end - 1 bd") == "2019-09-27");   // over a weekend
  CHECK(named("quarter-end + 10 bd") == "2019-10-15");  // over Columbus Day
  CHECK(named("year-end") == "2019-12-31");             // beyond the window: for warnings to speak of
  CHECK(named("start") == "2019-09-11");
  CHECK(named("end") == "2019-10-03");
  CHECK(named("end - 2 bd") == "2019-10-01");
  CHECK(named("day 0") == "2019-09-11");
  CHECK(named("day 5") == "2019-09-18");
  CHECK(named("2019-09-13 + 1 bd") == "2019-09-16");
  CHECK(named("2019-09-14 + 1 bd") == "2019-09-16");  // from a Saturday
  for (const std::string bad :
       {"quarter-ends", "tax-date - 1", "tax-date - 1.5 bd", "tax-date + 1 bp", "day", "day five", "day -1",
        "tax-date - 3000 bd", "tax-date -", "tax-date+1 bd", "- 1 bd", ""}) {
    INFO(bad);
    CHECK_FALSE(io::parse_date(bad, frame).value);
  }
  CHECK(io::parse_date("quarter-ends", frame).reason == "\"quarter-ends\" is not a day; did you mean \"quarter-end\"?");
}
