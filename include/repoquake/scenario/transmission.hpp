/// The satellite: how a funding shock may pass on to other markets. Linear, with coefficients that the scenario declares;
/// nothing comes back to the model.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace repoquake::scenario {

/// A market that the satellite speaks of.
struct TransmissionTarget {
  std::string_view key;
  std::string_view unit;  ///< of the response; a coefficient is in this unit per bp of funding shock
  std::string_view long_name;
};

inline constexpr std::array<TransmissionTarget, 4> kTransmissionTargets{{
    {"short_corporate_funding", "bp", "spread of short corporate funding (commercial paper, certificates of deposit)"},
    {"mortgage_spread", "bp", "spread of mortgage-backed securities over Treasuries"},
    {"high_yield_spread", "bp", "spread of high-yield corporate bonds"},
    {"equity_volatility", "index points", "equity-volatility index"},
}};

struct PassThrough {
  double coefficient = 0.0;
  double low = 0.0;  ///< range in which the user believes the coefficient to lie
  double high = 0.0;

  bool operator==(const PassThrough&) const = default;
};

struct Transmission {
  bool enabled = false;
  std::array<std::optional<PassThrough>, kTransmissionTargets.size()> targets{};

  bool operator==(const Transmission&) const = default;
};

}  // namespace repoquake::scenario
