// Drawn flows through the whole engine: the account's mean path, its scatter, and the correlation of residuals.

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/engine/simulate_block.hpp"
#include "unit/engine/fixtures.hpp"

using namespace repoquake;
using fixtures::september;

namespace {

constexpr double kStandardErrors = 4.0;  // seeds are fixed, so it is never or always
constexpr double kPull = 0.03;
constexpr double kResidualSd = 30.0;
constexpr double kOpening = 800.0;
constexpr double kTarget = 1500.0;

/// (mean of the sample - exact) in its standard errors.
double deviation(const std::vector<double>& sample, double exact) {
  double sum = 0.0, squares = 0.0;
  for (const double x : sample) {
    sum += x - exact;
    squares += (x - exact) * (x - exact);
  }
  const double n = static_cast<double>(sample.size());
  const double mean = sum / n;
  return mean / std::sqrt((squares / n - mean * mean) / n);
}

/// Seasonal means of the rows of September 2019, by hand from model 4. Row 0, the 11th, is a Wednesday.
constexpr std::array<double, 17> kSeason{0.0,                             // 11th, given
                                         1.0,   -5.0,                     // 12th, 13th
                                         101.0, 6.0,   -21.0, 1.0, -5.0,  // 16th is a tax date
                                         24.0,  6.0,   -21.0, 1.0, -5.0,  // 23rd to 27th
                                         36.0,  -30.0, -21.0, 1.0};       // 30th ends a quarter, the 1st a Tuesday

/// Levels of the drawn account, (row, path). It goes from 800 to 1500 bn by the 27th, row 12: far from 0, where a fall
/// would be cut.
std::vector<std::vector<double>> accounts(std::uint64_t paths) {
  const auto plan = september({"policy.tga={follow: null, target: 1500 bn USD, by: 2019-09-27}",
                               "fed_balance_sheet.tga=800 bn USD", "model.basis_trade.cohorts=8"},
                              paths);
  std::vector<std::vector<double>> levels(plan.days.size());
  engine::BlockWorkspace work(plan);
  for (std::uint64_t first = 0; first < paths; first += kBlockPaths) {
    engine::open_block(plan, first, work);
    for (std::uint32_t day = 0; day < plan.days.size(); ++day) {
      if (day > 0) engine::simulate_day(plan, first, day, work);
      for (const Cents c : work.state.sheet.tga) levels[day].push_back(to_usd_bn(c));
    }
  }
  return levels;
}

double reference(std::size_t row) {
  return kOpening + (kTarget - kOpening) * static_cast<double>(std::min<std::size_t>(row, 12)) / 12.0;
}

/// What a path's flow is expected to be, given yesterday's level.
double expected_flow(std::size_t row, double yesterday) {
  return kSeason[row] + reference(row) - reference(row - 1) + kPull * (reference(row - 1) - yesterday);
}

/// Draws of the five drivers, pooled over days and paths: tga, coupons, bills, other factors, volatility.
std::array<std::vector<double>, 5> residuals(const std::string& correlation) {
  const auto plan =
      september(fixtures::with_drivers({"model.basis_trade.cohorts=8", "drivers.correlation=" + correlation}), 8192);
  std::array<std::vector<double>, 5> all;
  engine::BlockWorkspace work(plan);
  for (std::uint64_t first = 0; first < plan.n_paths; first += kBlockPaths) {
    engine::open_block(plan, first, work);
    for (std::uint32_t day = 1; day < 6; ++day) {
      engine::simulate_day(plan, first, day, work);
      const auto& d = work.driver_draws;
      const std::array<const ColumnData*, 5> columns{&d.tga, &d.coupons, &d.bills, &d.other_factors, &d.volatility};
      for (std::size_t k = 0; k < 5; ++k) all[k].insert(all[k].end(), columns[k]->begin(), columns[k]->end());
    }
  }
  return all;
}

/// Share of draws in which both have one sign: 1/2 + asin(rho)/pi for normal scores, and for what keeps their signs.
std::vector<double> agreement(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<double> agrees(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) agrees[i] = (x[i] > 0.0) == (y[i] > 0.0) ? 1.0 : 0.0;
  return agrees;
}
double exact_agreement(double rho) { return 0.5 + std::asin(rho) / std::numbers::pi; }

std::vector<double> products(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<double> xy(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) xy[i] = x[i] * y[i];
  return xy;
}

}  // namespace

