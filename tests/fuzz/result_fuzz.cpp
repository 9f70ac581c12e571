// Result files: everything that reads one. The first byte says how the others become a file.
//
//   even  they are orders to a writer: which tables a result has, of which shape, what stands in them. Such a file is sound
//         for the HDF5 library and nonsense for us, so a crash is ours.
//   odd   they change bytes of a whole result. The library is not written for that; it reads first in a child process, as
//         in production, and what is asked here is that we come through.
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "cli/dispatch.hpp"
#include "fuzz/entry_point.hpp"
#include "fuzz/targets.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/engine/path_features.hpp"
#include "repoquake/io/comparison_file.hpp"
#include "repoquake/io/digest.hpp"
#include "repoquake/io/hdf5_file.hpp"
#include "repoquake/io/result_reader.hpp"
#include "repoquake/io/sweep_file.hpp"
#include "repoquake/report/sweep_text.hpp"

// What the HDF5 library loses on its way out of a damaged file is not ours. Asked by a leak sanitizer, where there is one.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }

namespace repoquake::fuzz {
namespace {

namespace fs = std::filesystem;

/// Orders, one byte after the other; zeros when there are no more.
class Orders {
 public:
  explicit Orders(std::string_view bytes) : bytes_(bytes) {}
  std::size_t next() { return at_ < bytes_.size() ? static_cast<unsigned char>(bytes_[at_++]) : 0; }
  std::size_t below(std::size_t n) { return next() % n; }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
};

class Workplace {
 public:
  Workplace() { fs::create_directories(folder_); }
  ~Workplace() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }

