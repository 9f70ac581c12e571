#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "engine/chunk_recorder.hpp"
#include "engine/feature_tracker.hpp"
#include "engine/simulation_code.hpp"
#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/engine/path_evaluator.hpp"
#include "repoquake/model/basis_trade.hpp"
#include "repoquake/random/normal.hpp"
#include "repoquake/random/student.hpp"

namespace repoquake::engine::compiled {
namespace {

using plan::FlowTarget;
using plan::PlanShock;
using random::Stream;

constexpr double kLeastVolatility = 1.0;  // bp: a shock may lower volatility, never to nothing

ColumnData& column_of(FlowTarget target, model::DayFlows& flows) noexcept {
  switch (target) {
    case FlowTarget::tga:
      return flows.tga;
    case FlowTarget::other_liabilities:
      return flows.other_liabilities;
    case FlowTarget::currency:
      return flows.currency;
    case FlowTarget::foreign_rrp:
      return flows.foreign_rrp;
    case FlowTarget::mmf_cash:
      return flows.mmf_cash;
    case FlowTarget::other_sales:
      return flows.other_sales;
    case FlowTarget::yield_change:
      return flows.yield_change;
    case FlowTarget::repo_demand:
      return flows.repo_demand;
    case FlowTarget::volatility:
      return flows.volatility;
    case FlowTarget::iorb_change:
      return flows.iorb_change;
    case FlowTarget::dealer_capacity:
      return flows.dealer_capacity;
    case FlowTarget::net_coupons:
      return flows.net_coupons;
    case FlowTarget::net_bills:
      return flows.net_bills;
    case FlowTarget::securities:
      return flows.securities;
    case FlowTarget::fed_purchases:
      return flows.fed_purchases;
  }
  return flows.tga;
}

void draw_path_constants(DrawSource& source, std::uint64_t first_path, model::PathDraws& draws) noexcept {
  source.uniform_pair(first_path, 0, Stream::bank_capacity, 0, draws.bank_capacity, draws.dealer_capacity);
  source.uniform_pair(first_path, 0, Stream::fund_leverage, 0, draws.fund_leverage, draws.sales_scale);
  for (ColumnData* column : {&draws.bank_capacity, &draws.dealer_capacity, &draws.fund_leverage, &draws.sales_scale})
    random::normals_from_uniforms(*column, *column);
}

/// A shock's size before location and scale: a unit law or, for laws by their quantiles, a uniform. One value a path.
void draw_score(const PlanShock& shock, DrawSource& source, std::uint64_t first_path, Column scratch,
                Column score) noexcept {
  switch (shock.law) {
    case PlanShock::Law::constant:
      return;
    case PlanShock::Law::uniform:
    case PlanShock::Law::discrete:
    case PlanShock::Law::empirical:
      return source.uniforms(first_path, 0, Stream::shock_size, shock.slot, score);
    case PlanShock::Law::student_t:
      source.uniforms(first_path, 0, Stream::shock_size, shock.slot, score);
      if (shock.degrees_of_freedom != 4.0)  // all but t(4) take a second uniform
        source.uniforms(first_path, 0, Stream::shock_size, static_cast<std::uint16_t>(shock.slot + 1), scratch);
      return random::student_t_from_uniforms(shock.degrees_of_freedom, score, scratch, score);
    case PlanShock::Law::normal:
    case PlanShock::Law::lognormal:
      return source.normals(first_path, 0, Stream::shock_size, shock.slot, score);
  }
}

double value_at(const PlanShock& shock, double u) noexcept {
  const auto found = std::ranges::lower_bound(shock.cumulative, u);
  return shock.values[static_cast<std::size_t>(found - shock.cumulative.begin())];
}

double size_of(const PlanShock& shock, double score) noexcept {
  switch (shock.law) {
    case PlanShock::Law::constant:
      return shock.location;
    case PlanShock::Law::normal:
      return shock.location + shock.scale * score;
    case PlanShock::Law::student_t: {
      const double n = shock.degrees_of_freedom;  // drawn with unit variance
      return shock.location + shock.scale * (std::sqrt(n / (n - 2.0)) * score);
    }
    case PlanShock::Law::lognormal:
      return shock.location * elementary::exp(shock.scale * score);
    case PlanShock::Law::uniform:
      return shock.location + (shock.scale - shock.location) * score;
    case PlanShock::Law::discrete:
    case PlanShock::Law::empirical:
      return value_at(shock, score);
  }
  return shock.location;
}

/// Scores of the correlated shocks: all are drawn as normals, correlated, and turned into their own laws by rank.
void correlate_scores(const plan::Plan& plan, std::uint64_t first_path, BlockWorkspace& work) noexcept {
  const auto& places = plan.correlation->shocks;
  for (std::size_t k = 0; k < places.size(); ++k)
    work.source->normals(first_path, 0, Stream::shock_size, plan.shocks[places[k]].slot, work.correlated[k]);
  plan.correlation->correlator.apply(work.correlated);
  for (std::size_t k = 0; k < places.size(); ++k) {
    const PlanShock& shock = plan.shocks[places[k]];
    const Column score = work.shock_sizes[places[k]];
    std::ranges::copy(work.correlated[k], score.begin());
    if (shock.law == PlanShock::Law::normal || shock.law == PlanShock::Law::lognormal) continue;
    random::uniforms_from_normals(score, score);
    if (shock.law == PlanShock::Law::student_t) random::student_t_from_uniforms(4.0, score, score, score);
  }
}

/// From which row on a shock acts on a path; where it does not happen its size is 0.
void draw_start(const PlanShock& shock, DrawSource& source, std::uint64_t first_path, Column size,
                Column start) noexcept {
  const double n = shock.last_start - shock.first_start + 1.0;
  if (shock.has_random_start()) {
    source.uniforms(first_path, 0, Stream::shock_date, shock.slot, start);
    for (double& row : start) row = shock.first_start + std::min(std::floor(row * n), n - 1.0);
  } else {
    std::ranges::fill(start, static_cast<double>(shock.first_start));
  }
  if (shock.probability < 1.0) {
    ColumnData chance;
    source.uniforms(first_path, 0, Stream::shock_date, static_cast<std::uint16_t>(shock.slot + 1), chance);
    for (std::size_t i = 0; i < kBlockPaths; ++i) size[i] = chance[i] < shock.probability ? size[i] : 0.0;
  }
}

void draw_shocks(const plan::Plan& plan, std::uint64_t first_path, BlockWorkspace& work) noexcept {
  for (std::size_t k = 0; k < plan.shocks.size(); ++k)
    draw_score(plan.shocks[k], *work.source, first_path, work.scratch, work.shock_sizes[k]);
  if (plan.correlation) correlate_scores(plan, first_path, work);
  for (std::size_t k = 0; k < plan.shocks.size(); ++k) {
    const PlanShock& shock = plan.shocks[k];
    for (double& value : work.shock_sizes[k])
      value = std::clamp(size_of(shock, value), shock.clip_low, shock.clip_high);
    draw_start(shock, *work.source, first_path, work.shock_sizes[k], work.shock_starts[k]);
  }
}

/// Adds what a shock lays on the day.
void add_shock(const PlanShock& shock, std::uint32_t day, const ColumnData& size, const ColumnData& start,
               ColumnData& target) noexcept {
  if (!shock.has_random_start()) {
    const bool acts = day >= shock.first_start && day - shock.first_start < shock.profile.size();
    const double weight = acts ? shock.profile[day - shock.first_start] : 0.0;
    if (weight == 0.0) return;
    for (std::size_t i = 0; i < kBlockPaths; ++i) target[i] += weight * size[i];
    return;
  }
  const auto length = static_cast<double>(shock.profile.size());
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double age = day - start[i];
    if (age >= 0.0 && age < length) target[i] += shock.profile[static_cast<std::size_t>(age)] * size[i];
  }
}

/// Draws behind the flows of a free run. All are made where any is needed: switching one off moves no other.
void draw_drivers(const plan::Plan& plan, std::uint64_t first_path, std::uint32_t day, BlockWorkspace& work) noexcept {
  auto& d = work.driver_draws;
  auto& [tga, coupons, bills, factors, volatility] = work.driver_scores;
  const auto pair = [&](Stream even, std::uint16_t slot, ColumnData& first, ColumnData& second) {
    work.source->uniform_pair(first_path, day, even, slot, first, second);
  };
  pair(Stream::tga_flow, 1, coupons, work.late_scratch);  // slot 1: only its tail is used
  pair(Stream::tga_flow, 0, tga, work.scratch);
  pair(Stream::coupon_settlement, 0, coupons, bills);
  pair(Stream::other_factors, 0, factors, volatility);
  work.source->uniforms(first_path, day, Stream::volatility_jump, 0, d.jump);
  for (ColumnData& score : work.driver_scores) random::normals_from_uniforms(score, score);
  if (plan.driver_correlation) plan.driver_correlation->apply(work.driver_scores);
  random::student_t4_from_normals(tga, work.scratch, work.late_scratch, d.tga);
  d.coupons = coupons;
  d.bills = bills;
  d.other_factors = factors;
  d.volatility = volatility;
}

/// Flows of the day on each path: the plan's, those that are drawn, shocks.
void compose_flows(const plan::Plan& plan, std::uint64_t first_path, std::uint32_t day, BlockWorkspace& work) noexcept {
  const auto& base = plan.days[day].flows;
  auto& f = work.flows;
  f.tga.fill(base.tga);
  f.securities.fill(base.securities);
  f.currency.fill(base.currency);
  f.foreign_rrp.fill(base.foreign_rrp);
  f.other_liabilities.fill(base.other_liabilities);
  f.mmf_cash.fill(base.mmf_cash);
  f.net_coupons.fill(base.net_coupons);
  f.net_bills.fill(base.net_bills);
  f.other_sales.fill(base.other_sales);
  f.fed_purchases.fill(base.fed_purchases);
  f.volatility.fill(base.volatility);
  f.yield_change.fill(base.yield_change);
  f.repo_demand.fill(0.0);
  f.dealer_capacity.fill(0.0);
  f.iorb_change.fill(0.0);
  if (plan.drivers.any()) {
    draw_drivers(plan, first_path, day, work);
    model::draw_flows(plan.drivers, plan.days[day].drivers, work.driver_draws, work.state.sheet, work.drivers, f);
  }
  work.scratch = f.tga;
  for (std::size_t k = 0; k < plan.shocks.size(); ++k)
    add_shock(plan.shocks[k], day, work.shock_sizes[k], work.shock_starts[k], column_of(plan.shocks[k].target, f));
  for (std::size_t i = 0; i < kBlockPaths; ++i) work.drivers.tga_shocks[i] += f.tga[i] - work.scratch[i];
  for (double& volatility : f.volatility) volatility = std::max(volatility, kLeastVolatility);
}

void draw_day(const plan::Plan& plan, std::uint64_t first_path, std::uint32_t day, BlockWorkspace& work) noexcept {
  const double n = plan.params.need.degrees_of_freedom;
  auto& d = work.draws;
  work.source->uniform_pair(first_path, day, Stream::need_shock, 0, d.need_shock, d.late_shock);
  if (n != 4.0)  // all but t(4) take a second uniform
    work.source->uniform_pair(first_path, day, Stream::need_shock, 1, work.scratch, work.late_scratch);
  random::student_t_from_uniforms(n, d.need_shock, work.scratch, d.need_shock);
  random::student_t_from_uniforms(n, d.late_shock, work.late_scratch, d.late_shock);
  work.source->uniform_pair(first_path, day, Stream::pullback, 0, d.pullback, d.rate_noise);
  work.source->uniform_pair(first_path, day, Stream::tail_width, 0, d.tail_width, d.other_sales);
  const auto to_normals = [](ColumnData& column) { random::normals_from_uniforms(column, column); };
  to_normals(d.rate_noise);
  to_normals(d.tail_width);
  // Where nothing depends on a draw today it is left out, which moves no other.
  if (plan.days[day].context.is_period_end)
    to_normals(d.pullback);
  else
    d.pullback.fill(0.0);
  if (model::others_sell(work.flows))
    to_normals(d.other_sales);
  else
    d.other_sales.fill(0.0);
}

}  // namespace

