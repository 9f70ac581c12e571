#include "repoquake/io/result_writer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "io/cf_dataset.hpp"
#include "io/chunk_encoder.hpp"
#include "io/provenance_group.hpp"
#include "io/result_statistics.hpp"
#include "repoquake/core/contract.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/core/flags.hpp"
#include "repoquake/core/model_version.hpp"
#include "repoquake/core/variables.hpp"
#include "repoquake/engine/checkpoint.hpp"
#include "repoquake/engine/path_features.hpp"

namespace repoquake::io {

namespace {

using engine::kPathFeatureCount;
using engine::kPathFeatures;
using engine::PathFeature;

constexpr std::int32_t kDayFill = -2147483647;  // netCDF's fill value for int

std::string_view stop_text(engine::StopReason reason) noexcept {
  switch (reason) {
    case engine::StopReason::all_paths_done:
      return "all_paths_done";
    case engine::StopReason::settled:
      return "settled";
    case engine::StopReason::interrupted:
      return "interrupted";
  }
  return "";
}

/// The columns of a chunk that begins at this row: none where the table ended before it; nothing where some of it is not
/// there.
std::optional<std::vector<std::vector<std::byte>>> read_columns(const StoredTable& table, std::size_t n_columns,
                                                                std::uint64_t number, std::uint64_t first_row,
                                                                const ChunkSource& source) {
  std::vector<std::vector<std::byte>> stored;
  if (first_row >= table.n_rows) return stored;
  for (std::size_t k = number * n_columns; k < (number + 1) * n_columns; ++k) {
    auto bytes = k < table.chunks.size() ? source.read(table.chunks[k]) : std::nullopt;
    if (!bytes) return std::nullopt;
    stored.push_back(std::move(*bytes));
  }
  return stored;
}

StoredChunk stored_chunk(std::uint64_t address, std::span<const std::byte> stored) {
  return {.address = address, .bytes = static_cast<std::uint32_t>(stored.size()), .checksum = crc32(stored)};
}

/// Names the bits of kPathFlags, as CF does.
void describe_flags(const Dataset& dataset, std::string_view long_name) {
  std::array<std::uint32_t, kPathFlagCount> masks{};
  std::string meanings;
  for (std::size_t i = 0; i < kPathFlagCount; ++i) {
    masks[i] = bit(kPathFlags[i].flag);
    meanings.append(i > 0 ? " " : "").append(kPathFlags[i].name);
  }
  describe(dataset, "1", long_name);
  dataset.attributes().set("flag_masks", std::span<const std::uint32_t>(masks));
  dataset.attributes().set("flag_meanings", meanings);
}

// Paths

/// Bits of selected_as.
constexpr std::uint32_t kSampled = 1;
constexpr std::uint32_t kWorst = 2;

/// Where the columns of /summary begin in ChunkResult::encoded.
std::size_t first_of_summary(const engine::Manifest& manifest) {
  return manifest.variables.size() + (manifest.stored.worst > 0 ? 1 : 0) + 1;
}

std::vector<std::byte> encode_indices(const ChunkEncoder& encoder, const engine::ChunkResult& chunk) {
  std::vector<std::uint64_t> indices = chunk.indices;
  for (std::uint64_t i = indices.size(); i < chunk.n_paths; ++i) indices.push_back(chunk.first_path + i);
  return encoder(std::span<const std::uint64_t>(indices), 1, std::uint64_t{0});
}

}  // namespace

ResultWriter::ResultWriter(WriterOptions options, Provenance provenance, Observed observed)
    : options_(std::move(options)), provenance_(std::move(provenance)), observed_(std::move(observed)) {}

ResultWriter::~ResultWriter() {
  if (!file_.is_open()) return;
  try {
    cut(paths_);
    cut(summary_);
    file_.root().attributes().set("n_paths", static_cast<std::int64_t>(std::max(paths_.n_rows, summary_.n_rows)));
    paths_ = {};
    summary_ = {};
    file_.close();
  } catch (const std::exception&) {
    // Whoever destroys the writer early already has an error to report, and the file says "incomplete".
  }
}

// Layout

/// How many paths go where.
void ResultWriter::lay_out(const engine::Manifest& manifest) {
  manifest_ = manifest;
  const engine::StoredPaths& stored = manifest_.stored;
  const auto table_of = [&](std::uint64_t streamed, std::uint64_t capacity) {
    return PathTable{.streamed = streamed,
                     .capacity = capacity,
                     .chunk_rows = std::min<std::uint64_t>(manifest_.chunk_paths, capacity)};
  };
  paths_ = table_of(stored.sample, std::min(manifest_.n_paths, stored.sample + stored.worst));
  summary_ = manifest_.summary_of_all ? table_of(manifest_.n_paths, manifest_.n_paths)
                                      : table_of(paths_.streamed, paths_.capacity);
}

void ResultWriter::begin(const engine::Manifest& manifest) {
  RQ_EXPECT(!file_.is_open());
  RQ_EXPECT(manifest.n_days() > 0 && manifest.n_paths > 0);
  RQ_EXPECT(manifest.chunk_paths > 0);
  check_output(options_.path, options_.force || options_.resume);
  lay_out(manifest);
  worst_.emplace(manifest_);
  file_ = open_partial();
  lock_ = file_.share_lock();

  const Group root = file_.root();
  const Attributes about = root.attributes();
  about.set("Conventions", "CF-1.10");
  about.set("format", "repoquake/result/" + std::to_string(kResultFormat));
  about.set("title", manifest_.title);
  about.set("created", iso_now());
  about.set("status", "incomplete");
  about.set("conditional", std::int32_t{manifest_.is_conditional ? 1 : 0});
  if (!manifest_.drawn.empty()) about.set("drawn", manifest_.drawn + " drawn");
  about.set("scenario_name", manifest_.name);
  about.set("scenario_sha256", provenance_.scenario_sha256);
  about.set("seed", manifest_.seed);
  about.set("rng", provenance_.rng);
  if (manifest_.batching.any()) {
    about.set("sampling", manifest_.sampling);
    about.set("batches", static_cast<std::int64_t>(manifest_.batching.count));
    about.set("batch_run", static_cast<std::int64_t>(manifest_.batching.run));
  }
  about.set("n_paths", std::int64_t{0});
  about.set("stop_reason", "none");
  about.set("program_version", provenance_.program_version);
  about.set("git_describe", provenance_.git_describe);

  provenance_group_ = root.create_group("provenance");
  describe(provenance_group_.create_text("resolved_scenario", provenance_.resolved_scenario), "",
           "the scenario with every value it was run with, YAML");

  if (paths_.capacity > 0) create_paths();
  if (summary_.capacity > 0) create_summary();
  file_.flush();  // what is left after a crash says what it was
}

// Resuming

RunIdentity identity_of(const Provenance& provenance, std::uint64_t seed, std::uint64_t n_paths) {
  std::vector<DataFile> data;
  for (const Provenance::Input& input : provenance.inputs)
    if (input.role == "series" || input.role == "empirical size") data.push_back({input.path, input.sha256});
  return {.seed = seed,
          .n_paths = n_paths,
          .program = fmt::format("repoquake {} ({})", provenance.program_version, provenance.git_describe),
          .model_version = kModelVersion,
          .scenario = provenance.resolved_scenario,
          .data = std::move(data)};
}

void ResultWriter::say(const std::string& text) const {
  if (options_.say) options_.say(text);
}

/// A new partial file. What an earlier run left is gone, which is told, or set aside where it is to be resumed.
File ResultWriter::open_partial() {
  if (!options_.resume) {
    const std::string dropped = earlier_paths();
    File file = create_partial(options_.path);
    if (!dropped.empty()) say(partial_path(options_.path) + ": " + dropped);
    return file;
  }
  {
    const FileLock left = FileLock::take(partial_path(options_.path));  // nobody is writing it
    earlier_ = find_earlier();
    if (earlier_) set_aside(options_.path, earlier_->checkpoint);
  }
  return earlier_ ? create_partial_again(options_.path) : create_partial(options_.path);
}

/// What is lost with what an earlier run left; nothing where nothing is.
std::string ResultWriter::earlier_paths() const {
  try {
    const std::optional<Checkpoint> checkpoint = read_checkpoint(options_.path);
    if (!checkpoint || checkpoint->paths_done == 0) return "";
    const RunIdentity own = identity_of(provenance_, manifest_.seed, manifest_.n_paths);
    return fmt::format("{} of {} paths of an interrupted run are dropped{}", checkpoint->paths_done,
                       checkpoint->identity.n_paths,
                       checkpoint->identity.difference(own).empty() ? "; --resume would have gone on with them" : "");
  } catch (const DataError&) {  // torn: nothing that could be resumed
    return "";
  }
}

/// Nothing where there is nothing that can be resumed.
std::optional<ResultWriter::Earlier> ResultWriter::find_earlier() {
  const std::string& path = options_.path;
  const auto start_anew = [&](const std::string& why) {
    say(why + ": nothing to resume, the run starts anew");
    return std::nullopt;
  };
  std::optional<Checkpoint> checkpoint;
  try {
    checkpoint = read_checkpoint(path);
  } catch (const DataError& torn) {
    return start_anew(torn.what());
  }
  if (!checkpoint) {
    const std::string partial = partial_path(path);
    return start_anew(std::filesystem::exists(partial) ? partial + ": no " + checkpoint_path(path) + " beside it"
                                                       : "no " + checkpoint_path(path));
  }
  const std::string difference =
      checkpoint->identity.difference(identity_of(provenance_, manifest_.seed, manifest_.n_paths));
  if (!difference.empty())
    throw DataError(fmt::format("{}: cannot be resumed, it is of another run: {}; without --resume the run starts anew",
                                partial_path(path), difference));
  try {
    return restore(std::move(*checkpoint));
  } catch (const DataError& misfit) {
    return start_anew(checkpoint_path(path) + ": " + misfit.what());
  }
}

ResultWriter::Earlier ResultWriter::restore(Checkpoint checkpoint) const {
  Earlier earlier{.checkpoint = std::move(checkpoint),
                  .summary = {.manifest = manifest_, .stats = engine::OnlineStats(manifest_)},
                  .worst = engine::WorstPaths(manifest_)};
  engine::StateReader read(earlier.checkpoint.state);
  read(earlier.summary, earlier.kept, earlier.worst);
  read.finish();
  const std::uint64_t n_done = earlier.summary.stats.n_paths();
  const auto fits = [&](const engine::PathRow& row) { return engine::fits(manifest_, row); };
  const auto is_table = [&](const StoredTable& stored, const PathTable& table) {
    return stored.n_rows <= table.streamed && stored.n_rows <= n_done;
  };
  if (n_done > manifest_.n_paths || (n_done % manifest_.chunk_paths != 0 && n_done != manifest_.n_paths) ||
      !std::ranges::all_of(earlier.kept, fits) || !std::ranges::all_of(earlier.worst.rows(), fits) ||
      earlier.worst.rows().size() > manifest_.stored.worst || !is_table(earlier.checkpoint.paths, paths_) ||
      !is_table(earlier.checkpoint.summary, summary_))
    throw DataError("does not fit the run");
  return earlier;
}

std::uint64_t ResultWriter::resume(engine::RunSummary& summary) {
  RQ_EXPECT(file_.is_open());
  if (!earlier_) {
    keep_checkpoint(summary, false);
    return 0;
  }
  Earlier earlier = std::move(*earlier_);
  earlier_.reset();
  summary.stats = std::move(earlier.summary.stats);
  summary.convergence = std::move(earlier.summary.convergence);
  summary.seconds = earlier.summary.seconds;
  kept_ = std::move(earlier.kept);
  worst_ = std::move(earlier.worst);
  n_counted_ = summary.stats.n_paths();
  resumed_after_ = std::move(earlier.checkpoint.resumed_after);
  if (n_counted_ > 0) resumed_after_.push_back(n_counted_);
  written_until_ = copy_chunks(earlier.checkpoint);
  say(fmt::format("resuming after {} of {} paths", n_counted_, manifest_.n_paths));
  if (written_until_ < n_counted_)
    say(fmt::format("{} does not hold what its checkpoint says: paths from {} on are simulated again",
                    partial_path(options_.path), written_until_));
  else
    keep_checkpoint(summary, true);
  return written_until_;
}

/// Returns the first path whose chunk is not there.
std::uint64_t ResultWriter::copy_chunks(const Checkpoint& from) {
  const ChunkSource source(resuming_path(options_.path));
  const std::uint64_t chunk_paths = manifest_.chunk_paths;
  const std::uint64_t n_chunks = (from.paths_done + chunk_paths - 1) / chunk_paths;
  for (std::uint64_t number = 0; number < n_chunks; ++number) {
    const std::uint64_t first_row = number * chunk_paths;
    const auto of_paths = read_columns(from.paths, paths_.columns.size(), number, first_row, source);
    const auto of_summary = read_columns(from.summary, summary_.columns.size(), number, first_row, source);
    if (!of_paths || !of_summary) return first_row;
    put_columns(paths_, *of_paths, std::min(from.paths.n_rows, first_row + chunk_paths));
    put_columns(summary_, *of_summary, std::min(from.summary.n_rows, first_row + chunk_paths));
  }
  return from.paths_done;
}

/// Appends a chunk as an earlier run wrote it, until the table has so many rows; nothing where it has had no such chunk.
void ResultWriter::put_columns(PathTable& table, const StoredColumns& stored, std::uint64_t n_rows) {
  for (std::size_t k = 0; k < stored.size(); ++k)
    table.chunks.push_back(stored_chunk(table.columns[k].write(table.n_rows, stored[k]), stored[k]));
  table.n_rows = n_rows;
}

void ResultWriter::checkpoint(const engine::RunSummary& summary) { keep_checkpoint(summary, true); }

void ResultWriter::keep_checkpoint(const engine::RunSummary& summary, bool to_disk) {
  if (written_until_ < summary.stats.n_paths()) return;  // paths catch up with statistics; the earlier checkpoint holds
  lock_.require_name(partial_path(options_.path));
  if (to_disk) file_.sync_data();  // first what it speaks of
  write_checkpoint(
      options_.path,
      {.identity = identity_of(provenance_, manifest_.seed, manifest_.n_paths),
       .command_line = provenance_.command_line,
       .paths_done = summary.stats.n_paths(),
       .resumed_after = resumed_after_,
       .paths = paths_.stored(),
       .summary = summary_.stored()},
      [&](engine::StateWriter& write) { write(summary, kept_, *worst_); }, to_disk);
  std::error_code ignored;  // there is none, most of the time
  std::filesystem::remove(resuming_path(options_.path), ignored);
}

Layout ResultWriter::column_layout(const PathTable& table, std::uint64_t width) const {
  Layout layout{.shape = {table.capacity}, .chunk = {table.chunk_rows}};
  if (width > 0) {
    layout.shape.push_back(width);
    layout.chunk.push_back(width);
  }
  if (options_.compress)
    layout.deflate_level = 1;  // what the file says of it; the encoder has its own levels
  else
    layout.checksum = true;  // a deflated chunk ends with one of zlib
  return layout;
}

void ResultWriter::create_paths() {
  const engine::StoredPaths& stored = manifest_.stored;
  Group group = file_.root().create_group("paths");
  if (paths_.capacity < manifest_.n_paths) {
    group.attributes().set("sample", static_cast<std::int64_t>(stored.sample));
    group.attributes().set("worst", static_cast<std::int64_t>(stored.worst));
    if (stored.worst > 0)
      group.attributes().set("comment",
                             "the worst paths are not a fair sample: see `selected_as`; for statistics of all "
                             "paths see /stats");
  }
  const auto column_layout = [this](std::uint64_t width) { return this->column_layout(paths_, width); };
  Dataset path = group.create_dataset<std::int64_t>("path", column_layout(0));
  describe(path, "", "index of the path: with seed and scenario it regenerates the path");
  path.make_scale("path");
  const Dataset time = write_time(group, manifest_.dates);

  std::size_t encoded = 0;
  for (const Variable variable : manifest_.variables) {
    const VariableSpec& spec = spec_of(variable);
    Dataset dataset = group.create_dataset<float>(spec.name, column_layout(manifest_.n_days()), kFloatFill);
    describe_variable(dataset, spec, spec.long_name);
    dataset.attributes().set("_FillValue", kFloatFill);
    dataset.attach_scale(0, path);
    dataset.attach_scale(1, time);
    paths_.columns.push_back({std::move(dataset), encoded++, manifest_.n_days()});
  }
  if (stored.worst > 0) {
    Dataset rank = group.create_dataset<double>("worst_by", column_layout(0), kNaN);
    describe(rank, stored.unit, "value that the worst paths have most of: " + stored.by);
    rank.attributes().set("expr", stored.by);
    rank.attributes().set("_FillValue", kNaN);
    rank.attach_scale(0, path);
    paths_.columns.push_back({std::move(rank), encoded++, 0});
  }
  paths_.columns.push_back({std::move(path), encoded, 0});
  paths_.group = std::move(group);
}

void ResultWriter::create_summary() {
  const Group group = file_.root().create_group("summary");
  const auto column_layout = [this](std::uint64_t width) { return this->column_layout(summary_, width); };
  std::size_t encoded = first_of_summary(manifest_);
  Dataset path = group.create_dataset<std::int64_t>("path", column_layout(0));
  describe(path, "", "index of the path: with seed and scenario it regenerates the path");
  path.make_scale("path");
  const std::size_t path_encoded = encoded++;

  for (const auto& spec : kPathFeatures) {
    const bool is_day = spec.feature == PathFeature::peak_day;
    Dataset dataset = is_day ? group.create_dataset<std::int32_t>(spec.name, column_layout(0), kDayFill)
                             : group.create_dataset<double>(spec.name, column_layout(0), kNaN);
    if (is_day) {
      describe_days(dataset, manifest_.dates.front(), spec.long_name);
      dataset.attributes().set("_FillValue", kDayFill);
    } else {
      describe(dataset, spec.unit, spec.long_name);
      dataset.attributes().set("_FillValue", kNaN);
    }
    dataset.attach_scale(0, path);
    summary_.columns.push_back({std::move(dataset), encoded++, 0});
  }

  const std::size_t days_above_encoded = encoded++;
  if (!manifest_.thresholds.empty()) {
    const Dataset threshold = write_thresholds(group, manifest_.thresholds);
    Dataset days_above = group.create_dataset<std::int16_t>("days_above", column_layout(manifest_.thresholds.size()));
    describe(days_above, "1", "days with SOFR minus IORB above the threshold");
    days_above.attach_scale(0, path);
    days_above.attach_scale(1, threshold);
    summary_.columns.push_back({std::move(days_above), days_above_encoded, manifest_.thresholds.size()});
  }

  Dataset flags = group.create_dataset<std::uint32_t>("flags", column_layout(0));
  describe_flags(flags, "what happened to the path on any day");
  flags.attach_scale(0, path);
  summary_.columns.push_back({std::move(flags), encoded++, 0});

  if (manifest_.has_rules) {
    const Dataset time = write_time(group, manifest_.dates);
    Dataset events = group.create_dataset<std::uint32_t>("events", column_layout(manifest_.n_days()));
    describe_flags(events, "what happened on the day; a policy rule on the day it fires");
    events.attach_scale(0, path);
    events.attach_scale(1, time);
    summary_.columns.push_back({std::move(events), encoded, manifest_.n_days()});
  }
  summary_.columns.push_back({std::move(path), path_encoded, 0});
}

// Chunks of paths

void ResultWriter::encode(engine::ChunkResult& chunk) const {
  chunk.encoded.clear();
  if (paths_.streams(chunk)) encode_paths(chunk);
  if (!summary_.streams(chunk)) return;
  chunk.encoded.resize(first_of_summary(manifest_));
  encode_summary(chunk);
}

void ResultWriter::encode_paths(engine::ChunkResult& chunk) const {
  const std::size_t n_days = manifest_.n_days();
  const std::size_t n_variables = manifest_.variables.size();
  RQ_EXPECT(chunk.n_paths > 0 && chunk.n_paths <= paths_.chunk_rows);
  RQ_EXPECT(chunk.paths.size() == n_variables * chunk.n_paths * n_days);

  const ChunkEncoder encoder(paths_.chunk_rows, options_.compress);
  std::vector<std::uint32_t> words;
  for (std::size_t v = 0; v < n_variables; ++v) {
    to_stored(chunk.table(v, n_days), words);
    // Decision 0010: level 1 alone would make a file a little larger than HDF5's own filter does.
    const Search search = manifest_.variables[v] == Variable::reserves ? Search::longer : Search::brief;
    chunk.encoded.push_back(
        encoder(std::span<const std::uint32_t>(words), n_days, std::bit_cast<std::uint32_t>(kFloatFill), search));
  }
  std::vector<std::uint64_t> long_words;
  if (manifest_.stored.worst > 0) {
    to_stored(std::span<const double>(chunk.ranks), long_words);
    chunk.encoded.push_back(encoder(std::span<const std::uint64_t>(long_words), 1, std::bit_cast<std::uint64_t>(kNaN)));
  }
  chunk.encoded.push_back(encode_indices(encoder, chunk));
}

void ResultWriter::encode_summary(engine::ChunkResult& chunk) const {
  const std::size_t n_days = manifest_.n_days();
  RQ_EXPECT(chunk.n_paths > 0 && chunk.n_paths <= summary_.chunk_rows);
  RQ_EXPECT(chunk.features.size() == kPathFeatureCount * chunk.n_paths);
  RQ_EXPECT(chunk.days_above.size() == chunk.n_paths * manifest_.thresholds.size());
  RQ_EXPECT(chunk.flags.size() == chunk.n_paths);
  RQ_EXPECT(!manifest_.has_rules || chunk.events.size() == chunk.n_paths * n_days);

  const ChunkEncoder encoder(summary_.chunk_rows, options_.compress);
  chunk.encoded.push_back(encode_indices(encoder, chunk));
  std::vector<std::uint32_t> words;
  std::vector<std::uint64_t> long_words;
  for (const auto& spec : kPathFeatures) {
    const std::span<const double> values = chunk.feature(spec.feature);
    if (spec.feature == PathFeature::peak_day) {
      words.resize(values.size());
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::int32_t day = std::isfinite(values[i]) ? static_cast<std::int32_t>(values[i]) : kDayFill;
        words[i] = static_cast<std::uint32_t>(day);
      }
      chunk.encoded.push_back(encoder(std::span<const std::uint32_t>(words), 1, static_cast<std::uint32_t>(kDayFill)));
    } else {
      to_stored(values, long_words);
      chunk.encoded.push_back(
          encoder(std::span<const std::uint64_t>(long_words), 1, std::bit_cast<std::uint64_t>(kNaN)));
    }
  }

