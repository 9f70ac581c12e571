/// Metrics of a run against what a reader of single paths would compute by hand.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "fixtures.hpp"
#include "repoquake/engine/trace.hpp"

using namespace repoquake;
using fixtures::MemorySink;
using fixtures::september;

namespace {

/// One path by the tracer: the values of a variable, one a day, in the unit of a result.
class Path {
 public:
  Path(const plan::Plan& plan, std::uint64_t path) {
    for (const auto& day : engine::trace_path(plan, path))
      for (const auto& value : day.observed) series_[value.name].push_back(value.value);
  }
  [[nodiscard]] const std::vector<double>& operator[](const std::string& name) const { return series_.at(name); }
  [[nodiscard]] std::size_t days() const { return series_.at("spread").size(); }

 private:
  std::map<std::string, std::vector<double>> series_;
};

double largest(const std::vector<double>& x) { return *std::ranges::max_element(x); }
double smallest(const std::vector<double>& x) { return *std::ranges::min_element(x); }
double sum(const std::vector<double>& x) {
  double total = 0.0;
  for (const double value : x) total += value;
  return total;
}

struct Case {
  std::string expr;
  std::function<double(const Path&)> by_hand;  ///< of a path, in the unit of expressions
};

/// Every function, every operator; row 4 is 2019-09-17.
std::vector<Case> cases() {
  return {
      {"max(sofr - iorb)",
       [](const Path& p) {
         double peak = -1e9;
         for (std::size_t d = 0; d < p.days(); ++d) peak = std::max(peak, 100.0 * (p["sofr"][d] - p["iorb"][d]));
         return peak;
       }},
      {"min(reserves)", [](const Path& p) { return smallest(p["reserves"]); }},
      {"sum(basis_sales)", [](const Path& p) { return sum(p["basis_sales"]); }},
      {"mean(tga)", [](const Path& p) { return sum(p["tga"]) / static_cast<double>(p.days()); }},
      {"first(basis_position)", [](const Path& p) { return p["basis_position"].front(); }},
      {"last(basis_position) / first(basis_position) - 1",
       [](const Path& p) { return p["basis_position"].back() / p["basis_position"].front() - 1.0; }},
      {"at(sofr, 2019-09-17)", [](const Path& p) { return 100.0 * p["sofr"][4]; }},
      {"days(spread > 25 bp)",
       [](const Path& p) {
         return static_cast<double>(std::ranges::count_if(p["spread"], [](double x) { return x > 25.0; }));
       }},
      {"days(not (spread > 25 bp or spread < 5 bp) and reserves / tga >= 5)",
       [](const Path& p) {
         double days = 0.0;
         for (std::size_t d = 0; d < p.days(); ++d)
           days += p["spread"][d] >= 5.0 && p["spread"][d] <= 25.0 && p["reserves"][d] / p["tga"][d] >= 5.0 ? 1.0 : 0.0;
         return days;
       }},
      {"days(iorb == 1.80 %)",  // new rates on the 19th, row 6
       [](const Path& p) { return static_cast<double>(p.days() - 6); }},
      {"min(hf_return) - -1 %", [](const Path& p) { return 0.01 * smallest(p["hf_return"]) + 0.01; }},
      {"0.5 * (max(spread) - min(spread)) + 1 bp",
       [](const Path& p) { return 0.5 * (largest(p["spread"]) - smallest(p["spread"])) + 1.0; }},
      {"-max(futures_basis) * (days(spread != 0 bp) / 1 bd)",
       [](const Path& p) {
         return -largest(p["futures_basis"]) *
                static_cast<double>(std::ranges::count_if(p["spread"], [](double x) { return x != 0.0; }));
       }},
  };
}

std::string settings_of(const std::vector<Case>& all, const std::string& around = "") {
  std::string text = "metrics=[";
  for (std::size_t k = 0; k < all.size(); ++k)
    text += (k > 0 ? ", " : "") + std::string("{id: m") + std::to_string(k) + ", expr: \"" +
            (around.empty() ? all[k].expr : around + "(" + all[k].expr + ")") + "\"}";
  return text + "]";
}

plan::Plan with_metrics(const std::string& list, std::uint64_t paths, std::vector<std::string> more = {}) {
  more.push_back("metrics=" + list);
  more.emplace_back("output.paths=none");
  more.emplace_back("expect=[]");
  return september(more, paths);
}

}  // namespace

