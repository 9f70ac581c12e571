/// What banks can lend in repo out of reserves: a kinked, concave reserve demand.
///
///   x(R) = w ln(1 + exp((R/A - rho*)/w))
///   K_s  = kappa A x_bar (1 - H) (vol/60)^(-k_v) U_K     of satiated banks, the same all day
///   K    = K_s (1 - exp(-x/x_bar))
///
/// Units   R, A, K [USD bn]; vol [bp]; H, U_K dimensionless
/// Pre     vol > 0      Post  K >= 0, gone near rho*, flat where reserves are abundant
/// Source  docs/model.md, section 2 "Bank capacity"; NY Fed Staff Report 1019 for satiation
#pragma once

#include "repoquake/core/column.hpp"
#include "repoquake/model/params.hpp"

namespace repoquake::model {

void satiated_capacity(const ModelParams&, ConstColumn volatility_bp, ConstColumn precaution,
                       ConstColumn capacity_factor, Column satiated) noexcept;

void lend_capacity(const ModelParams&, ConstColumn reserves_usd_bn, ConstColumn satiated, Column capacity) noexcept;

/// One path, for the opening.
[[nodiscard]] UsdBn lend_capacity(const ModelParams&, UsdBn reserves, double volatility_bp, double precaution,
                                  double capacity_factor) noexcept;

}  // namespace repoquake::model
