#include "repoquake/io/map_reader.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace repoquake::io {
namespace {

const ConfigNode& empty_map() {
  static const ConfigNode node = ConfigNode::make(ConfigNode::Kind::map, {});
  return node;
}

const ConfigNode& pretended_node(ConfigNode::Kind kind) {
  static const ConfigNode invalid = ConfigNode::make(ConfigNode::Kind::invalid, {});
  return kind == ConfigNode::Kind::map ? empty_map() : invalid;
}

std::string_view kind_name(ConfigNode::Kind kind) {
  switch (kind) {
    case ConfigNode::Kind::null:
      return "nothing";
    case ConfigNode::Kind::scalar:
      return "a single value";
    case ConfigNode::Kind::list:
      return "a list";
    case ConfigNode::Kind::map:
      return "a map";
    case ConfigNode::Kind::invalid:
      break;
  }
  return "something refused";
}

bool is_invalid(const ConfigNode& node) { return node.kind == ConfigNode::Kind::invalid; }

}  // namespace

// ---------------------------------------------------------------- the keys of the language

bool KeyRecord::has(Form form) const { return std::ranges::find(forms, form) != forms.end(); }

KeyRecord& KeyRecorder::at(const std::string& path) {
  const auto known = std::ranges::find(records_, path, &KeyRecord::path);
  if (known != records_.end()) return *known;
  records_.push_back({.path = path});
  return records_.back();
}

void KeyRecorder::note(const std::string& path, KeyRecord::Form form, std::optional<scenario::Unit> unit) {
  KeyRecord& record = at(path);
  if (!record.has(form)) record.forms.push_back(form);
  if (unit && std::ranges::find(record.units, *unit) == record.units.end()) record.units.push_back(*unit);
}

void KeyRecorder::note_word(const std::string& path, std::string_view word) {
  KeyRecord& record = at(path);
  if (std::ranges::find(record.words, word) == record.words.end()) record.words.emplace_back(word);
}

// ---------------------------------------------------------------- a value

void Value::note(KeyRecord::Form form, std::optional<scenario::Unit> unit) const {
  if (reading_->recorder != nullptr) reading_->recorder->note(key_, form, unit);
}

bool Value::is(std::string_view word) const {
  if (reading_->recorder != nullptr) reading_->recorder->note_word(key_, word);
  return node_->is_scalar() && node_->text == word;
}

void Value::refuse(std::string reason, std::string hint) const {
  reading_->diagnostics.error(node_->mark, key_, std::move(reason), std::move(hint));
}

void Value::refuse_as_unavailable(const std::string& allowed) const {
  reading_->diagnostics.error(key_mark_, key_, "not available in this version; " + allowed);
}

template <class T>
std::optional<T> Value::accept(Parsed<T> parsed) const {
  if (!parsed.value) refuse(std::move(parsed.reason), std::move(parsed.hint));
  return parsed.value;
}

std::optional<std::string> Value::text() const {
  note(KeyRecord::Form::text);
  return single_value();
}

std::optional<std::string> Value::single() const {
  note(KeyRecord::Form::value);
  return single_value();
}

std::optional<std::string> Value::single_value() const {
  if (node_->is_scalar()) return node_->text;
  if (!is_invalid(*node_)) refuse("must be a single value, not " + std::string(kind_name(node_->kind)));
  return std::nullopt;
}

std::optional<std::string> Value::id() const {
  note(KeyRecord::Form::id);
  auto word = text();
  if (!word || is_valid_id(*word)) return word;
  refuse(word->size() > kMaxKeyLength ? "an id has at most " + std::to_string(kMaxKeyLength) + " characters"
                                      : "an id is made of letters, digits, \"_\" and \"-\"");
  return std::nullopt;
}

std::optional<bool> Value::flag() const {
  note(KeyRecord::Form::flag);
  const auto word = text();
  if (!word) return std::nullopt;
  if (*word == "true") return true;
  if (*word == "false") return false;
  refuse("must be true or false, got \"" + word->substr(0, 40) + "\"");
  return std::nullopt;
}

std::optional<double> Value::quantity(scenario::Unit unit) const {
  note(KeyRecord::Form::quantity, unit);
  const auto word = text();
  return word ? accept(parse_quantity(*word, unit)) : std::nullopt;
}

