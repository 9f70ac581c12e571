#include "repoquake/study/splitting.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/core/elementary.hpp"
#include "repoquake/random/normal.hpp"
#include "repoquake/stats/moments.hpp"
#include "repoquake/stats/student.hpp"

using namespace repoquake;
using namespace repoquake::study;

namespace {

/// A score of each point from its coordinates.
using PointScore = std::function<double(std::span<const double>)>;

SplittingProblem problem_of(std::size_t dimension, double threshold, const PointScore& score, std::uint64_t seed = 1) {
  return {.dimension = dimension,
          .threshold = threshold,
          .draw =
              [seed](std::uint64_t first_point, std::span<ColumnData> uniforms) {
                for (std::size_t j = 0; j < uniforms.size(); ++j)
                  random::draw_uniforms(seed, first_point, 0, random::Stream::shock_size, static_cast<std::uint16_t>(j),
                                        uniforms[j]);
              },
          .score =
              [score](std::span<const ColumnData> uniforms, BlockScore& out) {
                std::vector<double> point(uniforms.size());
                for (std::size_t i = 0; i < kBlockPaths; ++i) {
                  for (std::size_t j = 0; j < point.size(); ++j) point[j] = uniforms[j][i];
                  out.score[i] = score(point);
                  out.marked[i] = point[0] > 0.5;
                }
              }};
}

/// Sum of standard normals, scaled to unit variance: P(> t) = 1 - Phi(t).
double normal_sum(std::span<const double> u) {
  double sum = 0.0;
  for (const double x : u) sum += elementary::inverse_normal(x);
  return sum / std::sqrt(static_cast<double>(u.size()));
}

double exponential(std::span<const double> u) { return -elementary::log(u[0]); }

[[maybe_unused]] double normal_tail(double t) { return 0.5 * std::erfc(t / std::sqrt(2.0)); }

SplittingEstimate estimate(const SplittingProblem& problem, const SplittingOptions& options) {
  std::vector<SplittingReplica> replicas;
  for (std::uint32_t r = 0; r < options.replicas; ++r) replicas.push_back(split(problem, options, r));
  return combine(replicas, options.population);
}

}  // namespace

TEST_CASE("splitting meets closed forms, down to 1e-9 and with several seeds", "[rare]") {
  struct Toy {
    std::size_t dimension;
    double threshold, truth;
    PointScore score;
  };
  const std::vector<Toy> toys{{4, 3.719016485455709, 1e-4, normal_sum},
                              {2, 5.997807015007773, 1e-9, normal_sum},
                              {1, 9.0 * std::log(10.0), 1e-9, exponential},
                              {6, 4.0 * std::log(10.0), 1e-4, exponential}};
  double chi_square = 0.0;
  int n = 0;
  for (const Toy& toy : toys)
    for (const std::uint64_t seed : {11U, 12U}) {
      const auto e = estimate(problem_of(toy.dimension, toy.threshold, toy.score, seed),
                              {.population = 128, .replicas = 30, .moves = 6, .seed = seed});
      const double z = (e.probability.value - toy.truth) / e.probability.standard_error;
      CAPTURE(toy.dimension, toy.truth, seed, e.probability.value, e.probability.standard_error, z);
      CHECK(std::fabs(z) < 4.0);
      CHECK(e.probability.standard_error < 0.3 * toy.truth);
      CHECK(e.n_reached == 30);
      CHECK(e.least_moved > 0.5);
      CHECK(e.mean_ancestors > 1.0);
      chi_square += z * z;
      ++n;
    }
  CHECK(n == 8);
  CHECK(chi_square < 26.1);  // 99.9 % of chi-square with 8 degrees of freedom
}

