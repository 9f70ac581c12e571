/// An event whose probability is asked for: a condition on a path, and how near to it a path comes.
///
///   "max(sofr - iorb) > 1500 bp"    condition 0 or 1, score max(sofr - iorb), threshold 1500 bp
///   "min(reserves) < 1000 bn USD"   score -min(reserves), threshold -1000 bn USD: larger is nearer
///   "max(sofr - effr) > max(spread) - 5 bp"   score left - right, threshold 0
/// P(...) may stand around it. A condition that is not one comparison (and, or, not, ==) has no score.
///
/// Errors   Complaints lie in the text (scenario/expression.hpp).
/// Units    score and threshold in those of scenario/expression.hpp; shown = factor * them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/plan/path_program.hpp"
#include "repoquake/plan/plan.hpp"
#include "repoquake/scenario/expression.hpp"
#include "repoquake/study/splitting.hpp"
#include "repoquake/study/tilting.hpp"

namespace repoquake::study {

struct RareEvent {
  std::string text;  ///< without P(...)
  plan::PathProgram condition;

  bool has_score = false;
  plan::PathProgram score;
  double threshold = 0.0;
  bool or_equal = false;
  bool is_below = false;  ///< score and threshold are shown with the other sign
  double factor = 1.0;
  std::string unit;  ///< of the score, for people: "bp"

  /// A score as people read it.
  [[nodiscard]] double shown(double score_value) const noexcept { return (is_below ? -factor : factor) * score_value; }
};

struct CheckedEvent {
  std::optional<RareEvent> event;
  std::vector<scenario::ExpressionError> errors;
};
/// `world`: what the scenario can be asked of. `plan`: its days.
[[nodiscard]] CheckedEvent check_event(std::string_view text, const scenario::ExpressionWorld& world,
                                       const plan::Plan& plan);

/// An estimate is refused where its standard error is more than this share of it.
inline constexpr double kMostRelativeError = 0.5;
/// ... and where fewer of a level's copies have parted from the path they were copied from.
inline constexpr double kLeastMoved = 0.5;

/// Why an estimate is not to be trusted; empty where nothing speaks against it.
[[nodiscard]] std::string why_refused(const SplittingEstimate& estimate, const RareEvent& event,
                                      std::uint32_t replicas);
[[nodiscard]] std::string why_refused(const TiltingEstimate& estimate);

}  // namespace repoquake::study
