#include "cli/progress.hpp"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

namespace repoquake::cli {
namespace {

constexpr int kBarCells = 30;
constexpr auto kRedraw = std::chrono::milliseconds(100);

std::string duration_text(double seconds) {
  if (seconds < 60.0) return fmt::format("{:.0f} s", seconds);
  if (seconds < 3600.0)
    return fmt::format("{:.0f} min {:02.0f} s", std::floor(seconds / 60.0), std::fmod(seconds, 60.0));
  return fmt::format("{:.1f} h", seconds / 3600.0);
}

}  // namespace

bool stderr_is_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

Progress::Progress(std::ostream& err, std::uint64_t total_paths, bool is_terminal, bool is_quiet)
    : err_(err),
      total_(std::max<std::uint64_t>(total_paths, 1)),
      is_terminal_(is_terminal),
      is_quiet_(is_quiet),
      start_(std::chrono::steady_clock::now()),
      last_drawn_(start_ - kRedraw) {}

Progress::~Progress() {
  if (has_bar_) err_ << '\n' << std::flush;
}

void Progress::show(std::uint64_t done) {
  if (is_quiet_) return;
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (is_terminal_) {
    if (now - last_drawn_ < kRedraw && done < total_) return;
    last_drawn_ = now;
    draw_bar(done, seconds);
    return;
  }
  const int tenths = static_cast<int>(10 * done / total_);
  if (tenths <= shown_tenths_) return;
  shown_tenths_ = tenths;
  err_ << fmt::format("{:3} % {} of {} paths, {:.0f} paths/s\n", 10 * tenths, done, total_,
                      static_cast<double>(done) / std::max(seconds, 1e-3))
       << std::flush;
}

void Progress::draw_bar(std::uint64_t done, double seconds) {
  const double share = static_cast<double>(done) / static_cast<double>(total_);
  const double rate = static_cast<double>(done) / std::max(seconds, 1e-3);
  const int filled = static_cast<int>(share * kBarCells);
  err_ << fmt::format("\r[{}{}] {:3.0f} %  {:.0f} paths/s  ETA {}    ",
                      std::string(static_cast<std::size_t>(filled), '='),
                      std::string(static_cast<std::size_t>(kBarCells - filled), ' '), 100.0 * share, rate,
                      duration_text(static_cast<double>(total_ - done) / std::max(rate, 1.0)))
       << std::flush;
  has_bar_ = true;
}

}  // namespace repoquake::cli
