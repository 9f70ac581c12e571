#include "repoquake/engine/run.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include "repoquake/core/contract.hpp"
#include "repoquake/engine/simulate_block.hpp"

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace repoquake::engine {
namespace {

/// Says to ThreadSanitizer what the pipeline guarantees: who takes a baton sees what was done before it was passed.
/// Debian's oneTBB is not instrumented, so the sanitizer cannot see it; everywhere else this is nothing.
struct Baton {
#if defined(__SANITIZE_THREAD__)
  void take() noexcept { __tsan_acquire(this); }
  void pass() noexcept { __tsan_release(this); }
  char address = 0;
#else
  void take() noexcept {}
  void pass() noexcept {}
#endif
};

/// Takes a baton, and passes it on at the end of the scope, also when something throws.
class Holding {
 public:
  explicit Holding(Baton& baton) noexcept : baton_(baton) { baton_.take(); }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;
  ~Holding() { baton_.pass(); }

 private:
  Baton& baton_;
};

/// Chunks of one number, one of each plan, on their way through the pipeline.
struct ChunkPlace {
  std::vector<ChunkResult> chunks;
  Baton baton;
};

constexpr std::uint32_t kChunkPaths = 4 * kBlockPaths;
constexpr Spread kDeskThreshold = 75.0;  // always among the thresholds of peaks
constexpr std::size_t kChunksInFlightPerThread = 2;

enum class ChunkId : std::uint64_t {};  // small and trivially constructible: what oneTBB 2021.8 passes by value

std::uint64_t chunk_count(const Manifest& m) { return (m.n_paths + m.chunk_paths - 1) / m.chunk_paths; }

/// What is special about a row, in a few words.
std::string mark_of(const plan::Plan& plan, std::size_t row) {
  const auto& day = plan.days[row];
  std::string mark = row == 0 ? "opening" : "";
  const auto add = [&](bool holds, std::string_view text) {
    if (holds) mark += (mark.empty() ? "" : ", ") + std::string(text);
  };
  constexpr std::array<std::string_view, 4> kPeriods{"", "month-end", "quarter-end", "year-end"};
  add(day.context.is_period_end, kPeriods[static_cast<std::size_t>(day.period_end)]);
  add(day.is_tax_date, "tax date");
  add(day.context.iorb_change != 0.0, "new rates");
  add(day.context.is_meeting, "meeting");
  const bool is_dated = !day.context.rules.emergency_repo.in_force;  // a rule may act on any day: no day is special
  add(is_dated && std::isfinite(day.context.emergency_trigger) && day.context.emergency_size > 0.0, "emergency repo");
  return mark;
}

std::string name_sampling(const plan::PlanSampling& sampling) {
  switch (sampling.kind) {
    case plan::PlanSampling::Kind::independent:
      return "";
    case plan::PlanSampling::Kind::antithetic:
      return "antithetic pairs";
    case plan::PlanSampling::Kind::net:
      return std::to_string(sampling.scrambles) + " scrambled Sobol nets";
  }
  return "";
}

int threads_of(int asked) { return asked > 0 ? asked : tbb::info::default_concurrency(); }

}  // namespace

Manifest manifest_of(const plan::Plan& plan) {
  Manifest m;
  m.name = plan.name;
  m.title = plan.title;
  for (std::size_t row = 0; row < plan.days.size(); ++row) {
    m.dates.push_back(plan.days[row].date);
    m.marks.push_back(mark_of(plan, row));
  }
  m.n_paths = plan.n_paths;
  m.seed = plan.seed;
  m.batching = plan.sampling.batching();
  m.sampling = name_sampling(plan.sampling);
  m.is_conditional = plan.is_conditional;
  m.drawn = plan.drawn;
  m.stored = {.sample = plan.stored.sample, .worst = plan.stored.worst, .by = plan.stored.by, .unit = plan.stored.unit};
  m.summary_of_all = plan.summary_of_all;
  m.variables = plan.variables;
  m.statistics = plan.variables;
  if (std::ranges::find(m.statistics, Variable::spread) == m.statistics.end())
    m.statistics.insert(m.statistics.begin(), Variable::spread);
  for (const Variable variable : plan.expected)
    if (std::ranges::find(m.statistics, variable) == m.statistics.end()) m.statistics.push_back(variable);
  m.quantiles = plan.quantiles;
  m.thresholds = plan.thresholds;
  m.peak_thresholds = plan.thresholds;
  if (std::ranges::find(m.peak_thresholds, kDeskThreshold) == m.peak_thresholds.end())
    m.peak_thresholds.push_back(kDeskThreshold);
  std::ranges::sort(m.peak_thresholds);
  m.has_rules = plan.has_rules;
  for (const auto& t : plan.transmission)
    m.transmission.push_back(
        {t.name, t.unit, t.long_name, t.coefficient, t.low, t.high, plan.opening.own.opening_spread});
  for (const auto& metric : plan.metrics) m.metrics.push_back(metric.spec);
  if (plan.stop)
    m.stop =
        StopRule{.metric = plan.stop->metric, .half_width = plan.stop->half_width, .min_paths = plan.stop->min_paths};
  m.chunk_paths = kChunkPaths;
  return m;
}

namespace {

/// Runs a pipeline with so many threads; `every_baton` hands over what it touches, there and back.
void run_in_arena(int threads, const std::function<void()>& pipeline,
                  const std::function<void(const std::function<void(Baton&)>&)>& every_baton) {
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  tbb::task_arena arena(threads);
  every_baton([](Baton& baton) { baton.pass(); });
  try {
    arena.execute([&] { pipeline(); });
  } catch (...) {
    every_baton([](Baton& baton) { baton.take(); });
    throw;
  }
  every_baton([](Baton& baton) { baton.take(); });
}

/// What is done with the chunks of one number.
struct Stages {
  std::function<void(std::span<ChunkResult>)> encode;      ///< in the parallel stage
  std::function<void(std::span<const ChunkResult>)> keep;  ///< in the ordered stage
  std::function<bool()> is_done;                           ///< after keep: is the rest not wanted?
  std::uint64_t first_chunk = 0;  ///< those before the summaries' number of paths are counted already
};

/// Simulates the plans chunk by chunk, side by side. True: it was asked to stop from outside before the end.
bool run_pipeline(std::span<const plan::Plan* const> plans, std::span<RunSummary> summaries, const RunOptions& options,
                  const Stages& stages) {
  const std::uint64_t n_chunks = chunk_count(summaries.front().manifest);
  const std::uint64_t chunk_paths = summaries.front().manifest.chunk_paths;
  const std::uint64_t n_counted = (summaries.front().stats.n_paths() + chunk_paths - 1) / chunk_paths;
  using Workspaces = std::vector<std::unique_ptr<BlockWorkspace>>;
  tbb::enumerable_thread_specific<Workspaces> workspaces([&] {
    Workspaces own;
    for (const plan::Plan* plan : plans) own.push_back(std::make_unique<BlockWorkspace>(*plan));
    return own;
  });
  // Chunks live here and not in the pipeline, which would lose those in flight when a sink throws. With as many tokens as
  // places and an ordered end, a place is free again before its next chunk is numbered.
  std::vector<ChunkPlace> in_flight(kChunksInFlightPerThread * static_cast<std::size_t>(summaries.front().threads));
  Baton numbering, ordering;
  std::uint64_t next = stages.first_chunk;
  bool was_stopped = false;
  const auto has_settled = [&] { return stages.is_done && stages.is_done(); };
  std::atomic<bool> is_done{n_counted > 0 && has_settled()};  // what is still in flight is dropped
  const auto is_late = [&] {
    return options.deadline && next > stages.first_chunk && std::chrono::steady_clock::now() >= *options.deadline;
  };
  const auto is_asked_to_stop = [&] {
    return (options.stop != nullptr && options.stop->load(std::memory_order_relaxed)) || is_late();
  };
  const auto every_baton = [&](const std::function<void(Baton&)>& use) {
    use(numbering);
    use(ordering);
    for (ChunkPlace& flying : in_flight) use(flying.baton);
  };

  const auto number = [&](tbb::flow_control& control) {
    const Holding turn(numbering);
    const bool is_lost = next < n_counted;  // statistics know it: first of all, paths must catch up with them
    const bool is_over = next == n_chunks || (is_done.load(std::memory_order_relaxed) && !is_lost);
    was_stopped = !is_over && !is_lost && is_asked_to_stop();
    const ChunkId id{next};
    if (is_over || was_stopped)
      control.stop();
    else
      ++next;
    return id;
  };
  const auto simulate = [&](ChunkId id) {
    const auto place = static_cast<std::uint64_t>(id);
    ChunkPlace& flying = in_flight[place % in_flight.size()];
    const Holding turn(flying.baton);
    const Workspaces& own = workspaces.local();
    for (std::size_t k = 0; k < plans.size(); ++k)
      flying.chunks.push_back(simulate_chunk(*plans[k], summaries[k].manifest, place, *own[k]));
    if (stages.encode) stages.encode(flying.chunks);
    return &flying;
  };
  const auto keep = [&](ChunkPlace* flying) {
    const Holding turn(ordering);
    const Holding chunk(flying->baton);
    const std::vector<ChunkResult> done = std::exchange(flying->chunks, {});
    const bool is_lost = done.front().first_path < n_counted * chunk_paths;
    if (is_done.load(std::memory_order_relaxed) && !is_lost) return;
    for (std::size_t k = 0; k < plans.size() && !is_lost; ++k) {
      summaries[k].stats.absorb(done[k]);
      summaries[k].convergence.see(summaries[k].stats);
    }
    stages.keep(done);
    if (options.on_progress) options.on_progress(summaries.front().stats.n_paths());
    is_done.store(has_settled(), std::memory_order_relaxed);
  };

  const auto pipeline = [&] {
    tbb::parallel_pipeline(in_flight.size(),
                           tbb::make_filter<void, ChunkId>(tbb::filter_mode::serial_in_order, number) &
                               tbb::make_filter<ChunkId, ChunkPlace*>(tbb::filter_mode::parallel, simulate) &
                               tbb::make_filter<ChunkPlace*, void>(tbb::filter_mode::serial_in_order, keep));
  };
  run_in_arena(summaries.front().threads, pipeline, every_baton);
  return was_stopped && !is_done.load();
}

using Seconds = std::chrono::duration<double>;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

RunSummary summary_of(const plan::Plan& plan, const RunOptions& options) {
  return {
      .manifest = manifest_of(plan), .stats = OnlineStats(manifest_of(plan)), .threads = threads_of(options.threads)};
}

}  // namespace

namespace {

/// When a checkpoint is due.
class CheckpointClock {
 public:
  explicit CheckpointClock(std::optional<Seconds> every) : is_adaptive_(!every), every_(every.value_or(Seconds(1.0))) {}

  /// Makes one where it is time to.
  void tick(const std::function<void()>& checkpoint) {
    const auto start = std::chrono::steady_clock::now();
    if (start - last_ < every_) return;
    checkpoint();
    last_ = std::chrono::steady_clock::now();
    if (is_adaptive_) every_ = std::max(Seconds(1.0), kRarity * Seconds(last_ - start));
  }

 private:
  static constexpr double kRarity = 50.0;  // the inverse of the largest share of the time that checkpoints may take

  bool is_adaptive_;
  Seconds every_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

RunSummary run(const plan::Plan& plan, const RunOptions& options, Sink& sink) {
  const auto start = std::chrono::steady_clock::now();
  RunSummary summary = summary_of(plan, options);
  const Manifest& manifest = summary.manifest;
  sink.begin(manifest);
  const std::uint64_t first_path = sink.resume(summary);
  const double seconds_before = summary.seconds;
  if (options.on_begin) options.on_begin(summary.stats.n_paths());
  const auto checkpoint = [&] {
    summary.seconds = seconds_before + seconds_since(start);
    sink.checkpoint(summary);
  };
  CheckpointClock clock(options.checkpoint_every);
  const std::array<const plan::Plan*, 1> plans{&plan};
  const auto keep = [&](std::span<const ChunkResult> chunks) {
    sink.write(chunks.front());
    clock.tick(checkpoint);
  };
  const bool was_stopped =
      run_pipeline(plans, std::span(&summary, 1), options,
                   {.encode = [&](std::span<ChunkResult> chunks) { sink.encode(chunks.front()); },
                    .keep = keep,
                    .is_done = [&] { return is_settled(manifest, summary.stats); },
                    .first_chunk = (first_path + manifest.chunk_paths - 1) / manifest.chunk_paths});
  if (was_stopped) checkpoint();
  summary.convergence.close(summary.stats);
  summary.stop_reason = was_stopped                                  ? StopReason::interrupted
                        : summary.stats.n_paths() < manifest.n_paths ? StopReason::settled
                                                                     : StopReason::all_paths_done;
  summary.seconds = seconds_before + seconds_since(start);
  sink.end(summary);
  return summary;
}

std::vector<RunSummary> run_together(std::span<const plan::Plan> plans, const RunOptions& options,
                                     const std::function<void(std::span<const ChunkResult>)>& keep) {
  RQ_EXPECT(!plans.empty());
  const auto start = std::chrono::steady_clock::now();
  std::vector<RunSummary> summaries;
  std::vector<const plan::Plan*> pointers;
  for (const plan::Plan& plan : plans) {
    RQ_EXPECT(plan.n_paths == plans.front().n_paths);
    summaries.push_back(summary_of(plan, options));
    pointers.push_back(&plan);
  }
  const bool was_stopped = run_pipeline(pointers, summaries, options, {.encode = {}, .keep = keep, .is_done = {}});
  for (RunSummary& summary : summaries) {
    summary.convergence.close(summary.stats);
    summary.stop_reason = was_stopped ? StopReason::interrupted : StopReason::all_paths_done;
    summary.seconds = seconds_since(start);
  }
  return summaries;
}

namespace {

/// A plan on its way, and what its chunks have said so far.
struct Point {
  std::uint64_t number = 0;
  plan::Plan plan;
  Manifest manifest;
  std::uint64_t n_chunks = 0;
  // The rest belongs to the ordered stage.
  RunSummary summary;
  std::uint64_t n_kept = 0;
  bool is_over = false;
};

/// A chunk of a point.
struct PointPlace {
  std::shared_ptr<Point> point;
  std::uint64_t number = 0;  ///< of the chunk
  ChunkResult chunk;
  std::string failure;
  Baton baton;
};

/// A thread's workspace, made anew for each point it meets.
struct PointWorkspace {
  std::shared_ptr<Point> point;
  std::unique_ptr<BlockWorkspace> work;

  BlockWorkspace& of(const std::shared_ptr<Point>& wanted) {
    if (point != wanted) {
      work = std::make_unique<BlockWorkspace>(wanted->plan);
      point = wanted;
    }
    return *work;
  }
};

}  // namespace

bool run_points(std::uint64_t n, const std::function<std::optional<plan::Plan>(std::uint64_t)>& plan_of,
                const RunOptions& options, const std::function<void(std::uint64_t, const PointEnd&)>& done,
                const std::function<void(std::uint64_t, const ChunkResult&)>& see) {
  const int threads = threads_of(options.threads);
  std::vector<PointPlace> in_flight(kChunksInFlightPerThread * static_cast<std::size_t>(threads));
  tbb::enumerable_thread_specific<PointWorkspace> workspaces;
  Baton numbering, ordering;
  std::uint64_t next_point = 0, next_chunk = 0, n_numbered = 0;
  std::shared_ptr<Point> current;
  bool was_stopped = false;
  const auto every_baton = [&](const std::function<void(Baton&)>& use) {
    use(numbering);
    use(ordering);
    for (PointPlace& flying : in_flight) use(flying.baton);
  };

  /// The next point that has a plan; nothing when there are no more.
  const auto open_point = [&] {
    for (current.reset(); current == nullptr && next_point < n; ++next_point) {
      auto plan = plan_of(next_point);
      if (!plan) continue;
      RunSummary summary = summary_of(*plan, options);
      const std::uint64_t n_chunks = chunk_count(summary.manifest);
      current = std::make_shared<Point>(Point{.number = next_point,
                                              .plan = std::move(*plan),
                                              .manifest = summary.manifest,  // NOLINT(bugprone-use-after-move): before
                                              .n_chunks = n_chunks,
                                              .summary = std::move(summary)});
    }
    next_chunk = 0;
  };
  const auto number = [&](tbb::flow_control& control) {
    const Holding turn(numbering);
    was_stopped = options.stop != nullptr && options.stop->load(std::memory_order_relaxed);
    if (!was_stopped && (current == nullptr || next_chunk == current->n_chunks)) open_point();
    const ChunkId id{n_numbered};
    if (was_stopped || current == nullptr) {
      control.stop();
      return id;
    }
    PointPlace& place = in_flight[n_numbered++ % in_flight.size()];
    const Holding chunk(place.baton);
    place.point = current;
    place.number = next_chunk++;
    return id;
  };
  const auto simulate = [&](ChunkId id) {
    PointPlace& flying = in_flight[static_cast<std::uint64_t>(id) % in_flight.size()];
    const Holding turn(flying.baton);
    try {
      flying.chunk = simulate_chunk(flying.point->plan, flying.point->manifest, flying.number,
                                    workspaces.local().of(flying.point));
    } catch (const std::bad_alloc&) {
      flying.failure = "out of memory";
    } catch (const std::exception& error) {
      flying.failure = error.what();
    }
    return &flying;
  };
  const auto keep = [&](PointPlace* flying) {
    const Holding turn(ordering);
    const Holding place(flying->baton);
    const auto point = std::exchange(flying->point, nullptr);
    const ChunkResult chunk = std::exchange(flying->chunk, {});
    const std::string failure = std::exchange(flying->failure, {});
    if (point->is_over) return;
    RunSummary& summary = point->summary;
    if (failure.empty()) {
      summary.stats.absorb(chunk);
      if (see) see(point->number, chunk);
      summary.convergence.see(summary.stats);
      const bool has_settled = is_settled(point->manifest, summary.stats);
      if (++point->n_kept < point->n_chunks && !has_settled) return;
      if (point->n_kept < point->n_chunks) summary.stop_reason = StopReason::settled;
      summary.convergence.close(summary.stats);
    }
    point->is_over = true;
    if (failure.empty())
      done(point->number, {.summary = std::move(summary), .failure = {}});
    else
      done(point->number, {.summary = std::nullopt, .failure = failure});
    if (options.on_progress) options.on_progress(point->number + 1);
  };

  const auto pipeline = [&] {
    tbb::parallel_pipeline(in_flight.size(),
                           tbb::make_filter<void, ChunkId>(tbb::filter_mode::serial_in_order, number) &
                               tbb::make_filter<ChunkId, PointPlace*>(tbb::filter_mode::parallel, simulate) &
                               tbb::make_filter<PointPlace*, void>(tbb::filter_mode::serial_in_order, keep));
  };
  run_in_arena(threads, pipeline, every_baton);
  return !was_stopped;
}

bool run_tasks(std::uint64_t n, const RunOptions& options, const std::function<void(std::uint64_t)>& work,
               const std::function<void(std::uint64_t)>& done) {
  const int threads = threads_of(options.threads);
  std::vector<Baton> in_flight(kChunksInFlightPerThread * static_cast<std::size_t>(threads));
  Baton numbering, ordering;
  std::uint64_t next = 0;
  bool was_stopped = false;
  const auto every_baton = [&](const std::function<void(Baton&)>& use) {
    use(numbering);
    use(ordering);
    for (Baton& baton : in_flight) use(baton);
  };
  const auto number = [&](tbb::flow_control& control) {
    const Holding turn(numbering);
    was_stopped = next < n && options.stop != nullptr && options.stop->load(std::memory_order_relaxed);
    if (next == n || was_stopped) {
      control.stop();
      return ChunkId{next};
    }
    return ChunkId{next++};
  };
  const auto do_work = [&](ChunkId id) {
    const auto task = static_cast<std::uint64_t>(id);
    const Holding turn(in_flight[task % in_flight.size()]);
    work(task);
    return id;
  };
  const auto tell = [&](ChunkId id) {
    const auto task = static_cast<std::uint64_t>(id);
    const Holding turn(ordering);
    const Holding result(in_flight[task % in_flight.size()]);
    if (done) done(task);
    if (options.on_progress) options.on_progress(task + 1);
  };
  const auto pipeline = [&] {
    tbb::parallel_pipeline(in_flight.size(),
                           tbb::make_filter<void, ChunkId>(tbb::filter_mode::serial_in_order, number) &
                               tbb::make_filter<ChunkId, ChunkId>(tbb::filter_mode::parallel, do_work) &
                               tbb::make_filter<ChunkId, void>(tbb::filter_mode::serial_in_order, tell));
  };
  run_in_arena(threads, pipeline, every_baton);
  return !was_stopped;
}

RunSize estimate_size(const plan::Plan& plan, int threads) {
  const Manifest m = manifest_of(plan);
  const std::uint64_t days = m.n_days();
  const std::uint64_t values = m.variables.size() * days * sizeof(float) + (m.has_rules ? days * sizeof(float) : 0);
  const std::uint64_t numbers = kPathFeatureCount * sizeof(double);
  const std::uint64_t stored = std::min(m.n_paths, m.stored.sample + m.stored.worst);
  const std::uint64_t slots = m.statistics.size() * days + kPathFeatureCount;
  const std::uint64_t per_path = (m.stored.any() ? 2 * values : 0) + slots * sizeof(std::uint32_t) + numbers +
                                 m.metrics.size() * (sizeof(double) + sizeof(std::uint32_t));
  const auto in_flight = kChunksInFlightPerThread * static_cast<std::uint64_t>(threads_of(threads));
  // Some 20 kB after 10 million paths of September 2019, by a peak of 36 MB less that of few paths; the margin is assumed.
  constexpr std::uint64_t kSketchBytes = std::uint64_t{40} * 1024;
  const std::uint64_t batches = m.batching.count;
  const std::uint64_t per_batch =
      slots * (sizeof(double) * (in_flight + 1) + 15 * sizeof(std::uint32_t)) + m.metrics.size() * kSketchBytes;
  return {.memory_bytes = in_flight * m.chunk_paths * per_path + (slots + m.metrics.size()) * kSketchBytes +
                          batches * per_batch + m.stored.worst * (values + numbers),
          .paths_bytes = stored * values + (m.summary_of_all ? m.n_paths : stored) * numbers};
}

}  // namespace repoquake::engine
