/// Sweeps on disk: the result file (docs/result_file.md, group /sweep), and the journal that a running sweep keeps so that
/// a kill loses no finished point.
///
/// Journal  PATH.journal: a line of text per finished point, in any order, each with its own checksum; appended and handed
///          to the system at once. A torn last line is what a kill leaves, and is left out. Removed when the file is whole.
/// Bytes    Every dataset outside /provenance and every attribute but `created` depend on the table only.
/// Errors   IoError where something cannot be read or written; DataError where a file is not what it should be.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "repoquake/io/result_writer.hpp"
#include "repoquake/study/sweep_table.hpp"

namespace repoquake::io {

/// By the points' hashes.
using SweepOutcomes = std::map<std::string, study::PointOutcome, std::less<>>;

/// How the sweep was run.
struct SweepRun {
  std::string sweep_file;  ///< its text
  int threads = 1;
  double seconds = 0.0;
};

/// Writes PATH.partial; renames it to PATH where every point has an outcome (`is_complete`), else it keeps the status
/// "interrupted". `provenance.resolved_scenario` is that of the base.
void write_sweep(const std::string& path, bool force, bool is_complete, const study::SweepTable& table,
                 const Provenance& provenance, const SweepRun& run);

/// The table of a sweep's result, complete or interrupted; without the indices, which follow from it.
[[nodiscard]] study::SweepTable read_sweep(const std::string& path);

[[nodiscard]] std::string journal_path(const std::string& path);

/// What a journal holds; nothing where there is none. Lines that are torn are left out.
[[nodiscard]] SweepOutcomes read_journal(const std::string& path);

class Journal {
 public:
  /// Opens it at the end, or makes it; `anew`: without what it holds. One process at a time: IoError where another has it.
  Journal(const std::string& path, bool anew);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();

  void append(const std::string& hash, const study::PointOutcome& outcome);

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace repoquake::io
