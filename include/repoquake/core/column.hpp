/// A column is one quantity for all paths of a block; kernels are verbs over columns.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "repoquake/core/units.hpp"

namespace repoquake {

/// Paths simulated together. Part of the results' identity: moments are merged block by block.
inline constexpr std::size_t kBlockPaths = 256;

/// Numbers of one path that are summed abreast, whatever the instruction set.
inline constexpr std::size_t kEight = 8;

using Column = std::span<double, kBlockPaths>;
using ConstColumn = std::span<const double, kBlockPaths>;
using CentsColumn = std::span<Cents, kBlockPaths>;
using ConstCentsColumn = std::span<const Cents, kBlockPaths>;

/// Storage of one column, aligned for the widest vector registers. Converts to Column and ConstColumn.
struct alignas(64) ColumnData : std::array<double, kBlockPaths> {};
struct alignas(64) CentsData : std::array<Cents, kBlockPaths> {};

}  // namespace repoquake
