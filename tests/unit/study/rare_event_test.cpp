#include "repoquake/study/rare_event.hpp"

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "../engine/fixtures.hpp"
#include "repoquake/engine/path_scorer.hpp"
#include "repoquake/engine/tilted_draws.hpp"
#include "repoquake/random/normal.hpp"
#include "repoquake/random/student.hpp"

using namespace repoquake;
using namespace repoquake::study;

namespace {

double normal_tail(double t) { return 0.5 * std::erfc(t / std::sqrt(2.0)); }

const scenario::ExpressionWorld kSeptember{.start = calendar::parse_iso_date("2019-09-11").value(),
                                           .end = calendar::parse_iso_date("2019-10-03").value()};

CheckedEvent event_of(const std::string& text, const plan::Plan& plan) { return check_event(text, kSeptember, plan); }

/// A plan whose shocks have these laws, and nothing else that matters.
plan::Plan shocks(const std::vector<std::string>& more) {
  std::vector<std::string> settings{
      "shocks=[{id: drain, target: tga, date: 2019-09-16, size: {normal: {mean: 20 bn USD, sd: 10 bn USD}}}, "
      "{id: heavy, target: tga, date: 2019-09-17, size: {student_t: {df: 4, scale: 5 bn USD}}}, "
      "{id: odd, target: tga, date: 2019-09-17, size: {student_t: {df: 5, scale: 5 bn USD}}}, "
      "{id: flat, target: tga, date: 2019-09-17, size: {uniform: {low: 0 bn USD, high: 1 bn USD}}}]"};
  settings.insert(settings.end(), more.begin(), more.end());
  return fixtures::september(settings);
}

/// P(score of the shock > level) from tilted draws of so many paths, without a simulation.
TiltingEstimate tail_of(const plan::Plan& plan, const std::vector<engine::Tilt>& tilts, std::size_t shock, double level,
                        std::uint64_t n_paths, bool weighted = true) {
  engine::TiltedDraws draws(plan, tilts);
  WeightedHits sums;
  for (std::uint64_t first = 0; first < n_paths; first += kBlockPaths) {
    std::vector<ColumnData> scores(plan.correlation ? plan.correlation->shocks.size() : 1);
    if (plan.correlation) {
      for (std::size_t k = 0; k < scores.size(); ++k)
        draws.normals(first, 0, random::Stream::shock_size, plan.shocks[plan.correlation->shocks[k]].slot, scores[k]);
      plan.correlation->correlator.apply(scores);
    } else {
      draws.uniforms(first, 0, random::Stream::shock_size, plan.shocks[shock].slot, scores[0]);
      if (plan.shocks[shock].law == plan::PlanShock::Law::student_t)
        random::student_t_from_uniforms(4.0, scores[0], scores[0], scores[0]);
      else
        random::normals_from_uniforms(scores[0], scores[0]);
    }
    ColumnData weight, hit;
    draws.weights(weight);
    const ColumnData& score = plan.correlation ? scores.back() : scores[0];
    for (std::size_t i = 0; i < kBlockPaths; ++i) hit[i] = score[i] > level ? 1.0 : 0.0;
    if (!weighted) weight.fill(1.0);
    const std::array<bool, kBlockPaths> unmarked{};
    sums.absorb(weight, hit, unmarked);
  }
  return estimate(sums);
}

double z_of(const stats::Estimate& e, double truth) { return (e.value - truth) / e.standard_error; }

}  // namespace