TEST_CASE("the mean path of a drawn account is that of an AR(1) with drift", "[statistical]") {
  const auto levels = accounts(8192);
  REQUIRE(levels.size() == kSeason.size());
  double mean = kOpening;
  for (std::size_t row = 1; row < levels.size(); ++row) {
    mean += expected_flow(row, mean);
    INFO("row " << row << ", exact " << mean);
    CHECK(std::fabs(deviation(levels[row], mean)) < kStandardErrors);
    REQUIRE(*std::ranges::min_element(levels[row]) > 0.0);
  }
  for (const double level : levels[0]) REQUIRE(level == kOpening);  // day 0 is given

  SECTION("control: a pull of 0.05, a forgotten tax date, or a reference that is not part of the flow, are seen") {
    double other_pull = kOpening, no_tax = kOpening, no_step = kOpening;
    for (std::size_t row = 1; row < levels.size(); ++row) {
      const double step = reference(row) - reference(row - 1);
      other_pull += kSeason[row] + step + 0.05 * (reference(row - 1) - other_pull);
      no_tax += expected_flow(row, no_tax) - (row == 3 ? 77.0 : 0.0);
      no_step += expected_flow(row, no_step) - step;
    }
    CHECK(std::fabs(deviation(levels.back(), other_pull)) > kStandardErrors);
    CHECK(std::fabs(deviation(levels.back(), no_tax)) > kStandardErrors);
    CHECK(std::fabs(deviation(levels.back(), no_step)) > kStandardErrors);
  }
}

TEST_CASE("an account's residuals have the declared standard deviation on every day, and no memory", "[statistical]") {
  const auto levels = accounts(8192);
  // t(4) has no fourth moment: judge by what lies within c standard deviations, E[x^2; |x| < c] = sin^3 atan(c/sqrt 2).
  const auto within = [&](std::size_t row, double sd, double c) {
    std::vector<double> squares;
    for (std::size_t i = 0; i < levels[row].size(); ++i) {
      const double yesterday = levels[row - 1][i];
      const double x = (levels[row][i] - yesterday - expected_flow(row, yesterday)) / sd;
      squares.push_back(std::fabs(x) < c ? x * x : 0.0);
    }
    return squares;
  };
  const auto exact = [](double c) { return std::pow(std::sin(std::atan(c / std::sqrt(2.0))), 3.0); };
  for (std::size_t row = 1; row < levels.size(); ++row)
    for (const double c : {1.0, 4.0}) {
      INFO("row " << row << ", within " << c);
      CHECK(std::fabs(deviation(within(row, kResidualSd, c), exact(c))) < kStandardErrors);
    }
  std::vector<double> signs;  // a product of signs is bounded, and 0 in the mean without memory
  for (std::size_t i = 0; i < levels[0].size(); ++i) {
    const auto sign = [&](std::size_t row) {
      return levels[row][i] - levels[row - 1][i] > expected_flow(row, levels[row - 1][i]) ? 1.0 : -1.0;
    };
    signs.push_back(sign(9) * sign(10));
  }
  CHECK(std::fabs(deviation(signs, 0.0)) < kStandardErrors);

  SECTION("control: a standard deviation of 28, or of 20, is seen") {
    CHECK(std::fabs(deviation(within(8, 28.0, 4.0), exact(4.0))) > kStandardErrors);
    CHECK(std::fabs(deviation(within(8, 20.0, 4.0), exact(4.0))) > kStandardErrors);
  }
}

