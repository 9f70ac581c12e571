/// Flows of a free run, drawn instead of read from a series.
///
///   dTGA     = seasonal mean + change of the reference + 0.03 (reference[t-1] + shocks - TGA[t-1]) + sd eps
///              eps a unit-variance t(4); shocks: what shocks have added so far, which stays; never more than the account holds
///   coupons  = what settles that day (mid-month, month-end) + sd xi;    bills = mean + sd xi on their days
///   factors  = sd xi, other autonomous factors that drain reserves
///   vol      = level exp(v) + J,  v = rho v[t-1] + sd xi,  J = 2^(-1/half-life) J[t-1] + size 1{u < probability}
///
/// Units   flows and levels [USD bn]; vol, J, size [bp]; v, rho, probability [1]
/// Shapes  columns of a block; draws have mean 0 and variance 1, the jump draw is uniform
/// Source  docs/model.md, "Flows of a free run"
#pragma once

#include "repoquake/core/column.hpp"
#include "repoquake/model/state.hpp"

namespace repoquake::model {

/// What is drawn, and how much it moves.
struct DriverParams {
  bool tga = false, settlements = false, other_factors = false, volatility = false;  ///< drawn?
  UsdBn tga_residual_sd = 0.0;
  double tga_pull = 0.0;  ///< of the gap closed in a day
  UsdBn coupons_sd = 0.0, bills_sd = 0.0, other_factors_sd = 0.0;
  double volatility_level = 60.0, volatility_persistence = 0.0, volatility_sd = 0.0;
  double jump_probability = 0.0, jump_size = 0.0, jump_persistence = 0.0;

  [[nodiscard]] bool any() const noexcept { return tga || settlements || other_factors || volatility; }

  bool operator==(const DriverParams&) const = default;
};

/// What the calendar says about a day's drawn flows.
struct DriverDay {
  UsdBn tga_drift = 0.0;      ///< seasonal mean and change of the reference
  UsdBn tga_reference = 0.0;  ///< yesterday's
  bool settles_coupons = false, settles_bills = false;
  UsdBn coupons = 0.0, bills = 0.0;  ///< means

  bool operator==(const DriverDay&) const = default;
};

struct DriverDraws {
  ColumnData tga, coupons, bills, other_factors, volatility, jump;
};

/// The drivers' own memory; volatility starts at its level.
struct DriverState {
  ColumnData tga_shocks{};  ///< what shocks have added to the Treasury's account so far, USD bn
  ColumnData log_volatility{};
  ColumnData jump{};
};

/// Adds the drawn flows to the day's. `sheet`: at yesterday's close.
void draw_flows(const DriverParams&, const DriverDay&, const DriverDraws&, const FedSheet& sheet, DriverState&,
                DayFlows&) noexcept;

}  // namespace repoquake::model
