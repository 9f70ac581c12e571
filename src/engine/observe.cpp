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

void observe(const plan::Plan& plan, std::uint32_t day, Variable variable, const BlockWorkspace& work,
             Column out) noexcept {
  constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
  const auto& c = plan.days[day].context;
  const auto& s = work.state;
  const auto& o = work.outcome;
  const ColumnData& shift = s.policy.rate_shift;
  switch (variable) {
    case Variable::spread:
      return copy(o.percentiles[model::kMedian], out);
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
    case Variable::am_spread:
      return copy(s.am_spread, out);
    case Variable::pm_spread:
      return copy(s.pm_spread, out);
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
    case Variable::repo_need:
      return copy(o.need, out);
    case Variable::bank_capacity:
      return copy(o.capacity, out);
    case Variable::basis_position:
      return copy(o.position, out);
    case Variable::basis_sales:
      return copy(o.sales, out);
    case Variable::basis_sales_forced:
      return copy(o.forced_sales, out);
    case Variable::dealer_inventory:
      return copy(s.dealer_inventory, out);
    case Variable::futures_basis:
      return copy(s.futures_basis, out);
    case Variable::yield_impact:
      return copy(s.yield_impact, out);
    case Variable::dealer_markup:
      return copy(o.markup, out);
    case Variable::hf_equity:
      return copy(o.fund_equity, out);
    case Variable::hf_return:
      for (std::size_t i = 0; i < kBlockPaths; ++i)
        out[i] = s.opening_equity[i] > 0.0 ? 100.0 * (o.fund_equity[i] / s.opening_equity[i] - 1.0) : 0.0;
      return;
    case Variable::volume_above_srf_rate:
      if (c.has_standing_repo) return copy(o.volume_above_srf_rate, out);
      std::ranges::fill(out, kNothing);
      return;
  }
}

}  // namespace repoquake::engine::compiled
