#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/simulation_code.hpp"
#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/engine/path_evaluator.hpp"
#include "repoquake/engine/rounding.hpp"
#include "repoquake/random/normal.hpp"
#include "repoquake/random/student.hpp"
#include "repoquake/stats/exceedance.hpp"

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
  for (ColumnData* column : {&d.pullback, &d.rate_noise, &d.tail_width, &d.other_sales})
    random::normals_from_uniforms(*column, *column);
}

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

/// Per-path features as they build up over the days of a block.
class FeatureTracker {
 public:
  void open(const plan::Plan& plan, const BlockWorkspace& work) {
    constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
    opening_position_ = plan.opening.position;
    for (auto& column : columns_) column.fill(-std::numeric_limits<double>::infinity());
    for (const auto f : {PathFeature::trough_reserves, PathFeature::trough_return})
      at(f).fill(std::numeric_limits<double>::infinity());
    for (const auto f :
         {PathFeature::peak_day, PathFeature::basis_sales_total, PathFeature::basis_sales_forced_total,
          PathFeature::position_change, PathFeature::days_to_return, PathFeature::basis_sales_voluntary_total})
      at(f).fill(0.0);
    at(PathFeature::days_above_corridor).fill(plan.days.front().context.has_corridor ? 0.0 : kNothing);
    const bool has_facility = std::ranges::any_of(plan.days, [](const auto& d) { return d.context.has_standing_repo; });
    if (!has_facility) at(PathFeature::peak_volume_above_srf).fill(kNothing);
    flags_.fill(0);
    see(plan, 0, work);
  }

  void see(const plan::Plan& plan, std::uint32_t day, const BlockWorkspace& work) noexcept {
    const auto& context = plan.days[day].context;
    const auto& out = work.outcome;
    const auto& state = work.state;
    const ColumnData& spread = out.percentiles[model::kMedian];
    see_spread(static_cast<double>((plan.days[day].date - plan.days.front().date).count()), spread);
    ColumnData value;
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      at(PathFeature::basis_sales_total)[i] += out.sales[i];
      at(PathFeature::basis_sales_forced_total)[i] += out.forced_sales[i];
      at(PathFeature::basis_sales_voluntary_total)[i] += out.sales[i] - out.forced_sales[i];
      at(PathFeature::position_change)[i] =
          opening_position_ > 0.0 ? 100.0 * (out.position[i] / opening_position_ - 1.0) : 0.0;
      flags_[i] |= out.flags[i];
    }
    if (context.has_corridor) {  // the target range does not move with a rule's adjustment of IORB
      const double lag = context.corridor_moves ? 0.0 : 1.0;
      for (std::size_t i = 0; i < kBlockPaths; ++i)
        at(PathFeature::days_above_corridor)[i] +=
            spread[i] + lag * state.policy.rate_shift[i] > context.corridor_top ? 1.0 : 0.0;
    }
    raise(PathFeature::peak_p99_spread, out.percentiles.back());
    raise(PathFeature::peak_tgcr_spread, out.tgcr);
    raise(PathFeature::peak_futures_basis, state.futures_basis);
    raise(PathFeature::peak_yield_impact, state.yield_impact);
    raise(PathFeature::peak_dealer_markup, out.markup);
    to_amount(state.sheet.on_rrp, value);
    raise(PathFeature::on_rrp_peak, value);
    to_amount(state.sheet.reserves, value);
    lower(PathFeature::trough_reserves, value);
    compiled::observe(plan, day, Variable::hf_return, work, value);
    lower(PathFeature::trough_return, value);
    for (std::size_t i = 0; i < kBlockPaths; ++i) value[i] = spread[i] - out.effr[i];
    raise(PathFeature::peak_sofr_over_effr, value);
    for (std::size_t i = 0; i < kBlockPaths; ++i) value[i] = 100.0 * out.spiral_ratio[i];
    raise(PathFeature::peak_spiral_ratio, value);
    if (context.has_standing_repo) {
      for (std::size_t i = 0; i < kBlockPaths; ++i) value[i] = 100.0 * out.volume_above_srf_rate[i];
      raise(PathFeature::peak_volume_above_srf, value);
    }
    ColumnData credit;
    to_amount(state.sheet.standing_repo, credit);
    raise(PathFeature::standing_repo_peak, credit);
    to_amount(state.sheet.repo_operations, value);
    raise(PathFeature::repo_operations_peak, value);
    for (std::size_t i = 0; i < kBlockPaths; ++i) credit[i] += value[i];
    raise(PathFeature::peak_fed_credit, credit);
  }

  [[nodiscard]] const ColumnData& operator[](std::size_t feature) const { return columns_[feature]; }
  [[nodiscard]] std::uint32_t flags(std::size_t lane) const { return flags_[lane]; }

 private:
  /// The peak, its day, and the days since then until the spread is calm again.
  void see_spread(double calendar_days, ConstColumn spread) noexcept {
    ColumnData& peak = at(PathFeature::peak_spread);
    ColumnData& peak_day = at(PathFeature::peak_day);
    ColumnData& days = at(PathFeature::days_to_return);
    ColumnData& is_not_back = at(PathFeature::is_not_back);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      const bool is_peak = spread[i] > peak[i];
      const bool is_calm = spread[i] < kCalmSpread;
      const bool still_counts = is_peak || is_not_back[i] > 0.0;
      days[i] = is_peak ? 0.0 : still_counts ? days[i] + 1.0 : days[i];
      is_not_back[i] = still_counts && !is_calm ? 1.0 : 0.0;
      peak_day[i] = is_peak ? calendar_days : peak_day[i];
      peak[i] = is_peak ? spread[i] : peak[i];
    }
  }

  ColumnData& at(PathFeature feature) noexcept { return columns_[index(feature)]; }
  void raise(PathFeature feature, ConstColumn value) noexcept {
    ColumnData& peak = at(feature);
    for (std::size_t i = 0; i < kBlockPaths; ++i) peak[i] = std::max(peak[i], value[i]);
  }
  void lower(PathFeature feature, ConstColumn value) noexcept {
    ColumnData& trough = at(feature);
    for (std::size_t i = 0; i < kBlockPaths; ++i) trough[i] = std::min(trough[i], value[i]);
  }

  double opening_position_ = 0.0;
  std::array<ColumnData, kPathFeatureCount> columns_;
  std::array<std::uint32_t, kBlockPaths> flags_{};
};

