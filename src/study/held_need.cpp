#include "repoquake/study/held_need.hpp"

#include <utility>

namespace repoquake::study {
namespace {

using scenario::NeedRule;

/// Equal numbers; whether a file states one or leaves it at its default does not matter.
bool have_same_values(const scenario::ParameterValues& a, const scenario::ParameterValues& b) {
  for (std::size_t row = 0; row < scenario::parameter_table().size(); ++row)
    if (a[row] != b[row]) return false;
  return true;
}

}  // namespace

HeldNeed hold_need(scenario::Scenario asked, const std::optional<scenario::Scenario>& asked_base,
                   const scenario::Scenario& base, const std::optional<scenario::Scenario>& base_of_base,
                   bool need_is_stated) {
  HeldNeed held{std::move(asked), asked_base, {}};
  if (need_is_stated || !have_same_values(held.scenario.model, base.model)) return held;

  auto& market = held.scenario.market;
  if (base.market.need == NeedRule::amount) {
    market.need = NeedRule::amount;
    market.need_amount = base.market.need_amount;
    return held;
  }
  market.need = NeedRule::hold;
  held.base = base.market.need == NeedRule::hold ? base_of_base : base;
  if (!held.base) return held;  // plan::compile complains
  const auto complain = [&](const char* key) {
    held.issues.push_back({key,
                           "differs from that of the base, whose need is held: the opening follows from the need; "
                           "write market: {need: invert} to match another spread"});
  };
  if (market.opening_spread != held.base->market.opening_spread) complain("market.opening_spread");
  const bool states_trend = market.trend_spread.has_value();
  if (states_trend && held.scenario.trend_spread() != held.base->trend_spread()) complain("market.trend_spread");
  return held;
}

}  // namespace repoquake::study