TEST_CASE("events are read as scores that say how near a path comes", "[rare]") {
  const auto plan = fixtures::september({});
  const auto above = event_of("max(sofr - iorb) > 1500 bp", plan).event.value();
  CHECK(above.has_score);
  CHECK(above.threshold == 1500.0);
  CHECK_FALSE(above.or_equal);
  CHECK(above.unit == "bp");
  const auto wrapped = event_of("P( max(sofr - iorb) > 15 % )", plan).event.value();
  CHECK(wrapped.text == "max(sofr - iorb) > 15 %");
  CHECK(wrapped.threshold == 1500.0);
  CHECK(wrapped.score == above.score);
  const auto below = event_of("min(reserves) <= 1000 bn USD", plan).event.value();
  CHECK(below.is_below);
  CHECK(below.or_equal);
  CHECK(below.threshold == -1000.0);
  CHECK(below.shown(below.threshold) == 1000.0);
  const auto turned = event_of("1000 bn USD >= min(reserves)", plan).event.value();
  CHECK(turned.threshold == -1000.0);
  CHECK(turned.score == below.score);
  const auto both = event_of("max(sofr - effr) > max(spread) - 5 bp", plan).event.value();
  CHECK(both.has_score);
  CHECK(both.threshold == 0.0);
  CHECK_FALSE(event_of("max(spread) > 100 bp and min(reserves) < 1400 bn USD", plan).event.value().has_score);
  for (const char* wrong : {"max(sofr - iorb)", "mean(max(spread))", "2 * P(max(spread) > 1 bp)", "max(spread) > 1",
                            "max(nothing) > 1 bp", "at(spread, 2020-01-02) > 1 bp", ""}) {
    CAPTURE(wrong);
    const auto checked = event_of(wrong, plan);
    CHECK_FALSE(checked.event.has_value());
    CHECK_FALSE(checked.errors.empty());
  }
}

TEST_CASE("paths of given draws are those of an ordinary run, to the bit", "[rare]") {
  const auto settings = GENERATE(
      std::vector<std::string>{}, fixtures::with_rules(), fixtures::with_drivers(),
      std::vector<std::string>{"shocks=[{id: a, target: tga, date: 2019-09-16, probability: 0.5, size: {normal: "
                               "{mean: 20 bn USD, sd: 10 bn USD}}}, {id: b, target: repo_demand, date: "
                               "2019-09-17, size: {student_t: {df: 4, scale: 5 bn USD}}}]",
                               "correlation=[{between: [a, b], rho: 0.5}]"});
  auto all = settings;
  all.insert(all.end(), {"metrics=[{id: m, expr: \"mean(max(sofr - iorb))\"}]", "output.paths=none"});
  const auto plan = fixtures::september(all, 512);
  const auto draws = engine::list_draws(plan);
  CHECK(draws.calls.size() >= draws.coordinates.size());
  std::vector<double> values;
  std::vector<std::uint32_t> seen;
  REQUIRE(engine::run_points(
      1, [&](std::uint64_t) { return std::optional(plan); }, {.threads = 1}, [](auto, const auto&) {},
      [&](std::uint64_t, const engine::ChunkResult& chunk) {
        values.assign(chunk.metrics.begin(), chunk.metrics.end());
        seen.assign(chunk.flags.begin(), chunk.flags.end());
      }));
  REQUIRE(values.size() == 512);
  engine::PathScorer scorer(plan, plan.metrics.front().per_path, draws);
  std::vector<ColumnData> uniforms(draws.coordinates.size());
  for (const std::uint64_t first : {std::uint64_t{256}, std::uint64_t{0}}) {
    scorer.draw(first, uniforms);
    ColumnData value;
    std::array<std::uint32_t, kBlockPaths> flags{};
    scorer.score(uniforms, value, flags);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      REQUIRE(value[i] == values[first + i]);
      REQUIRE(flags[i] == seen[first + i]);
    }
  }
}

TEST_CASE("tilted draws: weights make up for the tilt exactly", "[rare]") {
  SECTION("a normal size, near and far") {
    const auto plan = shocks({});
    for (const double level : {2.0, 4.0, 5.5}) {
      const auto e = tail_of(plan, {{0, level}}, 0, level, 20000);
      CAPTURE(level, e.probability.value, e.effective_hits);
      CHECK(std::fabs(z_of(e.probability, normal_tail(level))) < 4.0);
      CHECK(e.probability.standard_error < 0.05 * normal_tail(level));
      CHECK(e.has_true_weights());
      CHECK(e.has_enough_hits());
      CHECK(e.gain > 1.0);
    }
    // Tilted the wrong way: few hits, large weights, and it says so.
    const auto wrong = tail_of(plan, {{0, -3.0}}, 0, 3.0, 20000);
    CHECK_FALSE(wrong.has_enough_hits());
    CHECK_FALSE(why_refused(wrong).empty());
    // control: without the weights the tail is far too likely
    CHECK(z_of(tail_of(plan, {{0, 4.0}}, 0, 4.0, 20000, false).probability, normal_tail(4.0)) > 50.0);
  }
  SECTION("a Student-t size") {
    const auto plan = shocks({});
    const double t = 8.0 * std::sqrt(2.0), x = t / std::sqrt(4.0 + t * t);  // 8 sd
    const double truth = 0.5 - 0.25 * (3.0 * x - x * x * x);
    const auto e = tail_of(plan, {{1, 6.0}}, 1, 8.0, 40000);
    CAPTURE(truth, e.probability.value, e.effective_hits);
    CHECK(std::fabs(z_of(e.probability, truth)) < 4.0);
    CHECK(e.probability.standard_error < 0.1 * truth);
    CHECK(e.has_true_weights());
  }
  SECTION("correlated sizes") {
    const auto plan = shocks({"correlation=[{between: [drain, heavy], rho: 0.6}]"});
    const auto e = tail_of(plan, {{1, 4.0}}, 1, 4.0, 20000);
    CHECK(std::fabs(z_of(e.probability, normal_tail(4.0))) < 4.0);
    CHECK(e.effective_hits > 500.0);
    CHECK(e.has_true_weights());
  }
  SECTION("what cannot be tilted") {
    const auto plan = shocks({});
    CHECK(engine::why_not_tilted(plan, 0).empty());
    CHECK(engine::why_not_tilted(plan, 1).empty());
    CHECK_FALSE(engine::why_not_tilted(plan, 2).empty());
    CHECK_FALSE(engine::why_not_tilted(plan, 3).empty());
  }
}

