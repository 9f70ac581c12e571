/// The Federal Reserve's sheet in integer cents: the identity holds exactly on every path and day.
///
///   dR = dSEC + dTOMO + dSRF + dOTHA - dTGA - dRRP - dFRP - dCUR - dOTH,   each flow rounded to cents first
///
/// Units   flows and levels come in USD bn, the sheet is in cents
/// Source  docs/model.md, section 2 "Fed balance sheet"
#pragma once

#include "repoquake/core/column.hpp"
#include "repoquake/model/state.hpp"

namespace repoquake::model {

/// The drain of reserves by the day's flows: dTGA + dCUR + dFRP + dOTH - dSEC, USD bn.
void drain_reserves(const DayFlows&, Column drain) noexcept;

/// Reserves felt in a session, USD bn: opening reserves less a share of the drain, plus facility cash that changed hands.
void reserves_before_noon(const ModelParams&, const FedSheet&, ConstColumn drain, Column reserves) noexcept;
void reserves_after_noon(const FedSheet&, ConstColumn drain, ConstColumn am_standing_repo, ConstColumn am_operations,
                         Column reserves) noexcept;

/// Facilities outstanding at the end of the day, USD bn.
struct FacilityLevels {
  ConstColumn standing_repo, repo_operations, on_rrp;
};

/// Books the day and moves reserves by the identity.
void settle(const DayFlows&, const FacilityLevels&, FedSheet&) noexcept;

/// Assets minus liabilities of one path, cents: 0.
[[nodiscard]] Cents imbalance(const FedSheet&, std::size_t lane) noexcept;

}  // namespace repoquake::model
