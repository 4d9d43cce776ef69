#include "daemon/rehearsal/mta.h"

#include <algorithm>
#include <utility>

#include "lib/base/overloaded.h"
#include "lib/report/bounce.h"

namespace posthaste::rehearsal {
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

Mta::Mta(World& world, Witness& witness, Outside& outside,
         std::shared_ptr<const delivery::Options> options, Notes& notes,
         std::unique_ptr<queue::MemoryStore> store)
    : world_(world),
      witness_(witness),
      outside_(outside),
      options_(std::move(options)),
      notes_(notes),
      store_(std::move(store)),
      ids_(0, 1, store_->last_id()),
      engine_(options_, Rng(world.rng().next()), world.now()) {}

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
  witness_.on_died();
  return store_->crash();
}

void Mta::reconfigure(std::shared_ptr<const delivery::Options> options) {
  world_.say("reload");
  options_ = std::move(options);
  witness_.on_reconfigured();
  tell(delivery::Reconfigured{options_});
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
  if (!witness_.on_event(event)) return;
  events_.push_back(std::move(event));
  pump();
}

void Mta::note(delivery::Event event) {
  if (witness_.on_event(event)) events_.push_back(std::move(event));
}

void Mta::pump() {
  if (std::exchange(pumping_, true)) return;
  while (!events_.empty()) {
    // As in the daemon: all that has happened is told before what follows is done.
    delivery::Actions actions;
    for (auto& event : std::exchange(events_, {}))
      engine_.handle(std::move(event), world_.now(), actions);
    for (auto& action : actions) {
      if (witness_.on_action(action)) apply(action);
    }
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
    if (self->engine_.deadline() <= self->world_.now()) return self->tell(delivery::Tick{});
    self->watch_engine();
  });
}

void Mta::apply(delivery::Action& action) {
  std::visit(
      Overloaded{
          [&](delivery::Lookup& e) {
            outside_.look_up(e.question,
                             [weak = weak_from_this(), question = e.question](const auto& answer) {
                               if (const auto self = weak.lock())
                                 self->tell(delivery::Answered{question, answer});
                             });
          },
          [&](delivery::WantSts& e) {
            soon(world_.draw(0ms, world_.fault(0.2) ? 20s : 200ms),
                 [this, domain = e.domain] { tell_sts(domain); });
          },
          [&](delivery::Load& e) {
            ask_store(
                queue::Load{0, e.shard, e.id, e.numbers, world_.rng().chance(0.5) ? 0U : 200'000U});
          },
          [&](delivery::Connect& e) { open(e); },
          [&](delivery::Deliver& e) {
            world_.say("conn {} delivers {} to {}", e.conn.value, render_id(e.letter->envelope->id),
                       e.recipients.size());
            const auto found = outbound_.find(e.conn);
            if (found != outbound_.end()) std::shared_ptr(found->second)->deliver(e);
          },
          [&](delivery::Quit& e) {
            const auto found = outbound_.find(e.conn);
            if (found != outbound_.end()) std::shared_ptr(found->second)->quit();
          },
          [&](delivery::Persist& e) { on_persist(e); },
          [&](delivery::BackedOff& e) { world_.say("{} backs off: {}", e.domain.text(), e.words); },
          [&](delivery::FellBack& e) {
            world_.say("{} falls back: {}", e.domain.text(), policy::label(e.reason));
          },
          [&](delivery::SlowedDown& e) { world_.say("{} slows down: {}", e.domain.text(), e.words); },
          [&](delivery::Recovered& e) { world_.say("{} is at full speed again", e.site); },
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
  auto outbound = std::make_shared<Outbound>(*this, connect);
  outbound_[connect.conn] = outbound;
  outbound->begin();
}

void Mta::tell_sts(const RoutingDomain& domain) {
  delivery::StsKnown answer{domain, outside_.sts_of(domain)};
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
  if (witness_.on_settle(persist, settle)) ask_store(std::move(settle));
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

}  // namespace posthaste::rehearsal
