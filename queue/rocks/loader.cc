#include "queue/rocks/loader.h"

#include <memory>
#include <utility>

#include "queue/letters.h"
#include "queue/record.h"
#include "queue/rocks/keys.h"

namespace posthaste::queue {
namespace {

tl::unexpected<Error> not_found(MessageId id) {
  return fail(ErrorCode::kNotFound, "message " + render_id(id) + " is not in the queue");
}

std::string reading(std::string_view what, MessageId id) {
  return "reading the " + std::string(what) + " of message " + render_id(id);
}

// What belongs to a message that is in the queue must be there. What the disk does not give may
// come another time.
Error load_error(const rocksdb::Status& status, const std::string& doing) {
  Error error = to_error(status, doing);
  error.code = status.IsNotFound() ? ErrorCode::kCorrupt : ErrorCode::kIo;
  return error;
}

}  // namespace

StoreEvent Loader::load(const Load& load) const {
  auto letter = std::make_shared<mail::Letter>();
  rocksdb::WriteBatch aside;
  Status done = load_recipients(load, *letter, aside);
  if (done) done = load_envelope(load.id, *letter, aside);
  if (done) done = load_body(load.id, load.body_bytes_max, *letter);
  if (!done && done.error().code == ErrorCode::kCorrupt) set_aside(load, done.error(), aside);
  if (aside.Count() > 0) {
    const rocksdb::Status moved = database_.write(rocksdb::WriteOptions(), aside);
    if (!moved.ok()) shelf_.report("setting a record aside: " + moved.ToString());
  }
  if (!done) return NotLoaded{load.ticket, load.shard, load.id, std::move(done.error())};
  return Loaded{load.ticket, load.id, std::move(letter)};
}

// All that were asked for. Without its message nobody can do anything with a recipient, and whoever
// tried would try for ever.
void Loader::set_aside(const Load& load, const Error& why, rocksdb::WriteBatch& aside) const {
  for (const std::uint16_t number : load.numbers) {
    rocksdb::PinnableSlice value;
    const RecipientKey recipient{load.shard, load.id, number};
    const auto key = recipient_key(recipient);
    if (!database_.get(Family::kRcpt, key.view(), value).ok()) continue;
    if (!decode_recipient(load.shard, number, view(value))) continue;  // is already
    shelf_.set_aside_recipient(key.view(), view(value), why.words, aside);
    scan_.note_shelved(recipient);
  }
}

Status Loader::load_recipients(const Load& load, mail::Letter& letter,
                               rocksdb::WriteBatch& aside) const {
  Error error{ErrorCode::kNotFound, "message " + render_id(load.id) + " has no such recipient"};
  for (const std::uint16_t number : load.numbers) {
    rocksdb::PinnableSlice value;
    const auto key = recipient_key({load.shard, load.id, number});
    const rocksdb::Status status = database_.get(Family::kRcpt, key.view(), value);
    if (status.IsNotFound()) continue;
    // Whoever asked would take what is missing for gone: all of them, or none for now.
    if (!status.ok()) return tl::unexpected(load_error(status, reading("recipient", load.id)));
    Result<RecipientRecord> record = decode_recipient(load.shard, number, view(value));
    if (record) {
      letter.recipients.push_back(std::move(record->pending));
    } else {
      shelf_.set_aside_recipient(key.view(), view(value), record.error().words, aside);
      scan_.note_shelved({load.shard, load.id, number});
      error = std::move(record.error());
    }
  }
  if (letter.recipients.empty() && !load.numbers.empty()) return tl::unexpected(std::move(error));
  return {};
}

Status Loader::load_envelope(MessageId id, mail::Letter& letter, rocksdb::WriteBatch& aside) const {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = database_.get(Family::kMsg, message_key(id).view(), value);
  if (status.IsNotFound() && letter.recipients.empty()) return not_found(id);
  if (!status.ok()) return tl::unexpected(load_error(status, reading("envelope", id)));
  Result<mail::Envelope> envelope = decode_envelope(id, view(value));
  if (!envelope) {
    shelf_.set_aside_message(id, view(value), envelope.error().words, aside);
    return tl::unexpected(std::move(envelope.error()));
  }
  letter.envelope = std::make_shared<const mail::Envelope>(std::move(*envelope));
  return {};
}

Status Loader::load_body(MessageId id, std::size_t bytes_max, mail::Letter& letter) const {
  std::size_t loaded = 0;
  for (std::uint16_t i = 0; i < letter.envelope->body_chunks; ++i) {
    if (!next_chunk_fits(*letter.envelope, loaded, bytes_max)) break;
    rocksdb::PinnableSlice value;
    const rocksdb::Status status = database_.get(Family::kBody, body_key(id, i).view(), value);
    if (!status.ok()) return tl::unexpected(load_error(status, reading("body", id)));
    loaded += value.size();
    letter.body.chunks.push_back(std::make_shared<const std::string>(value.data(), value.size()));
  }
  return {};
}

Result<mail::Chunk> Loader::body_chunk(MessageId id, std::uint16_t chunk) const {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = database_.get(Family::kBody, body_key(id, chunk).view(), value);
  if (!status.ok()) return tl::unexpected(to_error(status, reading("body", id)));
  return std::make_shared<const std::string>(value.data(), value.size());
}

Result<std::vector<mail::HistoryEvent>> Loader::history(MessageId id) const {
  const auto first = message_key(id);
  const auto end = message_key(MessageId{id.value + 1});
  const rocksdb::Slice bound = slice(end.view());
  const auto found = database_.iterate(Family::kEvent, &bound);
  std::vector<mail::HistoryEvent> events;
  found->Seek(slice(first.view()));
  for (; found->Valid(); found->Next()) {
    const Status decoded = decode_history(view(found->value()), events);
    if (!decoded) return tl::unexpected(decoded.error());
  }
  if (!found->status().ok()) {
    return tl::unexpected(to_error(found->status(), reading("history", id)));
  }
  if (!events.empty()) return events;
  rocksdb::PinnableSlice unused;
  if (database_.get(Family::kMsg, first.view(), unused).ok()) return events;
  return fail(ErrorCode::kNotFound, "nothing is known of message " + render_id(id));
}

Result<mail::Envelope> Loader::envelope(MessageId id) const {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = database_.get(Family::kMsg, message_key(id).view(), value);
  if (status.IsNotFound()) return not_found(id);
  if (!status.ok()) return tl::unexpected(to_error(status, reading("envelope", id)));
  return decode_envelope(id, view(value));
}

Result<std::optional<ListCursor>> Loader::list(ListCursor cursor, std::size_t limit,
                                               std::vector<ListedRecipient>& out) const {
  const auto found = database_.iterate(Family::kRcpt);
  found->Seek(slice(recipient_key(cursor).view()));
  for (; found->Valid(); found->Next()) {
    const std::optional<RecipientKey> key = parse_recipient_key(view(found->key()));
    if (!key) continue;
    if (limit == 0) return *key;
    Result<RecipientRecord> record =
        decode_recipient(key->shard, key->number, view(found->value()));
    if (!record) continue;  // the store thread sets it aside when it comes to it
    out.push_back({key->id, std::move(record->pending)});
    --limit;
  }
  if (!found->status().ok()) {
    return tl::unexpected(to_error(found->status(), "listing the queue"));
  }
  return std::nullopt;
}

}  // namespace posthaste::queue
