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

Progress::Progress(std::ostream& err, std::uint64_t total, bool is_terminal, bool is_quiet, std::string_view unit)
    : err_(err),
      total_(std::max<std::uint64_t>(total, 1)),
      unit_(unit),
      is_terminal_(is_terminal),
      is_quiet_(is_quiet),
      start_(std::chrono::steady_clock::now()),
      last_drawn_(start_ - kRedraw) {}

Progress::~Progress() {
  if (has_bar_) err_ << '\n' << std::flush;
}

void Progress::begin_at(std::uint64_t done) {
  begun_at_ = done;
  shown_tenths_ = static_cast<int>(10 * done / total_);
  start_ = std::chrono::steady_clock::now();
}

std::string Progress::rate_text(std::uint64_t done, std::uint64_t n_paths, double seconds) const {
  const double per_second = 1.0 / std::max(seconds, 1e-3);
  const std::string rate =
      fmt::format("{:.{}f} {}/s", static_cast<double>(done - begun_at_) * per_second, unit_ == "paths" ? 0 : 1, unit_);
  return n_paths == 0 ? rate : fmt::format("{}, {:.0f} paths/s", rate, static_cast<double>(n_paths) * per_second);
}

void Progress::show(std::uint64_t done, std::uint64_t n_paths) {
  if (is_quiet_) return;
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (is_terminal_) {
    if (now - last_drawn_ < kRedraw && done < total_) return;
    last_drawn_ = now;
    draw_bar(done, n_paths, seconds);
    return;
  }
  const int tenths = static_cast<int>(10 * done / total_);
  if (tenths <= shown_tenths_) return;
  shown_tenths_ = tenths;
  err_ << fmt::format("{:3} % {} of {} {}, {}\n", 10 * tenths, done, total_, unit_, rate_text(done, n_paths, seconds))
       << std::flush;
}

void Progress::draw_bar(std::uint64_t done, std::uint64_t n_paths, double seconds) {
  const double share = static_cast<double>(done) / static_cast<double>(total_);
  const double rate = static_cast<double>(done - begun_at_) / std::max(seconds, 1e-3);
  const int filled = static_cast<int>(share * kBarCells);
  err_ << fmt::format("\r[{}{}] {:3.0f} %  {}  ETA {}    ", std::string(static_cast<std::size_t>(filled), '='),
                      std::string(static_cast<std::size_t>(kBarCells - filled), ' '), 100.0 * share,
                      rate_text(done, n_paths, seconds),
                      duration_text(static_cast<double>(total_ - done) / std::max(rate, 1e-9)))
       << std::flush;
  has_bar_ = true;
}

}  // namespace repoquake::cli
