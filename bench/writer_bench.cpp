/// How fast and how small paths are written, against the HDF5 library's own filters, and what part of a run that is.
/// Protocol and figures: README.md.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <hdf5.h>
#include <tbb/global_control.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include "build_info.hpp"
#include "repoquake/engine/run.hpp"
#include "repoquake/io/library_versions.hpp"
#include "repoquake/io/result_writer.hpp"
#include "repoquake/io/scenario_yaml.hpp"
#include "repoquake/plan/compile.hpp"

using namespace repoquake;
using Clock = std::chrono::steady_clock;

namespace {

struct Options {
  std::string scenario = "scenarios/sep_2019.yaml";
  std::uint64_t paths = 100'000;
  int threads = 2;
  int repeats = 7;
  std::string folder = "/dev/shm";
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// "2.31 [2.28 .. 2.40]": median, least and largest.
std::string spread_of(std::vector<double> values, int digits) {
  std::ranges::sort(values);
  const std::size_t n = values.size();
  return fmt::format("{:.{}f} [{:.{}f} .. {:.{}f}]", (values[(n - 1) / 2] + values[n / 2]) / 2, digits, values.front(),
                     digits, values.back(), digits);
}

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

/// Keeps chunks, without what only statistics by day and metrics need.
class Keeper final : public engine::Sink {
 public:
  explicit Keeper(std::vector<engine::ChunkResult>& chunks) : chunks_(chunks) {}
  void write(const engine::ChunkResult& chunk) override {
    engine::ChunkResult& kept = chunks_.emplace_back(chunk);
    const auto features = static_cast<std::ptrdiff_t>(engine::kPathFeatureCount);  // stand last
    kept.moments.erase(kept.moments.begin(), kept.moments.end() - features);
    kept.bins.erase(kept.bins.begin(), kept.bins.end() - features * static_cast<std::ptrdiff_t>(kept.n_paths));
    kept.bin_ranges.erase(kept.bin_ranges.begin(), kept.bin_ranges.end() - features);
    kept.metrics = {};
    kept.metric_parts = {};
    kept.metric_bins = {};
  }

 private:
  std::vector<engine::ChunkResult>& chunks_;
};

/// Passes all on to a writer, and adds up the time the threads spend in it.
class TimedSink final : public engine::Sink {
 public:
  explicit TimedSink(engine::Sink& sink) : sink_(sink) {}
  void begin(const engine::Manifest& manifest) override { sink_.begin(manifest); }
  void encode(engine::ChunkResult& chunk) const override {
    const auto start = Clock::now();
    sink_.encode(chunk);
    encode_ns_ += (Clock::now() - start).count();
  }
  void write(const engine::ChunkResult& chunk) override {
    const auto start = Clock::now();
    sink_.write(chunk);
    write_ns_ += (Clock::now() - start).count();
  }
  void end(const engine::RunSummary& summary) override { sink_.end(summary); }

  [[nodiscard]] double encode_seconds() const { return static_cast<double>(encode_ns_) * 1e-9; }
  [[nodiscard]] double write_seconds() const { return static_cast<double>(write_ns_) * 1e-9; }

 private:
  engine::Sink& sink_;
  mutable std::atomic<std::int64_t> encode_ns_ = 0;
  std::int64_t write_ns_ = 0;
};

// The HDF5 library by itself

hid_t checked(hid_t id) {
  if (id < 0) throw std::runtime_error("the HDF5 library failed");
  return id;
}

/// A per-path dataset, whole in memory.
struct Table {
  std::string name;  ///< with its group
  hid_t type = -1;
  std::vector<hsize_t> shape;
  std::vector<hsize_t> chunk;
  hsize_t stored_bytes = 0;
  std::vector<std::byte> values;