  chunk.encoded.push_back(
      encoder(std::span<const std::uint16_t>(chunk.days_above), manifest_.thresholds.size(), std::uint16_t{0}));
  chunk.encoded.push_back(encoder(std::span<const std::uint32_t>(chunk.flags), 1, std::uint32_t{0}));
  if (manifest_.has_rules)
    chunk.encoded.push_back(encoder(std::span<const std::uint32_t>(chunk.events), n_days, std::uint32_t{0}));
}

std::uint64_t ResultWriter::Column::write(std::uint64_t first_row, std::span<const std::byte> stored) const {
  const std::array<std::uint64_t, 2> offset{first_row, 0};
  return dataset.write_chunk(std::span(offset).first(width > 0 ? 2 : 1), stored);
}

void ResultWriter::append(PathTable& table, const engine::ChunkResult& chunk) {
  RQ_EXPECT(table.n_rows % table.chunk_rows == 0 && table.n_rows + chunk.n_paths <= table.capacity);
  for (const Column& column : table.columns) {
    const std::span<const std::byte> stored = chunk.encoded.at(column.encoded);
    const std::uint64_t address = column.write(table.n_rows, stored);
    table.chunks.push_back(stored_chunk(address, stored));
  }
  table.n_rows += chunk.n_paths;
}

