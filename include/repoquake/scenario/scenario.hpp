/// A scenario: a state of the world and what happens to it. Plain data in canonical units; any value is
/// representable, `validate()` (validate.hpp) lists all that is wrong, `plan::compile` makes it runnable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/core/units.hpp"
#include "repoquake/core/variables.hpp"
#include "repoquake/scenario/drivers.hpp"
#include "repoquake/scenario/expression.hpp"
#include "repoquake/scenario/parameters.hpp"
#include "repoquake/scenario/policy.hpp"
#include "repoquake/scenario/series.hpp"
#include "repoquake/scenario/shocks.hpp"
#include "repoquake/scenario/transmission.hpp"

namespace repoquake::scenario {

struct Window {
  Date start{};  ///< the opening day, which is given
  Date end{};    ///< the last simulated day

  bool operator==(const Window&) const = default;
};

/// Where the funding need comes from.
enum class NeedRule {
  invert,  ///< it clears at this scenario's opening and trend spreads
  hold,    ///< it clears at those of the base: the merge of the file's parents
  amount   ///< it is stated
};

struct Market {
  UsdBn repo_volume = 0.0;
  UsdBn bank_assets = 0.0;
  Spread opening_spread = 0.0;
  std::optional<Spread> trend_spread{};  ///< default: the opening spread
  NeedRule need = NeedRule::invert;
  UsdBn need_amount = 0.0;           ///< where `need` is an amount
  std::optional<UsdBn> mmf_cash{};   ///< default: the cash whose unlent part is the opening ON RRP, at least 15
  double treasury_volatility = 0.0;  ///< bp a year, before the window
  std::optional<UsdBn> gdp{};
  std::optional<UsdBn> m2{};

  bool operator==(const Market&) const = default;
};

/// Opening sheet; other assets close it.
struct FedBalanceSheet {
  UsdBn securities = 0.0;
  UsdBn repo_operations = 0.0;
  UsdBn standing_repo = 0.0;
  UsdBn reserves = 0.0;
  UsdBn tga = 0.0;
  UsdBn on_rrp = 0.0;
  UsdBn foreign_rrp = 0.0;
  UsdBn currency = 0.0;
  UsdBn other_liabilities = 0.0;

  bool operator==(const FedBalanceSheet&) const = default;
};

struct BasisTrade {
  UsdBn position = 0.0;

  bool operator==(const BasisTrade&) const = default;
};

/// When a run ends before its last path: as soon as the metric is known well enough.
struct StopRule {
  static constexpr std::uint64_t kDefaultMinPaths = 2048;

  std::string metric;                        ///< id
  double half_width = 0.0;                   ///< of its 95 % limits, in the unit of its dimension
  std::optional<std::uint64_t> min_paths{};  ///< not before; default kDefaultMinPaths, or all where there are fewer
  std::optional<std::uint64_t> max_paths{};  ///< in place of Simulate::paths

  bool operator==(const StopRule&) const = default;
};

/// Where draws come from.
enum class Sampler : std::uint8_t {
  philox,  ///< independent
  sobol    ///< the points of independently scrambled nets, in the draws that matter most
};

struct Simulate {
  static constexpr std::uint32_t kFewestScrambles = 4, kMostScrambles = 128;

  std::uint64_t paths = 20000;
  std::uint64_t seed = 1;
  Sampler sampler = Sampler::philox;
  bool antithetic = false;       ///< paths 2k and 2k + 1 have mirrored draws
  std::uint32_t scrambles = 16;  ///< of sampler sobol: a power of two
  double max_flagged = 0.01;     ///< share of path-days without clearing above which the run exits 78
  std::optional<StopRule> stop{};

  /// Paths at most.
  [[nodiscard]] std::uint64_t most_paths() const noexcept { return stop && stop->max_paths ? *stop->max_paths : paths; }
  bool operator==(const Simulate&) const = default;
};

/// Which paths are stored.
struct StoredPaths {
  bool all = true;
  std::uint64_t sample = 0;  ///< unless all: the first so many, ...
  std::uint64_t worst = 0;   ///< ... and those with the largest values ...
  std::string worst_by{};    ///< ... of this expression (scenario/expression.hpp), as written

  bool operator==(const StoredPaths&) const = default;
};

struct Output {
  StoredPaths paths{};
  bool summary_of_all = false;      ///< one number a path for every path, not only for those stored
  std::vector<Variable> variables;  ///< default: the 20 of kVariables that say so
  std::vector<double> quantiles{0.01, 0.05, 0.25, 0.50, 0.75, 0.95, 0.99};
  std::vector<Spread> thresholds{10.0, 25.0, 50.0, 100.0, 200.0};
  double rate_precision_bp = 0.01;        ///< 0: exact
  UsdBn amount_precision_usd_bn = 0.001;  ///< 0: exact
  bool compress = true;

  bool operator==(const Output&) const = default;
};

/// Something that `attribute` switches off, by settings laid over the scenario; a run knows nothing of it.
struct Switch {
  std::string id;
  std::vector<std::string> without;  ///< "KEY=VALUE", as after --set

  bool operator==(const Switch&) const = default;
};

/// A number that is asked of the whole run.
struct Metric {
  std::string id;
  std::string expr;    ///< scenario/expression.hpp, as written
  std::string unit{};  ///< to show it in, as written; empty: the usual one of its dimension

  bool operator==(const Metric&) const = default;
};

/// What a run is held to: the observed value lies between two quantiles of the paths on its day, or a metric between two
/// bounds.
struct Expectation {
  Date date{};
  Variable variable = Variable::spread;
  double observed = 0.0;  ///< in the variable's unit
  double low = 0.05;      ///< fractions of paths; 0 and 1 are the extremes
  double high = 0.95;
  std::string metric{};  ///< id; then `low` and `high` bound its value, in the unit of its dimension; else empty

  bool operator==(const Expectation&) const = default;
};

struct Scenario {
  std::string name;
  std::string title;
  Window window;
  std::optional<Series> series;
  Market market;
  FedBalanceSheet fed_balance_sheet;
  Policy policy;
  Drivers drivers;
  BasisTrade basis_trade;
  std::vector<Shock> shocks;
  std::vector<ShockCorrelation> correlation;
  CorrelationRepair correlation_repair = CorrelationRepair::refuse;
  std::vector<Switch> switches;
  ParameterValues model;
  Simulate simulate;
  Output output;
  std::vector<Metric> metrics;
  std::vector<Expectation> expect;
  Transmission transmission;

  bool operator==(const Scenario&) const = default;

  [[nodiscard]] Spread trend_spread() const noexcept { return market.trend_spread.value_or(market.opening_spread); }
};

/// What the expressions of a scenario can be asked of.
[[nodiscard]] ExpressionWorld expression_world(const Scenario& scenario) noexcept;

inline constexpr std::uint64_t kMaxPaths = 1'000'000'000;
/// Worst paths are kept in memory until the run ends.
inline constexpr std::uint64_t kMaxWorstPaths = 100'000;

/// Does the scenario draw what this column of a series would say?
[[nodiscard]] bool is_replaced_by_draws(const Scenario& scenario, std::string_view column) noexcept;

}  // namespace repoquake::scenario
