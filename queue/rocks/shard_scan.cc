#include "queue/rocks/shard_scan.h"

#include <utility>

#include "queue/letters.h"
#include "queue/record.h"
#include "queue/rocks/keys.h"
#include "queue/rocks/removal.h"

namespace posthaste::queue {

ShardScan::ShardScan(const Database& database, Ledger& ledger, Shelf& shelf, Duration reread_after)
    : database_(database),
      ledger_(ledger),
      shelf_(shelf),
      reread_after_(reread_after),
      last_at_open_(ledger.last_id()) {}

bool ShardScan::read(std::size_t records, const std::function<bool(ShardId)>& owned,
                     std::vector<StoreEvent>& out) {
  if (done_) return false;
  if (failures_ > 0 && Clock::now() < blocked_until_) return true;
  auto found = database_.iterate(Family::kRcpt);
  const auto seek = [&] { found->Seek(slice(recipient_key(cursor_).view())); };
  seek();
  while (!done_ && (records > 0 || !found->Valid())) {
    if (!found->status().ok()) {
      if (try_later(found->status())) break;
      leap(found->status());
      found = database_.iterate(Family::kRcpt);
      seek();
      continue;
    }
    const auto key = found->Valid() ? parse_recipient_key(view(found->key())) : std::nullopt;
    if (found->Valid() && !key) {
      shelf_.set_aside_recipient(view(found->key()), view(found->value()), "its key is none",
                                 set_aside_);
      found->Next();
    } else if (!key || key->shard != cursor_.shard) {
      finish_shard(owned, out);
    } else if (!concerns(key->id)) {  // accepted since; what follows in this shard too
      finish_shard(owned, out);
      seek();
    } else {
      take(*key, view(found->value()), owned(key->shard), out);
      cursor_ = successor(*key);
      failures_ = 0;
      --records;
      found->Next();
    }
  }
  write(set_aside_);
  if (complete()) remove_ended();
  return !done_;
}

void ShardScan::take(const RecipientKey& key, std::string_view value, bool owned,
                     std::vector<StoreEvent>& out) {
  Result<RecipientRecord> record = decode_recipient(key.shard, key.number, value);
  if (!record) {
    shelf_.set_aside_recipient(recipient_key(key).view(), value, record.error().words, set_aside_);
    ledger_.hold(key.id);
    return;
  }
  if (record->message.recipients_total > 1) {
    Live live = ledger_.live(key.id).value_or(Live{});
    live.chunks = record->message.body_chunks;
    ++live.remaining;
    ledger_.set_live(key.id, live);
  }
  if (owned) out.push_back(entry_of(key, record->pending));
}

void ShardScan::finish_shard(const std::function<bool(ShardId)>& owned,
                             std::vector<StoreEvent>& out) {
  if (owned(cursor_.shard)) out.push_back(GainedAll{cursor_.shard});
  cursor_ = RecipientKey{static_cast<ShardId>(cursor_.shard + 1), {}, 0};
  done_ = cursor_.shard == kShards;
}

// False: it was tried often enough.
bool ShardScan::try_later(const rocksdb::Status& status) {
  if (failures_ == kRereads) return false;
  if (failures_ == 0) {
    shelf_.warn("shard " + std::to_string(cursor_.shard) +
                " of the queue cannot be read on: " + status.ToString() + "; trying again");
  }
  blocked_until_ = Clock::now() + reread_after_ * (1 << failures_);
  ++failures_;
  return true;
}

// Goes on at the first message of the shard that can be read again: looks ever further ahead, then
// halves the way back. What is left out may be a recipient, so nobody can say any more that a
// message from before has none.
void ShardScan::leap(const rocksdb::Status& status) {
  sound_ = false;
  failures_ = 0;
  std::uint64_t unreadable = cursor_.id.value;
  std::uint64_t step = 1;
  while (step <= last_at_open_.value && !readable_from(MessageId{unreadable + step})) {
    unreadable += step;
    step *= 2;
  }
  std::uint64_t readable = unreadable + step;
  while (readable - unreadable > 1) {
    const std::uint64_t middle = unreadable + (readable - unreadable) / 2;
    (readable_from(MessageId{middle}) ? readable : unreadable) = middle;
  }
  shelf_.report("shard " + std::to_string(cursor_.shard) + " of the queue cannot be read from " +
                render_id(cursor_.id) + " to " + render_id(MessageId{readable}) +
                ", left out until the next start: " + status.ToString());
  cursor_ = RecipientKey{cursor_.shard, MessageId{readable}, 0};
}

// Ids above the last one count as readable: they are not the scan's business.
bool ShardScan::readable_from(MessageId id) const {
  if (!concerns(id)) return true;
  const auto found = database_.iterate(Family::kRcpt);
  found->Seek(slice(recipient_key({cursor_.shard, id, 0}).view()));
  return found->status().ok();
}

void ShardScan::note_shelved(const RecipientKey& key) const {
  const std::optional<Live> live = ledger_.live(key.id);
  if (live && live->fresh) return ledger_.drop_live(key.id);
  // A scan that has not come by will not count it any more.
  if (concerns(key.id) && !passed(key)) ledger_.hold(key.id);
}

// Decides what could not be decided while the scan was under way.
void ShardScan::remove_ended() {
  rocksdb::WriteBatch batch;
  for (const MessageId id : ledger_.perhaps_ended()) {
    const std::optional<Live> live = ledger_.live(id);
    if (live && live->remaining == 0) {
      remove_message(database_, id, live->chunks, batch);
      ledger_.drop_live(id);
    }
    batch.Delete(database_.family(Family::kDefault),
                 prefixed(kEndedPrefix, message_key(id).view()));
  }
  ledger_.clear_perhaps_ended();
  write(batch);
}

// Not synced: lost in a power cut, it is found to do again at the next start.
void ShardScan::write(rocksdb::WriteBatch& batch) {
  if (batch.Count() == 0) return;
  const rocksdb::Status status = database_.write(rocksdb::WriteOptions(), batch);
  if (!status.ok()) shelf_.report("tidying the queue: " + status.ToString());
  batch.Clear();
}

}  // namespace posthaste::queue
