#include "repoquake/report/attribution_table.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/text.hpp"

namespace repoquake::report {
namespace {

std::string text_of(const study::Share& share) {
  if (std::isnan(share.value)) return "no value";
  if (share.value == 0.0 && share.standard_error == 0.0) return "none";
  return with_error(share.value, share.standard_error, metric_decimals(share.standard_error));
}

/// Due to orders, due to paths.
std::vector<std::string> parts_of_error(const study::Share& share) {
  if (std::isnan(share.value)) return {"no value"};
  const double of_paths = std::sqrt(
      std::max(0.0, share.standard_error * share.standard_error - share.error_of_orders * share.error_of_orders));
  const int decimals = metric_decimals(share.standard_error);
  return {fmt::format("{:.{}f}", share.error_of_orders, decimals), fmt::format("{:.{}f}", of_paths, decimals)};
}

void add_metric(std::string& text, const study::Attribution& a, std::span<const std::string> factors) {
  const auto estimate = [](const stats::Estimate& e) {
    return std::isnan(e.value) ? "no value" : with_error(e.value, e.standard_error, metric_decimals(e.standard_error));
  };
  text += fmt::format("\n{}: {}\n", with_unit(a.metric.id, a.metric.shown_unit), a.metric.expr);
  add_row(text, "", {"share", "of the effect", "alone", "last"});
  add_row(text, "all factors off", {estimate(a.none)});
  for (std::size_t j = 0; j < factors.size(); ++j) {
    const double part = 100.0 * a.shapley[j].value / a.effect.value;
    const bool has_part = std::isfinite(part) && std::fabs(a.effect.value) > 2.0 * a.effect.standard_error;
    add_row(text, factors[j],
            {text_of(a.shapley[j]), has_part ? fmt::format("{:.1f} %", part) : "", text_of(a.alone[j]),
             text_of(a.last[j])});
  }
  add_row(text, "together", {text_of(a.effect)});
  add_row(text, "all factors on", {estimate(a.all)});
  if (factors.size() < 2) return;
  if (a.n_orders > 0) {
    text += "  errors of the shares that are due to the sample of orders, and of paths\n";
    for (std::size_t j = 0; j < factors.size(); ++j) add_row(text, "  " + factors[j], parts_of_error(a.shapley[j]));
    text += "  interactions are told over all subsets only\n";
    return;
  }
  text += "  interactions, more (or less) together than apart\n";
  for (std::size_t j = 0; j < factors.size(); ++j)
    for (std::size_t i = 0; i < j; ++i)
      add_row(text, fmt::format("  {} x {}", factors[i], factors[j]), {text_of(a.interaction(i, j))});
}

}  // namespace

std::string attribution_table(std::span<const study::Attribution> metrics, std::span<const std::string> factors) {
  std::string text;
  for (const auto& metric : metrics) add_metric(text, metric, factors);
  return text;
}

}  // namespace repoquake::report
