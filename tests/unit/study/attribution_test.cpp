#include "repoquake/study/attribution.hpp"

#include <cmath>
#include <functional>
#include <numeric>

#include <catch2/catch.hpp>

#include "repoquake/random/normal.hpp"
#include "repoquake/stats/moments.hpp"

using namespace repoquake;
using study::Attribution;

namespace {

constexpr std::size_t kPaths = 4 * kBlockPaths;

struct Game {
  std::vector<stats::Estimate> estimates;
  std::vector<std::vector<double>> values;
};

/// A metric of factors that are on (1) or off (0) and of a standard normal: its mean over paths.
Game play(std::size_t k, const std::function<double(const std::vector<double>&, double)>& worth,
          std::uint64_t seed = 77) {
  ColumnData z;
  Game game;
  for (std::size_t s = 0; s < (std::size_t{1} << k); ++s) {
    std::vector<double> on(k), values;
    for (std::size_t j = 0; j < k; ++j) on[j] = static_cast<double>((s >> j) & 1U);
    for (std::size_t path = 0; path < kPaths; path += kBlockPaths) {
      random::draw_normals(seed, path, 1, random::Stream::bank_capacity, 0, z);
      for (const double draw : z) values.push_back(worth(on, draw));
    }
    game.estimates.push_back(stats::estimate_mean(stats::moments_of(values)));
    game.values.push_back(std::move(values));
  }
  return game;
}

Attribution attribute(const Game& game) {
  stats::MetricSpec mean;
  mean.statistic = {.statistic = stats::Statistic::mean};
  return study::attribute(mean, game.estimates, game.values);
}

}  // namespace

TEST_CASE("shares of an additive worth are its parts, whoever comes first", "[study]") {
  const auto a =
      attribute(play(3, [](const auto& on, double z) { return z + 2.0 * on[0] - 3.0 * on[1] + 0.5 * on[2]; }));
  const std::vector<double> parts{2.0, -3.0, 0.5};
  for (std::size_t j = 0; j < 3; ++j) {
    for (const auto& shares : {a.shapley, a.alone, a.last}) {
      CHECK(shares[j].value == Approx(parts[j]).margin(1e-12));
      CHECK(shares[j].standard_error < 1e-12);  // the draws are shared, so the parts are certain
    }
    for (std::size_t i = 0; i < 3; ++i)
      if (i != j) CHECK(std::fabs(a.interaction(i, j).value) < 1e-12);
    CHECK(std::isnan(a.interaction(j, j).value));
  }
  CHECK(a.effect.value == Approx(-0.5).margin(1e-12));
  CHECK(a.none.standard_error > 0.01);
}

TEST_CASE("what two factors do together only is shared by halves, and is their interaction", "[study]") {
  const auto a = attribute(play(3, [](const auto& on, double) { return 10.0 * on[0] * on[1] + 4.0 * on[2]; }));
  CHECK(a.shapley[0].value == Approx(5.0));
  CHECK(a.shapley[1].value == Approx(5.0));
  CHECK(a.shapley[2].value == Approx(4.0));
  CHECK(a.alone[0].value == Approx(0.0).margin(1e-12));
  CHECK(a.last[0].value == Approx(10.0));
  CHECK(a.interaction(0, 1).value == Approx(10.0));
  CHECK(a.interaction(1, 0).value == Approx(10.0));
  CHECK(a.interaction(0, 2).value == Approx(0.0).margin(1e-12));
}

TEST_CASE("three that need each other share by thirds", "[study]") {
  const auto a = attribute(play(3, [](const auto& on, double) { return 9.0 * on[0] * on[1] * on[2]; }));
  for (std::size_t j = 0; j < 3; ++j) CHECK(a.shapley[j].value == Approx(3.0));
  CHECK(a.interaction(0, 1).value == Approx(4.5));  // half of the subsets around the pair hold the third
}

TEST_CASE("shares sum to the effect, with any worth and any number of factors", "[study]") {
  for (std::size_t k = 1; k <= 6; ++k) {
    const auto a = attribute(play(k, [](const auto& on, double z) {
      const double load = std::accumulate(on.begin(), on.end(), 0.0);
      return std::exp(0.3 * load + 0.2 * z) + (load > 2.0 ? z * z : 0.0);
    }));
    double sum = 0.0;
    for (const auto& share : a.shapley) sum += share.value;
    CHECK(sum == Approx(a.effect.value).epsilon(1e-12));
    CHECK(a.effect.value == Approx(a.all.value - a.none.value).epsilon(1e-12));
  }
}

TEST_CASE("the error of a share is that of the paths", "[study]") {
  // Factor 0 adds z^2: its share is the mean of 1,024 of them, of variance 2.
  const auto worth = [](const auto& on, double z) { return on[0] * z * z + on[1]; };
  const auto a = attribute(play(2, worth));
  CHECK(a.shapley[0].standard_error == Approx(std::sqrt(2.0 / 1024.0)).epsilon(0.15));
  double deviations = 0.0;
  constexpr std::uint64_t kRuns = 200;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    const auto again = attribute(play(2, worth, 1000 + run));
    const double t = (again.shapley[0].value - 1.0) / again.shapley[0].standard_error;
    deviations += t * t;
  }
  // Mean of 200 squared scores: 1 with a standard error of 0.1; heavy tails of z^2 add a little.
  CHECK(std::fabs(deviations / static_cast<double>(kRuns) - 1.0) < 0.35);
}
