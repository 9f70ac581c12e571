/// A search of `reverse` written for scripts (docs/reverse.md): every value that was tried, crossings, intervals.
///
/// Bytes    Every dataset outside /provenance and every attribute but `created` depend on the search only.
/// Errors   IoError; whatever was at the path is then untouched.
#pragma once

#include <string>

#include "repoquake/io/result_writer.hpp"
#include "repoquake/study/reverse.hpp"

namespace repoquake::io {

/// Writes PATH.partial and renames it.
void write_reverse(const std::string& path, bool force, const study::Reverse& reverse, const Provenance& provenance,
                   int threads, double seconds);

/// What is in a file, without the curves' own points: enough for report::reverse_table. DataError where it is no search.
[[nodiscard]] study::Reverse read_reverse(const std::string& path);

}  // namespace repoquake::io
