/// Options of every verb that simulates, how a simulation is interrupted, and what a dry run says.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/dispatch.hpp"
#include "cli/scenario_options.hpp"
#include "repoquake/io/result_writer.hpp"

namespace repoquake::cli {

struct SimulationOptions {
  ScenarioOptions scenario;
  std::string output;
  int threads = 0;  ///< 0: all of the machine
  bool force = false;
  bool quiet = false;
  bool dry_run = false;
};

/// `output_help`: what --output is.
void add_simulation_options(CLI::App& verb, SimulationOptions& options, const std::string& output_help);

/// Set by SIGINT or SIGTERM after this call; a second signal ends the program at once.
[[nodiscard]] const std::atomic<bool>& catch_signals();

/// Where a result of this scenario comes from.
[[nodiscard]] io::Provenance provenance_of(const io::LoadedScenario& loaded, const SimulationOptions& options,
                                           const Command& command);

/// A plan of which only the metrics are asked for: no paths, one variable.
[[nodiscard]] plan::Plan lean(plan::Plan plan);

/// kFlagged, and a message, where points have more path-days without a clearing rate than the share that is allowed.
[[nodiscard]] int exit_code_of_flagged(std::size_t n_flagged, double max_flagged, std::ostream& err);

/// "1.2 GB"
[[nodiscard]] std::string size_text(double bytes);

/// What a dry run says of many worlds in one pipeline, whose paths are not kept.
struct ManyWorlds {
  std::string name;                  ///< of the whole
  std::string what = "points";       ///< they are
  std::string more;                  ///< of how they came about, e.g. "3 skipped"
  std::uint64_t n = 0, n_paths = 0;  ///< all of them
  std::uint64_t kept_bytes = 0;      ///< in memory until the end, beside those in flight
  std::uint64_t disk_bytes = 0;      ///< of the result
  std::vector<plan::Plan> tried;     ///< some of them, spread evenly: the trial's cost a path is that of all
  /// Makes the k-th of `tried` once more, where that takes time of the whole.
  std::function<std::optional<plan::Plan>(std::size_t)> make{};
};
void show_estimate(const ManyWorlds& worlds, const SimulationOptions& options, const std::string& output,
                   std::ostream& out);

/// Paths, memory, disk and time of simulating these plans one after the other, the last from a short trial. `output` empty:
/// nothing would be written; else paths are encoded in the trial too, `compress`ed or not.
void show_estimate(std::span<const plan::Plan> plans, const SimulationOptions& options, const std::string& output,
                   std::ostream& out, bool compress = true);

}  // namespace repoquake::cli
