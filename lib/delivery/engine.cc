#include "lib/delivery/engine.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "lib/base/check.h"
#include "lib/delivery/destination.h"
#include "lib/delivery/entry_filter.h"
#include "lib/delivery/shared.h"

namespace posthaste::delivery {
struct Engine::State {
  // Mail that wishes something of TLS must not go with mail that does not.
  struct Key {
    RoutingDomain domain;
    mail::TlsWish wish;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<RoutingDomain>{}(key.domain) * 4 + static_cast<std::size_t>(key.wish);
    }
  };
  State(std::shared_ptr<const Options> options, Rng rng) : shared(std::move(options), rng) {}

  // Destroyed after the destinations, which are on its agenda.
  Shared shared;
  std::unordered_map<Key, std::unique_ptr<Destination>, KeyHash> destinations;

  Destination& at(const RoutingDomain& domain, mail::TlsWish wish);
  Connection* connection(ConnId id);
  void feed_all(Turn& turn);

  void on(Entry& event, Turn& turn);
  void on(Arrived& event, Turn& turn);
  void on(Loaded& event, Turn& turn);
  void on(NotLoaded& event, Turn& turn);
  void on(Answered& event, Turn& turn);
  void on(StsKnown& event, Turn& turn);
  void on(StsChanged& event, Turn& turn);
  void on(Remembered& event, Turn& turn);
  void on(ForgetTls& event, Turn& turn);
  void on(Steer& event, Turn& turn);
  void on(Suspended& event, Turn& turn);
  void on(SessionReady& event, Turn& turn);
  void on(SessionFinished& event, Turn& turn);
  void on(SessionFailed& event, Turn& turn);
  void on(SessionClosed& event, Turn& turn);
  void on(Persisted& event, Turn& turn);
  void on(StoreTrouble& event, Turn& turn);
  void on(Reconfigured& event, Turn& turn);
  void on(ShutDown& event, Turn& turn);
  void on(Tick& event, Turn& turn);
};

Destination& Engine::State::at(const RoutingDomain& domain, mail::TlsWish wish) {
  // What takes REQUIRETLS only where it is offered asks no more of a host than other mail.
  if (wish == mail::TlsWish::kRequireTlsIfOffered) wish = mail::TlsWish::kPolicy;
  auto& destination = destinations[{domain, wish}];
  if (!destination) destination = std::make_unique<Destination>(domain, wish, shared);
  return *destination;
}

// Null: it has had its last word.
Connection* Engine::State::connection(ConnId id) {
  const auto found = shared.connections.find(id);
  return found == shared.connections.end() ? nullptr : found->second.get();
}

// Limits or whoever comes under them have changed.
void Engine::State::feed_all(Turn& turn) {
  for (const auto& [domain, quota] : shared.quotas) quota->feed(turn);
  std::vector<std::shared_ptr<Site>> sites;  // who is fed may leave one, or join another
  for (const auto& [key, site] : shared.sites) sites.push_back(site);
  for (const auto& site : sites) site->feed(turn);
  shared.feed(turn);
}

void Engine::State::on(Entry& event, Turn& turn) {
  Scheduled entry;
  entry.id = event.id;
  entry.due = event.due;
  entry.revision = event.revision;
  entry.attempts = event.attempts;
  entry.number = event.number;
  entry.shard = event.shard;
  entry.retry_class = event.retry_class;
  entry.priority = event.priority;
  entry.held = event.held;
  entry.timed = event.own_limits;
  shared.arrivals.add(entry.id);
  at(event.domain, event.tls_wish).file(entry, turn);
}

void Engine::State::on(Arrived& event, Turn& turn) {
  const mail::Letter& letter = *event.letter;
  std::vector<std::pair<Destination*, std::vector<Scheduled>>> groups;
  for (const mail::PendingRecipient& pending : letter.recipients) {
    Destination* destination =
        &at(mail::routing_domain(pending.recipient.address), letter.envelope->tls_wish);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& known) { return known.first == destination; });
    if (group == groups.end()) group = groups.insert(groups.end(), {destination, {}});
    group->second.push_back(scheduled_of(pending, *letter.envelope));
    shared.arrivals.add(letter.envelope->id);
  }
  if (groups.empty()) return;
  std::size_t bytes =
      sizeof(mail::Letter) + letter.recipients.size() * sizeof(mail::PendingRecipient);
  for (const mail::Chunk& chunk : letter.body.chunks) bytes += chunk->size();
  for (const auto& [destination, entries] : groups) {
    destination->take_arrival(event.letter, entries, bytes / groups.size(), turn);
  }
}

void Engine::State::on(Loaded& event, Turn& turn) {
  Batch* batch = shared.loads.take(event.id, *event.letter);
  if (batch != nullptr) batch->destination->on_loaded(*batch, std::move(event.letter), turn);
}

