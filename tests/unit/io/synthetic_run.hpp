/// A run without a model: small tables whose every number is known, through the same doors as a real one.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "repoquake/core/flags.hpp"
#include "repoquake/io/result_writer.hpp"
#include "repoquake/stats/moments.hpp"
#include "repoquake/stats/quantile.hpp"

namespace repoquake::test {

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A folder of its own for each test, gone with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "repoquake-io-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::string operator/(const std::string& name) const { return (folder_ / name).string(); }
  [[nodiscard]] std::string name() const { return folder_.string(); }

 private:
  std::filesystem::path folder_;
};

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void spill(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

/// 10 paths in chunks of 4, 5 days across a weekend.
inline engine::Manifest small_manifest() {
  using namespace std::chrono;
  engine::Manifest m;
  m.name = "synthetic";
  m.title = "A synthetic run – not a forecast";
  for (const int day : {12, 13, 16, 17, 18}) m.dates.push_back(sys_days(year(2019) / September / day));
  m.n_paths = 10;
  m.seed = 0xFFFF'FFFF'FFFF'FFFEU;  // seeds use all 64 bits
  m.is_conditional = true;
  m.stored.sample = m.n_paths;
  m.variables = {Variable::spread, Variable::reserves, Variable::standing_repo_rate};
  m.statistics = m.variables;
  m.quantiles = {0.05, 0.5, 0.95};
  m.thresholds = {10.0, 50.0};
  m.chunk_paths = 4;
  return m;
}

/// What the file must say. The standing repo rate has no value anywhere.
inline float value_of(Variable variable, std::uint64_t path, std::size_t day) {
  const auto p = static_cast<float>(path);
  const auto d = static_cast<float>(day);
  if (variable == Variable::standing_repo_rate) return std::numeric_limits<float>::quiet_NaN();
  return variable == Variable::spread ? 8.0F * p + d + 0.25F : 1400.0F - 3.0F * p - 0.125F * d;
}

inline double feature_of(engine::PathFeature feature, std::uint64_t path) {
  if (feature == engine::PathFeature::peak_day) return static_cast<double>(path % 5);
  return 100.0 * static_cast<double>(engine::index(feature)) + static_cast<double>(path) / 7.0;
}

/// What happened on a day, where policy has rules.
inline std::uint32_t event_of(std::uint64_t path, std::size_t day) {
  return path % 3 == 1 && day == 2 ? bit(PathFlag::runoff_stop) : day == 4 ? bit(PathFlag::large_purchases) : 0U;
}

inline engine::ChunkResult make_chunk(const engine::Manifest& m, std::uint64_t chunk) {
  const stats::BinScale scale;
  engine::ChunkResult c;
  c.first_path = chunk * m.chunk_paths;
  c.n_paths = static_cast<std::uint32_t>(std::min<std::uint64_t>(m.chunk_paths, m.n_paths - c.first_path));
  if (m.stored.may_need(c.first_path))
    for (const Variable variable : m.variables)
      for (std::uint64_t path = c.first_path; path < c.first_path + c.n_paths; ++path)
        for (std::size_t day = 0; day < m.n_days(); ++day) c.paths.push_back(value_of(variable, path, day));

  const auto add_slot = [&](const std::vector<double>& values) {
    const bool is_missing = std::isnan(values.front());
    c.moments.push_back(is_missing ? stats::Moments{} : stats::moments_of(values));
    stats::BinRange& range = c.bin_ranges.emplace_back();
    for (const double value : values) {
      c.bins.push_back(is_missing ? ~std::uint32_t{0} : scale.bin(value));
      if (!is_missing) range.widen({c.bins.back(), c.bins.back()});
    }
  };
  std::vector<double> values(c.n_paths);
  for (const Variable variable : m.statistics)
    for (std::size_t day = 0; day < m.n_days(); ++day) {
      for (std::uint32_t i = 0; i < c.n_paths; ++i)
        values[i] = static_cast<double>(value_of(variable, c.first_path + i, day));
      add_slot(values);
    }
  for (const auto& spec : engine::kPathFeatures) {
    for (std::uint32_t i = 0; i < c.n_paths; ++i) values[i] = feature_of(spec.feature, c.first_path + i);
    c.features.insert(c.features.end(), values.begin(), values.end());
    add_slot(values);
  }

  c.exceedances.assign(m.thresholds.size() * m.n_days(), 0);
  c.flag_days.assign(kPathFlagCount, 0);
  for (std::uint64_t path = c.first_path; path < c.first_path + c.n_paths; ++path) {
    for (std::size_t t = 0; t < m.thresholds.size(); ++t) {
      std::uint16_t days = 0;
      for (std::size_t day = 0; day < m.n_days(); ++day)
        if (static_cast<double>(value_of(Variable::spread, path, day)) > m.thresholds[t]) {
          ++days;
          ++c.exceedances[t * m.n_days() + day];
        }
      c.days_above.push_back(days);
    }
    const std::uint32_t flags = path % 2 == 0 ? 0 : bit(PathFlag::forced_sales);
    c.flags.push_back(flags);
    if (flags != 0) c.flag_days[4] += 3;
    for (std::size_t day = 0; m.may_need_events(c.first_path) && day < m.n_days(); ++day)
      c.events.push_back(event_of(path, day));
  }
  return c;
}

inline std::uint64_t chunk_count(const engine::Manifest& m) { return (m.n_paths + m.chunk_paths - 1) / m.chunk_paths; }

/// The engine in one thread; stops early where `chunks` is less than all.
inline engine::RunSummary drive(engine::Sink& sink, const engine::Manifest& m,
                                std::uint64_t chunks = ~std::uint64_t{0}) {
  engine::RunSummary summary{.manifest = m, .stats = engine::OnlineStats(m), .seconds = 1.5, .threads = 3};
  sink.begin(m);
  for (std::uint64_t k = 0; k < std::min(chunks, chunk_count(m)); ++k) {
    engine::ChunkResult chunk = make_chunk(m, k);
    sink.encode(chunk);
    summary.stats.absorb(chunk);
    summary.convergence.see(summary.stats);
    sink.write(chunk);
  }
  if (chunks < chunk_count(m)) summary.stop_reason = engine::StopReason::interrupted;
  sink.end(summary);
  return summary;
}

inline io::Provenance small_provenance() {
  io::Provenance p;
  p.resolved_scenario = "format: repoquake/scenario/1\nname: synthetic  # ✓\n";
  p.scenario_sha256 = std::string(64, 'a');
  p.overrides = {{"simulate.paths", "10"}};
  p.command_line = {"repoquake", "run", "synthetic.yaml", ""};
  p.inputs = {{"scenario", "synthetic.yaml", std::string(64, 'b')}, {"series", "data/s.csv", std::string(64, 'c')}};
  p.build = {{"compiler", "g++ 12.2.0"}, {"flags", "-O2"}};
  p.instruction_set = "x86-64";
  p.host = "a host";
  p.program_version = "0.1.0";
  p.git_describe = "v0.1.0-3-gabcdef0";
  return p;
}

inline io::Observed small_observed() {
  return {{{"sofr", "percent", "SOFR as published", {2.20, 2.43, 5.25, kNaN, 1.95}},
           {"reserves", "1e9 USD", "reserve balances", {kNaN, kNaN, kNaN, 1385.0, kNaN}}}};
}

inline io::WriterOptions options(const std::string& path, bool force = false, bool compress = true) {
  return {.path = path, .force = force, .compress = compress};
}

/// A complete result at `path`.
inline engine::RunSummary write_small(const std::string& path, bool force = false, bool compress = true) {
  io::ResultWriter writer(options(path, force, compress), small_provenance(), small_observed());
  return drive(writer, small_manifest());
}

}  // namespace repoquake::test
