/// Margin calls of the basis trade (basis_trade.hpp), cohorts eight abreast and up to eight paths at once: the steps to one
/// path's fixed point are a chain of dependent arithmetic, eight chains fill the time. Not in the public header: what is
/// installed must not depend on the instruction set that somebody compiles for.
#pragma once

#include <cstddef>
#include <span>

#include "repoquake/core/lanes.hpp"
#include "repoquake/model/basis_trade.hpp"

namespace repoquake::model {

/// One path whose margins are called.
struct MarginCall {
  std::size_t path;
  SalesTerms terms;
  double cost;        ///< of funding today, per notional
  double kept, lost;  ///< FundCohorts' before today
  UsdBn voluntary;    ///< what the funds would sell of their own will
};

/// The margin calls of 1 to 8 paths: funding is paid, the day's sales found, losses taken and positions cut.
/// Writes funds and sales, forced_sales, flags of these paths.
void answer_margin_calls(const ModelParams::BasisTrade&, std::span<const MarginCall>, FundCohorts&,
                         DayOutcome&) noexcept;

/// From now on all of a path's cohorts share their fate: to be called where their notional and equity were written.
void take_stock(std::size_t path, FundCohorts&) noexcept;

/// The basis after `total` sales of everyone.
template <Number V>
[[gnu::always_inline]] inline V basis_after(const ModelParams::BasisTrade& b, V basis, V impact, V total) noexcept {
  return larger((1.0 - b.basis_reversion) * basis + impact * total, same<V>(0.0));
}

}  // namespace repoquake::model
