/// Several paths abreast in vector registers: for the few loops that a compiler does not vectorise by itself, those that
/// iterate until every lane is done.
///
/// `Lanes` are two registers of the instruction set compiled for: two chains of dependent arithmetic fill the time that one
/// would spend waiting. The width may not show: lanes do not see each other, so a path has the same bits among 4, 8 or
/// 16. Functions are templates over V = double or Lanes, written once: comparisons give Condition<V>, and `select` takes
/// the place of ?:. Both sides of a select are computed, so both must be harmless.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "repoquake/core/column.hpp"

namespace repoquake {
namespace detail {

#if defined(__AVX512F__) && defined(__AVX512DQ__)
inline constexpr std::size_t kRegisterLanes = 8;
#elif defined(__AVX2__)
inline constexpr std::size_t kRegisterLanes = 4;
#else
inline constexpr std::size_t kRegisterLanes = 2;
#endif

using RealRegister [[gnu::vector_size(kRegisterLanes * 8)]] = double;
using BitsRegister [[gnu::vector_size(kRegisterLanes * 8)]] = std::uint64_t;
using MaskRegister [[gnu::vector_size(kRegisterLanes * 8)]] = std::int64_t;  ///< a comparison: all ones where true

/// Two registers that are treated alike.
template <class Register, class Element>
struct Pair {
  Register first, second;

  Pair() = default;
  [[gnu::always_inline]] Pair(Register a, Register b) noexcept : first(a), second(b) {}
  [[gnu::always_inline]] Pair(Element same) noexcept : first(same - Register{}), second(first) {}

  [[nodiscard, gnu::always_inline]] Element operator[](std::size_t i) const noexcept {
    return i < kRegisterLanes ? first[i] : second[i - kRegisterLanes];
  }

  // clang-format off
  [[gnu::always_inline]] friend Pair operator+(Pair x, Pair y) noexcept { return {x.first + y.first, x.second + y.second}; }
  [[gnu::always_inline]] friend Pair operator-(Pair x, Pair y) noexcept { return {x.first - y.first, x.second - y.second}; }
  [[gnu::always_inline]] friend Pair operator*(Pair x, Pair y) noexcept { return {x.first * y.first, x.second * y.second}; }
  [[gnu::always_inline]] friend Pair operator/(Pair x, Pair y) noexcept { return {x.first / y.first, x.second / y.second}; }
  [[gnu::always_inline]] friend Pair operator-(Pair x) noexcept { return {-x.first, -x.second}; }
  [[gnu::always_inline]] friend Pair operator&(Pair x, Pair y) noexcept { return {x.first & y.first, x.second & y.second}; }
  [[gnu::always_inline]] friend Pair operator|(Pair x, Pair y) noexcept { return {x.first | y.first, x.second | y.second}; }
  [[gnu::always_inline]] friend Pair operator<<(Pair x, int n) noexcept { return {x.first << n, x.second << n}; }
  [[gnu::always_inline]] friend Pair operator>>(Pair x, int n) noexcept { return {x.first >> n, x.second >> n}; }
  // clang-format on
};

}  // namespace detail

inline constexpr std::size_t kLanes = 2 * detail::kRegisterLanes;
static_assert(kBlockPaths % kLanes == 0);

using Lanes = detail::Pair<detail::RealRegister, double>;
using LaneBits = detail::Pair<detail::BitsRegister, std::uint64_t>;
using Mask = detail::Pair<detail::MaskRegister, std::int64_t>;

/// What a kernel computes with: one path or kLanes of them.
template <class V>
concept Number = std::same_as<V, double> || std::same_as<V, Lanes>;

/// The unsigned integers of the same width; what a comparison gives.
template <Number V>
using Bits = std::conditional_t<std::same_as<V, double>, std::uint64_t, LaneBits>;
template <Number V>
using Condition = std::conditional_t<std::same_as<V, double>, bool, Mask>;

// clang-format off
[[gnu::always_inline]] inline Mask operator<(Lanes x, Lanes y) noexcept { return {x.first < y.first, x.second < y.second}; }
[[gnu::always_inline]] inline Mask operator>(Lanes x, Lanes y) noexcept { return {x.first > y.first, x.second > y.second}; }
[[gnu::always_inline]] inline Mask operator<=(Lanes x, Lanes y) noexcept { return {x.first <= y.first, x.second <= y.second}; }
[[gnu::always_inline]] inline Mask operator>=(Lanes x, Lanes y) noexcept { return {x.first >= y.first, x.second >= y.second}; }
[[gnu::always_inline]] inline Mask operator==(Lanes x, Lanes y) noexcept { return {x.first == y.first, x.second == y.second}; }
[[gnu::always_inline]] inline Mask operator==(Mask x, Mask y) noexcept { return {x.first == y.first, x.second == y.second}; }
[[gnu::always_inline]] inline Mask operator!(Mask x) noexcept { return {~x.first, ~x.second}; }
[[gnu::always_inline]] inline Lanes& operator+=(Lanes& x, Lanes y) noexcept { return x = x + y; }
// clang-format on

[[nodiscard, gnu::always_inline]] inline double select(bool condition, double yes, double no) noexcept {
  return condition ? yes : no;
}
[[nodiscard, gnu::always_inline]] inline Lanes select(Mask condition, Lanes yes, Lanes no) noexcept {
  return {condition.first ? yes.first : no.first, condition.second ? yes.second : no.second};
}

/// std::max and std::min, lane by lane.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V larger(V a, std::type_identity_t<V> b) noexcept {
  return select(a < b, b, a);
}
template <Number V>
[[nodiscard, gnu::always_inline]] inline V smaller(V a, std::type_identity_t<V> b) noexcept {
  return select(b < a, b, a);
}

