/// Draws of random shocks from a tilted law, with the exact weight of each path: importance sampling.
///
/// The normal score of a shock is drawn from N(m, 1) in place of N(0, 1); that of a Student-t(4) shock is moved by m of its
/// standard deviations. Every tenth path is left as it is, so that paths come from the mixture
///   q(x) = a p(x) + (1 - a) p_m(x),  a = 1/10,    weight  w = p / q = 1 / (a + (1 - a) p_m / p)
///   normal    p_m / p = exp(m z - m^2 / 2)
///   Student   p_m / p = ((2 + y^2) / (2 + (y - m)^2))^(5/2),  y = t / sqrt(2): t(4) of unit variance
/// and no weight exceeds 10: an event that comes about in another way than the tilted one is not lost.
/// Correlated shocks: the score x_j = sum_k L_jk z_k is moved by m where each z_k is moved by L_jk m, the cheapest way.
///
/// Source  T. Hesterberg, "Weighted average importance sampling and defensive mixture distributions", Technometrics 37
///         (1995); A. Owen, Y. Zhou, "Safe and effective importance sampling", J. Am. Stat. Assoc. 95 (2000); P. Glasserman,
///         "Monte Carlo Methods in Financial Engineering", ch. 4 (2004).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "repoquake/core/column.hpp"
#include "repoquake/engine/draw_source.hpp"
#include "repoquake/plan/plan.hpp"

namespace repoquake::engine {

inline constexpr std::uint64_t kUntiltedEvery = 10;  ///< path numbers that it divides are left as they are
inline constexpr double kMostTilt = 6.0;             ///< standard deviations; beyond, a uniform has too few bits

/// How far the law of a shock's size is moved.
struct Tilt {
  std::size_t shock = 0;    ///< place in Plan::shocks
  double deviations = 0.0;  ///< of its score: standard deviations; of a lognormal those of its logarithm
};

/// Why a shock cannot be tilted; empty where it can.
[[nodiscard]] std::string why_not_tilted(const plan::Plan& plan, std::size_t shock);

class TiltedDraws final : public DrawSource {
 public:
  /// Pre: why_not_tilted is empty for each. Of a shock that is named twice the moves add up.
  TiltedDraws(const plan::Plan& plan, std::span<const Tilt> tilts);

  void uniforms(std::uint64_t first_path, std::uint32_t day, random::Stream stream, std::uint16_t slot,
                Column out) noexcept override;
  void uniform_pair(std::uint64_t first_path, std::uint32_t day, random::Stream even_stream, std::uint16_t slot,
                    Column even, Column odd) noexcept override;

  /// Of the paths that were opened last.
  void weights(Column out) const noexcept;

 private:
  struct Move {
    std::uint16_t slot = 0;
    bool is_student = false;
    double size = 0.0;
    ColumnData log_ratio{};  ///< ln(p_m / p) of each path of the block
  };
  void move(std::uint64_t first_path, Move& by, Column uniforms) noexcept;

  AddressedDraws ordinary_;
  std::vector<Move> moves_;
};

}  // namespace repoquake::engine
