#include "repoquake/io/series_csv.hpp"

#include <algorithm>
#include <string>

#include <catch2/catch.hpp>

#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/digest.hpp"

namespace io = repoquake::io;
namespace scenario = repoquake::scenario;
using repoquake::calendar::parse_iso_date;

namespace {

const scenario::Window kWindow{*parse_iso_date("2019-09-11"), *parse_iso_date("2019-09-16")};

std::optional<scenario::Series> parse(std::string_view text, std::string* complaints = nullptr,
                                      bool with_window = true) {
  io::Diagnostics diagnostics;
  const int file = diagnostics.add_source("s.csv", text);
  auto series = io::parse_series(text, file, with_window ? std::optional(kWindow) : std::nullopt, diagnostics);
  std::string lines;
  for (const auto& entry : diagnostics.sorted())
    lines += std::to_string(entry.mark.line) + ":" + std::to_string(entry.mark.column) + " " + entry.key + ": " +
             entry.reason + "\n";
  if (complaints != nullptr) *complaints = lines;
  CHECK(series.has_value() == lines.empty());
  return series;
}

std::string complaints(std::string_view text) {
  std::string lines;
  (void)parse(text, &lines);
  return lines;
}

const std::string kDays = "2019-09-11,1\n2019-09-12,2\n2019-09-13,\n2019-09-16,-4.5e1\n";

}  // namespace

TEST_CASE("a series keeps dates, columns and blanks") {
  const auto series = parse("date,net_coupons_usd_bn\n" + kDays);
  REQUIRE(series);
  REQUIRE(series->dates.size() == 4);
  CHECK(series->dates.back() == kWindow.end);
  const auto* column = series->find("net_coupons_usd_bn");
  REQUIRE(column != nullptr);
  CHECK(column->values == std::vector<std::optional<double>>{1.0, 2.0, std::nullopt, -45.0});
  CHECK(series->find("tga_usd_bn") == nullptr);
}

TEST_CASE("dates alone are a series") {
  const auto series = parse("date\n2019-09-11\n2019-09-12\n2019-09-13\n2019-09-16\n");
  REQUIRE(series);
  CHECK(series->columns.empty());
}

TEST_CASE("comments at the top, CRLF, a byte order mark, quotes, blanks and a missing last line end are fine") {
  const auto series = parse(
      "\xEF\xBB\xBF# from somewhere, with a comma\r\n#\r\n\"date\" , \"net_coupons_usd_bn\"\r\n2019-09-11, "
      "\"1\"\r\n2019-09-12,2\r\n2019-09-13, \r\n2019-09-16,+3\r\n\r\n");
  REQUIRE(series);
  CHECK(series->columns[0].values[0] == 1.0);
  CHECK(series->columns[0].values[2] == std::nullopt);
  CHECK(parse("date\n2019-09-11\n2019-09-12\n2019-09-13\n2019-09-16"));
}

TEST_CASE("the header is strict") {
  CHECK(complaints("") == "1:1 : the file has no header; it starts with date, then columns\n");
  CHECK(complaints("# only\n") == "1:1 : the file has no header; it starts with date, then columns\n");
  CHECK(complaints("day,tga_usd_bn\n" + kDays).starts_with("1:1 : the first column must be date, got \"day\"\n"));
  CHECK(complaints("date,net_coupon_usd_bn\n" + kDays) ==
        "1:6 : unknown column \"net_coupon_usd_bn\"; did you mean \"net_coupons_usd_bn\"?\n");
  CHECK(
      complaints("date,colour\n" + kDays).starts_with("1:6 : unknown column \"colour\"; columns: date, tga_usd_bn, "));
  CHECK(complaints("date,tga_usd_bn,tga_usd_bn\n2019-09-11,1,1\n2019-09-12,1,1\n2019-09-13,1,1\n2019-09-16,1,1\n") ==
        "1:17 : the column tga_usd_bn is given twice\n");
}

TEST_CASE("the dates are exactly those of the window") {
  const auto with = [](std::string_view days) { return complaints("date\n" + std::string(days)); };
  const std::string rows = "; a row for each publication day of the window, 2019-09-11 to 2019-09-16\n";
  CHECK(with("2019-09-11\n2019-09-13\n2019-09-16\n") == "3:1 date: 2019-09-12 is missing" + rows);
  CHECK(with("2019-09-16\n") == "2:1 date: 2019-09-11 is missing (with 2 more)" + rows);
  CHECK(with("2019-09-11\n2019-09-12\n") == "3:1 date: 2019-09-13 is missing (with 1 more)" + rows);
  CHECK(with("") == "1:1 date: 2019-09-11 is missing (with 3 more)" + rows);
  CHECK(with("2019-09-11\n2019-09-12\n2019-09-13\n2019-09-14\n2019-09-16\n") ==
        "5:1 date: 2019-09-14 is not a publication day of SOFR\n");
  CHECK(with("2019-09-10\n2019-09-11\n2019-09-12\n2019-09-13\n2019-09-16\n") ==
        "2:1 date: 2019-09-10 lies outside the window, 2019-09-11 to 2019-09-16\n");
  CHECK(with("2019-09-11\n2019-09-12\n2019-09-12\n2019-09-13\n2019-09-16\n") ==
        "4:1 date: 2019-09-12 does not come after 2019-09-12\n");
  CHECK(with("2019-09-11\n12.9.2019\n2019-09-13\n2019-09-16\n") == "3:1 date: \"12.9.2019\" is not an ISO date\n");
}

