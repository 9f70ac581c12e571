#include "repoquake/report/sweep_text.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "report/text.hpp"

namespace repoquake::report {
namespace {

using study::PointStatus;
using study::SweepPoint;
using study::SweepTable;

constexpr std::size_t kRowsShown = 80;
constexpr std::size_t kFailuresShown = 10;

/// The last part of a key is what people know it by; the whole where two end alike.
std::vector<std::string> short_keys(const SweepTable& table) {
  std::vector<std::string> names;
  for (const auto& parameter : table.parameters) {
    const auto tail_of = [](const std::string& key) {
      auto cut = key.rfind('.');
      if (cut != std::string::npos && key.substr(cut + 1) == "size") cut = key.rfind('.', cut - 1);
      return cut == std::string::npos ? key : key.substr(cut + 1);
    };
    const std::string tail = tail_of(parameter.key);
    const auto alike = std::ranges::count_if(table.parameters, [&](const auto& p) { return tail_of(p.key) == tail; });
    names.push_back(alike > 1 ? parameter.key : tail);
  }
  return names;
}

std::string estimate_text(const stats::Estimate& e) {
  return std::isnan(e.value) ? "no value" : with_error(e.value, e.standard_error, metric_decimals(e.standard_error));
}

/// Columns as wide as what is in them.
void add_columns(std::string& text, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t k = 0; k < row.size(); ++k) {
      if (k == widths.size()) widths.push_back(0);
      widths[k] = std::max(widths[k], width_of(row[k]));
    }
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t k = 0; k < row.size(); ++k)
      line += ' ' + std::string(widths[k] - width_of(row[k]) + 1, ' ') + row[k];
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
}

void add_points(std::string& text, const SweepTable& table) {
  std::vector<std::vector<std::string>> rows{{"point"}};
  for (const auto& key : short_keys(table)) rows.front().push_back(key);
  for (const auto& metric : table.metrics) rows.front().push_back(with_unit(metric.id, metric.shown_unit));
  for (const SweepPoint& point : table.points) {
    std::vector<std::string> row{std::to_string(point.number)};
    row.insert(row.end(), point.texts.begin(), point.texts.end());
    for (std::size_t k = 0; k < table.metrics.size(); ++k)
      row.push_back(point.outcome.status == PointStatus::done     ? estimate_text(point.outcome.metrics[k])
                    : point.outcome.status == PointStatus::failed ? "failed"
                                                                  : "");
    rows.push_back(std::move(row));
  }
  text += '\n';
  add_columns(text, rows);
}

/// Where a metric is least and largest.
void add_ranges(std::string& text, const SweepTable& table) {
  text += '\n';
  std::vector<std::vector<std::string>> rows{{"metric", "least", "at point", "largest", "at point"}};
  for (std::size_t k = 0; k < table.metrics.size(); ++k) {
    const SweepPoint *least = nullptr, *largest = nullptr;
    for (const SweepPoint& point : table.points) {
      if (point.outcome.status != PointStatus::done || std::isnan(point.outcome.metrics[k].value)) continue;
      const double value = point.outcome.metrics[k].value;
      if (least == nullptr || value < least->outcome.metrics[k].value) least = &point;
      if (largest == nullptr || value > largest->outcome.metrics[k].value) largest = &point;
    }
    if (least == nullptr) continue;
    rows.push_back({with_unit(table.metrics[k].id, table.metrics[k].shown_unit),
                    estimate_text(least->outcome.metrics[k]), std::to_string(least->number),
                    estimate_text(largest->outcome.metrics[k]), std::to_string(largest->number)});
  }
  add_columns(text, rows);
}

void add_indices(std::string& text, const SweepTable& table) {
  if (table.indices.empty()) return;
  const auto keys = short_keys(table);
  for (std::size_t m = 0; m < table.metrics.size(); ++m) {
    text += '\n';
    std::vector<std::vector<std::string>> rows{{table.metrics[m].id}};
    for (const auto& index : table.indices) rows.front().push_back(index.name);
    for (std::size_t p = 0; p < keys.size(); ++p) {
      std::vector<std::string> row{keys[p]};
      for (const auto& index : table.indices) {
        const auto& estimate = index.values[p * table.metrics.size() + m];
        row.push_back(std::isnan(estimate.value)            ? "none"
                      : std::isnan(estimate.standard_error) ? fmt::format("{:.3g}", estimate.value)
                                                            : with_error(estimate.value, estimate.standard_error, 3));
      }
      rows.push_back(std::move(row));
    }
    add_columns(text, rows);
    if (table.left_out[m] > 0) text += fmt::format("  {} left out because points failed\n", table.left_out[m]);
  }
}

void add_failures(std::string& text, const SweepTable& table) {
  const std::uint64_t n_failed = table.count(PointStatus::failed);
  if (n_failed == 0) return;
  text += "\nFailed points\n";
  std::size_t shown = 0;
  for (const SweepPoint& point : table.points) {
    if (point.outcome.status != PointStatus::failed || shown == kFailuresShown) continue;
    text += fmt::format("  {}: {}\n", point.number, point.outcome.message);
    ++shown;
  }
  if (n_failed > shown) text += fmt::format("  and {} more\n", n_failed - shown);
}

}  // namespace

std::string sweep_text(const SweepTable& table) {
  std::uint64_t n_paths = 0;
  for (const SweepPoint& point : table.points) n_paths += point.outcome.n_paths;
  std::string text = (table.title.empty() ? table.name : table.title) + '\n';
  if (table.is_conditional) text += "Conditional replay at every point: realised flows are inputs.\n";
  text += fmt::format("{} points ({}){}{}, {} done, {} failed, {} missing; {} paths on common random numbers\n",
                      table.points.size(), table.kind, table.shard.empty() ? "" : ", shard " + table.shard,
                      table.n_skipped > 0 ? fmt::format(", {} skipped", table.n_skipped) : "",
                      table.count(PointStatus::done), table.count(PointStatus::failed),
                      table.count(PointStatus::missing), n_paths);
  text += "Funding need " + table.need + '\n';
  if (table.points.size() <= kRowsShown) add_points(text, table);
  if (table.points.size() > kRowsShown || table.points.size() > 12) add_ranges(text, table);
  add_indices(text, table);
  add_failures(text, table);
  const auto flagged =
      std::ranges::max_element(table.points, {}, [](const SweepPoint& point) { return point.outcome.flagged_share; });
  if (flagged != table.points.end() && flagged->outcome.flagged_share > 0.0)
    text += fmt::format("\nup to {:.2f} % of path-days have no clearing below 3000 bp (point {})\n",
                        100.0 * flagged->outcome.flagged_share, flagged->number);
  return text;
}

std::string need_text(const scenario::Scenario& point, const std::string& base) {
  switch (point.market.need) {
    case scenario::NeedRule::hold:
      return "held from " + base;
    case scenario::NeedRule::amount:
      return "as stated";
    case scenario::NeedRule::invert:
      break;
  }
  return "inverted at the opening spread of each point";
}

}  // namespace repoquake::report
