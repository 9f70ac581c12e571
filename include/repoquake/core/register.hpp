/// One vector register of the instruction set compiled for, and what lanes.hpp asks of it. All code that only x86 knows is
/// here; elsewhere, and where g++ 12 finds the right instruction by itself, the same is written with vector types.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define REPOQUAKE_AVX512 1
#endif

namespace repoquake::detail {

#if defined(REPOQUAKE_AVX512)
inline constexpr std::size_t kRegisterLanes = 8;
#elif defined(__AVX2__)
inline constexpr std::size_t kRegisterLanes = 4;
#else
inline constexpr std::size_t kRegisterLanes = 2;
#endif

using RealRegister [[gnu::vector_size(kRegisterLanes * 8)]] = double;
using BitsRegister [[gnu::vector_size(kRegisterLanes * 8)]] = std::uint64_t;

/// The lanes folded into one, halves upon each other: with eight, 0 meets 4, 1 meets 5, ..., then 0 meets 2, then 1.
template <class Register, class Fold>
[[nodiscard, gnu::always_inline]] inline double folded(Register x, Fold fold) noexcept {
  if constexpr (sizeof x == 64)
    return folded(fold(__builtin_shufflevector(x, x, 0, 1, 2, 3), __builtin_shufflevector(x, x, 4, 5, 6, 7)), fold);
  else if constexpr (sizeof x == 32)
    return folded(fold(__builtin_shufflevector(x, x, 0, 1), __builtin_shufflevector(x, x, 2, 3)), fold);
  else
    return fold(x[0], x[1]);
}
[[nodiscard, gnu::always_inline]] inline double sum_of_lanes(RealRegister x) noexcept {
  return folded(
      x, [](auto a, auto b) __attribute__((always_inline)) { return a + b; });
}
[[nodiscard, gnu::always_inline]] inline double least_of_lanes(RealRegister x) noexcept {
  return folded(
      x, [](auto a, auto b) __attribute__((always_inline)) { return b < a ? b : a; });
}

/// The low half of every element times a factor, all 64 bits.
[[nodiscard, gnu::always_inline]] inline BitsRegister multiply_low_halves(BitsRegister x,
                                                                          std::uint32_t factor) noexcept {
#if defined(REPOQUAKE_AVX512)
  return std::bit_cast<BitsRegister>(
      _mm512_maskz_mul_epu32(0xff, std::bit_cast<__m512i>(x), _mm512_set1_epi64(factor)));
#elif defined(__AVX2__)
  return std::bit_cast<BitsRegister>(_mm256_mul_epu32(std::bit_cast<__m256i>(x), _mm256_set1_epi64x(factor)));
#elif defined(__x86_64__)
  return std::bit_cast<BitsRegister>(_mm_mul_epu32(std::bit_cast<__m128i>(x), _mm_set1_epi64x(factor)));
#else
  return (x & std::uint64_t{0xffff'ffff}) * std::uint64_t{factor};
#endif
}

#if defined(REPOQUAKE_AVX512)

/// What a comparison gives. AVX-512 has registers of its own for it, which g++ 12 leaves at every step if not told.
struct MaskRegister {
  __mmask8 bits;

  /// Everywhere true (-1) or false (0).
  [[nodiscard, gnu::always_inline]] static MaskRegister filled(std::int64_t value) noexcept {
    return {static_cast<__mmask8>(value)};
  }
  [[nodiscard, gnu::always_inline]] std::int64_t operator[](std::size_t i) const noexcept { return -((bits >> i) & 1); }
  // clang-format off
  [[gnu::always_inline]] friend MaskRegister operator&(MaskRegister x, MaskRegister y) noexcept { return {static_cast<__mmask8>(x.bits & y.bits)}; }
  [[gnu::always_inline]] friend MaskRegister operator|(MaskRegister x, MaskRegister y) noexcept { return {static_cast<__mmask8>(x.bits | y.bits)}; }
  [[gnu::always_inline]] friend MaskRegister operator~(MaskRegister x) noexcept { return {static_cast<__mmask8>(~x.bits)}; }
  // clang-format on
};

template <int kHow>
[[nodiscard, gnu::always_inline]] inline MaskRegister compare(RealRegister x, RealRegister y) noexcept {
  return {_mm512_cmp_pd_mask(std::bit_cast<__m512d>(x), std::bit_cast<__m512d>(y), kHow)};
}
[[nodiscard, gnu::always_inline]] inline MaskRegister less(RealRegister x, RealRegister y) noexcept {
  return compare<_CMP_LT_OQ>(x, y);
}
[[nodiscard, gnu::always_inline]] inline MaskRegister at_most(RealRegister x, RealRegister y) noexcept {
  return compare<_CMP_LE_OQ>(x, y);
}
[[nodiscard, gnu::always_inline]] inline MaskRegister equal(RealRegister x, RealRegister y) noexcept {
  return compare<_CMP_EQ_OQ>(x, y);
}
[[nodiscard, gnu::always_inline]] inline RealRegister choose(MaskRegister condition, RealRegister yes,
                                                             RealRegister no) noexcept {
  return std::bit_cast<RealRegister>(
      _mm512_mask_blend_pd(condition.bits, std::bit_cast<__m512d>(no), std::bit_cast<__m512d>(yes)));
}
/// a < b ? b : a, which is what the instruction does, ties and signed zeros included.
[[nodiscard, gnu::always_inline]] inline RealRegister larger(RealRegister a, RealRegister b) noexcept {
  return std::bit_cast<RealRegister>(_mm512_maskz_max_pd(0xff, std::bit_cast<__m512d>(b), std::bit_cast<__m512d>(a)));
}
[[nodiscard, gnu::always_inline]] inline RealRegister smaller(RealRegister a, RealRegister b) noexcept {
  return std::bit_cast<RealRegister>(_mm512_maskz_min_pd(0xff, std::bit_cast<__m512d>(b), std::bit_cast<__m512d>(a)));
}
/// Bit i: lane i is true.
[[nodiscard, gnu::always_inline]] inline std::uint32_t lane_bits(MaskRegister mask) noexcept { return mask.bits; }

#else

/// What a comparison gives: all ones where true.
using MaskRegister [[gnu::vector_size(kRegisterLanes * 8)]] = std::int64_t;

[[nodiscard, gnu::always_inline]] inline MaskRegister less(RealRegister x, RealRegister y) noexcept { return x < y; }
[[nodiscard, gnu::always_inline]] inline MaskRegister at_most(RealRegister x, RealRegister y) noexcept {
  return x <= y;
}
[[nodiscard, gnu::always_inline]] inline MaskRegister equal(RealRegister x, RealRegister y) noexcept { return x == y; }
[[nodiscard, gnu::always_inline]] inline RealRegister choose(MaskRegister condition, RealRegister yes,
                                                             RealRegister no) noexcept {
  return condition ? yes : no;
}
[[nodiscard, gnu::always_inline]] inline RealRegister larger(RealRegister a, RealRegister b) noexcept {
  return a < b ? b : a;
}
[[nodiscard, gnu::always_inline]] inline RealRegister smaller(RealRegister a, RealRegister b) noexcept {
  return b < a ? b : a;
}
[[nodiscard, gnu::always_inline]] inline std::uint32_t lane_bits(MaskRegister mask) noexcept {
#if defined(__AVX2__)
  return static_cast<std::uint32_t>(_mm256_movemask_pd(std::bit_cast<__m256d>(mask)));
#elif defined(__x86_64__)
  return static_cast<std::uint32_t>(_mm_movemask_pd(std::bit_cast<__m128d>(mask)));
#else
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < kRegisterLanes; ++i) bits |= static_cast<std::uint32_t>(mask[i] & 1) << i;
  return bits;
#endif
}

#endif

[[nodiscard, gnu::always_inline]] inline bool any(MaskRegister mask) noexcept { return lane_bits(mask) != 0; }

}  // namespace repoquake::detail
