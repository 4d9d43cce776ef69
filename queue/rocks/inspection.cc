#include "queue/rocks/inspection.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "lib/base/check.h"
#include "queue/record.h"
#include "queue/rocks/census.h"
#include "queue/rocks/database.h"
#include "queue/rocks/keys.h"
#include "queue/rocks/startup.h"

namespace posthaste::queue {
namespace {

constexpr std::uint64_t kProgressEvery = 4096;
constexpr std::size_t kReadaheadBytes = std::size_t{1} << 20;

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text.push_back(kDigits[static_cast<std::uint8_t>(byte) >> 4]);
    text.push_back(kDigits[static_cast<std::uint8_t>(byte) & 15U]);
  }
  return text;
}

// The first eight bytes of a key as a number: where in its family it stands.
std::uint64_t place_of(std::string_view key) {
  std::uint64_t place = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    place = place << 8 | (i < key.size() ? static_cast<std::uint8_t>(key[i]) : 0U);
  }
  return place;
}

class Inspector {
 public:
  Inspector(const Database& database, const std::string& directory,
            const InspectionProgress& progress)
      : database_(database), directory_(directory), progress_(progress) {}

  Result<QueueReport> inspect();

 private:
  using Visit = std::function<void(std::string_view key, std::string_view value)>;

  Status read_default();
  void read_default(std::string_view key, std::string_view value);
  std::uint64_t number(std::string_view key, std::string_view value);
  void read_recipient(std::string_view key, std::string_view value);
  void read_envelope(std::string_view key, std::string_view value);
  void read_chunk(std::string_view key, std::string_view value);
  void read_history(std::string_view key, std::string_view value);
  void read_note(std::string_view key, std::string_view value);

  bool each(Family family, const char* name, const char* what, const Visit& visit);
  std::unique_ptr<rocksdb::Iterator> leap(Family family, std::uint64_t from) const;
  std::uint64_t files_bytes() const;
  void corrupt(const char* family, std::string_view key, std::string words);
  std::unique_ptr<rocksdb::Iterator> iterate(Family family) const;

  const Database& database_;
  const std::string& directory_;
  const InspectionProgress& progress_;
  QueueReport report_;
  Census census_{report_};
  MessageId last_id_;
  MessageId highest_;
  bool changed_ = false;  // a file was deleted by the daemon that uses the queue
};

Result<QueueReport> Inspector::inspect() {
  if (Status read = read_default(); !read) return tl::unexpected(std::move(read.error()));
  const auto reader = [this](void (Inspector::*read)(std::string_view, std::string_view)) {
    return
        [this, read](std::string_view key, std::string_view value) { (this->*read)(key, value); };
  };
  if (!each(Family::kRcpt, "rcpt", "recipients", reader(&Inspector::read_recipient))) {
    census_.lost_recipients();
  }
  census_.end_recipients();
  if (!each(Family::kMsg, "msg", "envelopes", reader(&Inspector::read_envelope))) {
    census_.lost_envelopes();
  }
  census_.end_envelopes();
  if (!each(Family::kBody, "body", "bodies", reader(&Inspector::read_chunk))) {
    census_.lost_bodies();
  }
  census_.end_bodies();
  each(Family::kEvent, "event", "history", reader(&Inspector::read_history));
  each(Family::kTls, "tls", "notes", reader(&Inspector::read_note));
  if (changed_) {
    return fail(ErrorCode::kBusy,
                "the queue was tidied up while it was read; make a backup, and check that");
  }
  report_.files_bytes = files_bytes();
  if (highest_ > last_id_) {
    census_.add(ProblemKind::kCountsDisagree, render_id(highest_),
                "is above the highest id that was given, " + render_id(last_id_));
  }
  return std::move(report_);
}

std::uint64_t Inspector::files_bytes() const {
  std::vector<rocksdb::Env::FileAttributes> files;
  database_.db().GetEnv()->GetChildrenFileAttributes(directory_, &files).PermitUncheckedError();
  std::uint64_t bytes = 0;
  for (const auto& file : files) bytes += file.size_bytes;
  return bytes;
}

// ---- one family ---------------------------------------------------------------------------------

std::unique_ptr<rocksdb::Iterator> Inspector::iterate(Family family) const {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = kReadaheadBytes;
  return std::unique_ptr<rocksdb::Iterator>(
      database_.db().NewIterator(options, database_.family(family)));
}

// Visits all that can be read. False: not all can.
bool Inspector::each(Family family, const char* name, const char* what, const Visit& visit) {
  auto records = iterate(family);
  std::uint64_t read = 0;
  std::uint64_t place = 0;
  bool whole = true;
  records->SeekToFirst();
  while (true) {
    for (; records->Valid(); records->Next()) {
      place = place_of(view(records->key()));
      visit(view(records->key()), view(records->value()));
      if (++read % kProgressEvery == 0 && progress_) progress_(what, read);
    }
    const rocksdb::Status why = records->status();
    if (why.ok()) break;
    whole = false;
    if (why.ToString().find("No such file") != std::string::npos) changed_ = true;
    records = leap(family, place);
    const std::string until = records ? hexadecimal(view(records->key())) : "the end";
    census_.add(ProblemKind::kUnreadable,
                name + ("/" + hexadecimal(message_key(MessageId{place}).view())),
                "cannot be read from here to " + until + ": " + why.ToString());
    if (!records) break;
  }
  if (progress_) progress_(what, read);
  return whole;
}

