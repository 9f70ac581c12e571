#include "repoquake/io/series_csv.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "io/csv_lines.hpp"
#include "repoquake/calendar/business_calendar.hpp"
#include "repoquake/io/quantity.hpp"

namespace repoquake::io {
namespace {

using calendar::to_iso;
using scenario::Date;
using scenario::SeriesColumnSpec;
using scenario::Unit;

constexpr double kMaxUsdBn = 50'000.0;  // as for the amounts of a scenario
constexpr double kMaxBp = 10'000.0;
constexpr double kMaxPercent = 100.0;

struct Column {
  const SeriesColumnSpec* spec = nullptr;  ///< nullptr: the column was refused
  scenario::SeriesColumn data;
};

class SeriesReader {
 public:
  SeriesReader(std::string_view text, int file, const std::optional<scenario::Window>& window, Diagnostics& diagnostics)
      : csv_(text, file, diagnostics) {
    if (window) {
      for (Date day = window->start; day <= window->end; day = calendar::next_publication_day(day))
        expected_.push_back(day);
    }
    has_window_ = window.has_value();
  }

  std::optional<scenario::Series> read() {
    std::vector<Cell> cells;
    if (!csv_.find_header(cells)) {
      csv_.complain(csv_.here(), "", "the file has no header; it starts with date, then columns");
      return std::nullopt;
    }
    const std::string& first = cells.front().text;
    const bool is_text =
        first.find('\0') == std::string::npos && !first.starts_with("\xFF\xFE") && !first.starts_with("\xFE\xFF");
    if (!is_text || first.find(';') != std::string::npos) {  // each cell would be wrong: one complaint is enough
      csv_.complain(cells.front().mark, "",
                    is_text ? "cells are separated by commas, not by semicolons" : "is not a CSV in UTF-8");
      return std::nullopt;
    }
    read_header(cells);
    while (!csv_.is_full() && csv_.next_row(cells)) {
      if (!CsvLines::is_blank(cells))
        read_row(cells);
      else if (!csv_.only_blank_lines_follow())
        csv_.complain(csv_.here(), "", "an empty line between rows");
    }
    if (!csv_.is_full()) check_end();
    if (csv_.complaints() > 0) return std::nullopt;
    for (auto& column : columns_) series_.columns.push_back(std::move(column.data));
    return std::move(series_);
  }

 private:
  // ---- header

  void read_header(const std::vector<Cell>& cells) {
    if (cells.front().text != "date")
      csv_.complain(cells.front().mark, "", "the first column must be date, got " + shown_cell(cells.front().text));
    header_size_ = cells.size();
    for (std::size_t i = 1; i < cells.size() && !csv_.is_full(); ++i) {
      const auto& cell = cells[i];
      const auto known = scenario::series_columns();
      const auto spec = std::ranges::find(known, cell.text, &SeriesColumnSpec::name);
      const bool is_repeated =
          std::ranges::any_of(columns_, [&](const Column& c) { return c.spec != nullptr && c.data.name == cell.text; });
      columns_.emplace_back();
      if (spec == known.end()) {
        csv_.complain(cell.mark, "", "unknown column " + shown_cell(cell.text) + column_hint(cell.text));
      } else if (is_repeated) {
        csv_.complain(cell.mark, "", "the column " + cell.text + " is given twice");
      } else {
        columns_.back() = {&*spec, {cell.text, {}}};
      }
    }
  }

  [[nodiscard]] static std::string column_hint(const std::string& name) {
    std::vector<std::string> names{"date"};
    for (const auto& spec : scenario::series_columns()) names.emplace_back(spec.name);
    const auto nearest = did_you_mean(name, names);
    return nearest.empty() ? "; columns: " + list_names_of(names) : nearest;
  }

  [[nodiscard]] static std::string list_names_of(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
  }

  // ---- rows

  void read_row(const std::vector<Cell>& cells) {
    read_date(cells.front());
    if (cells.size() != header_size_) {
      csv_.complain(
          cells.back().mark, "",
          "the row has " + std::to_string(cells.size()) + " cells, the header " + std::to_string(header_size_));
      return;
    }
    for (std::size_t i = 1; i < cells.size(); ++i) {
      auto& column = columns_[i - 1];
      if (column.spec != nullptr) column.data.values.push_back(read_value(cells[i], *column.spec));
    }
  }

  void read_date(const Cell& cell) {
    const auto parsed = parse_date(cell.text);
    if (!parsed.value) {
      csv_.complain(cell.mark, "date", parsed.reason, parsed.hint.empty() ? "" : "write it like 2019-09-16");
      dates_are_known_ = false;
      return;
    }
    const Date date = *parsed.value;
    const bool is_later = series_.dates.empty() || date > series_.dates.back();
    if (!is_later) {
      csv_.complain(cell.mark, "date", to_iso(date) + " does not come after " + to_iso(series_.dates.back()));
      dates_are_known_ = false;
      return;
    }
    if (has_window_ && dates_are_known_) check_against_window(cell, date);
    series_.dates.push_back(date);
  }

