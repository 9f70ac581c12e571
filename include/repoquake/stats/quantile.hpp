/// Quantiles from integer histograms with fixed bins: merging is exact and free of order, memory does not grow with n.
///
/// Bins    0 has a bin of its own. For x > 0, bins are the leading bits of x + knee:
///           bin(x) = zero + 1 + (bits(x + knee) >> (52 - m)) - (bits(knee) >> (52 - m)),   bin(-x) mirrored at zero
///         so widths double by octaves of |x| + knee. With the default knee = 64 and m = 12:
///           |x| <   64   width 0.015625
///           |x| <  192   width 0.03125
///           |x| <  448   width 0.0625
///           |x| <  960   width 0.125, and so on: width <= (|x| + knee) / 2^m
///         |x| beyond 2^40 goes to the outermost bin.
/// Error   An estimate q of a sample quantile (numpy's default, Hyndman-Fan type 7) obeys
///           |q - exact| <= width of the widest bin that holds one of the two neighbouring order statistics
///         + 2^-53 (|x| + knee) for the addition. Exactly 0 when both neighbours are 0. With the sample's own min and
///         max supplied, a point mass at the lowest or highest value is exact as well.
/// Units   those of the data; made for bp and USD bn.
/// Source  R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages", Am. Stat. 50 (1996), definition 7;
///         limits: W. J. Conover, "Practical Nonparametric Statistics", 3rd ed. (1999), section 3.2.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "repoquake/core/contract.hpp"
#include "repoquake/stats/design_effect.hpp"

namespace repoquake::stats {

/// The least and the largest of some bins; `least` above `largest`: of none.
struct BinRange {
  std::uint32_t least = ~std::uint32_t{0};
  std::uint32_t largest = 0;

  [[nodiscard]] bool is_empty() const noexcept { return least > largest; }
  void widen(const BinRange& other) noexcept {
    least = std::min(least, other.least);
    largest = std::max(largest, other.largest);
  }
  bool operator==(const BinRange&) const = default;
};

/// Maps a double to a bin, monotonically: x <= y implies bin(x) <= bin(y).
class BinScale {
 public:
  static constexpr double kLargest = 0x1p40;  ///< magnitudes beyond share the outermost bin

  /// Pre: knee a power of two in [2^-20, 2^20], mantissa_bits in 1..20.
  constexpr explicit BinScale(double knee = 64.0, int mantissa_bits = 12)
      : knee_(knee),
        shift_(static_cast<unsigned>(52 - mantissa_bits)),
        base_(std::bit_cast<std::uint64_t>(knee) >> static_cast<unsigned>(52 - mantissa_bits)),
        zero_(static_cast<std::uint32_t>((std::bit_cast<std::uint64_t>(knee + kLargest) >> shift_) - base_ + 1)) {
    RQ_EXPECT(mantissa_bits >= 1 && mantissa_bits <= 20);
    RQ_EXPECT(knee >= 0x1p-20 && knee <= 0x1p20 && (std::bit_cast<std::uint64_t>(knee) << 12) == 0);
  }

  /// The bin of x. Pre: x finite (contracts on: LogicError). -0.0 counts as 0.
  [[nodiscard]] std::uint32_t bin(double x) const {
    RQ_EXPECT(std::isfinite(x));
    return bin_unchecked(x);
  }

  /// out[i] = bin(factor values[i]), vectorised. Pre: equal lengths, all finite.
  void bins(std::span<const double> values, double factor, std::span<std::uint32_t> out) const;
  void bins(std::span<const double> values, std::span<std::uint32_t> out) const { bins(values, 1.0, out); }

  /// Edges of a bin: [lower, upper) above zero, (lower, upper] below, lower == upper == 0 for the zero bin.
  /// The outermost bins hold everything beyond their inner edge as well. Pre: bin < bin_count().
  [[nodiscard]] double lower(std::uint32_t bin) const;
  [[nodiscard]] double upper(std::uint32_t bin) const;
  [[nodiscard]] double width(std::uint32_t bin) const { return upper(bin) - lower(bin); }

  [[nodiscard]] constexpr std::uint32_t zero_bin() const noexcept { return zero_; }
  [[nodiscard]] constexpr std::uint32_t bin_count() const noexcept { return 2 * zero_ + 1; }

  bool operator==(const BinScale&) const = default;

 private:
  [[nodiscard]] std::uint32_t bin_unchecked(double x) const noexcept {
    const double size = std::fabs(x) < kLargest ? std::fabs(x) : kLargest;
    const std::uint64_t key = (std::bit_cast<std::uint64_t>(size + knee_) >> shift_) - base_ + 1;
    // No branches: the signs of a sample are noise. Masks are all ones where the condition holds.
    const std::uint32_t is_nonzero = std::uint32_t{0} - static_cast<std::uint32_t>(x != 0.0);
    const std::uint32_t is_negative = std::uint32_t{0} - static_cast<std::uint32_t>(x < 0.0);
    const std::uint32_t steps = static_cast<std::uint32_t>(key) & is_nonzero;
    return zero_ + ((steps ^ is_negative) - is_negative);
  }
  [[nodiscard]] double edge(std::uint32_t steps) const noexcept;

  double knee_;
  unsigned shift_;
  std::uint64_t base_;
  std::uint32_t zero_;
};

/// A sample quantile and distribution-free limits for the quantile of the population; lo <= value <= hi.
struct QuantileEstimate {
  double value = 0.0;
  double lo = 0.0;
  double hi = 0.0;
  double reach = kNormal95;  ///< standard errors from the middle to a limit

  /// (hi - lo) / (2 reach). Too small where the limits were capped by the sample's range, that is for n min(p, 1 - p)
  /// below about reach^2.
  [[nodiscard]] double standard_error() const noexcept { return (hi - lo) / (2.0 * reach); }
};

/// Occupancy of one bin, for storage.
struct BinCount {
  std::uint32_t bin = 0;
  std::uint32_t count = 0;

