#include "repoquake/scenario/policy_rules.hpp"

#include <algorithm>
#include <string>

#include "repoquake/core/contract.hpp"

namespace repoquake::scenario {
namespace {

using enum Unit;
using enum Rule;

constexpr auto kTable = std::to_array<RuleParameterSpec>({
    {emergency_repo, "trigger", bp, 60, 0, 3000, "morning spread above which a same-day afternoon operation comes"},
    {emergency_repo, "size", usd_bn, 53, 0, 50000, "of the afternoon operation"},
    {emergency_repo, "morning_size", usd_bn, 75, 0, 50000, "of the operation on the next morning"},
    {emergency_repo, "growth", none, 1.4, 1, 10, "factor on the size after a morning with full use"},
    {emergency_repo, "full_use", none, 0.95, 0, 1, "share of the size that counts as full use"},
    {emergency_repo, "idle_use", none, 0.5, 0, 1, "share of the size below which use is little"},
    {emergency_repo, "idle_days", business_days, 5, 1, 250, "in a row with little use, after which the size is cut"},
    {emergency_repo, "cut", none, 0.5, 0, 1, "share by which the size is cut"},
    {large_scale_repo, "volatility_rise", bp, 40, 0, 1000, "five-day rise of Treasury volatility that triggers it"},
    {large_scale_repo, "basis", bp, 15, 0, 1000, "futures basis dislocation that triggers it"},
    {large_scale_repo, "size", usd_bn, 500, 0, 50000, "offered each morning"},
    {large_scale_repo, "days", business_days, 20, 1, 2600, "mornings on which it is offered after the last trigger"},
    {runoff_stop, "trigger", bp, 5, -100, 3000, "20-day mean spread above which a meeting stops run-off"},
    {runoff_stop, "lag", business_days, 22, 0, 250, "from the announcement to the stop"},
    {reserve_management_purchases, "trigger", bp, 5, -100, 3000, "20-day mean spread that triggers purchases"},
    {reserve_management_purchases, "reserves_ratio", none, 0.12, 0, 1, "reserves over bank assets, must be below it"},
    {reserve_management_purchases, "pace", usd_bn_month, 40, 0, 5000, "bought a month"},
    {reserve_management_purchases, "lag", business_days, 1, 1, 250, "from the trigger to the first purchase"},
    {reserve_management_purchases, "taper", business_days, 20, 1, 2600, "with a mean below 0 that end the purchases"},
    {large_purchases, "yield_impact", bp, 25, 0, 1000, "10-year yield impact that triggers purchases"},
    {large_purchases, "basis", bp, 25, 0, 1000, "futures basis dislocation that triggers purchases"},
    {large_purchases, "first_day", usd_bn, 40, 0, 5000, "bought on the first day"},
    {large_purchases, "full_size", usd_bn, 75, 0, 5000, "bought a day after the ramp"},
    {large_purchases, "ramp", business_days, 4, 1, 250, "from the first day to the full size"},
    {large_purchases, "stop_basis", bp, 5, 0, 1000, "futures basis dislocation below which purchases stop"},
    {administered_rates, "trigger", bp, 5, -100, 3000, "20-day mean spread above which a meeting lowers both rates"},
    {administered_rates, "step", bp, 5, 0, 100, "by which IORB and the ON RRP rate are lowered"},
});

}  // namespace

std::span<const RuleParameterSpec> rule_parameters() noexcept { return kTable; }

PolicyRules::PolicyRules() {
  values_.reserve(kTable.size());
  for (const auto& spec : kTable) values_.push_back(spec.default_value);
}

bool PolicyRules::any_enabled() const noexcept { return std::ranges::any_of(rules_, &PolicyRule::enabled); }

double PolicyRules::at(Rule rule, std::string_view key) const {
  const auto row = std::ranges::find_if(kTable, [&](const auto& spec) { return spec.rule == rule && spec.key == key; });
  if (row == kTable.end()) throw LogicError("no rule parameter is called " + std::string(key));
  return values_[static_cast<std::size_t>(row - kTable.begin())];
}

}  // namespace repoquake::scenario
