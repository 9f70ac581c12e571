#include "repoquake/stats/quantile.hpp"

#include <limits>
#include <numeric>

namespace repoquake::stats {

void BinScale::bins(std::span<const double> values, std::span<std::uint32_t> out) const {
  RQ_EXPECT(values.size() == out.size());
  RQ_EXPECT(std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); }));
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = bin_unchecked(values[i]);
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

void QuantileSketch::add(std::span<const std::uint32_t> bins) {
  if (bins.empty()) return;
  RQ_EXPECT(count_ + bins.size() <= ~std::uint32_t{0});
  static_cast<void>(page(bins.front() / kPageBins));  // from here on there is a directory
  const std::uint32_t* const slots = slots_.data();
  std::uint32_t* counts = counts_.data();
  for (const std::uint32_t bin : bins) {
    RQ_EXPECT(bin < scale_.bin_count());
    if (slots[bin / kPageBins] == kNoSlot) {
      static_cast<void>(page(bin / kPageBins));
      counts = counts_.data();
    }
    ++counts[std::size_t{slots[bin / kPageBins]} * kPageBins + bin % kPageBins];
  }
  count_ += bins.size();
}

void QuantileSketch::merge(const QuantileSketch& other) {
  RQ_EXPECT(scale_ == other.scale_);
  RQ_EXPECT(count_ + other.count_ <= ~std::uint32_t{0});
  for (std::uint32_t index = 0; index < other.slots_.size(); ++index) {
    if (other.slots_[index] == kNoSlot) continue;
    std::uint32_t* const to = page(index);
    const std::uint32_t* const from = other.counts_.data() + std::size_t{other.slots_[index]} * kPageBins;
    for (std::uint32_t i = 0; i < kPageBins; ++i) to[i] += from[i];
  }
  count_ += other.count_;
}

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

/// Value at a position 0..n-1 among the order statistics, linear between neighbours.
double QuantileSketch::at_position(double position) const {
  const auto order_statistic = [this](std::uint64_t rank) {
    std::uint64_t before = 0;
    for (std::uint32_t index = 0; index < slots_.size(); ++index) {
      if (slots_[index] == kNoSlot) continue;
      const std::uint32_t* const counts = counts_.data() + std::size_t{slots_[index]} * kPageBins;
      const std::uint32_t on_page = std::accumulate(counts, counts + kPageBins, std::uint32_t{0});
      if (before + on_page <= rank) {
        before += on_page;
        continue;
      }
      std::uint32_t i = 0;
      while (before + counts[i] <= rank) before += counts[i++];
      const std::uint32_t bin = index * kPageBins + i;
      const double share = (static_cast<double>(rank - before) + 0.5) / counts[i];
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
  for (std::uint32_t index = 0; index < slots_.size() && index * kPageBins < bin; ++index) {
    if (slots_[index] == kNoSlot) continue;
    const std::uint32_t* const counts = counts_.data() + std::size_t{slots_[index]} * kPageBins;
    below = std::accumulate(counts, counts + std::min(kPageBins, bin - index * kPageBins), below);
  }
  return below;
}

bool QuantileSketch::operator==(const QuantileSketch& other) const {
  return scale_ == other.scale_ && count_ == other.count_ && occupied() == other.occupied();
}

std::vector<BinCount> QuantileSketch::occupied() const {
  std::vector<BinCount> filled;
  for (std::uint32_t index = 0; index < slots_.size(); ++index) {
    if (slots_[index] == kNoSlot) continue;
    const std::uint32_t* const counts = counts_.data() + std::size_t{slots_[index]} * kPageBins;
    for (std::uint32_t i = 0; i < kPageBins; ++i) {
      if (counts[i] > 0) filled.push_back({.bin = index * kPageBins + i, .count = counts[i]});
    }
  }
  return filled;
}

}  // namespace repoquake::stats
