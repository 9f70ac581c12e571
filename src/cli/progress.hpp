/// Progress on standard error, of paths or of points with their paths: a bar with rate and ETA on a terminal, else a line
/// per 10 %.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

namespace repoquake::cli {

class Progress {
 public:
  /// `unit`: what is counted, "paths" or "points".
  Progress(std::ostream& err, std::uint64_t total, bool is_terminal, bool is_quiet, std::string_view unit = "paths");
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  ///< ends the bar's line

  /// So much was done before: it counts as progress and says nothing about the rate.
  void begin_at(std::uint64_t done);

  /// `n_paths`: where points are counted, the paths behind them.
  void show(std::uint64_t done, std::uint64_t n_paths = 0);

 private:
  void draw_bar(std::uint64_t done, std::uint64_t n_paths, double seconds);
  [[nodiscard]] std::string rate_text(std::uint64_t done, std::uint64_t n_paths, double seconds) const;

  std::ostream& err_;
  std::uint64_t total_;
  std::string_view unit_;
  bool is_terminal_;
  bool is_quiet_;
  bool has_bar_ = false;
  std::uint64_t begun_at_ = 0;
  int shown_tenths_ = 0;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_drawn_;
};

/// Is standard error a terminal?
[[nodiscard]] bool stderr_is_terminal() noexcept;

}  // namespace repoquake::cli
