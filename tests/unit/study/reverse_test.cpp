#include "repoquake/study/reverse.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include <catch2/catch.hpp>

#include "repoquake/random/normal.hpp"
#include "repoquake/stats/exceedance.hpp"
#include "repoquake/stats/moments.hpp"

using namespace repoquake;
using study::Asked;
using study::Curve;
using study::CurvePoint;
using study::Search;

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

/// A metric that is known but for `error` in both directions.
stats::Estimate known(double value, double error = 0.0) {
  return {
      .value = value, .standard_error = error / stats::kNormal95, .lo = value - error, .hi = value + error, .n = 1000};
}

using Metric = std::function<stats::Estimate(double)>;

struct Found {
  Curve curve;
  std::size_t n_points = 0;
};

Found find(const Search& search, const Metric& metric) {
  auto curves = study::find_crossings(search, 1, [&](std::span<const Asked> asked) {
    std::vector<CurvePoint> answers;
    for (const Asked& point : asked) answers.push_back({.x = point.x, .estimate = metric(point.x)});
    return std::optional(answers);
  });
  REQUIRE(curves);
  const std::size_t n = curves->front().points.size();
  return {std::move(curves->front()), n};
}

constexpr Search kUnit{.low = 0.0, .high = 1.0, .steps = 9, .target = 0.3};

}  // namespace

TEST_CASE("a straight line is inverted, and its limits with it", "[study][reverse]") {
  const auto [curve, n] = find(kUnit, [](double x) { return known(2.0 * x - 1.0, 0.2); });
  REQUIRE(curve.crossings.size() == 1);
  REQUIRE(curve.intervals.size() == 1);
  CHECK(curve.crossings[0].rises);
  CHECK(curve.crossings[0].at == Approx(0.65).epsilon(1e-9));
  CHECK(curve.intervals[0].low == Approx(0.55).epsilon(1e-9));
  CHECK(curve.intervals[0].high == Approx(0.75).epsilon(1e-9));
  CHECK_FALSE(curve.intervals[0].low_is_open);
  CHECK_FALSE(curve.intervals[0].high_is_open);
  CHECK(curve.crossings[0].bracket_low <= 0.65);
  CHECK(curve.crossings[0].bracket_high >= 0.65);
  CHECK(curve.crossings[0].bracket_high - curve.crossings[0].bracket_low < 0.2 / 20.0);
  CHECK(n <= 30);
}

TEST_CASE("a bent curve is inverted to a small part of its interval", "[study][reverse]") {
  const auto [curve, n] = find({.low = -3.0, .high = 6.0, .steps = 9, .target = 0.1},
                               [](double x) { return known(1.0 / (1.0 + std::exp(4.0 - 3.0 * x)), 0.01); });
  REQUIRE(curve.crossings.size() == 1);
  const auto x_of = [](double p) { return (4.0 + std::log(p / (1.0 - p))) / 3.0; };
  const double width = x_of(0.11) - x_of(0.09);
  CHECK(std::fabs(curve.crossings[0].at - x_of(0.1)) < 0.02 * width);
  CHECK(std::fabs(curve.intervals[0].low - x_of(0.09)) < 0.02 * width);
  CHECK(std::fabs(curve.intervals[0].high - x_of(0.11)) < 0.02 * width);
  CHECK(n <= 50);
}

TEST_CASE("a metric that falls crosses downwards, and without an error its interval is the crossing",
          "[study][reverse]") {
  const auto [curve, n] =
      find({.low = 0.0, .high = 2.0, .steps = 5, .target = 0.5}, [](double x) { return known(std::exp(-x)); });
  REQUIRE(curve.crossings.size() == 1);
  CHECK_FALSE(curve.crossings[0].rises);
  CHECK(curve.crossings[0].at == Approx(std::log(2.0)).epsilon(1e-6));
  CHECK(curve.intervals[0].high - curve.intervals[0].low < 1e-4);
  CHECK(n <= 40);
}

TEST_CASE("every crossing is found, with its direction", "[study][reverse]") {
  const auto [curve, n] = find({.low = 0.0, .high = 10.0, .steps = 21, .target = 0.0},
                               [](double x) { return known(std::sin(x + 0.5), 0.05); });
  REQUIRE(curve.crossings.size() == 3);
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(curve.crossings[k].at == Approx((static_cast<double>(k) + 1.0) * std::acos(-1.0) - 0.5).epsilon(1e-4));
    CHECK(curve.crossings[k].rises == (k == 1));
    CHECK(curve.crossings[k].interval == k);
    CHECK(curve.intervals[k].n_crossings == 1);
  }
  CHECK(n < 100);
}

