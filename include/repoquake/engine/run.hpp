/// The parallel driver: ordered chunk numbers -> parallel simulation -> ordered statistics and sink, one oneTBB pipeline.
///
/// Same bits for any number of threads; memory is bounded by the chunks in flight, not by the number of paths.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "repoquake/engine/manifest.hpp"
#include "repoquake/engine/sink.hpp"
#include "repoquake/plan/plan.hpp"

namespace repoquake::engine {

struct RunOptions {
  int threads = 0;                          ///< 0: all that the machine has
  const std::atomic<bool>* stop = nullptr;  ///< set from outside: finish running chunks, then end as interrupted
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

/// Bytes that a run holds at most, and that its result takes before compression.
struct RunSize {
  std::uint64_t memory_bytes;
  std::uint64_t paths_bytes;
};
[[nodiscard]] RunSize estimate_size(const plan::Plan& plan, int threads);

}  // namespace repoquake::engine
