// Walk: one attempt to find a host that answers, candidate by candidate over a RoutePlan.
//
// First pass: every address of every host in order, with TLS as policy wants it: rung by rung where
// a handshake fails, each on a new connection. Second pass, only when the first found nobody: those
// whose TLS failed in a way that policy lets us answer with plaintext.
//
//   candidate --begin--> rung --handshake failed--> next rung … --none left--> next candidate
//
// Lifetime     from the first candidate until one has proved itself, or all have failed.
// Limits       hosts_per_attempt addresses in the first pass; policy::kHandshakesMax calls to each.
// Does not     connect, look up, remember, decide what becomes of recipients.
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
    kConnect,    // as step() says; after begin() where that is not done
    kEvidence,   // addresses of host(), and what it must show, are needed first
    kBarred,     // host() must not be used: pass_host()
    kExhausted,  // see conclusion()
  };
  // Whom to call, and how.
  struct Step {
    Candidate candidate;
    std::shared_ptr<const HostTls> tls;
    std::size_t rung = 0;
    bool plaintext = false;
    // Why it is not the rung above, or not TLS; kNone: it is where one begins.
    policy::TlsFailure because = policy::TlsFailure::kNone;
    std::optional<std::size_t> rung_before;
  };

  Walk(PlanCursor start, std::uint32_t tries_max);

  // Where the walk stands; passes hosts that have no address. REQUIRES the same plan each time.
  Next next(const RoutePlan& plan);
  // REQUIRES next() was kEvidence or kBarred.
  std::size_t host() const { return at_.host; }
  // REQUIRES next() was kBarred.
  void pass_host(Trouble trouble);
  // ---- REQUIRES next() was not kExhausted
  const MxName& host_name(const RoutePlan& plan) const {
    return second_pass_ ? eligible_.at(eligible_at_).candidate.host
                        : plan.hosts().at(at_.host).name;
  }
  // The host, or in the second pass the candidate, is not to be called; that is no failure of its.
  void leave_out();

  // ---- REQUIRES next() was kConnect
  Step step(const RoutePlan& plan) const;
  // Second pass: not this one, for now.
  void skip() { ++eligible_at_; }
  // False: begin() or pass() is to be called first.
  bool begun() const { return second_pass_ || rung_.has_value(); }
  void begin(std::size_t rung) {
    rung_ = rung;
    remembered_ = rung > 0;
  }
  // The candidate is known to have failed so: not called now, but perhaps in the second pass.
  void pass(const RoutePlan& plan, Trouble trouble);
  // The handshake failed, and another rung may help. False: it has had its calls.
  bool step_down(std::size_t rung, policy::TlsFailure failure);
  // No further rung helps, but the candidate began below the first one, at a rung that had worked
  // once: it begins at the first one, once. False: it has had that, or its calls.
  bool begin_at_first_rung();
  // The candidate failed.
  void fail(const RoutePlan& plan, Trouble trouble, bool plaintext_allowed);

  // A host that the walk need not stand at has said that it takes no mail just now.
  void exclude(const Endpoint& endpoint, Trouble trouble);
  // The address that is tried now, in the first pass, is this one.
  bool stands_at(const RoutePlan& plan, const Endpoint& endpoint) const;

  // Why the attempt failed, in the words of the host that says most; `age`: of the message that it
  // was made for. REQUIRES next() was kExhausted.
  Trouble conclusion(Duration age) const;
  // Where the next walk should go on; nullopt: from the start, this one saw the end of the plan.
  std::optional<PlanCursor> resume() const;
  bool called_nobody() const { return !called_; }
  bool met_dns_trouble() const;

 private:
  struct Eligible {
    Candidate candidate;
    std::shared_ptr<const HostTls> tls;
    policy::TlsFailure reason;
  };
  bool tried(const Endpoint& endpoint) const;
  void next_candidate(const Endpoint& done);
  void begin_anew();

  const PlanCursor start_;
  const std::uint32_t tries_max_;
  PlanCursor at_;
  std::optional<std::size_t> rung_;  // of the candidate; nullopt: not begun
  std::optional<std::size_t> rung_before_;
  bool remembered_ = false;  // it began where one had worked, and not yet at the first
  policy::TlsFailure because_ = policy::TlsFailure::kNone;
  std::size_t handshakes_ = 0;
  std::uint32_t tries_ = 0;
  bool called_ = false;
  bool limited_ = false;
  bool second_pass_ = false;
  std::vector<Trouble> failures_;
  std::vector<Endpoint> tried_;
  std::vector<Eligible> eligible_;
  std::size_t eligible_at_ = 0;
};

}  // namespace posthaste::delivery
