#include "repoquake/io/checkpoint_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <libdeflate.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/system_text.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/engine/checkpoint.hpp"
#include "repoquake/io/digest.hpp"
#include "repoquake/io/output_file.hpp"
#include "repoquake/io/scenario_yaml.hpp"

namespace repoquake::io {
namespace {

constexpr std::string_view kMagic = "repoquake/checkpoint/";
constexpr std::string_view kFormat = "repoquake/checkpoint/3\n";
constexpr std::size_t kLargest = std::size_t{8} << 30;

std::string aside_path(const std::string& path) { return checkpoint_path(path) + ".partial"; }

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// The keys of a resolved scenario with their values.
std::map<std::string, std::string> keys_of(const std::string& resolved) {
  std::map<std::string, std::string> keys;
  for (const ResolvedKey& key : parse_scenario(resolved, "", "").keys) keys[key.path] = key.value;
  return keys;
}

/// The first key, by name, that two resolved scenarios do not share.
std::string differing_key(const std::string& then, const std::string& now) {
  const auto ours = keys_of(now);
  auto theirs = keys_of(then);
  std::set<std::string> names;
  for (const auto& keys : {ours, theirs})
    for (const auto& [name, value] : keys) names.insert(name);
  const auto text = [](const auto& keys, const std::string& name) {
    const auto found = keys.find(name);
    return found == keys.end() ? std::string("nothing") : found->second;
  };
  for (const std::string& name : names)
    if (text(ours, name) != text(theirs, name))
      return fmt::format("{}: {} in the file, {} asked", name, text(theirs, name), text(ours, name));
  return "the scenario is another one";
}

/// A new file, written piece by piece. It is removed unless `close` has said that all of it is there.
class NewFile {
 public:
  explicit NewFile(std::string path)
      : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail(errno);
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(path_.c_str());
  }

  void append(std::string_view content) {
    while (!content.empty()) {
      const ssize_t n = ::write(descriptor_, content.data(), content.size());
      if (n > 0)
        content.remove_prefix(static_cast<std::size_t>(n));
      else if (n == 0 || errno != EINTR)
        fail(n == 0 ? ENOSPC : errno);
    }
  }

  /// Waits for the disk where it is asked to.
  void close(bool to_disk) {
    if (to_disk && ::fdatasync(descriptor_) != 0) fail(errno);
    if (::close(std::exchange(descriptor_, -1)) == 0) return;
    const int failure = errno;
    ::unlink(path_.c_str());
    fail(failure);
  }

 private:
  [[noreturn]] void fail(int failure) const { throw IoError(path_ + ": cannot write: " + system_text(failure)); }

  std::string path_;
  int descriptor_;
};

/// Texts of a checkpoint are shown on terminals; what would command one is not passed on.
void make_harmless(std::string& text) {
  const auto is_command = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7F; };
  std::ranges::replace_if(text, is_command, '?');
}

/// How many of the listed chunks a file holds.
std::size_t count_whole(const std::string& file, const Checkpoint& checkpoint) {
  const ChunkSource source(file);
  std::size_t n = 0;
  for (const StoredTable* table : {&checkpoint.paths, &checkpoint.summary})
    for (const StoredChunk& chunk : table->chunks) n += source.read(chunk).has_value() ? 1U : 0U;
  return n;
}

/// As a shell reads it.
std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

std::string checkpoint_path(const std::string& path) { return path + ".checkpoint"; }
std::string resuming_path(const std::string& path) { return path + ".resuming"; }

std::uint32_t crc32(std::span<const std::byte> bytes) noexcept {
  return libdeflate_crc32(0, bytes.data(), bytes.size());
}

std::string RunIdentity::difference(const RunIdentity& asked) const {
  if (*this == asked) return "";
  const auto say = [](std::string_view what, const auto& then, const auto& now) {
    return fmt::format("{} {} in the file, {} asked", what, then, now);
  };
  if (seed != asked.seed) return say("seed", seed, asked.seed);
  if (n_paths != asked.n_paths) return say("paths", n_paths, asked.n_paths);
  if (scenario != asked.scenario) return differing_key(scenario, asked.scenario);
  if (data != asked.data) {
    const auto [then, now] = std::ranges::mismatch(data, asked.data);
    const auto text = [](auto file, auto end) { return file == end ? "nothing" : file->path + " " + file->sha256; };
    return say("data", text(then, data.end()), text(now, asked.data.end()));
  }
  if (model_version != asked.model_version)
    return fmt::format("model version {} in the file, {} in this program", model_version, asked.model_version);
  return fmt::format("made by {}, this program is {}", program, asked.program);
}

