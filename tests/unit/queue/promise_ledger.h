// PromiseLedger: what a store was asked and what it answered, and so what has to be in the queue
// after any power cut: what was answered, all of it; what was not, as a whole or not at all.
//
// Lifetime     one queue, over all its power cuts.
// Threads      none: one thread at a time.
// Does not     ask the store by itself, but to look at it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/base/rng.h"
#include "tests/unit/queue/store_house.h"

namespace posthaste::queue {

class PromiseLedger {
 public:
  explicit PromiseLedger(std::uint64_t seed) : rng_(seed) {}

  // Some requests, and then what was said to them. After a cut nothing is said any more, though
  // commit() may have answered.
  std::vector<Request> next_batch();
  void on_answers(const std::vector<StoreEvent>& events);

  // Compares the store with what was answered. Each line is a broken promise.
  std::vector<std::string> broken_now(const Store& store) const;
  // The same after a power cut, for a store that has gained all; from then on, what was found
  // counts. `entries`: of gaining.
  std::vector<std::string> broken_after_cut(Store& store, const std::vector<Entry>& entries);
  // What ends all that is there.
  std::vector<Request> end_of_all() const;

  std::uint64_t answered() const { return answered_; }

 private:
  struct Waiting {
    std::uint32_t revision = 0;
    std::uint64_t unanswered = 0;  // the Settle in settles_ that concerns it; 0: none
  };
  struct Message {
    bool answered = false;
    std::vector<To> to;
    std::size_t body_bytes = 0;
    std::map<std::uint16_t, Waiting> waiting;  // by number; ended ones are gone
  };
  using Listed = std::map<MessageId, std::map<std::uint16_t, mail::PendingRecipient>>;
  using Lines = std::vector<std::string>;

  Accept new_mail();
  std::optional<Settle> new_settle();
  void ask_notes(std::vector<Request>& batch);
  void on_settled(const Settled& settled);
  ShardId shard_of(const Message& message, std::uint16_t number) const;

  void check_message(MessageId id, const Message& message, const Listed& listed,
                     Lines& broken) const;
  void check_recipient(MessageId id, std::uint16_t number, const Waiting& waiting,
                       const mail::PendingRecipient* found, Lines& broken) const;
  void check_bounces(const Listed& listed, Lines& broken) const;
  void check_content(Store& store, const Listed& listed, Lines& broken) const;
  void check_notes(const Store& store, Lines& broken) const;
  void adopt(const Listed& listed, const Store& store);
  static Listed listed(const Store& store);
  static std::map<std::string, std::string> suspensions(const Store& store);

  Rng rng_;
  std::uint64_t last_millisecond_ = 1000;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t answered_ = 0;
  std::map<MessageId, Message> messages_;
  std::map<std::uint64_t, Settle> settles_;  // that were not answered yet, by a number of ours
  std::map<std::string, std::string> notes_;
  std::map<std::uint64_t, Request> asked_notes_;             // by ticket
  std::map<std::string, std::set<std::string>> may_be_now_;  // values of notes not answered
};

}  // namespace posthaste::queue
