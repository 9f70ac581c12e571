/// Dealers: the mark-up they charge when their balance sheets fill, and how they take on what others sell.
///
///   D0 = (1 - decay) D_{t-1};   d = d_e + d_1 (D0 / (D_bar V U_D + shock))^2,  capacity at least 5 % of the usual
///   D  = (D0 + omega_d (X + S - B))+;   hfN = 0.93 hfN_{t-1} + (D - D0) - S
///   H  = max(p_H H_{t-1}, h_bar (1 - exp(-(max(s_pm, s_am) - 20)+ / h_s)))
///
/// Units   D, X, S, B, hfN [USD bn]; d, s [bp]
/// Source  docs/model.md, section 2 "Clearing", "Feedback, for tomorrow", "Precaution"
#pragma once

#include "repoquake/core/column.hpp"
#include "repoquake/model/params.hpp"
#include "repoquake/model/state.hpp"

namespace repoquake::model {

/// The day's mark-up; lets a day's share of the inventory go first.
void mark_up(const ModelParams&, const DayContext&, const DayFlows&, PathState&, Column markup) noexcept;

/// The morning's reported rate: sticky customers still pay yesterday's.
/// s_am = (1 - chi)(x_am + d) + chi (s_am_{t-1} - dIORB)
void price_morning(const ModelParams&, const DayContext&, ConstColumn clearing, ConstColumn markup,
                   PathState&) noexcept;

/// Takes on sales (`external_sales` = X - B) and leaves the need that must be financed tomorrow.
void absorb_sales(const ModelParams&, ConstColumn fund_sales, ConstColumn external_sales, PathState&) noexcept;

/// Hoarding of reserves after a stressed day.
void take_precaution(const ModelParams&, PathState&) noexcept;

}  // namespace repoquake::model
