#include "repoquake/engine/simulate_block.hpp"

#include <memory>

#include <catch2/catch.hpp>

#include "fixtures.hpp"
#include "repoquake/engine/path_evaluator.hpp"
#include "repoquake/engine/rounding.hpp"
#include "repoquake/model/basis_trade.hpp"
#include "repoquake/model/fed_balance_sheet.hpp"
#include "repoquake/random/normal.hpp"
#include "unit/count_allocations.hpp"

using namespace repoquake;
using fixtures::september;

TEST_CASE("a simulated day allocates nothing, over the whole window", "[engine]") {
  for (const auto& settings : {std::vector<std::string>{},
                               {"model.need.degrees_of_freedom=5"},
                               {"policy.standing_repo.enabled=true"},
                               fixtures::with_rules(fixtures::with_drivers())}) {
    const auto plan = september(settings, 256);
    auto work = std::make_unique<engine::BlockWorkspace>(plan);
    const std::size_t before = test::allocations();
    engine::open_block(plan, 0, *work);
    for (std::uint32_t day = 1; day < plan.days.size(); ++day) engine::simulate_day(plan, 0, day, *work);
    CHECK(test::allocations() == before);
  }
  const std::size_t before = test::allocations();
  const auto control = std::make_unique<int>(1);
  CHECK(test::allocations() > before);  // the counter counts
}

TEST_CASE("a metric takes its memory before the first day", "[engine][metrics]") {
  const auto plan =
      september({"metrics=[{id: a, expr: \"P(days(spread > 25 bp and tga / reserves > 0.1) >= 3)\"}]"}, 256);
  engine::BlockWorkspace work(plan);
  engine::PathEvaluator metric(plan.metrics.at(0).per_path);
  const std::size_t before = test::allocations();
  for (int block = 0; block < 2; ++block) {
    engine::open_block(plan, 0, work);
    metric.open();
    metric.see(plan, 0, work);
    for (std::uint32_t day = 1; day < plan.days.size(); ++day) {
      engine::simulate_day(plan, 0, day, work);
      metric.see(plan, day, work);
    }
    (void)metric.close();
  }
  CHECK(test::allocations() == before);
}

TEST_CASE("a draw that nothing depends on today is left out and moves no other", "[engine]") {
  const auto plan = september({}, 256);
  engine::BlockWorkspace work(plan);
  engine::open_block(plan, 0, work);
  const auto addressed = [&](std::uint32_t day, random::Stream stream) {
    ColumnData column;
    random::draw_normals(plan.seed, 0, day, stream, 0, column);
    return column;
  };
  int period_ends = 0;
  for (std::uint32_t day = 1; day < plan.days.size(); ++day) {
    engine::simulate_day(plan, 0, day, work);
    const bool is_period_end = plan.days[day].context.is_period_end;
    CHECK(work.draws.rate_noise == addressed(day, random::Stream::rate_noise));
    CHECK(work.draws.tail_width == addressed(day, random::Stream::tail_width));
    CHECK((work.draws.pullback == addressed(day, random::Stream::pullback)) == is_period_end);
    CHECK((work.draws.other_sales == addressed(day, random::Stream::other_sales)) == model::others_sell(work.flows));
    period_ends += is_period_end;
  }
  CHECK(period_ends > 0);
}

TEST_CASE("the Fed's sheet balances to the cent on every path and day", "[engine]") {
  const auto plan = september({"shocks.tga-build.size={normal: {mean: 40 bn USD, sd: 25 bn USD}}"}, 256);
  engine::BlockWorkspace work(plan);
  engine::open_block(plan, 0, work);
  for (std::uint32_t day = 0; day < plan.days.size(); ++day) {
    if (day > 0) engine::simulate_day(plan, 0, day, work);
    for (std::size_t i = 0; i < kBlockPaths; ++i) REQUIRE(model::imbalance(work.state.sheet, i) == 0);
  }
}

TEST_CASE("the opening day is the same on every path and shows what the scenario says", "[engine]") {
  const auto plan = september({}, 256);
  engine::BlockWorkspace work(plan);
  engine::open_block(plan, 0, work);
  for (const auto& spec : kVariables) {
    ColumnData value;
    engine::observe(plan, 0, spec.variable, work, value);
    INFO(spec.name);
    if (spec.variable == Variable::hf_equity) continue;  // leverage differs between paths: the base of hf_return
    for (std::size_t i = 1; i < kBlockPaths; ++i) REQUIRE((value[i] == value[0] || std::isnan(value[0])));
    if (spec.variable == Variable::spread) CHECK(value[0] == Approx(5.0));
    if (spec.variable == Variable::sofr) CHECK(value[0] == Approx(2.15));
    if (spec.variable == Variable::reserves) CHECK(value[0] == Approx(1458.666));
    if (spec.variable == Variable::basis_position) CHECK(value[0] == Approx(550.0));
    if (spec.variable == Variable::basis_sales) CHECK(value[0] == 0.0);
    if (spec.variable == Variable::hf_return) CHECK(value[0] == 0.0);
  }
}

TEST_CASE("a basis trade of nothing leaves every variable finite", "[engine]") {
  const auto plan = september({"basis_trade.position=0 bn USD"}, 256);
  engine::BlockWorkspace work(plan);
  engine::open_block(plan, 0, work);
  for (std::uint32_t day = 1; day < plan.days.size(); ++day) {
    engine::simulate_day(plan, 0, day, work);
    ColumnData value;
    engine::observe(plan, day, Variable::hf_return, work, value);
    for (const double x : value) REQUIRE(x == 0.0);
    engine::observe(plan, day, Variable::basis_position, work, value);
    for (const double x : value) REQUIRE(x == 0.0);
  }
}

TEST_CASE("storage rounds to powers of two below the precision", "[engine]") {
  const double quantum = engine::storage_quantum(Variable::spread, 0.01, 0.001);
  CHECK(quantum == 0x1p-7);
  CHECK(engine::storage_quantum(Variable::sofr, 0.01, 0.001) == 0x1p-14);
  CHECK(engine::storage_quantum(Variable::reserves, 0.01, 0.001) == 0x1p-10);
  CHECK(engine::storage_quantum(Variable::reserves, 0.01, 0.0) == 0.0);
  for (const double x : {0.0, 0.003, -0.004, 17.123456, -3.3, 2999.99}) {
    CHECK(std::abs(static_cast<double>(engine::round_to(x, quantum)) - x) <= 0.5 * quantum);
    CHECK(engine::round_to(x, 0.0) == static_cast<float>(x));
  }
  CHECK(std::isnan(engine::round_to(std::nan(""), quantum)));
}
