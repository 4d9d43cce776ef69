// LapsingMap: values that lapse, by key, never more than so many: the one that lapses first goes.
//
// Lifetime     moved, never copied. A pointer that find() gave is good until the next change.
// Threads      none: one thread at a time.
// Does not     read a clock, or drop what has lapsed by itself: its owner does, by first().
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <utility>

#include "lib/base/time.h"

namespace posthaste::policy {

// REQUIRES Value to have an `Instant expires`.
template <typename Key, typename Value>
class LapsingMap {
 public:
  LapsingMap() = default;
  LapsingMap(LapsingMap&&) noexcept = default;
  LapsingMap& operator=(LapsingMap&&) noexcept = default;
  LapsingMap(const LapsingMap&) = delete;
  LapsingMap& operator=(const LapsingMap&) = delete;

  const Value* find(const Key& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }
  void set(const Key& key, const Value& value) {
    const auto [place, added] = values_.try_emplace(key, value);
    if (!added) {
      by_expiry_.erase({place->second.expires, &place->first});
      place->second = value;
    }
    by_expiry_.insert({value.expires, &place->first});
  }
  bool erase(const Key& key) {
    const auto found = values_.find(key);
    if (found == values_.end()) return false;
    by_expiry_.erase({found->second.expires, &found->first});
    values_.erase(found);
    return true;
  }
  // The one that lapses first. REQUIRES size() > 0.
  const Key& first() const { return *by_expiry_.begin()->second; }
  Instant first_expiry() const { return by_expiry_.empty() ? kNever : by_expiry_.begin()->first; }
  std::size_t size() const { return values_.size(); }

  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }

 private:
  // By the key itself where two lapse together: addresses of memory would differ from run to run.
  struct Sooner {
    bool operator()(const std::pair<Instant, const Key*>& a,
                    const std::pair<Instant, const Key*>& b) const {
      return a.first != b.first ? a.first < b.first : *a.second < *b.second;
    }
  };

  std::map<Key, Value> values_;
  // Keys of `values_`, which stay where they are.
  std::set<std::pair<Instant, const Key*>, Sooner> by_expiry_;
};

}  // namespace posthaste::policy
