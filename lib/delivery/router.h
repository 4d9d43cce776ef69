// Router: whom a destination calls next. Keeps its route plan, the walk over it, and the host that
// answered.
//
//   nothing --ask MX--> plan --walk--> candidate --ready--> good host --first verdict--> proven
//      ^                  |               | all failed                        | nobody up any more,
//      plan lapsed
//      '------------------'<--------------'<----------------------------------'
//
// Lifetime     its destination's. Threads: none. Clock: the `now` given.
// Implements   RFC 5321 §5.1; the order of attempts that a TLS policy asks for.
// Does not     emit actions, count connections, touch recipients.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/delivery/options.h"
#include "lib/delivery/route_plan.h"
#include "lib/delivery/walk.h"

namespace posthaste::delivery {

// Whom to call, and how.
struct Dial {
  Candidate candidate;
  smtp::TlsNeed tls = smtp::TlsNeed::kIfOffered;
  bool implicit_tls = false;
  policy::TlsFailure stepped_down = policy::TlsFailure::kNone;  // plaintext, because TLS failed so
  std::uint64_t step = 0;                                       // of which walk's step this call is
};

struct Advice {
  enum class Kind : std::uint8_t {
    kDial,    // `dial`
    kAsk,     // `questions`, then again when they are answered
    kWait,    // a call or a question is under way
    kGiveUp,  // this attempt has failed: `trouble`
    kRefuse,  // nobody can be delivered as long as DNS says so: `trouble`
  };
  Kind kind = Kind::kWait;
  Dial dial;
  std::vector<dns::Question> questions;
  Trouble trouble;
};

class Router {
 public:
  explicit Router(RoutingDomain domain) : domain_(std::move(domain)) {}

  // What to do for one more connection.
  Advice advise(const Options& options, const policy::TlsPolicy& tls, Instant now);
  // The call that was advised has begun.
  void on_called(const Dial& dial) {
    if (!good_) calling_ = dial.step;
  }
  void on_answered(const dns::Question& question, const dns::Answer& answer, const Options& options,
                   const policy::TlsPolicy& tls, Instant now, Rng& rng);
  void on_ready(const Dial& dial, Instant now);
  // A host has given its first verdict on a recipient: the walk has reached its end.
  void on_proven();
  // A connection ended without having proved itself.
  void on_failed(const Dial& dial, Trouble trouble, bool plaintext_allowed);
  // A host that had been reached takes no mail just now. True: there is another one to ask.
  bool turn_from(const Dial& dial, Trouble trouble, const Options& options);
  // A call is over, whatever came of it.
  void on_closed(const Dial& dial);
  // No connection of the destination is up any more.
  void on_nobody_up() { good_.reset(); }
  // There is nothing to deliver: the next attempt begins afresh.
  void rest();
  // The options have changed: what was found does not count any more.
  void forget();

  bool calling() const { return calling_ != 0; }
  // When what is known lapses; the epoch: nothing is known, or it can be had again for nothing.
  Instant lapses() const;

 private:
  struct HostQuestions {
    std::size_t host;
    dns::Question a, aaaa;
    std::optional<dns::Answer> a_answer, aaaa_answer;
  };
  bool make_plan(const Options& options, const policy::TlsPolicy& tls);
  Advice ask_addresses(std::size_t host);
  Advice step(const Options& options, const policy::TlsPolicy& tls, Instant now);
  Advice conclude();
  void on_mx(const dns::Answer& answer, const Options& options, const policy::TlsPolicy& tls,
             Instant now, Rng& rng);

  const RoutingDomain domain_;
  std::optional<RoutePlan> plan_;
  std::optional<Walk> walk_;
  std::optional<Dial> good_;
  std::optional<dns::Question> asked_mx_;
  std::optional<HostQuestions> asked_host_;
  std::optional<Trouble> unanswered_;  // DNS would not say; told by the next advice
  std::uint64_t steps_ = 0;
  std::uint64_t step_ = 0;     // the walk's current one; 0: it has failed, or none was called
  std::uint64_t calling_ = 0;  // the step whose connection is opening
};

}  // namespace posthaste::delivery
