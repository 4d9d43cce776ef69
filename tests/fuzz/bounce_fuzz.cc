// render_bounce against whatever peers, submitters and messages may contain: the notification stays
// a mail, with the header that we meant.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/mail/utf8.h"
#include "lib/report/bounce.h"

namespace {

using namespace posthaste;

// The input is cut at its octets 0xFE.
std::string take_piece(std::string_view& input) {
  const std::size_t end = std::min(input.find('\xFE'), input.size());
  std::string piece(input.substr(0, end));
  input.remove_prefix(std::min(end + 1, input.size()));
  return piece;
}

void check_lines(std::string_view content) {
  while (!content.empty()) {
    const std::size_t end = content.find_first_of("\r\n");
    CHECK(end != content.npos && end <= 998 && content.substr(end, 2) == "\r\n");
    content.remove_prefix(end + 2);
  }
}

void check_header(std::string_view content) {
  constexpr std::array<std::string_view, 9> kFields{"From: Mail",
                                                    "To: <a@client.example>",
                                                    "Subject: Undelivered",
                                                    "Date: ",
                                                    "Message-ID: <",
                                                    "Auto-Submitted: auto-replied",
                                                    "MIME-Version: 1.0",
                                                    "Content-Type: multipart/report",
                                                    "Content-Transfer-Encoding: 8bit"};
  std::size_t next = 0;
  for (std::size_t end = content.find("\r\n"); end != 0; end = content.find("\r\n")) {
    const std::string_view line = content.substr(0, end);
    content.remove_prefix(end + 2);
    if (line.front() == ' ') continue;
    CHECK(next < kFields.size() && line.starts_with(kFields[next]));
    ++next;
  }
  CHECK(next == kFields.size() || next + 1 == kFields.size());
  CHECK(next == kFields.size() || mail::is_ascii(content));  // RFC 2045 §6.4
}

// As many lines begin with the boundary as there are parts, and one more.
void check_boundaries(std::string_view content, std::size_t parts) {
  constexpr std::string_view kKey = "boundary=\"";
  const std::size_t start = content.find(kKey) + kKey.size();
  const std::string line =
      "\r\n--" + std::string(content.substr(start, content.find('"', start) - start));
  std::size_t count = 0;
  for (std::size_t at = content.find(line); at != content.npos; at = content.find(line, at + 1))
    ++count;
  CHECK(count == parts + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  mail::Envelope original;
  original.sender = mail::Mailbox::trusted("a@client.example");
  original.smtputf8 = (data[0] & 1) != 0;
  if ((data[0] & 4) != 0) original.tls_wish = mail::TlsWish::kRequireTls;
  original.envid = take_piece(input);
  report::FailedRecipient failed;
  failed.expired = (data[0] & 2) != 0;
  failed.recipient.address = mail::Mailbox::trusted("b@peer.example");
  failed.recipient.orcpt = take_piece(input);
  failed.status = take_piece(input);
  failed.remote_host = take_piece(input);
  failed.remote_reply = take_piece(input);
  failed.words = take_piece(input);
  report::BounceInput bounce;
  bounce.reporting_mta = HeloName("mta1.example.com");
  bounce.bounce_id = MessageId{1};
  bounce.original = &original;
  bounce.recipients = {failed, failed};
  bounce.original_headers = take_piece(input);
  bounce.original_body = take_piece(input);
  bounce.now = Instant(std::chrono::hours(500'000));
  const std::string content = render_bounce(bounce);
  check_lines(content);
  check_header(content);
  check_boundaries(content,
                   bounce.original_headers.empty() && bounce.original_body.empty() ? 2 : 3);
  return 0;
}
