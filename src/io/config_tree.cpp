#include "repoquake/io/config_tree.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace repoquake::io {
namespace {

using Kind = ConfigNode::Kind;

// Open brackets at which the scanner is not even started; it reads a whole line of them before the tree sees one.
constexpr int kMaxOpenBrackets = 1000;

constexpr std::string_view kNoAliases = "anchors and aliases (&name, *name) are not part of the scenario language";

/// Kept inside this file: the text has no tree.
struct Refused {
  SourceMark mark;
  std::string reason;
  std::string hint{};
};

// ---------------------------------------------------------------- bytes

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// Bytes of the valid UTF-8 sequence at the front of `text`; 0 where there is none.
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead < 0xF0) {
    const bool overlong = lead == 0xE0 && at(1) < 0xA0;
    const bool surrogate = lead == 0xED && at(1) >= 0xA0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead < 0xF5) {
    const bool overlong = lead == 0xF0 && at(1) < 0x90;
    const bool too_high = lead == 0xF4 && at(1) >= 0x90;
    return follows(1) && follows(2) && follows(3) && !overlong && !too_high ? 4 : 0;
  }
  return 0;
}

/// Text that the scanner can be trusted with: UTF-8, no control characters, no tower of brackets. Without the byte
/// order mark, with plain line ends, so that lines and columns stay as an editor shows them.
std::string clean_text(std::string_view bytes, int file) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  std::string text;
  text.reserve(bytes.size());
  SourceMark here{.file = file};
  bool in_indentation = true;
  int open_brackets = 0;
  for (std::size_t i = 0; i < bytes.size();) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const bool line_end = bytes[i] == '\n' || bytes.substr(i, 2) == "\r\n";
    if (line_end) {
      i += bytes[i] == '\n' ? 1U : 2U;
      text += '\n';
      here = {.file = file, .line = here.line + 1, .column = 1};
      in_indentation = true;
      continue;
    }
    if (byte == 0) throw Refused{here, "a NUL byte: this is not a text file in UTF-8"};
    if (byte < 0x20 && byte != '\t')
      throw Refused{here, "a control character (byte " + std::to_string(byte) + "): this is not a plain text file"};
    if (byte == '\t' && in_indentation) throw Refused{here, "a tab in the indentation; indent with spaces"};
    in_indentation = in_indentation && byte == ' ';
    const auto length = utf8_length(bytes.substr(i));
    if (length == 0)
      throw Refused{here, "byte " + std::to_string(byte) + " is not valid UTF-8; save the file as UTF-8"};
    if (byte == '[' || byte == '{') ++open_brackets;
    if (byte == ']' || byte == '}') open_brackets = std::max(open_brackets - 1, 0);
    if (open_brackets > kMaxOpenBrackets)
      throw Refused{here, "nested deeper than " + std::to_string(kMaxTreeDepth) + " levels"};
    text.append(bytes.substr(i, length));
    i += length;
    ++here.column;
  }
  return text;
}

// ---------------------------------------------------------------- reading

