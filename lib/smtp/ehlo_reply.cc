#include "lib/smtp/ehlo_reply.h"

#include <fmt/format.h>

#include <iterator>

#include "lib/mail/date.h"
#include "lib/mail/trace_header.h"
#include "lib/smtp/delivery_wishes.h"

namespace posthaste::smtp {

namespace {

// RFC 3207 §4.2: STARTTLS is not offered within TLS; RFC 8689 §2: REQUIRETLS is not outside of it.
std::string_view offer_of_tls(const ServerOptions& options, bool tls) {
  if (tls) return "250-REQUIRETLS\r\n";
  return options.offer_starttls ? "250-STARTTLS\r\n" : "";
}

std::string offer_of_wishes(const ServerOptions& options, Instant now) {
  std::string offer;
  if (options.deliver_by) {
    offer += "250-DELIVERBY";
    const auto least = deliver_by_least(options);
    if (least.count() > 0) offer += fmt::format(" {}", least.count());
    offer += "\r\n";
  }
  if (const auto longest = hold_max(options); longest.count() > 0) {
    offer += fmt::format("250-FUTURERELEASE {} {}\r\n", longest.count(),
                         mail::render_timestamp(now + longest));
  }
  // RFC 6710 §3: no policy is named. Ours has all 19 levels; a client that knows none takes it for
  // MIXER (§9.2), whose three are among them.
  if (options.priority) offer += "250-MT-PRIORITY\r\n";
  return offer;
}

}  // namespace

void append_ehlo_reply(std::string& out, const ServerOptions& options, bool tls, Instant now) {
  fmt::format_to(std::back_inserter(out),
                 "250-{} greets {}\r\n"
                 "250-PIPELINING\r\n"
                 "250-SIZE {}\r\n"
                 "250-8BITMIME\r\n"
                 "250-SMTPUTF8\r\n"
                 "250-ENHANCEDSTATUSCODES\r\n"
                 "250-CHUNKING\r\n"
                 "250-DSN\r\n"
                 "{}{}"
                 "250 HELP\r\n",
                 options.hostname.text(), mail::render_address_literal(options.peer.address),
                 options.message_bytes_max, offer_of_wishes(options, now),
                 offer_of_tls(options, tls));
}

void append_helo_reply(std::string& out, const ServerOptions& options) {
  fmt::format_to(std::back_inserter(out), "250 {} greets {}\r\n", options.hostname.text(),
                 mail::render_address_literal(options.peer.address));
}

}  // namespace posthaste::smtp