TEST_CASE("two crossings between neighbours of the grid are found by the turn", "[study][reverse]") {
  // Above 0.3 from 0.43 to 0.57 only; the grid of 0, 0.25, 0.5 ... would see one point of it, one of thirds none.
  const Metric hump = [](double x) { return known(0.35 - 10.0 * (x - 0.5) * (x - 0.5), 0.001); };
  for (const std::size_t steps : {4U, 5U, 8U}) {
    const auto curve = find({.low = 0.0, .high = 1.0, .steps = steps, .target = 0.3}, hump).curve;
    INFO(steps);
    REQUIRE(curve.crossings.size() == 2);
    CHECK(curve.crossings[0].at == Approx(0.5 - std::sqrt(0.005)).margin(1e-4));
    CHECK(curve.crossings[1].at == Approx(0.5 + std::sqrt(0.005)).margin(1e-4));
    CHECK(curve.crossings[0].rises);
    CHECK_FALSE(curve.crossings[1].rises);
  }
}

TEST_CASE("without a crossing the side is told, and how near the metric comes", "[study][reverse]") {
  const auto below = find(kUnit, [](double x) { return known(0.1 * x, 0.01); }).curve;
  CHECK(below.crossings.empty());
  CHECK(below.intervals.empty());
  CHECK(below.side == -1);
  REQUIRE(below.nearest);
  CHECK(below.points[*below.nearest].x == 1.0);
  const auto above = find(kUnit, [](double x) { return known(0.5 + x, 0.01); }).curve;
  CHECK(above.side == 1);
  CHECK(above.points[*above.nearest].x == 0.0);
  CHECK(find(kUnit, [](double) { return known(0.0, 0.01); }).n_points == 9);  // nothing to look for
}

TEST_CASE("a metric that comes near the target without passing it is not told from it there", "[study][reverse]") {
  const auto curve = find(kUnit, [](double x) { return known(0.29 - (x - 0.4) * (x - 0.4), 0.02); }).curve;
  CHECK(curve.crossings.empty());
  CHECK(curve.side == -1);
  REQUIRE(curve.intervals.size() == 1);
  CHECK(curve.intervals[0].n_crossings == 0);
  CHECK(curve.intervals[0].low == Approx(0.3).margin(0.005));
  CHECK(curve.intervals[0].high == Approx(0.5).margin(0.005));
}

TEST_CASE("crossings that the error does not tell apart share their interval", "[study][reverse]") {
  const auto curve = find({.low = 0.0, .high = 1.0, .steps = 41, .target = 0.5}, [](double x) {
                       return known(x + 0.1 * std::sin(40.0 * x), 0.2);
                     }).curve;
  REQUIRE(curve.crossings.size() >= 3);
  const std::size_t home = curve.crossings.front().interval;
  for (const auto& crossing : curve.crossings) CHECK(crossing.interval == home);
  CHECK(curve.intervals[home].n_crossings == curve.crossings.size());
}

TEST_CASE("an interval that reaches the end of the range is open there", "[study][reverse]") {
  const auto curve = find(kUnit, [](double x) { return known(x, 0.5); }).curve;
  REQUIRE(curve.intervals.size() == 1);
  CHECK(curve.intervals[0].low == 0.0);
  CHECK(curve.intervals[0].low_is_open);
  CHECK(curve.intervals[0].high == Approx(0.8).epsilon(1e-9));
  CHECK_FALSE(curve.intervals[0].high_is_open);
  const auto both = find(kUnit, [](double x) { return known(x, 5.0); }).curve;
  CHECK(both.intervals[0].low_is_open);
  CHECK(both.intervals[0].high_is_open);
}

