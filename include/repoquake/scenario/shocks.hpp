/// Named, switchable, sweepable shocks; each adds to one target.
#pragma once

#include <string>
#include <vector>

#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/scenario/parameters.hpp"

namespace repoquake::scenario {

using calendar::Date;

/// What a shock adds to. A flow is raised on its day, so a level stays changed.
enum class ShockTarget {
  tga,                   ///< flow into the Treasury General Account: drains reserves and nonbank cash
  reserves,              ///< flow of reserves against the Fed's other liabilities
  currency,              ///< flow into currency
  foreign_rrp,           ///< flow into the foreign repo pool
  mmf_cash,              ///< flow of cash with the ON RRP as outside option
  other_treasury_sales,  ///< flow of other investors' sales into dealers
  yield,                 ///< move of the 10-year yield on the day
  repo_demand,           ///< level of funding need, within the window only
  volatility             ///< level of Treasury volatility; from its date on, or within its window
};

/// A size: a constant or a distribution, in the target's unit (USD bn; bp for yield and volatility).
struct ShockSize {
  enum class Law { constant, normal, lognormal, student_t, uniform };
  Law law = Law::constant;
  double location = 0.0;            ///< constant; mean (normal); median (lognormal); centre (t); low (uniform)
  double scale = 0.0;               ///< sd (normal); log sd (lognormal); scale (t); high (uniform)
  double degrees_of_freedom = 0.0;  ///< t only

  [[nodiscard]] bool is_random() const noexcept { return law != Law::constant; }
  bool operator==(const ShockSize&) const = default;
};

/// How the size is laid over the days of the window.
enum class ShockShape {
  step,  ///< all on the first day (flow); the same level on each day (level)
  ramp,  ///< equal parts on each day of the window (flows only)
  pulse  ///< a level that starts at the size and halves every half_life
};

struct Shock {
  std::string id;
  bool enabled = true;
  ShockTarget target = ShockTarget::tga;
  Date first{};
  Date last{};              ///< first = last where a date was given
  bool has_window = false;  ///< written as `window:`
  ShockShape shape = ShockShape::step;
  double half_life_days = 0.0;
  ShockSize size{};

  bool operator==(const Shock&) const = default;
};

/// Correlation of the sizes of two shocks (of the normal scores behind them).
struct ShockCorrelation {
  std::string first;
  std::string second;
  double rho = 0.0;

  bool operator==(const ShockCorrelation&) const = default;
};

/// bp for yield and volatility, USD bn otherwise.
[[nodiscard]] constexpr Unit shock_unit(ShockTarget target) noexcept {
  return target == ShockTarget::yield || target == ShockTarget::volatility ? Unit::bp : Unit::usd_bn;
}

/// Is the target a level within a window rather than a flow of a day?
[[nodiscard]] constexpr bool is_level(ShockTarget target) noexcept {
  return target == ShockTarget::repo_demand || target == ShockTarget::volatility;
}

}  // namespace repoquake::scenario
