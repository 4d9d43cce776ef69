// Entries: what sts::Cache knows of each domain, found by name, by time and by how long it has not
// been used. For mta_sts_cache.cc only.
//
// Limits       are kept by the caller: erase(*surplus()) while there is one.
// Threads      none.
// Does not     ask, tell, read a clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "lib/base/names.h"
#include "lib/base/time.h"
#include "lib/policy/mta_sts_cache.h"

namespace posthaste::policy::sts {

struct Entry;
using EntryList = std::list<Entry>;
using EntryWakes = std::multimap<Instant, Entry*>;  // equal times in the order they were set

struct Entry {
  enum class Step : std::uint8_t { kIdle, kTxt, kFetch };

  Entry(RoutingDomain of, EntryList& in) : domain(std::move(of)), home(&in) {}
  bool held() const { return record && record->policy.mode != StsMode::kNone; }

  const RoutingDomain domain;

  std::optional<StsRecord> record;  // mode none too, so that it is not fetched again and again
  Instant expires;                  // of the record
  Instant refresh_at = kNever;      // it is renewed from here, wanted or not

  Step step = Step::kIdle;
  Instant step_until = kNever;  // then the answer is lost
  bool awaited = false;         // somebody waits for a Known
  Instant wait_until;           // and not longer; also of those who ask later in the same step
  std::string txt_id;           // what is being fetched
  Instant txt_expires;

  Instant asked;          // when TXT was asked last
  Instant ask_from;       // what it said is good until here
  Instant fetch_from;     // RFC 8461 §3.3
  unsigned failures = 0;  // of fetches, one after the other
  bool told = false;      // somebody has a Known that is still true
  std::string words;      // why there is no policy
  std::optional<Problem> problem;
  bool txt_failed = false;  // the last TXT question was not answered

  EntryList* home;  // for Entries: the list it stands in, and its place in time
  std::optional<EntryWakes::iterator> wake;
};

class Entries {
 public:
  Entries(std::size_t policies_max, std::size_t nones_max)
      : policies_max_(policies_max), nones_max_(nones_max) {}

  Entry* find(const RoutingDomain& domain) const;
  Entry& find_or_make(const RoutingDomain& domain);
  void erase(Entry& entry);

  // The entry has changed: puts it where it belongs now. `used`: by somebody who wants to know.
  void file(Entry& entry, bool used);
  // What has to go, as there are too many of its kind: the one that was not used for the longest
  // time. Null: nothing. What is being asked never has to.
  Entry* surplus();

  // When the first one wants to be looked at; kNever: none does.
  Instant earliest() const { return wakes_.empty() ? kNever : wakes_.begin()->first; }
  // REQUIRES earliest() != kNever.
  Entry& first() const { return *wakes_.begin()->second; }

  std::size_t policies() const { return policies_.size(); }
  std::size_t size() const { return index_.size(); }

 private:
  void set_wake(Entry& entry);

  const std::size_t policies_max_, nones_max_;
  EntryList policies_, nones_, asking_;  // most recently used first
  std::unordered_map<RoutingDomain, EntryList::iterator> index_;
  EntryWakes wakes_;
};

}  // namespace posthaste::policy::sts