/// Builds the tree from the parser's events.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& text, int file, Diagnostics& diagnostics) : file_(file), diagnostics_(diagnostics) {
    for (std::string_view rest = text;;) {
      const auto end = rest.find('\n');
      lines_.push_back(rest.substr(0, end));
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }

  [[nodiscard]] std::optional<ConfigNode>& root() { return root_; }

  [[nodiscard]] SourceMark mark_of(const YAML::Mark& mark) {
    if (mark.is_null()) return {.file = file_};
    const auto line = std::min(static_cast<std::size_t>(std::max(mark.line, 0)), lines_.size() - 1);
    const auto bytes = std::min(static_cast<std::size_t>(std::max(mark.column, 0)), lines_[line].size());
    // The parser counts bytes. Marks mostly come in order, so the count goes on from the last one.
    if (line != counted_.line || bytes < counted_.bytes) counted_ = {.line = line, .bytes = 0, .characters = 0};
    counted_.characters += count_characters(lines_[line].substr(counted_.bytes, bytes - counted_.bytes));
    counted_.bytes = bytes;
    return {.file = file_, .line = static_cast<int>(line) + 1, .column = static_cast<int>(counted_.characters) + 1};
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw Refused{mark_of(mark), "a second YAML document; a file holds one"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { take(ConfigNode::make(Kind::null, mark_of(mark))); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    diagnostics_.error(mark_of(mark), key_here(), std::string(kNoAliases));
    take(ConfigNode::make(Kind::invalid, mark_of(mark)));
  }

  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    diagnostics_.error(mark_of(mark), key_here(), std::string(kNoAliases));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    ConfigNode node = ConfigNode::make(Kind::scalar, mark_of(mark), value);
    node.quoted = tag == "!";
    if (node.quoted && is_unclosed(mark))
      throw Refused{node.mark, "the quote that opens here is not closed; it swallows the rest of the file"};
    node.mark.width = std::max(static_cast<int>(count_characters(value)) + (node.quoted ? 2 : 0), 1);
    if (tag == "!clear") {
      diagnostics_.error(mark_of(mark), key_here(), "only a list or a map can be cleared",
                         "write !clear [] or !clear {}");
      node.kind = Kind::invalid;
    } else {
      refuse_tag(node, tag);
    }
    take(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(Kind::list, mark, tag);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(Kind::map, mark, tag);
  }
  void OnMapEnd() override { close(); }

 private:
  /// yaml-cpp takes the end of the file for a closing quote.
  [[nodiscard]] bool is_unclosed(const YAML::Mark& mark) const {
    auto line = static_cast<std::size_t>(std::max(mark.line, 0));
    auto at = static_cast<std::size_t>(std::max(mark.column, 0));
    if (line >= lines_.size() || at >= lines_[line].size()) return false;
    const char quote = lines_[line][at];
    if (quote != '"' && quote != '\'') return false;  // a block of text
    for (++at; line < lines_.size(); ++line, at = 0) {
      const std::string_view text = lines_[line];
      for (; at < text.size(); ++at) {
        if (quote == '"' && text[at] == '\\')
          ++at;
        else if (text[at] == quote && quote == '\'' && text.substr(at, 2) == "''")
          ++at;
        else if (text[at] == quote)
          return false;
      }
    }
    return true;
  }

  struct Frame {
    ConfigNode node;
    std::map<std::string, int, std::less<>> first_line;  ///< of each key of a map
    std::string key;
    SourceMark key_mark;
    bool has_key = false;    ///< the next node is a value
    bool keep_value = true;  ///< false: its key was refused
  };

  void open(ConfigNode::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    if (frames_.size() >= static_cast<std::size_t>(kMaxTreeDepth))
      throw Refused{mark_of(mark), "nested deeper than " + std::to_string(kMaxTreeDepth) + " levels"};
    count_node(mark_of(mark));
    ConfigNode node = ConfigNode::make(kind, mark_of(mark));
    node.clear = tag == "!clear";
    if (!node.clear) refuse_tag(node, tag);
    frames_.emplace_back().node = std::move(node);
  }

  void close() {
    ConfigNode node = std::move(frames_.back().node);
    frames_.pop_back();
    place(std::move(node));
  }

  void take(ConfigNode node) {
    count_node(node.mark);
    place(std::move(node));
  }

  void place(ConfigNode node) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.is_list()) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      take_key(frame, node);
    } else {
      if (node.is_null()) node.mark = frame.key_mark;  // an empty value has no place of its own
      if (frame.keep_value) frame.node.entries.push_back({frame.key, frame.key_mark, std::move(node)});
      frame.has_key = false;
    }
  }

  void take_key(Frame& frame, const ConfigNode& node) {
    frame.has_key = true;
    frame.keep_value = false;
    frame.key = node.text;
    frame.key_mark = node.mark;
    if (node.kind == Kind::invalid) return;
    if (!node.is_scalar() || node.text.empty()) {
      diagnostics_.error(node.mark, key_of_frame(), "a key must be a word");
    } else if (node.text.size() > kMaxKeyLength) {
      frame.key = "…";
      diagnostics_.error(node.mark, key_of_frame(), "a key is longer than " + std::to_string(kMaxKeyLength) + " bytes");
    } else if (node.text == "<<") {
      diagnostics_.error(node.mark, key_of_frame(),
                         "merge keys (<<) are not part of the scenario language; use extends");
    } else if (const auto [first, is_new] = frame.first_line.emplace(node.text, node.mark.line); !is_new) {
      diagnostics_.error(node.mark, key_here(),
                         "duplicate key; it was first given in line " + std::to_string(first->second));
    } else {
      frame.keep_value = true;
    }
  }

  void count_node(const SourceMark& mark) {
    if (++nodes_ > kMaxTreeNodes)
      throw Refused{mark,
                    "more than " + std::to_string(kMaxTreeNodes) + " values; daily data belong into the series file"};
  }

  void refuse_tag(ConfigNode& node, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    constexpr std::string_view kStandard = "tag:yaml.org,2002:";
    const std::string shown = tag.starts_with(kStandard) ? "!!" + tag.substr(kStandard.size()) : tag;
    diagnostics_.error(node.mark, key_here(), "the tag " + shown + " is not allowed; the only tag is !clear");
  }

  /// Full key of the map or list now being read.
  [[nodiscard]] std::string key_of_frame() const {
    std::string key;
    for (std::size_t i = 0; i + 1 < frames_.size(); ++i) append_step(key, frames_[i]);
    return key;
  }

  /// Full key of the value (or of the key) now being read.
  [[nodiscard]] std::string key_here() const {
    std::string key = key_of_frame();
    if (!frames_.empty()) append_step(key, frames_.back());
    return key;
  }

  static void append_step(std::string& key, const Frame& frame) {
    if (frame.node.is_list())
      key += "[" + std::to_string(frame.node.items.size()) + "]";
    else if (frame.has_key)
      key += (key.empty() ? "" : ".") + frame.key;
  }

  int file_;
  Diagnostics& diagnostics_;
  std::vector<std::string_view> lines_;
  struct {
    std::size_t line = 0;
    std::size_t bytes = 0;
    std::size_t characters = 0;  ///< in the first `bytes` of the line
  } counted_;
  std::vector<Frame> frames_;
  std::optional<ConfigNode> root_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

