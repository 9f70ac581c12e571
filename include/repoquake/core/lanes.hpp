/// Several paths abreast in vector registers: for the loops that a compiler does not vectorise by itself, those that iterate
/// until every lane is done and those over more columns than it can tell apart.
///
/// `Lanes` are four registers of the instruction set compiled for: four chains of dependent arithmetic fill the time that
/// one would spend waiting. The width may not show: lanes do not see each other, so a path has the same bits among 8, 16 or
/// 32. Functions are templates over V = double or Lanes, written once: comparisons give Condition<V>, and `select` takes
/// the place of ?:. Both sides of a select are computed, so both must be harmless.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "repoquake/core/column.hpp"
#include "repoquake/core/register.hpp"

namespace repoquake {
namespace detail {

template <class Register>
inline constexpr std::size_t kLanesOf = kRegisterLanes;

/// A register, or a pair, of equal elements.
template <class Register, class Element>
[[nodiscard, gnu::always_inline]] inline Register filled(Element value) noexcept {
  if constexpr (requires { Register::filled(value); })
    return Register::filled(value);
  else if constexpr (std::is_class_v<Register>)
    return Register(value);
  else
    return value - Register{};  // vector types have no constructor
}

/// Two registers, or two pairs of them, that are treated alike.
template <class Half, class Element>
struct Pair {
  Half first, second;

  Pair() = default;
  [[gnu::always_inline]] Pair(Half a, Half b) noexcept : first(a), second(b) {}
  [[gnu::always_inline]] Pair(Element same) noexcept : first(filled<Half>(same)), second(first) {}

  [[nodiscard, gnu::always_inline]] Element operator[](std::size_t i) const noexcept {
    constexpr std::size_t kHalf = kLanesOf<Half>;
    return i < kHalf ? first[i] : second[i - kHalf];
  }

