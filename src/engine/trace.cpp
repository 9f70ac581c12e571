#include "repoquake/engine/trace.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <utility>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/flags.hpp"
#include "repoquake/engine/run.hpp"
#include "repoquake/engine/simulate_block.hpp"
#include "repoquake/model/basis_trade.hpp"

namespace repoquake::engine {
namespace {

using model::FedSheet;

/// Collects values of one lane.
class LaneReader {
 public:
  explicit LaneReader(std::size_t lane) : lane_(lane) {}

  LaneReader& read(std::string name, std::string unit, const ColumnData& column) {
    return note(std::move(name), std::move(unit), column[lane_]);
  }
  LaneReader& note(std::string name, std::string unit, double value) {
    values_.push_back({std::move(name), std::move(unit), value});
    return *this;
  }
  [[nodiscard]] std::size_t lane() const noexcept { return lane_; }
  [[nodiscard]] std::vector<TraceValue> take() { return std::exchange(values_, {}); }

 private:
  std::size_t lane_;
  std::vector<TraceValue> values_;
};

constexpr const char* kBn = "1e9 USD";
constexpr const char* kBp = "bp";
constexpr const char* kOne = "1";

std::vector<TraceValue> path_draws(const plan::Plan& plan, const BlockWorkspace& work, LaneReader lane) {
  const auto& d = work.path_draws;
  lane.read("bank_capacity", kOne, d.bank_capacity)
      .read("dealer_capacity", kOne, d.dealer_capacity)
      .read("fund_leverage", kOne, d.fund_leverage)
      .read("sales_scale", kOne, d.sales_scale);
  for (std::size_t k = 0; k < plan.shocks.size(); ++k) {
    const auto target = plan.shocks[k].target;
    const bool is_bp = target == plan::FlowTarget::volatility || target == plan::FlowTarget::yield_change;
    lane.read("shock." + plan.shocks[k].id, is_bp ? kBp : kBn, work.shock_sizes[k]);
  }
  return lane.take();
}

/// Those that were made today.
std::vector<TraceValue> day_draws(const model::DayContext& day, const BlockWorkspace& work, LaneReader lane) {
  const model::DayDraws& d = work.draws;
  lane.read("need_shock", kOne, d.need_shock).read("late_shock", kOne, d.late_shock);
  if (day.is_period_end) lane.read("pullback", kOne, d.pullback);
  lane.read("rate_noise", kOne, d.rate_noise).read("tail_width", kOne, d.tail_width);
  if (model::others_sell(work.flows)) lane.read("other_sales", kOne, d.other_sales);
  return lane.take();
}

std::vector<TraceValue> driver_draws(const model::DriverDraws& d, LaneReader lane) {
  return lane.read("tga_flow", kOne, d.tga)
      .read("coupon_settlement", kOne, d.coupons)
      .read("bill_settlement", kOne, d.bills)
      .read("other_factors", kOne, d.other_factors)
      .read("volatility_move", kOne, d.volatility)
      .read("volatility_jump", kOne, d.jump)
      .take();
}

std::vector<TraceValue> policy_of(const model::PolicyState& p, LaneReader lane) {
  return lane.read("policy.morning_offer", kBn, p.morning_offer)
      .read("policy.idle_days", "days", p.idle_days)
      .read("policy.large_offer_days", "days", p.large_offer_days)
      .read("policy.runoff_wait", "days", p.runoff_wait)
      .read("policy.purchase_wait", "days", p.purchase_wait)
      .read("policy.purchase_pace", "1e9 USD/month", p.purchase_pace)
      .read("policy.large_buying_days", "days", p.large_buying_days)
      .read("policy.unsettled", kBn, p.unsettled)
      .read("policy.rate_shift", kBp, p.rate_shift)
      .take();
}

void append(std::vector<TraceValue>& values, std::vector<TraceValue> more) {
  std::ranges::move(more, std::back_inserter(values));
}

std::vector<TraceValue> flows_of(const model::DayFlows& f, LaneReader lane) {
  return lane.read("tga", kBn, f.tga)
      .read("securities", kBn, f.securities)
      .read("currency", kBn, f.currency)
      .read("foreign_rrp", kBn, f.foreign_rrp)
      .read("other_liabilities", kBn, f.other_liabilities)
      .read("mmf_cash", kBn, f.mmf_cash)
      .read("net_coupons", kBn, f.net_coupons)
      .read("net_bills", kBn, f.net_bills)
      .read("repo_demand", kBn, f.repo_demand)
      .read("other_sales", kBn, f.other_sales)
      .read("fed_purchases", kBn, f.fed_purchases)
      .read("volatility", kBp, f.volatility)
      .read("yield_change", kBp, f.yield_change)
      .take();
}

std::vector<TraceValue> sessions_of(const model::DayOutcome& o, LaneReader lane) {
  return lane.read("need", kBn, o.need)
      .read("late_need", kBn, o.late_need)
      .read("drain", kBn, o.drain)
      .read("capacity", kBn, o.capacity)
      .read("late_capacity", kBn, o.late_capacity)
      .read("markup", kBp, o.markup)
      .read("am_clearing", kBp, o.am_clearing)
      .read("pm_clearing", kBp, o.pm_clearing)
      .read("offer", kBn, o.offer)
      .read("late_offer", kBn, o.late_offer)
      .read("am_standing_repo", kBn, o.am_standing_repo)
      .read("pm_standing_repo", kBn, o.pm_standing_repo)
      .read("am_operations", kBn, o.am_operations)
      .read("pm_operations", kBn, o.pm_operations)
      .read("external_sales", kBn, o.external_sales)
      .take();
}

std::vector<TraceValue> state_of(const model::PathState& s, LaneReader lane) {
  lane.read("structural_need", kBn, s.structural_need)
      .read("transitory_need", kBn, s.transitory_need)
      .read("coupon_inventory", kBn, s.coupon_inventory)
      .read("tga_cash", kBn, s.tga_cash)
      .read("pullback", kBn, s.pullback)
      .read("fund_need", kBn, s.fund_need)
      .read("mmf_cash", kBn, s.mmf_cash)
      .read("precaution", kOne, s.precaution)
      .read("dealer_inventory", kBn, s.dealer_inventory)
      .read("am_spread", kBp, s.am_spread)
      .read("pm_spread", kBp, s.pm_spread)
      .read("rate_noise", kBp, s.rate_noise)
      .read("funding_average", kBp, s.funding_average)
      .read("margin_volatility", kBp, s.margin_volatility)
      .read("slow_volatility", kBp, s.slow_volatility)
      .read("futures_basis", kBp, s.futures_basis)
      .read("yield_impact", kBp, s.yield_impact)
      .read("capacity_factor", kOne, s.capacity_factor)
      .read("dealer_capacity_factor", kOne, s.dealer_capacity_factor)
      .read("other_sales_factor", kOne, s.other_sales_factor);
  for (std::size_t c = 0; c < s.funds.count; ++c)
    lane.note("notional." + std::to_string(c), kBn, s.funds.notional_now(c, lane.lane()));
  for (std::size_t c = 0; c < s.funds.count; ++c)
    lane.note("equity." + std::to_string(c), kBn, s.funds.equity_now(c, lane.lane()));
  return lane.take();
}

std::vector<TraceValue> observed_of(const plan::Plan& plan, std::uint32_t day, const BlockWorkspace& work,
                                    LaneReader lane) {
  for (const auto& spec : kVariables) {
    ColumnData value;
    observe(plan, day, spec.variable, work, value);
    if (!std::isnan(value[0])) lane.read(std::string(spec.name), std::string(unit_of(spec.quantity)), value);
  }
  return lane.take();
}

std::vector<LedgerEntry> ledger_of(const FedSheet& before, const FedSheet& after, std::size_t lane) {
  const auto change = [&](CentsData FedSheet::*item) { return (after.*item)[lane] - (before.*item)[lane]; };
  return {{"securities", change(&FedSheet::securities)},
          {"repo_operations", change(&FedSheet::repo_operations)},
          {"standing_repo", change(&FedSheet::standing_repo)},
          {"other_assets", change(&FedSheet::other_assets)},
          {"tga", -change(&FedSheet::tga)},
          {"on_rrp", -change(&FedSheet::on_rrp)},
          {"foreign_rrp", -change(&FedSheet::foreign_rrp)},
          {"currency", -change(&FedSheet::currency)},
          {"other_liabilities", -change(&FedSheet::other_liabilities)}};
}

}  // namespace

std::vector<TraceDay> trace_path(const plan::Plan& plan, std::uint64_t path) {
  const std::uint64_t first_path = path / kBlockPaths * kBlockPaths;
  const std::size_t lane = path % kBlockPaths;
  const auto work = std::make_unique<BlockWorkspace>(plan);
  const auto sheet_before = std::make_unique<FedSheet>();
  const Manifest manifest = manifest_of(plan);
  std::vector<TraceDay> days;
  for (std::uint32_t day = 0; day < plan.days.size(); ++day) {
    TraceDay row;
    row.date = plan.days[day].date;
    row.mark = manifest.marks[day];
    *sheet_before = work->state.sheet;
    if (day == 0) {
      open_block(plan, first_path, *work);
      row.draws = path_draws(plan, *work, LaneReader(lane));
      row.reserves_before = work->state.sheet.reserves[lane];
    } else {
      simulate_day(plan, first_path, day, *work);
      row.draws = day_draws(plan.days[day].context, *work, LaneReader(lane));
      if (plan.drivers.any()) append(row.draws, driver_draws(work->driver_draws, LaneReader(lane)));
      row.flows = flows_of(work->flows, LaneReader(lane));
      row.ledger = ledger_of(*sheet_before, work->state.sheet, lane);
      row.reserves_before = sheet_before->reserves[lane];
    }
    row.reserves_after = work->state.sheet.reserves[lane];
    row.sessions = sessions_of(work->outcome, LaneReader(lane));
    row.state = state_of(work->state, LaneReader(lane));
    if (plan.has_rules) append(row.state, policy_of(work->state.policy, LaneReader(lane)));
    row.observed = observed_of(plan, day, *work, LaneReader(lane));
    for (const auto& spec : kPathFlags)
      if ((work->outcome.flags[lane] & bit(spec.flag)) != 0) row.flags.emplace_back(spec.name);
    days.push_back(std::move(row));
  }
  return days;
}

}  // namespace repoquake::engine
