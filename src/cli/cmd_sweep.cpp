#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/dispatch.hpp"
#include "cli/exit_codes.hpp"
#include "cli/progress.hpp"
#include "cli/simulation_options.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/engine/run.hpp"
#include "repoquake/io/checkpoint_file.hpp"
#include "repoquake/io/result_reader.hpp"
#include "repoquake/io/sweep_file.hpp"
#include "repoquake/io/sweep_yaml.hpp"
#include "repoquake/plan/compile.hpp"
#include "repoquake/report/sweep_text.hpp"
#include "repoquake/study/sweep_table.hpp"

namespace repoquake::cli {
namespace {

using study::PointStatus;
using study::SweepPoint;
using study::SweepTable;

struct SweepCommand {
  std::string file;
  SimulationOptions options;
  bool resume = false;
  bool only_failed = false;
  std::string shard;
};

/// "2/5": of every five points the second.
struct Shard {
  std::size_t number = 1, of = 1;

  [[nodiscard]] bool has(std::size_t point) const noexcept { return point % of == number - 1; }
};

Shard parse_shard(const std::string& text) {
  Shard shard;
  if (text.empty()) return shard;
  const auto cut = text.find('/');
  const auto is_number = [](const std::string& part) {
    return !part.empty() && part.size() < 7 && part.find_first_not_of("0123456789") == std::string::npos;
  };
  if (cut != std::string::npos && is_number(text.substr(0, cut)) && is_number(text.substr(cut + 1)))
    shard = {std::stoul(text.substr(0, cut)), std::stoul(text.substr(cut + 1))};
  else
    shard.number = 0;
  if (shard.number < 1 || shard.number > shard.of)
    throw CLI::ValidationError("--shard", "must be i/n with 1 <= i <= n, e.g. 2/5, got " + text);
  return shard;
}

// ---------------------------------------------------------------- resuming

/// Of what, and by what, points were run.
struct Origin {
  std::string base;  ///< resolved
  std::string program;
};

Origin origin_of(const io::Provenance& p) {
  return {.base = p.resolved_scenario, .program = fmt::format("repoquake {} ({})", p.program_version, p.git_describe)};
}

/// What is already known of the points, by their hashes.
struct Known {
  io::SweepOutcomes outcomes;
  std::vector<std::string> sources;
  Origin origin;                   ///< of the first source that says it
  std::vector<std::string> whole;  ///< hashes of the complete result that is there already, in its order
  std::set<std::string> seen;      ///< hashes of all points of all sources, run or not
  std::set<std::string> at_risk;   ///< known from a partial file only, which is written anew
};

Known find_known(const std::string& output) {
  Known known;
  const auto take = [&](const std::string& file) {
    if (!std::filesystem::exists(file)) return;
    try {
      const SweepTable table = io::read_sweep(file);
      for (const SweepPoint& point : table.points) {
        known.seen.insert(point.hash);
        if (point.outcome.status == PointStatus::missing) continue;
        if (known.outcomes.insert_or_assign(point.hash, point.outcome).second && file != output)
          known.at_risk.insert(point.hash);
      }
      if (known.origin.base.empty()) known.origin = origin_of(io::read_info(file).provenance);
      known.sources.push_back(file);
      if (file == output && table.count(PointStatus::missing) == 0)
        for (const SweepPoint& point : table.points) known.whole.push_back(point.hash);
    } catch (const DataError&) {
      if (file == output) throw;  // what is left of a killed run may be torn; a result may not
    }
  };
  take(output);
  take(io::partial_path(output));
  const auto journal = io::read_journal(output);
  for (const auto& [hash, outcome] : journal) {
    known.outcomes[hash] = outcome;
    known.at_risk.erase(hash);
  }
  if (!journal.empty()) known.sources.push_back(io::journal_path(output));
  return known;
}

/// Finished points of a sweep that did not end, which are lost where another one begins under its name.
std::size_t count_left(const std::string& output) {
  std::set<std::string> left;
  for (const auto& [hash, outcome] : io::read_journal(output)) left.insert(hash);
  try {
    if (const std::string partial = io::partial_path(output); std::filesystem::exists(partial))
      for (const SweepPoint& point : io::read_sweep(partial).points)
        if (point.outcome.status != PointStatus::missing) left.insert(point.hash);
  } catch (const DataError&) {  // torn
  }
  return left.size();
}

/// Why none of the points may be known: the first line in which two bases differ; else the programs, of which another one
/// may have another version of the model.
std::string first_difference(const Origin& then, const Origin& now) {
  if (then.base.empty()) return "they are in a journal, which does not say of what base";
  std::istringstream one(then.base), two(now.base);
  std::string a, b;
  while (true) {
    const bool has_a = static_cast<bool>(std::getline(one, a)), has_b = static_cast<bool>(std::getline(two, b));
    if (!has_a && !has_b && then.program != now.program)
      return fmt::format("the base is the same; made by {}, this program is {}", then.program, now.program);
    if (!has_a && !has_b) return "the base is the same, the points are others";
    if (has_a != has_b || a != b)
      return fmt::format("the base said \"{}\" then and says \"{}\" now", has_a ? a : "nothing more",
                         has_b ? b : "nothing more");
  }
}

// ---------------------------------------------------------------- the run

constexpr std::size_t kHashLength = 64;  // SHA-256 in hex

/// Is every point a replay on realised flows? As the base is, unless the sweep moves where flows come from.
bool is_conditional(const io::LoadedSweep& loaded) {
  const auto is_replay = [](const io::LoadedScenario& world) {
    const auto compiled = plan::compile(world.scenario, world.base ? &*world.base : nullptr);
    return compiled.plan && compiled.plan->is_conditional;
  };
  const auto keys = loaded.sweep.keys();
  const bool moves_flows = std::ranges::any_of(keys, [](const auto& key) {
    return key.path.starts_with("drivers") || key.path.starts_with("policy.tga") || key.path.starts_with("series");
  });
  if (!moves_flows) return is_replay(loaded.base);
  for (std::size_t k = 0; k < loaded.points.size(); ++k)
    if (const auto point = io::load_point(loaded, k); !point.diagnostics.has_errors() && !is_replay(point))
      return false;
  return true;
}

/// Rows have room for what will be known of their points: a little that stays, among the much that a point needs for a
/// while, would keep the memory of all of it.
SweepTable table_of(const io::LoadedSweep& loaded, const SweepCommand& sweep) {
  const auto& s = loaded.sweep;
  SweepTable table;
  table.name = s.name;
  table.title = s.title;
  table.shard = sweep.shard;
  table.kind = scenario::kSweepDesignNames[static_cast<std::size_t>(s.design)];
  table.seed = loaded.base.scenario.simulate.seed;
  table.n_skipped = loaded.skipped;
  table.max_flagged = loaded.base.scenario.simulate.max_flagged;
  table.is_conditional = is_conditional(loaded);
  if (s.design == scenario::SweepDesign::grid)
    for (const auto& axis : s.axes) table.shape.push_back(axis.size());
  if (!s.has_axes()) {
    table.samples = s.samples;
    table.design_seed = s.seed;
    table.levels = s.levels;
  }
  for (const auto& key : s.keys()) table.parameters.push_back({key.path, std::string(key.unit_in_result())});
  for (const auto& metric : loaded.base.scenario.metrics) {
    const auto checked = scenario::check_metric(metric.expr);
    if (!checked.form) continue;  // the loader has complained
    const auto usual = scenario::default_unit(checked.form->dimension);
    const auto unit = scenario::find_unit(checked.form->dimension, metric.unit).value_or(usual);
    table.metrics.push_back({metric.id, std::string(unit.in_result), std::string(unit.written), metric.expr});
  }
  for (std::size_t k = 0; k < loaded.points.size(); ++k) {
    const io::SweepPoint point = io::sweep_point(loaded, k);
    SweepPoint row{.number = loaded.points[k], .hash = {}, .design = point.numbers, .texts = {}, .outcome = {}};
    for (const auto& setting : point.settings) row.texts.push_back(setting.value);
    row.hash.reserve(kHashLength);
    row.outcome.metrics.reserve(table.metrics.size());
    table.points.push_back(std::move(row));
  }
  return table;
}

/// Runs the points of a sweep that are not known yet.
class SweepRunner {
 public:
  SweepRunner(const io::LoadedSweep& loaded, const SweepCommand& sweep, SweepTable& table, Known known)
      : loaded_(loaded), sweep_(sweep), shard_(parse_shard(sweep.shard)), table_(table), known_(std::move(known)) {}

