#include "repoquake/stats/score.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "repoquake/core/contract.hpp"

namespace repoquake::stats {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// Members that stand at one place.
struct Atom {
  double place;
  double share;
  double below;  ///< share of members at lower places
};

std::vector<Atom> atoms_of(const QuantileSketch& sketch, double min, double max) {
  const auto bins = sketch.occupied();
  const auto n = static_cast<double>(sketch.count());
  std::vector<Atom> atoms;
  atoms.reserve(bins.size());
  std::uint64_t below = 0;
  for (const auto& [bin, count] : bins) {
    const double middle = 0.5 * (sketch.scale().lower(bin) + sketch.scale().upper(bin));
    atoms.push_back({std::clamp(middle, min, max), count / n, static_cast<double>(below) / n});
    below += count;
  }
  return atoms;
}

/// The integral of crps(), gap by gap.
double crps_of(const std::vector<Atom>& atoms, double observed) {
  double score = std::max(atoms.front().place - observed, 0.0) + std::max(observed - atoms.back().place, 0.0);
  for (std::size_t i = 1; i < atoms.size(); ++i) {
    const double below = atoms[i].below;
    const double split = std::clamp(observed, atoms[i - 1].place, atoms[i].place);
    score += below * below * (split - atoms[i - 1].place) + (1.0 - below) * (1.0 - below) * (atoms[i].place - split);
  }
  return score;
}

/// Variance of h over the members.
double influence_variance(const std::vector<Atom>& atoms, double observed) {
  double to_others = 0.0;  // mean |x - x'| at the atom
  for (const auto& atom : atoms) to_others += atom.share * (atom.place - atoms.front().place);
  std::vector<double> h(atoms.size());
  double mean = 0.0;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    if (i > 0) to_others += (atoms[i].place - atoms[i - 1].place) * (2.0 * atoms[i].below - 1.0);
    h[i] = std::fabs(atoms[i].place - observed) - to_others;
    mean += atoms[i].share * h[i];
  }
  double square = 0.0;
  for (std::size_t i = 0; i < atoms.size(); ++i) square += atoms[i].share * (h[i] - mean) * (h[i] - mean);
  return square;
}

double pit_of(const QuantileSketch& sketch, double observed, double min, double max) {
  const auto n = static_cast<double>(sketch.count());
  if (observed < min) return 0.5 / (n + 1.0);
  if (observed > max) return (n + 0.5) / (n + 1.0);
  const auto place = sketch.scale().bin(observed);
  const auto below = static_cast<double>(sketch.count_below(place));
  const auto equal = static_cast<double>(sketch.count_up_to(place)) - below;
  return (below + 0.5 * equal + 0.5) / (n + 1.0);
}

}  // namespace

double crps(std::span<const double> sorted, double observed) {
  RQ_EXPECT(!sorted.empty());
  RQ_EXPECT(std::is_sorted(sorted.begin(), sorted.end()));
  const auto n = static_cast<double>(sorted.size());
  // Outside the members F_n is 0 or 1, so only the stretch between them and the observation counts.
  double score = std::max(sorted.front() - observed, 0.0) + std::max(observed - sorted.back(), 0.0);
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const double below = static_cast<double>(i) / n;  // F_n on the gap
    const double split = std::clamp(observed, sorted[i - 1], sorted[i]);
    score += below * below * (split - sorted[i - 1]) + (1.0 - below) * (1.0 - below) * (sorted[i] - split);
  }
  return score;
}

double pit(std::span<const double> sorted, double observed) {
  RQ_EXPECT(!sorted.empty());
  RQ_EXPECT(std::is_sorted(sorted.begin(), sorted.end()));
  const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), observed);
  const auto below = static_cast<double>(first - sorted.begin());
  const auto equal = static_cast<double>(last - first);
  return (below + 0.5 * equal + 0.5) / (static_cast<double>(sorted.size()) + 1.0);
}

SketchScore score(const QuantileSketch& sketch, double observed, double min, double max) {
  RQ_EXPECT(sketch.count() > 0);
  RQ_EXPECT(min <= max && std::isfinite(observed));
  const auto atoms = atoms_of(sketch, min, max);
  const auto n = static_cast<double>(sketch.count());
  const double error = n < 2.0 ? kNothing : std::sqrt(influence_variance(atoms, observed) / (n - 1.0));
  return {.crps = crps_of(atoms, observed), .standard_error = error, .pit = pit_of(sketch, observed, min, max)};
}

}  // namespace repoquake::stats
