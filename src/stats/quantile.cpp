#include "repoquake/stats/quantile.hpp"

#include <cstring>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

namespace repoquake::stats {

void BinScale::bins(std::span<const double> values, double factor, std::span<std::uint32_t> out) const {
  RQ_EXPECT(values.size() == out.size());
  RQ_EXPECT(std::all_of(values.begin(), values.end(), [&](double x) { return std::isfinite(factor * x); }));
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = bin_unchecked(factor * values[i]);
}

double BinScale::edge(std::uint32_t steps) const noexcept {
  return std::bit_cast<double>((base_ + steps) << shift_) - knee_;
}

double BinScale::lower(std::uint32_t bin) const {
  RQ_EXPECT(bin < bin_count());
  if (bin == zero_) return 0.0;
  return bin > zero_ ? edge(bin - zero_ - 1) : -edge(zero_ - bin);
}

double BinScale::upper(std::uint32_t bin) const {
  RQ_EXPECT(bin < bin_count());
  if (bin == zero_) return 0.0;
  return bin > zero_ ? edge(bin - zero_) : -edge(zero_ - bin - 1);
}

std::uint32_t QuantileSketch::total_on(std::uint32_t page) const noexcept {
  const auto sum = [](const auto* digits) { return std::accumulate(digits, digits + kPageBins, std::uint32_t{0}); };
  const auto& carries = carries_[page];
  return sum(ones_.data() + std::size_t{page} * kPageBins) + (carries ? sum(carries->of_256.data()) << 8 : 0) +
         (carries && carries->of_65536 ? sum(carries->of_65536->data()) << 16 : 0);
}

void QuantileSketch::reach(const BinRange& range) {
  const std::uint32_t first = range.least / kPageBins * kPageBins;
  const std::uint32_t last = (range.largest / kPageBins + 1) * kPageBins;
  if (ones_.empty()) first_ = first;
  if (first < first_) {
    const std::uint32_t n_pages = (first_ - first) / kPageBins;
    ones_.insert(ones_.begin(), first_ - first, 0);
    std::vector<std::unique_ptr<Carries>> longer(n_pages);
    std::ranges::move(carries_, std::back_inserter(longer));
    carries_ = std::move(longer);
    first_ = first;
  }
  if (last > end()) {
    ones_.resize(last - first_);
    carries_.resize(ones_.size() / kPageBins);
  }
}

void QuantileSketch::add_within(std::uint32_t bin, std::uint32_t times) {
  const std::uint32_t sum = count_at(bin) + times, place = bin - first_;
  ones_[place] = static_cast<std::uint8_t>(sum);
  if (sum < 1U << 8) return;
  auto& carries = carries_[place / kPageBins];
  if (!carries) carries = std::make_unique<Carries>();
  carries->of_256[place % kPageBins] = static_cast<std::uint8_t>(sum >> 8);
  if (sum < 1U << 16) return;
  if (!carries->of_65536) carries->of_65536 = std::make_unique<std::array<std::uint16_t, kPageBins>>();
  (*carries->of_65536)[place % kPageBins] = static_cast<std::uint16_t>(sum >> 16);
}

void QuantileSketch::carry(std::uint32_t place) {
  const auto& carries = carries_[place / kPageBins];
  if (carries && carries->of_256[place % kPageBins] < 255)
    ++carries->of_256[place % kPageBins];
  else
    add_within(first_ + place, 256);
}

void QuantileSketch::add(std::uint32_t bin, std::uint32_t times) {
  RQ_EXPECT(bin < scale_.bin_count());
  RQ_EXPECT(count_ + times <= ~std::uint32_t{0});
  reach({bin, bin});
  add_within(bin, times);
  count_ += times;
}

void QuantileSketch::add(std::span<const std::uint32_t> bins) {
  if (bins.empty()) return;
  const auto [least, largest] = std::ranges::minmax(bins);
  const Load load{this, bins.data(), {least, largest}};
  add_abreast(std::span(&load, 1), bins.size());
}

/// Counts that reached 256, to be carried together: one by one, each would wait for its page to come from memory.
class QuantileSketch::Overflows {
 public:
  [[gnu::noinline]] void note(QuantileSketch& sketch, std::uint32_t place) {
    if (n_ == all_.size()) carry();
    all_[n_++] = {&sketch, place};
  }
  void carry() {
    for (const auto& [sketch, place] : std::span(all_).first(n_)) sketch->carry(place);
    n_ = 0;
  }

