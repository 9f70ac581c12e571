// Shocks on the paths: sizes by law, clipped, correlated, at random dates, with a probability; what each target moves.

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "repoquake/engine/simulate_block.hpp"
#include "unit/engine/fixtures.hpp"

using namespace repoquake;

namespace {

/// September 2019 with one more shock, its block opened at path 0.
struct World {
  explicit World(const std::string& shock, std::vector<std::string> more = {})
      : plan(fixtures::september(with(shock, std::move(more)), 1024)), work(plan) {
    engine::open_block(plan, 0, work);
    place = static_cast<std::size_t>(std::ranges::find(plan.shocks, "x", &plan::PlanShock::id) - plan.shocks.begin());
  }

  static std::vector<std::string> with(const std::string& shock, std::vector<std::string> more) {
    more.insert(more.begin(), "shocks=[{id: x, " + shock + "}]");
    return more;
  }

  [[nodiscard]] const ColumnData& sizes() const { return work.shock_sizes[place]; }

  plan::Plan plan;
  engine::BlockWorkspace work;
  std::size_t place = 0;
};

double share(const ColumnData& column, double value) {
  return static_cast<double>(std::ranges::count(column, value)) / static_cast<double>(column.size());
}

}  // namespace

TEST_CASE("a discrete size takes its values with their weights", "[shocks]") {
  const World w(
      "target: tga, date: 2019-09-16, size: {discrete: {values: [0 bn USD, 50 bn USD, 1 tn USD], weights: [1, 2, 1]}}");
  std::set<double> seen(w.sizes().begin(), w.sizes().end());
  CHECK(seen == std::set<double>{0.0, 50.0, 1000.0});
  CHECK(share(w.sizes(), 50.0) == Approx(0.5).margin(0.13));  // 4 standard errors of 256 paths
  const World equal("target: tga, date: 2019-09-16, size: {discrete: {values: [1 bn USD, 2 bn USD]}}");
  CHECK(share(equal.sizes(), 1.0) == Approx(0.5).margin(0.13));
}

TEST_CASE("a clipped size stays inside its ends", "[shocks]") {
  const World w(
      "target: tga, date: 2019-09-16, size: {normal: {mean: 0 bn USD, sd: 100 bn USD}, clip: [-20 bn USD, 50 bn USD]}");
  CHECK(*std::ranges::min_element(w.sizes()) == -20.0);
  CHECK(*std::ranges::max_element(w.sizes()) == 50.0);
  CHECK(share(w.sizes(), 50.0) == Approx(0.31).margin(0.1));
}

TEST_CASE("a shock with a probability happens on that share of paths", "[shocks]") {
  const World w("target: tga, date: 2019-09-16, probability: 25 %, size: 40 bn USD");
  CHECK(share(w.sizes(), 40.0) + share(w.sizes(), 0.0) == 1.0);
  CHECK(share(w.sizes(), 40.0) == Approx(0.25).margin(0.09));
  CHECK(share(World("target: tga, date: 2019-09-16, probability: 0 %, size: 40 bn USD").sizes(), 0.0) == 1.0);
}

TEST_CASE("a random date puts a shock on one of its days, all alike", "[shocks]") {
  World w("target: tga, date: {uniform: [2019-09-13, 2019-09-18]}, size: 40 bn USD");
  const World calm("target: tga, date: 2019-09-13, size: 0 bn USD");
  std::map<std::uint32_t, int> days;
  std::array<double, kBlockPaths> sum{};
  for (std::uint32_t day = 1; day < w.plan.days.size(); ++day) {
    engine::simulate_day(w.plan, 0, day, w.work);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const double shock = w.work.flows.tga[i] - calm.plan.days[day].flows.tga;
      sum[i] += shock;
      if (shock > 1.0) ++days[day];
    }
  }
  CHECK(days.size() == 4);                                                      // 13, 16, 17 and 18 September
  for (const auto& [day, count] : days) CHECK(count == Approx(64).margin(25));  // 3.6 standard errors
  for (const double total : sum) CHECK(total == Approx(40.0));
}

TEST_CASE("correlated sizes of any law keep the order of their scores", "[shocks]") {
  const std::string pair =
      "shocks=[{id: x, target: tga, date: 2019-09-16, size: {normal: {mean: 0 bn USD, sd: 1 bn USD}}}, "
      "{id: y, target: tga, date: 2019-09-16, size: {uniform: {low: 0 bn USD, high: 1 bn USD}}}, "
      "{id: z, target: tga, date: 2019-09-16, size: {student_t: {df: 4, scale: 1 bn USD}}}]";
  const auto plan = fixtures::september({pair,
                                         "correlation=[{between: [x, y], rho: 1}, {between: [x, z], rho: -1}, "
                                         "{between: [y, z], rho: -1}]"},
                                        1024);
  engine::BlockWorkspace work(plan);
  engine::open_block(plan, 0, work);
  for (std::size_t i = 1; i < kBlockPaths; ++i) {
    const bool rises = work.shock_sizes[0][i] > work.shock_sizes[0][i - 1];
    CHECK((work.shock_sizes[1][i] > work.shock_sizes[1][i - 1]) == rises);
    CHECK((work.shock_sizes[2][i] < work.shock_sizes[2][i - 1]) == rises);
  }
}

