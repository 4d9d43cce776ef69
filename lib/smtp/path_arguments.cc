#include "lib/smtp/path_arguments.h"

#include <fmt/format.h>

#include <utility>

#include "lib/base/names.h"
#include "lib/smtp/xtext.h"

namespace posthaste::smtp {
namespace {

constexpr std::size_t kEnvidOctetsMax = 100;
constexpr std::size_t kOrcptOctetsMax = 500;

struct PathAndRest {
  std::string_view path;  // without the angle brackets
  std::string_view rest;  // the parameters, each with a space before it
};

// Where the '>' is that ends the path; one inside a quoted local part does not.
std::size_t end_of_path(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '>' && !quoted) {
      return i;
    }
  }
  return std::string_view::npos;
}

// `keyword` is "FROM:" or "TO:".
Parsed<PathAndRest> split_path(std::string_view argument, std::string_view keyword) {
  if (!equal_fold(argument.substr(0, keyword.size()), keyword)) {
    return refuse(fmt::format("501 5.5.2 \"{}<address>\" has to follow", keyword));
  }
  argument.remove_prefix(keyword.size());
  // RFC 5321 §3.3 forbids the blank; enough software writes it, and it means nothing else.
  while (!argument.empty() && argument.front() == ' ') argument.remove_prefix(1);
  if (argument.empty() || argument.front() != '<') {
    return refuse("501 5.5.2 the address has to stand between \"<\" and \">\"");
  }
  const auto end = end_of_path(argument);
  if (end == std::string_view::npos)
    return refuse("501 5.5.2 the \">\" after the address is missing");
  PathAndRest split{argument.substr(1, end - 1), argument.substr(end + 1)};
  if (!split.rest.empty() && split.rest.front() != ' ') {
    return refuse("501 5.5.4 a space has to stand before each parameter");
  }
  return split;
}

struct Parameter {
  std::string_view keyword;
  std::string_view value;
  bool valued = false;
};

// Takes the first parameter off `rest`; false when there is none left.
bool take_parameter(std::string_view& rest, Parameter& parameter) {
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  if (rest.empty()) return false;
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest.remove_prefix(word.size());
  const auto equals = word.find('=');
  parameter.keyword = word.substr(0, equals);
  parameter.valued = equals != std::string_view::npos;
  parameter.value = parameter.valued ? word.substr(equals + 1) : std::string_view();
  return true;
}

// Only ASCII may go back to the peer, and not much of it.
std::string shown(std::string_view keyword) {
  std::string text(keyword.substr(0, 40));
  for (char& c : text) {
    if (c < '!' || c > '~') c = '?';
  }
  return text;
}

tl::unexpected<Refusal> bad_value(std::string_view what) {
  return refuse(fmt::format("501 5.5.4 {}", what));
}

// RFC 5321 §4.1.1.11: 555 for a parameter that we do not know.
tl::unexpected<Refusal> unknown(const Parameter& parameter) {
  return refuse(fmt::format("555 5.5.4 unknown parameter {}", shown(parameter.keyword)));
}

// Which parameters one command had, so that none comes twice.
class Seen {
 public:
  bool repeated(unsigned bit) {
    const bool before = (bits_ & bit) != 0;
    bits_ |= bit;
    return before;
  }

 private:
  unsigned bits_ = 0;
};

Parsed<mail::BodyType> parse_body(std::string_view value) {
  if (equal_fold(value, "7BIT")) return mail::BodyType::k7Bit;
  if (equal_fold(value, "8BITMIME")) return mail::BodyType::k8BitMime;
  // RFC 3030 §3: BINARYMIME is legal only where it was offered.
  if (equal_fold(value, "BINARYMIME")) return bad_value("BODY=BINARYMIME is not offered here");
  return bad_value("BODY is 7BIT or 8BITMIME");
}

Parsed<std::string> parse_envid(std::string_view value) {
  if (value.empty() || value.size() > kEnvidOctetsMax)
    return bad_value("ENVID has 1 to 100 octets");
  Result<std::string> decoded = decode_xtext(value);
  if (!decoded) return bad_value("ENVID: " + decoded.error().words);
  return *std::move(decoded);
}

