#include "repoquake/report/comparison_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "report/text.hpp"

namespace repoquake::report {
namespace {

using study::Comparison;
using study::Difference;
using study::Side;
using study::Versus;

constexpr std::string_view kNoise = "within two errors";

std::string letter(std::size_t side) {
  return side < 26 ? std::string(1, static_cast<char>('A' + side)) : std::to_string(side);
}

void add_side(std::string& text, std::size_t side, const Side& s) {
  text += fmt::format("  {}  {}{}\n     {} paths, seed {}; need {}\n", letter(side),
                      s.title.empty() ? s.name : fmt::format("{} ({})", s.title, s.name),
                      s.is_conditional ? ", conditional replay" : "", s.n_paths, s.seed, s.need);
}

/// What the pairs say about where the paths part.
void add_parting(std::string& text, const Comparison& c, std::size_t side, const Versus& versus) {
  const std::string other = letter(side);
  const auto day = [&](std::size_t row) { return iso(c.base.dates[row]); };
  if (!versus.is_paired) {
    text += fmt::format("{} and A do not share their draws or days: errors as of independent runs\n", other);
    return;
  }
  text += fmt::format("{} against A on the same draws, {} pairs of paths: errors are those of the difference\n", other,
                      versus.n_pairs);
  if (versus.parts_too_early()) {
    text += fmt::format("FAULT: paths differ from {} on, before what is asked of them does\n", day(*versus.paths_part));
  } else if (!versus.knows_inputs) {
    text += !versus.paths_part ? "all stored paths are equal to the bit\n"
            : *versus.paths_part == 0
                ? "stored paths differ from the opening day on\n"
                : fmt::format("stored paths are equal to the bit before {}\n", day(*versus.paths_part));
  } else if (!versus.inputs_part) {
    text += "both ask for the same: all paths are equal to the bit\n";
  } else if (*versus.inputs_part == 0) {
    text += "what they ask for differs from the opening day on\n";
  } else {
    text += fmt::format("what they ask for differs from {} on; before it all paths are equal to the bit\n",
                        day(*versus.inputs_part));
  }
}

/// A day is worth a line if something is different on it.
void add_days(std::string& text, const Comparison& c, std::size_t side, const Versus& versus) {
  const auto spread = std::ranges::find(c.variables, Variable::spread);
  if (versus.days.empty() || spread == c.variables.end()) return;
  const std::size_t n_days = c.base.dates.size();
  const auto mean_of = [n_days](const Side& s, std::size_t day) {
    const auto place = std::ranges::find(s.variables, Variable::spread) - s.variables.begin();
    const std::size_t row = static_cast<std::size_t>(place) * n_days + day;
    return with_error(s.mean[row], s.mean_se[row]);
  };
  const std::size_t first = static_cast<std::size_t>(spread - c.variables.begin()) * n_days;
  const std::string other = letter(side);
  text += '\n';
  add_row(text, "SOFR - IORB, bp", {"mean A", "mean " + other, "mean " + other + " - A"});
  std::size_t n_equal = 0;
  for (std::size_t day = 0; day < n_days; ++day) {
    const double value = versus.days[first + day], error = versus.days_se[first + day];
    if (value == 0.0 && !(error > 0.0)) {
      ++n_equal;
      continue;
    }
    const bool is_noise = !std::isnan(error) && std::fabs(value) <= 2.0 * error;
    add_row(text, iso(c.base.dates[day]), {mean_of(c.base, day), mean_of(versus.side, day), with_error(value, error)},
            is_noise ? kNoise : std::string_view(c.base.marks[day]));
  }
  if (n_equal > 0) text += fmt::format("  {} day{} without any difference\n", n_equal, n_equal == 1 ? "" : "s");
}

void add_difference(std::string& text, std::string_view label, const Difference& d, double factor) {
  if (std::isnan(d.value)) return;  // without meaning in one of the worlds
  const bool is_equal = d.value == 0.0 && !(d.standard_error > 0.0);
  const double error = factor * d.standard_error;
  const int decimals = is_equal ? 1 : metric_decimals(error);
  const auto text_of = [factor](const stats::Estimate& e) {
    return with_error(factor * e.value, factor * e.standard_error);
  };
  const std::string share = std::isnan(d.share_larger) ? "" : fmt::format("{:.1f} %", 100.0 * d.share_larger);
  const bool is_noise = !is_equal && std::fabs(d.value) <= 2.0 * d.standard_error;
  add_row(text, label,
          {text_of(d.base), text_of(d.other), is_equal ? "none" : with_error(factor * d.value, error, decimals), share},
          is_noise ? kNoise : "");
}

void add_window(std::string& text, const Comparison& c, std::size_t side, const Versus& versus) {
  const std::string other = letter(side);
  const std::vector<std::string> heads{"A", other, other + " - A", other + " larger on"};
  text += '\n';
  add_row(text, "Over the window, means", heads);
  const auto find = [&](std::string_view name) {
    return std::ranges::find_if(c.base.quantities, [&](const auto& q) { return q.name == name && !q.is_metric; });
  };
  const auto difference_of = [&](auto quantity) -> const Difference& {
    return versus.window[static_cast<std::size_t>(quantity - c.base.quantities.begin())];
  };
  for (const auto& row : kWindowRows) {
    const auto quantity = find(engine::kPathFeatures[engine::index(row.feature)].name);
    if (quantity == c.base.quantities.end()) continue;
    add_difference(text, row.label, difference_of(quantity),
                   row.feature == engine::PathFeature::is_not_back ? 100.0 : 1.0);
    if (row.feature != engine::PathFeature::peak_spread) continue;
    for (const double share : study::kPeakQuantiles)
      if (const auto peak = find(study::name_of_peak_quantile(share)); peak != c.base.quantities.end())
        add_difference(text, fmt::format("  its {:g} % quantile", 100.0 * share), difference_of(peak), 1.0);
  }
  bool has_head = false;
  for (std::size_t k = 0; k < c.base.quantities.size(); ++k) {
    const auto& quantity = c.base.quantities[k];
    if (!quantity.is_metric) continue;
    if (!has_head) {
      text += '\n';
      add_row(text, "Metrics", {"A", other, other + " - A"});
      has_head = true;
    }
    if (std::isnan(versus.window[k].value))
      add_row(text, with_unit(quantity.name, quantity.shown_unit), {"", "", "no value"});
    else
      add_difference(text, with_unit(quantity.name, quantity.shown_unit), versus.window[k], 1.0);
  }
}

}  // namespace

std::string comparison_table(const Comparison& c) {
  std::string text;
  add_side(text, 0, c.base);
  for (std::size_t k = 0; k < c.others.size(); ++k) add_side(text, k + 1, c.others[k].side);
  for (std::size_t k = 0; k < c.others.size(); ++k) {
    text += '\n';
    add_parting(text, c, k + 1, c.others[k]);
    add_days(text, c, k + 1, c.others[k]);
    add_window(text, c, k + 1, c.others[k]);
  }
  return text;
}

}  // namespace repoquake::report
