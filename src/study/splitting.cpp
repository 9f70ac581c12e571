#include "repoquake/study/splitting.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/random/normal.hpp"
#include "repoquake/random/stream.hpp"
#include "repoquake/stats/moments.hpp"
#include "repoquake/stats/student.hpp"

namespace repoquake::study {
namespace {

using random::StudyStream;

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr double kNever = -std::numeric_limits<double>::infinity();  // the score of a point without one
constexpr double kWantedAcceptance = 0.35;
constexpr double kFirstStep = 0.5, kLeastStep = 0.01;
constexpr double kFirstRedrawn = 0.3;
constexpr std::uint32_t kMostLevels = 200;  // even where ties make levels that hardly select
constexpr double kRuleOfThree = 3.0;        // no hit of n: below 3 / n with 95 %

enum class Move : std::uint8_t { local, redraw };

/// Two uniforms of the study's own draws.
std::array<double, 2> uniform_pair(StudyStream stream, std::uint32_t dimension, std::uint64_t item,
                                   std::uint64_t seed) noexcept {
  const auto words = random::study_words(stream, dimension, item, seed);
  return {random::open01(std::uint64_t{words[1]} << 32 | words[0]),
          random::open01(std::uint64_t{words[3]} << 32 | words[2])};
}

/// N points with what is known of each, in blocks of columns; lanes beyond N idle.
class Population {
 public:
  Population(const SplittingProblem& problem, const SplittingOptions& options, std::uint32_t replica)
      : problem_(problem),
        options_(options),
        replica_(replica),
        n_(options.population),
        n_blocks_((n_ + kBlockPaths - 1) / kBlockPaths),
        points_(n_blocks_ * problem.dimension),
        proposal_(problem.dimension),
        score_(n_),
        marked_(n_),
        ancestor_(n_),
        has_moved_(n_) {
    for (std::size_t block = 0; block < n_blocks_; ++block) {
      problem.draw((replica * n_blocks_ + block) * kBlockPaths, columns(block));
      problem.score(columns(block), seen_);
      for (std::size_t i = 0; i < lanes(block); ++i) take_score(block, i);
    }
    for (std::uint32_t i = 0; i < n_; ++i) ancestor_[i] = i;
  }

  [[nodiscard]] const std::vector<double>& scores() const noexcept { return score_; }

  [[nodiscard]] bool is_hit(double score) const noexcept {
    return problem_.or_equal ? score >= problem_.threshold : score > problem_.threshold;
  }

  /// Replaces what does not score above the level by copies of what does. Pre: something does.
  void select(double level, std::uint32_t number) {
    std::vector<std::size_t> survivors;
    for (std::size_t i = 0; i < n_; ++i)
      if (score_[i] > level) survivors.push_back(i);
    const auto words = random::study_words(StudyStream::survivors, number, replica_, options_.seed);
    std::size_t next = random::below(static_cast<std::uint32_t>(survivors.size()), words[0]);
    for (std::size_t i = 0; i < n_; ++i) {
      if (score_[i] > level) continue;
      copy(survivors[next], i);
      next = (next + 1) % survivors.size();
    }
    std::ranges::fill(has_moved_, std::uint8_t{0});
  }

  /// Moves every point once; the share of the proposals that were accepted.
  double move(Move kind, double size, double level, std::uint32_t step) {
    std::uint64_t n_proposed = 0, n_accepted = 0;
    for (std::size_t block = 0; block < n_blocks_; ++block) {
      std::array<bool, kBlockPaths> is_new{};
      propose(kind, size, block, step, is_new);
      problem_.score(proposal_, seen_);
      for (std::size_t i = 0; i < kBlockPaths; ++i) {
        const bool counts = i < lanes(block) && is_new[i];
        n_proposed += counts;
        is_new[i] = counts && !std::isnan(seen_.score[i]) && seen_.score[i] > level;
        n_accepted += is_new[i];
      }
      accept(block, is_new);
    }
    return n_proposed == 0 ? 1.0 : static_cast<double>(n_accepted) / static_cast<double>(n_proposed);
  }