std::optional<std::uint64_t> Value::whole(std::uint64_t low, std::uint64_t high) const {
  note(KeyRecord::Form::whole);
  const auto word = text();
  return word ? accept(parse_whole(*word, low, high)) : std::nullopt;
}

std::optional<scenario::Date> Value::date() const {
  note(KeyRecord::Form::date);
  if (node_->is_map() || node_->is_list()) {
    refuse("must be one date", "write it like 2019-09-16 or quarter-end - 1 bd");
    return std::nullopt;
  }
  const auto word = text();
  return word ? accept(parse_date(*word, reading_->dates)) : std::nullopt;
}

std::optional<scenario::QuotedRate> Value::quoted_rate() const {
  note(KeyRecord::Form::rate);
  const auto word = text();
  return word ? accept(parse_quoted_rate(*word)) : std::nullopt;
}

std::optional<Spread> Value::am_trigger() const {
  note(KeyRecord::Form::condition);
  const auto word = text();
  return word ? accept(parse_am_trigger(*word)) : std::nullopt;
}

std::optional<std::size_t> Value::choice(std::span<const std::string> names,
                                         std::span<const std::string> unavailable) const {
  if (reading_->recorder != nullptr) {
    note(KeyRecord::Form::choice);
    for (const auto& name : names)
      if (name.find('{') == std::string::npos) reading_->recorder->note_word(key_, name);  // a map is another form
    return 0;
  }
  const auto word = text();
  if (!word) return std::nullopt;
  const auto place = std::ranges::find(names, *word);
  if (place != names.end()) return static_cast<std::size_t>(place - names.begin());
  const std::string shown = "\"" + word->substr(0, 40) + "\"";
  if (std::ranges::find(unavailable, *word) != unavailable.end())
    refuse(shown + " is not available in this version; allowed: " + list_names(names));
  else
    refuse("must be " + list_names(names) + ", got " + shown + did_you_mean(*word, names));
  return std::nullopt;
}

namespace {

/// How one entry of a list is changed, where entries of one id merge and a map by id was written; "" elsewhere.
std::string hint_for_entries(const std::string& key, const ConfigNode& map) {
  constexpr std::array<std::string_view, 4> kListsById{"shocks", "policy.repo_operations", "metrics", "switches"};
  if (std::ranges::find(kListsById, key) == kListsById.end() || map.entries.empty()) return "";
  const ConfigNode* own = map.find("id");
  const std::string id = (own != nullptr ? own->text : map.entries.front().key).substr(0, kMaxKeyLength);
  return "write [{id: " + id + ", ...}], or --set " + key + "." + id + ".KEY=VALUE: entries of one id are merged";
}

}  // namespace

std::optional<std::vector<Value>> Value::items() const {
  note(KeyRecord::Form::list);
  if (reading_->recorder != nullptr)
    return std::vector<Value>(2, {pretended_node(reading_->recorder->pretended), key_ + "[]", key_mark_, *reading_});
  if (!node_->is_list()) {
    const bool is_made_by_setting = node_->is_map() && reading_->diagnostics.source_name(node_->mark.file) == "--set";
    if (is_made_by_setting)
      refuse("has no entries; a setting can change only an entry that a file states");
    else if (!is_invalid(*node_))
      refuse("must be a list, not " + std::string(kind_name(node_->kind)),
             node_->is_map() ? hint_for_entries(key_, *node_) : "");
    return std::nullopt;
  }
  const auto keys = item_keys(key_, *node_);
  std::vector<Value> values;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto& item = node_->items[i];
    values.emplace_back(item, keys[i], item.mark, *reading_);
  }
  return values;
}

std::optional<std::vector<double>> Value::quantities(scenario::Unit unit) const {
  const auto values = items();
  if (!values) return std::nullopt;
  std::vector<double> numbers;
  for (const auto& value : *values)
    if (const auto number = value.quantity(unit)) numbers.push_back(*number);
  if (numbers.size() != values->size()) return std::nullopt;
  return numbers;
}

// ---------------------------------------------------------------- a map

