#include "repoquake/io/diagnostics.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <span>
#include <tuple>
#include <utility>

namespace repoquake::io {
namespace {

constexpr std::size_t kMaxRendered = 100;      // complaints; nobody reads more, and a broken file can have thousands
constexpr std::size_t kMaxExcerpt = 160;       // characters of a source line
constexpr std::size_t kMaxNameToCompare = 64;  // characters
constexpr std::size_t kLineNumberWidth = 5;

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

/// A character as it may be printed: controls become a space, what is not UTF-8 a question mark.
std::string printable(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character.front());
  if (lead < 0x20 || lead == 0x7F) return " ";
  const std::size_t expected = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  return character.size() == expected ? std::string(character) : "?";
}

/// A piece of a line around a place in it.
struct Piece {
  std::vector<std::string> characters;
  std::size_t first = 0;  ///< index in the line of the first of them
  bool goes_on = false;   ///< the line is longer
};

Piece cut(std::string_view line, std::size_t around) {
  const auto length = static_cast<std::size_t>(std::ranges::count_if(line, starts_character));
  Piece piece;
  around = std::min(around, length);
  piece.first = length <= kMaxExcerpt || around < kMaxExcerpt / 2 ? 0 : around - kMaxExcerpt / 2;
  piece.goes_on = length > piece.first + kMaxExcerpt;
  std::size_t index = 0;
  for (std::size_t i = 0; i < line.size() && index < piece.first + kMaxExcerpt; ++index) {
    std::size_t end = i + 1;
    while (end < line.size() && !starts_character(line[end])) ++end;
    if (index >= piece.first) piece.characters.push_back(printable(line.substr(i, end - i)));
    i = end;
  }
  return piece;
}

std::string counted(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string_view parent_key(std::string_view key) {
  const auto cut = key.find_last_of(".[");
  return cut == std::string_view::npos ? std::string_view{} : key.substr(0, cut);
}

std::string comparable(std::string_view name) {
  std::string text;
  for (const char c : name.substr(0, kMaxNameToCompare))
    text += c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// The same words in another order are the same name: tga_bn_usd for tga_usd_bn.
std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    if (c == '_')
      words.emplace_back();
    else
      words.back() += c;
  }
  std::ranges::sort(words);
  return words;
}

/// Damerau-Levenshtein distance with adjacent transpositions (optimal string alignment).
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, row);
  }
  return previous[b.size()];
}

}  // namespace

int Diagnostics::add_source(std::string name, std::string_view text) {
  Source source{std::move(name), {}};
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    source.lines.emplace_back(line);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  sources_.push_back(std::move(source));
  return static_cast<int>(sources_.size()) - 1;
}

void Diagnostics::error(const SourceMark& mark, std::string key, std::string reason, std::string hint) {
  entries_.push_back({Severity::error, mark, std::move(key), std::move(reason), std::move(hint)});
}

void Diagnostics::warning(const SourceMark& mark, std::string key, std::string reason, std::string hint) {
  entries_.push_back({Severity::warning, mark, std::move(key), std::move(reason), std::move(hint)});
}

void Diagnostics::place_key(std::string key, const KeyPlace& place) { places_.insert_or_assign(std::move(key), place); }

void Diagnostics::add(const Issue& issue) {
  SourceMark mark;
  if (const auto place = find_place(issue.key)) {
    mark = place->value;
  } else {
    auto ancestor = parent_key(issue.key);
    while (!ancestor.empty() && !find_place(ancestor)) ancestor = parent_key(ancestor);
    if (const auto found = find_place(ancestor)) mark = found->key;
  }
  entries_.push_back({issue.severity, mark, issue.key, issue.reason, {}});
}

void Diagnostics::add(std::span<const Issue> issues) {
  for (const auto& issue : issues) add(issue);
}

namespace {

/// A reason without its numbers.
std::string words_of_reason(const std::string& reason) {
  std::string words;
  for (const char c : reason)
    if ((c < '0' || c > '9') && c != '.' && c != '-') words += c;
  return words;
}

}  // namespace

void Diagnostics::absorb(const Diagnostics& other, const std::function<std::string(const Entry&)>& remark) {
  std::map<int, int> files{{-1, -1}};  // of the other's sources, here
  const auto file_here = [&](int file) {
    const auto [known, is_new] = files.try_emplace(file, 0);
    if (!is_new) return known->second;
    const Source& source = other.sources_.at(static_cast<std::size_t>(file));
    auto found = std::ranges::find(sources_, source.name, &Source::name);
    if (found == sources_.end()) found = sources_.insert(sources_.end(), source);
    return known->second = static_cast<int>(found - sources_.begin());
  };
  for (Entry entry : other.entries_) {
    entry.mark.file = file_here(entry.mark.file);
    const std::string words = words_of_reason(entry.reason);
    const bool is_known = std::ranges::any_of(entries_, [&](const Entry& known) {
      return known.mark == entry.mark && known.key == entry.key && words_of_reason(known.reason).starts_with(words);
    });
    if (is_known) continue;
    entry.reason += remark(entry);
    entries_.push_back(std::move(entry));
  }
}

std::optional<KeyPlace> Diagnostics::find_place(std::string_view key) const {
  const auto place = places_.find(key);
  if (place == places_.end()) return std::nullopt;
  return place->second;
}

