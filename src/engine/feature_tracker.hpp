/// Per-path features (engine/path_features.hpp) as they build up over the days of a block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/simulation_code.hpp"

namespace repoquake::engine::compiled {

class FeatureTracker {
 public:
  /// The opening day of a block.
  void open(const plan::Plan& plan, const BlockWorkspace& work) noexcept;
  /// Any later day, once each.
  void see(const plan::Plan& plan, std::uint32_t day, const BlockWorkspace& work) noexcept;

  [[nodiscard]] const ColumnData& operator[](std::size_t feature) const { return columns_[feature]; }
  [[nodiscard]] std::uint32_t flags(std::size_t lane) const { return flags_[lane]; }  ///< of any day

 private:
  void see_spread(double calendar_days, ConstColumn spread) noexcept;
  void see_trade(const model::DayOutcome& out) noexcept;

  ColumnData& at(PathFeature feature) noexcept { return columns_[index(feature)]; }
  /// feature[i] = f(feature[i], value(i)), a loop without branches that the compiler turns into vectors.
  template <class F, class Value>
  void fold(PathFeature feature, F&& f, Value&& value) noexcept {
    ColumnData& column = at(feature);
    for (std::size_t i = 0; i < kBlockPaths; ++i) column[i] = f(column[i], value(i));
  }
  template <class Value>
  void add(PathFeature feature, Value&& value) noexcept {
    fold(
        feature, [](double a, double b) { return a + b; }, value);
  }

  double opening_position_ = 0.0;
  std::array<ColumnData, kPathFeatureCount> columns_;
  std::array<std::uint32_t, kBlockPaths> flags_{};
};

}  // namespace repoquake::engine::compiled
