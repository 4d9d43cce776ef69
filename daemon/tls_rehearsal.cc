#include "daemon/tls_rehearsal.h"

#include <utility>

#include "daemon/own_mail.h"
#include "lib/base/overloaded.h"

namespace posthaste::daemon {
namespace {

// Nothing but what decides about TLS holds a message up.
std::shared_ptr<const delivery::Options> unhurried(delivery::Options options) {
  options.limits = {};
  options.limit_rules.clear();
  options.hosts_per_attempt = TlsRehearsal::kHostsMax;
  options.retry = {};
  return std::make_shared<const delivery::Options>(std::move(options));
}

std::shared_ptr<const mail::Letter> letter_to(const RoutingDomain& domain, Instant now) {
  OwnMail mail;
  mail.id = IdSource(0, 1, MessageId{}).next(now);
  const auto recipient = mail::parse_mailbox("postmaster@" + domain.text(), true);
  if (!recipient) return nullptr;
  mail.recipient = *recipient;
  mail.content = "\r\n";
  mail.now = now;
  auto made = accept_of(std::move(mail));
  auto letter = std::make_shared<mail::Letter>();
  letter->envelope = std::move(made.envelope);
  letter->recipients = std::move(made.recipients);
  letter->body.chunks = std::move(made.chunks);
  return letter;
}

smtp::SessionFailure nobody_there() {
  smtp::SessionFailure failure;
  failure.stage = smtp::Stage::kConnect;
  failure.words = "not called";
  return failure;
}

}  // namespace

TlsRehearsal::TlsRehearsal(House house, delivery::Options options, RoutingDomain domain,
                           WantSts want_sts, Done done)
    : house_(house),
      domain_(std::move(domain)),
      want_sts_(std::move(want_sts)),
      done_(std::move(done)),
      give_up_(house.loop.now() + kPatience),
      engine_(unhurried(std::move(options)), Rng(0), house.loop.now()) {}

TlsRehearsal::~TlsRehearsal() { house_.deadlines.forget(*this); }

void TlsRehearsal::begin(std::vector<delivery::Remembered> memory) {
  const auto letter = letter_to(domain_, house_.loop.now());
  if (letter == nullptr) return end("no mail can be addressed there");
  for (auto& known : memory) events_.emplace_back(std::move(known));
  handle(delivery::Arrived{letter});
}

void TlsRehearsal::on_sts(const delivery::StsKnown& known) {
  if (known.domain == domain_) handle(known);
}

Instant TlsRehearsal::deadline() const {
  return over_ ? kNever : std::min(give_up_, engine_.deadline());
}

void TlsRehearsal::on_deadline() {
  if (house_.loop.now() >= give_up_) return end("DNS does not answer in time");
  handle(delivery::Tick{});
}

void TlsRehearsal::handle(delivery::Event event) {
  if (over_) return;
  events_.push_back(std::move(event));
  if (handling_) return;  // an action led here; the loop below goes on with it
  handling_ = true;
  delivery::Actions actions;
  for (std::size_t i = 0; i < events_.size() && !over_; ++i) {
    // Memories come by the hundred thousand, before there is a plan to look at.
    const bool memory = std::holds_alternative<delivery::Remembered>(events_[i]);
    engine_.handle(std::move(events_[i]), house_.loop.now(), actions);
    if (!memory) look_at_plan();
    for (auto& action : std::exchange(actions, {})) carry_out(action);
  }
  events_.clear();
  handling_ = false;
  if (!over_) house_.deadlines.watch(*this);
}

void TlsRehearsal::carry_out(delivery::Action& action) {
  if (over_) return;
  std::visit(Overloaded{
                 [&](delivery::Lookup& e) { look_up(e.question); },
                 [&](delivery::WantSts& e) { want_sts_(e.domain); },
                 [&](delivery::Connect& e) { call(e); },
                 [&](delivery::Persist& e) { end(e.settlements.front().reply.text); },
                 [](delivery::Load&) {},  // the letter is at hand
                 [](delivery::Deliver&) {},
                 [](delivery::Quit&) {},
                 [](delivery::FellBack&) {},
                 [&](delivery::TlsBarred& e) { note_barred(e); },
                 [](delivery::SuspectedStrip&) {},
                 [](delivery::Remember&) {},
                 [](delivery::BackedOff&) {},
                 [](delivery::SlowedDown&) {},
                 [](delivery::Recovered&) {},
             },
             action);
}

void TlsRehearsal::look_up(const dns::Question& question) {
  const auto later = [this, alive = std::weak_ptr<bool>(alive_)](const dns::Question& asked,
                                                                 const dns::Answer& answer) {
    if (!alive.expired()) handle(delivery::Answered{asked, answer});
  };
  if (auto known = house_.resolver.lookup(question, later)) {
    handle(delivery::Answered{question, std::move(*known)});
  }
}

void TlsRehearsal::call(const delivery::Connect& connect) {
  const bool plaintext = connect.tls == smtp::TlsNeed::kNever;
  outcome_.calls.push_back({connect.host.text(), connect.endpoint,
                            plaintext ? "plaintext" : connect.profile, connect.demand->level,
                            connect.demand->source});
  handle(delivery::SessionFailed{connect.conn, nobody_there()});
  handle(delivery::SessionClosed{connect.conn});
}

// With the end of an attempt the engine may drop its plan: what it was is kept here.
void TlsRehearsal::look_at_plan() {
  auto view = engine_.tls_view(domain_, house_.loop.now());
  if (view && view->known) outcome_.found = std::move(*view);
}

// It may be dropped with that very step.
void TlsRehearsal::note_barred(const delivery::TlsBarred& barred) {
  if (barred.sts_testing) return;
  for (auto& host : outcome_.found.hosts) {
    if (host.name == barred.host) host.barred = barred.failure;
  }
}

void TlsRehearsal::end(std::string words) {
  over_ = true;
  if (outcome_.calls.empty()) outcome_.words = std::move(words);
  done_(outcome_);
}

}  // namespace posthaste::daemon
