// Policy that reacts, drawn flows and the desk's numbers, through the whole engine.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>

#include <catch2/catch.hpp>

#include "fixtures.hpp"
#include "repoquake/engine/simulate_block.hpp"
#include "repoquake/engine/trace.hpp"
#include "repoquake/model/fed_balance_sheet.hpp"

using namespace repoquake;
using engine::PathFeature;
using fixtures::MemorySink;
using fixtures::september;
using fixtures::with_drivers;
using fixtures::with_rules;

namespace {

engine::RunSummary run(const plan::Plan& plan, engine::Sink& sink, int threads = 2) {
  return engine::run(plan, {.threads = threads}, sink);
}

std::vector<std::string> operator+(std::vector<std::string> settings, const std::string& more) {
  settings.push_back(more);
  return settings;
}

/// What stands under `name` on a day of a traced path.
double value_of(const std::vector<engine::TraceValue>& values, const std::string& name) {
  const auto found = std::ranges::find(values, name, &engine::TraceValue::name);
  if (found == values.end()) FAIL("nothing is called " << name);
  return found->value;
}

bool has(const std::vector<engine::TraceValue>& values, const std::string& name) {
  return std::ranges::find(values, name, &engine::TraceValue::name) != values.end();
}

std::uint32_t flags_of(const engine::TraceDay& day) {
  std::uint32_t flags = 0;
  for (const auto& spec : kPathFlags)
    if (std::ranges::find(day.flags, spec.name) != day.flags.end()) flags |= bit(spec.flag);
  return flags;
}

std::uint32_t all_flags(const MemorySink& sink) {
  std::uint32_t seen = 0;
  for (const auto& chunk : sink.chunks)
    for (const auto flags : chunk.flags) seen |= flags;
  return seen;
}

constexpr std::array kRuleFlags{
    PathFlag::emergency_operation, PathFlag::emergency_repo_mornings, PathFlag::large_scale_repo, PathFlag::runoff_stop,
    PathFlag::reserve_purchases,   PathFlag::large_purchases,         PathFlag::rate_adjustment};

}  // namespace

// ---------------------------------------------------------------- rules

TEST_CASE("rules, drivers and events give the same bits with any number of threads", "[engine][policy]") {
  const auto plan = september(with_rules(with_drivers({"output.variables=all"})), 5 * 1024 + 77);
  CHECK(plan.has_rules);
  CHECK_FALSE(plan.drawn.empty());
  MemorySink one, three;
  const auto a = run(plan, one, 1);
  const auto b = run(plan, three, 3);
  REQUIRE(one.chunks.size() == three.chunks.size());
  for (std::size_t c = 0; c < one.chunks.size(); ++c) {
    CHECK(one.chunks[c].events.size() == one.chunks[c].n_paths * a.manifest.n_days());
    CHECK(fixtures::same_bytes(one.chunks[c], three.chunks[c]));
  }
  CHECK(a.stats.flag_days() == b.stats.flag_days());
  for (std::size_t k = 0; k < a.manifest.peak_thresholds.size(); ++k)
    CHECK(a.stats.peak_over_effr_exceedance(k).hits == b.stats.peak_over_effr_exceedance(k).hits);
  for (const auto flag : kRuleFlags) {
    INFO(kPathFlags[static_cast<std::size_t>(std::countr_zero(bit(flag)))].name);
    CHECK((all_flags(one) & bit(flag)) != 0);
  }
  three.chunks[0].events[3] ^= 1U;  // control: one event more is seen
  CHECK_FALSE(fixtures::same_bytes(one.chunks[0], three.chunks[0]));
}

TEST_CASE("rules that are off, or never act, change no number", "[engine][policy]") {
  const std::vector<std::string> base{"policy.repo_operations=[]", "output.variables=all",
                                      "policy.securities={runoff: 30 bn USD per month}",
                                      "policy.meetings=[2019-09-13, 2019-09-18]"};
  const std::string disabled =
      "policy.rules={emergency_repo: {enabled: false, trigger: 10 bp}, large_purchases: {enabled: false, basis: 0 bp}, "
      "runoff_stop: {enabled: false}}";
  const std::string beyond_reach =
      "policy.rules={emergency_repo: {trigger: 3000 bp}, large_scale_repo: {volatility_rise: 1000 bp, basis: 1000 bp}, "
      "runoff_stop: {trigger: 3000 bp}, reserve_management_purchases: {trigger: 3000 bp}, "
      "large_purchases: {yield_impact: 1000 bp, basis: 1000 bp}, administered_rates: {trigger: 3000 bp}}";
  MemorySink without, off, idle;
  (void)run(september(base, 600), without);
  const auto plan = september(base + disabled, 600);
  CHECK_FALSE(plan.has_rules);
  (void)run(plan, off);
  CHECK(fixtures::same_bytes(without.chunks[0], off.chunks[0]));
  CHECK(off.chunks[0].events.empty());
  (void)run(september(base + beyond_reach, 600), idle);
  CHECK(idle.chunks[0].events.size() == 600 * 17);
  for (const auto flag : kRuleFlags) CHECK((all_flags(idle) & bit(flag)) == 0);
  idle.chunks[0].events.clear();  // rules are there, so events are stored; all else is the same
  CHECK(fixtures::same_bytes(without.chunks[0], idle.chunks[0]));
}

