/// Writes a run into a result file (docs/result_file.md), while it runs.
///
/// Shapes   /paths and /summary chunk by chunk in path order, the worst paths and all other groups at the end.
/// Names    Everything goes to PATH.partial; `end` of a complete run renames it to PATH, in one step.
/// Bytes    Every dataset outside /provenance, stored chunks included, and every attribute but `created` depend on the
///          manifest and the chunks only: not on threads, time or machine.
/// Memory   Does not grow with the number of paths.
/// Resume   Checkpoints stand in PATH.checkpoint (checkpoint_file.hpp). A run that is resumed begins a new PATH.partial with
///          the chunks of the old one, and ends with the bytes of a run that was never interrupted.
/// Errors   IoError, naming the file and the cause; whatever was at PATH is then untouched. DataError where the run to be
///          resumed is another one; nothing is then changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "repoquake/engine/path_rows.hpp"
#include "repoquake/engine/scorecard.hpp"
#include "repoquake/engine/sink.hpp"
#include "repoquake/io/checkpoint_file.hpp"
#include "repoquake/io/hdf5_file.hpp"
#include "repoquake/io/output_file.hpp"

namespace repoquake::io {

/// Written into `format`; a reader refuses a larger number.
inline constexpr int kResultFormat = 1;

/// What stands where a path has no value: netCDF's own fill value for float.
inline constexpr float kFloatFill = 9.969209968386869e36F;

/// Where a result comes from: enough to run it again.
struct Provenance {
  struct Input {
    std::string role;  ///< "scenario", "extends", "series", "overlay"
    std::string path;  ///< as named
    std::string sha256;
  };

  std::string resolved_scenario;  ///< YAML
  std::string scenario_sha256;
  std::vector<std::pair<std::string, std::string>> overrides;  ///< option, its text; in the order given
  std::vector<std::string> command_line;
  std::vector<Input> inputs;
  std::vector<std::pair<std::string, std::string>> build;  ///< name, value
  std::string instruction_set;
  std::string host;
  std::string rng = "philox4x32-10";
  std::string program_version;
  std::string git_describe;
};

/// What really happened on the days of the run; NaN where it was not observed.
struct Observed {
  struct Column {
    std::string name;  ///< a variable's name
    std::string unit;
    std::string long_name;
    std::vector<double> values;  ///< one a day
  };
  std::vector<Column> columns;
  engine::ScoreInputs scoring{};  ///< empty: the result has no /scores
};

struct WriterOptions {
  std::string path;
  bool force = false;    ///< may replace a result that exists
  bool compress = true;  ///< shuffle + deflate, else plain + Fletcher32; readable by every HDF5
  bool resume = false;   ///< go on where an earlier run to PATH stood; may replace a result that exists
  std::function<void(const std::string&)> say{};  ///< is told, for people, what is resumed or dropped
};

/// Which run it is.
[[nodiscard]] RunIdentity identity_of(const Provenance& provenance, std::uint64_t seed, std::uint64_t n_paths);

class ResultWriter final : public engine::Sink {
 public:
  ResultWriter(WriterOptions options, Provenance provenance, Observed observed);
  /// Before `end` has returned: closes PATH.partial, which keeps status "incomplete".
  ~ResultWriter() override;
  ResultWriter(const ResultWriter&) = delete;
  ResultWriter& operator=(const ResultWriter&) = delete;

  /// Checks the target, opens PATH.partial (in place of a stale one).
  void begin(const engine::Manifest& manifest) override;

  /// Copies what is whole of the earlier run's chunks. Makes the first checkpoint: from here on --resume knows the run.
  std::uint64_t resume(engine::RunSummary& summary) override;

  /// Fills `chunk.encoded` with the stored chunks of the per-path datasets that take all paths of this chunk: those of
  /// /paths, then those of /summary; empty ones for datasets that do not.
  void encode(engine::ChunkResult& chunk) const override;

  /// Pre: encoded; chunks come in path order, each but the last with Manifest::chunk_paths paths. Paths that are stored
  /// but do not fill a chunk wait in memory until the end.
  void write(const engine::ChunkResult& chunk) override;

