#include "lib/smtp/client_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "lib/base/names.h"
#include "lib/mail/utf8.h"

namespace posthaste::smtp {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

Reply refusal(EnhancedCode enhanced, std::string words) {
  return Reply{0, enhanced, std::move(words)};
}

// The host has not offered `extension`. To the refusal of EHLO alone nobody's mail is to be lost:
// some hosts say 5xx to it only while they are busy.
Reply lacks(const Capabilities& capabilities, std::uint16_t detail, std::string_view what,
            std::string_view extension) {
  if (capabilities.helo_only) {
    return refusal({4, 6, detail}, fmt::format("{}, which needs {}, and the host refused EHLO: "
                                               "what it can do is not known",
                                               what, extension));
  }
  return refusal({5, 6, detail}, fmt::format("{} and the host does not offer {}", what, extension));
}

// The code point that `octets`, one whole character of UTF-8, stands for.
std::uint32_t code_point(std::string_view octets) {
  const auto lead = static_cast<unsigned char>(octets[0]);
  std::uint32_t point = octets.size() == 1 ? lead : lead & (0x7FU >> octets.size());
  for (const char c : octets.substr(1)) {
    point = (point << 6) | (static_cast<unsigned char>(c) & 0x3FU);
  }
  return point;
}

bool is_plain(char c) { return c > ' ' && c <= '~' && c != '+' && c != '='; }

// RFC 6533 §3, utf-8-addr-xtext: what is not plain becomes \x{HEX}. This form passes with and
// without SMTPUTF8.
void append_utf8_xtext(std::string& into, std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = std::max<std::size_t>(mail::utf8_length(text), 1);
    if (is_plain(text[0]) && text[0] != '\\') {
      into += text[0];
    } else {
      fmt::format_to(std::back_inserter(into), "\\x{{{:02X}}}", code_point(text.substr(0, length)));
    }
    text.remove_prefix(length);
  }
}

// ORCPT is "type;address", and only the address is xtext (RFC 3461 §4.2).
void append_orcpt(std::string& into, std::string_view orcpt) {
  const std::size_t semicolon = orcpt.find(';');
  if (semicolon == std::string_view::npos) return;
  const std::string_view type = orcpt.substr(0, semicolon);
  into += " ORCPT=";
  append_xtext(into, type);
  into += ';';
  const std::string_view address = orcpt.substr(semicolon + 1);
  if (equal_fold(type, "utf-8")) {
    append_utf8_xtext(into, address);
  } else {
    append_xtext(into, address);
  }
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

void append_body(std::string& into, const mail::Envelope& envelope,
                 const Capabilities& capabilities) {
  if (envelope.body_type == mail::BodyType::kBinaryMime) {
    into += " BODY=BINARYMIME";
  } else if (capabilities.eight_bit_mime &&
             (envelope.eight_bit || envelope.body_type == mail::BodyType::k8BitMime)) {
    into += " BODY=8BITMIME";
  }
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
    return lacks(capabilities, 7, "message has internationalised headers or sender", "SMTPUTF8");
  }
  const bool binary = envelope.body_type == mail::BodyType::kBinaryMime;
  if (binary && !(capabilities.binary_mime && capabilities.chunking)) {
    return lacks(capabilities, 3, "message is binary", "BINARYMIME");
  }
  // RFC 6152 §3: without the offer 8-bit content must be converted, which we do not do, or
  // returned.
  if (envelope.eight_bit && !binary && !capabilities.eight_bit_mime) {
    return lacks(capabilities, 3, "message has 8-bit content", "8BITMIME");
  }
  return std::nullopt;
}

std::optional<Reply> obstacle(const mail::Recipient& recipient, const Capabilities& capabilities) {
  if (capabilities.smtputf8 || recipient.address.ascii()) return std::nullopt;
  return lacks(capabilities, 7, "recipient address is internationalised", "SMTPUTF8");
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
  into += "\r\n";
}

void append_rcpt(std::string& into, const mail::Recipient& recipient,
                 const Capabilities& capabilities) {
  into += "RCPT TO:<";
  into += recipient.address.text();
  into += '>';
  if (capabilities.dsn) {
    append_notify(into, recipient.notify);
    append_orcpt(into, recipient.orcpt);
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
