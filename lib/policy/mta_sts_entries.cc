#include "lib/policy/mta_sts_entries.h"

#include <algorithm>
#include <utility>

namespace posthaste::policy::sts {
namespace {

Instant wake_of(const Entry& entry) {
  Instant when = entry.step_until;
  if (entry.awaited) when = std::min(when, entry.wait_until);
  if (!entry.held()) return when;
  when = std::min(when, entry.expires);
  if (entry.step != Entry::Step::kIdle) return when;
  return std::min(when, std::max(entry.refresh_at, entry.fetch_from));
}

}  // namespace

Entry* Entries::find(const RoutingDomain& domain) const {
  const auto found = index_.find(domain);
  return found == index_.end() ? nullptr : &*found->second;
}

Entry& Entries::find_or_make(const RoutingDomain& domain) {
  if (Entry* const known = find(domain)) return *known;
  asking_.emplace_front(domain, asking_);
  index_.emplace(domain, asking_.begin());
  return asking_.front();
}

void Entries::erase(Entry& entry) {
  if (entry.wake) wakes_.erase(*entry.wake);
  const auto found = index_.find(entry.domain);
  const auto place = found->second;
  index_.erase(found);
  entry.home->erase(place);
}

void Entries::file(Entry& entry, bool used) {
  set_wake(entry);
  EntryList& without = entry.step == Entry::Step::kIdle ? nones_ : asking_;
  EntryList& to = entry.held() ? policies_ : without;
  if (&to == entry.home && !used) return;
  to.splice(to.begin(), *entry.home, index_.at(entry.domain));
  entry.home = &to;
}

Entry* Entries::surplus() {
  if (nones_.size() > nones_max_) return &nones_.back();
  if (policies_.size() > policies_max_) return &policies_.back();
  return nullptr;
}

void Entries::set_wake(Entry& entry) {
  const Instant when = wake_of(entry);
  EntryWakes::node_type node;
  if (entry.wake) {
    if ((*entry.wake)->first == when) return;
    node = wakes_.extract(*entry.wake);
    entry.wake.reset();
  }
  if (when == kNever) return;
  if (node.empty()) {
    entry.wake = wakes_.emplace(when, &entry);
  } else {  // used again: a change of mind allocates nothing
    node.key() = when;
    entry.wake = wakes_.insert(std::move(node));
  }
}

}  // namespace posthaste::policy::sts