TEST_CASE("the per-path values are those of the traced paths", "[engine][metrics]") {
  const auto all = cases();
  const auto plan = september({settings_of(all), "expect=[]", "output.paths=none"}, 1400);
  MemorySink sink;
  (void)engine::run(plan, {.threads = 2}, sink);
  for (const std::uint64_t path : {0U, 1U, 255U, 256U, 511U, 1023U, 1024U, 1399U}) {
    const Path traced(plan, path);
    const auto& chunk = sink.chunks.at(path / 1024);
    for (std::size_t k = 0; k < all.size(); ++k) {
      INFO(all[k].expr << " on path " << path);
      const double value = chunk.metrics.at(k * chunk.n_paths + path - chunk.first_path);
      CHECK(value == Approx(all[k].by_hand(traced)).epsilon(1e-11).margin(1e-11));
    }
  }
}

TEST_CASE("control: a value of another path is seen", "[engine][metrics][control]") {
  const auto plan = with_metrics("[{id: a, expr: max(spread)}]", 300);
  MemorySink sink;
  (void)engine::run(plan, {.threads = 1}, sink);
  CHECK(std::fabs(sink.chunks[0].metrics[0] - largest(Path(plan, 1)["spread"])) > 1e-6);
}

TEST_CASE("statistics over paths are those of the per-path values", "[engine][metrics]") {
  const auto plan = with_metrics(
      "[{id: mean, expr: mean(max(spread))}, {id: sd, expr: sd(max(spread))}, {id: p, expr: P(max(spread) > 75 bp)},"
      " {id: q, expr: \"quantile(max(spread), 95 %)\"}, {id: es, expr: \"es(max(spread), 95 %)\"},"
      " {id: low, expr: \"es(min(reserves), 5 %)\", unit: tn USD}, {id: line, expr: 10 bp - 2 * mean(max(spread)), "
      "unit: \"%\"}]",
      3000);
  MemorySink sink;
  const auto summary = engine::run(plan, {.threads = 2}, sink);
  std::vector<double> peak, trough;
  for (const auto& chunk : sink.chunks) {
    peak.insert(peak.end(), chunk.metrics.begin(), chunk.metrics.begin() + chunk.n_paths);
    trough.insert(trough.end(), chunk.metrics.begin() + 5 * static_cast<std::ptrdiff_t>(chunk.n_paths),
                  chunk.metrics.begin() + 6 * static_cast<std::ptrdiff_t>(chunk.n_paths));
  }
  const auto n = static_cast<double>(peak.size());
  REQUIRE(n == 3000.0);
  const double mean = sum(peak) / n;
  double m2 = 0.0;
  for (const double x : peak) m2 += (x - mean) * (x - mean);
  const double sd = std::sqrt(m2 / (n - 1.0));
  const auto value = [&](std::size_t k) { return summary.stats.metric(k).value; };
  CHECK(value(0) == Approx(mean).epsilon(1e-12));
  CHECK(summary.stats.metric(0).standard_error == Approx(sd / std::sqrt(n)).epsilon(1e-10));
  CHECK(value(0) == summary.stats.moments(engine::PathFeature::peak_spread).mean);  // the same bits
  CHECK(value(1) == Approx(sd).epsilon(1e-10));
  const auto hits = static_cast<double>(std::ranges::count_if(peak, [](double x) { return x > 75.0; }));
  CHECK(value(2) == hits / n);
  std::ranges::sort(peak);
  std::ranges::sort(trough);
  const double exact_quantile = peak[2849] + 0.05 * (peak[2850] - peak[2849]);
  CHECK(value(3) == Approx(exact_quantile).epsilon(1e-3));
  double tail = 0.0, bottom = 0.0;
  for (std::size_t i = 0; i < 150; ++i) {
    tail += peak[2850 + i] / 150.0;
    bottom += trough[i] / 150.0;
  }
  CHECK(value(4) == Approx(tail).epsilon(1e-3));
  CHECK(value(5) == Approx(bottom / 1e3).epsilon(1e-3));
  CHECK(value(6) == Approx((10.0 - 2.0 * mean) / 100.0));
  for (std::size_t k = 0; k < 7; ++k) {
    const auto e = summary.stats.metric(k);
    CHECK(e.n == 3000);
    CHECK(e.standard_error > 0.0);
    CHECK(e.lo < e.value);
    CHECK(e.value < e.hi);
  }
}

