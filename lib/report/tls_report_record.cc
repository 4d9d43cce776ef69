#include "lib/report/tls_report_record.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "lib/base/names.h"

namespace posthaste::report {
namespace {

constexpr std::string_view kVersion = "v=TLSRPTv1";
constexpr std::size_t kTargetsMax = 10;  // nobody needs more, and each of them gets a report

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// Cuts the part before the next `end` off the front.
std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 §2.1. Control characters have no business in an address.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F) return std::nullopt;
    decoded += c;
  }
  return decoded;
}

bool starts_with_fold(std::string_view text, std::string_view start) {
  return text.size() > start.size() && equal_fold(text.substr(0, start.size()), start);
}

void read_target(std::string_view target, TlsReportTargets& into) {
  constexpr std::string_view kMailTo = "mailto:";
  constexpr std::string_view kHttps = "https://";
  if (starts_with_fold(target, kMailTo)) {
    std::string_view address = target.substr(kMailTo.size());
    address = address.substr(0, address.find('?'));  // header fields are not for them to choose
    const auto decoded = percent_decoded(address);
    if (decoded && decoded->find('@') != std::string::npos) into.mail.push_back(*decoded);
  } else if (starts_with_fold(target, kHttps)) {
    const bool printable =
        std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7F; });
    if (printable) into.https.emplace_back(target);
  }
}

bool is_ours(std::string_view text) {
  return text == kVersion || text.starts_with(std::string(kVersion) + ";") ||
         text.starts_with(std::string(kVersion) + " ");
}

}  // namespace

std::string tls_report_name(const std::string& domain) { return "_smtp._tls." + domain; }

Result<TlsReportTargets> parse_tls_report_record(const std::vector<std::string>& texts) {
  const auto first = std::find_if(texts.begin(), texts.end(), is_ours);
  if (first == texts.end()) return fail(ErrorCode::kNotFound, "there is no TLSRPT record");
  if (std::find_if(first + 1, texts.end(), is_ours) != texts.end()) {
    return fail(ErrorCode::kInvalid, "there are several TLSRPT records");
  }
  TlsReportTargets targets;
  std::string_view rest = *first;
  take_until(rest, ';');  // the version
  while (!rest.empty()) {
    std::string_view field = take_until(rest, ';');
    const std::string_view key = trimmed(take_until(field, '='));
    if (key != "rua") continue;  // RFC 8460 §3: extensions are ignored
    while (!field.empty() && targets.mail.size() + targets.https.size() < kTargetsMax) {
      read_target(trimmed(take_until(field, ',')), targets);
    }
  }
  if (targets.mail.empty() && targets.https.empty()) {
    return fail(ErrorCode::kInvalid, "the TLSRPT record names no mailto: or https: address");
  }
  return targets;
}

}  // namespace posthaste::report
