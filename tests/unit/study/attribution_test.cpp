#include "repoquake/study/attribution.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>

#include <catch2/catch.hpp>

#include "repoquake/random/normal.hpp"
#include "repoquake/stats/moments.hpp"

using namespace repoquake;
using study::Attribution;
using study::Share;

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

/// The mean of a game's worlds, those of the design.
Attribution attribute(const Game& game, const study::AttributionDesign& design) {
  stats::MetricSpec mean;
  mean.statistic = {.statistic = stats::Statistic::mean};
  study::Attributor attributor(mean, design);
  for (const study::Subset world : design.worlds) attributor.absorb(game.estimates[world], game.values[world]);
  return attributor.result();
}

Attribution attribute(const Game& game) {
  return attribute(game, study::all_subsets(static_cast<std::size_t>(std::countr_zero(game.estimates.size()))));
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

TEST_CASE("orders are drawn in pairs, every factor once in each, and every world once", "[study]") {
  const auto design = study::sample_orders(14, 40, 5);
  REQUIRE(design.orders.size() == 40);
  for (std::size_t o = 0; o < design.orders.size(); o += 2) {
    const auto& order = design.orders[o];
    study::Subset seen = 0;
    for (const study::Subset factor : order) {
      CHECK(std::popcount(factor) == 1);
      seen |= factor;
    }
    CHECK(order.size() == 14);
    CHECK(seen == (study::Subset{1} << 14) - 1);
    CHECK(std::ranges::equal(design.orders[o + 1], std::vector(order.rbegin(), order.rend())));
  }
  CHECK(std::ranges::adjacent_find(design.worlds, std::greater_equal<>()) == design.worlds.end());
  CHECK(design.worlds.size() <= 2 + 40 * 13 + 2 * 14);
  CHECK(design.orders != study::sample_orders(14, 40, 6).orders);
  // Who is first is drawn evenly: 14 factors, 4,000 first and last places; chi-squared of 13 degrees of freedom.
  std::vector<double> firsts(14, 0.0);
  for (const auto& order : study::sample_orders(14, 4000, 1).orders)
    firsts[static_cast<std::size_t>(std::countr_zero(order.front()))] += 1.0;
  double chi = 0.0;
  for (const double n : firsts) chi += (n - 4000.0 / 14.0) * (n - 4000.0 / 14.0) / (4000.0 / 14.0);
  CHECK(chi < 34.5);  // 99.9 %
}

TEST_CASE("a sample of orders: an additive worth is known without error, and shares sum to the effect", "[study]") {
  const auto game = play(5, [](const auto& on, double z) { return z + 2.0 * on[0] - on[4]; });
  const auto a = attribute(game, study::sample_orders(5, 4, 3));
  CHECK(a.n_orders == 4);
  CHECK(a.shapley[0].value == Approx(2.0));
  CHECK(a.shapley[0].error_of_orders < 1e-12);
  CHECK(a.last[4].value == Approx(-1.0));
  CHECK(std::isnan(a.interaction(0, 1).value));
  const auto b = attribute(
      play(5, [](const auto& on,
                 double z) { return std::exp(0.5 * std::accumulate(on.begin(), on.end(), on[2]) + 0.1 * z); }),
      study::sample_orders(5, 6, 3));
  double sum = 0.0;
  for (const auto& share : b.shapley) sum += share.value;
  CHECK(sum == Approx(b.effect.value).epsilon(1e-12));
  CHECK(b.shapley[2].error_of_orders > 0.0);
}

TEST_CASE("two factors have two orders: a pair has them all", "[study]") {
  const auto game = play(2, [](const auto& on, double z) { return on[0] * on[1] * (3.0 + z) + on[1]; });
  const auto exact = attribute(game), sampled = attribute(game, study::sample_orders(2, 4, 9));
  for (std::size_t j = 0; j < 2; ++j) {
    CHECK(sampled.shapley[j].value == Approx(exact.shapley[j].value).epsilon(1e-12));
    CHECK(sampled.shapley[j].standard_error == Approx(exact.shapley[j].standard_error).epsilon(1e-12));
    CHECK(sampled.shapley[j].error_of_orders < 1e-12);
  }
}

namespace {

/// Mean squares of (share - truth) / error of 200 samples of 32 orders of five factors; with the whole error, with that of
/// paths, with that of orders.
struct Scores {
  double whole = 0.0, paths = 0.0, orders = 0.0;
};

Scores score_samples() {
  constexpr std::size_t k = 5;
  constexpr std::uint64_t kRuns = 200;
  const std::vector<double> sizes{1.0, 0.7, 0.5, 0.3, 0.2};
  const auto certain = [&](const std::vector<double>& on, double) {
    return std::exp(1.2 * std::inner_product(on.begin(), on.end(), sizes.begin(), 0.0)) + 4.0 * on[3] * on[4];
  };
  const auto noisy = [&](const std::vector<double>& on, double z) {
    return certain(on, z) + 10.0 * z * (on[0] + on[1] + on[2] + on[3] + on[4]);
  };
  const auto truth = attribute(play(k, certain));
  Scores scores;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    const auto a = attribute(play(k, noisy, 5000 + run), study::sample_orders(k, 32, run));
    for (std::size_t j = 0; j < k; ++j) {
      const Share& share = a.shapley[j];
      const double miss = share.value - truth.shapley[j].value;
      const double of_paths =
          share.standard_error * share.standard_error - share.error_of_orders * share.error_of_orders;
      const double n = static_cast<double>(k * kRuns);
      scores.whole += miss * miss / (share.standard_error * share.standard_error) / n;
      scores.paths += miss * miss / of_paths / n;
      scores.orders += miss * miss / (share.error_of_orders * share.error_of_orders) / n;
    }
  }
  return scores;
}

}  // namespace

