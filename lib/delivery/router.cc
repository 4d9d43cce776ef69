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
using policy::TlsLevel;

bool is_literal(const RoutingDomain& domain) {
  return !domain.empty() && domain.text().front() == '[';
}

void set_tls(Dial& dial, const policy::TlsPolicy& tls) {
  if (tls.level == TlsLevel::kNone || dial.stepped_down != TlsFailure::kNone) {
    dial.tls = smtp::TlsNeed::kNever;
    return;
  }
  dial.implicit_tls = tls.connect == TlsConnect::kImplicit;
  const bool bears_plaintext = choice_for(TlsFailure::kNotOffered, tls) == OnTlsFailure::kPlaintext;
  dial.tls = bears_plaintext ? smtp::TlsNeed::kIfOffered : smtp::TlsNeed::kRequired;
}

Advice given_up(Advice::Kind kind, Trouble trouble) {
  Advice advice;
  advice.kind = kind;
  advice.trouble = std::move(trouble);
  return advice;
}

}  // namespace

Advice Router::advise(const Options& options, const policy::TlsPolicy& tls, Instant now) {
  // A walk keeps its plan to the end, or a short TTL would never let it get past a slow first host.
  if (plan_ && !walk_ && plan_->expires() <= now) {
    plan_.reset();
    good_.reset();
  }
  // Plaintext is borrowed for a while only: then the host is asked for TLS again.
  if (good_ && good_->stepped_down != TlsFailure::kNone && plan_ && !walk_ &&
      plan_->plaintext_reason(good_->candidate.endpoint, now) == TlsFailure::kNone) {
    good_.reset();
  }
  Advice advice;
  if (good_) {
    advice.kind = Advice::Kind::kDial;
    advice.dial = *good_;
    advice.dial.step = 0;  // what becomes of this call says nothing against the host that is up
    return advice;
  }
  if (calling_ != 0 || asked_mx_ || asked_host_) return advice;
  if (unanswered_) {
    Trouble trouble = *std::move(unanswered_);
    unanswered_.reset();
    return given_up(Advice::Kind::kGiveUp, std::move(trouble));
  }
  if (!plan_ && !make_plan(options, tls)) {
    advice.kind = Advice::Kind::kAsk;
    advice.questions.push_back(*asked_mx_);
    return advice;
  }
  if (plan_->verdict()) return given_up(Advice::Kind::kRefuse, *plan_->verdict());
  return step(options, tls, now);
}

// False: DNS has to be asked first.
bool Router::make_plan(const Options& options, const policy::TlsPolicy& tls) {
  if (const RouteRule* rule = route_for(options, domain_)) {
    plan_ = RoutePlan::of_route(*rule, options, tls.port);
  } else if (is_literal(domain_)) {
    plan_ = RoutePlan::of_literal(domain_, options, tls.port);
  } else {
    asked_mx_ = dns::Question{domain_.text(), dns::RecordType::kMx};
    return false;
  }
  return true;
}

Advice Router::step(const Options& options, const policy::TlsPolicy& tls, Instant now) {
  if (!walk_) walk_.emplace(plan_->resume, options.hosts_per_attempt);
  switch (walk_->next(*plan_)) {
    case Walk::Next::kAddresses: return ask_addresses(walk_->host());
    case Walk::Next::kExhausted: return conclude();
    case Walk::Next::kConnect: break;
  }
  Advice advice;
  advice.kind = Advice::Kind::kDial;
  advice.dial.candidate = walk_->candidate(*plan_);
  advice.dial.stepped_down = walk_->stepped_down();
  if (advice.dial.stepped_down == TlsFailure::kNone) {
    advice.dial.stepped_down = plan_->plaintext_reason(advice.dial.candidate.endpoint, now);
  }
  set_tls(advice.dial, tls);
  if (step_ == 0) step_ = ++steps_;
  advice.dial.step = step_;
  return advice;
}

Advice Router::ask_addresses(std::size_t host) {
  const std::string& name = plan_->hosts()[host].name.text();
  asked_host_ = HostQuestions{host,
                              {name, dns::RecordType::kA},
                              {name, dns::RecordType::kAaaa},
                              std::nullopt,
                              std::nullopt};
  Advice advice;
  advice.kind = Advice::Kind::kAsk;
  advice.questions = {asked_host_->aaaa, asked_host_->a};
  return advice;
}

