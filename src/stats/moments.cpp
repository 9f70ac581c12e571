#include "repoquake/stats/moments.hpp"

#include <array>
#include <cmath>
#include <cstddef>

#include "repoquake/core/lanes.hpp"

namespace repoquake::stats {
namespace {

/// What a span is summed in, whatever the width of the registers: two chains of additions where eight numbers fill one.
constexpr std::size_t kSumLanes = 2 * kEight;
using Sixteen = detail::Pair<Eight, double>;
static_assert(detail::kLanesOf<Sixteen> == kSumLanes);

/// Sums in lanes; those that no whole round is left for are added one by one.
struct LaneSums {
  std::array<double, kSumLanes> of_lane{};

  explicit LaneSums(Sixteen rounds) noexcept { detail::write_all(rounds, of_lane.data()); }
  [[nodiscard]] double total() const noexcept {
    return detail::sum_of_lanes(detail::read_all<Sixteen>(of_lane.data()));
  }
};

}  // namespace

void Moments::merge(const Moments& other) noexcept {
  if (other.n == 0) return;
  if (n == 0) {
    *this = other;
    return;
  }
  const std::uint64_t total = n + other.n;
  const double share = static_cast<double>(other.n) / static_cast<double>(total);
  const double delta = other.mean - mean;
  mean += delta * share;
  m2 += other.m2 + delta * delta * (static_cast<double>(n) * share);
  min = other.min < min ? other.min : min;
  max = other.max > max ? other.max : max;
  n = total;
}

double Moments::variance() const noexcept { return n < 2 ? 0.0 : m2 / static_cast<double>(n - 1); }

double Moments::sd() const noexcept { return std::sqrt(variance()); }

double Moments::standard_error() const noexcept { return n < 2 ? 0.0 : std::sqrt(variance() / static_cast<double>(n)); }

Moments moments_of(std::span<const double> values) noexcept {
  Moments moments;
  const std::size_t n = values.size();
  if (n == 0) return moments;
  const double* const x = values.data();
  const std::size_t whole = n - n % kSumLanes;

  Sixteen rounds = 0.0, low = x[0], high = x[0];
  for (std::size_t i = 0; i < whole; i += kSumLanes) {
    const auto value = detail::read_all<Sixteen>(x + i);
    rounds = rounds + value;
    low = smaller(low, value);
    high = larger(high, value);
  }
  LaneSums sum(rounds);
  moments.n = n;
  moments.min = detail::least_of_lanes(low);
  moments.max = -detail::least_of_lanes(-high);
  for (std::size_t i = whole; i < n; ++i) {
    sum.of_lane[i - whole] += x[i];
    moments.min = x[i] < moments.min ? x[i] : moments.min;
    moments.max = x[i] > moments.max ? x[i] : moments.max;
  }
  if (moments.min == moments.max) {
    moments.mean = moments.min;
    return moments;
  }

  const double centre = sum.total() / static_cast<double>(n);
  Sixteen residuals = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < whole; i += kSumLanes) {
    const Sixteen d = detail::read_all<Sixteen>(x + i) - centre;
    residuals = residuals + d;
    squares = squares + d * d;
  }
  LaneSums residual(residuals), square(squares);
  for (std::size_t i = whole; i < n; ++i) {
    const double d = x[i] - centre;
    residual.of_lane[i - whole] += d;
    square.of_lane[i - whole] += d * d;
  }
  const double shift = residual.total() / static_cast<double>(n);  // what rounding left of the mean
  const double m2 = square.total() - shift * shift * static_cast<double>(n);
  moments.mean = centre + shift;
  moments.m2 = m2 > 0.0 ? m2 : 0.0;
  return moments;
}

}  // namespace repoquake::stats