namespace {

/// Many small studies of P(-ln u > t) = 1e-3.
std::vector<SplittingEstimate> small_studies(std::vector<SplittingReplica>* all = nullptr) {
  std::vector<SplittingEstimate> studies;
  for (std::uint64_t seed = 100; seed < 180; ++seed) {
    const auto problem = problem_of(1, 3.0 * std::log(10.0), exponential, seed);
    const SplittingOptions options{.population = 100, .replicas = 6, .moves = 6, .seed = seed};
    std::vector<SplittingReplica> replicas;
    for (std::uint32_t r = 0; r < options.replicas; ++r) replicas.push_back(split(problem, options, r));
    studies.push_back(combine(replicas, options.population));
    if (all != nullptr) all->insert(all->end(), replicas.begin(), replicas.end());
  }
  return studies;
}

double covered(const std::vector<SplittingEstimate>& studies, double truth, double widening) {
  double n = 0.0;
  for (const auto& study : studies) {
    const auto& p = study.probability;
    n += p.value * std::pow(p.lo / p.value, widening) <= truth && truth <= p.value * std::pow(p.hi / p.value, widening);
  }
  return n / static_cast<double>(studies.size());
}

}  // namespace

TEST_CASE("limits of splitting cover the truth as often as they say, and the estimate has no bias", "[rare]") {
  std::vector<SplittingReplica> all;
  const auto studies = small_studies(&all);
  CHECK(covered(studies, 1e-3, 1.0) >= 0.88);              // 95 % less three standard errors of 80 studies
  CHECK_FALSE(covered(studies, 1e-3, 1.0 / 3.0) >= 0.88);  // control: errors a third as large do not cover

  std::vector<double> p, counting_the_level;
  for (const auto& replica : all) {
    p.push_back(replica.probability);
    double product = replica.probability / replica.reached;
    for (const auto& level : replica.levels) product *= level.share + 1.0 / 100.0;
    counting_the_level.push_back(product);
  }
  const auto z_of = [](const std::vector<double>& values) {
    const auto m = stats::moments_of(values);
    return (m.mean - 1e-3) / m.standard_error();
  };
  CHECK(std::fabs(z_of(p)) < 4.0);
  // control: taking the point at the level for a survivor, as adaptive quantiles often do, is off by many errors
  CHECK(z_of(counting_the_level) > 4.0);
}

TEST_CASE("limits of splitting take Student's quantile of one degree of freedom less than replicas", "[rare]") {
  std::vector<SplittingReplica> replicas(4);
  const std::array p{1e-4, 2e-4, 2e-4, 3e-4};
  for (std::size_t k = 0; k < p.size(); ++k) {
    replicas[k].probability = replicas[k].reached = p[k];
    replicas[k].hits = 10;
  }
  const auto e = combine(replicas, 100).probability;
  CHECK(std::fabs(e.value - 2e-4) < 1e-15);
  const double error = std::sqrt(2.0 / 3.0) * 1e-4 / 2.0;
  CHECK(std::fabs(e.standard_error - error) < 1e-15);
  const double reach = std::log(e.hi / e.value) * e.value / error;
  CHECK(std::fabs(reach - 3.182446) < 1e-4);  // tables: t of 3 degrees of freedom, 97.5 %
  CHECK(std::fabs(e.lo * e.hi - e.value * e.value) < 1e-18);
  CHECK_FALSE(std::fabs(reach - 1.959964) < 1e-4);  // control: not the normal quantile
}

TEST_CASE("splitting: the share of marked points in the event", "[rare]") {
  // Marked is u_0 > 1/2, the score is of u_1 alone.
  const auto problem =
      problem_of(2, 3.0 * std::log(10.0), [](std::span<const double> u) { return -elementary::log(u[1]); });
  const auto e = estimate(problem, {.population = 128, .replicas = 40, .moves = 6, .seed = 5});
  CHECK(std::fabs(e.marked.value - 0.5) < 4.0 * e.marked.standard_error);
  CHECK(e.marked.standard_error < 0.1);
}

