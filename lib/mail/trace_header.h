// Trace: what the Received field tells that we put before a message.
//
// Threads      pure functions.
// Limits       four lines of less than 998 octets, whatever the peer called itself.
// Implements   RFC 5321 §4.4; RFC 3848 and RFC 6531 §4.3 (the protocol's name); RFC 5322 §3.3;
//              RFC 6710 §4.1, §7 (the priority).
// Does not     add a missing Date or Message-ID, as RFC 6409 §8 would allow: content is left alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/ids.h"
#include "lib/base/ip.h"
#include "lib/base/time.h"
#include "lib/mail/address.h"

namespace posthaste::mail {

// What the field tells. The views and pointers need to live during the call only.
struct Trace {
  std::string_view helo;  // printable ASCII without space, parenthesis and ';'
  IpAddress peer;
  std::string_view hostname;  // ours
  bool extended = true;       // EHLO, not HELO
  bool smtputf8 = false;
  std::string_view tls_version;  // empty: plaintext
  std::string_view tls_cipher;
  std::string_view client_subject;  // of the client's verified certificate; empty: none
  MessageId id;
  const Mailbox* only_recipient = nullptr;  // null: more than one, who must not learn of each other
  std::int8_t priority = 0;                 // MT-PRIORITY; 0, which all mail has, is not told
  Instant arrived;
};

// "ESMTPS": the value of the WITH clause.
std::string_view protocol_name(bool extended, bool tls, bool smtputf8);
// "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 §4.1.3).
std::string render_address_literal(const IpAddress& address);
// A certificate's subject, fit for a comment and for a reply: printable ASCII without parentheses,
// quotes and backslashes, for which '?' stands; at most 200 octets.
std::string render_subject(std::string_view subject);
// Appends the field with its CRLF.
void append_received(std::string& out, const Trace& trace);

}  // namespace posthaste::mail