TEST_CASE("a rule dated from a day leaves every variable of every path unchanged before it", "[engine][policy]") {
  const std::vector<std::string> base{"policy.repo_operations=[]", "output.variables=all", "output.precision=exact",
                                      "policy.meetings=[2019-09-13, 2019-09-18, 2019-09-25]",
                                      "policy.securities={runoff: 60 bn USD per month}"};
  struct Dated {
    std::string rule;
    std::size_t unchanged;  ///< rows before the first on which it may be seen
  };
  // In force from 2019-09-18, row 5.
  for (const auto& [rule, unchanged] : std::vector<Dated>{
           {"emergency_repo: {trigger: 5 bp, from: 2019-09-18}", 5},  // an afternoon operation on the day itself
           {"large_scale_repo: {basis: 0 bp, from: 2019-09-18}", 6},
           {"runoff_stop: {trigger: 0 bp, lag: 0 bd, from: 2019-09-18}", 5},
           {"reserve_management_purchases: {trigger: 0 bp, pace: 400 bn USD per month, from: 2019-09-18}", 6},
           {"large_purchases: {yield_impact: 0 bp, basis: 0 bp, stop_basis: 0 bp, from: 2019-09-18}", 6},
           {"administered_rates: {trigger: 0 bp, from: 2019-09-18}", 6}}) {
    INFO(rule);
    MemorySink without, with;
    const auto summary = run(september(base, 300), without);
    (void)run(september(base + ("policy.rules={" + rule + "}"), 300), with);
    const std::size_t n_days = summary.manifest.n_days();
    std::size_t before = 0, on_first_day = 0;
    for (const Variable variable : summary.manifest.variables) {
      const auto a = fixtures::table_of(without, summary.manifest, variable);
      const auto b = fixtures::table_of(with, summary.manifest, variable);
      for (std::size_t i = 0; i < a.size(); ++i) {
        const bool differs = std::memcmp(&a[i], &b[i], sizeof(float)) != 0;
        before += i % n_days < unchanged && differs;
        on_first_day += i % n_days == unchanged && differs;
      }
    }
    CHECK(before == 0);
    CHECK(on_first_day > 0);
  }
}

TEST_CASE("events of a chunk are the flags that a trace shows", "[engine][policy]") {
  const auto plan = september(with_rules(), 1100);
  MemorySink sink;
  const auto summary = run(plan, sink);
  const std::size_t n_days = summary.manifest.n_days();
  for (const std::uint64_t path : {0U, 1U, 255U, 256U, 700U, 1023U, 1024U, 1099U}) {
    const auto& chunk = sink.chunks[path / 1024];
    const std::size_t row = path % 1024;
    const auto days = engine::trace_path(plan, path);
    std::uint32_t any = 0;
    for (std::size_t d = 0; d < n_days; ++d) {
      CHECK(chunk.events[row * n_days + d] == flags_of(days[d]));
      any |= flags_of(days[d]);
    }
    CHECK(chunk.flags[row] == any);
  }
  std::vector<std::uint64_t> flag_days(kPathFlagCount, 0);
  for (const auto& chunk : sink.chunks)
    for (const auto flags : chunk.events)
      for (std::size_t k = 0; k < kPathFlagCount; ++k) flag_days[k] += (flags >> k) & 1U;
  CHECK(flag_days == summary.stats.flag_days());
}

