/// From the tree of a sweep file, or the CSV of a list, to a `Sweep` and the places of its values. Reads no files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "repoquake/io/language.hpp"
#include "repoquake/io/map_reader.hpp"
#include "repoquake/scenario/sweep.hpp"

namespace repoquake::io {

/// A value that a key takes, as a scenario would hold it.
struct ListedValue {
  std::string text;
  bool quoted = false;
  SourceMark mark;
};

/// Where a key and its values stand.
struct KeySource {
  SourceMark key;
  std::vector<ListedValue> values{};  ///< those that are listed
  SourceMark low{}, high{}, range{};  ///< of a grid or a range: its ends and the whole
};

struct SweepReading {
  scenario::Sweep sweep;
  std::vector<KeySource> sources;  ///< of sweep.keys(), in their order
  // What others go on with; they look into the tree that was read.
  std::optional<Value> base, over, metrics, skip_if, file;
};

/// `language`: of scenarios. Ranges and relations are scenario::validate's.
[[nodiscard]] SweepReading read_sweep(const ConfigNode& tree, Reading& reading,
                                      const std::vector<LanguageKey>& language);

/// The points of a list: a header with keys, or "KEY [unit]" above bare numbers, then a row a point. Blank lines are passed
/// over. Complaints go to `diagnostics`; the values are complete only where there are none.
[[nodiscard]] std::pair<scenario::Axis, std::vector<KeySource>> read_points(std::string_view text, int file,
                                                                            const std::vector<LanguageKey>& language,
                                                                            Diagnostics& diagnostics);

/// A key of the command line with the ends of its range, evenly filled with `steps` numbers; with the values listed in
/// `source`. What is wrong with them is said at their places; the key itself is check_swept_keys'.
[[nodiscard]] scenario::AxisKey read_range(const std::string& path, const Value& low, const Value& high,
                                           std::size_t steps, KeySource& source,
                                           const std::vector<LanguageKey>& language);
[[nodiscard]] scenario::AxisKey read_listed(const std::string& path, KeySource& source,
                                            const std::vector<LanguageKey>& language, Diagnostics& diagnostics);

/// Complains about keys that are unknown, that cannot move, or that are set twice.
void check_swept_keys(const std::vector<scenario::SweptKey>& keys, const std::vector<KeySource>& sources,
                      const std::vector<LanguageKey>& language, Diagnostics& diagnostics);

/// A number as a scenario would state it.
[[nodiscard]] std::string number_text(const scenario::SweptKey& key, double number);

}  // namespace repoquake::io
