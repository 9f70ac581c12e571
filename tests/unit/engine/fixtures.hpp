/// Plans and sinks for tests of the engine.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/engine/run.hpp"
#include "repoquake/io/scenario_yaml.hpp"
#include "repoquake/plan/compile.hpp"

namespace repoquake::fixtures {

/// A scenario of the library with settings laid over it.
inline plan::Plan library(const std::string& name, const std::vector<std::string>& settings, std::uint64_t paths) {
  const auto loaded = io::load_scenario(std::string(REPOQUAKE_SOURCE_DIR) + "/scenarios/" + name + ".yaml",
                                        {.overlays = {}, .settings = settings, .paths = paths, .seed = {}});
  io::require_valid(loaded);
  auto compiled = plan::compile(loaded.scenario, loaded.base ? &*loaded.base : nullptr);
  REQUIRE(compiled.issues.empty());
  REQUIRE(compiled.plan.has_value());
  return std::move(*compiled.plan);
}

/// The September 2019 replay with settings laid over it.
inline plan::Plan september(const std::vector<std::string>& settings, std::uint64_t paths = 3000) {
  return library("sep_2019", settings, paths);
}

/// Every policy rule, on triggers low enough to see each of them fire in September 2019.
inline std::vector<std::string> with_rules(std::vector<std::string> settings = {}) {
  settings.insert(settings.begin(),
                  {"policy.repo_operations=[]", "policy.meetings=[2019-09-13, 2019-09-18, 2019-09-25]",
                   "policy.securities={runoff: 30 bn USD per month}",
                   "policy.rules={emergency_repo: {trigger: 30 bp}, large_scale_repo: {basis: 0.5 bp}, "
                   "runoff_stop: {trigger: 4 bp, lag: 2 bd}, "
                   "reserve_management_purchases: {trigger: 4 bp, lag: 2 bd}, "
                   "large_purchases: {yield_impact: 0.2 bp, basis: 0.4 bp, stop_basis: 0.1 bp}, "
                   "administered_rates: {trigger: 4 bp}}"});
  return settings;
}

/// Every flow drawn that can be, correlated.
inline std::vector<std::string> with_drivers(std::vector<std::string> settings = {}) {
  settings.insert(
      settings.begin(),
      {"policy.tga={follow: null, target: 300 bn USD, by: 2019-09-27}",
       "drivers={settlements: drawn, volatility: {drawn: {jump: {probability: 0.1}}}, other_factors: drawn, "
       "currency: {growth: 6 bn USD per month}, correlation: [{between: [tga, bills], rho: 0.5}, "
       "{between: [coupons, tga], rho: -0.3}, {between: [volatility, other_factors], rho: 0.4}]}"});
  return settings;
}

/// Keeps every chunk, and counts how many were made but not yet written.
class MemorySink final : public engine::Sink {
 public:
  void encode(engine::ChunkResult&) const override {
    const int now = ++in_flight_;
    int most = most_in_flight_.load();
    while (now > most && !most_in_flight_.compare_exchange_weak(most, now)) {
    }
  }
  void write(const engine::ChunkResult& chunk) override {
    --in_flight_;
    chunks.push_back(chunk);
  }
  void end(const engine::RunSummary&) override { has_ended = true; }

  [[nodiscard]] int most_in_flight() const { return most_in_flight_.load(); }

  std::vector<engine::ChunkResult> chunks;
  bool has_ended = false;

 private:
  mutable std::atomic<int> in_flight_{0};
  mutable std::atomic<int> most_in_flight_{0};
};

/// The stored values of one variable, (path, day) row-major over all chunks.
inline std::vector<float> table_of(const MemorySink& sink, const engine::Manifest& manifest, Variable variable) {
  const auto place =
      static_cast<std::size_t>(std::ranges::find(manifest.variables, variable) - manifest.variables.begin());
  std::vector<float> all;
  for (const auto& chunk : sink.chunks) {
    const auto part = chunk.table(place, manifest.n_days());
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

/// Are two ranges the same bytes? (NaN equals itself, 0 differs from -0.)
template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

inline bool same_bytes(const engine::ChunkResult& a, const engine::ChunkResult& b) {
  return a.first_path == b.first_path && a.n_paths == b.n_paths && same_bytes(a.paths, b.paths) &&
         same_bytes(a.features, b.features) && same_bytes(a.days_above, b.days_above) && same_bytes(a.flags, b.flags) &&
         same_bytes(a.events, b.events) && same_bytes(a.moments, b.moments) && a.bins == b.bins &&
         a.bin_ranges == b.bin_ranges && same_bytes(a.exceedances, b.exceedances) &&
         same_bytes(a.flag_days, b.flag_days);
}

}  // namespace repoquake::fixtures
