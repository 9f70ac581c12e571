/// Bytes of input files and their fingerprints.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace repoquake::io {

inline constexpr std::size_t kScenarioFileLimit = std::size_t{1}
                                                  << 20;  ///< bytes; the scanner reads about 2 MB a second
inline constexpr std::size_t kSeriesFileLimit = std::size_t{64} << 20;  ///< bytes

/// SHA-256 as 64 lower-case hex digits.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// All bytes of a regular file of at most `limit` bytes, read once. Throws IoError: missing, unreadable, too large, or a
/// folder, pipe, socket or device, which is never waited for; DataError: an HDF5 file.
[[nodiscard]] std::string read_file(const std::filesystem::path& path, std::size_t limit);

}  // namespace repoquake::io
