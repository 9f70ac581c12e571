#include "repoquake/model/rate_distribution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "unit/model/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::model;
using namespace repoquake::test;
using Catch::WithinAbs;

namespace {

/// A day's rates of a block with given sessions.
struct Rates {
  ModelParams params = default_params();
  DayContext day = ordinary_day();
  DayDraws draws{};
  PathState state{8};
  DayOutcome out{};

  Rates() {
    state.am_spread.fill(5.0);
    state.pm_spread.fill(5.0);
    state.rate_noise.fill(0.0);
  }
  void step() { spread_rates(params, day, draws, day.floor - 5.0, state, out); }
  [[nodiscard]] double p(std::size_t k, std::size_t lane = 0) const { return out.percentiles[k][lane]; }
};

/// Share of a session's volume at or below x: half the mass on each side of the centre.
long double laplace(long double x, long double centre, long double left, long double right) {
  return x < centre ? std::exp((x - centre) / left) / 2 : 1 - std::exp((centre - x) / right) / 2;
}

long double mixture(const RateLaw& law, long double x) {
  return law.am_weight * laplace(x, law.am_centre, law.am_left, law.am_right) +
         (1 - static_cast<long double>(law.am_weight)) * laplace(x, law.pm_centre, law.pm_left, law.pm_right);
}

RateLaw random_law(Dice& dice) {
  ModelParams p = default_params();
  p.dispersion.right_tail = dice.uniform(0, 1.04);
  p.dispersion.left_tail = dice.uniform(0, 0.4);
  p.dispersion.am_weight = dice.chance(0.1) ? (dice.chance(0.5) ? 1.0 : 0.0) : dice.unit();
  const double am = dice.chance(0.5) ? dice.uniform(-20, 30) : dice.log_uniform(1, 3000);
  const double pm = dice.chance(0.3)   ? am + dice.uniform(-1e-3, 1e-3)
                    : dice.chance(0.5) ? dice.uniform(-20, 60)
                                       : dice.log_uniform(1, 3000);
  return rate_law(p, am, pm, dice.chance(0.2) ? 0.0 : dice.log_uniform(0.01, 5));
}

/// Noise of many paths on `n_days` days from the opening on.
std::vector<std::vector<double>> noise(double persistence, int n_days) {
  Dice dice(71);
  std::vector<std::vector<double>> rows(static_cast<std::size_t>(n_days));
  for (int block = 0; block < 40; ++block) {
    Rates r;
    r.params.dispersion.noise_persistence = persistence;
    for (auto& row : rows) {
      r.draws.rate_noise = column_of([&] { return dice.normal(); });
      r.step();
      row.insert(row.end(), r.state.rate_noise.begin(), r.state.rate_noise.end());
    }
  }
  return rows;
}

double variance_deviation(const std::vector<double>& x, double exact) {
  std::vector<double> squares(x.size());
  std::transform(x.begin(), x.end(), squares.begin(), [](double v) { return v * v; });
  return deviation(squares, exact);
}

}  // namespace

TEST_CASE("one session: percentiles in closed form", "[rate_distribution]") {
  Rates r;
  r.params.dispersion.am_weight = 1.0;
  const bool has_facility = GENERATE(false, true);
  r.day.has_standing_repo = has_facility;
  r.day.standing_repo_spread = 15.0;
  Dice dice(72);
  r.state.am_spread = column_of([&] { return dice.uniform(-5, 600); });
  r.state.pm_spread = column_of([&] { return dice.uniform(-5, 600); });  // no volume: no effect
  r.draws.tail_width = column_of([&] { return dice.normal(); });
  r.step();
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double m = r.state.am_spread[i];
    const double widening =
        std::exp(0.45 * r.draws.tail_width[i]) * (has_facility ? 0.15 : 1.0) * std::max(m - 10.0, 0.0);
    const double right = 1.0 + 0.26 * widening;
    const double left = 1.0 + 0.10 * widening;
    const double tolerance = 1e-9 + 1e-13 * right;  // header: quantiles to 1e-9 bp
    CHECK_THAT(r.p(4, i), WithinAbs(m + right * std::log(50.0) + 10.0, tolerance));
    CHECK_THAT(r.p(3, i), WithinAbs(m + right * std::log(2.0) + 6.5, tolerance));
    CHECK_THAT(r.p(2, i), WithinAbs(m, tolerance));
    CHECK_THAT(r.p(1, i), WithinAbs(std::max(m - left * std::log(2.0) - 2.0, -15.0), tolerance));
    CHECK_THAT(r.p(0, i), WithinAbs(std::max(m - left * std::log(50.0) - 5.0, -15.0), tolerance));
    CHECK_THAT(r.p(4, i), !WithinAbs(m + right * std::log(50.001) + 10.0, tolerance));  // control
    const double srf = 15.0;
    const double above = srf > m ? std::exp(-(srf - m) / right) / 2 : 1 - std::exp((srf - m) / left) / 2;
    CHECK_THAT(r.out.volume_above_srf_rate[i], WithinAbs(has_facility ? above : 0.0, 1e-13));
  }
}

