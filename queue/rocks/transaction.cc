#include "queue/rocks/transaction.h"

#include <utility>

#include "lib/base/check.h"
#include "queue/letters.h"
#include "queue/rocks/keys.h"
#include "queue/rocks/removal.h"

namespace posthaste::queue {
namespace {

constexpr const char* kDiskFull = "the disk of the queue is full";
constexpr const char* kPartRefused = "an earlier part of the message was refused";

}  // namespace

Transaction::Transaction(const Database& database, Ledger& ledger, const ShardScan& scan,
                         Shelf& shelf, NoteBook& notes)
    : database_(database), ledger_(ledger), scan_(scan), shelf_(shelf), notes_(notes) {}

void Transaction::begin(bool room) {
  ledger_.begin();
  room_ = room;
  durable_ = false;
  batch_.Clear();
  plans_.clear();
  known_.clear();
  next_event_ = database_.db().GetLatestSequenceNumber();
}

void Transaction::plan(const Request& request) {
  Plan& plan = plans_.emplace_back();
  if (const auto* append = std::get_if<Append>(&request)) plan_append(*append, plan);
  if (const auto* abandon = std::get_if<Abandon>(&request)) plan_abandon(abandon->id);
  if (const auto* accept = std::get_if<Accept>(&request)) plan_accept(*accept, plan);
  if (const auto* settle = std::get_if<Settle>(&request)) plan_settle(*settle, plan);
  if (const auto* note = std::get_if<Keep>(&request)) notes_.keep(*note, batch_);
  if (const auto* note = std::get_if<DropNote>(&request)) notes_.drop(*note, batch_);
  if (note_ticket(request) != 0) durable_ = true;
}

rocksdb::WriteBatch& Transaction::finish() {
  for (const Ledger::Garbage& garbage : ledger_.garbage()) {
    remove_arriving(database_, garbage.id, garbage.chunks, batch_);
  }
  if (!ledger_.last_id_stored()) {
    batch_.Put(database_.family(Family::kDefault), slice(kLastIdKey),
               slice(message_key(ledger_.last_id()).view()));
  }
  return batch_;
}

// ---- new mail -----------------------------------------------------------------------------------

void Transaction::plan_append(const Append& append, Plan& plan) {
  CHECK(append.bytes && append.id.value != 0);
  const std::optional<std::uint16_t> before = ledger_.arriving(append.id);
  const bool first = append.chunk == 0 && !before;
  if (!room_ || append.chunk != before.value_or(0)) {
    plan.refused = true;
    plan.full = !room_;
    plan_abandon(append.id);
    return;
  }
  if (first) {
    CHECK(!scan_.concerns(append.id));
    ledger_.raise_last_id(append.id);
    batch_.Put(database_.family(Family::kDefault),
               prefixed(kArrivingPrefix, message_key(append.id).view()), rocksdb::Slice());
  }
  store_chunk(append.id, append.chunk, append.bytes);
  ledger_.set_arriving(append.id, static_cast<std::uint16_t>(append.chunk + 1));
}

void Transaction::plan_abandon(MessageId id) {
  const std::optional<std::uint16_t> chunks = ledger_.arriving(id);
  if (!chunks) return;
  remove_arriving(database_, id, *chunks, batch_);
  ledger_.stop_arriving(id);
}

void Transaction::plan_accept(const Accept& accept, Plan& plan) {
  plan.full = !room_;
  plan.refused = !room_ || !store(accept);
  if (plan.refused) plan_abandon(accept.envelope->id);
}

// False when chunks are missing; nothing is stored then.
bool Transaction::store(const Accept& accept) {
  const mail::Envelope& envelope = *accept.envelope;
  CHECK(envelope.id.value != 0 && !scan_.concerns(envelope.id) && !accept.recipients.empty());
  const std::optional<std::uint16_t> appended = ledger_.arriving(envelope.id);
  const std::size_t before = appended.value_or(0);
  if (before + accept.chunks.size() != envelope.body_chunks) return false;

  durable_ = true;
  ledger_.raise_last_id(envelope.id);
  if (appended) {
    batch_.Delete(database_.family(Family::kDefault),
                  prefixed(kArrivingPrefix, message_key(envelope.id).view()));
    ledger_.stop_arriving(envelope.id);
  }
  for (std::size_t i = 0; i < accept.chunks.size(); ++i) {
    store_chunk(envelope.id, before + i, accept.chunks[i]);
  }
  scratch_.clear();
  encode_envelope(envelope, scratch_);
  batch_.Put(database_.family(Family::kMsg), slice(message_key(envelope.id).view()), scratch_);
  store_recipients(accept);
  if (accept.history) store_history(envelope.id, {&*accept.history, 1});
  return true;
}

void Transaction::store_chunk(MessageId id, std::size_t chunk, const mail::Chunk& bytes) {
  CHECK(bytes->size() <= mail::kChunkBytesMax);
  const auto key = body_key(id, static_cast<std::uint16_t>(chunk));
  batch_.Put(database_.family(Family::kBody), slice(key.view()), *bytes);
}

void Transaction::store_recipients(const Accept& accept) {
  const mail::Envelope& envelope = *accept.envelope;
  const auto total = static_cast<std::uint16_t>(accept.recipients.size());
  CHECK(total == accept.recipients.size());
  for (const mail::PendingRecipient& pending : accept.recipients) {
    CHECK(pending.shard < kShards && pending.progress.revision == 0);
    scratch_.clear();
    encode_recipient(pending, {total, envelope.body_chunks}, scratch_);
    const auto key = recipient_key({pending.shard, envelope.id, pending.recipient.number});
    batch_.Put(database_.family(Family::kRcpt), slice(key.view()), scratch_);
  }
  const mail::PendingRecipient& first = accept.recipients.front();
  if (total > 1) {
    ledger_.set_live(envelope.id, Live{.remaining = total, .chunks = envelope.body_chunks});
  } else if (ledger_.room_for_fresh()) {
    ledger_.set_live(envelope.id, Live{.remaining = 1,
                                       .chunks = envelope.body_chunks,
                                       .fresh = true,
                                       .shard = first.shard,
                                       .number = first.recipient.number});
  }
}

void Transaction::store_history(MessageId id, std::span<const mail::HistoryEvent> events) {
  scratch_.clear();
  encode_history(events, scratch_);
  batch_.Put(database_.family(Family::kEvent), slice(event_key(id, ++next_event_).view()),
             scratch_);
}

// ---- answers ------------------------------------------------------------------------------------

void Transaction::stored(std::span<Request> requests, const std::function<bool(ShardId)>& owned,
                         std::vector<StoreEvent>& out) {
  ledger_.keep();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Plan& plan = plans_[i];
    const char* words = plan.full ? kDiskFull : kPartRefused;
    if (const auto* append = std::get_if<Append>(&requests[i])) {
      if (plan.refused) out.push_back(Refused{0, append->id, plan.full, words});
    } else if (auto* accept = std::get_if<Accept>(&requests[i])) {
      const MessageId id = accept->envelope->id;
      if (plan.refused) {
        out.push_back(Refused{accept->ticket, id, plan.full, words});
        continue;
      }
      out.push_back(Accepted{accept->ticket, id});
      append_arrivals(std::move(*accept), owned, out);
    } else if (auto* settle = std::get_if<Settle>(&requests[i])) {
      answer_settle(*settle, plan, owned, out);
    } else if (const auto* release = std::get_if<Release>(&requests[i])) {
      out.push_back(Lost{release->shard});
    } else if (const std::uint64_t ticket = note_ticket(requests[i]); ticket != 0) {
      out.push_back(Kept{ticket});
    }
  }
}

