/// Where the uniforms of paths come from: every draw of a simulation passes here.
///
/// An ordinary run addresses them (random/stream.hpp). Whoever wants other draws for the same paths - dependent between
/// paths, or changed one by one - brings a source of its own, and the simulation is the same.
#pragma once

#include <cstdint>
#include <memory>

#include "repoquake/core/column.hpp"
#include "repoquake/plan/plan.hpp"
#include "repoquake/random/stream.hpp"

namespace repoquake::engine {

/// One belongs to one thread and may keep what its block needs.
class DrawSource {
 public:
  virtual ~DrawSource() = default;

  /// out[i]: the uniform of path first_path + i at (day, stream, slot), in [2^-53, 1 - 2^-53].
  virtual void uniforms(std::uint64_t first_path, std::uint32_t day, random::Stream stream, std::uint16_t slot,
                        Column out) noexcept = 0;

  /// The uniforms of `even_stream` and of its neighbour even_stream + 1. Pre: even_stream is even.
  virtual void uniform_pair(std::uint64_t first_path, std::uint32_t day, random::Stream even_stream, std::uint16_t slot,
                            Column even, Column odd) noexcept = 0;

  /// Standard normals by the inverse distribution function of `uniforms`.
  void normals(std::uint64_t first_path, std::uint32_t day, random::Stream stream, std::uint16_t slot,
               Column out) noexcept;
};

/// Independent draws, each a function of its address and the seed.
class AddressedDraws final : public DrawSource {
 public:
  explicit AddressedDraws(std::uint64_t seed) noexcept : seed_(seed) {}

  void uniforms(std::uint64_t first_path, std::uint32_t day, random::Stream stream, std::uint16_t slot,
                Column out) noexcept override;
  void uniform_pair(std::uint64_t first_path, std::uint32_t day, random::Stream even_stream, std::uint16_t slot,
                    Column even, Column odd) noexcept override;

 private:
  std::uint64_t seed_;
};

/// What the plan asks for.
[[nodiscard]] std::unique_ptr<DrawSource> make_draw_source(const plan::Plan& plan);

}  // namespace repoquake::engine
