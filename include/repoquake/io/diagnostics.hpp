/// Complaints about input files, collected with their places and shown the way a compiler shows them:
///
///   sep_2019.yaml:74:25: error: shocks.corporate-tax.size.normal.mean: 95 has no unit (amount of money)
///      74 |     size: {normal: {mean: 95, sd: 12 bn USD}}
///         |                           ^^ write "95 bn USD" (also mn, tn)
///   1 error
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/core/error.hpp"

namespace repoquake::io {

/// A place in an input file. Lines and columns count from 1; columns count characters, not bytes.
struct SourceMark {
  int file = -1;  ///< index given by Diagnostics::add_source; -1: nowhere
  int line = 1;
  int column = 1;
  int width = 1;  ///< characters under the caret

  [[nodiscard]] bool is_known() const noexcept { return file >= 0; }
  auto operator<=>(const SourceMark&) const = default;  // NOLINT(modernize-use-nullptr): there is no pointer
};

/// Where a key was written, and its value.
struct KeyPlace {
  SourceMark key;    ///< of the key; of the item itself in a list
  SourceMark value;  ///< of a scalar, else as `key`
};

class Diagnostics {
 public:
  using Severity = Issue::Severity;

  struct Entry {
    Severity severity = Severity::error;
    SourceMark mark;
    std::string key;     ///< full path, or empty
    std::string reason;  ///< what is wrong, what is allowed
    std::string hint;    ///< beside the caret: what to write instead; may be empty

    bool operator==(const Entry&) const = default;
  };

  /// Registers a file, in the order in which its complaints are to appear. Returns its index.
  int add_source(std::string name, std::string_view text);

  void error(const SourceMark& mark, std::string key, std::string reason, std::string hint = {});
  void warning(const SourceMark& mark, std::string key, std::string reason, std::string hint = {});

  /// Remembers where a full key was written; the last place wins.
  void place_key(std::string key, const KeyPlace& place);

  /// Adds a complaint that knows only its key, at the place of the key or of its closest known ancestor.
  void add(const Issue& issue);
  void add(std::span<const Issue> issues);

  /// Adds what another reading of the same files found and this one does not know yet, with a remark after the reason.
  /// What differs in numbers alone is known.
  void absorb(const Diagnostics& other, const std::function<std::string(const Entry&)>& remark);

  [[nodiscard]] std::optional<KeyPlace> find_place(std::string_view key) const;
  /// The place of a part of a scalar, `offset` and `length` in bytes of its text. That of the whole scalar where the file
  /// does not write the text as it is (escapes, several lines).
  [[nodiscard]] SourceMark place_within(const SourceMark& scalar, std::string_view text, std::size_t offset,
                                        std::size_t length) const;
  [[nodiscard]] std::string source_name(int file) const;  ///< "" for -1
  [[nodiscard]] const std::map<std::string, KeyPlace, std::less<>>& key_places() const noexcept { return places_; }

  [[nodiscard]] bool has_errors() const noexcept { return error_count() > 0; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t error_count() const noexcept;
  [[nodiscard]] std::size_t warning_count() const noexcept;

  /// By file and position, without repetitions.
  [[nodiscard]] std::vector<Entry> sorted() const;

  /// One block per complaint and a closing count, without a final newline; "" if there are none.
  /// `color`: ANSI colours for a terminal.
  [[nodiscard]] std::string render(bool color = false) const;

 private:
  struct Source {
    std::string name;
    std::vector<std::string> lines;
  };

  [[nodiscard]] std::string excerpt(const Entry& entry) const;

  std::vector<Source> sources_;
  std::vector<Entry> entries_;
  std::map<std::string, KeyPlace, std::less<>> places_;
};

/// The candidate closest to `name` (Damerau-Levenshtein; hyphen and underscore count as equal), if it is close.
[[nodiscard]] std::optional<std::string> nearest_name(std::string_view name, std::span<const std::string> candidates);

/// `; did you mean "window"?`, or "" where nothing is close.
[[nodiscard]] std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

}  // namespace repoquake::io