void Engine::State::on(NotLoaded& event, Turn& turn) {
  Batch* batch = shared.loads.take_first(event.id, event.shard);
  if (batch == nullptr) return;
  const bool gone =
      event.error.code == ErrorCode::kNotFound || event.error.code == ErrorCode::kCorrupt;
  batch->destination->on_not_loaded(*batch, gone, turn);
}

void Engine::State::on(Answered& event, Turn& turn) {
  for (Destination* destination : shared.questions.take(event.question)) {
    destination->on_answered(event.question, event.answer, turn);
  }
}

void Engine::State::on(StsKnown& event, Turn& turn) {
  for (Destination* destination : shared.sts_questions.take(event.domain)) {
    destination->on_sts(event, turn);
  }
}

void Engine::State::on(StsChanged& event, Turn& turn) {
  for (const auto& [id, connection] : shared.connections) {
    if (connection->owner->domain() == event.domain) connection->owner->retire(*connection, turn);
  }
  for (const auto& [key, destination] : destinations) {
    if (key.domain == event.domain) destination->on_sts_changed(turn);
  }
}

void Engine::State::on(Remembered& event, Turn& turn) {
  shared.memory.restore(event.shown, event.key, event.value, event.expires, turn.now);
}

void Engine::State::on(ForgetTls& event, Turn& turn) {
  policy::TlsMemory::Changes changes;
  shared.memory.forget(event.address_or_host, changes);
  for (auto& change : changes) {
    turn.out.push_back(Remember{change.shown, change.drop, std::move(change.key),
                                std::move(change.value), change.expires});
  }
}

void Engine::State::on(Steer& event, Turn& turn) {
  const auto order = shared.steerings.begin(event);
  const Selection& selection = event.selection;
  const EntryFilter filter(selection);
  const auto concerns = [&](const Destination& destination) {
    return selection.domains.empty() ||
           policy::matches_any(selection.domains, destination.domain().text());
  };
  for (const auto& [id, connection] : shared.connections) {
    if (!connection->batch || !concerns(*connection->owner)) continue;
    for (const Scheduled& entry : connection->batch->entries) {
      order->progress.under_way += filter.wants(entry) ? 1U : 0U;
    }
  }
  order->progress.under_way += shared.unsettled.count(
      [&](const Destination& of, MessageId id) { return concerns(of) && filter.wants(id); });
  for (const auto& [key, destination] : destinations) {
    if (concerns(*destination)) destination->steer(order, selection, turn);
  }
}

void Engine::State::on(Suspended& event, Turn& turn) {
  CHECK(event.suspensions != nullptr);
  for (const auto& [key, destination] : destinations) destination->on_suspensions_changed(turn.now);
  shared.suspensions = event.suspensions;
  for (const auto& [id, connection] : shared.connections) {
    const MxName& host = connection->dial.to.candidate.host;
    if (shared.suspensions->of_host(host, turn.now) == nullptr) continue;
    connection->owner->retire(*connection, turn);
  }
  for (const auto& [key, destination] : destinations) destination->drain(turn);
  feed_all(turn);
}

void Engine::State::on(SessionReady& event, Turn& turn) {
  if (Connection* c = connection(event.conn)) c->owner->on_ready(*c, event, turn);
}

void Engine::State::on(SessionFinished& event, Turn& turn) {
  if (Connection* c = connection(event.conn)) c->owner->on_finished(*c, event.result, turn);
}

void Engine::State::on(SessionFailed& event, Turn& turn) {
  if (Connection* c = connection(event.conn)) c->owner->on_failed(*c, event.failure, turn);
}

void Engine::State::on(SessionClosed& event, Turn& turn) {
  Connection* c = connection(event.conn);
  if (c == nullptr) return;
  c->owner->on_closed(*c, turn);
  shared.feed(turn);
}

void Engine::State::on(Persisted& event, Turn& turn) {
  for (const std::uint16_t number : event.numbers) {
    // Unknown ones were settled by somebody else, such as an operator.
    if (const auto fate = shared.unsettled.take(event.id, number)) {
      fate->destination->on_persisted(*fate, event.id, turn);
    }
  }
}

void Engine::State::on(StoreTrouble& event, Turn& turn) {
  shared.store_trouble = event.trouble;
  for (const auto& [key, destination] : destinations) destination->drain(turn);
}

void Engine::State::on(Reconfigured& event, Turn& turn) {
  CHECK(event.options != nullptr);
  const auto before = std::exchange(shared.options, event.options);
  for (const auto& [id, connection] : shared.connections) {
    if (connection->batch) connection->batch->look_again();  // it may come back untried
    if (route_differs(*before, *shared.options, connection->owner->domain()))
      connection->owner->retire(*connection, turn);
  }
  for (const auto& [key, site] : shared.sites) site->set_limits(shared.options->site_limits);
  for (const auto& [key, destination] : destinations) destination->on_reconfigured(*before, turn);
  for (const auto& [key, destination] : destinations) destination->drain(turn);
  feed_all(turn);
}

