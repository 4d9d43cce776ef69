#include "lib/report/notification.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "lib/base/check.h"
#include "lib/mail/date.h"
#include "lib/mail/utf8.h"
#include "lib/report/delivery_status.h"
#include "lib/report/notification_words.h"
#include "lib/report/original_header.h"
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

Part words_part(const Notification& notification, const OriginalHeader& header) {
  std::string text = render_notification_words(notification, header);
  constexpr std::string_view kDescription = "Notification";
  if (mail::is_ascii(text))
    return {kDescription, "text/plain; charset=us-ascii", k7Bit, std::move(text)};
  return {kDescription, "text/plain; charset=utf-8", "quoted-printable", quoted_printable(text)};
}

// message/global-delivery-status goes 8-bit where it can (RFC 6533 §5), message/delivery-status is
// 7-bit (RFC 3464 §2.1).
Part status_part(const Notification& notification) {
  std::string status = render_delivery_status(notification);
  constexpr std::string_view kDescription = "Delivery report";
  if (mail::is_ascii(status))
    return {kDescription, "message/delivery-status", k7Bit, std::move(status)};
  return {kDescription, "message/global-delivery-status", k8Bit, std::move(status)};
}

// RFC 6522 §3: the message, or its header section. message/rfc822 must not be encoded (RFC 2046
// §5.2.1), text may be.
Part original_part(const Notification& notification) {
  const mail::Envelope& original = *notification.original;
  const bool failed = foremost_action(notification) == Action::kFailed;
  const std::string& whole = notification.original_body;
  const bool binary = original.body_type == mail::BodyType::kBinaryMime;
  // RFC 8689 §5: RET=FULL counts for nothing beside REQUIRETLS.
  const bool confidential = original.tls_wish == mail::TlsWish::kRequireTls;
  if (failed && !whole.empty() && !binary && !confidential && is_mail_text(whole)) {
    return {"Undelivered message", original.smtputf8 ? "message/global" : "message/rfc822",
            mail::is_ascii(whole) ? k7Bit : k8Bit, whole};
  }
  const std::string_view description =
      failed ? std::string_view("Undelivered message headers") : "Message headers";
  const std::string& headers = notification.original_headers;
  const bool plain = mail::is_ascii(headers);
  // RFC 6533 §6: headers in UTF-8 have a type of their own, which may be encoded.
  const bool global = !plain && mail::is_utf8(headers) && takes_utf8(original);
  const std::string type = global ? "message/global-headers" : "text/rfc822-headers";
  if (plain && is_mail_text(headers)) return {description, type, k7Bit, headers};
  return {description, type, "quoted-printable", quoted_printable(headers)};
}

// No line of a part may look like the boundary (RFC 2046 §5.1.1). "=_" stands in no
// quoted-printable text; what a stranger put into his message is searched.
std::string choose_boundary(MessageId id, const std::vector<Part>& parts) {
  for (unsigned attempt = 0;; ++attempt) {
    std::string boundary = fmt::format("=_{}_{}", render_id(id), attempt);
    const bool taken = std::any_of(parts.begin(), parts.end(), [&boundary](const Part& part) {
      return part.content.find(boundary) != std::string::npos;
    });
    if (!taken) return boundary;
  }
}

std::string_view subject(Action action) {
  switch (action) {
    case Action::kFailed: return "Undelivered Mail Returned to Sender";
    case Action::kDelayed: return "Delayed Mail: Delivery Is Still Being Tried";
    case Action::kRelayed: return "Mail Handed On to the Recipient's Mail System";
  }
  check_failed(__FILE__, __LINE__, "a known Action");
}

void append_header(std::string& into, const Notification& notification,
                   const OriginalHeader& header, const std::vector<Part>& parts,
                   std::string_view boundary) {
  const std::string host = one_line(notification.reporting_mta.text(), Charset::kAscii, 255);
  append_field(into, "From", fmt::format("Mail Delivery System <MAILER-DAEMON@{}>", host));
  append_field(into, "To",
               fmt::format("<{}>", one_line(notification.original->sender.text(), Charset::kUtf8)));
  append_field(into, "Subject", subject(foremost_action(notification)));
  append_field(into, "Date", mail::render_date(notification.now));
  append_field(into, "Message-ID", fmt::format("<{}@{}>", render_id(notification.id), host));
  if (!header.message_id.empty()) {  // RFC 3834 §3.1.5, §3.1.6: it is shown beside the message
    append_field(into, "In-Reply-To", header.message_id);
    append_field(into, "References", header.message_id);
  }
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

std::string_view name(Action action) {
  switch (action) {
    case Action::kFailed: return "failed";
    case Action::kDelayed: return "delayed";
    case Action::kRelayed: return "relayed";
  }
  check_failed(__FILE__, __LINE__, "a known Action");
}

bool wants_failure_report(const mail::Envelope& envelope, const mail::Recipient& recipient) {
  if (envelope.sender.null()) return false;
  return recipient.notify == 0 || (recipient.notify & mail::kNotifyFailure) != 0;
}

bool wants_relayed_report(const mail::Envelope& envelope, const mail::Recipient& recipient,
                          bool passed_on, bool untimed) {
  if (envelope.sender.null()) return false;
  const bool traced = envelope.deliver_by && envelope.deliver_by->trace;
  if (traced || untimed) return (recipient.notify & mail::kNotifyNever) == 0;
  return !passed_on && (recipient.notify & mail::kNotifySuccess) != 0;
}

mail::TlsWish tls_wish_of_notification(const mail::Envelope& original) {
  // "TLS-Required: No" stands in the original's header, and is not the notification's own.
  const bool confidential = original.tls_wish == mail::TlsWish::kRequireTls;
  return confidential ? mail::TlsWish::kRequireTlsIfOffered : mail::TlsWish::kPolicy;
}

bool takes_utf8(const mail::Envelope& original) {
  return original.smtputf8 || !original.sender.ascii();
}

Action foremost_action(const Notification& notification) {
  Action foremost = Action::kRelayed;
  for (const ReportedRecipient& told : notification.recipients)
    foremost = std::min(foremost, told.action);
  return foremost;
}

std::string render_notification(const Notification& notification) {
  CHECK(notification.original != nullptr && !notification.original->sender.null() &&
        !notification.recipients.empty());
  const OriginalHeader header = read_original_header(notification.original_headers);
  std::vector<Part> parts{words_part(notification, header), status_part(notification)};
  if (!notification.original_headers.empty() || !notification.original_body.empty())
    parts.push_back(original_part(notification));
  const std::string boundary = choose_boundary(notification.id, parts);
  std::string content;
  append_header(content, notification, header, parts, boundary);
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