void Transaction::answer_settle(Settle& settle, const Plan& plan,
                                const std::function<bool(ShardId)>& owned,
                                std::vector<StoreEvent>& out) {
  if (plan.unread) {
    out.push_back(NotSettled{std::move(settle), false, plan.unread->words});
    return;
  }
  Settled settled{settle.shard, settle.id, {}};
  Superseded superseded{settle.shard, settle.id, {}};
  if (plan.superseded.empty()) {
    settled.applied = std::move(settle.fates);
  } else {
    auto next = plan.superseded.begin();
    for (std::size_t i = 0; i < settle.fates.size(); ++i) {
      if (next != plan.superseded.end() && *next == i) {
        superseded.numbers.push_back(settle.fates[i].number);
        ++next;
      } else {
        settled.applied.push_back(std::move(settle.fates[i]));
      }
    }
  }
  if (plan.counts) out.push_back(std::move(settled));
  if (!superseded.numbers.empty()) out.push_back(std::move(superseded));
  if (!plan.counts || !settle.dsn) return;
  if (settle.dsn->ticket != 0) {
    out.push_back(Accepted{settle.dsn->ticket, settle.dsn->envelope->id});
  }
  append_arrivals(std::move(*settle.dsn), owned, out);
}

void Transaction::refused(std::span<Request> requests, const Error& error,
                          std::vector<StoreEvent>& out) {
  ledger_.undo();
  const bool full = error.code == ErrorCode::kFull;
  for (Request& request : requests) {
    if (const auto* append = std::get_if<Append>(&request)) {
      out.push_back(Refused{0, append->id, full, error.words});
    } else if (const auto* accept = std::get_if<Accept>(&request)) {
      out.push_back(Refused{accept->ticket, accept->envelope->id, full, error.words});
    } else if (auto* settle = std::get_if<Settle>(&request)) {
      out.push_back(NotSettled{std::move(*settle), full, error.words});
    } else if (const auto* release = std::get_if<Release>(&request)) {
      out.push_back(Lost{release->shard});
    } else if (const std::uint64_t ticket = note_ticket(request); ticket != 0) {
      out.push_back(NotKept{ticket, error.words});
    }
  }
}

}  // namespace posthaste::queue
