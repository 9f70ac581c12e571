#include "repoquake/model/bank_capacity.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "unit/model/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::model;
using namespace repoquake::test;

namespace {

double relative_error(const ModelParams& computed_with, const ModelParams& exact_with, double reserves,
                      double volatility, double hoarding, double factor) {
  const long double exact = reference::capacity(exact_with, reserves, volatility, hoarding, factor);
  return static_cast<double>(
      std::fabs(lend_capacity(computed_with, reserves, volatility, hoarding, factor) / exact - 1));
}

/// Largest relative error over random states; the lending share of the judge may be told wrongly.
double largest_error(double wrongly) {
  Dice dice(11);
  double largest = 0.0;
  for (int trial = 0; trial < 5000; ++trial) {
    ModelParams p = default_params(dice.uniform(800, 4000), dice.uniform(1e4, 3e4));
    p.banks.saturation = dice.uniform(0.05, 0.12);
    p.banks.scarcity_ratio = dice.uniform(0.055, 0.065);
    p.banks.kink_width = dice.uniform(0.002, 0.006);
    p.banks.volatility_elasticity = dice.uniform(0, 0.6);
    ModelParams judge = p;
    judge.banks.lending_share *= wrongly;
    largest =
        std::max(largest, relative_error(p, judge, p.bank_assets * dice.uniform(0.04, 0.25), dice.log_uniform(20, 300),
                                         dice.uniform(0, 0.6), dice.log_uniform(0.3, 3)));
  }
  return largest;
}

// R/A - rho* is divided by w: a rounding of R/A, 1e-17, moves the exponent by 1e-14 and, below the kink, K by as much.
constexpr double kRounding = 1e-13;

}  // namespace

TEST_CASE("bank capacity is the text's formula", "[bank_capacity]") { CHECK(largest_error(1.0) < kRounding); }

TEST_CASE("control: a lending share off by a millionth of a millionth is seen", "[bank_capacity][control]") {
  CHECK_FALSE(largest_error(1.0 + 1e-12) < kRounding);
}

TEST_CASE("bank capacity is gone near scarcity, concave above it and flat where reserves abound", "[bank_capacity]") {
  const ModelParams p = default_params();
  const auto at = [&](double ratio) { return lend_capacity(p, ratio * p.bank_assets, 60.0, 0.0, 1.0); };
  const double ceiling = p.banks.lending_share * p.bank_assets * p.banks.saturation;
  CHECK(at(-1.0) < 1e-100);
  CHECK(at(0.04) < 1e-3 * ceiling);
  // On the kink x = w ln 2.
  CHECK(at(0.06) == Approx(ceiling * (1 - std::exp(-0.003 * std::log(2.0) / 0.085))).epsilon(1e-12));
  CHECK(at(10.0) == Approx(ceiling).epsilon(1e-12));
  const double h = 1e-3;
  double slope_before = at(0.05) - at(0.05 - h);
  for (double ratio = 0.05 + h; ratio < 0.4; ratio += h) {
    const double slope = at(ratio) - at(ratio - h);
    CHECK(slope > 0.0);
    if (ratio > 0.06 + 6 * 0.003) CHECK(slope < slope_before);
    slope_before = slope;
  }
  CHECK((at(0.251) - at(0.25)) < 0.2 * (at(0.081) - at(0.08)));
}

TEST_CASE("hoarding, volatility and the path's factor scale bank capacity", "[bank_capacity]") {
  const ModelParams p = default_params();
  const double calm = lend_capacity(p, 1500.0, 60.0, 0.0, 1.0);
  CHECK(lend_capacity(p, 1500.0, 60.0, 0.15, 1.0) == Approx(0.85 * calm).epsilon(1e-14));
  CHECK(lend_capacity(p, 1500.0, 120.0, 0.0, 1.0) == Approx(std::pow(2.0, -0.4) * calm).epsilon(1e-14));
  CHECK(lend_capacity(p, 1500.0, 60.0, 0.0, 1.7) == Approx(1.7 * calm).epsilon(1e-14));
}

TEST_CASE("a column of capacities holds the capacity of each path", "[bank_capacity]") {
  Dice dice(12);
  const ModelParams p = default_params();
  const ColumnData reserves = column_of([&] { return dice.uniform(-500, 4000); });
  const ColumnData volatilities = column_of([&] { return dice.log_uniform(20, 300); });
  const ColumnData hoarding = column_of([&] { return dice.uniform(0, 0.6); });
  const ColumnData factor = column_of([&] { return dice.log_uniform(0.3, 3); });
  for (const ColumnData& volatility : {volatilities, column(85.0)}) {
    ColumnData satiated, capacity;
    satiated_capacity(p, volatility, hoarding, factor, satiated);
    lend_capacity(p, reserves, satiated, capacity);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      CHECK(capacity[i] == lend_capacity(p, reserves[i], volatility[i], hoarding[i], factor[i]));
      CHECK(capacity[i] >= 0.0);
    }
  }
}
