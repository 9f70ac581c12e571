#include "repoquake/scenario/expression.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "repoquake/calendar/business_calendar.hpp"

using namespace repoquake;
using namespace repoquake::scenario;
using Catch::Matchers::Contains;

namespace {

MetricForm form_of(std::string_view text) {
  INFO(text);
  const auto checked = check_metric(text);
  for (const auto& error : checked.errors) UNSCOPED_INFO(error.reason);
  REQUIRE(checked.form);
  CHECK(checked.errors.empty());
  return *checked.form;
}

/// The one complaint about a metric.
ExpressionError complaint(std::string_view text) {
  INFO(text);
  const auto checked = check_metric(text);
  CHECK_FALSE(checked.form);
  REQUIRE(checked.errors.size() == 1);
  return checked.errors.front();
}

/// The part of the text that a complaint points at.
std::string blamed(std::string_view text) {
  const auto error = complaint(text);
  return std::string(text.substr(error.offset, error.length));
}

/// Fully bracketed, as the parser understood it.
std::string shape(const Expression& node) {
  static constexpr std::array<std::string_view, 14> kOps{"+",  "-",  "*",  "/",   "<",  "<=",  ">",
                                                         ">=", "==", "!=", "and", "or", "not", "neg"};
  switch (node.kind) {
    case Expression::Kind::number:
      return std::to_string(static_cast<int>(node.value));
    case Expression::Kind::variable:
      return std::string(spec_of(node.variable).name);
    case Expression::Kind::key:
      return node.key;
    case Expression::Kind::date:
      return calendar::to_iso(node.date);
    case Expression::Kind::call:
      return "call(" + shape(node.arguments.front()) + ")";
    case Expression::Kind::operation:
      break;
  }
  const std::string op(kOps[static_cast<std::size_t>(node.op)]);
  if (node.arguments.size() == 1) return "(" + op + " " + shape(node.arguments[0]) + ")";
  return "(" + shape(node.arguments[0]) + " " + op + " " + shape(node.arguments[1]) + ")";
}

std::string shape(std::string_view text, Names names = Names::variables) {
  const auto parsed = parse_expression(text, names);
  REQUIRE(parsed.tree);
  return shape(*parsed.tree);
}

}  // namespace

TEST_CASE("operators bind as in arithmetic, from the left") {
  CHECK(shape("1 + 2 * 3") == "(1 + (2 * 3))");
  CHECK(shape("1 - 2 - 3") == "((1 - 2) - 3)");
  CHECK(shape("8 / 4 / 2") == "((8 / 4) / 2)");
  CHECK(shape("(1 - 2) * -3") == "((1 - 2) * (neg 3))");
  CHECK(shape("- -1") == "(neg (neg 1))");
  CHECK(shape("1-2") == "(1 - 2)");
  CHECK(shape("1 < 2 and 3 >= 4 or not 5 != 6") == "(((1 < 2) and (3 >= 4)) or (not (5 != 6)))");
  CHECK(shape("not 1 < 2 and 3 == 4") == "((not (1 < 2)) and (3 == 4))");
  CHECK(shape("  max( sofr-iorb )  ") == "call((sofr - iorb))");
  CHECK(shape("at(sofr,2019-09-17)") == "call(sofr)");
  CHECK(shape("2019-9-17") == "((2019 - 9) - 17)");
  CHECK(shape("android", Names::scenario_keys) == "android");  // a word that begins with an operator
}

TEST_CASE("literals carry units") {
  const auto literal = [](std::string_view text) {
    const auto parsed = parse_expression(text);
    REQUIRE(parsed.tree);
    return *parsed.tree;
  };
  CHECK(literal("75 bp").value == 75.0);
  CHECK(literal("75bp").dimension == Dimension::spread);
  CHECK(literal("1.5 %").value == Approx(0.015));
  CHECK(literal("1.5%").is_share);
  CHECK(literal("100 bn USD").value == 100.0);
  CHECK(literal("100  bn  USD").dimension == Dimension::amount);
  CHECK(literal("250 mn USD").value == 0.25);
  CHECK(literal("1.5 tn USD").value == 1500.0);
  CHECK(literal("3 bd").dimension == Dimension::days);
  CHECK(literal("3 d").dimension == Dimension::days);
  CHECK(literal("1e3").value == 1000.0);
  CHECK(literal("1e3").is_bare);
  CHECK(literal("2.5e-1 bp").value == 0.25);
}

