#include "daemon/rehearsal/worker.h"

#include <string_view>
#include <utility>
#include <variant>

#include "daemon/fate.h"
#include "daemon/rehearsal/mta.h"
#include "lib/base/overloaded.h"
#include "lib/report/notification.h"

namespace posthaste::rehearsal {
namespace {

using namespace std::chrono_literals;
using delivery::Ending;

// Each engine counts its connections from 1; outside of it they are told apart. The same there and
// back.
template <typename Message>
void translate(Message& message, unsigned worker) {
  std::visit(
      [worker](auto& one) {
        if constexpr (requires { one.conn; }) one.conn.value ^= std::uint64_t{worker} << 48;
      },
      message);
}

std::string_view words_of(Ending ending) {
  switch (ending) {
    case Ending::kDelivered: return "delivered";
    case Ending::kDeferred: return "deferred";
    case Ending::kBounced: return "bounced";
    case Ending::kExpired: return "expired";
    case Ending::kRemoved: return "removed";
    case Ending::kHeld: return "held";
    case Ending::kReleased: return "released";
  }
  return "";
}

}  // namespace

Worker::Worker(Mta& mta, unsigned number, unsigned workers, MessageId after)
    : mta_(mta),
      number_(number),
      ids_(number, workers, after),
      engine_(mta.shared_options(), Rng(mta.world().rng().next()), mta.world().now()) {}

void Worker::abandon() {
  for (const auto& [id, outbound] : outbound_) outbound->abandon();
}

std::uint64_t Worker::expect_answer(std::function<void(const queue::StoreEvent&)> answer) {
  return mta_.expect_answer(number_, std::move(answer));
}

void Worker::retire(ConnId conn) {
  mta_.soon(0ms, [this, conn] { outbound_.erase(conn); });
}

// ---- the engine

void Worker::tell(delivery::Event event) {
  if (!mta_.alive()) return;
  if (!mta_.witness().on_event(event)) return;
  events_.push_back(std::move(event));
  pump();
}

void Worker::note(delivery::Event event) {
  if (mta_.witness().on_event(event)) events_.push_back(std::move(event));
}

void Worker::pump() {
  if (std::exchange(pumping_, true)) return;
  while (!events_.empty()) {
    // As in the daemon: all that has happened is told before what follows is done.
    delivery::Actions actions;
    for (auto& event : std::exchange(events_, {})) {
      translate(event, number_);
      engine_.handle(std::move(event), mta_.world().now(), actions);
    }
    for (auto& action : actions) {
      translate(action, number_);
      if (mta_.witness().on_action(action)) apply(action);
    }
  }
  pumping_ = false;
  watch_engine();
}

void Worker::watch_engine() {
  const Instant deadline = engine_.deadline();
  if (deadline == kNever || deadline >= watched_) return;
  watched_ = deadline;
  mta_.at(deadline, [this, deadline] {
    if (watched_ != deadline) return;
    watched_ = kNever;
    if (engine_.deadline() <= mta_.world().now()) return tell(delivery::Tick{});
    watch_engine();
  });
}

void Worker::apply(delivery::Action& action) {
  World& world = mta_.world();
  std::visit(
      Overloaded{
          [&](delivery::Lookup& e) { look_up(e.question); },
          [&](delivery::WantSts& e) {
            mta_.soon(world.draw(0ms, world.fault(0.2) ? 20s : 200ms),
                      [this, domain = e.domain] { tell_sts(domain); });
          },
          [&](delivery::Load& e) {
            const std::size_t most = world.rng().chance(0.5) ? 0U : 200'000U;
            mta_.ask_store(queue::Load{0, e.shard, e.id, e.numbers, most});
          },
          [&](delivery::Connect& e) { open(e); },
          [&](delivery::Deliver& e) {
            world.say("conn {} delivers {} to {}", e.conn.value, render_id(e.letter->envelope->id),
                      e.recipients.size());
            const auto found = outbound_.find(e.conn);
            if (found != outbound_.end()) std::shared_ptr(found->second)->deliver(e);
          },
          [&](delivery::Quit& e) {
            const auto found = outbound_.find(e.conn);
            if (found != outbound_.end()) std::shared_ptr(found->second)->quit();
          },
          [&](delivery::Persist& e) { on_persist(e); },
          [&](delivery::BackedOff& e) { world.say("{} backs off: {}", e.domain.text(), e.words); },
          [&](delivery::FellBack& e) {
            world.say("{} falls back: {}", e.domain.text(), policy::label(e.reason));
          },
          [&](delivery::SlowedDown& e) {
            world.say("{} slows down: {}", e.domain.text(), e.words);
          },
          [&](delivery::Recovered& e) { world.say("{} is at full speed again", e.site); },
          [](delivery::TlsBarred&) {},
          [](delivery::SuspectedStrip&) {},
          [&](delivery::Remember& e) { mta_.remember(e); },
      },
      action);
}

void Worker::look_up(const dns::Question& question) {
  mta_.outside().look_up(question,
                         [this, weak = mta_.weak_from_this(), question](const dns::Answer& answer) {
                           if (const auto alive = weak.lock()) {
                             tell(delivery::Answered{question, answer});
                           }
                         });
}

void Worker::open(delivery::Connect& connect) {
  mta_.world().say("conn {} to {} {} for {}: {} {}", connect.conn.value, connect.host.text(),
                   render_endpoint(connect.endpoint), connect.domain.text(),
                   policy::name(connect.level),
                   connect.tls == smtp::TlsNeed::kNever ? "plaintext" : connect.profile);
  auto outbound = std::make_shared<Outbound>(*this, connect);
  outbound_[connect.conn] = outbound;
  outbound->begin();
}

void Worker::tell_sts(const RoutingDomain& domain) {
  delivery::StsKnown answer{domain, mta_.outside().sts_of(domain)};
  mta_.world().say("sts of {}: {}", domain.text(),
                   answer.policy ? name(answer.policy->mode) : "none");
  tell(std::move(answer));
}

void Worker::say(MessageId id, const delivery::Settlement& settlement) {
  World& world = mta_.world();
  const smtp::Reply& reply = settlement.reply;
  std::string next;
  if (settlement.ending == Ending::kDeferred) {
    next = fmt::format(
        " ({}, due in {} s{})", policy::name(settlement.retry_class),
        std::chrono::ceil<std::chrono::seconds>(settlement.after.due - world.now()).count(),
        settlement.tell_delay ? ", its sender is told" : "");
  }
  world.say("{}/{} {}{}: {}", render_id(id), settlement.before.recipient.number,
            words_of(settlement.ending), next,
            reply.code == 0 ? reply.text : smtp::render_reply(reply));
}

void Worker::on_persist(const delivery::Persist& persist) {
  queue::Settle settle;
  settle.shard = persist.shard;
  settle.id = persist.letter->envelope->id;
  for (const auto& settlement : persist.settlements) {
    settle.fates.push_back(fate_of(settlement));
    say(settle.id, settlement);
  }
  settle.dsn = notification(persist);
  if (mta_.witness().on_settle(persist, settle)) mta_.ask_store(std::move(settle));
}

std::optional<queue::Accept> Worker::notification(const delivery::Persist& persist) {
  const mail::Envelope& original = *persist.letter->envelope;
  std::string words = "Subject: not delivered, or not yet\r\n\r\n";
  bool due = false;
  for (const auto& settlement : persist.settlements) {
    const bool ended =
        settlement.ending == Ending::kBounced || settlement.ending == Ending::kExpired;
    const bool failed =
        ended && report::wants_failure_report(original, settlement.before.recipient);
    if (!failed && !settlement.tell_delay) continue;
    due = true;
    words += settlement.before.recipient.address.text() + "\r\n";
  }
  if (!due) return std::nullopt;
  auto envelope = std::make_shared<mail::Envelope>();
  envelope->id = ids_.next(mta_.world().now());
  envelope->tls_wish = report::tls_wish_of_notification(original);
  envelope->arrived = mta_.world().now();
  envelope->body_bytes = words.size();
  envelope->body_chunks = envelope->recipients_total = 1;
  mail::PendingRecipient pending;
  pending.recipient.address = original.sender;
  pending.shard = shard_of(mail::routing_domain(original.sender));
  pending.progress.due = mta_.world().now();
  queue::Accept accept;
  accept.ticket = expect_answer([](const auto&) {});
  accept.envelope = envelope;
  accept.recipients.push_back(pending);
  accept.chunks.push_back(std::make_shared<const std::string>(std::move(words)));
  return accept;
}

}  // namespace posthaste::rehearsal
