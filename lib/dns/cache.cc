#include "lib/dns/cache.h"

#include <utility>

namespace posthaste::dns {

const Answer* Cache::find(const Question& question, Instant now) {
  const auto found = index_.find(question);
  if (found == index_.end()) return nullptr;
  const auto entry = found->second;
  if (entry->answer.expires <= now) {
    entries_.erase(entry);
    index_.erase(found);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  return &entry->answer;
}

void Cache::put(const Question& question, Answer answer) {
  if (entries_max_ == 0) return;
  if (const auto found = index_.find(question); found != index_.end()) {
    found->second->answer = std::move(answer);
    entries_.splice(entries_.begin(), entries_, found->second);
    return;
  }
  if (entries_.size() == entries_max_) {
    index_.erase(entries_.back().question);
    entries_.pop_back();
  }
  entries_.push_front(Entry{question, std::move(answer)});
  index_.emplace(question, entries_.begin());
}

}  // namespace posthaste::dns
