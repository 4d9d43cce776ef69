#include "config/schema.h"

#include <algorithm>
#include <optional>

#include "config/schema_table.h"
#include "config/values.h"
#include "lib/policy/fingerprint.h"

namespace posthaste::config {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool contains(const std::vector<std::string_view>& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool is_word(std::string_view text, std::string_view more) {
  return !text.empty() && text.size() <= 1024 && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_absolute_path(std::string_view text) {
  return text.size() <= 4095 && text.starts_with('/') && !has_control(text);
}

bool is_line(std::string_view text) {
  return !text.empty() && text.size() <= 200 && !has_control(text);
}

// ".example.com" is any name below it; the words of match_names look like names.
bool is_match_name(std::string_view text) {
  return parse_host_name(text.starts_with('.') ? text.substr(1) : text).has_value();
}

// A name in the certificate, its whole subject, or its key.
bool is_certificate_holder(std::string_view text) {
  if (text.starts_with("sha256:")) return policy::parse_fingerprint(text).has_value();
  return text.find('=') != std::string_view::npos ? is_line(text)
                                                  : parse_host_name(text).has_value();
}

// "451", "45x", "4xx"
bool is_reply_code(std::string_view text) {
  const auto is_digit = [](char c) { return c == 'x' || (c >= '0' && c <= '9'); };
  return text.size() == 3 && (text[0] == '4' || text[0] == '5' || text[0] == 'x') &&
         is_digit(text[1]) && is_digit(text[2]);
}

// "4.7.1", "x.2.x"
bool is_enhanced_code(std::string_view text) {
  const auto parts = split(text, '.');
  const auto is_part = [](std::string_view part) {
    const auto number = parse_count(part);
    return part == "x" || (number && *number <= 999 && part.size() <= 3);
  };
  return parts.size() == 3 && !text.ends_with('.') &&
         (parts[0] == "4" || parts[0] == "5" || parts[0] == "x") && is_part(parts[1]) &&
         is_part(parts[2]);
}

// What ranges compare: microseconds, octets and counts alike, as a double that is exact where it
// matters (below 2^53).
std::optional<double> measure(Kind kind, std::string_view text) {
  if (kind == Kind::kFraction) return parse_fraction(text);
  if (kind == Kind::kDuration || kind == Kind::kDurationOrNever) {
    const auto duration = parse_duration(text);
    return duration ? std::optional(static_cast<double>(duration->count())) : std::nullopt;
  }
  const auto number = kind == Kind::kSize ? parse_size(text) : parse_count(text);
  return number ? std::optional(static_cast<double>(*number)) : std::nullopt;
}

bool in_range(const Field& field, std::string_view text) {
  const std::size_t dots = field.range.find("..");
  const auto value = measure(field.kind, text);
  const auto low = measure(field.kind, field.range.substr(0, dots));
  const auto high = measure(field.kind, field.range.substr(dots + 2));
  return value && low && high && *low <= *value && *value <= *high;
}

}  // namespace

std::span<const Field> fields() { return table_of_fields(); }

const Field* find_field(std::string_view path) {
  const auto rows = fields();
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const Field& f) { return f.path == path; });
  return found == rows.end() ? nullptr : &*found;
}

std::vector<const Field*> fields_below(std::string_view path) {
  std::vector<const Field*> below;
  for (const Field& field : fields()) {
    const std::size_t dot = field.path.rfind('.');
    const std::string_view parent = dot == std::string_view::npos ? "" : field.path.substr(0, dot);
    if (parent == path) below.push_back(&field);
  }
  return below;
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('.') + 1);  // npos + 1 is 0: the whole
}

bool is_later_key(std::string_view path) {
  const auto keys = table_of_later_keys();
  return std::find(keys.begin(), keys.end(), path) != keys.end();
}

std::string_view said_otherwise(std::string_view path) {
  for (const OldKey& row : table_of_old_keys()) {
    if (row.path == path) return row.instead;
  }
  return {};
}

std::vector<std::string_view> choices(const Field& field) { return split(field.range, '|'); }

std::string_view words(Kind kind) {
  switch (kind) {
    case Kind::kNothing: return "nothing";
    case Kind::kChoice: return "one of";
    case Kind::kCount: return "a whole number";
    case Kind::kCountOrAuto: return "a whole number or auto";
    case Kind::kCertificateHolder: return "a name, a subject (CN=…) or sha256: and hex";
    case Kind::kCipherList: return "names with colons between";
    case Kind::kDnsServer: return "an IP address with or without port";
    case Kind::kDomain: return "a domain in ASCII (xn--… for others)";
    case Kind::kDomainPattern: return "a domain, or *. and a domain";
    case Kind::kDuration: return "a duration";
    case Kind::kDurationOrNever: return "never or a duration";
    case Kind::kEndpoint: return "an IP address and a port";
    case Kind::kEndpointOrNone: return "an IP address and a port, or none";
    case Kind::kEnhancedCode: return "an enhanced code, with x for any number";
    case Kind::kFingerprint: return "sha256: and 64 hexadecimal digits";
    case Kind::kFlag: return "true or false";
    case Kind::kFraction: return "a number";
    case Kind::kHostName: return "a host name";
    case Kind::kLine: return "a line of text";
    case Kind::kMailAddress: return "a mail address in ASCII";
    case Kind::kMatchName: return "hostname, nexthop, dot-nexthop, or a name";
    case Kind::kNetwork: return "an IP address or a network without host bits";
    case Kind::kPath: return "an absolute path";
    case Kind::kPathOrNone: return "an absolute path or none";
    case Kind::kPathOrSystem: return "an absolute path or system";
    case Kind::kPattern: return "a regular expression of up to 1000 octets";
    case Kind::kProfileName: return "the name of a profile";
    case Kind::kRate: return "a rate or unlimited";
    case Kind::kReplyCode: return "a code from 400 to 599, with x for any digit";
    case Kind::kRouteHost: return "a host name or an IP address, with or without port";
    case Kind::kRuleName: return "a name of letters, digits, - and _";
    case Kind::kSize: return "a size";
  }
  return "";
}

