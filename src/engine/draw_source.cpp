#include "repoquake/engine/draw_source.hpp"

#include "repoquake/engine/dependent_draws.hpp"
#include "repoquake/random/normal.hpp"

namespace repoquake::engine {

void DrawSource::normals(std::uint64_t first_path, std::uint32_t day, random::Stream stream, std::uint16_t slot,
                         Column out) noexcept {
  uniforms(first_path, day, stream, slot, out);
  random::normals_from_uniforms(out, out);
}

void AddressedDraws::uniforms(std::uint64_t first_path, std::uint32_t day, random::Stream stream, std::uint16_t slot,
                              Column out) noexcept {
  random::draw_uniforms(seed_, first_path, day, stream, slot, out);
}

void AddressedDraws::uniform_pair(std::uint64_t first_path, std::uint32_t day, random::Stream even_stream,
                                  std::uint16_t slot, Column even, Column odd) noexcept {
  random::draw_uniform_pair(seed_, first_path, day, even_stream, slot, even, odd);
}

std::unique_ptr<DrawSource> make_draw_source(const plan::Plan& plan) {
  switch (plan.sampling.kind) {
    case plan::PlanSampling::Kind::independent:
      break;
    case plan::PlanSampling::Kind::antithetic:
      return std::make_unique<AntitheticDraws>(plan.seed);
    case plan::PlanSampling::Kind::net:
      return std::make_unique<NetDraws>(plan);
  }
  return std::make_unique<AddressedDraws>(plan.seed);
}

}  // namespace repoquake::engine
