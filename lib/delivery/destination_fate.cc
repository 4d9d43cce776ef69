// What becomes of a destination's batches: loaded, doomed, settled, or tried once more.
#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/delivery/destination.h"
#include "lib/delivery/settlement.h"

namespace posthaste::delivery {
namespace {

// A letter that the store could not read just now: it doubles from time to time.
constexpr Duration kLoadAgainAfter = std::chrono::minutes(1);
constexpr Duration kLoadAgainMax = std::chrono::hours(1);
constexpr unsigned kDoublingsMax = 6;
constexpr Duration kBackOffLeast = std::chrono::seconds(1);

const smtp::RecipientOutcome& outcome_of(const smtp::TransactionResult& result, std::size_t index,
                                         std::uint16_t number) {
  const auto& outcomes = result.outcomes;
  if (index < outcomes.size() && outcomes[index].number == number) return outcomes[index];
  const auto found = std::find_if(outcomes.begin(), outcomes.end(),
                                  [&](const auto& outcome) { return outcome.number == number; });
  CHECK(found != outcomes.end());
  return *found;
}

bool stays(Ending ending) {
  return ending == Ending::kDeferred || ending == Ending::kHeld || ending == Ending::kReleased;
}

}  // namespace

void Destination::load(Batch& batch, Turn& turn) {
  shared_.loads.add(batch);
  turn.out.push_back(Load{batch.shard(), batch.id(), batch.numbers(), !batch.doom});
}

std::unique_ptr<Batch> Destination::unstage(std::size_t index) {
  auto batch = std::move(staged_[index]);
  staged_.erase(staged_.begin() + static_cast<std::ptrdiff_t>(index));
  staged_entries_ -= batch->entries.size();
  return batch;
}

void Destination::restage(std::unique_ptr<Batch> batch, std::size_t index) {
  staged_entries_ += batch->entries.size();
  backlog_.watch(*batch);
  staged_.insert(staged_.begin() + static_cast<std::ptrdiff_t>(index), std::move(batch));
}

// Among the staged ones; their number: it is none of them.
std::size_t Destination::staged_index(const Batch& batch) const {
  const auto found = std::find_if(staged_.begin(), staged_.end(),
                                  [&](const auto& owned) { return owned.get() == &batch; });
  return static_cast<std::size_t>(found - staged_.begin());
}

// Takes the batch out of where it waits for its letter.
std::unique_ptr<Batch> Destination::claim(const Batch& batch) {
  if (!batch.doom) {
    const std::size_t index = staged_index(batch);
    CHECK(index < staged_.size());
    return unstage(index);
  }
  const auto found = std::find_if(doomed_.begin(), doomed_.end(),
                                  [&](const auto& owned) { return owned.get() == &batch; });
  CHECK(found != doomed_.end());
  auto claimed = std::move(*found);
  doomed_.erase(found);
  in_flight_ -= claimed->entries.size();
  return claimed;
}

// Recipients that the store no longer has: somebody else has settled or removed them.
void Destination::forget_missing(Batch& batch, const mail::Letter& letter, Turn& turn) {
  std::erase_if(batch.entries, [&](const Scheduled& entry) {
    if (find_recipient(letter, entry.number) != nullptr) return false;
    turn.shared.arrivals.remove(entry.id);
    if (batch.doom && batch.doom->order) carried_out(*batch.doom->order);
    return true;
  });
}

void Destination::on_loaded(Batch& waiting, std::shared_ptr<const mail::Letter> letter,
                            Turn& turn) {
  // Where it keeps its place: those that were staged first go first, however long the store takes.
  const std::size_t index = staged_index(waiting);
  auto batch = claim(waiting);
  forget_missing(*batch, *letter, turn);
  for (Scheduled& entry : batch->entries) entry.unreadable = 0;
  if (!batch->entries.empty()) {
    batch->letter = std::move(letter);
    if (batch->doom) {
      in_flight_ += batch->entries.size();
      settle_doomed(*batch, turn);
    } else if (backed_off(turn.now) || stands_still()) {
      backlog_.put_back(*batch);
    } else if (!try_park(*batch, turn)) {
      restage(std::move(batch), index);
    }
  }
  drain(turn);
}

void Destination::on_not_loaded(Batch& waiting, bool gone, Turn& turn) {
  const auto batch = claim(waiting);
  const auto order = batch->doom ? batch->doom->order : nullptr;
  Instant again = turn.now + kLoadAgainAfter;
  for (Scheduled& entry : batch->entries) {
    if (gone) {
      shared_.arrivals.remove(entry.id);
      if (order) carried_out(*order);
      continue;
    }
    again = turn.now + std::min(kLoadAgainAfter * (1U << entry.unreadable), kLoadAgainMax);
    if (entry.unreadable < kDoublingsMax) ++entry.unreadable;
    if (order) continue;
    entry.due = again;
    backlog_.file(entry);
  }
  if (order && !gone) carry_out_later(*batch, again);
  drain(turn);
}

void Destination::doom(std::unique_ptr<Batch> batch, Doom doom, Turn& turn) {
  batch->destination = this;
  batch->doom = std::move(doom);
  in_flight_ += batch->entries.size();
  if (batch->letter) return settle_doomed(*batch, turn);
  if (!batch->loading) load(*batch, turn);
  doomed_.push_back(std::move(batch));
}

void Destination::settle_doomed(Batch& batch, Turn& turn) {
  // What its sender may not send just now does not run out of time by it.
  if (batch.doom->kind != Doom::Kind::kSteered && try_park(batch, turn)) {
    in_flight_ -= batch.entries.size();
    return;
  }
  Settler settler(*batch.letter->envelope, domain_, turn.options().retry, turn.now, shared_.rng);
  std::vector<Settlement> settlements;
  Batch in_time;
  for (Scheduled entry : batch.entries) {
    const mail::PendingRecipient& before = *find_recipient(*batch.letter, entry.number);
    switch (batch.doom->kind) {
      case Doom::Kind::kTrouble:
        settlements.push_back(settler.failed(before, batch.doom->trouble, {}, false));
        break;
      case Doom::Kind::kSteered:
        settlements.push_back(settler.steered(before, *batch.doom->order));
        break;
      case Doom::Kind::kOverdue:
      case Doom::Kind::kStranded:
        if (auto settlement = settler.overdue(before, *batch.doom)) {
          settlements.push_back(*std::move(settlement));
          break;
        }
        // The letter knows better. It is looked at again when that time has come.
        entry.timed = entry.due_is_limit = true;
        entry.due = settler.next_limit(before);
        in_time.entries.push_back(entry);
        break;
    }
  }
  if (!settlements.empty()) persist(batch, std::move(settlements), turn);
  in_flight_ -= in_time.entries.size();
  backlog_.put_back(in_time);
}

// Whatever is ready is bounced, as fast as letters can be loaded for the report.
void Destination::refuse_ready(const Trouble& trouble, Turn& turn) {
  while (doomed_.size() < kDoomedMax) {
    auto batch =
        staged_.empty() ? backlog_.take_ready(settings_.limits.recipients_per_message) : unstage(0);
    if (!batch) return;
    doom(std::move(batch), Doom{Doom::Kind::kTrouble, trouble}, turn);
  }
}

// An attempt failed as a whole. It is charged to the batch that it was made for; nobody else has
// been tried. Returns true where there is reason to go on with the next batch: a refusal is no
// back-off.
bool Destination::give_up(MessageId made_for, Trouble trouble, Turn& turn) {
  if (router_.borrowed() != nullptr) {
    give_up_tls(made_for, std::move(trouble), turn);
    return false;
  }
  if (up() > 0) {  // the others work; it is only not the time for one more
    hold_opening_until_ = turn.now + kHoldOpening;
    return false;
  }
  auto head = unstage_head(made_for);
  last_failure_ = trouble;
  // A host that answers, if only to say that it takes nothing just now, is not down.
  const bool next = trouble.permanent || trouble.of_host;
  if (!next) back_off(trouble, head->id().time(), turn);
  doom(std::move(head), Doom{Doom::Kind::kTrouble, std::move(trouble)}, turn);
  return next;
}

// TLS was asked for once more, for mail that is too young for the plaintext that is up, and is not
// to be had: it waits until it may go that way.
void Destination::give_up_tls(MessageId made_for, Trouble trouble, Turn& turn) {
  ask_tls_from_ = turn.now + kAskTlsEvery;
  doom(unstage_head(made_for), Doom{Doom::Kind::kTrouble, std::move(trouble)}, turn);
}

// The batch that a call was to be made for. REQUIRES that it is staged.
std::unique_ptr<Batch> Destination::unstage_head(MessageId id) {
  const auto found = std::find_if(staged_.begin(), staged_.end(),
                                  [&](const auto& batch) { return batch->id() == id; });
  CHECK(found != staged_.end());
  return unstage(static_cast<std::size_t>(found - staged_.begin()));
}

void Destination::back_off(const Trouble& trouble, Instant head_arrived, Turn& turn) {
  ++failures_;
  failed_at_ = turn.now;
  const auto policy = turn.options().retry.policy_for(domain_, trouble.retry_class);
  Instant until = policy::next_due(policy, failures_, turn.now, shared_.rng);
  // What may go in plaintext by then need not wait for a host whose handshakes fail.
  if (trouble.plaintext_after) {
    until = std::min(until, add_saturated(head_arrived, *trouble.plaintext_after));
  }
  backed_off_until_ = std::max(until, turn.now + kBackOffLeast);
  put_back_staged();
  note_outage(trouble, turn);
  backlog_.cool();
  const smtp::Reply& reply = trouble.reply;
  turn.out.push_back(BackedOff{domain_, wish_, backed_off_until_, trouble.retry_class,
                               reply.code != 0 ? smtp::render_reply(reply) : reply.text});
}

bool Destination::may_hop(const Batch& batch) const {
  return batch.hops + 1 < shared_.options->hosts_per_attempt;
}

void Destination::settle(const Batch& batch, const smtp::TransactionResult& result,
                         const Connection& connection, bool elsewhere, ReplyReader& reader,
                         Turn& turn) {
  Settler settler(*batch.letter->envelope, domain_, turn.options().retry, turn.now, shared_.rng);
  std::vector<Settlement> settlements;
  settlements.reserve(batch.entries.size());
  auto untried = std::make_unique<Batch>();
  for (std::size_t i = 0; i < batch.entries.size(); ++i) {
    const Scheduled& entry = batch.entries[i];
    const auto& outcome = outcome_of(result, i, entry.number);
    const mail::PendingRecipient& before = *find_recipient(*batch.letter, entry.number);
    if (outcome.verdict == smtp::Verdict::kDelivered) {
      settlements.push_back(settler.delivered(before, outcome, connection.host, connection.tls));
      settlements.back().dsn_passed_on = result.dsn_passed_on;
      settlements.back().tell_relayed = result.tell_relayed;
    } else if ((outcome.verdict == smtp::Verdict::kUntried && may_hop(batch)) ||
               (elsewhere && undecided(connection, outcome, reader))) {
      untried->entries.push_back(entry);
    } else {
      settlements.push_back(settler.failed(before, trouble_on(connection, outcome, reader),
                                           connection.tls,
                                           outcome.verdict == smtp::Verdict::kMaybe));
    }
  }
  if (!settlements.empty()) persist(batch, std::move(settlements), turn);
  if (untried->entries.empty()) return;
  untried->destination = this;
  untried->letter = batch.letter;
  untried->hops = batch.hops + 1;
  in_flight_ -= untried->entries.size();
  restage(std::move(untried));
}

// REQUIRES that the settled recipients are counted in flight; they stay so until the store has
// them.
void Destination::persist(const Batch& batch, std::vector<Settlement> settlements, Turn& turn) {
  for (const Settlement& settlement : settlements) {
    Unsettled::Fate fate{this, std::nullopt, batch.doom ? batch.doom->order : nullptr};
    if (stays(settlement.ending)) {
      mail::PendingRecipient later = settlement.before;
      later.progress = settlement.after;
      fate.next = scheduled_of(later, *batch.letter->envelope);
      fate.next->shard = batch.shard();
    }
    shared_.unsettled.add(batch.id(), settlement.before.recipient.number, std::move(fate));
  }
  turn.out.push_back(Persist{batch.shard(), batch.letter, std::move(settlements)});
}

// A connection that ended without a word about its batch has not begun it.
void Destination::rescue(Connection& connection) {
  if (!connection.batch) return;
  auto batch = std::move(connection.batch);
  in_flight_ -= batch->entries.size();
  ++batch->hops;
  restage(std::move(batch));
}

}  // namespace posthaste::delivery
