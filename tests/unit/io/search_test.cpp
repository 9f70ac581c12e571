#include <cmath>
#include <filesystem>
#include <limits>
#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "repoquake/core/error.hpp"
#include "repoquake/io/reverse_file.hpp"
#include "repoquake/io/sweep_yaml.hpp"

namespace fs = std::filesystem;
namespace io = repoquake::io;
namespace scenario = repoquake::scenario;
namespace study = repoquake::study;
using repoquake::scenario::NeedRule;

namespace {

const std::string kSeptember = REPOQUAKE_SOURCE_DIR "/scenarios/sep_2019.yaml";

io::SearchRequest reserves() {
  return {.along = "fed_balance_sheet.reserves",
          .from = "1350 bn USD",
          .to = "1.7 tn USD",
          .target = "mean(max(sofr - iorb)) = 150 bp"};
}

io::LoadedSearch good(const io::SearchRequest& request, const io::LoadOptions& options = {}) {
  auto search = io::load_search(kSeptember, request, options);
  INFO(search.sweep.diagnostics.render());
  REQUIRE_FALSE(search.sweep.diagnostics.has_errors());
  return search;
}

std::string complaints(const io::SearchRequest& request, const io::LoadOptions& options = {}) {
  return io::load_search(kSeptember, request, options).sweep.diagnostics.render();
}

}  // namespace

TEST_CASE("a search has its range, its target and one metric", "[io][reverse]") {
  const auto search = good(reserves());
  const auto& grid = *search.sweep.sweep.axes.front().keys.front().grid;
  CHECK(grid.from == 1350.0);
  CHECK(grid.to == 1700.0);
  CHECK(grid.steps == 9);
  CHECK(search.target == 150.0);
  CHECK(search.unit.written == "bp");
  CHECK(search.base_value == 1458.666);
  REQUIRE(search.sweep.base.scenario.metrics.size() == 1);
  CHECK(search.sweep.base.scenario.metrics.front().expr == "mean(max(sofr - iorb))");
  CHECK(search.sweep.base.scenario.expect.empty());
}

TEST_CASE("a point of a search is the base with other values, and holds its need", "[io][reverse]") {
  auto request = reserves();
  request.over = "policy.standing_repo.enabled";
  request.values = {"false", "true"};
  const auto search = good(request);
  for (const std::size_t over : {0U, 1U}) {
    const auto point = io::load_search_point(search, 1501.25, over);
    REQUIRE_FALSE(point.diagnostics.has_errors());
    CHECK(point.scenario.fed_balance_sheet.reserves == 1501.25);
    CHECK(point.scenario.policy.standing_repo.enabled == (over == 1));
    CHECK(point.scenario.market.need == NeedRule::hold);
    REQUIRE(point.base);
    CHECK(point.base->fed_balance_sheet.reserves == 1458.666);
  }
  const auto wrong = io::load_search_point(search, -1.0, 0);
  CHECK(wrong.diagnostics.has_errors());
}

TEST_CASE("the unit of a target is the one it is written in", "[io][reverse]") {
  auto request = reserves();
  const auto target = [&](const std::string& text) {
    request.target = text;
    return good(request);
  };
  CHECK(target("P(max(spread) > 100 bp) = 10 %").target == Approx(10.0));
  CHECK(target("P(max(spread) > 100 bp) = 10 %").unit.in_result == "percent");
  CHECK(target("P(max(spread) > 100 bp) = 0.1").target == 0.1);
  CHECK(target("mean(min(reserves)) = 1.4 tn USD").target == Approx(1.4));
  CHECK(target("mean(min(reserves)) = 1.4 tn USD").unit.written == "tn USD");
  CHECK(target("mean(max(sofr)) = 3 %").target == Approx(3.0));
  CHECK(target("mean(days(spread > 10 bp)) = 3").target == 3.0);
  CHECK(target(" peak_spread=150 bp ").sweep.base.scenario.metrics.front().expr == "mean(max(sofr - iorb))");
}

TEST_CASE("the value of the base is its default where it states none", "[io][reverse]") {
  io::SearchRequest request = reserves();
  request.along = "model.standing_repo.addressable_share";
  request.from = "1 %";
  request.to = "10 %";
  const auto search = good(request);
  REQUIRE(search.base_value);
  CHECK(*search.base_value == Approx(0.08));
  CHECK(io::load_search_point(search, 0.05, 0).scenario.market.need == NeedRule::invert);  // another belief
}

