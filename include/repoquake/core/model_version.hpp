/// Which model makes the numbers of a result.
#pragma once

namespace repoquake {

/// Grows whenever an unchanged resolved scenario can give other numbers: a change of a kernel, a default, a stream or an
/// estimator. What was computed under another version is computed again (io::point_hash).
inline constexpr int kModelVersion = 1;

}  // namespace repoquake
