// An Mta's store thread: requests are gathered, committed together, and answered, each a little
// later. What one worker is told keeps its order; who is told first is drawn.
#include <algorithm>
#include <utility>

#include "daemon/rehearsal/mta.h"
#include "lib/base/overloaded.h"

namespace posthaste::rehearsal {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kTicketBits = 48;  // the worker stands above them

}  // namespace

void Mta::ask_store(queue::Request request) {
  if (!alive_) return;
  requests_.push_back(std::move(request));
  if (std::exchange(committing_, true)) return;
  const bool slow = world_.fault(0.05);
  soon(world_.draw(0ms, slow ? 5s : 20ms), [this] { commit(); });
}

std::uint64_t Mta::expect_answer(unsigned worker,
                                 std::function<void(const queue::StoreEvent&)> answer) {
  const std::uint64_t ticket = std::uint64_t{worker} << kTicketBits | ++tickets_;
  answers_.emplace(ticket, std::move(answer));
  return ticket;
}

void Mta::commit() {
  committing_ = false;
  store_->set_trouble(outside_.disk_trouble());
  auto batch = std::exchange(requests_, {});
  witness_.on_commit(batch);
  std::vector<queue::StoreEvent> events;
  store_->commit(batch, events);
  // From here on it is durable, whether or not we live to hear of it.
  witness_.on_committed(events, *store_);
  post(events);
}

void Mta::gain() {
  std::vector<queue::StoreEvent> events;
  const bool more = store_->gain(1 + world_.rng().below(20), events);
  post(events);
  if (more) soon(world_.draw(0ms, 5ms), [this] { gain(); });
}

// To each worker what concerns it.
void Mta::post(std::vector<queue::StoreEvent>& events) {
  std::vector<std::vector<queue::StoreEvent>> by_worker(workers_.size());
  for (auto& event : events) by_worker[addressee(event)].push_back(std::move(event));
  for (unsigned i = 0; i < workers(); ++i) {
    if (by_worker[i].empty()) continue;
    Instant& when = posted_until_[i];
    when = std::max(when, world_.now() + world_.draw(0ms, 2ms));
    at(when, [this, mine = std::move(by_worker[i])]() mutable {
      for (auto& event : mine) on_store_event(event);
    });
  }
}

unsigned Mta::addressee(const queue::StoreEvent& event) const {
  const auto by_shard = [&](ShardId shard) { return owner_of(shard); };
  const auto by_ticket = [](std::uint64_t ticket) {
    return static_cast<unsigned>(ticket >> kTicketBits);
  };
  return std::visit(
      Overloaded{
          [&](const queue::Accepted& e) { return by_ticket(e.ticket); },
          [&](const queue::Refused& e) { return by_ticket(e.ticket); },
          [&](const queue::Kept& e) { return by_ticket(e.ticket); },
          [&](const queue::NotKept& e) { return by_ticket(e.ticket); },
          [&](const queue::NotSettled& e) { return by_shard(e.request.shard); },
          [&](const queue::Loaded& e) { return by_shard(e.letter->recipients.front().shard); },
          [&](const auto& e) { return by_shard(e.shard); },
      },
      event);
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
    return worker_of(settled->shard).tell(std::move(persisted));
  }
  if (auto* superseded = std::get_if<queue::Superseded>(&event)) {
    world_.violate("superseded, and there is nobody else: " + render_id(superseded->id));
  } else if (auto* loaded = std::get_if<queue::Loaded>(&event)) {
    const ShardId shard = loaded->letter->recipients.front().shard;
    if (outside_.read_fails()) {
      world_.say("{} cannot be read", render_id(loaded->id));
      const Error error{ErrorCode::kIo, "the disk says no"};
      return worker_of(shard).tell(delivery::NotLoaded{shard, loaded->id, error});
    }
    worker_of(shard).tell(delivery::Loaded{loaded->id, std::move(loaded->letter)});
  } else if (auto* missing = std::get_if<queue::NotLoaded>(&event)) {
    world_.violate("not in the store: " + render_id(missing->id) + " " + missing->error.words);
  } else if (auto* arrived = std::get_if<queue::Arrived>(&event)) {
    worker_of(arrived->shard).tell(delivery::Arrived{std::move(arrived->letter)});
  } else if (auto* entry = std::get_if<queue::Entry>(&event)) {
    worker(witness_.on_routed(owner_of(entry->shard), workers()))
        .tell(delivery::Entry{
            entry->shard, entry->id, entry->number, entry->revision, entry->attempts, entry->due,
            entry->domain,
            policy::parse_retry_class(entry->retry_class).value_or(policy::RetryClass::kOther),
            entry->tls_wish, entry->priority, entry->held, entry->own_limits});
  }
}

}  // namespace posthaste::rehearsal
