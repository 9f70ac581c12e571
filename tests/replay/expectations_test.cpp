// The replays against the `expect:` entries of their own scenarios, 8,000 paths.

#include <algorithm>
#include <string>

#include <catch2/catch.hpp>

#include "repoquake/engine/run.hpp"
#include "repoquake/io/scenario_yaml.hpp"
#include "repoquake/plan/compile.hpp"
#include "repoquake/report/tables.hpp"

using namespace repoquake;

namespace {

struct Replay {
  scenario::Scenario scenario;
  engine::RunSummary run;
};

Replay replay(const std::string& name) {
  auto loaded = io::load_scenario(std::string(REPOQUAKE_SOURCE_DIR) + "/scenarios/" + name + ".yaml",
                                  {.overlays = {}, .settings = {"output.paths=none"}, .paths = 8000, .seed = {}});
  io::require_valid(loaded);
  const auto compiled = plan::compile(loaded.scenario);
  REQUIRE(compiled.plan.has_value());
  engine::Sink nowhere;
  return {loaded.scenario, engine::run(*compiled.plan, {}, nowhere)};
}

std::size_t missed(const Replay& replay) {
  const auto outcomes = report::check_expectations(replay.run, replay.scenario);
  return static_cast<std::size_t>(std::ranges::count(outcomes, false, &report::ExpectationOutcome::is_met));
}

}  // namespace

TEST_CASE("each replay meets what its scenario expects, and misses what is false", "[replay]") {
  const std::string name = GENERATE("sep_2019", "mar_2020", "fall_2025");
  auto subject = replay(name);
  INFO(name << report::expectations_table(report::check_expectations(subject.run, subject.scenario)));
  REQUIRE(subject.scenario.expect.size() >= 3);
  CHECK(missed(subject) == 0);

  SECTION("control: values far above every band are missed") {
    for (auto& e : subject.scenario.expect) e.observed *= 100.0;
    CHECK(missed(subject) == subject.scenario.expect.size());
  }
}

TEST_CASE("the band of an expectation may end at the extremes", "[replay]") {
  auto subject = replay("sep_2019");
  auto e = subject.scenario.expect.front();
  const auto& all = subject.run.manifest.statistics;
  const auto place = static_cast<std::size_t>(std::ranges::find(all, e.variable) - all.begin());
  e.low = 0.0;
  e.high = 1.0;
  e.observed = subject.run.stats.moments(place, 3).max;
  auto beyond = e;
  beyond.observed += 0.01;
  subject.scenario.expect = {e, beyond};
  const auto outcomes = report::check_expectations(subject.run, subject.scenario);
  CHECK(outcomes[0].is_met);
  SECTION("control: a value beyond the extreme is missed") { CHECK_FALSE(outcomes[1].is_met); }
}
