/// Strict reading of a config tree: in a map every key is read once and none may remain; a value is complained about
/// where it stands, and reading goes on with the default.
///
///   MapReader r(value);
///   r.quantity("repo_volume", Unit::usd_bn, market.repo_volume, Presence::required);
///   r.quantity("trend_spread", Unit::bp, market.trend_spread);
///   r.finish();
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/io/config_tree.hpp"
#include "repoquake/io/diagnostics.hpp"
#include "repoquake/io/quantity.hpp"

namespace repoquake::io {

/// One key of the language, as the reader asks for it.
struct KeyRecord {
  enum class Form { quantity, whole, flag, text, id, date, rate, condition, choice, value, list, map };
  std::string path;  ///< "shocks[].size.normal.mean"
  std::vector<Form> forms{};
  std::vector<scenario::Unit> units{};  ///< of a quantity: any of these
  std::vector<std::string> words{};     ///< allowed literally
  bool required = false;                ///< wherever the map around it is there
  std::string default_text{};

  [[nodiscard]] bool has(Form form) const;
};

/// Collects the keys that a reader asks for, in its order, so that reader, schema and reference cannot differ.
class KeyRecorder {
 public:
  KeyRecord& at(const std::string& path);
  void note(const std::string& path, KeyRecord::Form form, std::optional<scenario::Unit> unit = std::nullopt);
  void note_word(const std::string& path, std::string_view word);

  /// What a key is taken for that no file states: makes the reader look at each form a key may have.
  ConfigNode::Kind pretended = ConfigNode::Kind::invalid;

  [[nodiscard]] const std::vector<KeyRecord>& records() const noexcept { return records_; }

 private:
  std::vector<KeyRecord> records_;
};

/// Where complaints go. A tree is incomplete where one of its files could not be read: nothing is called missing then.
struct Reading {
  Diagnostics& diagnostics;
  bool is_complete = true;
  DateFrame dates{};  ///< set once the window has been read
  KeyRecorder* recorder = nullptr;
};

/// A node of the tree, with its full key. Each reading function complains once and then returns nothing.
class Value {
 public:
  Value(const ConfigNode& node, std::string key, const SourceMark& key_mark, Reading& reading)
      : node_(&node), key_(std::move(key)), key_mark_(key_mark), reading_(&reading) {}

  [[nodiscard]] const ConfigNode& node() const noexcept { return *node_; }
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  [[nodiscard]] const SourceMark& key_mark() const noexcept { return key_mark_; }
  [[nodiscard]] Reading& reading() const noexcept { return *reading_; }

  /// Complains about this value.
  void refuse(std::string reason, std::string hint = {}) const;

  /// A key of the language that this version does not have.
  void refuse_as_unavailable(const std::string& allowed) const;

  /// Is it this word?
  [[nodiscard]] bool is(std::string_view word) const;

  [[nodiscard]] std::optional<std::string> text() const;
  [[nodiscard]] std::optional<std::string> id() const;
  /// A single value of another key, whatever that takes.
  [[nodiscard]] std::optional<std::string> single() const;
  [[nodiscard]] std::optional<bool> flag() const;
  [[nodiscard]] std::optional<double> quantity(scenario::Unit unit) const;
  [[nodiscard]] std::optional<std::uint64_t> whole(std::uint64_t low, std::uint64_t high) const;
  [[nodiscard]] std::optional<scenario::Date> date() const;
  [[nodiscard]] std::optional<scenario::QuotedRate> quoted_rate() const;
  [[nodiscard]] std::optional<Spread> am_trigger() const;

  /// Index of the word in `names`; `unavailable` are words of the language that this version does not have.
  [[nodiscard]] std::optional<std::size_t> choice(std::span<const std::string> names,
                                                  std::span<const std::string> unavailable = {}) const;

  /// The items of a list.
  [[nodiscard]] std::optional<std::vector<Value>> items() const;

  /// The quantities of a list; complains about each wrong one.
  [[nodiscard]] std::optional<std::vector<double>> quantities(scenario::Unit unit) const;

 private:
  template <class T>
  std::optional<T> accept(Parsed<T> parsed) const;
  void note(KeyRecord::Form form, std::optional<scenario::Unit> unit = std::nullopt) const;
  [[nodiscard]] std::optional<std::string> single_value() const;

  const ConfigNode* node_;
  std::string key_;
  SourceMark key_mark_;
  Reading* reading_;
};

enum class Presence { optional, required };

/// Reads one map. A `null` counts as absent.
class MapReader {
 public:
  explicit MapReader(const Value& map);

  /// The value of `key` where there is one.
  [[nodiscard]] std::optional<Value> take(const std::string& key, Presence presence = Presence::optional);

  /// The map under `key`; an empty one where there is none, so that its required keys are missed one by one.
  [[nodiscard]] Value take_map(const std::string& key);

  // The target keeps its default where the key is absent or wrong. True: it was read.
  bool quantity(const std::string& key, scenario::Unit unit, double& target, Presence presence = Presence::optional);
  bool quantity(const std::string& key, scenario::Unit unit, std::optional<double>& target);
  bool date(const std::string& key, scenario::Date& target, Presence presence = Presence::optional);
  bool date(const std::string& key, std::optional<scenario::Date>& target);
  bool flag(const std::string& key, bool& target);

  /// Refuses a key that this version does not have, saying what is allowed instead.
  void unavailable(const std::string& key, const std::string& allowed);

  /// Complains about every key that nobody asked for.
  void finish();

 private:
  [[nodiscard]] std::string path(const std::string& key) const;

  Value map_;
  std::vector<std::string> known_;
  std::vector<std::string> unavailable_;
  bool is_map_;
};

/// `"a", "b" or "c"`: for sentences about what is allowed.
[[nodiscard]] std::string list_names(std::span<const std::string> names);

}  // namespace repoquake::io
