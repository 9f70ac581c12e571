#include "io/cf_dataset.hpp"

#include "repoquake/calendar/business_calendar.hpp"

namespace repoquake::io {
namespace {

std::string_view name_of(Quantity quantity) noexcept {
  switch (quantity) {
    case Quantity::rate:
      return "rate";
    case Quantity::spread:
      return "spread";
    case Quantity::amount:
      return "amount";
    case Quantity::fraction:
      return "fraction";
    case Quantity::percent:
      return "percent";
  }
  return "";
}

}  // namespace

void describe(const Dataset& dataset, std::string_view units, std::string_view long_name) {
  if (!units.empty()) dataset.attributes().set("units", units);
  dataset.attributes().set("long_name", long_name);
}

void describe_variable(const Dataset& dataset, const VariableSpec& spec, std::string_view long_name) {
  describe(dataset, unit_of(spec.quantity), long_name);
  dataset.attributes().set("quantity", name_of(spec.quantity));
}

void describe_days(const Dataset& dataset, std::chrono::sys_days first, std::string_view long_name) {
  describe(dataset, "days since " + calendar::to_iso(first), long_name);
  dataset.attributes().set("calendar", "proleptic_gregorian");
}

Dataset write_time(const Group& group, std::span<const std::chrono::sys_days> dates) {
  std::vector<std::int32_t> days;
  for (const auto date : dates) days.push_back(static_cast<std::int32_t>((date - dates.front()).count()));
  Dataset time = group.create_dataset(std::string_view("time"), std::span<const std::int32_t>(days));
  describe_days(time, dates.front(), "business day");
  time.attributes().set("standard_name", "time");
  time.attributes().set("axis", "T");
  time.make_scale("time");
  return time;
}

Dataset write_scale(const Group& group, std::string_view name, std::span<const double> values, std::string_view units,
                    std::string_view long_name) {
  Dataset dataset = group.create_dataset(name, values);
  describe(dataset, units, long_name);
  dataset.make_scale(name);
  return dataset;
}

Dataset write_statistic(const Group& group, std::string_view name, std::initializer_list<Scale> scales,
                        std::span<const double> values) {
  Layout layout;
  for (const Scale& scale : scales) layout.shape.push_back(scale.size);
  Dataset dataset = group.create_dataset<double>(name, layout, kNaN);
  dataset.write(values);
  dataset.attributes().set("_FillValue", kNaN);
  unsigned dimension = 0;
  for (const Scale& scale : scales) dataset.attach_scale(dimension++, *scale.coordinate);
  return dataset;
}

void write_texts(const Group& group, std::string_view name, std::span<const std::string> texts, const Dataset& scale,
                 std::string_view long_name) {
  const Dataset dataset = group.create_texts(name, texts);
  describe(dataset, "", long_name);
  dataset.attach_scale(0, scale);
}

Dataset write_text_scale(const Group& group, std::string_view name, std::span<const std::string> texts,
                         std::string_view long_name) {
  Dataset dataset = group.create_texts(name, texts);
  describe(dataset, "", long_name);
  dataset.make_scale(name);
  return dataset;
}

void write_pairs(const Group& group, const std::string& name, std::string_view long_name,
                 std::span<const std::pair<std::string, std::string>> pairs) {
  if (pairs.empty()) return;
  std::vector<std::string> keys;
  std::vector<std::string> values;
  for (const auto& [key, value] : pairs) {
    keys.push_back(key);
    values.push_back(value);
  }
  const Dataset scale = write_text_scale(group, name, keys, long_name);
  write_texts(group, name + "_value", values, scale, "value");
}

}  // namespace repoquake::io