std::optional<Checkpoint> read_checkpoint(const std::string& path) {
  const std::string name = checkpoint_path(path);
  if (!std::filesystem::exists(name)) return std::nullopt;
  std::string content;
  try {
    content = read_file(name, kLargest);
  } catch (const DataError&) {  // a result under this name: no checkpoint either
  }
  std::string_view rest = content;
  if (!rest.starts_with(kFormat))
    throw DataError(
        name + (rest.starts_with(kMagic) ? ": made by another version of the program" : ": torn, or not a checkpoint"));
  std::uint32_t checksum = 0;
  const bool is_whole = rest.size() >= kFormat.size() + sizeof checksum;
  if (is_whole) {
    std::memcpy(&checksum, rest.data() + rest.size() - sizeof checksum, sizeof checksum);
    rest.remove_suffix(sizeof checksum);
  }
  if (!is_whole || crc32(bytes_of(rest)) != checksum) throw DataError(name + ": torn: its checksum is wrong");
  rest.remove_prefix(kFormat.size());
  Checkpoint checkpoint;
  try {
    engine::StateReader read(rest);
    read(checkpoint);
    checkpoint.state = read.take_rest();
    for (std::string& word : checkpoint.command_line) make_harmless(word);
    for (std::string* text : {&checkpoint.identity.scenario, &checkpoint.identity.program}) make_harmless(*text);
    for (DataFile& file : checkpoint.identity.data)
      for (std::string* text : {&file.path, &file.sha256}) make_harmless(*text);
  } catch (const DataError& error) {
    throw DataError(name + ": torn: " + error.what());
  }
  return checkpoint;
}

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint,
                      const std::function<void(engine::StateWriter&)>& write_state, bool to_disk) {
  NewFile file(aside_path(path));
  std::uint32_t checksum = 0;
  const auto append = [&](std::string_view piece) {
    checksum = libdeflate_crc32(checksum, piece.data(), piece.size());
    file.append(piece);
  };
  append(kFormat);
  engine::StateWriter write(append);
  write(checkpoint);
  write_state(write);
  write.finish();
  file.append({reinterpret_cast<const char*>(&checksum), sizeof checksum});
  file.close(to_disk);
  if (std::rename(aside_path(path).c_str(), checkpoint_path(path).c_str()) != 0)
    throw IoError(checkpoint_path(path) + ": cannot write: " + system_text(errno));
  if (to_disk) sync_folder_of(path);
}

ListedChunks count_chunks(const std::string& path, const Checkpoint& checkpoint) {
  return {.listed = checkpoint.paths.chunks.size() + checkpoint.summary.chunks.size(),
          .whole = std::max(count_whole(partial_path(path), checkpoint), count_whole(resuming_path(path), checkpoint))};
}

void remove_checkpoint(const std::string& path) {
  for (const std::string& name : {checkpoint_path(path), aside_path(path), resuming_path(path)})
    if (::unlink(name.c_str()) != 0 && errno != ENOENT)
      throw IoError(name + ": cannot be removed: " + system_text(errno));
}

void set_aside(const std::string& path, const Checkpoint& checkpoint) {
  const std::string partial = partial_path(path);
  const std::string resuming = resuming_path(path);
  if (!std::filesystem::exists(partial)) return;
  const bool is_newer =
      !std::filesystem::exists(resuming) || count_whole(partial, checkpoint) > count_whole(resuming, checkpoint);
  if ((is_newer ? std::rename(partial.c_str(), resuming.c_str()) : ::unlink(partial.c_str())) != 0)
    throw IoError(partial + ": cannot be set aside: " + system_text(errno));
}

ChunkSource::ChunkSource(const std::string& file) : descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status {};
  if (descriptor_ >= 0 && ::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode))
    size_ = static_cast<std::uint64_t>(status.st_size);
}

ChunkSource::~ChunkSource() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::optional<std::vector<std::byte>> ChunkSource::read(const StoredChunk& chunk) const {
  if (chunk.address > size_ || chunk.bytes > size_ - chunk.address) return std::nullopt;
  std::vector<std::byte> bytes(chunk.bytes);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n =
        ::pread(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(chunk.address + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    done += static_cast<std::size_t>(n);
  }
  if (crc32(bytes) != chunk.checksum) return std::nullopt;
  return bytes;
}

std::string resume_command(std::span<const std::string> command_line) {
  constexpr std::string_view kWallTime = "--wall-time";
  std::string text;
  bool is_value = false;  // of an option that is left out
  for (const std::string& word : command_line) {
    const bool is_left_out =
        is_value || word == "--force" || word == "--resume" || word == "--only-failed" || word.starts_with(kWallTime);
    is_value = word == kWallTime;
    if (!is_left_out) text += quoted(word) + " ";
  }
  return text + "--resume";
}

}  // namespace repoquake::io
