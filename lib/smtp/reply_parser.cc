#include "lib/smtp/reply_parser.h"

#include <algorithm>
#include <utility>

namespace posthaste::smtp {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads one to three digits off the front of `text`. False, and nothing read: there are none, or
// more.
bool take_number(std::string_view& text, std::uint16_t& number) {
  std::size_t digits = 0;
  unsigned value = 0;
  while (digits < text.size() && is_digit(text[digits])) {
    if (digits == 3) return false;
    value = value * 10 + static_cast<unsigned>(text[digits] - '0');
    ++digits;
  }
  if (digits == 0) return false;
  number = static_cast<std::uint16_t>(value);
  text.remove_prefix(digits);
  return true;
}

// Takes "4.7.1 " off the front of `text`. Only a class digit that agrees with the reply code counts
// (RFC 2034 §4): "250 5 items" or "450 5.1.1 …" is text, and the basic code decides.
bool take_enhanced(std::string_view& text, std::uint16_t code, EnhancedCode& enhanced) {
  const auto cls = static_cast<std::uint8_t>(code / 100);
  if (cls == 3 || text.size() < 5 || text[0] != static_cast<char>('0' + cls) || text[1] != '.')
    return false;
  std::string_view rest = text.substr(2);
  EnhancedCode found{cls, 0, 0};
  if (!take_number(rest, found.subject) || rest.empty() || rest.front() != '.') return false;
  rest.remove_prefix(1);
  if (!take_number(rest, found.detail)) return false;
  if (!rest.empty() && rest.front() != ' ') return false;
  if (!rest.empty()) rest.remove_prefix(1);
  enhanced = found;
  text = rest;
  return true;
}

char printable(char c) {
  const auto octet = static_cast<unsigned char>(c);
  if (c == '\t') return ' ';
  return octet < 0x20 || octet == 0x7F ? '?' : c;
}

}  // namespace

ReplyParser::Status ReplyParser::refuse(std::string words) {
  words_ = std::move(words);
  return Status::kGarbage;
}

ReplyParser::Status ReplyParser::parse(std::string_view& data, Reply& reply) {
  while (!data.empty()) {
    const std::size_t end = data.find('\n');
    const std::size_t length = end == std::string_view::npos ? data.size() : end;
    if (partial_.size() + length > kReplyLineMax)
      return refuse("a reply line is longer than 2048 octets");
    if (end == std::string_view::npos) {
      partial_.append(data);
      data = {};
      return Status::kMore;
    }
    std::string_view line = data.substr(0, end);
    if (!partial_.empty()) line = partial_.append(line);
    data.remove_prefix(end + 1);
    const Line kind = on_line(line);
    partial_.clear();
    if (kind == Line::kBad) return Status::kGarbage;
    if (kind == Line::kContinues) continue;
    reply = std::exchange(reply_, Reply{});
    lines_ = 0;
    return Status::kReply;
  }
  return Status::kMore;
}

// Tolerated, because servers do it: LF without CR, a code with nothing behind it.
ReplyParser::Line ReplyParser::on_line(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const bool numbered = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) &&
                        is_digit(line[2]) && (line.size() == 3 || line[3] == ' ' || line[3] == '-');
  if (!numbered) {
    words_ = "what came is no reply: \"";
    std::transform(
        line.begin(),
        line.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(line.size(), 80)),
        std::back_inserter(words_), printable);
    words_ += '"';
    return Line::kBad;
  }
  const auto code =
      static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
  if (lines_ > 0 && code != reply_.code) {
    words_ = "the lines of a reply have different codes";  // RFC 5321 §4.2.1
    return Line::kBad;
  }
  if (++lines_ > kReplyLinesMax) {
    words_ = "a reply has more than 128 lines";
    return Line::kBad;
  }
  reply_.code = code;
  add_text(line.substr(std::min<std::size_t>(line.size(), 4)));
  return line.size() > 3 && line[3] == '-' ? Line::kContinues : Line::kEnds;
}

void ReplyParser::add_text(std::string_view text) {
  EnhancedCode enhanced;
  std::string_view bare = text;
  if (take_enhanced(bare, reply_.code, enhanced)) {
    if (reply_.enhanced == EnhancedCode{}) reply_.enhanced = enhanced;
    // A later line with a code of its own keeps it: it says something that the first did not.
    if (reply_.enhanced == enhanced) text = bare;
  }
  std::string& into = reply_.text;
  if (lines_ > 1 && into.size() < kReplyTextMax) into += '\n';
  const std::size_t room = kReplyTextMax - into.size();
  const std::size_t from = into.size();
  into.append(text.substr(0, room));
  std::transform(into.begin() + static_cast<std::ptrdiff_t>(from), into.end(),
                 into.begin() + static_cast<std::ptrdiff_t>(from), printable);
}

}  // namespace posthaste::smtp