void Engine::State::on(ShutDown&, Turn& turn) {
  shared.shutting_down = true;
  for (const auto& [id, connection] : shared.connections)
    connection->owner->retire(*connection, turn);
  for (const auto& [key, destination] : destinations) destination->drain(turn);
}

void Engine::State::on(Tick&, Turn& turn) {
  while (shared.agenda.earliest() <= turn.now) {
    auto& destination = static_cast<Destination&>(shared.agenda.first());
    destination.drain(turn);
    if (destination.spent(turn.now)) {
      destinations.erase(Key{destination.domain(), destination.wish()});
    }
  }
}

Engine::Engine(std::shared_ptr<const Options> options, Rng rng, Instant)
    : state_(std::make_unique<State>(std::move(options), rng)) {
  CHECK(state_->shared.options != nullptr);
}

Engine::~Engine() = default;

void Engine::handle(Event event, Instant now, Actions& out) {
  Turn turn{state_->shared, now, out};
  std::visit([&](auto& one) { state_->on(one, turn); }, event);
}

Instant Engine::deadline() const { return state_->shared.agenda.earliest(); }

Counts Engine::counts() const {
  Counts counts;
  for (const auto& [key, destination] : state_->destinations) {
    counts.waiting += destination->waiting();
    counts.ready += destination->ready();
    counts.in_flight += destination->in_flight();
    counts.held += destination->held();
    counts.suspended += destination->suspended();
  }
  counts.connections = state_->shared.connections.size();
  counts.destinations = state_->shared.quotas.size();
  return counts;
}

DueHistogram Engine::due(Instant now) const {
  DueHistogram histogram{};
  for (const auto& row : due_by_class(now)) {
    for (std::size_t i = 0; i < row.size(); ++i) histogram[i] += row[i];
  }
  return histogram;
}

DueByClass Engine::due_by_class(Instant now) const {
  DueByClass by_class{};
  for (const auto& [key, destination] : state_->destinations) {
    for (const Scheduled& entry : destination->backlog().entries_waiting()) {
      const auto bound = std::find_if(kDueBounds.begin(), kDueBounds.end(),
                                      [&](Duration within) { return entry.due <= now + within; });
      const auto row =
          entry.attempts == 0 ? policy::kRetryClasses : static_cast<std::size_t>(entry.retry_class);
      ++by_class[row][static_cast<std::size_t>(bound - kDueBounds.begin())];
    }
  }
  return by_class;
}

Instant Engine::oldest() const { return state_->shared.arrivals.oldest(); }

void Engine::for_each_destination(const std::function<void(const DestinationView&)>& visit) const {
  for (const auto& [domain, quota] : state_->shared.quotas) {
    DestinationView view;
    view.domain = domain;
    for (const Destination* member : quota->members()) member->add_to(view);
    visit(view);
  }
}

void Engine::for_each_suspended(const std::function<void(const RoutingDomain&)>& visit) const {
  for (const auto& [domain, quota] : state_->shared.quotas) {
    const auto& members = quota->members();
    const bool still = std::any_of(members.begin(), members.end(),
                                   [](const Destination* one) { return one->stands_still(); });
    if (still) visit(domain);
  }
}

void Engine::for_each_site(const std::function<void(const SiteView&)>& visit) const {
  std::unordered_map<const Site*, std::uint64_t> domains;
  for (const auto& [domain, quota] : state_->shared.quotas) {
    if (const Site* site = quota->members().front()->site()) ++domains[site];
  }
  for (const auto& [key, site] : state_->shared.sites) {
    SiteView view;
    view.name = render_site(key);
    view.domains = domains[site.get()];
    view.connections = site->connections;
    if (site->connections_max() != Window::kAll) view.window = site->connections_max();
    view.slowed_until = site->window.whole_at();
    view.slowed_words = site->window.words();
    visit(view);
  }
}

std::optional<TlsView> Engine::tls_view(const RoutingDomain& domain, Instant now) const {
  const auto found = state_->destinations.find({domain, mail::TlsWish::kPolicy});
  if (found == state_->destinations.end()) return std::nullopt;
  return found->second->tls_view(now);
}

void Engine::for_each_remembered(
    const std::function<void(const policy::TlsMemory::View&)>& visit) const {
  state_->shared.memory.for_each(visit);
}

std::size_t Engine::remembered_count() const { return state_->shared.memory.size(); }

std::vector<Remembered> Engine::remembered() const {
  policy::TlsMemory::Changes changes;
  state_->shared.memory.tell_all(changes);
  std::vector<Remembered> told;
  told.reserve(changes.size());
  for (auto& change : changes) {
    told.push_back({change.shown, std::move(change.key), std::move(change.value), change.expires});
  }
  return told;
}

std::optional<SteeringView> Engine::steering(std::uint64_t ticket) const {
  return state_->shared.steerings.find(ticket);
}

bool Engine::quiet() const {
  const Shared& shared = state_->shared;
  return shared.shutting_down && shared.busy == 0 && shared.unsettled.size() == 0;
}

}  // namespace posthaste::delivery
