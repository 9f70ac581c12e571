#include "repoquake/study/attribution.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "repoquake/core/contract.hpp"
#include "repoquake/random/stream.hpp"
#include "repoquake/stats/influence.hpp"
#include "repoquake/stats/moments.hpp"

namespace repoquake::study {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

constexpr Subset bit(std::size_t factor) { return Subset{1} << factor; }
constexpr Subset all_of(std::size_t n_factors) { return bit(n_factors) - 1; }

/// Exact up to 22!.
double factorial(std::size_t n) {
  double product = 1.0;
  for (std::size_t k = 2; k <= n; ++k) product *= static_cast<double>(k);
  return product;
}

double weight(std::size_t n, std::size_t k, std::size_t m) { return factorial(n) * factorial(k) / factorial(m); }

std::vector<Subset> draw_order(std::size_t n_factors, std::uint32_t number, std::uint64_t seed) {
  std::vector<Subset> order(n_factors);
  for (std::size_t j = 0; j < n_factors; ++j) order[j] = bit(j);
  for (std::size_t i = n_factors; i-- > 1;) {
    const std::uint32_t word = random::study_words(random::StudyStream::factor_order, number, i, seed)[0];
    std::swap(order[i], order[random::below(static_cast<std::uint32_t>(i + 1), word)]);
  }
  return order;
}

/// Where the sums of an attribution stand.
struct Places {
  std::size_t k;

  [[nodiscard]] static std::size_t effect() { return 0; }
  [[nodiscard]] std::size_t shapley(std::size_t j) const { return 1 + j; }
  [[nodiscard]] std::size_t alone(std::size_t j) const { return 1 + k + j; }
  [[nodiscard]] std::size_t last(std::size_t j) const { return 1 + 2 * k + j; }
  [[nodiscard]] std::size_t pair(std::size_t i, std::size_t j) const {
    return 1 + 3 * k + j * (j - 1) / 2 + i;
  }  // i < j
  [[nodiscard]] std::size_t count(bool with_pairs) const { return 1 + 3 * k + (with_pairs ? k * (k - 1) / 2 : 0); }
};

/// The coefficient of each world in each sum.
class Terms {
 public:
  explicit Terms(const AttributionDesign& design) : design_(design), places_{design.n_factors} {
    const std::size_t k = design.n_factors;
    by_world_.resize(design.worlds.size());
    add_step(Places::effect(), 0, all_of(k), 1.0);
    for (std::size_t j = 0; j < k; ++j) {
      add_step(places_.alone(j), 0, bit(j), 1.0);
      add_step(places_.last(j), all_of(k) & ~bit(j), bit(j), 1.0);
    }
    if (design.is_sample())
      add_orders();
    else
      add_subsets();
  }

  [[nodiscard]] std::vector<std::vector<std::pair<std::size_t, double>>> take() { return std::move(by_world_); }

 private:
  void add(std::size_t sum, Subset world, double coefficient) {
    auto& terms = by_world_[design_.place_of(world)];
    const auto found = std::ranges::find(terms, sum, &std::pair<std::size_t, double>::first);
    if (found == terms.end())
      terms.emplace_back(sum, coefficient);
    else
      found->second += coefficient;
  }

  /// What `more` adds to `before`.
  void add_step(std::size_t sum, Subset before, Subset more, double coefficient) {
    add(sum, before | more, coefficient);
    add(sum, before, -coefficient);
  }

  void add_orders() {
    const double share = 1.0 / static_cast<double>(design_.orders.size());
    for (const auto& order : design_.orders) {
      Subset before = 0;
      for (const Subset next : order) {
        add_step(places_.shapley(static_cast<std::size_t>(std::countr_zero(next))), before, next, share);
        before |= next;
      }
    }
  }

  void add_subsets() {
    const std::size_t k = design_.n_factors;
    for (const Subset s : design_.worlds) {
      const auto size = static_cast<std::size_t>(std::popcount(s));
      for (std::size_t j = 0; j < k; ++j) {
        if ((s & bit(j)) != 0) continue;
        add_step(places_.shapley(j), s, bit(j), weight(size, k - size - 1, k));
        for (std::size_t i = 0; i < j; ++i) {
          if ((s & bit(i)) != 0) continue;
          const double w = weight(size, k - size - 2, k - 1);
          add_step(places_.pair(i, j), s | bit(i), bit(j), w);
          add_step(places_.pair(i, j), s, bit(j), -w);
        }
      }
    }
  }

  const AttributionDesign& design_;
  Places places_;
  std::vector<std::vector<std::pair<std::size_t, double>>> by_world_;
};

}  // namespace

std::size_t AttributionDesign::place_of(Subset world) const {
  const auto found = std::ranges::lower_bound(worlds, world);
  RQ_EXPECT(found != worlds.end() && *found == world);
  return static_cast<std::size_t>(found - worlds.begin());
}

