// A fixed history of days of any kind as one number, so that builds can be compared: see scripts/test_aarch64.sh.

#include <bit>
#include <cstdint>
#include <iostream>

#include <catch2/catch.hpp>

#include "unit/model/world.hpp"

using namespace repoquake;
using namespace repoquake::model;
using namespace repoquake::test;

namespace {

/// FNV-1a over whole words.
class Digest {
 public:
  template <typename Data>
  void add(const Data& column) {
    for (const auto value : column) value_ = (value_ ^ std::bit_cast<std::uint64_t>(value)) * 0x100000001b3;
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325;
};

std::uint64_t history(int days, double extra_reserves) {
  Dice dice(20190917);
  Opening opening = opening_2019(default_params());
  opening.own.reserves += extra_reserves;
  World world(opening, dice);
  Digest digest;
  for (int day = 0; day < days; ++day) {
    random_day(world, dice);
    world.step();
    const auto& s = world.state;
    const auto& o = world.out;
    for (const ColumnData* c :
         {&s.am_spread, &s.pm_spread, &s.precaution, &s.dealer_inventory, &s.fund_need, &s.futures_basis,
          &s.yield_impact, &s.rate_noise, &o.capacity, &o.need, &o.tgcr, &o.effr, &o.sales, &o.fund_equity})
      digest.add(*c);
    for (const auto& percentile : o.percentiles) digest.add(percentile);
    digest.add(s.sheet.reserves);
    digest.add(s.sheet.on_rrp);
  }
  return digest.value();
}

}  // namespace

TEST_CASE("a history has bits of its own, the same whenever it is lived through") {
  const std::uint64_t bits = history(40, 0.0);
  std::cout << "bits of the kernel: " << std::hex << bits << std::dec << '\n';
  CHECK(history(40, 0.0) == bits);
  CHECK(history(40, 1e-9) != bits);
}
