/// Indices with a type of their own, so that a path is never mistaken for a day.
#pragma once

#include <cstdint>

namespace repoquake {

enum class BlockId : std::uint32_t {};   ///< a block of kBlockPaths consecutive paths
enum class DayIndex : std::uint32_t {};  ///< row of the window; 0 is the opening day, which is given
enum class CohortId : std::uint32_t {};  ///< one slice of the leveraged funds

[[nodiscard]] constexpr std::uint32_t index(BlockId id) noexcept { return static_cast<std::uint32_t>(id); }
[[nodiscard]] constexpr std::uint32_t index(DayIndex id) noexcept { return static_cast<std::uint32_t>(id); }
[[nodiscard]] constexpr std::uint32_t index(CohortId id) noexcept { return static_cast<std::uint32_t>(id); }

}  // namespace repoquake