  bool operator==(const BinCount&) const = default;
};

/// Counts per bin. A value type; n up to 2^32 - 1.
/// Memory: 1 byte a bin between the least and the largest counted (280 KB on the default scale at most), another for each
/// of 256 neighbours where one of them counts beyond 255, three where beyond 65,535.
class QuantileSketch {
 public:
  explicit QuantileSketch(BinScale scale = BinScale{}) : scale_(scale) {}
  QuantileSketch(const QuantileSketch& other) : scale_(other.scale_) { merge(other); }
  QuantileSketch(QuantileSketch&&) noexcept = default;
  QuantileSketch& operator=(const QuantileSketch& other) { return *this = QuantileSketch(other); }
  QuantileSketch& operator=(QuantileSketch&&) noexcept = default;
  ~QuantileSketch() = default;

  /// Counts one value, or `times` equal ones. Pre: bin < scale().bin_count(). Allocates where the range grows or a
  /// count becomes large.
  void add(std::uint32_t bin) { add(bin, 1); }
  void add(std::uint32_t bin, std::uint32_t times);
  void add(std::span<const std::uint32_t> bins);

  /// Bins that one sketch is to count, all of them within a range.
  struct Load {
    QuantileSketch* sketch = nullptr;
    const std::uint32_t* bins = nullptr;
    BinRange range{};
  };
  /// Counts `n` bins into each of several sketches, some of them abreast: while the count of a frequent bin is on its way
  /// to memory and back, others are counted. Pre: no sketch twice, n > 0, bins within their ranges, those on the scale.
  static void add_abreast(std::span<const Load> loads, std::size_t n);

  /// Exact: any order and grouping of merges gives equal sketches. Pre: equal scales.
  void merge(const QuantileSketch& other);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] const BinScale& scale() const noexcept { return scale_; }

  /// Sample quantile: position h = (n - 1) p among the order statistics 0..n-1, linear between neighbours; the c values
  /// of a bin stand at its lower edge + (i + 1/2) / c of its width. Pre: 0 <= p <= 1 and count() > 0 (else NaN).
  [[nodiscard]] double quantile(double p) const;

  /// The same, clamped to [min, max] of the sample. Pre: min <= max.
  [[nodiscard]] double quantile(double p, double min, double max) const;

  /// With limits from the binomial distribution of the number of values below the population's quantile: positions
  ///   n p - 1/2 -+ z sqrt(n p (1 - p)),   z = reach sqrt(ratio) of the design effect
  /// (the half is the continuity correction, positions count from 0), linear between order statistics so that the
  /// coverage is close to nominal rather than above it. A position off the sample becomes min or max. Normal
  /// approximation: trust it for n min(p, 1 - p) of 10 and more. Pre: 0 < p < 1, min <= max, count() > 0 (else NaN).
  /// No limits (NaN) where the effect is not known.
  [[nodiscard]] QuantileEstimate quantile_with_limits(double p, double min, double max, DesignEffect effect = {}) const;

  /// Values in bins below this one; with it.
  [[nodiscard]] std::uint64_t count_below(std::uint32_t bin) const noexcept;
  [[nodiscard]] std::uint64_t count_up_to(std::uint32_t bin) const noexcept { return count_below(bin + 1); }

  /// All occupied bins, ascending: what a checkpoint stores; `add(bin, count)` restores it.
  [[nodiscard]] std::vector<BinCount> occupied() const;

  /// Same scale, same counts; which pages happen to be allocated does not matter.
  [[nodiscard]] bool operator==(const QuantileSketch& other) const;

 private:
  static constexpr std::uint32_t kPageBins = 256;

  /// Higher digits of the counts of kPageBins neighbours. Most counts are small, and small ones stay in the cache: these
  /// stand apart, and appear when they are first needed.
  struct Carries {
    std::array<std::uint8_t, kPageBins> of_256{};
    std::unique_ptr<std::array<std::uint16_t, kPageBins>> of_65536{};

    [[nodiscard]] std::uint32_t count(std::uint32_t i) const noexcept {
      return (std::uint32_t{of_256[i]} << 8) + (of_65536 ? std::uint32_t{(*of_65536)[i]} << 16 : 0);
    }
  };

  [[nodiscard]] std::uint32_t end() const noexcept { return first_ + static_cast<std::uint32_t>(ones_.size()); }
  /// Of a bin between first_ and end().
  [[nodiscard]] std::uint32_t count_at(std::uint32_t bin) const noexcept {
    const std::uint32_t place = bin - first_;
    const auto& carries = carries_[place / kPageBins];
    return ones_[place] + (carries ? carries->count(place % kPageBins) : 0);
  }
  [[nodiscard]] std::uint32_t total_on(std::uint32_t page) const noexcept;

  /// Makes room for bins of a range.
  void reach(const BinRange& range);
  void add_within(std::uint32_t bin, std::uint32_t times);
  class Overflows;
  class Ahead;
  void carry(std::uint32_t place);  ///< ones_[place] has begun anew
  template <std::size_t Abreast>
  static void add_group(const Load* loads, std::span<const Load> next, std::size_t n);
  [[nodiscard]] double at_position(double position) const;

  BinScale scale_;
  std::uint64_t count_ = 0;
  std::uint32_t first_ = 0;                        ///< bin of ones_.front(); like its size a multiple of kPageBins
  std::vector<std::uint8_t> ones_;                 ///< lowest digits of the counts, base 256
  std::vector<std::unique_ptr<Carries>> carries_;  ///< by page; null: none of it counts beyond 255
};

}  // namespace repoquake::stats