/// Writes what a block shows into its place in the chunk.
class ChunkRecorder {
 public:
  ChunkRecorder(const plan::Plan& plan, const Manifest& manifest, ChunkResult& chunk)
      : plan_(plan), manifest_(manifest), chunk_(chunk), n_days_(manifest.n_days()) {
    const std::size_t n = chunk.n_paths;
    const std::size_t slots = manifest.statistics.size() * n_days_ + kPathFeatureCount;
    const bool may_be_stored = manifest.stored.may_need(chunk.first_path);
    if (may_be_stored) chunk.paths.resize(manifest.variables.size() * n * n_days_);
    chunk.features.resize(kPathFeatureCount * n);
    chunk.days_above.assign(n * manifest.thresholds.size(), 0);
    chunk.flags.assign(n, 0);
    if (manifest.may_need_events(chunk.first_path)) chunk.events.assign(n * n_days_, 0);
    if (manifest.stored.worst > 0) chunk.ranks.resize(n);
    chunk.moments.resize(slots);
    chunk.bins.resize(slots * n);
    chunk.exceedances.assign(manifest.thresholds.size() * n_days_, 0);
    const std::size_t n_batches = manifest.batching.count;
    chunk.batch_sums.assign(slots * n_batches, 0.0);
    chunk.batch_exceedances.assign(chunk.exceedances.size() * n_batches, 0);
    for (std::size_t i = 0; n_batches > 0 && i < n; ++i)
      batch_of_.push_back(manifest.batching.of(chunk.first_path + i));
    chunk.flag_days.assign(kPathFlagCount, 0);
    chunk.metrics.resize(manifest.metrics.size() * n);
    chunk.metric_parts.resize(manifest.metrics.size());
    chunk.metric_bins.assign(manifest.metrics.size() * n, kNoBin);
  }

