#include "repoquake/io/sweep_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "io/cf_dataset.hpp"
#include "io/provenance_group.hpp"
#include "io/system_text.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/digest.hpp"
#include "repoquake/io/output_file.hpp"
#include "repoquake/io/result_reader.hpp"
#include "repoquake/scenario/sweep.hpp"

namespace repoquake::io {
namespace {

using study::PointOutcome;
using study::PointStatus;
using study::SweepPoint;
using study::SweepTable;

constexpr std::array<std::string_view, 3> kStatusNames{"missing", "done", "failed"};

/// One text per point.
std::vector<std::string> texts_of(const SweepTable& table, const std::function<std::string(const SweepPoint&)>& text) {
  std::vector<std::string> texts;
  for (const SweepPoint& point : table.points) texts.push_back(text(point));
  return texts;
}

void write_design(const Group& group, const SweepTable& table, const Dataset& point) {
  const std::uint64_t n_points = table.points.size(), n_parameters = table.parameters.size();
  if (n_parameters == 0) return;
  std::vector<std::string> keys, units, written;
  std::vector<double> design;
  for (const auto& parameter : table.parameters) {
    keys.push_back(parameter.key);
    units.push_back(parameter.unit);
  }
  for (const SweepPoint& p : table.points) {
    design.insert(design.end(), p.design.begin(), p.design.end());
    written.insert(written.end(), p.texts.begin(), p.texts.end());
  }
  const Dataset parameter = write_text_scale(group, "parameter", keys, "key of the scenario");
  write_texts(group, "parameter_unit", units, parameter, "unit of the parameter in `design`");
  describe(write_statistic(group, "design", {{&point, n_points}, {&parameter, n_parameters}}, design), "",
           "setting of the parameter; booleans are 0 and 1, texts their place among the axis' values");
  const Dataset text = group.create_texts("design_text", written, {n_points, n_parameters});
  describe(text, "", "setting of the parameter as text");
  text.attach_scale(0, point);
  text.attach_scale(1, parameter);
}

void write_metrics(const Group& group, const SweepTable& table, const Dataset& point) {
  const std::uint64_t n_points = table.points.size(), n_metrics = table.metrics.size();
  if (n_metrics == 0) return;
  std::vector<std::string> ids, units, expressions;
  for (const auto& metric : table.metrics) {
    ids.push_back(metric.id);
    units.push_back(metric.unit);
    expressions.push_back(metric.expr);
  }
  const Dataset metric = write_text_scale(group, "metric", ids, "id of the metric");
  write_texts(group, "metric_unit", units, metric, "unit of the metric, its error and its limits");
  write_texts(group, "expr", expressions, metric, "the expression as written");
  const auto write = [&](std::string_view name, double stats::Estimate::*member, std::string_view text) {
    std::vector<double> values;
    for (const SweepPoint& p : table.points)
      for (std::size_t k = 0; k < n_metrics; ++k)
        values.push_back(k < p.outcome.metrics.size() ? p.outcome.metrics[k].*member : kNaN);
    describe(write_statistic(group, name, {{&point, n_points}, {&metric, n_metrics}}, values), "", text);
  };
  write("value", &stats::Estimate::value, "value of the metric");
  write("se", &stats::Estimate::standard_error, "standard error of the value, from the number of paths");
  write("ci_lo", &stats::Estimate::lo, "lower 95 % confidence limit");
  write("ci_hi", &stats::Estimate::hi, "upper 95 % confidence limit");
  std::vector<std::int64_t> counts;
  for (const SweepPoint& p : table.points)
    for (std::size_t k = 0; k < n_metrics; ++k)
      counts.push_back(k < p.outcome.metrics.size() ? static_cast<std::int64_t>(p.outcome.metrics[k].n) : 0);
  const Dataset n = group.create_dataset<std::int64_t>("n", Layout{.shape = {n_points, n_metrics}, .chunk = {}});
  n.write(std::span<const std::int64_t>(counts));
  describe(n, "1", "paths with a value");
  n.attach_scale(0, point);
  n.attach_scale(1, metric);
}

void write_points(const Group& group, const SweepTable& table, const Dataset& point) {
  const auto write_text = [&](std::string_view name, const std::function<std::string(const SweepPoint&)>& text,
                              std::string_view meaning) {
    write_texts(group, name, texts_of(table, text), point, meaning);
  };
  std::vector<std::int32_t> status;
  std::vector<std::int64_t> n_paths;
  std::vector<double> flagged, need;
  for (const SweepPoint& p : table.points) {
    need.push_back(p.outcome.status == PointStatus::done ? p.outcome.need : kNaN);
    status.push_back(static_cast<std::int32_t>(p.outcome.status));
    n_paths.push_back(static_cast<std::int64_t>(p.outcome.n_paths));
    flagged.push_back(p.outcome.status == PointStatus::done ? p.outcome.flagged_share : kNaN);
  }
  const Dataset state = group.create_dataset("status", std::span<const std::int32_t>(status));
  describe(state, "1", "what became of the point");
  constexpr std::array<std::int32_t, 3> kValues{0, 1, 2};
  state.attributes().set("flag_values", std::span<const std::int32_t>(kValues));
  state.attributes().set("flag_meanings", fmt::format("{}", fmt::join(kStatusNames, " ")));
  state.attach_scale(0, point);
  write_text(
      "hash", [](const SweepPoint& p) { return p.hash; }, "SHA-256 of the resolved scenario and the model version");
  write_text(
      "message", [](const SweepPoint& p) { return p.outcome.message; }, "why the point failed");
  const Dataset paths = group.create_dataset("n_paths", std::span<const std::int64_t>(n_paths));
  describe(paths, "1", "paths behind the metrics");
  paths.attach_scale(0, point);
  describe(write_statistic(group, "flagged", {{&point, table.points.size()}}, flagged), "1",
           "share of path-days without a clearing rate below 3000 bp");
  describe(write_statistic(group, "need", {{&point, table.points.size()}}, need), "1e9 USD",
           "funding need of the opening day's representative path");
}

/// Under /sweep/indices: each index with its error and limits.
void write_indices(const Group& sweep, const SweepTable& table) {
  if (table.indices.empty()) return;
  const Group group = sweep.create_group("indices");
  std::vector<std::string> keys, ids;
  for (const auto& parameter : table.parameters) keys.push_back(parameter.key);
  for (const auto& metric : table.metrics) ids.push_back(metric.id);
  const Dataset parameter = write_text_scale(group, "parameter", keys, "key of the scenario");
  const Dataset metric = write_text_scale(group, "metric", ids, "id of the metric");
  for (const auto& index : table.indices) {
    const auto write = [&](const std::string& suffix, double stats::Estimate::*member, const std::string& text) {
      std::vector<double> values;
      for (const auto& estimate : index.values) values.push_back(estimate.*member);
      describe(write_statistic(group, index.name + suffix, {{&parameter, keys.size()}, {&metric, ids.size()}}, values),
               "", text + index.meaning);
    };
    write("", &stats::Estimate::value, "");
    write("_se", &stats::Estimate::standard_error, "standard error: ");
    write("_lo", &stats::Estimate::lo, "lower 95 % limit: ");
    write("_hi", &stats::Estimate::hi, "upper 95 % limit: ");
  }
  const std::vector<std::int64_t> counts(table.left_out.begin(), table.left_out.end());
  const Dataset left_out = group.create_dataset("left_out", std::span<const std::int64_t>(counts));
  describe(left_out, "1", "groups, steps or points that failed and are not in the indices");
  left_out.attach_scale(0, metric);
}

/// A double that reads back the same.
std::string exact(double value) { return std::isnan(value) ? "nan" : fmt::format("{:a}", value); }

std::string as_line(const std::string& hash, const PointOutcome& outcome) {
  std::string message = outcome.message;
  for (char& c : message)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  std::string line = fmt::format("{}\t{}\t{}\t{}\t{}\t{}", hash, static_cast<int>(outcome.status), outcome.n_paths,
                                 exact(outcome.flagged_share), exact(outcome.need), outcome.metrics.size());
  for (const auto& m : outcome.metrics)
    line += fmt::format("\t{}\t{}\t{}\t{}\t{}", exact(m.value), exact(m.standard_error), exact(m.lo), exact(m.hi), m.n);
  line += '\t' + message;
  return sha256_hex(line).substr(0, 16) + '\t' + line + '\n';
}

struct JournalEntry {
  std::string hash;
  PointOutcome outcome;
};

/// Nothing where the line is torn.
std::optional<JournalEntry> parse_line(const std::string& line) {
  const auto cut = line.find('\t');
  if (cut != 16 || sha256_hex(std::string_view(line).substr(17)).substr(0, 16) != line.substr(0, 16))
    return std::nullopt;
  std::vector<std::string> cells;
  std::istringstream stream(line.substr(17));
  for (std::string cell; std::getline(stream, cell, '\t');) cells.push_back(cell);
  constexpr std::size_t kHead = 6;
  if (cells.size() < kHead) return std::nullopt;
  const auto number = [&](std::size_t k) { return std::strtod(cells[k].c_str(), nullptr); };
  const auto count = [&](std::size_t k) { return std::strtoull(cells[k].c_str(), nullptr, 10); };
  const std::size_t n = count(kHead - 1);
  if (n > 10'000 || cells.size() < kHead + 5 * n) return std::nullopt;
  JournalEntry entry{cells[0], {}};
  entry.outcome.status = count(1) == 1 ? PointStatus::done : PointStatus::failed;
  entry.outcome.n_paths = count(2);
  entry.outcome.flagged_share = number(3);
  entry.outcome.need = number(4);
  for (std::size_t k = kHead; k < kHead + 5 * n; k += 5)
    entry.outcome.metrics.push_back({.value = number(k),
                                     .standard_error = number(k + 1),
                                     .lo = number(k + 2),
                                     .hi = number(k + 3),
                                     .n = count(k + 4)});
  if (cells.size() > kHead + 5 * n) entry.outcome.message = cells[kHead + 5 * n];
  return entry;
}

/// Could these points be of the design that the table names? Indices are made from it.
bool has_design(const SweepTable& table) {
  const std::uint64_t n_parameters = table.parameters.size();
  if (table.points.size() > scenario::kMaxSweepPoints || n_parameters > scenario::kMaxSweptKeys) return false;
  if (table.samples == 0 || n_parameters == 0) return true;
  if (table.samples > scenario::kMaxSweepPoints) return false;
  const std::uint64_t group = table.kind == "saltelli" ? n_parameters + 2
                              : table.kind == "morris" ? n_parameters + 1
                                                       : 1;
  constexpr std::uint64_t kMaxLevels = 1000;
  if (table.kind == "morris" && (table.levels < 2 || table.levels > kMaxLevels || table.levels % 2 != 0)) return false;
  return std::ranges::all_of(table.points,
                             [&](const SweepPoint& point) { return point.number < table.samples * group; });
}

/// For people, as the program writes it elsewhere.
std::string shown_unit(const std::string& in_result) {
  if (in_result == "1e9 USD") return "bn USD";
  if (in_result == "1e6 USD") return "mn USD";
  if (in_result == "1e12 USD") return "tn USD";
  if (in_result == "percent") return "%";
  return in_result == "business days" ? "bd" : in_result;
}

}  // namespace

void write_sweep(const std::string& path, bool force, bool is_complete, const SweepTable& table,
                 const Provenance& provenance, const SweepRun& run) {
  check_output(path, force);
  File file = create_partial(path);
  {
    const Group root = file.root();
    const Attributes about = root.attributes();
    std::uint64_t n_paths = 0;
    for (const SweepPoint& point : table.points) n_paths += point.outcome.n_paths;
    write_study_head(about,
                     {.name = table.name,
                      .title = table.title,
                      .is_conditional = table.is_conditional,
                      .seed = table.seed,
                      .n_paths = n_paths,
                      .stop_reason = !is_complete          ? "interrupted"
                                     : table.shard.empty() ? "all_points_done"
                                                           : "shard_done"},
                     provenance);

    const Group group = root.create_group("sweep");
    group.attributes().set("kind", table.kind);
    group.attributes().set("need", table.need);
    group.attributes().set("max_flagged", table.max_flagged);
    if (!table.shard.empty()) group.attributes().set("shard", table.shard);
    group.attributes().set("n_skipped", static_cast<std::int64_t>(table.n_skipped));
    if (table.samples > 0) {
      group.attributes().set("samples", static_cast<std::int64_t>(table.samples));
      group.attributes().set("design_seed", table.design_seed);
      group.attributes().set("levels", static_cast<std::int64_t>(table.levels));
    }
    if (!table.shape.empty()) {
      const std::vector<std::int64_t> shape(table.shape.begin(), table.shape.end());
      group.attributes().set("shape", std::span<const std::int64_t>(shape));
    }
    std::vector<std::int64_t> numbers;
    for (const SweepPoint& p : table.points) numbers.push_back(static_cast<std::int64_t>(p.number));
    Dataset point = group.create_dataset("point", std::span<const std::int64_t>(numbers));
    describe(point, "", "number of the point in the design");
    point.make_scale("point");
    write_design(group, table, point);
    write_metrics(group, table, point);
    write_points(group, table, point);
    write_indices(group, table);

    const Group origin = root.create_group("provenance");
    describe(origin.create_text("sweep_file", run.sweep_file), "", "the sweep as written, YAML");
    describe(origin.create_text("resolved_scenario", provenance.resolved_scenario), "",
             "the base with every value its points share, YAML");
    write_provenance(origin, provenance, run.threads, run.seconds);
    file.flush();
    root.attributes().set("status", is_complete ? "complete" : "interrupted");
  }
  if (is_complete)
    publish(std::move(file), path, force);
  else
    file.close(true);
}

SweepTable read_sweep(const std::string& path) {
  const ResultInfo info = read_info(path);
  if (info.find("/sweep/hash") == nullptr) throw DataError(path + ": is not the result of a sweep");
  SweepTable table;
  {
    const File file = File::open(path);
    const Group group = file.root().open_group("sweep");
    const Attributes about = group.attributes();
    table.kind = about.text("kind").value_or("");
    table.need = about.text("need").value_or("");
    table.max_flagged = about.number("max_flagged").value_or(1.0);
    table.shard = about.text("shard").value_or("");
    table.n_skipped = about.natural("n_skipped").value_or(0);
    table.shape = about.naturals("shape");
    table.samples = about.natural("samples").value_or(0);
    table.design_seed = about.natural("design_seed").value_or(0);
    table.levels = about.natural("levels").value_or(0);
  }
  table.name = info.scenario_name;
  table.title = info.title;
  table.seed = info.seed;
  table.is_conditional = info.is_conditional;
  const auto texts_if = [&](const std::string& name) {
    return info.find("/sweep/" + name) == nullptr ? std::vector<std::string>{} : read_texts(path, "/sweep/" + name);
  };
  const auto torn = [&](bool is_torn) {
    if (is_torn) throw DataError(path + ": /sweep: torn");
  };
  const auto count_of = [&](double number) {
    torn(!(number >= 0.0 && number < 0x1p53));
    return static_cast<std::uint64_t>(number);
  };
  const auto keys = texts_if("parameter"), parameter_units = texts_if("parameter_unit");
  torn(keys.size() != parameter_units.size());
  for (std::size_t k = 0; k < keys.size(); ++k) table.parameters.push_back({keys[k], parameter_units[k]});
  const auto ids = texts_if("metric"), metric_units = texts_if("metric_unit"), expressions = texts_if("expr");
  torn(ids.size() != metric_units.size() || ids.size() != expressions.size());
  for (std::size_t k = 0; k < ids.size(); ++k)
    table.metrics.push_back({ids[k], metric_units[k], shown_unit(metric_units[k]), expressions[k]});

  const auto numbers = read_column(path, "/sweep/point"), status = read_column(path, "/sweep/status"),
             n_paths = read_column(path, "/sweep/n_paths"), flagged = read_column(path, "/sweep/flagged"),
             need = read_column(path, "/sweep/need");
  const auto hashes = read_texts(path, "/sweep/hash"), messages = read_texts(path, "/sweep/message");
  const std::size_t n = numbers.size();
  torn(hashes.size() != n || messages.size() != n || status.size() != n || n_paths.size() != n || flagged.size() != n ||
       need.size() != n);
  const auto table_of = [&](const std::string& name, std::size_t columns) {
    Table values = columns == 0 ? Table{n, 0, {}} : read_table(path, "/sweep/" + name);
    torn(values.rows != n || values.columns != columns);
    return values;
  };
  const Table design = table_of("design", keys.size());
  const auto written = texts_if("design_text");
  torn(written.size() != n * keys.size());
  const Table value = table_of("value", ids.size()), error = table_of("se", ids.size()),
              lo = table_of("ci_lo", ids.size()), hi = table_of("ci_hi", ids.size()),
              counts = table_of("n", ids.size());
  for (std::size_t i = 0; i < n; ++i) {
    SweepPoint point{.number = count_of(numbers[i]), .hash = hashes[i], .design = {}, .texts = {}, .outcome = {}};
    for (std::size_t k = 0; k < keys.size(); ++k) {
      point.design.push_back(design.at(i, k));
      point.texts.push_back(written[i * keys.size() + k]);
    }
    PointOutcome& outcome = point.outcome;
    outcome.status = status[i] == 1.0   ? PointStatus::done
                     : status[i] == 2.0 ? PointStatus::failed
                                        : PointStatus::missing;
    outcome.message = messages[i];
    if (outcome.status == PointStatus::done) {
      outcome.n_paths = count_of(n_paths[i]);
      outcome.flagged_share = flagged[i];
      outcome.need = need[i];
      for (std::size_t k = 0; k < ids.size(); ++k)
        outcome.metrics.push_back({.value = value.at(i, k),
                                   .standard_error = error.at(i, k),
                                   .lo = lo.at(i, k),
                                   .hi = hi.at(i, k),
                                   .n = count_of(counts.at(i, k))});
    }
    table.points.push_back(std::move(point));
  }
  torn(!has_design(table));
  return table;
}

std::string journal_path(const std::string& path) { return path + ".journal"; }

SweepOutcomes read_journal(const std::string& path) {
  constexpr std::size_t kJournalFileLimit = std::size_t{1} << 30;
  SweepOutcomes outcomes;
  const std::string journal = journal_path(path);
  if (!std::filesystem::exists(journal)) return outcomes;
  std::istringstream file(read_file(journal, kJournalFileLimit));
  for (std::string line; std::getline(file, line);)
    if (auto entry = parse_line(line)) outcomes[entry->hash] = std::move(entry->outcome);
  return outcomes;
}

Journal::Journal(const std::string& path, bool anew) : path_(journal_path(path)) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
  if (descriptor_ < 0) throw IoError(path_ + ": cannot be written: " + system_text(errno));
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path_, unknown)) {
    ::close(descriptor_);
    throw IoError(path_ + ": is not a regular file");
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(descriptor_);
    throw IoError(path_ + ": another running sweep writes it");
  }
  if (anew && ::ftruncate(descriptor_, 0) != 0) throw IoError(path_ + ": cannot be written: " + system_text(errno));
  // After a torn line the next one must start anew.
  if (::write(descriptor_, "\n", 1) != 1) throw IoError(path_ + ": cannot be written: " + system_text(errno));
}

Journal::~Journal() { ::close(descriptor_); }

void Journal::append(const std::string& hash, const PointOutcome& outcome) {
  const std::string line = as_line(hash, outcome);
  for (std::size_t done = 0; done < line.size();) {
    const auto written = ::write(descriptor_, line.data() + done, line.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw IoError(path_ + ": cannot be written: " + system_text(errno));
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace repoquake::io
