#include "repoquake/stats/exceedance.hpp"

#include <cmath>

namespace repoquake::stats {

void Exceedance::merge(const Exceedance& other) noexcept {
  n += other.n;
  hits += other.hits;
}

double Exceedance::probability() const noexcept {
  return n == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(n);
}

double Exceedance::standard_error() const noexcept {
  const double trials = static_cast<double>(n) + 4.0 * effect.ratio;
  const double share = (static_cast<double>(hits) + 2.0 * effect.ratio) / trials;
  return std::sqrt(effect.ratio * share * (1.0 - share) / trials);
}

std::uint64_t count_above(std::span<const double> values, double threshold) noexcept {
  std::uint64_t hits = 0;
  for (const double x : values) hits += x > threshold ? std::uint64_t{1} : std::uint64_t{0};
  return hits;
}

}  // namespace repoquake::stats
