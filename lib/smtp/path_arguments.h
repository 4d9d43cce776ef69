// MailArguments and RcptArguments: what stands after MAIL and RCPT.
//
// Threads      pure functions.
// Limits       ENVID 100 octets, ORCPT 500, as encoded (RFC 3461 §4); addresses: mail/address.h.
// Implements   RFC 5321 §4.1.1.2, §4.1.1.3, §4.1.1.11; RFC 1870 §3; RFC 6152 §2; RFC 6531 §3.4;
//              RFC 3461 §4; RFC 8689 §2; RFC 2852 §4; RFC 4865 §3; RFC 6710 §3.
// Does not     weigh what was asked against the server's limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/mail/envelope.h"
#include "lib/smtp/command.h"
#include "lib/smtp/delivery_wishes.h"

namespace posthaste::smtp {

struct MailArguments {
  mail::Mailbox sender;  // null for "<>"
  std::optional<std::uint64_t> size;
  mail::BodyType body_type = mail::BodyType::k7Bit;
  bool smtputf8 = false;
  bool require_tls = false;
  mail::DsnReturn ret = mail::DsnReturn::kUnset;
  std::string envid;  // decoded
  DeliveryWishes wishes;
};

struct RcptArguments {
  mail::Mailbox address;
  std::uint8_t notify = 0;  // mail::NotifyBits
  std::string orcpt;        // decoded
};

// `argument`: "FROM:<…> …". `extended`: EHLO was said, so that there may be parameters.
Parsed<MailArguments> parse_mail(std::string_view argument, bool extended);
// `argument`: "TO:<…> …". `smtputf8`: MAIL had that parameter.
Parsed<RcptArguments> parse_rcpt(std::string_view argument, bool extended, bool smtputf8);

}  // namespace posthaste::smtp
