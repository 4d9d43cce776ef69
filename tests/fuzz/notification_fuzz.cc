// render_notification against whatever peers, submitters and messages may contain: the notification
// stays a mail, with the header that we meant.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/mail/utf8.h"
#include "lib/report/notification.h"

namespace {

using namespace posthaste;

constexpr std::string_view kWide = "Content-Transfer-Encoding: 8bit";

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

// The fields that we write, in our order and once; those that may be absent are so marked.
void check_header(std::string_view content) {
  struct Field {
    std::string_view start;
    bool always = true;
  };
  constexpr Field kFields[] = {{"From: Mail Delivery System <MAILER-DAEMON@"},
                               {"To: <a@client.example>"},
                               {"Subject: "},
                               {"Date: "},
                               {"Message-ID: <"},
                               {"In-Reply-To: <", false},
                               {"References: <", false},
                               {"Auto-Submitted: auto-replied"},
                               {"MIME-Version: 1.0"},
                               {"Content-Type: multipart/report"},
                               {kWide, false}};
  const Field* next = std::begin(kFields);
  bool wide = false;
  for (std::size_t end = content.find("\r\n"); end != 0; end = content.find("\r\n")) {
    const std::string_view line = content.substr(0, end);
    content.remove_prefix(end + 2);
    if (line.front() == ' ') continue;
    while (next != std::end(kFields) && !next->always && !line.starts_with(next->start)) ++next;
    CHECK(next != std::end(kFields) && line.starts_with(next->start));
    ++next;
    wide |= line == kWide;
  }
  CHECK(next >= std::end(kFields) - 1);
  CHECK(wide || mail::is_ascii(content));  // RFC 2045 §6.4
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
  report::ReportedRecipient told;
  told.expired = (data[0] & 2) != 0;
  told.action = static_cast<report::Action>((data[0] >> 3) % 3);
  told.by_operator = (data[0] & 0x40) != 0;
  told.maybe_delivered = (data[0] & 0x80) != 0;
  told.recipient.address = mail::Mailbox::trusted("b@peer.example");
  told.recipient.orcpt = take_piece(input);
  told.status = take_piece(input);
  told.remote_host = take_piece(input);
  told.remote_reply = take_piece(input);
  told.words = take_piece(input);
  report::Notification notification;
  notification.reporting_mta = HeloName("mta1.example.com");
  notification.id = MessageId{1};
  notification.original = &original;
  notification.recipients = {told, told};
  notification.recipients[1].tls = told.words;
  notification.original_headers = take_piece(input);
  notification.original_body = take_piece(input);
  notification.now = Instant(std::chrono::hours(500'000));
  const std::string content = render_notification(notification);
  check_lines(content);
  check_header(content);
  check_boundaries(
      content, notification.original_headers.empty() && notification.original_body.empty() ? 2 : 3);
  return 0;
}
