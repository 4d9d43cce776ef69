#include "lib/policy/domain_pattern.h"

#include <algorithm>

#include "lib/base/names.h"

namespace posthaste::policy {
namespace {

constexpr std::size_t kDomainOctetsMax = 253;  // RFC 1035 §2.3.4, as text
constexpr std::size_t kLabelOctetsMax = 63;
constexpr std::string_view kAnyBelow = "*.";

// U-labels are octets above 127; underscores occur in names that are no hosts' but have MX records.
bool label_octet(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLabelOctetsMax &&
         std::all_of(label.begin(), label.end(), label_octet);
}

bool is_domain(std::string_view domain) {
  if (domain.empty() || domain.size() > kDomainOctetsMax) return false;
  for (;;) {
    const auto dot = domain.find('.');
    if (!is_label(domain.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

bool is_literal(std::string_view domain) {
  return domain.size() > 2 && domain.front() == '[' && domain.back() == ']' &&
         domain.find_first_not_of("0123456789abcdefipv.:", 1) == domain.size() - 1;
}

}  // namespace

bool DomainPattern::matches(std::string_view folded_domain) const {
  if (!text.starts_with(kAnyBelow)) return folded_domain == text;
  const std::string_view suffix = std::string_view(text).substr(1);  // with its dot
  return folded_domain.size() > suffix.size() && folded_domain.ends_with(suffix);
}

Result<DomainPattern> parse_domain_pattern(std::string_view text) {
  DomainPattern pattern{fold_domain(text)};
  std::string_view domain = pattern.text;
  if (domain.starts_with(kAnyBelow)) {
    domain.remove_prefix(kAnyBelow.size());
  } else if (is_literal(domain)) {
    return pattern;
  }
  if (is_domain(domain)) return pattern;
  const std::string_view advice = domain == "*"
                                      ? "\"*\" is no pattern; say it in the default instead"
                                      : "a pattern is \"example.com\" or \"*.example.com\"";
  return fail(ErrorCode::kInvalid,
              "\"" + std::string(text) + "\" matches no domain: " + std::string(advice));
}

bool matches_any(const std::vector<DomainPattern>& patterns, std::string_view folded_domain) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const DomainPattern& pattern) { return pattern.matches(folded_domain); });
}

}  // namespace posthaste::policy
