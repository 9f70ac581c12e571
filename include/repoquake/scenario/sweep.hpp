/// A sweep: one scenario at many points. Plain data; any value is representable, `validate` lists all that is wrong.
///
///   grid    every combination of the axes' values, the last axis fastest
///   list    points that are given: one axis on which every key moves
///   others  factors, each with a range, at the points of a design in the unit cube (study/design.hpp)
///
/// Units   numbers are in the unit of their key; what a key is set to is a text, as after --set.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/core/error.hpp"
#include "repoquake/scenario/parameters.hpp"

namespace repoquake::scenario {

inline constexpr std::size_t kMaxSweepPoints = 1'000'000;
inline constexpr std::size_t kMaxSweptNumbers = 4'000'000;   ///< points times keys
inline constexpr std::size_t kMaxSweptKeys = 64;             ///< axes, factors or columns of a list
inline constexpr std::size_t kMaxZippedKeys = 32;            ///< of one axis
inline constexpr std::size_t kMaxConditionWork = 8'000'000;  ///< points times bytes of skip_if: read within a second
inline constexpr double kMaxSweptNumber = 1e15;              ///< size of the ends of a grid or a range

enum class SweepDesign : std::uint8_t { grid, lhs, sobol, saltelli, morris, list };
inline constexpr auto kSweepDesignNames =
    std::to_array<std::string_view>({"grid", "lhs", "sobol", "saltelli", "morris", "list"});

/// A key of the scenario, and what it takes.
struct SweptKey {
  enum class Kind : std::uint8_t { quantity, whole, flag, text };
  std::string path{};  ///< "shocks.tga-build.size"
  Kind kind = Kind::text;
  Unit unit = Unit::none;  ///< of a quantity

  /// How the numbers of this key are measured, as in a result: "bp", "1e9 USD"; of a text: its index among the texts.
  [[nodiscard]] std::string_view unit_in_result() const noexcept;
  bool operator==(const SweptKey&) const = default;
};

/// Evenly spaced numbers, both ends included.
struct Grid {
  double from = 0.0;
  double to = 0.0;
  std::size_t steps = 0;  ///< how many numbers

  /// Rounded to 12 significant digits between the ends, so that its text is short. Pre: level < steps.
  [[nodiscard]] double at(std::size_t level) const;
  bool operator==(const Grid&) const = default;
};

/// A key with the values that it takes: a grid, or those listed.
struct AxisKey {
  SweptKey key{};
  std::optional<Grid> grid{};
  std::vector<std::string> texts{};  ///< listed values, as after --set
  std::vector<double> numbers{};     ///< the same in the key's unit; flags 0 or 1; texts counted by first appearance

  [[nodiscard]] std::size_t size() const noexcept { return grid ? grid->steps : texts.size(); }
  bool operator==(const AxisKey&) const = default;
};

/// Keys that move together. Invariant after validate(): all of one size.
struct Axis {
  std::vector<AxisKey> keys;

  [[nodiscard]] std::size_t size() const noexcept { return keys.empty() ? 0 : keys.front().size(); }
  bool operator==(const Axis&) const = default;
};

/// A key that moves in a range.
struct Factor {
  SweptKey key{};
  double low = 0.0;
  double high = 0.0;
  bool is_log = false;  ///< the logarithm moves evenly

  /// At this share of the range, rounded to 12 significant digits, or to a whole number; never outside the range.
  [[nodiscard]] double at(double share) const;
  bool operator==(const Factor&) const = default;
};

struct Sweep {
  std::string name;
  std::string title;
  std::string base;  ///< as written
  SweepDesign design = SweepDesign::grid;
  std::vector<Axis> axes;       ///< of a grid or a list
  std::vector<Factor> factors;  ///< of the other designs
  std::size_t samples = 0;      ///< points; saltelli: groups; morris: trajectories
  std::uint64_t seed = 1;       ///< of the design
  std::size_t levels = 4;       ///< of each factor of morris
  std::string skip_if;          ///< a condition on keys, or empty
  bool stops_on_error = false;

  [[nodiscard]] bool has_axes() const noexcept { return design == SweepDesign::grid || design == SweepDesign::list; }
  /// Every key, in the order in which points give their settings.
  [[nodiscard]] std::vector<SweptKey> keys() const;
  /// Points before any is skipped; more than kMaxSweepPoints are not counted on.
  [[nodiscard]] std::size_t size() const noexcept;
  bool operator==(const Sweep&) const = default;
};

/// Errors by the keys of a sweep file: "axes[0].grid.steps". Of a list's file its reader complains.
[[nodiscard]] std::vector<Issue> validate(const Sweep& sweep);

}  // namespace repoquake::scenario
