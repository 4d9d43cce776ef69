#include "lib/smtp/ehlo_reply.h"

#include <fmt/format.h>

#include <iterator>

#include "lib/mail/trace_header.h"

namespace posthaste::smtp {

void append_ehlo_reply(std::string& out, const ServerOptions& options, bool tls) {
  fmt::format_to(std::back_inserter(out),
                 "250-{} greets {}\r\n"
                 "250-PIPELINING\r\n"
                 "250-SIZE {}\r\n"
                 "250-8BITMIME\r\n"
                 "250-SMTPUTF8\r\n"
                 "250-ENHANCEDSTATUSCODES\r\n"
                 "250-CHUNKING\r\n"
                 "250-DSN\r\n"
                 "{}"
                 "250 HELP\r\n",
                 options.hostname.text(), mail::render_address_literal(options.peer.address),
                 options.message_bytes_max,
                 options.offer_starttls && !tls ? "250-STARTTLS\r\n" : "");
}

void append_helo_reply(std::string& out, const ServerOptions& options) {
  fmt::format_to(std::back_inserter(out), "250 {} greets {}\r\n", options.hostname.text(),
                 mail::render_address_literal(options.peer.address));
}

}  // namespace posthaste::smtp
