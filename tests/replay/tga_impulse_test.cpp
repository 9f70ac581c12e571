// 100 bn more in the Treasury's account on an ordinary mid-week day: what the median of SOFR - IORB does on the next day.
// The same flow does nothing where reserves abound, a few bp in late 2025 and tens of bp in September 2019: sensitivity
// is a result of the regime, not a coefficient.

#include "published.hpp"

using namespace repoquake;
using namespace repoquake::replay;

namespace {

/// July 2022: reserves at 14 % of bank assets and more than two trillion at the ON RRP, which sets the rate. All amounts
/// are approximate, rounded from what the Federal Reserve published for the month (H.4.1, H.8, New York Fed).
constexpr std::string_view kSummer2022 = R"(
format: repoquake/scenario/1
name: summer-2022
title: July 2022, reserves abound
window: {start: 2022-07-06, end: 2022-07-15}
market:
  repo_volume: 950 bn USD
  bank_assets: 22800 bn USD
  opening_spread: -10 bp
  mmf_cash: 2200 bn USD
  treasury_volatility: 130 bp
fed_balance_sheet:
  securities: 8400 bn USD
  reserves: 3300 bn USD
  tga: 650 bn USD
  on_rrp: 2200 bn USD
  foreign_rrp: 270 bn USD
  currency: 2270 bn USD
  other_liabilities: 200 bn USD
policy:
  administered_rates: [{from: 2022-06-16, iorb: 1.65 %, on_rrp: 1.55 %, target: [1.50 %, 1.75 %]}]
  standing_repo: {enabled: true, rate: iorb + 10 bp}
basis_trade: {position: 400 bn USD}
simulate: {seed: 20220713}
output: {variables: [spread, reserves]}
)";

/// A shock on a date. The settings of a run; every run of a world shares its draws.
std::string drain(std::string_view date, int usd_bn = 100) {
  return "shocks=[{id: drain, target: tga, date: " + std::string(date) + ", size: " + std::to_string(usd_bn) +
         " bn USD}]";
}

Replay summer_2022(const std::string& shocks, const std::string& opening = "-10 bp") {
  return run(
      io::parse_scenario(kSummer2022, "summer_2022.yaml", ".", options({shocks, "market.opening_spread=" + opening})));
}

Replay world(const std::string& name, const std::string& shocks) {
  return run(name, {shocks, "output.variables=[spread, reserves]", "expect=[]"});
}

/// What the drain of a day adds to the median of the next, in bp. Pre: both runs are of one world.
double response(const Replay& with, const Replay& without, std::string_view next) {
  return with.spread(next) - without.spread(next);
}

double drained(const Replay& with, const Replay& without, std::string_view date) {
  return without.median(Variable::reserves, date).value - with.median(Variable::reserves, date).value;
}

bool is_regime_dependent(double scarce, double ample) { return std::abs(scarce) >= 10.0 * std::abs(ample); }

}  // namespace

TEST_CASE("100 bn more in the Treasury's account moves rates by regime", "[replay]") {
  // Tuesdays to Thursdays without a tax date, a settlement of coupons or a period end on the day or the next.
  const auto abundant = summer_2022(drain("2022-07-13", 0));
  const auto abundant_drained = summer_2022(drain("2022-07-13"));
  const auto autumn = world("fall_2025", drain("2025-10-22", 0));
  const auto autumn_drained = world("fall_2025", drain("2025-10-22"));
  const auto september = world("sep_2019", drain("2019-09-12", 0));
  const auto september_12 = world("sep_2019", drain("2019-09-12"));
  const auto september_24 = world("sep_2019", drain("2019-09-24"));

  const double in_2022 = response(abundant_drained, abundant, "2022-07-14");
  const double in_2025 = response(autumn_drained, autumn, "2025-10-23");
  const double before_the_spike = response(september_12, september, "2019-09-13");
  const double after_the_spike = response(september_24, september, "2019-09-25");
  CAPTURE(in_2022, in_2025, before_the_spike, after_the_spike);

  CHECK(std::abs(in_2022) < 0.5);
  CHECK((1.0 <= in_2025 && in_2025 < 10.0));
  CHECK((10.0 <= before_the_spike && before_the_spike < 100.0));
  CHECK((10.0 <= after_the_spike && after_the_spike < 100.0));
  CHECK(is_regime_dependent(in_2025, in_2022));
  CHECK(is_regime_dependent(before_the_spike, in_2025));
  CHECK(is_regime_dependent(after_the_spike, in_2022));

  // The flow is the same everywhere. In 2022 a part of it comes out of the ON RRP and never out of reserves.
  CHECK(drained(september_12, september, "2019-09-12") == Approx(100.0).margin(5.0));
  CHECK(drained(autumn_drained, autumn, "2025-10-22") == Approx(100.0).margin(5.0));
  const double from_reserves = drained(abundant_drained, abundant, "2022-07-13");
  CHECK((50.0 < from_reserves && from_reserves < 100.0));

  // Nothing hangs on the approximate opening spread of 2022, as long as the ON RRP sets the rate.
  CHECK(std::abs(response(summer_2022(drain("2022-07-13"), "-8 bp"), summer_2022(drain("2022-07-13", 0), "-8 bp"),
                          "2022-07-14")) < 0.5);

  // On the tax date, with the spike to come, it is hundreds of bp.
  CHECK(response(world("sep_2019", drain("2019-09-16")), september, "2019-09-17") > 300.0);

  SECTION("control: two days of one regime do not differ by a factor of ten, and no drain is no response") {
    CHECK_FALSE(is_regime_dependent(before_the_spike, after_the_spike));
    const double november = response(world("fall_2025", drain("2025-11-05")), autumn, "2025-11-06");
    CAPTURE(november);
    CHECK_FALSE(is_regime_dependent(november, in_2025));
    CHECK_FALSE(std::abs(november) < 0.5);
    CHECK_FALSE(response(autumn, autumn, "2025-10-23") >= 1.0);
  }
}
