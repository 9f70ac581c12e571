/// What lets a killed or interrupted run go on: a small file of our own beside X.h5.partial
/// (docs/decisions/0013-how-a-run-is-resumed.md).
///
/// Files    X.h5.checkpoint   where the run stood: its statistics, and the chunks of X.h5.partial that are whole, by address,
///                            length and checksum. Written aside, synced, renamed: there is always a whole one or none.
///          X.h5.resuming     the earlier partial, while a new one is made of its chunks. HDF5 promises nothing about a
///                            file whose writer was killed, so it is never opened as HDF5: its bytes are read by address.
/// Errors   IoError, naming the file and the cause; DataError where a checkpoint is torn or of another version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/engine/checkpoint.hpp"

namespace repoquake::io {

[[nodiscard]] std::string checkpoint_path(const std::string& path);
[[nodiscard]] std::string resuming_path(const std::string& path);

/// A file of data that a run reads: its series, a column of an empirical size.
struct DataFile {
  std::string path;
  std::string sha256;

  bool operator==(const DataFile& other) const { return sha256 == other.sha256; }  ///< wherever it is

  template <class Archive, class Self>
  static void visit_state(Archive& archive, Self& self) {
    auto& [path, sha256] = self;
    archive(path, sha256);
  }
};

/// What must be the same for a run to go on where another one stood.
struct RunIdentity {
  std::uint64_t seed = 0;
  std::uint64_t n_paths = 0;
  std::string program;  ///< version and commit: another one may give other bits
  std::int32_t model_version = 0;
  std::string scenario;  ///< resolved, YAML
  std::vector<DataFile> data;

  bool operator==(const RunIdentity&) const = default;

  /// "seed 1 in the file, 2 asked"; empty where there is no difference.
  [[nodiscard]] std::string difference(const RunIdentity& asked) const;

  template <class Archive, class Self>
  static void visit_state(Archive& archive, Self& self) {
    auto& [seed, n_paths, program, model_version, scenario, data] = self;
    archive(seed, n_paths, program, model_version, scenario, data);
  }
};

/// Where a chunk stands in the partial file.
struct StoredChunk {
  std::uint64_t address = 0;
  std::uint32_t bytes = 0;
  std::uint32_t checksum = 0;  ///< CRC-32 of its bytes

  template <class Archive, class Self>
  static void visit_state(Archive& archive, Self& self) {
    auto& [address, bytes, checksum] = self;
    archive(address, bytes, checksum);
  }
};

[[nodiscard]] std::uint32_t crc32(std::span<const std::byte> bytes) noexcept;

/// The chunks of /paths or /summary: all columns of the first rows, then of the next.
struct StoredTable {
  std::uint64_t n_rows = 0;
  std::vector<StoredChunk> chunks;

  template <class Archive, class Self>
  static void visit_state(Archive& archive, Self& self) {
    auto& [n_rows, chunks] = self;
    archive(n_rows, chunks);
  }
};

struct Checkpoint {
  RunIdentity identity;
  std::vector<std::string> command_line;
  std::uint64_t paths_done = 0;
  std::vector<std::uint64_t> resumed_after;  ///< where the run went on that was interrupted or killed, in paths
  StoredTable paths, summary;
  std::string state{};  ///< of statistics and writer, engine/checkpoint.hpp: the rest of the file

  template <class Archive, class Self>
  static void visit_state(Archive& archive, Self& self) {
    auto& [identity, command_line, paths_done, resumed_after, paths, summary, state] = self;
    archive(identity, command_line, paths_done, resumed_after, paths, summary);
  }
};

/// The checkpoint of the run that is to write `path`; nothing where there is none.
[[nodiscard]] std::optional<Checkpoint> read_checkpoint(const std::string& path);

/// The state is what `write_state` says, straight to the file: memory does not grow with it. `to_disk`: waits until the disk
/// has it.
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint,
                      const std::function<void(engine::StateWriter&)>& write_state, bool to_disk);

/// What of the chunks that a checkpoint lists is there still, as it was.
struct ListedChunks {
  std::size_t listed = 0;
  std::size_t whole = 0;
};

/// In what an earlier run to `path` left.
[[nodiscard]] ListedChunks count_chunks(const std::string& path, const Checkpoint& checkpoint);

/// Everything that an earlier run to `path` left, but its partial file.
void remove_checkpoint(const std::string& path);

/// Makes X.h5.resuming of what an earlier run left: its partial file, or the one that it was made of itself where it was
/// killed before it had taken over its chunks. Pre: nobody else writes them.
void set_aside(const std::string& path, const Checkpoint& checkpoint);

/// The bytes of a file whose writer may have been killed.
class ChunkSource {
 public:
  /// A file that is not there has no chunks.
  explicit ChunkSource(const std::string& file);
  ChunkSource(const ChunkSource&) = delete;
  ChunkSource& operator=(const ChunkSource&) = delete;
  ~ChunkSource();

  /// Nothing where the file does not hold it as it was.
  [[nodiscard]] std::optional<std::vector<std::byte>> read(const StoredChunk& chunk) const;

 private:
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// The command that goes on, to the end, with a run or a sweep that was started by this one.
[[nodiscard]] std::string resume_command(std::span<const std::string> command_line);

}  // namespace repoquake::io
