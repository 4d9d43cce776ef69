#include "lib/policy/suspension.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::policy {
namespace {

constexpr std::array<std::string_view, 3> kNames{"domain", "site", "sender"};

// "user@example.com", "@example.com", "<>"; the local part's case counts, as RFC 5321 §2.4 has it.
Result<std::string> parse_sender_pattern(std::string_view text) {
  if (text == "<>") return std::string(text);
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at + 1 == text.size()) {
    return fail(ErrorCode::kInvalid,
                "a sender is user@example.com, @example.com for all of a domain, or <>");
  }
  return std::string(text.substr(0, at + 1)) + fold_domain(text.substr(at + 1));
}

bool covers_sender(std::string_view pattern, std::string_view sender) {
  if (sender.empty()) return pattern == "<>";
  const std::size_t at = sender.rfind('@');
  if (at == std::string_view::npos) return false;
  const std::size_t pattern_at = pattern.rfind('@');
  if (pattern_at == std::string_view::npos) return false;
  if (!equal_fold(sender.substr(at + 1), pattern.substr(pattern_at + 1))) return false;
  return pattern_at == 0 || sender.substr(0, at) == pattern.substr(0, pattern_at);
}

bool covers(const Suspension& suspension, SuspensionKind kind, std::string_view name, Instant now) {
  if (suspension.kind != kind || suspension.until <= now) return false;
  if (kind == SuspensionKind::kSender) return covers_sender(suspension.pattern, name);
  return DomainPattern{suspension.pattern}.matches(name);
}

const Suspension* longest(const std::vector<Suspension>& all, SuspensionKind kind,
                          std::string_view name, Instant now) {
  const Suspension* found = nullptr;
  for (const Suspension& one : all) {
    if (!covers(one, kind, name, now)) continue;
    if (found == nullptr || found->until < one.until) found = &one;
  }
  return found;
}

}  // namespace

std::string_view name(SuspensionKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  CHECK(index < kNames.size());
  return kNames[index];
}

std::optional<SuspensionKind> parse_suspension_kind(std::string_view text) {
  const auto* const found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<SuspensionKind>(found - kNames.begin());
}

Result<Suspension> parse_suspension(SuspensionKind kind, std::string_view pattern) {
  Suspension suspension;
  suspension.kind = kind;
  if (kind == SuspensionKind::kSender) {
    auto sender = parse_sender_pattern(pattern);
    if (!sender) return tl::unexpected(sender.error());
    suspension.pattern = std::move(*sender);
    return suspension;
  }
  auto domain = parse_domain_pattern(pattern);
  if (!domain) return tl::unexpected(domain.error());
  suspension.pattern = std::move(domain->text);
  return suspension;
}

Suspensions::Suspensions(std::vector<Suspension> all)
    : all_(std::move(all)),
      has_senders_(std::any_of(all_.begin(), all_.end(), [](const Suspension& one) {
        return one.kind == SuspensionKind::kSender;
      })) {}

const Suspension* Suspensions::of_domain(const RoutingDomain& domain, Instant now) const {
  return longest(all_, SuspensionKind::kDomain, domain.text(), now);
}

const Suspension* Suspensions::of_host(const MxName& host, Instant now) const {
  return longest(all_, SuspensionKind::kSite, host.text(), now);
}

const Suspension* Suspensions::of_sender(std::string_view sender, Instant now) const {
  return longest(all_, SuspensionKind::kSender, sender, now);
}

Instant Suspensions::next_lapse(Instant now) const {
  Instant next = kNever;
  for (const Suspension& one : all_) {
    if (one.until > now) next = std::min(next, one.until);
  }
  return next;
}

}  // namespace posthaste::policy
