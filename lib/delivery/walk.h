// Walk: one attempt to find a host that answers, candidate by candidate over a RoutePlan.
//
// First pass: every address of every host in order, with TLS as policy wants it. Second pass, only
// when the first found nobody: those whose TLS failed in a way that policy lets us answer with
// plaintext.
//
// Lifetime     from the first candidate until one has proved itself, or all have failed.
// Limits       hosts_per_attempt addresses in the first pass.
// Does not     connect, look up, decide what becomes of recipients.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/delivery/route_plan.h"
#include "lib/delivery/trouble.h"

namespace posthaste::delivery {

class Walk {
 public:
  enum class Next : std::uint8_t {
    kConnect,    // to candidate()
    kAddresses,  // of host() are needed first
    kExhausted,  // see conclusion()
  };

  Walk(PlanCursor start, std::uint32_t tries_max);

  // Where the walk stands; passes hosts that have no address. REQUIRES the same plan each time.
  Next next(const RoutePlan& plan);
  // REQUIRES next() was kConnect.
  Candidate candidate(const RoutePlan& plan) const;
  // Why the candidate is to be tried in plaintext; kNone in the first pass.
  policy::TlsFailure stepped_down() const;
  // REQUIRES next() was kAddresses.
  std::size_t host() const { return at_.host; }

  // The candidate failed. REQUIRES next() was kConnect.
  void fail(const RoutePlan& plan, Trouble trouble, bool plaintext_allowed);

  // A host that the walk need not stand at has said that it takes no mail just now.
  void exclude(const Endpoint& endpoint, Trouble trouble);

  // Why the attempt failed, in the words of the host that says most. REQUIRES next() was
  // kExhausted.
  Trouble conclusion() const;
  // Where the next walk should go on; nullopt: from the start, this one saw the end of the plan.
  std::optional<PlanCursor> resume() const;
  bool connected_to_nobody() const { return tries_ == 0; }
  bool met_dns_trouble() const;

 private:
  struct Eligible {
    Candidate candidate;
    policy::TlsFailure reason;
  };
  bool tried(const Endpoint& endpoint) const;

  const PlanCursor start_;
  const std::uint32_t tries_max_;
  PlanCursor at_;
  std::uint32_t tries_ = 0;
  bool limited_ = false;
  bool second_pass_ = false;
  std::vector<Trouble> failures_;
  std::vector<Endpoint> tried_;
  std::vector<Eligible> eligible_;
  std::size_t eligible_at_ = 0;
};

}  // namespace posthaste::delivery
