// The commands of a transaction as a client writes them, with the parameters that the server's
// extensions allow.
//
// Threads      pure functions.
// Implements   RFC 5321 §4.1.1.2, §4.1.1.3; RFC 1870 §3; RFC 3461 §4; RFC 6152 §3;
//              RFC 6531 §3.4; RFC 6533 §3; RFC 8689 §2, §4.2.1, §5.
// Does not     send, or know which command comes when: see client_transaction.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/mail/envelope.h"
#include "lib/policy/tls_facts.h"
#include "lib/smtp/capabilities.h"
#include "lib/smtp/reply.h"

namespace posthaste::smtp {

using TlsState = std::optional<policy::TlsFacts>;  // nullopt: plaintext

// Why this server cannot take this message, as a reply of our own: code 0, and enhanced status 5.x
// where it will never do, 4.x where nobody knows (it refused EHLO; another host of the domain may
// know more). nullopt: it may.
std::optional<Reply> obstacle(const mail::Envelope& envelope, const Capabilities& capabilities);
// The same for one recipient of a message that has no obstacle itself.
std::optional<Reply> obstacle(const mail::Recipient& recipient, const Capabilities& capabilities);

// Why a message that asks for REQUIRETLS must not be sent in this session: always 5.7.30, which
// says that other hosts of the domain are to be tried before it is returned (RFC 8689 §4.2.1).
// Mail that asks for it only where it is offered, such as a notification (§5), has no such
// obstacle.
std::optional<Reply> requiretls_obstacle(const mail::Envelope& envelope,
                                         const Capabilities& capabilities, const TlsState& tls);
// The message asks for REQUIRETLS and the session is good enough to pass that on.
bool passes_requiretls(const mail::Envelope& envelope, const Capabilities& capabilities,
                       const TlsState& tls);

// Parameters of MAIL that the envelope alone does not tell.
struct MailNeeds {
  bool utf8 = false;  // RFC 6531 §3.4: of the sender, the headers or any recipient
  bool requiretls = false;
};
// "MAIL FROM:<…> …\r\n". REQUIRES no obstacle.
void append_mail(std::string& into, const mail::Envelope& envelope, MailNeeds needs,
                 const Capabilities& capabilities);
// "RCPT TO:<…> …\r\n". REQUIRES no obstacle.
void append_rcpt(std::string& into, const mail::Recipient& recipient,
                 const Capabilities& capabilities);

// RFC 3461 §4, xtext: everything but printable ASCII without '+' and '=' becomes +XX.
void append_xtext(std::string& into, std::string_view text);

}  // namespace posthaste::smtp
