/// Daily inputs and observations of a scenario, one row per simulated day.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/scenario/parameters.hpp"

namespace repoquake::scenario {

enum class ColumnRole {
  input,       ///< drives the model; blank = no flow
  observation  ///< for scoring and plots only; blank = not observed
};

/// A column that a series file may have. Units are in the name.
struct SeriesColumnSpec {
  std::string_view name;
  ColumnRole role;
  Unit unit;
  bool may_be_negative;
};

[[nodiscard]] std::span<const SeriesColumnSpec> series_columns() noexcept;

/// One column as read; `values` has one entry per date.
struct SeriesColumn {
  std::string name;
  std::vector<std::optional<double>> values;

  bool operator==(const SeriesColumn&) const = default;
};

struct Series {
  std::string file;    ///< as found, for provenance and messages
  std::string sha256;  ///< of the bytes read, lower-case hex
  std::vector<calendar::Date> dates;
  std::vector<SeriesColumn> columns;

  /// The column called `name`, or nullptr.
  [[nodiscard]] const SeriesColumn* find(std::string_view name) const noexcept;

  bool operator==(const Series&) const = default;
};

}  // namespace repoquake::scenario
