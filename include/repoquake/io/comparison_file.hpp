/// Comparisons on disk: results read as the sides of one, and a comparison written for scripts (docs/result_file.md).
///
/// Errors   Reading: those of result_reader.hpp. Writing: IoError; whatever was at the path is then untouched.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "repoquake/core/variables.hpp"
#include "repoquake/io/result_writer.hpp"
#include "repoquake/study/comparison.hpp"

namespace repoquake::io {

/// Written into `format`.
inline constexpr std::string_view kComparisonFormat = "repoquake/comparison/1";

/// What a complete result says by itself. A metric and a feature keep their names.
[[nodiscard]] study::Side read_side(const std::string& path);

/// The paths that two results hold both, where they were made from the same draws: the same seed, generator and days, and
/// per-path numbers (/summary) in both. Values are as stored, rounded. `variables`: those whose paths are in both, or none.
struct StoredPairs {
  std::vector<Variable> variables;
  study::Pairing pairing;
};
[[nodiscard]] std::optional<StoredPairs> pair_results(const std::string& base, const std::string& other);

/// Where the file comes from.
struct ComparisonOrigin {
  Provenance provenance;
  std::vector<std::string> resolved{};  ///< scenarios, YAML, in the order of the sides; none of results
  int threads = 1;
  double seconds = 0.0;
};

/// Writes PATH.partial and renames it.
void write_comparison(const std::string& path, bool force, const study::Comparison& comparison,
                      const ComparisonOrigin& origin);

}  // namespace repoquake::io
