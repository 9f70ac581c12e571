/// What the tests of sensitivity share: functions whose indices are known, and the runs of a design.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numbers>
#include <span>
#include <vector>

#include "repoquake/core/elementary.hpp"
#include "repoquake/random/stream.hpp"
#include "repoquake/study/design.hpp"

namespace repoquake::test {

using Point = std::span<const double>;

template <class Function>
std::vector<double> outputs(const study::Design& design, Function f) {
  std::vector<double> y;
  for (std::size_t i = 0; i < design.size(); ++i) y.push_back(f(design.point(i)));
  return y;
}

struct KnownIndices {
  std::function<double(Point)> function;
  std::vector<double> first;
  std::vector<double> total;
};

/// sin x0 + a sin^2 x1 + b x2^4 sin x0 for x in (-pi, pi)^3: an interaction of a factor without effect of its own.
/// T. Ishigami, T. Homma, "An importance quantification technique in uncertainty analysis for computer models" (1990).
inline KnownIndices ishigami(double a = 7.0, double b = 0.1) {
  const double pi4 = std::pow(std::numbers::pi, 4);
  const double v0 = 0.5 * (1.0 + b * pi4 / 5.0) * (1.0 + b * pi4 / 5.0);
  const double v1 = a * a / 8.0;
  const double v02 = b * b * pi4 * pi4 * (1.0 / 18.0 - 1.0 / 50.0);
  const double v = v0 + v1 + v02;
  const auto f = [=](Point u) {
    const auto x = [&](std::size_t i) { return std::numbers::pi * (2.0 * u[i] - 1.0); };
    return std::sin(x(0)) * (1.0 + b * std::pow(x(2), 4)) + a * std::sin(x(1)) * std::sin(x(1));
  };
  return {f, {v0 / v, v1 / v, 0.0}, {(v0 + v02) / v, v1 / v, v02 / v}};
}

/// The product of (|4 u_i - 2| + a_i) / (1 + a_i): interactions of all orders.
/// I. M. Sobol', "Theorems and examples on high dimensional model representation", Reliab. Eng. Syst. Saf. 79 (2003).
inline KnownIndices sobol_g(const std::vector<double>& a = {0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0}) {
  const auto own = [](double ai) { return 1.0 / (3.0 * (1.0 + ai) * (1.0 + ai)); };
  double product = 1.0;
  for (const double ai : a) product *= 1.0 + own(ai);
  KnownIndices known;
  known.function = [=](Point u) {
    double g = 1.0;
    for (std::size_t i = 0; i < a.size(); ++i) g *= (std::fabs(4.0 * u[i] - 2.0) + a[i]) / (1.0 + a[i]);
    return g;
  };
  for (const double ai : a) {
    known.first.push_back(own(ai) / (product - 1.0));
    known.total.push_back(own(ai) * product / (1.0 + own(ai)) / (product - 1.0));
  }
  return known;
}

/// 3 x0 + 2 x1 + x2 + 2 x0 x1 in uniforms x of mean 0 and variance 1.
inline KnownIndices polynomial() {
  const auto f = [](Point u) {
    const auto x = [&](std::size_t i) { return std::sqrt(12.0) * (u[i] - 0.5); };
    return 3.0 * x(0) + 2.0 * x(1) + x(2) + 2.0 * x(0) * x(1);
  };
  return {f, {9.0 / 18.0, 4.0 / 18.0, 1.0 / 18.0}, {13.0 / 18.0, 8.0 / 18.0, 1.0 / 18.0}};
}

inline study::Design independent_points(std::size_t n, std::size_t dimensions, std::uint64_t seed) {
  study::Design design{dimensions, {}};
  for (std::size_t i = 0; i < n * dimensions; ++i)
    design.points.push_back(random::uniform({i, 0, random::Stream::need_shock}, seed));
  return design;
}

/// The last of the inputs is noise that nobody measures.
inline study::Design without_last_input(const study::Design& design) {
  study::Design seen{design.dimensions - 1, {}};
  for (std::size_t i = 0; i < design.size(); ++i) {
    const auto point = design.point(i).first(seen.dimensions);
    seen.points.insert(seen.points.end(), point.begin(), point.end());
  }
  return seen;
}

/// A sum of normal inputs, weighted, and the partial rank correlations of all but the last: a rank correlation of
/// normals is 6/pi asin(correlation / 2), and independent inputs take nothing from each other.
struct NormalSum {
  std::vector<double> weights;

  double operator()(Point u) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] * elementary::inverse_normal(u[i]);
    return sum;
  }
  [[nodiscard]] std::vector<double> partial_rank_correlations() const {
    double variance = 0.0;
    for (const double w : weights) variance += w * w;
    std::vector<double> rank;
    for (std::size_t i = 0; i + 1 < weights.size(); ++i)
      rank.push_back(6.0 / std::numbers::pi * std::asin(0.5 * weights[i] / std::sqrt(variance)));
    double explained = 0.0;
    for (const double r : rank) explained += r * r;
    std::vector<double> partial;
    for (const double r : rank) partial.push_back(r / std::sqrt(1.0 - (explained - r * r)));
    return partial;
  }
};

}  // namespace repoquake::test
