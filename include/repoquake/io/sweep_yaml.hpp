/// The door for sweeps: a sweep file and its base become points, each a scenario of its own, or a list of complaints.
///
/// The merged base is kept: a point is made from it without the disk, and points can be made in several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/core/error.hpp"
#include "repoquake/io/diagnostics.hpp"
#include "repoquake/io/scenario_yaml.hpp"
#include "repoquake/scenario/expression.hpp"
#include "repoquake/scenario/sweep.hpp"
#include "repoquake/study/design.hpp"

namespace repoquake::io {

inline constexpr std::string_view kSweepFormat = "repoquake/sweep/1";

class SweepWorld;  ///< what points are made from

struct LoadedSweep {
  scenario::Sweep sweep;

  /// With `override` and the sweep's metrics, and over them the command line. Without the base file's `expect`, which is
  /// about the base alone. Its `files` begin with the sweep's own.
  LoadedScenario base;

  study::Design design;               ///< in the unit cube; empty for axes
  std::vector<std::uint32_t> points;  ///< those not skipped, counted in the order of the design
  std::size_t skipped = 0;

  std::string text;         ///< of the sweep file, as it was read
  Diagnostics diagnostics;  ///< of the sweep file, the base, and the points that were checked
  std::shared_ptr<const SweepWorld> world;
};

/// Reads a sweep file, or one of the built-in library. Wrong content never throws: it is in `diagnostics`, all of it; there
/// are points where their axes or design are right, so that they can be checked (check_points) beside other errors. Throws
/// IoError where `file` or an overlay cannot be read.
[[nodiscard]] LoadedSweep load_sweep(const std::string& file, const LoadOptions& options = {});

/// The same for text; paths in it start at `folder`.
[[nodiscard]] LoadedSweep parse_sweep(std::string_view text, const std::string& name,
                                      const std::filesystem::path& folder, const LoadOptions& options = {});

/// Is this file of the kind of a sweep, by its `format`? Throws IoError where it cannot be read.
[[nodiscard]] bool is_sweep(const std::string& file, const LoadOptions& options = {});

struct Setting {
  std::string key;
  std::string value;  ///< as after --set KEY=

  bool operator==(const Setting&) const = default;
};

struct SweepPoint {
  std::vector<Setting> settings;  ///< in the order of Sweep::keys()
  std::vector<double> numbers;    ///< the same in SweptKey::unit_in_result

  bool operator==(const SweepPoint&) const = default;
};

/// Pre: index < sweep.points.size(), and of the following too.
[[nodiscard]] SweepPoint sweep_point(const LoadedSweep& sweep, std::size_t index);

/// The scenario of a point. It holds the need of the base unless told otherwise (study/held_need.hpp). Its complaints lie
/// where a value is to blame: in the sweep file, in the file of a list, or in the base.
[[nodiscard]] LoadedScenario load_point(const LoadedSweep& sweep, std::size_t index);

/// What identifies the result of a scenario: SHA-256 of its resolved text, of what that does not hold of the files it
/// names, and of kModelVersion.
[[nodiscard]] std::string point_hash(const LoadedScenario& point);

inline constexpr std::size_t kCheckedPoints = 2'000;
inline constexpr std::size_t kMostCheckedPoints = 10'000;

/// Makes points and adds what is wrong with them to the sweep's diagnostics: all of at most kCheckedPoints; of more, those
/// that show a value of an axis for the first time, at most kMostCheckedPoints, and the first kCheckedPoints of a design.
/// `further`: what else is to be asked of a point without errors, e.g. whether it compiles.
void check_points(LoadedSweep& sweep, const std::function<std::vector<Issue>(const LoadedScenario&)>& further = {});

/// What `reverse` is asked, as on the command line.
struct SearchRequest {
  std::string along, from, to;  ///< the key, and the ends of its range
  std::size_t steps = 9;        ///< of the grid that the search begins with, both ends included
  std::string target;           ///< "P(max(sofr - iorb) > 100 bp) = 10 %", or with the id of a metric before the "="
  std::string over{};           ///< a second key, or empty
  std::vector<std::string> values{};  ///< of that; where there are none:
  std::string over_from{}, over_to{};
  std::size_t over_steps = 5;
};

/// A sweep whose first axis is the grid along the key, whose second the values of the other key, and whose one metric is that
/// of the target.
struct LoadedSearch {
  LoadedSweep sweep;
  double target = 0.0;  ///< in `unit`
  scenario::ShownUnit unit{};
  std::optional<double> base_value;  ///< of the key in the base, stated or by default, if a number
};

/// Reads a scenario to search in. Complaints about the options lie in sources that are called after them. Errors as of
/// load_scenario.
[[nodiscard]] LoadedSearch load_search(const std::string& file, const SearchRequest& request,
                                       const LoadOptions& options = {});

/// The scenario at a number of the first key, on its grid or off it, and at a value of the second, counted from 0.
[[nodiscard]] LoadedScenario load_search_point(const LoadedSearch& search, double along, std::size_t over);

/// A number of a key as a scenario would state it: "95 bn USD".
[[nodiscard]] std::string setting_text(const scenario::SweptKey& key, double number);

}  // namespace repoquake::io
