/// The parallel driver: ordered chunk numbers -> parallel simulation -> ordered statistics and sink, one oneTBB pipeline.
///
/// Same bits for any number of threads; memory is bounded by the chunks in flight, not by the number of paths.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "repoquake/engine/manifest.hpp"
#include "repoquake/engine/sink.hpp"
#include "repoquake/plan/plan.hpp"

namespace repoquake::engine {

struct RunOptions {
  int threads = 0;                          ///< 0: all that the machine has
  const std::atomic<bool>* stop = nullptr;  ///< set from outside: finish running chunks, then end as interrupted
  /// `run`: at this time it ends as if `stop` were set, but not before a chunk is done.
  std::optional<std::chrono::steady_clock::time_point> deadline{};
  /// `run`: between two checkpoints. Nothing: a second, or 50 times as long as the last one took; so they cost at most 2 %.
  std::optional<std::chrono::duration<double>> checkpoint_every{};
  std::function<void(std::uint64_t)> on_begin{};  ///< `run`: paths that an earlier run has done; before the first chunk
  std::function<void(std::uint64_t)> on_progress{};  ///< paths done; called in the ordered stage
};

/// What the run of a plan will produce.
[[nodiscard]] Manifest manifest_of(const plan::Plan& plan);

/// Errors: whatever the sink throws (IoError) comes through; the sink's `end` is then not called.
[[nodiscard]] RunSummary run(const plan::Plan& plan, const RunOptions& options, Sink& sink);

/// Simulates several plans side by side, chunk by chunk, so that the paths made from the same draws meet: memory does not
/// grow with their number. `keep` gets the chunks of one number, one of each plan, in path order, one call at a time.
/// Rules to stop play no part. Pre: at least one plan; equal n_paths.
[[nodiscard]] std::vector<RunSummary> run_together(std::span<const plan::Plan> plans, const RunOptions& options,
                                                   const std::function<void(std::span<const ChunkResult>)>& keep);

/// How one of many runs ended.
struct PointEnd {
  std::optional<RunSummary> summary;  ///< nothing where it failed
  std::string failure;                ///< why
};

/// Runs plans one after the other in one pipeline, so that no thread waits for the last chunk of a plan: statistics only,
/// nothing is stored. `plan_of(k)` is called for k = 0, 1, ..., n - 1, one call at a time, on any thread; without a plan
/// the point is left out. `done` gets the points in that order, one call at a time; rules to stop are obeyed. Memory holds
/// the plans in flight only. False: it was asked to stop from outside; what was in flight then is finished, whole points
/// are told to `done`, the rest is dropped. Progress counts points. `see`, if given, is shown every chunk before that, in
/// path order.
bool run_points(std::uint64_t n, const std::function<std::optional<plan::Plan>(std::uint64_t)>& plan_of,
                const RunOptions& options, const std::function<void(std::uint64_t, const PointEnd&)>& done,
                const std::function<void(std::uint64_t, const ChunkResult&)>& see = {});

/// Does work(0), ..., work(n - 1) side by side. `done`, if given, is told of each in that order, one call at a time. False: it
/// was asked to stop from outside; what was in flight then is finished and told. What `work` throws comes through.
bool run_tasks(std::uint64_t n, const RunOptions& options, const std::function<void(std::uint64_t)>& work,
               const std::function<void(std::uint64_t)>& done = {});

/// Bytes that a run holds at most, and that its result takes before compression.
struct RunSize {
  std::uint64_t memory_bytes;
  std::uint64_t paths_bytes;
};
[[nodiscard]] RunSize estimate_size(const plan::Plan& plan, int threads);

}  // namespace repoquake::engine
