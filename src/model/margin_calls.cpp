#include "model/margin_calls.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "repoquake/core/contract.hpp"
#include "repoquake/core/lanes.hpp"

namespace repoquake::model {
namespace {

using BasisParams = ModelParams::BasisTrade;

constexpr UsdBn kFixedPointTolerance = 1e-9;
constexpr int kMaxFixedPointSteps = 1000;  // every step either ends or passes a cohort's trigger or cap
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNoPosition = 1e-200;   // below this no ratio
constexpr double kNoShare = 1e-100;      // nor of a share kept
constexpr double kNoLossIsFelt = 1e200;  // the ratio of a cohort without a position

/// One number each of up to eight paths.
struct alignas(64) Numbers : std::array<double, kEight> {
  Numbers() = default;
  [[gnu::always_inline]] explicit Numbers(Eight x) noexcept { store_eight(x, data()); }
  [[nodiscard, gnu::always_inline]] Eight abreast() const noexcept { return load_eight(data()); }
};

/// What the sales of eight paths depend on; SalesTerms of each.
struct EightTerms {
  Eight margin, exit_share, impact, basis, external_sales;

  [[nodiscard, gnu::always_inline]] Eight basis_after(const BasisParams& b, Eight sales) const noexcept {
    return model::basis_after(b, basis, impact, external_sales + sales);
  }
  [[nodiscard, gnu::always_inline]] Eight loss_per_notional(const BasisParams& b, Eight sales) const noexcept {
    return (basis_after(b, sales) - basis) / kBpPerUnit;
  }
};

/// Cohorts of one path, a whole number of eights: what fills up the last holds nothing.
struct Cohorts {
  const double *notional, *ratio;  ///< USD bn, equity per notional
  std::size_t stored;
};

/// The shares and ratios of equity between which the cohorts of a path move on a day.
struct Limits {
  double voluntary, cap;  ///< share sold by choice, at most
  double maintenance;     ///< below it a cohort is called
  double per_target;      ///< 1 / the ratio up to which it sells
};

/// The same of eight paths.
struct EightLimits {
  double cap;
  Eight target;
  Numbers voluntary, maintenance, per_target;

  [[gnu::always_inline]] EightLimits(const BasisParams& b, const EightTerms& t) noexcept
      : cap(b.max_daily_sale),
        target(t.margin * (1.0 + b.target_cushion)),
        voluntary(smaller(t.exit_share, eight(cap))),
        maintenance(t.margin * (1.0 + b.maintenance_cushion) * (1.0 - t.exit_share)),
        per_target(1.0 / target) {}