 private:
  fs::path folder_ = fs::temp_directory_path() / ("repoquake-fuzz-" + std::to_string(::getpid()));
};

constexpr std::array<double, 12> kNumbers{0.0,
                                          1.0,
                                          2.0,
                                          -1.0,
                                          0.5,
                                          1e9,
                                          1e300,
                                          -1e300,
                                          9007199254740993.0,
                                          1e-300,
                                          std::numeric_limits<double>::quiet_NaN(),
                                          std::numeric_limits<double>::infinity()};
constexpr std::array<std::uint64_t, 6> kSizes{0, 1, 2, 3, 5, 17};
constexpr std::uint64_t kDays = 3, kQuantiles = 2, kItems = 2, kPaths = 3;

struct Table {
  std::string name;
  io::Extent shape;
  bool is_text = false;
  std::vector<std::string> scales{};  ///< datasets of the same group
};

std::vector<Table> tables_of(const std::string& group) {
  const auto along = [](const std::string& scale, std::uint64_t size, const std::vector<std::string>& names,
                        bool is_text) {
    std::vector<Table> tables;
    for (const auto& name : names) tables.push_back({name, {size}, is_text, {scale}});
    return tables;
  };
  std::vector<Table> tables;
  const auto add = [&](const std::vector<Table>& more) { tables.insert(tables.end(), more.begin(), more.end()); };
  if (group == "stats") {
    add(along("time", kDays, {"time", "spread_mean", "spread_mean_se", "repo_need_mean", "repo_need_mean_se"}, false));
    add(along("quantile", kQuantiles, {"quantile"}, false));
    add({{"spread_quantile", {kQuantiles, kDays}, false, {"quantile", "time"}}});
  } else if (group == "features") {
    add(along("feature", kItems, {"feature", "unit", "meaning"}, true));
    add(along("feature", kItems, {"mean", "mean_se"}, false));
    add(along("quantile", kQuantiles, {"quantile"}, false));
    for (const auto* name : {"value_quantile", "value_quantile_lo", "value_quantile_hi"})
      add({{name, {kQuantiles, kItems}, false, {"quantile", "feature"}}});
  } else if (group == "metrics") {
    add(along("metric", kItems, {"metric", "unit", "expr"}, true));
    add(along("metric", kItems, {"value", "se", "ci_lo", "ci_hi"}, false));
  } else if (group == "scores") {
    add(along("variable", kItems, {"variable", "unit"}, true));
    add(along("window", 1, {"window"}, true));
    for (const auto* name : {"crps", "crps_se", "crps_persistence"})
      add({{name, {kItems, 1}, false, {"variable", "window"}}});
  } else if (group == "summary") {
    add(along("path", kPaths, {"path"}, false));
    for (const auto& spec : engine::kPathFeatures) add(along("path", kPaths, {std::string(spec.name)}, false));
  } else if (group == "paths") {
    add(along("path", kPaths, {"path"}, false));
    add(along("time", kDays, {"time"}, false));
    add({{"spread", {kPaths, kDays}, false, {"path", "time"}}});
  } else if (group == "sweep") {
    add(along("point", kPaths, {"point", "status", "n_paths", "flagged", "need"}, false));
    add(along("point", kPaths, {"hash", "message"}, true));
    add(along("parameter", kItems, {"parameter", "parameter_unit"}, true));
    add(along("metric", kItems, {"metric", "metric_unit", "expr"}, true));
    add({{"design", {kPaths, kItems}, false, {"point", "parameter"}},
         {"design_text", {kPaths, kItems}, true, {"point", "parameter"}}});
    for (const auto* name : {"value", "se", "ci_lo", "ci_hi", "n"})
      add({{name, {kPaths, kItems}, false, {"point", "metric"}}});
  } else {
    add({{"resolved_scenario", {}, true}, {"sweep_file", {}, true}});
    add(along("input", kItems, {"input", "input_path", "input_sha256"}, true));
    add(along("argument", kItems, {"command_line", "override", "override_value", "build", "build_value"}, true));
  }
  return tables;
}

std::string text_of(Orders& orders) {
  constexpr std::array<std::string_view, 8> kTexts{"a",         "peak_spread", "",       "repoquake", "\xFF\x80",
                                                   "a,\"b\"\n", "\x1b[2J\x07", "1e9 USD"};
  return std::string(kTexts[orders.below(kTexts.size())]);
}

std::uint64_t size_of(const io::Extent& shape) {
  std::uint64_t size = 1;
  for (const auto n : shape) size *= n;
  return size;
}

/// As a result would have it, or in a part of cases not.
io::Dataset write_table(const io::Group& group, const Table& table, Orders& orders) {
  const std::size_t order = orders.next();
  if (order % 32 == 1) return {};
  io::Extent shape = table.shape;
  if (order % 8 == 2 && !shape.empty()) shape[orders.below(shape.size())] = kSizes[orders.below(kSizes.size())];
  if (order % 32 == 3) shape.push_back(kSizes[orders.below(kSizes.size())]);
  if (order % 32 == 4 && !shape.empty()) shape.pop_back();
  const bool is_text = (order % 32 == 5) != table.is_text;
  if (is_text) {
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < size_of(shape); ++i) texts.push_back(text_of(orders));
    if (texts.empty()) return {};
    return shape.empty() ? group.create_text(table.name, texts.front()) : group.create_texts(table.name, texts, shape);
  }
  if (order % 32 == 6) {                                                   // never written, and of any size
    shape.assign(shape.size(), std::uint64_t{1} << (orders.next() % 18));  // three of them: 2^54 bytes
    return group.create_dataset<double>(table.name, {.shape = shape, .chunk = {}});
  }
  std::vector<double> values;
  for (std::uint64_t i = 0; i < size_of(shape); ++i)
    values.push_back(order % 4 == 0 ? static_cast<double>(i) : kNumbers[orders.below(kNumbers.size())]);
  io::Dataset dataset = group.create_dataset<double>(table.name, {.shape = shape, .chunk = {}});
  if (!values.empty()) dataset.write(std::span<const double>(values));
  return dataset;
}

void write_group(const io::Group& root, const std::string& name, Orders& orders) {
  const io::Group group = root.create_group(name);
  std::vector<std::pair<Table, io::Dataset>> written;
  for (const auto& table : tables_of(name)) written.emplace_back(table, write_table(group, table, orders));
  const auto find = [&](const std::string& scale) -> const io::Dataset* {
    for (const auto& [table, dataset] : written)
      if (table.name == scale && dataset.is_open() && dataset.shape().size() == 1) return &dataset;
    return nullptr;
  };
  for (const auto& [table, dataset] : written)
    if (table.scales.size() == 1 && table.scales.front() == table.name && find(table.name) != nullptr)
      dataset.make_scale(table.name);
  for (const auto& [table, dataset] : written) {
    if (!dataset.is_open()) continue;
    if (table.name == "time") dataset.attributes().set("units", orders.below(8) == 1 ? "bp" : "days since 2019-09-11");
    const std::size_t rank = dataset.shape().size();
    for (std::size_t k = 0; k < std::min(rank, table.scales.size()); ++k)
      if (const auto* scale = find(table.scales[k]); scale != nullptr && table.scales[k] != table.name)
        dataset.attach_scale(static_cast<unsigned>(k), *scale);
  }
  if (name != "sweep") return;
  constexpr std::array<std::string_view, 6> kKinds{"saltelli", "morris", "lhs", "sobol", "grid", "?"};
  group.attributes().set("kind", kKinds[orders.below(kKinds.size())]);
  const auto count = [&] { return orders.below(4) == 0 ? std::int64_t{1} << orders.below(63) : std::int64_t{2}; };
  for (const auto* attribute : {"samples", "levels", "n_skipped", "design_seed"})
    group.attributes().set(attribute, count());
  group.attributes().set("max_flagged", kNumbers[orders.below(kNumbers.size())]);
}

