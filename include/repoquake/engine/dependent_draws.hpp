/// Draws that make estimates settle sooner because paths complement each other. A path by itself is drawn as ever; errors
/// come from batches of paths (stats/batches.hpp).
///
/// Antithetic  Path 2k has the draws of an ordinary run, path 2k + 1 has 1 - u for each of them. The mean of a function that
///             is monotone in its draws varies less, that of an even one more: at worst twice as much.
/// Net         Path p is point p / R of scramble p mod R of a net (random/scrambled_net.hpp). The net has kNetDimensions
///             dimensions; they go to what matters most, the draws of a path beyond them are those of an ordinary run:
///             1. sizes of shocks and whether and when they happen, in the order of the plan;
///             2. of each daily stream z_1 ... z_D the sum W_D, and the constants of the path;
///             3. of each daily stream the middles of the Brownian bridge, W_D/2, W_D/4, W_3D/4 ..., stream by stream on
///                each level.
///             A bridge sets the middle m of known l < r to
///               W_m = ((r - m) W_l + (m - l) W_r) / (r - l) + sqrt((m - l)(r - m) / (r - l)) z
///             and the draw of day d is the distribution function of W_d - W_d-1: standard normal, independent over days.
/// Sources     J. M. Hammersley, K. W. Morton, "A new Monte Carlo technique: antithetic variates", Proc. Camb. Phil. Soc. 52
///             (1956); R. E. Caflisch, W. Morokoff, A. Owen, "Valuation of mortgage-backed securities using Brownian bridges
///             to reduce effective dimension", J. Comp. Finance 1 (1997); A. B. Owen, "Latin supercube sampling for very
///             high-dimensional simulations", ACM TOMACS 8 (1998), on what is left to ordinary draws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "repoquake/engine/draw_source.hpp"
#include "repoquake/random/scrambled_net.hpp"

namespace repoquake::engine {

class AntitheticDraws final : public DrawSource {
 public:
  explicit AntitheticDraws(std::uint64_t seed) noexcept : ordinary_(seed) {}

  void uniforms(std::uint64_t first_path, std::uint32_t day, random::Stream stream, std::uint16_t slot,
                Column out) noexcept override;
  void uniform_pair(std::uint64_t first_path, std::uint32_t day, random::Stream even_stream, std::uint16_t slot,
                    Column even, Column odd) noexcept override;

 private:
  AddressedDraws ordinary_;
};

class NetDraws final : public DrawSource {
 public:
  static constexpr std::size_t kNetDimensions = 64;

  /// Pre: the plan asks for a net. Memory: a column for each day of each daily stream.
  explicit NetDraws(const plan::Plan& plan);

  void uniforms(std::uint64_t first_path, std::uint32_t day, random::Stream stream, std::uint16_t slot,
                Column out) noexcept override;
  void uniform_pair(std::uint64_t first_path, std::uint32_t day, random::Stream even_stream, std::uint16_t slot,
                    Column even, Column odd) noexcept override;

 private:
  static constexpr std::size_t kNoDimension = ~std::size_t{0};

  /// A draw that a path makes once.
  struct Constant {
    random::Stream stream;
    std::uint16_t slot;
    std::size_t dimension;
  };
  /// A place of the bridge: the sum up to day `middle`, between sums that are known.
  struct Node {
    std::uint32_t left, middle, right;  ///< left = 0: nothing drawn yet; middle = right: the end
    double left_weight, right_weight, sd;
  };
  /// A draw of every day.
  struct Daily {
    random::Stream stream;
    std::vector<std::size_t> dimensions;  ///< (node), fewer than there are nodes
    std::vector<ColumnData> days;         ///< (day): sums, then uniforms of the block
  };

  void open(std::uint64_t first_path) noexcept;
  void draw_bridge(Daily& daily, std::uint64_t first_path) noexcept;
  [[nodiscard]] const Daily* find_daily(random::Stream stream) const noexcept;

  AddressedDraws ordinary_;
  std::vector<Constant> constants_;
  std::vector<Node> nodes_;
  std::vector<Daily> dailies_;
  random::ScrambledNet net_;
  std::uint64_t open_block_ = ~std::uint64_t{0};
};

}  // namespace repoquake::engine
