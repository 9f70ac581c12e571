/// What a block of paths carries from day to day, what comes in on a day, and what the day shows. Structures of
/// columns, allocated once; all finite after every `step_day`.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "repoquake/core/column.hpp"
#include "repoquake/core/contract.hpp"
#include "repoquake/core/flags.hpp"
#include "repoquake/model/params.hpp"

namespace repoquake::model {

/// Assets and liabilities of the Federal Reserve, integer cents (model 1).
struct FedSheet {
  CentsData securities, repo_operations, standing_repo, other_assets;
  CentsData reserves, tga, on_rrp, foreign_rrp, currency, other_liabilities;

  bool operator==(const FedSheet&) const = default;
};

inline constexpr std::size_t kMeanDays = 20;       ///< of the average spread that slow policy rules look at
inline constexpr std::size_t kVolatilityDays = 5;  ///< over which large-scale repo looks at the change of volatility

/// Where the policy rules of a path stand (policy_rules.hpp). Untouched where a scenario has no rule.
struct PolicyState {
  ColumnData morning_offer;                   ///< emergency repo offered on coming mornings, USD bn
  ColumnData idle_days;                       ///< in a row with little use of it
  ColumnData large_offer_days;                ///< mornings left on which large-scale repo is offered
  ColumnData runoff_wait;                     ///< days until run-off stops; 0: it has, below 0: not announced
  ColumnData purchase_wait;                   ///< days until reserve-management purchases start; 0: none announced
  ColumnData purchase_pace;                   ///< of these purchases, USD bn a month
  ColumnData large_buying_days;               ///< days of large purchases, tomorrow's included; 0: none
  ColumnData unsettled;                       ///< bought yesterday, on the sheet today, USD bn
  ColumnData rate_shift;                      ///< IORB and ON RRP rate over the scenario's, bp
  ColumnData pending_shift;                   ///< decided today, in force tomorrow, bp
  ColumnData rate_move;                       ///< today's change of rate_shift, bp
  std::array<ColumnData, kMeanDays> spreads;  ///< s_am by row modulo 20, bp
  std::array<ColumnData, kVolatilityDays> volatilities;  ///< by row modulo 5, bp
};

inline constexpr std::size_t kMostCohorts = 64;  ///< of a path; the largest basis_trade.cohorts

/// Leveraged funds by cohort as they stood after the path's last margin call, and what has happened since. Between calls
/// every cohort keeps the same share of its position and loses the same per notional, so two numbers a path carry all:
///   Q_c = kept Q'_c,   E_c = E'_c - lost Q'_c,   and the first to be called is the one whose E'_c / Q'_c is least.
struct FundCohorts {
  explicit FundCohorts(std::size_t cohorts)
      : count(cohorts),
        stored((cohorts + kEight - 1) / kEight * kEight),
        notional(kBlockPaths * stored),
        equity(kBlockPaths * stored),
        ratio(kBlockPaths * stored) {
    RQ_EXPECT(cohorts <= kMostCohorts);
  }

  /// `stored` cohorts of a path at its last call, USD bn.
  [[nodiscard]] double* notional_then(std::size_t path) noexcept { return &notional[path * stored]; }
  [[nodiscard]] double* equity_then(std::size_t path) noexcept { return &equity[path * stored]; }
  [[nodiscard]] double* ratio_then(std::size_t path) noexcept { return &ratio[path * stored]; }

  /// Of one cohort now, USD bn.
  [[nodiscard]] UsdBn notional_now(std::size_t cohort, std::size_t path) const noexcept {
    return kept[path] * notional[path * stored + cohort];
  }
  [[nodiscard]] UsdBn equity_now(std::size_t cohort, std::size_t path) const noexcept {
    return equity[path * stored + cohort] - lost[path] * notional[path * stored + cohort];
  }

  std::size_t count;
  std::size_t stored;                    ///< count and what fills up the last eight, which holds nothing
  std::vector<double> notional, equity;  ///< (path, stored): Q', E', USD bn
  std::vector<double> ratio;             ///< E'/Q'
  ColumnData kept{}, lost{};
  ColumnData total_notional{}, total_equity{};  ///< of Q' and E'
  ColumnData weakest{};                         ///< least E'/Q'
};

/// Carried from one day to the next.
struct PathState {
  explicit PathState(std::size_t cohorts) : funds(cohorts) {}

