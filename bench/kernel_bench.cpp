/// What the parts of a day cost: nanoseconds per path and day of each kernel, on the states of a replay. Protocol: README.md.
///
///   kernel_bench [options of Google Benchmark] [scenario.yaml]
///
/// A block of paths is simulated once and the states before and after each of its days are kept. A kernel then sees all
/// days, day by day; before its clock starts its inputs are put back, so that they are in the cache as in a run.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "repoquake/core/elementary.hpp"
#include "repoquake/engine/simulate_block.hpp"
#include "repoquake/io/scenario_yaml.hpp"
#include "repoquake/model/bank_capacity.hpp"
#include "repoquake/model/basis_trade.hpp"
#include "repoquake/model/clearing.hpp"
#include "repoquake/model/fed_balance_sheet.hpp"
#include "repoquake/model/rate_distribution.hpp"
#include "repoquake/plan/compile.hpp"
#include "repoquake/random/normal.hpp"
#include "repoquake/random/student.hpp"

using namespace repoquake;
using Clock = std::chrono::steady_clock;

namespace {

/// A day as it was: all that comes in, and all that came of it.
struct DayOfBlock {
  std::uint32_t row;
  model::PathState before, after;
  model::DayFlows flows;
  model::DayDraws draws;
  model::DayOutcome out;
};

plan::Plan compiled(const std::string& file) {
  const io::LoadedScenario loaded = io::load_scenario(file);
  io::require_valid(loaded);
  auto result = plan::compile(loaded.scenario, loaded.base ? &*loaded.base : nullptr);
  if (!result.plan) throw std::runtime_error(file + ": " + result.issues.front().reason);
  return std::move(*result.plan);
}

class Bench {
 public:
  explicit Bench(const std::string& file) : plan_(compiled(file)), work_(plan_, engine::InstructionSet::portable) {
    engine::open_block(plan_, 0, work_);
    for (std::uint32_t row = 1; row < plan_.days.size(); ++row) {
      model::PathState before = work_.state;
      engine::simulate_day(plan_, 0, row, work_);
      days_.push_back({row, std::move(before), work_.state, work_.flows, work_.draws, work_.outcome});
    }
  }

  void add_all() {
    const auto before = [this](const DayOfBlock& day) { restore(day, day.before); };
    const auto after = [this](const DayOfBlock& day) { restore(day, day.after); };
    const auto nothing = [](const DayOfBlock&) {};
    add("draws", nothing, [this](const DayOfBlock& day) { draw(day); });
    add("capacity", before, [this](const DayOfBlock& day) { lend(day); });
    add("clearing", before, [this](const DayOfBlock& day) { clear(day); });
    add("percentiles", after, [this](const DayOfBlock& day) {
      model::spread_rates(plan_.params, context(day), day.draws,
                          context(day).floor - plan_.params.dispersion.below_floor, work_.state, work_.outcome);
    });
    add(
        "cohorts", [this](const DayOfBlock& day) { restore_before_funds(day); },
        [this](const DayOfBlock& day) {
          model::trade_basis(plan_.params, context(day), work_.flows, day.draws, work_.state, work_.outcome);
        });
    add(
        "ledger", [this](const DayOfBlock& day) { restore_before_books(day); },
        [this](const DayOfBlock& day) {
          model::settle(day.flows, {work_.scratch, work_.late_scratch, on_rrp_}, work_.state.sheet);
        });
    add("output", after, [this](const DayOfBlock& day) { observe(day.row); });
    add("step_day", before, [this](const DayOfBlock& day) {
      model::step_day(plan_.params, context(day), work_.flows, day.draws, work_.state, work_.outcome);
    });
    add("simulate_day", before, [this](const DayOfBlock& day) { engine::simulate_day(plan_, 0, day.row, work_); });
    add(
        "exp", [this](const DayOfBlock& day) { work_.scratch = day.draws.tail_width; },
        [this](const DayOfBlock&) {
          for (std::size_t i = 0; i < kBlockPaths; ++i) work_.late_scratch[i] = elementary::exp(work_.scratch[i]);
        });
  }

 private:
  using Part = std::function<void(const DayOfBlock&)>;

  /// A benchmark whose clock runs only while `kernel` does.
  void add(const char* name, Part prepare, Part kernel) {
    const auto run = [this, prepare = std::move(prepare), kernel = std::move(kernel)](benchmark::State& state) {
      for ([[maybe_unused]] auto _ : state) {
        Clock::duration spent{};
        for (const DayOfBlock& day : days_) {
          prepare(day);
          benchmark::ClobberMemory();
          const auto start = Clock::now();
          kernel(day);
          benchmark::ClobberMemory();
          spent += Clock::now() - start;
        }
        state.SetIterationTime(std::chrono::duration<double>(spent).count());
      }
      using benchmark::Counter;
      state.counters["per_path_day"] = Counter(static_cast<double>(days_.size() * kBlockPaths),
                                               Counter::kIsIterationInvariantRate | Counter::kInvert);
    };
    benchmark::RegisterBenchmark(name, run)->UseManualTime()->Unit(benchmark::kMicrosecond);
  }