  [[nodiscard]] double share_moved() const noexcept {
    const auto n = std::ranges::count(has_moved_, std::uint8_t{1});
    return static_cast<double>(n) / static_cast<double>(n_);
  }

  /// What is to be said of the points in the event.
  void describe_hits(SplittingReplica& out) const {
    std::vector<std::uint32_t> ancestors;
    std::uint32_t n_marked = 0;
    for (std::size_t i = 0; i < n_; ++i) {
      if (!is_hit(score_[i])) continue;
      ++out.hits;
      n_marked += marked_[i];
      ancestors.push_back(ancestor_[i]);
    }
    std::ranges::sort(ancestors);
    const auto rest = std::unique(ancestors.begin(), ancestors.end());  // clang 14 compiles no ranges::unique
    out.ancestors = static_cast<std::uint32_t>(rest - ancestors.begin());
    if (out.hits > 0) out.marked = static_cast<double>(n_marked) / out.hits;
  }

 private:
  [[nodiscard]] std::span<ColumnData> columns(std::size_t block) noexcept {
    return std::span(points_).subspan(block * problem_.dimension, problem_.dimension);
  }
  [[nodiscard]] std::size_t lanes(std::size_t block) const noexcept {
    return std::min<std::size_t>(kBlockPaths, n_ - block * kBlockPaths);
  }

  void take_score(std::size_t block, std::size_t lane) noexcept {
    const std::size_t i = block * kBlockPaths + lane;
    score_[i] = std::isnan(seen_.score[lane]) ? kNever : seen_.score[lane];
    marked_[i] = seen_.marked[lane];
  }

  void copy(std::size_t from, std::size_t to) noexcept {
    const auto source = columns(from / kBlockPaths), target = columns(to / kBlockPaths);
    for (std::size_t j = 0; j < problem_.dimension; ++j) target[j][to % kBlockPaths] = source[j][from % kBlockPaths];
    score_[to] = score_[from];
    marked_[to] = marked_[from];
    ancestor_[to] = ancestor_[from];
  }

  /// Everything about a draw of this step but its coordinate.
  [[nodiscard]] std::uint64_t item_of(std::uint32_t step, std::size_t block) const noexcept {
    return std::uint64_t{replica_} << 44 | std::uint64_t{step} << 24 | block * kBlockPaths;
  }

  void propose(Move kind, double size, std::size_t block, std::uint32_t step, std::array<bool, kBlockPaths>& is_new) {
    const auto from = columns(block);
    const std::uint64_t first = item_of(step, block);
    if (kind == Move::redraw) {
      for (std::uint32_t j = 0; j < problem_.dimension; ++j)
        for (std::size_t i = 0; i < kBlockPaths; ++i) {
          const auto [chance, fresh] = uniform_pair(StudyStream::mutation, j, first + i, options_.seed);
          const bool is_drawn = chance < size;
          proposal_[j][i] = is_drawn ? fresh : from[j][i];
          is_new[i] |= is_drawn;
        }
      return;
    }
    is_new.fill(true);
    const double keep = std::sqrt(1.0 - size * size);
    std::array<ColumnData, 2> noise;
    for (std::uint32_t j = 0; j < problem_.dimension; ++j) {
      if (j % 2 == 0) {
        for (std::size_t i = 0; i < kBlockPaths; ++i) {
          const auto [even, odd] = uniform_pair(StudyStream::mutation, j / 2, first + i, options_.seed);
          noise[0][i] = even;
          noise[1][i] = odd;
        }
        for (ColumnData& column : noise) random::normals_from_uniforms(column, column);
      }
      ColumnData& z = proposal_[j];
      random::normals_from_uniforms(from[j], z);
      for (std::size_t i = 0; i < kBlockPaths; ++i) z[i] = keep * z[i] + size * noise[j % 2][i];
      random::uniforms_from_normals(z, z);
    }
  }

