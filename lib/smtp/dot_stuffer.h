// DotStuffer: the transparency of DATA (RFC 5321 §4.5.2) for content that comes in chunks.
//
// A chunk without a dot at the start of a line, which is nearly every chunk, goes out as it is,
// uncopied.
//
// Lifetime     one message.
// Threads      none: one thread at a time.
// Implements   RFC 5321 §4.5.2, §4.1.1.4.
// Does not     mend line ends.
//
// DEVIATES RFC 5321 §4.5.2: a dot behind a lone CR or LF is stuffed too, so that receivers that
// take such for a line end find no end of data inside our content (SMTP smuggling,
// CVE-2023-51764). RFC 5321 §2.3.8 forbids such content anyway.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthaste::smtp {

class DotStuffer {
 public:
  // Takes note of the next chunk. nullopt: it goes out as it is; else the stuffed copy goes in its
  // place.
  std::optional<std::string> stuff(std::string_view chunk);
  // What ends the content: the CRLF that it lacks, if any, and the dot.
  std::string_view terminator() const {
    return last_ == '\n' && before_ == '\r' ? ".\r\n" : "\r\n.\r\n";
  }

 private:
  bool line_start() const { return last_ == '\n' || last_ == '\r'; }

  char before_ = '\r';  // the last two octets so far; the beginning counts as behind a CRLF
  char last_ = '\n';
};

}  // namespace posthaste::smtp