  [[nodiscard]] const model::DayContext& context(const DayOfBlock& day) const { return plan_.days[day.row].context; }

  void restore(const DayOfBlock& day, const model::PathState& state) {
    work_.state = state;
    work_.flows = day.flows;
    work_.draws = day.draws;
    work_.outcome = day.out;
  }

  /// The funds come last but for what is felt tomorrow: they see the day's rates and yesterday's positions.
  void restore_before_funds(const DayOfBlock& day) {
    restore(day, day.before);
    work_.state.am_spread = day.after.am_spread;
    work_.state.pm_spread = day.after.pm_spread;
  }

  /// As engine/simulate_block.cpp draws them.
  void draw(const DayOfBlock& day) {
    using random::Stream;
    auto& d = work_.draws;
    const std::uint64_t seed = plan_.seed;
    random::draw_uniform_pair(seed, 0, day.row, Stream::need_shock, 0, d.need_shock, d.late_shock);
    random::student_t_from_uniforms(4.0, d.need_shock, work_.scratch, d.need_shock);
    random::student_t_from_uniforms(4.0, d.late_shock, work_.scratch, d.late_shock);
    random::draw_uniform_pair(seed, 0, day.row, Stream::pullback, 0, d.pullback, d.rate_noise);
    random::draw_uniform_pair(seed, 0, day.row, Stream::tail_width, 0, d.tail_width, d.other_sales);
    for (ColumnData* column : {&d.rate_noise, &d.tail_width}) random::normals_from_uniforms(*column, *column);
    if (context(day).is_period_end) random::normals_from_uniforms(d.pullback, d.pullback);
    if (model::others_sell(day.flows)) random::normals_from_uniforms(d.other_sales, d.other_sales);
  }

  void lend(const DayOfBlock& day) {
    const auto& s = work_.state;
    model::reserves_before_noon(plan_.params, s.sheet, day.out.drain, work_.scratch);
    model::satiated_capacity(plan_.params, day.flows.volatility, s.precaution, s.capacity_factor, work_.late_scratch);
    model::lend_capacity(plan_.params, work_.scratch, work_.late_scratch, work_.outcome.capacity);
    model::reserves_after_noon(s.sheet, day.out.drain, day.out.am_standing_repo, day.out.am_operations, work_.scratch);
    model::lend_capacity(plan_.params, work_.scratch, work_.late_scratch, work_.outcome.late_capacity);
  }

  /// Both sessions, each from where the day starts: yesterday's rate, the morning's spread.
  void clear(const DayOfBlock& day) {
    auto& out = work_.outcome;
    const auto& cash = day.after.mmf_cash;
    out.am_clearing = work_.state.am_spread;
    model::clear_repo_market(model::session_terms(plan_.params, context(day), context(day).standing_repo_am),
                             {day.out.need, cash, day.out.capacity, day.out.markup, day.out.offer}, out.am_clearing,
                             out.flags);
    out.pm_clearing = out.am_clearing;
    model::clear_repo_market(model::session_terms(plan_.params, context(day), context(day).standing_repo_pm),
                             {day.out.late_need, cash, day.out.late_capacity, day.out.markup, day.out.late_offer},
                             out.pm_clearing, out.flags);
  }

  /// With the levels of the facilities at the close.
  void restore_before_books(const DayOfBlock& day) {
    restore(day, day.before);
    const auto& close = day.after.sheet;
    std::ranges::transform(close.standing_repo, work_.scratch.begin(), to_usd_bn);
    std::ranges::transform(close.repo_operations, work_.late_scratch.begin(), to_usd_bn);
    std::ranges::transform(close.on_rrp, on_rrp_.begin(), to_usd_bn);
  }

  void observe(std::uint32_t row) {
    for (const Variable variable : plan_.variables) {
      engine::observe(plan_, row, variable, work_, work_.scratch);
      std::ranges::transform(work_.scratch, floats_.begin(), [](double value) { return static_cast<float>(value); });
      benchmark::DoNotOptimize(floats_);
    }
  }

  plan::Plan plan_;
  engine::BlockWorkspace work_;
  std::vector<DayOfBlock> days_;
  ColumnData on_rrp_{};
  std::array<float, kBlockPaths> floats_{};
};

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  try {
    Bench bench(argc > 1 ? argv[1] : "scenarios/sep_2019.yaml");
    bench.add_all();
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kernel_bench: %s\n", error.what());
    return 1;
  }
  benchmark::Shutdown();
  return 0;
}
