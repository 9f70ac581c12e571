/// What the central bank does by itself when markets tighten or break. Each rule looks at what is known at a close and
/// acts from the next day on; slow ones wait for a meeting. Rules look at s_am, never at reported rates.
///
///   emergency repo        s_am > 60 bp: a same-day afternoon operation; next mornings 75 bn, x 1.4 after a morning whose
///                         bids reach 95 % of the size, halved after five days in a row below half use
///   large-scale repo      vol - vol[t-5] > 40 bp or b > 15 bp: 500 bn offered each morning, for 20 days after the last such day
///   run-off stop          20-day mean of s_am > 5 bp: announced at the next meeting, in force 22 days later
///   reserve purchases     the same and R/A < 12 %: 40 bn a month; fades over 20 days with a mean below 0
///   large purchases       (y > 25 bp or b > 25 bp) and b >= 5 bp: 40 to 75 bn a day in four days, until b < 5 bp; on the
///                         sheet a day after they trade
///   rate adjustment       20-day mean of s_am > 5 bp at a meeting: IORB and ON RRP rate 5 bp lower from the next day on
///
/// Before the window the mean takes the trend spread and volatility its level before the window.
///
/// Units   spreads, volatility, y [bp]; b [bp of price]; amounts [USD bn]; days are business days
/// Source  docs/model.md, "Policy that reacts"; New York Fed and FOMC statements of 2019, 2020 and 2025
#pragma once

#include <cstdint>
#include <span>

#include "repoquake/core/column.hpp"
#include "repoquake/model/state.hpp"

namespace repoquake::model {

/// No rule has acted; histories start at what was known before the window.
void open_policy(Spread trend_spread, double volatility_before, PolicyState&) noexcept;

/// Morning: what rules decided goes into the day's flows and into what is offered at the morning's operation.
void apply_policy(const DayContext&, PathState&, DayFlows&, Column offer,
                  std::span<std::uint32_t, kBlockPaths> flags) noexcept;

/// Close: rules see the day and decide what happens from tomorrow on.
void watch_markets(const ModelParams&, const DayContext&, const DayFlows&, PathState&, DayOutcome&) noexcept;

}  // namespace repoquake::model
