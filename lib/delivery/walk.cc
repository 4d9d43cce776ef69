#include "lib/delivery/walk.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::delivery {
namespace {

// Nobody's mail would have been taken there: the host was called, and did not answer or would not
// take any.
bool not_there(const Trouble& trouble) {
  return !trouble.permanent && !trouble.local_network && !trouble.host.empty() &&
         trouble.tls == policy::TlsFailure::kNone &&
         trouble.retry_class != policy::RetryClass::kDns;
}

}  // namespace

Walk::Walk(PlanCursor start, std::uint32_t tries_max)
    : start_(start), tries_max_(std::max(tries_max, 1U)), at_(start) {}

bool Walk::tried(const Endpoint& endpoint) const {
  return std::find(tried_.begin(), tried_.end(), endpoint) != tried_.end();
}

Walk::Next Walk::next(const RoutePlan& plan) {
  while (!second_pass_ && at_.host < plan.hosts().size()) {
    const RoutePlan::Host& host = plan.hosts()[at_.host];
    if (!host.ready()) return Next::kEvidence;
    if (at_.address < host.addresses.size()) {
      if (host.tls->barred != policy::TlsFailure::kNone) return Next::kBarred;
      // Several names of one machine are one candidate.
      if (tried({host.addresses[at_.address], host.port})) {
        ++at_.address;
        begin_anew();
        continue;
      }
      if (tries_ < tries_max_) return Next::kConnect;
      limited_ = true;
      break;
    }
    if (host.addresses.empty() && host.trouble) failures_.push_back(*host.trouble);
    at_ = {at_.host + 1, 0};
  }
  second_pass_ = true;
  return eligible_at_ < eligible_.size() ? Next::kConnect : Next::kExhausted;
}

void Walk::pass_host(Trouble trouble) {
  failures_.push_back(std::move(trouble));
  at_ = {at_.host + 1, 0};
}

void Walk::leave_out() {
  if (second_pass_) return skip();
  at_ = {at_.host + 1, 0};
  begin_anew();
}

Walk::Step Walk::step(const RoutePlan& plan) const {
  Step step;
  if (second_pass_) {
    const Eligible& eligible = eligible_.at(eligible_at_);
    step.candidate = eligible.candidate;
    step.tls = eligible.tls;
    step.plaintext = true;
    step.because = eligible.reason;
    return step;
  }
  const RoutePlan::Host& host = plan.hosts().at(at_.host);
  step.candidate = {host.name, {host.addresses.at(at_.address), host.port}};
  step.tls = host.tls;
  step.rung = rung_.value_or(0);
  step.because = because_;
  step.rung_before = rung_before_;
  return step;
}

bool Walk::step_down(std::size_t rung, policy::TlsFailure failure) {
  CHECK(!second_pass_ && rung_);
  if (++handshakes_ >= policy::kHandshakesMax) return false;
  rung_before_ = rung_;
  rung_ = rung;
  because_ = failure;
  return true;
}

bool Walk::begin_at_first_rung() {
  CHECK(!second_pass_ && rung_);
  if (!std::exchange(remembered_, false) || ++handshakes_ >= policy::kHandshakesMax) return false;
  rung_ = 0;
  rung_before_.reset();
  because_ = policy::TlsFailure::kNone;
  return true;
}

void Walk::next_candidate(const Endpoint& done) {
  tried_.push_back(done);
  ++at_.address;
  begin_anew();
}

void Walk::begin_anew() {
  rung_.reset();
  rung_before_.reset();
  remembered_ = false;
  because_ = policy::TlsFailure::kNone;
  handshakes_ = 0;
}

void Walk::pass(const RoutePlan& plan, Trouble trouble) {
  CHECK(!second_pass_);
  const Step passed = step(plan);
  eligible_.push_back({passed.candidate, passed.tls, trouble.tls});
  failures_.push_back(std::move(trouble));
  next_candidate(passed.candidate.endpoint);
}

void Walk::fail(const RoutePlan& plan, Trouble trouble, bool plaintext_allowed) {
  const Step failed = step(plan);
  called_ |= !trouble.local_network;
  if (second_pass_) {
    ++eligible_at_;
  } else {
    if (plaintext_allowed) eligible_.push_back({failed.candidate, failed.tls, trouble.tls});
    // A host that has answered well, and only lacks REQUIRETLS, has cost next to nothing; all must
    // be asked before the message is returned.
    const bool free =
        trouble.local_network || trouble.tls == policy::TlsFailure::kRequireTlsMissing;
    if (!free) ++tries_;
    next_candidate(failed.candidate.endpoint);
  }
  failures_.push_back(std::move(trouble));
}

void Walk::exclude(const Endpoint& endpoint, Trouble trouble) {
  if (tried(endpoint)) return;
  tried_.push_back(endpoint);
  called_ = true;
  ++tries_;
  failures_.push_back(std::move(trouble));
}

bool Walk::stands_at(const RoutePlan& plan, const Endpoint& endpoint) const {
  if (second_pass_ || at_.host >= plan.hosts().size()) return false;
  const RoutePlan::Host& host = plan.hosts()[at_.host];
  return host.port == endpoint.port && at_.address < host.addresses.size() &&
         host.addresses[at_.address] == endpoint.address;
}

// Hosts that may be there later outweigh those that said no for good; among them, what a host said
// of itself to the message says most, and a TLS failure that policy does not bear says more than a
// host that was merely silent. That an address cannot be reached from here says least.
Trouble Walk::conclusion(Duration age) const {
  if (failures_.empty()) return no_address(MxName());
  const Trouble* chosen = &failures_.back();
  const auto weight = [](const Trouble& t) {
    if (t.permanent) return 0;
    if (t.local_network) return 1;
    if (t.reply.permanent()) return 2;  // a 5xx that we do not take for the last word
    if (t.of_host) return 5;
    return t.retry_class == policy::RetryClass::kTls ? 4 : 3;
  };
  for (const Trouble& failure : failures_) {
    if (weight(failure) > weight(*chosen)) chosen = &failure;
  }
  Trouble conclusion = *chosen;
  const bool partial = limited_ || start_.host != 0 || start_.address != 0;
  // Somebody whom this walk did not ask may say yes.
  if (partial) conclusion = for_now(std::move(conclusion));
  conclusion.of_all_hosts = std::all_of(failures_.begin(), failures_.end(), not_there);
  conclusion.plaintext_after.reset();
  for (const Trouble& failure : failures_) {
    // What was allowed already, and did not help, shortens no wait.
    if (!failure.plaintext_after || *failure.plaintext_after <= age) continue;
    conclusion.plaintext_after =
        std::min(conclusion.plaintext_after.value_or(Duration::max()), *failure.plaintext_after);
  }
  return conclusion;
}

std::optional<PlanCursor> Walk::resume() const {
  if (!limited_) return std::nullopt;
  return at_;
}

bool Walk::met_dns_trouble() const {
  return std::any_of(failures_.begin(), failures_.end(), [](const Trouble& failure) {
    return !failure.permanent && failure.retry_class == policy::RetryClass::kDns;
  });
}

}  // namespace posthaste::delivery
