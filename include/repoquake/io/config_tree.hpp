/// A tree of maps, lists and scalars read from YAML text, every node with its place. The language is the safe part of
/// YAML: no repeated keys, no `<<`, no anchors and aliases, no tags but `!clear`, one document, bounded size and depth.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/io/diagnostics.hpp"

namespace repoquake::io {

inline constexpr int kMaxTreeDepth = 32;
inline constexpr std::size_t kMaxTreeNodes = 20'000;  ///< per file
inline constexpr std::size_t kMaxKeyLength = 100;     ///< bytes of a key or an `id`; full keys repeat them

struct ConfigNode {
  enum class Kind {
    null,  ///< removes an optional key
    scalar,
    list,
    map,
    invalid  ///< was refused, and the complaint is made: readers pass over it
  };
  struct Entry;

  Kind kind = Kind::null;
  std::string text;     ///< scalar: as written, without quotes
  bool quoted = false;  ///< scalar: written in quotes or as a block
  bool clear = false;   ///< tagged `!clear`: what it merges over is emptied first
  SourceMark mark;
  std::vector<ConfigNode> items;
  std::vector<Entry> entries;  ///< in the order written

  [[nodiscard]] static ConfigNode make(Kind kind, const SourceMark& mark, std::string text = {});

  [[nodiscard]] bool is_null() const noexcept { return kind == Kind::null; }
  [[nodiscard]] bool is_scalar() const noexcept { return kind == Kind::scalar; }
  [[nodiscard]] bool is_list() const noexcept { return kind == Kind::list; }
  [[nodiscard]] bool is_map() const noexcept { return kind == Kind::map; }

  /// The value of `key` in a map; nullptr where there is none.
  [[nodiscard]] const ConfigNode* find(std::string_view key) const noexcept;
  [[nodiscard]] ConfigNode* find(std::string_view key) noexcept;
  [[nodiscard]] const Entry* find_entry(std::string_view key) const noexcept;
  /// Along a dotted path of map keys, e.g. "market.need".
  [[nodiscard]] const ConfigNode* find_path(std::string_view path) const noexcept;
};

struct ConfigNode::Entry {
  std::string key;
  SourceMark key_mark;
  ConfigNode value;
};

/// Reads YAML text registered as source `file`. Complaints go to `diagnostics`; nothing is returned where the text has
/// no tree at all (a syntax error, a limit, binary input, an empty file).
[[nodiscard]] std::optional<ConfigNode> parse_config(std::string_view text, int file, Diagnostics& diagnostics);

/// `over` laid on `base`: maps merge deep; lists whose items have an `id` merge by it; everything else replaces;
/// `!clear` empties first. A `null` stays in the tree and hides what is below it. Under `size` and `shape`, maps that
/// choose another law or shape replace each other.
[[nodiscard]] ConfigNode merge(ConfigNode base, const ConfigNode& over);

/// Applies the `ordinal`-th (from 1) setting "a.b.c=value" of the source `file`: the value is YAML and replaces what was
/// there. A path element is a key, the `id` of a list item, or a key with an index: rates[0].
void apply_setting(ConfigNode& tree, std::string_view setting, int file, int ordinal, Diagnostics& diagnostics);

/// Puts a value where a setting would: `path` is that of a setting, written at `path_mark`. True: it is there.
bool set_value(ConfigNode& tree, std::string_view path, const SourceMark& path_mark, ConfigNode value,
               Diagnostics& diagnostics);

/// The keys under which the items of a list are known: "shocks.tga-build" where it has a usable, unique `id`, else
/// "shocks[0]".
[[nodiscard]] std::vector<std::string> item_keys(const std::string& list_key, const ConfigNode& list);

/// Registers every key of the tree, list items both by index and by `id`.
void place_keys(const ConfigNode& tree, Diagnostics& diagnostics);

/// YAML text without tags and nulls. Reading it back gives the same tree.
[[nodiscard]] std::string to_yaml(const ConfigNode& tree);

/// A scalar, a list of scalars or an empty map on one line.
[[nodiscard]] std::string one_line_yaml(const ConfigNode& node);

/// Same kinds, texts, keys and order; places, quotes and `!clear` do not count.
[[nodiscard]] bool same_tree(const ConfigNode& a, const ConfigNode& b);

/// May this be the `id` of an item? At most 100 letters, digits, "_" and "-", so that it can be a path element.
[[nodiscard]] bool is_valid_id(std::string_view id) noexcept;

}  // namespace repoquake::io