TEST_CASE("shares of sampled orders agree with those of all subsets within their errors", "[study]") {
  const Scores scores = score_samples();
  // The mean of squared scores is 1, or up to 15 / 13 where 16 pairs tell the error: with 200 independent runs its own
  // standard error is 0.1 at most, were the five shares of a run one and the same.
  CHECK(scores.whole > 0.7);
  CHECK(scores.whole < 1.45);
}

TEST_CASE("control: with the error of paths or that of orders alone they do not agree", "[study]") {
  const Scores scores = score_samples();
  CHECK(scores.paths > 1.6);
  CHECK(scores.orders > 1.6);
}

TEST_CASE("more factors than subsets can be run for: a confluence of three among fifteen", "[study]") {
  const auto design = study::sample_orders(15, 64, 11);
  const auto worth = [](study::Subset on) {
    double sum = (on & 0b111U) == 0b111U ? 9.0 : 0.0;
    for (std::size_t j = 3; j < 15; ++j) sum += static_cast<double>(j) * static_cast<double>((on >> j) & 1U);
    return sum;
  };
  stats::MetricSpec mean;
  mean.statistic = {.statistic = stats::Statistic::mean};
  study::Attributor attributor(mean, design);
  const std::vector<double> none{0.0, 0.0, 0.0};
  for (const study::Subset world : design.worlds) attributor.absorb({.value = worth(world)}, none);
  const auto a = attributor.result();
  for (std::size_t j = 3; j < 15; ++j) CHECK(a.shapley[j].value == Approx(static_cast<double>(j)));
  for (std::size_t j = 0; j < 3; ++j) {
    CHECK(std::fabs(a.shapley[j].value - 3.0) < 3.5 * a.shapley[j].error_of_orders);
    CHECK(a.alone[j].value == 0.0);
    CHECK(a.last[j].value == 9.0);
  }
  CHECK(a.shapley[0].value + a.shapley[1].value + a.shapley[2].value == Approx(9.0));
}