std::string_view json_pattern(Kind kind) {
  switch (kind) {
    case Kind::kCertificateHolder:
    case Kind::kLine: return "^.{1,200}$";
    case Kind::kCipherList: return "^[A-Za-z0-9_+!@=:.-]+$";
    case Kind::kDnsServer:
    case Kind::kNetwork: return "^[0-9a-fA-F:.\\[\\]/]+$";
    case Kind::kDomain:
    case Kind::kHostName: return "^[A-Za-z0-9.-]+$";
    case Kind::kDomainPattern: return "^(\\*\\.)?[A-Za-z0-9._-]+$";
    case Kind::kDuration: return "^[0-9]+(ms|s|m|h|d)$";
    case Kind::kDurationOrNever: return "^([0-9]+(ms|s|m|h|d)|never)$";
    case Kind::kEndpoint: return "^[0-9a-fA-F:.\\[\\]]+:[0-9]+$";
    case Kind::kEndpointOrNone: return "^([0-9a-fA-F:.\\[\\]]+:[0-9]+|none)$";
    case Kind::kEnhancedCode: return "^[45x][.]([0-9]{1,3}|x)[.]([0-9]{1,3}|x)$";
    case Kind::kFingerprint: return "^sha256:[0-9A-Fa-f:]{64,95}$";
    case Kind::kMailAddress: return "^[^@ ]+@[A-Za-z0-9.-]+$";
    case Kind::kMatchName: return "^\\.?[A-Za-z0-9._-]+$";
    case Kind::kPath: return "^/";
    case Kind::kPathOrNone: return "^(/|none$)";
    case Kind::kPathOrSystem: return "^(/|system$)";
    case Kind::kPattern: return "^.{1,1000}$";
    case Kind::kRuleName:
    case Kind::kProfileName: return "^[A-Za-z0-9_-]+$";
    case Kind::kRate: return "^([0-9]+/[smhd]|unlimited)$";
    case Kind::kReplyCode: return "^[45x][0-9x][0-9x]$";
    case Kind::kRouteHost: return "^[A-Za-z0-9.:\\[\\]-]+$";
    case Kind::kSize: return "^[0-9]+([KMGT]i?B|B)?$";
    case Kind::kNothing:
    case Kind::kChoice:
    case Kind::kCount:
    case Kind::kCountOrAuto:
    case Kind::kFlag:
    case Kind::kFraction: return "";
  }
  return "";
}

bool accepts(const Field& field, std::string_view text) {
  switch (field.kind) {
    case Kind::kNothing: return false;
    case Kind::kChoice: return contains(choices(field), text);
    case Kind::kCountOrAuto: return text == "auto" || in_range(field, text);
    case Kind::kDurationOrNever: return text == "never" || in_range(field, text);
    case Kind::kCount:
    case Kind::kDuration:
    case Kind::kFraction:
    case Kind::kSize: return in_range(field, text);
    case Kind::kCertificateHolder: return is_certificate_holder(text);
    case Kind::kCipherList: return is_word(text, "_+!@=:.-");
    case Kind::kDnsServer: return parse_dns_server(text).has_value();
    case Kind::kDomain:
    case Kind::kHostName: return parse_host_name(text).has_value();
    case Kind::kDomainPattern: return policy::parse_domain_pattern(text).has_value();
    case Kind::kEndpoint: return parse_endpoint(text).has_value();
    case Kind::kEndpointOrNone: return text == "none" || parse_endpoint(text).has_value();
    case Kind::kEnhancedCode: return is_enhanced_code(text);
    case Kind::kFingerprint: return policy::parse_fingerprint(text).has_value();
    case Kind::kFlag: return parse_flag(text).has_value();
    case Kind::kLine: return is_line(text);
    case Kind::kMailAddress: return parse_mail_address(text).has_value();
    case Kind::kMatchName: return is_match_name(text);
    case Kind::kNetwork: return parse_network(text).has_value();
    case Kind::kPath: return is_absolute_path(text);
    case Kind::kPathOrNone: return text == "none" || is_absolute_path(text);
    case Kind::kPathOrSystem: return text == "system" || is_absolute_path(text);
    case Kind::kPattern: return !text.empty() && text.size() <= 1000 && !has_control(text);
    case Kind::kRuleName:
    case Kind::kProfileName: return is_word(text, "_-") && text.size() <= 64;
    case Kind::kRate: return parse_rate(text).has_value();
    case Kind::kReplyCode: return is_reply_code(text);
    case Kind::kRouteHost: return parse_route_host(text).has_value();
  }
  return false;
}

}  // namespace posthaste::config