[[nodiscard, gnu::always_inline]] inline bool any(bool condition) noexcept { return condition; }
[[nodiscard, gnu::always_inline]] inline bool any(Mask condition) noexcept {
  const detail::MaskRegister either = condition.first | condition.second;
  std::int64_t all = 0;
  for (std::size_t i = 0; i < detail::kRegisterLanes; ++i) all |= either[i];
  return all != 0;
}

/// The bits of a number, and back.
[[nodiscard, gnu::always_inline]] inline std::uint64_t to_bits(double x) noexcept {
  return std::bit_cast<std::uint64_t>(x);
}
[[nodiscard, gnu::always_inline]] inline double from_bits(std::uint64_t x) noexcept { return std::bit_cast<double>(x); }
[[nodiscard, gnu::always_inline]] inline LaneBits to_bits(Lanes x) noexcept {
  return {std::bit_cast<detail::BitsRegister>(x.first), std::bit_cast<detail::BitsRegister>(x.second)};
}
[[nodiscard, gnu::always_inline]] inline Lanes from_bits(LaneBits x) noexcept {
  return {std::bit_cast<detail::RealRegister>(x.first), std::bit_cast<detail::RealRegister>(x.second)};
}

/// |x|.
template <Number V>
[[nodiscard, gnu::always_inline]] inline V magnitude(V x) noexcept {
  return from_bits(to_bits(x) & std::uint64_t{0x7fff'ffff'ffff'ffff});
}

/// Lanes i, i + 1, ... of a column.
[[nodiscard, gnu::always_inline]] inline Lanes load(ConstColumn column, std::size_t i) noexcept {
  Lanes lanes;
  std::memcpy(&lanes.first, column.data() + i, sizeof lanes.first);
  std::memcpy(&lanes.second, column.data() + i + detail::kRegisterLanes, sizeof lanes.second);
  return lanes;
}
[[gnu::always_inline]] inline void store(Lanes lanes, Column column, std::size_t i) noexcept {
  std::memcpy(column.data() + i, &lanes.first, sizeof lanes.first);
  std::memcpy(column.data() + i + detail::kRegisterLanes, &lanes.second, sizeof lanes.second);
}

}  // namespace repoquake
