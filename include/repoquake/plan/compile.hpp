/// Scenario -> Plan: dates become rows, rates become spreads, series become flows.
///
/// Errors: what only shows when a scenario is put together (correlations that cannot be, two shocks whose names share a
/// draw) comes back as Issues, and no plan. Everything `scenario::validate` can see must have been seen before.
#pragma once

#include <optional>
#include <vector>

#include "repoquake/core/error.hpp"
#include "repoquake/plan/plan.hpp"
#include "repoquake/scenario/scenario.hpp"

namespace repoquake::plan {

struct Compiled {
  std::optional<Plan> plan;  ///< nothing if there are issues
  std::vector<Issue> issues;
};

/// `base`: the scenario whose need is held, where `market.need` is `hold`.
[[nodiscard]] Compiled compile(const scenario::Scenario& scenario, const scenario::Scenario* base = nullptr);

/// The funding need of the representative path on the opening day, USD bn.
[[nodiscard]] UsdBn opening_need(const Plan& plan) noexcept;

/// Kernel constants from the parameter table and the market's size.
[[nodiscard]] model::ModelParams model_params(const scenario::ParameterValues& values, UsdBn repo_volume,
                                              UsdBn bank_assets);

}  // namespace repoquake::plan
