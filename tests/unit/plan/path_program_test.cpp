#include "repoquake/plan/path_program.hpp"

#include <string_view>

#include <catch2/catch.hpp>

#include "repoquake/calendar/day_grid.hpp"

using namespace repoquake;
using plan::PathOp;
using plan::Reduction;

namespace {

std::vector<calendar::Date> september() {
  std::vector<calendar::Date> dates;
  for (const auto& day :
       calendar::day_grid(*calendar::parse_iso_date("2019-09-11"), *calendar::parse_iso_date("2019-10-03")))
    dates.push_back(day.date);
  return dates;
}

plan::PathProgram program(std::string_view text) {
  const auto checked = scenario::check_path_expression(text);
  REQUIRE(checked.tree);
  return plan::compile_path_expression(*checked.tree, september());
}

plan::PlanMetric metric(std::string_view text, std::string_view unit) {
  const auto checked = scenario::check_metric(text);
  REQUIRE(checked.form);
  const auto shown = scenario::find_unit(checked.form->dimension, unit);
  REQUIRE(shown);
  return plan::compile_metric(*checked.form, *shown, september());
}

}  // namespace

TEST_CASE("a program is flat, in the order of its stack") {
  const auto p = program("max(sofr - iorb)");
  REQUIRE(p.accumulations.size() == 1);
  const auto& series = p.accumulations[0].series;
  REQUIRE(series.size() == 3);
  CHECK(series[0].op == PathOp::variable);
  CHECK(series[0].variable == Variable::sofr);
  CHECK(series[0].value == 100.0);  // percent to bp
  CHECK(series[1].variable == Variable::iorb);
  CHECK(series[2].op == PathOp::subtract);
  REQUIRE(p.per_path.size() == 1);
  CHECK(p.per_path[0].op == PathOp::accumulator);
  CHECK(p.depth == 2);
  CHECK(program("1 - (2 - (3 - days(spread > 1 bp)))").depth == 4);
}

TEST_CASE("every reduction covers its rows, the opening day among them") {
  const auto last = static_cast<std::uint32_t>(september().size() - 1);
  const auto only = [](std::string_view text) { return program(text).accumulations.at(0); };
  CHECK(only("max(spread)").first_row == 0);
  CHECK(only("max(spread)").last_row == last);
  CHECK(only("min(spread)").reduction == Reduction::min);
  CHECK(only("sum(spread)").reduction == Reduction::sum);
  CHECK(only("sum(spread)").divisor == 1.0);
  CHECK(only("mean(spread)").divisor == static_cast<double>(last + 1));
  CHECK(only("first(spread)").last_row == 0);
  CHECK(only("last(spread)").first_row == last);
  CHECK(only("at(spread, 2019-09-17)").first_row == 4);
  CHECK(only("at(spread, 2019-09-17)").last_row == 4);
  CHECK(only("days(spread > 25 bp)").reduction == Reduction::sum);
}

TEST_CASE("equal parts are computed once") {
  CHECK(program("max(spread) / (1 bp + max(spread))").accumulations.size() == 1);
  CHECK(program("max(spread) - min(spread)").accumulations.size() == 2);
}

TEST_CASE("a metric is shown in its unit") {
  const auto m = metric("10 bp - 2 * mean(max(spread))", "%");
  CHECK(m.spec.scale == Approx(-0.02));
  CHECK(m.spec.shift == Approx(0.1));
  CHECK(m.spec.unit == "percent");
  CHECK(metric("es(min(reserves), 5 %)", "mn USD").spec.scale == 1e3);
  CHECK(metric("es(min(reserves), 5 %)", "mn USD").spec.statistic.statistic == stats::Statistic::tail_mean);
  CHECK(metric("quantile(last(tga) / first(tga), 5 %)", "1").spec.bin_factor == 1e4);
  CHECK(metric("max(spread) > 1 bp", "1").spec.statistic.statistic == stats::Statistic::probability);
}
