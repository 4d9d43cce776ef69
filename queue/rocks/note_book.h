// NoteBook: the notes in the "tls" column family.
//
// Lifetime     one store.
// Threads      keep(), drop() and prune() from the store thread, visit() from any.
// Limits       kPruneRecords looked at in one prune().
// Does not     write what it is asked to keep: it adds to the batch it is given.
#pragma once

#include <rocksdb/write_batch.h>

#include <cstddef>
#include <string>

#include "queue/rocks/database.h"
#include "queue/rocks/shelf.h"
#include "queue/store.h"

namespace posthaste::queue {

class NoteBook {
 public:
  static constexpr std::size_t kPruneRecords = 2'000;

  NoteBook(const Database& database, Shelf& shelf) : database_(database), shelf_(shelf) {}

  void keep(const Keep& keep, rocksdb::WriteBatch& batch);
  void drop(const DropNote& drop, rocksdb::WriteBatch& batch) const;

  // As Store::notes(). Leaves out what cannot be read.
  Status visit(NoteKind kind, Instant now, const NoteVisit& visit) const;
  // Goes on where the last call stopped. Also deletes what cannot be read, and says so.
  Status prune(Instant now);

 private:
  const Database& database_;
  Shelf& shelf_;
  std::string next_;  // key that prune() looks at next
  std::string scratch_;
};

}  // namespace posthaste::queue