/// The one document in `text`; a null node where there is none.
std::optional<ConfigNode> parse_document(std::string_view text, int file, Diagnostics& diagnostics) {
  try {
    const std::string cleaned = clean_text(text, file);
    TreeBuilder builder(cleaned, file, diagnostics);
    try {
      std::istringstream stream(cleaned);
      YAML::Parser parser(stream);
      while (parser.HandleNextDocument(builder)) {
      }
    } catch (const YAML::Exception& e) {
      const bool is_alias = e.msg.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR);
      const bool is_colon = e.msg == YAML::ErrorMsg::MAP_VALUE;
      throw Refused{builder.mark_of(e.mark), is_alias ? std::string(kNoAliases) : "YAML syntax: " + e.msg,
                    is_colon ? "text with a colon needs quotes; keys of a map stand under each other" : ""};
    }
    if (!builder.root()) return ConfigNode::make(Kind::null, {.file = file});
    return std::move(builder.root());  // cppcheck-suppress returnStdMoveLocal // not a local: the builder's member
  } catch (const Refused& refused) {
    diagnostics.error(refused.mark, "", refused.reason, refused.hint);
    return std::nullopt;
  }
}

// ---------------------------------------------------------------- merging

std::string_view id_of(const ConfigNode& item) {
  const ConfigNode* id = item.is_map() ? item.find("id") : nullptr;
  return id != nullptr && id->is_scalar() ? std::string_view(id->text) : std::string_view{};
}

bool has_ids(const ConfigNode& list) {
  return std::ranges::any_of(list.items, [](const ConfigNode& item) { return !id_of(item).empty(); });
}

/// {normal: …} over {student_t: …}: another law, not an addition to the first.
bool is_other_choice(std::string_view key, const ConfigNode& base, const ConfigNode& over) {
  if (key != "size" && key != "shape") return false;
  return base.entries.size() == 1 && over.entries.size() == 1 && base.entries[0].key != over.entries[0].key;
}

ConfigNode merge_values(ConfigNode base, const ConfigNode& over, std::string_view key);

