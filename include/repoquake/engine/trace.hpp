/// One path, day by day: what was drawn, what came in, where it left the state, and how reserves moved, to the cent.
///
/// The values are those of a run: the same path of the same plan, nothing rounded. Units stand with each value.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "repoquake/core/units.hpp"
#include "repoquake/plan/plan.hpp"

namespace repoquake::engine {

struct TraceValue {
  std::string name;
  std::string unit;
  double value = 0.0;
};

/// One flow that moves reserves; negative drains them.
struct LedgerEntry {
  std::string name;
  Cents cents = 0;
};

struct TraceDay {
  std::chrono::sys_days date{};
  std::string mark;                  ///< "tax date", "quarter-end", ... or nothing
  std::vector<TraceValue> draws;     ///< path constants and shock sizes on day 0, the day's draws after
  std::vector<TraceValue> flows;     ///< what came in, shocks included; none on day 0
  std::vector<TraceValue> sessions;  ///< need, capacity, clearing and take-up by session
  std::vector<TraceValue> state;     ///< carried to the next day, funds' cohorts last
  std::vector<TraceValue> observed;  ///< every variable of a result that has a meaning on the day
  std::vector<LedgerEntry> ledger;   ///< empty on day 0
  Cents reserves_before = 0;
  Cents reserves_after = 0;  ///< reserves_before plus the ledger, exactly
  std::vector<std::string> flags;
};

/// Pre: path < plan.n_paths is not required: any path can be traced.
[[nodiscard]] std::vector<TraceDay> trace_path(const plan::Plan& plan, std::uint64_t path);

}  // namespace repoquake::engine
