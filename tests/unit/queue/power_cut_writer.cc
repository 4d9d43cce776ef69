// Accepts and settles mail in the queue directory given, as fast as it can, until it is killed.
// Before and after each commit it says on standard output what it tries, and what was answered.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "lib/base/rng.h"
#include "tests/unit/queue/power_cut_story.h"

namespace posthaste::queue {
namespace {

constexpr std::size_t kPendingMax = 500;  // so that the queue does not outgrow its disk

class Writer {
 public:
  Writer(RocksStore& store, std::uint64_t seed)
      : store_(store), rng_(seed), millisecond_(store.last_id().value >> 22) {
    for (const Entry& entry : only<Entry>(gain_all(store, 1000))) {
      pending_.emplace_back(RecipientKey{entry.shard, entry.id, entry.number}, entry.revision);
    }
  }

  void live() {
    for (;;) {
      told_.clear();
      answers_.clear();
      std::vector<Request> batch;
      for (auto count = 1 + rng_.below(8); count > 0; --count) {
        if (!pending_.empty() && rng_.chance(pending_.size() < kPendingMax ? 0.6 : 0.9)) {
          add_settle(batch);
        } else {
          add_accept(batch);
        }
      }
      tell(told_);
      if (!answered(commit(store_, std::move(batch)))) std::exit(3);
      tell(answers_);
    }
  }

 private:
  using Pending = std::pair<RecipientKey, std::uint32_t>;  // and its revision

  static void tell(const std::string& lines) {
    for (std::size_t at = 0; at < lines.size();) {
      const ssize_t written = ::write(STDOUT_FILENO, lines.data() + at, lines.size() - at);
      if (written < 0) std::exit(4);
      at += static_cast<std::size_t>(written);
    }
  }

  void add_accept(std::vector<Request>& batch) {
    Accept message = story_message(id_at(++millisecond_));
    told_ += render(StoryLine{"try-accept", {0, message.envelope->id, 0}});
    answers_ += render(StoryLine{"did-accept", {0, message.envelope->id, 0}});
    if (message.chunks.size() > 1) {
      std::vector<Request> appends;
      for (Append& append : take_appends(message)) appends.push_back(std::move(append));
      if (rng_.chance(0.5)) {  // ahead of the batch, not synced: the batch's sync has to cover them
        if (!commit(store_, std::move(appends)).empty()) std::exit(3);
      } else {
        for (Request& append : appends) batch.push_back(std::move(append));
      }
    }
    batch.push_back(std::move(message));
  }

  void add_settle(std::vector<Request>& batch) {
    const std::size_t which = rng_.below(pending_.size());
    std::swap(pending_[which], pending_.back());
    const auto [who, revision] = pending_.back();
    pending_.pop_back();
    if (rng_.chance(0.3)) {
      batch.push_back(make_settle(who.shard, who.id, {deferred(who.number, revision)}));
      told_ += render(StoryLine{"try-defer", who, revision + 1});
      answers_ += render(StoryLine{"did-defer", who, revision + 1});
      return;
    }
    Settle settle = make_settle(who.shard, who.id, {});
    settle.history = {event_of(mail::HistoryKind::kDelivered, "250 ok")};
    std::uint64_t dsn = 0;
    if (rng_.chance(0.2)) {
      settle.fates = {bounced(who.number, revision)};
      settle.dsn = story_message(id_at(++millisecond_));
      dsn = settle.dsn->envelope->id.value;
    } else {
      settle.fates = {delivered(who.number)};
    }
    batch.push_back(std::move(settle));
    told_ += render(StoryLine{"try-end", who, dsn});
    answers_ += render(StoryLine{"did-end", who, dsn});
  }

  // False: something was refused, which nothing here should be.
  bool answered(const std::vector<StoreEvent>& events) {
    for (const StoreEvent& event : events) {
      if (const auto* arrived = std::get_if<Arrived>(&event)) {
        for (const auto& one : arrived->letter->recipients) {
          pending_.emplace_back(
              RecipientKey{arrived->shard, arrived->letter->envelope->id, one.recipient.number}, 0);
        }
      } else if (const auto* settled = std::get_if<Settled>(&event)) {
        for (const Fate& fate : settled->applied) {
          if (fate.kind != FateKind::kDeferred) continue;
          pending_.emplace_back(RecipientKey{settled->shard, settled->id, fate.number},
                                fate.progress.revision);
        }
      } else if (!std::holds_alternative<Accepted>(event)) {
        std::fprintf(stderr, "unexpected: %s\n", render(event).c_str());
        return false;
      }
    }
    return true;
  }

  RocksStore& store_;
  Rng rng_;
  std::uint64_t millisecond_;
  std::vector<Pending> pending_;
  std::string told_;
  std::string answers_;
};

}  // namespace
}  // namespace posthaste::queue

int main(int argc, char** argv) {
  using namespace posthaste::queue;
  if (argc != 3) return 2;
  auto store = RocksStore::open(story_options(argv[1]));
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().words.c_str());
    return 1;
  }
  Writer(**store, std::strtoull(argv[2], nullptr, 10)).live();
}
