/// What will be done: a scenario turned into numbers by day, no strings to look up, no dates to reason about.
/// Built by `compile`, immutable after, shared by all threads.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "repoquake/calendar/day_grid.hpp"
#include "repoquake/core/units.hpp"
#include "repoquake/core/variables.hpp"
#include "repoquake/model/drivers.hpp"
#include "repoquake/model/step_day.hpp"
#include "repoquake/plan/path_program.hpp"
#include "repoquake/random/correlate.hpp"
#include "repoquake/stats/batches.hpp"

namespace repoquake::plan {

/// Flows of a day before shocks, the same on every path. USD bn; volatility and yield change in bp.
struct BaseFlows {
  double tga = 0.0, securities = 0.0, currency = 0.0, foreign_rrp = 0.0, other_liabilities = 0.0, mmf_cash = 0.0;
  double net_coupons = 0.0, net_bills = 0.0;
  double other_sales = 0.0, fed_purchases = 0.0;
  double volatility = 60.0, yield_change = 0.0;

  bool operator==(const BaseFlows&) const = default;
};

struct PlanDay {
  calendar::Date date{};
  model::DayContext context;
  BaseFlows flows;
  model::DriverDay drivers{};  ///< of drawn flows
  calendar::PeriodEnd period_end = calendar::PeriodEnd::none;
  bool is_tax_date = false;

  bool operator==(const PlanDay&) const = default;
};

/// Column of DayFlows that a shock moves.
enum class FlowTarget : std::uint8_t {
  tga,
  other_liabilities,
  currency,
  foreign_rrp,
  mmf_cash,
  other_sales,
  yield_change,
  repo_demand,
  volatility,
  iorb_change,
  dealer_capacity,
  net_coupons,
  net_bills,
  securities,
  fed_purchases
};

/// size ~ law, drawn once a path; the target of day t moves by profile[t - start] * size, start drawn where there are
/// several. A shock that does not happen on a path has size 0 there.
struct PlanShock {
  enum class Law : std::uint8_t { constant, normal, lognormal, student_t, uniform, discrete, empirical };
  std::string id;  ///< for people
  FlowTarget target = FlowTarget::tga;
  Law law = Law::constant;
  double location = 0.0;
  double scale = 0.0;
  double degrees_of_freedom = 0.0;
  std::vector<double> values{};      ///< discrete, empirical
  std::vector<double> cumulative{};  ///< probability of a value up to this one; the last is 1
  double clip_low = -std::numeric_limits<double>::infinity();
  double clip_high = std::numeric_limits<double>::infinity();
  double probability = 1.0;
  std::uint16_t slot = 0;         ///< of Stream::shock_size and shock_date, from the shock's id
  std::uint32_t first_start = 0;  ///< row on which it may start first ...
  std::uint32_t last_start = 0;   ///< ... and last
  std::vector<double> profile{};  ///< by day from the start, sign included; empty: it never acts

  [[nodiscard]] bool is_random() const noexcept { return law != Law::constant || probability < 1.0; }
  [[nodiscard]] bool has_random_start() const noexcept { return last_start > first_start; }

  bool operator==(const PlanShock&) const = default;
};

/// Correlation of normal scores among some of the shocks.
struct ShockCorrelator {
  std::vector<std::size_t> shocks;  ///< places in Plan::shocks
  random::Correlator correlator;

  bool operator==(const ShockCorrelator&) const = default;
};

/// A response of the satellite (scenario/transmission.hpp).
struct PlanPassThrough {
  std::string name, unit, long_name;
  double coefficient = 0.0, low = 0.0, high = 0.0;
};

/// Which paths are kept whole.
struct PlanStoredPaths {
  std::uint64_t sample = 0;  ///< the first so many, ...
  std::uint64_t worst = 0;   ///< ... and those with the largest values of `rank`
  PathProgram rank{};
  std::string by{};    ///< the expression as written
  std::string unit{};  ///< of its values times rank_factor, as in a result
  double rank_factor = 1.0;
};

/// The run ends when the metric's 95 % limits are no further than this from its middle.
struct PlanStop {
  std::size_t metric = 0;   ///< place in Plan::metrics
  double half_width = 0.0;  ///< in the unit the metric is shown in
  std::uint64_t min_paths = 1;
};

/// How the draws of one path depend on those of another.
struct PlanSampling {
  enum class Kind : std::uint8_t { independent, antithetic, net };
  static constexpr std::uint32_t kPairBatches = 32;

  Kind kind = Kind::independent;
  std::uint32_t scrambles = 0;  ///< of nets: a power of two

  /// The paths that may depend on each other.
  [[nodiscard]] constexpr stats::Batching batching() const noexcept {
    if (kind == Kind::antithetic) return {.count = kPairBatches, .run = 2};
    if (kind == Kind::net) return {.count = scrambles, .run = 1};
    return {};
  }
  bool operator==(const PlanSampling&) const = default;
};

struct Plan {
  std::string name;
  std::string title;
  std::uint64_t n_paths = 0;  ///< at most, where there is a rule to stop
  std::uint64_t seed = 0;
  PlanSampling sampling{};
  bool is_conditional = false;  ///< a replay on realised flows
  bool has_rules = false;       ///< policy reacts by itself
  std::string drawn;            ///< flows that are drawn, a clause for people; empty: none
  model::ModelParams params;
  model::Opening opening;
  std::vector<PlanDay> days;  ///< row 0 is the opening day
  std::vector<PlanShock> shocks;
  std::optional<ShockCorrelator> correlation;
  model::DriverParams drivers;
  std::optional<random::Correlator> driver_correlation;  ///< of tga, coupons, bills, other factors, volatility

  PlanStoredPaths stored;
  bool summary_of_all = false;
  std::vector<Variable> variables;
  std::vector<Variable> expected;  ///< have statistics though they may not be stored
  std::vector<double> quantiles;
  std::vector<Spread> thresholds;
  double rate_precision_bp = 0.01;         ///< 0: exact
  double amount_precision_usd_bn = 0.001;  ///< 0: exact
  double max_flagged = 0.01;
  std::vector<PlanPassThrough> transmission;  ///< empty: off
  std::vector<PlanMetric> metrics;
  std::optional<PlanStop> stop;
};

}  // namespace repoquake::plan
