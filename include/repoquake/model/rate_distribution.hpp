/// SOFR as a distribution: a volume-weighted mixture of a morning and an afternoon law.
///
///   F(x) = omega G(x; s_am) + (1 - omega) G(x; s_pm),  G a two-piece Laplace law, half its mass on each side of the
///   centre c, with widths  sigma_R = 1 + xi_R eta tau (c - 10)+,  sigma_L = 1 + xi_L eta tau (c - 10)+
///   p1 ... p99 = quantile of F + fan, each at least f - 5; then the day's noise, the same for all
///   TGCR = SOFR - 1.9 - 0.14 s+ since 2021, SOFR - 2.4 before;  EFFR - IORB read off reserves over bank assets
///
/// Units   bp over IORB      Post  percentiles increase; quantiles of F to 1e-9 bp
/// Source  docs/model.md, section 2 "SOFR as a distribution"
#pragma once

#include "repoquake/core/column.hpp"
#include "repoquake/model/params.hpp"
#include "repoquake/model/state.hpp"

namespace repoquake::model {

/// A mixture law of one path.
struct RateLaw {
  Spread am_centre, am_left, am_right;  ///< centre and widths of the morning
  Spread pm_centre, pm_left, pm_right;
  double am_weight;
};

/// `widening` = eta tau.
[[nodiscard]] RateLaw rate_law(const ModelParams&, Spread am_spread, Spread pm_spread, double widening) noexcept;

/// Share of volume at or below x.
[[nodiscard]] double volume_below(const RateLaw&, Spread x) noexcept;

/// The x with `volume_below(law, x) == share`; 0 < share < 1.
[[nodiscard]] Spread quantile(const RateLaw&, double share) noexcept;

/// Writes percentiles, TGCR and the share of volume above the standing repo rate; moves the noise on. Percentiles are
/// bounded below by `lowest`, before noise: f - 5, or nothing on the opening day, which shows what it is told.
void spread_rates(const ModelParams&, const DayContext&, const DayDraws&, Spread lowest, PathState&,
                  DayOutcome&) noexcept;

/// EFFR over IORB from end-of-day reserves over bank assets.
void price_fed_funds(const ModelParams&, const FedSheet&, Column effr) noexcept;

/// The same for one ratio of reserves to bank assets.
[[nodiscard]] Spread effr_over_iorb(double reserves_over_assets) noexcept;

}  // namespace repoquake::model