  [[nodiscard]] std::size_t row_bytes() const { return values.size() / shape.front(); }
};

/// All chunked datasets of a result.
std::vector<Table> read_tables(const std::string& path) {
  std::vector<Table> tables;
  const hid_t file = checked(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  const auto read = [](hid_t root, const char* name, const H5O_info_t* info, void* out) -> herr_t {
    if (info->type != H5O_TYPE_DATASET) return 0;
    const hid_t dataset = H5Dopen2(root, name, H5P_DEFAULT);
    const hid_t properties = H5Dget_create_plist(dataset);
    if (H5Pget_layout(properties) == H5D_CHUNKED) {
      const hid_t space = H5Dget_space(dataset);
      const auto rank = static_cast<std::size_t>(H5Sget_simple_extent_ndims(space));
      const hid_t stored_type = H5Dget_type(dataset);
      Table table;
      table.name = name;
      table.type = H5Tget_native_type(stored_type, H5T_DIR_DEFAULT);
      table.shape.resize(rank);
      table.chunk.resize(rank);
      H5Sget_simple_extent_dims(space, table.shape.data(), nullptr);
      H5Pget_chunk(properties, static_cast<int>(rank), table.chunk.data());
      table.stored_bytes = H5Dget_storage_size(dataset);
      table.values.resize(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)) * H5Tget_size(table.type));
      if (H5Dread(dataset, table.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, table.values.data()) < 0) return -1;
      H5Tclose(stored_type);
      H5Sclose(space);
      static_cast<std::vector<Table>*>(out)->push_back(std::move(table));
    }
    H5Pclose(properties);
    H5Dclose(dataset);
    return 0;
  };
  checked(H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, read, &tables, H5O_INFO_BASIC));
  H5Fclose(file);
  return tables;
}

/// The same chunks in the same order as ours, each by H5Dwrite.
void write_by_hdf5(const std::string& path, const std::vector<Table>& tables, bool compress) {
  const hid_t file = checked(H5Fcreate(path.c_str(), H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT));
  const hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  std::vector<hid_t> datasets;
  for (const Table& table : tables) {
    const hid_t space = H5Screate_simple(static_cast<int>(table.shape.size()), table.shape.data(), nullptr);
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(properties, static_cast<int>(table.chunk.size()), table.chunk.data());
    if (compress) {
      H5Pset_shuffle(properties);
      H5Pset_deflate(properties, 1);
    }
    datasets.push_back(
        checked(H5Dcreate2(file, table.name.c_str(), table.type, space, links, properties, H5P_DEFAULT)));
    H5Pclose(properties);
    H5Sclose(space);
  }
  const hsize_t n_rows = tables.front().shape.front();
  const hsize_t step = tables.front().chunk.front();
  for (hsize_t first = 0; first < n_rows; first += step)
    for (std::size_t i = 0; i < tables.size(); ++i) {
      const Table& table = tables[i];
      std::vector<hsize_t> start(table.shape.size(), 0);
      std::vector<hsize_t> count = table.shape;
      start.front() = first;
      count.front() = std::min(step, n_rows - first);
      const int rank = static_cast<int>(count.size());
      const hid_t memory = H5Screate_simple(rank, count.data(), nullptr);
      const hid_t space = H5Screate_simple(rank, table.shape.data(), nullptr);
      H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr);
      checked(H5Dwrite(datasets[i], table.type, memory, space, H5P_DEFAULT,
                       table.values.data() + first * table.row_bytes()));
      H5Sclose(space);
      H5Sclose(memory);
    }
  for (const hid_t dataset : datasets) checked(H5Dclose(dataset));
  H5Pclose(links);
  checked(H5Fclose(file));
}

// Ours

struct Run {
  plan::Plan plan;
  engine::RunSummary summary;  ///< without statistics by day: the HDF5 library is not asked to write them either
  std::vector<engine::ChunkResult> chunks;
};

Run simulate(const Options& options) {
  io::LoadOptions load;
  load.paths = options.paths;
  load.settings = {"output.paths=all"};
  const io::LoadedScenario loaded = io::load_scenario(options.scenario, load);
  io::require_valid(loaded);
  auto compiled = plan::compile(loaded.scenario, loaded.base ? &*loaded.base : nullptr);
  if (!compiled.plan) throw std::runtime_error(options.scenario + ": " + compiled.issues.front().reason);
  std::vector<engine::ChunkResult> chunks;
  Keeper keeper(chunks);
  engine::Manifest manifest = engine::run(*compiled.plan, {.threads = options.threads}, keeper).manifest;
  manifest.statistics.clear();
  manifest.metrics.clear();
  engine::OnlineStats stats(manifest);
  for (const engine::ChunkResult& chunk : chunks) stats.absorb(chunk);
  return {std::move(*compiled.plan), {.manifest = manifest, .stats = std::move(stats)}, std::move(chunks)};
}