// The first record behind a damaged place, looked for ever further ahead; null: there is none.
std::unique_ptr<rocksdb::Iterator> Inspector::leap(Family family, std::uint64_t from) const {
  for (std::uint64_t step = 1; from <= std::numeric_limits<std::uint64_t>::max() - step;
       step *= 2) {
    from += step;
    auto records = iterate(family);
    records->Seek(slice(message_key(MessageId{from}).view()));
    if (records->Valid()) return records;
    if (records->status().ok()) break;
  }
  return nullptr;
}

void Inspector::corrupt(const char* family, std::string_view key, std::string words) {
  census_.add(ProblemKind::kCorrupt, family + ("/" + hexadecimal(key)), std::move(words));
}

// ---- their records ------------------------------------------------------------------------------

Status Inspector::read_default() {
  each(Family::kDefault, "default", "the queue's own",
       [this](std::string_view key, std::string_view value) { read_default(key, value); });
  if (report_.schema > kSchema) return newer_schema(directory_, report_.schema);
  return {};
}

void Inspector::read_default(std::string_view key, std::string_view value) {
  const auto begins = [key](std::string_view prefix) { return key.starts_with(prefix); };
  if (key == kSchemaKey) report_.schema = number(key, value);
  if (key == kEpochKey) report_.epoch = number(key, value);
  if (key == kLastIdKey) {
    const auto id = parse_message_key(value);
    if (!id) return corrupt("default", key, "the highest id that was given is no id");
    last_id_ = *id;
  } else if (begins(kArrivingPrefix)) {
    const auto id = parse_message_key(key.substr(kArrivingPrefix.size()));
    if (id) census_.expect_arriving(*id);
    ++report_.arriving;
  } else if (begins(kEndedPrefix)) {
    const auto id = parse_message_key(key.substr(kEndedPrefix.size()));
    if (id) census_.expect_without_recipient(*id);
  } else if (begins(kCorruptRecipientPrefix)) {
    const auto recipient = parse_recipient_key(key.substr(kCorruptRecipientPrefix.size()));
    if (recipient) census_.expect_without_recipient(recipient->id);
    ++report_.set_aside;
  } else if (begins(kCorruptMessagePrefix)) {
    const auto id = parse_message_key(key.substr(kCorruptMessagePrefix.size()));
    if (id) census_.expect_without_recipient(*id);
    ++report_.set_aside;
  }
}

std::uint64_t Inspector::number(std::string_view key, std::string_view value) {
  std::uint64_t number = 0;
  const char* end = value.data() + value.size();
  const auto [at, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc{} || at != end) corrupt("default", key, "is no number");
  return number;
}

void Inspector::read_recipient(std::string_view key, std::string_view value) {
  const std::optional<RecipientKey> recipient = parse_recipient_key(key);
  if (!recipient) return corrupt("rcpt", key, "its key is none");
  const Result<RecipientRecord> record =
      decode_recipient(recipient->shard, recipient->number, value);
  if (!record) {
    census_.expect_without_recipient(recipient->id);
    return corrupt("rcpt", key, record.error().words);
  }
  ++(record->pending.progress.held ? report_.held : report_.waiting);
  highest_ = std::max(highest_, recipient->id);
  census_.count_recipient(recipient->id, record->message);
}

void Inspector::read_envelope(std::string_view key, std::string_view value) {
  const std::optional<MessageId> id = parse_message_key(key);
  if (!id) return corrupt("msg", key, "its key is none");
  ++report_.messages;
  highest_ = std::max(highest_, *id);
  const Result<mail::Envelope> envelope = decode_envelope(*id, value);
  if (envelope) return census_.count_envelope(*envelope);
  corrupt("msg", key, envelope.error().words);
  census_.count_unreadable_envelope(*id);
}

void Inspector::read_chunk(std::string_view key, std::string_view value) {
  const auto place = parse_body_key(key);
  if (!place) return corrupt("body", key, "its key is none");
  report_.bodies_bytes += value.size();
  census_.count_chunk(place->first, place->second, value.size());
}

void Inspector::read_history(std::string_view key, std::string_view value) {
  std::vector<mail::HistoryEvent> events;
  const Status decoded = decode_history(value, events);
  report_.history_events += events.size();
  if (!decoded) corrupt("event", key, decoded.error().words);
}

void Inspector::read_note(std::string_view key, std::string_view value) {
  ++report_.notes;
  const Result<NoteRecord> note = decode_note(value);
  if (!note) corrupt("tls", key, note.error().words);
}

}  // namespace

std::string_view name(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::kUnreadable: return "unreadable";
    case ProblemKind::kCorrupt: return "corrupt";
    case ProblemKind::kNoEnvelope: return "no_envelope";
    case ProblemKind::kNoBody: return "no_body";
    case ProblemKind::kStrayEnvelope: return "stray_envelope";
    case ProblemKind::kStrayBody: return "stray_body";
    case ProblemKind::kCountsDisagree: return "counts_disagree";
  }
  check_failed(__FILE__, __LINE__, "a known ProblemKind");
}

Result<QueueReport> inspect_queue(const std::string& directory,
                                  const InspectionProgress& progress) {
  RocksOptions options;
  options.dir = directory;
  return inspect_queue(options, progress);
}

Result<QueueReport> inspect_queue(const RocksOptions& options, const InspectionProgress& progress) {
  auto database = Database::open_to_read(options);
  if (!database) return tl::unexpected(std::move(database.error()));
  return Inspector(**database, options.dir, progress).inspect();
}

}  // namespace posthaste::queue
