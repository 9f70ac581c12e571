#include "repoquake/model/need.hpp"

#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/random/stream.hpp"
#include "repoquake/random/student.hpp"
#include "unit/model/fixtures.hpp"

using namespace repoquake;
using namespace repoquake::model;
using namespace repoquake::test;
using Catch::WithinAbs;

namespace {

/// A market whose need has no parts yet.
struct Need {
  ModelParams params = default_params(1000.0, 17000.0);
  PathState state{8};
  DayContext day = ordinary_day();
  DayFlows flows = quiet_flows();
  DayDraws draws{};
  ColumnData need = column(0);

  Need() {
    for (ColumnData* part : {&state.structural_need, &state.transitory_need, &state.coupon_inventory, &state.tga_cash,
                             &state.pullback, &state.fund_need})
      part->fill(0.0);
  }
  double step() {
    form_need(params, day, flows, draws, state, need);
    return need[17];
  }
};

constexpr int kBlocks = 80;  // 20,480 paths
constexpr int kBurnIn = 50;  // 0.77^100 of the variance is still missing: 5e-12
constexpr int kLongestLag = 5;

/// z of many paths on kLongestLag + 1 consecutive days, driven by t draws with `n` degrees of freedom.
std::vector<std::vector<double>> transitory_need(const ModelParams& params, double n) {
  std::vector<std::vector<double>> z(kLongestLag + 1);
  ColumnData scratch;
  for (std::uint64_t block = 0; block < kBlocks; ++block) {
    Need m;
    m.params = params;
    for (std::uint32_t day = 1; day <= kBurnIn + kLongestLag; ++day) {
      random::draw_student_t(20190917, block * kBlockPaths, day, random::Stream::need_shock, 0, n, scratch,
                             m.draws.need_shock);
      m.step();
      if (day < kBurnIn) continue;
      auto& row = z[day - kBurnIn];
      row.insert(row.end(), m.need.begin(), m.need.end());
    }
  }
  return z;
}

/// In standard errors: variance against sigma^2/(1 - rho^2) at [0], autocorrelation of lag k against rho^k at [k].
std::vector<double> deviations(const std::vector<std::vector<double>>& z, double sigma, double rho) {
  std::vector<double> result;
  std::vector<double> sample(z[0].size());
  for (std::size_t i = 0; i < sample.size(); ++i) sample[i] = z[0][i] * z[0][i];
  result.push_back(deviation(sample, sigma * sigma / (1 - rho * rho)));
  for (int k = 1; k <= kLongestLag; ++k) {  // E[z_{t+k} z_t - rho^k z_t^2] = 0
    for (std::size_t i = 0; i < sample.size(); ++i)
      sample[i] = z[0][i] * (z[static_cast<std::size_t>(k)][i] - std::pow(rho, k) * z[0][i]);
    result.push_back(deviation(sample, 0.0));
  }
  return result;
}

}  // namespace

TEST_CASE("transitory need has the stationary variance and autocorrelation of its law", "[need][statistical]") {
  const double n = GENERATE(9.0, 15.0);
  const ModelParams p = default_params(1000.0);
  const double sigma = 0.013 * 1000.0;
  for (const double d : deviations(transitory_need(p, n), sigma, 0.77)) CHECK(std::fabs(d) < kStandardErrors);
}

TEST_CASE("control: a wrong variance or persistence of transitory need is seen", "[need][control]") {
  const auto z = transitory_need(default_params(1000.0), 9.0);
  CHECK_FALSE(std::fabs(deviations(z, 0.0134 * 1000.0, 0.77)[0]) < kStandardErrors);
  for (const double d : deviations(z, 13.0, 0.80)) CHECK_FALSE(std::fabs(d) < kStandardErrors);
}

TEST_CASE("need is the sum of its parts", "[need]") {
  Need m;
  m.state.structural_need.fill(500.0);
  m.state.transitory_need.fill(-20.0);
  m.state.coupon_inventory.fill(30.0);
  m.state.tga_cash.fill(7.0);
  m.state.fund_need.fill(-4.0);
  m.flows.net_coupons.fill(40.0);
  m.flows.net_bills.fill(-10.0);
  m.flows.tga.fill(25.0);
  m.flows.repo_demand.fill(11.0);
  m.draws.need_shock.fill(2.0);
  m.day.gse_cash = 4.0;
  const double z = 0.77 * -20.0 + 0.013 * 1000.0 * 2.0;
  const double coupons = 0.94 * 30.0 + 0.63 * 40.0 + 0.53 * -10.0;
  const double tga = 0.9 * 7.0 + 0.28 * 25.0;
  CHECK_THAT(m.step(), WithinAbs(500.0 + z + coupons + tga - 4.0 - 4.0 + 11.0, 1e-11));
  CHECK_THAT(m.state.transitory_need[3], WithinAbs(z, 1e-12));
  CHECK_THAT(m.state.coupon_inventory[3], WithinAbs(coupons, 1e-12));
  CHECK_THAT(m.state.tga_cash[3], WithinAbs(tga, 1e-12));
  CHECK(m.state.fund_need[3] == -4.0);  // moves with the funds, not here
}

TEST_CASE("inventory and pulled cash fade by their rates", "[need]") {
  Need m;
  m.flows.net_coupons.fill(100.0);
  m.flows.tga.fill(100.0);
  m.step();
  m.flows = quiet_flows();
  for (int day = 1; day <= 10; ++day) {
    CHECK_THAT(m.step(), WithinAbs(63.0 * std::pow(0.94, day) + 28.0 * std::pow(0.9, day), 1e-11));
  }
}

TEST_CASE("the pull-back comes at a period end, is carried for a day and then is gone", "[need]") {
  Need m;
  m.draws.pullback.fill(1.5);
  CHECK(m.step() == 0.0);  // an ordinary day: drawn, not used
  m.day.is_period_end = true;
  m.day.pullback_share = 0.039;
  const double pullback = 0.039 * 1000.0 * std::exp(0.35 * 1.5 - 0.5 * 0.35 * 0.35);
  CHECK_THAT(m.step(), WithinAbs(pullback, 1e-11));
  m.day = ordinary_day();
  m.day.follows_period_end = true;
  CHECK_THAT(m.step(), WithinAbs(0.27 * pullback, 1e-11));
  m.day = ordinary_day();
  CHECK(m.step() == 0.0);
  CHECK(m.step() == 0.0);
}

TEST_CASE("the pull-back's mean is its share of volume", "[need][statistical]") {
  Dice dice(51);
  std::vector<double> sample;
  for (int block = 0; block < 80; ++block) {
    Need m;
    m.day.is_period_end = true;
    m.day.pullback_share = 0.045;
    m.draws.pullback = column_of([&] { return dice.normal(); });
    m.step();
    sample.insert(sample.end(), m.need.begin(), m.need.end());
  }
  CHECK(std::fabs(deviation(sample, 45.0)) < kStandardErrors);
  SECTION("control: a mean without -sigma^2/2 is seen") {
    CHECK_FALSE(std::fabs(deviation(sample, 45.0 * std::exp(0.5 * 0.35 * 0.35))) < kStandardErrors);
  }
}

TEST_CASE("the afternoon's need adds a late shock", "[need]") {
  const ModelParams p = default_params(1000.0);
  DayDraws draws{};
  draws.late_shock = column(-1.5);
  ColumnData late;
  add_late_need(p, draws, column(500.0), late);
  CHECK_THAT(late[200], WithinAbs(500.0 - 1.5 * 0.012 * 1000.0, 1e-12));
}
