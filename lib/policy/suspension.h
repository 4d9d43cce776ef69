// Suspensions: what the operator has stopped for a while: mail to a domain, to a site, or of a
// sender. It stays in the queue, is not tried, and does not expire before it has had a last
// attempt.
//
// Threads      immutable once built.
// Does not     store itself (queue/note.h), or stop anything: see lib/delivery/engine.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/names.h"
#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/policy/domain_pattern.h"

namespace posthaste::policy {

enum class SuspensionKind : std::uint8_t {
  kDomain,  // routing domains: "example.com", "*.example.com"
  kSite,    // names of MX hosts, so everybody whom they serve: "*.mx.example"
  kSender,  // "user@example.com", "@example.com", or "<>"
};
std::string_view name(SuspensionKind kind);  // "domain", …
std::optional<SuspensionKind> parse_suspension_kind(std::string_view text);

struct Suspension {
  SuspensionKind kind = SuspensionKind::kDomain;
  std::string pattern;  // folded, as parse_suspension made it
  Instant since;
  Instant until = kNever;  // lapses then by itself
  std::string words;       // the operator's reason; one line, may be empty
  friend bool operator==(const Suspension&, const Suspension&) = default;
};
// Error: kInvalid, with what a pattern of that kind looks like.
Result<Suspension> parse_suspension(SuspensionKind kind, std::string_view pattern);

class Suspensions {
 public:
  Suspensions() = default;
  explicit Suspensions(std::vector<Suspension> all);
  const std::vector<Suspension>& all() const { return all_; }
  bool empty() const { return all_.empty(); }

  // The one that holds longest; null: none at `now`. Valid as long as this is.
  const Suspension* of_domain(const RoutingDomain& domain, Instant now) const;
  const Suspension* of_host(const MxName& host, Instant now) const;
  // `sender` as mail::Mailbox::text(); empty: the null sender.
  const Suspension* of_sender(std::string_view sender, Instant now) const;
  bool has_senders() const { return has_senders_; }
  // The next time at which one lapses; kNever: none does.
  Instant next_lapse(Instant now) const;

 private:
  std::vector<Suspension> all_;
  bool has_senders_ = false;
};

}  // namespace posthaste::policy
