/// The structural parameters, `model:` in a scenario: one table of record for reader, checks and documents.
///
/// One default set serves every scenario: a scenario states the world, not the physics.
/// Units: see `unit` of each row. Source: docs/model.md, section 3.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "repoquake/core/error.hpp"
#include "repoquake/core/units.hpp"

namespace repoquake::scenario {

/// What a number is measured in, once inside. The reader converts at the door.
enum class Unit {
  none,           ///< a share or a ratio, bare or in %
  bp,             ///< basis points
  percent,        ///< percent per annum
  usd_bn,         ///< billions of US dollars
  usd_bn_month,   ///< billions of US dollars per month
  business_days,  ///< bd or d
  years,          ///< y
  per_day,        ///< a share per business day, bare or with /d
  bn_per_bp,      ///< USD bn per basis point
  bp_per_bn,      ///< basis points per USD bn
  multiple,       ///< times, bare or with x
  count           ///< a whole number
};

/// How a quantity of this unit is written, e.g. "bp".
[[nodiscard]] std::string_view unit_text(Unit unit) noexcept;

/// One row of the table.
struct ParameterSpec {
  std::string_view key;     ///< under `model:`, e.g. "banks.lending_share"; "[i]" marks an entry of a list
  std::string_view symbol;  ///< as in docs/model.md
  Unit unit;
  double default_value;
  double low;        ///< smallest allowed value
  double high;       ///< largest allowed value
  bool low_is_open;  ///< the value divides: `low` itself is not allowed
  std::string_view meaning;
  std::string_view source;  ///< D computed from daily data, F fitted on them, C literature, J judgement
};

/// All rows, in the order of docs/model.md.
[[nodiscard]] std::span<const ParameterSpec> parameter_table() noexcept;

/// Row of `key`, or nothing.
[[nodiscard]] std::optional<std::size_t> find_parameter(std::string_view key) noexcept;

/// The values of `model:`, in the units of the table; defaults unless the scenario says otherwise.
class ParameterValues {
 public:
  ParameterValues();

  [[nodiscard]] double operator[](std::size_t row) const { return values_.at(row); }
  [[nodiscard]] double at(std::string_view key) const;  ///< Pre: `key` is in the table; throws LogicError
  void set(std::size_t row, double value);
  [[nodiscard]] bool is_stated(std::size_t row) const { return stated_.at(row); }  ///< set by the scenario?

  bool operator==(const ParameterValues&) const = default;

 private:
  std::vector<double> values_;
  std::vector<bool> stated_;
};

/// Every value outside its range, and every relation between values that does not hold. Keys start with "model.".
[[nodiscard]] std::vector<Issue> validate(const ParameterValues& values);

}  // namespace repoquake::scenario
