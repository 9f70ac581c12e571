#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/dispatch.hpp"
#include "cli/exit_codes.hpp"
#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/output_file.hpp"
#include "repoquake/io/result_reader.hpp"

namespace repoquake::cli {
namespace {

using io::DatasetInfo;
using io::ResultInfo;

struct ExportCommand {
  std::string file, table, output, format = "csv";
  std::optional<std::uint64_t> path;
  bool force = false;
};

constexpr std::size_t kMostColumns = 10'000;

[[noreturn]] void refuse_torn(const ResultInfo& info, const std::string& name) {
  throw DataError(info.path + ": " + name + ": torn");
}

/// The dimensions whose values name the rows of a table; all others go into the names of columns.
const std::map<std::string, std::vector<std::string>, std::less<>>& row_dimensions() {
  static const std::map<std::string, std::vector<std::string>, std::less<>> rows{
      {"stats", {"time"}},
      {"observed", {"time"}},
      {"features", {"feature"}},
      {"metrics", {"metric"}},
      {"convergence", {"n_paths", "quantity"}},
      {"scores", {"variable", "window"}},
      {"summary", {"path"}},
      {"paths", {"path", "time"}},
      {"transmission", {"target"}},
      {"sweep", {"point"}},
      {"reverse", {"curve"}},
      {"tried", {"point"}},
      {"crossings", {"crossing"}},
      {"intervals", {"interval"}},
      {"attribution", {"metric", "factor"}},
      {"rare", {"quantity"}},
      {"replicas", {"replica"}},
      {"levels", {"replica", "level"}},
      {"tilts", {"shock"}},
  };
  return rows;
}

/// Where the path with this index stands in the table.
std::uint64_t place_of(std::uint64_t path, const ResultInfo& info, const std::string& table, std::uint64_t n) {
  if (n == 0) throw DataError(info.path + ": holds no paths");
  const auto indices = io::read_values(info.path, "/" + table + "/path", 0, n);
  const auto found = std::ranges::lower_bound(indices, static_cast<double>(path));  // they ascend
  if (found != indices.end() && *found == static_cast<double>(path))
    return static_cast<std::uint64_t>(found - indices.begin());
  throw DataError(indices.back() == static_cast<double>(n - 1)
                      ? fmt::format("{}: holds paths 0 to {}, not {}", info.path, n - 1, path)
                      : fmt::format("{}: holds {} selected paths up to {}, not {}; `repoquake trace` makes any of them",
                                    info.path, n, indices.back(), path));
}

/// The labels of a dimension: dates, texts, or numbers as short as they read back.
std::vector<std::string> labels_of(const ResultInfo& info, const std::string& group, const std::string& dimension,
                                   std::uint64_t first, std::uint64_t count) {
  const std::string name = group + "/" + dimension;
  const DatasetInfo* scale = info.find(name);
  if (scale == nullptr) throw DataError(info.path + ": " + name + ": is missing");
  std::vector<std::string> labels;
  if (scale->type == io::ElementType::text) {
    labels = io::read_texts(info.path, name);
    if (labels.size() != count) refuse_torn(info, name);
    return labels;
  }
  constexpr std::string_view kDaysSince = "days since ";
  const auto start = scale->units.starts_with(kDaysSince)
                         ? calendar::parse_iso_date(std::string_view(scale->units).substr(kDaysSince.size()))
                         : std::nullopt;
  constexpr double kMostDays = 1e6;
  for (const double value : io::read_values(info.path, name, first, count)) {
    if (!std::isfinite(value) || (start && std::fabs(value) > kMostDays)) refuse_torn(info, name);
    labels.push_back(start ? calendar::to_iso(*start + std::chrono::days{std::llround(value)})
                           : fmt::format("{}", value));
  }
  if (labels.size() != count) refuse_torn(info, name);
  return labels;
}

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

struct Column {
  std::string name;
  const DatasetInfo* dataset = nullptr;
  std::vector<std::size_t> row_axes;  ///< place of each row dimension in the dataset; kNone: it does not have it
  std::size_t offset = 0;             ///< of the other dimensions' values, among all of them
};

struct Layout {
  std::vector<std::string> rows;                 ///< row dimensions
  std::vector<std::vector<std::string>> labels;  ///< of each
  std::vector<bool> are_numbers;                 ///< (row dimension): are its labels?
  std::vector<Column> columns;
};

/// A column for each dataset that has the row dimensions, and for each value of its other ones.
Layout lay_out(const ResultInfo& info, const std::string& table, std::uint64_t first, std::uint64_t count) {
  const std::string group = "/" + table;
  Layout layout{row_dimensions().at(table), {}, {}, {}};
  std::vector<std::uint64_t> sizes;  // of the row dimensions, in the file
  for (std::size_t k = 0; k < layout.rows.size(); ++k) {
    const DatasetInfo* scale = info.find(group + "/" + layout.rows[k]);
    const std::uint64_t size = scale == nullptr || scale->shape.empty() ? 0 : scale->shape.front();
    const bool is_cut = layout.rows[k] == "path";
    sizes.push_back(size);
    layout.labels.push_back(labels_of(info, group, layout.rows[k], is_cut ? first : 0, is_cut ? count : size));
    layout.are_numbers.push_back(scale != nullptr && scale->type != io::ElementType::text &&
                                 !scale->units.starts_with("days since "));
  }
  for (const auto& dataset : info.datasets) {
    if (!dataset.path.starts_with(group + "/")) continue;
    Column column{dataset.path.substr(group.size() + 1), &dataset, {}, 0};
    if (std::ranges::find(dataset.dimensions, column.name) != dataset.dimensions.end()) continue;  // a coordinate
    for (const auto& row : layout.rows) {
      const auto axis = std::ranges::find(dataset.dimensions, row);
      column.row_axes.push_back(
          axis == dataset.dimensions.end() ? kNone : static_cast<std::size_t>(axis - dataset.dimensions.begin()));
    }
    const auto n_missing = std::ranges::count(column.row_axes, kNone);
    const bool repeats =
        table == "attribution" && column.row_axes.front() != kNone;  // of a metric, in each of its rows
    if (n_missing > 0 && !repeats) continue;
    for (std::size_t k = 0; k < sizes.size(); ++k)
      if (column.row_axes[k] != kNone && dataset.shape[column.row_axes[k]] != sizes[k]) refuse_torn(info, dataset.path);
    if (layout.rows.front() == "path" && column.row_axes.front() != 0) refuse_torn(info, dataset.path);
    std::vector<std::string> suffixes{""};
    for (std::size_t k = 0; k < dataset.dimensions.size(); ++k) {
      if (std::ranges::find(column.row_axes, k) != column.row_axes.end()) continue;
      const auto labels = labels_of(info, group, dataset.dimensions[k], 0, dataset.shape[k]);
      std::vector<std::string> longer;
      if (labels.size() > kMostColumns / std::max<std::size_t>(suffixes.size(), 1))
        throw DataError(fmt::format("{}: {}: more than {} columns", info.path, dataset.path, kMostColumns));
      for (const auto& suffix : suffixes)
        for (const auto& label : labels) longer.push_back(suffix.empty() ? label : suffix + "," + label);
      suffixes = std::move(longer);
    }
    for (std::size_t k = 0; k < suffixes.size(); ++k) {
      column.offset = k;
      Column named = column;
      if (!suffixes[k].empty()) named.name += "[" + suffixes[k] + "]";
      layout.columns.push_back(std::move(named));
    }
  }
  return layout;
}

/// Where the value of a column stands in a dataset's block of rows.
std::size_t place_of(const Column& column, const std::vector<std::size_t>& row) {
  const auto& shape = column.dataset->shape;
  std::size_t place = 0, rest = column.offset;
  std::vector<std::size_t> at(shape.size(), 0);
  for (std::size_t k = shape.size(); k-- > 0;) {
    const auto axis = std::ranges::find(column.row_axes, k);
    if (axis != column.row_axes.end()) {
      at[k] = row[static_cast<std::size_t>(axis - column.row_axes.begin())];
    } else {
      at[k] = rest % shape[k];
      rest /= shape[k];
    }
  }
  for (std::size_t k = 0; k < shape.size(); ++k) place = place * shape[k] + at[k];
  return place;
}

/// Bytes that are no UTF-8 become U+FFFD.
std::string as_json(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// Writes rows as CSV or as a JSON list of objects; numbers read back as they are, nothing where there is no value.
class TableWriter {
 public:
  TableWriter(std::ostream& out, bool is_json) : out_(out), is_json_(is_json) {
    if (is_json_) out_ << "[";
  }
  void head(const Layout& layout) {
    if (is_json_) return;
    std::string line;
    for (const auto& row : layout.rows) line += (line.empty() ? "" : ",") + row;
    for (const auto& column : layout.columns) line += "," + quoted(column.name);
    out_ << line << '\n';
  }
  void row(const Layout& layout, const std::vector<std::string>& keys, const std::vector<std::string>& cells) {
    if (is_json_) {
      nlohmann::ordered_json object;
      for (std::size_t k = 0; k < keys.size(); ++k)
        object[layout.rows[k]] = layout.are_numbers[k] ? nlohmann::json::parse(keys[k]) : nlohmann::json(keys[k]);
      std::string text = as_json(object);
      text.pop_back();
      for (std::size_t k = 0; k < cells.size(); ++k)
        text += fmt::format(",{}:{}", as_json(layout.columns[k].name),
                            cells[k].empty() || cells[k].ends_with("inf") ? "null" : cells[k]);
      out_ << (is_first_ ? "\n  " : ",\n  ") << text << "}";
      is_first_ = false;
      return;
    }
    std::string line;
    for (const auto& key : keys) line += (line.empty() ? "" : ",") + quoted(key);
    for (const auto& value : cells)
      line += "," + (value.starts_with('"') ? quoted(nlohmann::json::parse(value)) : value);
    out_ << line << '\n';
  }
  void end() {
    if (is_json_) out_ << "\n]\n";
  }

 private:
  static std::string quoted(const std::string& text) {
    if (text.find_first_of(",\"\n") == std::string::npos) return text;
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
  }

  std::ostream& out_;
  bool is_json_;
  bool is_first_ = true;
};

constexpr std::uint64_t kPathsAtOnce = 256;

/// The rows whose first dimension is `first` to `first + count`.
void write_rows(const ResultInfo& info, const std::string& table, std::uint64_t first, std::uint64_t count,
                bool with_head, TableWriter& writer) {
  const Layout layout = lay_out(info, table, first, count);
  if (with_head) writer.head(layout);
  std::map<std::string, std::vector<double>> numbers;
  std::map<std::string, std::vector<std::string>> texts;
  const bool is_by_path = layout.rows.front() == "path";
  for (const auto& column : layout.columns) {
    const auto& dataset = *column.dataset;
    if (dataset.type == io::ElementType::text)
      texts.try_emplace(dataset.path, io::read_texts(info.path, dataset.path));
    else if (!numbers.contains(dataset.path))
      numbers[dataset.path] =
          io::read_values(info.path, dataset.path, is_by_path ? first : 0, is_by_path ? count : dataset.shape.front());
  }
  std::vector<std::size_t> row(layout.rows.size(), 0);
  const std::size_t second = layout.labels.size() > 1 ? layout.labels[1].size() : 1;
  for (row[0] = 0; row[0] < layout.labels[0].size(); ++row[0]) {
    for (std::size_t k = 0; k < second; ++k) {
      std::vector<std::string> keys{layout.labels[0][row[0]]}, cells;
      if (row.size() > 1) {
        row[1] = k;
        keys.push_back(layout.labels[1][k]);
      }
      for (const auto& column : layout.columns) {
        const std::size_t place = place_of(column, row);
        if (column.dataset->type == io::ElementType::text) {
          cells.push_back(as_json(texts.at(column.dataset->path).at(place)));
        } else {
          const double value = numbers.at(column.dataset->path).at(place);
          cells.push_back(std::isnan(value) ? "" : fmt::format("{}", value));
        }
      }
      writer.row(layout, keys, cells);
    }
  }
}

void write_table(const ExportCommand& options, std::ostream& out) {
  const auto info = io::read_info(options.file);
  if (std::ranges::find(info.groups, "/" + options.table) == info.groups.end()) {
    std::vector<std::string> names;
    for (const auto& group : info.groups)
      if (row_dimensions().contains(group.substr(1))) names.push_back(group.substr(1));
    const bool is_sweep = info.find("/sweep/hash") != nullptr;
    throw DataError(fmt::format("{}: {}has no table {}; tables: {}", options.file,
                                is_sweep ? "is the result of a sweep and " : "", options.table,
                                fmt::join(names, ", ")));
  }
  TableWriter writer(out, options.format == "json");
  const bool is_by_path = row_dimensions().at(options.table).front() == "path";
  if (!is_by_path) {
    write_rows(info, options.table, 0, 0, true, writer);
  } else {
    if (info.status == "incomplete" && info.n_paths == 0)
      throw DataError(options.file + ": incomplete: the run that wrote it was killed, and it holds no whole paths");
    const auto* scale = info.find("/" + options.table + "/path");
    const std::uint64_t n = scale == nullptr || scale->shape.empty() ? 0 : scale->shape.front();
    const std::uint64_t from = options.path ? place_of(*options.path, info, options.table, n) : 0;
    const std::uint64_t until = options.path ? from + 1 : n;
    for (std::uint64_t first = from; first < until; first += kPathsAtOnce)
      write_rows(info, options.table, first, std::min(kPathsAtOnce, until - first), first == from, writer);
  }
  writer.end();
}

int export_table(const ExportCommand& options, const Command& command) {
  if (options.output.empty()) {
    write_table(options, command.out);
    return kOk;
  }
  io::write_text(options.output, options.force, [&](std::ostream& out) { write_table(options, out); });
  return kOk;
}

}  // namespace

void add_export(CLI::App& app, const Command& command, int& exit_code) {
  auto options = std::make_shared<ExportCommand>();
  std::vector<std::string> tables;
  for (const auto& [name, rows] : row_dimensions()) tables.push_back(name);
  auto* verb = app.add_subcommand("export", "write a table of a result as CSV or JSON");
  verb->add_option("FILE", options->file, "result file")->required();
  verb->add_option("TABLE", options->table, "which table")->required()->check(CLI::IsMember(tables));
  verb->add_option("--format", options->format, "csv or json")->check(CLI::IsMember({"csv", "json"}));
  verb->add_option("--path", options->path, "one path of paths or summary; default: all")->type_name("N");
  verb->add_option("-o,--output", options->output, "a new file; default: standard output")->type_name("OUT");
  verb->add_flag("--force", options->force, "replace an existing file, once the new one is complete");
  verb->callback([options, command, &exit_code] {
    if (options->path && row_dimensions().at(options->table).front() != "path")
      throw CLI::ValidationError("--path", "is for the tables paths and summary");
    exit_code = export_table(*options, command);
  });
}

}  // namespace repoquake::cli