ConfigNode merge_maps(ConfigNode base, const ConfigNode& over) {
  for (const auto& entry : over.entries) {
    if (const auto* below = std::as_const(base).find_entry(entry.key); below == nullptr) {
      base.entries.push_back(entry);
    } else {
      auto& target = base.entries[static_cast<std::size_t>(below - base.entries.data())];
      target.value = merge_values(std::move(target.value), entry.value, entry.key);
      target.key_mark = entry.key_mark;
    }
  }
  base.mark = over.mark;
  return base;
}

ConfigNode merge_lists_by_id(ConfigNode base, const ConfigNode& over) {
  std::map<std::string, std::size_t, std::less<>> place;
  for (std::size_t i = 0; i < base.items.size(); ++i)
    if (const auto id = id_of(base.items[i]); !id.empty()) place.emplace(id, i);
  for (const auto& item : over.items) {
    const auto below = place.find(id_of(item));
    if (below == place.end()) {
      base.items.push_back(item);
    } else {
      base.items[below->second] = merge_values(std::move(base.items[below->second]), item, {});
      place.erase(below);  // an id given twice in one file stays twice, for the reader to refuse
    }
  }
  base.mark = over.mark;
  return base;
}

ConfigNode merge_values(ConfigNode base, const ConfigNode& over, std::string_view key) {
  const bool clear = base.clear || over.clear;  // what was cleared below stays cleared when this lies on something else
  const bool same_kind = base.kind == over.kind && !over.clear;
  ConfigNode merged = same_kind && over.is_map() && !is_other_choice(key, base, over)
                          ? merge_maps(std::move(base), over)
                      // cppcheck-suppress accessMoved // moved in the branch above only
                      : same_kind && has_ids(base) && has_ids(over) ? merge_lists_by_id(std::move(base), over)
                                                                    : over;
  merged.clear = clear;
  return merged;
}

// ---------------------------------------------------------------- settings

struct PathStep {
  std::string name;
  std::optional<std::size_t> index;
  SourceMark mark;
};

/// "a.b[0].c" as steps a, b, [0], c; nothing where it is not a path.
std::optional<std::vector<PathStep>> parse_path(std::string_view path, SourceMark mark) {
  std::vector<PathStep> steps;
  std::size_t i = 0;
  const auto mark_at = [&](std::size_t from, std::size_t to) {
    SourceMark at = mark;
    at.column += static_cast<int>(count_characters(path.substr(0, from)));
    at.width = std::max(static_cast<int>(count_characters(path.substr(from, to - from))), 1);
    return at;
  };
  while (i < path.size()) {
    if (path[i] == '[') {
      const auto end = path.find(']', i);
      const auto digits = path.substr(i + 1, end == std::string_view::npos ? 0 : end - i - 1);
      const bool is_index =
          !digits.empty() && digits.size() <= 6 && digits.find_first_not_of("0123456789") == digits.npos;
      if (steps.empty() || !is_index) return std::nullopt;
      steps.push_back({std::string(path.substr(i, end + 1 - i)), std::stoul(std::string(digits)), mark_at(i, end + 1)});
      i = end + 1;
    } else {
      if (!steps.empty()) {
        if (path[i] != '.') return std::nullopt;
        ++i;
      }
      const auto end = std::min(path.find_first_of(".[", i), path.size());
      if (end == i) return std::nullopt;
      steps.push_back({std::string(path.substr(i, end - i)), std::nullopt, mark_at(i, end)});
      i = end;
    }
  }
  if (steps.empty() || path.ends_with('.')) return std::nullopt;
  return steps;
}

/// The setting's target in the tree, made where it is missing; nullptr (and a complaint) where it cannot be.
class SettingTarget {
 public:
  SettingTarget(ConfigNode& tree, Diagnostics& diagnostics) : node_(&tree), diagnostics_(diagnostics) {}

  bool step_into(const PathStep& step, bool is_last) {
    parent_ = node_;
    if (node_->is_null()) *node_ = ConfigNode::make(Kind::map, step.mark);
    const bool done = step.index         ? step_by_index(step)
                      : node_->is_list() ? step_by_id(step)
                      : node_->is_map()  ? step_by_key(step, is_last)
                                         : refuse(step, key_ + " is a single value: it has no keys");
    key_ += (step.index || key_.empty() ? "" : ".") + step.name;
    return done;
  }

