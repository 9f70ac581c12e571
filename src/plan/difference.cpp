#include "repoquake/plan/difference.hpp"

#include <algorithm>

#include "repoquake/core/contract.hpp"

namespace repoquake::plan {
namespace {

constexpr std::size_t kNever = ~std::size_t{0};

/// Whether the scenario has rules at all, or may move rates, matters on the days on which it does.
model::DayContext without_hints(model::DayContext context) {
  context.has_rules = context.moves_rates = false;
  return context;
}

/// On the opening day no rule acts.
model::OpeningMarket without_rules(model::OpeningMarket market) {
  market.day = without_hints(market.day);
  market.day.rules = {};
  return market;
}
model::Opening without_rules(model::Opening opening) {
  opening.own = without_rules(opening.own);
  opening.base = without_rules(opening.base);
  return opening;
}

std::size_t first_day_of(const PlanShock& shock) {
  if (!shock.is_random() && shock.location == 0.0) return kNever;
  const auto acts = std::ranges::find_if(shock.profile, [](double share) { return share != 0.0; });
  if (acts == shock.profile.end()) return kNever;
  return shock.first_start + static_cast<std::size_t>(acts - shock.profile.begin());
}

/// The first day of the shocks of `a` that `b` does not have just so.
std::size_t first_foreign_shock(const Plan& a, const Plan& b) {
  std::size_t first = kNever;
  for (const PlanShock& shock : a.shocks)
    if (std::ranges::find(b.shocks, shock) == b.shocks.end()) first = std::min(first, first_day_of(shock));
  return first;
}

}  // namespace

std::optional<std::size_t> first_difference(const Plan& a, const Plan& b) {
  RQ_EXPECT(a.days.size() == b.days.size());
  if (a.seed != b.seed || a.sampling != b.sampling || a.params != b.params ||
      without_rules(a.opening) != without_rules(b.opening) || a.drivers != b.drivers ||
      a.driver_correlation != b.driver_correlation || a.correlation != b.correlation)
    return 0;
  std::size_t first = std::min(first_foreign_shock(a, b), first_foreign_shock(b, a));
  for (std::size_t row = 1; row < std::min(first, a.days.size()); ++row) {
    const PlanDay &one = a.days[row], &other = b.days[row];
    RQ_EXPECT(one.date == other.date);
    if (without_hints(one.context) != without_hints(other.context) || one.flows != other.flows ||
        one.drivers != other.drivers) {
      first = row;
      break;
    }
  }
  return first < a.days.size() ? std::optional(first) : std::nullopt;
}

}  // namespace repoquake::plan