  /// Finds out which points are known already.
  void identify() {
    for (std::size_t k = 0; k < table_.points.size(); ++k) {
      static_cast<void>(load(k));
      if (known_.outcomes.contains(table_.points[k].hash)) ++n_known_;
      is_this_sweep_ |= known_.seen.contains(table_.points[k].hash);
    }
  }

  /// Runs what is not known; stops at a signal, or at a failure where the sweep says so.
  void run(std::ostream& err) {
    const std::atomic<bool>& interrupted = catch_signals();
    const bool is_anew = !sweep_.resume && !sweep_.only_failed;
    const std::size_t n_left = is_anew && !sweep_.options.quiet ? count_left(sweep_.options.output) : 0;
    journal_.emplace(sweep_.options.output, is_anew);
    if (n_left > 0)
      err << fmt::format(
          "{}: {} finished points of a sweep that did not end are dropped; --resume would have kept those "
          "that are also of this one\n",
          sweep_.options.output, n_left);
    for (const auto& hash : known_.at_risk) journal_->append(hash, known_.outcomes.at(hash));
    std::uint64_t n_to_run = 0;
    for (std::size_t k = 0; k < table_.points.size(); ++k) n_to_run += must_run(k) ? 1U : 0U;
    Progress progress(err, n_to_run, stderr_is_terminal(), sweep_.options.quiet, "points");
    progress_ = &progress;
    engine::run_points(
        table_.points.size(), [&](std::uint64_t k) { return prepare(k); },
        {.threads = sweep_.options.threads, .stop = &interrupted},
        [&](std::uint64_t k, const engine::PointEnd& end) {
          const UsdBn need = table_.points[k].outcome.need;
          if (end.summary) threads_ = end.summary->threads;
          keep(k, study::outcome_of(end), need);
        });
    progress_ = nullptr;
    for (std::size_t k = 0; k < table_.points.size(); ++k)  // points that an end came before are known by name at least
      if (table_.points[k].hash.empty()) static_cast<void>(load(k));
  }

