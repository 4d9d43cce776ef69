// What Destination::drain() does: staging, delivering, opening connections, and going to rest.
#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/delivery/destination.h"

namespace posthaste::delivery {
namespace {

// A destination that comes up short in plan_wake() is looked at again after that long at the
// earliest.
constexpr Duration kWakeAtMostEvery = std::chrono::milliseconds(1);
// While others want it more, a connection is given up after that many messages: it was not cheap.
constexpr std::uint32_t kMessagesWhileOthersWait = 20;

// What is more than a transaction may have now: the limit was another when the batch was made.
Batch cut_off(Batch& batch, std::size_t most) {
  Batch surplus;
  if (batch.entries.size() > most) {
    const auto from = batch.entries.begin() + static_cast<std::ptrdiff_t>(most);
    surplus.entries.assign(from, batch.entries.end());
    batch.entries.erase(from, batch.entries.end());
  }
  return surplus;
}

}  // namespace

void Destination::work(Turn& turn) {
  while (!backed_off(turn.now) && !stands_still() &&
         (stage_one(turn) || deliver_one(turn) || open_one(turn))) {
    if (router_.borrowed() != nullptr) put_off_young(turn);
  }
}

// One batch more is staged than connections can take it, when some are up: it is loaded by the time
// that one is free, and it is what tells open_one() that a further connection would have work.
bool Destination::stage_one(Turn& turn) {
  std::size_t most = up() > 0 ? free_.size() + opening_ + 1 : 1;
  const bool young_waits = youngster(turn.now) != nullptr;
  if (young_waits) ++most;  // it stands in nobody's way
  if (staged_.size() >= most || !backlog_.has_ready()) return false;
  auto batch = backlog_.take_ready(settings_.limits.recipients_per_message);
  if (too_young(*batch, turn.now) && (young_waits || !may_ask_tls(turn.now))) {
    put_off(*batch, turn);
    return true;
  }
  batch->destination = this;
  staged_entries_ += batch->entries.size();
  if (batch->letter && try_park(*batch, turn)) {
    staged_entries_ -= batch->entries.size();
    return true;
  }
  if (!batch->letter) load(*batch, turn);
  staged_.push_back(std::move(batch));
  return true;
}

// The first batch that is at hand and that a free connection may carry. Of the connections the last
// one that fits: the longest idle ones may go to rest.
std::pair<std::size_t, Connection*> Destination::match(Instant now) const {
  if (free_.empty()) return {0, nullptr};
  for (std::size_t i = 0; i < staged_.size(); ++i) {
    if (!staged_[i]->letter) continue;
    const Instant arrived = staged_[i]->id().time();
    const auto carrier = std::find_if(free_.rbegin(), free_.rend(), [&](const Connection* one) {
      return one->dial.may_carry(arrived, now);
    });
    if (carrier != free_.rend()) return {i, *carrier};
  }
  return {0, nullptr};
}

// ---- young mail: the host is up in plaintext, because its handshakes fail, and a message has not
// waited long enough to go that way. One such message at a time is the reason to ask for TLS again,
// on a connection of its own; the others wait for what comes of it, and stand in nobody's way.

bool Destination::too_young(const Batch& batch, Instant now) const {
  const Dial* borrowed = router_.borrowed();
  return borrowed != nullptr && !borrowed->may_carry(batch.id().time(), now);
}

// The first one that is staged; null: there is none.
const Batch* Destination::youngster(Instant now) const {
  if (router_.borrowed() == nullptr) return nullptr;
  const auto found = std::find_if(staged_.begin(), staged_.end(),
                                  [&](const auto& batch) { return too_young(*batch, now); });
  return found == staged_.end() ? nullptr : found->get();
}

bool Destination::may_ask_tls(Instant now) const {
  return router_.seeks_tls() || ask_tls_from_ <= now;
}

void Destination::put_off(const Batch& batch, Turn& turn) {
  for (Scheduled entry : batch.entries) {
    entry.due = std::max(ask_tls_from_, turn.now + kAskTlsEvery);
    backlog_.file(entry);
  }
}

void Destination::put_off_young(Turn& turn) {
  bool may_stay = may_ask_tls(turn.now);
  for (std::size_t i = 0; i < staged_.size();) {
    const Batch& batch = *staged_[i];
    const bool stays = !too_young(batch, turn.now) || std::exchange(may_stay, false);
    if (stays || batch.loading) {
      ++i;
    } else {
      put_off(*unstage(i), turn);
    }
  }
}

// What is asked of a host has changed: nothing more goes over connections that showed something
// else.
void Destination::drop_outdated(Turn& turn) {
  if (std::exchange(judged_, router_.judged()) == router_.judged()) return;
  for (const auto& [id, connection] : shared_.connections) {
    if (connection->owner != this || connection->stale) continue;
    if (!router_.outdated(connection->dial)) continue;
    if (connection->state == Connection::State::kFree) leave(*connection, turn);
    connection->stale = true;
  }
}

bool Destination::deliver_one(Turn& turn) {
  const auto [index, carrier] = match(turn.now);
  if (carrier == nullptr) return false;
  if (try_park(*staged_[index], turn)) {
    unstage(index);
    return true;
  }
  const Instant from = std::max(quota_->messages.free_at(), carrier->site->send_from());
  if (turn.now < from) {
    blocked_until_ = std::min(blocked_until_, from);
    return false;
  }
  quota_->messages.take(turn.now);
  carrier->site->messages.take(turn.now);
  carrier->site->window.on_sent(turn.now);
  auto batch = unstage(index);
  backlog_.put_back(cut_off(*batch, settings_.limits.recipients_per_message));
  in_flight_ += batch->entries.size();
  Connection& connection = *carrier;
  std::erase(free_, carrier);
  shared_.idle.erase(connection.idle);
  connection.state = Connection::State::kBusy;
  ++busy_;
  ++shared_.busy;
  ++connection.messages;
  Deliver deliver{connection.id, batch->letter, {}};
  deliver.recipients.reserve(batch->entries.size());
  for (const Scheduled& entry : batch->entries) {
    deliver.recipients.push_back(find_recipient(*batch->letter, entry.number)->recipient);
  }
  connection.batch = std::move(batch);
  turn.out.push_back(std::move(deliver));
  return true;
}

// The batch that one more connection would be for; null: there are enough of them.
const Batch* Destination::call_for(Instant now) const {
  const Batch* young = youngster(now);
  if (young != nullptr && !router_.under_way()) {
    const bool carried = std::any_of(free_.begin(), free_.end(), [&](const Connection* one) {
      return one->dial.may_carry(young->id().time(), now);
    });
    if (!carried && may_ask_tls(now)) return young;
  }
  const auto head = std::find_if(staged_.begin(), staged_.end(),
                                 [&](const auto& batch) { return !too_young(*batch, now); });
  if (head == staged_.end()) return nullptr;
  const Instant arrived = (*head)->id().time();
  const auto carriers = std::count_if(free_.begin(), free_.end(), [&](const Connection* one) {
    return one->dial.may_carry(arrived, now);
  });
  const bool enough = staged_.size() <= static_cast<std::size_t>(carriers) + opening_;
  return enough ? nullptr : head->get();
}

// While nobody is up, one call at a time goes ahead as a probe; after a back-off others follow as
// mail is taken.
bool Destination::open_one(Turn& turn) {
  const Batch* head = call_for(turn.now);
  if (head == nullptr) return false;
  if (up() == 0 && opening_ > 0) return false;
  if (up() + opening_ >= ramp_.connections()) return false;
  wants_connection_ = true;
  const Instant from = std::max(quota_->messages.free_at(), site_ ? site_->send_from() : Instant{});
  if (turn.now < from) {  // it would have nothing to do
    blocked_until_ = std::min(blocked_until_, from);
    return false;
  }
  if (up() > 0 && turn.now < hold_opening_until_) {
    blocked_until_ = std::min(blocked_until_, hold_opening_until_);
    return false;
  }
  auto around = this->around(turn);
  const MessageId made_for = head->id();
  Advice advice = router_.advise(around, made_for.time());
  tell(around, turn);
  drop_outdated(turn);
  switch (advice.kind) {
    case Advice::Kind::kWait: return false;
    case Advice::Kind::kGiveUp: return give_up(made_for, std::move(advice.trouble), turn);
    case Advice::Kind::kRefuse: refuse_ready(advice.trouble, turn); return false;
    case Advice::Kind::kSuspended:
      stand_still(*advice.suspension, advice.until, turn);
      return false;
    case Advice::Kind::kAsk: ask(advice, turn); return false;
    case Advice::Kind::kDial: break;
  }
  join_site(turn);
  if (!may_have_connection(turn)) return false;
  connect(advice.dial, made_for, turn);
  return true;
}

void Destination::ask(Advice& advice, Turn& turn) {
  for (dns::Question& question : advice.questions) {
    ++questions_;
    if (shared_.questions.add(question, *this)) turn.out.push_back(Lookup{std::move(question)});
  }
  if (!advice.want_sts) return;
  ++questions_;
  if (shared_.sts_questions.add(domain_, *this)) turn.out.push_back(WantSts{domain_});
}

// False also where somebody has to be waited for; then drain() is called when it is time.
bool Destination::may_have_connection(Turn& turn) {
  const Instant from = std::max(quota_->calls.free_at(), site_->call_from());
  if (turn.now < from) {
    blocked_until_ = std::min(blocked_until_, from);
    return false;
  }
  if (!quota_->has_room() || !quota_->turns.its_turn(*this)) {
    // Alone, it has nobody to wait for but itself.
    if (quota_->members().size() < 2) return false;
    const bool waited = quota_->turns.waits(*this);
    quota_->turns.wait(*this);
    if (!waited) take_from_sibling(turn);
    return false;
  }
  if (!site_has_room(turn)) return false;
  return worker_has_room(turn);
}

// False: all that a worker may have are taken, or others come first.
bool Destination::worker_has_room(Turn& turn) {
  // Of the connections that idle, those that have done so longest.
  constexpr std::size_t kIdleLookedAt = 8;
  if (shared_.has_room() && shared_.turns.its_turn(*this)) return true;
  const bool waited = shared_.turns.waits(*this);
  shared_.turns.wait(*this);
  if (waited || shared_.has_room()) return false;
  auto idle = shared_.idle.begin();
  for (std::size_t i = 0; i < kIdleLookedAt && idle != shared_.idle.end(); ++i, ++idle) {
    Connection& connection = **idle;
    if (connection.owner == this || connection.owner->has_work_for(connection, turn.now)) continue;
    connection.owner->leave(connection, turn);
    break;
  }
  return false;
}

// It is free only until a message has been read from the disk.
bool Destination::has_work_for(const Connection& connection, Instant now) const {
  return std::any_of(staged_.begin(), staged_.end(), [&](const auto& batch) {
    return connection.dial.may_carry(batch->id().time(), now);
  });
}

bool Destination::waits_for_anybody() const {
  return std::any_of(places_.begin(), places_.end(),
                     [](const Turns::Place& one) { return one.waits; });
}

// There may be room left for who is next now.
void Destination::feed_others(Turn& turn) {
  const auto quota = quota_;
  const auto site = site_;
  quota->feed(turn);
  if (site) site->feed(turn);
}

// Who waits without a need keeps others from what they have.
void Destination::wait_no_more(Turn& turn) {
  if (!waits_for_anybody()) return;
  shared_.turns.leave(*this);
  quota_->turns.leave(*this);
  if (site_) site_->turns.leave(*this);
  feed_others(turn);
}

// The domain's connections are all taken: one that idles for mail with another wish makes room.
void Destination::take_from_sibling(Turn& turn) {
  for (Destination* sibling : quota_->members()) {
    if (sibling == this || sibling->free_.empty()) continue;
    Connection& longest_idle = *sibling->free_.front();
    if (sibling->has_work_for(longest_idle, turn.now)) continue;
    return sibling->leave(longest_idle, turn);
  }
}

void Destination::connect(const Dial& dial, MessageId made_for, Turn& turn) {
  quota_->calls.take(turn.now);
  quota_->turns.leave(*this);
  ++quota_->connections;
  site_->calls.take(turn.now);
  site_->turns.leave(*this);
  shared_.turns.leave(*this);
  ++site_->connections;
  auto connection = std::make_unique<Connection>();
  connection->id = ConnId{++shared_.connections_begun};
  connection->owner = this;
  connection->site = site_;
  connection->dial = dial;
  connection->host = render_candidate(dial.to.candidate);
  Connect connect;
  connect.conn = connection->id;
  connect.endpoint = dial.to.candidate.endpoint;
  connect.host = dial.to.candidate.host;
  connect.domain = domain_;
  connect.tls = dial.tls;
  connect.implicit_tls = dial.implicit_tls;
  connect.demand = dial.to.tls->demand;
  connect.rung = dial.to.rung;
  connect.profile = dial.to.tls->ladder.at(dial.to.rung).name;
  connect.level = connect.demand->level;
  connect.tls_wish = wish_;
  connect.evidence = {dial.to.tls, &dial.to.tls->evidence};
  connect.message = made_for;
  shared_.connections.emplace(connection->id, std::move(connection));
  ++opening_;
  ++connections_;
  router_.on_called(dial);
  turn.out.push_back(std::move(connect));
}

void Destination::doom_overdue(Turn& turn) {
  const Instant down_at = known_down_at(turn.now);
  if (next_sweep() <= turn.now) sweep(down_at, turn.now);
  if (!backlog_.has_overdue()) return;
  if (down_at == Instant{}) return backlog_.spare_overdue();
  const Site::Outage* outage = down() ? nullptr : outage_of_site();
  const Doom overdue = outage != nullptr
                           ? Doom{Doom::Kind::kStranded, outage->trouble}
                           : Doom{Doom::Kind::kOverdue, last_failure_.value_or(Trouble{})};
  while (backlog_.has_overdue() && doomed_.size() < kDoomedMax) {
    doom(backlog_.take_overdue(settings_.limits.recipients_per_message), overdue, turn);
  }
}

// What is staged runs out of time, too, while it waits for its turn at a site that is down.
void Destination::sweep(Instant down_at, Instant now) {
  if (down_at > Instant{} && up() == 0 && opening_ == 0) put_back_staged();
  backlog_.sweep(now, down_at);
  for (const auto& batch : staged_) backlog_.watch(*batch);
}

Instant Destination::next_sweep() const {
  return backlog_.has_ready() || !staged_.empty() ? backlog_.next_sweep() : kNever;
}

bool Destination::gives_way(const Connection& connection) {
  Site& site = *connection.site;
  if (site.connections > site.turns.expected() + site.connections_max()) return true;
  const auto gives = [&](Turns& turns) {
    const Turns::Claim claim = turns.claim_on(*this);
    return claim == Turns::Claim::kAtOnce ||
           (claim == Turns::Claim::kInTime && connection.messages >= kMessagesWhileOthersWait);
  };
  return gives(shared_.turns) || gives(quota_->turns) || gives(site.turns);
}

void Destination::retire_idle(Turn& turn) {
  const Duration patience = turn.options().idle;
  while (!free_.empty()) {
    Connection& longest = *free_.front();
    const bool others_wait = quota_->turns.others_wait(*this) ||
                             longest.site->turns.others_wait(*this) ||
                             shared_.turns.others_wait(*this);
    const bool idles = turn.now >= longest.free_since + patience ||
                       (others_wait && !has_work_for(longest, turn.now));
    if (!shared_.shutting_down && !idles) break;
    leave(longest, turn);
  }
}

void Destination::plan_wake(Turn& turn) {
  Instant next = std::min(backlog_.next_due(), blocked_until_);
  if (shared_.may_begin()) {
    if (!stands_still()) next = std::min(next, next_sweep());
    if (backed_off(turn.now) && ready() > 0) next = std::min(next, backed_off_until_);
  }
  if (connections_ > 0 && site_) next = std::min(next, site_->window.next_step());
  if (stands_still()) next = std::min(next, still_until_);
  if (backlog_.parked() > 0) next = std::min(next, parked_until_);
  if (!free_.empty()) next = std::min(next, free_.front()->free_since + turn.options().idle);
  if (idle()) next = std::min(next, keep_until());
  if (next != kNever) next = std::max(next, turn.now + kWakeAtMostEvery);
  shared_.agenda.set(*this, next);
}

}  // namespace posthaste::delivery
