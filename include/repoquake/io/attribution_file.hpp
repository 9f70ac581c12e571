/// An attribution written for scripts, and read back (docs/result_file.md).
///
/// Errors   Writing: IoError; whatever was at the path is then untouched. Reading: those of result_reader.hpp.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "repoquake/io/result_writer.hpp"
#include "repoquake/study/attribution.hpp"

namespace repoquake::io {

inline constexpr std::string_view kAttributionFormat = "repoquake/attribution/1";

struct AttributionRun {
  std::string name, title;
  bool is_conditional = false;
  std::uint64_t n_paths = 0, n_worlds = 0, seed = 0;
  int threads = 1;
  double seconds = 0.0;
};

/// Writes PATH.partial and renames it.
void write_attribution(const std::string& path, bool force, std::span<const study::Attribution> metrics,
                       std::span<const std::string> factors, const AttributionRun& run, const Provenance& provenance);

struct StoredAttribution {
  std::vector<study::Attribution> metrics;  ///< without limits and counts of the estimates
  std::vector<std::string> factors;
};

[[nodiscard]] StoredAttribution read_attribution(const std::string& path);

}  // namespace repoquake::io