TEST_CASE("nothing is concluded across points without a value, and intervals are open beside them",
          "[study][reverse]") {
  const auto curve = find(kUnit, [](double x) { return x > 0.2 && x < 0.45 ? known(kNothing) : known(x, 0.01); }).curve;
  CHECK(curve.crossings.empty());  // it passes where it has no value
  CHECK(curve.side == 0);
  const auto near = find(kUnit, [](double x) { return x < 0.2 ? known(kNothing) : known(x, 0.2); }).curve;
  REQUIRE(near.crossings.size() == 1);
  CHECK(near.crossings[0].at == Approx(0.3).epsilon(1e-9));
  CHECK(near.intervals[0].low_is_open);
  CHECK(near.intervals[0].low >= 0.2);
  CHECK(near.intervals[0].high == Approx(0.5).epsilon(1e-9));
  const auto nothing = find(kUnit, [](double) { return known(kNothing); }).curve;
  CHECK_FALSE(nothing.nearest);
  CHECK(nothing.intervals.empty());
  CHECK(nothing.side == 0);
}

TEST_CASE("a point that could not be run has no value, whatever else it says", "[study][reverse]") {
  std::vector<CurvePoint> points{{.x = 0.0, .estimate = known(0.0)},
                                 {.x = 1.0, .estimate = known(0.2), .failure = "reserves: must not be negative"},
                                 {.x = 2.0, .estimate = known(1.0)}};
  const Curve curve = study::read_curve(0.5, points);
  CHECK(curve.crossings.empty());
  CHECK_FALSE(curve.points[1].has_value());
  CHECK(std::isnan(curve.points[1].estimate.value));
}

TEST_CASE("a jump is bracketed as closely as the values go", "[study][reverse]") {
  const auto [curve, n] = find({.low = 0.0, .high = 900.0, .steps = 9, .target = 0.5},
                               [](double x) { return known(x < 123.456 ? 0.0 : 1.0, 0.1); });
  REQUIRE(curve.crossings.size() == 1);
  CHECK(std::fabs(curve.crossings[0].at - 123.456) <= 0.02);
  CHECK(curve.crossings[0].bracket_high - curve.crossings[0].bracket_low <= 0.0101);
  CHECK(curve.intervals[0].low >= curve.crossings[0].bracket_low);
  CHECK(curve.intervals[0].high <= curve.crossings[0].bracket_high);
  CHECK(n < 80);
}

TEST_CASE("a stretch at the target is entered once", "[study][reverse]") {
  const auto curve = find({.low = 0.0, .high = 1.0, .steps = 11, .target = 0.5}, [](double x) {
                       return known(std::clamp(2.0 * x, 0.5, 1.0) - (x < 0.1 ? 0.1 : 0.0), 0.0);
                     }).curve;
  REQUIRE(curve.crossings.size() == 1);
  CHECK(curve.crossings[0].at == Approx(0.1).margin(1e-3));
  CHECK(curve.intervals[0].high == Approx(0.25).margin(0.11));  // where it leaves is told by the interval
  const auto floor = find({.low = 0.0, .high = 1.0, .steps = 11, .target = 0.0}, [](double x) {
                       return known(std::max(0.0, x - 0.5));
                     }).curve;
  CHECK(floor.crossings.empty());
  CHECK(floor.side == 1);
  CHECK(floor.points[*floor.nearest].estimate.value == 0.0);
}

TEST_CASE("values that are tried are short decimal numbers inside the range", "[study][reverse]") {
  const Search search{.low = 450.0, .high = 1350.0, .steps = 10, .target = 0.1};
  CHECK(search.resolution() == Approx(0.01));
  CHECK(search.rounded(615.0842) == 615.08);
  const Search tiny{.low = 0.0, .high = 3e-7, .steps = 10, .target = 0.1};
  CHECK(tiny.rounded(1.234567e-7) == Approx(1.2346e-7).epsilon(1e-3));
  const Search huge{.low = -1e9, .high = 1e9, .steps = 10, .target = 0.1};
  CHECK(huge.rounded(123456789.0) == 123500000.0);
  for (const auto& point : find(search, [](double x) { return known(x / 6150.0, 0.01); }).curve.points) {
    CHECK(point.x >= 450.0);
    CHECK(point.x <= 1350.0);
    CHECK(point.x == search.rounded(point.x));
  }
}

