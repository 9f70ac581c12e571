#include "cli/simulation_options.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <ostream>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "build_info.hpp"
#include "cli/build_facts.hpp"
#include "cli/exit_codes.hpp"
#include "repoquake/engine/run.hpp"
#include "repoquake/io/digest.hpp"
#include "repoquake/io/result_writer.hpp"

namespace repoquake::cli {
namespace {

// The one thing a signal handler may touch. The first signal asks the run to end; the handlers of both then step aside, so
// a second one, of either kind, ends the program at once.
std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_interruption(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

extern "C" void request_stop(int) {
  stop_requested.store(true, std::memory_order_relaxed);
  on_interruption(SIG_DFL);
}

using Clock = std::chrono::steady_clock;

// Long enough that the start of threads and the first touch of memory do not count, short enough to wait for.
constexpr auto kTrialTime = std::chrono::milliseconds(400);
constexpr std::uint64_t kTrialPaths = 20'480;  // of one of many worlds

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

/// What the program itself takes of memory before it simulates, its libraries included; 0 where the system does not say.
std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return statm ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

/// "at most 54.1 MB"
std::string memory_text(std::uint64_t of_program, std::uint64_t of_run) {
  return fmt::format("at most {}{}", size_text(static_cast<double>(of_program + of_run)),
                     of_program > 0 ? "" : " beside the program itself");
}

}  // namespace

io::Provenance provenance_of(const io::LoadedScenario& loaded, const SimulationOptions& options,
                             const Command& command) {
  io::Provenance p;
  p.resolved_scenario = loaded.resolved;
  p.scenario_sha256 = io::sha256_hex(loaded.resolved);
  for (const auto& overlay : options.scenario.overlays) p.overrides.emplace_back("--with", overlay);
  for (const auto& setting : options.scenario.settings) p.overrides.emplace_back("--set", setting);
  if (options.scenario.paths) p.overrides.emplace_back("--paths", std::to_string(*options.scenario.paths));
  if (options.scenario.seed) p.overrides.emplace_back("--seed", std::to_string(*options.scenario.seed));
  p.command_line = command.arguments;
  p.command_line.insert(p.command_line.begin(), "repoquake");
  for (const auto& file : loaded.files) p.inputs.push_back({file.role, file.path, file.sha256});
  p.build = build_facts();
  p.instruction_set = instruction_set();
  p.host = host_name();
  p.program_version = std::string(kVersion);
  p.git_describe = std::string(kGitDescribe);
  return p;
}

void add_simulation_options(CLI::App& verb, SimulationOptions& options, const std::string& output_help) {
  verb.add_option("-o,--output", options.output, output_help)->type_name("FILE.h5");
  add_scenario_options(verb, options.scenario);
  verb.add_option("--threads", options.threads, "threads; default: all of the machine. Results do not depend on it")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  verb.add_flag("--force", options.force, "replace an existing file, once the new one is complete");
  verb.add_flag("--quiet", options.quiet, "no progress and no warnings");
  verb.add_flag("--dry-run", options.dry_run, "estimate paths, memory, disk and time; write nothing");
}

const std::atomic<bool>& catch_signals() {
  static const bool are_caught = [] {  // once: a second call must not bring handlers back that have stepped aside
    on_interruption(request_stop);
    return true;
  }();
  static_cast<void>(are_caught);
  return stop_requested;
}

plan::Plan lean(plan::Plan plan) {
  plan.stored = {};
  plan.summary_of_all = false;
  plan.variables = {Variable::spread};
  plan.expected.clear();
  return plan;
}

int exit_code_of_flagged(std::size_t n_flagged, double max_flagged, std::ostream& err) {
  if (n_flagged == 0) return kOk;
  err << fmt::format(
      "repoquake: {} point{} with more than {:.2f} % of path-days without a clearing rate below 3000 bp "
      "(simulate.max_flagged)\n",
      n_flagged, n_flagged == 1 ? "" : "s", 100.0 * max_flagged);
  return kFlagged;
}

std::string size_text(double bytes) {
  constexpr std::array<const char*, 4> kUnits{"kB", "MB", "GB", "TB"};
  double value = bytes / 1e3;
  std::size_t unit = 0;
  for (; value >= 1e3 && unit + 1 < kUnits.size(); ++unit) value /= 1e3;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

namespace {

/// Seconds that paths of a plan take each, from as many of them as there is time for.
struct Trial {
  double seconds_a_path = 0.0;
  std::uint64_t n_paths = 0;
  int threads = 1;
};

Trial try_some(const plan::Plan& plan, const SimulationOptions& options, engine::Sink& sink) {
  const auto summary = engine::run(plan, {.threads = options.threads, .deadline = Clock::now() + kTrialTime}, sink);
  const std::uint64_t n = summary.stats.n_paths();
  return {.seconds_a_path = summary.seconds / static_cast<double>(n), .n_paths = n, .threads = summary.threads};
}

/// The same of worlds, one after the other and again, as they are run: side by side, and each made before.
Trial try_some(const ManyWorlds& worlds, const SimulationOptions& options) {
  Trial trial;
  const std::size_t n = worlds.tried.size();
  const auto plan_of = [&](std::uint64_t k) {
    auto plan = worlds.make ? worlds.make(k % n) : std::optional(worlds.tried[k % n]);
    if (plan) plan->n_paths = std::min(plan->n_paths, kTrialPaths);
    return plan;
  };
  std::atomic<bool> is_over{n == 0};
  const auto start = Clock::now();
  const auto end = start + kTrialTime;
  static_cast<void>(engine::run_points(
      std::max<std::uint64_t>(n, worlds.n), plan_of, {.threads = options.threads, .stop = &is_over},
      [&](std::uint64_t, const engine::PointEnd& point) {
        if (point.summary) trial.threads = point.summary->threads;
      },
      [&](std::uint64_t, const engine::ChunkResult& chunk) {
        trial.n_paths += chunk.n_paths;
        is_over = Clock::now() >= end;
      }));
  trial.seconds_a_path = std::chrono::duration<double>(Clock::now() - start).count() /
                         static_cast<double>(std::max<std::uint64_t>(trial.n_paths, 1));
  return trial;
}

/// What it takes to encode a path that is stored, beside simulating it.
double seconds_to_encode(plan::Plan plan, const Trial& simulated, const SimulationOptions& options, bool compress) {
  if (plan.stored.sample > 0) plan.stored.sample = plan.n_paths;  // the first ones would not be like all
  io::TrialWriter writer(compress);
  return std::max(0.0, try_some(plan, options, writer).seconds_a_path - simulated.seconds_a_path);
}

}  // namespace

void show_estimate(std::span<const plan::Plan> plans, const SimulationOptions& options, const std::string& output,
                   std::ostream& out, bool compress) {
  const std::uint64_t of_program = resident_bytes();
  std::uint64_t memory = 0, disk = 0, n_paths = 0, n_trial = 0, n_days = 0;
  double seconds = 0.0;
  int threads = 1;
  bool stores_paths = false;
  for (const plan::Plan& plan : plans) {
    engine::Sink nowhere;
    const Trial trial = try_some(plan, options, nowhere);
    threads = trial.threads;
    const auto size = engine::estimate_size(plan, options.threads);
    memory = std::max(memory, size.memory_bytes);
    disk += size.paths_bytes;
    n_paths += plan.n_paths;
    n_trial += trial.n_paths;
    n_days = std::max<std::uint64_t>(n_days, plan.days.size());
    stores_paths |= plan.stored.sample + plan.stored.worst > 0;
    seconds += trial.seconds_a_path * static_cast<double>(plan.n_paths);
    const std::uint64_t n_encoded = plan.summary_of_all ? plan.n_paths : std::min(plan.n_paths, plan.stored.sample);
    if (n_encoded > 0 && !output.empty())
      seconds += seconds_to_encode(plan, trial, options, compress) * static_cast<double>(n_encoded);
  }
  const plan::Plan& first = plans.front();
  out << fmt::format("dry run of {}{}: nothing is written\n", first.name,
                     plans.size() > 1 ? fmt::format(" and {} more", plans.size() - 1) : "")
      << fmt::format("  paths    {} of {} days, {} stored variables\n", n_paths, n_days,
                     stores_paths ? first.variables.size() : 0)
      << fmt::format("  memory   {}\n", memory_text(of_program, memory));
  if (!output.empty())
    out << fmt::format("  disk     at most {} before compression, in {}\n", size_text(static_cast<double>(disk)),
                       output);
  out << fmt::format("  time     about {:.1f} s on {} threads (trial of {} paths)\n", seconds, threads, n_trial);
}

void show_estimate(const ManyWorlds& worlds, const SimulationOptions& options, const std::string& output,
                   std::ostream& out) {
  const std::uint64_t of_program = resident_bytes();
  std::uint64_t memory = 0, n_days = 0;
  for (const plan::Plan& plan : worlds.tried) {
    memory = std::max(memory, engine::estimate_size(plan, options.threads).memory_bytes);
    n_days = std::max<std::uint64_t>(n_days, plan.days.size());
  }
  out << fmt::format("dry run of {}: nothing is written\n", worlds.name)
      << fmt::format("  {:<8} {}{}\n", worlds.what, worlds.n, worlds.more.empty() ? "" : ", " + worlds.more)
      << fmt::format("  paths    {} in all, of {} days\n", worlds.n_paths, n_days)
      << fmt::format("  memory   {}\n", memory_text(of_program, memory + worlds.kept_bytes));
  if (!output.empty())
    out << fmt::format("  disk     about {}, in {}\n", size_text(static_cast<double>(worlds.disk_bytes)), output);
  const Trial trial = try_some(worlds, options);
  if (trial.n_paths > 0)
    out << fmt::format("  time     about {:.1f} s on {} threads (trial of {} {}, {} paths)\n",
                       trial.seconds_a_path * static_cast<double>(worlds.n_paths), trial.threads, worlds.tried.size(),
                       worlds.what, trial.n_paths);
}

}  // namespace repoquake::cli
