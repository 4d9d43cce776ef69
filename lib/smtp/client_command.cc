#include "lib/smtp/client_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "lib/base/names.h"
#include "lib/mail/date.h"
#include "lib/smtp/xtext.h"

namespace posthaste::smtp {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

Reply refusal(EnhancedCode enhanced, std::string words) {
  return Reply{0, enhanced, std::move(words)};
}

// The host has not offered `extension`. To the refusal of EHLO alone nobody's mail is to be lost:
// some hosts say 5xx to it only while they are busy.
Reply lacks(const Capabilities& capabilities, EnhancedCode status, std::string_view what,
            std::string_view extension) {
  if (capabilities.helo_only) {
    status.cls = 4;
    return refusal(status, fmt::format("{}, which needs {}, and the host refused EHLO: "
                                       "what it can do is not known",
                                       what, extension));
  }
  return refusal(status, fmt::format("{} and the host does not offer {}", what, extension));
}

bool is_plain(char c) { return c > ' ' && c <= '~' && c != '+' && c != '='; }

// Only the address is xtext (RFC 3461 §4.2).
void append_orcpt(std::string& into, std::string_view type, std::string_view address) {
  into += " ORCPT=";
  append_xtext(into, type);
  into += ';';
  if (equal_fold(type, "utf-8")) {
    append_utf8_address(into, address);
  } else {
    append_xtext(into, address);
  }
}

// RFC 3461 §5.2.1 (d): what the recipient was called when we got the message. Those behind us may
// call him something else, and only we can tell them what his sender would recognise.
void append_original_recipient(std::string& into, const mail::Recipient& recipient) {
  const std::string_view orcpt = recipient.orcpt;
  if (const auto semicolon = orcpt.find(';'); semicolon != std::string_view::npos) {
    return append_orcpt(into, orcpt.substr(0, semicolon), orcpt.substr(semicolon + 1));
  }
  if (recipient.notify == mail::kNotifyNever) return;  // nobody will ever be told
  constexpr std::size_t kOctetsMax = 500;              // RFC 3461 §4.2
  const std::size_t before = into.size();
  append_orcpt(into, recipient.address.ascii() ? "rfc822" : "utf-8", recipient.address.text());
  if (into.size() - before > std::string_view(" ORCPT=").size() + kOctetsMax) into.resize(before);
}

void append_notify(std::string& into, std::uint8_t notify) {
  if (notify == 0) return;
  into += " NOTIFY=";
  if ((notify & mail::kNotifyNever) != 0) {
    into += "NEVER";  // excludes the others (RFC 3461 §4.1)
    return;
  }
  if ((notify & mail::kNotifySuccess) != 0) into += "SUCCESS,";
  if ((notify & mail::kNotifyFailure) != 0) into += "FAILURE,";
  if ((notify & mail::kNotifyDelay) != 0) into += "DELAY,";
  into.pop_back();
}

// RFC 2852 §4.1.4.2.
std::uint8_t with_delay(std::uint8_t notify) {
  if ((notify & mail::kNotifyNever) != 0) return notify;
  if (notify == 0) return mail::kNotifyFailure | mail::kNotifyDelay;
  return static_cast<std::uint8_t>(notify | mail::kNotifyDelay);
}

void append_body(std::string& into, const mail::Envelope& envelope,
                 const Capabilities& capabilities) {
  if (envelope.body_type == mail::BodyType::kBinaryMime) {
    into += " BODY=BINARYMIME";
  } else if (capabilities.eight_bit_mime &&
             (envelope.eight_bit || envelope.body_type == mail::BodyType::k8BitMime)) {
    into += " BODY=8BITMIME";
  }
}

void append_deliver_by(std::string& into, const mail::DeliverBy& by, std::chrono::seconds left) {
  constexpr std::chrono::seconds kLongest{999'999'999};  // RFC 2852 §4
  fmt::format_to(std::back_inserter(into), " BY={};{}{}",
                 std::clamp(left, -kLongest, kLongest).count(), by.return_it ? 'R' : 'N',
                 by.trace ? "T" : "");
}

}  // namespace

std::optional<Reply> obstacle(const mail::Envelope& envelope, const Capabilities& capabilities) {
  if (capabilities.size_max != 0 && envelope.body_bytes > capabilities.size_max) {
    return refusal(
        {5, 3, 4},
        fmt::format(
            "message of {} bytes is larger than the limit of {} bytes that the host announced",
            envelope.body_bytes, capabilities.size_max));
  }
  if (!capabilities.smtputf8 && (envelope.smtputf8 || !envelope.sender.ascii())) {
    return lacks(capabilities, {5, 6, 7}, "message has internationalised headers or sender",
                 "SMTPUTF8");
  }
  const bool binary = envelope.body_type == mail::BodyType::kBinaryMime;
  if (binary && !(capabilities.binary_mime && capabilities.chunking)) {
    return lacks(capabilities, {5, 6, 3}, "message is binary", "BINARYMIME");
  }
  // RFC 6152 §3: without the offer 8-bit content must be converted, which we do not do, or
  // returned.
  if (envelope.eight_bit && !binary && !capabilities.eight_bit_mime) {
    return lacks(capabilities, {5, 6, 3}, "message has 8-bit content", "8BITMIME");
  }
  return std::nullopt;
}