TEST_CASE("the quantile solves the mixture's law", "[rate_distribution]") {
  Dice dice(73);
  double largest = 0.0;
  double largest_if_shifted = 1.0;
  double largest_law_error = 0.0;
  for (int trial = 0; trial < 5000; ++trial) {
    const RateLaw law = random_law(dice);
    for (const double share : {0.01, 0.25, 0.5, 0.75, 0.99, dice.uniform(1e-4, 1 - 1e-4)}) {
      const double x = quantile(law, share);
      const double error = std::fabs(volume_below(law, x) - share);
      largest = std::max(largest, error);
      largest_law_error =
          std::max(largest_law_error, static_cast<double>(std::fabs(mixture(law, x) - volume_below(law, x))));
      if (law.am_right < 50 && law.pm_right < 50 && std::fabs(law.am_centre - law.pm_centre) < 1.0)
        largest_if_shifted = std::min(largest_if_shifted, std::fabs(volume_below(law, x + 1e-4) - share));
    }
  }
  CHECK(largest < 1e-9);
  CHECK(largest_law_error < 1e-14);
  CHECK_FALSE(largest_if_shifted < 1e-9);  // control
}

namespace {

/// Where the mixture has `share` below it, by bisection.
long double exact_quantile(const RateLaw& law, long double share) {
  long double low = -1e6L, high = 1e6L;
  for (int step = 0; step < 200; ++step) {
    const long double middle = (low + high) / 2;
    (mixture(law, middle) < share ? low : high) = middle;
  }
  return (low + high) / 2;
}

/// Of 2,000 random laws and six shares, the share whose quantile plus `nudge` misses the header's 1e-9 bp, where rounding
/// of the mass (4 units of 2^-53, through the density) allows to tell; and the largest error there.
struct QuantileErrors {
  int judged = 0, wrong = 0;
  double largest = 0.0;
};
QuantileErrors judge_quantiles(double nudge) {
  Dice dice(76);
  QuantileErrors errors;
  for (int trial = 0; trial < 2000; ++trial) {
    const RateLaw law = random_law(dice);
    for (const double share : {0.01, 0.25, 0.5, 0.75, 0.99, dice.uniform(1e-4, 1 - 1e-4)}) {
      const long double exact = exact_quantile(law, share);
      const long double h = 1e-4L;
      const long double density = std::min(mixture(law, exact + h) - share, share - mixture(law, exact - h)) / h;
      if (!(4 * 0x1p-53L < 1e-10L * density)) continue;
      const double error = static_cast<double>(std::fabs(quantile(law, share) + nudge - exact));
      ++errors.judged;
      errors.wrong += error > 1e-9;
      errors.largest = std::max(errors.largest, error);
    }
  }
  return errors;
}

}  // namespace

TEST_CASE("quantiles are right to 1e-9 bp", "[rate_distribution]") {
  const QuantileErrors errors = judge_quantiles(0.0);
  INFO("largest error " << errors.largest << " bp of " << errors.judged);
  CHECK(errors.judged > 8000);
  CHECK(errors.wrong == 0);
}

TEST_CASE("control: quantiles shifted by 2e-9 bp are seen", "[rate_distribution][control]") {
  const QuantileErrors errors = judge_quantiles(2e-9);
  CHECK(errors.wrong > errors.judged / 2);
}

TEST_CASE("the quantile is right where the two sessions leave a gap between them", "[rate_distribution]") {
  // Half the volume at each of two narrow laws 3,000 bp apart: between them no volume, so no density to divide by.
  ModelParams p = default_params();
  for (const double weight : {0.5, 0.25, 0.75, 0.01, 0.99}) {
    p.dispersion.am_weight = weight;
    const RateLaw law = rate_law(p, 0.0, 3000.0, 0.0);
    for (const double share : {0.01, 0.25, 0.5, 0.75, 0.99})
      CHECK_THAT(volume_below(law, quantile(law, share)), WithinAbs(share, 1e-9));
  }
}

TEST_CASE("widths grow with the spread above 10 bp", "[rate_distribution]") {
  const ModelParams p = default_params();
  const RateLaw law = rate_law(p, 110.0, 10.0, 0.5);
  CHECK(law.am_centre == 110.0);
  CHECK(law.pm_centre == 10.0);
  CHECK_THAT(law.am_right, WithinAbs(1 + 0.26 * 50, 1e-13));
  CHECK_THAT(law.am_left, WithinAbs(1 + 0.10 * 50, 1e-13));
  CHECK(law.pm_right == 1.0);
  CHECK(law.pm_left == 1.0);
  CHECK(law.am_weight == 0.93);
}

