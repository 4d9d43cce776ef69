// Reply: what a server said, RFC 5321 §4.2 with RFC 2034 codes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::smtp {

// RFC 3463 status; {0,0,0} where the reply had none.
struct EnhancedCode {
  std::uint8_t cls = 0;
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;
  friend bool operator==(const EnhancedCode&, const EnhancedCode&) = default;
};
std::string render_enhanced(EnhancedCode code);  // "4.7.1"

struct Reply {
  std::uint16_t code = 0;  // 0: there was no reply
  EnhancedCode enhanced;
  std::string text;  // without codes; lines joined by '\n', other control characters replaced by '?'

  bool positive() const { return code >= 200 && code < 400; }
  bool temporary() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500 && code < 600; }
  friend bool operator==(const Reply&, const Reply&) = default;
};
// "451 4.7.1 come back later": one line, for logs and DSNs.
std::string render_reply(const Reply& reply);

}  // namespace posthaste::smtp
