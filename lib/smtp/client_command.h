// The commands of a transaction as a client writes them, with the parameters that the server's
// extensions allow.
//
// Threads      pure functions.
// Implements   RFC 5321 §4.1.1.2, §4.1.1.3; RFC 1870 §3; RFC 2852 §4.1.4; RFC 3461 §4, §5.2.1;
//              RFC 6152 §3; RFC 6531 §3.4; RFC 6533 §3; RFC 6710 §4.2; RFC 8689 §2, §4.2.1, §5.
// Does not     send, or know which command comes when: see client_transaction.h.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/time.h"
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

// How long the message still has to its deliver-by time, rounded down; negative: it has passed.
// nullopt: it has none.
std::optional<std::chrono::seconds> time_left(const mail::Envelope& envelope, Instant now);
// Why a message that is to be there in time or come back (RFC 2852, by-mode "R") must not be given
// to this server: who does not promise to hold it to that must not have it (§4.1.4.1).
std::optional<Reply> deliver_by_obstacle(const mail::Envelope& envelope,
                                         const Capabilities& capabilities, Instant now);
// Beyond this server nobody knows any more of the time that the message has (§4.1.4.2, by-mode
// "N").
bool loses_deliver_by(const mail::Envelope& envelope, const Capabilities& capabilities,
                      Instant now);
// Where this server takes the message, its sender is to be told that it was relayed, unless he
// forbade all notifications: it is lost track of, or he wants every hop traced (§4.1.4).
bool relayed_is_told(const mail::Envelope& envelope, const Capabilities& capabilities, Instant now);

// Parameters of MAIL that the envelope alone does not tell.
struct MailNeeds {
  bool utf8 = false;  // RFC 6531 §3.4: of the sender, the headers or any recipient
  bool requiretls = false;
  std::chrono::seconds time_left{0};  // where the envelope has a deliver-by time
};
// "MAIL FROM:<…> …\r\n". REQUIRES no obstacle.
void append_mail(std::string& into, const mail::Envelope& envelope, MailNeeds needs,
                 const Capabilities& capabilities);
// "RCPT TO:<…> …\r\n". `ask_delay`: delays are to be told, whether NOTIFY said so or not, unless it
// said NEVER. REQUIRES no obstacle.
void append_rcpt(std::string& into, const mail::Recipient& recipient,
                 const Capabilities& capabilities, bool ask_delay);

// RFC 3461 §4, xtext: everything but printable ASCII without '+' and '=' becomes +XX.
void append_xtext(std::string& into, std::string_view text);

}  // namespace posthaste::smtp