void write_ordered(const std::string& path, std::string_view bytes) {
  Orders orders(bytes);
  io::File file = io::File::create(path);
  {
    const io::Group root = file.root();
    root.attributes().set("format", orders.below(16) == 1 ? text_of(orders) : "repoquake/result/1");
    root.attributes().set("status", orders.below(4) == 1 ? "interrupted" : "complete");
    root.attributes().set("n_paths", static_cast<std::int64_t>(orders.below(8)) - 1);
    root.attributes().set("title", text_of(orders));
    const std::size_t groups = orders.next();
    const bool is_sweep = orders.below(2) == 1;
    constexpr std::array<const char*, 6> kOfRuns{"stats", "features", "metrics", "scores", "summary", "paths"};
    for (std::size_t k = 0; k < kOfRuns.size(); ++k)
      if ((groups >> k & 1U) == 0 && !is_sweep) write_group(root, kOfRuns[k], orders);
    if (is_sweep) write_group(root, "sweep", orders);
    if ((groups >> 6 & 1U) == 0) write_group(root, "provenance", orders);
  }
  file.close();
}

/// Changes of a whole result: pairs of a place and a byte.
void write_changed(const std::string& path, std::string_view bytes) {
  static const std::string kWhole = [] {
    const fs::path file = fs::temp_directory_path() / ("repoquake-fuzz-whole-" + std::to_string(::getpid()));
    fs::remove(file);
    write_ordered(file.string(), {});
    std::ifstream stream(file, std::ios::binary);
    std::string whole{std::istreambuf_iterator<char>(stream), {}};
    fs::remove(file);
    return whole;
  }();
  std::string changed = kWhole;
  Orders orders(bytes);
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    std::size_t place = orders.next();
    place = place << 8 | orders.next();
    place = place << 8 | orders.next();
    changed[place % changed.size()] = static_cast<char>(orders.next());
  }
  std::ofstream(path, std::ios::binary) << changed;
}

/// What is wrong with the file is said by these and by no others.
template <class Reading>
void answer(const Reading& reading) {
  try {
    reading();
  } catch (const DataError&) {
  } catch (const IoError&) {
  }
}

void call(const std::vector<std::string>& words) {
  std::ostringstream out, err;
  CLI::App app{"", "repoquake"};
  int code = 0;
  const cli::Command command{words, out, err};
  cli::add_info(app, command);
  cli::add_export(app, command, code);
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  app.parse(reversed);
  for (const char c : out.str()) require(c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= 0x20, "plain text");
}

}  // namespace

void answer_result(std::string_view bytes) {
  const Workplace place;
  const std::string path = place.path("r.h5");
  const bool is_ordered = bytes.empty() || static_cast<unsigned char>(bytes.front()) % 2 == 0;
  bytes.remove_prefix(bytes.empty() ? 0 : 1);
  if (is_ordered)
    write_ordered(path, bytes);
  else
    write_changed(path, bytes);
  answer([&] { call({"info", path}); });
  bool is_sweep = false;
  answer([&] { is_sweep = io::read_info(path).find("/sweep/hash") != nullptr; });
  if (is_sweep) {
    answer([&] {
      auto table = io::read_sweep(path);
      study::add_indices(table);
      require(!report::sweep_text(table).empty(), "a sweep is shown");
    });
    answer([&] { call({"export", path, "sweep", "--format", "json"}); });
    return;
  }
  for (const auto* table : {"stats", "features", "metrics", "scores", "summary", "paths"})
    answer([&] { call({"export", path, table, "--format", bytes.size() % 2 == 0 ? "csv" : "json"}); });
  answer([&] { static_cast<void>(io::read_side(path)); });
  answer([&] { static_cast<void>(io::pair_results(path, path)); });
}

}  // namespace repoquake::fuzz

REPOQUAKE_FUZZ_ENTRY(repoquake::fuzz::answer_result)