TEST_CASE("splitting: ties, saturated scores, no values", "[rare]") {
  const SplittingOptions options{.population = 200, .replicas = 20, .moves = 6, .seed = 3};
  SECTION("a score of whole numbers") {  // P(sum of 10 coins >= 10) = 2^-10
    const auto coins = [](std::span<const double> u) {
      return static_cast<double>(std::ranges::count_if(u, [](double x) { return x > 0.5; }));
    };
    auto problem = problem_of(10, 10.0, coins);
    problem.or_equal = true;
    const auto e = estimate(problem, options);
    CAPTURE(e.probability.value, e.probability.standard_error);
    CHECK(std::fabs(e.probability.value - 0x1p-10) < 4.0 * e.probability.standard_error);
    CHECK(e.probability.standard_error < 0.2 * 0x1p-10);
    problem.threshold = 9.0;
    problem.or_equal = false;
    CHECK(estimate(problem, options).probability.value == e.probability.value);  // > 9 is >= 10
  }
  SECTION("a score that never exceeds 2") {
    const auto e = estimate(problem_of(2, 3.0, [](auto u) { return std::min(2.0, normal_sum(u)); }), options);
    CHECK(e.n_reached == 0);
    CHECK(e.best == 2.0);
    CHECK(e.probability.value == 0.0);
    CHECK(std::isnan(e.probability.standard_error));
    CHECK(e.probability.hi > 0.0);
    CHECK(e.probability.hi < 0.01 * normal_tail(1.5));
    CHECK(split(problem_of(2, 3.0, [](auto u) { return std::min(2.0, normal_sum(u)); }), options, 0).end ==
          SplittingEnd::stuck);
  }
  SECTION("a score that is always the same") {
    const auto r = split(problem_of(2, 3.0, [](auto) { return 1.0; }), options, 0);
    CHECK(r.end == SplittingEnd::stuck);
    CHECK(r.levels.empty());
    CHECK(split(problem_of(2, 0.5, [](auto) { return 1.0; }), options, 0).probability == 1.0);
  }
  SECTION("points without a score are never in the event") {
    const auto half = [](std::span<const double> u) { return u[0] < 0.5 ? std::nan("") : -elementary::log(u[1]); };
    const auto e = estimate(problem_of(2, 3.0 * std::log(10.0), half), options);
    CHECK(std::fabs(e.probability.value - 0.5e-3) < 4.0 * e.probability.standard_error);
    const auto none = split(problem_of(1, 0.0, [](auto) { return std::nan(""); }), options, 0);
    CHECK(none.end == SplittingEnd::stuck);
    CHECK(none.n_no_value == 200);
  }
  SECTION("an event that is not rare needs no level") {
    const auto r = split(problem_of(1, std::log(1.25), exponential), options, 0);
    CHECK(r.levels.empty());
    CHECK(r.probability == static_cast<double>(r.hits) / 200.0);
    CHECK(std::fabs(r.probability - 0.8) < 0.12);
  }
  SECTION("too rare to be told") {
    const auto r = split(problem_of(2, 100.0, normal_sum), options, 0);
    CHECK(r.end == SplittingEnd::too_rare);
    CHECK(r.probability == 0.0);
    CHECK(r.reached < kLeastProbability);
  }
}

TEST_CASE("a replica is a function of its arguments, and can be interrupted", "[rare]") {
  const auto problem = problem_of(3, 3.0, normal_sum);
  SplittingOptions options{.population = 300, .replicas = 4, .moves = 3, .seed = 9};
  const auto a = split(problem, options, 2), again = split(problem, options, 2), other = split(problem, options, 1);
  CHECK(a.probability == again.probability);
  CHECK(a.levels.size() == again.levels.size());
  CHECK(a.levels.back().score == again.levels.back().score);
  CHECK(a.levels.front().score != other.levels.front().score);
  CHECK(a.n_scored == 300 + 300 * 3 * a.levels.size());
  const std::atomic<bool> stop{true};
  options.stop = &stop;
  CHECK(split(problem, options, 2).end == SplittingEnd::interrupted);
}