TEST_CASE("curves are searched together, each as if alone", "[study][reverse]") {
  const auto metric_of = [](std::size_t curve) {
    return [curve](double x) { return known(x * x * static_cast<double>(curve + 1), 0.02); };
  };
  std::size_t rounds = 0;
  const auto curves = study::find_crossings(kUnit, 3, [&](std::span<const Asked> asked) {
    ++rounds;
    std::vector<CurvePoint> answers;
    for (const Asked& point : asked) answers.push_back({.x = point.x, .estimate = metric_of(point.curve)(point.x)});
    return std::optional(answers);
  });
  REQUIRE(curves);
  CHECK(rounds < 12);
  for (std::size_t k = 0; k < 3; ++k) {
    const auto alone = find(kUnit, metric_of(k)).curve;
    REQUIRE((*curves)[k].points.size() == alone.points.size());
    CHECK((*curves)[k].crossings[0].at == alone.crossings[0].at);
  }
}

TEST_CASE("an interrupted search gives nothing", "[study][reverse]") {
  int rounds = 0;
  const auto curves = study::find_crossings(kUnit, 1, [&](std::span<const Asked> asked) {
    std::vector<CurvePoint> answers;
    for (const Asked& point : asked) answers.push_back({.x = point.x, .estimate = known(point.x, 0.1)});
    return ++rounds < 2 ? std::optional(answers) : std::nullopt;
  });
  CHECK_FALSE(curves);
  CHECK(rounds == 2);
}

// ---------------------------------------------------------------- coverage

namespace {

constexpr std::size_t kDraws = 2 * kBlockPaths;
constexpr int kSeeds = 400;

/// Of `kSeeds` samples, the share whose interval holds `truth`; limits are drawn in to `narrowed` of their distance.
double coverage(const Search& search, double truth, double narrowed,
                const std::function<stats::Estimate(std::span<const double>, double)>& metric) {
  int hits = 0;
  ColumnData z;
  for (int seed = 0; seed < kSeeds; ++seed) {
    std::vector<double> draws;
    for (std::size_t path = 0; path < kDraws; path += kBlockPaths) {
      random::draw_normals(4000 + static_cast<std::uint64_t>(seed), path, 1, random::Stream::bank_capacity, 0, z);
      draws.insert(draws.end(), z.begin(), z.end());
    }
    const auto curve = find(search, [&](double x) {
                         stats::Estimate e = metric(draws, x);
                         e.lo = e.value + narrowed * (e.lo - e.value);
                         e.hi = e.value + narrowed * (e.hi - e.value);
                         return e;
                       }).curve;
    hits += std::ranges::any_of(curve.intervals,
                                [&](const auto& interval) { return interval.low <= truth && truth <= interval.high; });
  }
  return static_cast<double>(hits) / kSeeds;
}

const double kStandardError = std::sqrt(0.95 * 0.05 / kSeeds);

/// P(z + x > 2) = 10 % at 2 less the quantile of 90 %.
stats::Estimate share_above(std::span<const double> draws, double x) {
  return stats::estimate_probability({.n = draws.size(), .hits = stats::count_above(draws, 2.0 - x)});
}
constexpr Search kShare{.low = -1.0, .high = 3.0, .steps = 9, .target = 0.1};
constexpr double kShareAt = 2.0 - 1.2815515655446004;

/// E (z + x)^2 = 1 + x^2 is 2 at 1.
stats::Estimate mean_square(std::span<const double> draws, double x) {
  std::vector<double> values;
  for (const double z : draws) values.push_back((z + x) * (z + x));
  return stats::estimate_mean(stats::moments_of(values));
}
constexpr Search kMean{.low = 0.0, .high = 3.0, .steps = 7, .target = 2.0};

}  // namespace

TEST_CASE("the interval of a share holds the true crossing in 95 % of samples", "[study][reverse]") {
  const double share = coverage(kShare, kShareAt, 1.0, share_above);
  INFO(share);
  CHECK(std::fabs(share - 0.95) < 3.0 * kStandardError);
}

TEST_CASE("the interval of a mean holds the true crossing in 95 % of samples", "[study][reverse]") {
  const double share = coverage(kMean, 1.0, 1.0, mean_square);
  INFO(share);
  CHECK(std::fabs(share - 0.95) < 3.0 * kStandardError);
}

TEST_CASE("control: limits of half the width are found out", "[study][reverse]") {
  for (const double share : {coverage(kShare, kShareAt, 0.5, share_above), coverage(kMean, 1.0, 0.5, mean_square)}) {
    INFO(share);
    CHECK(share < 0.95 - 3.0 * kStandardError);
  }
}
