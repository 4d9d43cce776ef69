#include "tests/sim/mta.h"

#include <algorithm>
#include <utility>

#include "lib/base/overloaded.h"
#include "lib/report/bounce.h"

namespace posthaste::sim {
namespace {

using namespace std::chrono_literals;
using delivery::Ending;

queue::FateKind fate_kind(Ending ending) {
  switch (ending) {
    case Ending::kDelivered: return queue::FateKind::kDelivered;
    case Ending::kDeferred: return queue::FateKind::kDeferred;
    case Ending::kBounced:
    case Ending::kExpired:
    case Ending::kRemoved: return queue::FateKind::kBounced;
    case Ending::kHeld:
    case Ending::kReleased: return queue::FateKind::kDeferred;
  }
  return queue::FateKind::kBounced;
}

}  // namespace

Mta::Mta(World& world, Checker& checker, Internet& internet, const Scenario& scenario, Notes& notes,
         std::unique_ptr<queue::MemoryStore> store)
    : world_(world),
      checker_(checker),
      internet_(internet),
      scenario_(scenario),
      notes_(notes),
      store_(std::move(store)),
      ids_(0, 1, store_->last_id()),
      engine_(options(), Rng(world.rng().next()), world.now()) {}

// The engine is given what the checkers hold it to, unless a wider limit is the planted bug.
std::shared_ptr<const delivery::Options> Mta::options() const {
  auto made = std::make_shared<delivery::Options>(scenario_.options);
  const Mutation& mutation = world_.mutation();
  if (mutation.is(Bug::kConnectionTooMany)) ++made->limits.connections;
  if (mutation.is(Bug::kMessageTooMany)) ++made->limits.messages_per_connection;
  if (mutation.is(Bug::kRecipientTooMany)) ++made->limits.recipients_per_message;
  if (mutation.is(Bug::kExpireEarly)) made->retry.defaults.expire_after /= 2;
  if (mutation.is(Bug::kFallBackAnyway)) made->tls = policy::TlsPolicies();
  if (mutation.is(Bug::kStripGuardOff) || mutation.is(Bug::kYoungInPlaintext)) {
    auto rules = scenario_.rules;
    policy::TlsOverlay defaults;
    const auto spoil = [&](policy::TlsOverlay& overlay) {
      if (mutation.is(Bug::kStripGuardOff)) overlay.strip_guard = false;
      if (mutation.is(Bug::kYoungInPlaintext)) overlay.plaintext_after = Duration{0};
    };
    spoil(defaults);
    for (auto& rule : rules) spoil(rule.overlay);
    made->tls = *policy::TlsPolicies::make(defaults, "spoiled", rules);
  }
  return made;
}

void Mta::start() {
  world_.say("process starts; {} recipients in the store", store_->recipients());
  notes_.for_each([&](bool shown, const auto& key, const auto& value, Instant expires) {
    tell(delivery::Remembered{shown, key, value, expires});
  });
  gain();
}

std::unique_ptr<queue::MemoryStore> Mta::die() {
  world_.say("process dies");
  alive_ = false;
  for (const auto& [id, outbound] : outbound_) outbound->abandon();
  answers_.clear();
  checker_.on_crash();
  return store_->crash();
}

void Mta::reconfigure() {
  world_.say("reload");
  checker_.on_options(scenario_.options);
  tell(delivery::Reconfigured{options()});
}

void Mta::soon(Duration wait, std::function<void()> what) {
  world_.after(wait, [weak = weak_from_this(), what = std::move(what)] {
    if (const auto self = weak.lock(); self && self->alive_) what();
  });
}

void Mta::retire(ConnId conn) {
  soon(0ms, [this, conn] { outbound_.erase(conn); });
}

// ---- the engine

void Mta::tell(delivery::Event event) {
  if (!alive_) return;
  events_.push_back(std::move(event));
  pump();
}

void Mta::pump() {
  if (std::exchange(pumping_, true)) return;
  while (!events_.empty()) {
    // As in the daemon: all that has happened is told before what follows is done.
    delivery::Actions actions;
    for (auto& event : std::exchange(events_, {}))
      engine_.handle(std::move(event), world_.now(), actions);
    for (auto& action : actions) apply(action);
  }
  pumping_ = false;
  watch_engine();
}

void Mta::watch_engine() {
  const Instant deadline = engine_.deadline();
  if (deadline == kNever || deadline >= watched_) return;
  watched_ = deadline;
  world_.at(deadline, [weak = weak_from_this(), deadline] {
    const auto self = weak.lock();
    if (!self || !self->alive_ || self->watched_ != deadline) return;
    self->watched_ = kNever;
    if (self->world_.mutation().strikes(Bug::kOversleep, 5)) return;
    if (self->engine_.deadline() <= self->world_.now()) return self->tell(delivery::Tick{});
    self->watch_engine();
  });
}

void Mta::apply(delivery::Action& action) {
  std::visit(Overloaded{
                 [&](delivery::Lookup& e) {
                   if (world_.mutation().strikes(Bug::kDropAnswer, 5)) return;
                   internet_.look_up(e.question, [weak = weak_from_this(),
                                                  question = e.question](const auto& answer) {
                     if (const auto self = weak.lock())
                       self->tell(delivery::Answered{question, answer});
                   });
                 },
                 [&](delivery::WantSts& e) {
                   soon(world_.draw(0ms, world_.fault(0.2) ? 20s : 200ms),
                        [this, domain = e.domain] { tell_sts(domain); });
                 },
                 [&](delivery::Load& e) {
                   ask_store(queue::Load{0, e.shard, e.id, e.numbers,
                                         world_.rng().chance(0.5) ? 0U : 200'000U});
                 },
                 [&](delivery::Connect& e) { open(e); },
                 [&](delivery::Deliver& e) {
                   world_.say("conn {} delivers {} to {}", e.conn.value,
                              render_id(e.letter->envelope->id), e.recipients.size());
                   const auto found = outbound_.find(e.conn);
                   if (found != outbound_.end()) std::shared_ptr(found->second)->deliver(e);
                 },
                 [&](delivery::Quit& e) {
                   checker_.on_leaving(e.conn);
                   const auto found = outbound_.find(e.conn);
                   if (found != outbound_.end()) std::shared_ptr(found->second)->quit();
                 },
                 [&](delivery::Persist& e) { on_persist(e); },
                 [&](delivery::BackedOff& e) {
                   world_.say("{} backs off: {}", e.domain.text(), e.words);
                   if (world_.mutation().is(Bug::kBackOffShort)) e.until += 1s;
                   checker_.on_backed_off(e);
                 },
                 [&](delivery::FellBack& e) {
                   world_.say("{} falls back: {}", e.domain.text(), policy::label(e.reason));
                 },
                 [](delivery::TlsBarred&) {},
                 [](delivery::SuspectedStrip&) {},
                 [&](delivery::Remember& e) { notes_.take(e); },
             },
             action);
}

void Mta::open(delivery::Connect& connect) {
  world_.say("conn {} to {} {} for {}: {} {}", connect.conn.value, connect.host.text(),
             render_endpoint(connect.endpoint), connect.domain.text(), policy::name(connect.level),
             connect.tls == smtp::TlsNeed::kNever ? "plaintext" : connect.profile);
  checker_.on_connect(connect);
  if (world_.mutation().is(Bug::kPlaintextAtEncrypt) && connect.demand->encrypted &&
      !connect.implicit_tls && failed_.contains(connect.endpoint)) {
    connect.tls = smtp::TlsNeed::kNever;
  }
  auto outbound = std::make_shared<Outbound>(*this, connect);
  outbound_[connect.conn] = outbound;
  outbound->begin();
}

// As the domain has it at that moment.
void Mta::tell_sts(const RoutingDomain& domain) {
  const Domain* known = scenario_.domain_named(domain.text());
  delivery::StsKnown answer{domain, std::nullopt};
  if (known != nullptr) answer.policy = in_force(known->sts, world_.now()).policy;
  if (world_.mutation().is(Bug::kIgnoreSts)) answer.policy.reset();
  world_.say("sts of {}: {}", domain.text(), answer.policy ? name(answer.policy->mode) : "none");
  tell(std::move(answer));
}

void Mta::on_persist(const delivery::Persist& persist) {
  queue::Settle settle;
  settle.shard = persist.shard;
  settle.id = persist.letter->envelope->id;
  for (const auto& settlement : persist.settlements) {
    queue::Fate fate;
    fate.number = settlement.before.recipient.number;
    fate.kind = fate_kind(settlement.ending);
    fate.revision = settlement.before.progress.revision;
    if (fate.kind == queue::FateKind::kDeferred) fate.progress = settlement.after;
    settle.fates.push_back(std::move(fate));
    world_.say("{}/{} ends {}: {} {}", render_id(settle.id), settlement.before.recipient.number,
               static_cast<int>(settlement.ending), settlement.reply.code, settlement.reply.text);
  }
  settle.dsn = notification(persist);
  mutate(settle);
  checker_.on_persist(persist, settle);
  if (!world_.mutation().strikes(Bug::kDropPersist, 4)) ask_store(std::move(settle));
}

std::optional<queue::Accept> Mta::notification(const delivery::Persist& persist) {
  const mail::Envelope& original = *persist.letter->envelope;
  std::string words = "Subject: not delivered\r\n\r\n";
  bool due = false;
  for (const auto& settlement : persist.settlements) {
    const bool ended =
        settlement.ending == Ending::kBounced || settlement.ending == Ending::kExpired;
    if (!ended || !report::wants_failure_report(original, settlement.before.recipient)) continue;
    due = true;
    words += settlement.before.recipient.address.text() + "\r\n";
  }
  if (!due) return std::nullopt;
  auto envelope = std::make_shared<mail::Envelope>();
  envelope->id = ids_.next(world_.now());
  envelope->tls_wish = report::tls_wish_of_bounce(original);
  envelope->arrived = world_.now();
  envelope->body_bytes = words.size();
  envelope->body_chunks = envelope->recipients_total = 1;
  mail::PendingRecipient pending;
  pending.recipient.address = original.sender;
  pending.shard = shard_of(mail::routing_domain(original.sender));
  pending.progress.due = world_.now();
  queue::Accept accept;
  accept.ticket = expect_answer([](const auto&) {});
  accept.envelope = envelope;
  accept.recipients.push_back(pending);
  accept.chunks.push_back(std::make_shared<const std::string>(std::move(words)));
  return accept;
}

void Mta::mutate(queue::Settle& settle) {
  Mutation& mutation = world_.mutation();
  if (settle.dsn && mutation.is(Bug::kForgetBounce)) settle.dsn.reset();
  for (queue::Fate& fate : settle.fates) {
    if (fate.kind == queue::FateKind::kDeferred && mutation.is(Bug::kRetryEarly))
      fate.progress.due += 1s;
    if (fate.kind == queue::FateKind::kDelivered && mutation.strikes(Bug::kRedeliver, 3)) {
      fate.kind = queue::FateKind::kDeferred;
      fate.progress.revision = fate.revision + 1;
      fate.progress.due = world_.now();
    }
  }
}

}  // namespace posthaste::sim
