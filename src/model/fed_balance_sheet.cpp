#include "repoquake/model/fed_balance_sheet.hpp"

#include "repoquake/core/contract.hpp"

namespace repoquake::model {

void drain_reserves(const DayFlows& f, Column drain) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    drain[i] = f.tga[i] + f.currency[i] + f.foreign_rrp[i] + f.other_liabilities[i] - f.securities[i];
}

void reserves_before_noon(const ModelParams& params, const FedSheet& sheet, ConstColumn drain,
                          Column reserves) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    reserves[i] = to_usd_bn(sheet.reserves[i]) - params.need.anticipated_drain * drain[i];
}

void reserves_after_noon(const FedSheet& sheet, ConstColumn drain, ConstColumn am_standing_repo,
                         ConstColumn am_operations, Column reserves) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    reserves[i] = to_usd_bn(sheet.reserves[i]) - drain[i] + (am_standing_repo[i] - to_usd_bn(sheet.standing_repo[i])) +
                  (am_operations[i] - to_usd_bn(sheet.repo_operations[i]));
}

void settle(const DayFlows& flows, const FacilityLevels& levels, FedSheet& sheet) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const Cents securities = to_cents(flows.securities[i]);
    const Cents tga = to_cents(flows.tga[i]);
    const Cents currency = to_cents(flows.currency[i]);
    const Cents foreign_rrp = to_cents(flows.foreign_rrp[i]);
    const Cents other = to_cents(flows.other_liabilities[i]);
    const Cents standing_repo = to_cents(levels.standing_repo[i]) - sheet.standing_repo[i];
    const Cents repo_operations = to_cents(levels.repo_operations[i]) - sheet.repo_operations[i];
    const Cents on_rrp = to_cents(levels.on_rrp[i]) - sheet.on_rrp[i];
    sheet.securities[i] += securities;
    sheet.standing_repo[i] += standing_repo;
    sheet.repo_operations[i] += repo_operations;
    sheet.tga[i] += tga;
    sheet.currency[i] += currency;
    sheet.foreign_rrp[i] += foreign_rrp;
    sheet.on_rrp[i] += on_rrp;
    sheet.other_liabilities[i] += other;
    sheet.reserves[i] += securities + repo_operations + standing_repo - tga - on_rrp - foreign_rrp - currency - other;
    RQ_ENSURE(imbalance(sheet, i) == 0);
  }
}

Cents imbalance(const FedSheet& s, std::size_t i) noexcept {
  return s.securities[i] + s.repo_operations[i] + s.standing_repo[i] + s.other_assets[i] - s.reserves[i] - s.tga[i] -
         s.on_rrp[i] - s.foreign_rrp[i] - s.currency[i] - s.other_liabilities[i];
}

}  // namespace repoquake::model