  FedSheet sheet;

  // Need, USD bn
  ColumnData structural_need;   ///< slow funding need, constant on a path
  ColumnData transitory_need;   ///< z
  ColumnData coupon_inventory;  ///< settled securities still to be distributed
  ColumnData tga_cash;          ///< nonbank cash pulled by the Treasury
  ColumnData pullback;          ///< intermediation pulled back at a period end
  ColumnData fund_need;         ///< need from fund sales

  ColumnData mmf_cash;          ///< cash with the ON RRP as outside option, USD bn
  ColumnData precaution;        ///< hoarding, share of bank capacity
  ColumnData dealer_inventory;  ///< fire-sale inventory, USD bn
  ColumnData am_spread;         ///< yesterday's morning rate over IORB, bp
  ColumnData pm_spread;         ///< yesterday's afternoon rate over IORB, bp
  ColumnData rate_noise;        ///< noise of reported rates, bp

  // Leveraged funds
  FundCohorts funds;
  ColumnData opening_equity;     ///< sum over cohorts on the opening day, USD bn
  ColumnData opening_spread;     ///< that funding costs are measured against, bp
  ColumnData funding_average;    ///< bp
  ColumnData margin_volatility;  ///< fast volatility average, bp
  ColumnData slow_volatility;    ///< slow volatility average, bp
  ColumnData futures_basis;      ///< dislocation, bp of price
  ColumnData yield_impact;       ///< 10-year, bp

  PolicyState policy;

  // Constant on a path
  ColumnData capacity_factor;         ///< U_K
  ColumnData dealer_capacity_factor;  ///< U_D
  ColumnData other_sales_factor;      ///< U_X
};

/// Reactions of the central bank (model 4). `in_force`: may act on this day.
struct PolicyRules {
  struct EmergencyRepo {  ///< the same-day operation itself is DayContext::emergency_size
    bool in_force = false;
    Spread trigger = 60.0;
    UsdBn morning_size = 75.0;
    double growth = 1.4, full_use = 0.95, cut = 0.5, idle_use = 0.5, idle_days = 5.0;

    bool operator==(const EmergencyRepo&) const = default;
  } emergency_repo{};
  struct LargeScaleRepo {
    bool in_force = false;
    double volatility_rise = 40.0;
    Spread basis = 15.0;
    UsdBn size = 500.0;
    double days = 20.0;

    bool operator==(const LargeScaleRepo&) const = default;
  } large_scale_repo{};
  struct RunoffStop {
    bool in_force = false;
    Spread trigger = 5.0;
    double lag = 22.0;

    bool operator==(const RunoffStop&) const = default;
  } runoff_stop{};
  struct ReservePurchases {
    bool in_force = false;
    Spread trigger = 5.0;
    double reserves_ratio = 0.12;
    UsdBn pace = 40.0;  ///< a month
    double lag = 1.0, taper = 20.0;

    bool operator==(const ReservePurchases&) const = default;
  } reserve_purchases{};
  struct LargePurchases {
    bool in_force = false;
    Spread yield_impact = 25.0, basis = 25.0;
    UsdBn first_day = 40.0, full_size = 75.0;
    double ramp = 4.0;
    Spread stop_basis = 5.0;

    bool operator==(const LargePurchases&) const = default;
  } large_purchases{};
  struct RateAdjustment {
    bool in_force = false;
    Spread trigger = 5.0, step = 5.0;

    bool operator==(const RateAdjustment&) const = default;
  } rate_adjustment{};

