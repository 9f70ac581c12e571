#include "repoquake/stats/student.hpp"

#include <array>
#include <limits>

#include "repoquake/stats/quantile.hpp"

namespace repoquake::stats {
namespace {

/// One to ten degrees of freedom, where the expansion is too coarse.
constexpr std::array<double, 10> kFew{12.7062047, 4.3026527, 3.1824463, 2.7764451, 2.5705818,
                                      2.4469119,  2.3646243, 2.3060041, 2.2621572, 2.2281389};

}  // namespace

double student_975(std::uint64_t degrees_of_freedom) noexcept {
  if (degrees_of_freedom == 0) return std::numeric_limits<double>::quiet_NaN();
  if (degrees_of_freedom <= kFew.size()) return kFew[degrees_of_freedom - 1];
  const double n = static_cast<double>(degrees_of_freedom);
  const double z = kNormal95, z2 = z * z;
  const double first = z * (z2 + 1.0) / 4.0;
  const double second = z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
  const double third = z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
  const double fourth = z * ((((79.0 * z2 + 776.0) * z2 + 1482.0) * z2 - 1920.0) * z2 - 945.0) / 92160.0;
  return z + (first + (second + (third + fourth / n) / n) / n) / n;
}

}  // namespace repoquake::stats