Advice Router::conclude() {
  Trouble trouble = walk_->conclusion();
  const bool unroutable = trouble.permanent && walk_->connected_to_nobody();
  const auto resume = walk_->resume();
  const bool keep = resume && !walk_->met_dns_trouble();
  walk_.reset();
  step_ = 0;
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
  }
  return given_up(Advice::Kind::kGiveUp, std::move(trouble));
}

void Router::on_mx(const dns::Answer& answer, const Options& options, const policy::TlsPolicy& tls,
                   Instant now, Rng& rng) {
  const dns::MxPlan mx = dns::plan_mx(domain_, answer, options.helo, rng);
  if (mx.kind == dns::MxPlan::Kind::kTemporary) {
    unanswered_ = trouble_of_plan(mx);
    return;
  }
  const Instant expires = std::max(answer.expires, now + kPlanAtLeast);
  plan_ = RoutePlan::of_mx(mx, expires, tls.port != 0 ? tls.port : options.port);
}

void Router::on_answered(const dns::Question& question, const dns::Answer& answer,
                         const Options& options, const policy::TlsPolicy& tls, Instant now,
                         Rng& rng) {
  if (asked_mx_ && question == *asked_mx_) {
    asked_mx_.reset();
    return on_mx(answer, options, tls, now, rng);
  }
  if (!asked_host_) return;  // asked before the options changed
  if (question == asked_host_->a) asked_host_->a_answer = answer;
  if (question == asked_host_->aaaa) asked_host_->aaaa_answer = answer;
  if (!asked_host_->a_answer || !asked_host_->aaaa_answer) return;
  const HostQuestions asked = *std::move(asked_host_);
  asked_host_.reset();
  CHECK(plan_);
  plan_->set_addresses(asked.host, *asked.a_answer, *asked.aaaa_answer, options.allow_networks);
  const Instant first = std::min(asked.a_answer->expires, asked.aaaa_answer->expires);
  plan_->shorten(std::max(first, now + kPlanAtLeast));
}

void Router::on_ready(const Dial& dial, Instant now) {
  if (calling_ == dial.step) calling_ = 0;
  if (plan_ && dial.stepped_down != TlsFailure::kNone &&
      plan_->plaintext_reason(dial.candidate.endpoint, now) == TlsFailure::kNone) {
    plan_->remember_plaintext(dial.candidate.endpoint, dial.stepped_down, now);
  }
  if (!good_) good_ = dial;
}

void Router::on_proven() {
  // It was an older connection, if the walk is still on its way.
  if (calling_ != 0 || asked_host_) return;
  walk_.reset();
  step_ = 0;
  if (plan_) plan_->resume = {};
}

void Router::on_failed(const Dial& dial, Trouble trouble, bool plaintext_allowed) {
  if (dial.step == 0) return;
  if (calling_ == dial.step) calling_ = 0;
  if (good_ && good_->step == dial.step) good_.reset();
  if (!walk_ || step_ != dial.step) return;
  walk_->fail(*plan_, std::move(trouble), plaintext_allowed);
  step_ = 0;
}

bool Router::turn_from(const Dial& dial, Trouble trouble, const Options& options) {
  if (!plan_) return false;
  if (good_ && good_->candidate.endpoint == dial.candidate.endpoint) good_.reset();
  if (!walk_) walk_.emplace(plan_->resume, options.hosts_per_attempt);
  if (dial.step != 0 && step_ == dial.step) {
    on_failed(dial, std::move(trouble), false);
  } else {
    walk_->exclude(dial.candidate.endpoint, std::move(trouble));
  }
  return walk_->next(*plan_) != Walk::Next::kExhausted;
}

void Router::on_closed(const Dial& dial) {
  if (calling_ == dial.step) calling_ = 0;
}

void Router::rest() {
  if (calling_ != 0 || asked_host_) return;
  walk_.reset();
  step_ = 0;
}

void Router::forget() {
  plan_.reset();
  walk_.reset();
  good_.reset();
  asked_mx_.reset();
  asked_host_.reset();
  unanswered_.reset();
  step_ = 0;
  calling_ = 0;
}

Instant Router::lapses() const {
  if (!plan_ || plan_->expires() == kNever) return Instant{};
  return plan_->expires();
}

}  // namespace posthaste::delivery
