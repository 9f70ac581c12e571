/// Lines and cells of CSV files from strangers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "repoquake/io/diagnostics.hpp"

namespace repoquake::io {

struct Cell {
  std::string text;
  SourceMark mark;
};

/// A cell as shown in a message.
[[nodiscard]] std::string shown_cell(std::string_view text);

/// Lines and cells of a CSV file, with their places; counts complaints and stops at a limit.
class CsvLines {
 public:
  CsvLines(std::string_view text, int file, Diagnostics& diagnostics)
      : rest_(text), file_(file), diagnostics_(diagnostics) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
  }

  bool has_header = false;  ///< lines that start with # are comments before it

  [[nodiscard]] int complaints() const { return complaints_; }
  [[nodiscard]] SourceMark here() const { return {.file = file_, .line = std::max(line_, 1)}; }

  /// The header, past comments and empty lines; false where there is none.
  bool find_header(std::vector<Cell>& cells);

  [[nodiscard]] bool is_full() const;

  void complain(const SourceMark& mark, const std::string& key, const std::string& reason,
                const std::string& hint = {});

  [[nodiscard]] static bool is_blank(const std::vector<Cell>& cells) {
    return cells.size() == 1 && cells.front().text.empty();
  }

  [[nodiscard]] bool only_blank_lines_follow() const {
    return rest_.find_first_not_of("\r\n \t") == std::string_view::npos;
  }

  /// The cells of the next line; false at the end of the file.
  bool next_row(std::vector<Cell>& cells);

 private:
  /// Adds the cell that starts at `from`; returns where the next one starts, npos after the last.
  std::size_t take_cell(std::string_view line, std::size_t from, std::vector<Cell>& cells);

  std::string_view rest_;
  int file_;
  Diagnostics& diagnostics_;
  int line_ = 0;
  int complaints_ = 0;
};

}  // namespace repoquake::io