tl::unexpected<Refusal> repeated(std::string_view keyword) {
  return bad_value(fmt::format("{} is given twice", keyword));
}

// RFC 2852 §4, RFC 4865 §3, RFC 6710 §3.
Parsed<void> apply_wish(const Parameter& parameter, Seen& seen, DeliveryWishes& into) {
  const auto is = [&](std::string_view keyword) { return equal_fold(parameter.keyword, keyword); };
  if (is("BY")) {
    if (seen.repeated(64)) return repeated("BY");
    const Parsed<DeliveryWishes::By> by = parse_by(parameter.value);
    if (!by) return tl::unexpected(by.error());
    into.by = *by;
  } else if (is("HOLDFOR") || is("HOLDUNTIL")) {
    if (seen.repeated(128)) return bad_value("of HOLDFOR and HOLDUNTIL one can be given, once");
    const Parsed<DeliveryWishes::Hold> hold =
        is("HOLDFOR") ? parse_hold_for(parameter.value) : parse_hold_until(parameter.value);
    if (!hold) return tl::unexpected(hold.error());
    into.hold = *hold;
  } else if (is("MT-PRIORITY")) {
    if (seen.repeated(256)) return repeated("MT-PRIORITY");
    const Parsed<std::int8_t> priority = parse_priority(parameter.value);
    if (!priority) return tl::unexpected(priority.error());
    into.priority = *priority;
  } else {
    return unknown(parameter);
  }
  return {};
}

// One parameter of MAIL; the refusal or nothing.
Parsed<void> apply(const Parameter& parameter, Seen& seen, MailArguments& into) {
  const auto is = [&](std::string_view keyword) { return equal_fold(parameter.keyword, keyword); };
  if (is("SIZE")) {
    if (seen.repeated(1)) return repeated("SIZE");
    std::uint64_t size = 0;
    if (!parse_number(parameter.value, size)) return bad_value("SIZE takes a number of octets");
    into.size = size;
  } else if (is("BODY")) {
    if (seen.repeated(2)) return repeated("BODY");
    const Parsed<mail::BodyType> body = parse_body(parameter.value);
    if (!body) return tl::unexpected(body.error());
    into.body_type = *body;
  } else if (is("SMTPUTF8")) {
    if (seen.repeated(4)) return repeated("SMTPUTF8");
    if (parameter.valued) return bad_value("SMTPUTF8 takes no value");
    into.smtputf8 = true;
  } else if (is("RET")) {
    if (seen.repeated(8)) return repeated("RET");
    const bool full = equal_fold(parameter.value, "FULL");
    if (!full && !equal_fold(parameter.value, "HDRS")) return bad_value("RET is FULL or HDRS");
    into.ret = full ? mail::DsnReturn::kFull : mail::DsnReturn::kHeaders;
  } else if (is("ENVID")) {
    if (seen.repeated(16)) return repeated("ENVID");
    Parsed<std::string> envid = parse_envid(parameter.value);
    if (!envid) return tl::unexpected(envid.error());
    into.envid = *std::move(envid);
  } else if (is("REQUIRETLS")) {
    if (seen.repeated(32)) return repeated("REQUIRETLS");
    if (parameter.valued) return bad_value("REQUIRETLS takes no value");
    into.require_tls = true;
  } else {
    return apply_wish(parameter, seen, into.wishes);
  }
  return {};
}

// RFC 3461 §4.1: NEVER stands alone.
Parsed<std::uint8_t> parse_notify(std::string_view value) {
  unsigned bits = 0;
  for (bool more = true; more;) {
    const auto comma = value.find(',');
    const std::string_view word = value.substr(0, comma);
    unsigned bit = 0;
    if (equal_fold(word, "NEVER")) bit = mail::kNotifyNever;
    if (equal_fold(word, "SUCCESS")) bit = mail::kNotifySuccess;
    if (equal_fold(word, "FAILURE")) bit = mail::kNotifyFailure;
    if (equal_fold(word, "DELAY")) bit = mail::kNotifyDelay;
    if (bit == 0) return bad_value("NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY");
    bits |= bit;
    more = comma != std::string_view::npos;
    if (more) value.remove_prefix(comma + 1);
  }
  if ((bits & mail::kNotifyNever) != 0 && bits != mail::kNotifyNever) {
    return bad_value("NOTIFY=NEVER stands alone");
  }
  return static_cast<std::uint8_t>(bits);
}

