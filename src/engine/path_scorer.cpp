#include "repoquake/engine/path_scorer.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "repoquake/core/contract.hpp"

namespace repoquake::engine {
namespace {

using random::Stream;

Stream odd_neighbour(Stream even) noexcept { return static_cast<Stream>(static_cast<std::uint16_t>(even) + 1); }

/// Ordinary draws that write down what they are asked for.
class ListingDraws final : public DrawSource {
 public:
  ListingDraws(std::uint64_t seed, DrawList& list) : ordinary_(seed), list_(list) {}

  void uniforms(std::uint64_t first_path, std::uint32_t day, Stream stream, std::uint16_t slot,
                Column out) noexcept override {
    note({day, stream, slot});
    ordinary_.uniforms(first_path, day, stream, slot, out);
  }
  void uniform_pair(std::uint64_t first_path, std::uint32_t day, Stream even_stream, std::uint16_t slot, Column even,
                    Column odd) noexcept override {
    note({day, even_stream, slot});
    note({day, odd_neighbour(even_stream), slot});
    ordinary_.uniform_pair(first_path, day, even_stream, slot, even, odd);
  }

 private:
  void note(const DrawPlace& place) {
    const auto [found, is_new] = known_.try_emplace(std::tuple(place.day, place.stream, place.slot),
                                                    static_cast<std::uint32_t>(list_.coordinates.size()));
    if (is_new) list_.coordinates.push_back(place);
    list_.calls.push_back(found->second);
  }

  AddressedDraws ordinary_;
  DrawList& list_;
  std::map<std::tuple<std::uint32_t, Stream, std::uint16_t>, std::uint32_t> known_;
};

}  // namespace

/// Hands out columns in the order of the list.
class PathScorer::GivenDraws final : public DrawSource {
 public:
  explicit GivenDraws(const DrawList& list) : list_(list) {}

  void give(std::span<const ColumnData> columns) noexcept {
    columns_ = columns;
    next_ = 0;
  }
  [[nodiscard]] bool is_used_up() const noexcept { return next_ == list_.calls.size(); }

  void uniforms(std::uint64_t /*first_path*/, std::uint32_t day, Stream stream, std::uint16_t slot,
                Column out) noexcept override {
    std::ranges::copy(take({day, stream, slot}), out.begin());
  }
  void uniform_pair(std::uint64_t /*first_path*/, std::uint32_t day, Stream even_stream, std::uint16_t slot,
                    Column even, Column odd) noexcept override {
    std::ranges::copy(take({day, even_stream, slot}), even.begin());
    std::ranges::copy(take({day, odd_neighbour(even_stream), slot}), odd.begin());
  }

 private:
  const ColumnData& take([[maybe_unused]] const DrawPlace& place) {
    const std::uint32_t coordinate = list_.calls[next_++];
    RQ_EXPECT(list_.coordinates[coordinate] == place);  // a plan asks in one order, whatever the values
    return columns_[coordinate];
  }

  const DrawList& list_;
  std::span<const ColumnData> columns_;
  std::size_t next_ = 0;
};

DrawList list_draws(const plan::Plan& plan) {
  DrawList list;
  BlockWorkspace work(plan);
  work.source = std::make_unique<ListingDraws>(plan.seed, list);
  open_block(plan, 0, work);
  for (std::uint32_t day = 1; day < plan.days.size(); ++day) simulate_day(plan, 0, day, work);
  return list;
}

void evaluate_block(const plan::Plan& plan, std::uint64_t first_path, BlockWorkspace& work, PathEvaluator& evaluator,
                    Column value, std::span<std::uint32_t, kBlockPaths> flags) {
  const auto see = [&](std::uint32_t day) {
    evaluator.see(plan, day, work);
    for (std::size_t i = 0; i < kBlockPaths; ++i) flags[i] |= work.outcome.flags[i];
  };
  std::ranges::fill(flags, 0U);
  open_block(plan, first_path, work);
  evaluator.open();
  see(0);
  for (std::uint32_t day = 1; day < plan.days.size(); ++day) {
    simulate_day(plan, first_path, day, work);
    see(day);
  }
  std::ranges::copy(evaluator.close(), value.begin());
}

PathScorer::PathScorer(const plan::Plan& plan, const plan::PathProgram& program, const DrawList& draws)
    : plan_(plan), draws_(draws), work_(plan), evaluator_(program) {
  auto given = std::make_unique<GivenDraws>(draws);
  given_ = given.get();
  work_.source = std::move(given);
}

PathScorer::~PathScorer() = default;

void PathScorer::draw(std::uint64_t first_path, std::span<ColumnData> uniforms) const {
  RQ_EXPECT(uniforms.size() == draws_.coordinates.size());
  AddressedDraws ordinary(plan_.seed);
  for (std::size_t j = 0; j < uniforms.size(); ++j) {
    const DrawPlace& place = draws_.coordinates[j];
    ordinary.uniforms(first_path, place.day, place.stream, place.slot, uniforms[j]);
  }
}

void PathScorer::score(std::span<const ColumnData> uniforms, Column value,
                       std::span<std::uint32_t, kBlockPaths> flags) {
  RQ_EXPECT(uniforms.size() == draws_.coordinates.size());
  given_->give(uniforms);
  evaluate_block(plan_, 0, work_, evaluator_, value, flags);
  RQ_ENSURE(given_->is_used_up());
}

}  // namespace repoquake::engine
