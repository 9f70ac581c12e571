#include "repoquake/random/normal.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"
#include "repoquake/core/lanes.hpp"

namespace repoquake::random {

namespace {

/// open01 of kLanes words, low and high half apart.
[[gnu::always_inline]] inline Lanes open01(LaneBits low, LaneBits high) noexcept {
  const LaneBits bits = (high << 32) | (low & std::uint64_t{0xffff'ffff});
  return from_bits((bits >> 12) | std::uint64_t{0x3ff0'0000'0000'0000}) - (1.0 - 0x1p-53);
}

/// uniform_pair of stream.hpp for the paths of a block; a column is left out where its pointer is null.
void draw(std::uint64_t seed, std::uint64_t first_path, std::uint32_t day, Stream stream, std::uint16_t slot,
          double* even, double* odd) noexcept {
  const auto address = static_cast<std::uint64_t>(static_cast<std::uint16_t>(stream) >> 1U << 16U | slot);
  const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)};
  for (std::size_t i = 0; i < kBlockPaths; i += kLanes) {
    const LaneBits path = lane_numbers() + LaneBits(first_path + i);
    std::array<LaneBits, 4> words{path, path >> 32, std::uint64_t{day}, address};
    scramble(words, key);
    if (even != nullptr) store(open01(words[0], words[1]), Column(even, kBlockPaths), i);
    if (odd != nullptr) store(open01(words[2], words[3]), Column(odd, kBlockPaths), i);
  }
}

}  // namespace

void draw_uniforms(std::uint64_t seed, std::uint64_t first_path, std::uint32_t day, Stream stream, std::uint16_t slot,
                   Column out) noexcept {
  const bool is_even = static_cast<std::uint16_t>(stream) % 2 == 0;
  draw(seed, first_path, day, stream, slot, is_even ? out.data() : nullptr, is_even ? nullptr : out.data());
}

void draw_uniform_pair(std::uint64_t seed, std::uint64_t first_path, std::uint32_t day, Stream even_stream,
                       std::uint16_t slot, Column even, Column odd) {
  RQ_EXPECT(static_cast<std::uint16_t>(even_stream) % 2 == 0);
  draw(seed, first_path, day, even_stream, slot, even.data(), odd.data());
}

void normals_from_uniforms(ConstColumn u, Column out) noexcept {
  ColumnData from;  // a copy, so that the loop vectorises in place too
  std::copy(u.begin(), u.end(), from.begin());
  for (std::size_t i = 0; i < kBlockPaths; ++i) out[i] = elementary::inverse_normal(from[i]);
}

void uniforms_from_normals(ConstColumn z, Column out) noexcept {
  // 1/2 + phi(z) (z + z^3/3 + z^5/15 + ...): all terms of one sign, so nothing cancels [Marsaglia 2004].
  constexpr int kTerms = 120;  // enough for |z| <= 8.3, where the distribution function meets the ends of the range
  constexpr double kInverseRootTwoPi = 0.398942280401432677940;
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double x = std::clamp(z[i], -8.3, 8.3);
    const double square = x * x;
    double term = x, sum = x;
    for (int k = 1; k < kTerms; ++k) {
      term *= square / (2.0 * k + 1.0);
      sum += term;
    }
    const double u = 0.5 + kInverseRootTwoPi * elementary::exp(-0.5 * square) * sum;
    out[i] = std::clamp(u, 0x1p-53, 1.0 - 0x1p-53);
  }
}

namespace {

/// Distribution function at -x, x >= 0.
double lower_tail(double x) noexcept {
  constexpr double kEdge = 7.07106781186547, kRootTwoPi = 2.506628274631000502;
  const double density = elementary::exp(-0.5 * x * x);
  double above = 3.52624965998911e-2;
  for (const double c :
       {0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871, 221.213596169931, 220.206867912376})
    above = above * x + c;
  double below = 8.83883476483184e-2;
  for (const double c : {1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674, 637.333633378831,
                         793.826512519948, 440.413735824752})
    below = below * x + c;
  const double far = x + 1.0 / (x + 2.0 / (x + 3.0 / (x + 4.0 / (x + 0.65))));
  return x < kEdge ? density * (above / below) : density / (kRootTwoPi * far);
}

}  // namespace

void uniforms_from_normals_quickly(ConstColumn z, Column out) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const double tail = lower_tail(z[i] < 0.0 ? -z[i] : z[i]);
    out[i] = std::clamp(z[i] < 0.0 ? tail : 1.0 - tail, 0x1p-53, 1.0 - 0x1p-53);
  }
}

void draw_normals(std::uint64_t seed, std::uint64_t first_path, std::uint32_t day, Stream stream, std::uint16_t slot,
                  Column out) noexcept {
  draw_uniforms(seed, first_path, day, stream, slot, out);
  normals_from_uniforms(out, out);
}

}  // namespace repoquake::random
