#include "queue/rocks/note_book.h"

#include "queue/record.h"
#include "queue/rocks/keys.h"

namespace posthaste::queue {

void NoteBook::keep(const Keep& keep, rocksdb::WriteBatch& batch) {
  scratch_.clear();
  encode_note(keep.expires, keep.value, scratch_);
  batch.Put(database_.family(Family::kTls), note_key(keep.kind, keep.key), scratch_);
}

void NoteBook::drop(const DropNote& drop, rocksdb::WriteBatch& batch) const {
  batch.Delete(database_.family(Family::kTls), note_key(drop.kind, drop.key));
}

Status NoteBook::visit(NoteKind kind, Instant now, const NoteVisit& visit) const {
  const std::string prefix = note_key(kind, {});
  const auto found = database_.iterate(Family::kTls);
  for (found->Seek(prefix); found->Valid() && found->key().starts_with(prefix); found->Next()) {
    const Result<NoteRecord> note = decode_note(view(found->value()));
    if (!note || note->expires <= now) continue;
    visit(std::string(view(found->key()).substr(prefix.size())), note->value, note->expires);
  }
  if (found->status().ok()) return {};
  return tl::unexpected(to_error(found->status(), "reading notes"));
}

Status NoteBook::prune(Instant now) {
  rocksdb::WriteBatch batch;
  const auto found = database_.iterate(Family::kTls);
  std::size_t records = 0;
  for (found->Seek(next_); found->Valid() && records < kPruneRecords; found->Next(), ++records) {
    const Result<NoteRecord> note = decode_note(view(found->value()));
    if (note && note->expires > now) continue;
    if (!note) shelf_.report("a note was deleted: " + note.error().words);
    batch.Delete(database_.family(Family::kTls), found->key());
  }
  next_ = found->Valid() ? found->key().ToString() : std::string();
  if (!found->status().ok()) {
    return tl::unexpected(to_error(found->status(), "reading notes"));
  }
  if (batch.Count() == 0) return {};
  const rocksdb::Status status = database_.write(rocksdb::WriteOptions(), batch);
  if (!status.ok()) return tl::unexpected(to_error(status, "pruning notes"));
  return {};
}

}  // namespace posthaste::queue
