/// What a run can observe: names, units and texts of the variables. A contract with every reader of a result.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace repoquake {

/// One value per path and day. Append only: results name them, never number them.
enum class Variable : std::uint8_t {
  spread,
  sofr,
  sofr_p1,
  sofr_p25,
  sofr_p75,
  sofr_p99,
  tgcr,
  effr,
  iorb,
  on_rrp_rate,
  standing_repo_rate,
  am_spread,
  pm_spread,
  reserves,
  tga,
  on_rrp,
  standing_repo,
  repo_operations,
  securities,
  repo_need,
  bank_capacity,
  basis_position,
  basis_sales,
  basis_sales_forced,
  dealer_inventory,
  futures_basis,
  yield_impact,
  dealer_markup,
  hf_equity,
  hf_return,
  volume_above_srf_rate
};

inline constexpr std::size_t kVariableCount = 31;

/// What kind of quantity: decides unit, storage precision and axis.
enum class Quantity : std::uint8_t {
  rate,      ///< percent per annum
  spread,    ///< bp
  amount,    ///< 1e9 USD
  fraction,  ///< 0 to 1
  percent    ///< percent of a base, not a rate
};

struct VariableSpec {
  Variable variable;
  std::string_view name;
  Quantity quantity;
  bool is_default;  ///< in `variables: default`
  std::string_view long_name;
};

inline constexpr std::array<VariableSpec, kVariableCount> kVariables{{
    {Variable::spread, "spread", Quantity::spread, true, "SOFR minus IORB"},
    {Variable::sofr, "sofr", Quantity::rate, true, "Secured Overnight Financing Rate, volume-weighted median"},
    {Variable::sofr_p1, "sofr_p1", Quantity::rate, true, "SOFR 1st percentile of volume"},
    {Variable::sofr_p25, "sofr_p25", Quantity::rate, true, "SOFR 25th percentile of volume"},
    {Variable::sofr_p75, "sofr_p75", Quantity::rate, true, "SOFR 75th percentile of volume"},
    {Variable::sofr_p99, "sofr_p99", Quantity::rate, true, "SOFR 99th percentile of volume"},
    {Variable::tgcr, "tgcr", Quantity::rate, true, "Tri-Party General Collateral Rate"},
    {Variable::effr, "effr", Quantity::rate, false, "Effective Federal Funds Rate"},
    {Variable::iorb, "iorb", Quantity::rate, false, "interest rate on reserve balances"},
    {Variable::on_rrp_rate, "on_rrp_rate", Quantity::rate, false, "overnight reverse repo offering rate"},
    {Variable::standing_repo_rate, "standing_repo_rate", Quantity::rate, false, "standing repo facility rate"},
    {Variable::am_spread, "am_spread", Quantity::spread, false, "morning repo rate minus IORB"},
    {Variable::pm_spread, "pm_spread", Quantity::spread, false, "afternoon repo rate minus IORB"},
    {Variable::reserves, "reserves", Quantity::amount, true, "bank reserves at the Federal Reserve, end of day"},
    {Variable::tga, "tga", Quantity::amount, true, "Treasury General Account, end of day"},
    {Variable::on_rrp, "on_rrp", Quantity::amount, true, "overnight reverse repo take-up"},
    {Variable::standing_repo, "standing_repo", Quantity::amount, true, "standing repo facility take-up"},
    {Variable::repo_operations, "repo_operations", Quantity::amount, true, "open market repo operations outstanding"},
    {Variable::securities, "securities", Quantity::amount, false, "securities held by the Federal Reserve"},
    {Variable::repo_need, "repo_need", Quantity::amount, true, "funding need brought to the morning session"},
    {Variable::bank_capacity, "bank_capacity", Quantity::amount, true, "banks' repo lending capacity, morning"},
    {Variable::basis_position, "basis_position", Quantity::amount, true, "cash-futures basis position, end of day"},
    {Variable::basis_sales, "basis_sales", Quantity::amount, true, "Treasuries sold out of basis trades on the day"},
    {Variable::basis_sales_forced, "basis_sales_forced", Quantity::amount, false, "of these, sold on margin calls"},
    {Variable::dealer_inventory, "dealer_inventory", Quantity::amount, true,
     "dealers' fire-sale inventory, end of day"},
    {Variable::futures_basis, "futures_basis", Quantity::spread, true, "futures basis dislocation, bp of price"},
    {Variable::yield_impact, "yield_impact", Quantity::spread, true, "10-year yield impact of sales"},
    {Variable::dealer_markup, "dealer_markup", Quantity::spread, false, "dealers' mark-up on repo"},
    {Variable::hf_equity, "hf_equity", Quantity::amount, false, "equity of the leveraged funds"},
    {Variable::hf_return, "hf_return", Quantity::percent, true, "funds' return since the opening, of opening equity"},
    {Variable::volume_above_srf_rate, "volume_above_srf_rate", Quantity::fraction, false,
     "share of SOFR volume above the standing repo rate"},
}};

[[nodiscard]] constexpr const VariableSpec& spec_of(Variable variable) noexcept {
  return kVariables[static_cast<std::size_t>(variable)];
}

[[nodiscard]] constexpr std::optional<Variable> find_variable(std::string_view name) noexcept {
  for (const auto& spec : kVariables)
    if (spec.name == name) return spec.variable;
  return std::nullopt;
}

/// CF-style unit text.
[[nodiscard]] constexpr std::string_view unit_of(Quantity quantity) noexcept {
  switch (quantity) {
    case Quantity::rate:
    case Quantity::percent:
      return "percent";
    case Quantity::spread:
      return "bp";
    case Quantity::amount:
      return "1e9 USD";
    case Quantity::fraction:
      return "1";
  }
  return "1";
}

namespace detail {
constexpr bool variables_are_in_order() {
  for (std::size_t i = 0; i < kVariableCount; ++i)
    if (static_cast<std::size_t>(kVariables[i].variable) != i) return false;
  return true;
}
}  // namespace detail
static_assert(detail::variables_are_in_order());

}  // namespace repoquake
