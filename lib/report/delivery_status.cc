#include "lib/report/delivery_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "lib/base/names.h"
#include "lib/mail/date.h"
#include "lib/mail/utf8.h"
#include "lib/report/plain_text.h"

namespace posthaste::report {
namespace {

// RFC 3463 §2: three numbers, and here a class that means failure.
bool is_status(std::string_view text) {
  if (text.size() < 5 || (text[0] != '4' && text[0] != '5') || text[1] != '.') return false;
  const std::size_t dot = text.find('.', 2);
  const auto is_number = [](std::string_view part) {
    return !part.empty() && part.size() <= 3 && part.find_first_not_of("0123456789") == part.npos;
  };
  return dot != text.npos && is_number(text.substr(2, dot - 2)) && is_number(text.substr(dot + 1));
}

// "mx1.example.com[192.0.2.1]:25" -> "mx1.example.com"; without a name, the literal.
std::string_view host_name(std::string_view host) {
  const std::size_t bracket = host.find('[');
  if (bracket != 0) return host.substr(0, bracket);
  return host.substr(0, host.find(']') + 1);
}

// "rfc822;a@example.com" -> "rfc822; a@example.com" (RFC 3464 §2.3.1).
void append_original_recipient(std::string& into, std::string_view orcpt, Charset charset) {
  const std::size_t semicolon = orcpt.find(';');
  if (semicolon == std::string_view::npos) return;
  append_field(
      into, "Original-Recipient",
      one_line(fmt::format("{}; {}", orcpt.substr(0, semicolon), orcpt.substr(semicolon + 1)),
               charset));
}

void append_recipient(std::string& into, const BounceInput& input, const FailedRecipient& failed,
                      Charset charset) {
  append_original_recipient(into, failed.recipient.orcpt, charset);
  const mail::Mailbox& address = failed.recipient.address;
  const std::string_view type = mail::is_ascii(address.text()) ? "rfc822" : "utf-8";
  append_field(into, "Final-Recipient",
               one_line(fmt::format("{}; {}", type, address.text()), charset));
  append_field(into, "Action", "failed");
  append_field(into, "Status", is_status(failed.status) ? failed.status : "5.0.0");
  const std::string host = one_line(host_name(failed.remote_host), charset);
  if (!host.empty()) append_field(into, "Remote-MTA", "dns; " + host);
  const std::string reply = one_line(failed.remote_reply, charset);
  const std::string words = one_line(failed.words, charset);
  if (!reply.empty()) {
    append_field(into, "Diagnostic-Code", "smtp; " + reply);
  } else if (!words.empty()) {
    append_field(into, "Diagnostic-Code", "x-posthaste; " + words);
  }
  append_field(into, "Last-Attempt-Date", mail::render_date(input.now));
}

}  // namespace

bool needs_global_status(const BounceInput& input) {
  return std::any_of(input.recipients.begin(), input.recipients.end(),
                     [](const FailedRecipient& failed) {
                       return !mail::is_ascii(failed.recipient.address.text()) ||
                              !mail::is_ascii(failed.recipient.orcpt);
                     });
}

std::string render_delivery_status(const BounceInput& input) {
  const Charset charset = needs_global_status(input) ? Charset::kUtf8 : Charset::kAscii;
  std::string status;
  if (!input.original->envid.empty()) {
    append_field(status, "Original-Envelope-Id", one_line(input.original->envid, charset));
  }
  append_field(status, "Reporting-MTA", "dns; " + one_line(input.reporting_mta.text(), charset));
  append_field(status, "Arrival-Date", mail::render_date(input.original->arrived));
  append_field(status, "X-Posthaste-Id", render_id(input.original->id));
  for (const FailedRecipient& failed : input.recipients) {
    status += "\r\n";
    append_recipient(status, input, failed, charset);
  }
  return status;
}

}  // namespace posthaste::report