  void day(const BlockWorkspace& work, std::size_t offset, std::size_t lanes, std::uint32_t day) {
    ColumnData value;
    for (std::size_t v = 0; v < manifest_.statistics.size(); ++v) {
      compiled::observe(plan_, day, manifest_.statistics[v], work, value);
      gather(v * n_days_ + day, offset, std::span(value).first(lanes),
             bin_factor(spec_of(manifest_.statistics[v]).quantity));
      if (manifest_.statistics[v] == Variable::spread) count_above(value, offset, lanes, day);
    }
    if (!chunk_.paths.empty()) {
      for (std::size_t v = 0; v < manifest_.variables.size(); ++v) {
        compiled::observe(plan_, day, manifest_.variables[v], work, value);
        const double quantum =
            storage_quantum(manifest_.variables[v], plan_.rate_precision_bp, plan_.amount_precision_usd_bn);
        float* table = chunk_.paths.data() + (v * chunk_.n_paths + offset) * n_days_ + day;
        for (std::size_t i = 0; i < lanes; ++i) table[i * n_days_] = round_to(value[i], quantum);
      }
    }
    if (!chunk_.events.empty())
      for (std::size_t i = 0; i < lanes; ++i) chunk_.events[(offset + i) * n_days_ + day] = work.outcome.flags[i];
    for (std::size_t k = 0; k < kPathFlagCount; ++k)
      for (std::size_t i = 0; i < lanes; ++i) chunk_.flag_days[k] += (work.outcome.flags[i] >> k) & 1U;
  }

  void close(const FeatureTracker& features, std::size_t offset, std::size_t lanes) {
    for (std::size_t f = 0; f < kPathFeatureCount; ++f) {
      std::copy_n(features[f].begin(), lanes,
                  chunk_.features.begin() + static_cast<std::ptrdiff_t>(f * chunk_.n_paths + offset));
      gather(manifest_.statistics.size() * n_days_ + f, offset, std::span(features[f]).first(lanes), 1.0);
    }
    for (std::size_t i = 0; i < lanes; ++i) chunk_.flags[offset + i] = features.flags(i);
  }

  void rank(ConstColumn values, std::size_t offset, std::size_t lanes) {
    for (std::size_t i = 0; i < lanes; ++i) chunk_.ranks[offset + i] = plan_.stored.rank_factor * values[i];
  }

  /// The block's values of a metric, NaN where a path has none.
  void metric(std::size_t metric, ConstColumn values, std::size_t offset, std::size_t lanes) {
    const auto& spec = manifest_.metrics[metric];
    const std::size_t start = metric * chunk_.n_paths + offset;
    std::copy_n(values.begin(), lanes, chunk_.metrics.begin() + static_cast<std::ptrdiff_t>(start));
    ColumnData known;
    std::size_t n = 0;
    for (std::size_t i = 0; i < lanes; ++i) {
      if (std::isnan(values[i])) continue;
      known[n++] = values[i];
      if (spec.statistic.needs_bins()) chunk_.metric_bins[start + i] = kBinScale.bin(spec.bin_factor * values[i]);
    }
    MetricPart& part = chunk_.metric_parts[metric];
    part.moments.merge(stats::high_moments_of(std::span(known).first(n)));
    part.hits += stats::count_above(std::span(known).first(n), 0.5);
  }

 private:
  void gather(std::size_t slot, std::size_t offset, std::span<const double> values, double factor) {
    const auto bins = std::span(chunk_.bins).subspan(slot * chunk_.n_paths + offset, values.size());
    if (std::isnan(values.front())) {  // without meaning on this day: so for every path
      std::ranges::fill(bins, kNoBin);
      return;
    }
    chunk_.moments[slot].merge(stats::moments_of(values));
    const std::size_t n_batches = manifest_.batching.count;
    for (std::size_t i = 0; n_batches > 0 && i < values.size(); ++i)
      chunk_.batch_sums[slot * n_batches + batch_of_[offset + i]] += values[i];
    ColumnData scaled;
    std::ranges::transform(values, scaled.begin(), [factor](double value) { return factor * value; });
    kBinScale.bins(std::span(scaled).first(values.size()), bins);
  }

  void count_above(const ColumnData& spread, std::size_t offset, std::size_t lanes, std::uint32_t day) {
    const std::size_t n = manifest_.thresholds.size(), n_batches = manifest_.batching.count;
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t i = 0; i < lanes; ++i) {
        const bool is_above = spread[i] > manifest_.thresholds[k];
        chunk_.exceedances[k * n_days_ + day] += is_above;
        if (n_batches > 0)
          chunk_.batch_exceedances[(k * n_days_ + day) * n_batches + batch_of_[offset + i]] += is_above;
        chunk_.days_above[(offset + i) * n + k] =
            static_cast<std::uint16_t>(chunk_.days_above[(offset + i) * n + k] + is_above);
      }
    }
  }

  const plan::Plan& plan_;
  const Manifest& manifest_;
  ChunkResult& chunk_;
  std::size_t n_days_;
  std::vector<std::uint32_t> batch_of_;  ///< (path of the chunk); empty where paths are independent
};

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