TEST_CASE("the Fed's sheet balances on every path and day of a drawn run with rules", "[engine][policy]") {
  const auto plan = september(with_rules(with_drivers()), 256);
  auto work = std::make_unique<engine::BlockWorkspace>(plan);
  engine::open_block(plan, 0, *work);
  int wrong = 0;
  std::uint32_t seen = 0;
  for (std::uint32_t day = 1; day < plan.days.size(); ++day) {
    engine::simulate_day(plan, 0, day, *work);
    for (std::size_t i = 0; i < kBlockPaths; ++i) {
      wrong += model::imbalance(work->state.sheet, i) != 0 || work->state.sheet.tga[i] < 0;
      seen |= work->outcome.flags[i];
    }
  }
  CHECK(wrong == 0);
  for (const auto flag : kRuleFlags) CHECK((seen & bit(flag)) != 0);
}

TEST_CASE("a trace shows where policy stands and what was drawn, where there is such a thing", "[engine][policy]") {
  const auto bare = engine::trace_path(september({}, 300), 7);
  CHECK_FALSE(has(bare[3].state, "policy.morning_offer"));
  CHECK_FALSE(has(bare[3].draws, "tga_flow"));
  const auto plan = september(with_rules(with_drivers({"drivers.currency.growth=0 bn USD per month"})), 300);
  const auto days = engine::trace_path(plan, 7);
  double account = value_of(days[0].observed, "tga");
  for (std::size_t d = 1; d < days.size(); ++d) {
    const auto& drivers = plan.days[d].drivers;
    const double flow = drivers.tga_drift + 0.03 * (drivers.tga_reference - account) +
                        plan.drivers.tga_residual_sd * value_of(days[d].draws, "tga_flow");
    CHECK(value_of(days[d].flows, "tga") == Approx(std::max(flow, -account)).margin(1e-9));
    account = value_of(days[d].observed, "tga");
    CHECK(value_of(days[d].flows, "net_bills") ==
          Approx(drivers.settles_bills ? 25.0 * value_of(days[d].draws, "bill_settlement") : 0.0).margin(1e-9));
    // Rates move with the shift of the path, spreads are over the shifted IORB.
    const double shift = value_of(days[d].state, "policy.rate_shift");
    const auto& context = plan.days[d].context;
    CHECK(value_of(days[d].observed, "iorb") == Approx(context.iorb + shift / 100.0));
    CHECK(value_of(days[d].observed, "on_rrp_rate") == Approx(context.on_rrp_rate + shift / 100.0));
    CHECK(value_of(days[d].observed, "sofr") ==
          Approx(context.iorb + (value_of(days[d].observed, "spread") + shift) / 100.0));
    // What was bought yesterday settles today.
    if (d > 1)
      CHECK(value_of(days[d].state, "policy.unsettled") ==
            Approx(value_of(days[d].flows, "fed_purchases") - plan.days[d].flows.fed_purchases).margin(1e-9));
  }
}

TEST_CASE("purchases and operations help: funding is cheaper with rules than without", "[engine][policy]") {
  engine::Sink nowhere;
  const auto without = run(september({"policy.repo_operations=[]"}, 1024), nowhere);
  const auto with =
      run(september({"policy.repo_operations=[]", "policy.rules={emergency_repo: {trigger: 30 bp}}"}, 1024), nowhere);
  CHECK(with.stats.quantile(PathFeature::peak_spread, 0.5).value <
        without.stats.quantile(PathFeature::peak_spread, 0.5).value);
  CHECK(with.stats.moments(PathFeature::peak_fed_credit).mean > 50.0);
  CHECK(without.stats.moments(PathFeature::peak_fed_credit).mean == 0.0);
}

// ---------------------------------------------------------------- drivers

TEST_CASE("switching one driver off leaves the draws of the others alone", "[engine][policy]") {
  const std::string correlation = "drivers.correlation=[]";
  const auto all = september(with_drivers({correlation}), 256);
  const std::map<std::string, std::vector<std::string>> draws{{"policy.tga={follow: series}", {"tga_flow"}},
                                                              {"drivers.settlements=series", {"coupon", "bill"}},
                                                              {"drivers.other_factors=series", {"other_factors"}},
                                                              {"drivers.volatility=series", {"volatility"}}};
  const auto reference = engine::trace_path(all, 77);
  for (const auto& entry : draws) {
    std::string off = entry.first;
    auto settings = with_drivers({correlation});
    if (off.starts_with("policy.tga"))
      std::erase_if(settings, [](const auto& s) { return s.starts_with("policy.tga"); });
    else
      settings.push_back(off);
    INFO(off);
    const auto plan = september(settings, 256);
    const auto days = engine::trace_path(plan, 77);
    const bool is_tga = off.starts_with("policy.tga");
    for (std::size_t d = 1; d < days.size(); ++d) {
      REQUIRE(days[d].draws.size() == reference[d].draws.size());
      for (std::size_t k = 0; k < days[d].draws.size(); ++k)
        CHECK(days[d].draws[k].value == reference[d].draws[k].value);  // all draws, also the model's own
      const auto flow = [&](const std::string& name) {
        return value_of(days[d].flows, name) == value_of(reference[d].flows, name);
      };
      CHECK((is_tga || flow("tga")));
      CHECK((off.starts_with("drivers.settlements") || (flow("net_coupons") && flow("net_bills"))));
      CHECK((off.starts_with("drivers.other") || flow("other_liabilities")));
      CHECK((off.starts_with("drivers.volatility") || flow("volatility")));
    }
  }
}

