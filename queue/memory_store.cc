#include "queue/memory_store.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "queue/letters.h"

namespace posthaste::queue {
std::unique_ptr<MemoryStore> MemoryStore::crash() const {
  auto next = std::make_unique<MemoryStore>();
  next->messages_ = messages_;
  next->recipients_ = recipients_;
  next->history_ = history_;
  next->notes_ = notes_;
  next->last_id_ = last_id_;
  next->last_id_at_start_ = last_id_;
  next->epoch_ = epoch_ + 1;
  return next;
}

void MemoryStore::set_unreadable(MessageId id, bool unreadable) {
  if (unreadable) {
    unreadable_.insert(id);
  } else {
    unreadable_.erase(id);
  }
}

void MemoryStore::announce(Events& out) {
  if (std::exchange(announced_, true)) return;
  for (ShardId shard = 0; shard < kShards; ++shard) out.push_back(Gained{shard, epoch_});
}

bool MemoryStore::commit(std::span<Request> batch, Events& out) {
  announce(out);
  repeat_envelopes(batch);
  Events loads;
  for (Request& request : batch) {
    if (std::holds_alternative<Load>(request) || refused(request, out)) continue;
    std::visit([&](auto& kind) { apply(kind, out); }, request);
  }
  // A load sees what the whole batch did.
  for (Request& request : batch) {
    if (auto* load = std::get_if<Load>(&request)) apply(*load, out);
  }
  return !disk_refuses();
}

bool MemoryStore::refused(Request& request, Events& out) {
  if (!trouble_) return false;
  if (auto* append = std::get_if<Append>(&request)) {
    arriving_.erase(append->id);
    out.push_back(Refused{0, append->id, trouble_->full, trouble_->words});
    return true;
  }
  if (auto* accept = std::get_if<Accept>(&request)) {
    arriving_.erase(accept->envelope->id);
    out.push_back(Refused{accept->ticket, accept->envelope->id, trouble_->full, trouble_->words});
    return true;
  }
  if (!disk_refuses()) return false;
  if (auto* settle = std::get_if<Settle>(&request)) {
    out.push_back(NotSettled{std::move(*settle), trouble_->full, trouble_->words});
    return true;
  }
  if (!is_note(request)) return false;
  if (const std::uint64_t ticket = note_ticket(request); ticket != 0) {
    out.push_back(NotKept{ticket, trouble_->words});
  }
  return true;
}

void MemoryStore::apply(Append& append, Events& out) {
  CHECK(append.bytes && append.bytes->size() <= mail::kChunkBytesMax);
  last_id_ = std::max(last_id_, append.id);
  if (append.chunk == 0) arriving_.try_emplace(append.id);
  const auto found = arriving_.find(append.id);
  if (found == arriving_.end() || found->second.size() != append.chunk) {
    arriving_.erase(append.id);
    out.push_back(Refused{0, append.id, false, "an earlier part of the message was refused"});
    return;
  }
  found->second.push_back(append.bytes);
}

void MemoryStore::apply(Abandon& abandon, Events&) { arriving_.erase(abandon.id); }

void MemoryStore::apply(Accept& accept, Events& out) {
  const MessageId id = accept.envelope->id;
  if (!store(accept)) {
    out.push_back(Refused{accept.ticket, id, false, "an earlier part of the message was refused"});
    return;
  }
  out.push_back(Accepted{accept.ticket, id});
  append_arrivals(
      std::move(accept), [this](ShardId shard) { return owned(shard); }, out);
}

// False when appended chunks are missing; nothing is stored then.
bool MemoryStore::store(const Accept& accept) {
  const MessageId id = accept.envelope->id;
  CHECK(id > last_id_at_start_ && !accept.recipients.empty() && !messages_.contains(id));
  last_id_ = std::max(last_id_, id);
  Message message;
  if (auto node = arriving_.extract(id)) message.chunks = std::move(node.mapped());
  message.chunks.insert(message.chunks.end(), accept.chunks.begin(), accept.chunks.end());
  if (message.chunks.size() != accept.envelope->body_chunks) return false;
  message.envelope = accept.envelope;
  message.remaining = accept.recipients.size();
  messages_.emplace(id, std::move(message));
  for (const mail::PendingRecipient& pending : accept.recipients) {
    CHECK(pending.shard < kShards && pending.progress.revision == 0);
    const bool fresh =
        recipients_.emplace(RecipientKey{pending.shard, id, pending.recipient.number}, pending)
            .second;
    CHECK(fresh);
  }
  if (accept.history) history_[id].push_back(*accept.history);
  return true;
}

void MemoryStore::apply(Settle& settle, Events& out) {
  if (unreadable_.contains(settle.id)) {
    out.push_back(NotSettled{std::move(settle), false, "the recipients cannot be read"});
    return;
  }
  Settled settled{settle.shard, settle.id, {}};
  Superseded superseded{settle.shard, settle.id, {}};
  for (Fate& fate : settle.fates) {
    if (give_fate(settle.shard, settle.id, fate)) {
      settled.applied.push_back(std::move(fate));
    } else {
      superseded.numbers.push_back(fate.number);
    }
  }
  const bool counts = !settled.applied.empty() || superseded.numbers.empty();
  if (counts) out.push_back(std::move(settled));
  if (!superseded.numbers.empty()) out.push_back(std::move(superseded));
  if (!counts) return;
  if (!settle.history.empty()) {
    auto& events = history_[settle.id];
    events.insert(events.end(), settle.history.begin(), settle.history.end());
  }
  if (!settle.dsn) return;
  const bool whole = store(*settle.dsn);
  CHECK(whole);
  if (settle.dsn->ticket != 0) {
    out.push_back(Accepted{settle.dsn->ticket, settle.dsn->envelope->id});
  }
  append_arrivals(
      std::move(*settle.dsn), [this](ShardId shard) { return owned(shard); }, out);
}

// False: superseded.
bool MemoryStore::give_fate(ShardId shard, MessageId id, const Fate& fate) {
  const auto found = recipients_.find(RecipientKey{shard, id, fate.number});
  if (found == recipients_.end()) return false;
  mail::Progress& progress = found->second.progress;
  if (fate.kind != FateKind::kDelivered && fate.revision != progress.revision) return false;
  if (fate.kind == FateKind::kDeferred) {
    CHECK(fate.progress.revision > fate.revision);
    progress = fate.progress;
  } else {
    end(found);
  }
  return true;
}

void MemoryStore::end(std::map<RecipientKey, mail::PendingRecipient>::iterator recipient) {
  const auto message = messages_.find(recipient->first.id);
  recipients_.erase(recipient);
  if (--message->second.remaining == 0) messages_.erase(message);
}

void MemoryStore::apply(Load& load, Events& out) {
  if (unreadable_.contains(load.id)) {
    out.push_back(NotLoaded{load.ticket, load.shard, load.id,
                            Error{ErrorCode::kIo, "the message cannot be read"}});
    return;
  }
  const auto found = messages_.find(load.id);
  auto letter = std::make_shared<mail::Letter>();
  for (const std::uint16_t number : load.numbers) {
    const auto recipient = recipients_.find(RecipientKey{load.shard, load.id, number});
    if (recipient != recipients_.end()) letter->recipients.push_back(recipient->second);
  }
  if (found == messages_.end() || (letter->recipients.empty() && !load.numbers.empty())) {
    out.push_back(NotLoaded{load.ticket, load.shard, load.id,
                            Error{ErrorCode::kNotFound, "no such recipient in the queue"}});
    return;
  }
  letter->envelope = found->second.envelope;
  std::size_t loaded = 0;
  for (const mail::Chunk& chunk : found->second.chunks) {
    if (!next_chunk_fits(*letter->envelope, loaded, load.body_bytes_max)) break;
    loaded += chunk->size();
    letter->body.chunks.push_back(chunk);
  }
  out.push_back(Loaded{load.ticket, load.id, std::move(letter)});
}

void MemoryStore::apply(Release& release, Events& out) {
  released_.insert(release.shard);
  out.push_back(Lost{release.shard});
}

void MemoryStore::apply(Keep& keep, Events& out) {
  notes_.insert_or_assign({keep.kind, keep.key}, Note{keep.value, keep.expires});
  if (keep.ticket != 0) out.push_back(Kept{keep.ticket});
}

void MemoryStore::apply(DropNote& drop, Events& out) {
  notes_.erase({drop.kind, drop.key});
  if (drop.ticket != 0) out.push_back(Kept{drop.ticket});
}

bool MemoryStore::gain(std::size_t records, Events& out) {
  announce(out);
  while (!gained_) {
    const ShardId shard = cursor_.shard;
    const auto next = recipients_.lower_bound(cursor_);
    const bool in_shard = next != recipients_.end() && next->first.shard == shard;
    if (!in_shard || next->first.id > last_id_at_start_) {
      if (owned(shard)) out.push_back(GainedAll{shard});
      gained_ = shard + 1 == kShards;
      cursor_ = RecipientKey{static_cast<ShardId>(shard + 1), {}, 0};
      continue;
    }
    if (records-- == 0) return true;
    if (owned(shard)) out.push_back(entry_of(next->first, next->second));
    cursor_ = successor(next->first);
  }
  return false;
}

Status MemoryStore::prune_history(Instant before) {
  std::erase_if(history_, [before](const auto& entry) { return entry.first.time() < before; });
  return {};
}

Status MemoryStore::prune_notes(Instant now) {
  std::erase_if(notes_, [now](const auto& note) { return note.second.expires <= now; });
  return {};
}

Result<mail::Chunk> MemoryStore::body_chunk(MessageId id, std::uint16_t chunk) const {
  const auto found = messages_.find(id);
  if (found == messages_.end() || chunk >= found->second.chunks.size()) {
    return fail(ErrorCode::kNotFound, "no such part of a message in the queue");
  }
  return found->second.chunks[chunk];
}

Result<std::vector<mail::HistoryEvent>> MemoryStore::history(MessageId id) const {
  const auto found = history_.find(id);
  if (found != history_.end()) return found->second;
  if (messages_.contains(id)) return std::vector<mail::HistoryEvent>{};
  return fail(ErrorCode::kNotFound, "nothing is known of message " + render_id(id));
}

Result<mail::Envelope> MemoryStore::envelope(MessageId id) const {
  const auto found = messages_.find(id);
  if (found == messages_.end()) {
    return fail(ErrorCode::kNotFound, "message " + render_id(id) + " is not in the queue");
  }
  return *found->second.envelope;
}

Result<std::optional<ListCursor>> MemoryStore::list(ListCursor cursor, std::size_t limit,
                                                    std::vector<ListedRecipient>& out) const {
  auto next = recipients_.lower_bound(cursor);
  for (; next != recipients_.end() && limit > 0; ++next, --limit) {
    out.push_back(ListedRecipient{next->first.id, next->second});
  }
  if (next == recipients_.end()) return std::nullopt;
  return next->first;
}

Status MemoryStore::notes(NoteKind kind, Instant now, const NoteVisit& visit) const {
  for (auto note = notes_.lower_bound({kind, {}}); note != notes_.end(); ++note) {
    if (note->first.first != kind) break;
    const Note& kept = note->second;
    if (kept.expires > now) visit(note->first.second, kept.value, kept.expires);
  }
  return {};
}

}  // namespace posthaste::queue
