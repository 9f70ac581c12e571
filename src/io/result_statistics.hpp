/// The groups of a result that hold statistics over its paths: /stats, /features, /metrics, /convergence, /transmission,
/// /observed and /scores (docs/result_file.md).
#pragma once

#include <span>

#include "repoquake/core/units.hpp"
#include "repoquake/engine/run.hpp"
#include "repoquake/engine/scorecard.hpp"
#include "repoquake/io/hdf5_file.hpp"
#include "repoquake/io/result_writer.hpp"

namespace repoquake::io {

/// The coordinate `threshold` of /stats and /summary.
[[nodiscard]] Dataset write_thresholds(const Group& group, std::span<const Spread> thresholds);

/// All of them; returns what /scores holds.
[[nodiscard]] engine::Scorecard write_statistics(const Group& root, const engine::Manifest& manifest,
                                                 const engine::RunSummary& summary, const Observed& observed);

}  // namespace repoquake::io
