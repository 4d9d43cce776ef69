#include "lib/mail/address.h"

#include <utility>

#include "lib/base/check.h"
#include "lib/base/ip.h"
#include "lib/mail/utf8.h"

namespace posthaste::mail {
namespace {

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// atext of RFC 5322 §3.2.3.
bool is_atext(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

// %d32-126: what may stand in a quoted string, bare or after a backslash (RFC 5321 §4.1.2).
bool is_printable(char c) { return c >= ' ' && c <= '~'; }

// How many octets of `text` are one character of the class `ascii`, or one UTF-8 character; 0:
// neither.
template <typename Class>
std::size_t character(std::string_view text, Class ascii, bool allow_utf8) {
  if (static_cast<unsigned char>(text[0]) < 0x80) return ascii(text[0]) ? 1 : 0;
  return allow_utf8 ? utf8_length(text) : 0;
}

tl::unexpected<Error> invalid(std::string words) {
  return fail(ErrorCode::kInvalid, std::move(words));
}

tl::unexpected<Error> bad_character(std::string_view where, char c) {
  std::string words = static_cast<unsigned char>(c) >= 0x80
                          ? "octets above 127, which need SMTPUTF8 and have to be valid UTF-8"
                          : "a character that is not allowed";
  return invalid(std::string(where) + " has " + words);
}

// Length of the quoted string that text begins with, quotes included.
Result<std::size_t> quoted_string(std::string_view text, bool allow_utf8) {
  std::size_t i = 1;
  while (i < text.size() && text[i] != '"') {
    if (text[i] == '\\') {
      if (i + 1 == text.size() || !is_printable(text[i + 1])) {
        return invalid("the quoted local part ends in a lone backslash");
      }
      i += 2;
      continue;
    }
    const std::size_t length = character(text.substr(i), is_printable, allow_utf8);
    if (length == 0) return bad_character("the quoted local part", text[i]);
    i += length;
  }
  if (i >= text.size()) return invalid("the quoted local part has no closing quote");
  return i + 1;
}

// Length of the dot-string that text begins with; it ends before the first '@'.
Result<std::size_t> dot_string(std::string_view text, bool allow_utf8) {
  std::size_t i = 0;
  while (i < text.size() && text[i] != '@') {
    if (text[i] == '.') {
      const bool last = i + 1 == text.size() || text[i + 1] == '@';
      if (i == 0 || last || text[i + 1] == '.') {
        return invalid("the local part has a dot at its end or two in a row");
      }
      ++i;
      continue;
    }
    const std::size_t length = character(text.substr(i), is_atext, allow_utf8);
    if (length == 0) return bad_character("the local part", text[i]);
    i += length;
  }
  if (i == 0) return invalid("the local part is empty");
  return i;
}

Status check_label(std::string_view label, bool allow_utf8) {
  if (label.empty()) return invalid("the domain has an empty label");
  // A U-label may be longer than the A-label it stands for.
  if (label.size() > kLabelOctetsMax && is_ascii(label)) {
    return invalid("the domain has a label of more than 63 octets");
  }
  if (label.front() == '-' || label.back() == '-') {
    return invalid("a label of the domain begins or ends with a hyphen");
  }
  const auto is_ldh = [](char c) { return is_alnum(c) || c == '-'; };
  for (std::size_t i = 0; i < label.size();) {
    const std::size_t length = character(label.substr(i), is_ldh, allow_utf8);
    if (length == 0) return bad_character("the domain", label[i]);
    i += length;
  }
  return {};
}

// RFC 5321 §4.1.3. General-address-literal has no tag in IANA's registry but IPv6.
Status check_literal(std::string_view literal) {
  if (literal.back() != ']') return invalid("the address literal has no closing bracket");
  std::string_view inside = literal.substr(1, literal.size() - 2);
  constexpr std::string_view kTag = "IPv6:";
  const bool tagged = equal_fold(inside.substr(0, kTag.size()), kTag);
  if (tagged) inside.remove_prefix(kTag.size());
  const bool coloned = inside.find(':') != std::string_view::npos;
  if (tagged != coloned || !parse_ip(inside)) {
    return invalid("the address literal is neither [IPv4] nor [IPv6:address]");
  }
  return {};
}

// "@one.example,@two.example:user@example.com" -> "user@example.com".
Result<std::string_view> without_source_route(std::string_view text) {
  if (text.front() != '@') return text;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return invalid("the local part is empty");
  return text.substr(colon + 1);
}

}  // namespace

Mailbox Mailbox::trusted(std::string text) {
  Mailbox mailbox;
  // A domain holds no '@', so the last one is the one that counts.
  const auto at = text.rfind('@');
  mailbox.at_ = static_cast<std::uint32_t>(at == std::string::npos ? text.size() : at);
  mailbox.text_ = std::move(text);
  return mailbox;
}

std::string_view Mailbox::local() const { return std::string_view(text_).substr(0, at_); }

std::string_view Mailbox::domain() const {
  return at_ < text_.size() ? std::string_view(text_).substr(at_ + 1) : std::string_view();
}

bool Mailbox::ascii() const { return is_ascii(text_); }

Status check_domain(std::string_view domain, bool allow_utf8) {
  if (domain.empty()) return invalid("the domain is empty");
  if (domain.size() > kDomainOctetsMax) return invalid("the domain is longer than 255 octets");
  for (std::size_t begin = 0; begin <= domain.size();) {
    const std::size_t dot = std::min(domain.find('.', begin), domain.size());
    if (auto label = check_label(domain.substr(begin, dot - begin), allow_utf8); !label) {
      return label;
    }
    begin = dot + 1;
  }
  return {};
}

Result<Mailbox> parse_mailbox(std::string_view text, bool allow_utf8) {
  if (text.empty()) return invalid("the address is empty");
  const Result<std::string_view> plain = without_source_route(text);
  if (!plain) return tl::unexpected(plain.error());
  if (plain->empty()) return invalid("the address is empty");
  if (plain->size() > kPathOctetsMax) return invalid("the address is longer than 254 octets");
  const Result<std::size_t> local =
      plain->front() == '"' ? quoted_string(*plain, allow_utf8) : dot_string(*plain, allow_utf8);
  if (!local) return tl::unexpected(local.error());
  if (*local > kLocalPartOctetsMax) return invalid("the local part is longer than 64 octets");
  if (*local == plain->size()) return invalid("the address has no domain");
  if ((*plain)[*local] != '@') return invalid("the quoted local part is not followed by \"@\"");
  const std::string_view domain = plain->substr(*local + 1);
  const bool literal = !domain.empty() && domain.front() == '[';
  const Status valid = literal ? check_literal(domain) : check_domain(domain, allow_utf8);
  if (!valid) return tl::unexpected(valid.error());
  return Mailbox::trusted(std::string(*plain));
}

RoutingDomain routing_domain(const Mailbox& mailbox) {
  CHECK(!mailbox.null());
  return RoutingDomain(fold_domain(mailbox.domain()));
}

}  // namespace posthaste::mail
