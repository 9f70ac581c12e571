/// The probability of a rare event, written for scripts and for `info` and `export` (docs/result_file.md).
///
/// Errors   IoError; whatever was at the path is then untouched.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "repoquake/io/result_writer.hpp"
#include "repoquake/study/rare_event.hpp"

namespace repoquake::io {

struct RareRun {
  std::string name, title;
  bool is_conditional = false;
  std::uint64_t seed = 0;
  int threads = 1;
  double seconds = 0.0;
  std::string refused;  ///< why the estimate is refused; empty: it is not
};

/// A shock that was tilted.
struct NamedTilt {
  std::string shock;
  double deviations = 0.0;
};

/// Both write PATH.partial and rename it.
void write_splitting(const std::string& path, bool force, const study::RareEvent& event,
                     std::span<const study::SplittingReplica> replicas, const study::SplittingEstimate& estimate,
                     const study::SplittingOptions& options, const RareRun& run, const Provenance& provenance);
void write_tilting(const std::string& path, bool force, const study::RareEvent& event, std::span<const NamedTilt> tilts,
                   const study::WeightedHits& sums, const study::TiltingEstimate& estimate, const RareRun& run,
                   const Provenance& provenance);

}  // namespace repoquake::io