void open_block(const plan::Plan& plan, std::uint64_t first_path, BlockWorkspace& work) noexcept {
  draw_path_constants(*work.source, first_path, work.path_draws);
  draw_shocks(plan, first_path, work);
  work.drivers = {};
  model::open_day(plan.opening, work.path_draws, work.state, work.outcome);
}

void simulate_day(const plan::Plan& plan, std::uint64_t first_path, std::uint32_t day, BlockWorkspace& work) noexcept {
  compose_flows(plan, first_path, day, work);
  draw_day(plan, first_path, day, work);
  model::step_day(plan.params, plan.days[day].context, work.flows, work.draws, work.state, work.outcome);
}

ChunkResult simulate_chunk(const plan::Plan& plan, const Manifest& manifest, std::uint64_t chunk,
                           BlockWorkspace& work) {
  ChunkResult result;
  result.first_path = chunk * manifest.chunk_paths;
  RQ_EXPECT(result.first_path < plan.n_paths);
  result.n_paths =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(manifest.chunk_paths, plan.n_paths - result.first_path));
  ChunkRecorder recorder(plan, manifest, result);
  FeatureTracker features;
  std::vector<PathEvaluator> metrics;
  for (const auto& metric : plan.metrics) metrics.emplace_back(metric.per_path);
  std::optional<PathEvaluator> rank;
  if (plan.stored.worst > 0) rank.emplace(plan.stored.rank);
  const auto see_metrics = [&](std::uint32_t day) {
    for (PathEvaluator& metric : metrics) metric.see(plan, day, work);
    if (rank) rank->see(plan, day, work);
  };
  for (std::size_t offset = 0; offset < result.n_paths; offset += kBlockPaths) {
    const std::size_t lanes = std::min(kBlockPaths, result.n_paths - offset);
    const std::uint64_t first_path = result.first_path + offset;
    compiled::open_block(plan, first_path, work);
    features.open(plan, work);
    for (PathEvaluator& metric : metrics) metric.open();
    if (rank) rank->open();
    see_metrics(0);
    recorder.day(work, offset, lanes, 0);
    for (std::uint32_t day = 1; day < plan.days.size(); ++day) {
      compiled::simulate_day(plan, first_path, day, work);
      features.see(plan, day, work);
      see_metrics(day);
      recorder.day(work, offset, lanes, day);
    }
    recorder.close(features, offset, lanes);
    for (std::size_t k = 0; k < metrics.size(); ++k) recorder.metric(k, metrics[k].close(), offset, lanes);
    if (rank) recorder.rank(rank->close(), offset, lanes);
  }
  return result;
}

}  // namespace repoquake::engine::compiled