TEST_CASE("every node knows its place") {
  const std::string text = "P(days(spread > 25 bp) >= 3)";
  const auto parsed = parse_expression(text);
  REQUIRE(parsed.tree);
  const auto part = [&](const Expression& node) { return text.substr(node.offset, node.length); };
  CHECK(part(*parsed.tree) == text);
  const auto& comparison = parsed.tree->arguments[0];
  CHECK(part(comparison) == "days(spread > 25 bp) >= 3");
  CHECK(part(comparison.arguments[0].arguments[0].arguments[1]) == "25 bp");
  CHECK(part(comparison.arguments[1]) == "3");
}

TEST_CASE("levels: mean is over days of a series, over paths of a value per path") {
  const auto days = form_of("mean(mean(spread))");
  CHECK(days.statistic == Function::mean);
  CHECK(days.per_path.function == Function::mean);
  CHECK(days.per_path.level == Level::path);
  CHECK(form_of("mean(spread)").statistic == Function::mean);  // given its mean
  CHECK(form_of("mean(spread)").per_path.function == Function::mean);
  CHECK(form_of("max(sofr - iorb)").statistic == Function::mean);
  CHECK(form_of("max(spread) > 25 bp").statistic == Function::probability);
  CHECK(form_of("P(not days(spread > 25 bp) == 0 or first(tga) > 1 bn USD)").statistic == Function::probability);
  const auto quantile = form_of("quantile(max(sofr - iorb), 95 %)");
  CHECK(quantile.statistic == Function::quantile);
  CHECK(quantile.share == Approx(0.95));
  CHECK(form_of("es(min(reserves), 0.05)").share == Approx(0.05));
  CHECK(form_of("quantile(max(spread), (1 + 4) * 10 %)").share == Approx(0.5));
}

TEST_CASE("dimensions of results") {
  CHECK(form_of("max(sofr - iorb)").dimension == Dimension::spread);
  CHECK(form_of("max(sofr)").dimension == Dimension::rate);
  CHECK(form_of("sd(max(sofr))").dimension == Dimension::spread);
  CHECK(form_of("max(sofr + 10 bp)").dimension == Dimension::rate);
  CHECK(form_of("max(iorb + spread)").dimension == Dimension::rate);
  CHECK(form_of("max((sofr + tgcr) / 2)").dimension == Dimension::rate);
  CHECK(form_of("at(sofr, 2019-09-17) - 2.10 %").dimension == Dimension::spread);
  CHECK(form_of("sum(basis_sales)").dimension == Dimension::amount);
  CHECK(form_of("0.5 * sum(basis_sales) + 1 mn USD").dimension == Dimension::amount);
  CHECK(form_of("days(spread > 25 bp)").dimension == Dimension::days);
  CHECK(form_of("days(spread > 25 bp) / days(tga > 0 bn USD)").dimension == Dimension::number);
  CHECK(form_of("last(basis_position) / first(basis_position) - 1").dimension == Dimension::number);
  CHECK(form_of("min(hf_return)").dimension == Dimension::percent);
  CHECK(form_of("max(volume_above_srf_rate)").dimension == Dimension::number);
  CHECK(form_of("P(max(spread) > 1 %)").dimension == Dimension::number);
}

TEST_CASE("a share takes the dimension of what it is compared with") {
  CHECK(form_of("max(sofr) > 2.5 %").per_path.arguments[1].value == Approx(250.0));  // bp
  CHECK(form_of("max(spread) > 0.5 %").per_path.arguments[1].value == Approx(50.0));
  CHECK(form_of("0.5 % < max(spread)").per_path.arguments[0].value == Approx(50.0));
  CHECK(form_of("min(hf_return) < -5 %").per_path.arguments[1].arguments[0].value == Approx(0.05));
  CHECK(form_of("min(hf_return) < -5 %").per_path.arguments[1].dimension == Dimension::percent);
  CHECK(form_of("max(volume_above_srf_rate) > 10 %").per_path.arguments[1].value == Approx(0.1));
  CHECK(form_of("last(tga) > 5 % * first(tga)").per_path.arguments[1].arguments[0].value == Approx(0.05));
  CHECK(form_of("days(spread > 0 bp) >= 3").per_path.arguments[1].dimension == Dimension::days);
}

