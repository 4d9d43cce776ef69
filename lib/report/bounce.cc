#include "lib/report/bounce.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "lib/base/check.h"
#include "lib/mail/date.h"
#include "lib/mail/utf8.h"
#include "lib/report/bounce_words.h"
#include "lib/report/delivery_status.h"
#include "lib/report/plain_text.h"

namespace posthaste::report {
namespace {

constexpr std::string_view k7Bit = "7bit";
constexpr std::string_view k8Bit = "8bit";

// One body part of the multipart: its header fields and its content, as they go out.
struct Part {
  std::string_view description;
  std::string type;
  std::string_view encoding;
  std::string content;
};

Part words_part(const BounceInput& input) {
  std::string text = render_bounce_words(input);
  constexpr std::string_view kDescription = "Notification";
  if (mail::is_ascii(text))
    return {kDescription, "text/plain; charset=us-ascii", k7Bit, std::move(text)};
  return {kDescription, "text/plain; charset=utf-8", "quoted-printable", quoted_printable(text)};
}

// message/global-delivery-status goes 8-bit where it can (RFC 6533 §5), message/delivery-status is
// 7-bit (RFC 3464 §2.1).
Part status_part(const BounceInput& input) {
  const bool global = needs_global_status(input);
  return {"Delivery report", global ? "message/global-delivery-status" : "message/delivery-status",
          global ? k8Bit : k7Bit, render_delivery_status(input)};
}

// RFC 6522 §3: the message, or its header section. message/rfc822 must not be encoded (RFC 2046
// §5.2.1), text may be.
Part original_part(const BounceInput& input) {
  const std::string& whole = input.original_body;
  const bool binary = input.original->body_type == mail::BodyType::kBinaryMime;
  // RFC 8689 §5: RET=FULL counts for nothing beside REQUIRETLS.
  const bool confidential = input.original->tls_wish == mail::TlsWish::kRequireTls;
  if (!whole.empty() && !binary && !confidential && is_mail_text(whole)) {
    return {"Undelivered message", input.original->smtputf8 ? "message/global" : "message/rfc822",
            mail::is_ascii(whole) ? k7Bit : k8Bit, whole};
  }
  const std::string& headers = input.original_headers;
  const bool plain = mail::is_ascii(headers);
  // RFC 6533 §6: headers in UTF-8 have a type of their own, which may be encoded.
  const std::string_view type =
      plain || !mail::is_utf8(headers) ? "text/rfc822-headers" : "message/global-headers";
  if (plain && is_mail_text(headers))
    return {"Undelivered message headers", std::string(type), k7Bit, headers};
  return {"Undelivered message headers", std::string(type), "quoted-printable",
          quoted_printable(headers)};
}

// No line of a part may look like the boundary (RFC 2046 §5.1.1). "=_" stands in no
// quoted-printable text; what a stranger put into his message is searched.
std::string choose_boundary(const BounceInput& input, const std::vector<Part>& parts) {
  for (unsigned attempt = 0;; ++attempt) {
    std::string boundary = fmt::format("=_{}_{}", render_id(input.bounce_id), attempt);
    const bool taken = std::any_of(parts.begin(), parts.end(), [&boundary](const Part& part) {
      return part.content.find(boundary) != std::string::npos;
    });
    if (!taken) return boundary;
  }
}

void append_header(std::string& into, const BounceInput& input, const std::vector<Part>& parts,
                   std::string_view boundary) {
  const std::string host = one_line(input.reporting_mta.text(), Charset::kAscii, 255);
  append_field(into, "From", fmt::format("Mail Delivery System <MAILER-DAEMON@{}>", host));
  append_field(into, "To",
               fmt::format("<{}>", one_line(input.original->sender.text(), Charset::kUtf8)));
  append_field(into, "Subject", "Undelivered Mail Returned to Sender");
  append_field(into, "Date", mail::render_date(input.now));
  append_field(into, "Message-ID", fmt::format("<{}@{}>", render_id(input.bounce_id), host));
  append_field(into, "Auto-Submitted", "auto-replied");  // RFC 3834 §5: nobody's robot answers this
  append_field(into, "MIME-Version", "1.0");
  append_field(
      into, "Content-Type",
      fmt::format("multipart/report; report-type=delivery-status; boundary=\"{}\"", boundary));
  // RFC 2045 §6.4: a multipart is at least as wide as its widest part.
  const bool wide = std::any_of(parts.begin(), parts.end(),
                                [](const Part& part) { return part.encoding == k8Bit; });
  if (wide) append_field(into, "Content-Transfer-Encoding", k8Bit);
}

}  // namespace

bool wants_failure_report(const mail::Envelope& envelope, const mail::Recipient& recipient) {
  if (envelope.sender.null()) return false;
  return recipient.notify == 0 || (recipient.notify & mail::kNotifyFailure) != 0;
}

mail::TlsWish tls_wish_of_bounce(const mail::Envelope& original) {
  // "TLS-Required: No" stands in the original's header, and is not the notification's own.
  const bool confidential = original.tls_wish == mail::TlsWish::kRequireTls;
  return confidential ? mail::TlsWish::kRequireTlsIfOffered : mail::TlsWish::kPolicy;
}

std::string render_bounce(const BounceInput& input) {
  CHECK(input.original != nullptr && !input.original->sender.null() && !input.recipients.empty());
  std::vector<Part> parts{words_part(input), status_part(input)};
  if (!input.original_headers.empty() || !input.original_body.empty())
    parts.push_back(original_part(input));
  const std::string boundary = choose_boundary(input, parts);
  std::string content;
  append_header(content, input, parts, boundary);
  content += "\r\nThis is a delivery status notification in MIME format.\r\n";
  for (const Part& part : parts) {
    content += fmt::format("\r\n--{}\r\n", boundary);
    append_field(content, "Content-Description", part.description);
    append_field(content, "Content-Type", part.type);
    append_field(content, "Content-Transfer-Encoding", part.encoding);
    content += "\r\n";
    content += part.content;
  }
  content += fmt::format("\r\n--{}--\r\n", boundary);
  return content;
}

}  // namespace posthaste::report
