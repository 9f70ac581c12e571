/// Probabilities too small to be counted: adaptive multilevel splitting of a population of points.
///
/// A point is what a path is made of: its draws, uniforms u_1 ... u_d. Each has a score S(u); the event is S > t (or >= t).
/// N points start as independent draws. Then, level by level,
///   Z      = the K-th smallest score, K = N - keep N          (ties may kill more; they are counted)
///   factor = (points with S > Z) / N
///   those with S <= Z are replaced by copies of survivors, and all are moved by Markov steps that leave the law of the
///   draws given S > Z as it is
/// until at least keep N points lie in the event, or Z reaches t:
///   P(event) = product of factors * (points in the event) / N
/// Steps alternate, each accepted where the new score is above Z:
///   local    z' = sqrt(1 - s^2) z + s w,  z = Phi^-1(u), w normal: every coordinate a little (s is the step)
///   redraw   each coordinate is drawn anew with probability q
/// s and q follow the rate of acceptance (aim: 35 %), which is reported.
///
/// Errors  R independent replicas: mean, se = sd / sqrt(R), limits on the scale of logarithms with Student's t (R - 1
///         degrees of freedom). Were the moves to forget perfectly, the estimate would be free of bias whatever the levels
///         [Brehier, Lelievre, Rousset]; as they do not, a bias of order 1/N is left. Where a region of the event is not
///         among the first N points of any replica, its probability is missing, and no error bar says so.
/// Units   scores in those of the expression. Probabilities are not told below 1e-12: draws have 52 bits.
/// Source  F. Cerou, A. Guyader, "Adaptive multilevel splitting for rare event analysis", Stoch. Anal. Appl. 25 (2007);
///         S.-K. Au, J. L. Beck, "Estimation of small failure probabilities in high dimensions by subset simulation",
///         Prob. Eng. Mech. 16 (2001); C.-E. Brehier, T. Lelievre, M. Rousset, "Analysis of adaptive multilevel splitting
///         algorithms in an idealized case", ESAIM P&S 19 (2015).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "repoquake/core/column.hpp"
#include "repoquake/stats/estimate.hpp"

namespace repoquake::study {

/// What a block of points is worth.
struct BlockScore {
  ColumnData score;                                ///< NaN: never in the event
  std::array<std::uint8_t, kBlockPaths> marked{};  ///< something else about the point that is to be counted, 0 or 1
};

/// What is asked. The functions may keep a workspace: one problem belongs to one thread.
struct SplittingProblem {
  std::size_t dimension = 0;
  double threshold = 0.0;
  bool or_equal = false;  ///< is S = t in the event?
  /// Independent points first_point ... first_point + 255, (coordinate). `first_point` is a multiple of kBlockPaths.
  std::function<void(std::uint64_t first_point, std::span<ColumnData> uniforms)> draw;
  std::function<void(std::span<const ColumnData> uniforms, BlockScore& out)> score;
};

inline constexpr std::uint32_t kLeastPopulation = 100;
inline constexpr std::uint32_t kMostPopulation = 1'000'000;
inline constexpr std::uint32_t kMostReplicas = 10'000;
inline constexpr std::uint32_t kMostMoves = 1'000;
inline constexpr double kLeastProbability = 1e-12;

struct SplittingOptions {
  std::uint32_t population = 1024;  ///< N, kLeastPopulation to kMostPopulation
  std::uint32_t replicas = 16;      ///< R, 4 to kMostReplicas
  std::uint32_t moves = 8;          ///< per level, 1 to kMostMoves
  double keep = 0.5;                ///< share that survives a level, 0.05 to 0.75
  std::uint64_t seed = 0;
  const std::atomic<bool>* stop = nullptr;  ///< set from outside: end as interrupted
};

/// A level of a replica: points had to score more than `score` to survive it.
struct SplittingLevel {
  double score = 0.0;
  double share = 0.0;             ///< that survived
  double local_acceptance = 0.0;  ///< of the moves at this level; NaN where none of the kind was made
  double redraw_acceptance = 0.0;
  double step = 0.0;     ///< s after the moves
  double redrawn = 0.0;  ///< q after the moves
  double moved = 0.0;    ///< share of the points that moved at least once
};

enum class SplittingEnd : std::uint8_t {
  reached,   ///< the event
  stuck,     ///< all points score the same, below the event: nothing to select by
  too_rare,  ///< below kLeastProbability before the event was reached
  interrupted
};

struct SplittingReplica {
  SplittingEnd end = SplittingEnd::reached;
  double probability = 0.0;      ///< of the event; 0 where it was not reached
  double reached = 1.0;          ///< probability of the last level that was
  double best = 0.0;             ///< the largest score seen
  std::uint32_t hits = 0;        ///< points in the event at the end
  std::uint32_t ancestors = 0;   ///< of the first N points, how many these descend from
  double marked = 0.0;           ///< share of the hits that are marked; 0 without hits
  std::uint64_t n_scored = 0;    ///< points scored in all
  std::uint64_t n_no_value = 0;  ///< of the first N, points whose score is NaN
  std::vector<SplittingLevel> levels;
};

/// One replica. A function of its arguments.
[[nodiscard]] SplittingReplica split(const SplittingProblem& problem, const SplittingOptions& options,
                                     std::uint32_t replica);

/// What the replicas say together.
struct SplittingEstimate {
  stats::Estimate probability;  ///< n: replicas. Where none reached the event: 0, hi a bound (95 %), no error
  stats::Estimate marked;       ///< share of the event; NaN where nothing was reached
  std::uint32_t n_reached = 0;  ///< replicas
  double best = 0.0;
  double least_moved = 1.0;     ///< smallest share of points that moved at a level, mean over the replicas
  double mean_ancestors = 0.0;  ///< of the hits, per replica
  std::uint64_t n_scored = 0;
};

/// Pre: at least two replicas, none interrupted, all of one problem and one population.
[[nodiscard]] SplittingEstimate combine(std::span<const SplittingReplica> replicas, std::uint32_t population);

}  // namespace repoquake::study
