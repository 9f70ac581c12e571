/// Funding need that comes to the market on a day.
///
///   N = N_bar + z + cpn + tgaN + p + hfN - gse cash + repo-demand shocks
///   z    = rho_N z_{t-1} + sigma_N V eps,                  eps a unit-variance Student-t
///   cpn  = (1 - delta_c) cpn_{t-1} + nu_c coupons + nu_b bills
///   tgaN = 0.9 tgaN_{t-1} + nu_T dTGA
///   p    = pi_e V exp(sigma_pi xi - sigma_pi^2/2) at a period end, c_pi p_{t-1} the day after, else 0
///
/// Units   USD bn      Shapes  columns of a block
/// Source  docs/model.md, section 2 "Need"
#pragma once

#include "repoquake/core/column.hpp"
#include "repoquake/model/params.hpp"
#include "repoquake/model/state.hpp"

namespace repoquake::model {

/// Moves z, cpn, tgaN, p on by a day and writes the morning's need.
void form_need(const ModelParams&, const DayContext&, const DayFlows&, const DayDraws&, PathState&,
               Column need) noexcept;

/// The afternoon's: N + sigma_pm V eps'.
void add_late_need(const ModelParams&, const DayDraws&, ConstColumn need, Column late_need) noexcept;

}  // namespace repoquake::model