  /// Like step_into, but makes nothing.
  bool step_into_existing(const PathStep& step) {
    if (!step.index && node_->is_map() && node_->find(step.name) == nullptr) {
      std::vector<std::string> names;
      for (const auto& entry : node_->entries) names.push_back(entry.key);
      return refuse(step, "there is no such key to remove" + did_you_mean(step.name, names));
    }
    return step_into(step, false);
  }

  void remove(const SourceMark& mark) {
    ConfigNode nothing = ConfigNode::make(Kind::null, mark);
    assign(std::move(nothing));
  }

  /// Adds an item to a list, which is made where there is none.
  void add(ConfigNode item, const SourceMark& mark) {
    const bool is_new = node_->is_null() || (node_->is_map() && node_->entries.empty());
    if (is_new) *node_ = ConfigNode::make(Kind::list, mark);
    if (!node_->is_list()) {
      diagnostics_.error(mark, key_, "is not a list: + adds an item to a list; without + the value is set");
      return;
    }
    const auto id = std::string(id_of(item));
    const bool is_taken =
        !id.empty() && std::ranges::any_of(node_->items, [&](const ConfigNode& other) { return id_of(other) == id; });
    if (is_taken) {
      diagnostics_.error(item.mark, key_ + "." + id, "an item with this id is there already; set its keys instead");
      return;
    }
    node_->items.push_back(std::move(item));
  }

  void assign(ConfigNode value) {
    if (value.is_null() && parent_->is_list())
      parent_->items.erase(parent_->items.begin() + (node_ - parent_->items.data()));
    else
      *node_ = std::move(value);
  }

 private:
  bool refuse(const PathStep& step, std::string reason) {
    diagnostics_.error(step.mark, key_.empty() || step.index ? key_ + step.name : key_ + "." + step.name,
                       std::move(reason));
    return false;
  }

  bool step_by_index(const PathStep& step) {
    if (!node_->is_list()) return refuse(step, key_ + " is not a list");
    if (*step.index >= node_->items.size())
      return refuse(step, key_ + " has " + std::to_string(node_->items.size()) + " entries, counted from [0]");
    node_ = &node_->items[*step.index];
    return true;
  }

  bool step_by_id(const PathStep& step) {
    std::vector<std::string> ids;
    for (auto& item : node_->items) {
      if (id_of(item) == step.name) {
        node_ = &item;
        return true;
      }
      if (!id_of(item).empty()) ids.emplace_back(id_of(item));
    }
    if (ids.empty()) return refuse(step, key_ + " is a list; name an entry as " + key_ + "[0]");
    return refuse(step, "no entry has this id" + did_you_mean(step.name, ids));
  }

  bool step_by_key(const PathStep& step, bool is_last) {
    ConfigNode* value = node_->find(step.name);
    if (value == nullptr) {
      node_->entries.push_back({step.name, step.mark, ConfigNode::make(Kind::map, step.mark)});
      value = &node_->entries.back().value;
    } else if (is_last) {
      const auto entry = std::ranges::find(node_->entries, step.name, &ConfigNode::Entry::key);
      entry->key_mark = step.mark;
    }
    node_ = value;
    return true;
  }

  ConfigNode* node_;
  ConfigNode* parent_ = nullptr;
  Diagnostics& diagnostics_;
  std::string key_;
};

// ---------------------------------------------------------------- writing

bool is_plain(std::string_view text) {
  if (text.empty() || text == "null" || text == "Null" || text == "NULL") return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const bool is_signed = text.size() > 1 && (text[0] == '+' || text[0] == '-') && is_digit(text[1]);
  if (!is_digit(text[0]) && !is_letter(text[0]) && !is_signed) return false;
  if (text.ends_with(' ') || text.ends_with(':')) return false;
  if (text.find(": ") != text.npos || text.find(" #") != text.npos) return false;
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F || std::string_view(",[]{}\"'").find(c) != std::string_view::npos;
  });
}

/// Would a YAML reader take the plain text for a number, a date or a boolean?
bool looks_typed(std::string_view text) {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"true", "false", "yes", "no", "on", "off", "y", "n", "True", "False", "Yes", "No", "On", "Off", "Y", "N"});
  return std::ranges::find(kWords, text) != kWords.end() || text.find_first_of("0123456789+-.") == 0;
}

