// RocksStore does what MemoryStore does, whatever comes: random requests, restarts, slices of
// scans.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "lib/base/rng.h"
#include "tests/unit/queue/store_house.h"

namespace posthaste::queue {
namespace {

constexpr int kStepsPerSeed = 2000;
constexpr std::size_t kListedMax = 60;  // then settle rather than accept
constexpr NoteKind kKinds[] = {NoteKind::kTlsHost, NoteKind::kTlsShown, NoteKind::kStsPolicy,
                               NoteKind::kTlsReport};
constexpr ShardId kShardsUsed[] = {0, 1, 2, 511, 1022, 1023};

std::vector<std::string> comparable(const std::vector<StoreEvent>& events) {
  std::vector<std::string> lines;
  for (const StoreEvent& event : events) {
    if (!std::holds_alternative<GainedAll>(event)) lines.push_back(render(event));
  }
  return lines;
}

std::vector<std::string> history_words(const Store& store, MessageId id) {
  const auto events = store.history(id);
  if (!events) return {"error " + std::to_string(static_cast<int>(events.error().code))};
  std::vector<std::string> words;
  for (const mail::HistoryEvent& event : *events) words.push_back(event.words);
  return words;
}

// Keeps both stores, says the same to both, and compares what they answer.
class Pair {
 public:
  Pair(std::uint64_t seed, bool killed)
      : rng_(seed),
        model_(memory_house()),
        rocks_(killed ? killed_rocks_house() : closing_rocks_house()) {}

  void step() {
    const auto dice = rng_.below(1000);
    if (dice < 4) {
      restart();
    } else if (dice < 60) {
      gain(rng_.below(20));
    } else if (dice < 70) {
      prune();
    } else if (dice < 100) {
      compare_reads();
    } else {
      commit(random_batch());
    }
  }

  // Everything gets its fate; then nothing may be left.
  void drain() {
    while (gain(1000)) {
    }
    for (const auto& one : list_all(model_->store())) {
      commit({make_settle(one.pending.shard, one.id, {delivered(one.pending.recipient.number)})});
    }
    for (const MessageId id : std::set<MessageId>(arriving_)) commit({Abandon{id}});
    compare_reads();
    EXPECT_TRUE(list_all(rocks_->store()).empty());
  }

 private:
  void commit(std::vector<Request> batch) {
    std::vector<Request> copy = batch;
    std::vector<StoreEvent> wanted, got;
    model_->store().commit(batch, wanted);
    rocks_->store().commit(copy, got);
    ASSERT_EQ(comparable(got), comparable(wanted));
    for (const auto& accepted : only<Accepted>(wanted)) ids_.push_back(accepted.id);
    for (const auto& refused : only<Refused>(wanted)) arriving_.erase(refused.id);
  }

  bool gain(std::size_t records) {
    std::vector<StoreEvent> wanted, got;
    model_->store().gain(records, wanted);
    // It may take one slice more to find that nothing follows but what was accepted since.
    const bool more = rocks_->store().gain(records, got);
    EXPECT_EQ(comparable(got), comparable(wanted));
    gained_ = !more;
    return more;
  }

  void restart() {
    model_->restart();
    rocks_->restart();
    arriving_.clear();
    gained_ = false;
    millisecond_ += 10;
    EXPECT_GE(rocks_->store().last_id(), model_->store().last_id());
  }

  void prune() {
    EXPECT_TRUE(model_->store().prune_notes(now()));
    EXPECT_TRUE(rocks_->store().prune_notes(now()));
    const Instant before = id_at(millisecond_ - std::min<std::uint64_t>(millisecond_, 60)).time();
    EXPECT_TRUE(model_->store().prune_history(before));
    EXPECT_TRUE(rocks_->store().prune_history(before));
  }

  void compare_reads() {
    std::vector<std::string> wanted, got;
    for (const auto& one : list_all(model_->store())) wanted.push_back(render(one.pending));
    for (const auto& one : list_all(rocks_->store())) got.push_back(render(one.pending));
    ASSERT_EQ(got, wanted);
    for (const NoteKind kind : kKinds) {
      ASSERT_EQ(rendered_notes(rocks_->store(), kind, now()),
                rendered_notes(model_->store(), kind, now()));
    }
    if (ids_.empty()) return;
    for (int i = 0; i < 5; ++i) {
      const MessageId id = ids_[rng_.below(ids_.size())];
      // Until all shards are read, an ended message may still be kept for a recipient not yet seen.
      if (!gained_ && !model_->store().envelope(id)) continue;
      ASSERT_EQ(history_words(rocks_->store(), id), history_words(model_->store(), id));
      ASSERT_EQ(rocks_->store().envelope(id).value_or(mail::Envelope{}),
                model_->store().envelope(id).value_or(mail::Envelope{}));
      const auto chunk = static_cast<std::uint16_t>(rng_.below(3));
      const auto body = model_->store().body_chunk(id, chunk);
      const auto same = rocks_->store().body_chunk(id, chunk);
      ASSERT_EQ(same.has_value(), body.has_value());
      if (body) {
        ASSERT_EQ(**same, **body);
      }
    }
  }