AttributionDesign all_subsets(std::size_t n_factors) {
  RQ_EXPECT(n_factors >= 1 && n_factors <= kMostFactors);
  AttributionDesign design{.n_factors = n_factors, .worlds = std::vector<Subset>(bit(n_factors)), .orders = {}};
  std::iota(design.worlds.begin(), design.worlds.end(), Subset{0});
  return design;
}

AttributionDesign sample_orders(std::size_t n_factors, std::size_t n_orders, std::uint64_t seed) {
  RQ_EXPECT(n_factors >= 1 && n_factors <= kMostSampledFactors);
  RQ_EXPECT(n_orders >= kFewestOrders && n_orders % 2 == 0);
  AttributionDesign design{.n_factors = n_factors, .worlds = {0}, .orders = {}};
  for (std::size_t pair = 0; pair < n_orders / 2; ++pair) {
    const auto order = draw_order(n_factors, static_cast<std::uint32_t>(pair), seed);
    design.orders.push_back(order);
    design.orders.emplace_back(order.rbegin(), order.rend());
  }
  for (const auto& order : design.orders) {
    Subset before = 0;
    for (const Subset next : order) design.worlds.push_back(before |= next);
  }
  for (std::size_t j = 0; j < n_factors; ++j) {  // what each does alone and last
    design.worlds.push_back(bit(j));
    design.worlds.push_back(all_of(n_factors) & ~bit(j));
  }
  std::ranges::sort(design.worlds);
  // Not ranges::unique, whose subrange clang 14 does not compile.
  design.worlds.erase(std::unique(design.worlds.begin(), design.worlds.end()), design.worlds.end());
  return design;
}

Attributor::Attributor(stats::MetricSpec metric, const AttributionDesign& design, stats::Batching batching)
    : metric_(std::move(metric)),
      design_(design),
      batching_(batching),
      terms_(Terms(design).take()),
      sums_(numbers_per_path(design)) {}

std::size_t Attributor::numbers_per_path(const AttributionDesign& design) {
  return Places{design.n_factors}.count(!design.is_sample());
}

void Attributor::absorb(const stats::Estimate& estimate, std::span<const double> values) {
  RQ_EXPECT(estimates_.size() < design_.worlds.size() && !values.empty());
  if (estimates_.empty())
    for (Sum& sum : sums_) sum.influence.assign(values.size(), 0.0);
  RQ_EXPECT(values.size() == sums_.front().influence.size());
  const auto influence = stats::influence(metric_.statistic, values);
  const bool is_known = !std::isnan(estimate.value) && !std::isnan(influence.front());
  for (const auto& [place, coefficient] : terms_[estimates_.size()]) {
    Sum& sum = sums_[place];
    sum.value += coefficient * (is_known ? estimate.value : kNothing);
    if (!is_known) continue;
    const double c = coefficient * metric_.scale;
    for (std::size_t i = 0; i < influence.size(); ++i) sum.influence[i] += c * influence[i];
  }
  estimates_.push_back(estimate);
}

Share Attributor::share_of(std::size_t sum) const {
  const Sum& s = sums_[sum];
  if (std::isnan(s.value)) return {kNothing, kNothing, kNothing};
  return {.value = s.value, .standard_error = stats::standard_error_of(s.influence, batching_)};
}

/// Of the mean over pairs of orders.
double Attributor::error_of_orders(std::size_t factor) const {
  std::vector<double> pairs;
  for (std::size_t o = 0; o < design_.orders.size(); o += 2) {
    double sum = 0.0;
    for (const auto& order : {design_.orders[o], design_.orders[o + 1]}) {
      Subset before = 0;
      for (auto next = order.begin(); *next != bit(factor); ++next) before |= *next;
      sum += estimates_[design_.place_of(before | bit(factor))].value - estimates_[design_.place_of(before)].value;
    }
    pairs.push_back(0.5 * sum);
  }
  return stats::moments_of(pairs).sd() / std::sqrt(static_cast<double>(pairs.size()));
}

Attribution Attributor::result() const {
  RQ_EXPECT(estimates_.size() == design_.worlds.size());
  const std::size_t k = design_.n_factors;
  const Places places{k};
  Attribution result;
  result.metric = metric_;
  result.none = estimates_.front();
  result.all = estimates_.back();
  result.effect = share_of(Places::effect());
  result.n_orders = design_.orders.size();
  result.interactions.assign(k * k, {kNothing, kNothing, kNothing});
  for (std::size_t j = 0; j < k; ++j) {
    Share share = share_of(places.shapley(j));
    if (design_.is_sample() && !std::isnan(share.value)) {
      share.error_of_orders = error_of_orders(j);
      share.standard_error = std::hypot(share.standard_error, share.error_of_orders);
    }
    result.shapley.push_back(share);
    result.alone.push_back(share_of(places.alone(j)));
    result.last.push_back(share_of(places.last(j)));
    for (std::size_t i = 0; i < j && !design_.is_sample(); ++i)
      result.interactions[i * k + j] = result.interactions[j * k + i] = share_of(places.pair(i, j));
  }
  return result;
}

}  // namespace repoquake::study
