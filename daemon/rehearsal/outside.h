// Outside: what a process of ours stands in: DNS, mail hosts, MTA-STS policies, and its disk.
//
// Lifetime     the run's; outlives every process of ours.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/rehearsal/link.h"
#include "daemon/rehearsal/peer.h"
#include "lib/delivery/action.h"
#include "lib/policy/mta_sts.h"
#include "queue/memory_store.h"

namespace posthaste::rehearsal {

struct Called {
  std::shared_ptr<Link> link;
  std::shared_ptr<Peer> peer;
};

class Outside {
 public:
  virtual ~Outside() = default;
  // Answers once, sooner or later.
  virtual void look_up(const dns::Question& question, std::function<void(dns::Answer)> answer) = 0;
  // Answers with the connection, or with words and no link. May never answer.
  virtual void call(const delivery::Connect& connect,
                    std::function<void(Called, std::string)> answer) = 0;
  // As the domain has it at that moment.
  virtual std::optional<policy::StsPolicy> sts_of(const RoutingDomain& domain) = 0;
  // Asked for each message that is read: it cannot be just now.
  virtual bool read_fails() { return false; }
  // Asked before each commit.
  virtual std::optional<queue::MemoryStore::Trouble> disk_trouble() { return std::nullopt; }
};

}  // namespace posthaste::rehearsal
