// Reply: what a server said, RFC 5321 §4.2 with the enhanced status codes of RFC 2034.
//
// Limits       the text is at most kReplyTextMax octets; what a server says beyond is dropped.
// Does not     parse: see reply_parser.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::smtp {

inline constexpr std::size_t kReplyTextMax = 8 * 1024;

// RFC 3463 status; {0,0,0} where the reply had none.
struct EnhancedCode {
  std::uint8_t cls = 0;
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;
  friend bool operator==(const EnhancedCode&, const EnhancedCode&) = default;
};
std::string render_enhanced(EnhancedCode code);  // "4.7.1"; empty for {0,0,0}

struct Reply {
  std::uint16_t code = 0;  // 0: there was no reply
  EnhancedCode enhanced;
  // Without codes; lines joined by '\n', tabs are spaces, other control characters '?'. Octets
  // above 127 are as they came.
  std::string text;

  bool positive() const { return code >= 200 && code < 400; }
  bool temporary() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500 && code < 600; }
  friend bool operator==(const Reply&, const Reply&) = default;
};
// "451 4.7.1 come back later": one line, for logs and DSNs.
std::string render_reply(const Reply& reply);

}  // namespace posthaste::smtp
