/// What the market did to a path on a day. Data, not errors: counted, shown, never thrown.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace repoquake {

enum class PathFlag : std::uint32_t {
  no_clearing = 1U << 0,         ///< excess need remains at 3000 bp
  standing_repo_used = 1U << 1,  ///< take-up above 1 bn USD
  standing_repo_at_cap = 1U << 2,
  emergency_operation = 1U << 3,  ///< the morning spread brought a same-day afternoon operation
  forced_sales = 1U << 4,         ///< a cohort fell below its maintenance margin
  fund_wiped_out = 1U << 5,       ///< a cohort with a position has no equity left
  spiral_unstable = 1U << 6,      ///< Q lambda / (1e4 M) >= 1: sales would raise losses faster than they free margin
  cash_exhausted = 1U << 7,       ///< a fall of money-fund cash was cut at 0
  reserves_negative = 1U << 8,    ///< the drain exceeds all reserves
  // Policy rules, on the day on which they fire
  emergency_repo_mornings = 1U << 9,  ///< morning operations from tomorrow on
  large_scale_repo = 1U << 10,        ///< large operations from tomorrow on
  runoff_stop = 1U << 11,             ///< announced
  reserve_purchases = 1U << 12,       ///< announced
  large_purchases = 1U << 13,         ///< from tomorrow on
  rate_adjustment = 1U << 14          ///< IORB and ON RRP rate lowered from tomorrow on
};

inline constexpr std::size_t kPathFlagCount = 15;

struct PathFlagSpec {
  PathFlag flag;
  std::string_view name;
  std::string_view meaning;
};

inline constexpr std::array<PathFlagSpec, kPathFlagCount> kPathFlags{{
    {PathFlag::no_clearing, "no_clearing", "no clearing below 3000 bp"},
    {PathFlag::standing_repo_used, "standing_repo_used", "standing repo facility used, above 1 bn USD"},
    {PathFlag::standing_repo_at_cap, "standing_repo_at_cap", "standing repo facility at its cap"},
    {PathFlag::emergency_operation, "emergency_operation", "emergency afternoon operation"},
    {PathFlag::forced_sales, "forced_sales", "margin calls forced sales"},
    {PathFlag::fund_wiped_out, "fund_wiped_out", "a fund cohort lost all its equity"},
    {PathFlag::spiral_unstable, "spiral_unstable", "basis trade beyond its spiral threshold"},
    {PathFlag::cash_exhausted, "cash_exhausted", "money-fund cash cut at 0"},
    {PathFlag::reserves_negative, "reserves_negative", "reserves below 0"},
    {PathFlag::emergency_repo_mornings, "emergency_repo_mornings", "rule: emergency repo goes on"},
    {PathFlag::large_scale_repo, "large_scale_repo", "rule: large-scale repo"},
    {PathFlag::runoff_stop, "runoff_stop", "rule: stop of run-off announced"},
    {PathFlag::reserve_purchases, "reserve_purchases", "rule: reserve-management purchases"},
    {PathFlag::large_purchases, "large_purchases", "rule: large purchases"},
    {PathFlag::rate_adjustment, "rate_adjustment", "rule: administered rates adjusted"},
}};

[[nodiscard]] constexpr std::uint32_t bit(PathFlag flag) noexcept { return static_cast<std::uint32_t>(flag); }

}  // namespace repoquake
