#include "repoquake/study/splitting.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/core/elementary.hpp"
#include "repoquake/random/normal.hpp"
#include "repoquake/stats/moments.hpp"
#include "repoquake/stats/student.hpp"

using namespace repoquake;
using namespace repoquake::study;

namespace {

/// A score of each point from its coordinates.
using PointScore = std::function<double(std::span<const double>)>;

SplittingProblem problem_of(std::size_t dimension, double threshold, const PointScore& score, std::uint64_t seed = 1) {
  return {.dimension = dimension,
          .threshold = threshold,
          .draw =
              [seed](std::uint64_t first_point, std::span<ColumnData> uniforms) {
                for (std::size_t j = 0; j < uniforms.size(); ++j)
                  random::draw_uniforms(seed, first_point, 0, random::Stream::shock_size,
                                        static_cast<std::uint16_t>(j), uniforms[j]);
              },
          .score =
              [score](std::span<const ColumnData> uniforms, BlockScore& out) {
                std::vector<double> point(uniforms.size());
                for (std::size_t i = 0; i < kBlockPaths; ++i) {
                  for (std::size_t j = 0; j < point.size(); ++j) point[j] = uniforms[j][i];
                  out.score[i] = score(point);
                  out.marked[i] = point[0] > 0.5;
                }
              }};
}

/// Sum of standard normals, scaled to unit variance: P(> t) = 1 - Phi(t).
double normal_sum(std::span<const double> u) {
  double sum = 0.0;
  for (const double x : u) sum += elementary::inverse_normal(x);
  return sum / std::sqrt(static_cast<double>(u.size()));
}

double exponential(std::span<const double> u) { return -elementary::log(u[0]); }

[[maybe_unused]] double normal_tail(double t) { return 0.5 * std::erfc(t / std::sqrt(2.0)); }

SplittingEstimate estimate(const SplittingProblem& problem, const SplittingOptions& options) {
  std::vector<SplittingReplica> replicas;
  for (std::uint32_t r = 0; r < options.replicas; ++r) replicas.push_back(split(problem, options, r));
  return combine(replicas, options.population);
}

}  // namespace

TEST_CASE("experiment: splitting", "[.explore]") {
  struct Toy { const char* name; std::size_t d; double t, p; PointScore score; };
  const std::vector<Toy> toys{
      {"sum8 1e-4", 8, 3.719016485455709, 1e-4, normal_sum},
      {"sum8 1e-9", 8, 5.997807015007773, 1e-9, normal_sum},
      {"sum50 1e-6", 50, 4.753424308822899, 1e-6, normal_sum},
      {"exp 1e-9", 1, 9 * std::log(10.0), 1e-9, exponential},
      {"exp of 20", 20, 6 * std::log(10.0), 1e-6, exponential},
  };
  for (const auto& toy : toys)
    for (const double keep : {0.1, 0.25, 0.5})
      for (const std::uint32_t moves : {4U, 10U, 20U}) {
        SplittingOptions o{.population = 256, .replicas = 100, .moves = moves, .keep = keep, .seed = 7};
        const auto e = estimate(problem_of(toy.d, toy.t, toy.score), o);
        const double z = (e.probability.value - toy.p) / e.probability.standard_error;
        const double rse = e.probability.standard_error / toy.p * 10;
        std::printf("%-10s keep %.2f moves %2u  p/p0 %.3f z %5.2f  rsd %.3f  scored/replica %.0f  work*var %.0f  anc %.1f moved %.2f\n", toy.name, keep, moves, e.probability.value / toy.p, z, rse,
                    static_cast<double>(e.n_scored) / 100.0, rse * rse * static_cast<double>(e.n_scored) / 100.0, e.mean_ancestors, e.least_moved);
      }
}
