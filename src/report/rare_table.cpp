#include "repoquake/report/rare_table.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "repoquake/stats/moments.hpp"
#include "report/text.hpp"

namespace repoquake::report {
namespace {

/// "5.25e-04 ± 0.30e-04": both with the exponent of the value.
std::string scientific(double value, double error) {
  const int exponent = static_cast<int>(std::floor(std::log10(value)));
  const double unit = std::pow(10.0, exponent);
  return fmt::format("{:.2f}e{:+03d} ± {:.2f}e{:+03d}", value / unit, exponent, error / unit, exponent);
}

std::string one_in(double probability) {
  const double n = 1.0 / probability;
  return n < 1e7 ? fmt::format("{:.0f}", n) : fmt::format("{:.3g}", n);
}

/// A line of a fact and what it says.
void say(std::string& text, std::string_view label, const std::string& value) {
  text += fmt::format("  {:<34}{}\n", label, value);
}

void add_estimate(std::string& text, const stats::Estimate& p, const stats::Estimate& no_clearing) {
  say(text, "probability", scientific(p.value, p.standard_error));
  say(text, "95 % limits", fmt::format("{:.2e} to {:.2e}", p.lo, p.hi));
  say(text, "one window in", one_in(p.value));
  if (!std::isnan(no_clearing.value))
    say(text, "of these paths do not clear",
        with_error(100.0 * no_clearing.value, 100.0 * no_clearing.standard_error) + " %");
}

std::string percent(double share) { return std::isnan(share) ? "" : fmt::format("{:.0f} %", 100.0 * share); }

struct LevelSum {
  double score = 0.0, share = 0.0, local = 0.0, redraw = 0.0, moved = 0.0, n = 0.0;
};

void add_levels(std::string& text, const study::RareEvent& event, std::span<const study::SplittingReplica> replicas) {
  std::size_t n_levels = 0;
  for (const auto& r : replicas) n_levels = std::max(n_levels, r.levels.size());
  if (n_levels == 0) return;
  text += "\nLevels, mean of the replicas that have them\n";
  add_row(text, "", {with_unit("beyond", event.unit), "survive", "local accepted", "redraws accepted", "moved"},
          "replicas");
  for (std::size_t k = 0; k < n_levels; ++k) {
    LevelSum sum;
    for (const auto& r : replicas) {
      if (r.levels.size() <= k) continue;
      const auto& level = r.levels[k];
      sum.score += event.shown(level.score);
      sum.share += level.share;
      sum.local += level.local_acceptance;
      sum.redraw += level.redraw_acceptance;
      sum.moved += level.moved;
      sum.n += 1.0;
    }
    add_row(text, fmt::format("{}", k + 1),
            {fmt::format("{:.1f}", sum.score / sum.n), percent(sum.share / sum.n), percent(sum.local / sum.n),
             percent(sum.redraw / sum.n), percent(sum.moved / sum.n)},
            fmt::format("{:.0f}", sum.n));
  }
}

}  // namespace

std::string splitting_table(const study::RareEvent& event, std::span<const study::SplittingReplica> replicas,
                            const study::SplittingEstimate& e, const std::string& refused) {
  std::string text;
  if (refused.empty()) {
    add_estimate(text, e.probability, e.marked);
    const double relative = e.probability.standard_error / e.probability.value;
    if (relative > 0.0)
      say(text, "ordinary paths for this error",
          fmt::format("{:.2g} (simulated: {:.2g})", 1.0 / (e.probability.value * relative * relative),
                      static_cast<double>(e.n_scored)));
  } else {
    say(text, "probability", "refused: " + refused);
    if (e.n_reached == 0) say(text, "upper bound", fmt::format("about {:.1e} (95 %)", e.probability.hi));
  }
  std::uint64_t n_no_value = 0;
  for (const auto& r : replicas) n_no_value += r.n_no_value;
  if (n_no_value > 0) say(text, "first paths without a value", fmt::format("{}, never in the event", n_no_value));
  if (e.n_reached > 0) {
    say(text, "replicas that reached the event", fmt::format("{} of {}", e.n_reached, replicas.size()));
    say(text, "first paths behind the hits", fmt::format("{:.0f} a replica", e.mean_ancestors));
  }
  add_levels(text, event, replicas);
  return text;
}

std::string tilting_table(const study::WeightedHits& sums, const study::TiltingEstimate& e,
                          const std::string& refused) {
  std::string text;
  if (refused.empty())
    add_estimate(text, e.probability, e.marked);
  else
    say(text, "probability", "refused: " + refused);
  say(text, "hits", fmt::format("{} of {} paths", sums.n_hits, sums.weights.n));
  say(text, "worth, of equal weight", fmt::format("{:.1f}", e.effective_hits));
  say(text, "mean weight, to be 1", with_error(e.mean_weight.value, e.mean_weight.standard_error, 4));
  if (refused.empty()) say(text, "ordinary paths that one is worth", fmt::format("{:.3g}", e.gain));
  if (sums.n_no_value > 0) say(text, "paths without a value", fmt::format("{}, never in the event", sums.n_no_value));
  return text;
}

}  // namespace repoquake::report
