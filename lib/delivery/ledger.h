// Ledger: what the worker has asked others to do and not yet heard of: letters to load, fates to
// store, questions. Each is answered once; nothing here is ever answered twice.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/delivery/batch.h"
#include "lib/dns/answer.h"

namespace posthaste::delivery {

// Batches that wait for their letter.
class Loads {
 public:
  void add(Batch& batch);
  // The batch that a loaded letter is for; null: none.
  Batch* take(MessageId id, const mail::Letter& letter);
  // The first batch that asked for this message from this shard; null: none.
  Batch* take_first(MessageId id, ShardId shard);
  std::size_t size() const { return count_; }

 private:
  Batch* remove(MessageId id, std::size_t index);
  std::unordered_map<MessageId, std::vector<Batch*>> by_id_;
  std::size_t count_ = 0;
};

// Recipients whose fate is decided and not yet durable.
class Unsettled {
 public:
  struct Fate {
    Destination* destination = nullptr;
    std::optional<Scheduled> next;      // set: it stays in the queue
    std::shared_ptr<SteerOrder> order;  // set: the operator wanted it so
  };
  // Of how many wants(destination, message id) is true.
  template <typename Wants>
  std::uint64_t count(const Wants& wants) const {
    std::uint64_t count = 0;
    for (const auto& [key, fate] : fates_) count += wants(*fate.destination, key.id) ? 1U : 0U;
    return count;
  }
  // REQUIRES that this recipient has no fate here yet: nobody is settled twice.
  void add(MessageId id, std::uint16_t number, Fate fate);
  std::optional<Fate> take(MessageId id, std::uint16_t number);
  std::size_t size() const { return fates_.size(); }

 private:
  struct Key {
    MessageId id;
    std::uint16_t number;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<MessageId>{}(key.id) ^ (key.number * std::size_t{0x9E3779B1});
    }
  };
  std::unordered_map<Key, Fate, Hash> fates_;
};

// Questions under way, each asked once for all destinations that want to know.
template <typename Asked>
class Pending {
 public:
  // True: nobody has asked this yet.
  bool add(const Asked& asked, Destination& destination) {
    auto& waiting = waiting_[asked];
    waiting.push_back(&destination);
    return waiting.size() == 1;
  }
  std::vector<Destination*> take(const Asked& asked) {
    const auto found = waiting_.extract(asked);
    return found.empty() ? std::vector<Destination*>() : std::move(found.mapped());
  }

 private:
  std::map<Asked, std::vector<Destination*>> waiting_;
};
using Questions = Pending<dns::Question>;
using StsQuestions = Pending<RoutingDomain>;

}  // namespace posthaste::delivery
