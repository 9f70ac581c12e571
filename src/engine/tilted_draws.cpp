#include "repoquake/engine/tilted_draws.hpp"

#include <algorithm>
#include <cmath>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/random/normal.hpp"
#include "repoquake/random/student.hpp"

namespace repoquake::engine {
namespace {

using Law = plan::PlanShock::Law;

constexpr double kLeastUniform = 0x1p-53;
constexpr double kMostLogRatio = 700.0;  // e to it is finite

bool is_correlated(const plan::Plan& plan, std::size_t shock) {
  return plan.correlation && std::ranges::find(plan.correlation->shocks, shock) != plan.correlation->shocks.end();
}

/// The distribution function of t(4) with unit variance: with x = t / sqrt(4 + t^2), 1/2 + (3x - x^3) / 4.
double student4_below(double y) noexcept {
  const double x = y / std::sqrt(2.0 + y * y);
  const double upper = std::fabs(x);
  const double w = 2.0 / ((2.0 + y * y) * (1.0 + upper));  // 1 - |x| without cancellation
  const double tail = 0.25 * w * w * (3.0 - w);
  return std::clamp(y < 0.0 ? tail : 1.0 - tail, kLeastUniform, 1.0 - kLeastUniform);
}

}  // namespace

std::string why_not_tilted(const plan::Plan& plan, std::size_t place) {
  const plan::PlanShock& shock = plan.shocks[place];
  switch (shock.law) {
    case Law::constant:
      return "its size is a constant; only a random size can be tilted";
    case Law::uniform:
    case Law::discrete:
    case Law::empirical:
      return "its law is uniform, discrete or empirical; only normal, lognormal and Student-t sizes can be tilted "
             "(--method splitting needs no tilt)";
    case Law::student_t:
      if (shock.degrees_of_freedom != 4.0)
        return "a Student-t size can be tilted with df 4 only, where it is drawn by its quantile (--method splitting "
               "needs no tilt)";
      return "";
    case Law::normal:
    case Law::lognormal:
      return "";
  }
  return "";
}

TiltedDraws::TiltedDraws(const plan::Plan& plan, std::span<const Tilt> tilts) : ordinary_(plan.seed) {
  const auto add = [&](std::uint16_t slot, bool is_student, double size) {
    const auto known = std::ranges::find(moves_, slot, &Move::slot);
    if (known == moves_.end())
      moves_.push_back({.slot = slot, .is_student = is_student, .size = size});
    else
      known->size += size;
  };
  for (const Tilt& tilt : tilts) {
    RQ_EXPECT(why_not_tilted(plan, tilt.shock).empty());
    const plan::PlanShock& shock = plan.shocks[tilt.shock];
    if (!is_correlated(plan, tilt.shock)) {
      add(shock.slot, shock.law == Law::student_t, tilt.deviations);
      continue;
    }
    const auto& together = plan.correlation->shocks;
    const auto row = static_cast<std::size_t>(std::ranges::find(together, tilt.shock) - together.begin());
    for (std::size_t k = 0; k <= row; ++k)
      add(plan.shocks[together[k]].slot, false, plan.correlation->correlator.factor(row, k) * tilt.deviations);
  }
}

void TiltedDraws::move(std::uint64_t first_path, Move& by, Column uniforms) noexcept {
  const double m = by.size;
  ColumnData score;
  const auto take_scores = [&] {
    if (by.is_student)
      random::student_t_from_uniforms(4.0, uniforms, uniforms, score);
    else
      random::normals_from_uniforms(uniforms, score);
  };
  take_scores();
  ColumnData moved;
  for (std::size_t i = 0; i < kBlockPaths; ++i) moved[i] = score[i] + m;
  if (by.is_student)
    for (double& u : moved) u = student4_below(u);
  else
    random::uniforms_from_normals(moved, moved);
  for (std::size_t i = 0; i < kBlockPaths; ++i)
    if ((first_path + i) % kUntiltedEvery != 0) uniforms[i] = moved[i];
  take_scores();  // as the simulation will: what rounding does to a draw, its weight knows
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double z = score[i];
    by.log_ratio[i] =
        by.is_student ? 2.5 * elementary::log((2.0 + z * z) / (2.0 + (z - m) * (z - m))) : m * z - 0.5 * m * m;
  }
}

void TiltedDraws::uniforms(std::uint64_t first_path, std::uint32_t day, random::Stream stream, std::uint16_t slot,
                           Column out) noexcept {
  ordinary_.uniforms(first_path, day, stream, slot, out);
  if (stream != random::Stream::shock_size) return;
  const auto found = std::ranges::find(moves_, slot, &Move::slot);
  if (found != moves_.end()) move(first_path, *found, out);
}

void TiltedDraws::uniform_pair(std::uint64_t first_path, std::uint32_t day, random::Stream even_stream,
                               std::uint16_t slot, Column even, Column odd) noexcept {
  ordinary_.uniform_pair(first_path, day, even_stream, slot, even, odd);
}

void TiltedDraws::weights(Column out) const noexcept {
  constexpr double kShare = 1.0 / static_cast<double>(kUntiltedEvery);
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    double sum = 0.0;
    for (const Move& move : moves_) sum += move.log_ratio[i];
    const double ratio = elementary::exp(std::clamp(sum, -kMostLogRatio, kMostLogRatio));
    out[i] = 1.0 / (kShare + (1.0 - kShare) * ratio);
  }
}

}  // namespace repoquake::engine
