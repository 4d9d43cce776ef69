#include "lib/delivery/router.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/delivery/settings.h"

namespace posthaste::delivery {
namespace {

using policy::OnTlsFailure;
using policy::TlsConnect;
using policy::TlsFailure;
using policy::TlsFailureKind;

// Of the calls to a host whose TLS is known to fail, some ask for it again.
constexpr double kProbed = 0.05;

bool is_literal(const RoutingDomain& domain) {
  return !domain.empty() && domain.text().front() == '[';
}

Advice given_up(Advice::Kind kind, Trouble trouble) {
  Advice advice;
  advice.kind = kind;
  advice.trouble = std::move(trouble);
  return advice;
}

// Plaintext is no answer to any TLS failure of a host that has shown verified TLS: whoever can
// strip the offer can break the handshake too.
bool strip_guarded(const HostTls& tls, const Candidate& to, const Surroundings& around) {
  return tls.policy.strip_guard &&
         around.memory.has_shown_verified(to.host, to.endpoint.port, around.now);
}

}  // namespace

void Router::let_lapse(Instant now) {
  if (walk_) return;  // it keeps its plan, or a short TTL would never let it get past a slow host
  if (plan_ && plan_->expires() <= now) {
    plan_.reset();
    good_.reset();
    sts_ = Sts::kUnasked;
  }
  if (good_ && good_until_ <= now) good_.reset();
}

Advice Router::advise(Surroundings& around, Instant head_arrived) {
  if (good_ && around.suspensions.of_host(good_->to.candidate.host, around.now)) good_.reset();
  const bool serves = good_for(around, head_arrived);
  // Whoever wanted TLS does not want it any more.
  if (serves && seeks_tls_ && !under_way()) end_walk();
  let_lapse(around.now);
  Advice advice;
  if (good_ && serves) {
    advice.kind = Advice::Kind::kDial;
    Walk::Step to = good_->to;
    to.rung_before.reset();  // where it begins, now
    // What becomes of this call says nothing against the host that is up.
    advice.dial = dial(std::move(to), 0, around);
    return advice;
  }
  if (under_way()) {
    return to_ask_.empty() ? std::move(advice) : asking();
  }
  if (unanswered_) {
    Trouble trouble = *std::move(unanswered_);
    unanswered_.reset();
    return given_up(Advice::Kind::kGiveUp, std::move(trouble));
  }
  if (!plan_ && !make_plan(around.options)) return asking();
  if (plan_->verdict()) return given_up(Advice::Kind::kRefuse, *plan_->verdict());
  if (sts_ == Sts::kAsked) return advice;
  // The walk that found what is up in plaintext has not reached its end: nobody else yet.
  if (good_ && walk_ && !seeks_tls_) return advice;
  seeks_tls_ = good_.has_value();
  return step(around, head_arrived);
}

// Whether what is up may carry mail of that age.
bool Router::good_for(Surroundings& around, Instant head_arrived) {
  if (!good_) return false;
  const Walk::Step& to = good_->to;
  if (to.plaintext && strip_guarded(*to.tls, to.candidate, around)) good_.reset();
  return good_ && good_->may_carry(head_arrived, around.now);
}

void Router::adopt(RoutePlan plan) {
  plan_ = std::move(plan);
  ++plan_number_;
}

void Router::end_walk() {
  walk_.reset();
  step_ = 0;
  seeks_tls_ = false;
}

Advice Router::asking() {
  Advice advice;
  advice.kind = Advice::Kind::kAsk;
  advice.questions = std::exchange(to_ask_, {});
  advice.want_sts = std::exchange(want_sts_, false);
  return advice;
}

// False: DNS has to be asked first.
bool Router::make_plan(const Options& options) {
  mx_.reset();
  forget_sts();
  if (const RouteRule* rule = route_for(options, domain_)) {
    adopt(RoutePlan::of_route(*rule, options, domain_));
  } else if (is_literal(domain_)) {
    adopt(RoutePlan::of_literal(domain_, options));
  } else {
    asked_mx_ = dns::Question{domain_.text(), dns::RecordType::kMx};
    to_ask_ = {*asked_mx_};
    if (sts_ != Sts::kAsked && may_heed_sts(options, domain_, wish_)) {
      want_sts_ = true;
      sts_ = Sts::kAsked;
    }
    return false;
  }
  return true;
}

Advice Router::step(Surroundings& around, Instant head_arrived) {
  if (!walk_) walk_.emplace(plan_->resume, around.options.hosts_per_attempt);
  for (bool found = false; !found;) {
    const Walk::Next next = walk_->next(*plan_);
    if (next != Walk::Next::kExhausted && pass_suspended(around)) continue;
    switch (next) {
      case Walk::Next::kEvidence:
        if (!gather(around)) return asking();
        break;
      case Walk::Next::kBarred: bar(around); break;
      case Walk::Next::kExhausted: return conclude(around, head_arrived);
      case Walk::Next::kConnect: found = begin(around, head_arrived); break;
    }
  }
  if (step_ == 0) step_ = ++steps_;
  Advice advice;
  advice.kind = Advice::Kind::kDial;
  advice.dial = dial(walk_->step(*plan_), step_, around);
  return advice;
}

// Asked for each call: the host may have shown verified TLS since the last one.
Dial Router::dial(Walk::Step to_whom, std::uint64_t number, const Surroundings& around) const {
  Dial dial;
  dial.to = std::move(to_whom);
  dial.number = number;
  dial.plan = plan_number_;
  const HostTls& tls = *dial.to.tls;
  if (tls.demand->level == policy::TlsLevel::kNone || dial.to.plaintext) {
    dial.tls = smtp::TlsNeed::kNever;
    return dial;
  }
  dial.implicit_tls = tls.policy.connect == TlsConnect::kImplicit;
  const Candidate& to = dial.to.candidate;
  dial.guarded = !dial.implicit_tls && strip_guarded(tls, to, around);
  const bool bears_plaintext =
      !dial.guarded && choice_for(TlsFailure::kNotOffered, tls) == OnTlsFailure::kPlaintext;
  dial.tls = bears_plaintext ? smtp::TlsNeed::kIfOffered : smtp::TlsNeed::kRequired;
  return dial;
}

// What must be known of a host before it is called. False: DNS has to be asked first.
bool Router::gather(Surroundings& around) {
  const std::size_t index = walk_->host();
  const RoutePlan::Host& host = plan_->hosts()[index];
  if (host.known) {  // an address in place of a name: nothing is published about it
    judge(index, nullptr, around);
    return true;
  }
  const policy::TlsPolicy policy = tls_policy_for(around.options, domain_, host.name);
  search_.emplace(index, host.name, host.port, heeds_dane(policy, wish_),
                  host.trusted || (mx_ && dns::hosts_secure(*mx_)));
  to_ask_ = search_->take_questions();
  return false;
}

void Router::judge(std::size_t index, const dns::DanePlan* dane, Surroundings& around) {
  const MxName host = plan_->hosts()[index].name;
  policy::TlsEvidence evidence;
  evidence.insecure_mx = mx_ && !dns::hosts_secure(*mx_);
  if (dane != nullptr) {
    add_dane(evidence, *dane);
    if (mx_) evidence.dane_names = dns::dane_names(*dane, domain_, *mx_);
  }
  if (sts_policy_) add_sts(evidence, *sts_policy_, host);
  auto tls = judge_host(around.options, domain_, host, std::move(evidence), wish_);
  if (tls->sts_testing && !tls->evidence.sts_names_host) {
    around.barred.push_back({domain_, host, TlsFailure::kStsMxMismatch, true});
  }
  plan_->set_tls(index, std::move(tls));
  ++judged_;
}

void Router::bar(Surroundings& around) {
  const RoutePlan::Host& host = plan_->hosts()[walk_->host()];
  const HostTls& tls = *host.tls;
  around.barred.push_back({domain_, host.name, tls.barred, false});
  Trouble trouble = trouble_of_tls(tls.barred, tls, host.name.text());
  // The policy that cannot be had just now may vouch for the host.
  if (sts_unsure_ && heeds_sts(tls.policy, wish_)) trouble = for_now(std::move(trouble));
  walk_->pass_host(std::move(trouble));
}

// Where the walk stands before a candidate: which rung it begins with, or whether it is passed over
// for now. False: it is.
bool Router::begin(Surroundings& around, Instant head_arrived) {
  const Walk::Step step = walk_->step(*plan_);
  const HostTls& tls = *step.tls;
  const bool guarded = strip_guarded(tls, step.candidate, around);
  const auto may_be_plaintext = [&](TlsFailure failure) {
    return !guarded && (policy::kind(failure) != TlsFailureKind::kHandshake ||
                        add_saturated(head_arrived, tls.policy.plaintext_after) <= around.now);
  };
  if (step.plaintext) {
    if (may_be_plaintext(step.because)) return true;
    walk_->skip();
    return false;
  }
  if (walk_->begun()) return true;
  const auto key = tls.memory_key(step.candidate.endpoint);
  const TlsFailure known = around.memory.failure(key, around.now);
  if (known != TlsFailure::kNone && choice_for(known, tls) == OnTlsFailure::kPlaintext &&
      may_be_plaintext(known) && !around.rng.chance(kProbed)) {
    walk_->pass(*plan_, trouble_of_tls(known, tls, render_candidate(step.candidate)));
    return false;
  }
  walk_->begin(std::min(around.memory.first_rung(key, around.now), tls.ladder.size() - 1));
  return true;
}

// True: the walk stood at a host that the operator has suspended, and has left it out.
bool Router::pass_suspended(const Surroundings& around) {
  if (around.suspensions.empty()) return false;
  if (around.suspensions.of_host(walk_->host_name(*plan_), around.now) == nullptr) return false;
  walk_->leave_out();
  step_ = 0;
  return true;
}

// The suspension of one of the plan's hosts that lapses first; null: there is none.
const policy::Suspension* Router::suspended_host(const Surroundings& around) const {
  const policy::Suspension* first = nullptr;
  if (around.suspensions.empty()) return first;
  for (const RoutePlan::Host& host : plan_->hosts()) {
    const auto* one = around.suspensions.of_host(host.name, around.now);
    if (one != nullptr && (first == nullptr || one->until < first->until)) first = one;
  }
  return first;
}

Advice Router::conclude(Surroundings& around, Instant head_arrived) {
  const auto* suspension = suspended_host(around);
  if (suspension != nullptr && walk_->called_nobody() && !walk_->met_dns_trouble()) {
    end_walk();
    Advice advice;
    advice.kind = Advice::Kind::kSuspended;
    advice.suspension = suspension;
    // The domain may have other hosts by then.
    advice.until =
        std::min(suspension->until, std::max(plan_->expires(), around.now + kPlaintextBorrowed));
    return advice;
  }
  Trouble trouble = walk_->conclusion(around.now - head_arrived);
  if (suspension != nullptr) trouble = for_now(std::move(trouble));  // that one may take it later
  const bool unroutable = trouble.permanent && walk_->called_nobody();
  const auto resume = walk_->resume();
  const bool keep = resume && !walk_->met_dns_trouble();
  end_walk();
  if (good_) return given_up(Advice::Kind::kGiveUp, std::move(trouble));  // it goes by the plan too
  if (unroutable) {
    plan_->set_verdict(trouble);
    return given_up(Advice::Kind::kRefuse, std::move(trouble));
  }
  // A plan that brought us nowhere is made anew next time, with fresh answers and another order of
  // equals.
  if (keep) {
    plan_->resume = *resume;
  } else {
    plan_.reset();
    sts_ = Sts::kUnasked;
  }
  return given_up(Advice::Kind::kGiveUp, std::move(trouble));
}

void Router::on_mx(const dns::Answer& answer, Surroundings& around) {
  const dns::MxPlan mx = dns::plan_mx(domain_, answer, around.options.helo, around.rng);
  if (mx.kind == dns::MxPlan::Kind::kTemporary) {
    unanswered_ = trouble_of_plan(mx);
    return;
  }
  const Instant expires = std::max(answer.expires, around.now + kPlanAtLeast);
  adopt(RoutePlan::of_mx(mx, expires, around.options, domain_));
  plan_->shorten(sts_until_);
  mx_ = answer;
}

void Router::on_host(Surroundings& around) {
  const HostSearch found = *std::move(search_);
  search_.reset();
  CHECK(plan_);
  plan_->set_addresses(found.index(), found.a(), found.aaaa(), around.options.allow_networks);
  plan_->shorten(std::max(found.expires(), around.now + kPlanAtLeast));
  if (!plan_->hosts()[found.index()].addresses.empty()) {
    judge(found.index(), found.dane(), around);
  }
}

void Router::on_answered(const dns::Question& question, const dns::Answer& answer,
                         Surroundings& around) {
  if (asked_mx_ && question == *asked_mx_) {
    asked_mx_.reset();
    return on_mx(answer, around);
  }
  if (!search_) return;  // asked before the options changed
  search_->on_answer(question, answer);
  // An answer that nobody waits for any more must not take the place of what is still to be asked.
  for (dns::Question& next : search_->take_questions()) to_ask_.push_back(std::move(next));
  if (search_->done()) on_host(around);
}

void Router::on_sts(const StsKnown& known, Instant now) {
  if (sts_ != Sts::kAsked) return;
  sts_ = Sts::kKnown;
  sts_policy_ = known.policy;
  sts_unsure_ = known.unsure;
  if (known.unsure) sts_until_ = std::max(known.until, now + kPlanAtLeast);
  if (plan_) plan_->shorten(sts_until_);
}

void Router::forget_sts() {
  sts_policy_.reset();
  sts_unsure_ = false;
  sts_until_ = kNever;
}

bool Router::on_ready(const Dial& dial, const std::optional<policy::TlsFacts>& tls,
                      Surroundings& around) {
  if (calling_ == dial.number) calling_ = 0;
  const policy::TlsPolicy& policy = dial.to.tls->policy;
  if (tls) {
    const Endpoint& endpoint = dial.to.candidate.endpoint;
    around.memory.learn_rung(dial.to.tls->memory_key(endpoint), dial.to.rung, policy.remember,
                             around.now, around.learned);
    if (tls->verified) {
      around.memory.learn_verified(dial.to.candidate.host, endpoint.port, policy.remember,
                                   around.now, around.learned);
    }
  }
  if (!plan_ || dial.plan != plan_number_) return false;
  if (good_ && (borrowed() == nullptr || dial.in_plaintext_by_failure())) return true;
  good_ = dial;
  good_until_ = dial.to.plaintext ? around.now + kPlaintextBorrowed : kNever;
  seeks_tls_ = false;
  return true;
}

void Router::on_proven() {
  // It was an older connection, if the walk is still on its way.
  if (calling_ != 0 || search_ || seeks_tls()) return;
  end_walk();
  if (plan_) plan_->resume = {};
}

void Router::on_failed(const Dial& dial, Trouble trouble, Surroundings& around) {
  if (dial.number == 0) return;
  if (calling_ == dial.number) calling_ = 0;
  if (good_ && good_->number == dial.number) good_.reset();
  if (!walk_ || step_ != dial.number) return;
  step_ = 0;
  const HostTls& tls = *dial.to.tls;
  const TlsFailure failure = dial.to.plaintext ? TlsFailure::kNone : trouble.tls;
  if (failure == TlsFailure::kNone) return walk_->fail(*plan_, std::move(trouble), false);
  // A peer that has not answered STARTTLS has seen no hello: no other one would change its mind.
  if (policy::kind(failure) == TlsFailureKind::kHandshake &&
      trouble.stage != smtp::Stage::kStartTls) {
    const auto rung = policy::next_rung(tls.ladder, dial.to.rung, failure);
    if (rung ? walk_->step_down(*rung, failure) : walk_->begin_at_first_rung()) return;
  }
  const Candidate& to = dial.to.candidate;
  around.memory.learn_failure(tls.memory_key(to.endpoint), failure, tls.policy.remember, around.now,
                              around.learned);
  const bool guarded = strip_guarded(tls, to, around);
  if (guarded) trouble.plaintext_after.reset();
  // From MAIL on it was in plaintext, and that was no help.
  const bool plaintext = !guarded && dial.tls != smtp::TlsNeed::kNever &&
                         trouble.stage < smtp::Stage::kMail &&
                         choice_for(failure, tls) == OnTlsFailure::kPlaintext;
  walk_->fail(*plan_, std::move(trouble), plaintext);
}

bool Router::turn_from(const Dial& dial, Trouble trouble, Surroundings& around) {
  if (!plan_) return false;
  if (good_ && good_->to.candidate.endpoint == dial.to.candidate.endpoint) good_.reset();
  if (!walk_) walk_.emplace(plan_->resume, around.options.hosts_per_attempt);
  if (dial.number != 0 && step_ == dial.number) {
    on_failed(dial, std::move(trouble), around);
  } else {
    // Another connection of this step is up there: what becomes of it does not move the walk, which
    // passes the address now.
    const Endpoint& endpoint = dial.to.candidate.endpoint;
    if (walk_->stands_at(*plan_, endpoint)) step_ = 0;
    walk_->exclude(endpoint, std::move(trouble));
  }
  return walk_->next(*plan_) != Walk::Next::kExhausted;
}

void Router::on_closed(const Dial& dial) {
  if (calling_ == dial.number) calling_ = 0;
}

void Router::rest() {
  if (calling_ == 0 && !search_) end_walk();
}

void Router::forget() {
  plan_.reset();
  mx_.reset();
  sts_ = Sts::kUnasked;
  forget_sts();
  end_walk();
  good_.reset();
  asked_mx_.reset();
  search_.reset();
  to_ask_.clear();
  want_sts_ = false;
  unanswered_.reset();
  calling_ = 0;
}

bool Router::outdated(const Dial& dial) const {
  if (!plan_) return false;
  return std::any_of(plan_->hosts().begin(), plan_->hosts().end(), [&](const auto& host) {
    return host.name == dial.to.candidate.host && host.port == dial.to.candidate.endpoint.port &&
           host.tls != nullptr && host.tls->key != dial.to.tls->key;
  });
}

std::string Router::site_key(std::uint16_t usual_port) const {
  std::vector<std::string> names;
  if (plan_) {
    for (const RoutePlan::Host& host : plan_->hosts()) {
      std::string name = host.name.text();
      if (host.port != usual_port) name += ':' + std::to_string(host.port);
      names.push_back(std::move(name));
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string key;
  for (const std::string& name : names) key += (key.empty() ? "" : " ") + name;
  return key;
}

Instant Router::lapses() const {
  if (!plan_ || plan_->expires() == kNever) return Instant{};
  return plan_->expires();
}

}  // namespace posthaste::delivery
