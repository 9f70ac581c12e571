#include "io/csv_lines.hpp"

#include <algorithm>
#include <utility>

#include "repoquake/io/series_csv.hpp"

namespace repoquake::io {

std::string shown_cell(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, 40)) out += c >= 0x20 && c < 0x7F ? c : '?';
  return out + (text.size() > 40 ? "…\"" : "\"");
}

bool CsvLines::is_full() const { return complaints_ >= kMaxSeriesComplaints; }

bool CsvLines::find_header(std::vector<Cell>& cells) {
  do {
    if (!next_row(cells)) return false;
  } while (cells.front().text.starts_with('#') || is_blank(cells));
  has_header = true;
  return true;
}

void CsvLines::complain(const SourceMark& mark, const std::string& key, const std::string& reason,
                        const std::string& hint) {
  if (is_full()) return;
  diagnostics_.error(
      mark, key,
      ++complaints_ == kMaxSeriesComplaints ? reason + " (further errors of this file are not shown)" : reason, hint);
}

bool CsvLines::next_row(std::vector<Cell>& cells) {
  if (rest_.empty()) return false;
  const auto end = rest_.find('\n');
  std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++line_;
  cells.clear();
  if (line.starts_with('#') && !has_header) {
    cells.push_back({"#", {.file = file_, .line = line_}});
    return true;
  }
  std::size_t at = 0;
  do at = take_cell(line, at, cells);
  while (at != std::string_view::npos);
  return true;
}

std::size_t CsvLines::take_cell(std::string_view line, std::size_t from, std::vector<Cell>& cells) {
  Cell cell{{}, {.file = file_, .line = line_, .column = static_cast<int>(from) + 1}};
  std::size_t at = line.find_first_not_of(" \t", from);
  if (at == std::string_view::npos) at = line.size();
  std::size_t end = 0;
  if (at < line.size() && line[at] == '"') {
    for (++at; at < line.size() && (line[at] != '"' || line.substr(at, 2) == "\"\""); ++at) {
      cell.text += line[at];
      if (line[at] == '"') ++at;
    }
    if (at == line.size()) complain(cell.mark, "", "the quotes are not closed in this line");
    end = std::min(line.find(',', std::min(at + 1, line.size())), line.size());
    const auto between = at < line.size() ? line.substr(at + 1, end - at - 1) : std::string_view{};
    if (between.find_first_not_of(" \t") != std::string_view::npos)
      complain(cell.mark, "", "text after the closing quotes");
  } else {
    end = std::min(line.find(',', at), line.size());
    std::string_view text = line.substr(at, end - at);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    cell.text = text;
    cell.mark.column = static_cast<int>(at) + 1;
  }
  cell.mark.width = std::max(static_cast<int>(end - from), 1);
  if (!cell.text.empty()) cell.mark.width = static_cast<int>(cell.text.size());
  cells.push_back(std::move(cell));
  return end < line.size() ? end + 1 : std::string_view::npos;
}

}  // namespace repoquake::io