TEST_CASE("without a window any ascending days will do") {
  std::string lines;
  CHECK(parse("date\n2019-01-01\n2019-02-02\n", &lines, false));
  CHECK_FALSE(parse("date\n", &lines, false));
  CHECK(lines == "1:1 : the file has no rows\n");
}

TEST_CASE("cells are strict numbers") {
  const auto with = [](const std::string& cell, const std::string& column = "net_coupons_usd_bn") {
    return complaints("date," + column + "\n2019-09-11," + cell + "\n2019-09-12,\n2019-09-13,\n2019-09-16,\n");
  };
  CHECK(with("1.5").empty());
  CHECK(with("1e2").empty());
  for (const std::string bad :
       {"nan", "inf", "-Infinity", "0x10", "010", "1_000", "5 bn", "5 %", "abc", ".5", "5.", "1e999", "--1", "1 2"}) {
    INFO(bad);
    CHECK(with(bad).starts_with("2:12 net_coupons_usd_bn: "));
  }
  CHECK(with("1,000").starts_with("2:14 : the row has 3 cells, the header 2\n"));
  CHECK(with("\"1,000\"") ==
        "2:12 net_coupons_usd_bn: \"1,000\" has a comma in the number; write the digits without, and a point for "
        "decimals\n");
  CHECK(with("-5", "tga_usd_bn") == "2:12 tga_usd_bn: must not be negative, got \"-5\"\n");
  CHECK(with("60000") == "2:12 net_coupons_usd_bn: is out of range, got \"60000\"; units are in the column name\n");
  CHECK(with("0", "treasury_volatility_bp") ==
        "2:12 treasury_volatility_bp: must be above 0; leave the cell blank where it is not known\n");
  CHECK(with("-0.5", "sofr_pct").empty());
}

TEST_CASE("rows have the cells of the header and no gaps") {
  CHECK(complaints("date,tga_usd_bn\n2019-09-11\n2019-09-12,1\n2019-09-13,1\n2019-09-16,1\n") ==
        "2:1 : the row has 1 cells, the header 2\n");
  CHECK(complaints("date\n2019-09-11\n\n2019-09-12\n2019-09-13\n2019-09-16\n") == "3:1 : an empty line between rows\n");
  CHECK(complaints("date,tga_usd_bn\n2019-09-11,\"1\n2019-09-12,1\n2019-09-13,1\n2019-09-16,1\n")
            .starts_with("2:12 : the quotes are not closed in this line\n"));
  CHECK(complaints("date,tga_usd_bn\n2019-09-11,\"1\"x\n2019-09-12,1\n2019-09-13,1\n2019-09-16,1\n") ==
        "2:12 : text after the closing quotes\n");
}

TEST_CASE("no more than 20 complaints about one file are shown") {
  std::string text = "date,net_coupons_usd_bn\n";
  for (int i = 0; i < 100; ++i) text += "2019-09-11,x\n";
  const std::string lines = complaints(text);
  CHECK(std::count(lines.begin(), lines.end(), '\n') == io::kMaxSeriesComplaints);
  const auto of_header = complaints("date" + std::string(1000, ',') + "\n" + kDays);
  CHECK(std::count(of_header.begin(), of_header.end(), '\n') == io::kMaxSeriesComplaints);
  CHECK(lines.ends_with("(further errors of this file are not shown)\n"));
}

TEST_CASE("SHA-256 of known texts") {
  // FIPS 180-2, appendix B.1, and the digest of the empty message.
  CHECK(io::sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(io::sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a file that cannot be read is an IoError") {
  CHECK_THROWS_AS(io::read_file("no/such/file", 10), repoquake::IoError);
  CHECK_THROWS_AS(io::read_file(REPOQUAKE_SOURCE_DIR, 10), repoquake::IoError);
  CHECK_THROWS_AS(io::read_file(std::string(REPOQUAKE_SOURCE_DIR) + "/tests/reject/parents/minimal.yaml", 10),
                  repoquake::IoError);
}
