/// The repo price: the spread at which marginal funding need meets four schedules of cash.
///
///   N - eps x+ - eps2 (x - x2)+ = L_mmf(x) + L_bank(x) + L_srf(x + d) + phi L_tomo(x + d),   x >= f
///
///   L_mmf(x)  = C (x - f)+ / (b_r + (x - f)+)                     money funds, ON RRP as outside option
///   L_bank(x) = K (x - s0)+ / (a + (x - s0)+)                     banks lending reserves
///   L_srf(v)  = min(B_s V (1 - exp(-w ln(1 + e^((v - srf)/w)) / theta)), cap)   standing repo behind its stigma
///   L_tomo(v) = min(A, B_d V (1 - exp(-(v + g - bid)+ / theta_T)))              repo operations
///
/// Units   x, f, s0, a, b_r, d ... bp over IORB; N, C, K, A ... USD bn
/// Shapes  one value per path of the block
/// Post    f <= x <= 3000; the root to 1e-10 bp, or x = f where need is already met there, or x = 3000 and flagged
/// Source  docs/model.md, section 2 "Clearing"
#pragma once

#include <cstdint>
#include <span>

#include "repoquake/core/column.hpp"
#include "repoquake/core/units.hpp"
#include "repoquake/model/params.hpp"
#include "repoquake/model/state.hpp"

namespace repoquake::model {

/// The schedules' terms that are the same on every path of a session.
struct SessionTerms {
  Spread floor, reservation, half_saturation, switching_scale;
  double elasticity, stress_elasticity;  ///< bn/bp
  Spread stress_spread;
  bool has_standing_repo;
  UsdBn addressable, cap;  ///< B_s V
  Spread standing_repo_spread, smoothing, stigma;
  double pass_through;
  UsdBn appetite;  ///< B_d V
  Spread appetite_scale;
  Spread bid_reach;  ///< g - bid: added to v
};

[[nodiscard]] SessionTerms session_terms(const ModelParams& params, const DayContext& day,
                                         bool standing_repo_open) noexcept;

/// What differs between paths in a session.
struct SessionColumns {
  ConstColumn need, cash, capacity, markup, offered;
};

/// Finds the clearing spread. `spread` holds a first guess on entry (any finite value) and the root on exit.
/// Lanes do not see each other: a path's root never depends on its block.
void clear_repo_market(const SessionTerms& terms, const SessionColumns& columns, Column spread,
                       std::span<std::uint32_t, kBlockPaths> flags) noexcept;

/// N - everything, at x, for one path: falls in x. Used by tests and by the opening.
[[nodiscard]] UsdBn excess_need(const SessionTerms& terms, UsdBn need, UsdBn cash, UsdBn capacity, Spread markup,
                                UsdBn offered, Spread x) noexcept;

[[nodiscard]] UsdBn mmf_lending(const SessionTerms& terms, UsdBn cash, Spread x) noexcept;
[[nodiscard]] UsdBn bank_lending(const SessionTerms& terms, UsdBn capacity, Spread x) noexcept;
[[nodiscard]] UsdBn standing_repo_take_up(const SessionTerms& terms, Spread rate) noexcept;
[[nodiscard]] UsdBn operation_take_up(const SessionTerms& terms, UsdBn offered, Spread rate) noexcept;

}  // namespace repoquake::model
