#include "repoquake/study/sensitivity.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/random/stream.hpp"
#include "repoquake/stats/moments.hpp"
#include "repoquake/stats/quantile.hpp"

namespace repoquake::study {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

stats::Estimate without_errors(double value, std::size_t n) { return {value, kNaN, kNaN, kNaN, n}; }
stats::Estimate untold(std::size_t n) { return without_errors(kNaN, n); }

bool all_finite(std::span<const double> values) {
  return std::ranges::all_of(values, [](double x) { return std::isfinite(x); });
}

/// Means of the columns of `rows` in each resample of the rows: (resample, column), row-major.
std::vector<double> resampled_means(std::span<const double> rows, std::size_t width, const Bootstrap& bootstrap) {
  RQ_EXPECT(bootstrap.resamples >= 2);
  const std::size_t n = rows.size() / width;
  std::vector<double> means(bootstrap.resamples * width, 0.0);
  for (std::size_t r = 0; r < bootstrap.resamples; ++r) {
    const std::span sum = std::span(means).subspan(r * width, width);
    for (std::size_t pick = 0; pick < n; ++pick) {
      const std::uint32_t bits = random::study_words(random::StudyStream::resampling, static_cast<std::uint32_t>(r),
                                                     pick / 4, bootstrap.seed)[pick % 4];
      const auto row = rows.subspan(random::below(static_cast<std::uint32_t>(n), bits) * width, width);
      for (std::size_t c = 0; c < width; ++c) sum[c] += row[c];
    }
    for (double& s : sum) s /= static_cast<double>(n);
  }
  return means;
}

/// Definition 7 of Hyndman and Fan. Pre: sorted, not empty.
double sorted_quantile(const std::vector<double>& sorted, double p) {
  const double position = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

stats::Estimate with_errors(double value, std::size_t n, std::vector<double> resampled) {
  std::ranges::sort(resampled);
  return {value, stats::moments_of(resampled).sd(), sorted_quantile(resampled, 0.025),
          sorted_quantile(resampled, 0.975), n};
}

/// A group as a row of terms, its outputs less the mean of the full sample:
///   (a + b)/2, (a^2 + b^2)/2, then by factor  b (ab - a), (ab - a)^2/2
void append_terms(std::span<const double> group, double mean, std::vector<double>& rows) {
  const double a = group[0] - mean;
  const double b = group[1] - mean;
  rows.insert(rows.end(), {0.5 * (a + b), 0.5 * (a * a + b * b)});
  for (const double output : group.subspan(2)) {
    const double change = (output - mean) - a;
    rows.insert(rows.end(), {b * change, 0.5 * (change * change)});
  }
}

/// From the means of the terms over a sample of groups. That a resample has a mean of its own matters to the variance;
/// to the product only in second order.
struct Indices {
  std::span<const double> means;

  [[nodiscard]] double variance() const { return means[1] - means[0] * means[0]; }
  /// A constant sample leaves its rounding.
  [[nodiscard]] bool constant() const { return variance() <= 1e-12 * means[1]; }
  [[nodiscard]] double first(std::size_t i) const { return means[2 + 2 * i] / variance(); }
  [[nodiscard]] double total(std::size_t i) const { return means[3 + 2 * i] / variance(); }
};

}  // namespace

SobolIndices sobol_indices(std::span<const double> outputs, std::size_t factors, const Bootstrap& bootstrap) {
  const std::size_t size = saltelli_group(factors);
  RQ_EXPECT(factors > 0 && outputs.size() % size == 0);

  std::vector<std::span<const double>> groups;
  std::vector<double> base;  // A and B
  for (std::size_t first = 0; first < outputs.size(); first += size) {
    const auto group = outputs.subspan(first, size);
    if (!all_finite(group)) continue;
    groups.push_back(group);
    base.insert(base.end(), {group[0], group[1]});
  }
  const std::size_t used = groups.size();
  SobolIndices result;
  result.used = used;
  result.left_out = outputs.size() / size - used;
  result.first.assign(factors, untold(used));
  result.total.assign(factors, untold(used));
  if (used < kMinSobolGroups) {
    result.mean = result.variance = kNaN;
    return result;
  }
  result.mean = stats::moments_of(base).mean;

  const std::size_t width = 2 + 2 * factors;
  std::vector<double> rows;
  rows.reserve(used * width);
  for (const auto& group : groups) append_terms(group, result.mean, rows);
  std::vector<double> sums(width, 0.0);
  for (std::size_t i = 0; i < rows.size(); ++i) sums[i % width] += rows[i];
  for (double& s : sums) s /= static_cast<double>(used);
  const Indices indices{sums};
  if (indices.constant()) return result;
  result.variance = indices.variance();

  const std::vector<double> means = resampled_means(rows, width, bootstrap);
  std::vector<Indices> resampled;
  for (std::size_t r = 0; r < bootstrap.resamples; ++r)
    resampled.push_back({std::span(means).subspan(r * width, width)});
  const bool told = std::ranges::none_of(resampled, &Indices::constant);
  const auto estimate = [&](auto index) {
    if (!told) return without_errors(index(indices), used);
    std::vector<double> values(resampled.size());
    std::ranges::transform(resampled, values.begin(), index);
    return with_errors(index(indices), used, std::move(values));
  };
  for (std::size_t i = 0; i < factors; ++i) {
    result.first[i] = estimate([i](const Indices& of) { return of.first(i); });
    result.total[i] = estimate([i](const Indices& of) { return of.total(i); });
  }
  return result;
}

std::vector<ElementaryEffects> elementary_effects(const Design& design, std::span<const double> outputs,
                                                  const Bootstrap& bootstrap) {
  const std::size_t factors = design.dimensions;
  RQ_EXPECT(outputs.size() == design.size() && outputs.size() % (factors + 1) == 0);
  std::vector<std::vector<double>> effects(factors);
  std::vector<ElementaryEffects> result(factors);
  for (std::size_t p = 1; p < outputs.size(); ++p) {
    if (p % (factors + 1) == 0) continue;  // from one trajectory to the next is no step
    const auto from = design.point(p - 1);
    const auto to = design.point(p);
    const auto moved = static_cast<std::size_t>(std::ranges::mismatch(from, to).in1 - from.begin());
    RQ_EXPECT(moved < factors);
    if (std::isfinite(outputs[p - 1]) && std::isfinite(outputs[p])) {
      effects[moved].push_back((outputs[p] - outputs[p - 1]) / (to[moved] - from[moved]));
    } else {
      ++result[moved].left_out;
    }
  }
  for (std::size_t i = 0; i < factors; ++i) {
    const std::size_t n = effects[i].size();
    const stats::Moments plain = stats::moments_of(effects[i]);
    for (double& e : effects[i]) e = std::fabs(e);
    const stats::Moments sizes = stats::moments_of(effects[i]);
    result[i].mu = n < 1 ? kNaN : plain.mean;
    result[i].sigma = n < 2 ? kNaN : plain.sd();
    result[i].mu_star = without_errors(n < 1 ? kNaN : sizes.mean, n);
    if (n < 2) continue;
    result[i].mu_star = with_errors(sizes.mean, n, resampled_means(effects[i], 1, bootstrap));
    result[i].mu_star.standard_error = sizes.standard_error();
  }
  return result;
}

namespace {

/// Ranks from -1 to 1 in steps of 2 / (n - 1), equal values sharing the mean of theirs.
std::vector<double> centred_ranks(const std::vector<double>& values) {
  const std::size_t n = values.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(n);
  for (std::size_t first = 0, last = 0; first < n; first = last) {
    while (last < n && values[order[last]] == values[order[first]]) ++last;
    const double rank = static_cast<double>(first + last - 1) / static_cast<double>(n - 1) - 1.0;
    for (std::size_t k = first; k < last; ++k) ranks[order[k]] = rank;
  }
  return ranks;
}

double dot(std::span<const double> x, std::span<const double> y) {
  return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

/// Shares of a variance below this are rounding.
constexpr double kNothingLeft = 1e-10;

/// Correlations of the columns, of length 1 each: n x n, row-major.
std::vector<double> correlations(const std::vector<std::vector<double>>& columns) {
  std::vector<double> c;
  for (const auto& x : columns)
    for (const auto& y : columns) c.push_back(dot(x, y));
  return c;
}

/// In place: the inverse of a correlation matrix by sweeps (Gauss-Jordan on the diagonal, stable for a positive definite
/// matrix). False where a column follows from those before it.
bool invert(std::vector<double>& c, std::size_t n) {
  for (std::size_t k = 0; k < n; ++k) {
    const double pivot = c[k * n + k];  // what the columns before k leave of the variance of k
    if (pivot < kNothingLeft) return false;
    for (std::size_t j = 0; j < n; ++j) c[k * n + j] /= pivot;
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double factor = c[i * n + k];
      for (std::size_t j = 0; j < n; ++j) c[i * n + j] -= factor * c[k * n + j];
      c[i * n + k] = -factor / pivot;
    }
    c[k * n + k] = 1.0 / pivot;
  }
  return true;
}

stats::Estimate partial_correlation(double r, std::size_t n, std::size_t inputs) {
  const double s = std::sqrt((1.0 + 0.5 * r * r) / static_cast<double>(n - inputs - 2));
  const double e = elementary::exp(2.0 * stats::kNormal95 * s);
  const double t = (e - 1.0) / (e + 1.0);  // tanh(z s); and tanh(atanh r + x) = (r + t)/(1 + r t)
  return {r, (1.0 - r * r) * s, (r - t) / (1.0 - r * t), (r + t) / (1.0 + r * t), n};
}

}  // namespace

RankCorrelations partial_rank_correlations(const Design& design, std::span<const double> outputs) {
  const std::size_t d = design.dimensions;
  RQ_EXPECT(d > 0 && outputs.size() == design.size());
  std::vector<std::vector<double>> columns(d + 1);  // the inputs, then the output
  for (std::size_t p = 0; p < outputs.size(); ++p) {
    if (!std::isfinite(outputs[p])) continue;
    for (std::size_t i = 0; i < d; ++i) columns[i].push_back(design.point(p)[i]);
    columns[d].push_back(outputs[p]);
  }
  const std::size_t n = columns[d].size();
  RankCorrelations result;
  result.used = n;
  result.left_out = outputs.size() - n;
  result.inputs.assign(d, untold(n));
  if (n < d + 3) return result;

  for (std::size_t i = 0; i <= d; ++i) {
    columns[i] = centred_ranks(columns[i]);
    const double length = std::sqrt(dot(columns[i], columns[i]));
    if (length == 0.0)
      (i < d ? result.collinear : result.constant) = true;
    else
      for (double& x : columns[i]) x /= length;
  }
  const std::vector<double> output = std::move(columns.back());
  columns.pop_back();
  std::vector<double> inverse = correlations(columns);
  if (result.collinear || !invert(inverse, d)) result.collinear = true;
  if (result.collinear || result.constant) return result;

  // Regression of the output on all inputs. Without input i the variance left grows by slope_i^2 / inverse_ii, and that
  // is the share the partial correlation is about.
  std::vector<double> with_output(d);
  for (std::size_t i = 0; i < d; ++i) with_output[i] = dot(columns[i], output);
  std::vector<double> slopes(d);
  for (std::size_t i = 0; i < d; ++i) slopes[i] = dot(std::span(inverse).subspan(i * d, d), with_output);
  const double left = std::max(0.0, 1.0 - dot(slopes, with_output));
  for (std::size_t i = 0; i < d; ++i) {
    const double own = slopes[i] / std::sqrt(inverse[i * d + i]);
    const double of = left + own * own;
    if (of > kNothingLeft) result.inputs[i] = partial_correlation(std::clamp(own / std::sqrt(of), -1.0, 1.0), n, d);
  }
  return result;
}

}  // namespace repoquake::study
