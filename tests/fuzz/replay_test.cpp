// What the fuzzer found once, and what it would take long to make: deep nesting, alias bombs, huge numbers, binary input,
// bad encodings, long lines, long lists. Every input is given to every target.
#include <chrono>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "fuzz/targets.hpp"
#include "repoquake/io/digest.hpp"

using namespace repoquake;

namespace {

namespace fs = std::filesystem;

// An answer is due within a second, in time of this process, as the machine may be busy. A sanitizer is given ten: it
// slows our code and every allocation, and what it is to find here is not the time.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kLimitSeconds = 10.0;
#else
constexpr double kLimitSeconds = 1.0;
#endif

constexpr std::string_view kMinimal = "format: repoquake/scenario/1\nextends: minimal.yaml\n";

struct Input {
  std::string name;
  std::string bytes;
};

std::string repeat(std::string_view piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

/// `piece(i)` for i below `times`, after `lead`.
std::string list(std::string lead, std::size_t times, const std::function<std::string(std::string)>& piece) {
  for (std::size_t i = 0; i < times; ++i) lead += piece(std::to_string(i));
  return lead;
}

std::string minimal_with(std::string_view text) { return std::string(kMinimal) + std::string(text); }

std::vector<Input> deep_inputs() {
  std::vector<Input> inputs;
  for (const std::string_view piece :
       {"[",   "{",   "(",   "{a: ",  "- ", "? ", ": ",   "a: ",   "-",     "not ",       "max(",
        "&a ", "!a ", "!!",  "*a ",   "\"", "'",  "|\n",  "---\n", "...\n", "%TAG ! !\n", "\n",
        "#",   ",",   ",\n", "\"\",", "\t", "\r", "\r\n", "[]",    "1 + ",  "1 - -"}) {
    inputs.push_back({"200 kB of " + std::string(piece), repeat(piece, 200'000 / piece.size())});
    inputs.push_back({"600 bytes of " + std::string(piece), repeat(piece, 600 / piece.size())});
  }
  std::string stairs;
  for (std::size_t depth = 0; depth < 600; ++depth) stairs += std::string(depth, ' ') + "a:\n";
  inputs.push_back({"a staircase of maps", stairs});
  inputs.push_back({"a bracket in every value", minimal_with("shocks: " + repeat("[{a: ", 30) + repeat("}]", 30))});
  return inputs;
}

std::vector<Input> alias_inputs() {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const auto below = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + repeat(below + ", ", 9) + below + "]\n";
  }
  return {{"an alias bomb", bomb},
          {"an alias bomb behind a scenario", minimal_with(bomb)},
          {"a merge bomb", minimal_with("x: &x {<<: *x}\n<<: [*x, *x]\n")}};
}

std::vector<Input> number_inputs() {
  std::vector<Input> inputs;
  const std::string digits(100'000, '9');
  for (const std::string& number : {std::string("1e999999"), std::string("-1e999999"), std::string("1e-999999"),
                                    std::string("nan"), std::string("inf"), std::string("0x1p99999"), digits,
                                    "0." + digits, "1e" + digits, std::string("18446744073709551616")}) {
    const auto name = number.substr(0, 12);
    inputs.push_back({"a count of " + name, minimal_with("simulate: {paths: " + number + ", seed: " + number + "}\n")});
    inputs.push_back({"an amount of " + name, minimal_with("market: {gdp: " + number + " bn USD}\n")});
    inputs.push_back({"quantiles of " + name, minimal_with("output: {quantiles: [" + number + ", 0.5]}\n")});
    inputs.push_back({"an expression of " + name, "P(max(spread) > " + number + " bp)"});
    inputs.push_back({"an index of " + name, "shocks[" + number + "].size > 1 bp"});
    inputs.push_back({"a cell of " + name, "date,tga_usd_bn,size_bp\n2019-09-11," + number + "," + number + "\n"});
    inputs.push_back({"a date of " + name, "date,tga_usd_bn\n" + number + "-01-01,1\n"});
  }
  inputs.push_back({"a window of ages", minimal_with("window: {start: 0001-01-01, end: 9999-12-31}\n")});
  inputs.push_back(
      {"a window in business days", minimal_with("window: {start: start - 999999999 bd, end: day 2147483647}\n")});
  return inputs;
}

std::vector<Input> byte_inputs() {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  std::string noise;
  std::uint32_t state = 1;
  for (int i = 0; i < 100'000; ++i) {
    state = state * 1664525U + 1013904223U;
    noise += static_cast<char>(state >> 24);
  }
  std::string utf16 = "\xFF\xFE";
  for (const char c : kMinimal) utf16 += {c, '\0'};
  std::string crlf;
  for (const char c : minimal_with("simulate: {paths: 10}\n"))
    crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const std::string bom = "\xEF\xBB\xBF";
  return {{"nothing", ""},
          {"every byte", all},
          {"noise", noise},
          {"ELF", std::string("\x7F"
                              "ELF\x02\x01\x01\0\0\0\0\0",
                              12)},
          {"UTF-16", utf16},
          {"CRLF", crlf},
          {"BOM", bom + minimal_with("")},
          {"BOM and CRLF", bom + crlf},
          {"BOM alone", bom},
          {"BOM twice", bom + bom + minimal_with("")},
          {"BOM inside", minimal_with("title: " + bom + "x\n")},
          {"a NUL inside", minimal_with(std::string("title: a\0b\n", 11))},
          {"a NUL at the end", minimal_with(std::string("title: a\0", 9))},
          {"a lone continuation byte", minimal_with("title: \x80\n")},
          {"an overlong slash", minimal_with("title: \xC0\xAF\n")},
          {"a surrogate", minimal_with("title: \xED\xA0\x80\n")},
          {"beyond Unicode", minimal_with("title: \xF5\x80\x80\x80\n")},
          {"cut in a character", minimal_with("title: \xE2\x82")},
          {"other line ends", minimal_with("title: a\xE2\x80\xA8"
                                           "b\xC2\x85"
                                           "c\rd\n")},
          {"escapes", minimal_with("title: \"\\0\\x01\\x7f\\u0000\\ud800\\U00110000\\N\\_\\L\\P\"\n")},
          {"an escape cut off", minimal_with("title: \"\\x")},
          {"invalid UTF-8 in an expression", "max(\xC3\x28) > \xFF 1"},
          {"invalid UTF-8 in a series", "date,tga_usd_bn\n2019-09-11,\xC3\x28\n\xFF,1\n"}};
}

std::vector<Input> long_inputs() {
  const std::string word(200'000, 'x');
  const std::string words = repeat("xy ", 100'000);
  std::vector<Input> inputs{
      {"a long word", word},
      {"a long key", minimal_with(word + ": 1\n")},
      {"a long key above many",
       minimal_with(list("? " + word + "\n:\n", 9'000, [](auto i) { return "  a" + i + ": 1\n"; }))},
      {"a long unknown choice", minimal_with("market: {need: " + word + "}\n")},
      {"a long unit", minimal_with("market: {gdp: 1 " + word + "}\n")},
      {"a long name", minimal_with("name: " + word + "\n")},
      {"a long title", minimal_with("title: " + words + "\n")},
      {"a long title in quotes", minimal_with("title: \"" + repeat("\\n\\\"", 100'000) + "\"\n")},
      {"a long block", minimal_with("title: |\n" + repeat("  x\n", 50'000))},
      {"a long parent", minimal_with("") + "extends: " + word + "\n"},
      {"a long date", minimal_with("window: {start: " + word + "}\n")},
      {"a long id", minimal_with("shocks: [{id: " + word + ", target: tga, size: 1 bn USD}]\n")},
      {"a long id above many",
       list(minimal_with("shocks:\n  - id: " + word + "\n"), 9'000, [](auto i) { return "    a" + i + ": 1\n"; })},
      {"a long expression", minimal_with("metrics: [{id: a, expr: \"" + repeat("1 + ", 50'000) + "1\"}]\n")},
      {"a long comment", minimal_with("# " + words + "\n")},
      {"a long last line", minimal_with(repeat(" ", 200'000))},
      {"many unknown keys", list(std::string(kMinimal), 9'000, [](auto i) { return "marke" + i + ": 1\n"; })},
      {"one key many times", minimal_with(repeat("title: x\n", 9'000))},
      {"many unknown keys inside", list(minimal_with("market:\n"), 9'000, [](auto i) { return "  gd" + i + ": 1\n"; })},
      {"many parents", list("extends:\n", 9'000, [](auto i) { return "  - p" + i + ".yaml\n"; })},
      {"one parent many times", "extends:\n" + repeat("  - minimal.yaml\n", 9'000)},
      {"many quantiles",
       list(minimal_with("output:\n  quantiles:\n"), 9'000, [](auto i) { return "    - 0." + i + "\n"; })},
      {"many variables", minimal_with("output:\n  variables:\n" + repeat("    - sofr\n", 9'000))},
      {"many shocks", list(minimal_with("shocks:\n"), 2'000,
                           [](auto i) { return "  - {id: s" + i + ", target: tga, date: day 1, size: 1 bn USD}\n"; })},
      {"one shock many times",
       minimal_with("shocks:\n" + repeat("  - {id: s, target: tga, date: day 1, size: 1 bn USD}\n", 2'000))},
      {"many metrics", list(minimal_with("metrics:\n"), 3'000,
                            [](auto i) { return "  - {id: m" + i + ", expr: \"mean(max(sofr - iorbb))\"}\n"; })},
      {"many right metrics", list(minimal_with("metrics:\n"), 3'000,
                                  [](auto i) { return "  - {id: m" + i + ", expr: mean(max(spread))}\n"; })},
      {"many expectations",
       minimal_with("expect:\n" + repeat("  - {date: day 1, observed: 2 %, variable: sofr}\n", 2'500))},
      {"many operations",
       minimal_with("policy:\n  repo_operations:\n" +
                    repeat("    - {id: a, from: 2018-01-02, until: 2018-01-03, size: 1 bn USD}\n", 1'900))},
      {"many correlations", minimal_with("correlation:\n" + repeat("  - {between: [a, b], rho: 0.5}\n", 2'500))},
      {"a wide header", list("date", 30'000, [](auto i) { return ",tga_usd_b" + i; }) + "\n"},
      {"a column many times", "date" + repeat(",tga_usd_bn", 30'000) + "\n"},
      {"a long header", "date," + word + "\n2019-09-11,1\n"},
      {"many rows", "date,size_bp\n" + repeat("2019-09-11,1\n", 30'000)},
      {"many bad rows", "date,size_bp\n" + repeat("2019-09-11,x,y\n", 30'000)},
      {"many comments", repeat("# x\n", 50'000) + "date,size_bp\n"},
      {"a cell over all lines", "date,size_bp\n\"" + repeat("2019-09-11\n", 20'000)},
  };
  for (const std::string_view piece :
       {"1 + ", "not ", "- ", "(", "max(", "spread ", "x", ".a", "2019-09-17 ", "1 bp * ", "a and "})
    for (const std::size_t size : {60U, 1990U, 4000U})
      inputs.push_back({std::to_string(size) + " bytes of the expression " + std::string(piece),
                        repeat(piece, size / piece.size()) + "1"});
  return inputs;
}

std::vector<Input> sweep_inputs() {
  const std::string head = "format: repoquake/sweep/1\nname: x\nbase: minimal.yaml\n";
  const std::string large = "grid: {from: 0 bn USD, to: 999 bn USD, steps: 1000}}";
  const auto keys = [](std::size_t count) {
    return list("axes:\n", count,
                [](const std::string& i) { return "  - {set: shocks.tga-build.size" + i + ", values: [1, 2]}\n"; });
  };
  return {
      {"a million points",
       head + "axes: [{set: shocks.tga-build.size, " + large + ", {set: fed_balance_sheet.tga, " + large + "]\n"},
      {"a million points, some skipped", head + "axes: [{set: shocks.tga-build.size, " + large +
                                             ", {set: fed_balance_sheet.tga, " + large +
                                             "]\nskip_if: fed_balance_sheet.tga > 500 bn USD\n"},
      {"a condition as long as it gets", head + "axes: [{set: shocks.tga-build.size, " + large + "]\nskip_if: \"" +
                                             repeat("fed_balance_sheet.tga > 500 bn USD or ", 52) + "true\"\n"},
      {"2^64 points", head + keys(64)},
      {"many axes", head + keys(2000)},
      {"steps beyond counting",
       head + "axes: [{set: simulate.seed, grid: {from: 0, to: 1e300, steps: 18446744073709551615}}]\n"},
      {"a long key", head + "axes: [{set: " + repeat("a.", 100'000) + "b, values: [1]}]\n"},
      {"a key of brackets", head + "axes: [{set: '" + repeat("a[0]", 50'000) + "', values: [1]}]\n"},
      {"many values", head + list("axes:\n  - set: simulate.seed\n    values:\n", 19'000,
                                  [](const std::string& i) { return "      - " + i + "\n"; })},
      {"a sweep of itself", head + "base: fuzzed\n"},
  };
}

void check_answers(const Input& input) {
  const std::pair<const char*, void (*)(std::string_view)> targets[] = {
      {"scenario", fuzz::answer_scenario}, {"expression", fuzz::answer_expression}, {"series", fuzz::answer_series}};
  for (const auto& [name, answer] : targets) {
    INFO(name << " of " << input.name);
    const std::clock_t start = std::clock();
    CHECK_NOTHROW(answer(input.bytes));
    const auto seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    CHECK(seconds < kLimitSeconds);
  }
}

void check_answers(const std::vector<Input>& inputs) {
  for (const auto& input : inputs) check_answers(input);
}

}  // namespace

TEST_CASE("deep nesting is answered") { check_answers(deep_inputs()); }
TEST_CASE("aliases are answered") { check_answers(alias_inputs()); }
TEST_CASE("huge numbers are answered") { check_answers(number_inputs()); }
TEST_CASE("bytes that are no text are answered") { check_answers(byte_inputs()); }
TEST_CASE("long words and long lists are answered") { check_answers(long_inputs()); }

TEST_CASE("sweeps that are large or long are answered") { check_answers(sweep_inputs()); }

TEST_CASE("results that are nonsense, or damaged, are answered") {
  CHECK_NOTHROW(fuzz::answer_result({}));  // a whole one
  std::uint32_t state = 1;
  for (int input = 0; input < 60; ++input) {
    std::string bytes;
    for (int i = 0; i < 400; ++i) {
      state = state * 1664525U + 1013904223U;
      bytes += static_cast<char>(state >> 24);
    }
    if (input % 3 == 0) bytes = bytes.substr(0, 1 + static_cast<std::size_t>(input));
    INFO("input " << input);
    CHECK_NOTHROW(fuzz::answer_result(bytes));
  }
}

TEST_CASE("what the fuzzer found stays answered") {
  for (const auto& entry : fs::directory_iterator(fs::path(REPOQUAKE_SOURCE_DIR) / "tests" / "fuzz" / "regressions")) {
    const auto bytes = io::read_file(entry.path(), io::kScenarioFileLimit);
    check_answers({entry.path().filename().string(), bytes});
    INFO("result of " << entry.path().filename().string());
    CHECK_NOTHROW(fuzz::answer_result(bytes));
  }
}
