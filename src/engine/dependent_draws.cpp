#include "repoquake/engine/dependent_draws.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "repoquake/core/contract.hpp"
#include "repoquake/random/normal.hpp"

namespace repoquake::engine {
namespace {

using random::Stream;

/// 1 - u for every second path. Exact: u is the centre of one of 2^52 bins.
void mirror(Column u) noexcept {
  for (std::size_t i = 0; i < kBlockPaths; i += 2) u[i + 1] = 1.0 - u[i];
}

/// What paths draw every day, the most important first. Those of flows only where flows are drawn.
constexpr std::array kDailyStreams{Stream::need_shock, Stream::pullback,    Stream::late_shock,
                                   Stream::tail_width, Stream::other_sales, Stream::rate_noise};
constexpr std::array kDrawnFlows{Stream::tga_flow, Stream::other_factors, Stream::coupon_settlement,
                                 Stream::volatility_move, Stream::bill_settlement};
constexpr std::array kPathConstants{Stream::bank_capacity, Stream::fund_leverage, Stream::sales_scale,
                                    Stream::dealer_capacity};

}  // namespace

void AntitheticDraws::uniforms(std::uint64_t first_path, std::uint32_t day, Stream stream, std::uint16_t slot,
                               Column out) noexcept {
  ordinary_.uniforms(first_path, day, stream, slot, out);
  mirror(out);
}

void AntitheticDraws::uniform_pair(std::uint64_t first_path, std::uint32_t day, Stream even_stream, std::uint16_t slot,
                                   Column even, Column odd) noexcept {
  ordinary_.uniform_pair(first_path, day, even_stream, slot, even, odd);
  mirror(even);
  mirror(odd);
}

namespace {

/// Hands out dimensions of the net in the order they are asked for.
class Allotment {
 public:
  [[nodiscard]] bool has_more() const noexcept { return used_ < NetDraws::kNetDimensions; }
  std::size_t take() noexcept { return used_++; }

 private:
  std::size_t used_ = 0;
};

/// (left, middle, right) of the bridge over days 1 .. n, level by level.
std::vector<std::array<std::uint32_t, 3>> bridge_order(std::uint32_t n_days) {
  std::vector<std::array<std::uint32_t, 3>> order{{0, n_days, n_days}};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> gaps{{0, n_days}};
  for (std::size_t k = 0; k < gaps.size(); ++k) {
    const auto [left, right] = gaps[k];
    if (right - left < 2) continue;
    const std::uint32_t middle = left + (right - left) / 2;
    order.push_back({left, middle, right});
    gaps.emplace_back(left, middle);
    gaps.emplace_back(middle, right);
  }
  return order;
}

}  // namespace

NetDraws::NetDraws(const plan::Plan& plan)
    : ordinary_(plan.seed), net_(kNetDimensions, plan.sampling.scrambles, plan.seed) {
  RQ_EXPECT(plan.sampling.kind == plan::PlanSampling::Kind::net && plan.days.size() >= 2);
  const auto n_days = static_cast<std::uint32_t>(plan.days.size() - 1);
  for (const auto [left, middle, right] : bridge_order(n_days)) {
    const double before = middle - left, after = right - middle, width = right - left;
    nodes_.push_back({.left = left,
                      .middle = middle,
                      .right = right,
                      .left_weight = after / width,
                      .right_weight = middle == right ? 0.0 : before / width,
                      .sd = middle == right ? std::sqrt(width) : std::sqrt(before * after / width)});
  }

  Allotment net;
  const auto take_constant = [&](Stream stream, std::uint16_t slot) {
    if (net.has_more()) constants_.push_back({.stream = stream, .slot = slot, .dimension = net.take()});
  };
  for (const plan::PlanShock& shock : plan.shocks) {
    if (shock.law != plan::PlanShock::Law::constant) take_constant(Stream::shock_size, shock.slot);
    if (shock.has_random_start()) take_constant(Stream::shock_date, shock.slot);
    if (shock.probability < 1.0) take_constant(Stream::shock_date, static_cast<std::uint16_t>(shock.slot + 1));
  }
  for (const Stream stream : kDailyStreams) dailies_.push_back({.stream = stream, .dimensions = {}, .days = {}});
  if (plan.drivers.any())
    for (const Stream stream : kDrawnFlows) dailies_.push_back({.stream = stream, .dimensions = {}, .days = {}});
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    for (Daily& daily : dailies_)
      if (net.has_more()) daily.dimensions.push_back(net.take());
    if (node == 0)
      for (const Stream stream : kPathConstants) take_constant(stream, 0);
  }
  std::erase_if(dailies_, [](const Daily& daily) { return daily.dimensions.empty(); });
  for (Daily& daily : dailies_) daily.days.resize(plan.days.size());
}

void NetDraws::draw_bridge(Daily& daily, std::uint64_t first_path) noexcept {
  daily.days.front().fill(0.0);
  ColumnData z;
  for (std::size_t k = 0; k < nodes_.size(); ++k) {
    const Node& node = nodes_[k];
    if (k < daily.dimensions.size())
      net_.fill(daily.dimensions[k], first_path, z);
    else
      ordinary_.uniforms(first_path, node.middle, daily.stream, 0, z);
    random::normals_from_uniforms(z, z);
    const ColumnData &left = daily.days[node.left], &right = daily.days[node.right];
    ColumnData& sum = daily.days[node.middle];
    if (node.middle == node.right)
      for (std::size_t i = 0; i < kBlockPaths; ++i) sum[i] = node.sd * z[i];
    else
      for (std::size_t i = 0; i < kBlockPaths; ++i)
        sum[i] = node.left_weight * left[i] + node.right_weight * right[i] + node.sd * z[i];
  }
  for (std::size_t day = daily.days.size() - 1; day > 0; --day) {
    ColumnData& sum = daily.days[day];
    for (std::size_t i = 0; i < kBlockPaths; ++i) sum[i] -= daily.days[day - 1][i];
    random::uniforms_from_normals_quickly(sum, sum);
  }
}

void NetDraws::open(std::uint64_t first_path) noexcept {
  if (open_block_ == first_path) return;
  for (Daily& daily : dailies_) draw_bridge(daily, first_path);
  open_block_ = first_path;
}

const NetDraws::Daily* NetDraws::find_daily(Stream stream) const noexcept {
  const auto found = std::ranges::find(dailies_, stream, &Daily::stream);
  return found == dailies_.end() ? nullptr : &*found;
}

void NetDraws::uniforms(std::uint64_t first_path, std::uint32_t day, Stream stream, std::uint16_t slot,
                        Column out) noexcept {
  if (day > 0 && slot == 0) {
    open(first_path);
    if (const Daily* daily = find_daily(stream)) {
      std::ranges::copy(daily->days[day], out.begin());
      return;
    }
  }
  if (day == 0)
    for (const Constant& constant : constants_)
      if (constant.stream == stream && constant.slot == slot) return net_.fill(constant.dimension, first_path, out);
  ordinary_.uniforms(first_path, day, stream, slot, out);
}

void NetDraws::uniform_pair(std::uint64_t first_path, std::uint32_t day, Stream even_stream, std::uint16_t slot,
                            Column even, Column odd) noexcept {
  if (slot != 0) return ordinary_.uniform_pair(first_path, day, even_stream, slot, even, odd);
  uniforms(first_path, day, even_stream, slot, even);
  uniforms(first_path, day, static_cast<Stream>(static_cast<std::uint16_t>(even_stream) + 1), slot, odd);
}

}  // namespace repoquake::engine