TEST_CASE("metrics are the same bits for any number of threads and any chunk", "[engine][metrics]") {
  const auto all = cases();
  for (const std::string around : {"mean", "sd"}) {
    const auto plan = september({settings_of(all, around), "expect=[]", "output.paths=none"}, 4 * 1024 + 100);
    MemorySink one, three;
    const auto a = engine::run(plan, {.threads = 1}, one);
    const auto b = engine::run(plan, {.threads = 3}, three);
    for (std::size_t c = 0; c < one.chunks.size(); ++c) {
      CHECK(fixtures::same_bytes(one.chunks[c].metrics, three.chunks[c].metrics));
      CHECK(one.chunks[c].metric_parts == three.chunks[c].metric_parts);
    }
    for (std::size_t k = 0; k < all.size(); ++k) {
      CHECK(a.stats.metric(k).value == b.stats.metric(k).value);
      CHECK(a.stats.metric(k).standard_error == b.stats.metric(k).standard_error);
    }
  }
}

TEST_CASE("a division by nothing leaves a path without a value, and is counted", "[engine][metrics]") {
  const auto plan = with_metrics(
      "[{id: never, expr: sum(basis_sales) / sum(standing_repo)}, {id: some, expr: max(tga) / sum(basis_sales)},"
      " {id: q, expr: \"quantile(max(tga) / sum(basis_sales), 50 %)\"}, {id: p, expr: P(max(tga) / sum(basis_sales) > "
      "1)},"
      " {id: daily, expr: max(tga / basis_sales)}]",
      2000);
  MemorySink sink;
  const auto summary = engine::run(plan, {.threads = 2}, sink);
  CHECK(summary.stats.metric(0).n == 0);
  CHECK(std::isnan(summary.stats.metric(0).value));
  std::uint64_t known = 0;
  for (const auto& chunk : sink.chunks)
    for (std::size_t i = 0; i < chunk.n_paths; ++i) known += std::isnan(chunk.metrics[chunk.n_paths + i]) ? 0U : 1U;
  CHECK(known > 0);
  CHECK(known < 2000);
  for (const std::size_t k : {1U, 2U, 3U}) {
    CHECK(summary.stats.metric(k).n == known);
    CHECK(std::isfinite(summary.stats.metric(k).value));
  }
  CHECK(summary.stats.metric(4).n == 0);  // nothing is sold on the opening day
}

TEST_CASE("one path has metrics without errors", "[engine][metrics]") {
  const auto plan = with_metrics(
      "[{id: a, expr: max(spread)}, {id: b, expr: P(max(spread) > 1 bp)}, {id: c, expr: sd(max(spread))},"
      " {id: d, expr: \"quantile(max(spread), 5 %)\"}, {id: e, expr: \"es(max(spread), 5 %)\"}]",
      1);
  engine::Sink nowhere;
  const auto summary = engine::run(plan, {.threads = 1}, nowhere);
  CHECK(summary.stats.metric(0).value == largest(Path(plan, 0)["spread"]));
  CHECK(std::isnan(summary.stats.metric(0).standard_error));
  CHECK(summary.stats.metric(1).value == 1.0);
  CHECK(summary.stats.metric(1).standard_error > 0.0);
  CHECK(std::isnan(summary.stats.metric(2).value));
  CHECK(summary.stats.metric(3).value == Approx(summary.stats.metric(0).value).epsilon(1e-3));
  CHECK(summary.stats.metric(4).value == Approx(summary.stats.metric(0).value).epsilon(1e-3));
}

TEST_CASE("metrics move no other number of a run", "[engine][metrics]") {
  MemorySink with, without;
  (void)engine::run(september({settings_of(cases()), "expect=[]"}, 600), {.threads = 1}, with);
  (void)engine::run(september({"metrics=[]", "expect=[]"}, 600), {.threads = 1}, without);
  REQUIRE(with.chunks.size() == without.chunks.size());
  for (std::size_t c = 0; c < with.chunks.size(); ++c) CHECK(fixtures::same_bytes(with.chunks[c], without.chunks[c]));
}
