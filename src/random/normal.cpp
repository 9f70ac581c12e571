#include "repoquake/random/normal.hpp"

#include <algorithm>
#include <cstddef>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/elementary.hpp"

namespace repoquake::random {

void draw_uniforms(std::uint64_t seed, std::uint64_t first_path, std::uint32_t day, Stream stream, std::uint16_t slot,
                   Column out) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    out[i] = uniform({first_path + i, day, stream, slot}, seed);
  }
}

void draw_uniform_pair(std::uint64_t seed, std::uint64_t first_path, std::uint32_t day, Stream even_stream,
                       std::uint16_t slot, Column even, Column odd) {
  RQ_EXPECT(static_cast<std::uint16_t>(even_stream) % 2 == 0);
  for (std::size_t i = 0; i < kBlockPaths; ++i) {
    const auto [first, second] = uniform_pair({first_path + i, day, even_stream, slot}, seed);
    even[i] = first;
    odd[i] = second;
  }
}

void normals_from_uniforms(ConstColumn u, Column out) noexcept {
  ColumnData from;  // a copy, so that the loop vectorises in place too
  std::copy(u.begin(), u.end(), from.begin());
  for (std::size_t i = 0; i < kBlockPaths; ++i) out[i] = elementary::inverse_normal(from[i]);
}

void draw_normals(std::uint64_t seed, std::uint64_t first_path, std::uint32_t day, Stream stream, std::uint16_t slot,
                  Column out) noexcept {
  draw_uniforms(seed, first_path, day, stream, slot, out);
  normals_from_uniforms(out, out);
}

}  // namespace repoquake::random
