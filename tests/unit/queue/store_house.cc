#include "tests/unit/queue/store_house.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "lib/base/check.h"

namespace posthaste::queue {
namespace {

namespace fs = std::filesystem;

class MemoryHouse final : public StoreHouse {
 public:
  Store& store() override { return *store_; }
  void restart() override { store_ = store_->crash(); }

 private:
  std::unique_ptr<MemoryStore> store_ = std::make_unique<MemoryStore>();
};

class RocksHouse final : public StoreHouse {
 public:
  explicit RocksHouse(bool killed) : killed_(killed) {
    next();
    open();
  }
  Store& store() override { return *store_; }
  void restart() override {
    const std::string before = dir_;
    if (killed_) {
      next();
      copy_directory(before, dir_);
    }
    store_.reset();
    if (killed_) fs::remove_all(before);
    open();
  }

 private:
  void next() {
    dir_ = parent_.path() + "/" + std::to_string(++life_);
    fs::create_directory(dir_);
  }
  void open() {
    auto opened = RocksStore::open(small_options(dir_));
    if (!opened) ADD_FAILURE() << opened.error().words;
    CHECK(opened.has_value());
    store_ = std::move(*opened);
  }

  TemporaryDirectory parent_;
  const bool killed_;
  int life_ = 0;
  std::string dir_;
  std::unique_ptr<RocksStore> store_;
};

using Listing = std::vector<std::tuple<std::string, std::uintmax_t, fs::file_time_type>>;

Listing listing(const std::string& dir) {
  Listing files;
  for (const auto& entry : fs::directory_iterator(dir)) {
    std::error_code gone;
    files.emplace_back(entry.path().string(), entry.file_size(gone), entry.last_write_time(gone));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  // In memory where there is such a file system: syncs cost nothing there, and only a power cut
  // could tell.
  std::error_code missing;
  const fs::path shared = "/dev/shm";
  const bool in_memory = fs::is_directory(shared, missing) && ::access(shared.c_str(), W_OK) == 0;
  const fs::path parent = in_memory ? shared : fs::temp_directory_path();
  std::string name = (parent / "posthaste-queue-XXXXXX").string();
  CHECK(::mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::unique_ptr<StoreHouse> memory_house() { return std::make_unique<MemoryHouse>(); }
std::unique_ptr<StoreHouse> closing_rocks_house() { return std::make_unique<RocksHouse>(false); }
std::unique_ptr<StoreHouse> killed_rocks_house() { return std::make_unique<RocksHouse>(true); }

RocksOptions small_options(std::string dir) {
  RocksOptions options;
  options.dir = std::move(dir);
  options.sync = false;
  options.min_free_space = 0;
  options.ballast_bytes = 0;
  options.body_memtable_bytes = 256 * 1024;
  options.record_memtable_bytes = 128 * 1024;
  return options;
}

void copy_directory(const std::string& from, const std::string& to) {
  for (Listing before; before != listing(from) || fs::is_empty(to);) {
    before = listing(from);
    fs::remove_all(to);
    fs::create_directory(to);
    for (const auto& [path, size, time] : before) {
      std::error_code gone;  // by a compaction; then we come again
      fs::copy_file(path, fs::path(to) / fs::path(path).filename(), gone);
    }
  }
  fs::remove(fs::path(to) / "LOCK");
}

MessageId id_at(std::uint64_t millisecond, std::uint64_t sequence) {
  return MessageId{millisecond << 22 | sequence};
}

mail::PendingRecipient recipient_to(To to) {
  mail::PendingRecipient pending;
  pending.shard = to.shard;
  pending.recipient.number = to.number;
  pending.recipient.address = mail::Mailbox::trusted("user" + std::to_string(to.number) + "@D" +
                                                     std::to_string(to.shard) + ".Example");
  pending.recipient.notify = mail::kNotifyFailure;
  pending.recipient.orcpt = "rfc822;alias@example.net";
  pending.progress.due = Instant(std::chrono::seconds(to.number));
  return pending;
}

Accept make_accept(MessageId id, const std::vector<To>& to, std::size_t body_bytes,
                   std::uint64_t ticket) {
  Accept accept;
  accept.ticket = ticket;
  for (std::size_t at = 0; at < body_bytes; at += mail::kChunkBytesMax) {
    std::string bytes(std::min(body_bytes - at, mail::kChunkBytesMax), 'x');
    const std::string mark = std::to_string(id.value) + "." + std::to_string(at);
    bytes.replace(0, std::min(mark.size(), bytes.size()), mark, 0, bytes.size());
    accept.chunks.push_back(std::make_shared<const std::string>(std::move(bytes)));
  }
  mail::Envelope envelope;
  envelope.id = id;
  envelope.sender = mail::Mailbox::trusted("sender@example.com");
  envelope.arrived = id.time();
  envelope.body_bytes = body_bytes;
  envelope.body_chunks = static_cast<std::uint16_t>(accept.chunks.size());
  envelope.recipients_total = static_cast<std::uint16_t>(to.size());
  envelope.submitter = "[127.0.0.1] client.example";
  accept.envelope = std::make_shared<const mail::Envelope>(std::move(envelope));
  for (const To& one : to) accept.recipients.push_back(recipient_to(one));
  return accept;
}

std::vector<Append> take_appends(Accept& accept) {
  CHECK(accept.chunks.size() > 1);
  std::vector<Append> appends;
  for (std::size_t i = 0; i + 1 < accept.chunks.size(); ++i) {
    appends.push_back(
        {accept.envelope->id, static_cast<std::uint16_t>(i), std::move(accept.chunks[i])});
  }
  accept.chunks.erase(accept.chunks.begin(), accept.chunks.end() - 1);
  return appends;
}

Accept with_wish(Accept accept, mail::TlsWish wish) {
  mail::Envelope envelope = *accept.envelope;
  envelope.tls_wish = wish;
  accept.envelope = std::make_shared<const mail::Envelope>(std::move(envelope));
  return accept;
}

mail::HistoryEvent event_of(mail::HistoryKind kind, std::string words) {
  mail::HistoryEvent event;
  event.kind = kind;
  event.words = std::move(words);
  return event;
}

Fate delivered(std::uint16_t number, std::uint32_t revision) {
  return Fate{number, FateKind::kDelivered, revision, {}};
}

Fate bounced(std::uint16_t number, std::uint32_t revision) {
  return Fate{number, FateKind::kBounced, revision, {}};
}

Fate deferred(std::uint16_t number, std::uint32_t revision, std::string words) {
  Fate fate{number, FateKind::kDeferred, revision, {}};
  fate.progress.revision = revision + 1;
  fate.progress.attempts = revision + 1;
  fate.progress.due = Instant(std::chrono::hours(revision + 1));
  fate.progress.retry_class = "greylist";
  fate.progress.last_host = "mx1.example.com[192.0.2.1]:25";
  fate.progress.last_words = std::move(words);
  return fate;
}

Settle make_settle(ShardId shard, MessageId id, std::vector<Fate> fates) {
  Settle settle;
  settle.shard = shard;
  settle.id = id;
  settle.fates = std::move(fates);
  return settle;
}

std::vector<StoreEvent> commit(Store& store, std::vector<Request> batch) {
  std::vector<StoreEvent> events;
  store.commit(batch, events);
  std::erase_if(events, [](const auto& event) { return std::holds_alternative<Gained>(event); });
  return events;
}

std::vector<StoreEvent> commit_one(Store& store, Request request) {
  std::vector<Request> batch;
  batch.push_back(std::move(request));
  return commit(store, std::move(batch));
}

std::vector<StoreEvent> gain_all(Store& store, std::size_t records) {
  std::vector<StoreEvent> events;
  while (store.gain(records, events)) {
  }
  return events;
}

std::vector<std::string> rendered_notes(const Store& store, NoteKind kind, Instant now) {
  std::vector<std::string> lines;
  const auto add = [&](const std::string& key, const std::string& value, Instant expires) {
    lines.push_back(key + "=" + value + " until " +
                    std::to_string(expires.time_since_epoch().count()));
  };
  CHECK(store.notes(kind, now, add).has_value());
  return lines;
}

std::vector<ListedRecipient> list_all(const Store& store) {
  std::vector<ListedRecipient> all;
  std::optional<ListCursor> cursor = ListCursor{};
  while (cursor) {
    auto next = store.list(*cursor, 5, all);
    CHECK(next.has_value());
    cursor = *next;
  }
  return all;
}

}  // namespace posthaste::queue
