/// What the Fed's facilities book at what cleared.
///
///   SRF  = max over the sessions of L_srf(x + d),  TOMO likewise
///   RRP  = (C - L_mmf(min(x_am, x_pm)))+ + psi p at a period end
///   offer in the afternoon = A + the emergency operation where s_am exceeds its trigger
///
/// Units   USD bn, bp      Source  docs/model.md, section 2 "Facilities"
#pragma once

#include <span>

#include "repoquake/core/column.hpp"
#include "repoquake/model/clearing.hpp"
#include "repoquake/model/state.hpp"

namespace repoquake::model {

/// Cash of money funds and GSEs: C = max(C_{t-1} + change, 0); a cut at 0 is flagged.
void move_mmf_cash(const DayFlows&, PathState&, std::span<std::uint32_t, kBlockPaths> flags) noexcept;

/// Take-up of the standing repo facility and of operations in a session.
void take_up_facilities(const SessionTerms&, const SessionColumns&, ConstColumn clearing, Column standing_repo,
                        Column operations) noexcept;

/// Operations on offer in the afternoon: the morning's, and a same-day one where the morning was tight.
void offer_operations(const DayContext&, ConstColumn am_spread, ConstColumn offer, Column late_offer,
                      std::span<std::uint32_t, kBlockPaths> flags) noexcept;

/// End-of-day ON RRP.
void place_at_on_rrp(const ModelParams&, const DayContext&, const SessionTerms&, ConstColumn am_clearing,
                     ConstColumn pm_clearing, const PathState&, Column on_rrp) noexcept;

}  // namespace repoquake::model
