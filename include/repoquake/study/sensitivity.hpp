/// Sensitivity: how much of an output's variation comes from which input. Estimates from the outputs at the points of a
/// design (design.hpp), in the order of its points.
///
/// Failed runs  An output that is not finite is a failed run. What needs it is left out and the number left out is told;
///              what remains describes the region in which runs succeed.
/// Errors       Bootstrap: whole base samples or effects are drawn with replacement; standard error = standard deviation
///              over the resamples, limits = their 2.5 % and 97.5 % quantiles (Hyndman-Fan type 7). Where nothing can be
///              told, numbers are NaN, never infinite.
/// Units        indices and correlations have none; effects and variances have those of the output.
/// Pre          squares of outputs stay below the overflow limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "repoquake/stats/estimate.hpp"
#include "repoquake/study/design.hpp"

namespace repoquake::study {

/// Addressed, StudyStream::resampling: equal arguments give equal limits. Pre: resamples >= 2.
struct Bootstrap {
  std::uint64_t seed = 0;
  std::size_t resamples = 1000;
};

/// Indices of Sobol by factor. With centred outputs, V the variance of all used A and B, and means over groups k:
///   first order  S_i = mean b_k (ab_ki - a_k) / V     share of V that knowing factor i alone would take away
///   total        T_i = mean (a_k - ab_ki)^2 / (2 V)   share of V that is left when all but factor i are known
/// The estimates may leave [0, 1] by their errors. Errors and limits are those of independent groups. Those of a
/// scrambled Sobol design are more even, and as a rule their errors are a half to a tenth of what is stated (n = 1024).
/// Not always: where n is small or factors are many, an index that is small beside the others may err up to twice as
/// much as stated. Seen: limits that hold the truth in 70 % of runs for 8 and 12 factors with n = 64, in 83 % for 12
/// factors with n = 1024. The spread over a few seeds of the design tells.
/// Sources  A. Saltelli et al., Comput. Phys. Commun. 181 (2010), table 2 (b); M. J. W. Jansen, "Analysis of variance
///          designs for model output", Comput. Phys. Commun. 117 (1999); G. E. B. Archer, A. Saltelli, I. M. Sobol',
///          "Sensitivity measures, ANOVA-like techniques and the use of bootstrap", J. Stat. Comput. Simul. 58 (1997).
struct SobolIndices {
  std::vector<stats::Estimate> first;  ///< by factor; n: groups used
  std::vector<stats::Estimate> total;
  double mean = 0.0;         ///< of A and B
  double variance = 0.0;     ///< V; 0 for a constant output, whose indices are NaN
  std::size_t used = 0;      ///< groups
  std::size_t left_out = 0;  ///< groups with a failed run
};

/// With fewer groups than this, everything but the counts is NaN.
inline constexpr std::size_t kMinSobolGroups = 16;

/// `outputs`: of a design by saltelli(n, factors, ...). Errors and limits are NaN where a resample happens to be constant:
/// then too few outputs differ from the others. Pre: outputs.size() is a multiple of factors + 2, factors > 0.
[[nodiscard]] SobolIndices sobol_indices(std::span<const double> outputs, std::size_t factors,
                                         const Bootstrap& bootstrap);

/// Elementary effects of one factor: (y' - y) / (x' - x) over the steps that move it, for the full range of the factor.
///   mu = mean effect    mu_star = mean |effect|    sigma = standard deviation of the effects
/// mu_star ranks the factors; sigma shows interactions and curvature. A constant output has effects of 0.
/// standard error of mu_star = sd(|effect|) / sqrt(n); its limits are those of the bootstrap, somewhat narrow for few
/// trajectories: by a factor sqrt((n - 1)/n), and without Student's t.
/// Sources  M. D. Morris, Technometrics 33 (1991); F. Campolongo, J. Cariboni, A. Saltelli, "An effective screening
///          design for sensitivity analysis of large models", Environ. Model. Softw. 22 (2007).
struct ElementaryEffects {
  stats::Estimate mu_star;  ///< n: effects used. Fewer than two: errors and limits are NaN; none: the value too
  double mu = 0.0;
  double sigma = 0.0;        ///< NaN for fewer than two
  std::size_t left_out = 0;  ///< effects with a failed run at either end
};

/// By factor. `design`: by morris(). Pre: outputs.size() == design.size(), a multiple of dimensions + 1.
[[nodiscard]] std::vector<ElementaryEffects> elementary_effects(const Design& design, std::span<const double> outputs,
                                                                const Bootstrap& bootstrap);

/// Partial rank correlations: of the ranks of input i and of the output, both without what the ranks of the other inputs
/// explain linearly. Equal values share the mean of their ranks. For outputs that are monotone in each input.
///   limits          tanh(atanh r -+ z s),  s^2 = (1 + r^2/2) / (n - d - 2),  d inputs
///   standard error  (1 - r^2) s
/// For independent points; a Latin hypercube has smaller errors if the output is near to additive.
/// Sources  S. Marino et al., "A methodology for performing global uncertainty and sensitivity analysis in systems
///          biology", J. Theor. Biol. 254 (2008); s: D. G. Bonett, T. A. Wright, "Sample size requirements for estimating
///          Pearson, Kendall and Spearman correlations", Psychometrika 65 (2000).
struct RankCorrelations {
  std::vector<stats::Estimate> inputs;  ///< n: points used. NaN, too, where the other inputs explain the output wholly
  std::size_t used = 0;                 ///< points; fewer than d + 3: all NaN
  std::size_t left_out = 0;             ///< failed points
  bool collinear = false;               ///< an input is constant or follows from the others (in ranks): all NaN
  bool constant = false;                ///< the output is constant: all NaN
};

/// Pre: outputs.size() == design.size(), dimensions > 0.
[[nodiscard]] RankCorrelations partial_rank_correlations(const Design& design, std::span<const double> outputs);

}  // namespace repoquake::study
