#include "repoquake/io/result_reader.hpp"

#include <charconv>
#include <filesystem>
#include <limits>
#include <optional>
#include <system_error>

#include "repoquake/core/error.hpp"

namespace repoquake::io {

namespace {

constexpr std::string_view kFormatPrefix = "repoquake/result/";
constexpr std::string_view kAttributionPrefix = "repoquake/attribution/";
constexpr int kDeepestGroup = 4;
constexpr std::size_t kMostDatasets = 10'000;

/// Opens a result of a format this program knows.
File open_result(const std::string& path) {
  File file = File::open(path);
  const std::optional<std::string> format = file.root().attributes().text("format");
  if (!format) throw DataError(path + ": not a repoquake result: an HDF5 file without the attribute \"format\"");
  int number = 0;
  const char* end = format->data() + format->size();
  const std::string_view prefix = format->starts_with(kAttributionPrefix) ? kAttributionPrefix : kFormatPrefix;
  bool is_result = format->starts_with(prefix);
  if (is_result) {
    const auto [stop, error] = std::from_chars(format->data() + prefix.size(), end, number);
    is_result = error == std::errc() && stop == end && number >= 1;
  }
  if (!is_result) throw DataError(path + ": not a repoquake result: format is \"" + *format + "\"");
  if (number > kResultFormat)
    throw DataError(path + ": made by a newer repoquake: " + *format + ", this program reads up to " +
                    std::string(prefix) + std::to_string(kResultFormat));
  return file;
}

std::string text_or_empty(const Attributes& attributes, std::string_view name) {
  return attributes.text(name).value_or(std::string());
}

/// Nothing where paths are independent, or the numbers make no sense.
stats::Batching read_batching(const Attributes& about) {
  constexpr std::uint64_t kMost = 128;  // of ours
  const std::uint64_t count = about.natural("batches").value_or(0), run = about.natural("batch_run").value_or(1);
  if (count > kMost || run < 1 || run > kMost) return {};
  return {.count = static_cast<std::uint32_t>(count), .run = static_cast<std::uint32_t>(run)};
}

DatasetInfo describe(const Dataset& dataset, std::string path) {
  DatasetInfo info;
  info.path = std::move(path);
  info.type = dataset.type();
  info.shape = dataset.shape();
  info.dimensions = dataset.dimensions();
  info.units = text_or_empty(dataset.attributes(), "units");
  info.long_name = text_or_empty(dataset.attributes(), "long_name");
  info.stored_bytes = dataset.stored_bytes();
  return info;
}

void list(const Group& group, const std::string& path, int depth, ResultInfo& info) {
  if (depth > kDeepestGroup) throw DataError(info.path + ": " + path + ": groups too deep for a result");
  for (const Group::Child& child : group.children()) {
    const std::string name = path + "/" + child.name;
    if (info.datasets.size() + info.groups.size() >= kMostDatasets)
      throw DataError(info.path + ": too many datasets for a result");
    if (child.is_group) {
      info.groups.push_back(name);
      list(group.open_group(child.name), name, depth + 1, info);
    } else {
      info.datasets.push_back(describe(group.open_dataset(child.name), name));
    }
  }
}

Provenance read_provenance(const Group& root, const ResultInfo& info) {
  Provenance provenance;
  const Attributes about = root.attributes();
  provenance.scenario_sha256 = text_or_empty(about, "scenario_sha256");
  provenance.rng = text_or_empty(about, "rng");
  provenance.program_version = text_or_empty(about, "program_version");
  provenance.git_describe = text_or_empty(about, "git_describe");

  const auto texts = [&](const std::string& name) {
    const std::string path = "/provenance/" + name;
    return info.find(path) == nullptr ? std::vector<std::string>{} : root.open_dataset(path).read_texts();
  };
  const auto pairs = [&](const std::string& name) {
    const std::vector<std::string> keys = texts(name);
    const std::vector<std::string> values = texts(name + "_value");
    if (keys.size() != values.size()) throw DataError(info.path + ": /provenance/" + name + ": torn");
    std::vector<std::pair<std::string, std::string>> result;
    for (std::size_t i = 0; i < keys.size(); ++i) result.emplace_back(keys[i], values[i]);
    return result;
  };
  if (const auto scenario = texts("resolved_scenario"); !scenario.empty())
    provenance.resolved_scenario = scenario.front();
  provenance.command_line = texts("command_line");
  provenance.overrides = pairs("override");
  provenance.build = pairs("build");
  const auto roles = texts("input");
  const auto paths = texts("input_path");
  const auto digests = texts("input_sha256");
  if (roles.size() != paths.size() || roles.size() != digests.size())
    throw DataError(info.path + ": /provenance/input: torn");
  for (std::size_t i = 0; i < roles.size(); ++i) provenance.inputs.push_back({roles[i], paths[i], digests[i]});
  return provenance;
}

/// The numbers of rows `first` to `first + count`, NaN for the fill value.
std::vector<double> read_rows(const Dataset& dataset, std::uint64_t first, std::uint64_t count) {
  std::vector<double> values = dataset.read_numbers(first, count);
  if (const std::optional<double> fill = dataset.attributes().number("_FillValue"))
    for (double& value : values)
      if (value == *fill) value = std::numeric_limits<double>::quiet_NaN();
  return values;
}

[[noreturn]] void refuse_shape(const std::string& path, std::string_view dataset, std::size_t rank,
                               std::size_t wanted) {
  throw DataError(path + ": " + std::string(dataset) + ": has " + std::to_string(rank) + " dimensions, not " +
                  std::to_string(wanted));
}

[[noreturn]] void refuse_size(const std::string& path, std::string_view dataset) {
  throw DataError(path + ": " + std::string(dataset) + ": too large to read at once (more than " +
                  std::to_string(kMostNumbers) + " values)");
}

Dataset open_dataset(const File& file, const std::string& path, std::string_view dataset) {
  try {
    return file.root().open_dataset(dataset);
  } catch (const DataError&) {
    throw DataError(path + ": has no readable dataset " + std::string(dataset));
  }
}

Table read_table_rows(const std::string& path, std::string_view name, std::uint64_t first,
                      std::optional<std::uint64_t> count) {
  const File file = open_result(path);
  const Dataset dataset = open_dataset(file, path, name);
  const Extent shape = dataset.shape();
  if (shape.size() != 2) refuse_shape(path, name, shape.size(), 2);
  const std::uint64_t rows = count.value_or(shape[0]);
  if (shape[1] > kMostNumbers || (shape[1] > 0 && rows > kMostNumbers / shape[1])) refuse_size(path, name);
  return {rows, shape[1], read_rows(dataset, first, rows)};
}

}  // namespace

const DatasetInfo* ResultInfo::find(std::string_view dataset) const noexcept {
  for (const DatasetInfo& info : datasets)
    if (info.path == dataset) return &info;
  return nullptr;
}

ResultInfo read_info(const std::string& path) {
  const File file = open_result(path);
  const Group root = file.root();
  const Attributes about = root.attributes();
  ResultInfo info;
  info.path = path;
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  info.file_bytes = error ? 0 : bytes;
  info.format = text_or_empty(about, "format");
  info.title = text_or_empty(about, "title");
  info.created = text_or_empty(about, "created");
  info.status = text_or_empty(about, "status");
  if (info.is_attribution() && info.status.empty()) info.status = "complete";  // it is written whole or not at all
  info.is_partial = info.status != "complete";
  info.stop_reason = text_or_empty(about, "stop_reason");
  info.is_conditional = about.integer("conditional").value_or(0) != 0;
  info.scenario_name = text_or_empty(about, "scenario_name");
  info.seed = about.natural("seed").value_or(0);
  info.sampling = text_or_empty(about, "sampling");
  info.batching = read_batching(about);
  info.n_paths = about.natural("n_paths").value_or(0);
  list(root, "", 1, info);
  info.provenance = read_provenance(root, info);
  for (const std::string& group : info.groups) {
    if (group != "/provenance") continue;
    const Group provenance = root.open_group("provenance");
    info.provenance.instruction_set = text_or_empty(provenance.attributes(), "instruction_set");
    info.provenance.host = text_or_empty(provenance.attributes(), "host");
    info.seconds = provenance.attributes().number("seconds").value_or(0.0);
    info.threads = static_cast<int>(provenance.attributes().integer("threads").value_or(0));
  }
  if (info.find("/provenance/resumed_after") != nullptr)
    info.resumed_after = read_column(path, "/provenance/resumed_after");
  return info;
}

std::vector<double> read_column(const std::string& path, std::string_view dataset) {
  const File file = open_result(path);
  const Dataset opened = open_dataset(file, path, dataset);
  const Extent shape = opened.shape();
  if (shape.size() != 1) refuse_shape(path, dataset, shape.size(), 1);
  if (shape[0] > kMostNumbers) refuse_size(path, dataset);
  return read_rows(opened, 0, shape[0]);
}

Table read_table(const std::string& path, std::string_view dataset) {
  return read_table_rows(path, dataset, 0, std::nullopt);
}

Table read_table(const std::string& path, std::string_view dataset, std::uint64_t first, std::uint64_t count) {
  return read_table_rows(path, dataset, first, count);
}

std::vector<double> read_values(const std::string& path, std::string_view dataset, std::uint64_t first,
                                std::uint64_t count) {
  const File file = open_result(path);
  const Dataset opened = open_dataset(file, path, dataset);
  const Extent shape = opened.shape();
  std::uint64_t width = 1;
  for (std::size_t k = 1; k < shape.size(); ++k) {
    if (shape[k] > 0 && width > kMostNumbers / shape[k]) refuse_size(path, dataset);
    width *= shape[k];
  }
  if (width > 0 && count > kMostNumbers / width) refuse_size(path, dataset);
  return read_rows(opened, first, count);
}

void require_equal_lengths(const std::string& path, std::string_view table,
                           std::initializer_list<std::size_t> lengths) {
  for (const std::size_t length : lengths)
    if (length != *lengths.begin()) throw DataError(path + ": " + std::string(table) + ": torn");
}

std::vector<std::string> read_texts(const std::string& path, std::string_view dataset) {
  const File file = open_result(path);
  return open_dataset(file, path, dataset).read_texts();
}

}  // namespace repoquake::io
