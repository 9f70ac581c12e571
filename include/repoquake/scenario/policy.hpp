/// What the central bank and the Treasury control, dated. Plain data: what the user asked for.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/core/units.hpp"
#include "repoquake/scenario/policy_rules.hpp"

namespace repoquake::scenario {

using calendar::Date;

/// Administered rates from a day on.
struct AdministeredRates {
  Date from;
  Rate iorb = 0.0;
  Rate on_rrp = 0.0;
  struct Target {
    Rate low = 0.0;
    Rate high = 0.0;
    bool operator==(const Target&) const = default;
  };
  std::optional<Target> target{};

  bool operator==(const AdministeredRates&) const = default;
};

/// A rate written as "iorb + 15 bp" or as "2.25 %".
struct QuotedRate {
  bool over_iorb = true;
  Spread spread = 0.0;  ///< where over_iorb
  Rate rate = 0.0;      ///< where not

  [[nodiscard]] Spread over(Rate iorb) const noexcept { return over_iorb ? spread : (rate - iorb) * kBpPerPercent; }
  bool operator==(const QuotedRate&) const = default;
};

/// Mean private cost of using the standing repo facility, from a day on.
struct DatedStigma {
  Date from;
  Spread stigma = 0.0;

  bool operator==(const DatedStigma&) const = default;
};

/// The day after which the facility's cap was lifted and its stigma is taken as 30 bp [J; New York Fed, 2025-12-10].
inline constexpr Date kStandingRepoReform =
    std::chrono::year_month_day{std::chrono::year{2025}, std::chrono::December, std::chrono::day{11}};
inline constexpr UsdBn kStandingRepoCap = 500.0;
inline constexpr Spread kStigmaAfterReform = 30.0;

struct StandingRepo {
  bool enabled = false;
  QuotedRate rate{.over_iorb = true, .spread = 15.0};
  enum class Cap { dated, none, amount };  ///< dated: 500 bn until the reform, then none
  Cap cap = Cap::dated;
  UsdBn cap_amount = 0.0;
  std::vector<DatedStigma> stigma{};  ///< ascending; empty: from `model:`
  bool am = true;                     ///< a morning operation
  bool pm = true;                     ///< an afternoon operation

  bool operator==(const StandingRepo&) const = default;
};

/// An open market repo operation: every morning of a period, or a same-day afternoon one behind a trigger.
struct RepoOperation {
  std::string id;
  Date from{};                         ///< first day
  std::optional<Date> until{};         ///< last day; nothing: the end of the window
  bool from_series = false;            ///< the size is the series' repo_operation_offered_usd_bn
  UsdBn size = 0.0;                    ///< where not
  QuotedRate minimum_bid{};            ///< default: at IORB
  std::optional<Spread> am_trigger{};  ///< an afternoon operation where the morning spread exceeds this

  bool operator==(const RepoOperation&) const = default;
};

/// Where the Treasury's account goes.
struct TgaPolicy {
  std::optional<UsdBn> target{};  ///< nothing: it follows the series, or stays where there is none
  std::optional<Date> by{};  ///< the day on which the target is reached, in equal steps; nothing: pulled from the start
  bool has_seasonality = true;  ///< weekdays, month turns and tax dates
  UsdBn residual_sd = 30.0;
  double pull = 0.03;  ///< share of the gap closed in a day

  bool operator==(const TgaPolicy&) const = default;
};

struct Policy {
  std::vector<AdministeredRates> administered_rates;  ///< ascending
  StandingRepo standing_repo;
  std::vector<RepoOperation> repo_operations;
  UsdBn runoff_per_month = 0.0;
  UsdBn reserve_management_purchases_per_month = 0.0;
  TgaPolicy tga;
  std::vector<Date> meetings;  ///< days on which the central bank decides, ascending
  PolicyRules rules;

  bool operator==(const Policy&) const = default;
};

}  // namespace repoquake::scenario
