#include "daemon/tool/message_content.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lib/mail/date.h"

namespace posthaste::daemon::tool {
namespace {

// "Subject: …": RFC 5322 §3.6.8, printable ASCII but the colon.
bool begins_with_field(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](char c) { return c > ' ' && c < 0x7F; });
}

std::string with_crlf(std::string_view text) {
  std::string made;
  made.reserve(text.size() + text.size() / 32);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      made += "\r\n";
    } else if (text[i] != '\r') {
      made += text[i];
    } else if (i + 1 >= text.size() || text[i + 1] != '\n') {
      made += "\r\n";  // a bare CR ends a line too: it must not reach SMTP (RFC 5321 §2.3.8)
    }
  }
  if (!made.empty() && !made.ends_with("\r\n")) made += "\r\n";
  return made;
}

}  // namespace

std::string prepare_content(std::string_view text, const Letterhead& head) {
  const std::string content = with_crlf(text);
  if (begins_with_field(content)) return content;
  return fmt::format(
             "From: <{}>\r\n"
             "To: <{}>\r\n"
             "Subject: sent by posthaste send\r\n"
             "Date: {}\r\n"
             "Message-ID: <{}>\r\n"
             "\r\n",
             head.from.empty() ? "postmaster@localhost" : head.from, fmt::join(head.to, ">,\r\n <"),
             mail::render_date(head.now), head.message_id) +
         content;
}

}  // namespace posthaste::daemon::tool