  [[nodiscard, gnu::always_inline]] Limits operator[](std::size_t k) const noexcept {
    return {voluntary[k], cap, maintenance[k], per_target[k]};
  }
};

/// How eight cohorts of a path answer a loss per notional.
struct Answer {
  Eight share;  ///< of the position that is sold
  Condition<Eight> is_forced;
  Eight ratio;  ///< equity per notional after the loss, before the sale
};

[[gnu::always_inline]] inline Answer answer_loss(const Limits& limits, Eight ratio, double loss) noexcept {
  const Eight after = ratio - eight(loss);
  const Eight wanted = 1.0 - larger(after, eight(0.0)) * limits.per_target;
  const Eight forced = smaller(larger(wanted, eight(limits.voluntary)), eight(limits.cap));
  const auto is_forced = is_less(after, eight(limits.maintenance));
  return {select(is_forced, forced, eight(limits.voluntary)), is_forced, after};
}

/// What all cohorts of a path sell together, and how that goes on from here.
struct Response {
  UsdBn sales;
  UsdBn free_notional;  ///< of those that sell more when they lose more: called, and neither bound binds
  double least_ratio;   ///< of theirs, after the loss
};

[[gnu::always_inline]] inline Response respond(const Limits& limits, const Cohorts& cohorts, double loss) noexcept {
  Eight sales = eight(0.0), free_notional = eight(0.0), least_ratio = eight(kInfinity);
  for (std::size_t c = 0; c < cohorts.stored; c += kEight) {
    const Eight notional = load_eight(cohorts.notional + c);
    const Answer answer = answer_loss(limits, load_eight(cohorts.ratio + c), loss);
    const auto is_free = is_less(eight(limits.voluntary), answer.share) & is_less(answer.share, eight(limits.cap));
    sales = sales + notional * answer.share;
    free_notional = free_notional + select(is_free, notional, eight(0.0));
    least_ratio = smaller(least_ratio, select(is_free, answer.ratio, eight(kInfinity)));
  }
  return {sum(sales), sum(free_notional), least(least_ratio)};
}

/// Sales, and the loss per notional that they come from.
struct FixedPoints {
  Eight sales, loss;
};

/// The least fixed points of up to eight paths at once: the steps of one path are a chain of dependent arithmetic.
FixedPoints least_fixed_points(const BasisParams& b, const EightTerms& t, const EightLimits& limits,
                               std::span<const Cohorts> paths, Eight voluntary) noexcept {
  const Eight zero = eight(0.0), one = eight(1.0);
  const Eight loss_per_sale = t.impact / kBpPerUnit, per_target = limits.per_target.abreast();
  const Eight ratio_at_cap = limits.target * (1.0 - limits.cap);
  Numbers sales(eight(-kInfinity)), free_notional(zero), least_ratio(eight(kInfinity));
  Eight believed = voluntary;
  for (int step = 0; step < kMaxFixedPointSteps; ++step) {
    const Eight loss = t.loss_per_notional(b, believed);
    const Numbers losses(loss);
    for (std::size_t k = 0; k < paths.size(); ++k) {
      const Response response = respond(limits[k], paths[k], losses[k]);
      sales[k] = response.sales;
      free_notional[k] = response.free_notional;
      least_ratio[k] = response.least_ratio;
    }
    const Eight response = sales.abreast(), gap = response - believed;
    const auto is_open = is_less(eight(kFixedPointTolerance), gap);
    if (!any(is_open)) return {larger(response, believed), loss};
    // A map is linear until a free cohort reaches its cap; it meets the diagonal before if its slope is less than 1.
    const auto basis_moves = is_less(zero, t.impact) & is_less(zero, t.basis_after(b, believed));
    const Eight room = larger(least_ratio.abreast() - ratio_at_cap, zero);
    const Eight piece_end = believed + room / select(basis_moves, loss_per_sale, one);
    const Eight slope = free_notional.abreast() * loss_per_sale * per_target;
    const auto meets = is_less(slope, one);
    const Eight solved = select(meets, believed + gap / select(meets, 1.0 - slope, one), piece_end);
    const Eight next = select(basis_moves, larger(response, smaller(solved, piece_end)), response);
    believed = select(is_open, next, believed);
  }
  return {believed, t.loss_per_notional(b, believed)};
}

/// Equity per notional.
[[gnu::always_inline]] inline Eight ratio_of(Eight equity, Eight notional) noexcept {
  return select(is_less(eight(0.0), notional), equity / larger(notional, eight(kNoPosition)), eight(kNoLossIsFelt));
}

/// A path's cohorts from a day on.
class Standing {
 public:
  Standing(std::size_t path, FundCohorts& funds) noexcept : path_(path), funds_(funds) {}

  /// Eight of them, from cohort c on.
  [[gnu::always_inline]] void write(std::size_t c, Eight notional, Eight equity) noexcept {
    const Eight ratio = ratio_of(equity, notional);
    store_eight(notional, funds_.notional_then(path_) + c);
    store_eight(equity, funds_.equity_then(path_) + c);
    store_eight(ratio, funds_.ratio_then(path_) + c);
    total_notional_ = total_notional_ + notional;
    total_equity_ = total_equity_ + equity;
    weakest_ = smaller(weakest_, ratio);
  }

  /// All are written; nothing has happened since.
  [[gnu::always_inline]] void begin() const noexcept {
    funds_.kept[path_] = 1.0;
    funds_.lost[path_] = 0.0;
    funds_.weakest[path_] = least(weakest_);
    funds_.total_notional[path_] = sum(total_notional_);
    funds_.total_equity[path_] = sum(total_equity_);
  }

