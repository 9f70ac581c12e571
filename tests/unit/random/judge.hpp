/// What the tests of the random floor measure with: estimates in standard errors, Kolmogorov-Smirnov distances.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "repoquake/core/column.hpp"

namespace repoquake::test {

inline constexpr std::size_t kBlocks = 512;  ///< 131072 draws per sample

/// |estimate - exact| below 4 standard errors: a wrong alarm once in 16000; seeds are fixed, so it is never or always.
inline constexpr double kStandardErrors = 4.0;

/// sqrt(n) D of a right sample stays below this with probability 0.9999 (Kolmogorov's distribution).
inline constexpr double kKolmogorov = 2.23;

/// draw(first_path, column) for kBlocks blocks, laid end to end.
template <class Draw>
std::vector<double> sample(Draw draw) {
  std::vector<double> values;
  values.reserve(kBlocks * kBlockPaths);
  ColumnData column;
  for (std::uint64_t block = 0; block < kBlocks; ++block) {
    draw(block * kBlockPaths, Column(column));
    values.insert(values.end(), column.begin(), column.end());
  }
  return values;
}

/// (mean of f(x) - exact) in its standard errors, estimated from the same sample.
template <class Function>
double deviation(const std::vector<double>& values, Function f, double exact) {
  double sum = 0.0;
  double squares = 0.0;
  for (const double x : values) {
    const double d = f(x) - exact;
    sum += d;
    squares += d * d;
  }
  const double n = static_cast<double>(values.size());
  const double mean = sum / n;
  return mean / std::sqrt((squares / n - mean * mean) / n);
}

/// The lag-1 kind of deviation: mean of x y for standardised x, y, in standard errors.
inline double cross_deviation(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<double> products(std::min(x.size(), y.size()));
  for (std::size_t i = 0; i < products.size(); ++i) products[i] = x[i] * y[i];
  return deviation(
      products, [](double p) { return p; }, 0.0);
}

/// sqrt(n) times the largest distance of the empirical distribution from `cdf`.
template <class Cdf>
double kolmogorov(std::vector<double> values, Cdf cdf) {
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double p = cdf(values[i]);
    distance = std::max({distance, static_cast<double>(i + 1) / n - p, p - static_cast<double>(i) / n});
  }
  return std::sqrt(n) * distance;
}

/// The same between two samples, scaled to the same distribution.
inline double kolmogorov_two_samples(std::vector<double> a, std::vector<double> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const double m = static_cast<double>(a.size());
  const double n = static_cast<double>(b.size());
  double distance = 0.0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= x) ++i;
    while (j < b.size() && b[j] <= x) ++j;
    distance = std::max(distance, std::fabs(static_cast<double>(i) / m - static_cast<double>(j) / n));
  }
  return std::sqrt(m * n / (m + n)) * distance;
}

inline std::vector<double> shifted(std::vector<double> values, double by) {
  for (double& x : values) x += by;
  return values;
}

inline std::vector<double> scaled(std::vector<double> values, double by) {
  for (double& x : values) x *= by;
  return values;
}

}  // namespace repoquake::test
