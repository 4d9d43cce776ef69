#include "lib/mail/trace_header.h"

#include <fmt/format.h>

#include <iterator>

#include "lib/mail/date.h"

namespace posthaste::mail {

std::string_view protocol_name(bool extended, bool tls, bool smtputf8) {
  if (!extended) return "SMTP";  // RFC 3848 has no name for HELO with TLS
  if (smtputf8) return tls ? "UTF8SMTPS" : "UTF8SMTP";
  return tls ? "ESMTPS" : "ESMTP";
}

std::string render_address_literal(const IpAddress& address) {
  return (address.v6 ? "[IPv6:" : "[") + render_ip(address) + "]";
}

std::string render_subject(std::string_view subject) {
  constexpr std::size_t kOctetsMax = 200;
  constexpr std::string_view kSpecial = "()\\\"";
  std::string text(subject.substr(0, kOctetsMax));
  for (char& c : text) {
    if (c < ' ' || c > '~' || kSpecial.find(c) != kSpecial.npos) c = '?';
  }
  return text;
}

void append_received(std::string& out, const Trace& trace) {
  auto at = std::back_inserter(out);
  fmt::format_to(at, "Received: from {} ({})\r\n\tby {} with {}", trace.helo,
                 render_address_literal(trace.peer), trace.hostname,
                 protocol_name(trace.extended, !trace.tls_version.empty(), trace.smtputf8));
  if (!trace.tls_version.empty()) {
    fmt::format_to(at, " ({} {})", trace.tls_version, trace.tls_cipher);
  }
  if (!trace.client_subject.empty()) {
    fmt::format_to(at, "\r\n\t(verified client certificate {})",
                   render_subject(trace.client_subject));
  }
  fmt::format_to(at, " id {}\r\n\t", render_id(trace.id));
  // An address in UTF-8 stays out, so that the field itself never needs SMTPUTF8 or 8BITMIME of a
  // peer.
  const bool named = trace.only_recipient != nullptr && trace.only_recipient->ascii();
  if (named) fmt::format_to(at, "for <{}>", trace.only_recipient->text());
  // RFC 5321 §4.4: additional clauses come last.
  if (trace.priority != 0) fmt::format_to(at, "{}PRIORITY {}", named ? " " : "", trace.priority);
  fmt::format_to(at, "; {}\r\n", render_date(trace.arrived));
}

}  // namespace posthaste::mail