  [[nodiscard]] int threads() const noexcept { return threads_; }
  /// Is a point of this sweep among those of the earlier one, run or not?
  [[nodiscard]] bool is_this_sweep() const noexcept { return is_this_sweep_; }
  [[nodiscard]] std::uint64_t n_known() const noexcept { return n_known_; }

  void remove_journal() const {
    std::error_code ignored;
    std::filesystem::remove(io::journal_path(sweep_.options.output), ignored);
  }

 private:
  io::LoadedScenario load(std::size_t k) {
    io::LoadedScenario point = io::load_point(loaded_, k);
    table_.points[k].hash.assign(io::point_hash(point));  // into its room
    if (table_.need.empty() && !point.diagnostics.has_errors())
      table_.need = report::need_text(point.scenario, loaded_.base.scenario.name);
    return point;
  }

  /// The plan of a point, unless its outcome is known or it cannot be run. One call at a time.
  std::optional<plan::Plan> prepare(std::uint64_t k) {
    if (must_stop_) return std::nullopt;
    SweepPoint& row = table_.points[k];
    if (const auto found = known_.outcomes.find(row.hash); found != known_.outcomes.end()) row.outcome = found->second;
    if (!row.hash.empty() && !must_run(k)) return std::nullopt;
    const io::LoadedScenario point = load(k);
    if (!must_run(k)) return std::nullopt;  // of another shard; its hash belongs into the table
    if (point.diagnostics.has_errors()) return fail(k, first_error(point.diagnostics));
    auto compiled = plan::compile(point.scenario, point.base ? &*point.base : nullptr);
    if (!compiled.plan) {
      const auto& issue = compiled.issues.front();
      return fail(k, issue.key + ": " + issue.reason);
    }
    row.outcome.need = plan::opening_need(*compiled.plan);
    return lean(std::move(*compiled.plan));
  }

  [[nodiscard]] bool must_run(std::size_t k) const {
    if (!shard_.has(k)) return false;
    const auto found = known_.outcomes.find(table_.points[k].hash);
    if (found == known_.outcomes.end()) return !sweep_.only_failed;
    return sweep_.only_failed && found->second.status == PointStatus::failed;
  }