TEST_CASE("complaints lie at the options that are to blame", "[io][reverse]") {
  auto request = reserves();
  request.along = "fed_balance_sheet.resrves";
  request.target = "mean(max(sof)) = 3 bp";
  request.over = "market.mmf_cash";
  request.values = {"5"};
  const auto text = complaints(request);
  CHECK_THAT(text, Catch::Contains("--along:1:1: error: fed_balance_sheet.resrves: unknown key"));
  CHECK_THAT(text, Catch::Contains("--target:1:10: error: target: no variable is called \"sof\""));
  CHECK_THAT(text, Catch::Contains("--values:1:1: error: market.mmf_cash: 5 has no unit"));
  request = reserves();
  request.to = "1350 bn USD";
  CHECK_THAT(complaints(request), Catch::Contains("--to:1:1: error") && Catch::Contains("too close to the other end"));
  request = reserves();
  request.over = "simulate.seed";
  request.over_from = "1";
  request.over_to = "4";
  request.over_steps = 3;
  CHECK_THAT(complaints(request), Catch::Contains("takes whole numbers, and the steps are not whole"));
  request.over_steps = 4;
  CHECK_FALSE(io::load_search(kSeptember, request).sweep.diagnostics.has_errors());
  io::LoadOptions options;
  options.settings = {"fed_balance_sheet.reserves=1 bn USD"};
  CHECK_THAT(complaints(reserves(), options), Catch::Contains("cannot be set by --set too"));
  CHECK_THROWS_AS(io::load_search("no_such_file.yaml", reserves()), repoquake::IoError);
}

TEST_CASE("a search reads back from its file as it was written", "[io][reverse]") {
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  study::Reverse r;
  r.name = "here";
  r.n_paths = 1000;
  r.seed = 7;
  r.need = "held from here";
  r.key = "fed_balance_sheet.reserves";
  r.key_unit = "1e9 USD";
  r.shown_key_unit = "bn USD";
  r.expr = "mean(max(spread))";
  r.unit = r.shown_unit = "bp";
  r.search = {.low = 0.0, .high = 4.0, .steps = 5, .target = 1.5};
  r.base_value = 2.5;
  r.over = "market.mmf_cash";
  r.over_unit = "1e9 USD";
  r.over_texts = {"5 bn USD", "9 bn USD"};
  r.over_numbers = {5.0, 9.0};
  const auto at = [](double x, double value) {
    return study::CurvePoint{
        .x = x, .estimate = {.value = value, .standard_error = 0.1, .lo = value - 0.2, .hi = value + 0.2, .n = 1000}};
  };
  study::CurvePoint failed = at(3.0, 0.0);
  failed.failure = "must not be";
  r.curves = {study::read_curve(1.5, {at(0.0, 0.0), at(1.0, 1.0), at(2.0, 2.0), failed, at(4.0, 4.0)}),
              study::read_curve(1.5, {at(0.0, 0.0), at(1.0, kNothing), at(2.0, 1.0)})};

  const fs::path file = fs::temp_directory_path() / ("repoquake_search_test_" + std::to_string(std::random_device{}()));
  io::write_reverse(file.string(), false, r, {}, 2, 1.0);
  CHECK_THROWS_AS(io::write_reverse(file.string(), false, r, {}, 2, 1.0), repoquake::IoError);
  const study::Reverse again = io::read_reverse(file.string());
  fs::remove(file);
  CHECK(again.key == r.key);
  CHECK(again.base_value == r.base_value);
  CHECK(again.over_texts == r.over_texts);
  CHECK(again.over_numbers == r.over_numbers);
  CHECK(again.search.target == r.search.target);
  CHECK(again.n_failed() == 1);
  REQUIRE(again.curves.size() == 2);
  for (std::size_t k = 0; k < 2; ++k) {
    REQUIRE(again.curves[k].points.size() == r.curves[k].points.size());
    REQUIRE(again.curves[k].crossings.size() == r.curves[k].crossings.size());
    for (std::size_t i = 0; i < r.curves[k].points.size(); ++i) {
      CHECK(again.curves[k].points[i].x == r.curves[k].points[i].x);
      CHECK(again.curves[k].points[i].has_value() == r.curves[k].points[i].has_value());
      CHECK(again.curves[k].points[i].failure == r.curves[k].points[i].failure);
    }
  }
  CHECK(again.curves[0].crossings[0].at == 1.5);
  CHECK(again.curves[1].crossings.empty());
  CHECK_THROWS_AS(io::read_reverse(kSeptember), repoquake::DataError);
}
