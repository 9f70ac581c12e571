#include "repoquake/scenario/series.hpp"

#include <algorithm>
#include <array>

namespace repoquake::scenario {
namespace {

using enum Unit;
constexpr auto kInput = ColumnRole::input;
constexpr auto kObservation = ColumnRole::observation;

constexpr auto kColumns = std::to_array<SeriesColumnSpec>({
    {"tga_usd_bn", kInput, usd_bn, false},
    {"net_coupons_usd_bn", kInput, usd_bn, true},
    {"net_bills_usd_bn", kInput, usd_bn, true},
    {"other_factors_drain_usd_bn", kInput, usd_bn, true},
    {"securities_change_usd_bn", kInput, usd_bn, true},
    {"currency_change_usd_bn", kInput, usd_bn, true},
    {"foreign_rrp_change_usd_bn", kInput, usd_bn, true},
    {"mmf_cash_change_usd_bn", kInput, usd_bn, true},
    {"treasury_volatility_bp", kInput, bp, false},
    {"yield_change_bp", kInput, bp, true},
    {"other_treasury_sales_usd_bn", kInput, usd_bn, true},
    {"fed_purchases_usd_bn", kInput, usd_bn, true},
    {"repo_operation_offered_usd_bn", kInput, usd_bn, false},
    {"sofr_pct", kObservation, percent, true},
    {"sofr_p1_pct", kObservation, percent, true},
    {"sofr_p25_pct", kObservation, percent, true},
    {"sofr_p75_pct", kObservation, percent, true},
    {"sofr_p99_pct", kObservation, percent, true},
    {"tgcr_pct", kObservation, percent, true},
    {"effr_pct", kObservation, percent, true},
    {"on_rrp_usd_bn", kObservation, usd_bn, false},
    {"standing_repo_usd_bn", kObservation, usd_bn, false},
    {"repo_operations_usd_bn", kObservation, usd_bn, false},
    {"reserves_usd_bn", kObservation, usd_bn, false},
});

}  // namespace

std::span<const SeriesColumnSpec> series_columns() noexcept { return kColumns; }

const SeriesColumn* Series::find(std::string_view name) const noexcept {
  const auto column = std::ranges::find(columns, name, &SeriesColumn::name);
  return column == columns.end() ? nullptr : &*column;
}

}  // namespace repoquake::scenario
