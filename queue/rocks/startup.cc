#include "queue/rocks/startup.h"

#include <rocksdb/write_batch.h>

#include <charconv>
#include <functional>
#include <optional>
#include <string>

#include "queue/rocks/keys.h"

namespace posthaste::queue {
namespace {

// A decimal number in the default family; 0 when there is none.
Result<std::uint64_t> read_number(const Database& database, std::string_view key) {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = database.get(Family::kDefault, key, value);
  if (status.IsNotFound()) return 0;
  if (!status.ok()) {
    return tl::unexpected(to_error(status, "reading \"" + std::string(key) + "\" of the queue"));
  }
  std::uint64_t number = 0;
  const char* end = value.data() + value.size();
  const auto [at, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc{} || at != end || number == 0) {
    return fail(ErrorCode::kCorrupt, "\"" + std::string(key) + "\" of the queue is no number");
  }
  return number;
}

bool has_messages(const Database& database) {
  for (const Family family : {Family::kRcpt, Family::kMsg}) {
    const auto records = database.iterate(family);
    records->SeekToFirst();
    if (records->Valid()) return true;
  }
  return false;
}

// Returns the schema that was found; 0: the queue is new.
Result<std::uint64_t> check_schema(const Database& database, const std::string& dir) {
  Result<std::uint64_t> schema = read_number(database, kSchemaKey);
  if (!schema) return schema;
  if (*schema > kSchema) return tl::unexpected(newer_schema(dir, *schema).error());
  if (*schema == 0 && has_messages(database)) {
    return fail(ErrorCode::kCorrupt,
                "the queue in " + dir + " holds messages but not the version of their format");
  }
  return schema;
}

// Older records are read as they are; only the number has to change before the first newer one.
void say_migrated(const RocksOptions& options, std::uint64_t from) {
  if (!options.log) return;
  options.log(LogLevel::kInfo, "the queue in " + options.dir + " was of format " +
                                   std::to_string(from) + " and is of format " +
                                   std::to_string(kSchema) +
                                   " from now on: an older version can no longer open it");
}

// Calls `visit` with what follows the prefix in each key that has it, and with the value.
Status for_each(const Database& database, std::string_view prefix,
                const std::function<void(std::string_view, std::string_view)>& visit) {
  const auto keys = database.iterate(Family::kDefault);
  for (keys->Seek(slice(prefix)); keys->Valid() && keys->key().starts_with(slice(prefix));
       keys->Next()) {
    visit(view(keys->key()).substr(prefix.size()), view(keys->value()));
  }
  if (keys->status().ok()) return {};
  return tl::unexpected(to_error(keys->status(), "reading the queue's default column family"));
}

Status read_last_id(const Database& database, Ledger& ledger) {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = database.get(Family::kDefault, kLastIdKey, value);
  if (status.IsNotFound()) return {};
  if (!status.ok()) return tl::unexpected(to_error(status, "reading \"last_id\" of the queue"));
  const std::optional<MessageId> id = parse_message_key(view(value));
  if (!id) return fail(ErrorCode::kCorrupt, "\"last_id\" of the queue is no message id");
  ledger.raise_last_id(*id);
  return {};
}

// A crash may have left chunks of messages that were never accepted. How many is not known and not
// looked up, as that would read them: the range of the id goes.
Status remove_orphans(const Database& database, Ledger& ledger, rocksdb::WriteBatch& batch) {
  return for_each(database, kArrivingPrefix, [&](std::string_view key, std::string_view) {
    batch.Delete(database.family(Family::kDefault), prefixed(kArrivingPrefix, key));
    const std::optional<MessageId> id = parse_message_key(key);
    if (!id) return;
    ledger.raise_last_id(*id);
    const auto first = message_key(*id);
    const auto last = message_key(MessageId{id->value + 1});
    batch.DeleteRange(database.family(Family::kBody), slice(first.view()), slice(last.view()));
  });
}

Status begin_ledger(const Database& database, Ledger& ledger) {
  const auto ended = [&](std::string_view key, std::string_view value) {
    const std::optional<MessageId> id = parse_message_key(key);
    const std::optional<std::uint16_t> chunks = parse_chunks_value(value);
    if (!id || !chunks || id->value == 0) return;
    ledger.set_live(*id, Live{.chunks = *chunks});
    ledger.note_perhaps_ended(*id);
  };
  const auto shelved = [&](std::string_view key, std::string_view) {
    const std::optional<RecipientKey> recipient = parse_recipient_key(key);
    if (recipient && recipient->id.value != 0) ledger.hold(recipient->id);
  };
  if (Status read = for_each(database, kEndedPrefix, ended); !read) return read;
  return for_each(database, kCorruptRecipientPrefix, shelved);
}

}  // namespace

Status newer_schema(const std::string& dir, std::uint64_t schema) {
  return fail(ErrorCode::kUnsupported, "the queue in " + dir +
                                           " was written by a newer version (format " +
                                           std::to_string(schema) + ", this one reads " +
                                           std::to_string(kSchema) + "); nothing was changed");
}

Result<std::uint64_t> start_up(const Database& database, const RocksOptions& options,
                               Ledger& ledger) {
  const Result<std::uint64_t> schema = check_schema(database, options.dir);
  if (!schema) return schema;
  Result<std::uint64_t> epoch = read_number(database, kEpochKey);
  if (!epoch) return epoch;
  if (Status ok = read_last_id(database, ledger); !ok) return tl::unexpected(ok.error());
  rocksdb::WriteBatch batch;
  if (Status ok = remove_orphans(database, ledger, batch); !ok) return tl::unexpected(ok.error());
  if (Status ok = begin_ledger(database, ledger); !ok) return tl::unexpected(ok.error());

  ++*epoch;
  rocksdb::ColumnFamilyHandle* family = database.family(Family::kDefault);
  batch.Put(family, slice(kSchemaKey), std::to_string(kSchema));
  batch.Put(family, slice(kEpochKey), std::to_string(*epoch));
  batch.Put(family, slice(kLastIdKey), slice(message_key(ledger.last_id()).view()));
  rocksdb::WriteOptions write;
  write.sync = options.sync || *schema != kSchema;
  if (const auto status = database.write(write, batch); !status.ok()) {
    return tl::unexpected(to_error(status, "writing to the queue in " + options.dir));
  }
  ledger.keep();
  if (*schema != 0 && *schema != kSchema) say_migrated(options, *schema);
  return epoch;
}

}  // namespace posthaste::queue
