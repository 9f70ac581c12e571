/// From a merged config tree to a `Scenario`: every key of the language, in the order of the page that describes it.
/// Reads no files; ranges and relations between values are scenario::validate's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "repoquake/io/config_tree.hpp"
#include "repoquake/io/map_reader.hpp"
#include "repoquake/scenario/scenario.hpp"

namespace repoquake::io {

/// The series a scenario names, still unread.
struct SeriesReference {
  std::string file;  ///< as written
  SourceMark file_mark;
  std::optional<std::string> sha256;  ///< lower case
  SourceMark sha256_mark;
};

struct ScenarioReading {
  scenario::Scenario scenario;
  std::optional<SeriesReference> series;
};

/// `tree` is without `extends` and `base`.
[[nodiscard]] ScenarioReading read_scenario(const ConfigNode& tree, Reading& reading);

/// Complains where the `format` of a file is not `ours`, "repoquake/scenario/1" or of a sweep, or is newer.
void check_format(const Value& format, std::string_view ours);

/// Reads `format`, `name` and `title` of a file.
void read_heading(MapReader& r, std::string_view format, std::string& name, std::string& title);

}  // namespace repoquake::io
