#include "repoquake/stats/moments.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "repoquake/core/lanes.hpp"

namespace repoquake::stats {

namespace {

using detail::kRegisterLanes;
using detail::RealRegister;

constexpr std::size_t kSumLanes = 8;  // whatever the width of the registers
constexpr std::size_t kRegisters = kSumLanes / kRegisterLanes;
using Lanes8 = std::array<double, kSumLanes>;
using Registers = std::array<RealRegister, kRegisters>;

double add_lanes(const Lanes8& a) noexcept { return ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7])); }

RealRegister load(const double* x) noexcept {
  RealRegister lanes;
  std::memcpy(&lanes, x, sizeof lanes);
  return lanes;
}

Lanes8 lanes_of(const Registers& registers) noexcept {
  Lanes8 lanes;
  for (std::size_t r = 0; r < kRegisters; ++r)
    std::memcpy(lanes.data() + r * kRegisterLanes, &registers[r], sizeof(RealRegister));
  return lanes;
}

/// Sums and range of whole rounds of lanes.
struct LevelLanes {
  Lanes8 sum{}, low{}, high{};
};

LevelLanes see_levels(const double* x, std::size_t whole) noexcept {
  Registers sum{}, low, high;
  low.fill(x[0] - RealRegister{});  // not +: that of -0 and 0 is 0
  high = low;
  for (std::size_t i = 0; i < whole; i += kSumLanes) {
    for (std::size_t r = 0; r < kRegisters; ++r) {
      const RealRegister value = load(x + i + r * kRegisterLanes);
      sum[r] += value;
      low[r] = value < low[r] ? value : low[r];
      high[r] = value > high[r] ? value : high[r];
    }
  }
  return {.sum = lanes_of(sum), .low = lanes_of(low), .high = lanes_of(high)};
}

/// Sums of d and of d^2, d = x - centre.
struct DeviationLanes {
  Lanes8 residual{}, square{};
};

DeviationLanes see_deviations(const double* x, std::size_t whole, double centre) noexcept {
  Registers residual{}, square{};
  for (std::size_t i = 0; i < whole; i += kSumLanes) {
    for (std::size_t r = 0; r < kRegisters; ++r) {
      const RealRegister d = load(x + i + r * kRegisterLanes) - centre;
      residual[r] += d;
      square[r] += d * d;
    }
  }
  return {.residual = lanes_of(residual), .square = lanes_of(square)};
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
  const std::size_t whole = n - n % kSumLanes;

  auto [sum, low, high] = see_levels(values.data(), whole);
  for (std::size_t i = whole; i < n; ++i) sum[i - whole] += values[i];
  const double centre = add_lanes(sum) / static_cast<double>(n);

  auto [residual, square] = see_deviations(values.data(), whole, centre);
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
  const auto widen = [&moments](double least, double largest) {
    moments.min = least < moments.min ? least : moments.min;
    moments.max = largest > moments.max ? largest : moments.max;
  };
  for (std::size_t lane = 0; lane < kSumLanes; ++lane) widen(low[lane], high[lane]);
  for (std::size_t i = whole; i < n; ++i) widen(values[i], values[i]);
  return moments;
}

}  // namespace repoquake::stats