TEST_CASE("percentiles are ordered, not far below the floor, and share their noise", "[rate_distribution]") {
  Dice dice(74);
  int at_lowest = 0;
  for (int trial = 0; trial < 20; ++trial) {
    Rates r;
    r.day.floor = dice.uniform(-20, 0);
    r.state.am_spread =
        column_of([&] { return dice.chance(0.7) ? dice.uniform(r.day.floor, 40) : dice.log_uniform(1, 3000); });
    r.state.pm_spread =
        column_of([&] { return dice.chance(0.7) ? dice.uniform(r.day.floor, 40) : dice.log_uniform(1, 3000); });
    r.draws.tail_width = column_of([&] { return dice.normal(); });
    const ColumnData yesterday = column_of([&] { return dice.normal(); });
    r.state.rate_noise = yesterday;
    r.draws.rate_noise = column_of([&] { return dice.normal(); });
    r.step();
    const DayOutcome noisy = r.out;
    const ColumnData noise_today = r.state.rate_noise;
    r.state.rate_noise.fill(0.0);
    r.draws.rate_noise.fill(0.0);
    r.step();
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      for (std::size_t k = 0; k < kPercentileCount; ++k) {
        CHECK(r.p(k, i) >= r.day.floor - 5.0);
        at_lowest += r.p(k, i) == r.day.floor - 5.0;
        if (k > 0) CHECK(r.p(k, i) >= r.p(k - 1, i));
        CHECK_THAT(noisy.percentiles[k][i] - r.p(k, i), WithinAbs(noise_today[i], 1e-11));
      }
      // AR(1) with stationary s.d. 1.2 and persistence 0.5
      CHECK(r.state.am_spread[i] >= r.day.floor);  // the noise never enters the state
    }
  }
  CHECK(at_lowest > 0);
}

TEST_CASE("the noise is an AR(1) from nothing with its stationary s.d.", "[rate_distribution][statistical]") {
  const double persistence = GENERATE(0.0, 0.5, 0.9);
  const auto rows = noise(persistence, 60);
  for (const std::size_t day : {1U, 2U, 5U, 60U})
    CHECK(std::fabs(variance_deviation(
              rows[day - 1], 1.44 * (1 - std::pow(persistence, 2.0 * static_cast<double>(day))))) < kStandardErrors);
  std::vector<double> products(rows[0].size());
  for (std::size_t i = 0; i < products.size(); ++i)
    products[i] = rows[58][i] * (rows[59][i] - persistence * rows[58][i]);
  CHECK(std::fabs(deviation(products, 0.0)) < kStandardErrors);
}

TEST_CASE("control: a wrong s.d. of the noise is seen", "[rate_distribution][control]") {
  CHECK_FALSE(std::fabs(variance_deviation(noise(0.5, 60).back(), 1.25 * 1.25)) < kStandardErrors);
}

TEST_CASE("TGCR follows SOFR", "[rate_distribution]") {
  Dice dice(75);
  Rates r;
  r.state.am_spread = column_of([&] { return dice.uniform(-9, 100); });
  r.state.pm_spread = r.state.am_spread;
  r.draws.rate_noise = column_of([&] { return dice.normal(); });
  r.step();
  for (std::size_t i = 0; i < kBlockPaths; ++i) CHECK_THAT(r.out.tgcr[i], WithinAbs(r.p(kMedian, i) - 2.4, 1e-12));
  r.day.tgcr_since_2021 = true;
  r.step();
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    CHECK_THAT(r.out.tgcr[i], WithinAbs(r.p(kMedian, i) - 1.9 - 0.14 * std::max(r.p(kMedian, i), 0.0), 1e-12));
}

TEST_CASE("EFFR is read off reserves over bank assets", "[rate_distribution]") {
  const std::array<std::array<double, 2>, 9> knots{{{0.075, 13},
                                                    {0.085, 3},
                                                    {0.095, 0},
                                                    {0.105, -1},
                                                    {0.1125, -3},
                                                    {0.1175, -3},
                                                    {0.1225, -4},
                                                    {0.1275, -6},
                                                    {0.135, -7}}};
  for (std::size_t k = 0; k < knots.size(); ++k) {
    CHECK_THAT(effr_over_iorb(knots[k][0]), WithinAbs(knots[k][1], 1e-11));
    if (k > 0)  // linear between
      CHECK_THAT(effr_over_iorb(0.75 * knots[k - 1][0] + 0.25 * knots[k][0]),
                 WithinAbs(0.75 * knots[k - 1][1] + 0.25 * knots[k][1], 1e-11));
  }
  for (const double ratio : {-1.0, 0.0, 0.07}) CHECK(effr_over_iorb(ratio) == 13.0);
  for (const double ratio : {0.14, 0.3, 5.0}) CHECK_THAT(effr_over_iorb(ratio), WithinAbs(-7.0, 1e-11));
  const ModelParams p = default_params(1179.0, 20000.0);
  FedSheet sheet;
  fill_sheet(sheet, 2000.0, 100.0, 0.0);
  ColumnData effr;
  price_fed_funds(p, sheet, effr);
  CHECK_THAT(effr[77], WithinAbs(-0.5, 1e-11));
}