void ResultWriter::write(const engine::ChunkResult& chunk) {
  RQ_EXPECT(file_.is_open());
  if (paths_.streams(chunk)) append(paths_, chunk);
  if (summary_.streams(chunk)) append(summary_, chunk);
  written_until_ = chunk.first_path + chunk.n_paths;
  if (chunk.first_path < n_counted_) return;  // the paths that wait in memory were not lost
  if (!paths_.streams(chunk))
    for (std::uint64_t path = chunk.first_path; path < paths_.streamed; ++path)
      kept_.push_back(engine::row_of(manifest_, chunk, path - chunk.first_path));
  worst_->absorb(chunk);
}

/// What waited until all paths were known, and which of the stored paths are what.
void ResultWriter::write_kept_rows() {
  if (paths_.capacity == 0) return;
  const std::vector<engine::PathRow> worst = worst_->take();
  for (const engine::PathRow& row : worst)
    if (row.path >= paths_.streamed) kept_.push_back(row);

  const std::uint64_t n_stored = paths_.n_rows + kept_.size();
  std::vector<std::uint32_t> selected_as(n_stored, kSampled);
  const std::uint64_t n_sampled = std::min(paths_.streamed, n_stored);
  std::fill(selected_as.begin() + static_cast<std::ptrdiff_t>(n_sampled), selected_as.end(), 0U);
  for (const engine::PathRow& row : worst) {
    const auto kept = std::ranges::find(kept_, row.path, &engine::PathRow::path);
    const std::uint64_t place =
        row.path < paths_.n_rows ? row.path : paths_.n_rows + static_cast<std::uint64_t>(kept - kept_.begin());
    selected_as.at(place) |= kWorst;
  }

  const bool joins_summary = !manifest_.summary_of_all;
  for (std::span<const engine::PathRow> rest = kept_; !rest.empty();) {
    const auto rows = rest.first(std::min<std::size_t>(rest.size(), paths_.chunk_rows));
    rest = rest.subspan(rows.size());
    engine::ChunkResult chunk = engine::gather(manifest_, rows);
    encode_paths(chunk);
    if (joins_summary) encode_summary(chunk);
    append(paths_, chunk);
    if (joins_summary) append(summary_, chunk);
  }
  kept_.clear();

  if (manifest_.stored.worst == 0 || n_stored == 0) return;
  const Dataset selected = paths_.group.create_dataset("selected_as", std::span<const std::uint32_t>(selected_as));
  describe(selected, "1", "why the path is stored");
  constexpr std::array<std::uint32_t, 2> kMasks{kSampled, kWorst};
  selected.attributes().set("flag_masks", std::span<const std::uint32_t>(kMasks));
  selected.attributes().set("flag_meanings", "sample worst");
  selected.attach_scale(0, paths_.columns.back().dataset);
}