  // clang-format off
  [[gnu::always_inline]] friend Pair operator+(Pair x, Pair y) noexcept { return {x.first + y.first, x.second + y.second}; }
  [[gnu::always_inline]] friend Pair operator-(Pair x, Pair y) noexcept { return {x.first - y.first, x.second - y.second}; }
  [[gnu::always_inline]] friend Pair operator*(Pair x, Pair y) noexcept { return {x.first * y.first, x.second * y.second}; }
  [[gnu::always_inline]] friend Pair operator/(Pair x, Pair y) noexcept { return {x.first / y.first, x.second / y.second}; }
  [[gnu::always_inline]] friend Pair operator-(Pair x) noexcept { return {-x.first, -x.second}; }
  [[gnu::always_inline]] friend Pair operator~(Pair x) noexcept { return {~x.first, ~x.second}; }
  [[gnu::always_inline]] friend Pair operator&(Pair x, Pair y) noexcept { return {x.first & y.first, x.second & y.second}; }
  [[gnu::always_inline]] friend Pair operator|(Pair x, Pair y) noexcept { return {x.first | y.first, x.second | y.second}; }
  [[gnu::always_inline]] friend Pair operator^(Pair x, Pair y) noexcept { return {x.first ^ y.first, x.second ^ y.second}; }
  [[gnu::always_inline]] friend Pair operator<<(Pair x, int n) noexcept { return {x.first << n, x.second << n}; }
  [[gnu::always_inline]] friend Pair operator>>(Pair x, int n) noexcept { return {x.first >> n, x.second >> n}; }
  [[gnu::always_inline]] friend auto operator<(Pair x, Pair y) noexcept { return less(x, y); }
  [[gnu::always_inline]] friend auto operator>(Pair x, Pair y) noexcept { return less(y, x); }
  [[gnu::always_inline]] friend auto operator<=(Pair x, Pair y) noexcept { return at_most(x, y); }
  [[gnu::always_inline]] friend auto operator>=(Pair x, Pair y) noexcept { return at_most(y, x); }
  [[gnu::always_inline]] friend auto operator==(Pair x, Pair y) noexcept { return equal(x, y); }
  // clang-format on
};

template <class Half, class Element>
inline constexpr std::size_t kLanesOf<Pair<Half, Element>> = 2 * kLanesOf<Half>;

template <class HalfMask>
[[nodiscard, gnu::always_inline]] inline Pair<HalfMask, std::int64_t> mask_of(HalfMask a, HalfMask b) noexcept {
  return {a, b};
}
template <class Half>
[[nodiscard, gnu::always_inline]] inline auto less(Pair<Half, double> x, Pair<Half, double> y) noexcept {
  return mask_of(less(x.first, y.first), less(x.second, y.second));
}
template <class Half>
[[nodiscard, gnu::always_inline]] inline auto at_most(Pair<Half, double> x, Pair<Half, double> y) noexcept {
  return mask_of(at_most(x.first, y.first), at_most(x.second, y.second));
}
template <class Half>
[[nodiscard, gnu::always_inline]] inline auto equal(Pair<Half, double> x, Pair<Half, double> y) noexcept {
  return mask_of(equal(x.first, y.first), equal(x.second, y.second));
}
template <class Half>
[[nodiscard, gnu::always_inline]] inline Pair<Half, double> larger(Pair<Half, double> a,
                                                                   Pair<Half, double> b) noexcept {
  return {larger(a.first, b.first), larger(a.second, b.second)};
}
template <class Half>
[[nodiscard, gnu::always_inline]] inline Pair<Half, double> smaller(Pair<Half, double> a,
                                                                    Pair<Half, double> b) noexcept {
  return {smaller(a.first, b.first), smaller(a.second, b.second)};
}

template <class Half>
[[nodiscard, gnu::always_inline]] inline bool any(Pair<Half, std::int64_t> mask) noexcept {
  return any(mask.first | mask.second);
}
template <class Half>
[[nodiscard, gnu::always_inline]] inline std::uint32_t lane_bits(Pair<Half, std::int64_t> mask) noexcept {
  return lane_bits(mask.first) | lane_bits(mask.second) << kLanesOf<Half>;
}

template <class Half>
[[nodiscard, gnu::always_inline]] inline double sum_of_lanes(Pair<Half, double> x) noexcept {
  return sum_of_lanes(x.first + x.second);
}
template <class Half>
[[nodiscard, gnu::always_inline]] inline double least_of_lanes(Pair<Half, double> x) noexcept {
  return least_of_lanes(smaller(x.first, x.second));
}

template <class HalfMask, class Half>
[[nodiscard, gnu::always_inline]] inline Pair<Half, double> choose(Pair<HalfMask, std::int64_t> condition,
                                                                   Pair<Half, double> yes,
                                                                   Pair<Half, double> no) noexcept {
  return {choose(condition.first, yes.first, no.first), choose(condition.second, yes.second, no.second)};
}

template <class Half>
[[nodiscard, gnu::always_inline]] inline Pair<Half, std::uint64_t> multiply_low_halves(Pair<Half, std::uint64_t> x,
                                                                                       std::uint32_t factor) noexcept {
  return {multiply_low_halves(x.first, factor), multiply_low_halves(x.second, factor)};
}

template <class Register, class Element>
using Four = Pair<Pair<Register, Element>, Element>;

/// As many registers as eight elements need.
template <class Register, class Element>
using EightOf =
    std::conditional_t<kRegisterLanes == 8, Register,
                       std::conditional_t<kRegisterLanes == 4, Pair<Register, Element>, Four<Register, Element>>>;

// Register by register: g++ 12 copies a whole structure in smaller pieces, through memory.
template <class To, class ToElement, class From, class FromElement>
[[nodiscard, gnu::always_inline]] inline Four<To, ToElement> recast(Four<From, FromElement> x) noexcept {
  return {{std::bit_cast<To>(x.first.first), std::bit_cast<To>(x.first.second)},
          {std::bit_cast<To>(x.second.first), std::bit_cast<To>(x.second.second)}};
}

template <class Register, class Element>
[[nodiscard, gnu::always_inline]] inline Register read(const Element* from) noexcept {
  Register value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class Whole>
[[nodiscard, gnu::always_inline]] inline Whole read_all(const double* from) noexcept {
  if constexpr (std::same_as<Whole, RealRegister>) {
    return read<RealRegister>(from);
  } else {
    using Half = decltype(Whole::first);
    return {read_all<Half>(from), read_all<Half>(from + kLanesOf<Half>)};
  }
}
[[gnu::always_inline]] inline void write_all(RealRegister x, double* to) noexcept { std::memcpy(to, &x, sizeof x); }
template <class Half>
[[gnu::always_inline]] inline void write_all(Pair<Half, double> x, double* to) noexcept {
  write_all(x.first, to);
  write_all(x.second, to + kLanesOf<Half>);
}

}  // namespace detail

inline constexpr std::size_t kLanes = 4 * detail::kRegisterLanes;
static_assert(kBlockPaths % kLanes == 0);

using Lanes = detail::Four<detail::RealRegister, double>;
using LaneBits = detail::Four<detail::BitsRegister, std::uint64_t>;
using Mask = detail::Four<detail::MaskRegister, std::int64_t>;

/// Eight numbers of one path, whatever the instruction set: for sums over them, whose order must be the same everywhere.
using Eight = detail::EightOf<detail::RealRegister, double>;

/// What a kernel computes with: one path, kLanes of them, or eight numbers of one.
template <class V>
concept Number = std::same_as<V, double> || std::same_as<V, Lanes> || std::same_as<V, Eight>;

/// The unsigned integers of the same width; what a comparison gives.
template <Number V>
using Bits = std::conditional_t<std::same_as<V, double>, std::uint64_t, LaneBits>;
template <Number V>
using Condition = std::conditional_t<
    std::same_as<V, double>, bool,
    std::conditional_t<std::same_as<V, Lanes>, Mask, detail::EightOf<detail::MaskRegister, std::int64_t>>>;

[[gnu::always_inline]] inline Mask operator!(Mask x) noexcept { return ~x; }
[[gnu::always_inline]] inline Lanes& operator+=(Lanes& x, Lanes y) noexcept { return x = x + y; }

[[nodiscard, gnu::always_inline]] inline double select(bool condition, double yes, double no) noexcept {
  return condition ? yes : no;
}
[[nodiscard, gnu::always_inline]] inline Lanes select(Mask condition, Lanes yes, Lanes no) noexcept {
  return detail::choose(condition, yes, no);
}
template <std::same_as<Condition<Eight>> C>  // a template: with two-lane registers eight numbers are Lanes
[[nodiscard, gnu::always_inline]] inline Eight select(C condition, Eight yes, Eight no) noexcept {
  return detail::choose(condition, yes, no);
}

/// std::max and std::min, lane by lane.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V larger(V a, std::type_identity_t<V> b) noexcept {
  if constexpr (std::same_as<V, double>)
    return a < b ? b : a;
  else
    return detail::larger(a, b);
}
template <Number V>
[[nodiscard, gnu::always_inline]] inline V smaller(V a, std::type_identity_t<V> b) noexcept {
  if constexpr (std::same_as<V, double>)
    return b < a ? b : a;
  else
    return detail::smaller(a, b);
}

[[nodiscard, gnu::always_inline]] inline bool any(bool condition) noexcept { return condition; }
[[nodiscard, gnu::always_inline]] inline bool any(Mask condition) noexcept { return detail::any(condition); }

/// The bits of a number, and back.
[[nodiscard, gnu::always_inline]] inline std::uint64_t to_bits(double x) noexcept {
  return std::bit_cast<std::uint64_t>(x);
}
[[nodiscard, gnu::always_inline]] inline double from_bits(std::uint64_t x) noexcept { return std::bit_cast<double>(x); }
[[nodiscard, gnu::always_inline]] inline LaneBits to_bits(Lanes x) noexcept {
  return detail::recast<detail::BitsRegister, std::uint64_t>(x);
}
[[nodiscard, gnu::always_inline]] inline Lanes from_bits(LaneBits x) noexcept {
  return detail::recast<detail::RealRegister, double>(x);
}

/// The low half of every element times a factor, all 64 bits.
[[nodiscard, gnu::always_inline]] inline LaneBits multiply_low_halves(LaneBits x, std::uint32_t factor) noexcept {
  return detail::multiply_low_halves(x, factor);
}

/// |x|.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V magnitude(V x) noexcept {
  return from_bits(to_bits(x) & std::uint64_t{0x7fff'ffff'ffff'ffff});
}

/// 0, 1, 2, ...
[[nodiscard, gnu::always_inline]] inline LaneBits lane_numbers() noexcept {
  constexpr std::size_t kN = detail::kRegisterLanes;
  detail::BitsRegister numbers;
  for (std::size_t i = 0; i < kN; ++i) numbers[i] = i;
  return {{numbers, numbers + kN}, {numbers + 2 * kN, numbers + 3 * kN}};
}

/// Lanes i, i + 1, ... of a column.
[[nodiscard, gnu::always_inline]] inline Lanes load(ConstColumn column, std::size_t i) noexcept {
  return detail::read_all<Lanes>(column.data() + i);
}
[[gnu::always_inline]] inline void store(Lanes lanes, Column column, std::size_t i) noexcept {
  detail::write_all(lanes, column.data() + i);
}

/// Eight numbers from a place on; all the same; the sum and the least of them, in the same order everywhere.
[[nodiscard, gnu::always_inline]] inline Eight load_eight(const double* from) noexcept {
  return detail::read_all<Eight>(from);
}
[[gnu::always_inline]] inline void store_eight(Eight x, double* to) noexcept { detail::write_all(x, to); }
template <Number V>
[[nodiscard, gnu::always_inline]] inline V same(double x) noexcept {
  if constexpr (std::same_as<V, double>)
    return x;
  else
    return detail::filled<V>(x);
}
[[nodiscard, gnu::always_inline]] inline Eight eight(double x) noexcept { return same<Eight>(x); }
[[nodiscard, gnu::always_inline]] inline double sum(Eight x) noexcept { return detail::sum_of_lanes(x); }
[[nodiscard, gnu::always_inline]] inline double least(Eight x) noexcept { return detail::least_of_lanes(x); }

/// a < b; a bare register has no operator that gives a Condition.
[[nodiscard, gnu::always_inline]] inline Condition<Eight> is_less(Eight a, Eight b) noexcept {
  return detail::less(a, b);
}

/// Is the quantity the same on every path? What depends on nothing else is then worth computing once.
[[nodiscard]] inline bool is_uniform(ConstColumn column) noexcept {
  const Lanes first = column.front();
  Mask is_same = -1;
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes) is_same = is_same & (load(column, i) == first);
  return !any(!is_same);
}

}  // namespace repoquake