std::string scalar_text(std::string_view text, bool quoted) {
  if (is_plain(text) && !(quoted && looks_typed(text))) return std::string(text);
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (byte < 0x20 || byte == 0x7F)
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15U]};
    else
      out += c;
  }
  return out + "\"";
}

bool is_written(const ConfigNode& node) { return !node.is_null() && node.kind != Kind::invalid; }

bool fits_one_line(const ConfigNode& node) {
  if (node.is_map()) return std::ranges::none_of(node.entries, [](const auto& e) { return is_written(e.value); });
  if (node.is_list()) return std::ranges::all_of(node.items, &ConfigNode::is_scalar);
  return true;
}

std::string one_line(const ConfigNode& node) {
  if (node.is_map()) return "{}";
  if (node.is_scalar()) return scalar_text(node.text, node.quoted);
  if (!node.is_list()) return "null";
  std::string text = "[";
  for (const auto& item : node.items) text += (text.size() > 1 ? ", " : "") + scalar_text(item.text, item.quoted);
  return text + "]";
}

/// Block style. `lead` stands before the first line of the node, e.g. the "- " of a list item.
void write_block(const ConfigNode& node, std::size_t indent, std::string lead, std::string& out) {
  const auto margin = [&] { return lead.empty() ? std::string(indent, ' ') : std::exchange(lead, {}); };
  const auto write_value = [&](const ConfigNode& value, std::size_t deeper) {
    if (fits_one_line(value)) {
      out += " " + one_line(value) + "\n";
    } else {
      out += "\n";
      write_block(value, deeper, {}, out);
    }
  };
  for (const auto& entry : node.entries) {
    if (!is_written(entry.value)) continue;
    out += margin() + scalar_text(entry.key, false) + ":";
    write_value(entry.value, indent + 2);
  }
  for (const auto& item : node.items) {
    if (item.is_map() && !fits_one_line(item)) {
      const std::string dash = margin() + "- ";
      write_block(item, indent + 2, dash, out);
    } else {
      out += margin() + "-";
      write_value(item, indent + 2);
    }
  }
}

void place_below(const std::string& key, const ConfigNode& node, Diagnostics& diagnostics) {
  const auto place = [&](const std::string& below, const SourceMark& key_mark, const ConfigNode& value) {
    diagnostics.place_key(below, {key_mark, value.is_scalar() ? value.mark : key_mark});
    place_below(below, value, diagnostics);
  };
  for (const auto& entry : node.entries)
    place(key.empty() ? entry.key : key + "." + entry.key, entry.key_mark, entry.value);
  const auto names = item_keys(key, node);
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const std::string by_index = key + "[" + std::to_string(i) + "]";
    place(by_index, node.items[i].mark, node.items[i]);
    if (names[i] != by_index) place(names[i], node.items[i].mark, node.items[i]);
  }
}

}  // namespace

const ConfigNode::Entry* ConfigNode::find_entry(std::string_view key) const noexcept {
  const auto entry = std::ranges::find(entries, key, &Entry::key);
  return entry == entries.end() ? nullptr : &*entry;
}

const ConfigNode* ConfigNode::find(std::string_view key) const noexcept {
  const auto* entry = find_entry(key);
  return entry == nullptr ? nullptr : &entry->value;
}

ConfigNode* ConfigNode::find(std::string_view key) noexcept {
  const auto entry = std::ranges::find(entries, key, &Entry::key);
  return entry == entries.end() ? nullptr : &entry->value;
}

