#include "repoquake/study/attribution.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "repoquake/core/contract.hpp"
#include "repoquake/stats/influence.hpp"

namespace repoquake::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// Exact up to 22!.
double factorial(std::size_t n) {
  double product = 1.0;
  for (std::size_t k = 2; k <= n; ++k) product *= static_cast<double>(k);
  return product;
}

double weight(std::size_t n, std::size_t k, std::size_t m) { return factorial(n) * factorial(k) / factorial(m); }

/// Combines metrics of subsets, with the error of the combination.
class Combiner {
 public:
  Combiner(const stats::MetricSpec& metric, std::span<const stats::Estimate> estimates,
           std::span<const std::vector<double>> values)
      : estimates_(estimates) {
    for (const auto& of_subset : values) {
      influences_.push_back(stats::influence(metric.statistic, of_subset));
      for (double& influence : influences_.back()) influence *= metric.scale;
    }
  }

  /// sum of coefficients[S] T(S)
  [[nodiscard]] Share operator()(std::span<const double> coefficients) const {
    Share share;
    std::vector<double> sum(influences_.front().size(), 0.0);
    for (std::size_t subset = 0; subset < coefficients.size(); ++subset) {
      const double c = coefficients[subset];
      if (c == 0.0) continue;
      if (std::isnan(estimates_[subset].value) || std::isnan(influences_[subset].front())) return {kNothing, kNothing};
      share.value += c * estimates_[subset].value;
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += c * influences_[subset][i];
    }
    share.standard_error = stats::standard_error_of(sum);
    return share;
  }

 private:
  std::span<const stats::Estimate> estimates_;
  std::vector<std::vector<double>> influences_;
};

}  // namespace

Attribution attribute(const stats::MetricSpec& metric, std::span<const stats::Estimate> estimates,
                      std::span<const std::vector<double>> values) {
  const std::size_t n_subsets = estimates.size();
  RQ_EXPECT(std::has_single_bit(n_subsets) && values.size() == n_subsets && !values.front().empty());
  const auto k = static_cast<std::size_t>(std::countr_zero(n_subsets));
  RQ_EXPECT(k >= 1 && k <= kMostFactors);
  const Combiner combine(metric, estimates, values);
  const std::size_t all = n_subsets - 1;
  const auto difference = [&](std::size_t with, std::size_t without) {
    std::vector<double> c(n_subsets, 0.0);
    c[with] += 1.0;
    c[without] -= 1.0;
    return combine(c);
  };

  Attribution result;
  result.metric = metric;
  result.none = estimates.front();
  result.all = estimates.back();
  result.effect = difference(all, 0);
  result.interactions.assign(k * k, {kNothing, kNothing});
  for (std::size_t j = 0; j < k; ++j) {
    const std::size_t bit = std::size_t{1} << j;
    std::vector<double> c(n_subsets, 0.0);
    for (std::size_t s = 0; s < n_subsets; ++s) {
      if ((s & bit) != 0) continue;
      const auto size = static_cast<std::size_t>(std::popcount(s));
      const double w = weight(size, k - size - 1, k);
      c[s | bit] += w;
      c[s] -= w;
    }
    result.shapley.push_back(combine(c));
    result.alone.push_back(difference(bit, 0));
    result.last.push_back(difference(all, all & ~bit));
    for (std::size_t i = 0; i < j; ++i) {
      const std::size_t other = std::size_t{1} << i;
      std::vector<double> together(n_subsets, 0.0);
      for (std::size_t s = 0; s < n_subsets; ++s) {
        if ((s & (bit | other)) != 0) continue;
        const auto size = static_cast<std::size_t>(std::popcount(s));
        const double w = weight(size, k - size - 2, k - 1);
        together[s | bit | other] += w;
        together[s | bit] -= w;
        together[s | other] -= w;
        together[s] += w;
      }
      result.interactions[i * k + j] = result.interactions[j * k + i] = combine(together);
    }
  }
  return result;
}

}  // namespace repoquake::study
