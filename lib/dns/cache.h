// Cache: answers that are still good, negative ones and failures among them.
//
// Lifetime     one resolver. Threads: none.
// Limits       `entries_max` answers; the one that was asked for least recently goes first.
// Does not     read a clock, decide how long an answer is good (Answer::expires says so).
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>

#include "lib/base/time.h"
#include "lib/dns/answer.h"

namespace posthaste::dns {

class Cache {
 public:
  // 0 entries: remembers nothing.
  explicit Cache(std::size_t entries_max) : entries_max_(entries_max) {}

  // Null: unknown or no longer good. Valid until the next put().
  const Answer* find(const Question& question, Instant now);
  // Replaces what was known.
  void put(const Question& question, Answer answer);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Question question;
    Answer answer;
  };
  const std::size_t entries_max_;
  std::list<Entry> entries_;  // the most recently asked one first
  std::unordered_map<Question, std::list<Entry>::iterator> index_;
};

}  // namespace posthaste::dns