  void check_against_window(const Cell& cell, Date date) {
    if (!std::ranges::binary_search(expected_, date)) {
      const bool is_outside = date < expected_.front() || date > expected_.back();
      csv_.complain(cell.mark, "date",
                    to_iso(date) + (is_outside ? " lies outside the window, " + window_text()
                                               : " is not a publication day of SOFR"));
      return;
    }
    if (date != expected_[next_expected_]) csv_.complain(cell.mark, "date", missing_text(date));
    while (next_expected_ < expected_.size() && expected_[next_expected_] <= date) ++next_expected_;
  }

  /// Expected, not there, before `until`.
  [[nodiscard]] std::string missing_text(std::optional<Date> until) const {
    std::size_t count = 0;
    while (next_expected_ + count < expected_.size() && (!until || expected_[next_expected_ + count] < *until)) ++count;
    return to_iso(expected_[next_expected_]) + " is missing" +
           (count > 1 ? " (with " + std::to_string(count - 1) + " more)" : "") +
           "; a row for each publication day of the window, " + window_text();
  }

  [[nodiscard]] std::string window_text() const {
    return to_iso(expected_.front()) + " to " + to_iso(expected_.back());
  }

  std::optional<double> read_value(const Cell& cell, const SeriesColumnSpec& spec) {
    if (cell.text.empty()) return std::nullopt;
    const std::string key(spec.name);
    const auto number = parse_number(cell.text);
    if (!number.value) {
      csv_.complain(cell.mark, key, number.reason);
      return std::nullopt;
    }
    const double value = *number.value;
    const double limit = spec.unit == Unit::usd_bn ? kMaxUsdBn : spec.unit == Unit::bp ? kMaxBp : kMaxPercent;
    if (value < 0.0 && !spec.may_be_negative)
      csv_.complain(cell.mark, key, "must not be negative, got " + shown_cell(cell.text));
    else if (value == 0.0 && spec.name == "treasury_volatility_bp")
      csv_.complain(cell.mark, key, "must be above 0; leave the cell blank where it is not known");
    else if (std::abs(value) > limit)
      csv_.complain(cell.mark, key, "is out of range, got " + shown_cell(cell.text) + "; units are in the column name");
    return value;
  }

  void check_end() {
    const SourceMark end = csv_.here();
    if (has_window_ && dates_are_known_ && next_expected_ < expected_.size())
      csv_.complain(end, "date", missing_text(std::nullopt));
    else if (series_.dates.empty() && csv_.complaints() == 0)
      csv_.complain(end, "", "the file has no rows");
  }

  CsvLines csv_;
  bool has_window_ = false;
  bool dates_are_known_ = true;  ///< every date so far could be read and is later than the one before
  std::vector<Date> expected_;   ///< the publication days of the window
  std::size_t next_expected_ = 0;
  std::size_t header_size_ = 0;
  std::vector<Column> columns_;
  scenario::Series series_;
};

/// The suffix that a column of this unit has.
std::string_view suffix_of(Unit unit) { return unit == Unit::bp ? "_bp" : "_usd_bn"; }

}  // namespace

std::optional<std::vector<double>> parse_column(std::string_view text, int file, const std::string& name, Unit unit,
                                                Diagnostics& diagnostics) {
  CsvLines csv(text, file, diagnostics);
  std::vector<Cell> cells;
  if (!csv.find_header(cells)) {
    csv.complain(csv.here(), "", "the file has no header");
    return std::nullopt;
  }
  const auto found = std::ranges::find(cells, name, &Cell::text);
  if (found == cells.end()) {
    std::vector<std::string> names;
    for (const auto& cell : cells) names.push_back(cell.text);
    const auto nearest = did_you_mean(name, names);
    csv.complain(cells.front().mark, "", "no column is called " + shown_cell(name) + nearest);
    return std::nullopt;
  }
  if (!name.ends_with(suffix_of(unit))) {
    csv.complain(found->mark, "", "the name must end with its unit, " + std::string(suffix_of(unit)));
    return std::nullopt;
  }
  const auto place = static_cast<std::size_t>(found - cells.begin());
  std::vector<double> values;
  while (!csv.is_full() && csv.next_row(cells)) {
    if (place >= cells.size() || cells[place].text.empty()) continue;  // not known on this row
    if (const auto number = parse_number(cells[place].text); number.value)
      values.push_back(*number.value);
    else
      csv.complain(cells[place].mark, name, number.reason);
  }
  if (values.empty() && csv.complaints() == 0) csv.complain(csv.here(), name, "the column has no values");
  if (csv.complaints() > 0) return std::nullopt;
  return values;
}

std::optional<scenario::Series> parse_series(std::string_view text, int file,
                                             const std::optional<scenario::Window>& window, Diagnostics& diagnostics) {
  return SeriesReader(text, file, window, diagnostics).read();
}

}  // namespace repoquake::io