  void checkpoint(const engine::RunSummary& summary) override;

  /// Writes the statistics, closes, and renames to PATH unless the run was interrupted.
  void end(const engine::RunSummary& summary) override;

  /// What `end` has written to /scores.
  [[nodiscard]] const engine::Scorecard& scorecard() const noexcept { return scorecard_; }

 private:
  /// One per-path dataset.
  struct Column {
    Dataset dataset;
    std::size_t encoded = 0;  ///< index into ChunkResult::encoded
    std::uint64_t width = 0;  ///< second dimension; 0: has none

    /// Writes a chunk as it is to stand in the file; returns its address.
    std::uint64_t write(std::uint64_t first_row, std::span<const std::byte> stored) const;
  };

  /// The datasets of /paths or of /summary, which grow together.
  struct PathTable {
    std::uint64_t streamed = 0;  ///< paths 0 ... streamed - 1 come chunk by chunk
    std::uint64_t capacity = 0;  ///< rows at most; 0: there is no such group
    std::uint64_t chunk_rows = 0;
    std::uint64_t n_rows = 0;  ///< so far
    Group group{};
    std::vector<Column> columns{};
    std::vector<StoredChunk> chunks{};  ///< that came chunk by chunk: all columns of the first, then of the next

    /// Do all paths of this chunk go straight into it?
    [[nodiscard]] bool streams(const engine::ChunkResult& chunk) const noexcept {
      return chunk.first_path + chunk.n_paths <= streamed;
    }
    [[nodiscard]] StoredTable stored() const { return {.n_rows = n_rows, .chunks = chunks}; }
  };

  using StoredColumns = std::vector<std::vector<std::byte>>;

  /// Where an earlier run stood.
  struct Earlier {
    Checkpoint checkpoint;
    engine::RunSummary summary;
    std::vector<engine::PathRow> kept{};
    engine::WorstPaths worst;
  };

  [[nodiscard]] File open_partial();
  [[nodiscard]] std::string earlier_paths() const;
  [[nodiscard]] std::optional<Earlier> find_earlier();
  [[nodiscard]] Earlier restore(Checkpoint checkpoint) const;
  [[nodiscard]] std::uint64_t copy_chunks(const Checkpoint& from);
  static void put_columns(PathTable& table, const StoredColumns& stored, std::uint64_t n_rows);
  void keep_checkpoint(const engine::RunSummary& summary, bool to_disk);
  void say(const std::string& text) const;

  friend class TrialWriter;

  void lay_out(const engine::Manifest& manifest);
  void create_paths();
  void create_summary();
  void encode_paths(engine::ChunkResult& chunk) const;
  void encode_summary(engine::ChunkResult& chunk) const;
  void append(PathTable& table, const engine::ChunkResult& chunk);
  void write_kept_rows();
  void write_resumptions() const;
  [[nodiscard]] Layout column_layout(const PathTable& table, std::uint64_t width) const;
  static void cut(const PathTable& table);

  WriterOptions options_;
  Provenance provenance_;
  Observed observed_;
  engine::Manifest manifest_;
  File file_;
  FileLock lock_;  ///< until the file has its final name
  Group provenance_group_;
  PathTable paths_;
  PathTable summary_;
  std::vector<engine::PathRow> kept_;  ///< of the sample, not enough for a chunk
  std::optional<engine::WorstPaths> worst_;
  std::optional<Earlier> earlier_;
  std::uint64_t n_counted_ = 0;               ///< paths that an earlier run has counted
  std::uint64_t written_until_ = 0;           ///< path after the last chunk
  std::vector<std::uint64_t> resumed_after_;  ///< paths, each time
  engine::Scorecard scorecard_;
};

/// The work of a writer on every chunk, in the parallel stage, without a file: what it takes is seen in a trial.
class TrialWriter final : public engine::Sink {
 public:
  explicit TrialWriter(bool compress);

  void begin(const engine::Manifest& manifest) override;
  void encode(engine::ChunkResult& chunk) const override;

 private:
  ResultWriter writer_;
};

}  // namespace repoquake::io
