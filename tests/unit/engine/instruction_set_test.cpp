#include "repoquake/engine/instruction_set.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "fixtures.hpp"
#include "repoquake/engine/simulate_block.hpp"

using namespace repoquake;
using engine::InstructionSet;

namespace {

template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// Everything that paths leave behind.
bool are_equal(const engine::ChunkResult& a, const engine::ChunkResult& b) {
  return same_bytes(a.paths, b.paths) && same_bytes(a.features, b.features) && a.days_above == b.days_above &&
         a.flags == b.flags && a.events == b.events && a.moments == b.moments && a.bins == b.bins &&
         a.bin_ranges == b.bin_ranges && a.exceedances == b.exceedances && a.flag_days == b.flag_days &&
         same_bytes(a.metrics, b.metrics) && a.metric_parts == b.metric_parts && a.metric_bins == b.metric_bins;
}

engine::ChunkResult chunk_on(InstructionSet set, const plan::Plan& plan) {
  engine::BlockWorkspace work(plan, set);
  return engine::simulate_chunk(plan, engine::manifest_of(plan), 0, work);
}

}  // namespace

TEST_CASE("every instruction set gives the same bits", "[engine][instruction_set]") {
  const auto plan = GENERATE(
      fixtures::september({"output.variables=all", "metrics=[{id: a, expr: mean(max(spread))}]"}, 700),
      fixtures::september(fixtures::with_rules(fixtures::with_drivers()), 512),
      fixtures::september({"model.need.degrees_of_freedom=5",
                           "shocks.tga-build.size={normal: {mean: 40 bn USD, sd: 25 "
                           "bn USD}}"},
                          512),
      fixtures::library("mar_2020", {"output.variables=all"}, 512),
      fixtures::library("fall_2025", {"output.variables=all"}, 512), fixtures::library("baseline_2026", {}, 256));
  const engine::ChunkResult expected = chunk_on(InstructionSet::portable, plan);
  for (const InstructionSet set : engine::instruction_sets()) {
    INFO(engine::name_of(set));
    CHECK(are_equal(chunk_on(set, plan), expected));
  }
}

TEST_CASE("control: one path of another seed is seen", "[engine][instruction_set]") {
  auto plan = fixtures::september({}, 512);
  const engine::ChunkResult expected = chunk_on(InstructionSet::portable, plan);
  auto changed = expected;
  changed.features.back() = std::nextafter(changed.features.back(), 1e9);
  CHECK_FALSE(are_equal(changed, expected));
  plan.seed += 1;
  CHECK_FALSE(are_equal(chunk_on(engine::instruction_sets().back(), plan), expected));
}

TEST_CASE("an instruction set is chosen by name, the widest without one", "[engine][instruction_set]") {
  const auto sets = engine::instruction_sets();
  REQUIRE_FALSE(sets.empty());
  CHECK(sets.front() == InstructionSet::portable);
  CHECK(std::ranges::is_sorted(sets));
  CHECK(engine::instruction_set_named("") == sets.back());
  for (const InstructionSet set : sets) CHECK(engine::instruction_set_named(engine::name_of(set)) == set);
  CHECK_THROWS_WITH(engine::instruction_set_named("x86-64-v5"),
                    Catch::Matchers::Contains("no instruction set 'x86-64-v5'") &&
                        Catch::Matchers::Contains(std::string(engine::name_of(sets.back()))));
}