  /// Without its place, which is that of a file on this machine.
  static std::string first_error(const io::Diagnostics& diagnostics) {
    for (const auto& entry : diagnostics.sorted())
      if (entry.severity == Issue::Severity::error) return entry.key + ": " + entry.reason;
    return "";
  }

  std::optional<plan::Plan> fail(std::uint64_t k, std::string message) {
    keep(k, {.status = PointStatus::failed, .message = std::move(message), .metrics = {}}, 0.0);
    return std::nullopt;
  }

  void keep(std::uint64_t k, study::PointOutcome outcome, UsdBn need) {
    outcome.need = need;
    const std::lock_guard lock(keeping_);  // a point may fail while it is prepared
    table_.points[k].outcome = outcome;    // a copy, into the room of its row
    journal_->append(table_.points[k].hash, table_.points[k].outcome);
    n_paths_ += table_.points[k].outcome.n_paths;
    if (progress_ != nullptr) progress_->show(++n_ended_, n_paths_);
    if (table_.points[k].outcome.status == PointStatus::failed && loaded_.sweep.stops_on_error) must_stop_ = true;
  }

  const io::LoadedSweep& loaded_;
  const SweepCommand& sweep_;
  Shard shard_;
  SweepTable& table_;
  Known known_;
  std::optional<io::Journal> journal_;
  Progress* progress_ = nullptr;
  std::uint64_t n_ended_ = 0, n_paths_ = 0;
  std::mutex keeping_;
  std::atomic<bool> must_stop_{false};
  std::uint64_t n_known_ = 0;
  bool is_this_sweep_ = false;
  int threads_ = 1;
};

/// Every point that was asked for has an outcome.
bool is_whole(const SweepTable& table, const Shard& shard) {
  for (std::size_t k = 0; k < table.points.size(); ++k)
    if (shard.has(k) && table.points[k].outcome.status == PointStatus::missing) return false;
  return true;
}

int exit_code_of(const SweepTable& table, double max_flagged, std::ostream& err) {
  if (table.count(PointStatus::failed) > 0) return kPointsFailed;
  const auto n_flagged = std::ranges::count_if(
      table.points, [=](const SweepPoint& point) { return point.outcome.flagged_share > max_flagged; });
  return exit_code_of_flagged(static_cast<std::size_t>(n_flagged), max_flagged, err);
}

/// Bytes of a point in a sweep's result: its hash, its row of the design as numbers and as written, its metrics.
std::uint64_t bytes_of_point(std::size_t n_keys, std::size_t n_metrics) {
  constexpr std::uint64_t kHash = 64, kOwnNumbers = 80, kText = 32, kNumber = 8, kNumbersOfMetric = 5;
  return kHash + kOwnNumbers + n_keys * (kNumber + kText) + n_metrics * kNumbersOfMetric * kNumber;
}

constexpr std::size_t kTrialPoints = 5;
constexpr std::uint64_t kBytesOfEmptySweep = 60'000;  // provenance, groups, coordinates

/// The whole sweep: points that would be run, and what they take. With --resume without those that are known.
void show_sweep_estimate(const io::LoadedSweep& loaded, const SweepCommand& sweep, const Shard& shard,
                         std::ostream& out) {
  const Known known =
      (sweep.resume || sweep.only_failed) && !sweep.options.output.empty() ? find_known(sweep.options.output) : Known{};
  ManyWorlds worlds;
  worlds.name = loaded.sweep.name;
  std::vector<std::size_t> to_run;
  std::uint64_t n_known = 0;
  for (std::size_t k = 0; k < loaded.points.size(); ++k) {
    if (!shard.has(k)) continue;
    const auto point = io::load_point(loaded, k);
    const auto found = known.outcomes.find(io::point_hash(point));
    const bool is_known = found != known.outcomes.end();
    if (is_known) ++n_known;
    if (sweep.only_failed ? !is_known || found->second.status != PointStatus::failed : is_known) continue;
    to_run.push_back(k);
    worlds.n_paths += point.scenario.simulate.most_paths();
  }
  worlds.n = to_run.size();
  worlds.more = fmt::format("{} skipped", loaded.skipped);
  if (n_known > 0) worlds.more += fmt::format(", {} known", n_known);
  if (shard.of > 1) worlds.more += fmt::format(", shard {}", sweep.shard);
  const std::size_t n_tried = std::min(kTrialPoints, to_run.size());
  const auto make = [&loaded](std::size_t k) -> std::optional<plan::Plan> {
    const auto point = io::load_point(loaded, k);
    static_cast<void>(io::point_hash(point));  // a sweep asks for it
    if (point.diagnostics.has_errors()) return std::nullopt;
    auto compiled = plan::compile(point.scenario, point.base ? &*point.base : nullptr);
    if (!compiled.plan) return std::nullopt;
    return lean(std::move(*compiled.plan));
  };
  std::vector<std::size_t> tried;
  for (std::size_t t = 0; t < n_tried; ++t) {
    const std::size_t k = n_tried == 1 ? to_run.front() : to_run[t * (to_run.size() - 1) / (n_tried - 1)];
    if (auto plan = make(k)) {
      worlds.tried.push_back(std::move(*plan));
      tried.push_back(k);
    }
  }
  worlds.make = [&](std::size_t t) { return make(tried[t]); };
  const std::uint64_t table =
      loaded.points.size() * bytes_of_point(loaded.sweep.keys().size(), loaded.base.scenario.metrics.size());
  worlds.disk_bytes = kBytesOfEmptySweep + table;
  worlds.kept_bytes = 2 * table;  // and while it is written
  const std::string output =
      sweep.options.output.empty() ? "output/" + loaded.sweep.name + ".h5" : sweep.options.output;
  show_estimate(worlds, sweep.options, output, out);
}

int run_sweep(SweepCommand sweep, const Command& command) {
  static_cast<void>(catch_signals());  // from here on an interruption ends with what to do next
  const Shard shard = parse_shard(sweep.shard);
  const bool resumes = sweep.resume || sweep.only_failed;
  auto& options = sweep.options;
  const bool has_output = !options.output.empty();
  if (has_output && !options.dry_run) io::check_output(options.output, options.force || resumes);

  io::LoadedSweep loaded = io::load_sweep(sweep.file, options.scenario.load_options());
  if (loaded.diagnostics.has_errors()) io::check_points(loaded);  // all that is wrong at once
  if (loaded.diagnostics.has_errors()) throw ScenarioError(loaded.diagnostics.render());
  if (!options.quiet && !loaded.diagnostics.empty()) command.err << loaded.diagnostics.render() << '\n';
  if (options.dry_run) {
    show_sweep_estimate(loaded, sweep, shard, command.out);
    return kOk;
  }
  if (!has_output) {
    options.output = "output/" + loaded.sweep.name + ".h5";
    std::error_code ignored;  // check_output says what is wrong with the folder
    std::filesystem::create_directories("output", ignored);
    io::check_output(options.output, options.force || resumes);
  }

  const auto start = std::chrono::steady_clock::now();
  SweepTable table = table_of(loaded, sweep);
  Known known = resumes ? find_known(options.output) : Known{};
  const Origin then = known.origin;
  const bool has_known = !known.outcomes.empty();
  const std::vector<std::string> whole = known.whole;
  const io::Provenance provenance = provenance_of(loaded.base, options, command);
  SweepRunner runner(loaded, sweep, table, std::move(known));
  if (resumes) {
    runner.identify();
    if (!has_known && sweep.only_failed)
      throw DataError(options.output + ": there is no earlier sweep whose failed points could be run again");
    if (!has_known && !options.quiet) command.err << "nothing to resume: the sweep starts anew\n";
    if (has_known && runner.n_known() == 0 && !runner.is_this_sweep())
      throw DataError(fmt::format("{}: none of its points is one of this sweep, so there is nothing to resume; {}",
                                  options.output, first_difference(then, origin_of(provenance))));
    if (has_known && !options.quiet)
      command.err << fmt::format("{} of {} points are known\n", runner.n_known(), table.points.size());
    const bool is_unchanged = shard.of == 1 && std::ranges::equal(table.points, whole, {}, &SweepPoint::hash);
    if (is_unchanged && !sweep.only_failed) {
      const SweepTable found = io::read_sweep(options.output);
      runner.remove_journal();
      if (!options.quiet) command.err << "nothing to do\n";
      command.out << report::sweep_text(found) << "\nresult in " << options.output << '\n';
      return exit_code_of(found, found.max_flagged, command.err);
    }
  }
  runner.run(command.err);
  const bool is_complete = is_whole(table, shard);
  if (is_complete && shard.of == 1) study::add_indices(table);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  io::write_sweep(options.output, options.force || resumes, is_complete, table, provenance,
                  {.sweep_file = loaded.text, .threads = runner.threads(), .seconds = seconds});
  runner.remove_journal();

  command.out << report::sweep_text(table);
  if (!is_complete) {
    const bool has_stopped = table.count(PointStatus::failed) > 0 && loaded.sweep.stops_on_error;
    command.err << fmt::format("repoquake: {} after {} of {} points; {} holds them; go on with\n  {}\n",
                               has_stopped         ? "stopped at a failed point"
                               : sweep.only_failed ? "ended with points that were never run,"
                                                   : "interrupted",
                               table.points.size() - table.count(PointStatus::missing), table.points.size(),
                               io::partial_path(options.output), io::resume_command(provenance.command_line));
    return has_stopped ? kPointsFailed : kInterrupted;
  }
  command.out << "\nresult in " << options.output << '\n';
  return exit_code_of(table, table.max_flagged, command.err);
}

// ---------------------------------------------------------------- merge

struct MergeCommand {
  std::vector<std::string> shards;
  std::string output;
  bool force = false;
};

int run_merge(const MergeCommand& merge, const Command& command) {
  io::check_output(merge.output, merge.force);
  SweepTable table = io::read_sweep(merge.shards.front());
  for (const auto& file : merge.shards) {
    const SweepTable part = io::read_sweep(file);
    const bool is_same = std::ranges::equal(part.points, table.points, {}, &SweepPoint::hash, &SweepPoint::hash);
    if (!is_same || part.name != table.name)
      throw DataError(fmt::format("{}: is of another sweep than {}: their points differ", file, merge.shards.front()));
    for (std::size_t k = 0; k < part.points.size(); ++k)
      if (part.points[k].outcome.status != PointStatus::missing) table.points[k].outcome = part.points[k].outcome;
  }
  table.shard.clear();
  if (const auto missing = table.count(PointStatus::missing); missing > 0)
    throw DataError(
        fmt::format("{} of {} points are in none of the files; give all the shards", missing, table.points.size()));
  const auto first = io::read_info(merge.shards.front());
  const auto sweep_file = io::read_texts(merge.shards.front(), "/provenance/sweep_file");
  if (sweep_file.size() != 1) throw DataError(merge.shards.front() + ": /provenance/sweep_file: torn");
  study::add_indices(table);
  io::write_sweep(merge.output, merge.force, true, table, first.provenance, {.sweep_file = sweep_file.front()});
  command.out << report::sweep_text(table) << "\nresult in " << merge.output << '\n';
  return exit_code_of(table, table.max_flagged, command.err);
}

}  // namespace

void add_sweep(CLI::App& app, const Command& command, int& exit_code) {
  auto sweep = std::make_shared<SweepCommand>();
  auto* verb = app.add_subcommand("sweep",
                                  "run a scenario at many points, on common random numbers, and write one table of its "
                                  "metrics. Points hold the base's funding need unless told otherwise");
  verb->add_option("FILE", sweep->file, "sweep file, or lib:NAME of the built-in library")->required();
  add_simulation_options(*verb, sweep->options, "result file; default output/NAME.h5");
  verb->add_flag(
      "--resume", sweep->resume,
      "keep the points that are known from an earlier, interrupted or killed sweep; run what is missing, also "
      "after the sweep was extended");
  verb->add_flag("--only-failed", sweep->only_failed, "run again the points that failed, and no others");
  verb->add_option("--shard", sweep->shard, "of every n points the i-th; `merge` makes one result of all shards")
      ->type_name("i/n");
  verb->callback([sweep, command, &exit_code] { exit_code = run_sweep(*sweep, command); });
}

void add_merge(CLI::App& app, const Command& command, int& exit_code) {
  auto merge = std::make_shared<MergeCommand>();
  auto* verb = app.add_subcommand("merge", "make one result of the shards of a sweep");
  verb->add_option("SHARD", merge->shards, "results of sweep --shard i/n, all of them")->required();
  verb->add_option("-o,--output", merge->output, "result file")->type_name("FILE.h5")->required();
  verb->add_flag("--force", merge->force, "replace an existing file, once the new one is complete");
  verb->callback([merge, command, &exit_code] { exit_code = run_merge(*merge, command); });
}

}  // namespace repoquake::cli