TEST_CASE("a constant factor and a constant shift may stand around a result over paths") {
  const auto form = form_of("10 bp - 2 * (mean(max(spread)) / 4 + 3 bp)");
  CHECK(form.scale == Approx(-0.5));
  CHECK(form.shift == Approx(4.0));
  CHECK(form.statistic == Function::mean);
  CHECK(form_of("-P(max(spread) > 1 bp)").scale == -1.0);
  CHECK(form_of("1 - P(max(spread) > 1 bp)").shift == 1.0);
  CHECK(form_of("mean(max(spread)) / 1 bp").dimension == Dimension::number);
  CHECK_THAT(complaint("mean(max(spread)) - mean(min(spread))").reason, Contains("two results over paths"));
  CHECK_THAT(complaint("2 / P(max(spread) > 1 bp)").reason, Contains("divided by a result over paths"));
  CHECK_THAT(complaint("mean(max(spread)) + max(spread)").reason, Contains("mixes"));
}

TEST_CASE("complaints point at the smallest wrong part") {
  CHECK(blamed("mean(max(sofr - iorbb))") == "iorbb");
  CHECK(blamed("mean(maxx(sofr - iorb))") == "maxx");
  CHECK(blamed("P(max(spread) > 75)") == "max(spread) > 75");
  CHECK(blamed("max(reserves - spread)") == "reserves - spread");
  CHECK(blamed("sd(spread)") == "spread");
  CHECK(blamed("max(max(spread))") == "max(spread)");
  CHECK(blamed("mean(max(spread") == "(");
  CHECK(blamed("max(spread) $") == "$");
  CHECK(blamed("quantile(max(spread), 200 %)") == "200 %");
  CHECK(blamed("max(spread) / (1 - 1)") == "(1 - 1)");
  CHECK(complaint("max(spread) +").offset == 13);  // behind the end
  const auto two = check_metric("max(sofrr) + max(iorbb)");
  CHECK(two.errors.size() == 1);  // names are syntax: the first ends the reading
  CHECK(check_metric("max(spread + tga) + max(spread + 1)").errors.size() == 2);
}

TEST_CASE("an unknown name brings the names to compare it with") {
  const auto error = complaint("max(sofrr)");
  CHECK(error.unknown == "sofrr");
  CHECK(error.candidates.size() == kVariableCount);
  CHECK(complaint("maxx(sofr)").candidates.size() == 12);
}

TEST_CASE("units that cannot be meant are refused") {
  CHECK_THAT(complaint("P(max(sofr) > 75 bp)").reason, Contains("compares a rate with a spread"));
  CHECK_THAT(complaint("P(min(hf_return) < -5)").hint, Contains("in %"));
  CHECK_THAT(complaint("max(reserves * spread)").reason, Contains("pure number"));
  CHECK_THAT(complaint("max(spread - sofr)").hint, Contains("turn"));
  CHECK_THAT(complaint("sum(sofr)").reason, Contains("no meaning"));
  CHECK_THAT(complaint("P(days(spread > 25 bp) > 3 bp)").reason, Contains("a number of days with a spread"));
  CHECK_THAT(complaint("max(spread) + P(max(spread) > 1 bp)").reason, Contains("mixes"));
  CHECK_THAT(complaint("-(max(spread) > 1 bp)").reason, Contains("condition"));
}

TEST_CASE("a per-path expression is one number per path") {
  CHECK(check_path_expression("max(sofr - iorb)").tree);
  for (const auto* text : {"sofr", "mean(max(sofr))", "1", "max(sofr) > 1 %", "max(", ""}) {
    INFO(text);
    const auto checked = check_path_expression(text);
    CHECK_FALSE(checked.tree);
    CHECK(checked.errors.size() == 1);
  }
}

