// Router: whom a destination calls next, and with what TLS. Keeps its route plan, what is published
// about it, the walk over it, and the host that answered.
//
//   nothing --ask MX, STS--> plan --walk--> candidate --ready--> good host --first verdict-->
//      ^                      |               | all failed          |            proven
//      |  plan lapsed         |               |                     | nobody up any more,
//      '----------------------'<--------------'<--------------------'  plan lapsed
//
// A good host that is up in plaintext, because its handshakes failed, is not good for mail that is
// too young for it: for that one another walk looks for TLS meanwhile.
//
// Lifetime     its destination's. Threads: none. Clock: the `now` given.
// Implements   RFC 5321 §5.1; RFC 7672 §2.2 and RFC 8461 §4 as to when they are asked; the order of
//              attempts that a TLS policy asks for.
// Does not     emit actions, count connections, touch recipients.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/delivery/action.h"
#include "lib/delivery/event.h"
#include "lib/delivery/host_search.h"
#include "lib/delivery/options.h"
#include "lib/delivery/route_plan.h"
#include "lib/delivery/view.h"
#include "lib/delivery/walk.h"
#include "lib/policy/suspension.h"

namespace posthaste::delivery {

// A plaintext connection after a TLS failure stands for the host no longer than that; then TLS is
// asked for again.
inline constexpr Duration kPlaintextBorrowed = std::chrono::minutes(10);

// What a call of the Router may look at, and what there is to tell when it returns.
struct Surroundings {
  const Options& options;
  const policy::Suspensions& suspensions;
  policy::TlsMemory& memory;
  Rng& rng;
  Instant now;
  policy::TlsMemory::Changes learned;
  std::vector<TlsBarred> barred;
};

// A call: whom, and how.
struct Dial {
  Walk::Step to;
  smtp::TlsNeed tls = smtp::TlsNeed::kIfOffered;
  bool implicit_tls = false;
  // The host has shown verified TLS: that it offers none is not believed.
  bool guarded = false;
  std::uint64_t number = 0;  // of which step of which walk this call is; 0: of none
  std::uint64_t plan = 0;    // which plan it follows

  bool in_plaintext_by_failure() const {
    return to.plaintext && policy::kind(to.because) == policy::TlsFailureKind::kHandshake;
  }
  // A failed handshake opens the way to plaintext only for mail that has waited long enough.
  bool may_carry(Instant arrived, Instant now) const {
    return !in_plaintext_by_failure() ||
           add_saturated(arrived, to.tls->policy.plaintext_after) <= now;
  }
};

struct Advice {
  enum class Kind : std::uint8_t {
    kDial,       // `dial`
    kAsk,        // `questions` and `want_sts`, then again when they are answered
    kWait,       // a call or a question is under way
    kGiveUp,     // this attempt has failed: `trouble`
    kRefuse,     // nobody can be delivered as long as DNS says so: `trouble`
    kSuspended,  // every host that could be called is suspended: `suspension`, `until`
  };
  Kind kind = Kind::kWait;
  Dial dial;
  std::vector<dns::Question> questions;
  bool want_sts = false;
  Trouble trouble;
  const policy::Suspension* suspension = nullptr;  // the first to lapse
  Instant until;                                   // then it may be otherwise
};

class Router {
 public:
  Router(RoutingDomain domain, mail::TlsWish wish) : domain_(std::move(domain)), wish_(wish) {}