TEST_CASE("daily changes of a drawn account scatter as in the data, 35 to 40 bn", "[statistical]") {
  const auto sd_of = [](const std::string& residual) {
    const auto plan = september(
        {"window={start: 2023-06-01, end: 2025-05-30}", "series=null", "expect=[]",
         "policy.administered_rates=[{from: 2019-08-01, iorb: 2.10 %, on_rrp: 2.00 %}]", "policy.repo_operations=[]",
         "shocks=[]", "drivers={settlements: drawn}", "policy.tga={follow: null, target: 900 bn USD" + residual + "}",
         "fed_balance_sheet.tga=900 bn USD", "model.basis_trade.cohorts=8"},
        256);
    engine::BlockWorkspace work(plan);
    engine::open_block(plan, 0, work);
    double sum = 0.0, squares = 0.0, n = 0.0;
    ColumnData before;
    for (std::size_t i = 0; i < kBlockPaths; ++i) before[i] = to_usd_bn(work.state.sheet.tga[i]);
    for (std::uint32_t day = 1; day < plan.days.size(); ++day) {
      engine::simulate_day(plan, 0, day, work);
      for (std::size_t i = 0; i < kBlockPaths; ++i) {
        const double level = to_usd_bn(work.state.sheet.tga[i]);
        const double change = std::clamp(level - before[i], -300.0, 300.0);  // beyond: a tail without an error
        before[i] = level;
        sum += change;
        squares += change * change;
        n += 1.0;
      }
    }
    const double mean = sum / n;
    return std::sqrt(squares / n - mean * mean);
  };
  const double sd = sd_of("");
  INFO("s.d. " << sd);
  CHECK(sd > 35.0);
  CHECK(sd < 40.0);
  SECTION("control: the text's residual of 25 x 0.8 does not scatter so") {
    CHECK(sd_of(", residual_sd: 20 bn USD") < 30.0);
  }
}

TEST_CASE("residuals of drivers have the declared correlation, the t(4) in its ranks", "[statistical]") {
  const std::array<std::pair<std::size_t, std::size_t>, 3> pairs{{{0, 2}, {1, 0}, {4, 3}}};
  const std::array<double, 3> rho{0.5, -0.3, 0.4};
  const auto x = residuals(
      "[{between: [tga, bills], rho: 0.5}, {between: [coupons, tga], rho: -0.3}, "
      "{between: [volatility, other_factors], rho: 0.4}]");
  const auto find = [&](std::size_t a, std::size_t b) {
    for (std::size_t k = 0; k < pairs.size(); ++k)
      if (pairs[k] == std::pair{a, b} || pairs[k] == std::pair{b, a}) return rho[k];
    return 0.0;
  };
  // The account's draw is its score times a scale whose mean is Gamma(3/2) = sqrt(pi)/2: so are its covariances.
  const double shrink = std::sqrt(std::numbers::pi) / 2.0;
  for (std::size_t a = 0; a < 5; ++a)
    for (std::size_t b = 0; b < a; ++b) {
      INFO("drivers " << a << " and " << b);
      CHECK(std::fabs(deviation(agreement(x[a], x[b]), exact_agreement(find(a, b)))) < kStandardErrors);
      CHECK(std::fabs(deviation(products(x[a], x[b]), find(a, b) * (b == 0 ? shrink : 1.0))) < kStandardErrors);
    }
  for (std::size_t a = 1; a < 5; ++a) CHECK(std::fabs(deviation(products(x[a], x[a]), 1.0)) < kStandardErrors);

  SECTION("control: a correlation off by 0.03, and none where one is declared, are seen") {
    CHECK(std::fabs(deviation(agreement(x[0], x[2]), exact_agreement(0.53))) > kStandardErrors);
    const auto free = residuals("[]");
    CHECK(std::fabs(deviation(agreement(free[0], free[2]), exact_agreement(0.0))) < kStandardErrors);
    CHECK(std::fabs(deviation(agreement(free[0], free[2]), exact_agreement(0.5))) > kStandardErrors);
  }
}
