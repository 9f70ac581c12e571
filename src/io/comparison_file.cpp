#include "repoquake/io/comparison_file.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "io/cf_dataset.hpp"
#include "io/provenance_group.hpp"
#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/output_file.hpp"
#include "repoquake/io/result_reader.hpp"
#include "repoquake/stats/student.hpp"

namespace repoquake::io {
namespace {

using engine::kPathFeatures;
using study::Comparison;
using study::Side;
using study::Versus;

constexpr std::uint64_t kPathsAtOnce = 1024;

/// Standard errors from an estimate of the result to its 95 % limits.
double reach_of(const ResultInfo& info) {
  if (!info.batching.any()) return stats::kNormal95;
  const std::uint64_t filled = std::min<std::uint64_t>(info.batching.count, info.n_paths / info.batching.run);
  return filled < 2 ? stats::kNormal95 : stats::student_975(filled - 1);
}

std::vector<std::chrono::sys_days> read_dates(const ResultInfo& info) {
  constexpr std::string_view kDaysSince = "days since ";
  const DatasetInfo* time = info.find("/stats/time");
  if (time == nullptr || !time->units.starts_with(kDaysSince))
    throw DataError(info.path + ": has no days in /stats/time");
  const auto first = calendar::parse_iso_date(std::string_view(time->units).substr(kDaysSince.size()));
  if (!first) throw DataError(info.path + ": /stats/time: not dates: " + time->units);
  std::vector<std::chrono::sys_days> dates;
  constexpr double kMostDays = 1e6;
  for (const double days : read_column(info.path, "/stats/time")) {
    if (!(std::fabs(days) < kMostDays)) throw DataError(info.path + ": /stats/time: not days");
    dates.push_back(*first + std::chrono::days{std::lround(days)});
  }
  if (dates.empty()) throw DataError(info.path + ": has no days in /stats/time");
  return dates;
}

/// The row of a stored quantile, where it is stored.
std::optional<std::uint64_t> find_quantile(const ResultInfo& info, const std::string& group, double share) {
  const std::string name = group + "/quantile";
  if (info.find(name) == nullptr) return std::nullopt;
  const auto fractions = read_column(info.path, name);
  const auto found = std::ranges::find_if(fractions, [&](double f) { return std::fabs(f - share) < 1e-9; });
  return found == fractions.end() ? std::nullopt : std::optional(static_cast<std::uint64_t>(found - fractions.begin()));
}

void read_days(const ResultInfo& info, Side& side) {
  const auto median = find_quantile(info, "/stats", 0.5);
  const std::size_t n_days = side.dates.size();
  const auto append = [n_days, &info](std::vector<double>& to, const std::vector<double>& values) {
    if (values.size() != n_days) throw DataError(info.path + ": /stats: has tables of other days");
    to.insert(to.end(), values.begin(), values.end());
  };
  for (const VariableSpec& spec : kVariables) {
    const std::string name = "/stats/" + std::string(spec.name);
    if (info.find(name + "_mean") == nullptr || info.find(name + "_mean_se") == nullptr) continue;
    side.variables.push_back(spec.variable);
    append(side.mean, read_column(info.path, name + "_mean"));
    append(side.mean_se, read_column(info.path, name + "_mean_se"));
    append(side.median, median && info.find(name + "_quantile") != nullptr
                            ? read_table(info.path, name + "_quantile", *median, 1).values
                            : std::vector<double>(n_days, kNaN));
  }
}

void read_features(const ResultInfo& info, Side& side) {
  if (info.find("/features/mean") == nullptr) return;
  const auto names = read_texts(info.path, "/features/feature");
  const auto units = read_texts(info.path, "/features/unit");
  const auto meanings = read_texts(info.path, "/features/meaning");
  const auto mean = read_column(info.path, "/features/mean");
  const auto error = read_column(info.path, "/features/mean_se");
  const std::size_t n = names.size();
  require_equal_lengths(info.path, "/features", {n, units.size(), meanings.size(), mean.size(), error.size()});
  const double reach = reach_of(info);
  for (std::size_t k = 0; k < n; ++k) {
    side.quantities.push_back({names[k], units[k], units[k], meanings[k]});
    side.estimates.push_back({.value = mean[k],
                              .standard_error = error[k],
                              .lo = mean[k] - reach * error[k],
                              .hi = mean[k] + reach * error[k],
                              .n = info.n_paths});
  }
  const auto peak = static_cast<std::size_t>(std::ranges::find(names, "peak_spread") - names.begin());
  for (const double share : study::kPeakQuantiles) {
    const auto row = find_quantile(info, "/features", share);
    if (!row || peak == n) continue;
    const auto of = [&](const std::string& suffix) {
      const Table table = read_table(info.path, "/features/value_quantile" + suffix, *row, 1);
      require_equal_lengths(info.path, "/features/value_quantile" + suffix, {n, table.columns});
      return table.values.at(peak);
    };
    const stats::QuantileEstimate q{of(""), of("_lo"), of("_hi"), reach};
    side.quantities.push_back(
        {study::name_of_peak_quantile(share), "bp", "bp", "quantile over paths of the largest SOFR minus IORB"});
    side.estimates.push_back(
        {.value = q.value, .standard_error = q.standard_error(), .lo = q.lo, .hi = q.hi, .n = info.n_paths});
  }
}

void read_metrics(const ResultInfo& info, Side& side) {
  if (info.find("/metrics/value") == nullptr) return;
  const auto names = read_texts(info.path, "/metrics/metric");
  const auto units = read_texts(info.path, "/metrics/unit");
  const auto expressions = read_texts(info.path, "/metrics/expr");
  const auto value = read_column(info.path, "/metrics/value");
  const auto error = read_column(info.path, "/metrics/se");
  const auto lo = read_column(info.path, "/metrics/ci_lo"), hi = read_column(info.path, "/metrics/ci_hi");
  const std::size_t n = names.size();
  require_equal_lengths(info.path, "/metrics",
                        {n, units.size(), expressions.size(), value.size(), error.size(), lo.size(), hi.size()});
  for (std::size_t k = 0; k < n; ++k) {
    side.quantities.push_back({names[k], units[k], units[k], expressions[k], true});
    side.estimates.push_back(
        {.value = value[k], .standard_error = error[k], .lo = lo[k], .hi = hi[k], .n = info.n_paths});
  }
}

/// Paths 0 ... n - 1 are stored: how many of them.
std::uint64_t count_first_paths(const ResultInfo& info, const std::string& group) {
  const DatasetInfo* path = info.find(group + "/path");
  if (path == nullptr || path->shape.empty()) return 0;
  const auto indices = read_values(info.path, group + "/path", 0, path->shape.front());
  std::uint64_t n = 0;
  while (n < indices.size() && indices[n] == static_cast<double>(n)) ++n;
  return n;
}

engine::ChunkResult read_chunk(const std::string& path, std::span<const Variable> variables, std::size_t n_days,
                               std::uint64_t first, std::uint64_t count) {
  engine::ChunkResult chunk;
  chunk.first_path = first;
  chunk.n_paths = static_cast<std::uint32_t>(count);
  for (const Variable variable : variables) {
    const std::string name = "/paths/" + std::string(spec_of(variable).name);
    const auto values = read_values(path, name, first, count);
    require_equal_lengths(path, name, {values.size(), count * n_days});
    for (const double value : values) chunk.paths.push_back(static_cast<float>(value));
  }
  for (const auto& spec : kPathFeatures) {
    const std::string name = "/summary/" + std::string(spec.name);
    const auto values = read_values(path, name, first, count);
    require_equal_lengths(path, name, {values.size(), count});
    chunk.features.insert(chunk.features.end(), values.begin(), values.end());
  }
  return chunk;
}

/// One value per (other, item), as a table.
std::vector<double> gather(const Comparison& c, const std::function<std::vector<double>(const Versus&)>& row_of) {
  std::vector<double> all;
  for (const Versus& versus : c.others) {
    const auto row = row_of(versus);
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

void write_days(const Group& root, const Comparison& c, std::span<const std::string> others) {
  const std::size_t n_days = c.base.dates.size();
  const Group group = root.create_group("days");
  const Dataset scenario = write_text_scale(group, "scenario", others, "what is compared with the base");
  const Dataset time = write_time(group, c.base.dates);
  for (std::size_t v = 0; v < c.variables.size(); ++v) {
    const VariableSpec& spec = spec_of(c.variables[v]);
    const std::string name(spec.name);
    const auto of_side = [&](const Side& side, const std::vector<double>& values) {
      const auto place = std::ranges::find(side.variables, c.variables[v]) - side.variables.begin();
      const auto part = std::span(values).subspan(static_cast<std::size_t>(place) * n_days, n_days);
      return std::vector<double>(part.begin(), part.end());
    };
    const auto describe_as = [&](const Dataset& dataset, std::string_view text) {
      describe(dataset, unit_of(spec.quantity), std::string(spec.long_name) + ", " + std::string(text));
    };
    const auto write_base = [&](std::string_view suffix, const std::vector<double>& values, std::string_view text) {
      describe_as(write_statistic(group, name + std::string(suffix), {{&time, n_days}}, of_side(c.base, values)), text);
    };
    const auto write_others = [&](std::string_view suffix, auto&& row_of, std::string_view text) {
      describe_as(write_statistic(group, name + std::string(suffix), {{&scenario, others.size()}, {&time, n_days}},
                                  gather(c, row_of)),
                  text);
    };
    const auto of_pairs = [&](const std::vector<double>& values) {
      if (values.empty()) return std::vector<double>(n_days, kNaN);
      const auto part = std::span(values).subspan(v * n_days, n_days);
      return std::vector<double>(part.begin(), part.end());
    };
    const bool has_days = std::ranges::all_of(c.others, [](const Versus& versus) { return !versus.days.empty(); });
    write_base("_base_mean", c.base.mean, "mean over paths of the base");
    write_base("_base_median", c.base.median, "median over paths of the base");
    if (has_days) {
      write_others(
          "_mean", [&](const Versus& o) { return of_side(o.side, o.side.mean); }, "mean over paths");
      write_others(
          "_median", [&](const Versus& o) { return of_side(o.side, o.side.median); }, "median over paths");
    }
    write_others(
        "_difference", [&](const Versus& o) { return of_pairs(o.days); }, "mean over paths less that of the base");
    write_others(
        "_difference_se", [&](const Versus& o) { return of_pairs(o.days_se); }, "standard error of the difference");
  }
}

void write_window(const Group& root, const Comparison& c, std::span<const std::string> others) {
  const Group group = root.create_group("window");
  const std::size_t n = c.base.quantities.size();
  std::vector<std::string> names, units, meanings, kinds;
  for (const auto& quantity : c.base.quantities) {
    names.push_back(quantity.name);
    units.push_back(quantity.unit);
    meanings.push_back(quantity.meaning);
    kinds.emplace_back(quantity.is_metric ? "metric" : "feature");
  }
  const Dataset scenario = write_text_scale(group, "scenario", others, "what is compared with the base");
  const Dataset quantity = write_text_scale(group, "quantity", names, "mean of a feature, its quantile, or a metric");
  write_texts(group, "unit", units, quantity, "unit of the quantity and of its differences");
  write_texts(group, "meaning", meanings, quantity, "what the quantity is");
  write_texts(group, "kind", kinds, quantity, "feature or metric");
  const auto write_base = [&](std::string_view name, double stats::Estimate::*member, std::string_view text) {
    std::vector<double> values;
    for (const auto& estimate : c.base.estimates) values.push_back(estimate.*member);
    describe(write_statistic(group, name, {{&quantity, n}}, values), "", text);
  };
  write_base("base", &stats::Estimate::value, "value of the base");
  write_base("base_se", &stats::Estimate::standard_error, "standard error of the value of the base");
  const auto write = [&](std::string_view name, auto&& value_of, std::string_view text) {
    const auto row_of = [&](const Versus& versus) {
      std::vector<double> row;
      for (const auto& difference : versus.window) row.push_back(value_of(difference));
      return row;
    };
    describe(write_statistic(group, name, {{&scenario, others.size()}, {&quantity, n}}, gather(c, row_of)), "", text);
  };
  using study::Difference;
  write(
      "value", [](const Difference& d) { return d.other.value; }, "value");
  write(
      "value_se", [](const Difference& d) { return d.other.standard_error; }, "standard error of the value");
  write(
      "difference", [](const Difference& d) { return d.value; }, "value less that of the base");
  write(
      "difference_se", [](const Difference& d) { return d.standard_error; }, "standard error of the difference");
  write(
      "ci_lo", [](const Difference& d) { return d.lo(); }, "lower 95 % confidence limit of the difference");
  write(
      "ci_hi", [](const Difference& d) { return d.hi(); }, "upper 95 % confidence limit of the difference");
  write(
      "share_larger", [](const Difference& d) { return d.share_larger; },
      "share of paths on which it is larger than in the base");
}

}  // namespace

Side read_side(const std::string& path) {
  const ResultInfo info = read_info(path);
  if (info.is_partial) throw DataError(path + ": is " + info.status + "; only complete results are compared");
  if (info.is_attribution()) throw DataError(path + ": is an attribution; compare takes results of runs");
  if (info.find("/sweep/hash") != nullptr)
    throw DataError(path + ": is the result of a sweep; compare takes results of runs");
  Side side;
  side.name = info.scenario_name;
  side.title = info.title;
  side.is_conditional = info.is_conditional;
  side.n_paths = info.n_paths;
  side.seed = info.seed;
  side.dates = read_dates(info);
  side.marks.resize(side.dates.size());
  read_days(info, side);
  read_features(info, side);
  read_metrics(info, side);
  side.need = "as in the result";
  const auto need = std::ranges::find(side.variables, Variable::repo_need);
  if (need != side.variables.end())
    side.need = fmt::format("{:.1f} bn USD, as in the result",
                            side.mean[static_cast<std::size_t>(need - side.variables.begin()) * side.dates.size()]);
  return side;
}

std::optional<StoredPairs> pair_results(const std::string& base, const std::string& other) {
  const ResultInfo one = read_info(base), two = read_info(other);
  if (one.batching != two.batching || one.seed != two.seed || one.provenance.rng != two.provenance.rng ||
      read_dates(one) != read_dates(two))
    return std::nullopt;
  for (const auto& spec : kPathFeatures)
    for (const ResultInfo* info : {&one, &two})
      if (info->find("/summary/" + std::string(spec.name)) == nullptr) return std::nullopt;
  std::uint64_t n = std::min(count_first_paths(one, "/summary"), count_first_paths(two, "/summary"));
  if (n < 2) return std::nullopt;

  std::vector<Variable> variables;
  const std::uint64_t n_whole = std::min(count_first_paths(one, "/paths"), count_first_paths(two, "/paths"));
  for (const VariableSpec& spec : kVariables) {
    const std::string name = "/paths/" + std::string(spec.name);
    if (n_whole >= 2 && one.find(name) != nullptr && two.find(name) != nullptr) variables.push_back(spec.variable);
  }
  if (!variables.empty()) n = std::min(n, n_whole);
  const std::size_t n_days = read_dates(one).size();
  StoredPairs pairs{variables, study::Pairing(variables, n_days, {}, one.batching)};
  for (std::uint64_t first = 0; first < n; first += kPathsAtOnce) {
    const std::uint64_t count = std::min(kPathsAtOnce, n - first);
    pairs.pairing.absorb(read_chunk(base, variables, n_days, first, count),
                         read_chunk(other, variables, n_days, first, count));
  }
  return pairs;
}

void write_comparison(const std::string& path, bool force, const Comparison& c, const ComparisonOrigin& origin) {
  check_output(path, force);
  File file = create_partial(path);
  {
    const Group root = file.root();
    const Attributes about = root.attributes();
    const bool is_paired = std::ranges::all_of(c.others, &Versus::is_paired);
    write_head(about, kComparisonFormat, c.base.title, c.base.name);
    about.set("n_paths", static_cast<std::int64_t>(c.base.n_paths));
    about.set("seed", c.base.seed);
    about.set("conditional", std::int32_t{c.base.is_conditional ? 1 : 0});
    about.set("paired", std::int32_t{is_paired ? 1 : 0});
    about.set("program_version", origin.provenance.program_version);
    about.set("git_describe", origin.provenance.git_describe);

    std::vector<std::string> names{c.base.name}, titles{c.base.title}, needs{c.base.need};
    std::vector<std::int32_t> conditional{c.base.is_conditional ? 1 : 0};
    for (const Versus& versus : c.others) {
      names.push_back(versus.side.name);
      titles.push_back(versus.side.title);
      needs.push_back(versus.side.need);
      conditional.push_back(versus.side.is_conditional ? 1 : 0);
    }
    const std::span others = std::span(names).subspan(1);
    const Group group = root.create_group("scenarios");
    const Dataset scenario = write_text_scale(group, "scenario", names, "the base, then what is compared with it");
    write_texts(group, "title", titles, scenario, "title of the scenario");
    write_texts(group, "need", needs, scenario, "funding need of the opening day, and where it comes from");
    const Dataset replay = group.create_dataset("conditional", std::span<const std::int32_t>(conditional));
    describe(replay, "1", "1: a replay on realised flows");
    replay.attach_scale(0, scenario);
    write_days(root, c, others);
    write_window(root, c, others);

    const Group provenance = root.create_group("provenance");
    write_provenance(provenance, origin.provenance, origin.threads, origin.seconds);
    const Dataset side = write_text_scale(provenance, "scenario", names, "the base, then what is compared with it");
    if (origin.resolved.size() == names.size())
      write_texts(provenance, "resolved_scenario", origin.resolved, side, "with every value it was run with, YAML");
  }
  publish(std::move(file), path, force);
}

}  // namespace repoquake::io