  void accept(std::size_t block, const std::array<bool, kBlockPaths>& is_accepted) noexcept {
    const auto to = columns(block);
    for (std::size_t j = 0; j < problem_.dimension; ++j)
      for (std::size_t i = 0; i < kBlockPaths; ++i) to[j][i] = is_accepted[i] ? proposal_[j][i] : to[j][i];
    for (std::size_t i = 0; i < lanes(block); ++i) {
      if (!is_accepted[i]) continue;
      take_score(block, i);
      has_moved_[block * kBlockPaths + i] = 1;
    }
  }

  const SplittingProblem& problem_;
  const SplittingOptions& options_;
  std::uint64_t replica_;
  std::size_t n_, n_blocks_;
  std::vector<ColumnData> points_;    ///< (block, coordinate)
  std::vector<ColumnData> proposal_;  ///< (coordinate)
  BlockScore seen_{};
  std::vector<double> score_;
  std::vector<std::uint8_t> marked_;
  std::vector<std::uint32_t> ancestor_;
  std::vector<std::uint8_t> has_moved_;
};

/// The sizes of the moves; they follow what is accepted, from level to level.
struct MoveSizes {
  explicit MoveSizes(std::size_t dimension)
      : least_redrawn(1.0 / static_cast<double>(dimension)), redrawn(std::max(kFirstRedrawn, least_redrawn)) {}

  [[nodiscard]] double of(Move kind) const noexcept { return kind == Move::local ? step : redrawn; }
  void learn(Move kind, double acceptance) noexcept {
    const double factor = elementary::exp(acceptance - kWantedAcceptance);
    if (kind == Move::local)
      step = std::clamp(step * factor, kLeastStep, 1.0);
    else
      redrawn = std::clamp(redrawn * factor, least_redrawn, 1.0);
  }