/// The datasets as long as the paths they hold.
void ResultWriter::cut(const PathTable& table) {
  if (table.n_rows == table.capacity) return;
  for (const Column& column : table.columns) {
    Extent shape{table.n_rows};
    if (column.width > 0) shape.push_back(column.width);
    column.dataset.resize(shape);
  }
}

// A trial

TrialWriter::TrialWriter(bool compress) : writer_({.path = "", .compress = compress}, {}, {}) {}
void TrialWriter::begin(const engine::Manifest& manifest) { writer_.lay_out(manifest); }
void TrialWriter::encode(engine::ChunkResult& chunk) const { writer_.encode(chunk); }

// The end

void ResultWriter::write_resumptions() const {
  if (resumed_after_.empty()) return;
  const std::vector<std::int64_t> paths(resumed_after_.begin(), resumed_after_.end());
  Dataset after = provenance_group_.create_dataset("resumed_after", std::span<const std::int64_t>(paths));
  describe(after, "1",
           "paths after which the run was resumed, each time into a new file of the chunks that were listed");
  after.make_scale("resumed_after");
}

void ResultWriter::end(const engine::RunSummary& summary) {
  RQ_EXPECT(file_.is_open());
  const std::uint64_t n_paths = summary.stats.n_paths();
  const bool is_complete = summary.stop_reason != engine::StopReason::interrupted;
  write_kept_rows();
  cut(paths_);
  cut(summary_);
  const Group root = file_.root();
  scorecard_ = write_statistics(root, manifest_, summary, observed_);
  write_provenance(provenance_group_, provenance_, summary.threads, summary.seconds);
  write_resumptions();

  root.attributes().set("n_paths", static_cast<std::int64_t>(n_paths));
  root.attributes().set("stop_reason", stop_text(summary.stop_reason));
  file_.flush();  // all else is in the file before it calls itself complete
  root.attributes().set("status", is_complete ? "complete" : "interrupted");
  paths_ = {};
  summary_ = {};
  const FileLock lock = std::move(lock_);
  file_.close(true);
  if (is_complete) {
    publish(options_.path, options_.force || options_.resume, lock);
    remove_checkpoint(options_.path);
  }
}

}  // namespace repoquake::io