SourceMark Diagnostics::place_within(const SourceMark& scalar, std::string_view text, std::size_t offset,
                                     std::size_t length) const {
  if (!scalar.is_known()) return scalar;
  const auto& lines = sources_.at(static_cast<std::size_t>(scalar.file)).lines;
  const auto index = static_cast<std::size_t>(scalar.line) - 1;
  if (index >= lines.size()) return scalar;
  const std::string_view line = lines[index];
  const auto count = [](std::string_view part) {
    return static_cast<int>(std::ranges::count_if(part, starts_character));
  };

  std::size_t start = 0;  // bytes before the scalar
  for (int column = 1; column < scalar.column && start < line.size(); ++column) do
      ++start;
    while (start < line.size() && !starts_character(line[start]));
  SourceMark place = scalar;
  if (start < line.size() && (line[start] == '"' || line[start] == '\'')) {
    ++start;
    ++place.column;
  }
  offset = std::min(offset, text.size());
  length = std::min(length, text.size() - offset);
  if (start > line.size() || line.substr(start, offset + length) != text.substr(0, offset + length)) return scalar;
  place.column += count(text.substr(0, offset));
  place.width = std::max(count(text.substr(offset, length)), 1);
  return place;
}

std::string Diagnostics::source_name(int file) const {
  return file < 0 ? std::string{} : sources_.at(static_cast<std::size_t>(file)).name;
}

std::size_t Diagnostics::error_count() const noexcept {
  return static_cast<std::size_t>(std::ranges::count(entries_, Severity::error, &Entry::severity));
}

std::size_t Diagnostics::warning_count() const noexcept { return entries_.size() - error_count(); }

std::vector<Diagnostics::Entry> Diagnostics::sorted() const {
  std::vector<Entry> sorted;
  std::set<std::pair<SourceMark, std::string>> seen;
  for (const auto& entry : entries_)
    if (seen.emplace(entry.mark, entry.key + '\n' + entry.reason).second) sorted.push_back(entry);
  std::ranges::stable_sort(sorted, {}, [](const Entry& entry) {
    return std::tuple{entry.mark.file, entry.mark.line, entry.mark.column};
  });
  return sorted;
}

std::string Diagnostics::excerpt(const Entry& entry) const {
  if (!entry.mark.is_known()) return {};
  const auto& lines = sources_.at(static_cast<std::size_t>(entry.mark.file)).lines;
  const auto index = static_cast<std::size_t>(entry.mark.line) - 1;
  if (index >= lines.size()) return {};

  const auto column = static_cast<std::size_t>(entry.mark.column) - 1;
  const auto piece = cut(lines[index], column);
  const auto caret = std::min(column, piece.first + piece.characters.size()) - piece.first;
  const auto space = std::max<std::size_t>(piece.characters.size() - caret, 1);
  const auto width = std::clamp<std::size_t>(static_cast<std::size_t>(entry.mark.width), 1, space);

  const std::string number = std::to_string(entry.mark.line);
  const std::string margin(kLineNumberWidth > number.size() ? kLineNumberWidth - number.size() : 0, ' ');
  const std::string left = piece.first > 0 ? "… " : "";
  std::string text = "\n" + margin + number + " | " + left;
  for (const auto& character : piece.characters) text += character;
  text += piece.goes_on ? " …" : "";
  text += "\n" + std::string(margin.size() + number.size(), ' ') + " | " +
          std::string(caret + (piece.first > 0 ? 2 : 0), ' ') + std::string(width, '^');
  if (!entry.hint.empty()) text += " " + entry.hint;
  return text;
}

namespace {

/// Bytes of the input that a terminal would obey are shown as "?".
std::string without_control(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n') || byte == 0x7F) c = c == '\t' ? ' ' : '?';
  }
  return text;
}

}  // namespace

std::string Diagnostics::render(bool color) const {
  const auto entries = sorted();
  if (entries.empty()) return {};

  std::string text;
  for (const auto& entry : std::span(entries).first(std::min(entries.size(), kMaxRendered))) {
    const bool is_error = entry.severity == Severity::error;
    std::string label = is_error ? "error" : "warning";
    if (color) label = (is_error ? "\033[1;31m" : "\033[1;33m") + label + "\033[0m";
    if (entry.mark.is_known())
      text += source_name(entry.mark.file) + ":" + std::to_string(entry.mark.line) + ":" +
              std::to_string(entry.mark.column) + ": ";
    text += label + ": " +
            without_control((entry.key.empty() ? "" : entry.key + ": ") + entry.reason + excerpt(entry)) + "\n";
  }
  if (entries.size() > kMaxRendered) text += "… and " + std::to_string(entries.size() - kMaxRendered) + " more\n";

  const auto errors = static_cast<std::size_t>(std::ranges::count(entries, Severity::error, &Entry::severity));
  const auto warnings = entries.size() - errors;
  if (errors > 0) text += counted(errors, "error");
  if (errors > 0 && warnings > 0) text += ", ";
  if (warnings > 0) text += counted(warnings, "warning");
  return text;
}

std::optional<std::string> nearest_name(std::string_view name, std::span<const std::string> candidates) {
  const std::string wanted = comparable(name);
  const std::string* nearest = nullptr;
  std::size_t least = std::max<std::size_t>(wanted.size() / 3, 1);  // one slip in a short word, a few in a long one
  for (const auto& candidate : candidates) {
    const std::string other = comparable(candidate);
    const auto distance = words_of(wanted) == words_of(other) ? 0 : edit_distance(wanted, other);
    const bool is_close = distance <= least && distance < std::min(wanted.size(), other.size());
    if (is_close && (nearest == nullptr || distance < least)) {
      nearest = &candidate;
      least = distance;
    }
  }
  if (nearest == nullptr) return std::nullopt;
  return *nearest;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> candidates) {
  const auto nearest = nearest_name(name, candidates);
  return nearest ? "; did you mean \"" + *nearest + "\"?" : "";
}

}  // namespace repoquake::io