const ConfigNode* ConfigNode::find_path(std::string_view path) const noexcept {
  const ConfigNode* node = this;
  while (node != nullptr && !path.empty()) {
    const auto dot = path.find('.');
    node = node->find(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  return node;
}

ConfigNode ConfigNode::make(Kind kind, const SourceMark& mark, std::string text) {
  ConfigNode node;
  node.kind = kind;
  node.mark = mark;
  node.text = std::move(text);
  return node;
}

std::optional<ConfigNode> parse_config(std::string_view text, int file, Diagnostics& diagnostics) {
  auto tree = parse_document(text, file, diagnostics);
  if (!tree || !tree->is_null()) return tree;
  diagnostics.error({.file = file}, "", "the file is empty");
  return std::nullopt;
}

ConfigNode merge(ConfigNode base, const ConfigNode& over) { return merge_values(std::move(base), over, {}); }

void apply_setting(ConfigNode& tree, std::string_view setting, int file, int ordinal, Diagnostics& diagnostics) {
  const SourceMark start{
      .file = file, .line = ordinal, .column = 1, .width = static_cast<int>(count_characters(setting))};
  const bool adds = setting.starts_with('+');
  const bool removes = setting.starts_with('~');
  const std::size_t lead = adds || removes ? 1 : 0;
  const auto equals = setting.find('=');
  auto path = setting.substr(lead, equals == setting.npos ? setting.npos : equals - lead);
  while (path.ends_with(' ')) path.remove_suffix(1);
  SourceMark path_mark = start;
  path_mark.column += static_cast<int>(lead);
  const auto steps = parse_path(path, path_mark);
  if ((equals == setting.npos) != removes || !steps || path.find(' ') != path.npos) {
    diagnostics.error(start, "",
                      "a setting is written KEY=VALUE, e.g. market.need=hold or shocks.tga-build.size=120 bn USD; "
                      "+LIST=ITEM adds to a list, ~KEY removes");
    return;
  }
  SettingTarget target(tree, diagnostics);
  if (removes) {
    for (const auto& step : *steps)
      if (!target.step_into_existing(step)) return;
    target.remove(steps->back().mark);
    return;
  }
  const auto value_text = setting.substr(equals + 1);
  if (value_text.find_first_not_of(' ') == value_text.npos) {
    diagnostics.error(start, std::string(path), "has no value", "write null to remove a key");
    return;
  }

  // Blank text before the value gives its nodes the lines and columns of the setting.
  const std::string blank = std::string(static_cast<std::size_t>(ordinal) - 1, '\n') +
                            std::string(count_characters(setting.substr(0, equals + 1)), ' ');
  auto value = parse_document(blank + std::string(value_text), file, diagnostics);
  if (!value) return;

  for (const auto& step : *steps)
    if (!target.step_into(step, &step == &steps->back())) return;
  if (adds)
    target.add(std::move(*value), start);
  else
    target.assign(std::move(*value));
}

bool set_value(ConfigNode& tree, std::string_view path, const SourceMark& path_mark, ConfigNode value,
               Diagnostics& diagnostics) {
  const auto steps = parse_path(path, path_mark);
  if (!steps) {
    diagnostics.error(path_mark, "", "is not the path of a key, e.g. shocks.tga-build.size");
    return false;
  }
  SettingTarget target(tree, diagnostics);
  for (const auto& step : *steps)
    if (!target.step_into(step, &step == &steps->back())) return false;
  target.assign(std::move(value));
  return true;
}

std::vector<std::string> item_keys(const std::string& list_key, const ConfigNode& list) {
  std::map<std::string, int, std::less<>> uses;
  for (const auto& item : list.items) ++uses[std::string(id_of(item))];
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const std::string id{id_of(list.items[i])};
    keys.push_back(is_valid_id(id) && uses[id] == 1 ? list_key + "." + id : list_key + "[" + std::to_string(i) + "]");
  }
  return keys;
}

std::string one_line_yaml(const ConfigNode& node) { return one_line(node); }

void place_keys(const ConfigNode& tree, Diagnostics& diagnostics) {
  diagnostics.place_key("", {tree.mark, tree.mark});
  place_below("", tree, diagnostics);
}

std::string to_yaml(const ConfigNode& tree) {
  std::string text;
  if (fits_one_line(tree)) return one_line(tree) + "\n";
  write_block(tree, 0, {}, text);
  return text;
}

bool same_tree(const ConfigNode& a, const ConfigNode& b) {
  return a.kind == b.kind && a.text == b.text && std::ranges::equal(a.items, b.items, same_tree) &&
         std::ranges::equal(a.entries, b.entries,
                            [](const auto& x, const auto& y) { return x.key == y.key && same_tree(x.value, y.value); });
}

bool is_valid_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= kMaxKeyLength && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace repoquake::io
