#include "repoquake/stats/quantile.hpp"

#include <cstring>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

namespace repoquake::stats {

BinRange BinScale::bins(std::span<const double> values, double factor, std::span<std::uint32_t> out) const {
  RQ_EXPECT(values.size() == out.size());
  RQ_EXPECT(std::all_of(values.begin(), values.end(), [&](double x) { return std::isfinite(factor * x); }));
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = bin_unchecked(factor * values[i]);
  BinRange range;
  for (std::size_t i = 0; i < out.size(); ++i) range.widen({out[i], out[i]});
  return range;
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

std::uint32_t QuantileSketch::Page::total() const noexcept {
  const auto sum = [](const auto& digits) { return std::accumulate(digits.begin(), digits.end(), std::uint32_t{0}); };
  return sum(ones) + (carries ? sum(*carries) << 8 : 0) + (rest ? sum(*rest) << 16 : 0);
}

void QuantileSketch::Page::add(std::uint32_t i, std::uint32_t times) {
  const std::uint32_t sum = count(i) + times;
  ones[i] = static_cast<std::uint8_t>(sum);
  if (sum < 1U << 8) return;
  if (!carries) carries = std::make_unique<std::array<std::uint8_t, kPageBins>>();
  (*carries)[i] = static_cast<std::uint8_t>(sum >> 8);
  if (sum < 1U << 16) return;
  if (!rest) rest = std::make_unique<std::array<std::uint16_t, kPageBins>>();
  (*rest)[i] = static_cast<std::uint16_t>(sum >> 16);
}

void QuantileSketch::Page::carry(std::uint32_t i) {
  if (carries && (*carries)[i] < 255)
    ++(*carries)[i];
  else
    add(i, 256);
}

void QuantileSketch::reach(const BinRange& range) {
  const std::uint32_t first = range.least / kPageBins, last = range.largest / kPageBins;
  if (pages_.empty()) first_page_ = first;
  if (first < first_page_) {
    std::vector<std::unique_ptr<Page>> longer(first_page_ - first);
    std::ranges::move(pages_, std::back_inserter(longer));
    pages_ = std::move(longer);
    first_page_ = first;
  }
  if (last - first_page_ >= pages_.size()) pages_.resize(last - first_page_ + 1);
}

void QuantileSketch::add(std::uint32_t bin, std::uint32_t times) {
  RQ_EXPECT(bin < scale_.bin_count());
  RQ_EXPECT(count_ + times <= ~std::uint32_t{0});
  reach({bin, bin});
  page_of(bin).add(bin % kPageBins, times);
  count_ += times;
}

void QuantileSketch::add(std::span<const std::uint32_t> bins) {
  if (bins.empty()) return;
  const auto [least, largest] = std::ranges::minmax(bins);
  const Load load{this, bins.data(), {least, largest}};
  add_abreast(std::span(&load, 1), bins.size());
}

template <std::size_t Abreast>
void QuantileSketch::add_group(const Load* loads, std::size_t n) {
  using Entry = std::unique_ptr<Page>;
  std::array<const std::uint32_t*, Abreast> bins{};
  std::array<std::uintptr_t, Abreast> page_zero{};  // where its entry would stand: saves a subtraction for every value
  for (std::size_t k = 0; k < Abreast; ++k) {
    QuantileSketch& sketch = *loads[k].sketch;
    RQ_EXPECT(!loads[k].range.is_empty() && loads[k].range.largest < sketch.scale_.bin_count());
    RQ_EXPECT(sketch.count_ + n <= ~std::uint32_t{0});
    sketch.reach(loads[k].range);
    sketch.count_ += n;
    bins[k] = loads[k].bins;
    page_zero[k] = reinterpret_cast<std::uintptr_t>(sketch.pages_.data()) - sketch.first_page_ * sizeof(Entry);
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < Abreast; ++k) {
      const std::uint32_t bin = bins[k][i];  // cppcheck-suppress AssignmentAddressToInteger // bins[k] is the address
      RQ_EXPECT(bin >= loads[k].range.least && bin <= loads[k].range.largest);
      Page* page = reinterpret_cast<const Entry*>(page_zero[k] + bin / kPageBins * sizeof(Entry))->get();
      if (page == nullptr) [[unlikely]]
        page = &loads[k].sketch->page_of(bin);
      std::uint8_t& ones = page->ones[bin % kPageBins];
      ones = static_cast<std::uint8_t>(ones + 1);
      if (ones == 0) [[unlikely]]
        page->carry(bin % kPageBins);
    }
  }
}

void QuantileSketch::add_abreast(std::span<const Load> loads, std::size_t n) {
  constexpr std::size_t kAbreast = 4;
  for (; loads.size() >= kAbreast; loads = loads.subspan(kAbreast)) add_group<kAbreast>(loads.data(), n);
  for (const Load& load : loads) add_group<1>(&load, n);
}

void QuantileSketch::merge(const QuantileSketch& other) {
  RQ_EXPECT(scale_ == other.scale_);
  RQ_EXPECT(count_ + other.count_ <= ~std::uint32_t{0});
  if (other.pages_.empty()) return;
  const auto n_pages = static_cast<std::uint32_t>(other.pages_.size());
  reach({other.first_page_ * kPageBins, (other.first_page_ + n_pages - 1) * kPageBins});
  for (std::uint32_t place = 0; place < other.pages_.size(); ++place) {
    if (!other.pages_[place]) continue;
    Page& to = page_of((other.first_page_ + place) * kPageBins);
    for (std::uint32_t i = 0; i < kPageBins; ++i)
      if (const std::uint32_t count = other.pages_[place]->count(i); count > 0) to.add(i, count);
  }
  count_ += other.count_;
}

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

/// Value at a position 0..n-1 among the order statistics, linear between neighbours.
double QuantileSketch::at_position(double position) const {
  std::uint32_t place = 0, i = 0;                         // of the bin that holds the last one asked for
  std::uint64_t before = 0;                               // values in bins before that
  const auto order_statistic = [&](std::uint64_t rank) {  // ranks ascend
    for (; place < pages_.size(); ++place, i = 0) {
      if (!pages_[place]) continue;
      const Page& page = *pages_[place];
      const std::uint32_t on_page = page.total();
      if (i == 0 && before + on_page <= rank) {
        before += on_page;
        continue;
      }
      for (; i < kPageBins && before + page.count(i) <= rank; ++i) before += page.count(i);
      if (i == kPageBins) continue;
      const std::uint32_t bin = (first_page_ + place) * kPageBins + i;
      const double share = (static_cast<double>(rank - before) + 0.5) / page.count(i);
      return scale_.lower(bin) + share * scale_.width(bin);
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
  std::uint64_t below = 0;
  for (std::uint32_t place = 0; place < pages_.size() && (first_page_ + place) * kPageBins < bin; ++place) {
    if (!pages_[place]) continue;
    const std::uint32_t before = bin - (first_page_ + place) * kPageBins;
    if (before >= kPageBins)
      below += pages_[place]->total();
    else
      for (std::uint32_t i = 0; i < before; ++i) below += pages_[place]->count(i);
  }
  return below;
}

bool QuantileSketch::operator==(const QuantileSketch& other) const {
  return scale_ == other.scale_ && count_ == other.count_ && occupied() == other.occupied();
}

std::vector<BinCount> QuantileSketch::occupied() const {
  constexpr std::uint32_t kStep = sizeof(std::uint64_t);  // most bins of most pages are empty
  std::vector<BinCount> filled;
  for (std::uint32_t place = 0; place < pages_.size(); ++place) {
    if (!pages_[place]) continue;
    const Page& page = *pages_[place];
    for (std::uint32_t first = 0; first < kPageBins; first += kStep) {
      std::uint64_t ones = 0;
      std::memcpy(&ones, page.ones.data() + first, kStep);
      if (ones == 0 && !page.carries) continue;
      for (std::uint32_t i = first; i < first + kStep; ++i)
        if (const std::uint32_t count = page.count(i); count > 0)
          filled.push_back({.bin = (first_page_ + place) * kPageBins + i, .count = count});
    }
  }
  return filled;
}

}  // namespace repoquake::stats