// ---------------------------------------------------------------- the desk's numbers

namespace {

/// Features of the window, from a traced path, by hand.
std::map<PathFeature, double> desk_numbers(const std::vector<engine::TraceDay>& days, bool has_facility) {
  std::vector<double> spread, over_effr, over_top, credit, tgcr, markup, volume;
  double forced = 0.0, total = 0.0;
  for (std::size_t d = 0; d < days.size(); ++d) {
    const auto& seen = days[d].observed;
    const double sofr = value_of(seen, "sofr");
    spread.push_back(value_of(seen, "spread"));
    over_effr.push_back(100.0 * (sofr - value_of(seen, "effr")));
    tgcr.push_back(100.0 * (value_of(seen, "tgcr") - value_of(seen, "iorb")));
    credit.push_back(value_of(seen, "standing_repo") + value_of(seen, "repo_operations"));
    markup.push_back(value_of(seen, "dealer_markup"));
    if (has_facility) volume.push_back(100.0 * value_of(seen, "volume_above_srf_rate"));
    forced += value_of(seen, "basis_sales_forced");
    total += value_of(seen, "basis_sales");
    // The target range of September 2019 is 2.00 to 2.25 %, from the 19th 1.75 to 2.00 %.
    const bool is_after = days[d].date >= std::chrono::sys_days{std::chrono::year{2019} / 9 / 19};
    over_top.push_back(sofr - (is_after ? 2.00 : 2.25));
  }
  const auto peak = static_cast<std::size_t>(std::ranges::max_element(spread) - spread.begin());
  std::size_t calm = peak;
  while (calm < spread.size() && spread[calm] >= 5.0) ++calm;
  const bool is_back = calm < spread.size();
  const auto largest = [](const std::vector<double>& values) { return *std::ranges::max_element(values); };
  std::map<PathFeature, double> f;
  f[PathFeature::peak_spread] = spread[peak];
  f[PathFeature::peak_day] = static_cast<double>((days[peak].date - days[0].date).count());
  f[PathFeature::peak_sofr_over_effr] = largest(over_effr);
  f[PathFeature::peak_tgcr_spread] = largest(tgcr);
  f[PathFeature::days_above_corridor] =
      static_cast<double>(std::ranges::count_if(over_top, [](double x) { return x > 0.0; }));
  f[PathFeature::days_to_return] = static_cast<double>((is_back ? calm : spread.size() - 1) - peak);
  f[PathFeature::is_not_back] = is_back ? 0.0 : 1.0;
  f[PathFeature::peak_fed_credit] = largest(credit);
  f[PathFeature::peak_dealer_markup] = largest(markup);
  f[PathFeature::basis_sales_forced_total] = forced;
  f[PathFeature::basis_sales_voluntary_total] = total - forced;
  if (has_facility) f[PathFeature::peak_volume_above_srf] = largest(volume);
  return f;
}

}  // namespace

TEST_CASE("the desk's numbers are those of the traced paths", "[engine][policy]") {
  for (const bool has_facility : {false, true}) {
    auto settings = with_rules();
    if (has_facility) settings.push_back("policy.standing_repo={enabled: true, rate: iorb + 15 bp}");
    const auto plan = september(settings, 256);
    MemorySink sink;
    const auto summary = run(plan, sink);
    int not_back = 0, back = 0, above = 0;
    for (std::uint64_t path = 0; path < 40; ++path) {
      INFO("path " << path);
      const auto numbers = desk_numbers(engine::trace_path(plan, path), has_facility);
      for (const auto& [feature, value] : numbers) {
        INFO(engine::kPathFeatures[engine::index(feature)].name);
        CHECK(sink.chunks[0].feature(feature)[path] == Approx(value).margin(1e-9));
      }
      not_back += numbers.at(PathFeature::is_not_back) > 0.0;
      back += numbers.at(PathFeature::days_to_return) > 0.0 && numbers.at(PathFeature::is_not_back) == 0.0;
      above += numbers.at(PathFeature::days_above_corridor) > 0.0;
    }
    CHECK(back > 5);
    CHECK(above > 5);
    if (!has_facility) {
      CHECK(not_back > 0);
      for (const double x : sink.chunks[0].feature(PathFeature::peak_volume_above_srf)) CHECK(std::isnan(x));
      CHECK(summary.stats.moments(PathFeature::peak_volume_above_srf).n == 0);
    }
  }
}

