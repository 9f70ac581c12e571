#include "repoquake/stats/student.hpp"

#include <cmath>
#include <cstdint>

#include <boost/math/distributions/students_t.hpp>
#include <catch2/catch.hpp>

#include "repoquake/stats/quantile.hpp"

using repoquake::stats::kNormal95;
using repoquake::stats::student_975;

TEST_CASE("Student's 97.5 % quantile is that of the tables", "[student]") {
  for (std::uint64_t n = 1; n < 400; ++n) {
    const double expected = boost::math::quantile(boost::math::students_t(static_cast<double>(n)), 0.975);
    CAPTURE(n);
    CHECK(std::fabs(student_975(n) - expected) < 6e-6);
  }
  CHECK(std::fabs(student_975(1'000'000'000) - kNormal95) < 1e-6);
  SECTION("control: one degree of freedom too many is seen") {
    const double wrong = boost::math::quantile(boost::math::students_t(16.0), 0.975);
    CHECK(std::fabs(student_975(15) - wrong) > 1e-3);
  }
}

TEST_CASE("without degrees of freedom nothing can be told", "[student]") { CHECK(std::isnan(student_975(0))); }