  double least_redrawn, redrawn;
  double step = kFirstStep;
};

bool is_interrupted(const SplittingOptions& options) {
  return options.stop != nullptr && options.stop->load(std::memory_order_relaxed);
}

/// The moves of a level. False: interrupted.
bool move_all(Population& population, const SplittingOptions& options, MoveSizes& sizes, std::uint32_t& step,
              SplittingLevel& level) {
  std::array<double, 2> sums{};
  std::array<std::uint32_t, 2> counts{};
  for (std::uint32_t m = 0; m < options.moves; ++m) {
    if (is_interrupted(options)) return false;
    const Move kind = m % 2 == 0 ? Move::local : Move::redraw;
    const double accepted = population.move(kind, sizes.of(kind), level.score, ++step);
    sizes.learn(kind, accepted);
    sums[m % 2] += accepted;
    ++counts[m % 2];
  }
  const auto mean = [&](std::size_t k) { return counts[k] == 0 ? kNothing : sums[k] / counts[k]; };
  level.local_acceptance = mean(0);
  level.redraw_acceptance = mean(1);
  level.step = sizes.step;
  level.redrawn = sizes.redrawn;
  level.moved = population.share_moved();
  return true;
}

/// The next level: the K-th smallest score or, where that is the largest of all, the largest below it. Nothing where all
/// score the same. `sorted` ascends.
std::optional<double> next_level(std::span<const double> sorted, std::size_t n_killed) {
  const double top = sorted.back();
  const double level = sorted[n_killed - 1];
  if (level < top) return level;
  const auto ties = std::ranges::lower_bound(sorted, top);
  if (ties == sorted.begin()) return std::nullopt;
  return *(ties - 1);
}

}  // namespace

SplittingReplica split(const SplittingProblem& problem, const SplittingOptions& options, std::uint32_t replica) {
  RQ_EXPECT(problem.dimension > 0 && options.population >= kLeastPopulation && options.moves > 0);
  RQ_EXPECT(options.keep > 0.0 && options.keep < 1.0);
  const std::size_t n = options.population;
  const std::size_t n_kept = std::max<std::size_t>(1, static_cast<std::size_t>(options.keep * static_cast<double>(n)));
  SplittingReplica out;
  if (is_interrupted(options)) {
    out.end = SplittingEnd::interrupted;
    return out;
  }
  Population population(problem, options, replica);
  out.n_scored = n;
  out.n_no_value = static_cast<std::uint64_t>(std::ranges::count(population.scores(), kNever));
  MoveSizes sizes(problem.dimension);
  std::uint32_t step = 0;
  while (true) {
    std::vector<double> sorted = population.scores();
    std::ranges::sort(sorted);
    out.best = sorted.back();
    const auto n_hits =
        static_cast<std::size_t>(std::ranges::count_if(sorted, [&](double s) { return population.is_hit(s); }));
    const auto level = next_level(sorted, n - n_kept);
    // A level at the threshold would select the event itself.
    if (n_hits >= n_kept || (level && *level >= problem.threshold)) {
      population.describe_hits(out);
      out.probability = out.reached * static_cast<double>(n_hits) / static_cast<double>(n);
      return out;
    }
    if (!level || out.reached < kLeastProbability || out.levels.size() == kMostLevels) {
      population.describe_hits(out);
      out.end = level ? SplittingEnd::too_rare : SplittingEnd::stuck;
      return out;
    }
    const auto n_above = static_cast<std::size_t>(sorted.end() - std::ranges::upper_bound(sorted, *level));
    SplittingLevel reached{.score = *level, .share = static_cast<double>(n_above) / static_cast<double>(n)};
    population.select(*level, static_cast<std::uint32_t>(out.levels.size()));
    if (!move_all(population, options, sizes, step, reached)) {
      out.end = SplittingEnd::interrupted;
      return out;
    }
    out.reached *= reached.share;
    out.n_scored += std::uint64_t{options.moves} * n;
    out.levels.push_back(reached);
  }
}

SplittingEstimate combine(std::span<const SplittingReplica> replicas, std::uint32_t population) {
  RQ_EXPECT(replicas.size() >= 2);
  const auto n = static_cast<double>(replicas.size());
  SplittingEstimate out;
  std::vector<double> probabilities;
  double reached = 0.0, kept = 0.0, n_kept = 0.0;
  out.best = kNever;
  for (const SplittingReplica& replica : replicas) {
    RQ_EXPECT(replica.end != SplittingEnd::interrupted);
    probabilities.push_back(replica.probability);
    out.n_reached += replica.probability > 0.0;
    out.best = std::max(out.best, replica.best);
    out.mean_ancestors += replica.ancestors / n;
    out.n_scored += replica.n_scored;
    reached += replica.reached / n;
    kept += replica.probability * replica.marked;
    n_kept += replica.levels.empty() ? population : population * replica.levels.back().share;
  }
  for (std::size_t k = 0;; ++k) {  // mean over the replicas that have the level
    double moved = 0.0, count = 0.0;
    for (const SplittingReplica& replica : replicas) {
      if (replica.levels.size() <= k) continue;
      moved += replica.levels[k].moved;
      count += 1.0;
    }
    if (count == 0.0) break;
    out.least_moved = std::min(out.least_moved, moved / count);
  }

  const stats::Moments moments = stats::moments_of(probabilities);
  stats::Estimate& p = out.probability;
  p.n = replicas.size();
  out.marked = {.value = kNothing, .standard_error = kNothing, .lo = kNothing, .hi = kNothing, .n = out.n_reached};
  if (out.n_reached == 0) {
    // Copies of survivors are not independent: only what survived the last level counts.
    p = {.value = 0.0,
         .standard_error = kNothing,
         .lo = 0.0,
         .hi = std::min(1.0, kRuleOfThree * reached / n_kept),
         .n = p.n};
    return out;
  }
  p.value = moments.mean;
  p.standard_error = moments.standard_error();
  const double t = stats::student_975(replicas.size() - 1);
  const double spread = elementary::exp(std::min(700.0, t * p.standard_error / p.value));
  p.lo = p.value / spread;
  p.hi = std::min(1.0, p.value * spread);

  const double share = kept / (n * p.value);
  std::vector<double> influence;
  for (const SplittingReplica& replica : replicas)
    influence.push_back(replica.probability * (replica.marked - share) / p.value);
  const double error = stats::moments_of(influence).standard_error();
  out.marked = {.value = share,
                .standard_error = error,
                .lo = std::max(0.0, share - t * error),
                .hi = std::min(1.0, share + t * error),
                .n = out.n_reached};
  return out;
}

}  // namespace repoquake::study