  // What to do for one more connection. `head_arrived`: the message that it is for.
  Advice advise(Surroundings& around, Instant head_arrived);
  // The call that was advised has begun.
  void on_called(const Dial& dial) {
    if (dial.number != 0) calling_ = dial.number;
  }
  void on_answered(const dns::Question& question, const dns::Answer& answer, Surroundings& around);
  void on_sts(const StsKnown& known, Instant now);
  // False: the call follows a plan that has lapsed. What is up may do what it was made for, and is
  // no host to go on with.
  bool on_ready(const Dial& dial, const std::optional<policy::TlsFacts>& tls, Surroundings& around);
  // A host has given its first verdict on a recipient: the walk has reached its end.
  void on_proven();
  // A connection ended without having proved itself.
  void on_failed(const Dial& dial, Trouble trouble, Surroundings& around);
  // A host that had been reached takes no mail just now. True: there is another one to ask.
  bool turn_from(const Dial& dial, Trouble trouble, Surroundings& around);
  // A call is over, whatever came of it.
  void on_closed(const Dial& dial);
  // No connection of the destination is up any more.
  void on_nobody_up() { good_.reset(); }
  // There is nothing to deliver: the next attempt begins afresh.
  void rest();
  // What was found does not count any more.
  void forget();

  // The host that is up is reached in plaintext, because its handshakes failed; null: it is not so.
  const Dial* borrowed() const {
    return good_ && good_->in_plaintext_by_failure() ? &*good_ : nullptr;
  }
  // TLS is being looked for beside it.
  bool seeks_tls() const { return seeks_tls_ && good_; }
  // A call of the walk is open, or DNS is being asked.
  bool under_way() const { return calling_ != 0 || asked_mx_ || search_; }
  // How often a host was judged so far: whether outdated() may have changed its mind.
  std::uint64_t judged() const { return judged_; }
  // The call was made when something else was asked of the host than is now.
  bool outdated(const Dial& dial) const;
  // The hosts of the plan, sorted, with spaces between them; empty: there is no plan.
  std::string site_key(std::uint16_t usual_port) const;
  // Which plan that is of.
  std::uint64_t plan_number() const { return plan_ ? plan_number_ : 0; }
  // When what is known lapses; the epoch: nothing is known, or it can be had again for nothing.
  Instant lapses() const;
  TlsView view(const policy::TlsMemory& memory, Instant now) const;

 private:
  enum class Sts : std::uint8_t { kUnasked, kAsked, kKnown };

  void let_lapse(Instant now);
  void adopt(RoutePlan plan);
  void end_walk();
  bool good_for(Surroundings& around, Instant head_arrived);
  bool make_plan(const Options& options);
  void forget_sts();
  Advice asking();
  Advice step(Surroundings& around, Instant head_arrived);
  Dial dial(Walk::Step to_whom, std::uint64_t number, const Surroundings& around) const;
  bool gather(Surroundings& around);
  void judge(std::size_t host, const dns::DanePlan* dane, Surroundings& around);
  void bar(Surroundings& around);
  bool begin(Surroundings& around, Instant head_arrived);
  bool pass_suspended(const Surroundings& around);
  const policy::Suspension* suspended_host(const Surroundings& around) const;
  Advice conclude(Surroundings& around, Instant head_arrived);
  void on_mx(const dns::Answer& answer, Surroundings& around);
  void on_host(Surroundings& around);
  void learn(const Dial& dial, policy::TlsFailure failure, Surroundings& around) const;

  const RoutingDomain domain_;
  const mail::TlsWish wish_;
  std::optional<RoutePlan> plan_;
  std::uint64_t plan_number_ = 0;
  std::optional<dns::Answer> mx_;  // that the plan was made of
  Sts sts_ = Sts::kUnasked;
  std::optional<policy::StsPolicy> sts_policy_;
  bool sts_unsure_ = false;
  Instant sts_until_ = kNever;
  std::optional<Walk> walk_;
  std::optional<Dial> good_;
  Instant good_until_ = kNever;
  bool seeks_tls_ = false;  // the walk goes on beside good_
  std::optional<dns::Question> asked_mx_;
  std::optional<HostSearch> search_;
  std::vector<dns::Question> to_ask_;
  bool want_sts_ = false;
  std::optional<Trouble> unanswered_;  // DNS would not say; told by the next advice
  std::uint64_t steps_ = 0;
  std::uint64_t step_ = 0;     // the walk's current one; 0: it has failed, or none was called
  std::uint64_t calling_ = 0;  // the step whose connection is opening
  std::uint64_t judged_ = 0;
};

}  // namespace posthaste::delivery
