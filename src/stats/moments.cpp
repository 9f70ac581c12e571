#include "repoquake/stats/moments.hpp"

#include <array>
#include <cmath>
#include <cstddef>

namespace repoquake::stats {

namespace {

constexpr std::size_t kLanes = 8;
using Lanes = std::array<double, kLanes>;

double add_lanes(const Lanes& a) noexcept { return ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7])); }

// Whole rounds of lanes in functions of their own: there no index depends on the data, so the lanes stay in registers.

struct LanePair {
  Lanes first{};
  Lanes second{};
};

Lanes add_values(const double* x, std::size_t whole) noexcept {
  Lanes sum{};
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) sum[lane] += x[i + lane];
  }
  return sum;
}

/// LanePair of d and of d^2, d = x - centre.
LanePair add_deviations(const double* x, std::size_t whole, double centre) noexcept {
  Lanes residual{};
  Lanes square{};
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double d = x[i + lane] - centre;
      residual[lane] += d;
      square[lane] += d * d;
    }
  }
  return {.first = residual, .second = square};
}

/// Lowest and highest.
LanePair find_range(const double* x, std::size_t whole) noexcept {
  Lanes low;
  Lanes high;
  low.fill(x[0]);
  high.fill(x[0]);
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      low[lane] = x[i + lane] < low[lane] ? x[i + lane] : low[lane];
      high[lane] = x[i + lane] > high[lane] ? x[i + lane] : high[lane];
    }
  }
  return {.first = low, .second = high};
}

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
  const std::size_t whole = n - n % kLanes;

  Lanes sum = add_values(values.data(), whole);
  for (std::size_t i = whole; i < n; ++i) sum[i - whole] += values[i];
  const double centre = add_lanes(sum) / static_cast<double>(n);

  auto [residual, square] = add_deviations(values.data(), whole, centre);
  for (std::size_t i = whole; i < n; ++i) {
    const double d = values[i] - centre;
    residual[i - whole] += d;
    square[i - whole] += d * d;
  }
  const double shift = add_lanes(residual) / static_cast<double>(n);  // what rounding left of the mean
  const double m2 = add_lanes(square) - shift * shift * static_cast<double>(n);

  moments.n = n;
  moments.mean = centre + shift;
  moments.m2 = m2 > 0.0 ? m2 : 0.0;
  const auto widen = [&moments](double low, double high) {
    moments.min = low < moments.min ? low : moments.min;
    moments.max = high > moments.max ? high : moments.max;
  };
  const auto [low, high] = find_range(values.data(), whole);
  for (std::size_t lane = 0; lane < kLanes; ++lane) widen(low[lane], high[lane]);
  for (std::size_t i = whole; i < n; ++i) widen(values[i], values[i]);
  return moments;
}

}  // namespace repoquake::stats