MapReader::MapReader(const Value& map) : map_(map), is_map_(map.node().is_map()) {
  if (auto* recorder = map.reading().recorder; recorder != nullptr && !map.key().empty())
    recorder->note(map.key(), KeyRecord::Form::map);
  if (!is_map_ && !is_invalid(map.node()))
    map.refuse("must be a map of keys, not " + std::string(kind_name(map.node().kind)));
}

std::string MapReader::path(const std::string& key) const { return map_.key().empty() ? key : map_.key() + "." + key; }

std::optional<Value> MapReader::take(const std::string& key, Presence presence) {
  known_.push_back(key);
  if (auto* recorder = map_.reading().recorder) {
    recorder->at(path(key)).required |= presence == Presence::required;
    return Value(pretended_node(recorder->pretended), path(key), map_.key_mark(), map_.reading());
  }
  const auto* entry = is_map_ ? map_.node().find_entry(key) : nullptr;
  if (entry != nullptr && !entry->value.is_null())
    return Value(entry->value, path(key), entry->key_mark, map_.reading());
  if (presence == Presence::required && is_map_ && map_.reading().is_complete) {
    if (entry != nullptr)
      map_.reading().diagnostics.error(entry->key_mark, path(key), "is required and has no value");
    else
      map_.reading().diagnostics.error(map_.key_mark(), path(key), "is required and missing");
  }
  return std::nullopt;
}

Value MapReader::take_map(const std::string& key) {
  if (auto value = take(key)) return *value;
  const auto* removed = is_map_ ? map_.node().find_entry(key) : nullptr;
  return {empty_map(), path(key), removed != nullptr ? removed->key_mark : map_.key_mark(), map_.reading()};
}

bool MapReader::quantity(const std::string& key, scenario::Unit unit, double& target, Presence presence) {
  const auto value = take(key, presence);
  if (auto* recorder = map_.reading().recorder; recorder != nullptr && presence == Presence::optional)
    recorder->at(path(key)).default_text = quantity_text(target, unit);
  const auto number = value ? value->quantity(unit) : std::nullopt;
  if (number) target = *number;
  return number.has_value();
}

bool MapReader::quantity(const std::string& key, scenario::Unit unit, std::optional<double>& target) {
  double number = 0.0;
  const bool is_read = quantity(key, unit, number);
  if (auto* recorder = map_.reading().recorder) recorder->at(path(key)).default_text.clear();
  if (is_read) target = number;
  return is_read;
}

bool MapReader::date(const std::string& key, scenario::Date& target, Presence presence) {
  const auto value = take(key, presence);
  const auto day = value ? value->date() : std::nullopt;
  if (day) target = *day;
  return day.has_value();
}

bool MapReader::date(const std::string& key, std::optional<scenario::Date>& target) {
  scenario::Date day{};
  if (!date(key, day)) return false;
  target = day;
  return true;
}

bool MapReader::flag(const std::string& key, bool& target) {
  const auto value = take(key);
  if (auto* recorder = map_.reading().recorder) recorder->at(path(key)).default_text = target ? "true" : "false";
  const auto state = value ? value->flag() : std::nullopt;
  if (state) target = *state;
  return state.has_value();
}

void MapReader::unavailable(const std::string& key, const std::string& allowed) {
  unavailable_.push_back(key);
  const auto* entry = is_map_ ? map_.node().find_entry(key) : nullptr;
  if (entry != nullptr && !entry->value.is_null())
    Value(entry->value, path(key), entry->key_mark, map_.reading()).refuse_as_unavailable(allowed);
}

void MapReader::finish() {
  if (!is_map_) return;
  const auto is_asked = [&](const std::string& key) {
    return std::ranges::find(known_, key) != known_.end() || std::ranges::find(unavailable_, key) != unavailable_.end();
  };
  for (const auto& entry : map_.node().entries) {
    if (is_asked(entry.key)) continue;
    const auto nearest = did_you_mean(entry.key, known_);
    map_.reading().diagnostics.error(entry.key_mark, path(entry.key),
                                     "unknown key" + (nearest.empty() ? "; allowed: " + list_names(known_) : nearest));
  }
}

std::string list_names(std::span<const std::string> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

}  // namespace repoquake::io
