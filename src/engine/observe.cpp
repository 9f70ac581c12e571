#include <algorithm>
#include <limits>

#include "engine/simulation_code.hpp"

namespace repoquake::engine::compiled {
namespace {

/// Rate from a spread over the path's IORB: the day's, shifted where a rule has adjusted it.
void to_rate(Rate iorb, ConstColumn shift, ConstColumn spread, Column out) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) out[i] = iorb + (spread[i] + shift[i]) / kBpPerPercent;
}

void to_rate(Rate rate, ConstColumn shift, Column out) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) out[i] = rate + shift[i] / kBpPerPercent;
}

void to_amount(ConstCentsColumn cents, Column out) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) out[i] = to_usd_bn(cents[i]);
}

void copy(ConstColumn from, Column out) noexcept { std::ranges::copy(from, out.begin()); }

}  // namespace

const ColumnData* column_of(Variable variable, const BlockWorkspace& work) noexcept {
  const auto& s = work.state;
  const auto& o = work.outcome;
  switch (variable) {
    case Variable::spread:
      return &o.percentiles[model::kMedian];
    case Variable::am_spread:
      return &s.am_spread;
    case Variable::pm_spread:
      return &s.pm_spread;
    case Variable::repo_need:
      return &o.need;
    case Variable::bank_capacity:
      return &o.capacity;
    case Variable::basis_position:
      return &o.position;
    case Variable::basis_sales:
      return &o.sales;
    case Variable::basis_sales_forced:
      return &o.forced_sales;
    case Variable::dealer_inventory:
      return &s.dealer_inventory;
    case Variable::futures_basis:
      return &s.futures_basis;
    case Variable::yield_impact:
      return &s.yield_impact;
    case Variable::dealer_markup:
      return &o.markup;
    case Variable::hf_equity:
      return &o.fund_equity;
    default:
      return nullptr;
  }
}

void observe(const plan::Plan& plan, std::uint32_t day, Variable variable, const BlockWorkspace& work,
             Column out) noexcept {
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  const auto& c = plan.days[day].context;
  const auto& s = work.state;
  const auto& o = work.outcome;
  const ColumnData& shift = s.policy.rate_shift;
  if (const ColumnData* const column = column_of(variable, work)) return copy(*column, out);
  switch (variable) {
    case Variable::sofr:
      return to_rate(c.iorb, shift, o.percentiles[2], out);
    case Variable::sofr_p1:
      return to_rate(c.iorb, shift, o.percentiles[0], out);
    case Variable::sofr_p25:
      return to_rate(c.iorb, shift, o.percentiles[1], out);
    case Variable::sofr_p75:
      return to_rate(c.iorb, shift, o.percentiles[3], out);
    case Variable::sofr_p99:
      return to_rate(c.iorb, shift, o.percentiles[4], out);
    case Variable::tgcr:
      return to_rate(c.iorb, shift, o.tgcr, out);
    case Variable::effr:
      return to_rate(c.iorb, shift, o.effr, out);
    case Variable::iorb:
      return to_rate(c.iorb, shift, out);
    case Variable::on_rrp_rate:
      return to_rate(c.on_rrp_rate, shift, out);
    case Variable::standing_repo_rate:
      if (c.has_standing_repo) return to_rate(c.standing_repo_rate, shift, out);
      std::ranges::fill(out, kNothing);
      return;
    case Variable::reserves:
      return to_amount(s.sheet.reserves, out);
    case Variable::tga:
      return to_amount(s.sheet.tga, out);
    case Variable::on_rrp:
      return to_amount(s.sheet.on_rrp, out);
    case Variable::standing_repo:
      return to_amount(s.sheet.standing_repo, out);
    case Variable::repo_operations:
      return to_amount(s.sheet.repo_operations, out);
    case Variable::securities:
      return to_amount(s.sheet.securities, out);
    case Variable::hf_return:
      for (std::size_t i = 0; i < kBlockPaths; ++i)
        out[i] = s.opening_equity[i] > 0.0 ? 100.0 * (o.fund_equity[i] / s.opening_equity[i] - 1.0) : 0.0;
      return;
    case Variable::volume_above_srf_rate:
      if (c.has_standing_repo) return copy(o.volume_above_srf_rate, out);
      std::ranges::fill(out, kNothing);
      return;
    case Variable::spread:
    case Variable::am_spread:
    case Variable::pm_spread:
    case Variable::repo_need:
    case Variable::bank_capacity:
    case Variable::basis_position:
    case Variable::basis_sales:
    case Variable::basis_sales_forced:
    case Variable::dealer_inventory:
    case Variable::futures_basis:
    case Variable::yield_impact:
    case Variable::dealer_markup:
    case Variable::hf_equity:
      return;  // column_of has them; named, so that the compiler misses a variable that is nowhere
  }
}

}  // namespace repoquake::engine::compiled