TEST_CASE("weighted hits: the share of marked ones, mergeable", "[rare]") {
  const std::vector<double> weight{1.0, 2.0, 0.5, 1.0}, events{1.0, 1.0, 0.0, std::nan("")};
  const std::array<bool, 4> marked{true, false, true, true};
  WeightedHits sums;
  sums.absorb(weight, events, marked);
  CHECK(sums.n_hits == 2);
  CHECK(sums.n_no_value == 1);
  const auto e = estimate(sums);
  CHECK(e.probability.value == Approx(0.75));
  CHECK(e.marked.value == Approx(1.0 / 3.0));
  CHECK(e.effective_hits == Approx(9.0 / 5.0));
  WeightedHits twice = sums;
  twice.merge(sums);
  CHECK(estimate(twice).effective_hits == Approx(18.0 / 5.0));
  CHECK_FALSE(why_refused(e).empty());
}

TEST_CASE("a scenario with one normal shock and a monotone metric meets its closed form", "[rare]") {
  const std::vector<std::string> settings{
      "shocks=[{id: drain, target: tga, date: 2019-09-16, size: {normal: {mean: "
      "0 bn USD, sd: 10 bn USD}}}]"};
  const auto plan = fixtures::september(settings);
  auto still = plan;
  still.shocks.clear();
  const auto event = event_of("at(tga, 2019-09-17) > 0 bn USD", plan).event.value();
  const auto level_of = [&](const plan::Plan& p) {
    const auto draws = engine::list_draws(p);
    engine::PathScorer scorer(p, event.score, draws);
    std::vector<ColumnData> uniforms(draws.coordinates.size());
    scorer.draw(0, uniforms);
    ColumnData value;
    std::array<std::uint32_t, kBlockPaths> flags{};
    scorer.score(uniforms, value, flags);
    return value[0];
  };
  const double without = level_of(still);
  const auto draws = engine::list_draws(plan);
  const double truth = normal_tail(4.0);
  std::vector<SplittingReplica> replicas;
  const SplittingOptions options{.population = 256, .replicas = 6, .moves = 4, .keep = 0.25, .seed = plan.seed};
  for (std::uint32_t r = 0; r < options.replicas; ++r) {
    engine::PathScorer scorer(plan, event.score, draws);
    const SplittingProblem problem{.dimension = draws.coordinates.size(),
                                   .threshold = without + 40.0,
                                   .draw = [&](std::uint64_t first, std::span<ColumnData> u) { scorer.draw(first, u); },
                                   .score =
                                       [&](std::span<const ColumnData> u, BlockScore& out) {
                                         std::array<std::uint32_t, kBlockPaths> flags{};
                                         scorer.score(u, out.score, flags);
                                       }};
    replicas.push_back(split(problem, options, r));
  }
  const auto e = combine(replicas, options.population);
  CAPTURE(truth, e.probability.value, e.probability.standard_error);
  CHECK(std::fabs(z_of(e.probability, truth)) < 4.0);
  CHECK(e.probability.standard_error < 0.5 * truth);
  CHECK(why_refused(e, event, options.replicas).empty());
}
