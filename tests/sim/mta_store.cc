// An Mta's store thread: requests are gathered, committed together, and answered, each a little
// later.
#include <algorithm>
#include <utility>

#include "lib/base/overloaded.h"
#include "tests/sim/mta.h"

namespace posthaste::sim {

using namespace std::chrono_literals;

void Mta::ask_store(queue::Request request) {
  if (!alive_) return;
  requests_.push_back(std::move(request));
  if (std::exchange(committing_, true)) return;
  const bool slow = world_.fault(0.05);
  soon(world_.draw(0ms, slow ? 5s : 20ms), [this] { commit(); });
}

std::uint64_t Mta::expect_answer(std::function<void(const queue::StoreEvent&)> answer) {
  answers_.emplace(++tickets_, std::move(answer));
  return tickets_;
}

void Mta::commit() {
  committing_ = false;
  if (world_.fault(scenario_.store_trouble * 0.1)) {
    store_->set_trouble(queue::MemoryStore::Trouble{world_.rng().chance(0.5),
                                                    world_.rng().chance(0.5), "the disk says no"});
  } else {
    store_->set_trouble(std::nullopt);
  }
  auto batch = std::exchange(requests_, {});
  // What the checker has to see of the requests, before they are moved from.
  std::map<std::uint64_t, queue::Accept> accepts;
  for (const queue::Request& request : batch) {
    if (const auto* accept = std::get_if<queue::Accept>(&request))
      accepts[accept->ticket] = *accept;
    const auto* settle = std::get_if<queue::Settle>(&request);
    if (settle != nullptr && settle->dsn) accepts[settle->dsn->ticket] = *settle->dsn;
  }
  std::vector<queue::StoreEvent> events;
  store_->commit(batch, events);
  // From here on it is durable, whether or not we live to hear of it.
  for (const auto& event : events) {
    if (const auto* accepted = std::get_if<queue::Accepted>(&event)) {
      const queue::Accept& accept = accepts.at(accepted->ticket);
      std::string body;
      for (std::uint16_t i = 0; i < accept.envelope->body_chunks; ++i) {
        body += **store_->body_chunk(accepted->id, i);
      }
      checker_.on_accepted(accept, std::move(body));
    }
    if (const auto* settled = std::get_if<queue::Settled>(&event)) checker_.on_settled(*settled);
  }
  soon(world_.draw(0ms, 2ms), [this, events = std::move(events)]() mutable {
    for (auto& event : events) on_store_event(event);
  });
}

void Mta::gain() {
  std::vector<queue::StoreEvent> events;
  const bool more = store_->gain(1 + world_.rng().below(20), events);
  for (auto& event : events) on_store_event(event);
  if (more) soon(world_.draw(0ms, 5ms), [this] { gain(); });
}

void Mta::on_store_event(queue::StoreEvent& event) {
  const auto answer = [&](std::uint64_t ticket) {
    const auto found = answers_.extract(ticket);
    if (!found.empty()) found.mapped()(event);
  };
  if (const auto* accepted = std::get_if<queue::Accepted>(&event)) return answer(accepted->ticket);
  if (const auto* refused = std::get_if<queue::Refused>(&event)) return answer(refused->ticket);
  if (auto* not_settled = std::get_if<queue::NotSettled>(&event))
    return on_not_settled(*not_settled);
  hand_to_engine(event);
}

// Fates are never dropped: they are offered again until the store takes them.
void Mta::on_not_settled(queue::NotSettled& event) {
  if (!std::exchange(store_troubled_, true)) tell(delivery::StoreTrouble{true});
  soon(1s, [this, request = std::move(event.request)]() mutable { ask_store(std::move(request)); });
}

void Mta::hand_to_engine(queue::StoreEvent& event) {
  if (auto* settled = std::get_if<queue::Settled>(&event)) {
    if (std::exchange(store_troubled_, false)) tell(delivery::StoreTrouble{false});
    delivery::Persisted persisted{settled->shard, settled->id, {}};
    for (const auto& fate : settled->applied) persisted.numbers.push_back(fate.number);
    return tell(std::move(persisted));
  }
  if (auto* superseded = std::get_if<queue::Superseded>(&event)) {
    world_.violate("superseded, and there is nobody else: " + render_id(superseded->id));
  } else if (auto* loaded = std::get_if<queue::Loaded>(&event)) {
    tell(delivery::Loaded{loaded->id, std::move(loaded->letter)});
  } else if (auto* missing = std::get_if<queue::NotLoaded>(&event)) {
    world_.violate("not in the store: " + render_id(missing->id) + " " + missing->error.words);
  } else if (auto* arrived = std::get_if<queue::Arrived>(&event)) {
    tell(delivery::Arrived{std::move(arrived->letter)});
  } else if (auto* entry = std::get_if<queue::Entry>(&event)) {
    if (world_.mutation().strikes(Bug::kLoseEntry, 4)) return;
    tell(delivery::Entry{
        entry->shard, entry->id, entry->number, entry->revision, entry->attempts, entry->due,
        entry->domain,
        policy::parse_retry_class(entry->retry_class).value_or(policy::RetryClass::kOther),
        entry->tls_wish, entry->priority, entry->held});
  }
}

}  // namespace posthaste::sim