 private:
  struct Overflow {
    QuantileSketch* sketch = nullptr;
    std::uint32_t place = 0;
  };
  std::array<Overflow, 64> all_{};
  std::size_t n_ = 0;
};

/// Calls the counts of a sketch into the cache, some with every step, before they are needed.
class QuantileSketch::Ahead {
 public:
  Ahead() = default;
  explicit Ahead(const Load& next) {
    const QuantileSketch& sketch = *next.sketch;
    const std::uint32_t first = std::clamp(next.range.least, sketch.first_, sketch.end());
    const std::uint32_t end = std::clamp(next.range.largest + 1, first, sketch.end());
    next_ = sketch.ones_.data() + (first - sketch.first_);
    end_ = next_ + (end - first);
  }
  void step() {
    for (int line = 0; line < kLines && next_ < end_; ++line, next_ += std::min(kLine, end_ - next_))
      __builtin_prefetch(next_, 1);
  }

 private:
  static constexpr std::ptrdiff_t kLine = 64;  // bytes that come together
  static constexpr int kLines = 2;
  const std::uint8_t* next_ = nullptr;
  const std::uint8_t* end_ = nullptr;
};

template <std::size_t Abreast>
void QuantileSketch::add_group(const Load* loads, std::span<const Load> next, std::size_t n) {
  std::array<const std::uint32_t*, Abreast> bins{};
  std::array<std::uintptr_t, Abreast> zero{};  // where bin 0 would stand: saves a subtraction for every value
  for (std::size_t k = 0; k < Abreast; ++k) {
    QuantileSketch& sketch = *loads[k].sketch;
    RQ_EXPECT(!loads[k].range.is_empty() && loads[k].range.largest < sketch.scale_.bin_count());
    RQ_EXPECT(sketch.count_ + n <= ~std::uint32_t{0});
    sketch.reach(loads[k].range);
    sketch.count_ += n;
    bins[k] = loads[k].bins;
    zero[k] = reinterpret_cast<std::uintptr_t>(sketch.ones_.data()) - sketch.first_;
  }
  std::array<Ahead, Abreast> ahead{};
  for (std::size_t k = 0; k < std::min(Abreast, next.size()); ++k) ahead[k] = Ahead(next[k]);
  Overflows overflows;
  constexpr std::size_t kStep = 16;
  for (std::size_t start = 0; start < n; start += kStep) {
    for (Ahead& of_next : ahead) of_next.step();
    for (std::size_t i = start; i < std::min(start + kStep, n); ++i) {
      for (std::size_t k = 0; k < Abreast; ++k) {
        const std::uint32_t bin = bins[k][i];  // cppcheck-suppress AssignmentAddressToInteger // bins[k] is the address
        RQ_EXPECT(bin >= loads[k].range.least && bin <= loads[k].range.largest);
        std::uint8_t& ones = *reinterpret_cast<std::uint8_t*>(zero[k] + bin);
        ones = static_cast<std::uint8_t>(ones + 1);
        if (ones == 0) [[unlikely]]
          overflows.note(*loads[k].sketch, bin - loads[k].sketch->first_);
      }
    }
  }
  overflows.carry();
}

void QuantileSketch::add_abreast(std::span<const Load> loads, std::size_t n) {
  constexpr std::size_t kAbreast = 4;
  for (; loads.size() >= kAbreast; loads = loads.subspan(kAbreast))
    add_group<kAbreast>(loads.data(), loads.subspan(kAbreast), n);
  for (const Load& load : loads) add_group<1>(&load, {}, n);
}

void QuantileSketch::merge(const QuantileSketch& other) {
  RQ_EXPECT(scale_ == other.scale_);
  RQ_EXPECT(count_ + other.count_ <= ~std::uint32_t{0});
  if (other.ones_.empty()) return;
  reach({other.first_, other.end() - 1});
  for (std::uint32_t bin = other.first_; bin < other.end(); ++bin)
    if (const std::uint32_t count = other.count_at(bin); count > 0) add_within(bin, count);
  count_ += other.count_;
}

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

/// Value at a position 0..n-1 among the order statistics, linear between neighbours.
double QuantileSketch::at_position(double position) const {
  std::uint32_t bin = first_;                             // that holds the last one asked for
  std::uint64_t before = 0;                               // values in bins before that
  const auto order_statistic = [&](std::uint64_t rank) {  // ranks ascend
    while (bin < end()) {
      if (bin % kPageBins == 0) {
        const std::uint32_t on_page = total_on((bin - first_) / kPageBins);
        if (before + on_page <= rank) {
          before += on_page;
          bin += kPageBins;
          continue;
        }
      }
      const std::uint32_t count = count_at(bin);
      if (before + count > rank) {
        const double share = (static_cast<double>(rank - before) + 0.5) / count;
        return scale_.lower(bin) + share * scale_.width(bin);
      }
      before += count;
      ++bin;
    }
    return kNothing;  // not reached: rank < count()
  };
  const auto rank = static_cast<std::uint64_t>(position);
  const double fraction = position - static_cast<double>(rank);
  const double left = order_statistic(rank);
  return fraction > 0.0 ? left + fraction * (order_statistic(rank + 1) - left) : left;
}

double QuantileSketch::quantile(double p) const {
  RQ_EXPECT(count_ > 0);
  RQ_EXPECT(p >= 0.0 && p <= 1.0);
  if (count_ == 0) return kNothing;
  return at_position(static_cast<double>(count_ - 1) * p);
}

double QuantileSketch::quantile(double p, double min, double max) const {
  RQ_EXPECT(count_ > 0);
  RQ_EXPECT(min <= max);
  if (count_ == 0) return kNothing;
  return std::clamp(quantile(p), min, max);
}

QuantileEstimate QuantileSketch::quantile_with_limits(double p, double min, double max, DesignEffect effect) const {
  RQ_EXPECT(count_ > 0);
  RQ_EXPECT(p > 0.0 && p < 1.0);
  RQ_EXPECT(min <= max);
  if (count_ == 0) return {.value = kNothing, .lo = kNothing, .hi = kNothing};
  const auto n = static_cast<double>(count_);
  const double centre = n * p - 0.5;
  const double spread = effect.reach * std::sqrt(effect.ratio * n * p * (1.0 - p));
  const double value = quantile(p, min, max);
  if (std::isnan(spread)) return {.value = value, .lo = kNothing, .hi = kNothing, .reach = effect.reach};
  const auto limit = [&](double position) {
    if (position < 0.0) return min;
    if (position > n - 1.0) return max;
    return std::clamp(at_position(position), min, max);
  };
  return {.value = value,
          .lo = std::min(limit(centre - spread), value),
          .hi = std::max(limit(centre + spread), value),
          .reach = effect.reach};
}

std::uint64_t QuantileSketch::count_below(std::uint32_t bin) const noexcept {
  const std::uint32_t last = std::min(bin, end());
  std::uint64_t below = 0;
  std::uint32_t at = first_;
  for (; at + kPageBins <= last; at += kPageBins) below += total_on((at - first_) / kPageBins);
  for (; at < last; ++at) below += count_at(at);
  return below;
}

bool QuantileSketch::operator==(const QuantileSketch& other) const {
  return scale_ == other.scale_ && count_ == other.count_ && occupied() == other.occupied();
}

std::vector<BinCount> QuantileSketch::occupied() const {
  constexpr std::uint32_t kStep = sizeof(std::uint64_t);  // many bins are empty
  std::vector<BinCount> filled;
  for (std::uint32_t place = 0; place < ones_.size(); place += kStep) {
    std::uint64_t ones = 0;
    std::memcpy(&ones, ones_.data() + place, kStep);
    if (ones == 0 && !carries_[place / kPageBins]) continue;
    for (std::uint32_t bin = first_ + place; bin < first_ + place + kStep; ++bin)
      if (const std::uint32_t count = count_at(bin); count > 0) filled.push_back({.bin = bin, .count = count});
  }
  return filled;
}

}  // namespace repoquake::stats
