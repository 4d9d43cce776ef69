// The half of Transaction that gives recipients their fates.
#include <utility>

#include "lib/base/check.h"
#include "queue/rocks/keys.h"
#include "queue/rocks/removal.h"
#include "queue/rocks/transaction.h"

namespace posthaste::queue {

// All that has to be read is read before anything is changed: a Settle counts as a whole, and one
// that cannot be read stops no other.
void Transaction::plan_settle(const Settle& settle, Plan& plan) {
  if (Status fetched = fetch(settle); !fetched) {
    plan.unread = std::move(fetched.error());
    return;
  }
  for (std::size_t i = 0; i < settle.fates.size(); ++i) {
    const Fate& fate = settle.fates[i];
    if (!give_fate({settle.shard, settle.id, fate.number}, fate)) {
      plan.superseded.push_back(static_cast<std::uint16_t>(i));
    }
  }
  plan.counts = settle.fates.empty() || plan.superseded.size() < settle.fates.size();
  if (!plan.counts) return;
  durable_ = true;
  if (!settle.history.empty()) store_history(settle.id, settle.history);
  if (settle.dsn) {
    const bool whole = store(*settle.dsn);
    CHECK(whole);
  }
}

Status Transaction::fetch(const Settle& settle) {
  for (const Fate& fate : settle.fates) {
    const bool whole = fate.kind == FateKind::kDeferred;
    Status fetched = fetch({settle.shard, settle.id, fate.number}, whole);
    if (!fetched) return fetched;
  }
  return {};
}

// Ensures that look_up() knows of the recipient what it needs. `whole`: its record, though it be
// fresh.
Status Transaction::fetch(const RecipientKey& key, bool whole) {
  if (known_.contains(key)) return {};
  const std::optional<Live> live = ledger_.live(key.id);
  if (live && live->fresh) {
    const bool same = live->shard == key.shard && live->number == key.number;
    if (!same) known_.emplace(key, std::nullopt);
    if (!same || !whole) return {};
  }
  rocksdb::PinnableSlice value;
  const auto bytes = recipient_key(key);
  const rocksdb::Status status = database_.get(Family::kRcpt, bytes.view(), value);
  if (status.ok()) {
    known_.emplace(key, value.ToString());
  } else if (status.IsNotFound()) {
    known_.emplace(key, std::nullopt);
  } else {
    Error error = to_error(status, "reading recipient " + std::to_string(key.number) +
                                       " of message " + render_id(key.id));
    shelf_.report(error.words);
    return tl::unexpected(std::move(error));
  }
  return {};
}

// False: superseded. REQUIRES that it was fetched.
bool Transaction::give_fate(const RecipientKey& key, const Fate& fate) {
  std::optional<Stored> stored = look_up(key);
  if (!stored) return false;
  // What the peer has taken is taken, whatever was decided meanwhile.
  if (fate.kind != FateKind::kDelivered && fate.revision != stored->revision) return false;
  if (fate.kind == FateKind::kDeferred) {
    CHECK(fate.progress.revision > fate.revision);
    defer(key, std::move(*stored), fate.progress);
  } else {
    end(key, *stored);
  }
  return true;
}

// nullopt: no such recipient.
std::optional<Transaction::Stored> Transaction::look_up(const RecipientKey& key) {
  if (const auto found = known_.find(key); found != known_.end()) {
    return found->second ? decode(key, *found->second) : std::nullopt;
  }
  const std::optional<Live> live = ledger_.live(key.id);
  CHECK(live && live->fresh);  // else it was fetched
  return Stored{0, {1, live->chunks}, std::nullopt};
}

std::optional<Transaction::Stored> Transaction::decode(const RecipientKey& key,
                                                       std::string_view value) {
  Result<RecipientRecord> record = decode_recipient(key.shard, key.number, value);
  if (!record) {
    shelf_.set_aside_recipient(recipient_key(key).view(), value, record.error().words, batch_);
    known_.insert_or_assign(key, std::nullopt);
    scan_.note_shelved(key);
    return std::nullopt;
  }
  const std::uint32_t revision = record->pending.progress.revision;
  return Stored{revision, record->message, std::move(record->pending)};
}

void Transaction::defer(const RecipientKey& key, Stored stored, const mail::Progress& progress) {
  stored.pending->progress = progress;
  std::string record;
  encode_recipient(*stored.pending, stored.message, record);
  batch_.Put(database_.family(Family::kRcpt), slice(recipient_key(key).view()), record);
  known_.insert_or_assign(key, std::move(record));
  // From now on its record alone says what there is to know.
  const std::optional<Live> live = ledger_.live(key.id);
  if (live && live->fresh) ledger_.drop_live(key.id);
}

void Transaction::end(const RecipientKey& key, const Stored& stored) {
  const auto bytes = recipient_key(key);
  rocksdb::ColumnFamilyHandle* family = database_.family(Family::kRcpt);
  if (stored.revision == 0) {  // written once, so that SingleDelete is legal, and leaves nothing
    batch_.SingleDelete(family, slice(bytes.view()));
  } else {
    batch_.Delete(family, slice(bytes.view()));
  }
  known_.insert_or_assign(key, std::nullopt);
  if (stored.message.recipients_total > 1) {
    end_one_of_many(key, stored);
  } else {
    remove_message(database_, key.id, stored.message.body_chunks, batch_);
    ledger_.drop_live(key.id);
  }
}

void Transaction::end_one_of_many(const RecipientKey& key, const Stored& stored) {
  const bool old = scan_.concerns(key.id);
  Live live = ledger_.live(key.id).value_or(Live{});
  live.chunks = stored.message.body_chunks;
  const bool counted = !old || scan_.passed(key);
  if (counted && live.remaining > 0) --live.remaining;
  if (live.remaining == 0 && (!old || scan_.complete())) {
    remove_message(database_, key.id, live.chunks, batch_);
    ledger_.drop_live(key.id);
    return;
  }
  ledger_.set_live(key.id, live);
  if (live.remaining > 0) return;
  // A shard not yet read may hold another recipient. The mark outlives a crash before that is
  // known.
  batch_.Put(database_.family(Family::kDefault), prefixed(kEndedPrefix, message_key(key.id).view()),
             slice(chunks_value(live.chunks).view()));
  ledger_.note_perhaps_ended(key.id);
}

}  // namespace posthaste::queue
