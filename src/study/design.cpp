#include "repoquake/study/design.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <utility>

#include "repoquake/core/contract.hpp"
#include "repoquake/random/sobol.hpp"
#include "repoquake/random/stream.hpp"

namespace repoquake::study {

using random::below;
using random::study_words;
using random::StudyStream;

std::vector<std::size_t> full_grid(std::span<const std::size_t> levels) {
  RQ_EXPECT(std::ranges::find(levels, std::size_t{0}) == levels.end());
  const std::size_t points = std::accumulate(levels.begin(), levels.end(), std::size_t{1}, std::multiplies<>{});
  std::vector<std::size_t> indices(points * levels.size());
  for (std::size_t i = 0; i < points; ++i) {
    std::size_t rest = i;
    for (std::size_t axis = levels.size(); axis-- > 0; rest /= levels[axis])
      indices[i * levels.size() + axis] = rest % levels[axis];
  }
  return indices;
}

Design latin_hypercube(std::size_t n, std::size_t dimensions, std::uint64_t seed) {
  RQ_EXPECT(dimensions > 0 && n <= std::size_t{1} << 20);
  Design design{dimensions, std::vector<double>(n * dimensions)};
  std::vector<std::size_t> strata(n);
  for (std::size_t j = 0; j < dimensions; ++j) {
    const auto dimension = static_cast<std::uint32_t>(j);
    std::iota(strata.begin(), strata.end(), std::size_t{0});
    for (std::size_t i = n; i-- > 1;) {
      const std::uint32_t bits = study_words(StudyStream::latin_order, dimension, i, seed)[0];
      std::swap(strata[i], strata[below(static_cast<std::uint32_t>(i + 1), bits)]);
    }
    for (std::size_t i = 0; i < n; ++i) {
      // 20 bits of stratum and 33 of place are exact, so no point rounds into the next stratum.
      const double place = (study_words(StudyStream::latin_place, dimension, i, seed)[0] + 0.5) * 0x1p-32;
      design.points[i * dimensions + j] = (static_cast<double>(strata[i]) + place) / static_cast<double>(n);
    }
  }
  return design;
}

Design sobol(std::size_t n, std::size_t dimensions, std::uint64_t seed) {
  return {dimensions, random::scrambled_sobol(n, dimensions, seed)};
}

Design saltelli(std::size_t n, std::size_t factors, std::uint64_t seed) {
  const Design base = sobol(n, 2 * factors, seed);
  Design design{factors, {}};
  design.points.reserve(n * saltelli_group(factors) * factors);
  for (std::size_t k = 0; k < n; ++k) {
    const auto both = base.point(k);
    for (std::size_t i = 0; i < factors; ++i) design.points.push_back(both[2 * i]);
    for (std::size_t i = 0; i < factors; ++i) design.points.push_back(both[2 * i + 1]);
    for (std::size_t from_b = 0; from_b < factors; ++from_b)
      for (std::size_t i = 0; i < factors; ++i) design.points.push_back(both[2 * i + (i == from_b ? 1 : 0)]);
  }
  return design;
}

Design morris(std::size_t trajectories, std::size_t factors, std::uint64_t seed, std::size_t levels) {
  RQ_EXPECT(factors > 0 && levels >= 2 && levels % 2 == 0);
  const std::size_t jump = levels / 2;
  const auto share = [&](std::size_t level) { return static_cast<double>(level) / static_cast<double>(levels - 1); };
  Design design{factors, {}};
  design.points.reserve(trajectories * (factors + 1) * factors);
  std::vector<std::size_t> level(factors);
  std::vector<std::size_t> order(factors);
  for (std::size_t t = 0; t < trajectories; ++t) {
    const auto add = [&] { std::ranges::transform(level, std::back_inserter(design.points), share); };
    for (std::size_t i = 0; i < factors; ++i) {
      const auto words = study_words(StudyStream::morris_base, static_cast<std::uint32_t>(i), t, seed);
      level[i] = below(static_cast<std::uint32_t>(levels), words[0]);
    }
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = factors; i-- > 1;) {
      const auto words = study_words(StudyStream::morris_step, static_cast<std::uint32_t>(i), t, seed);
      std::swap(order[i], order[below(static_cast<std::uint32_t>(i + 1), words[0])]);
    }
    add();
    for (const std::size_t i : order) {
      level[i] = level[i] < jump ? level[i] + jump : level[i] - jump;  // a level has one way to go
      add();
    }
  }
  return design;
}

}  // namespace repoquake::study
