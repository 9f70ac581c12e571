/// Whose funding need a scenario keeps that is held against a base: a point of a sweep, the other world of a comparison.
/// Policy changes, the need does not: it is the base's, unless the scenario says otherwise.
///
///   the need is stated      as stated
///   a value of model: differs   inverted again: another belief must still match the opening
///   else                    as in the base: its own need, an amount it states, or that of whom it holds
#pragma once

#include <optional>
#include <vector>

#include "repoquake/core/error.hpp"
#include "repoquake/scenario/scenario.hpp"

namespace repoquake::study {

struct HeldNeed {
  scenario::Scenario scenario;             ///< as asked, with the need that it keeps
  std::optional<scenario::Scenario> base;  ///< whose need it is, where `market.need` is hold: for plan::compile
  std::vector<Issue> issues;               ///< spreads that differ from those of the need
};

/// `asked_base`, `base_of_base`: whose need is held where the scenario, or the base, holds one itself.
/// `need_is_stated`: the scenario says what its `market.need` is; it is not the default.
[[nodiscard]] HeldNeed hold_need(scenario::Scenario asked, const std::optional<scenario::Scenario>& asked_base,
                                 const scenario::Scenario& base, const std::optional<scenario::Scenario>& base_of_base,
                                 bool need_is_stated);

}  // namespace repoquake::study
