/// Limits from few independent numbers: how many standard errors a two-sided 95 % interval reaches out when the error
/// itself is estimated.
///
/// Errors  below 6e-6 against the quantile of Student's distribution; towards kNormal95 as degrees of freedom grow.
/// Source  W. S. Gosset (Student), "The probable error of a mean", Biometrika 6 (1908); beyond ten degrees the expansion
///         of R. A. Fisher, E. A. Cornish, Technometrics 2 (1960), to the fourth order.
#pragma once

#include <cstdint>

namespace repoquake::stats {

/// The 97.5 % quantile of Student's t. No degrees of freedom: NaN.
[[nodiscard]] double student_975(std::uint64_t degrees_of_freedom) noexcept;

}  // namespace repoquake::stats
