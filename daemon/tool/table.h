// Table: rows of text in aligned columns, for a terminal.
//
// Lifetime     a value. Threads: any.
// Limits       where the width is known, flexible columns and the last one are cut until a row
//              fits, the widest first, and none to less than kCellMin.
// Does not     wrap lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthaste::daemon::tool {

struct Style {
  bool colour = false;
  std::size_t width = 0;  // columns of the terminal; 0: no terminal
  bool blocks = false;    // the terminal knows UTF-8, so that bars may be drawn with blocks
  bool asks = false;      // somebody is there to be asked, and to watch

  std::string bold(std::string_view text) const;
  std::string good(std::string_view text) const;  // green
  std::string bad(std::string_view text) const;   // red
  std::string dull(std::string_view text) const;  // grey
};

// What came from outside, made fit for a terminal: one line, no control characters (they could move
// the cursor or worse), no octets that are not UTF-8.
std::string printable(std::string_view text);

// How many columns `text` takes, counting each code point as one.
std::size_t display_width(std::string_view text);

enum class Align : unsigned char { kLeft, kRight };
struct Column {
  std::string title;
  Align align = Align::kLeft;
  bool flexible = false;
};

class Table {
 public:
  static constexpr std::size_t kCellMin = 8;

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // Cells are made printable(). REQUIRES one for each column.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // Titles and rows, each line ended by a line feed, without spaces at its end.
  std::string render(const Style& style) const;

 private:
  std::vector<std::size_t> widths(const Style& style) const;
  std::string line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                   bool cuts) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace posthaste::daemon::tool
