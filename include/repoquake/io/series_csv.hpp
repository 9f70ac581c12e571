/// Daily series from CSV: a header, one row per publication day of the window, units in the column names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/io/diagnostics.hpp"
#include "repoquake/scenario/scenario.hpp"

namespace repoquake::io {

/// Complaints about one file that are shown at most.
inline constexpr int kMaxSeriesComplaints = 20;

/// Reads CSV text registered as source `file`: `#` lines at the top, then the header with `date` first, then rows.
/// The dates must be exactly the publication days of `window` (any ascending days where there is none); blank cells are
/// missing values. Complaints go to `diagnostics`; nothing is returned where there are errors.
/// `Series::file` and `Series::sha256` are left to the caller.
[[nodiscard]] std::optional<scenario::Series> parse_series(std::string_view text, int file,
                                                           const std::optional<scenario::Window>& window,
                                                           Diagnostics& diagnostics);

/// The values of one column of a CSV with a header, blank cells left out. Its name ends with its unit, `_usd_bn` or `_bp`.
[[nodiscard]] std::optional<std::vector<double>> parse_column(std::string_view text, int file, const std::string& name,
                                                              scenario::Unit unit, Diagnostics& diagnostics);

}  // namespace repoquake::io
