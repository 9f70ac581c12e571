// Scenario files: reader, validate, the resolved text, and the plan of what is right. The same bytes as a sweep file: its
// points, as far as check looks at them.
//
// Names inside the text reach a library in memory (the shipped scenarios and the parents of tests/reject, by their last
// element) because the text lies in a folder of it: "lib:/a/b". A name may still lead out, "/x" or "../../../x"; the
// fuzz target is therefore linked with --wrap=open, and while an input is read no file opens for reading. The replay
// test has no such wrap; its inputs are written by us, and the reader only reads, at most 64 MB.
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <fcntl.h>

#include "fuzz/entry_point.hpp"
#include "fuzz/targets.hpp"
#include "repoquake/io/digest.hpp"
#include "repoquake/io/scenario_yaml.hpp"
#include "repoquake/io/sweep_yaml.hpp"
#include "repoquake/plan/compile.hpp"

#if REPOQUAKE_FUZZ
namespace {
bool disk_is_closed = false;
}
extern "C" int __real_open(const char* path, int flags, ...);
extern "C" int __wrap_open(const char* path, int flags, ...);
extern "C" int __wrap_open(const char* path, int flags, ...) {
  constexpr int kMode = 0600;
  if (!disk_is_closed || (flags & O_ACCMODE) != O_RDONLY) return __real_open(path, flags, kMode);
  errno = ENOENT;
  return -1;
}
#endif

namespace repoquake::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "lib:/a/b";
constexpr std::size_t kMaxPlannedDays = 400;  // a plan of ten years is as right as one of a month, but slow

const std::map<std::string, std::string>& library() {
  static const auto files = [] {
    const fs::path root = REPOQUAKE_SOURCE_DIR;
    std::map<std::string, std::string> found;
    for (const auto* folder : {"scenarios", "scenarios/base", "scenarios/data", "tests/reject/parents"})
      for (const auto& entry : fs::directory_iterator(root / folder))
        if (entry.is_regular_file())
          found.emplace(entry.path().filename().string(), io::read_file(entry.path(), io::kScenarioFileLimit));
    return found;
  }();
  return files;
}

io::LoadOptions options() {
  io::LoadOptions options;
  options.library = [](std::string_view name) -> std::optional<std::string> {
    const auto file = library().find(fs::path(name).filename().string());
    return file == library().end() ? std::nullopt : std::optional(file->second);
  };
  return options;
}

class ClosedDisk {
 public:
  ClosedDisk() noexcept { close(true); }
  ~ClosedDisk() { close(false); }
  ClosedDisk(const ClosedDisk&) = delete;
  ClosedDisk& operator=(const ClosedDisk&) = delete;

 private:
  static void close([[maybe_unused]] bool is_closed) noexcept {
#if REPOQUAKE_FUZZ
    disk_is_closed = is_closed;
#endif
  }
};

void answer_sweep(std::string_view bytes, const io::LoadOptions& options) {
  constexpr std::size_t kMostPoints = 100;  // each is as right as another, but they take time
  auto loaded = io::parse_sweep(bytes, "fuzzed", kFolder, options);
  if (!loaded.diagnostics.empty()) require(!loaded.diagnostics.render().empty(), "complaints are shown");
  if (loaded.diagnostics.has_errors()) return;
  require(loaded.points.size() + loaded.skipped == loaded.sweep.size(), "every point is made or skipped");
  require(!loaded.points.empty(), "there are points");
  const auto last = io::sweep_point(loaded, loaded.points.size() - 1);
  require(last.settings.size() == loaded.sweep.keys().size(), "a setting a key");
  if (loaded.points.size() > kMostPoints) return;
  io::check_points(loaded);
}

}  // namespace

void answer_scenario(std::string_view bytes) {
  static const io::LoadOptions kOptions = options();
  (void)library();
  const ClosedDisk closed;

  answer_sweep(bytes, kOptions);
  const auto loaded = io::parse_scenario(bytes, "fuzzed", kFolder, kOptions);
  if (!loaded.diagnostics.empty()) require(!loaded.diagnostics.render().empty(), "complaints are shown");
  if (loaded.diagnostics.has_errors()) return;

  const auto again = io::parse_scenario(loaded.resolved, "resolved", kFolder, kOptions);
  require(!again.diagnostics.has_errors(), "the resolved scenario is right");
  require(again.scenario == loaded.scenario, "the resolved scenario is equal");
  require(again.base == loaded.base, "the resolved base is equal");
  require(again.resolved == loaded.resolved, "the resolved text is its own resolved text");

  const auto& window = loaded.scenario.window;
  if (static_cast<std::size_t>((window.end - window.start).count()) > kMaxPlannedDays) return;
  const auto compiled = plan::compile(loaded.scenario, loaded.base ? &*loaded.base : nullptr);
  require(compiled.plan.has_value() == compiled.issues.empty(), "a plan or issues");
}

}  // namespace repoquake::fuzz

REPOQUAKE_FUZZ_ENTRY(repoquake::fuzz::answer_scenario)