// One parameter of RCPT.
Parsed<void> apply(const Parameter& parameter, bool smtputf8, Seen& seen, RcptArguments& into) {
  if (equal_fold(parameter.keyword, "NOTIFY")) {
    if (seen.repeated(1)) return repeated("NOTIFY");
    const Parsed<std::uint8_t> notify = parse_notify(parameter.value);
    if (!notify) return tl::unexpected(notify.error());
    into.notify = *notify;
  } else if (equal_fold(parameter.keyword, "ORCPT")) {
    if (seen.repeated(2)) return repeated("ORCPT");
    if (parameter.value.size() > kOrcptOctetsMax) return bad_value("ORCPT has up to 500 octets");
    Result<std::string> orcpt = decode_orcpt(parameter.value, smtputf8);
    if (!orcpt) return bad_value("ORCPT: " + orcpt.error().words);
    into.orcpt = *std::move(orcpt);
  } else {
    return unknown(parameter);
  }
  return {};
}

tl::unexpected<Refusal> not_extended() {
  return refuse("555 5.5.4 parameters need EHLO, not HELO");
}

bool has_high_octet(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return true;
  }
  return false;
}

// `code`: 5.1.7 for senders, 5.1.3 for recipients (RFC 3463 §3.2).
Parsed<mail::Mailbox> parse_path(std::string_view path, std::string_view code, bool smtputf8) {
  // RFC 6531 §3.5: an address that needs the extension, in a transaction without it.
  if (!smtputf8 && has_high_octet(path)) {
    return refuse("553 5.6.7 the address needs the SMTPUTF8 parameter of MAIL");
  }
  Result<mail::Mailbox> mailbox = mail::parse_mailbox(path, smtputf8);
  if (!mailbox) return refuse(fmt::format("501 {} {}", code, mailbox.error().words));
  return *std::move(mailbox);
}

}  // namespace

Parsed<MailArguments> parse_mail(std::string_view argument, bool extended) {
  Parsed<PathAndRest> split = split_path(argument, "FROM:");
  if (!split) return tl::unexpected(split.error());
  MailArguments parsed;
  Seen seen;
  for (Parameter parameter; take_parameter(split->rest, parameter);) {
    if (!extended) return not_extended();
    if (const auto applied = apply(parameter, seen, parsed); !applied) {
      return tl::unexpected(applied.error());
    }
  }
  if (split->path.empty()) return parsed;
  Parsed<mail::Mailbox> sender = parse_path(split->path, "5.1.7", parsed.smtputf8);
  if (!sender) return tl::unexpected(sender.error());
  parsed.sender = *std::move(sender);
  return parsed;
}

Parsed<RcptArguments> parse_rcpt(std::string_view argument, bool extended, bool smtputf8) {
  Parsed<PathAndRest> split = split_path(argument, "TO:");
  if (!split) return tl::unexpected(split.error());
  // The one recipient without a domain that RFC 5321 §4.5.1 knows would be a local one.
  if (equal_fold(split->path, "postmaster")) {
    return refuse("550 5.1.1 there are no mailboxes here, and so no postmaster: give his domain");
  }
  RcptArguments parsed;
  Parsed<mail::Mailbox> address = parse_path(split->path, "5.1.3", smtputf8);
  if (!address) return tl::unexpected(address.error());
  parsed.address = *std::move(address);
  Seen seen;
  for (Parameter parameter; take_parameter(split->rest, parameter);) {
    if (!extended) return not_extended();
    if (const auto applied = apply(parameter, smtputf8, seen, parsed); !applied) {
      return tl::unexpected(applied.error());
    }
  }
  return parsed;
}

}  // namespace posthaste::smtp
