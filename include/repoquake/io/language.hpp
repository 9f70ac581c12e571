/// The language of scenario files, key by key: what the reader asks for, with what a person needs to know about it.
/// Schema, reference page and `explain` are made from this list, so they cannot differ from the reader.
#pragma once

#include <string>
#include <vector>

#include "repoquake/io/map_reader.hpp"

namespace repoquake::io {

struct LanguageKey {
  KeyRecord record;     ///< as the reader asks for it
  std::string meaning;  ///< one sentence or less
  std::string range;    ///< what is allowed beyond the form, in words; may be empty
  std::string source;   ///< of a default; may be empty
};

/// Every key of a scenario file, in the order in which people read it. A key without a meaning would be a mistake of ours.
[[nodiscard]] std::vector<LanguageKey> scenario_language();

/// Every key of a sweep file, likewise.
[[nodiscard]] std::vector<LanguageKey> sweep_language();

/// The entry of a key of a scenario: "shocks.tga-build.size" and "shocks[0].size" are "shocks[].size". nullptr: unknown.
[[nodiscard]] const LanguageKey* find_key(const std::vector<LanguageKey>& language, std::string_view key);

/// What a form of a value looks like, e.g. `5 bp`.
[[nodiscard]] std::string example_of(const KeyRecord& record);

}  // namespace repoquake::io