TEST_CASE("a corridor that is the facility's moves with a rule's adjustment of IORB", "[engine][policy]") {
  // Without a stated range the top is the standing repo rate, which is quoted over the path's IORB.
  const auto plan =
      september(with_rules({"policy.administered_rates=[{from: 2019-08-01, iorb: 2.10 %, on_rrp: 2.00 %}]",
                            "policy.standing_repo={enabled: true, rate: iorb + 10 bp}"}),
                256);
  MemorySink sink;
  (void)run(plan, sink);
  int shifted = 0;
  for (std::uint64_t path = 0; path < 60; ++path) {
    int above = 0, above_unshifted = 0;
    for (const auto& day : engine::trace_path(plan, path)) {
      above += value_of(day.observed, "sofr") > value_of(day.observed, "standing_repo_rate");
      above_unshifted += value_of(day.observed, "sofr") > 2.20;
    }
    INFO("path " << path);
    CHECK(sink.chunks[0].feature(PathFeature::days_above_corridor)[path] == above);
    shifted += above != above_unshifted;
  }
  CHECK(shifted > 5);
}

TEST_CASE("peaks above the thresholds are counted as the stored peaks say", "[engine][policy]") {
  MemorySink sink;
  const auto summary = run(september({"output.thresholds=[20 bp, 75 bp, 150 bp, 315 bp]"}, 2500), sink);
  CHECK(summary.manifest.peak_thresholds == std::vector<double>{20.0, 75.0, 150.0, 315.0});
  const auto defaults = engine::manifest_of(september({}, 256)).peak_thresholds;
  CHECK(defaults == std::vector<double>{10.0, 25.0, 50.0, 75.0, 100.0, 200.0});
  for (std::size_t k = 0; k < summary.manifest.peak_thresholds.size(); ++k) {
    std::uint64_t over_iorb = 0, over_effr = 0;
    for (const auto& chunk : sink.chunks)
      for (std::size_t i = 0; i < chunk.n_paths; ++i) {
        over_iorb += chunk.feature(PathFeature::peak_spread)[i] > summary.manifest.peak_thresholds[k];
        over_effr += chunk.feature(PathFeature::peak_sofr_over_effr)[i] > summary.manifest.peak_thresholds[k];
      }
    CHECK(summary.stats.peak_exceedance(k).hits == over_iorb);
    CHECK(summary.stats.peak_over_effr_exceedance(k).hits == over_effr);
    CHECK(summary.stats.peak_exceedance(k).n == 2500);
    CHECK(over_iorb > 0);
    CHECK(over_iorb != over_effr);  // EFFR is not IORB
  }
}

TEST_CASE("the satellite feeds back to nothing", "[engine][policy]") {
  MemorySink without, with;
  const auto a = run(september({}, 600), without);
  const auto b =
      run(september({"transmission={enabled: true, high_yield_spread: {coefficient: 0.4, range: [0.1, 0.8]}, "
                     "equity_volatility: {coefficient: -0.05, range: [-0.1, 0]}}"},
                    600),
          with);
  CHECK(fixtures::same_bytes(without.chunks[0], with.chunks[0]));
  CHECK(a.manifest.transmission.empty());
  REQUIRE(b.manifest.transmission.size() == 2);
  CHECK(b.manifest.transmission[0].name == "high_yield_spread");
  CHECK(b.manifest.transmission[0].opening_spread == 5.0);
  CHECK(b.manifest.transmission[0].respond(5.0) == 0.0);
  CHECK(b.manifest.transmission[0].respond(105.0) == Approx(40.0));
  CHECK(b.manifest.transmission[1].respond(105.0) == Approx(-5.0));
  const auto off =
      september({"transmission={enabled: false, high_yield_spread: {coefficient: 0.4, range: [0.1, 0.8]}}"});
  CHECK(off.transmission.empty());
}