TEST_CASE("what a scenario cannot answer is refused") {
  const auto day = [](std::string_view text) { return *calendar::parse_iso_date(text); };
  const ExpressionWorld world{.start = day("2019-09-11"), .end = day("2019-10-03"), .has_standing_repo = false};
  const auto errors = [&](std::string_view text) { return check_in_world(form_of(text).per_path, world).size(); };
  CHECK(errors("at(sofr, 2019-09-17)") == 0);
  CHECK(errors("at(sofr, 2019-09-11)") == 0);
  CHECK(errors("at(sofr, 2019-10-03)") == 0);
  CHECK(errors("at(sofr, 2019-10-04)") == 1);
  CHECK(errors("at(sofr, 2019-09-14) - at(iorb, 2018-09-14)") == 2);
  CHECK(errors("max(sofr - standing_repo_rate)") == 1);
  CHECK(errors("max(volume_above_srf_rate)") == 1);
  CHECK(errors("max(standing_repo)") == 0);  // nothing is lent: 0
}

TEST_CASE("units to show a metric in") {
  CHECK(default_unit(Dimension::spread).in_result == "bp");
  CHECK(default_unit(Dimension::rate).in_result == "percent");
  CHECK(default_unit(Dimension::amount).in_result == "1e9 USD");
  CHECK(find_unit(Dimension::amount, "mn USD")->factor == 1e3);
  CHECK(find_unit(Dimension::number, "%")->factor == 100.0);
  CHECK_FALSE(find_unit(Dimension::amount, "bp"));
  CHECK(list_units(Dimension::amount) == "bn USD, mn USD or tn USD");
}

TEST_CASE("length and depth are limited") {
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '(') + "max(spread)" +
           std::string(static_cast<std::size_t>(depth), ')');
  };
  CHECK(check_metric(nested(50)).form);
  CHECK_THAT(complaint(nested(70)).reason, Contains("deeper"));
  CHECK_THAT(complaint(nested(900)).reason, Contains("deeper"));
  CHECK_THAT(complaint(std::string(2001, ' ')).reason, Contains("2000 characters"));
  std::string sum = "max(spread)";
  for (int i = 0; i < 50; ++i) sum += " + 1 bp";
  CHECK(check_metric(sum).form);
  for (int i = 0; i < 100; ++i) sum += " + 1 bp";
  CHECK_THAT(complaint(sum).reason, Contains("deeper"));
  std::string nots;
  for (int i = 0; i < 400; ++i) nots += "not ";
  CHECK_THAT(complaint(nots + "max(spread) > 1 bp").reason, Contains("deeper"));
  CHECK_THAT(complaint(std::string(1500, '-') + "max(spread)").reason, Contains("deeper"));
}

TEST_CASE("numbers out of range are refused, not rounded") {
  CHECK_THAT(complaint("max(spread) > 1e300 bp").reason, Contains("too large"));
  CHECK_THAT(complaint("max(spread) > 1e999 bp").reason, Contains("too large"));
  CHECK_THAT(complaint("max(spread) * 1.").reason, Contains("behind the point"));
  CHECK_THAT(complaint("max(spread) * .5").reason, Contains("before the point"));
  CHECK_THAT(complaint("max(spread) * 1.2.3").reason, Contains("not a number"));
  CHECK_THAT(complaint("max(spread) * 1_000").reason, Contains("not a number"));
}

TEST_CASE("any text is answered, and a complaint lies in it") {
  static constexpr auto kPieces = std::to_array<std::string_view>(
      {"max",          "(",     ")",        "sofr", "iorb",   "-", "+",      "*",        "/",    ">",
       "<=",           "==",    "and",      "or",   "not",    "P", "mean",   "quantile", "days", "at",
       "2019-09-17",   "75 bp", "5 %",      "1",    "bn USD", ",", "spread", " ",        ".",    "%",
       "\xE2\x88\x92", "\x01",  "reserves", "\"",   "0",      "e", "=",      "!"});
  static constexpr auto kGood = std::to_array<std::string_view>(
      {"mean(max(sofr - iorb))", "P(days(spread > 25 bp) >= 3)", "quantile(max(sofr - iorb), 95 %)",
       "last(basis_position) / first(basis_position) - 1", "1 - P(not max(spread) < 1 % or min(tga) > 5 bn USD)"});
  std::uint64_t state = 20190917;
  const auto next = [&](std::uint64_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33U) % n;
  };
  int good = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    std::string text(kGood[next(kGood.size())]);
    for (std::uint64_t edits = next(4); edits > 0; --edits) {
      const std::size_t at = next(text.size() + 1);
      text.replace(at, next(4), std::string(next(3) == 0 ? "" : kPieces[next(kPieces.size())]));
    }
    const auto checked = check_metric(text);
    good += checked.form ? 1 : 0;
    const bool is_placed = std::all_of(checked.errors.begin(), checked.errors.end(), [&](const ExpressionError& e) {
      return e.offset <= text.size() && e.length >= 1 && !e.reason.empty();
    });
    if (!is_placed || checked.form.has_value() != checked.errors.empty()) FAIL(text);
    const auto again = check_metric(text);
    if (again.errors != checked.errors) FAIL(text);
  }
  CHECK(good > 5000);  // a quarter is left alone
  CHECK(good < 15000);
}

