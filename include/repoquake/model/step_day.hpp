/// One business day of a block of paths, in the order in which it happens. The most-read file of the house.
///
/// Day 0 is given (`open_day`); every later day is `step_day`. Both write all that is seen of a day to `DayOutcome`.
/// Nothing is allocated, printed or thrown; what the market does to a path is a PathFlag.
///
/// Source  docs/model.md, section 2
#pragma once

#include "repoquake/model/params.hpp"
#include "repoquake/model/state.hpp"

namespace repoquake::model {

/// Moves every path of the block from yesterday's close to today's. Policy rules add their own to the flows.
void step_day(const ModelParams&, const DayContext&, DayFlows&, const DayDraws&, PathState&, DayOutcome&) noexcept;

/// What the opening day's clearing depends on besides a path's capacity factor U_K.
struct OpeningMarket {
  ModelParams params;
  DayContext day;  ///< of day 0: rates, facility, operations, period end
  UsdBn reserves = 0.0;
  UsdBn cash = 0.0;          ///< money-fund cash
  double volatility = 60.0;  ///< of day 0, bp
  Spread opening_spread = 0.0;
  Spread trend_spread = 0.0;

  bool operator==(const OpeningMarket&) const = default;
};

/// The need that clears an opening market at `spread`: 0 below the floor. Precaution, mark-up and stress elasticity are off.
[[nodiscard]] UsdBn clearing_need(const OpeningMarket&, double capacity_factor, Spread spread) noexcept;

/// Where the need of a run comes from.
enum class OpeningNeed {
  inverted,  ///< clears `own` at its opening and trend spreads; the opening day shows the stated spread
  held,      ///< clears `base` at its spreads; the opening day shows what that need clears at in `own`
  stated     ///< an amount on every path; the opening day shows what it clears at
};

struct Opening {
  OpeningMarket own;
  OpeningMarket base;  ///< where held
  OpeningNeed need = OpeningNeed::inverted;
  UsdBn stated_need = 0.0;
  UsdBn position = 0.0;             ///< of the basis trade
  double volatility_before = 60.0;  ///< bp, starts the averages
  FedSheet sheet;                   ///< the same in every lane

  bool operator==(const Opening&) const = default;
};

/// Path constants are drawn: standard normals.
struct PathDraws {
  ColumnData bank_capacity, dealer_capacity, fund_leverage, sales_scale;
};

/// Sets a block up at the close of day 0 and writes what day 0 shows.
void open_day(const Opening&, const PathDraws&, PathState&, DayOutcome&) noexcept;

}  // namespace repoquake::model