  std::vector<Request> random_batch() {
    std::vector<Request> batch;
    // What the batch itself accepts is not yet listed, and so is not settled in it.
    const auto listed = list_all(model_->store());
    for (auto count = 1 + rng_.below(8); count > 0; --count) {
      const auto dice = rng_.below(100);
      if (dice < 35 && listed.size() < kListedMax) {
        add_accept(batch);
      } else if (dice < 40 && !arriving_.empty()) {
        const MessageId id = *arriving_.begin();
        arriving_.erase(id);
        batch.push_back(Abandon{id});
      } else if (dice < 50) {
        batch.push_back(random_load(listed));
      } else if (dice < 60) {
        batch.push_back(random_note());
      } else {
        batch.push_back(random_settle(listed));
      }
    }
    return batch;
  }

  Instant now() const { return id_at(millisecond_).time(); }

  Request random_note() {
    const NoteKind kind = kKinds[rng_.below(std::size(kKinds))];
    std::string key = "mx" + std::to_string(rng_.below(5));
    if (rng_.chance(0.3)) return DropNote{kind, std::move(key)};
    const Duration lasts = std::chrono::milliseconds(rng_.below(300));
    return Keep{kind, std::move(key), words(), now() + lasts};
  }

  MessageId next_id() { return id_at(++millisecond_); }

  Accept random_accept() {
    std::vector<To> to;
    const auto recipients = rng_.chance(0.5) ? 1 : 1 + rng_.below(6);
    for (std::uint64_t i = 0; i < recipients; ++i) {
      to.push_back(
          {kShardsUsed[rng_.below(std::size(kShardsUsed))], static_cast<std::uint16_t>(i)});
    }
    const std::size_t bytes =
        rng_.chance(0.1) ? mail::kChunkBytesMax + rng_.below(70000) : 1 + rng_.below(6000);
    Accept accept = make_accept(next_id(), to, bytes);
    if (rng_.chance(0.3)) {
      accept = with_wish(std::move(accept), static_cast<mail::TlsWish>(rng_.below(3)));
    }
    if (rng_.chance(0.7)) accept.history = event_of(mail::HistoryKind::kAccepted, words());
    return accept;
  }

  void add_accept(std::vector<Request>& batch) {
    Accept accept = random_accept();
    if (accept.chunks.size() > 1 && rng_.chance(0.8)) {
      const MessageId id = accept.envelope->id;
      for (Append& append : take_appends(accept)) batch.push_back(std::move(append));
      arriving_.insert(id);
      if (rng_.chance(0.3)) return;  // it comes to nothing
      if (rng_.chance(0.1)) batch.push_back(Abandon{id});
      arriving_.erase(id);
    }
    batch.push_back(std::move(accept));
  }

  std::string words() { return "words " + std::to_string(rng_.below(1000)); }

  Request random_load(const std::vector<ListedRecipient>& listed) {
    if (listed.empty()) return Load{1, 0, id_at(1), {0}, 0};
    const auto& one = listed[rng_.below(listed.size())];
    return Load{rng_.next(),
                one.pending.shard,
                one.id,
                {static_cast<std::uint16_t>(rng_.below(6)), one.pending.recipient.number},
                rng_.below(200000)};
  }

  Request random_settle(const std::vector<ListedRecipient>& listed) {
    if (listed.empty() || rng_.chance(0.03)) return make_settle(1, id_at(1), {delivered(0)});
    const auto& one = listed[rng_.below(listed.size())];
    Settle settle = make_settle(one.pending.shard, one.id, {});
    if (rng_.chance(0.03)) settle.shard = kShardsUsed[rng_.below(std::size(kShardsUsed))];
    for (auto count = rng_.chance(0.7) ? 1 : rng_.below(4); count > 0; --count) {
      settle.fates.push_back(random_fate(one.pending));
    }
    for (auto count = rng_.below(3); count > 0; --count) {
      settle.history.push_back(event_of(mail::HistoryKind::kDeferred, words()));
    }
    if (rng_.chance(0.1)) {
      settle.dsn = random_accept();
      settle.dsn->ticket = rng_.below(2);
    }
    return settle;
  }

  Fate random_fate(const mail::PendingRecipient& pending) {
    std::uint16_t number = pending.recipient.number;
    if (rng_.chance(0.3)) number = static_cast<std::uint16_t>(rng_.below(6));
    std::uint32_t revision = pending.progress.revision;
    if (rng_.chance(0.15)) revision = static_cast<std::uint32_t>(rng_.below(4));
    const auto dice = rng_.below(10);
    if (dice < 4) return deferred(number, revision, words());
    return dice < 8 ? delivered(number, revision) : bounced(number, revision);
  }

  Rng rng_;
  std::unique_ptr<StoreHouse> model_;
  std::unique_ptr<StoreHouse> rocks_;
  std::uint64_t millisecond_ = 100;
  std::vector<MessageId> ids_;
  std::set<MessageId> arriving_;
  bool gained_ = false;
};

class RandomOperations : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, RandomOperations, ::testing::Values(1, 2, 3, 4));

TEST_P(RandomOperations, LeaveRocksStoreAsTheyLeaveTheModel) {
  Pair pair(GetParam(), GetParam() % 2 == 0);
  const char* wanted = std::getenv("POSTHASTE_QUEUE_STEPS");  // for a soak
  const int steps = wanted != nullptr ? std::atoi(wanted) : kStepsPerSeed;
  for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    pair.step();
  }
  if (!::testing::Test::HasFailure()) pair.drain();
}

}  // namespace
}  // namespace posthaste::queue
