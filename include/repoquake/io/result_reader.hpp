/// Reads result files back into value types.
///
/// Errors   IoError: missing, unreadable, being written by a running process. DataError: not a result, made by a newer
///          program, truncated, a dataset that is missing or of another kind, or larger than the limits below.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "repoquake/io/hdf5_file.hpp"
#include "repoquake/io/result_writer.hpp"

namespace repoquake::io {

struct DatasetInfo {
  std::string path;  ///< "/stats/spread_mean"
  ElementType type = ElementType::other;
  Extent shape;
  std::vector<std::string> dimensions;  ///< names of the coordinates, "" where there is none
  std::string units;
  std::string long_name;
  std::uint64_t stored_bytes = 0;
};

struct ResultInfo {
  std::string path;
  std::uint64_t file_bytes = 0;
  bool is_partial = false;  ///< status is not "complete"

  std::string format;
  std::string title;
  std::string created;
  std::string status;
  std::string stop_reason;
  bool is_conditional = false;
  std::string scenario_name;
  std::uint64_t seed = 0;
  std::uint64_t n_paths = 0;
  std::string sampling;        ///< how paths depend on each other; empty: they do not
  stats::Batching batching{};  ///< and which ones may

  /// resolved_scenario also in a partial result, the rest only from `end` on.
  Provenance provenance;
  double seconds = 0.0;
  int threads = 0;
  std::vector<double> resumed_after;  ///< paths after which the run was resumed; empty: it never was

  std::vector<std::string> groups;  ///< "/paths", …, in the order of the file
  std::vector<DatasetInfo> datasets;

  /// Is it a file of `attribute` (attribution_file.hpp) rather than a result?
  [[nodiscard]] bool is_attribution() const noexcept { return format.starts_with("repoquake/attribution/"); }
  [[nodiscard]] const DatasetInfo* find(std::string_view dataset) const noexcept;  ///< nullptr where it has none
};

[[nodiscard]] ResultInfo read_info(const std::string& path);

/// A 1-D numeric dataset; NaN where it has its fill value.
[[nodiscard]] std::vector<double> read_column(const std::string& path, std::string_view dataset);

struct Table {
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  std::vector<double> values;  ///< row-major; NaN for the fill value

  [[nodiscard]] double at(std::uint64_t row, std::uint64_t column) const { return values[row * columns + column]; }
};

/// A 2-D numeric dataset, or `count` rows of it from `first`.
[[nodiscard]] Table read_table(const std::string& path, std::string_view dataset);
[[nodiscard]] Table read_table(const std::string& path, std::string_view dataset, std::uint64_t first,
                               std::uint64_t count);

/// `count` rows from `first` of a numeric dataset of any rank, one after the other; NaN for the fill value.
[[nodiscard]] std::vector<double> read_values(const std::string& path, std::string_view dataset, std::uint64_t first,
                                              std::uint64_t count);

/// Throws DataError where the columns of a table of a result are of different lengths.
void require_equal_lengths(const std::string& path, std::string_view table, std::initializer_list<std::size_t> lengths);

/// A 1-D dataset of texts, or the one text of a scalar.
[[nodiscard]] std::vector<std::string> read_texts(const std::string& path, std::string_view dataset);

}  // namespace repoquake::io