io::ResultWriter make_writer(const std::string& path, bool compress) {
  return {io::WriterOptions{.path = path, .compress = compress}, io::Provenance{}, io::Observed{}};
}

/// What engine::run does with its sink, without the simulation.
void write_by_us(const std::string& path, Run& run, bool compress, int threads) {
  io::ResultWriter writer = make_writer(path, compress);
  writer.begin(run.summary.manifest);
  using ChunkPlace = engine::ChunkResult*;
  std::size_t next = 0;
  const auto number = [&](tbb::flow_control& control) -> ChunkPlace {
    if (next < run.chunks.size()) return &run.chunks[next++];
    control.stop();
    return nullptr;
  };
  const auto encode = [&](ChunkPlace chunk) {
    writer.encode(*chunk);
    return chunk;
  };
  const auto write = [&](ChunkPlace chunk) {
    writer.write(*chunk);
    chunk->encoded = {};
  };
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  tbb::task_arena(threads).execute([&] {
    tbb::parallel_pipeline(static_cast<std::size_t>(2 * threads),
                           tbb::make_filter<void, ChunkPlace>(tbb::filter_mode::serial_in_order, number) &
                               tbb::make_filter<ChunkPlace, ChunkPlace>(tbb::filter_mode::parallel, encode) &
                               tbb::make_filter<ChunkPlace, void>(tbb::filter_mode::serial_in_order, write));
  });
  writer.end(run.summary);
}

// Measurements

struct Contender {
  std::string name;
  std::function<void(const std::string&)> write;
  std::vector<double> wall{};
  std::vector<double> processor{};  ///< of all threads
  hsize_t stored_bytes = 0;
};

bool same_values(const std::vector<Table>& a, const std::vector<Table>& b) {
  return std::ranges::equal(a, b, [](const Table& x, const Table& y) {
    return x.name == y.name && x.shape == y.shape && x.values == y.values;
  });
}

/// Every contender once a round, so that what else the machine does hits all alike.
void compare_writers(Run& run, const Options& options, const std::string& path) {
  write_by_us(path, run, false, options.threads);
  const std::vector<Table> tables = read_tables(path);
  std::filesystem::remove(path);
  double raw_bytes = 0.0;
  for (const Table& table : tables) raw_bytes += static_cast<double>(table.values.size());
  fmt::print("data      {}: {} paths x {} days, {} datasets by path, {:.1f} MB\n\n", run.plan.name, options.paths,
             run.summary.manifest.n_days(), tables.size(), raw_bytes * 1e-6);

  const std::string suffix = fmt::format(", {} thread{}", options.threads, options.threads > 1 ? "s" : "");
  std::vector<Contender> contenders{
      {"HDF5, shuffle and deflate 1", [&](const std::string& to) { write_by_hdf5(to, tables, true); }},
      {"ours, deflate" + suffix, [&](const std::string& to) { write_by_us(to, run, true, options.threads); }},
      {"ours, none" + suffix, [&](const std::string& to) { write_by_us(to, run, false, options.threads); }},
      {"HDF5, no filter", [&](const std::string& to) { write_by_hdf5(to, tables, false); }}};
  for (int round = 0; round < options.repeats; ++round)
    for (Contender& contender : contenders) {
      const auto start = Clock::now();
      const std::clock_t processor = std::clock();
      contender.write(path);
      contender.processor.push_back(static_cast<double>(std::clock() - processor) / CLOCKS_PER_SEC);
      contender.wall.push_back(seconds_since(start));
      if (round == 0) {
        const std::vector<Table> written = read_tables(path);
        if (!same_values(written, tables)) throw std::runtime_error(contender.name + ": wrote other values");
        for (const Table& table : written) contender.stored_bytes += table.stored_bytes;
      }
      std::filesystem::remove(path);
    }

  const Contender& reference = contenders.front();
  fmt::print("{:<28}  {:<24}  {:<24}  {:<22}  {:>7}  {:>10}\n", "writing", "GB/s", "times as fast as HDF5",
             "processor s", "MB", "HDF5's = 1");
  for (const Contender& contender : contenders) {
    std::vector<double> rate, ratio;
    for (std::size_t i = 0; i < contender.wall.size(); ++i) {
      rate.push_back(raw_bytes * 1e-9 / contender.wall[i]);
      ratio.push_back(reference.wall[i] / contender.wall[i]);
    }
    fmt::print("{:<28}  {:<24}  {:<24}  {:<22}  {:>7.1f}  {:>10.4f}\n", contender.name, spread_of(rate, 3),
               spread_of(ratio, 2), spread_of(contender.processor, 2),
               static_cast<double>(contender.stored_bytes) * 1e-6,
               static_cast<double>(contender.stored_bytes) / static_cast<double>(reference.stored_bytes));
  }
}

