#include "daemon/tool/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/check.h"

namespace posthaste::daemon::tool {
namespace {

constexpr std::string_view kGap = "  ";

std::string in_colour(bool colour, const char* code, std::string_view text) {
  if (!colour) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// How long the UTF-8 sequence at the front is; 0: it is none, or a C1 control character.
std::size_t sequence_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                                            : 4;
  if (length == 0 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[i])) return 0;
  }
  const bool c1 = first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
  return c1 ? 0 : length;
}

std::string cut(const std::string& text, std::size_t width) {
  if (display_width(text) <= width || width < 2) return text;
  std::size_t end = 0;
  for (std::size_t columns = 0; columns < width - 1; ++columns) {
    ++end;
    while (end < text.size() && is_continuation(text[end])) ++end;
  }
  return text.substr(0, end) + "…";
}

}  // namespace

std::string Style::bold(std::string_view text) const { return in_colour(colour, "1", text); }
std::string Style::good(std::string_view text) const { return in_colour(colour, "32", text); }
std::string Style::bad(std::string_view text) const { return in_colour(colour, "31", text); }
std::string Style::dull(std::string_view text) const { return in_colour(colour, "2", text); }

std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const auto first = static_cast<unsigned char>(text[0]);
    if (first == '\n' || first == '\t') {
      clean += ' ';
    } else if (length == 0 || first < ' ' || first == 0x7F) {
      if (first != '\r') clean += '?';
    } else {
      clean += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

std::size_t display_width(std::string_view text) {
  return text.size() -
         static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_continuation));
}

void Table::add(std::vector<std::string> cells) {
  CHECK(cells.size() == columns_.size());
  for (auto& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

// What each column gets.
std::vector<std::size_t> Table::widths(const Style& style) const {
  std::vector<std::size_t> widths;
  std::size_t total = kGap.size() * (columns_.size() - 1);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    widths.push_back(display_width(columns_[i].title));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], display_width(row[i]));
    total += widths[i];
  }
  while (style.width != 0 && total > style.width) {
    std::size_t widest = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const bool may = columns_[i].flexible || i + 1 == columns_.size();
      if (!may || widths[i] <= kCellMin) continue;
      if (widest == columns_.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == columns_.size()) break;
    --widths[widest];
    --total;
  }
  return widths;
}

std::string Table::line(const std::vector<std::string>& cells,
                        const std::vector<std::size_t>& widths, bool cuts) const {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string cell = cuts ? cut(cells[i], widths[i]) : cells[i];
    const std::size_t width = display_width(cell);
    const std::string pad(widths[i] > width ? widths[i] - width : 0, ' ');
    text += columns_[i].align == Align::kRight ? pad + cell : cell + pad;
    if (i + 1 != cells.size()) text += kGap;
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string Table::render(const Style& style) const {
  const auto room = widths(style);
  std::vector<std::string> titles;
  for (const auto& column : columns_) titles.push_back(column.title);
  std::string text = style.bold(line(titles, room, false)) + "\n";
  for (const auto& row : rows_) text += line(row, room, style.width != 0) + "\n";
  return text;
}

}  // namespace posthaste::daemon::tool
