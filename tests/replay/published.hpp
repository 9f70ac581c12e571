/// What the replays share: a run of a scenario, its quantiles by name and date, and rows of published figures.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/engine/run.hpp"
#include "repoquake/io/scenario_yaml.hpp"
#include "repoquake/plan/compile.hpp"

namespace repoquake::replay {

using engine::PathFeature;
using stats::QuantileEstimate;

/// A scenario that was run, and what it gave.
struct Replay {
  scenario::Scenario scenario;
  engine::RunSummary run;

  [[nodiscard]] QuantileEstimate quantile(PathFeature f, double p) const { return run.stats.quantile(f, p); }
  [[nodiscard]] QuantileEstimate quantile(Variable v, std::string_view date, double p) const {
    return run.stats.quantile(place(v), row(date), p);
  }
  [[nodiscard]] QuantileEstimate median(PathFeature f) const { return quantile(f, 0.5); }
  [[nodiscard]] QuantileEstimate median(Variable v, std::string_view date) const { return quantile(v, date, 0.5); }
  [[nodiscard]] double spread(std::string_view date) const { return median(Variable::spread, date).value; }

  /// Does the value lie between two quantiles?
  template <class... What>
  [[nodiscard]] bool holds(double value, double low, double high, What... what) const {
    return quantile(what..., low).value <= value && value <= quantile(what..., high).value;
  }

 private:
  [[nodiscard]] std::size_t place(Variable v) const {
    const auto& all = run.manifest.statistics;
    const auto found = std::ranges::find(all, v);
    REQUIRE(found != all.end());
    return static_cast<std::size_t>(found - all.begin());
  }
  [[nodiscard]] std::size_t row(std::string_view date) const {
    const auto& all = run.manifest.dates;
    const auto found = std::ranges::find_if(all, [&](const auto& day) { return calendar::to_iso(day) == date; });
    REQUIRE(found != all.end());
    return static_cast<std::size_t>(found - all.begin());
  }
};

inline Replay run(const io::LoadedScenario& loaded) {
  io::require_valid(loaded);
  const auto compiled = plan::compile(loaded.scenario, loaded.base ? &*loaded.base : nullptr);
  REQUIRE(compiled.issues.empty());
  REQUIRE(compiled.plan.has_value());
  engine::Sink nowhere;
  return {loaded.scenario, engine::run(*compiled.plan, {}, nowhere)};
}

/// 8,000 paths, as published. Paths are not stored.
inline io::LoadOptions options(std::vector<std::string> settings) {
  settings.insert(settings.begin(), "output.paths=none");
  return {.overlays = {}, .settings = std::move(settings), .paths = 8000, .seed = {}};
}

/// A file of scenarios/, by name.
inline Replay run(const std::string& name, std::vector<std::string> settings = {}) {
  return run(io::load_scenario(std::string(REPOQUAKE_SOURCE_DIR) + "/scenarios/" + name + ".yaml", options(settings)));
}

/// A row of published quantiles. What 8,000 paths of another generator may differ by: a tenth of the row's width and
/// three standard errors in the middle, a fifth of the width at the ends, where a quantile of 8,000 paths is less certain.
struct Published {
  double p5, p25, median, p75, p95;

  [[nodiscard]] double width() const { return p95 - p5; }
  [[nodiscard]] bool agrees(const Replay& replay, PathFeature f, double shift = 0.0) const {
    const auto off = [&](double p, double published) {
      return std::abs(replay.quantile(f, p).value + shift - published);
    };
    return off(0.50, median) <= 0.1 * width() + 3.0 * replay.median(f).standard_error() &&
           off(0.05, p5) <= 0.2 * width() && off(0.95, p95) <= 0.2 * width();
  }
};

struct Row {
  PathFeature feature;
  Published published;
};

inline void check(const Replay& replay, const std::vector<Row>& rows) {
  for (const auto& [feature, published] : rows) {
    INFO(engine::kPathFeatures[engine::index(feature)].name << ": " << replay.quantile(feature, 0.05).value << " / "
                                                            << replay.median(feature).value << " / "
                                                            << replay.quantile(feature, 0.95).value);
    CHECK(published.agrees(replay, feature));
  }
}

/// A row moved by 0.3 of its width must not agree, to either side.
inline void check_that_it_can_fail(const Replay& replay, const std::vector<Row>& rows) {
  for (const auto& [feature, published] : rows) {
    INFO(engine::kPathFeatures[engine::index(feature)].name);
    CHECK_FALSE(published.agrees(replay, feature, 0.3 * published.width()));
    CHECK_FALSE(published.agrees(replay, feature, -0.3 * published.width()));
  }
}

struct Day {
  std::string_view date;
  double published;
};

/// The larger of 1 bp and a tenth: published medians of a day are rounded to 1 bp, and three standard errors of 8,000
/// paths fit into it.
inline bool is_near_by_day(double value, double published) {
  return std::abs(value - published) <= std::max(1.0, 0.1 * std::abs(published));
}

inline void check(const Replay& replay, const std::vector<Day>& days) {
  for (const auto& [date, published] : days) {
    INFO(date << ": " << replay.spread(date));
    CHECK(is_near_by_day(replay.spread(date), published));
  }
}

/// Within a tenth of what is published, and three standard errors.
inline bool is_near(const QuantileEstimate& value, double published) {
  return std::abs(value.value - published) <= 0.1 * std::abs(published) + 3.0 * value.standard_error();
}

/// Larger by more than three combined standard errors. Runs share their draws, so this asks for more than it must.
inline bool is_above(const QuantileEstimate& a, const QuantileEstimate& b) {
  return a.value - b.value > 3.0 * std::hypot(a.standard_error(), b.standard_error());
}

}  // namespace repoquake::replay