/// A whole run with a writer against the same run with a sink that does nothing.
void measure_share(const Run& run, const Options& options, const std::string& path) {
  struct Writing {
    std::string name;
    bool compress;
    std::vector<double> ratio{}, encode{}, write{};
  };
  std::vector<double> bare;
  std::vector<Writing> writings{{"deflate", true}, {"none", false}};
  for (int round = 0; round < options.repeats; ++round) {
    engine::Sink nowhere;
    auto start = Clock::now();
    static_cast<void>(engine::run(run.plan, {.threads = options.threads}, nowhere));
    bare.push_back(seconds_since(start));
    for (Writing& writing : writings) {
      io::ResultWriter writer = make_writer(path, writing.compress);
      TimedSink sink(writer);
      start = Clock::now();
      static_cast<void>(engine::run(run.plan, {.threads = options.threads}, sink));
      writing.ratio.push_back(seconds_since(start) / bare.back());
      writing.encode.push_back(sink.encode_seconds());
      writing.write.push_back(sink.write_seconds());
      std::filesystem::remove(path);
    }
  }
  fmt::print("\na run of {} threads without writing takes {} s\n", options.threads, spread_of(bare, 2));
  fmt::print("{:<28}  {:<24}  {:<24}  {:<24}\n", "with compression", "times as long", "thread s in encode",
             "thread s in write");
  for (const Writing& writing : writings)
    fmt::print("{:<28}  {:<24}  {:<24}  {:<24}\n", writing.name, spread_of(writing.ratio, 3),
               spread_of(writing.encode, 2), spread_of(writing.write, 2));
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Writing paths: ours against the HDF5 library's own filters. See bench/README.md.");
  app.add_option("--scenario", options.scenario, "scenario file")->capture_default_str();
  app.add_option("--paths", options.paths, "paths; all are kept in memory")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads, "threads of ours")->capture_default_str()->check(CLI::Range(1, 4096));
  app.add_option("--repeats", options.repeats, "rounds")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--dir", options.folder, "folder of the files, memory-backed and with room for one")
      ->capture_default_str()
      ->check(CLI::ExistingDirectory);
  CLI11_PARSE(app, argc, argv);
  try {
    std::string libraries;
    for (const auto& [name, version] : io::library_versions()) libraries += ", " + name + " " + version;
    fmt::print("machine   {}, {} processors; {} {}{}\n", processor_name(), std::thread::hardware_concurrency(),
               kCompiler, kBuildType, libraries);
    fmt::print("rounds    {}, each contender once a round; median [least .. largest]; ratios within a round\n",
               options.repeats);
    Run run = simulate(options);
    const std::string path = (std::filesystem::path(options.folder) / "repoquake_writer_bench.h5").string();
    compare_writers(run, options, path);
    measure_share(run, options, path);
  } catch (const std::exception& error) {
    fmt::print(stderr, "writer_bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
