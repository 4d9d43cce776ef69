#include "daemon/worker.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>

#include "daemon/clock_watch.h"
#include "daemon/inbound.h"
#include "daemon/outbound.h"
#include "lib/base/check.h"
#include "lib/base/overloaded.h"

namespace posthaste::daemon {
namespace {

constexpr std::size_t kLoadedBodyMax =
    256U << 10;  // of a message that comes from the disk; the rest chunk by chunk
// Of the store, until sockets and timers have their turn: a few milliseconds.
constexpr std::size_t kEventsPerTurn = 2'000;

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

Worker::Worker(unsigned index, std::shared_ptr<const Runtime> runtime,
               std::shared_ptr<TlsContexts> tls)
    : index_(index),
      runtime_(std::move(runtime)),
      tls_(std::move(tls)),
      mailbox_(loop_, static_cast<std::size_t>(-1), [this] { on_mail(); }),
      deadlines_(loop_),
      heartbeat_(loop_, [this] {
        if (shutting_down_) note_quiet();
      }) {}

Worker::~Worker() = default;

Status Worker::attach(House house) {
  house_.emplace(house);
  auto resolver = resolver::Resolver::make(loop_, runtime_->resolver);
  if (!resolver) return tl::unexpected(resolver.error());
  resolver_ = std::move(*resolver);
  // Of the lanes the last one is the TLS reporter's.
  ids_ = std::make_unique<IdSource>(index_, runtime_->workers + 1, house.store.store().last_id());
  engine_ = std::make_unique<delivery::Engine>(runtime_->engine, Rng(random_seed()), loop_.now());
  engine_tick_ = std::make_unique<EngineTick>(*this);
  settler_ = std::make_unique<Settler>(house.metrics, house.log, house.store.store(), *ids_);
  auto office = TlsOffice::make(
      {loop_, deadlines_, *resolver_, house.store, house.metrics, house.log, house.reporter},
      runtime_, index_, Rng(random_seed()), [this](delivery::Event event) {
        engine_event(std::move(event));
        pump();
      });
  if (!office) return tl::unexpected(office.error());
  tls_office_ = std::move(*office);
  // Before the first entry of the queue comes in.
  post([](Worker& worker) { worker.tls_office_->restore(); });
  return {};
}

void Worker::listen(io::Fd socket, config::ListenTls tls) {
  auto on_accept = [this, tls](io::Fd accepted, std::optional<Endpoint> peer) {
    on_socket(std::move(accepted), peer.value_or(Endpoint{}), tls);
  };
  auto on_trouble = [this](const Error& error) {
    house_->log.write(LogLevel::kError, "accept_failed", {{"words", error.words}});
  };
  listeners_.push_back(
      std::make_unique<io::Listener>(loop_, std::move(socket), std::move(on_accept), on_trouble));
}

void Worker::start() {
  heartbeat_.begin();
  thread_ = std::thread([this] { loop_.run(); });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::on_socket(io::Fd socket, const Endpoint& peer, config::ListenTls tls) {
  auto owned = std::make_unique<InboundConnection>(*this, std::move(socket), peer, tls);
  auto& connection = *owned;
  inbound_.emplace(&connection, std::move(owned));
  const auto allowed = runtime_->config.submission.connections_max;
  if (house_->inbound_connections.load(std::memory_order_relaxed) > allowed) {
    house_->metrics.refused("busy");
    connection.turn_away("too many connections (submission.limits.connections)");
  } else {
    connection.begin();
  }
}

void Worker::post(Mail mail) {
  if (const auto* events = std::get_if<std::vector<queue::StoreEvent>>(&mail)) {
    events_waiting_.fetch_add(events->size(), std::memory_order_relaxed);
  }
  mailbox_.push(std::move(mail));
}

void Worker::on_mail() {
  if (!mail_turn_queued_) open_some_mail();  // else it is taken in its turn
}

// A start can bring millions of entries: after some of them the loop goes round, so that sockets
// and timers are served meanwhile.
void Worker::open_some_mail() {
  mail_turn_queued_ = false;
  if (ended_.load(std::memory_order_relaxed)) return;
  if (mail_.empty()) mailbox_.take_all(mail_);
  for (std::size_t events = 0; mail_next_ < mail_.size() && events < kEventsPerTurn;) {
    events += open(mail_[mail_next_++]);
  }
  if (mail_next_ == mail_.size()) {
    mail_.clear();
    mail_next_ = 0;
  }
  pump();
  // The mailbox woke us once for all that came in since it was last empty.
  if (mail_.empty() && mailbox_.size() == 0) return;
  if (ended_.load(std::memory_order_relaxed)) return;  // the loop's last rounds are to end
  mail_turn_queued_ = true;
  loop_.defer([this] { open_some_mail(); });
}

// How many events of the store it held.
std::size_t Worker::open(Mail& mail) {
  if (auto* work = std::get_if<std::function<void(Worker&)>>(&mail)) {
    (*work)(*this);
    return 0;
  }
  auto events = std::move(std::get<std::vector<queue::StoreEvent>>(mail));
  for (auto& event : events) on_store_event(event);
  events_waiting_.fetch_sub(events.size(), std::memory_order_relaxed);
  return events.size();
}

void Worker::on_store_event(queue::StoreEvent& event) {
  std::visit(Overloaded{
                 [&](queue::Accepted& e) { on_accept_answer(e.ticket, e.id, nullptr); },
                 [&](queue::Refused& e) { on_accept_answer(e.ticket, e.id, &e); },
                 [&](queue::Settled& e) {
                   delivery::Persisted persisted{e.shard, e.id, {}};
                   for (const auto& fate : e.applied) persisted.numbers.push_back(fate.number);
                   engine_event(std::move(persisted));
                 },
                 [&](queue::Superseded& e) {
                   engine_event(delivery::Persisted{e.shard, e.id, std::move(e.numbers)});
                 },
                 [&](queue::NotSettled&) { CHECK(false); },  // the store thread keeps those
                 [&](queue::Loaded& e) {
                   engine_event(delivery::Loaded{e.id, std::move(e.letter)});
                 },
                 [&](queue::NotLoaded& e) {
                   house_->log.write(LogLevel::kWarning, "not_loaded",
                                     {{"id", render_id(e.id)}, {"words", e.error.words}});
                   engine_event(delivery::NotLoaded{e.shard, e.id, std::move(e.error)});
                 },
                 [&](queue::Entry& e) {
                   const auto retry_class = policy::parse_retry_class(e.retry_class);
                   engine_event(delivery::Entry{e.shard, e.id, e.number, e.revision, e.attempts,
                                                believable_due(e.id, e.due, loop_.now()),
                                                std::move(e.domain),
                                                retry_class.value_or(policy::RetryClass::kOther),
                                                e.tls_wish, e.priority, e.held, e.own_limits});
                 },
                 [&](queue::Arrived& e) { engine_event(delivery::Arrived{std::move(e.letter)}); },
                 [](queue::Kept&) {},     // only who asks with a ticket is told
                 [](queue::NotKept&) {},  // likewise
                 [](queue::Gained&) {},
                 [](queue::GainedAll&) {},
                 [](queue::Losing&) {},  // never on one machine
                 [](queue::Lost&) {},
             },
             event);
}

void Worker::on_accept_answer(std::uint64_t ticket, MessageId id, const queue::Refused* refused) {
  if (ticket == 0) return;  // a chunk was refused: the answer to the message's Accept tells
  const auto found = awaiting_store_.find(ticket);
  CHECK(found != awaiting_store_.end());  // the store answers each request once
  const Storing stored = std::move(found->second);
  awaiting_store_.erase(found);
  // What is told of the message does not depend on whether its submitter waited for the answer.
  if (refused == nullptr) {
    record_accepted(*stored.envelope);
    if (stored.asker != nullptr) stored.asker->on_stored(ticket, id);
    return;
  }
  house_->metrics.refused(refused->full ? "full" : "busy");
  if (stored.asker != nullptr) {
    stored.asker->on_not_stored(ticket, id, refused->full, refused->words);
  } else {
    house_->store.push(queue::Abandon{refused->id});
  }
}

void Worker::record_accepted(const mail::Envelope& envelope) {
  house_->metrics.accepted(envelope.recipients_total, envelope.body_bytes);
  if (!house_->log.wants(LogLevel::kInfo)) return;
  house_->log.write(LogLevel::kInfo, "accepted",
                    {{"id", render_id(envelope.id)},
                     {"from", envelope.sender.null() ? "<>" : envelope.sender.text()},
                     {"recipients", std::to_string(envelope.recipients_total)},
                     {"bytes", std::to_string(envelope.body_bytes)},
                     {"by", envelope.submitter}});
}

std::uint64_t Worker::accept(const smtp::Submission& submission, InboundConnection& asker) {
  CHECK(asker.ticket() == 0);  // a session waits for one answer at a time
  const auto& envelope = *submission.envelope;
  queue::Accept request;
  request.ticket = ticket();
  request.envelope = submission.envelope;
  request.chunks.push_back(submission.last_chunk);
  mail::HistoryEvent accepted;
  accepted.time = envelope.arrived;
  accepted.sender = envelope.sender.text();
  accepted.words = envelope.submitter;
  for (const auto& recipient : submission.recipients) {
    mail::PendingRecipient pending;
    pending.shard = shard_of(routing_domain(recipient.address));
    pending.recipient = recipient;
    pending.progress.due = std::max(envelope.arrived, envelope.hold_until);
    pending.priority = envelope.priority;
    if (!accepted.recipient.empty()) accepted.recipient += ' ';
    accepted.recipient += recipient.address.text();
    request.recipients.push_back(std::move(pending));
  }
  request.history = std::move(accepted);
  const std::uint64_t asked = request.ticket;
  if (!house_->store.try_push(std::move(request))) return 0;
  awaiting_store_.emplace(asked, Storing{&asker, submission.envelope});
  return asked;
}

void Worker::read_chunk(MessageId id, std::uint16_t chunk, ConnId asker) {
  house_->reader.push([this, id, chunk, asker] {
    auto read = house_->store.store().body_chunk(id, chunk);
    post([asker, chunk, read = std::move(read)](Worker& worker) {
      const auto found = worker.outbound_.find(asker);
      if (found != worker.outbound_.end()) found->second->on_chunk(chunk, read);
    });
  });
}

void Worker::retire(InboundConnection& connection) {
  const auto storing = awaiting_store_.find(connection.ticket());
  if (storing != awaiting_store_.end()) storing->second.asker = nullptr;
  loop_.defer([this, &connection] {
    inbound_.erase(&connection);
    note_quiet();
  });
}

void Worker::retire(OutboundConnection& connection) {
  loop_.defer([this, id = connection.id()] { outbound_.erase(id); });
}

void Worker::let_go(std::unique_ptr<io::Connection> connection, Duration linger) {
  connection->flush();
  // In a shared_ptr since std::function wants to be copied.
  auto kept = std::make_shared<std::unique_ptr<io::Connection>>(std::move(connection));
  loop_.defer([this, kept, linger] {
    // As many as may be open: else who does not read his last reply would be limited by nothing.
    if (loop_.lingering() < runtime_->config.submission.connections_max) {
      io::Connection::close_gracefully(std::move(*kept), linger);
    } else {
      kept->reset();
    }
  });
}

// Lets the engine handle what happened and carries out what it decides, until nothing is left.
void Worker::pump() {
  if (pumping_) return;  // an action led here; the loop below goes on with it
  pumping_ = true;
  while (!events_.empty()) {
    std::swap(events_, handling_);
    for (auto& event : handling_) engine_->handle(std::move(event), loop_.now(), actions_);
    handling_.clear();
    for (auto& action : actions_) apply(action);
    actions_.clear();
  }
  pumping_ = false;
  deadlines_.watch(*engine_tick_);
  if (shutting_down_) note_quiet();
}

void Worker::apply(delivery::Action& action) {
  std::visit(
      Overloaded{
          [&](delivery::Lookup& e) { look_up(e.question); },
          [&](delivery::WantSts& e) { tls_office_->on(e); },
          [&](delivery::Load& e) {
            house_->store.push(queue::Load{ticket(), e.shard, e.id, std::move(e.numbers),
                                           e.for_delivery ? kLoadedBodyMax : mail::kChunkBytesMax});
          },
          [&](delivery::Connect& e) { open(e); },
          [&](delivery::Deliver& e) {
            const auto found = outbound_.find(e.conn);
            if (found != outbound_.end()) found->second->deliver(e);
          },
          [&](delivery::Quit& e) {
            const auto found = outbound_.find(e.conn);
            if (found != outbound_.end()) found->second->quit();
          },
          [&](delivery::Persist& e) {
            house_->store.push(settler_->settle(e, *runtime_, loop_.now()));
          },
          [&](delivery::FellBack& e) { tls_office_->on(e); },
          [&](delivery::TlsBarred& e) { tls_office_->on(e); },
          [&](delivery::SuspectedStrip& e) { tls_office_->on(e); },
          [&](delivery::Remember& e) {
            // A host that one of us has seen verified is watched by all: any domain may lead there.
            if (e.shown && !e.drop)
              house_->tell_all(delivery::Remembered{true, e.key, e.value, e.expires});
            tls_office_->on(e);
          },
          [&](delivery::BackedOff& e) {
            const auto wait =
                std::chrono::ceil<std::chrono::seconds>(e.until - loop_.now()).count();
            house_->log.write(LogLevel::kWarning, "destination_backed_off",
                              {{"domain", e.domain.text()},
                               {"class", name(e.retry_class)},
                               {"next_s", std::to_string(wait)},
                               {"words", e.words}});
          },
          [&](delivery::SlowedDown& e) {
            house_->metrics.slowed_down();
            house_->log.write(LogLevel::kWarning, "site_slowed_down",
                              {{"domain", e.domain.text()},
                               {"host", e.host.text()},
                               {"connections", std::to_string(e.connections)},
                               {"messages_per_minute", std::to_string(e.message_rate)},
                               {"words", e.words}});
          },
          [&](delivery::Recovered& e) {
            house_->log.write(LogLevel::kInfo, "site_recovered",
                              {{"domain", e.domain.text()}, {"site", e.site}});
          },
      },
      action);
}

void Worker::open(const delivery::Connect& connect) {
  auto owned = std::make_unique<OutboundConnection>(*this, connect);
  auto& connection = *owned;
  outbound_.emplace(connect.conn, std::move(owned));
  connection.begin();
}

void Worker::look_up(const dns::Question& question) {
  auto at_once =
      resolver_->lookup(question, [this](const dns::Question& asked, const dns::Answer& answer) {
        engine_event(delivery::Answered{asked, answer});
        pump();
      });
  if (at_once) engine_event(delivery::Answered{question, std::move(*at_once)});
}

void Worker::reconfigure(std::shared_ptr<const Runtime> runtime, std::shared_ptr<TlsContexts> tls) {
  runtime_ = std::move(runtime);
  // Connections that are up hold a reference to their context inside OpenSSL; new ones use the new
  // contexts.
  tls_ = std::move(tls);
  tls_office_->reconfigure(runtime_);
  engine_event(delivery::Reconfigured{runtime_->engine});
}

void Worker::shut_down() {
  shutting_down_ = true;
  listeners_.clear();
  std::vector<InboundConnection*> open;
  open.reserve(inbound_.size());
  for (const auto& [connection, owned] : inbound_) open.push_back(connection);
  for (auto* connection : open) connection->shut_down();
  engine_event(delivery::ShutDown{});
}

void Worker::note_quiet() {
  const bool nothing_left = inbound_.empty() && awaiting_store_.empty() && engine_->quiet() &&
                            loop_.lingering() == 0;  // a 421, or a last reply on its way
  if (shutting_down_ && nothing_left) quiet_.store(true, std::memory_order_release);
}

void Worker::add_to(Snapshot& snapshot) const {
  const auto counts = engine_->counts();
  snapshot.counts.waiting += counts.waiting;
  snapshot.counts.ready += counts.ready;
  snapshot.counts.in_flight += counts.in_flight;
  snapshot.counts.held += counts.held;
  snapshot.counts.suspended += counts.suspended;
  snapshot.counts.connections += counts.connections;
  snapshot.counts.destinations += counts.destinations;
  const auto due = engine_->due(loop_.now());
  for (std::size_t i = 0; i < due.size(); ++i) snapshot.due[i] += due[i];
  snapshot.oldest = std::min(snapshot.oldest, engine_->oldest());
  const auto dns = resolver_->stats();
  snapshot.dns_queries += dns.queries;
  snapshot.dns_cache_hits += dns.cache_hits;
  snapshot.dns_failures += dns.failures;
  settler_->add_to(snapshot);
}

}  // namespace posthaste::daemon