TEST_CASE("a target is a metric and the value it is to have") {
  const auto target = check_target("P(max(sofr - iorb) >= 100 bp) = 10 %");
  REQUIRE(target.form);
  CHECK(target.form->statistic == Function::probability);
  CHECK(target.target == Approx(0.10));
  CHECK(check_target("mean(max(spread)) = 0.5 %").target == Approx(50.0));
  CHECK(check_target("mean(max(sofr)) = 2.5 %").target == Approx(250.0));
  CHECK(check_target("mean(days(spread > 1 bp)) = 3").target == 3.0);
  for (const auto* text : {"P(max(spread) > 1 bp)", "P(max(spread) > 1 bp) = ", "mean(max(spread)) = 5",
                           "mean(max(spread)) = tga", "max(spreadd) = 5 bp", "= 5 bp"}) {
    INFO(text);
    const auto wrong = check_target(text);
    CHECK_FALSE(wrong.form);
    REQUIRE(wrong.errors.size() == 1);
    CHECK(wrong.errors[0].offset <= std::string_view(text).size());
  }
  CHECK(check_target("mean(max(spread)) = 5").errors[0].offset == 20);
}

TEST_CASE("a condition on scenario keys is answered for a scenario") {
  const auto lookup = [](std::string_view key) -> std::optional<std::string> {
    if (key == "fed_balance_sheet.reserves") return "1.6 tn USD";
    if (key == "policy.standing_repo.enabled") return "true";
    if (key == "market.opening_spread") return "5 bp";
    if (key == "market.need") return "invert";
    return std::nullopt;
  };
  const auto holds = [&](std::string_view text) {
    INFO(text);
    const auto answer = evaluate_condition(text, lookup);
    REQUIRE(answer.holds);
    return *answer.holds;
  };
  CHECK(holds("fed_balance_sheet.reserves > 1500 bn USD and policy.standing_repo.enabled"));
  CHECK_FALSE(holds("fed_balance_sheet.reserves > 1500 bn USD and not policy.standing_repo.enabled"));
  CHECK(holds("market.opening_spread < 0.1 % or policy.standing_repo.enabled"));
  CHECK(holds("(fed_balance_sheet.reserves - 100 bn USD) / 2 == 750 bn USD"));
  for (const auto* text :
       {"fed_balance_sheet.reserves", "fed_balance_sheet.reserves > 5 bp", "market.need > 1", "market.gdp > 1 bn USD",
        "policy.standing_repo.enabled > 1", "max(market.gdp) > 1 bn USD", ""}) {
    INFO(text);
    CHECK_FALSE(evaluate_condition(text, lookup).holds);
    CHECK(evaluate_condition(text, lookup).errors.size() == 1);
  }
}

TEST_CASE("conditions on scenario keys are parsed") {
  CHECK(shape("fed_balance_sheet.reserves > 1500 bn USD and policy.standing_repo.enabled", Names::scenario_keys) ==
        "((fed_balance_sheet.reserves > 1500) and policy.standing_repo.enabled)");
  CHECK(shape("shocks.tga-build.size < 0 bn USD", Names::scenario_keys) == "(shocks.tga-build.size < 0)");
  CHECK_FALSE(parse_expression("max(market.mmf_cash) > 1", Names::scenario_keys).tree);
}
