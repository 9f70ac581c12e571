#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <catch2/catch.hpp>

#include "repoquake/plan/compile.hpp"
#include "repoquake/scenario/parameters.hpp"

using namespace repoquake;

namespace {

// Nothing but doubles and one std::size_t: no padding that could differ by itself.
static_assert(sizeof(model::ModelParams) % sizeof(double) == 0 && sizeof(std::size_t) == sizeof(double));
constexpr std::size_t kWords = sizeof(model::ModelParams) / sizeof(double);
using Words = std::array<std::uint64_t, kWords>;

Words words_of(const scenario::ParameterValues& values, double volume = 1179.0, double assets = 17494.2) {
  const model::ModelParams params = plan::model_params(values, volume, assets);
  Words words{};
  std::memcpy(words.data(), &params, sizeof params);
  return words;
}

std::vector<std::size_t> changed(const Words& a, const Words& b) {
  std::vector<std::size_t> where;
  for (std::size_t w = 0; w < kWords; ++w)
    if (a[w] != b[w]) where.push_back(w);
  return where;
}

/// The facility's stigma is dated policy: it reaches a day's context, not the constants.
bool is_dated(const scenario::ParameterSpec& row) { return row.key == "standing_repo.stigma"; }

bool holds(std::uint64_t word, const scenario::ParameterSpec& row, double value) {
  if (row.unit == scenario::Unit::count) return word == static_cast<std::uint64_t>(value);
  return std::bit_cast<double>(word) == value;
}

}  // namespace

TEST_CASE("every parameter reaches one member, in the table's order, as it is", "[model_params]") {
  const auto table = scenario::parameter_table();
  const Words defaults = words_of({});
  std::vector<std::size_t> members;
  for (std::size_t row = 0; row < table.size(); ++row) {
    INFO(table[row].key);
    scenario::ParameterValues values;
    const double value = table[row].default_value + 1.0;
    values.set(row, value);
    const auto where = changed(defaults, words_of(values));
    if (is_dated(table[row])) {
      CHECK(where.empty());
      continue;
    }
    REQUIRE(where.size() == 1);
    CHECK(holds(words_of(values)[where[0]], table[row], value));
    CHECK(holds(defaults[where[0]], table[row], table[row].default_value));
    // Members are declared in the table's order, so two rows that change places, or share one, show here.
    if (!members.empty()) CHECK(where[0] > members.back());
    members.push_back(where[0]);
  }
  CHECK(members.size() == table.size() - 1);
}

TEST_CASE("control: two rows that change places are seen", "[model_params][control]") {
  const auto table = scenario::parameter_table();
  const auto member_of = [&](std::size_t row) {
    scenario::ParameterValues values;
    values.set(row, table[row].default_value + 1.0);
    return changed(words_of({}), words_of(values)).at(0);
  };
  CHECK_FALSE(member_of(0) > member_of(1));
}

TEST_CASE("the market's size and the text's constants fill the other members", "[model_params]") {
  const auto sizes = changed(words_of({}), words_of({}, 2000.0, 30000.0));
  CHECK(sizes == std::vector<std::size_t>{0, 1});
  const model::ModelParams p = plan::model_params({}, 2000.0, 30000.0);
  CHECK(p.repo_volume == 2000.0);
  CHECK(p.bank_assets == 30000.0);

  // docs/model.md, section 2, in the order of their appearance there.
  CHECK(p.need.tga_persistence == 0.9);
  CHECK(p.reference_volatility == 60.0);
  CHECK(p.dispersion.base_width == 1.0);
  CHECK(p.dispersion.widening_from == 10.0);
  CHECK(p.dispersion.below_floor == 5.0);
  CHECK(p.basis_trade.slow_volatility_weight == 0.03);
  CHECK(p.basis_trade.margin_floor == 0.5);
  CHECK(p.basis_trade.carry_exit == 0.05);
  CHECK(p.basis_trade.carry_scale == 60.0);
  CHECK(p.basis_trade.max_voluntary_exit == 0.2);
  CHECK(p.basis_trade.yield_persistence == 0.97);
  CHECK(p.basis_trade.daily_sales_dispersion == 0.25);
  CHECK(p.basis_trade.opening_cushion == 1.03);
  CHECK(p.dealers.fund_need_persistence == 0.93);
  CHECK(p.precaution.threshold == 20.0);
  CHECK(p.dealers.least_capacity == 0.05);
  constexpr std::size_t kConstants = 16;
  CHECK(kWords == 2 + kConstants + (scenario::parameter_table().size() - 1));  // and there is no member beside these
  CHECK(model::kPeriodEndSaturation == std::array<double, 4>{1.0, 1.5, 1.85, 1.85});
  CHECK(model::kHighestSpread == 3000.0);
}
