/// Named, switchable, sweepable shocks; each adds to one target.
#pragma once

#include <optional>
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
  volatility,            ///< level of Treasury volatility; from its date on, or within its window
  iorb,                  ///< move of IORB and, with it, of the ON RRP rate and of all that is quoted over IORB
  dealer_capacity,       ///< level of dealers' capacity for fire-sale inventory; from its date on, or within its window
  net_coupons,           ///< flow of net coupon settlements
  net_bills,             ///< flow of net bill settlements
  securities,            ///< flow of securities onto the Fed's sheet
  fed_purchases          ///< Treasuries that the Fed buys in the market on the day
};

/// A size: a constant or a distribution, in the target's unit (USD bn; bp for yield and volatility).
struct ShockSize {
  enum class Law { constant, normal, lognormal, student_t, uniform, discrete, empirical };
  Law law = Law::constant;
  double location = 0.0;              ///< constant; mean (normal); median (lognormal); centre (t); low (uniform)
  double scale = 0.0;                 ///< sd (normal); log sd (lognormal); scale (t); high (uniform)
  double degrees_of_freedom = 0.0;    ///< t only
  std::vector<double> values{};       ///< discrete; empirical: read from the file
  std::vector<double> weights{};      ///< discrete: of the values, any positive scale; empty: equal
  std::string file{};                 ///< empirical: CSV, relative to the file that names it
  std::string column{};               ///< empirical
  std::optional<double> clip_low{};   ///< a size below this is this
  std::optional<double> clip_high{};  ///< a size above this is this

  [[nodiscard]] bool is_random() const noexcept { return law != Law::constant; }
  bool operator==(const ShockSize&) const = default;
};

/// How the size is laid over the days of the window.
enum class ShockShape {
  step,   ///< all on the first day (flow); the same level on each day (level)
  ramp,   ///< equal parts on each day of the window (flows only)
  pulse,  ///< a level that starts at the size and halves every half_life
  level,  ///< a flow that is taken back on the day after the window: the level is higher within it (flows only)
  path    ///< shares of the size, day by day from the first
};

struct Shock {
  std::string id;
  bool enabled = true;
  ShockTarget target = ShockTarget::tga;
  Date first{};
  Date last{};                   ///< first = last where a date was given
  bool has_window = false;       ///< written as `window:`
  bool has_random_date = false;  ///< starts on a publication day drawn between first and last, all equally likely
  double probability = 1.0;      ///< with which it happens at all
  ShockShape shape = ShockShape::step;
  double half_life_days = 0.0;
  std::vector<double> shares{};  ///< of a path
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

/// What is done where the correlations of a scenario cannot be.
enum class CorrelationRepair { refuse, nearest };

/// bp for yield, volatility and iorb, USD bn otherwise.
[[nodiscard]] constexpr Unit shock_unit(ShockTarget target) noexcept {
  const bool is_bp = target == ShockTarget::yield || target == ShockTarget::volatility || target == ShockTarget::iorb;
  return is_bp ? Unit::bp : Unit::usd_bn;
}

/// Is the target a level within a window rather than a flow of a day?
[[nodiscard]] constexpr bool is_level(ShockTarget target) noexcept {
  return target == ShockTarget::repo_demand || target == ShockTarget::volatility ||
         target == ShockTarget::dealer_capacity;
}

/// Does a level that starts on a date stay from then on?
[[nodiscard]] constexpr bool stays_from_its_date(ShockTarget target) noexcept {
  return target == ShockTarget::volatility || target == ShockTarget::dealer_capacity;
}

}  // namespace repoquake::scenario
