/// Progress on standard error: a bar with rate and ETA on a terminal, else a line per 10 %.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>

namespace repoquake::cli {

class Progress {
 public:
  Progress(std::ostream& err, std::uint64_t total_paths, bool is_terminal, bool is_quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  ///< ends the bar's line

  void show(std::uint64_t done);

 private:
  void draw_bar(std::uint64_t done, double seconds);

  std::ostream& err_;
  std::uint64_t total_;
  bool is_terminal_;
  bool is_quiet_;
  bool has_bar_ = false;
  int shown_tenths_ = 0;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_drawn_;
};

/// Is standard error a terminal?
[[nodiscard]] bool stderr_is_terminal() noexcept;

}  // namespace repoquake::cli
