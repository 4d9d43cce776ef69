// Cache: answers that are still good, negative ones and failures among them.
//
// Lifetime     one resolver. Threads: none.
// Limits       `entries_max` answers; the one that was asked for least recently goes first.
// Does not     read a clock, decide how long an answer is good (Answer::expires says so).
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <string>
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
  struct QuestionHash {
    std::size_t operator()(const Question& question) const noexcept {
      return std::hash<std::string>{}(question.name) ^
             static_cast<std::size_t>(question.type) * 0x9E3779B97F4A7C15U;
    }
  };

  const std::size_t entries_max_;
  std::list<Entry> entries_;  // the most recently asked one first
  std::unordered_map<Question, std::list<Entry>::iterator, QuestionHash> index_;
};

}  // namespace posthaste::dns