std::optional<Reply> obstacle(const mail::Recipient& recipient, const Capabilities& capabilities) {
  if (capabilities.smtputf8 || recipient.address.ascii()) return std::nullopt;
  return lacks(capabilities, {5, 6, 7}, "recipient address is internationalised", "SMTPUTF8");
}

bool passes_requiretls(const mail::Envelope& envelope, const Capabilities& capabilities,
                       const TlsState& tls) {
  const bool wished = envelope.tls_wish == mail::TlsWish::kRequireTls ||
                      envelope.tls_wish == mail::TlsWish::kRequireTlsIfOffered;
  return wished && tls && tls->verified && capabilities.requiretls;
}

std::optional<Reply> requiretls_obstacle(const mail::Envelope& envelope,
                                         const Capabilities& capabilities, const TlsState& tls) {
  if (envelope.tls_wish != mail::TlsWish::kRequireTls) return std::nullopt;
  if (passes_requiretls(envelope, capabilities, tls)) return std::nullopt;
  const std::string_view reason = !tls             ? "the session with the host has no TLS"
                                  : !tls->verified ? "the host's certificate could not be verified"
                                                   : "the host does not offer it";
  return refusal({5, 7, 30}, fmt::format("message asks for REQUIRETLS (RFC 8689), and {}", reason));
}

std::optional<std::chrono::seconds> time_left(const mail::Envelope& envelope, Instant now) {
  if (!envelope.deliver_by) return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(envelope.deliver_by->by - now);
}

std::optional<Reply> deliver_by_obstacle(const mail::Envelope& envelope,
                                         const Capabilities& capabilities, Instant now) {
  const auto left = time_left(envelope, now);
  if (!left || !envelope.deliver_by->return_it) return std::nullopt;
  const std::string wish = fmt::format("message is to be returned if it is not delivered by {}",
                                       mail::render_date(envelope.deliver_by->by));
  if (left->count() <= 0) {
    return refusal({5, 4, 7}, fmt::format("{}, and that time has passed", wish));
  }
  if (!capabilities.deliver_by) return lacks(capabilities, {5, 3, 3}, wish + ",", "DELIVERBY");
  if (left->count() >= capabilities.deliver_by_seconds_min) return std::nullopt;
  return refusal({5, 3, 3},
                 fmt::format("{}, which is in {} seconds, and the host takes no less than {}", wish,
                             left->count(), capabilities.deliver_by_seconds_min));
}

bool loses_deliver_by(const mail::Envelope& envelope, const Capabilities& capabilities,
                      Instant now) {
  return envelope.deliver_by && !capabilities.deliver_by && now < envelope.deliver_by->by;
}

bool relayed_is_told(const mail::Envelope& envelope, const Capabilities& capabilities,
                     Instant now) {
  return loses_deliver_by(envelope, capabilities, now) ||
         (envelope.deliver_by && envelope.deliver_by->trace);
}

void append_mail(std::string& into, const mail::Envelope& envelope, MailNeeds needs,
                 const Capabilities& capabilities) {
  into += "MAIL FROM:<";
  into += envelope.sender.text();
  into += '>';
  if (capabilities.size) {
    into += " SIZE=";
    into += fmt::format_int(envelope.body_bytes).c_str();
  }
  append_body(into, envelope, capabilities);
  if (needs.utf8) into += " SMTPUTF8";
  if (needs.requiretls) into += " REQUIRETLS";
  if (capabilities.dsn) {
    if (envelope.ret != mail::DsnReturn::kUnset) {
      into += envelope.ret == mail::DsnReturn::kFull ? " RET=FULL" : " RET=HDRS";
    }
    if (!envelope.envid.empty()) {
      into += " ENVID=";
      append_xtext(into, envelope.envid);
    }
  }
  if (capabilities.deliver_by && envelope.deliver_by) {
    append_deliver_by(into, *envelope.deliver_by, needs.time_left);
  }
  // RFC 6710 §4.2: always, 0 too.
  if (capabilities.mt_priority) {
    fmt::format_to(std::back_inserter(into), " MT-PRIORITY={}", envelope.priority);
  }
  into += "\r\n";
}

void append_rcpt(std::string& into, const mail::Recipient& recipient,
                 const Capabilities& capabilities, bool ask_delay) {
  into += "RCPT TO:<";
  into += recipient.address.text();
  into += '>';
  if (capabilities.dsn) {
    append_notify(into, ask_delay ? with_delay(recipient.notify) : recipient.notify);
    append_original_recipient(into, recipient);
  }
  into += "\r\n";
}

void append_xtext(std::string& into, std::string_view text) {
  for (const char c : text) {
    if (is_plain(c)) {
      into += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    into += '+';
    into += kHex[octet >> 4];
    into += kHex[octet & 0xF];
  }
}

}  // namespace posthaste::smtp
