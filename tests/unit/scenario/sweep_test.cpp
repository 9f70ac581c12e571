#include "repoquake/scenario/sweep.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace repoquake::scenario;
using repoquake::Issue;

namespace {

AxisKey listed(const std::string& path, std::vector<std::string> texts) {
  return {.key = {.path = path}, .grid = {}, .texts = texts, .numbers = std::vector<double>(texts.size())};
}

Sweep grid_of(std::vector<Axis> axes) {
  Sweep sweep;
  sweep.axes = std::move(axes);
  return sweep;
}

Sweep design_of(SweepDesign design, std::size_t factors, std::size_t samples) {
  Sweep sweep;
  sweep.design = design;
  sweep.samples = samples;
  for (std::size_t i = 0; i < factors; ++i)
    sweep.factors.push_back({.key = {.path = "f" + std::to_string(i)}, .low = 1.0, .high = 2.0});
  return sweep;
}

std::vector<std::string> complaints(const Sweep& sweep) {
  std::vector<std::string> keys;
  for (const auto& issue : validate(sweep)) keys.push_back(issue.key);
  return keys;
}

}  // namespace

TEST_CASE("a grid has short numbers, and its ends exactly") {
  const Grid tenths{0.1, 0.7, 7};
  for (std::size_t i = 0; i < 7; ++i) CHECK(tenths.at(i) == std::stod("0." + std::to_string(i + 1)));
  const Grid down{200.0, 0.0, 9};
  CHECK(down.at(1) == 175.0);
  CHECK(down.at(8) == 0.0);
  const Grid thirds{0.0, 1.0 / 3.0, 4};
  CHECK(thirds.at(1) == 0.111111111111);
  CHECK(thirds.at(3) == 1.0 / 3.0);
  CHECK_FALSE(std::signbit(Grid{-1.0, 1.0, 3}.at(1)));
}

TEST_CASE("a factor stays in its range") {
  const Factor linear{.key = {.kind = SweptKey::Kind::quantity}, .low = 10.0, .high = 30.0};
  CHECK(linear.at(0.25) == 15.0);
  const Factor log{.key = {.kind = SweptKey::Kind::quantity}, .low = 1.0, .high = 100.0, .is_log = true};
  CHECK(log.at(0.0) == 1.0);
  CHECK(log.at(0.5) == 10.0);
  CHECK(log.at(1.0) == 100.0);
  const Factor whole{.key = {.kind = SweptKey::Kind::whole}, .low = 1.0, .high = 4.0};
  CHECK(whole.at(0.4) == 2.0);
  const double low = 1.0 / 3.0, high = 2.0 / 3.0;  // not short themselves
  const Factor narrow{.key = {.kind = SweptKey::Kind::quantity}, .low = low, .high = high};
  CHECK(narrow.at(0.0) >= low);
  CHECK(narrow.at(1.0) <= high);
}

TEST_CASE("sizes of sweeps") {
  CHECK(grid_of({}).size() == 0);
  CHECK(grid_of({{{listed("a", {"1", "2"})}}, {{listed("b", {"1", "2", "3"}), listed("c", {"1", "2", "3"})}}}).size() ==
        6);
  CHECK(design_of(SweepDesign::lhs, 3, 10).size() == 10);
  CHECK(design_of(SweepDesign::saltelli, 3, 10).size() == 50);
  CHECK(design_of(SweepDesign::morris, 3, 10).size() == 40);
  CHECK(design_of(SweepDesign::saltelli, 3, 300'000).size() > kMaxSweepPoints);
  std::vector<Axis> many;
  for (int i = 0; i < 64; ++i) many.push_back({{listed("k" + std::to_string(i), {"1", "2"})}});
  CHECK(grid_of(many).size() > kMaxSweepPoints);  // 2^64 points overflow nothing
}

TEST_CASE("a good sweep has no issues") {
  CHECK(complaints(grid_of({{{listed("a", {"1", "2"})}}})).empty());
  for (const auto design : {SweepDesign::lhs, SweepDesign::sobol, SweepDesign::saltelli, SweepDesign::morris})
    CHECK(complaints(design_of(design, 2, 8)).empty());
}

TEST_CASE("each mistake of a sweep is found at its key") {
  using Keys = std::vector<std::string>;
  CHECK(complaints(grid_of({})) == Keys{"axes"});
  CHECK(complaints(grid_of({{{listed("a", {"1", "2", "1"})}}})) == Keys{"axes[0].values[2]"});
  CHECK(complaints(grid_of({{{listed("a", {"1", "1"}), listed("b", {"1", "2", "3"})}}})) == Keys{"axes[0].zip[1]"});

  const auto of_grid = [](SweptKey::Kind kind, Grid grid) {
    return complaints(grid_of({{{AxisKey{.key = {.path = "a", .kind = kind}, .grid = grid}}}}));
  };
  using Kind = SweptKey::Kind;
  CHECK(of_grid(Kind::quantity, {0.0, 1.0, 1}) == Keys{"axes[0].grid.steps"});
  CHECK(of_grid(Kind::quantity, {1.0, 1.0, 2}) == Keys{"axes[0].grid"});
  CHECK(of_grid(Kind::quantity, {0.0, 2e15, 2}) == Keys{"axes[0].grid"});
  CHECK(of_grid(Kind::quantity, {1.0, 1.0 + 1e-9, 100}) == Keys{"axes[0].grid.steps"});
  CHECK(of_grid(Kind::whole, {1.0, 10.0, 4}).empty());
  CHECK(of_grid(Kind::whole, {1.0, 10.0, 5}) == Keys{"axes[0].grid.steps"});

  const auto of_design = [](SweepDesign kind, const std::function<void(Sweep&)>& spoil) {
    Sweep sweep = design_of(kind, 2, 8);
    spoil(sweep);
    return complaints(sweep);
  };
  CHECK(of_design(SweepDesign::lhs, [](Sweep& s) { s.samples = 0; }) == Keys{"design.samples"});
  CHECK(of_design(SweepDesign::lhs, [](Sweep& s) { s.factors.clear(); }) == Keys{"factors"});
  CHECK(of_design(SweepDesign::lhs, [](Sweep& s) { s.factors[1].high = 0.5; }) == Keys{"factors[1].range"});
  CHECK(of_design(SweepDesign::lhs, [](Sweep& s) {
          s.factors[1].low = 0.0;
          s.factors[1].is_log = true;
        }) == Keys{"factors[1].range"});
  CHECK(of_design(SweepDesign::morris, [](Sweep& s) { s.levels = 3; }) == Keys{"design.levels"});
  CHECK(of_design(SweepDesign::morris, [](Sweep& s) { s.skip_if = "a"; }) == Keys{"skip_if"});
  CHECK(of_design(SweepDesign::lhs, [](Sweep& s) { s.skip_if = "a"; }).empty());
  CHECK(of_design(SweepDesign::saltelli, [](Sweep& s) { s.samples = 500'000; }) == Keys{"design.samples"});
  CHECK(complaints(design_of(SweepDesign::lhs, 64, 100'000)) == Keys{"design.samples"});
  CHECK(complaints(design_of(SweepDesign::lhs, 65, 8)) == Keys{"factors"});
  CHECK(of_design(SweepDesign::lhs, [](Sweep& s) {
          s.samples = 500'000;
          s.skip_if = "market.gdp > 1 bn USD";
        }) == Keys{"skip_if"});
}
