/// Datasets as netCDF readers and the CF conventions want them: coordinates as dimension scales, units, long names, fill
/// values. What the writers of result and comparison files share.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "repoquake/core/variables.hpp"
#include "repoquake/io/hdf5_file.hpp"

namespace repoquake::io {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Without `units` where they are empty.
void describe(const Dataset& dataset, std::string_view units, std::string_view long_name);

/// In the variable's unit.
void describe_variable(const Dataset& dataset, const VariableSpec& spec, std::string_view long_name);

/// What a time variable needs so that readers turn it into dates.
void describe_days(const Dataset& dataset, std::chrono::sys_days first, std::string_view long_name);

/// The coordinate `time`: calendar days since the first date.
[[nodiscard]] Dataset write_time(const Group& group, std::span<const std::chrono::sys_days> dates);

/// A coordinate of numbers.
[[nodiscard]] Dataset write_scale(const Group& group, std::string_view name, std::span<const double> values,
                                  std::string_view units, std::string_view long_name);

/// A dimension of a dataset.
struct Scale {
  const Dataset* coordinate;
  std::uint64_t size;
};

/// A statistic along its coordinates; NaN where there is none. Text attributes follow with `describe`.
Dataset write_statistic(const Group& group, std::string_view name, std::initializer_list<Scale> scales,
                        std::span<const double> values);

/// Texts along a coordinate; a coordinate of texts; pairs as a coordinate and its values. Pre: not empty.
void write_texts(const Group& group, std::string_view name, std::span<const std::string> texts, const Dataset& scale,
                 std::string_view long_name);
[[nodiscard]] Dataset write_text_scale(const Group& group, std::string_view name, std::span<const std::string> texts,
                                       std::string_view long_name);
void write_pairs(const Group& group, const std::string& name, std::string_view long_name,
                 std::span<const std::pair<std::string, std::string>> pairs);

}  // namespace repoquake::io