  bool operator==(const PolicyRules&) const = default;
};

/// What is known of a day and is the same on every path. Spreads over IORB.
struct DayContext {
  Rate iorb = 0.0;
  Rate on_rrp_rate = 0.0;
  Rate standing_repo_rate = 0.0;  ///< meaningful where has_standing_repo
  Spread floor = 0.0;             ///< f, ON RRP rate over IORB
  Spread iorb_change = 0.0;       ///< since the day before, bp
  bool has_standing_repo = false;
  bool standing_repo_am = false;
  bool standing_repo_pm = false;
  Spread standing_repo_spread = 0.0;
  UsdBn standing_repo_cap = std::numeric_limits<double>::infinity();
  Spread stigma = 65.0;
  UsdBn operation_size = 0.0;  ///< the morning's offer
  Spread minimum_bid = 0.0;
  UsdBn emergency_size = 0.0;                                          ///< a same-day afternoon offer ...
  Spread emergency_trigger = std::numeric_limits<double>::infinity();  ///< ... above this morning spread
  Spread half_saturation = 15.0;                                       ///< a_e of the day
  Spread period_end_markup = 0.0;                                      ///< d_e
  double pullback_share = 0.0;                                         ///< pi_e, share of volume
  bool is_period_end = false;
  bool follows_period_end = false;
  UsdBn gse_cash = 0.0;  ///< in repo today beyond the opening day's
  int days_to_next = 1;  ///< calendar days to the next business day
  bool tgcr_since_2021 = false;
  bool has_corridor = false;    ///< is the next known?
  Spread corridor_top = 0.0;    ///< top of the target range, else the standing repo rate, over IORB
  bool corridor_moves = false;  ///< with a rule's adjustment of IORB: the facility's rate does, the target range not
  std::size_t row = 0;          ///< of the window; 0 is the opening day
  bool has_rules = false;       ///< does the scenario have policy rules?
  bool moves_rates = false;     ///< may IORB move by a rule or a shock?
  PolicyRules rules{};
  bool is_meeting = false;     ///< the central bank decides today
  double months_passed = 0.0;  ///< since the row before
  UsdBn runoff = 0.0;          ///< of securities today, contained in the flows

  bool operator==(const DayContext&) const = default;
};

/// What comes in on a day, path by path: realised or drawn flows plus shocks. USD bn unless said.
struct DayFlows {
  ColumnData tga, securities, currency, foreign_rrp, other_liabilities, mmf_cash;
  ColumnData net_coupons, net_bills;
  ColumnData repo_demand;
  ColumnData dealer_capacity;  ///< added to what dealers can carry
  ColumnData other_sales, fed_purchases;
  ColumnData volatility;    ///< bp, a level > 0
  ColumnData yield_change;  ///< bp
  ColumnData iorb_change;   ///< of IORB and the ON RRP rate beyond the scenario's, bp
};

/// Draws of a day: unit variance, mean zero.
struct DayDraws {
  ColumnData need_shock;              ///< Student-t
  ColumnData late_shock;              ///< Student-t
  ColumnData rate_noise, tail_width;  ///< normal
  ColumnData pullback;                ///< normal; read at period ends only
  ColumnData other_sales;             ///< normal; read where others sell
};

/// What a day shows.
struct DayOutcome {
  ColumnData need;       ///< morning, USD bn
  ColumnData late_need;  ///< afternoon, USD bn
  ColumnData drain;      ///< of reserves by the day's flows, USD bn
  ColumnData capacity;   ///< banks', morning, USD bn
  ColumnData late_capacity;
  ColumnData markup;       ///< dealers', bp
  ColumnData am_clearing;  ///< x of the morning, bp
  ColumnData pm_clearing;
  ColumnData offer, late_offer;                ///< operations on offer, morning and afternoon, USD bn
  ColumnData am_standing_repo, am_operations;  ///< take-up by session, USD bn
  ColumnData pm_standing_repo, pm_operations;
  std::array<ColumnData, kPercentileCount> percentiles;  ///< reported SOFR percentiles over IORB, bp
  ColumnData tgcr;                                       ///< reported, over IORB, bp
  ColumnData effr;                                       ///< over IORB, bp
  ColumnData volume_above_srf_rate;
  ColumnData sales, forced_sales;  ///< out of basis trades, USD bn
  ColumnData spiral_ratio;         ///< Q lambda / (1e4 M); from 1 on the trade is unstable
  ColumnData external_sales;       ///< other investors', net of Fed purchases, USD bn
  ColumnData position, fund_equity;
  std::array<std::uint32_t, kBlockPaths> flags;
};

}  // namespace repoquake::model
