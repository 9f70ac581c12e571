/// How the numbers of a run settled as paths came in: values with errors at some 4 counts of paths an octave, and the rule
/// that ends a run early.
///
/// Quantities  mean and 95 % quantile of peak_spread, then every metric.
/// Order       Recorded and decided after whole chunks in path order: the same for any number of threads.
/// Caution     A run that stops by itself stops on a lucky dip of its own error bar, so its limits cover a little less
///             than they say; `min_paths` keeps that small.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "repoquake/engine/manifest.hpp"
#include "repoquake/engine/online_stats.hpp"

namespace repoquake::engine {

class Convergence {
 public:
  explicit Convergence(const Manifest& manifest);

  /// After each chunk; records where it is time to.
  void see(const OnlineStats& stats);
  /// At the end of the run: its last count belongs to the record.
  void close(const OnlineStats& stats);

  [[nodiscard]] const std::vector<std::string>& quantities() const noexcept { return quantities_; }
  [[nodiscard]] const std::vector<std::string>& units() const noexcept { return units_; }
  [[nodiscard]] const std::vector<std::uint64_t>& n_paths() const noexcept { return n_paths_; }
  /// (count of paths, quantity)
  [[nodiscard]] const std::vector<stats::Estimate>& estimates() const noexcept { return estimates_; }

  /// engine/checkpoint.hpp
  template <class Archive, class Self>
  static void visit_state(Archive& archive, Self& self) {
    auto& [quantities, units, n_paths, estimates, n_chunks, next_chunk] = self;
    archive(n_paths, estimates, n_chunks, next_chunk);  // the manifest gives quantities and units
  }

 private:
  void record(const OnlineStats& stats);

  std::vector<std::string> quantities_;
  std::vector<std::string> units_;
  std::vector<std::uint64_t> n_paths_;
  std::vector<stats::Estimate> estimates_;
  std::uint64_t n_chunks_ = 0;
  std::uint64_t next_chunk_ = 1;  ///< after which the next record is due
};

/// Do the metric's limits lie within the half width that was asked for? False without a rule, and before its min_paths.
[[nodiscard]] bool is_settled(const Manifest& manifest, const OnlineStats& stats);

}  // namespace repoquake::engine
