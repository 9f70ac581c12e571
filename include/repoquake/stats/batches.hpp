/// Errors of estimates from paths that are not independent: the two paths of an antithetic pair, the points of one net.
///
/// Such paths come in R batches. Paths of one batch may depend on each other in any way; batches are independent of each
/// other and alike. With n_b paths and mean m_b in batch b, n paths and mean m in all,
///
///   var m = R / (R - 1)  sum_b (n_b / n)^2 (m_b - m)^2         (R counts the batches with paths)
///
/// and 95 % limits reach t se, t of Student's distribution with R - 1 degrees of freedom. Other estimates than means go by
/// the mean of what each path adds to them (influence.hpp).
///
/// Share   of p: the design effect is var p / (p (1 - p) / n), and at least what counting in whole paths may leave open:
///         in each batch 1/4, the largest variance of a count that is one of two neighbours, but together no more than
///         independent paths have. No hit, or nothing but hits: 1, for nothing can be seen of the dependence.
/// Errors  NaN where nothing can be told: fewer than two batches with paths.
/// Source  W. G. Cochran, "Sampling Techniques", 3rd ed. (1977), sections 6.4 and 9A.2: clusters of unequal sizes, the mean
///         as a ratio.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "repoquake/stats/design_effect.hpp"
#include "repoquake/stats/estimate.hpp"

namespace repoquake::stats {

/// Which batch a path belongs to: `run` paths in a row to each in turn, so that batches grow together.
struct Batching {
  std::uint32_t count = 0;  ///< 0: paths are independent
  std::uint32_t run = 1;

  [[nodiscard]] constexpr bool any() const noexcept { return count > 0; }
  /// Pre: any().
  [[nodiscard]] constexpr std::uint32_t of(std::uint64_t path) const noexcept {
    return static_cast<std::uint32_t>(path / run % count);
  }
  bool operator==(const Batching&) const = default;
};

/// What a batch adds to a mean, or, of a condition, to a share.
struct Batch {
  std::uint64_t n = 0;
  double sum = 0.0;

  bool operator==(const Batch&) const = default;
};

[[nodiscard]] double variance_of_mean(std::span<const Batch> batches) noexcept;

/// 97.5 % quantile of Student's distribution for these batches.
[[nodiscard]] double reach_of(std::span<const Batch> batches) noexcept;

/// Of a share: `sum` counts hits.
[[nodiscard]] DesignEffect effect_on_share(std::span<const Batch> hits) noexcept;

/// The estimate with error and limits from the batches of what each path adds to it.
[[nodiscard]] Estimate with_batch_error(const Estimate& estimate, std::span<const Batch> influence) noexcept;

/// Sums by batch of values that belong to these paths; NaN counts as no path.
[[nodiscard]] std::vector<Batch> batches_of(std::span<const double> values, std::uint64_t first_path,
                                            Batching batching);

}  // namespace repoquake::stats
