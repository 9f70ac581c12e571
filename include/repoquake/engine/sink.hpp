/// Where results go. The only virtual interface of the program.
#pragma once

#include <cstdint>

#include "repoquake/engine/chunk_result.hpp"
#include "repoquake/engine/convergence.hpp"
#include "repoquake/engine/manifest.hpp"
#include "repoquake/engine/online_stats.hpp"

namespace repoquake::engine {

enum class StopReason {
  all_paths_done,  ///< n_paths simulated
  settled,         ///< the rule to stop was met before
  interrupted      ///< asked to stop: results up to the last whole chunk are valid
};

/// How a run ended, with its numbers.
struct RunSummary {
  Manifest manifest;
  OnlineStats stats;
  Convergence convergence{manifest};
  StopReason stop_reason = StopReason::all_paths_done;
  double seconds = 0.0;  ///< wall time of the simulation, that of interrupted parts too
  int threads = 1;
};

class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  virtual void begin(const Manifest&) {}
  /// After `begin`, where an earlier run is to be continued: brings `summary` to where that one stood, between two chunks.
  /// Returns the first path whose chunk is wanted: that one's next, or an earlier one where chunks were lost, which are then
  /// made, encoded and written again but counted no second time.
  virtual std::uint64_t resume(RunSummary&) { return 0; }
  /// In the parallel stage, on any thread: fills ChunkResult::encoded. No state of the sink may change.
  virtual void encode(ChunkResult&) const {}
  /// In the ordered stage, in path order.
  virtual void write(const ChunkResult&) {}
  /// Likewise, between two chunks: keeps all that is needed to go on from here, whatever happens next.
  virtual void checkpoint(const RunSummary&) {}
  virtual void end(const RunSummary&) {}
};

}  // namespace repoquake::engine
