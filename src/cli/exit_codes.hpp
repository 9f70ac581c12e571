/// Exit codes of the program, as promised in docs and --help.
#pragma once

namespace repoquake::cli {

inline constexpr int kOk = 0;
inline constexpr int kUsage = 2;
inline constexpr int kBadInput = 65;
inline constexpr int kInternal = 70;
inline constexpr int kInputOutput = 74;
inline constexpr int kInterrupted = 75;
inline constexpr int kPointsFailed = 76;
inline constexpr int kMissed = 77;
inline constexpr int kFlagged = 78;
inline constexpr int kRefused = 79;

}  // namespace repoquake::cli
