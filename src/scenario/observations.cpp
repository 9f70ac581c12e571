#include "repoquake/scenario/observations.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace repoquake::scenario {
namespace {

constexpr auto kObserved = std::to_array<std::pair<std::string_view, Variable>>({
    {"sofr_pct", Variable::sofr},
    {"sofr_p1_pct", Variable::sofr_p1},
    {"sofr_p25_pct", Variable::sofr_p25},
    {"sofr_p75_pct", Variable::sofr_p75},
    {"sofr_p99_pct", Variable::sofr_p99},
    {"tgcr_pct", Variable::tgcr},
    {"effr_pct", Variable::effr},
    {"on_rrp_usd_bn", Variable::on_rrp},
    {"standing_repo_usd_bn", Variable::standing_repo},
    {"repo_operations_usd_bn", Variable::repo_operations},
    {"reserves_usd_bn", Variable::reserves},
});

}  // namespace

bool is_replaced_by_draws(const Scenario& s, std::string_view column) noexcept {
  if (column == "tga_usd_bn") return s.policy.tga.target.has_value();
  if (column == "net_coupons_usd_bn" || column == "net_bills_usd_bn") return s.drivers.settlements.is_drawn;
  if (column == "treasury_volatility_bp") return s.drivers.volatility.is_drawn;
  if (column == "other_factors_drain_usd_bn") return s.drivers.other_factors.is_drawn;
  return false;
}

const AdministeredRates& rates_on(const Policy& policy, Date date) {
  const auto& all = policy.administered_rates;
  const auto after = std::ranges::upper_bound(all, date, {}, &AdministeredRates::from);
  return after == all.begin() ? *after : *(after - 1);
}

std::vector<Observation> observations(const Scenario& s) {
  std::vector<Observation> found;
  if (!s.series) return found;
  if (const auto* sofr = s.series->find("sofr_pct")) {
    Observation spread{Variable::spread, sofr->values};
    for (std::size_t row = 0; row < spread.values.size(); ++row)
      if (auto& value = spread.values[row])
        value = (*value - rates_on(s.policy, s.series->dates[row]).iorb) * kBpPerPercent;
    found.push_back(std::move(spread));
  }
  for (const auto& [column, variable] : kObserved)
    if (const auto* values = s.series->find(column)) found.push_back({variable, values->values});
  return found;
}

}  // namespace repoquake::scenario