TEST_CASE("a shock to IORB moves the administered rates and all that is quoted over them", "[shocks]") {
  World w("target: iorb, date: 2019-09-16, size: -25 bp");
  World calm("target: iorb, date: 2019-09-16, size: 0 bp");
  ColumnData moved, unmoved;
  for (std::uint32_t day = 1; day < 6; ++day) {
    for (World* world : {&w, &calm}) engine::simulate_day(world->plan, 0, day, world->work);
    for (const auto variable : {Variable::iorb, Variable::on_rrp_rate}) {
      engine::observe(w.plan, day, variable, w.work, moved);
      engine::observe(calm.plan, day, variable, calm.work, unmoved);
      for (std::size_t i = 0; i < kBlockPaths; ++i)
        CHECK(moved[i] - unmoved[i] == Approx(day < 3 ? 0.0 : -0.25).margin(1e-12));
    }
    engine::observe(w.plan, day, Variable::spread, w.work, moved);
    engine::observe(calm.plan, day, Variable::spread, calm.work, unmoved);
    if (day < 3) CHECK(moved == unmoved);
    if (day == 3) CHECK(moved[0] > unmoved[0]);  // sticky customers still pay yesterday's rate
  }
}

TEST_CASE("lost dealer capacity raises the mark-up only where there is inventory", "[shocks]") {
  const std::vector<std::string> sales{
      "shocks=[{id: sales, target: other_treasury_sales, date: 2019-09-12, size: 100 bn USD}]"};
  auto base = fixtures::september(sales, 1024);
  auto less = fixtures::september(
      {sales.front() == "" ? ""
                           : "shocks=[{id: sales, target: other_treasury_sales, date: 2019-09-12, size: 100 bn USD}, "
                             "{id: x, target: dealer_capacity, date: 2019-09-16, size: -60 bn USD}]"},
      1024);
  engine::BlockWorkspace a(base), b(less);
  engine::open_block(base, 0, a);
  engine::open_block(less, 0, b);
  for (std::uint32_t day = 1; day < 5; ++day) {
    engine::simulate_day(base, 0, day, a);
    engine::simulate_day(less, 0, day, b);
    if (day < 3) CHECK(a.outcome.markup == b.outcome.markup);
    if (day >= 3)
      for (std::size_t i = 0; i < kBlockPaths; ++i) CHECK(b.outcome.markup[i] > a.outcome.markup[i]);
  }
}

// ---------------------------------------------------------------- which way funding goes

namespace {

constexpr std::size_t kShockDay = 3;  // 2019-09-16, the fourth day of the window

/// The spread of every path on the day of the shock, on the same draws and with the opening's need whatever the shock.
std::vector<double> spreads(const std::string& shock, const std::string& seed = "20190917") {
  const auto plan =
      fixtures::september({"shocks=[{id: x, date: 2019-09-16, " + shock + "}]", "policy.repo_operations=[]",
                           "output.variables=[spread]", "output.precision=exact", "simulate.seed=" + seed},
                          512);
  fixtures::MemorySink sink;
  static_cast<void>(engine::run(plan, {.threads = 1}, sink));
  std::vector<double> found;
  for (const auto& chunk : sink.chunks) {
    const auto table = chunk.table(0, plan.days.size());
    for (std::size_t i = 0; i < chunk.n_paths; ++i) found.push_back(table[i * plan.days.size() + kShockDay]);
  }
  return found;
}

/// Shares of the paths on which the first is dearer than the second, and cheaper.
struct Order {
  double dearer = 0.0, cheaper = 0.0;
};

Order order_of(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  Order order;
  for (std::size_t i = 0; i < a.size(); ++i) {
    order.dearer += a[i] > b[i] ? 1.0 : 0.0;
    order.cheaper += a[i] < b[i] ? 1.0 : 0.0;
  }
  const auto n = static_cast<double>(a.size());
  return {order.dearer / n, order.cheaper / n};
}

}  // namespace

TEST_CASE("what drains reserves or adds need makes funding dearer on every path, what adds cash cheaper", "[shocks]") {
  const auto calm = spreads("target: tga, size: 0 bn USD");
  for (const std::string target : {"tga", "currency", "foreign_rrp", "repo_demand", "net_coupons", "net_bills"}) {
    INFO(target);
    const auto little = spreads("target: " + target + ", size: 10 bn USD");
    const Order some = order_of(little, calm);
    CHECK(some.cheaper == 0.0);
    CHECK(some.dearer > 0.95);
    const Order more = order_of(spreads("target: " + target + ", size: 40 bn USD"), little);
    CHECK(more.cheaper == 0.0);
    CHECK(more.dearer > 0.95);
  }
  for (const std::string target : {"reserves", "mmf_cash"}) {
    INFO(target);
    const Order some = order_of(spreads("target: " + target + ", size: 40 bn USD"), calm);
    CHECK(some.dearer == 0.0);
    CHECK(some.cheaper > 0.95);
  }
}

TEST_CASE("control: on other draws a drain does not make every path dearer", "[shocks]") {
  const Order order = order_of(spreads("target: tga, size: 10 bn USD", "7"), spreads("target: tga, size: 0 bn USD"));
  CHECK(order.cheaper > 0.05);
}
