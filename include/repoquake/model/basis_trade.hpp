/// The cash-futures basis trade: leveraged cohorts, margin calls, sales that move the price that margins are called on.
///
///   mu     = h + m0 max(MOVE_e/60, 1/2)^beta_m + (1 - v) Dur (-dy)+ / 1e4                     margin per notional
///   E_i   -= Q_i (s_am - s_open)/1e4/360 x calendar days                                     funding
///   q      = clip(v_s ln+(MOVE_e/MOVE_slow) + 0.05 (fs - 60)+/60, 0, 0.2)                    voluntary exit
///   b'     = max((1 - r_b) b + lambda (X - B + sum S_i), 0),  lambda = lambda_0 (max(vol, MOVE_e)/60)^beta_l
///   loss_i = Q_i (b' - b)/1e4
///   S_i    = max(q Q_i, Q_i - (E_i - loss_i)+/(mu (1 + g_tgt)))  where E_i - loss_i < mu (1 + g_trig)(1 - q) Q_i,
///            q Q_i elsewhere; at most 0.3 Q_i
///
/// The map from total sales to itself rises and jumps at each cohort's trigger, so it can have several fixed points; the
/// day takes the least one at or above sum q Q_i, reached from below.
///
/// Units   Q, E, S, X, B [USD bn]; b, dy [bp]; lambda [bp/bn]; margins per notional
/// Source  docs/model.md, section 2 "Funds"; Brunnermeier and Pedersen (2009), Cont and Schaanning (2017) for the loop
#pragma once

#include <span>

#include "repoquake/core/column.hpp"
#include "repoquake/model/params.hpp"
#include "repoquake/model/state.hpp"

namespace repoquake::model {

/// Opening cohorts of every path: leverage is log-normal across cohorts, times exp(uncertainty xi) across paths.
/// Writes funds, opening_equity.
void open_funds(const ModelParams&, UsdBn position, double opening_volatility_bp, ConstColumn leverage_draw,
                PathState&) noexcept;

/// Does anybody but the funds sell today, on any path? If not, draws.other_sales is not read.
[[nodiscard]] bool others_sell(const DayFlows&) noexcept;

/// A funds' day: volatility averages, funding, exit, sales, losses, yield impact.
void trade_basis(const ModelParams&, const DayContext&, const DayFlows&, const DayDraws&, PathState&,
                 DayOutcome&) noexcept;

/// What the sales of one path's funds depend on, once the day's prices are known.
struct SalesTerms {
  double margin;          ///< mu
  double exit_share;      ///< q
  double impact;          ///< lambda, bp/bn
  double basis;           ///< b before, bp
  double external_sales;  ///< X - B, bn
};

/// Total sales if everyone believes total sales are `believed`: the map whose least fixed point is the day's sales.
/// `notional` and `equity` hold one path's cohorts. Pre: as many of one as of the other, kMostCohorts at most.
[[nodiscard]] UsdBn sales_response(const ModelParams::BasisTrade&, const SalesTerms&, std::span<const double> notional,
                                   std::span<const double> equity, UsdBn believed) noexcept;

/// The least fixed point of `sales_response` at or above the voluntary sales, to 1e-9 bn, from below. Between triggers
/// the map is linear, so a step solves the piece at hand and stops at its end; at most a few steps per cohort.
/// Pre: as above.
[[nodiscard]] UsdBn least_fixed_point(const ModelParams::BasisTrade&, const SalesTerms&,
                                      std::span<const double> notional, std::span<const double> equity) noexcept;

/// Q lambda / (1e4 M), M = mu (1 + g_tgt): from 1 on, forced sales cause losses faster than they free margin.
[[nodiscard]] double spiral_ratio(const ModelParams::BasisTrade&, UsdBn position, double impact,
                                  double margin) noexcept;

}  // namespace repoquake::model