 private:
  std::size_t path_;
  FundCohorts& funds_;
  Eight weakest_ = eight(kNoLossIsFelt), total_notional_ = eight(0.0), total_equity_ = eight(0.0);
};

/// The terms of up to eight paths; places that stay empty repeat the first.
EightTerms terms_abreast(std::span<const MarginCall> calls) noexcept {
  const auto abreast = [&](auto term) {
    Numbers all;
    for (std::size_t k = 0; k < kEight; ++k) all[k] = calls[k < calls.size() ? k : 0].terms.*term;
    return all.abreast();
  };
  return {abreast(&SalesTerms::margin), abreast(&SalesTerms::exit_share), abreast(&SalesTerms::impact),
          abreast(&SalesTerms::basis), abreast(&SalesTerms::external_sales)};
}

/// What has happened since the last call, and today's funding, cohort by cohort.
Cohorts bring_up_to_date(const MarginCall& call, FundCohorts& funds) noexcept {
  const double lost = call.lost + call.kept * call.cost, per_kept = 1.0 / std::max(call.kept, kNoShare);
  double *const notional = funds.notional_then(call.path), *const equity = funds.equity_then(call.path),
                *const ratio = funds.ratio_then(call.path);
  for (std::size_t c = 0; c < funds.stored; c += kEight) {
    const Eight then = load_eight(notional + c);
    store_eight(then * call.kept, notional + c);
    store_eight(load_eight(equity + c) - then * lost, equity + c);
    store_eight((load_eight(ratio + c) - lost) * per_kept, ratio + c);
  }
  return {notional, ratio, funds.stored};
}

/// Takes the loss per notional and cuts positions.
void take_loss(const Limits& limits, double loss, std::size_t path, FundCohorts& funds, DayOutcome& out) noexcept {
  const Eight zero = eight(0.0);
  Standing standing(path, funds);
  Eight forced = zero;
  auto is_wiped_out = is_less(zero, zero);
  for (std::size_t c = 0; c < funds.stored; c += kEight) {
    const Eight notional = load_eight(funds.notional_then(path) + c);
    const Answer answer = answer_loss(limits, load_eight(funds.ratio_then(path) + c), loss);
    const Eight sales = notional * answer.share;
    const Eight equity = load_eight(funds.equity_then(path) + c) - notional * loss;
    forced = forced + select(answer.is_forced, sales - limits.voluntary * notional, zero);
    is_wiped_out = is_wiped_out | (is_less(zero, notional) & ~is_less(zero, equity));
    standing.write(c, notional - sales, equity);
  }
  standing.begin();
  out.forced_sales[path] = sum(forced);
  out.flags[path] |= out.forced_sales[path] > 0.0 ? bit(PathFlag::forced_sales) : 0U;
  out.flags[path] |= any(is_wiped_out) ? bit(PathFlag::fund_wiped_out) : 0U;
}

/// One path's funds from elsewhere.
struct OnePath {
  EightTerms terms;
  EightLimits limits;
  std::size_t stored;
  alignas(64) std::array<double, kMostCohorts> notional{}, ratio{};

  OnePath(const BasisParams& b, const SalesTerms& t, std::span<const double> of_notional,
          std::span<const double> of_equity) noexcept
      : terms{eight(t.margin), eight(t.exit_share), eight(t.impact), eight(t.basis), eight(t.external_sales)},
        limits(b, terms),
        stored((of_notional.size() + kEight - 1) / kEight * kEight) {
    RQ_EXPECT(of_notional.size() == of_equity.size() && of_notional.size() <= kMostCohorts);
    std::ranges::copy(of_notional, notional.begin());
    std::ranges::copy(of_equity, ratio.begin());
    for (std::size_t c = 0; c < stored; c += kEight)
      store_eight(ratio_of(load_eight(&ratio[c]), load_eight(&notional[c])), &ratio[c]);
  }
  [[nodiscard]] Cohorts cohorts() const noexcept { return {notional.data(), ratio.data(), stored}; }
};

}  // namespace

void take_stock(std::size_t path, FundCohorts& funds) noexcept {
  Standing standing(path, funds);
  for (std::size_t c = 0; c < funds.stored; c += kEight)
    standing.write(c, load_eight(funds.notional_then(path) + c), load_eight(funds.equity_then(path) + c));
  standing.begin();
}

void answer_margin_calls(const BasisParams& b, std::span<const MarginCall> calls, FundCohorts& funds,
                         DayOutcome& out) noexcept {
  std::array<Cohorts, kEight> cohorts;
  Numbers voluntary(eight(0.0));
  for (std::size_t k = 0; k < calls.size(); ++k) {
    cohorts[k] = bring_up_to_date(calls[k], funds);
    voluntary[k] = calls[k].voluntary;
  }
  const EightTerms terms = terms_abreast(calls);
  const EightLimits limits(b, terms);
  const FixedPoints found =
      least_fixed_points(b, terms, limits, std::span(cohorts).first(calls.size()), voluntary.abreast());
  const Numbers sales(found.sales), losses(found.loss);
  for (std::size_t k = 0; k < calls.size(); ++k) {
    out.sales[calls[k].path] = sales[k];
    take_loss(limits[k], losses[k], calls[k].path, funds, out);
  }
}

UsdBn sales_response(const BasisParams& b, const SalesTerms& t, std::span<const double> notional,
                     std::span<const double> equity, UsdBn believed) noexcept {
  const OnePath path(b, t, notional, equity);
  const Numbers loss(path.terms.loss_per_notional(b, eight(believed)));
  return respond(path.limits[0], path.cohorts(), loss[0]).sales;
}

UsdBn least_fixed_point(const BasisParams& b, const SalesTerms& t, std::span<const double> notional,
                        std::span<const double> equity) noexcept {
  const OnePath path(b, t, notional, equity);
  const double voluntary = path.limits.voluntary[0] * std::accumulate(notional.begin(), notional.end(), 0.0);
  const Cohorts cohorts = path.cohorts();
  return Numbers(least_fixed_points(b, path.terms, path.limits, std::span(&cohorts, 1), eight(voluntary)).sales)[0];
}

}  // namespace repoquake::model
