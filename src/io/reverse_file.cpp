#include "repoquake/io/reverse_file.hpp"

#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "io/cf_dataset.hpp"
#include "io/provenance_group.hpp"
#include "repoquake/core/error.hpp"
#include "repoquake/io/output_file.hpp"
#include "repoquake/io/result_reader.hpp"

namespace repoquake::io {
namespace {

using study::Crossing;
using study::Curve;
using study::CurvePoint;
using study::Interval;
using study::Reverse;

/// An item of a curve, with the number of that.
template <class Item>
struct Of {
  const Item* item;
  std::int32_t curve;
};

template <class Item>
std::vector<Of<Item>> gather(const Reverse& reverse, std::vector<Item> Curve::*items) {
  std::vector<Of<Item>> all;
  for (std::size_t k = 0; k < reverse.curves.size(); ++k)
    for (const Item& item : reverse.curves[k].*items) all.push_back({&item, static_cast<std::int32_t>(k)});
  return all;
}

/// A group with a row an item, whose coordinate counts them.
template <class Item>
class Rows {
 public:
  Rows(const Group& root, const std::string& name, const std::string& scale, std::string_view meaning,
       std::vector<Of<Item>> rows)
      : group_(root.create_group(name)), rows_(std::move(rows)) {
    std::vector<std::int32_t> numbers(rows_.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int32_t>(i);
    scale_ = group_.create_dataset(scale, std::span<const std::int32_t>(numbers));
    describe(scale_, "", meaning);
    scale_.make_scale(scale);
    std::vector<std::int32_t> curves;
    for (const auto& row : rows_) curves.push_back(row.curve);
    whole("curve", curves, "place of the curve in /reverse");
  }

  void numbers(std::string_view name, std::string_view unit, std::string_view meaning,
               const std::function<double(const Item&)>& value_of) const {
    std::vector<double> values;
    for (const auto& row : rows_) values.push_back(value_of(*row.item));
    describe(write_statistic(group_, name, {{&scale_, rows_.size()}}, values), unit, meaning);
  }
  Dataset whole(std::string_view name, std::string_view meaning,
                const std::function<std::int64_t(const Item&)>& value_of) const {
    std::vector<std::int32_t> values;
    for (const auto& row : rows_) values.push_back(static_cast<std::int32_t>(value_of(*row.item)));
    return whole(name, values, meaning);
  }
  void texts(std::string_view name, std::string_view meaning,
             const std::function<std::string(const Item&)>& text_of) const {
    std::vector<std::string> values;
    for (const auto& row : rows_) values.push_back(text_of(*row.item));
    write_texts(group_, name, values, scale_, meaning);
  }

 private:
  Dataset whole(std::string_view name, const std::vector<std::int32_t>& values, std::string_view meaning) const {
    Dataset dataset = group_.create_dataset(name, std::span<const std::int32_t>(values));
    describe(dataset, "1", meaning);
    dataset.attach_scale(0, scale_);
    return dataset;
  }

  Group group_;
  std::vector<Of<Item>> rows_;
  Dataset scale_;
};

void write_about(const Group& group, const Reverse& r) {
  const Attributes about = group.attributes();
  about.set("key", r.key);
  about.set("key_unit", r.key_unit);
  about.set("shown_key_unit", r.shown_key_unit);
  about.set("low", r.search.low);
  about.set("high", r.search.high);
  about.set("steps", static_cast<std::int64_t>(r.search.steps));
  about.set("resolution", r.search.resolution());
  if (r.base_value) about.set("base_value", *r.base_value);
  about.set("expr", r.expr);
  about.set("unit", r.unit);
  about.set("shown_unit", r.shown_unit);
  about.set("target", r.search.target);
  about.set("over", r.over);
  about.set("over_unit", r.over_unit);
  about.set("need", r.need);
  about.set("max_flagged", r.max_flagged);
}

void write_curves(const Group& group, const Reverse& r) {
  const Dataset curve = write_text_scale(group, "curve", r.over_texts, "value of the second key, or the scenario");
  const std::uint64_t n = r.curves.size();
  const auto write = [&](std::string_view name, std::string_view unit, std::string_view meaning, auto&& value_of) {
    std::vector<double> values;
    for (std::size_t k = 0; k < n; ++k) values.push_back(value_of(k));
    describe(write_statistic(group, name, {{&curve, n}}, values), unit, meaning);
  };
  if (!r.over.empty())
    write("over_value", r.over_unit, "value of the second key; booleans are 0 and 1, texts their place",
          [&](std::size_t k) { return r.over_numbers[k]; });
  const auto write_whole = [&](std::string_view name, std::string_view meaning, auto&& value_of) {
    std::vector<std::int32_t> values;
    for (std::size_t k = 0; k < n; ++k) values.push_back(value_of(r.curves[k]));
    Dataset dataset = group.create_dataset(name, std::span<const std::int32_t>(values));
    describe(dataset, "1", meaning);
    dataset.attach_scale(0, curve);
  };
  write_whole("n_crossings", "how often the metric passes the target",
              [](const Curve& c) { return static_cast<std::int32_t>(c.crossings.size()); });
  write_whole("side",
              "without crossings: -1 the metric is below the target throughout, 1 at it or above; 0: both, with points "
              "without a value in between, or no value at all",
              [](const Curve& c) { return static_cast<std::int32_t>(c.crossings.empty() ? c.side : 0); });
  const auto nearest = [&](std::size_t k, auto&& value_of) {
    const Curve& c = r.curves[k];
    return c.nearest ? value_of(c.points[*c.nearest]) : kNaN;
  };
  write("nearest_at", r.key_unit, "value of the key at which the metric is nearest to the target, of those tried",
        [&](std::size_t k) { return nearest(k, [](const CurvePoint& p) { return p.x; }); });
  write("nearest_value", r.unit, "the metric there",
        [&](std::size_t k) { return nearest(k, [](const CurvePoint& p) { return p.estimate.value; }); });
  write("nearest_ci_lo", r.unit, "its lower 95 % limit",
        [&](std::size_t k) { return nearest(k, [](const CurvePoint& p) { return p.estimate.lo; }); });
  write("nearest_ci_hi", r.unit, "its upper 95 % limit",
        [&](std::size_t k) { return nearest(k, [](const CurvePoint& p) { return p.estimate.hi; }); });
}

void write_tried(const Group& root, const Reverse& r) {
  const Rows<CurvePoint> rows(root, "tried", "point", "number of the value tried, by curve and value",
                              gather(r, &Curve::points));
  rows.numbers("at", r.key_unit, "value of the key", [](const CurvePoint& p) { return p.x; });
  rows.numbers("value", r.unit, "the metric", [](const CurvePoint& p) { return p.estimate.value; });
  rows.numbers("se", r.unit, "its standard error", [](const CurvePoint& p) { return p.estimate.standard_error; });
  rows.numbers("ci_lo", r.unit, "its lower 95 % limit", [](const CurvePoint& p) { return p.estimate.lo; });
  rows.numbers("ci_hi", r.unit, "its upper 95 % limit", [](const CurvePoint& p) { return p.estimate.hi; });
  rows.whole("n", "paths with a value", [](const CurvePoint& p) { return static_cast<std::int64_t>(p.estimate.n); });
  rows.numbers("flagged", "1", "share of path-days without a clearing rate below 3000 bp",
               [](const CurvePoint& p) { return p.failure.empty() ? p.flagged_share : kNaN; });
  const Dataset status =
      rows.whole("status", "what became of the point", [](const CurvePoint& p) { return p.failure.empty() ? 1 : 2; });
  constexpr std::array<std::int32_t, 2> kValues{1, 2};
  status.attributes().set("flag_values", std::span<const std::int32_t>(kValues));
  status.attributes().set("flag_meanings", "done failed");
  rows.texts("message", "why the point failed", [](const CurvePoint& p) { return p.failure; });
}

void write_crossings(const Group& root, const Reverse& r) {
  auto items = gather(r, &Curve::crossings);
  if (items.empty()) return;  // a group without rows cannot be stored
  std::map<const Crossing*, const Interval*> homes;
  for (const auto& item : items)
    homes[item.item] = &r.curves[static_cast<std::size_t>(item.curve)].intervals[item.item->interval];
  const auto home_of = [&](const Crossing& crossing) -> const Interval& { return *homes.at(&crossing); };
  const Rows<Crossing> rows(root, "crossings", "crossing", "number of the crossing, by curve and value",
                            std::move(items));
  rows.numbers("at", r.key_unit, "value of the key at which the metric passes the target",
               [](const Crossing& c) { return c.at; });
  rows.numbers("ci_lo", r.key_unit, "lower end of the 95 % interval",
               [&](const Crossing& c) { return home_of(c).low; });
  rows.numbers("ci_hi", r.key_unit, "upper end of the 95 % interval",
               [&](const Crossing& c) { return home_of(c).high; });
  rows.whole("lo_is_open", "1: the interval goes on below, where nothing is known",
             [&](const Crossing& c) { return home_of(c).low_is_open ? 1 : 0; });
  rows.whole("hi_is_open", "1: the interval goes on above, where nothing is known",
             [&](const Crossing& c) { return home_of(c).high_is_open ? 1 : 0; });
  rows.whole("direction", "1: the metric rises through the target with the key, -1: it falls",
             [](const Crossing& c) { return c.rises ? 1 : -1; });
  rows.numbers("bracket_lo", r.key_unit, "the nearest value tried below",
               [](const Crossing& c) { return c.bracket_low; });
  rows.numbers("bracket_hi", r.key_unit, "the nearest value tried above",
               [](const Crossing& c) { return c.bracket_high; });
  rows.whole("in_interval", "crossings in the same interval: more than one are not told apart",
             [&](const Crossing& c) { return static_cast<std::int64_t>(home_of(c).n_crossings); });
}

void write_intervals(const Group& root, const Reverse& r) {
  auto items = gather(r, &Curve::intervals);
  if (items.empty()) return;
  const Rows<Interval> rows(root, "intervals", "interval", "number of the interval, by curve and value",
                            std::move(items));
  rows.numbers("low", r.key_unit, "lowest value of the key at which the target is within the limits of the metric",
               [](const Interval& i) { return i.low; });
  rows.numbers("high", r.key_unit, "highest value", [](const Interval& i) { return i.high; });
  rows.whole("low_is_open", "1: it goes on below, where nothing is known",
             [](const Interval& i) { return i.low_is_open ? 1 : 0; });
  rows.whole("high_is_open", "1: it goes on above, where nothing is known",
             [](const Interval& i) { return i.high_is_open ? 1 : 0; });
  rows.whole("n_crossings", "crossings in it; none: the metric comes too near to be told from the target",
             [](const Interval& i) { return static_cast<std::int64_t>(i.n_crossings); });
}

}  // namespace

void write_reverse(const std::string& path, bool force, const Reverse& r, const Provenance& provenance, int threads,
                   double seconds) {
  check_output(path, force);
  File file = create_partial(path);
  {
    const Group root = file.root();
    const Attributes about = root.attributes();
    write_study_head(about,
                     {.name = r.name,
                      .title = r.title,
                      .is_conditional = r.is_conditional,
                      .seed = r.seed,
                      .n_paths = r.n_paths,
                      .stop_reason = "all_points_done"},
                     provenance);
    const Group group = root.create_group("reverse");
    write_about(group, r);
    write_curves(group, r);
    write_tried(root, r);
    write_crossings(root, r);
    write_intervals(root, r);
    const Group origin = root.create_group("provenance");
    describe(origin.create_text("resolved_scenario", provenance.resolved_scenario), "",
             "the base with every value its points share, YAML");
    write_provenance(origin, provenance, threads, seconds);
    file.flush();
    about.set("status", "complete");
  }
  publish(std::move(file), path, force);
}

Reverse read_reverse(const std::string& path) {
  const ResultInfo info = read_info(path);
  if (info.find("/reverse/curve") == nullptr || info.find("/tried/at") == nullptr)
    throw DataError(path + ": is not the result of a search");
  Reverse r;
  {
    const File file = File::open(path);
    const Group group = file.root().open_group("reverse");
    const Attributes about = group.attributes();
    const auto text = [&](std::string_view name) { return about.text(name).value_or(""); };
    r.key = text("key");
    r.key_unit = text("key_unit");
    r.shown_key_unit = text("shown_key_unit");
    r.search.low = about.number("low").value_or(0.0);
    r.search.high = about.number("high").value_or(1.0);
    r.search.steps = about.natural("steps").value_or(2);
    r.search.target = about.number("target").value_or(0.0);
    r.base_value = about.number("base_value");
    r.expr = text("expr");
    r.unit = text("unit");
    r.shown_unit = text("shown_unit");
    r.over = text("over");
    r.over_unit = text("over_unit");
    r.need = text("need");
    r.max_flagged = about.number("max_flagged").value_or(1.0);
  }
  r.name = info.scenario_name;
  r.title = info.title;
  r.seed = info.seed;
  r.n_paths = info.n_paths;
  r.is_conditional = info.is_conditional;
  r.over_texts = read_texts(path, "/reverse/curve");
  if (info.find("/reverse/over_value") != nullptr) {
    r.over_numbers = read_column(path, "/reverse/over_value");
    require_equal_lengths(path, "/reverse/over_value", {r.over_texts.size(), r.over_numbers.size()});
  }
  const auto column = [&](const std::string& name) { return read_column(path, "/tried/" + name); };
  const auto curve = column("curve"), at = column("at"), value = column("value"), se = column("se"),
             lo = column("ci_lo"), hi = column("ci_hi"), n = column("n"), flagged = column("flagged"),
             status = column("status");
  const auto messages = read_texts(path, "/tried/message");
  std::vector<std::vector<CurvePoint>> points(r.over_texts.size());
  for (const auto* other : {&curve, &value, &se, &lo, &hi, &n, &flagged, &status})
    if (other->size() != at.size() || messages.size() != at.size()) throw DataError(path + ": /tried: torn");
  for (std::size_t i = 0; i < at.size(); ++i) {
    const bool is_whole = curve[i] >= 0.0 && curve[i] < static_cast<double>(points.size()) && std::isfinite(at[i]) &&
                          n[i] >= 0.0 && n[i] < 0x1p53;
    if (!is_whole) throw DataError(path + ": /tried: torn");
    CurvePoint point{.x = at[i],
                     .estimate = {.value = value[i],
                                  .standard_error = se[i],
                                  .lo = lo[i],
                                  .hi = hi[i],
                                  .n = static_cast<std::uint64_t>(n[i])}};
    if (status[i] == 2.0)
      point.failure = messages[i].empty() ? "failed" : messages[i];
    else
      point.flagged_share = flagged[i];
    points[static_cast<std::size_t>(curve[i])].push_back(std::move(point));
  }
  for (auto& of_curve : points) r.curves.push_back(study::read_curve(r.search.target, std::move(of_curve)));
  return r;
}

}  // namespace repoquake::io
