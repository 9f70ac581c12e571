/// A scenario of which three results have laws in closed form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/io/scenario_yaml.hpp"
#include "repoquake/model/bank_capacity.hpp"
#include "repoquake/plan/compile.hpp"

namespace repoquake::statistical {

inline constexpr std::uint64_t kPaths = 512;

/// Two quiet days with a stated need. No shock, no period end, no flow.
inline constexpr std::string_view kQuiet = R"(
format: repoquake/scenario/1
name: quiet
title: Two quiet days
window: {start: 2024-03-05, end: 2024-03-06}
market:
  repo_volume: 1000 bn USD
  bank_assets: 20000 bn USD
  opening_spread: 0 bp
  need: 100 bn USD
  mmf_cash: 50 bn USD
  treasury_volatility: 80 bp
fed_balance_sheet:
  securities: 4000 bn USD
  reserves: 2400 bn USD
  tga: 300 bn USD
  on_rrp: 50 bn USD
  foreign_rrp: 200 bn USD
  currency: 1200 bn USD
  other_liabilities: 50 bn USD
policy:
  administered_rates: [{from: 2024-01-02, iorb: 5.40 %, on_rrp: 5.30 %, target: [5.25 %, 5.50 %]}]
  standing_repo: {enabled: false}
basis_trade: {position: 0 bn USD}
output: {paths: none, variables: [spread, repo_need, bank_capacity], thresholds: [-10 bp, -8.5 bp]}
)";

inline plan::Plan quiet(const std::vector<std::string>& settings) {
  const auto loaded = io::parse_scenario(kQuiet, "quiet.yaml", ".",
                                         {.overlays = {}, .settings = settings, .paths = kPaths, .seed = {}});
  io::require_valid(loaded);
  auto compiled = plan::compile(loaded.scenario);
  REQUIRE(compiled.plan.has_value());
  return std::move(*compiled.plan);
}

/// The mean of the opening day's bank capacity.
inline double quiet_capacity(const plan::Plan& plan) {
  return model::lend_capacity(plan.params, 2400.0, 80.0, 0.0, 1.0);
}

}  // namespace repoquake::statistical
