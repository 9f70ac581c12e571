#include "repoquake/stats/influence.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include <catch2/catch.hpp>

#include "repoquake/random/normal.hpp"
#include "repoquake/random/philox.hpp"

using namespace repoquake;
using namespace repoquake::stats;

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

StatisticSpec of(Statistic statistic, double share = 0.0) { return {.statistic = statistic, .share = share}; }

/// Ten numbers with a gap in the middle.
const std::vector<double> kTen{3.0, 1.0, 4.0, 1.5, 9.0, 2.0, 6.0, 5.0, 3.5, 8.0};

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

}  // namespace

TEST_CASE("influences sum to nothing, whatever the number", "[stats]") {
  for (const auto& spec : {of(Statistic::mean), of(Statistic::sd), of(Statistic::quantile, 0.3),
                           of(Statistic::tail_mean, 0.8), of(Statistic::tail_mean, 0.2)})
    CHECK(std::fabs(sum(influence(spec, kTen))) < 1e-12);
}

TEST_CASE("the error of a mean, a probability and a deviation is that of their estimates", "[stats]") {
  const Moments m = moments_of(kTen);
  CHECK(standard_error_of(influence(of(Statistic::mean), kTen)) == Approx(m.standard_error()).epsilon(1e-12));
  const std::vector<double> hits{1, 0, 0, 1, 0, 0, 0, 1, 0, 0};
  CHECK(standard_error_of(influence(of(Statistic::probability), hits)) == Approx(std::sqrt(0.3 * 0.7 / 9.0)));
  const Estimate sd = estimate_sd(high_moments_of(kTen));
  CHECK(standard_error_of(influence(of(Statistic::sd), kTen)) ==
        Approx(sd.standard_error).epsilon(0.12));  // n or n - 1
}

TEST_CASE("a path without a value adds nothing and the others weigh more", "[stats]") {
  std::vector<double> with_gaps = kTen;
  with_gaps.insert(with_gaps.begin() + 3, kNothing);
  with_gaps.push_back(kNothing);
  const auto some = influence(of(Statistic::mean), with_gaps);
  CHECK(some[3] == 0.0);
  CHECK(some.back() == 0.0);
  CHECK(some[0] == Approx(1.2 * influence(of(Statistic::mean), kTen)[0]));
  // The mean of the ten known values has the error that ten values give.
  CHECK(standard_error_of(some) == Approx(moments_of(kTen).standard_error()).epsilon(0.01));
}

TEST_CASE("what cannot be told is NaN", "[stats]") {
  CHECK(std::isnan(standard_error_of(influence(of(Statistic::mean), std::vector<double>{1.0}))));
  CHECK(std::isnan(standard_error_of(influence(of(Statistic::quantile, 0.5), std::vector<double>{kNothing, 2.0}))));
  CHECK(std::isnan(standard_error_of_difference(of(Statistic::mean), std::vector<double>{kNothing, kNothing},
                                                std::vector<double>{1.0, 2.0})));
  CHECK(standard_error_of(influence(of(Statistic::sd), std::vector<double>{2.0, 2.0, 2.0})) == 0.0);
}

TEST_CASE("equal samples differ by nothing, shifted ones by a number that is known exactly", "[stats]") {
  std::vector<double> shifted;
  for (const double x : kTen) shifted.push_back(x + 7.0);
  for (const auto& spec :
       {of(Statistic::mean), of(Statistic::quantile, 0.5), of(Statistic::tail_mean, 0.9), of(Statistic::sd)}) {
    CHECK(standard_error_of_difference(spec, kTen, kTen) == 0.0);
    CHECK(standard_error_of_difference(spec, kTen, shifted) < 1e-12);
  }
  // Paired in another order they are as good as independent.
  std::vector<double> turned(kTen.rbegin(), kTen.rend());
  CHECK(standard_error_of_difference(of(Statistic::mean), kTen, turned) > 0.5);
}
