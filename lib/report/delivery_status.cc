#include "lib/report/delivery_status.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/mail/date.h"
#include "lib/mail/utf8.h"
#include "lib/report/plain_text.h"
#include "lib/smtp/xtext.h"

namespace posthaste::report {
namespace {

// RFC 3463 §2: three numbers, and a class that does not contradict the action.
bool is_status(std::string_view text, std::string_view classes) {
  if (text.size() < 5 || classes.find(text[0]) == classes.npos || text[1] != '.') return false;
  const std::size_t dot = text.find('.', 2);
  const auto is_number = [](std::string_view part) {
    return !part.empty() && part.size() <= 3 && part.find_first_not_of("0123456789") == part.npos;
  };
  return dot != text.npos && is_number(text.substr(2, dot - 2)) && is_number(text.substr(dot + 1));
}

std::string status_of(const ReportedRecipient& told) {
  switch (told.action) {
    case Action::kFailed: return is_status(told.status, "45") ? told.status : "5.0.0";
    case Action::kDelayed: return is_status(told.status, "4") ? told.status : "4.0.0";
    case Action::kRelayed: return is_status(told.status, "2") ? told.status : "2.0.0";
  }
  check_failed(__FILE__, __LINE__, "a known Action");
}

// "mx1.example.com[192.0.2.1]:25" -> "mx1.example.com"; without a name, the literal.
std::string_view host_name(std::string_view host) {
  const std::size_t bracket = host.find('[');
  if (bracket != 0) return host.substr(0, bracket);
  return host.substr(0, host.find(']') + 1);
}

// "utf-8; b\x{F8}b@example.net" where the sender cannot take "utf-8; bøb@example.net" (RFC 6533
// §3).
std::string typed_address(std::string_view type, std::string_view address, Charset charset) {
  std::string typed = fmt::format("{}; ", type);
  if (charset == Charset::kAscii && !mail::is_ascii(address)) {
    smtp::append_utf8_address(typed, address);
  } else {
    typed += address;
  }
  return one_line(typed, charset);
}

// "rfc822;a@example.com" -> "rfc822; a@example.com" (RFC 3464 §2.3.1).
void append_original_recipient(std::string& into, std::string_view orcpt, Charset charset) {
  const std::size_t semicolon = orcpt.find(';');
  if (semicolon == std::string_view::npos) return;
  append_field(into, "Original-Recipient",
               typed_address(orcpt.substr(0, semicolon), orcpt.substr(semicolon + 1), charset));
}

void append_diagnostic(std::string& into, const ReportedRecipient& told, Charset charset) {
  const std::string reply = one_line(told.remote_reply, charset);
  const std::string words = one_line(told.words, charset);
  if (!reply.empty()) {
    append_field(into, "Diagnostic-Code", "smtp; " + reply);
  } else if (!words.empty()) {
    append_field(into, "Diagnostic-Code", "x-posthaste; " + words);
  }
}

void append_own_fields(std::string& into, const ReportedRecipient& told, Charset charset) {
  if (told.action != Action::kRelayed)
    append_field(into, "X-Posthaste-Attempts", std::to_string(told.attempts));
  const std::string tls = one_line(told.tls, charset);
  if (!tls.empty()) append_field(into, "X-Posthaste-TLS", tls);
  if (told.tls_failure != policy::TlsFailure::kNone)
    append_field(into, "X-Posthaste-TLS-Failure", label(told.tls_failure));
}

void append_recipient(std::string& into, const Notification& notification,
                      const ReportedRecipient& told, Charset charset) {
  append_original_recipient(into, told.recipient.orcpt, charset);
  const mail::Mailbox& address = told.recipient.address;
  const std::string_view type = address.ascii() ? "rfc822" : "utf-8";
  append_field(into, "Final-Recipient", typed_address(type, address.text(), charset));
  append_field(into, "Action", name(told.action));
  append_field(into, "Status", status_of(told));
  const std::string host = one_line(host_name(told.remote_host), charset);
  if (!host.empty()) append_field(into, "Remote-MTA", "dns; " + host);
  append_diagnostic(into, told, charset);
  if (told.just_tried) append_field(into, "Last-Attempt-Date", mail::render_date(notification.now));
  if (told.action == Action::kDelayed && told.retry_until > notification.now)
    append_field(into, "Will-Retry-Until", mail::render_date(told.retry_until));
  append_own_fields(into, told, charset);
}

}  // namespace

std::string render_delivery_status(const Notification& notification) {
  const mail::Envelope& original = *notification.original;
  const Charset charset = takes_utf8(original) ? Charset::kUtf8 : Charset::kAscii;
  std::string status;
  if (!original.envid.empty()) {
    append_field(status, "Original-Envelope-Id", one_line(original.envid, charset));
  }
  append_field(status, "Reporting-MTA",
               "dns; " + one_line(notification.reporting_mta.text(), charset));
  append_field(status, "Arrival-Date", mail::render_date(original.arrived));
  if (original.deliver_by)
    append_field(status, "Deliver-By-Date", mail::render_date(original.deliver_by->by));
  // RFC 4865 §5.1.2. DEVIATES RFC 4865: after HOLDFOR the field would be "for;" and the seconds; we
  // keep, and tell, the time that they came to.
  if (original.hold_until != Instant())
    append_field(status, "Future-Release-Request",
                 "until;" + mail::render_timestamp(original.hold_until));
  append_field(status, "X-Posthaste-Id", render_id(original.id));
  for (const ReportedRecipient& told : notification.recipients) {
    status += "\r\n";
    append_recipient(status, notification, told, charset);
  }
  return status;
}

}  // namespace posthaste::report
