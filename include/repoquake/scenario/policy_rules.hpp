/// Policy that reacts by itself: which rules there are, and their parameters. One table of record, read by the scenario
/// reader, the checks and the compiler; what a rule does is in model/policy_rules.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/scenario/parameters.hpp"

namespace repoquake::scenario {

using calendar::Date;

enum class Rule : std::uint8_t {
  emergency_repo,
  large_scale_repo,
  runoff_stop,
  reserve_management_purchases,
  large_purchases,
  administered_rates
};

inline constexpr std::size_t kRuleCount = 6;
inline constexpr std::array<std::string_view, kRuleCount> kRuleNames{"emergency_repo",  "large_scale_repo",
                                                                     "runoff_stop",     "reserve_management_purchases",
                                                                     "large_purchases", "administered_rates"};

struct RuleParameterSpec {
  Rule rule;
  std::string_view key;
  Unit unit;
  double default_value, low, high;
  std::string_view meaning;
};

/// Sorted by rule.
[[nodiscard]] std::span<const RuleParameterSpec> rule_parameters() noexcept;

/// A rule as a scenario states it.
struct PolicyRule {
  bool enabled = false;
  std::optional<Date> from{};   ///< first day on which it may act; nothing: the start of the window
  std::optional<Date> until{};  ///< last day

  [[nodiscard]] bool in_force(Date day) const noexcept {
    return enabled && (!from || day >= *from) && (!until || day <= *until);
  }
  bool operator==(const PolicyRule&) const = default;
};

class PolicyRules {
 public:
  PolicyRules();

  [[nodiscard]] const PolicyRule& operator[](Rule rule) const noexcept {
    return rules_[static_cast<std::size_t>(rule)];
  }
  [[nodiscard]] PolicyRule& operator[](Rule rule) noexcept { return rules_[static_cast<std::size_t>(rule)]; }
  [[nodiscard]] bool any_enabled() const noexcept;

  /// The value of a row of rule_parameters(), or of a key that exists (LogicError otherwise).
  [[nodiscard]] double operator[](std::size_t row) const { return values_.at(row); }
  [[nodiscard]] double at(Rule rule, std::string_view key) const;
  void set(std::size_t row, double value) { values_.at(row) = value; }

  bool operator==(const PolicyRules&) const = default;

 private:
  std::array<PolicyRule, kRuleCount> rules_{};
  std::vector<double> values_;
};

}  // namespace repoquake::scenario
